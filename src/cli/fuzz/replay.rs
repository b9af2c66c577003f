//! `fuzz replay FILE`: one input, told by field, step by step, as a ladder.

use std::path::PathBuf;

use roamproof_harness::ExitCode;
use serde_json::json;

use super::worker::{self, How};
use crate::cli::{Context, Format};

/// Run one input again and tell what happens: dissection, trace, ladder.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The input.
    file: PathBuf,

    /// The target, where the folder that the file lies in is not called as one.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,

    /// Plant this seeded defect (only in a build with the feature `misdeeds`).
    #[arg(long, value_name = "NAME")]
    defect: Option<String>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    let target = super::target_of(&args.file, args.target.as_deref())?;
    let octets = super::read(&args.file)?;
    // What hangs or dies does so elsewhere, and is then not told step by step.
    let defect = super::defect(args.defect.as_deref())?;
    let how = How { defect: args.defect.clone(), ..How::default() };
    let outside = worker::try_file(target, &how, &args.file)?;
    let ends_process = outside.as_ref().is_some_and(|signature| signature.place == "process");
    let trace = (!ends_process).then(|| super::planted(defect, || target.trace(&octets)));
    let fails = outside.as_ref().map(ToString::to_string);
    match context.format {
        Format::Json => context.print_json(&json!({
            "target": target.name,
            "octets": octets.len(),
            "operations": target.operations(&octets),
            "fails": fails,
            "dissection": trace.as_ref().map(|trace| &trace.dissection),
            "steps": trace.as_ref().map(|trace| &trace.steps),
            "ladder": trace.as_ref().map(|trace| &trace.ladder),
        }))?,
        Format::Text => {
            let told = match (&trace, &fails) {
                (Some(trace), _) => trace.to_string(),
                (None, fails) => {
                    let why = fails.as_deref().unwrap_or_default();
                    format!("{}\n\nfails at {why}\n", octets.escape_ascii())
                }
            };
            context.print(&told)?;
        }
    }
    Ok(if fails.is_some() { ExitCode::Found } else { ExitCode::Success })
}
