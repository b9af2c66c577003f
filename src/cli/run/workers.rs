//! Runs jobs side by side, each thread in an arm of its own, those with the longest waits first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use roamproof::interrupt;
use roamproof_harness::link::clock::RealClock;
use roamproof_harness::run::Outcome;
use roamproof_harness::topology::ArmError;

use super::plan::Job;

/// What came of a job.
pub(super) enum Ended {
    /// It ran, or its network did not come up.
    Ran(Box<Result<Outcome, ArmError>>),
    /// There was no time left for it.
    OverBudget,
}

/// Runs one job after the other.
pub(in crate::cli) type Worker = Box<dyn FnMut(&Job) -> Result<Outcome, ArmError>>;

/// How jobs are shared out.
pub(super) struct Crew {
    /// How many run at once.
    pub(super) at_once: usize,
    /// How long all may take.
    pub(super) budget: Option<Duration>,
    /// Whether waits take real time.
    pub(super) waits: bool,
    /// Since the start of the run.
    pub(super) clock: RealClock,
}

/// Takes what came of a job, by its place.
pub(super) type End<'a> = dyn FnMut(usize, &Job, Ended) -> anyhow::Result<()> + 'a;

/// How often the main thread looks whether an interrupt came.
const LOOK: Duration = Duration::from_millis(50);

impl Crew {
    /// Runs all jobs that `end` does not know yet, until an interruption; what is under way then is
    /// not waited for. `end` is told in the order in which they end.
    pub(super) fn run(
        &self,
        jobs: Vec<Option<Job>>,
        worker: impl Fn() -> Worker + Send + Sync + 'static,
        end: &mut End<'_>,
    ) -> anyhow::Result<()> {
        let mut order: Vec<usize> =
            (0..jobs.len()).filter(|index| jobs[*index].is_some()).collect();
        if self.waits {
            order.sort_by_key(|index| {
                jobs[*index].as_ref().map(|job| std::cmp::Reverse(job.purpose.waits_max))
            });
        }
        let shared = Arc::new(Shared {
            jobs,
            order,
            next: AtomicUsize::new(0),
            budget: self.budget,
            waits: self.waits,
            clock: self.clock,
        });
        let worker = Arc::new(worker);
        let (sender, ends) = channel();
        let threads: Vec<_> = (0..self.at_once.min(shared.order.len()))
            .map(|_| {
                let (shared, worker, sender) =
                    (Arc::clone(&shared), Arc::clone(&worker), sender.clone());
                thread::spawn(move || shared.work(&mut worker(), &sender))
            })
            .collect();
        drop(sender);
        while !interrupt::came() {
            match ends.recv_timeout(LOOK) {
                Ok((index, ended)) => {
                    let job = shared.jobs[index].as_ref().expect("only jobs are in the order");
                    end(index, job, ended)?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if !interrupt::came() {
            for thread in threads {
                thread.join().map_err(|_| anyhow::anyhow!("a thread of the harness panicked"))?;
            }
        }
        Ok(())
    }
}

/// What all threads see.
struct Shared {
    jobs: Vec<Option<Job>>,
    /// The order in which jobs are begun.
    order: Vec<usize>,
    next: AtomicUsize,
    budget: Option<Duration>,
    waits: bool,
    clock: RealClock,
}

impl Shared {
    fn work(&self, worker: &mut Worker, ends: &Sender<(usize, Ended)>) {
        while !interrupt::came() {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(index) = self.order.get(place) else { return };
            let job = self.jobs[*index].as_ref().expect("only jobs are in the order");
            let ended = if self.is_over_budget(job) {
                Ended::OverBudget
            } else {
                Ended::Ran(Box::new(without_panic(|| worker(job))))
            };
            if ends.send((*index, ended)).is_err() {
                return;
            }
        }
    }

    fn is_over_budget(&self, job: &Job) -> bool {
        let takes = if self.waits { job.purpose.waits_max } else { Duration::ZERO };
        self.budget.is_some_and(|budget| self.clock.now() + takes > budget)
    }
}

/// A body that panics is the harness's fault, and no reason to lose the other cases.
fn without_panic(run: impl FnOnce() -> Result<Outcome, ArmError>) -> Result<Outcome, ArmError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let what = format!("the harness panicked: {}", text.unwrap_or("without a word"));
        Err(ArmError::System(std::io::Error::other(what)))
    })
}
