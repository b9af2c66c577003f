//! `judge BUNDLE`: the purpose that was run, judged again from what was recorded.

use std::path::Path;

use roamproof_harness::ExitCode;
use roamproof_harness::bundle::{Bundle, BundleError, Rejudged, purpose_of, rejudge};
use roamproof_harness::plan::Plan;
use roamproof_harness::profile::Profile;
use roamproof_harness::report::{self, Case};
use roamproof_harness::run::Setting;
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
pub(super) fn run(
    folder: &Path,
    device: Option<&Path>,
    context: &Context,
) -> anyhow::Result<ExitCode> {
    let bundle = Bundle::read(folder).map_err(refusal)?;
    let keys = device.map(|file| keys(file, &bundle)).transpose()?;
    let Rejudged { purpose, outcome, agrees } = rejudge(&bundle, keys.as_ref()).map_err(refusal)?;
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
        other @ (ExitCode::Failed
        | ExitCode::Usage
        | ExitCode::Environment
        | ExitCode::Nothing
        | ExitCode::Undecided
        | ExitCode::Found
        | ExitCode::Interrupted) => other,
    })
}

/// Reads a profile.
pub(in crate::cli) fn load(file: &Path) -> Result<Profile, Refusal> {
    Profile::load(file).map_err(|error| Refusal::usage(error.to_string(), error.cure))
}

/// The plan of a device, which has its keys.
fn keys(file: &Path, bundle: &Bundle) -> Result<Plan, Refusal> {
    let (profile, purpose) = (load(file)?, purpose_of(bundle).map_err(refusal)?);
    let setting = Setting::of_device(&profile, purpose, bundle.case.seed);
    Ok(setting.plan.expect("a device has a plan"))
}

pub(in crate::cli) fn refusal(error: BundleError) -> Refusal {
    Refusal::usage(error.what, error.advice)
}
