//! Properties of the claimed call under bad weather: S4, S5 and S7 in a network of values whose
//! links lose up to a fifth of the frames, reorder and double them.
//!
//! What must hold is read from the frames ([`watcher`]) and from what became of the calls
//! ([`scenario`]). A seed fixes a run: `ROAMPROOF_SEED=n cargo test --test simulated` plays one
//! and prints it; `ROAMPROOF_SEEDS=n` plays so many of each sequence.

mod reading;
mod report;
mod scenario;
mod watcher;

use std::env;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rstest::rstest;
use scenario::{Outcome, Run, Sequence};

/// How many seeds of each sequence run where nothing else is said: what two cores do in 40 seconds.
const SEEDS: u64 = 1500;

/// Seeds that found something once, and what.
const REGRESSIONS: &[(Sequence, u64, &str)] = &[
    (Sequence::S4, 1171, "a BYE lost for good left the other side talking for ever"),
    (Sequence::S4, 1387, "the same before any media had been heard"),
    (
        Sequence::S5,
        1161,
        "no copy of a 200 came through, and the BYE after it was refused with 481",
    ),
    (Sequence::S7, 8, "the home agent ignored updates whose source is the home address"),
    (Sequence::S7, 1161, "a BYE answered by the server for an unreachable terminal"),
    (
        Sequence::S7,
        395,
        "the home agent tunnelled the router's question whether the home address is reachable",
    ),
];

#[rstest]
fn whatever_the_links_do_a_call_is_set_up_right(
    #[values(Sequence::S4, Sequence::S5, Sequence::S7)] sequence: Sequence,
) {
    if let Some(seed) = number("ROAMPROOF_SEED") {
        println!("{}", report::whole(Run::new(sequence, seed)));
        return;
    }
    let seeds = number("ROAMPROOF_SEEDS").unwrap_or(SEEDS);
    let totals = run_all(sequence, 0..seeds);
    println!("{sequence:?}: {seeds} seeds, {totals:?}");
}

#[test]
fn what_was_found_once_stays_right() {
    for (sequence, seed, what) in REGRESSIONS {
        let run = Run::new(*sequence, *seed);
        if let Err(wrong) = report::play(run) {
            panic!("{}\n{run} ({what}): {wrong}", report::whole(run));
        }
    }
}

/// A watcher that never complains would watch nothing.
#[cfg(feature = "misdeeds")]
#[rstest]
#[case::ringing(Sequence::S4, "mt", "rings-before-optimization", "180 Ringing")]
#[case::trying(Sequence::S4, "mt", "tries-before-optimization", "100 Trying")]
#[case::answer(Sequence::S5, "mt", "answers-before-optimization", "200 OK")]
#[case::no_optimization(Sequence::S7, "mt", "never-optimizes", "neither succeeded nor failed")]
#[case::media(Sequence::S4, "mt", "media-in-tunnel", "media in the tunnel")]
#[case::media_of_the_caller(Sequence::S7, "cn", "path-switch", "media to the home address")]
#[case::care_of_address(Sequence::S4, "mt", "care-of-address-in-sdp", "stands in SIP")]
#[case::registration(Sequence::S7, "mt", "registers-care-of-address", "stands in SIP")]
#[case::way_of_responses(
    Sequence::S4,
    "mt",
    "responds-from-care-of-address",
    "outside of the tunnel"
)]
#[case::unreachable(Sequence::S4, "mt", "ignores-tunnelled-invite", "no answer although")]
fn misdeeds_are_seen(
    #[case] sequence: Sequence,
    #[case] node: &'static str,
    #[case] misdeed: &'static str,
    #[case] complaint: &str,
) {
    let seen =
        |seed| report::play(Run { misdeed: Some((node, misdeed)), ..Run::new(sequence, seed) });
    let complaints: Vec<String> = (0..24).filter_map(|seed| seen(seed).err()).collect();
    assert!(
        complaints.iter().any(|one| one.contains(complaint)),
        "{complaint:?} is not among {complaints:#?}"
    );
}

/// Plays every seed, on all cores; panics with the first that fails.
fn run_all(sequence: Sequence, seeds: Range<u64>) -> Outcome {
    let next = AtomicU64::new(seeds.start);
    let results = Mutex::new((Outcome::default(), Vec::new()));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let outcome = report::play(Run::new(sequence, seed));
                    let (totals, wrong) =
                        &mut *results.lock().expect("no thread panics while it holds it");
                    match outcome {
                        Ok(outcome) => totals.add(outcome),
                        Err(why) => wrong.push((seed, why)),
                    }
                }
            });
        }
    });
    let (totals, mut wrong) = results.into_inner().expect("no thread panics while it holds it");
    wrong.sort();
    if let Some((seed, _)) = wrong.first() {
        let list: Vec<String> =
            wrong.iter().map(|(seed, why)| format!("{sequence:?}, seed {seed}: {why}")).collect();
        panic!(
            "{}\n{} of {seeds:?} fail:\n{}",
            report::whole(Run::new(sequence, *seed)),
            wrong.len(),
            list.join("\n")
        );
    }
    totals
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.not_answered += other.not_answered;
        self.optimized += other.optimized;
        self.given_up += other.given_up;
        self.frames += other.frames;
        self.inputs += other.inputs;
    }
}
