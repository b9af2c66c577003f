//! The way out for packets of the home address: natively, directly, or through the home agent
//! (RFC 6275 §11.3.1, RFC 2473).

use std::net::Ipv6Addr;

use roamproof_wire::icmpv6::{self, Echo, Message, Reason};
use roamproof_wire::ipv6::{self, HEADER_LEN, Header, MTU_MIN, Outgoing, Packet, protocol};

use super::MobileTerminal;
use super::movement::Place;
use crate::Instant;
use crate::upper::UpperPacket;

/// How a packet of the home address gets to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// The terminal is at home.
    Native,
    /// Straight, with a Home Address option; largest packet in octets.
    Direct { care_of: Ipv6Addr, mtu: usize },
    /// Through the home agent.
    Tunnel { care_of: Ipv6Addr },
    /// There is none: the terminal is nowhere.
    None,
}

/// Octets that a tunnel adds.
const TUNNEL_OVERHEAD: usize = HEADER_LEN;
/// Octets that a Home Address option, or a type 2 routing header, adds with its header.
const OPTION_OVERHEAD: usize = 24;
/// The hop limit of outer headers.
const OUTER_HOP_LIMIT: u8 = 64;
/// What our own echo requests are known by.
const ECHO_IDENTIFIER: u16 = 0x6d74;

impl MobileTerminal {
    /// The way to `peer` now.
    pub(super) fn route(&self, now: Instant, peer: Ipv6Addr) -> Route {
        //= MN-DAT-06
        if self.place == Place::Home {
            return Route::Native;
        }
        let Some(care_of) = self.home.care_of() else { return Route::None };
        let whereabouts = self.whereabouts(now);
        let bound = self.list.get(peer).filter(|one| one.current(now, &whereabouts).is_some());
        match bound {
            //= CL-RO-05
            //= MN-DAT-02
            Some(peer) => Route::Direct { care_of, mtu: peer.path_mtu },
            //= MN-DAT-01
            None => Route::Tunnel { care_of },
        }
    }

    /// Sends what an upper layer has for somebody, by the best way there is.
    pub(super) fn send_upper(&mut self, now: Instant, upper: UpperPacket) {
        let route = self.route(now, upper.destination);
        self.send_by(now, route, upper);
    }

    /// Sends through the home agent whatever the bindings say, natively at home: messages of the
    /// home test and of the terminal as a correspondent.
    pub(super) fn send_by_home_agent(&mut self, now: Instant, upper: UpperPacket) {
        let route = self.route_by_home_agent();
        self.send_by(now, route, upper);
    }

    /// The way through the home agent; at home there is no other than the native one.
    pub(super) fn route_by_home_agent(&self) -> Route {
        match self.home.care_of() {
            _ if self.place == Place::Home => Route::Native,
            Some(care_of) => Route::Tunnel { care_of },
            None => Route::None,
        }
    }

    fn send_by(&mut self, now: Instant, route: Route, upper: UpperPacket) {
        let outgoing = Outgoing::new(upper.source, upper.destination, upper.protocol);
        self.dispatch(now, route, &outgoing, &upper.payload);
    }

    /// Sends headers and payload from the home address by `route`; what does not fit is fragmented,
    /// for it is the terminal's own.
    pub(super) fn dispatch(
        &mut self,
        now: Instant,
        route: Route,
        outgoing: &Outgoing,
        payload: &[u8],
    ) {
        let mut outgoing = *outgoing;
        //= MN-RR-13
        //# mobility messages go to the peer's home address
        if outgoing.protocol != protocol::MOBILITY {
            //= MN-M2M-04
            self.correspondence.route(now, &mut outgoing);
        }
        self.carry(now, route, &outgoing, payload);
    }

    /// Sends headers that are final but for the terminal's own care-of address.
    pub(super) fn carry(
        &mut self,
        now: Instant,
        route: Route,
        outgoing: &Outgoing,
        payload: &[u8],
    ) {
        match route {
            Route::Native => self.host.send(now, outgoing, payload),
            Route::Direct { care_of, mtu } => {
                let home_address = Some(outgoing.source);
                let outgoing = Outgoing { source: care_of, home_address, ..*outgoing };
                if outgoing.buffer_len(payload.len()) <= mtu {
                    return self.host.send(now, &outgoing, payload);
                }
                let identification = self.host.entropy.next_u32();
                for piece in ipv6::fragment(&outgoing.to_vec(payload), mtu, identification) {
                    self.host.send_packet(now, &piece);
                }
            }
            Route::Tunnel { care_of } => {
                let packet = outgoing.to_vec(payload);
                let mtu = self.home_agent_mtu.saturating_sub(TUNNEL_OVERHEAD).max(MTU_MIN);
                if packet.len() <= mtu {
                    return self.tunnel(now, care_of, &packet);
                }
                let identification = self.host.entropy.next_u32();
                for piece in ipv6::fragment(&packet, mtu, identification) {
                    self.tunnel(now, care_of, &piece);
                }
            }
            Route::None => self.host.discard("no care-of address to send from"),
        }
    }

    /// Puts a packet into the reverse tunnel; the outer packet is fragmented where it must be
    /// (RFC 2473 §7.1).
    fn tunnel(&mut self, now: Instant, care_of: Ipv6Addr, inner: &[u8]) {
        let agent = self.config.mobile.home_agent;
        let outer = ipv6::encapsulate(care_of, agent, OUTER_HOP_LIMIT, inner);
        if outer.len() <= self.home_agent_mtu {
            return self.host.send_packet(now, &outer);
        }
        let identification = self.host.entropy.next_u32();
        for piece in ipv6::fragment(&outer, self.home_agent_mtu, identification) {
            self.host.send_packet(now, &piece);
        }
    }

    /// A packet from a program that uses the home address.
    pub(super) fn on_local(&mut self, now: Instant, packet: &[u8]) {
        let Ok(header) = Header::parse(packet) else {
            return self.host.discard("local packet without an IPv6 header");
        };
        if header.source != self.config.mobile.home() {
            return self.host.discard("local packet that is not from the home address");
        }
        if header.destination.is_multicast() || header.destination.is_unicast_link_local() {
            return self.host.discard("local packet that may not leave the host");
        }
        let route = self.route(now, header.destination);
        let (limit, overhead) = match route {
            Route::Native => (crate::host::LINK_MTU, 0),
            Route::Direct { mtu, .. } => (mtu, OPTION_OVERHEAD),
            Route::Tunnel { .. } => (self.home_agent_mtu, TUNNEL_OVERHEAD),
            Route::None => return self.host.discard("no care-of address to send from"),
        };
        //= MN-DAT-16
        //# up to 1280 octets go through, outer or inner fragments and all; larger ones shrink
        if packet.len() + overhead > limit && packet.len() > MTU_MIN {
            let mtu = limit.saturating_sub(overhead).max(MTU_MIN);
            return self.tell_local_too_big(packet, mtu);
        }
        let outgoing = Outgoing {
            hop_limit: header.hop_limit,
            traffic_class: header.traffic_class,
            flow_label: header.flow_label,
            ..Outgoing::new(header.source, header.destination, header.next_header)
        };
        self.dispatch(now, route, &outgoing, &packet[HEADER_LEN..]);
    }

    /// Packet Too Big to the program that sent `packet`.
    pub(super) fn tell_local_too_big(&mut self, packet: &[u8], mtu: usize) {
        let mtu = u32::try_from(mtu).unwrap_or(u32::MAX);
        let home = self.config.mobile.home();
        if let Some(answer) = icmpv6::answer(home, packet, Reason::PacketTooBig { mtu }) {
            self.host.deliver(answer);
        }
    }

    /// Asks somebody for an echo, from the home address.
    pub(super) fn send_echo_request(&mut self, now: Instant, to: Ipv6Addr, octets: u16) {
        let home = self.config.mobile.home();
        let sequence = self.host.entropy.next_u16();
        let data = crate::command::echo_data(octets);
        let echo = Echo { reply: false, identifier: ECHO_IDENTIFIER, sequence, data: &data };
        let message = Message::Echo(echo);
        let mut payload = vec![0; message.buffer_len()];
        message.emit(home, to, &mut payload);
        let upper =
            UpperPacket { source: home, destination: to, protocol: protocol::ICMPV6, payload };
        self.send_upper(now, upper);
    }

    /// Tells the sender of a packet to the home address what went wrong with it, from the home
    /// address and by the way of its packets (RFC 4443 §2.4).
    pub(super) fn answer_error_from_home(&mut self, now: Instant, octets: &[u8], reason: Reason) {
        let home = self.config.mobile.home();
        let Some(answer) = icmpv6::answer(home, octets, reason) else { return };
        if !self.host.may_answer_error(now) {
            return;
        }
        let Ok(packet) = Packet::parse(&answer) else { return };
        let upper = UpperPacket {
            source: home,
            destination: packet.header.destination,
            protocol: packet.protocol,
            payload: packet.payload.to_vec(),
        };
        self.send_upper(now, upper);
    }
}
