//! What the shell is told: one code per outcome, never a count.

use std::fmt;
use std::process;

use crate::verdict::Verdict;

/// How a run of the program ended.
///
/// The numbers are a contract with scripts and continuous integration and never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// 0: all that was selected ran and met its expectation.
    Success,
    /// 1: something failed, passed unexpectedly, or a list of known failures is stale; for `decode`, octets that cannot be read.
    Failed,
    /// 2: the command line, an id, a profile or a capture cannot be understood.
    Usage,
    /// 3: this environment cannot run it; `doctor` says why.
    Environment,
    /// 4: nothing was selected, nothing ran, or there is nothing to judge.
    Nothing,
    /// 5: nothing failed, but something could not be decided or the harness itself was at fault.
    Undecided,
    /// 6: fuzzing found something.
    Found,
    /// 130: interrupted; what was known by then is written.
    Interrupted,
}

impl ExitCode {
    /// Every code, in the order of its number.
    pub const ALL: [Self; 8] = [
        Self::Success,
        Self::Failed,
        Self::Usage,
        Self::Environment,
        Self::Nothing,
        Self::Undecided,
        Self::Found,
        Self::Interrupted,
    ];

    /// The number the shell sees.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::Nothing => 4,
            Self::Undecided => 5,
            Self::Found => 6,
            Self::Interrupted => 130,
        }
    }

    /// What it means, in a few words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "all that was selected ran and met its expectation",
            Self::Failed => "something failed",
            Self::Usage => "the command line or a file named in it cannot be understood",
            Self::Environment => "this environment cannot run it",
            Self::Nothing => "nothing was selected or nothing ran",
            Self::Undecided => "nothing failed, but something could not be decided",
            Self::Found => "fuzzing found something",
            Self::Interrupted => "interrupted",
        }
    }

    /// The code of a whole whose parts ended in `self` and `other`.
    ///
    /// A failure outweighs everything that could not be found out, an interruption outweighs all.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        if self.weight() >= other.weight() { self } else { other }
    }

    /// The code of a run with these verdicts; `strict` = a warning fails it too.
    #[must_use]
    pub fn of_verdicts(verdicts: impl IntoIterator<Item = Verdict>, strict: bool) -> Self {
        let code = |verdict| match verdict {
            Verdict::Fail => Self::Failed,
            Verdict::Warn if strict => Self::Failed,
            Verdict::Inconc | Verdict::Error => Self::Undecided,
            Verdict::NotApplicable | Verdict::Skip => Self::Nothing,
            Verdict::Pass | Verdict::Info | Verdict::Warn => Self::Success,
        };
        let codes = verdicts.into_iter().map(code);
        // What was left out takes nothing away from what was kept.
        codes.fold(Self::Nothing, |whole, one| match (whole, one) {
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (whole, one) => whole.and(one),
        })
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Nothing => 1,
            Self::Environment => 2,
            Self::Usage => 3,
            Self::Undecided => 4,
            Self::Found => 5,
            Self::Failed => 6,
            Self::Interrupted => 7,
        }
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.number(), self.meaning())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::ExitCode::{self, *};
    use super::Verdict;

    #[rstest]
    #[case::nothing_ran(&[], Nothing)]
    #[case::all_left_out(&[Verdict::Skip, Verdict::NotApplicable], Nothing)]
    #[case::left_out_beside_a_pass(&[Verdict::Pass, Verdict::Skip], Success)]
    #[case::a_warning_alone(&[Verdict::Pass, Verdict::Warn], Success)]
    #[case::undecided(&[Verdict::Pass, Verdict::Inconc], Undecided)]
    #[case::fault_of_the_harness(&[Verdict::Error, Verdict::Warn], Undecided)]
    #[case::a_failure_whatever_else(&[Verdict::Error, Verdict::Fail, Verdict::Inconc], Failed)]
    fn verdicts_make_a_code(#[case] verdicts: &[Verdict], #[case] code: ExitCode) {
        assert_eq!(ExitCode::of_verdicts(verdicts.iter().copied(), false), code);
    }

    #[test]
    fn a_warning_fails_a_strict_run() {
        assert_eq!(ExitCode::of_verdicts([Verdict::Warn], true), Failed);
    }

    #[test]
    fn numbers_and_meanings_are_a_contract() {
        let table: Vec<String> = ExitCode::ALL.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        0 (all that was selected ran and met its expectation)
        1 (something failed)
        2 (the command line or a file named in it cannot be understood)
        3 (this environment cannot run it)
        4 (nothing was selected or nothing ran)
        5 (nothing failed, but something could not be decided)
        6 (fuzzing found something)
        130 (interrupted)
        ");
    }

    #[rstest]
    #[case::a_failure_outweighs_what_is_undecided(Undecided, Failed, Failed)]
    #[case::a_failure_outweighs_an_environment_that_cannot(Failed, Environment, Failed)]
    #[case::an_environment_that_cannot_is_no_success(Success, Environment, Environment)]
    #[case::nothing_beside_a_success_is_not_a_success(Success, Nothing, Nothing)]
    #[case::an_interruption_outweighs_a_failure(Failed, Interrupted, Interrupted)]
    #[case::two_successes(Success, Success, Success)]
    fn the_worse_part_decides(
        #[case] one: ExitCode,
        #[case] other: ExitCode,
        #[case] whole: ExitCode,
    ) {
        assert_eq!(one.and(other), whole);
        assert_eq!(other.and(one), whole, "the order of the parts does not matter");
    }
}
