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
pub(in crate::cli) struct Job {
    pub(in crate::cli) purpose: &'static Purpose,
    pub(in crate::cli) round: u32,
    pub(in crate::cli) setting: Setting,
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

#[cfg(test)]
mod tests {
    use roamproof_harness::purpose;
    use roamproof_harness::report::Options;

    use super::*;
    use crate::cli::run::Arm;

    #[test]
    fn the_shards_together_are_the_whole_and_no_two_share_a_purpose() {
        let whole: Vec<&str> = planned(&asked(None, None)).0;
        let mut parts = Vec::new();
        for part in 1..=3 {
            let (run, excluded) = planned(&asked(None, Some(format!("{part}/3"))));
            assert_eq!(run.len() + excluded.len(), whole.len(), "nothing is left out in silence");
            assert!(run.len().abs_diff(whole.len() / 3) <= 1, "{part}: {}", run.len());
            parts.extend(run);
        }
        parts.sort_unstable();
        let mut whole = whole;
        whole.sort_unstable();
        assert_eq!(parts, whole);
    }

    #[test]
    fn what_waits_too_long_is_left_out_with_the_way_to_have_it() {
        let longest = purpose::ALL.iter().map(|purpose| purpose.waits_max).max().unwrap();
        let limit = longest - Duration::from_secs(1);
        let (run, excluded) = planned(&asked(Some(limit), None));
        assert!(!run.is_empty() && !excluded.is_empty());
        let reason = format!("say --all or --max-wait {}", longest.as_secs_f64());
        for one in excluded {
            assert_eq!(one.verdict, Verdict::Skip);
            assert!(one.reason.ends_with(&reason), "{}", one.reason);
        }
        let (_, excluded) = planned(&asked(Some(longest), None));
        assert_eq!(excluded, []);
    }

    #[test]
    fn each_round_has_each_purpose_with_a_seed_of_its_own() {
        let purposes = &purpose::ALL[..2];
        let mut args = crate::cli::run::asked::unasked();
        args.seed = u64::MAX;
        let jobs = jobs(purposes, 1..=2, &args, None);
        let told: Vec<_> =
            jobs.iter().map(|job| (job.purpose.id, job.round, job.setting.seed)).collect();
        let [one, other] = [purposes[0].id, purposes[1].id];
        let last = u64::MAX;
        assert_eq!(told, [(one, 1, last), (other, 1, last), (one, 2, 0), (other, 2, 0)]);
    }

    fn planned(asked: &Asked) -> (Vec<&'static str>, Vec<Excluded>) {
        let (run, excluded) = plan(purpose::ALL, asked, None);
        (run.iter().map(|purpose| purpose.id).collect(), excluded)
    }

    fn asked(max_wait: Option<Duration>, shard: Option<String>) -> Asked {
        let max_wait = max_wait.map(|wait| wait.as_secs_f64());
        let options = Options { max_wait, shard, ..Options::default() };
        Asked { arm: Arm::Lab, seed: 1, misdeeds: Vec::new(), device: None, options }
    }
}
