//! A running network in the harness's hand: ports plugged into links, frames passed on, recorded.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

use crate::evidence::Capture;
use crate::link::{Arrival, Cable, Fate, LinkId, Passing, Port, Weather};
use crate::recording::{Journal, Note};
use crate::subject::{Subject, SubjectError};
use crate::topology::{Arm, ArmError, Network, Topology};

/// A running network: every link is the harness passing frames from port to port.
pub struct Bench {
    network: Network,
    journal: Journal,
    topology: Topology,
    cables: Vec<Cable>,
    owners: Vec<(usize, String)>,
    weather: Option<Box<dyn Weather>>,
    held: BTreeMap<(Duration, u64), Held>,
    holds: u64,
    capture: Capture,
    heard: VecDeque<Heard>,
    tail: Duration,
    lateness_max: Duration,
}

/// A frame that some subject sent, and where it stands in the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Its index in [`Capture::frames`].
    pub frame: usize,
    /// The port that it came from.
    pub port: Port,
    /// The link that it entered.
    pub link: LinkId,
}

/// Why a bench does not go on.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A subject runs no more, or did not do what it should be able to.
    #[error("{name}: {why}")]
    Subject {
        /// Its name.
        name: String,
        /// What became of it.
        why: SubjectError,
    },
    /// A link failed.
    #[error("a link failed: {0}")]
    Link(#[from] io::Error),
    /// The topology has no such thing.
    #[error("the topology has no {0}")]
    Unknown(String),
}

struct Held {
    link: LinkId,
    from: Option<Port>,
    octets: Vec<u8>,
}

impl Bench {
    /// Sets `topology` up in `arm`, plugged as it says.
    ///
    /// # Errors
    ///
    /// As [`Arm::set_up`].
    pub fn set_up(arm: &mut dyn Arm, topology: Topology) -> Result<Self, ArmError> {
        let journal = Journal::default();
        let network = journal.over(arm.set_up(&topology)?);
        let cables = topology.ports().map(|(_, _, interface)| Cable::new(interface.link)).collect();
        let owners =
            topology.ports().map(|(_, node, interface)| (node, interface.name.clone())).collect();
        let names = topology.links.iter().map(|link| link.name.as_str());
        let capture = Capture::new(names, network.epoch);
        Ok(Self {
            network,
            journal,
            topology,
            cables,
            owners,
            weather: None,
            held: BTreeMap::new(),
            holds: 0,
            capture,
            heard: VecDeque::new(),
            tail: Duration::ZERO,
            lateness_max: Duration::ZERO,
        })
    }

    /// The time since the start of the run.
    pub fn now(&self) -> Duration {
        self.network.link.now()
    }

    /// What was set up.
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// What crossed the links so far.
    pub const fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Adds a remark to a captured frame.
    pub fn comment(&mut self, frame: usize, text: impl Into<String>) {
        self.capture.comment(frame, text);
    }

    /// Ends the network and keeps what crossed its links.
    pub fn into_capture(self) -> Capture {
        self.capture
    }

    /// What the network said beside the capture so far; it is told once.
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.journal.take()
    }

    /// From now on `weather` decides about every frame that enters a link.
    pub fn set_weather(&mut self, weather: impl Weather + 'static) {
        self.weather = Some(Box::new(weather));
    }

    /// From now on every frame arrives.
    pub fn calm(&mut self) {
        self.weather = None;
    }

    /// Asks a node something.
    ///
    /// # Errors
    ///
    /// Where there is no such node, or it does not do it.
    pub fn tell(&mut self, node: &str, command: &str) -> Result<(), BenchError> {
        self.begin_tell(node, command)?;
        self.finish(node)
    }

    /// As [`tell`](Self::tell), without waiting until it is done.
    ///
    /// # Errors
    ///
    /// As [`tell`](Self::tell).
    pub fn begin_tell(&mut self, node: &str, command: &str) -> Result<(), BenchError> {
        self.with_subject(node, |subject| subject.tell(command))
    }

    /// Whether a node is still at what it was told last.
    ///
    /// # Errors
    ///
    /// Where it did not do it.
    pub fn is_busy(&mut self, node: &str) -> Result<bool, BenchError> {
        self.with_subject(node, |subject| subject.busy())
    }

    /// Lets the network run while a node is at what it was told last.
    fn finish(&mut self, node: &str) -> Result<(), BenchError> {
        while self.is_busy(node)? {
            let until = self.now() + STEP;
            while self.pump(until)? {}
        }
        Ok(())
    }

    /// Plugs a node's interface into a link, out of the one it was in, and tells the node.
    ///
    /// # Errors
    ///
    /// Where there is no such node, interface or link, or the node runs no more.
    pub fn plug(&mut self, node: &str, interface: &str, link: &str) -> Result<(), BenchError> {
        self.begin_plug(node, interface, link)?;
        self.finish(node)
    }

    /// As [`plug`](Self::plug), without waiting until the node has done its part.
    ///
    /// # Errors
    ///
    /// As [`plug`](Self::plug).
    pub fn begin_plug(
        &mut self,
        node: &str,
        interface: &str,
        link: &str,
    ) -> Result<(), BenchError> {
        let id = self.link(link)?;
        self.unplug(node, interface)?;
        let port = self.port(node, interface)?;
        let now = self.now();
        self.cables[port.0].plug(now, Some(id));
        self.tell_link(node, interface, Some(link))
    }

    /// Plugs a node's interface out and tells the node, if it was plugged in.
    ///
    /// # Errors
    ///
    /// As [`plug`](Self::plug).
    pub fn unplug(&mut self, node: &str, interface: &str) -> Result<(), BenchError> {
        let port = self.port(node, interface)?;
        if self.cables[port.0].link().is_none() {
            return Ok(());
        }
        let now = self.now();
        self.cables[port.0].plug(now, None);
        self.tell_link(node, interface, None)
    }

    /// The link that a node's first interface is plugged into.
    pub fn plugged_at(&self, node: &str) -> Option<LinkId> {
        let index = self.node(node).ok()?;
        let port = self.owners.iter().position(|(owner, _)| *owner == index)?;
        self.cables[port].link()
    }

    /// Whether every subject still runs.
    ///
    /// # Errors
    ///
    /// Names the first that does not.
    pub fn check_alive(&mut self) -> Result<(), BenchError> {
        for subject in &mut self.network.subjects {
            let name = subject.name().to_owned();
            subject.alive().map_err(|why| BenchError::Subject { name, why })?;
        }
        Ok(())
    }

    /// Has a node say whether it is well; [`is_busy`](Self::is_busy) tells how that ends.
    ///
    /// # Errors
    ///
    /// Where there is no such node, or it runs no more.
    pub fn examine(&mut self, node: &str) -> Result<(), BenchError> {
        self.with_subject(node, |subject| subject.examine())
    }

    /// What a node printed or noted so far.
    pub fn output(&mut self, node: &str) -> Vec<String> {
        self.node(node).map_or_else(|_| Vec::new(), |index| self.network.subjects[index].output())
    }

    /// How late the host was in the worst case since the last call.
    pub fn lateness(&mut self) -> Duration {
        let lateness = self.network.link.lateness();
        self.lateness_max = self.lateness_max.max(lateness);
        lateness
    }

    /// How late the host was in the worst case since the start of the run.
    pub fn lateness_max(&mut self) -> Duration {
        self.lateness();
        self.lateness_max
    }

    /// The next frame that a subject sent, already recorded and passed on; `None` at `until`.
    ///
    /// # Errors
    ///
    /// Where a link fails.
    pub fn hear(&mut self, until: Duration) -> Result<Option<Heard>, BenchError> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Ok(Some(heard));
            }
            if !self.pump(until)? {
                return Ok(None);
            }
        }
    }

    /// Lets the network run until `until`; frames heard meanwhile are in the capture only.
    ///
    /// # Errors
    ///
    /// Where a link fails.
    pub fn run_until(&mut self, until: Duration) -> Result<(), BenchError> {
        while self.pump(until)? {}
        self.heard.clear();
        Ok(())
    }

    /// Lets the network run for `duration`.
    ///
    /// # Errors
    ///
    /// Where a link fails.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), BenchError> {
        self.run_until(self.now() + duration)
    }

    /// Sends a frame into a link as a station of the harness's own; returns its index in the
    /// capture.
    ///
    /// # Errors
    ///
    /// Where a link fails.
    pub fn inject(&mut self, link: LinkId, octets: &[u8]) -> Result<usize, BenchError> {
        let at = self.now();
        self.enter(at, link, None, octets.to_vec())
    }

    /// The link called `name`.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn link(&self, name: &str) -> Result<LinkId, BenchError> {
        self.topology.link(name).ok_or_else(|| BenchError::Unknown(format!("link {name}")))
    }

    /// One arrival or one held frame; false at `until`.
    fn pump(&mut self, until: Duration) -> Result<bool, BenchError> {
        let due = self.held.keys().next().copied();
        let wait = due.map_or(until, |(at, _)| at.min(until));
        if let Some(arrival) = self.network.link.receive(wait)? {
            self.arrive(arrival)?;
            return Ok(true);
        }
        let Some(key) = due.filter(|(at, _)| *at <= until) else { return Ok(false) };
        if let Some(Held { link, from, octets }) = self.held.remove(&key) {
            self.pass_on(link, from, &octets)?;
        }
        Ok(true)
    }

    fn arrive(&mut self, arrival: Arrival) -> Result<(), BenchError> {
        let Arrival { at, port, octets } = arrival;
        // A frame sent into a cable that is plugged nowhere is seen by nobody.
        let Some(link) = self.cables[port.0].link_at(at) else { return Ok(()) };
        self.journal.note(Note::Arrival { at, port, frame: self.capture.frames.len() });
        let frame = self.enter(at, link, Some(port), octets)?;
        self.heard.push_back(Heard { frame, port, link });
        Ok(())
    }

    fn enter(
        &mut self,
        at: Duration,
        link: LinkId,
        from: Option<Port>,
        octets: Vec<u8>,
    ) -> Result<usize, BenchError> {
        // Kernel time stamps of frames already queued may lie before one of our own sending.
        let at = at.max(self.tail);
        self.tail = at;
        let fate = self
            .weather
            .as_mut()
            .map_or(Fate::Arrives, |weather| weather.decide(Passing { at, link, octets: &octets }));
        match fate {
            Fate::Arrives => self.pass_on(link, from, &octets)?,
            Fate::Lost => return Ok(self.capture.record_lost(at, link, octets)),
            Fate::Late(delay) => self.hold(at + delay, link, from, octets.clone()),
            Fate::Twice(delay) => {
                self.pass_on(link, from, &octets)?;
                self.hold(at + delay, link, from, octets.clone());
            }
        }
        Ok(self.capture.record(at, link, octets))
    }

    fn hold(&mut self, at: Duration, link: LinkId, from: Option<Port>, octets: Vec<u8>) {
        self.holds += 1;
        self.held.insert((at, self.holds), Held { link, from, octets });
    }

    fn pass_on(
        &mut self,
        link: LinkId,
        from: Option<Port>,
        octets: &[u8],
    ) -> Result<(), BenchError> {
        for (index, cable) in self.cables.iter().enumerate() {
            if cable.link() == Some(link) && Some(Port(index)) != from {
                self.network.link.send(Port(index), octets)?;
            }
        }
        Ok(())
    }

    fn tell_link(
        &mut self,
        node: &str,
        interface: &str,
        link: Option<&str>,
    ) -> Result<(), BenchError> {
        self.with_subject(node, |subject| subject.link(interface, link))
    }

    fn with_subject<T>(
        &mut self,
        node: &str,
        action: impl FnOnce(&mut dyn Subject) -> Result<T, SubjectError>,
    ) -> Result<T, BenchError> {
        let index = self.node(node)?;
        action(self.network.subjects[index].as_mut())
            .map_err(|why| BenchError::Subject { name: node.to_owned(), why })
    }

    fn node(&self, name: &str) -> Result<usize, BenchError> {
        self.topology.node(name).ok_or_else(|| BenchError::Unknown(format!("node {name}")))
    }

    /// The port of a node's interface.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn port(&self, node: &str, interface: &str) -> Result<Port, BenchError> {
        let index = self.node(node)?;
        self.owners
            .iter()
            .position(|(owner, name)| *owner == index && name == interface)
            .map(Port)
            .ok_or_else(|| BenchError::Unknown(format!("interface {interface} of {node}")))
    }
}

/// How often a subject is looked at that does something beside the wire.
const STEP: Duration = Duration::from_millis(2);
