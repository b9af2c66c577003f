//! A subject that is a process of ours: commands over a socket, its output kept, killed with its
//! value.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::subject::output::Output;
use crate::subject::{Subject, SubjectError};
use crate::topology::cleanup::Graveyard;

/// One reference daemon.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    /// `None` only while it is dropped.
    child: Option<Child>,
    control: BufReader<UnixStream>,
    output: Output,
    graveyard: Arc<Graveyard>,
}

impl Daemon {
    /// Takes over a process: `control` is the other end of its control socket.
    ///
    /// # Errors
    ///
    /// Where the socket takes no time limits.
    pub fn new(
        name: &str,
        child: Child,
        control: UnixStream,
        output: Output,
        graveyard: Arc<Graveyard>,
    ) -> io::Result<Self> {
        control.set_read_timeout(Some(ANSWER_LIMIT))?;
        control.set_write_timeout(Some(ANSWER_LIMIT))?;
        let control = BufReader::new(control);
        Ok(Self { name: name.to_owned(), child: Some(child), control, output, graveyard })
    }

    /// Sends one line, which [`answered`](Self::answered) must follow: several daemons can be asked
    /// before the first has answered.
    ///
    /// # Errors
    ///
    /// As [`Subject::tell`].
    pub fn ask(&mut self, line: &str) -> Result<(), SubjectError> {
        if line.contains(['\n', '\r']) {
            return Err(SubjectError::Failed(format!("a command is one line, not {line:?}")));
        }
        let sent = self.control.get_mut().write_all(format!("{line}\n").as_bytes());
        sent.map_err(|error| self.lost(&error))
    }

    /// Waits for the answer to a line.
    ///
    /// # Errors
    ///
    /// As [`Subject::tell`].
    pub fn answered(&mut self) -> Result<(), SubjectError> {
        let mut line = String::new();
        let read = (&mut self.control).take(ANSWER_OCTETS_MAX).read_line(&mut line);
        if let Err(error) = &read {
            return Err(self.lost(error));
        }
        match line.trim_end() {
            "ok" => Ok(()),
            "" => Err(self.lost(&io::ErrorKind::UnexpectedEof.into())),
            answer => Err(match answer.split_once(' ') {
                Some(("cannot", what)) => SubjectError::Cannot(what.to_owned()),
                Some(("error", why)) => SubjectError::Failed(why.to_owned()),
                _ => SubjectError::Failed(format!("it answered {answer:?}")),
            }),
        }
    }

    /// Its process id.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The control socket failed: most often because nobody is there any more.
    fn lost(&mut self, error: &io::Error) -> SubjectError {
        if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
            return SubjectError::Failed(format!("it did not answer within {ANSWER_LIMIT:?}"));
        }
        self.wait_for_end();
        self.alive().err().unwrap_or_else(|| {
            SubjectError::Failed(format!("its control socket failed ({error}) while it runs on"))
        })
    }

    /// Waits for a process that is on its way down: it closes its files before it has an exit status.
    fn wait_for_end(&self) {
        let Some(child) = &self.child else { return };
        let limit = DEATH_LIMIT.try_into().unwrap_or_default();
        if let Ok(process) = pidfd_open(Pid::from_child(child), PidfdFlags::empty())
            && let Err(error) = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit))
        {
            tracing::warn!("process {}: {error}", child.id());
        }
    }

    fn death(&self, status: ExitStatus) -> SubjectError {
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => status.to_string(),
        };
        let words = self.output.last_words(DEATH_LIMIT).join("\n");
        SubjectError::Died(if words.is_empty() {
            how
        } else {
            format!("{how}; it said last:\n{words}")
        })
    }
}

impl Subject for Daemon {
    fn name(&self) -> &str {
        &self.name
    }

    fn tell(&mut self, command: &str) -> Result<(), SubjectError> {
        self.ask(command)?;
        self.answered()
    }

    fn link(&mut self, interface: &str, link: Option<&str>) -> Result<(), SubjectError> {
        self.tell(&format!("link {interface} {}", if link.is_some() { "up" } else { "down" }))
    }

    fn alive(&mut self) -> Result<(), SubjectError> {
        if self.output.has_ended() {
            self.wait_for_end();
        }
        let Some(child) = &mut self.child else {
            return Err(SubjectError::Died("it was stopped".to_owned()));
        };
        match child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.death(status)),
            Err(error) => Err(SubjectError::Failed(format!("its state is unknown: {error}"))),
        }
    }

    fn output(&mut self) -> Vec<String> {
        self.output.lines()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            self.graveyard.bury(child);
        }
    }
}

/// How long a daemon may take for an answer. It answers between two frames; opening its devices on
/// a busy host is what takes long.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// Octets of the longest answer.
const ANSWER_OCTETS_MAX: u64 = 65_536;

/// How long after its socket closed a process may take to end.
const DEATH_LIMIT: Duration = Duration::from_secs(2);
