//! What a run says of a purpose, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a run says of a purpose or a requirement.
///
/// The order is the order of weight: the heaviest of several stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// The device profile excludes it.
    #[serde(rename = "N-A")]
    NotApplicable,
    /// The user left it out.
    Skip,
    /// Observed and recorded; no level behind it.
    Info,
    /// All that was wanted was seen.
    Pass,
    /// A SHOULD or SHOULD NOT was not kept.
    Warn,
    /// It could not be found out.
    Inconc,
    /// A MUST or MUST NOT was broken, or the device died.
    Fail,
    /// The harness itself went wrong.
    Error,
}

impl Verdict {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "N-A",
            Self::Skip => "SKIP",
            Self::Info => "INFO",
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Inconc => "INCONC",
            Self::Fail => "FAIL",
            Self::Error => "ERROR",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Why a body ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The verdict that follows.
    pub verdict: Verdict,
    /// The sentence that was not so.
    pub clause: String,
    /// What was expected in it.
    pub expected: String,
    /// What was seen instead.
    pub seen: String,
    /// The captured frames that this rests on, by index.
    pub frames: Vec<usize>,
    /// Whether this host itself was too late to tell: another run may.
    pub late: bool,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clause, expected, seen, .. } = self;
        write!(f, "not so: {clause}; expected: {expected}; seen: {seen}")
    }
}

impl std::error::Error for Stop {}

#[cfg(test)]
mod tests {
    use super::*;

    /// ERROR > FAIL > INCONC > WARN > PASS.
    #[test]
    fn the_heaviest_verdict_stands() {
        use Verdict::{Error, Fail, Inconc, Pass, Warn};
        let mut all = [Warn, Error, Pass, Inconc, Fail];
        all.sort_by_key(|verdict| std::cmp::Reverse(*verdict));
        assert_eq!(all, [Error, Fail, Inconc, Warn, Pass]);
    }
}
