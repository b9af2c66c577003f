//! The plan of a run: which of the chosen purposes run, which are left out, and why.

use std::ops::RangeInclusive;
use std::time::Duration;

use roamproof_harness::profile::{Exclusion, Profile};
use roamproof_harness::purpose::Purpose;
use roamproof_harness::report::{Case, Excluded};
use roamproof_harness::run::Setting;
use roamproof_harness::verdict::Verdict;

use super::Args;
use super::asked::{Asked, Shard, shard};

/// One purpose to run in one round.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) purpose: &'static Purpose,
    pub(super) round: u32,
    pub(super) setting: Setting,
}

impl Job {
    /// The case in which this job has been run already, taken out of `done`.
    pub(super) fn take_from(&self, done: &mut Vec<Case>) -> Option<Case> {
        let is_this = |case: &Case| case.id == self.purpose.id && case.round == self.round;
        done.iter().position(is_this).map(|at| done.remove(at))
    }
}

/// Of the chosen purposes those that run, and those that do not, each with the reason.
pub(super) fn plan(
    chosen: &[&'static Purpose],
    asked: &Asked,
    profile: Option<&Profile>,
) -> (Vec<&'static Purpose>, Vec<Excluded>) {
    let part = asked.options.shard.as_deref().and_then(|text| shard(text).ok());
    let (mut run, mut excluded, mut place) = (Vec::new(), Vec::new(), 0);
    for purpose in chosen {
        let exclusion = profile.and_then(|profile| profile.excludes(purpose));
        if matches!(exclusion, Some(Exclusion::Role(_))) && asked.options.only.is_empty() {
            // Nobody asked about a role that the device does not play.
            continue;
        }
        let not_applicable = exclusion.map(|why| (Verdict::NotApplicable, format!("wants {why}")));
        let out = not_applicable.or_else(|| left_out(purpose, asked, profile)).or_else(|| {
            place += 1;
            in_another_shard(part?, place)
        });
        match out {
            None => run.push(*purpose),
            Some((verdict, reason)) => {
                excluded.push(Excluded::new(purpose, 1, verdict, reason));
            }
        }
    }
    (run, excluded)
}

/// The jobs of these rounds, in the order in which their verdicts are told.
pub(super) fn jobs(
    purposes: &[&'static Purpose],
    rounds: RangeInclusive<u32>,
    args: &Args,
    profile: Option<&Profile>,
) -> Vec<Job> {
    let setting = |purpose: &Purpose, seed| match profile {
        Some(profile) => Setting::of_device(profile, purpose, seed),
        None => Setting {
            seed,
            misdeeds: args.misdeeds.clone(),
            features: purpose.features_of_reference(),
            ..Setting::default()
        },
    };
    let job = |purpose: &&'static Purpose, round: u32| {
        let seed = args.seed.wrapping_add(u64::from(round - 1));
        Job { purpose, round, setting: setting(purpose, seed) }
    };
    rounds.flat_map(|round| purposes.iter().map(move |purpose| job(purpose, round))).collect()
}

fn left_out(
    purpose: &'static Purpose,
    asked: &Asked,
    profile: Option<&Profile>,
) -> Option<(Verdict, String)> {
    let reference = purpose.features_of_reference();
    let features = profile.map_or(&reference, |profile| &profile.features);
    if let Some(condition) = purpose.excluded_by(features) {
        return Some((Verdict::NotApplicable, format!("wants {condition}")));
    }
    let edition = asked.edition();
    if !purpose.holds_in(edition) {
        return Some((Verdict::NotApplicable, format!("{} does not want it", edition.name())));
    }
    let max_wait = Duration::try_from_secs_f64(asked.options.max_wait?).ok()?;
    (purpose.waits_max > max_wait).then(|| {
        let wait = purpose.waits_max.as_secs_f64();
        let limit = max_wait.as_secs_f64();
        let reason =
            format!("waits up to {wait} s, over {limit} s: say --all or --max-wait {wait}");
        (Verdict::Skip, reason)
    })
}

/// Parts take turns, so that neighbours, which are alike, are spread.
fn in_another_shard(part: Shard, place: usize) -> Option<(Verdict, String)> {
    let theirs = (place - 1) % part.of + 1;
    let reason = || format!("is in shard {theirs}/{}, not {part}", part.of);
    (theirs != part.part).then(|| (Verdict::Skip, reason()))
}
