//! Neighbour discovery messages in and out (RFC 4861 §7, RFC 4862 §5.4), and group reports.

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{
    Message, MulticastRecord, NeighbourAdvertisement, NeighbourSolicitation, RecordKind, kind,
    mld_report_packet,
};
use roamproof_wire::ipv6::address::{ALL_MLDV2_ROUTERS, ALL_NODES, solicited_node};
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};

use super::address::Standing;
use super::neighbour::Advertised;
use super::{Happening, Host};
use crate::{Event, Instant, Interface};

/// The hop limit of every neighbour discovery message (RFC 4861 §7.1).
const HOP_LIMIT: u8 = 255;

impl Host {
    /// Whether a packet belongs to the host alone: Neighbour Discovery and MLD.
    pub(super) fn is_neighbour_discovery(packet: &Packet<'_>) -> bool {
        let first = packet.payload.first();
        first.is_some_and(|first| {
            matches!(
                *first,
                kind::ROUTER_SOLICITATION..=kind::REDIRECT | kind::MLD_QUERY | kind::MLD_REPORT
            )
        })
    }

    pub(super) fn on_neighbour_discovery(
        &mut self,
        now: Instant,
        interface: Interface,
        packet: &Packet<'_>,
    ) {
        let source = packet.header.source;
        match Message::parse(packet) {
            Ok(Message::NeighbourSolicitation(message)) => {
                self.on_solicitation(interface, source, &message);
            }
            Ok(Message::NeighbourAdvertisement(message)) => {
                self.on_advertisement(now, interface, &message);
            }
            Ok(Message::RouterAdvertisement(message)) => {
                if let Some(mac) = message.source_link_layer() {
                    self.learn(interface, source, mac, Some(true));
                }
                self.note(Happening::Router(interface, source, message));
            }
            Ok(Message::RouterSolicitation(message)) => {
                if let Some(mac) = message.source_link_layer {
                    self.learn(interface, source, mac, None);
                }
                self.note(Happening::RouterWanted(interface));
            }
            Ok(Message::MldQuery(_)) => self.report_groups(interface),
            Ok(Message::Redirect(_)) => self.discard("redirects are not followed"),
            Ok(_) => {}
            Err(error) => self.malformed(error),
        }
    }

    fn on_solicitation(
        &mut self,
        interface: Interface,
        source: Ipv6Addr,
        message: &NeighbourSolicitation,
    ) {
        let probing = source.is_unspecified();
        if let Some(mac) = message.source_link_layer {
            self.learn(interface, source, mac, None);
        }
        let Some(entry) = self.addresses.find(interface, message.target) else { return };
        if entry.is_tentative() {
            if probing {
                self.taken(interface, message.target);
            }
            return;
        }
        let proxied = entry.standing == Standing::Proxied;
        let to = if probing { ALL_NODES } else { source };
        let answer = NeighbourAdvertisement {
            router: self.forwards && !proxied,
            solicited: !probing,
            // RFC 4861 §7.2.8: whoever answers for another gives way to an answer of its own.
            overrides: !proxied,
            target: message.target,
            target_link_layer: Some(self.mac(interface)),
        };
        let from = if proxied { self.link_local(interface) } else { message.target };
        self.send_discovery(interface, from, to, &Message::NeighbourAdvertisement(answer));
    }

    fn on_advertisement(
        &mut self,
        now: Instant,
        interface: Interface,
        message: &NeighbourAdvertisement,
    ) {
        if let Some(mac) = message.target_link_layer
            && self.learn_defender(interface, message.target, mac)
        {
            return;
        }
        if self.addresses.find(interface, message.target).is_some() {
            return self.taken(interface, message.target);
        }
        let advertised = Advertised {
            mac: message.target_link_layer,
            solicited: message.solicited,
            overrides: message.overrides,
            router: message.router,
        };
        let frames = self.neighbours.answered(now, interface, message.target, advertised);
        if let Some(mac) = advertised.mac {
            self.release(interface, mac, frames);
        }
    }

    pub(super) fn learn(
        &mut self,
        interface: Interface,
        address: Ipv6Addr,
        mac: Mac,
        router: Option<bool>,
    ) {
        let frames = self.neighbours.heard_of(interface, address, mac, router);
        self.release(interface, mac, frames);
    }

    fn taken(&mut self, interface: Interface, address: Ipv6Addr) {
        let tentative = self
            .addresses
            .find(interface, address)
            .is_some_and(super::address::Address::is_tentative);
        if tentative {
            self.addresses.remove(interface, address);
        }
        self.event(Event::AddressDuplicate(address));
        self.note(Happening::AddressTaken(address));
    }

    /// Asks whether somebody has `address` (RFC 4862 §5.4.2).
    pub(super) fn probe(&mut self, interface: Interface, address: Ipv6Addr) {
        let probe = NeighbourSolicitation { target: address, source_link_layer: None };
        let (from, to) = (Ipv6Addr::UNSPECIFIED, solicited_node(address));
        self.send_discovery(interface, from, to, &Message::NeighbourSolicitation(probe));
    }

    /// Asks for a neighbour's link-layer address, by multicast where none is known.
    pub(super) fn solicit(&mut self, interface: Interface, target: Ipv6Addr, to: Option<Mac>) {
        let own = self
            .addresses
            .on(interface)
            .find(|entry| {
                !entry.is_tentative()
                    && entry.standing == Standing::Own
                    && same_scope(entry.address, target)
            })
            .map_or_else(|| self.link_local(interface), |entry| entry.address);
        let message =
            NeighbourSolicitation { target, source_link_layer: Some(self.mac(interface)) };
        let destination = if to.is_some() { target } else { solicited_node(target) };
        self.send_discovery(interface, own, destination, &Message::NeighbourSolicitation(message));
    }

    /// Tells the whole link that `address` is at this node's link-layer address now (RFC 6275
    /// §10.4.1, §11.5.5).
    pub(crate) fn announce(&mut self, interface: Interface, address: Ipv6Addr) {
        let message = NeighbourAdvertisement {
            router: false,
            solicited: false,
            overrides: true,
            target: address,
            target_link_layer: Some(self.mac(interface)),
        };
        let own = self.addresses.is_mine(address);
        let from = if own { address } else { self.link_local(interface) };
        self.send_discovery(interface, from, ALL_NODES, &Message::NeighbourAdvertisement(message));
    }

    /// Sends a neighbour discovery message out of `interface`.
    pub(crate) fn send_discovery(
        &mut self,
        interface: Interface,
        from: Ipv6Addr,
        to: Ipv6Addr,
        message: &Message<'_>,
    ) {
        let outgoing =
            Outgoing { hop_limit: HOP_LIMIT, ..Outgoing::new(from, to, protocol::ICMPV6) };
        self.send_on(Instant::ZERO, interface, to, &message.packet(&outgoing));
    }

    /// Reports every group that this node listens to on a link (RFC 3810 §5.2).
    pub(super) fn report_groups(&mut self, interface: Interface) {
        let mut groups: Vec<Ipv6Addr> =
            self.addresses.on(interface).map(|entry| solicited_node(entry.address)).collect();
        groups.sort_unstable();
        groups.dedup();
        self.report(interface, &groups, RecordKind::ModeIsExclude);
    }

    /// Reports one group that this node begins to listen to.
    pub(super) fn report_group(&mut self, interface: Interface, group: Ipv6Addr) {
        self.report(interface, &[group], RecordKind::ChangeToExclude);
    }

    fn report(&mut self, interface: Interface, groups: &[Ipv6Addr], kind: RecordKind) {
        if groups.is_empty() {
            return;
        }
        let record =
            |group: &Ipv6Addr| MulticastRecord { kind, group: *group, sources: Vec::new() };
        let records = groups.iter().map(record).collect();
        let packet = mld_report_packet(self.link_local(interface), records);
        self.send_on(Instant::ZERO, interface, ALL_MLDV2_ROUTERS, &packet);
    }
}

fn same_scope(one: Ipv6Addr, other: Ipv6Addr) -> bool {
    one.is_unicast_link_local() == other.is_unicast_link_local()
}
