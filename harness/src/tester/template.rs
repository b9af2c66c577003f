//! Templates: packets of which only some fields matter.

use std::fmt;
use std::net::Ipv6Addr;

use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{BindingAcknowledgement, Message};

/// What a tester waits for: a kind of packet, and what must be so in it.
///
/// The first packet of the kind decides. Packets of other kinds pass by.
pub struct Template {
    kind: String,
    is_kind: Test,
    fields: Vec<(String, Test)>,
}

type Test = Box<dyn Fn(&Packet<'_>) -> bool>;

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

    /// Whether a packet is of the kind.
    pub fn is_kind(&self, packet: &Packet<'_>) -> bool {
        (self.is_kind)(packet)
    }

    /// The first thing that is not so in a packet of the kind.
    pub fn mismatch(&self, packet: &Packet<'_>) -> Option<&str> {
        self.fields.iter().find(|(_, is_so)| !is_so(packet)).map(|(what, _)| what.as_str())
    }

    /// Whose status fits; `what` says which.
    #[must_use]
    pub fn status(self, what: &'static str, fits: impl Fn(u8) -> bool + 'static) -> Self {
        self.with(format!("status {what}"), move |packet| {
            acknowledgement_in(packet).is_some_and(|one| fits(one.status.0))
        })
    }

    /// Whose sequence number is this.
    #[must_use]
    pub fn sequence(self, sequence: u16) -> Self {
        self.with(format!("sequence {sequence}"), move |packet| {
            acknowledgement_in(packet).is_some_and(|one| one.sequence.0 == sequence)
        })
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

/// A Binding Acknowledgement.
pub fn binding_acknowledgement() -> Template {
    Template::new("Binding Acknowledgement", |packet| acknowledgement_in(packet).is_some())
}

/// An ICMPv6 Echo Reply.
pub fn echo_reply() -> Template {
    Template::new(
        "Echo Reply",
        |packet| matches!(IcmpMessage::parse(packet), Ok(IcmpMessage::Echo(echo)) if echo.reply),
    )
}

/// An IPv6 packet inside another (RFC 2473).
pub fn tunnelled() -> Template {
    Template::new("tunnelled packet", |packet| packet.protocol == protocol::IPV6)
}

fn acknowledgement_in(packet: &Packet<'_>) -> Option<BindingAcknowledgement> {
    if packet.protocol != protocol::MOBILITY {
        return None;
    }
    match Message::parse(packet.payload) {
        Ok(Message::BindingAcknowledgement(message)) => Some(message),
        Ok(_) | Err(_) => None,
    }
}
