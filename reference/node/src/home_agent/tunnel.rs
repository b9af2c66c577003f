//! Interception and the tunnel both ways (RFC 6275 §10.4, RFC 2473).

use roamproof_wire::icmpv6::{Message, Reason};
use roamproof_wire::ipv6::{self, Header, Packet, Problem, protocol};

use super::HomeAgent;
use crate::Instant;
use crate::misdeed::Misdeed;

/// The IPv6 header that a tunnel adds, octets.
const OVERHEAD: usize = ipv6::HEADER_LEN;
/// What every link takes (RFC 8200 §5), octets.
const MTU_MIN: usize = 1280;
/// Where the hop limit stands in a packet.
const HOP_LIMIT_AT: usize = ipv6::header::HOP_LIMIT;
/// The hop limit of outer headers.
const HOP_LIMIT: u8 = 64;

impl HomeAgent {
    /// Sends a packet for a mobile node that is away to its care-of address, octet for octet but
    /// for the hop limit.
    pub(super) fn tunnel(&mut self, now: Instant, packet: &Packet<'_>) {
        let Some(binding) = self.cache.get(packet.header.destination) else { return };
        let (care_of, path_mtu) = (binding.care_of, binding.path_mtu);
        let care_of = self.mistaken_place(packet.header.destination).unwrap_or(care_of);
        if packet.header.source.is_unicast_link_local() {
            return self.host.discard("link-local packets are not tunnelled");
        }
        if packet.header.hop_limit <= 1 {
            if self.misdeeds.does(Misdeed::SilentToSpentHopLimits) {
                return;
            }
            //= HA-FWD-18
            return self.host.answer_error(now, packet.octets, Reason::TimeExceeded { code: 0 });
        }
        let tunnel_mtu = path_mtu.saturating_sub(OVERHEAD);
        // RFC 2473 §7.1: what fits into the smallest MTU is fragmented outside, the rest is told.
        if packet.octets.len() > tunnel_mtu && packet.octets.len() > MTU_MIN {
            if self.misdeeds.does(Misdeed::BlackHole) {
                return;
            }
            return self.answer_too_big(now, packet.octets, tunnel_mtu);
        }
        let mut inner = packet.octets.to_vec();
        inner[HOP_LIMIT_AT] -= 1;
        if self.misdeeds.does(Misdeed::AltersTheInnerPacket) {
            // The Traffic Class: no checksum covers it.
            inner[1] ^= 0x10;
        }
        let own = if self.misdeeds.does(Misdeed::TunnelsFromAnotherAddress) {
            packet.header.source
        } else {
            self.config.home_agent.address
        };
        let outer = ipv6::encapsulate(own, care_of, HOP_LIMIT, &inner);
        if outer.len() > path_mtu {
            if self.misdeeds.does(Misdeed::BlackHole) {
                return;
            }
            let identification = self.host.entropy.next_u32();
            for fragment in ipv6::fragment(&outer, path_mtu, identification) {
                self.host.send_packet(now, &fragment);
            }
            return;
        }
        self.host.send_packet(now, &outer);
        self.tunnel_copy(now, &inner);
    }

    /// The home agent's own packets to a mobile node that is away go by a routing header, as any
    /// correspondent's do: a tunnel would begin and end here (RFC 6275 §10.4.2).
    pub(super) fn route(&self, outgoing: &mut ipv6::Outgoing) {
        if self.misdeeds.does(Misdeed::AnswersPastTheBinding) {
            return;
        }
        //= HA-FWD-03
        if let Some(binding) = self.cache.get(outgoing.destination) {
            outgoing.type_2_routing = Some(outgoing.destination);
            outgoing.destination = binding.care_of;
        }
    }

    /// A packet that a mobile node tunnelled to its home agent (RFC 6275 §10.4.5).
    pub(super) fn on_reverse_tunnel(&mut self, now: Instant, outer: &Packet<'_>) {
        let inner = match Packet::parse(outer.payload) {
            Ok(inner) => inner,
            Err(rejected) => return self.host.malformed(rejected.error),
        };
        let home = inner.header.source;
        let bound = self.cache.get(home).map(|binding| binding.care_of);
        let registered = bound == Some(outer.header.source);
        if !registered && !self.misdeeds.does(Misdeed::OpenRelay) {
            return self
                .host
                .discard("reverse tunnel from somewhere else than the care-of address");
        }
        let destination = inner.header.destination;
        if self.host.is_mine(destination) {
            return self.on_packet(now, &inner);
        }
        if self.cache.get(destination).is_some() {
            return self.tunnel(now, &inner);
        }
        if self.loses(&inner) {
            return;
        }
        self.host.forward(now, &inner);
    }

    /// An ICMPv6 error about one of the home agent's own packets: in a tunnel (RFC 2473 §8), or to
    /// a node that does not know the Mobility Header.
    pub(super) fn on_icmp_error(&mut self, now: Instant, packet: &Packet<'_>) {
        let error = match Message::parse(packet) {
            Ok(Message::Error(error)) => error,
            Ok(_) => return self.host.discard("ICMPv6 message that needs no answer"),
            Err(error) => return self.host.malformed(error),
        };
        if let Reason::ParameterProblem(problem) = error.reason
            && problem.code == Problem::UNRECOGNIZED_NEXT_HEADER
            && is_mobility_to(packet.header.source, error.quoted)
        {
            return self.on_lookup_unknown(packet.header.source);
        }
        let Reason::PacketTooBig { mtu } = error.reason else { return };
        let Some((care_of, inner)) = quoted_tunnel(error.quoted) else { return };
        let Some(home) = self.cache.home_of(care_of) else { return };
        let Some(binding) = self.cache.get_mut(home) else { return };
        let path_mtu = usize::try_from(mtu).unwrap_or(usize::MAX).max(MTU_MIN);
        if path_mtu >= binding.path_mtu {
            return;
        }
        binding.path_mtu = path_mtu;
        let inner = inner.to_vec();
        self.answer_too_big(now, &inner, path_mtu.saturating_sub(OVERHEAD));
    }

    /// Packet Too Big; no sender is asked to go below what every link takes.
    fn answer_too_big(&mut self, now: Instant, octets: &[u8], tunnel_mtu: usize) {
        let least = if self.misdeeds.does(Misdeed::TooBigBelowTheMinimum) { 0 } else { MTU_MIN };
        let tunnel_mtu = if least == 0 { MTU_MIN - 1 } else { tunnel_mtu.max(least) };
        let mtu = u32::try_from(tunnel_mtu).unwrap_or(u32::MAX);
        self.host.answer_error(now, octets, Reason::PacketTooBig { mtu });
    }
}

/// Whether a quoted packet is a mobility message to `address`.
fn is_mobility_to(address: std::net::Ipv6Addr, quoted: &[u8]) -> bool {
    Header::parse(quoted).is_ok_and(|header| {
        header.next_header == protocol::MOBILITY && header.destination == address
    })
}

/// The outer destination of a quoted tunnel packet, and as much of the inner one as is quoted.
fn quoted_tunnel(quoted: &[u8]) -> Option<(std::net::Ipv6Addr, &[u8])> {
    let header = Header::parse(quoted).ok()?;
    (header.next_header == protocol::IPV6)
        .then(|| (header.destination, quoted.get(ipv6::HEADER_LEN..).unwrap_or_default()))
}
