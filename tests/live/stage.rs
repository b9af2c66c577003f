//! The claimed network, live, as a test directs it: it waits for what it must see, and runs ordinary
//! programs on the nodes' hosts meanwhile.

use std::io;
use std::process::Output;
use std::time::Duration;

use roamproof::live_arm::{Live, LiveArm};
use roamproof_harness::bench::Bench;
use roamproof_harness::evidence::{Kind, LadderStyle, Names, Sight, ladder};
use roamproof_harness::topology::claimed::{Wanted, topology};

/// A running network and how far its capture was searched.
pub(crate) struct Stage {
    pub(crate) bench: Bench,
    arm: LiveArm,
    searched: usize,
}

impl Stage {
    pub(crate) fn set_up(live: &Live, wanted: &Wanted) -> Self {
        let mut arm = live.arm();
        let bench = Bench::set_up(&mut arm, topology(wanted)).unwrap_or_else(|why| panic!("{why}"));
        Self { bench, arm, searched: 0 }
    }

    /// Plugs the mobile terminal in and waits until its home agent knows where it is.
    pub(crate) fn attach(&mut self, link: &str) {
        self.bench.plug("mt", "eth0", link).unwrap();
        self.wait("a Binding Acknowledgement", link, |sight| sight.line.starts_with("BA"));
    }

    /// As [`attach`](Self::attach), and until its SIP server knows its home address.
    pub(crate) fn register(&mut self, link: &str) {
        self.attach(link);
        self.wait_for_sip("REGISTER", link);
        self.wait_for_sip("200", link);
    }

    pub(crate) fn tell(&mut self, node: &str, command: &str) {
        self.bench.tell(node, command).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Waits for a frame on `link` behind all those waited for; its index in the capture.
    pub(crate) fn wait(&mut self, what: &str, link: &str, fits: impl Fn(&Sight) -> bool) -> usize {
        let id = self.bench.link(link).unwrap();
        let until = self.bench.now() + PATIENCE;
        loop {
            while self.searched < self.bench.capture().frames.len() {
                let index = self.searched;
                self.searched += 1;
                let frame = &self.bench.capture().frames[index];
                if frame.link == id && fits(&Sight::of(&frame.octets)) {
                    return index;
                }
            }
            if self.bench.hear(until).unwrap().is_none() {
                panic!("no {what} on {link} in {PATIENCE:?}:\n{}", self.ladder());
            }
        }
    }

    pub(crate) fn wait_for_sip(&mut self, start: &str, link: &str) -> usize {
        self.wait(start, link, |sight| sight.kind == Kind::Sip && sight.line.starts_with(start))
    }

    pub(crate) fn pass(&mut self, duration: Duration) {
        self.bench.run_for(duration).unwrap();
    }

    /// What is waited for from now on comes behind what was captured so far.
    pub(crate) fn turn_page(&mut self) -> usize {
        self.searched = self.bench.capture().frames.len();
        self.searched
    }

    /// Runs a program on a node's host to its end, the network meanwhile running; `None` where this
    /// machine does not have the program.
    pub(crate) fn run_on(&mut self, node: &str, program: &str, words: &[&str]) -> Option<Output> {
        let mut child = match self.arm.command_in(node, program, words) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            other => other.unwrap(),
        };
        let until = self.bench.now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            self.bench.run_for(Duration::from_millis(10)).unwrap();
            if self.bench.now() >= until {
                child.kill().unwrap();
                let output = child.wait_with_output().unwrap();
                panic!("{program} does not end: {output:?}\n{}", self.ladder());
            }
        }
        Some(child.wait_with_output().unwrap())
    }

    /// Every frame on `link` from a place in the capture on, at a glance.
    pub(crate) fn sights(&self, link: &str, from: usize) -> Vec<(usize, Sight)> {
        let id = self.bench.link(link).unwrap();
        let frames = self.bench.capture().frames.iter().enumerate().skip(from);
        frames
            .filter(|(_, frame)| frame.link == id)
            .map(|(index, frame)| (index, Sight::of(&frame.octets)))
            .collect()
    }

    /// All of it, for whoever must find out why.
    pub(crate) fn ladder(&self) -> String {
        let names = Names::of_claimed(self.bench.topology());
        ladder(self.bench.capture(), &names, &LadderStyle::default())
    }
}

/// Longer than any step that works takes, on a busy host too.
const PATIENCE: Duration = Duration::from_secs(40);
