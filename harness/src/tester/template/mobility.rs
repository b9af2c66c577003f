//! Templates of mobility messages.

use std::net::Ipv6Addr;

use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{
    self, BindingAcknowledgement, BindingError, BindingLookup, LookupKind, Message, verify_lookup,
};

use super::Template;
use crate::plan::Key;

/// A Binding Acknowledgement.
pub fn binding_acknowledgement() -> Template {
    message("Binding Acknowledgement", |message| {
        matches!(message, Message::BindingAcknowledgement(_))
    })
}

/// A Binding Update.
pub fn binding_update() -> Template {
    message("Binding Update", |message| matches!(message, Message::BindingUpdate(_)))
}

/// A Home Test Init.
pub fn home_test_init() -> Template {
    message("Home Test Init", |message| matches!(message, Message::HomeTestInit(_)))
}

/// A Care-of Test Init.
pub fn care_of_test_init() -> Template {
    message("Care-of Test Init", |message| matches!(message, Message::CareOfTestInit(_)))
}

/// A Home Test.
pub fn home_test() -> Template {
    message("Home Test", |message| matches!(message, Message::HomeTest(_)))
}

/// A Care-of Test.
pub fn care_of_test() -> Template {
    message("Care-of Test", |message| matches!(message, Message::CareOfTest(_)))
}

/// A Binding Error with this status about a home address; `None` = about none.
pub fn binding_error(status: u8, about: Option<Ipv6Addr>) -> Template {
    let about = about.unwrap_or(Ipv6Addr::UNSPECIFIED);
    message("Binding Error", |message| matches!(message, Message::BindingError(_)))
        .with(format!("status {status}"), move |packet| {
            error_in(packet).is_some_and(|error| error.status.0 == status)
        })
        .with(format!("about {about}"), move |packet| {
            error_in(packet).is_some_and(|error| error.home_address == about)
        })
}

/// A binding lookup message of this kind.
pub fn binding_lookup(kind: LookupKind) -> Template {
    message(
        kind.name(),
        move |message| matches!(message, Message::BindingLookup(one) if one.kind == kind),
    )
}

impl Template {
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
}

impl Template {
    /// A binding lookup message of which this is so; `what` says it in a few words.
    #[must_use]
    pub fn saying(
        self,
        what: impl Into<String>,
        fits: impl Fn(&BindingLookup) -> bool + 'static,
    ) -> Self {
        self.with(what, move |packet| lookup_in(packet).is_some_and(|message| fits(&message)))
    }

    /// A binding lookup message proved by this key.
    #[must_use]
    pub fn proved_by(self, key: &Key) -> Self {
        let key = key.octets.clone();
        self.with("with the right authenticator", move |packet| {
            let (source, destination) = (packet.header.source, packet.header.destination);
            verify_lookup(&key, source, destination, packet.payload)
        })
    }
}

/// The binding lookup message in a packet, if it is one.
pub(crate) fn lookup_in(packet: &Packet<'_>) -> Option<BindingLookup> {
    if let Some(Message::BindingLookup(message)) = message_in(packet) {
        return Some(message);
    }
    None
}

/// The mobility message in a packet, if its checksum is right and it can be read.
pub fn message_in(packet: &Packet<'_>) -> Option<Message> {
    let right = packet.protocol == protocol::MOBILITY
        && mobility::verify(packet.source(), packet.destination(), packet.payload).is_ok();
    right.then(|| Message::parse(packet.payload).ok()).flatten()
}

fn message(kind: &str, is_kind: impl Fn(&Message) -> bool + 'static) -> Template {
    Template::new(kind, move |packet| message_in(packet).is_some_and(|message| is_kind(&message)))
}

fn error_in(packet: &Packet<'_>) -> Option<BindingError> {
    if let Some(Message::BindingError(error)) = message_in(packet) {
        return Some(error);
    }
    None
}

/// The Binding Acknowledgement in a packet, if it is one.
pub(crate) fn acknowledgement_in(packet: &Packet<'_>) -> Option<BindingAcknowledgement> {
    if let Some(Message::BindingAcknowledgement(one)) = message_in(packet) {
        return Some(one);
    }
    None
}
