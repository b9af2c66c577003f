//! Runs purposes: one by one in simulated time, side by side in real time, for their waits cost nothing.

#[cfg(feature = "live")]
use std::collections::BTreeMap;
#[cfg(feature = "live")]
use std::sync::atomic::{AtomicUsize, Ordering};
#[cfg(feature = "live")]
use std::sync::mpsc::channel;
#[cfg(feature = "live")]
use std::thread;

use roamproof::interrupt;
use roamproof_harness::purpose::Purpose;
use roamproof_harness::run::{self, Outcome, Setting};
use roamproof_harness::topology::{Arm, ArmError};

/// One purpose to run in one round.
pub(super) struct Job {
    pub(super) purpose: &'static Purpose,
    pub(super) round: u32,
    pub(super) setting: Setting,
}

/// What came of it.
type Ended = Result<Outcome, ArmError>;

/// Takes what came of a job.
pub(super) type End<'a> = dyn FnMut(&Job, Ended) -> anyhow::Result<()> + 'a;

/// Purposes at once in real time: more, and they would make each other late.
#[cfg(feature = "live")]
const AT_ONCE: usize = 4;

/// Runs jobs one after the other, until an interruption.
pub(super) fn one_by_one(jobs: &[Job], arm: &mut dyn Arm, end: &mut End<'_>) -> anyhow::Result<()> {
    for job in jobs.iter().take_while(|_| !interrupt::came()) {
        end(job, run::run(job.purpose, arm, &job.setting))?;
    }
    Ok(())
}

/// Runs jobs side by side, each thread in an arm of its own, until an interruption; their ends are
/// told in the order of the jobs.
#[cfg(feature = "live")]
pub(super) fn side_by_side<A: Arm>(
    jobs: &[Job],
    arm: impl Fn() -> A + Sync,
    end: &mut End<'_>,
) -> anyhow::Result<()> {
    let (sender, ends) = channel();
    let next = AtomicUsize::new(0);
    let (arm, next) = (&arm, &next);
    let bar = super::progress(jobs.len());
    let told = thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(jobs.len()) {
            let sender = sender.clone();
            scope.spawn(move || {
                let mut arm = arm();
                while !interrupt::came() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { return };
                    let ended = run::run(job.purpose, &mut arm, &job.setting);
                    // Nobody listens any more: the others end all the same.
                    let _ = sender.send((index, ended));
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut first = 0;
        for (index, ended) in ends {
            bar.inc(1);
            waiting.insert(index, ended);
            while let Some(ended) = waiting.remove(&first) {
                bar.suspend(|| end(&jobs[first], ended))?;
                first += 1;
            }
        }
        // After an interruption those behind a gap are told too.
        waiting.into_iter().try_for_each(|(index, ended)| end(&jobs[index], ended))
    });
    bar.finish_and_clear();
    told
}
