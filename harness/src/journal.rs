//! The journal of a run: a line for each finished case, so that a run that was killed goes on where it was.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::report::{Case, Device, Options};

/// The first line: what the run was asked for. A run is gone on with only if it is asked for the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The form of the journal.
    pub journal: u32,
    /// The version of roamproof.
    pub version: String,
    /// `lab` or `live`.
    pub arm: String,
    /// What fixed the random draws of the first round.
    pub seed: u64,
    /// What the subjects were told to do wrong.
    pub misdeeds: Vec<String>,
    /// The device under test.
    pub device: Option<Device>,
    /// What was asked for.
    pub options: Options,
    /// The purposes of one round, each with its version: `CL-RO-06 v1`.
    pub purposes: Vec<String>,
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

/// Why a run cannot go on from a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is not what it should be.
    #[error("line {line}: {error}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// There is not even a first line.
    #[error("it holds no first line")]
    Empty,
}

/// The file that holds it in the folder of a run.
pub const JOURNAL: &str = "journal.jsonl";

/// The form of journal that this program writes and reads.
pub const FORM: u32 = 1;

impl Journal {
    /// Begins a journal in `folder`.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn begin(folder: &Path, header: &Header) -> io::Result<Self> {
        let mut journal = Self { file: File::create(folder.join(JOURNAL))? };
        journal.write(header)?;
        Ok(journal)
    }

    /// Goes on with the journal in `folder`; what a killed run left of a line is cut off.
    ///
    /// # Errors
    ///
    /// Where it cannot be read or written, or is no journal.
    pub fn go_on(folder: &Path) -> Result<(Self, Header, Vec<Case>), JournalError> {
        let path = folder.join(JOURNAL);
        let text = std::fs::read(&path)?;
        let (header, cases, whole) = read(&text)?;
        let file = OpenOptions::new().append(true).open(&path)?;
        file.set_len(u64::try_from(whole).map_err(io::Error::other)?)?;
        Ok((Self { file }, header, cases))
    }

    /// Notes a finished case; it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn note(&mut self, case: &Case) -> io::Result<()> {
        self.write(case)
    }

    fn write(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }
}

/// The first line, the cases, and how many octets of `text` are whole lines.
///
/// # Errors
///
/// Where a whole line is not what it should be.
pub fn read(text: &[u8]) -> Result<(Header, Vec<Case>, usize), JournalError> {
    let whole = text.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
    let mut lines = (1..).zip(text[..whole].split_inclusive(|octet| *octet == b'\n'));
    let wrong = |line| move |error| JournalError::Line { line, error };
    let (line, first) = lines.next().ok_or(JournalError::Empty)?;
    let header = serde_json::from_slice(first).map_err(wrong(line))?;
    let cases = lines
        .map(|(line, octets)| serde_json::from_slice(octets).map_err(wrong(line)))
        .collect::<Result<_, _>>()?;
    Ok((header, cases, whole))
}

impl Header {
    /// The first thing in which `other` is not the same run, in a few words.
    #[must_use]
    pub fn differs_from(&self, other: &Self) -> Option<String> {
        let said = |name: &str, ours: &str, theirs: &str| format!("{name} {ours}, not {theirs}");
        if self.journal != other.journal || self.version != other.version {
            return Some(said("roamproof", &self.version, &other.version));
        }
        if self.arm != other.arm {
            return Some(said("the arm", &self.arm, &other.arm));
        }
        if self.seed != other.seed {
            return Some(said("seed", &self.seed.to_string(), &other.seed.to_string()));
        }
        if self.misdeeds != other.misdeeds {
            return Some("other misdeeds".to_owned());
        }
        if self.device != other.device {
            return Some("another device or profile".to_owned());
        }
        if self.options != other.options {
            return Some("other options".to_owned());
        }
        let missing = |one: &Self, two: &Self| {
            one.purposes.iter().find(|purpose| !two.purposes.contains(purpose)).cloned()
        };
        if let Some(purpose) = missing(self, other).or_else(|| missing(other, self)) {
            return Some(format!("another selection ({purpose} is in one of them only)"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::report::sample::case;
    use crate::verdict::Verdict;

    #[test]
    fn a_killed_run_leaves_whole_lines_and_perhaps_part_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(folder.path(), &header()).unwrap();
        journal.note(&case(Verdict::Pass)).unwrap();
        let path = folder.path().join(JOURNAL);
        let whole = std::fs::read(&path).unwrap();
        journal.note(&case(Verdict::Fail)).unwrap();
        let both = std::fs::read(&path).unwrap();
        for cut in whole.len()..both.len() {
            std::fs::write(&path, &both[..cut]).unwrap();
            let (mut journal, found, cases) = Journal::go_on(folder.path()).unwrap();
            assert_eq!((found, cases), (header(), vec![case(Verdict::Pass)]));
            journal.note(&case(Verdict::Fail)).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), both, "cut at {cut}");
        }
    }

    #[rstest]
    #[case::nothing("", "it holds no first line")]
    #[case::part_of_a_line("{\"journal\":1", "it holds no first line")]
    #[case::no_json("journal\n", "line 1: expected value")]
    #[case::another_document("{\"form\":1}\n", "line 1: unknown field `form`")]
    fn what_is_no_journal_is_refused(#[case] text: &str, #[case] expected: &str) {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[rstest]
    #[case::the_same(header(), None)]
    #[case::version(
        Header { version: "0.2.0".to_owned(), ..header() },
        Some("roamproof 0.1.0, not 0.2.0")
    )]
    #[case::arm(Header { arm: "live".to_owned(), ..header() }, Some("the arm lab, not live"))]
    #[case::seed(Header { seed: 8, ..header() }, Some("seed 7, not 8"))]
    #[case::misdeeds(
        Header { misdeeds: vec!["sleeps".to_owned()], ..header() },
        Some("other misdeeds")
    )]
    #[case::options(
        Header { options: Options { repeat: 2, ..Options::default() }, ..header() },
        Some("other options")
    )]
    #[case::a_purpose_of_another_version(
        Header { purposes: vec!["CL-RO-06 v2".to_owned()], ..header() },
        Some("another selection (CL-RO-06 v1 is in one of them only)")
    )]
    fn a_run_goes_on_only_as_it_began(#[case] other: Header, #[case] expected: Option<&str>) {
        assert_eq!(header().differs_from(&other).as_deref(), expected);
    }

    fn header() -> Header {
        Header {
            journal: FORM,
            version: "0.1.0".to_owned(),
            arm: "lab".to_owned(),
            seed: 7,
            misdeeds: Vec::new(),
            device: None,
            options: Options::default(),
            purposes: vec!["CL-RO-06 v1".to_owned()],
        }
    }
}
