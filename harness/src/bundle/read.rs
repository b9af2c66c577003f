//! Reading a bundle back.

use std::fs;
use std::path::Path;

use super::{BundleError, CAPTURE, CASE, CLOCK, CaseFile, OUTPUT};
use crate::evidence::pcapng;
use crate::recording::{Note, Recording};
use crate::text;

/// A bundle in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Which purpose, how it was run, what came of it.
    pub case: CaseFile,
    /// What its body met.
    pub recording: Recording,
}

/// Whether a folder is the bundle of a case.
pub fn is_bundle(folder: &Path) -> bool {
    folder.join(CASE).is_file()
}

impl Bundle {
    /// Reads the bundle in `folder`.
    ///
    /// # Errors
    ///
    /// Where a file is missing, cannot be read or is not what it should be.
    pub fn read(folder: &Path) -> Result<Self, BundleError> {
        let path = folder.join(CASE);
        let case = CaseFile::read(&text(&path)?)
            .map_err(|what| BundleError::new(&path, what, ANOTHER_VERSION))?;
        let capture = pcapng::read_file(&folder.join(CAPTURE))?;
        let notes = notes(&folder.join(CLOCK))?;
        let output = output(&folder.join(OUTPUT));
        Ok(Self { case, recording: Recording { capture, notes, output } })
    }
}

fn notes(path: &Path) -> Result<Vec<Note>, BundleError> {
    let lines = text(path)?;
    let note = |(number, line): (usize, &str)| {
        Note::from_line(line)
            .map_err(|why| BundleError::new(path, format!("line {number}: {why}"), WHOLE))
    };
    (1..).zip(lines.lines()).map(note).collect()
}

/// What the subjects printed, by name; a bundle without it is judged all the same.
fn output(folder: &Path) -> Vec<(String, Vec<String>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut output: Vec<(String, Vec<String>)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_stem()?.to_str()?.to_owned();
            let lines = text(&path).ok()?.lines().map(str::to_owned).collect();
            Some((name, lines))
        })
        .collect();
    output.sort();
    output
}

fn text(path: &Path) -> Result<String, BundleError> {
    text::read(path, text::LEFT_OCTETS_MAX).map_err(|error| BundleError::new(path, error, WHOLE))
}

const WHOLE: &str = "name the folder of one case, whole, as `run --out` left it";
const ANOTHER_VERSION: &str = "judge it with the version of roamproof that wrote it";
