//! Where a case stands for programs that know fewer verdicts: one table, from which all forms derive.

use super::{Case, Excluded};
use crate::verdict::Verdict;

/// What a case is to a program that asks whether all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// All was as required.
    Passed,
    /// Nothing binding was broken; there is something to read.
    Noted,
    /// Something was broken, or is not as the list of known failures says.
    Failed,
    /// It could not be found out: never a pass.
    Undecided,
    /// It failed as the list of known failures says: never a pass, and no news.
    Known,
    /// It did not run.
    LeftOut,
}

impl Standing {
    /// Where `case` stands; `strict` = a warning is a failure.
    #[must_use]
    pub const fn of(case: &Case, strict: bool) -> Self {
        if case.complaint.is_some() {
            return Self::Failed;
        }
        if case.known.is_some() {
            return Self::Known;
        }
        match case.verdict {
            Verdict::Pass => Self::Passed,
            Verdict::Warn if strict => Self::Failed,
            Verdict::Warn | Verdict::Info => Self::Noted,
            Verdict::Fail => Self::Failed,
            Verdict::Inconc | Verdict::Error => Self::Undecided,
            Verdict::Skip | Verdict::NotApplicable => Self::LeftOut,
        }
    }
}

/// What a form says of a case in one line.
pub(super) fn remark(case: &Case) -> String {
    let mut text = case.verdict.word().to_owned();
    if let Some(issue) = &case.known {
        text = format!("{text}, known: {issue}");
    }
    for more in [&case.reason, &case.complaint].into_iter().flatten() {
        text = format!("{text}: {more}");
    }
    text
}

/// What a form says of one that was left out.
pub(super) fn left_out(excluded: &Excluded) -> String {
    format!("{}: {}", excluded.verdict, excluded.reason)
}
