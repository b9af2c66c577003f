//! What a sequence's script works with: commands to the nodes, and waits for what it must see.

use std::time::Duration;

use crate::bench::{Bench, BenchError};
use crate::evidence::{Frame, Kind, Sight};
use crate::link::{Fate, Passing};

/// A sequence being played.
pub struct Play<'a> {
    /// The network.
    pub bench: &'a mut Bench,
    watch: &'a mut dyn FnMut(&Frame),
    shown: usize,
    searched: usize,
}

/// Why a sequence did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// What the script waits for did not come.
    #[error("waited {patience:?} for {what}: nothing came")]
    Nothing {
        /// What it waited for.
        what: &'static str,
        /// How long.
        patience: Duration,
    },
    /// The network failed.
    #[error(transparent)]
    Bench(#[from] BenchError),
}

/// Longer than any single step of a sequence that works takes.
const PATIENCE: Duration = Duration::from_secs(20);

impl<'a> Play<'a> {
    pub(super) fn new(bench: &'a mut Bench, watch: &'a mut dyn FnMut(&Frame)) -> Self {
        Self { bench, watch, shown: 0, searched: 0 }
    }

    /// Plugs a node's first interface into a link.
    pub(super) fn plug(&mut self, node: &str, link: &str) -> Result<(), PlayError> {
        Ok(self.bench.plug(node, "eth0", link)?)
    }

    /// Asks a node for something.
    pub(super) fn tell(&mut self, node: &str, command: &str) -> Result<(), PlayError> {
        Ok(self.bench.tell(node, command)?)
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, duration: Duration) -> Result<(), PlayError> {
        let until = self.bench.now() + duration;
        while self.bench.hear(until)?.is_some() {
            self.show();
        }
        self.show();
        Ok(())
    }

    /// From now on frames for which `is_lost` says so are lost.
    pub(super) fn lose(&mut self, mut is_lost: impl FnMut(&Sight) -> bool + 'static) {
        self.bench.set_weather(move |passing: Passing<'_>| {
            if is_lost(&Sight::of(passing.octets)) { Fate::Lost } else { Fate::Arrives }
        });
    }

    /// From now on every frame arrives.
    pub(super) fn calm(&mut self) {
        self.bench.calm();
    }

    /// Waits for a frame on `link` after those already waited for.
    pub(super) fn wait(
        &mut self,
        what: &'static str,
        link: &str,
        fits: impl Fn(&Sight) -> bool,
    ) -> Result<usize, PlayError> {
        let link = self.bench.link(link)?;
        let until = self.bench.now() + PATIENCE;
        loop {
            while self.searched < self.bench.capture().frames.len() {
                let index = self.searched;
                self.searched += 1;
                let frame = &self.bench.capture().frames[index];
                if frame.link == link && !frame.lost && fits(&Sight::of(&frame.octets)) {
                    self.show();
                    return Ok(index);
                }
            }
            self.show();
            if self.bench.hear(until)?.is_none() {
                return Err(PlayError::Nothing { what, patience: PATIENCE });
            }
        }
    }

    /// Waits for a SIP message on `link` that begins with `start`.
    pub(super) fn wait_for_sip(
        &mut self,
        what: &'static str,
        link: &str,
        start: &str,
    ) -> Result<usize, PlayError> {
        self.wait(what, link, |sight| sight.kind == Kind::Sip && sight.line.starts_with(start))
    }

    /// Shows what was captured since the last time.
    pub(super) fn show(&mut self) {
        let frames = &self.bench.capture().frames;
        for frame in &frames[self.shown..] {
            (self.watch)(frame);
        }
        self.shown = frames.len();
    }
}
