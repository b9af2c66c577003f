//! An error of the command line: what is wrong in one line, what to do next in another.

use std::error::Error;
use std::fmt;

use anstyle::AnsiColor;
use roamproof_harness::ExitCode;
use roamproof_harness::catalogue::UnknownId;
use roamproof_harness::topology::ArmError;

use super::Context;

/// Why a subcommand did not do what it was asked, in terms the user can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What the shell is told.
    pub(crate) code: ExitCode,
    /// What is wrong, one line without a full stop.
    pub(crate) what: String,
    /// What to do next, one line without a full stop.
    pub(crate) cure: String,
}

impl Refusal {
    /// The command line, or a file it names, cannot be understood: exit code 2.
    pub(crate) fn usage(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { code: ExitCode::Usage, what: what.into(), cure: cure.into() }
    }

    /// A topology cannot be set up: exit code 3 where the environment lacks something, else
    /// nothing was decided.
    pub(crate) fn arm(error: ArmError) -> Self {
        match error {
            ArmError::Environment { what, fix } => {
                Self { code: ExitCode::Environment, what, cure: fix }
            }
            ArmError::Start { .. } | ArmError::System(_) => Self {
                code: ExitCode::Undecided,
                what: error.to_string(),
                cure: "`roamproof doctor` says what this machine can run".to_owned(),
            },
        }
    }

    /// No requirement has this name: exit code 2.
    pub(crate) fn unknown_id(error: UnknownId) -> Self {
        Self::usage(error.to_string(), "`roamproof list` prints every name")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Refusal {}

/// Tells the user what went wrong and returns the code for it.
///
/// What is no [`Refusal`] is a fault of the harness or its surroundings, so nothing was decided.
pub(super) fn tell(error: &anyhow::Error, context: &Context) -> ExitCode {
    let (code, lines) = told(error);
    let mut label = context.paint_told(AnsiColor::Red.on_default().bold(), "error:");
    for line in lines {
        context.tell(&format!("{label} {line}"));
        label = context.paint_told(AnsiColor::Cyan.on_default(), "next:");
    }
    code
}

fn told(error: &anyhow::Error) -> (ExitCode, Vec<String>) {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => (refusal.code, vec![format!("{error:#}"), refusal.cure.clone()]),
        None => (ExitCode::Undecided, vec![format!("{error:#}")]),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_cure_and_its_code() {
        let error = anyhow::Error::from(Refusal::usage(
            "no requirement `CL-RO-99`",
            "see `roamproof list`",
        ));
        let lines = vec!["no requirement `CL-RO-99`".to_owned(), "see `roamproof list`".to_owned()];
        assert_eq!(told(&error), (ExitCode::Usage, lines));
    }

    #[test]
    fn an_environment_that_lacks_something_is_told_with_its_fix() {
        let error =
            ArmError::Environment { what: "no namespaces".to_owned(), fix: "sysctl".to_owned() };
        let error = anyhow::Error::from(Refusal::arm(error));
        let lines = vec!["no namespaces".to_owned(), "sysctl".to_owned()];
        assert_eq!(told(&error), (ExitCode::Environment, lines));
        let error = Refusal::arm(ArmError::Start { name: "ha".to_owned(), why: "no".to_owned() });
        assert_eq!(error.code, ExitCode::Undecided);
    }

    #[test]
    fn any_other_error_leaves_things_undecided() {
        let error = anyhow::Error::from(io::Error::other("the disk is full"))
            .context("cannot write result.json");
        assert_eq!(
            told(&error),
            (ExitCode::Undecided, vec!["cannot write result.json: the disk is full".to_owned()])
        );
    }
}
