//! The tester: it plays every peer of the subject, by scripts that speak `wire` only.

pub mod actor;
pub mod caller;
mod clause;
pub mod correspondent;
mod dialog;
pub mod digest;
mod expectation;
mod hearing;
pub mod home_agent;
pub mod inbox;
mod life;
pub mod lookup;
pub mod media;
pub mod mobile;
pub mod registrar;
pub mod scene;
mod script;
pub mod sip;
mod station;
mod stimulus;
pub mod stream;
pub mod template;

pub use clause::{Clause, Kind};
pub use expectation::Expectation;
pub use script::{Fate, Replayed, Stimulus};
pub use station::{Station, StationId};
pub use template::Template;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::ipv6::Packet;
use roamproof_wire::sip::Message as SipMessage;

use actor::Actor;

use crate::bench::{Bench, BenchError, Heard};
use crate::feature::Features;
use crate::plan::Plan;
use crate::subject::SubjectError;
use crate::verdict::{Stop, Verdict};

/// What a purpose's body works with.
pub struct Tester<'a> {
    /// The network.
    pub bench: &'a mut Bench,
    /// Who has which address and key.
    pub plan: Rc<Plan>,
    /// What is known of the subject.
    pub features: Rc<Features>,
    stations: Vec<Station>,
    clauses: Vec<Clause>,
    /// Heard since the last stimulus and not yet asked for: packets of one exchange come in any
    /// order.
    passed_by: VecDeque<Heard>,
    /// What was sent on purpose, by index in the capture.
    stimuli: Vec<usize>,
    /// What was waited for, and what came of it.
    expectations: RefCell<Vec<Expectation>>,
    /// What goes out in place of what this run would send.
    script: Option<script::Script>,
    replayed: Vec<Replayed>,
    /// Who answers by themselves.
    cast: Vec<Rc<RefCell<dyn Actor>>>,
}

/// The host may be this late before a silence or a deadline says nothing any more.
pub const LATENESS_MAX: Duration = Duration::from_millis(50);

impl<'a> Tester<'a> {
    /// A tester over `bench`, whose first node is the subject, with no station yet.
    pub fn new(bench: &'a mut Bench, plan: Plan, features: Features) -> Self {
        Self {
            bench,
            plan: Rc::new(plan),
            features: Rc::new(features),
            stations: Vec::new(),
            clauses: Vec::new(),
            passed_by: VecDeque::new(),
            stimuli: Vec::new(),
            expectations: RefCell::default(),
            script: None,
            replayed: Vec::new(),
            cast: Vec::new(),
        }
    }

    /// What must be so before anything can be judged.
    pub fn given(&mut self, text: impl Into<String>) {
        self.enter(Kind::Given, text.into());
    }

    /// What the tester does. What was heard before it is history from here on.
    pub fn when(&mut self, text: impl Into<String>) {
        self.passed_by.clear();
        self.enter(Kind::When, text.into());
    }

    /// What the requirement demands.
    pub fn then(&mut self, text: impl Into<String>) {
        self.enter(Kind::Then, text.into());
    }

    /// What the requirement recommends, or a bound of its that is only a SHOULD.
    pub fn should(&mut self, text: impl Into<String>) {
        self.enter(Kind::Should, text.into());
    }

    /// The sentences so far.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// What was sent on purpose so far, by index in the capture.
    pub fn stimuli(&self) -> &[usize] {
        &self.stimuli
    }

    /// Puts a station on a link.
    ///
    /// # Errors
    ///
    /// Where the topology has no such link.
    pub fn station(&mut self, link: &str, station: Station) -> Result<StationId, Stop> {
        let link = self.bench.link(link).map_err(|why| self.trouble(&why))?;
        self.stations.push(Station { link, ..station });
        Ok(StationId(self.stations.len() - 1))
    }

    /// Sends an IPv6 packet from a station to the subject; returns its index in the capture.
    ///
    /// # Errors
    ///
    /// As [`sends_to`](Self::sends_to).
    pub fn sends(&mut self, from: StationId, packet: &[u8]) -> Result<usize, Stop> {
        self.sends_to(self.plan.subject, from, packet)
    }

    /// Sends an IPv6 packet from a station to the link-layer address `to`; returns its index in the
    /// capture.
    ///
    /// # Errors
    ///
    /// Where the packet is not as its receiver must read it, or the link fails: the harness's fault,
    /// whatever the sentence.
    pub fn sends_to(&mut self, to: Mac, from: StationId, packet: &[u8]) -> Result<usize, Stop> {
        if let Err(wrong) = stimulus::check(packet) {
            return Err(self.fault("a stimulus that is right in every field", wrong.to_string()));
        }
        let (packet, fate) = self.scripted(packet)?;
        let station = &self.stations[from.0];
        let frame = ethernet::frame(to, station.mac, &packet);
        let link = station.link;
        let sent = self.bench.inject(link, &frame).map_err(|why| self.trouble(&why))?;
        self.stimuli.push(sent);
        self.replayed.extend(fate.map(|fate| Replayed { frame: sent, fate }));
        Ok(sent)
    }

    /// Sends the subject what a script of the tester's made of a packet heard.
    ///
    /// # Errors
    ///
    /// As [`sends`](Self::sends), and where the script made nothing of it: what was heard is then
    /// not what this sentence is about.
    pub fn answers(&mut self, from: StationId, packet: Option<Vec<u8>>) -> Result<usize, Stop> {
        match packet {
            Some(packet) => self.sends(from, &packet),
            None => {
                let expected = "a packet that the tester's script can answer".to_owned();
                Err(self.stop(expected, "one that it cannot".to_owned(), vec![]))
            }
        }
    }

    /// The packet in a captured frame, as it stands on the link.
    ///
    /// # Panics
    ///
    /// Where the frame was not heard as one.
    pub fn packet(&self, frame: usize) -> Packet<'_> {
        let octets = &self.bench.capture().frames[frame].octets;
        let (_, octets) = Ethernet::parse(octets).expect("it was heard as a frame");
        Packet::parse(octets).expect("it was heard as a packet")
    }

    /// The packet inside all tunnels in a captured frame.
    ///
    /// # Panics
    ///
    /// As [`packet`](Self::packet).
    pub fn innermost(&self, frame: usize) -> Packet<'_> {
        template::innermost(&self.packet(frame))
    }

    /// The SIP message in a captured frame, inside all tunnels.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn sip(&self, frame: usize) -> Result<SipMessage, Stop> {
        template::sip_in(&self.innermost(frame)).ok_or_else(|| {
            self.stop("a SIP message".to_owned(), "another packet".to_owned(), vec![frame])
        })
    }

    /// Lets `duration` pass, answering neighbours meanwhile.
    ///
    /// # Errors
    ///
    /// Where a link fails.
    pub fn lets_pass(&mut self, duration: Duration) -> Result<(), Stop> {
        let until = self.bench.now() + duration;
        while self.next(until)?.is_some() {}
        Ok(())
    }

    /// The Unix time now, as time stamps want it.
    pub fn unix_time(&self) -> Duration {
        self.bench.capture().epoch + self.bench.now()
    }

    /// The subject attaches to a link, out of the one where it was (triggers `attach` and `move`).
    ///
    /// # Errors
    ///
    /// Where it does not do it.
    pub fn attaches(&mut self, link: &str) -> Result<(), Stop> {
        let (subject, interface) = self.subject();
        self.bench.begin_plug(&subject, &interface, link).map_err(|why| self.trouble(&why))?;
        self.lets_finish(&subject)
    }

    /// The subject calls an identifier (trigger `call`).
    ///
    /// # Errors
    ///
    /// Where it does not do it.
    pub fn calls(&mut self, identifier: &str) -> Result<(), Stop> {
        self.tells(&format!("call {identifier}"))
    }

    /// The subject answers the call that rings (trigger `answer`).
    ///
    /// # Errors
    ///
    /// Where it does not do it.
    pub fn picks_up(&mut self) -> Result<(), Stop> {
        self.tells("answer")
    }

    /// The subject ends its call, or refuses the one that rings (trigger `hangup`).
    ///
    /// # Errors
    ///
    /// Where it does not do it.
    pub fn hangs_up(&mut self) -> Result<(), Stop> {
        self.tells("hangup")
    }

    /// The subject forgets everything that a power cycle makes it forget (trigger `reset`).
    ///
    /// # Errors
    ///
    /// Where it does not do it.
    pub fn restarts(&mut self) -> Result<(), Stop> {
        self.tells("restart")
    }

    /// The stop that follows from something else than what was expected in this sentence.
    pub fn stop(&self, expected: String, seen: String, frames: Vec<usize>) -> Stop {
        let (kind, clause) = self.clauses.last().map_or((Kind::When, String::new()), |clause| {
            (clause.kind, format!("{} {}", clause.kind.word(), clause.text))
        });
        Stop {
            verdict: kind.otherwise(),
            clause,
            expected,
            seen,
            frames,
            late: false,
            crashed: false,
        }
    }

    /// The stop that follows from a fault of the harness's own.
    fn fault(&self, expected: &str, seen: String) -> Stop {
        let stop = self.stop(expected.to_owned(), seen, vec![]);
        Stop { verdict: Verdict::Error, ..stop }
    }

    /// The stop that follows where this host was late: it says nothing about the subject.
    fn late(&self, expected: String, seen: String) -> Stop {
        Stop { verdict: Verdict::Inconc, late: true, ..self.stop(expected, seen, vec![]) }
    }

    /// Its name in the topology, and that of its first interface.
    fn subject(&self) -> (String, String) {
        let node = self.bench.topology().nodes.first();
        let interface = node.and_then(|node| node.interfaces.first());
        node.zip(interface)
            .map(|(node, interface)| (node.name.clone(), interface.name.clone()))
            .expect("a purpose's topology has its subject, which has an interface")
    }

    fn tells(&mut self, command: &str) -> Result<(), Stop> {
        let (subject, _) = self.subject();
        self.bench.begin_tell(&subject, command).map_err(|why| self.trouble(&why))?;
        self.lets_finish(&subject)
    }

    fn enter(&mut self, kind: Kind, text: String) {
        let (at, frames_before) = (self.bench.now(), self.bench.capture().frames.len());
        self.clauses.push(Clause { kind, text, at, frames_before });
    }

    /// The next frame of a subject, answered where it asks for a neighbour or an echo.
    fn next(&mut self, until: Duration) -> Result<Option<Heard>, Stop> {
        let Some(heard) = self.bench.hear(until).map_err(|why| self.trouble(&why))? else {
            return Ok(None);
        };
        let frame = self.bench.capture().frames[heard.frame].octets.clone();
        let stations = self.stations.iter().filter(|station| station.link == heard.link);
        let answers: Vec<Vec<u8>> = stations.filter_map(|one| one.answer(&frame)).collect();
        for answer in answers {
            self.bench.inject(heard.link, &answer).map_err(|why| self.trouble(&why))?;
        }
        self.act(heard)?;
        Ok(Some(heard))
    }

    /// A subject that died breaks the requirement in `then` and leaves it open before; a link that
    /// failed is the harness's fault.
    fn trouble(&self, why: &BenchError) -> Stop {
        let stop = self.stop("a network that works".to_owned(), why.to_string(), vec![]);
        match why {
            BenchError::Subject { why: SubjectError::Cannot(_), .. } => {
                Stop { verdict: Verdict::NotApplicable, ..stop }
            }
            // A trigger that fails is no packet that is wrong.
            BenchError::Subject { why: SubjectError::Failed(_), .. }
                if stop.verdict == Verdict::Fail =>
            {
                Stop { verdict: Verdict::Inconc, ..stop }
            }
            BenchError::Subject { why: SubjectError::Died(_), .. } => {
                Stop { crashed: true, ..stop }
            }
            BenchError::Subject { .. } => stop,
            BenchError::Link(_) | BenchError::Unknown(_) => {
                Stop { verdict: Verdict::Error, ..stop }
            }
        }
    }
}
