//! By which way a correspondent and a home agent send to a mobile node: there where it was last
//! acknowledged to be, and nowhere else.
//!
//! | node | what is watched |
//! |---|---|
//! | correspondent | media and whatever else to a bound home address goes to its care-of address, by a type 2 routing header (RFC 6275 §9.3.2); nothing goes to one that is not bound there |
//! | home agent | a tunnel leads to the care-of address of the home address that its inner packet is for (§10.4.1), and only while it is registered |
//!
//! A binding is what was asked for by an update and acknowledged to it on the wire, until it has run out. As the
//! claims of a terminal, this holds while all peers are right.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_harness::tester::template::inside;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{BindingAcknowledgement, Lifetime, Message};

use crate::claims::is_media;
use crate::reading::Reading;

/// Follows the bindings of a node, and panics where a packet goes another way.
#[derive(Debug, Clone)]
pub(crate) struct Routes {
    holds: bool,
    own: Ipv6Addr,
    /// The care-of address of each update that came, by home address and sequence number.
    asked: BTreeMap<(Ipv6Addr, u16), Ipv6Addr>,
    bound: BTreeMap<Ipv6Addr, Bound>,
}

#[derive(Debug, Clone)]
struct Bound {
    care_of: Ipv6Addr,
    until: Duration,
}

impl Routes {
    /// Of a node with this address and without bindings.
    pub(crate) const fn new(own: Ipv6Addr) -> Self {
        Self { holds: true, own, asked: BTreeMap::new(), bound: BTreeMap::new() }
    }

    /// From here on nothing is promised.
    pub(crate) const fn end(&mut self) {
        self.holds = false;
    }

    /// A packet reaches the node.
    pub(crate) fn comes(&mut self, reading: &Reading<'_>) {
        if self.holds
            && let Some(Message::BindingUpdate(update)) = reading.message()
        {
            let packet = &reading.packet;
            let care_of = update.alternate_care_of().unwrap_or(packet.header.source);
            self.asked.insert((packet.source(), update.sequence.0), care_of);
        }
    }

    /// A packet leaves the node.
    ///
    /// # Panics
    ///
    /// Where it goes another way than the bindings say.
    pub(crate) fn leaves(&mut self, at: Duration, reading: &Reading<'_>) {
        let packet = &reading.packet;
        // What it passes on for others goes where they want it.
        if !self.holds || packet.header.source != self.own || is_of_the_link(packet) {
            return;
        }
        if packet.protocol == protocol::MOBILITY {
            if let Some(Message::BindingAcknowledgement(answer)) = reading.message() {
                self.acknowledges(at, packet.destination(), answer);
            }
            return;
        }
        self.bound.retain(|_, bound| bound.until > at);
        if let Some(inner) = inside(packet) {
            let known = self.bound.get(&inner.header.destination).map(|bound| bound.care_of);
            let to = packet.header.destination;
            assert_eq!(known, Some(to), "a tunnel leads where its home address is not");
            return;
        }
        let known = self.bound.get(&packet.destination()).map(|bound| bound.care_of);
        if packet.routing.is_some() {
            let to = packet.header.destination;
            assert_eq!(known, Some(to), "a routing header leads where its home address is not");
        } else if known.is_some() {
            assert!(!is_media(packet), "media through the home agent while a binding stands");
            panic!("a packet goes by the home agent while a binding stands");
        }
    }

    fn acknowledges(&mut self, at: Duration, home: Ipv6Addr, answer: &BindingAcknowledgement) {
        if answer.status.is_refusal() {
            return;
        }
        let asked = self.asked.get(&(home, answer.sequence.0));
        let lifetime = answer.lifetime;
        match asked.filter(|care_of| lifetime != Lifetime::ZERO && **care_of != home) {
            Some(care_of) => {
                let until = at + lifetime.duration();
                self.bound.insert(home, Bound { care_of: *care_of, until });
            }
            None => drop(self.bound.remove(&home)),
        }
    }
}

/// Whether a packet never leaves the link: Neighbour Discovery (RFC 4861 §7.1) asks for who was there
/// before.
pub(crate) fn is_of_the_link(packet: &Packet<'_>) -> bool {
    packet.protocol == protocol::ICMPV6 && packet.header.hop_limit == 255
}
