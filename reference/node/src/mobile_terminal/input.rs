//! Packets that come in: natively, by a type 2 routing header, or out of a tunnel (RFC 6275
//! §11.3.3).

use roamproof_wire::icmpv6::{Message, Reason};
use roamproof_wire::ipv6::{Outgoing, Packet, Problem, protocol};

use super::MobileTerminal;
use super::movement::Place;
use crate::host::{Received, echo_reply};
use crate::misdeed::Misdeed;
use crate::upper::UpperPacket;
use crate::{Instant, Interface};

/// By which way a packet came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Straight over the link.
    Link,
    /// Out of the home agent's tunnel.
    HomeTunnel,
    /// Out of the tunnel of a configured server (decision D9).
    ServerTunnel,
}

impl MobileTerminal {
    pub(super) fn on_frame(&mut self, now: Instant, interface: Interface, octets: &[u8]) {
        match self.host.receive(now, interface, octets) {
            Received::Mine(packet) => self.on_packet(now, &packet),
            Received::Transit(_) => self.host.discard("packet for someone else"),
            Received::Nothing => {}
        }
        while let Some((_, whole)) = self.host.poll_reassembled() {
            match Packet::parse(&whole) {
                Ok(packet) => self.on_packet(now, &packet),
                Err(rejected) => self.host.malformed(rejected.error),
            }
        }
    }

    /// A packet to one of the terminal's addresses on the link.
    fn on_packet(&mut self, now: Instant, packet: &Packet<'_>) {
        if packet.header.destination.is_multicast() {
            return;
        }
        if packet.routing.is_some() && !self.accepts_routing(now, packet) {
            return self.host.discard("type 2 routing header that is not for this home address");
        }
        if packet.protocol == protocol::IPV6 && packet.routing.is_none() {
            return self.on_tunnel(now, packet);
        }
        self.on_arrival(now, packet, Arrival::Link);
    }

    /// Whether the final destination of a type 2 routing header is the home address, and the packet
    /// comes from the home agent or from a peer that was told the care-of address.
    fn accepts_routing(&self, now: Instant, packet: &Packet<'_>) -> bool {
        //= MN-DAT-12
        let for_home = packet.destination() == self.config.mobile.home();
        let to_care_of = self.place == Place::Away(packet.header.destination);
        let from = packet.source();
        let told = from == self.config.mobile.home_agent
            || self
                .list
                .get(from)
                .is_some_and(|peer| peer.may_be_bound(now) || !peer.asked.is_empty());
        for_home && to_care_of && told
    }

    /// A tunnel packet to the care-of address.
    fn on_tunnel(&mut self, now: Instant, outer: &Packet<'_>) {
        let from = outer.header.source;
        if outer.tunnel_limit.is_some() && self.does(Misdeed::IgnoresLimitedTunnel) {
            return;
        }
        let arrival = if from == self.config.mobile.home_agent {
            Arrival::HomeTunnel
        } else if self.config.mobile.tunnels_from.contains(&from)
            && !self.does(Misdeed::RefusesServerTunnel)
        {
            Arrival::ServerTunnel
        } else if self.does(Misdeed::AcceptsAnyTunnel) {
            Arrival::HomeTunnel
        } else {
            //= CL-INT-07
            //= MN-DAT-08
            return self.host.discard("tunnel from neither the home agent nor the SIP server");
        };
        if self.place != Place::Away(outer.header.destination) {
            return self.host.discard("tunnel to an address that is not the care-of address");
        }
        self.on_inner(now, outer, outer.payload, arrival);
    }

    fn on_inner(&mut self, now: Instant, outer: &Packet<'_>, octets: &[u8], arrival: Arrival) {
        let inner = match Packet::parse(octets) {
            Ok(inner) => inner,
            Err(rejected) => {
                self.host.malformed(rejected.error);
                if let Some(problem) = rejected.problem {
                    self.answer_error_from_home(now, octets, Reason::ParameterProblem(problem));
                }
                return;
            }
        };
        //= CL-DST-10
        let foreign =
            arrival == Arrival::ServerTunnel && inner.header.source != outer.header.source;
        if foreign && !self.does(Misdeed::OpensServerTunnel) {
            return self.host.discard("server's tunnel with a packet of another source");
        }
        if inner.header.destination != self.config.mobile.home() {
            return self.host.discard("tunnelled packet that is not for the home address");
        }
        if inner.piece().is_some() {
            return match self.inner.push(now.since_start(), &inner) {
                Ok(Some(whole)) => self.on_inner(now, outer, &whole, arrival),
                Ok(None) => {}
                Err(rejected) => self.host.malformed(rejected.error),
            };
        }
        if inner.routing.is_some() {
            return self.host.discard("type 2 routing header inside a tunnel");
        }
        let is_invite = inner.payload.get(8..).is_some_and(|sip| sip.starts_with(b"INVITE "));
        if is_invite && self.does(Misdeed::AnswersTunnelWithError) {
            self.host.answer_unknown_protocol(now, outer);
        }
        if is_invite && self.does(Misdeed::IgnoresTunnelledInvite) {
            return;
        }
        if is_invite {
            self.invited_directly = arrival == Arrival::ServerTunnel;
        }
        //= CL-INT-06
        //# handled as if it had been received at the home address
        self.on_arrival(now, &inner, arrival);
    }

    /// A packet whose way is settled.
    fn on_arrival(&mut self, now: Instant, packet: &Packet<'_>, arrival: Arrival) {
        if packet.protocol == protocol::MOBILITY {
            return self.on_mobility(now, packet, arrival);
        }
        if packet.home_address.is_some() && !self.confirms_home_address(now, packet) {
            return;
        }
        if packet.destination() == self.config.mobile.home() {
            return self.on_home_packet(now, packet);
        }
        // Nothing but the protocols beneath it uses a care-of or link-local address.
        match packet.protocol {
            protocol::ICMPV6 => self.on_icmp(now, packet),
            protocol::UDP | protocol::TCP => {
                let reason = Reason::DestinationUnreachable { code: NO_PORT };
                self.host.answer_error(now, packet.octets, reason);
            }
            _ => self.host.answer_unknown_protocol(now, packet),
        }
    }

    /// A packet to the home address.
    fn on_home_packet(&mut self, now: Instant, packet: &Packet<'_>) {
        if self.config.mobile.lends {
            if packet.protocol == protocol::ICMPV6 {
                self.note_icmp_error(now, packet);
            }
            return self.host.deliver(as_seen_above(packet));
        }
        match packet.protocol {
            protocol::ICMPV6 => self.on_icmp(now, packet),
            protocol::UDP | protocol::TCP if self.on_phone_packet(now, packet) => {}
            protocol::UDP | protocol::TCP => {
                let reason = Reason::DestinationUnreachable { code: NO_PORT };
                self.answer_error_from_home(now, packet.octets, reason);
            }
            protocol::NONE => {}
            _ => {
                let problem = packet.unrecognized().problem;
                self.answer_problem(now, packet, problem);
            }
        }
    }

    fn on_icmp(&mut self, now: Instant, packet: &Packet<'_>) {
        let message = match Message::parse(packet) {
            Ok(message) => message,
            Err(error) => return self.host.malformed(error),
        };
        match message {
            Message::Error(error) => self.on_icmp_error(now, packet, &error),
            Message::Echo(echo) if echo.reply => {
                let from = packet.source();
                self.host.event(crate::Event::Note(format!("echo reply from {from}")));
            }
            Message::Echo(_) => self.answer_echo(now, packet),
            Message::MldQuery(_)
            | Message::RouterSolicitation(_)
            | Message::RouterAdvertisement(_)
            | Message::NeighbourSolicitation(_)
            | Message::NeighbourAdvertisement(_)
            | Message::Redirect(_)
            | Message::MldReport(_)
            | Message::HomeAgentDiscoveryRequest(_)
            | Message::HomeAgentDiscoveryReply(_)
            | Message::MobilePrefixSolicitation(_)
            | Message::MobilePrefixAdvertisement(_)
            | Message::Other { .. } => self.host.discard("ICMPv6 message that needs no answer"),
        }
    }

    fn answer_echo(&mut self, now: Instant, packet: &Packet<'_>) {
        let Some((outgoing, payload)) = echo_reply(packet) else { return };
        if outgoing.source != self.config.mobile.home() {
            return self.host.send(now, &outgoing, &payload);
        }
        let Outgoing { source, destination, protocol, .. } = outgoing;
        self.send_upper(now, UpperPacket { source, destination, protocol, payload });
    }

    /// Parameter Problem about a packet, from the address that it was sent to.
    pub(super) fn answer_problem(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        problem: Option<Problem>,
    ) {
        let Some(problem) = problem else { return };
        let reason = Reason::ParameterProblem(problem);
        if packet.destination() == self.config.mobile.home() {
            return self.answer_error_from_home(now, packet.octets, reason);
        }
        self.host.answer_error(now, packet.octets, reason);
    }
}

/// Destination Unreachable, code 4: nobody listens on the port (RFC 4443 §3.1).
const NO_PORT: u8 = 4;

/// The packet as programs see it: between home addresses, without what carried it here.
fn as_seen_above(packet: &Packet<'_>) -> Vec<u8> {
    if packet.routing.is_none() && packet.home_address.is_none() {
        return packet.octets.to_vec();
    }
    let outgoing = Outgoing {
        hop_limit: packet.header.hop_limit,
        traffic_class: packet.header.traffic_class,
        flow_label: packet.header.flow_label,
        ..Outgoing::new(packet.source(), packet.destination(), packet.protocol)
    };
    outgoing.to_vec(packet.payload)
}
