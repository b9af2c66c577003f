//! What a campaign leaves behind: a journal of numbers done, and the inputs that failed.
//!
//! ```text
//! DIR/journal.jsonl                a line for each batch, written when its findings are
//! DIR/findings/TARGET/NUMBER.bin   an input that fails, the first of its signature
//! DIR/findings/TARGET/NUMBER.min   what is left of it when it is cut
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use roamproof_fuzz::{Signature, Target};
use serde::{Deserialize, Serialize};

use super::worker::{Batch, How};
use crate::cli::Refusal;

/// A batch that was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The target.
    pub(crate) target: String,
    /// The number of its first input.
    pub(crate) from: u64,
    /// The number behind its last.
    pub(crate) next: u64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// What it found.
    pub(crate) found: Vec<Found>,
}

/// An input that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Its number.
    pub(crate) number: u64,
    /// Where and why.
    pub(crate) signature: String,
}

/// A campaign's folder.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    journal: File,
    /// How its inputs are made.
    how: How,
    /// What is in the journal.
    pub(crate) entries: Vec<Entry>,
}

impl Folder {
    /// Opens the folder of a campaign, new or begun.
    ///
    /// # Errors
    ///
    /// Where it is neither, or cannot be written.
    pub(crate) fn open(path: &Path, how: How) -> Result<Self, Refusal> {
        let unusable = |error: io::Error| crate::cli::folder::unusable(path, &error);
        fs::create_dir_all(path).map_err(unusable)?;
        let journal = path.join(JOURNAL);
        let others = fs::read_dir(path).map_err(unusable)?.next().is_some();
        if others && !journal.exists() {
            return Err(Refusal::usage(
                format!("{} is not empty, and no campaign's", path.display()),
                "name an empty folder, or one of a campaign to go on with",
            ));
        }
        let entries = if journal.exists() { entries(&journal)? } else { Vec::new() };
        let journal =
            OpenOptions::new().create(true).append(true).open(journal).map_err(unusable)?;
        Ok(Self { path: path.to_owned(), journal, how, entries })
    }

    /// The first number of a target that was not run yet.
    pub(crate) fn next(&self, target: &Target) -> u64 {
        let done = self.entries.iter().filter(|entry| entry.target == target.name);
        done.map(|entry| entry.next).max().unwrap_or_default()
    }

    /// Keeps what a batch found, then notes that it was run: killed in between, it is run again.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be written.
    pub(crate) fn keep(
        &mut self,
        target: &Target,
        from: u64,
        batch: &Batch,
        seconds: f64,
    ) -> io::Result<Vec<(PathBuf, Signature)>> {
        let mut files = Vec::new();
        for (number, signature) in &batch.found {
            if self.is_new(target, signature) && !files.iter().any(|(_, known)| known == signature)
            {
                let folder = self.path.join(FINDINGS).join(target.name);
                fs::create_dir_all(&folder)?;
                let file = folder.join(format!("{number}.bin"));
                write_whole(&file, &target.input(*number, !self.how.unstructured))?;
                files.push((file, signature.clone()));
            }
        }
        let found = batch
            .found
            .iter()
            .map(|(number, signature)| Found { number: *number, signature: signature.to_string() });
        let (target, found) = (target.name.to_owned(), found.collect());
        let entry = Entry { target, from, next: batch.next, seconds, found };
        writeln!(self.journal, "{}", serde_json::to_string(&entry)?)?;
        self.journal.sync_data()?;
        self.entries.push(entry);
        Ok(files)
    }

    fn is_new(&self, target: &Target, signature: &Signature) -> bool {
        let text = signature.to_string();
        let of_target = self.entries.iter().filter(|entry| entry.target == target.name);
        !of_target.flat_map(|entry| &entry.found).any(|found| found.signature == text)
    }
}

/// What a journal holds; a last line that was cut off by a death is left out.
///
/// # Errors
///
/// Where it cannot be read, or a line before the last is none of ours.
pub(crate) fn entries(journal: &Path) -> Result<Vec<Entry>, Refusal> {
    let unreadable = |what: String| {
        Refusal::usage(
            format!("{}: {what}", journal.display()),
            "name the folder of a campaign: `roamproof fuzz --out DIR` makes one",
        )
    };
    let file = File::open(journal).map_err(|error| unreadable(error.to_string()))?;
    let lines: Vec<String> = BufReader::new(file)
        .lines()
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(error.to_string()))?;
    let mut entries = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(entry) => entries.push(entry),
            Err(_) if index + 1 == lines.len() => {}
            Err(error) => return Err(unreadable(format!("line {}: {error}", index + 1))),
        }
    }
    Ok(entries)
}

/// The journal of a campaign's folder.
pub(crate) fn journal_of(folder: &Path) -> PathBuf {
    folder.join(JOURNAL)
}

/// Every finding below a folder, by target: that of a campaign, or one with folders called as targets.
///
/// # Errors
///
/// Where it cannot be read.
pub(crate) fn files(folder: &Path) -> Result<BTreeMap<&'static str, Vec<PathBuf>>, Refusal> {
    let root = folder.join(FINDINGS);
    let root = if root.is_dir() { root } else { folder.to_owned() };
    let mut files: BTreeMap<&'static str, Vec<PathBuf>> = BTreeMap::new();
    if !root.is_dir() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        return Err(crate::cli::folder::unusable(folder, &missing));
    }
    for target in roamproof_fuzz::TARGETS {
        let Ok(entries) = fs::read_dir(root.join(target.name)) else { continue };
        let mut paths: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|one| one.path()).collect();
        paths.retain(|path| path.is_file());
        paths.sort();
        files.insert(target.name, paths);
    }
    Ok(files)
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(file: &Path, octets: &[u8]) -> io::Result<()> {
    let half = file.with_extension("part");
    fs::write(&half, octets)?;
    fs::rename(half, file)
}

const JOURNAL: &str = "journal.jsonl";
const FINDINGS: &str = "findings";
