//! `judge BUNDLE`: the purpose that was run, judged again from what was recorded.

use std::path::Path;

use roamproof_harness::ExitCode;
use roamproof_harness::bundle::{Bundle, BundleError, Rejudged, rejudge};
use roamproof_harness::report::{self, Case};
use roamproof_harness::verdict::Verdict;
use serde::Serialize;

use crate::cli::{Context, Format, Refusal, verdicts};

/// What programs read.
#[derive(Serialize)]
struct Told<'a> {
    bundle: &'a Path,
    recorded: Verdict,
    agrees: bool,
    case: &'a Case,
}

/// Judges the bundle in `folder` again and prints its line, as `run` printed it.
pub(super) fn run(folder: &Path, context: &Context) -> anyhow::Result<ExitCode> {
    let bundle = Bundle::read(folder).map_err(refusal)?;
    let Rejudged { purpose, outcome, agrees } = rejudge(&bundle, None).map_err(refusal)?;
    let Bundle { case: recorded, .. } = &bundle;
    let rerun = recorded.rerun.clone();
    let mut case = Case::new(purpose, (1, recorded.seed), &Ok(outcome), rerun);
    case.evidence = Some("".into());
    match context.format {
        Format::Json => {
            let recorded = recorded.verdict;
            context.print_json(&Told { bundle: folder, recorded, agrees, case: &case })?;
        }
        Format::Text => {
            let paint = |verdict, word: &str| context.paint(verdicts::color(verdict), word);
            context.print(&report::line(&case, Some(folder), &paint))?;
        }
    }
    if agrees {
        context.tell(&format!("judged again: {}, as recorded", recorded.verdict));
        return Ok(ExitCode::of_verdicts([case.verdict], false));
    }
    let because = recorded.seen.as_ref().map_or_else(String::new, |seen| format!(" ({seen})"));
    let then = recorded.verdict;
    context.tell(&format!("judged again: {}, but {then}{because} is recorded", case.verdict));
    Ok(match ExitCode::of_verdicts([case.verdict], false) {
        ExitCode::Success => ExitCode::Failed,
        other => other,
    })
}

pub(super) fn refusal(error: BundleError) -> Refusal {
    Refusal::usage(error.what, error.advice)
}
