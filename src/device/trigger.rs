//! A trigger under way: it must not keep the harness from answering the device meanwhile.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use roamproof_harness::link::clock::RealClock;
use roamproof_harness::profile::{CANNOT, CommandLine};
use roamproof_harness::subject::SubjectError;
use roamproof_harness::trigger::Trigger;

use super::Environment;
use super::process::{Process, end_of};
use crate::usher::{self, Usher};

/// A trigger that runs.
#[derive(Debug)]
pub(crate) struct Running {
    trigger: Trigger,
    limit: Duration,
    clock: RealClock,
    by: By,
}

#[derive(Debug)]
enum By {
    /// A process of this one's own, in the device's namespace.
    Child(Process),
    /// The usher, in the caller's namespaces.
    Usher(Option<JoinHandle<std::io::Result<usher::Outcome>>>),
}

/// How a trigger ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// What it was.
    pub(crate) trigger: Trigger,
    /// How, in words: `exit status 0`.
    pub(crate) how: String,
    /// What it printed.
    pub(crate) printed: Vec<String>,
    /// What follows.
    pub(crate) outcome: Result<(), SubjectError>,
}

impl Running {
    /// A trigger that runs as a process of this one's own.
    pub(crate) fn child(trigger: Trigger, line: &CommandLine, process: Process) -> Self {
        Self { trigger, limit: line.limit, clock: RealClock::start(), by: By::Child(process) }
    }

    /// A trigger that the usher runs, in a thread that waits for it.
    pub(crate) fn by_usher(
        trigger: Trigger,
        line: &CommandLine,
        folder: &Path,
        environment: &Environment,
        usher: &Arc<Mutex<Usher>>,
    ) -> std::io::Result<Self> {
        let asked = usher::Trigger {
            command: line.command.clone(),
            limit: line.limit,
            environment: environment.0.clone(),
            folder: Some(folder.to_owned()),
        };
        let usher = Arc::clone(usher);
        let thread = thread::Builder::new()
            .name(format!("trigger {trigger}"))
            .spawn(move || usher.lock().unwrap_or_else(PoisonError::into_inner).run(&asked))?;
        let by = By::Usher(Some(thread));
        Ok(Self { trigger, limit: line.limit, clock: RealClock::start(), by })
    }

    /// How it ended, where it has, or its time is up.
    pub(crate) fn ended(&mut self) -> Option<Ended> {
        let late = self.clock.now() > self.limit;
        let (status, how, printed) = match &mut self.by {
            By::Child(process) => match process.ended() {
                Ok(None) if late => (None, self.too_late(), Vec::new()),
                Ok(None) => return None,
                Ok(Some(status)) => {
                    (status.code(), end_of(status), process.output.last_words(PRINTED_LIMIT))
                }
                Err(error) => (None, error.to_string(), Vec::new()),
            },
            By::Usher(thread) => {
                if !thread.as_ref().is_some_and(JoinHandle::is_finished) {
                    return None;
                }
                let ran = thread.take().map(JoinHandle::join)?;
                self.told_by_usher(ran)
            }
        };
        Some(self.judge(status, how, printed))
    }

    /// Waits for its end, or until `limit` has passed.
    pub(crate) fn wait(&self, limit: Duration) {
        if let By::Child(process) = &self.by
            && let Err(error) = process.wait(limit)
        {
            tracing::warn!("trigger {}: {error}", self.trigger);
        }
    }

    fn told_by_usher(
        &self,
        ran: thread::Result<std::io::Result<usher::Outcome>>,
    ) -> (Option<i32>, String, Vec<String>) {
        match ran {
            Ok(Ok(outcome)) => {
                let how = match (outcome.status, outcome.signal) {
                    _ if outcome.late => self.too_late(),
                    (Some(status), _) => format!("exit status {status}"),
                    (None, Some(signal)) => format!("signal {signal}"),
                    (None, None) => "it ended in no known way".to_owned(),
                };
                let status = outcome.status.filter(|_| !outcome.late);
                (status, how, outcome.output.lines().map(str::to_owned).collect())
            }
            Ok(Err(error)) => (None, error.to_string(), Vec::new()),
            Err(_) => (None, "who waited for it is gone".to_owned(), Vec::new()),
        }
    }

    fn too_late(&self) -> String {
        format!("not done after its limit of {:?}", self.limit)
    }

    fn judge(&self, status: Option<i32>, how: String, printed: Vec<String>) -> Ended {
        let trigger = self.trigger;
        let outcome = match status {
            Some(0) => Ok(()),
            Some(CANNOT) => {
                Err(SubjectError::Cannot(format!("{trigger} (its trigger exits with {CANNOT})")))
            }
            Some(_) | None => {
                let words = printed
                    .last()
                    .map_or_else(String::new, |last| format!("; it said last: {last}"));
                Err(SubjectError::Failed(format!("trigger {trigger}: {how}{words}")))
            }
        };
        Ended { trigger, how, printed, outcome }
    }
}

/// How long what a trigger printed may take to arrive: another process may hold its output open.
const PRINTED_LIMIT: Duration = Duration::from_millis(100);
