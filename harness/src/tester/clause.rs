//! Given, when, then: the sentence that a purpose is in decides what a failure in it means.

use std::time::Duration;

use crate::verdict::Verdict;

/// Which kind of sentence a purpose is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What must be so before anything can be judged: otherwise INCONC.
    Given,
    /// What the tester does: otherwise ERROR.
    When,
    /// What the requirement demands: otherwise FAIL.
    Then,
    /// What the requirement only recommends: otherwise WARN.
    Should,
}

/// One sentence of a purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Which kind.
    pub kind: Kind,
    /// The sentence.
    pub text: String,
    /// When the purpose came to it, since the start of the run.
    pub at: Duration,
    /// How many frames were captured before it.
    pub frames_before: usize,
}

impl Kind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::When => "when",
            Self::Then => "then",
            Self::Should => "should",
        }
    }

    /// What follows from a sentence of this kind that is not so.
    pub const fn otherwise(self) -> Verdict {
        match self {
            Self::Given => Verdict::Inconc,
            Self::When => Verdict::Error,
            Self::Then => Verdict::Fail,
            Self::Should => Verdict::Warn,
        }
    }
}
