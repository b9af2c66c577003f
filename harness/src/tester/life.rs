//! Whether the subject lives: asked at the end of every purpose, whatever it came to.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::{self, Ethernet};
use roamproof_wire::icmpv6::{Message, NeighbourSolicitation};
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};

use super::{LATENESS_MAX, Tester};
use crate::topology::Role;
use crate::verdict::{Stop, Verdict};

impl Tester<'_> {
    /// How the purpose ends that its body left with `stop`: a subject that runs no more, or is not
    /// well, has not passed, and whatever else was seen of it comes from that. What was seen while
    /// this host was late says nothing about a subject that lives.
    pub(crate) fn ends(&mut self, stop: Option<Stop>) -> Option<Stop> {
        let lateness = self.bench.lateness_max();
        let stop =
            stop.map(|stop| if lateness > LATENESS_MAX { stop.of_late(lateness) } else { stop });
        let died = match self.examines() {
            Ok(()) => return stop,
            Err(died) => died,
        };
        Some(match stop {
            // Where the body saw nothing wrong the device died of what was done to it.
            None if died.crashed => Stop { verdict: Verdict::Fail, ..died },
            None => died,
            Some(stop) if !died.crashed => stop,
            Some(stop) => {
                let seen = format!("{}; before that: {}", died.seen, stop.seen);
                Stop { expected: stop.expected, frames: stop.frames, seen, ..died }
            }
        })
    }

    fn examines(&mut self) -> Result<(), Stop> {
        let (subject, _) = self.subject();
        self.bench.examine(&subject).map_err(|why| self.trouble(&why))?;
        let answers = self.answers_a_neighbour();
        // A process that has ended says more than silence does.
        self.bench.check_alive().map_err(|why| self.trouble(&why))?;
        answers?;
        self.lets_finish(&subject)?;
        self.bench.check_alive().map_err(|why| self.trouble(&why))
    }

    /// A sign of life that nobody can withhold: a subject that has an address of its own on a link
    /// where a station stands says so when it is asked for it (RFC 4861 §7.2.4).
    fn answers_a_neighbour(&mut self) -> Result<(), Stop> {
        let Some(target) = self.own_address() else { return Ok(()) };
        let Some(cable) = self.bench.plugged_at(&self.subject().0) else { return Ok(()) };
        let station = self.stations.iter().find(|station| station.link == cable);
        let Some((mac, source)) = station
            .and_then(|one| Some((one.mac, *one.addresses.iter().find(|own| is_unicast(own))?)))
        else {
            return Ok(());
        };
        let asked = NeighbourSolicitation { target, source_link_layer: Some(mac) };
        let outgoing =
            Outgoing { hop_limit: 255, ..Outgoing::new(source, target, protocol::ICMPV6) };
        let packet = Message::NeighbourSolicitation(asked).packet(&outgoing);
        let frame = ethernet::frame(self.plan.subject, mac, &packet);
        self.bench.lateness();
        for _ in 0..ASKED_MAX {
            self.bench.inject(cable, &frame).map_err(|why| self.trouble(&why))?;
            let until = self.bench.now() + RETRANS_TIMER;
            while let Some(heard) = self.next(until)? {
                if says_who_has(&self.bench.capture().frames[heard.frame].octets, target) {
                    return Ok(());
                }
            }
        }
        let seen = format!("crash: it does not answer a Neighbor Solicitation for its {target}");
        let expected = "a device that is alive".to_owned();
        let lateness = self.bench.lateness();
        if lateness > LATENESS_MAX {
            return Err(
                self.late(expected, format!("{seen}, while this host was {lateness:?} late"))
            );
        }
        Err(Stop { crashed: true, ..self.stop(expected, seen, vec![]) })
    }

    /// The address that the subject has for certain. A mobile terminal makes its own, or is nowhere.
    fn own_address(&self) -> Option<Ipv6Addr> {
        let subject = self.bench.topology().nodes.first()?;
        match subject.role {
            Role::HomeAgent => Some(self.plan.ha),
            Role::SipServer => Some(self.plan.ss),
            Role::Correspondent => Some(self.plan.cn),
            Role::MobileTerminal | Role::Router => None,
        }
    }

    /// Lets time pass, answering neighbours meanwhile, while the subject is at what it was told.
    pub(super) fn lets_finish(&mut self, subject: &str) -> Result<(), Stop> {
        while self.bench.is_busy(subject).map_err(|why| self.trouble(&why))? {
            let until = self.bench.now() + STEP;
            while let Some(heard) = self.next(until)? {
                self.passed_by.push_back(heard);
            }
        }
        Ok(())
    }
}

fn is_unicast(address: &Ipv6Addr) -> bool {
    !address.is_multicast() && !address.is_unspecified()
}

fn says_who_has(frame: &[u8], target: Ipv6Addr) -> bool {
    let Ok((_, octets)) = Ethernet::parse(frame) else { return false };
    let Ok(packet) = Packet::parse(octets) else { return false };
    matches!(Message::parse(&packet), Ok(Message::NeighbourAdvertisement(said)) if said.target == target)
}

/// RETRANS_TIMER of RFC 4861 §10.
const RETRANS_TIMER: Duration = Duration::from_secs(1);

/// MAX_UNICAST_SOLICIT of RFC 4861 §10.
const ASKED_MAX: u32 = 3;

/// How often a subject is looked at that does something beside the wire.
const STEP: Duration = Duration::from_millis(2);
