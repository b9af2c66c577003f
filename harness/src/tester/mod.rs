//! The tester: it plays every peer of the subject, by scripts that speak `wire` only.

mod clause;
pub mod correspondent;
mod hearing;
pub mod home_agent;
mod key;
pub mod mobile;
pub mod sip;
mod station;
mod stimulus;
pub mod template;

pub use clause::{Clause, Kind};
pub use station::{Station, StationId};
pub use template::Template;

use std::collections::VecDeque;
use std::time::Duration;

use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::ipv6::Packet;
use roamproof_wire::sip::Message as SipMessage;

use crate::bench::{Bench, BenchError, Heard};
use crate::verdict::{Stop, Verdict};

/// What a purpose's body works with.
pub struct Tester<'a> {
    /// The network.
    pub bench: &'a mut Bench,
    stations: Vec<Station>,
    clauses: Vec<Clause>,
    /// Heard since the last stimulus and not yet asked for: packets of one exchange come in any
    /// order.
    passed_by: VecDeque<Heard>,
    /// What was sent on purpose, by index in the capture.
    stimuli: Vec<usize>,
}

/// The host may be this late before a silence or a deadline says nothing any more.
pub const LATENESS_MAX: Duration = Duration::from_millis(50);

impl<'a> Tester<'a> {
    /// A tester over `bench`, with no station yet.
    pub const fn new(bench: &'a mut Bench) -> Self {
        Self {
            bench,
            stations: Vec::new(),
            clauses: Vec::new(),
            passed_by: VecDeque::new(),
            stimuli: Vec::new(),
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

    /// Sends an IPv6 packet from a station to the node whose link-layer address is `to`; returns
    /// its index in the capture.
    ///
    /// # Errors
    ///
    /// Where the packet is not as its receiver must read it, or the link fails: the harness's fault,
    /// whatever the sentence.
    pub fn sends(&mut self, from: StationId, to: Mac, packet: &[u8]) -> Result<usize, Stop> {
        if let Err(wrong) = stimulus::check(packet) {
            return Err(self.fault("a stimulus that is right in every field", wrong.to_string()));
        }
        let station = &self.stations[from.0];
        let frame = ethernet::frame(to, station.mac, packet);
        let link = station.link;
        let sent = self.bench.inject(link, &frame).map_err(|why| self.trouble(&why))?;
        self.stimuli.push(sent);
        Ok(sent)
    }

    /// Sends what a script of the tester's made of a packet heard.
    ///
    /// # Errors
    ///
    /// As [`sends`](Self::sends), and where the script made nothing of it: what was heard is then
    /// not what this sentence is about.
    pub fn answers(
        &mut self,
        from: StationId,
        to: Mac,
        packet: Option<Vec<u8>>,
    ) -> Result<usize, Stop> {
        match packet {
            Some(packet) => self.sends(from, to, &packet),
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

    /// Plugs a node's interface into a link.
    ///
    /// # Errors
    ///
    /// Where the node does not take it.
    pub fn plugs(&mut self, node: &str, interface: &str, link: &str) -> Result<(), Stop> {
        self.bench.plug(node, interface, link).map_err(|why| self.trouble(&why))
    }

    /// Asks a node for something.
    ///
    /// # Errors
    ///
    /// Where the node does not take it.
    pub fn tells(&mut self, node: &str, command: &str) -> Result<(), Stop> {
        self.bench.tell(node, command).map_err(|why| self.trouble(&why))
    }

    /// The stop that follows where the subject runs no more, whatever it did before.
    pub(crate) fn subject_died(&mut self) -> Option<Stop> {
        let why = self.bench.check_alive().err()?;
        Some(Stop { verdict: Verdict::Fail, ..self.trouble(&why) })
    }

    /// The stop that follows from something else than what was expected in this sentence.
    pub fn stop(&self, expected: String, seen: String, frames: Vec<usize>) -> Stop {
        let (kind, clause) = self.clauses.last().map_or((Kind::When, String::new()), |clause| {
            (clause.kind, format!("{} {}", clause.kind.word(), clause.text))
        });
        Stop { verdict: kind.otherwise(), clause, expected, seen, frames, late: false }
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
        Ok(Some(heard))
    }

    /// A subject that died breaks the requirement in `then` and leaves it open before; a link that
    /// failed is the harness's fault.
    fn trouble(&self, why: &BenchError) -> Stop {
        let stop = self.stop("a network that works".to_owned(), why.to_string(), vec![]);
        match why {
            BenchError::Subject { .. } => stop,
            BenchError::Link(_) | BenchError::Unknown(_) => {
                Stop { verdict: Verdict::Error, ..stop }
            }
        }
    }
}
