//! Where a case did not pass: the network is kept up, to be looked at from outside or by a shell inside.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use roamproof::inside::Inside;
use roamproof::interrupt;
use roamproof_harness::tester::Tester;
use roamproof_harness::verdict::Stop;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::AtFailure;
use crate::cli::Context;

/// A case that did not pass, while its network still runs.
pub(super) struct Scene<'a, 'b> {
    pub(super) id: &'static str,
    pub(super) stop: &'a Stop,
    pub(super) inside: &'a Inside,
    pub(super) tester: &'a mut Tester<'b>,
    pub(super) context: Context,
}

impl Scene<'_, '_> {
    /// Keeps the network up for as long as somebody wants to look at it. Frames pass meanwhile, and
    /// neighbours are answered.
    pub(super) fn stay(mut self, at_failure: AtFailure) {
        let outcome = match at_failure {
            AtFailure::GoOn => return,
            AtFailure::Pause => self.wait(),
            AtFailure::Shell => self.open_shell(),
        };
        if let Err(error) = outcome {
            let line = format!("the network of {} cannot be looked at: {error}", self.id);
            self.context.tell(&line);
        }
    }

    /// Until Enter, the end of standard input, or an interruption.
    fn wait(&mut self) -> io::Result<()> {
        self.tell_why("enter it from another shell:");
        for way in self.inside.ways_in() {
            self.context.tell(&format!("  {:9} {}", way.name, way.command));
        }
        self.context.tell("press Enter to go on");
        while !has_input()? {
            if interrupt::came() {
                return Ok(());
            }
            self.let_frames_pass()?;
        }
        io::stdin().read_line(&mut String::new())?;
        Ok(())
    }

    /// Until the shell ends.
    fn open_shell(&mut self) -> io::Result<()> {
        let subject = self.tester.bench.topology().nodes.first().map(|node| node.name.clone());
        let subject = subject.unwrap_or_default();
        let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
        let shell = PathBuf::from(shell.unwrap_or_else(|| "/bin/sh".into()));
        self.tell_why(&format!("{} opens at {subject}; end it to go on", shell.display()));
        let mut child = self.inside.start(&subject, &shell)?;
        while child.try_wait()?.is_none() {
            self.let_frames_pass()?;
        }
        Ok(())
    }

    fn tell_why(&self, what_now: &str) {
        let Self { id, stop, context, .. } = self;
        context.tell(&format!("\n{} {id}: {stop}\nIts network is up: {what_now}", stop.verdict));
    }

    fn let_frames_pass(&mut self) -> io::Result<()> {
        self.tester.lets_pass(MOMENT).map_err(|stop| io::Error::other(stop.seen))
    }
}

/// Whether a line, or the end, waits at standard input.
fn has_input() -> io::Result<bool> {
    let stdin = io::stdin();
    let mut descriptors = [PollFd::new(&stdin, PollFlags::IN)];
    Ok(poll(&mut descriptors, Some(&Timespec::default()))? > 0)
}

/// How long frames pass before somebody is looked for who wants to go on.
const MOMENT: Duration = Duration::from_millis(50);
