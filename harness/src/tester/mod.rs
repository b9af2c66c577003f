//! The tester: it plays every peer of the subject, by scripts that speak `wire` only.

mod clause;
mod station;
pub mod template;

pub use clause::{Clause, Kind};
pub use station::{Station, StationId};
pub use template::Template;

use std::time::Duration;

use roamproof_wire::dissect::dissect;
use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::ipv6::Packet;

use crate::bench::{Bench, BenchError, Heard};
use crate::verdict::{Stop, Verdict};

/// What a purpose's body works with.
pub struct Tester<'a> {
    /// The network.
    pub bench: &'a mut Bench,
    stations: Vec<Station>,
    clauses: Vec<Clause>,
}

/// The host may be this late before a silence or a deadline says nothing any more.
pub const LATENESS_MAX: Duration = Duration::from_millis(50);

impl<'a> Tester<'a> {
    /// A tester over `bench`, with no station yet.
    pub const fn new(bench: &'a mut Bench) -> Self {
        Self { bench, stations: Vec::new(), clauses: Vec::new() }
    }

    /// What must be so before anything can be judged.
    pub fn given(&mut self, text: impl Into<String>) {
        self.enter(Kind::Given, text.into());
    }

    /// What the tester does.
    pub fn when(&mut self, text: impl Into<String>) {
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
    /// Where the link fails: the harness's fault, whatever the sentence.
    pub fn sends(&mut self, from: StationId, to: Mac, packet: &[u8]) -> Result<usize, Stop> {
        let station = &self.stations[from.0];
        let frame = ethernet::frame(to, station.mac, packet);
        let link = station.link;
        self.bench.inject(link, &frame).map_err(|why| self.trouble(&why))
    }

    /// Waits for the first packet of the template's kind, for as long as `patience`; returns its
    /// index in the capture.
    ///
    /// # Errors
    ///
    /// Where it does not come, or something in it is not so.
    pub fn hears(&mut self, wanted: &Template, patience: Duration) -> Result<usize, Stop> {
        let until = self.bench.now() + patience;
        self.bench.lateness();
        while let Some(heard) = self.next(until)? {
            match self.judge(wanted, heard) {
                Judged::OtherKind => {}
                Judged::Fits => return Ok(heard.frame),
                Judged::Wrong(mismatch) => {
                    let seen = dissect(&self.bench.capture().frames[heard.frame].octets);
                    let seen = format!("{seen}: not {mismatch}");
                    return Err(self.stop(wanted.to_string(), seen, vec![heard.frame]));
                }
            }
        }
        self.punctual(wanted)?;
        Err(self.stop(wanted.to_string(), format!("nothing of the kind in {patience:?}"), vec![]))
    }

    /// Wants no packet that fits the template for as long as `patience`.
    ///
    /// # Errors
    ///
    /// Where one comes.
    pub fn hears_none(&mut self, unwanted: &Template, patience: Duration) -> Result<(), Stop> {
        let until = self.bench.now() + patience;
        self.bench.lateness();
        while let Some(heard) = self.next(until)? {
            if let Judged::Fits = self.judge(unwanted, heard) {
                let seen = dissect(&self.bench.capture().frames[heard.frame].octets);
                return Err(self.stop(format!("no {unwanted}"), seen, vec![heard.frame]));
            }
        }
        self.punctual(unwanted)
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
        Stop { verdict: kind.otherwise(), clause, expected, seen, frames }
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

    fn judge(&self, wanted: &Template, heard: Heard) -> Judged {
        let octets = &self.bench.capture().frames[heard.frame].octets;
        let Ok((_, octets)) = Ethernet::parse(octets) else { return Judged::OtherKind };
        let Ok(packet) = Packet::parse(octets) else { return Judged::OtherKind };
        if !wanted.is_kind(&packet) {
            return Judged::OtherKind;
        }
        match wanted.mismatch(&packet) {
            None => Judged::Fits,
            Some(mismatch) => Judged::Wrong(mismatch.to_owned()),
        }
    }

    /// A deadline that the host itself missed says nothing about the subject.
    fn punctual(&mut self, waited_for: &Template) -> Result<(), Stop> {
        let lateness = self.bench.lateness();
        if lateness <= LATENESS_MAX {
            return Ok(());
        }
        let seen = format!("this host was {lateness:?} late ({LATENESS_MAX:?} is tolerated)");
        let stop = self.stop(waited_for.to_string(), seen, vec![]);
        Err(Stop { verdict: Verdict::Inconc, ..stop })
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

enum Judged {
    OtherKind,
    Fits,
    Wrong(String),
}
