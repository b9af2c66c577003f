//! Reports: what came of a run, case by case. `result.json` is this; every other form derives from it.

mod case;
mod text;

pub use case::Case;
pub use text::{line, summary};

use std::path::PathBuf;

use serde::Serialize;

use crate::ExitCode;
use crate::verdict::Verdict;

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `lab` or `live`.
    pub arm: &'static str,
    /// What fixed the random draws of the first round.
    pub seed: u64,
    /// What the subjects were told to do wrong.
    pub misdeeds: Vec<String>,
    /// Whether a warning fails the run.
    pub strict: bool,
    /// Whether the run was ended before all cases had run.
    pub interrupted: bool,
    /// The cases in the order in which they were selected, round by round.
    pub cases: Vec<Case>,
    /// Where the evidence is, if it was kept; not told in `result.json`, which lies there.
    #[serde(skip)]
    pub evidence: Option<PathBuf>,
}

impl Report {
    /// What the shell is told.
    pub fn exit_code(&self) -> ExitCode {
        if self.interrupted {
            return ExitCode::Interrupted;
        }
        ExitCode::of_verdicts(self.cases.iter().map(|case| case.verdict), self.strict)
    }

    /// How many cases ended with `verdict`.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cases.iter().filter(|case| case.verdict == verdict).count()
    }
}
