//! Templates: packets of which only some fields matter.

mod mobility;
mod network;
mod session;

pub(crate) use mobility::{acknowledgement_in, lookup_in};
pub(crate) use network::mtu_in;
pub(crate) use session::answers;

pub use mobility::{
    binding_acknowledgement, binding_error, binding_lookup, binding_update, care_of_test,
    care_of_test_init, home_test, home_test_init, message_in,
};
pub use network::{
    duplicate_detection, echo_reply, echo_request, fragment, icmp_error, neighbour_advertisement,
    packet_too_big, tunnelled,
};
pub use session::{media, sip_final_response, sip_in, sip_request, sip_response};

use std::fmt;
use std::net::Ipv6Addr;

use roamproof_wire::ipv6::{Packet, protocol};

/// What a tester waits for: a kind of packet, and what must be so in it.
///
/// The first packet of the kind decides. Packets of other kinds pass by.
pub struct Template {
    kind: String,
    is_kind: Test,
    fields: Vec<(String, Test)>,
}

type Test = Box<dyn Fn(&Packet<'_>) -> bool>;

/// Tunnels within tunnels are looked into so deep.
const TUNNELS_MAX: usize = 4;

impl Template {
    /// Any packet of a kind.
    pub fn new(kind: impl Into<String>, is_kind: impl Fn(&Packet<'_>) -> bool + 'static) -> Self {
        Self { kind: kind.into(), is_kind: Box::new(is_kind), fields: Vec::new() }
    }

    /// In which this is so; `what` says it in a few words.
    #[must_use]
    pub fn with(
        mut self,
        what: impl Into<String>,
        is_so: impl Fn(&Packet<'_>) -> bool + 'static,
    ) -> Self {
        self.fields.push((what.into(), Box::new(is_so)));
        self
    }

    /// Of which only those for which this is so are of the kind; `what` says it in a few words.
    #[must_use]
    pub fn that(
        mut self,
        what: impl fmt::Display,
        is_so: impl Fn(&Packet<'_>) -> bool + 'static,
    ) -> Self {
        let is_kind = self.is_kind;
        self.is_kind = Box::new(move |packet| is_kind(packet) && is_so(packet));
        self.kind = format!("{} {what}", self.kind);
        self
    }

    /// Sent to this address, as the IPv6 header has it.
    #[must_use]
    pub fn to(self, destination: Ipv6Addr) -> Self {
        self.with(format!("to {destination}"), move |packet| {
            packet.header.destination == destination
        })
    }

    /// Sent from this address, as the IPv6 header has it.
    #[must_use]
    pub fn from(self, source: Ipv6Addr) -> Self {
        self.with(format!("from {source}"), move |packet| packet.header.source == source)
    }

    /// Through a type 2 routing header with this home address.
    #[must_use]
    pub fn routed_home(self, home: Ipv6Addr) -> Self {
        self.with(format!("with type 2 routing header {home}"), move |packet| {
            packet.routing.is_some_and(|routing| routing.home_address == home)
        })
    }

    /// With this address in a Home Address option.
    #[must_use]
    pub fn home_address(self, home: Ipv6Addr) -> Self {
        self.with(format!("with Home Address option {home}"), move |packet| {
            packet.home_address == Some(home)
        })
    }

    /// The same, by whatever way: plain or in tunnels.
    #[must_use]
    pub fn by_any_way(self) -> Self {
        let Self { kind, is_kind, fields } = self;
        let lifted = |test: Test| -> Test { Box::new(move |packet| test(&innermost(packet))) };
        Self {
            kind: format!("{kind} by whatever way"),
            is_kind: lifted(is_kind),
            fields: fields.into_iter().map(|(what, test)| (what, lifted(test))).collect(),
        }
    }

    /// The same inside a tunnel; what is said of addresses from here on is about the tunnel.
    #[must_use]
    pub fn in_a_tunnel(self) -> Self {
        let Self { kind, is_kind, fields } = self;
        let lifted = |test: Test| -> Test {
            Box::new(move |packet| inside(packet).is_some_and(|inner| test(&inner)))
        };
        let fields: Vec<(String, Test)> =
            fields.into_iter().map(|(what, test)| (what, lifted(test))).collect();
        let tunnelled = Self { kind, is_kind: lifted(is_kind), fields };
        tunnelled.with("in a tunnel", |packet| packet.protocol == protocol::IPV6)
    }

    /// That carries exactly these octets, but for the hop limit, which is one less.
    #[must_use]
    pub fn carrying(self, inner: &[u8]) -> Self {
        let mut expected = inner.to_vec();
        if let Some(hop_limit) = expected.get_mut(7) {
            *hop_limit = hop_limit.saturating_sub(1);
        }
        self.with("carrying the packet as it was sent, hop limit one less", move |packet| {
            packet.payload == expected
        })
    }

    /// That is exactly this packet, but for the hop limit, which is one less: passed on by a router.
    #[must_use]
    pub fn passed_on(self, packet: &[u8]) -> Self {
        let mut expected = packet.to_vec();
        if let Some(hop_limit) = expected.get_mut(7) {
            *hop_limit = hop_limit.saturating_sub(1);
        }
        self.with("as it was sent, hop limit one less", move |packet| packet.octets == expected)
    }

    /// Whether a packet is of the kind.
    pub fn is_kind(&self, packet: &Packet<'_>) -> bool {
        (self.is_kind)(packet)
    }

    /// The first thing that is not so in a packet of the kind.
    pub fn mismatch(&self, packet: &Packet<'_>) -> Option<&str> {
        self.fields.iter().find(|(_, is_so)| !is_so(packet)).map(|(what, _)| what.as_str())
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        for (index, (what, _)) in self.fields.iter().enumerate() {
            write!(f, "{}{what}", if index == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

/// The packet inside a tunnel packet, if it is one.
pub fn inside<'a>(packet: &Packet<'a>) -> Option<Packet<'a>> {
    Packet::parse(packet.decapsulated()?).ok()
}

/// The packet inside all tunnels; the packet itself where it is in none.
pub fn innermost<'a>(packet: &Packet<'a>) -> Packet<'a> {
    let mut innermost = *packet;
    for _ in 0..TUNNELS_MAX {
        let Some(inner) = inside(&innermost) else { break };
        innermost = inner;
    }
    innermost
}

#[cfg(test)]
mod tests {
    use super::*;
    use roamproof_wire::icmpv6::{Echo, Message as IcmpMessage};
    use roamproof_wire::ipv6::{Outgoing, encapsulate};

    const ONE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1);
    const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 2);

    #[test]
    fn the_first_thing_that_is_not_so_is_named() {
        let reply = reply();
        let packet = Packet::parse(&reply).unwrap();
        let wanted = echo_reply().from(ONE).to(ONE);
        assert!(wanted.is_kind(&packet));
        assert_eq!(wanted.mismatch(&packet), Some("to 2001:db8:a::1"));
        assert_eq!(wanted.to_string(), "Echo Reply from 2001:db8:a::1, to 2001:db8:a::1");
    }

    #[test]
    fn a_packet_in_a_tunnel_is_found_where_it_is_looked_for() {
        let outer = encapsulate(OTHER, ONE, 64, &reply());
        let packet = Packet::parse(&outer).unwrap();
        assert!(!echo_reply().is_kind(&packet), "as it stands it is a tunnel packet");
        let inner = echo_reply().from(ONE).in_a_tunnel().from(OTHER);
        assert!(inner.is_kind(&packet));
        assert_eq!(inner.mismatch(&packet), None);
        let any = echo_reply().from(ONE).to(OTHER).by_any_way();
        assert_eq!((any.is_kind(&packet), any.mismatch(&packet)), (true, None));
    }

    #[test]
    fn a_narrower_kind_lets_others_pass_by() {
        let reply = reply();
        let packet = Packet::parse(&reply).unwrap();
        let narrow = echo_reply().that("from elsewhere", |packet| packet.source() == OTHER);
        assert!(!narrow.is_kind(&packet));
        assert_eq!(narrow.to_string(), "Echo Reply from elsewhere");
    }

    fn reply() -> Vec<u8> {
        let echo = Echo { reply: true, identifier: 0x1234, sequence: 0x5678, data: b"data" };
        IcmpMessage::Echo(echo).packet(&Outgoing::new(ONE, OTHER, protocol::ICMPV6))
    }
}
