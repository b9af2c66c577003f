//! What a run says of a purpose, and why.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::requirement::Level;

/// What a run says of a purpose or a requirement.
///
/// The order is the order of weight: the heaviest of several stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
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
    /// Every verdict, the lightest first.
    pub const ALL: [Self; 8] = [
        Self::NotApplicable,
        Self::Skip,
        Self::Info,
        Self::Pass,
        Self::Warn,
        Self::Inconc,
        Self::Fail,
        Self::Error,
    ];

    /// The verdict with this word.
    #[must_use]
    pub fn called(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }

    /// What a breach weighs where the most binding row that was judged is of `level`: breaking what
    /// only should or may be done fails nobody.
    #[must_use]
    pub const fn weighed(self, level: Level) -> Self {
        match self {
            Self::Fail => match level {
                Level::Must | Level::MustNot => Self::Fail,
                Level::Should | Level::ShouldNot => Self::Warn,
                Level::May | Level::Info => Self::Info,
            },
            Self::NotApplicable
            | Self::Skip
            | Self::Info
            | Self::Pass
            | Self::Warn
            | Self::Inconc
            | Self::Error => self,
        }
    }

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
    /// Whether the device died, or is not well any more.
    pub crashed: bool,
}

impl Stop {
    /// As it is where this host was late by so much in the course of the case: what was not seen in
    /// time, or came twice, may be the host's own doing.
    #[must_use]
    pub fn of_late(self, lateness: Duration) -> Self {
        match self.verdict {
            Verdict::Fail | Verdict::Inconc if !self.late => Self {
                verdict: Verdict::Inconc,
                late: true,
                seen: format!("{}; but this host was {lateness:?} late meanwhile", self.seen),
                ..self
            },
            Verdict::NotApplicable
            | Verdict::Skip
            | Verdict::Info
            | Verdict::Pass
            | Verdict::Warn
            | Verdict::Inconc
            | Verdict::Fail
            | Verdict::Error => self,
        }
    }

    /// As it is where the most binding row that was judged is of `level`.
    #[must_use]
    pub fn weighed(self, level: Level) -> Self {
        // What kills a device fails it, however binding the row is.
        let verdict = if self.crashed { self.verdict } else { self.verdict.weighed(level) };
        Self { verdict, ..self }
    }
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
    use rstest::rstest;

    use super::*;

    /// Every verdict of a body, under every level.
    #[rstest]
    #[case::must(Level::Must, "N-A SKIP INFO PASS WARN INCONC FAIL ERROR")]
    #[case::must_not(Level::MustNot, "N-A SKIP INFO PASS WARN INCONC FAIL ERROR")]
    #[case::should(Level::Should, "N-A SKIP INFO PASS WARN INCONC WARN ERROR")]
    #[case::should_not(Level::ShouldNot, "N-A SKIP INFO PASS WARN INCONC WARN ERROR")]
    #[case::may(Level::May, "N-A SKIP INFO PASS WARN INCONC INFO ERROR")]
    #[case::info(Level::Info, "N-A SKIP INFO PASS WARN INCONC INFO ERROR")]
    fn a_breach_weighs_what_its_level_says(#[case] level: Level, #[case] expected: &str) {
        let words = Verdict::ALL.map(|verdict| verdict.weighed(level).word());
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn a_verdict_is_found_by_its_word() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::called(verdict.word()), Some(verdict));
        }
        assert_eq!(Verdict::called("pass"), None);
    }

    /// ERROR > FAIL > INCONC > WARN > PASS.
    #[test]
    fn the_heaviest_verdict_stands() {
        use Verdict::{Error, Fail, Inconc, Pass, Warn};
        let mut all = [Warn, Error, Pass, Inconc, Fail];
        all.sort_by_key(|verdict| std::cmp::Reverse(*verdict));
        assert_eq!(all, [Error, Fail, Inconc, Warn, Pass]);
    }
}
