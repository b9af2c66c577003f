//! The processes of a device that the harness starts: their output, their end, what they die of.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use roamproof_harness::subject::output::Output;
use roamproof_harness::topology::cleanup::{Graveyard, die_with_this_thread};
use roamproof_harness::topology::namespace::Namespace;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::Environment;
use crate::usher::Usher;

/// Where a device's command lines run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The network namespace.
    pub(crate) namespace: &'a Namespace,
    /// The working directory: that of the profile.
    pub(crate) folder: &'a Path,
    /// Where they go when they are dead.
    pub(crate) graveyard: &'a Arc<Graveyard>,
    /// Who ends them where this process cannot.
    pub(crate) usher: &'a Arc<Mutex<Usher>>,
}

/// A shell line that runs, with everything that it starts.
#[derive(Debug)]
pub(crate) struct Process {
    /// `None` only while it is dropped.
    child: Option<Child>,
    /// What it prints, both streams.
    pub(crate) output: Output,
    graveyard: Arc<Graveyard>,
    usher: Arc<Mutex<Usher>>,
}

/// The processes of a device.
#[derive(Debug)]
pub(crate) struct Processes {
    all: Vec<Process>,
}

impl Process {
    /// Starts a shell line.
    #[expect(
        clippy::disallowed_methods,
        reason = "the live arm is one of the two that start processes"
    )]
    pub(crate) fn start(
        place: Place<'_>,
        line: &str,
        environment: &Environment,
    ) -> io::Result<Self> {
        let (printed, printing) = io::pipe()?;
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .envs(&environment.0)
            .current_dir(place.folder)
            .stdin(Stdio::null())
            .stdout(printing.try_clone()?)
            .stderr(printing)
            .process_group(0);
        die_with_this_thread(&mut command);
        let child = place.namespace.run(|| command.spawn())?;
        // The command holds the child's end of the pipe; it must close with the child alone.
        drop(command);
        let output = Output::of("a device", printed)?;
        let process = Self {
            child: Some(child),
            output,
            graveyard: Arc::clone(place.graveyard),
            usher: Arc::clone(place.usher),
        };
        process.mind(true)?;
        Ok(process)
    }

    /// Has the usher end the whole group when this process is gone, or no more.
    fn mind(&self, on: bool) -> io::Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        let usher = self.usher.lock().unwrap_or_else(PoisonError::into_inner);
        usher.mind(Pid::from_child(child), on)
    }

    /// How it ended, where it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.as_mut().map_or(Ok(None), Child::try_wait)
    }

    /// Waits until it ends or `limit` has passed.
    pub(crate) fn wait(&self, limit: Duration) -> io::Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        let limit = limit.try_into().map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.mind(false) {
            tracing::warn!("usher: {error}");
        }
        let Some(child) = self.child.take() else { return };
        // A shell's own children outlive it; the group is theirs too, and none is left where it
        // is gone.
        if let Err(error) = kill_process_group(Pid::from_child(&child), Signal::KILL)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!("process group {}: {error}", child.id());
        }
        self.graveyard.bury(child);
    }
}

impl Processes {
    /// Starts the shell lines.
    pub(crate) fn start(
        place: Place<'_>,
        lines: &[String],
        environment: &Environment,
    ) -> io::Result<Self> {
        let start = |line: &String| Process::start(place, line, environment);
        Ok(Self { all: lines.iter().map(start).collect::<io::Result<_>>()? })
    }

    /// What the device died of, where it did: the end of a process, or what one printed.
    pub(crate) fn crash(&mut self) -> Option<String> {
        for (place, process) in self.all.iter_mut().enumerate() {
            let which = if place == 0 { String::new() } else { format!("command {}: ", place + 1) };
            match process.ended() {
                Ok(None) => {}
                Ok(Some(status)) => {
                    let words = last_words(&process.output);
                    return Some(format!("crash: {which}{}{words}", end_of(status)));
                }
                Err(error) => return Some(format!("crash: {which}its state is unknown: {error}")),
            }
            if let Some(report) = process.output.lines().iter().find(|line| is_report(line)) {
                return Some(format!("crash: {which}it reported: {}", report.trim()));
            }
        }
        None
    }

    /// What they printed.
    pub(crate) fn output(&self) -> Vec<String> {
        self.all.iter().flat_map(|process| process.output.lines()).collect()
    }

    /// Waits until one of them ends or `limit` has passed.
    pub(crate) fn wait(&self, limit: Duration) -> io::Result<()> {
        self.all.first().map_or(Ok(()), |process| process.wait(limit))
    }
}

/// How a process ended, in words. A shell says of a child that a signal ended 128 and its number.
pub(crate) fn end_of(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) if code > 128 => {
            format!("exit status {code}, as after signal {}", code - 128)
        }
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => {
            let dumped = if status.core_dumped() { ", core dumped" } else { "" };
            format!("signal {signal}{dumped}")
        }
        (None, None) => status.to_string(),
    }
}

fn last_words(output: &Output) -> String {
    let words = output.last_words(LAST_WORDS_LIMIT);
    if words.is_empty() {
        return String::new();
    }
    format!("; it said last: {}", words[words.len().saturating_sub(LAST_WORDS)..].join(" | "))
}

/// Whether a line is the first of a report that something is broken.
fn is_report(line: &str) -> bool {
    REPORTS.iter().any(|mark| line.contains(mark))
}

/// What sanitizers, the C library and language run times print of a fault.
const REPORTS: [&str; 14] = [
    "ERROR: AddressSanitizer",
    "ERROR: LeakSanitizer",
    "ERROR: MemorySanitizer",
    "WARNING: MemorySanitizer",
    "WARNING: ThreadSanitizer",
    "ERROR: HWAddressSanitizer",
    "UndefinedBehaviorSanitizer",
    ": runtime error: ",
    "*** stack smashing detected ***",
    "*** buffer overflow detected ***",
    "double free or corruption",
    "malloc(): ",
    "panicked at ",
    "Segmentation fault",
];

/// How long what a process printed last may take to arrive.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(500);

/// Lines of a dead process that are told.
const LAST_WORDS: usize = 6;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::address("==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x6", true)]
    #[case::undefined("bu.c:42:7: runtime error: signed integer overflow: 1 + 2147483647", true)]
    #[case::thread("WARNING: ThreadSanitizer: data race (pid=7)", true)]
    #[case::rust("thread 'main' panicked at src/main.rs:7:5:", true)]
    #[case::plain("registered sip:mt@example.com", false)]
    #[case::errors_alone("ERROR: no route to host", false)]
    fn a_report_is_told_from_talk(#[case] line: &str, #[case] report: bool) {
        assert_eq!(is_report(line), report);
    }

    #[rstest]
    #[case::exit(3 << 8, "exit status 3")]
    #[case::of_a_shell(139 << 8, "exit status 139, as after signal 11")]
    #[case::signal(9, "signal 9")]
    #[case::dumped(11 | 0x80, "signal 11, core dumped")]
    fn an_end_is_told(#[case] status: i32, #[case] words: &str) {
        assert_eq!(end_of(ExitStatus::from_raw(status)), words);
    }
}
