//! From a packet to a frame: the way, the neighbour, the link-layer header.

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::Reason;
use roamproof_wire::ipv6::{self, Header, Outgoing, Packet};

use super::neighbour::Wanted;
use super::{Happening, Host, LINK_MTU};
use crate::{Instant, Interface, Output};

impl Host {
    /// Sends a packet; one larger than the link takes is fragmented.
    pub(crate) fn send(&mut self, now: Instant, outgoing: &Outgoing, payload: &[u8]) {
        let length = outgoing.buffer_len(payload.len());
        if length > LINK_MTU {
            return self.send_packet(now, &outgoing.to_vec(payload));
        }
        let Some((interface, next_hop)) = self.way(outgoing.destination) else {
            return self.discard("no route to destination");
        };
        let mut frame = vec![0; ethernet::HEADER_LEN + length];
        outgoing.emit(&mut frame[ethernet::HEADER_LEN..], payload);
        self.send_frame(now, interface, next_hop, frame);
    }

    /// Sends a packet that is already octets; one larger than the link takes is fragmented.
    pub(crate) fn send_packet(&mut self, now: Instant, packet: &[u8]) {
        let Some(destination) = destination_of(packet) else { return };
        let Some((interface, next_hop)) = self.way(destination) else {
            return self.discard("no route to destination");
        };
        if packet.len() > LINK_MTU {
            let identification = self.entropy.next_u32();
            for fragment in ipv6::fragment(packet, LINK_MTU, identification) {
                self.send_frame(now, interface, next_hop, framed(&fragment));
            }
            return;
        }
        self.send_frame(now, interface, next_hop, framed(packet));
    }

    /// Sends a packet out of `interface` to `next_hop` whatever the routes say.
    pub(crate) fn send_on(
        &mut self,
        now: Instant,
        interface: Interface,
        next_hop: Ipv6Addr,
        packet: &[u8],
    ) {
        self.send_frame(now, interface, next_hop, framed(packet));
    }

    /// Passes a packet on towards its destination: hop limit, Time Exceeded, Packet Too Big
    /// (RFC 8200 §3, RFC 4443 §3).
    pub(crate) fn forward(&mut self, now: Instant, packet: &Packet<'_>) {
        let octets = packet.octets;
        let Header { source, destination, .. } = packet.header;
        if source.is_multicast() || !may_cross(source) {
            return self.discard("source address may not cross a router");
        }
        if self.is_mine(source) {
            return self.discard("packet of somebody else's from an address of this node");
        }
        if !may_cross(destination) {
            return self.discard("destination address may not cross a router");
        }
        if packet.header.hop_limit <= 1 {
            return self.answer_error(now, octets, Reason::TimeExceeded { code: 0 });
        }
        let Some((interface, next_hop)) = self.way(packet.header.destination) else {
            return self.answer_error(now, octets, Reason::DestinationUnreachable { code: 0 });
        };
        if octets.len() > LINK_MTU {
            let mtu = u32::try_from(LINK_MTU).unwrap_or(u32::MAX);
            return self.answer_error(now, octets, Reason::PacketTooBig { mtu });
        }
        let mut frame = framed(octets);
        frame[ethernet::HEADER_LEN + ipv6::header::HOP_LIMIT] -= 1;
        self.send_frame(now, interface, next_hop, frame);
    }

    /// The interface and the next hop towards `destination`.
    pub(crate) fn way(&self, destination: Ipv6Addr) -> Option<(Interface, Ipv6Addr)> {
        // RFC 4291 §2.5.2, §2.5.3: nobody is there.
        if destination.is_unspecified() || destination.is_loopback() {
            return None;
        }
        let route = self.routes.iter().find(|route| route.prefix.contains(destination))?;
        Some((route.interface, route.via.unwrap_or(destination)))
    }

    /// The address of this node's own to send from towards `destination`.
    pub(crate) fn source_for(&self, destination: Ipv6Addr) -> Option<Ipv6Addr> {
        let (interface, _) = self.way(destination)?;
        let usable = || {
            self.addresses
                .on(interface)
                .filter(|entry| self.addresses.is_mine(entry.address))
                .map(|entry| entry.address)
        };
        usable().find(|address| !address.is_unicast_link_local()).or_else(|| usable().next())
    }

    /// Fills the link-layer header of `frame` in and sends it, once the neighbour is known.
    pub(super) fn send_frame(
        &mut self,
        now: Instant,
        interface: Interface,
        next_hop: Ipv6Addr,
        mut frame: Vec<u8>,
    ) {
        let source = self.mac(interface);
        let known = if next_hop.is_multicast() {
            Some(Mac::multicast(next_hop))
        } else {
            let header = Ethernet { destination: source, source, ether_type: ethernet::IPV6 };
            header.emit(&mut frame[..ethernet::HEADER_LEN]);
            let mut waiting = Some(frame);
            let known = self.neighbours.resolve(now, interface, next_hop, &mut waiting);
            let Some(kept) = waiting else { return self.solicit_due(now) };
            frame = kept;
            known
        };
        let Some(destination) = known else { return };
        let header = Ethernet { destination, source, ether_type: ethernet::IPV6 };
        header.emit(&mut frame[..ethernet::HEADER_LEN]);
        self.outbox.push_back(Output::Frame { interface, octets: frame });
    }

    /// Sends frames that waited for a neighbour.
    pub(super) fn release(&mut self, interface: Interface, mac: Mac, frames: Vec<Vec<u8>>) {
        for mut frame in frames {
            let source = self.mac(interface);
            let header = Ethernet { destination: mac, source, ether_type: ethernet::IPV6 };
            header.emit(&mut frame[..ethernet::HEADER_LEN]);
            self.outbox.push_back(Output::Frame { interface, octets: frame });
        }
    }

    pub(super) fn on_wanted(&mut self, now: Instant, wanted: Wanted) {
        match wanted {
            Wanted::Solicit { interface, target, to } => self.solicit(interface, target, to),
            Wanted::Unreachable { interface, target, frames } => {
                self.note(Happening::Unreachable(interface, target));
                for frame in frames {
                    let octets = &frame[ethernet::HEADER_LEN..];
                    self.answer_error(now, octets, Reason::DestinationUnreachable { code: 3 });
                }
            }
        }
    }

    fn solicit_due(&mut self, now: Instant) {
        for wanted in self.neighbours.due(now) {
            self.on_wanted(now, wanted);
        }
    }
}

/// Whether routers carry packets from or to `address` (RFC 4291 §2.5.2, §2.5.3, §2.5.6).
const fn may_cross(address: Ipv6Addr) -> bool {
    !(address.is_unicast_link_local() || address.is_loopback() || address.is_unspecified())
}

/// The packet with room for a link-layer header before it.
fn framed(packet: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ethernet::HEADER_LEN + packet.len());
    frame.extend_from_slice(&[0; ethernet::HEADER_LEN]);
    frame.extend_from_slice(packet);
    frame
}

fn destination_of(packet: &[u8]) -> Option<Ipv6Addr> {
    let octets: [u8; 16] = packet.get(ipv6::header::DESTINATION..)?.first_chunk().copied()?;
    Some(Ipv6Addr::from(octets))
}
