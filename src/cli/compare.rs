//! `compare`: two results, and what got worse from one to the other.

use std::path::{Path, PathBuf};

use roamproof_harness::ExitCode;
use roamproof_harness::compare::Comparison;
use roamproof_harness::report::{RESULT, Report};
use roamproof_harness::text;

use super::{Context, Format, Refusal};

/// Compare two runs: what fails or passes newly, what changed its reason, what came and what went.
///
/// Exit code 0 where nothing got worse; 1 where something fails newly, weighs more than before, came
/// and could not be decided or fails, or was fine and is not run any more; 4 where neither has a case.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The older result: `result.json`, or the folder it is in.
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The newer one.
    #[arg(value_name = "NEW")]
    new: PathBuf,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let comparison = Comparison::of(&read(&args.old)?, &read(&args.new)?);
    match context.format {
        Format::Json => context.print_json(&comparison)?,
        Format::Text => context.print(&comparison.text())?,
    }
    let code = comparison.exit_code();
    if code == ExitCode::Nothing {
        context.tell("there is nothing to compare: neither result has a case");
    }
    Ok(code)
}

/// Reads a result.
///
/// # Errors
///
/// Where it cannot be read, or is of a form that this program does not know.
pub(super) fn read(path: &Path) -> Result<Report, Refusal> {
    let file = if path.is_dir() { path.join(RESULT) } else { path.to_owned() };
    let wrong = |what: String| {
        let cure = "name a result.json, or the folder that `roamproof run --out` left it in";
        Refusal::usage(format!("{}: {what}", file.display()), cure)
    };
    let text =
        text::read(&file, text::LEFT_OCTETS_MAX).map_err(|error| wrong(error.to_string()))?;
    Report::read(&text).map_err(wrong)
}
