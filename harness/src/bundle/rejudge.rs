//! Judging a bundle again: the same body on what was recorded.

use super::{Bundle, BundleError};
use crate::feature::Features;
use crate::plan::Plan;
use crate::purpose::Purpose;
use crate::recording::{RecordedArm, difference};
use crate::run::{self, Outcome, Setting};
use crate::verdict::{Stop, Verdict};

/// What came of judging a bundle again.
pub struct Rejudged {
    /// The purpose.
    pub purpose: &'static Purpose,
    /// What its body says now.
    pub outcome: Outcome,
    /// Whether that is what it said then, for the same reason.
    pub agrees: bool,
}

/// Runs the purpose of `bundle` on what it recorded. Where the tester would send something else than
/// it sent, or ask for something else, that is ERROR, with the packet and the octet.
///
/// # Errors
///
/// Where the purpose is not known here, or in another version, or the case was run with keys of the
/// vendor's own and `keys`, a plan that has them, is not given.
pub fn rejudge(bundle: &Bundle, keys: Option<&Plan>) -> Result<Rejudged, BundleError> {
    let Bundle { case, recording } = bundle;
    let refused = |what: String| BundleError { what, advice: ANOTHER_VERSION.to_owned() };
    let purpose = purpose_of(bundle)?;
    let mut arm = RecordedArm::new(recording.clone());
    let setting = setting(bundle, keys)?;
    let mut outcome = run::run_once(purpose, &mut arm, &setting)
        .map_err(|why| refused(format!("{}: {why}", purpose.id)))?;
    let parting = arm.parting().map(|parting| format!("clock.jsonl, {parting}"));
    let other = parting.or_else(|| difference(&recording.capture, &outcome.capture));
    if let Some(other) = other {
        outcome.stop = Some(Stop {
            verdict: Verdict::Error,
            clause: outcome.stop.map(|stop| stop.clause).unwrap_or_default(),
            expected: "the packets and readings that were recorded".to_owned(),
            seen: other,
            frames: Vec::new(),
            late: false,
            crashed: false,
        });
        outcome.verdict = Verdict::Error;
    }
    let agrees = case.agrees(outcome.verdict, outcome.stop.as_ref());
    Ok(Rejudged { purpose, outcome, agrees })
}

/// The purpose of a bundle, in the version that it was run with.
///
/// # Errors
///
/// Where it is not known here, or in another version.
pub fn purpose_of(Bundle { case, .. }: &Bundle) -> Result<&'static Purpose, BundleError> {
    let refused = |what: String| BundleError { what, advice: ANOTHER_VERSION.to_owned() };
    let purpose = Purpose::find(&case.purpose)
        .ok_or_else(|| refused(format!("no purpose is called `{}` here", case.purpose)))?;
    if purpose.version != case.version {
        let (then, now) = (case.version, purpose.version);
        return Err(refused(format!(
            "{} was judged by its version {then}, here it is {now}",
            purpose.id
        )));
    }
    Ok(purpose)
}

pub(super) fn setting(
    Bundle { case, .. }: &Bundle,
    keys: Option<&Plan>,
) -> Result<Setting, BundleError> {
    let mut features = Features::default();
    for (name, value) in &case.features {
        features.say(name, value);
    }
    let plan = match &case.plan {
        None => None,
        Some(plan) => Some(plan.plan(keys).ok_or_else(|| BundleError {
            what: format!(
                "{} was run with keys of the device's own, which no bundle holds",
                case.purpose
            ),
            advice: "say --device FILE with the profile that names them".to_owned(),
        })?),
    };
    let (seed, misdeeds) = (case.seed, case.misdeeds.clone());
    Ok(Setting { seed, misdeeds, plan, features, stimuli: None })
}

const ANOTHER_VERSION: &str = "judge it with the version of roamproof that wrote it";
