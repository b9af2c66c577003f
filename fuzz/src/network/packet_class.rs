//! Classes of packets, by which faults are aimed.

use std::fmt;

use roamproof_wire::ethernet::HEADER_LEN;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::sip::DEFAULT_PORT;
use roamproof_wire::tcp::TcpView;
use roamproof_wire::udp::UdpView;

/// A class of packets: one of sixteen, the first of which holds all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PacketClass(pub(super) u8);

impl PacketClass {
    /// Every packet.
    pub(super) const ANY: Self = Self(0);
    /// Binding Updates, and their acknowledgements.
    pub(super) const UPDATE: Self = Self(1);
    pub(super) const ACKNOWLEDGEMENT: Self = Self(2);
    /// Binding Errors, refresh requests, binding lookup.
    pub(super) const OTHER_MOBILITY: Self = Self(6);
    pub(super) const INVITE: Self = Self(7);
    pub(super) const INVITE_RESPONSE: Self = Self(8);
    /// Neighbour Solicitations and Advertisements.
    pub(super) const NEIGHBOUR: Self = Self(13);
    /// Neither neighbour nor router discovery.
    pub(super) const OTHER_ICMP: Self = Self(15);
    /// RTP, and whatever else is in a datagram that is no SIP.
    pub(super) const MEDIA: Self = Self(12);

    /// The class of a frame's packet, inside all tunnels.
    pub(super) fn of(frame: &[u8]) -> Self {
        let Some(packet) = frame.get(HEADER_LEN..).and_then(innermost) else { return Self::ANY };
        let payload = packet.payload;
        Self(match (packet.protocol, payload.get(2), payload.first()) {
            (protocol::MOBILITY, Some(5), _) => 1,
            (protocol::MOBILITY, Some(6), _) => 2,
            (protocol::MOBILITY, Some(1 | 2), _) => 3,
            (protocol::MOBILITY, Some(3), _) => 4,
            (protocol::MOBILITY, Some(4), _) => 5,
            (protocol::MOBILITY, ..) => 6,
            (protocol::UDP, ..) => match UdpView::new(payload) {
                Ok(udp) if [udp.source_port(), udp.destination_port()].contains(&DEFAULT_PORT) => {
                    sip(udp.payload())
                }
                Ok(_) | Err(_) => return Self::MEDIA,
            },
            (protocol::TCP, ..) => match TcpView::new(payload) {
                Ok(tcp) if !tcp.payload().is_empty() => sip(tcp.payload()),
                Ok(_) | Err(_) => return Self::ANY,
            },
            (protocol::ICMPV6, _, Some(135 | 136)) => 13,
            (protocol::ICMPV6, _, Some(133 | 134)) => 14,
            (protocol::ICMPV6, ..) => 15,
            _ => return Self::ANY,
        })
    }

    /// Whether this is SIP.
    pub(super) const fn is_sip(self) -> bool {
        matches!(self.0, 7..=11)
    }

    /// Whether a packet of class `other` is one of these.
    pub(super) fn holds(self, other: Self) -> bool {
        self == Self::ANY || self == other
    }
}

impl fmt::Display for PacketClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 16] = [
            "any packet",
            "BU",
            "BA",
            "test init",
            "HoT",
            "CoT",
            "other mobility",
            "INVITE",
            "response to INVITE",
            "ACK",
            "BYE or CANCEL",
            "other SIP",
            "media",
            "neighbour discovery",
            "router discovery",
            "other ICMPv6",
        ];
        f.write_str(NAMES[usize::from(self.0 & 0x0f)])
    }
}

fn sip(message: &[u8]) -> u8 {
    if message.starts_with(b"INVITE ") {
        7
    } else if message.starts_with(b"SIP/2.0 ") && contains(message, b" INVITE\r\n") {
        8
    } else if message.starts_with(b"ACK ") {
        9
    } else if message.starts_with(b"BYE ") || message.starts_with(b"CANCEL ") {
        10
    } else {
        11
    }
}

/// The packet inside all tunnels.
pub(super) fn innermost(octets: &[u8]) -> Option<Packet<'_>> {
    let mut packet = Packet::parse(octets).ok()?;
    while packet.protocol == protocol::IPV6 {
        packet = Packet::parse(packet.payload).ok()?;
    }
    Some(packet)
}

pub(super) fn contains(octets: &[u8], piece: &[u8]) -> bool {
    octets.windows(piece.len()).any(|window| window == piece)
}
