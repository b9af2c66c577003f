//! Templates of what every IPv6 node and every tunnel sends.

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{Message, Reason};
use roamproof_wire::ipv6::{HEADER_LEN, Packet, header, protocol};

use super::Template;

/// An ICMPv6 Echo Reply.
pub fn echo_reply() -> Template {
    Template::new("Echo Reply", |packet| echo_in(packet).is_some_and(|(reply, _)| reply))
}

/// An ICMPv6 Echo Request with this sequence number.
pub fn echo_request(sequence: u16) -> Template {
    Template::new(format!("Echo Request {sequence}"), move |packet| {
        echo_in(packet) == Some((false, sequence))
    })
}

/// An IPv6 packet inside another (RFC 2473).
pub fn tunnelled() -> Template {
    Template::new("tunnelled packet", |packet| packet.protocol == protocol::IPV6)
}

/// A fragment of a packet between two addresses.
pub fn fragment(from: Ipv6Addr, to: Ipv6Addr) -> Template {
    Template::new(format!("fragment from {from} to {to}"), move |packet| {
        packet.piece().is_some() && (packet.header.source, packet.header.destination) == (from, to)
    })
}

/// A Neighbour Advertisement for `target`.
pub fn neighbour_advertisement(target: Ipv6Addr) -> Template {
    Template::new(
        format!("Neighbour Advertisement for {target}"),
        move |packet| matches!(message_in(packet), Some(Message::NeighbourAdvertisement(one)) if one.target == target),
    )
}

/// A probe of duplicate address detection for `target` (RFC 4862 §5.4.2): from no address.
pub fn duplicate_detection(target: Ipv6Addr) -> Template {
    Template::new(format!("probe whether somebody has {target}"), move |packet| {
        packet.header.source.is_unspecified()
            && matches!(message_in(packet), Some(Message::NeighbourSolicitation(one)) if one.target == target)
    })
}

/// An ICMPv6 error of this type and code about this packet.
pub fn icmp_error(kind: u8, code: u8, about: &[u8]) -> Template {
    let about = told_apart(about);
    Template::new(format!("ICMPv6 error {kind} code {code} about the packet"), move |packet| {
        let Some(Message::Error(error)) = message_in(packet) else { return false };
        (error.reason.kind(), error.reason.code()) == (kind, code)
            && told_apart(error.quoted) == about
    })
}

/// An ICMPv6 Packet Too Big about this packet.
pub fn packet_too_big(about: &[u8]) -> Template {
    let about = told_apart(about);
    Template::new("Packet Too Big about the packet", move |packet| {
        let Some(Message::Error(error)) = message_in(packet) else { return false };
        matches!(error.reason, Reason::PacketTooBig { .. }) && told_apart(error.quoted) == about
    })
}

impl Template {
    /// A Neighbour Advertisement that names this link-layer address.
    #[must_use]
    pub fn naming(self, mac: Mac) -> Self {
        self.with(format!("naming {mac}"), move |packet| {
            matches!(
                message_in(packet),
                Some(Message::NeighbourAdvertisement(one)) if one.target_link_layer == Some(mac)
            )
        })
    }

    /// A Neighbour Advertisement with these flags: of a router, solicited, overriding.
    #[must_use]
    pub fn flags(self, router: Option<bool>, solicited: bool, overrides: Option<bool>) -> Self {
        self.with(format!("solicited {solicited}, its flags right"), move |packet| {
            let Some(Message::NeighbourAdvertisement(one)) = message_in(packet) else {
                return false;
            };
            one.solicited == solicited
                && router.is_none_or(|router| one.router == router)
                && overrides.is_none_or(|overrides| one.overrides == overrides)
        })
    }

    /// A Packet Too Big whose MTU fits; `what` says which.
    #[must_use]
    pub fn mtu(self, what: impl Into<String>, fits: impl Fn(usize) -> bool + 'static) -> Self {
        self.with(what, move |packet| mtu_in(packet).is_some_and(&fits))
    }

    /// Of at most so many octets, from the IPv6 header on.
    #[must_use]
    pub fn octets_max(self, most: usize) -> Self {
        self.with(format!("of {most} octets at most"), move |packet| packet.octets.len() <= most)
    }
}

/// The MTU that a Packet Too Big tells.
pub(crate) fn mtu_in(packet: &Packet<'_>) -> Option<usize> {
    let Some(Message::Error(error)) = message_in(packet) else { return None };
    let Reason::PacketTooBig { mtu } = error.reason else { return None };
    usize::try_from(mtu).ok()
}

/// By what a packet is known again in a quotation: its addresses, and the first octets behind them.
fn told_apart(packet: &[u8]) -> Option<Vec<u8>> {
    packet.get(header::HOP_LIMIT + 1..HEADER_LEN + 8).map(<[u8]>::to_vec)
}

fn echo_in(packet: &Packet<'_>) -> Option<(bool, u16)> {
    if let Some(Message::Echo(echo)) = message_in(packet) {
        return Some((echo.reply, echo.sequence));
    }
    None
}

fn message_in<'a>(packet: &Packet<'a>) -> Option<Message<'a>> {
    if packet.protocol != protocol::ICMPV6 || packet.piece().is_some() {
        return None;
    }
    Message::parse(packet).ok()
}
