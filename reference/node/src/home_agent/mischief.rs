//! What a home agent does wrong when it is told to (see [`crate::misdeed`]): the deeds that are more
//! than one condition in the right place.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Ethernet;
use roamproof_wire::icmpv6::{Message, NeighbourAdvertisement};
use roamproof_wire::ipv6::{Packet, encapsulate, protocol};
use roamproof_wire::mobility::{
    BindingLookup, BindingLookupView, Lifetime, LookupKind, NtpTimestamp,
};

use super::{HOME, HomeAgent};
use crate::Instant;
use crate::lookup::LookupPeer;
use crate::misdeed::Misdeed;

/// Where each home address was, the first place first.
pub(super) type Memory = BTreeMap<Ipv6Addr, Vec<Ipv6Addr>>;

/// An address that nobody has.
pub(super) const INVENTED: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xdead, 0, 0, 0, 0, 0xbeef);
/// What remains of a binding that there is no more.
const IMAGINED: Lifetime = Lifetime(15);
/// Where the home address stands in the one address option of a query.
const HOME_ADDRESS_AT: std::ops::Range<usize> = 24..40;

impl HomeAgent {
    /// Remembers where a home address was.
    pub(super) fn note_place(&mut self, home: Ipv6Addr, care_of: Ipv6Addr) {
        if self.misdeeds.any() {
            self.places.entry(home).or_default().push(care_of);
        }
    }

    /// What a query about a home address is answered with by a home agent that lives in the past.
    pub(super) fn mistaken_reply(&self, transaction: u16, home: Ipv6Addr) -> Option<BindingLookup> {
        let places = self.places.get(&home)?;
        let stale = self.misdeeds.does(Misdeed::KeepsAStaleEntry) && self.cache.get(home).is_none();
        let first = self.misdeeds.does(Misdeed::TellsTheFirstCareOfAddress);
        let place = if stale {
            places.last()
        } else if first {
            places.first()
        } else {
            None
        };
        place.map(|place| BindingLookup::reply(transaction, home, *place, IMAGINED))
    }

    /// Answers a query that nobody can prove, because it says not even who would.
    pub(super) fn answer_unproved(&mut self, now: Instant, packet: &Packet<'_>) {
        if !self.misdeeds.does(Misdeed::AnswersAnyQuery) {
            return;
        }
        let Ok(view) = BindingLookupView::new(packet.payload) else { return };
        let home = packet.payload.get(HOME_ADDRESS_AT).and_then(|octets| octets.try_into().ok());
        let Some(home) =
            home.map(<[u8; 16]>::into).filter(|_| view.kind() == LookupKind::BindingQuery)
        else {
            return;
        };
        self.on_query(now, packet.header.source, &BindingLookup::query(view.transaction(), home));
    }

    /// Sends a binding lookup message to somebody who has no key, or with a key that nobody has.
    pub(super) fn send_wrongly(&mut self, now: Instant, to: Ipv6Addr, message: &BindingLookup) {
        if !self.misdeeds.any() {
            return;
        }
        let own = self.config.home_agent.address;
        let Some(LookupPeer { spi, key, .. }) = self.peers.iter().next().cloned() else { return };
        let mut key = key.octets().to_vec();
        if self.misdeeds.does(Misdeed::NotifiesWithoutProof) {
            key.reverse();
        }
        let stamp = NtpTimestamp::from_unix(self.epoch + now.since_start());
        let octets = message.to_vec_authorized(own, to, spi, &key, stamp);
        let outgoing = roamproof_wire::ipv6::Outgoing::new(own, to, protocol::MOBILITY);
        self.host.send(now, &outgoing, &octets);
    }

    /// Where a packet for a home address goes with who never notices a handover.
    pub(super) fn mistaken_place(&self, home: Ipv6Addr) -> Option<Ipv6Addr> {
        let stays = self.misdeeds.does(Misdeed::TunnelsToThePlaceBefore);
        self.places.get(&home).filter(|_| stays).and_then(|places| places.first().copied())
    }

    /// Neighbour Solicitations that are not heard, or heard by who should not; whether that is all.
    pub(super) fn overhears(&mut self, frame: &[u8]) -> bool {
        if !self.misdeeds.any() {
            return false;
        }
        let Ok((_, octets)) = Ethernet::parse(frame) else { return false };
        let Ok(packet) = Packet::parse(octets) else { return false };
        let Ok(Message::NeighbourSolicitation(asked)) = Message::parse(&packet) else {
            return false;
        };
        let source = packet.header.source;
        if self.cache.get(asked.target).is_some() {
            let alone = packet.header.destination == asked.target;
            let probing = source.is_unspecified();
            return (alone && self.misdeeds.does(Misdeed::IgnoresWhoAsksAlone))
                || (probing && self.misdeeds.does(Misdeed::DoesNotDefend));
        }
        if self.misdeeds.does(Misdeed::AnswersForEverybody) && !source.is_unspecified() {
            self.answer_for_everybody(source, asked.target);
        }
        false
    }

    /// Answers a Neighbour Solicitation for any address of the home link.
    fn answer_for_everybody(&mut self, source: Ipv6Addr, target: Ipv6Addr) {
        let prefixes = &self.config.home_agent.prefixes;
        if !prefixes.iter().any(|prefix| prefix.contains(target)) {
            return;
        }
        let answer = NeighbourAdvertisement {
            router: false,
            solicited: true,
            overrides: false,
            target,
            target_link_layer: Some(self.host.mac(HOME)),
        };
        let from = self.host.link_local(HOME);
        self.host.send_discovery(HOME, from, source, &Message::NeighbourAdvertisement(answer));
    }

    /// Tunnels a second copy of a packet to an address that nobody has.
    pub(super) fn tunnel_copy(&mut self, now: Instant, inner: &[u8]) {
        if self.misdeeds.does(Misdeed::CopiesToAnotherAddress) {
            let own = self.config.home_agent.address;
            self.host.send_packet(now, &encapsulate(own, INVENTED, HOP_LIMIT, inner));
        }
    }

    /// Whether a packet of a terminal to a SIP server that asks for care-of addresses is lost here.
    pub(super) fn loses(&self, inner: &Packet<'_>) -> bool {
        self.misdeeds.does(Misdeed::LosesResponses)
            && self.peers.find(inner.header.destination).is_some()
    }
}

const HOP_LIMIT: u8 = 64;
