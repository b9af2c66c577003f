//! Binding lookup between home agent and SIP server (Experimental Mobility Header, RFC 5096 §3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+---------------+---------------+
//! | Payload Proto |  Header Len   | MH Type = 11  |   Reserved    |
//! +---------------+---------------+---------------+---------------+
//! |           Checksum            |   Magic = 0x424C ("BL")       |
//! +---------------+---------------+-------------------------------+
//! |     Kind      |    Status     |          Transaction          |
//! +---------------+---------------+-------------------------------+
//! |   Lifetime (units of 4 s)     |           Reserved            |
//! +-------------------------------+-------------------------------+
//! |  home address; second address; replay protection; authentication
//! +---------------------------------------------------------------+
//! ```
//!
//! 72 octets with one address, 96 with two.

use std::fmt;
use std::net::Ipv6Addr;

use super::authenticator::lookup_authenticator;
use super::body::check_header;
use super::header::{bounded, mh_type, put, seal, u16_at, write_header};
use super::lookup_kind::write_letters;
use super::lookup_options::{self, LookupOptions};
use super::option::AUTHENTICATOR_LEN;
use super::{BindingLookupView, Lifetime, LookupKind, LookupStatus, NtpTimestamp};
use crate::{Fault, WireError};

pub(super) mod field {
    pub(in super::super) const MAGIC: usize = 6;
    pub(in super::super) const KIND: usize = 8;
    pub(in super::super) const STATUS: usize = 9;
    pub(in super::super) const TRANSACTION: usize = 10;
    pub(in super::super) const LIFETIME: usize = 12;
    pub(in super::super) const RESERVED: usize = 14;
    pub(in super::super) const OPTIONS: usize = 16;
}

pub(super) const WITHIN: &str = "binding lookup";
const MAGIC: u16 = 0x424c;
const LEN_WITH_ONE_ADDRESS: usize = 72;
const LEN_WITH_TWO_ADDRESSES: usize = 96;

/// A well-formed binding lookup message.
///
/// `authenticator` is what the octets held; only [`verify_lookup`](super::verify_lookup) says
/// whether it is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingLookup {
    /// What the message says.
    pub kind: LookupKind,
    /// How the question or notification was taken; [`LookupStatus::BOUND`] in those themselves.
    pub status: LookupStatus,
    /// Chosen by who asks or notifies, echoed in the answer.
    pub transaction: u16,
    /// What remains of the binding; zero in questions and acknowledgements.
    pub lifetime: Lifetime,
    /// The home address in question.
    pub home_address: Ipv6Addr,
    /// The address that a notification, reply or change tells.
    pub told: Option<LookupAddress>,
    /// When this copy of the message was made.
    pub timestamp: NtpTimestamp,
    /// Which key, above 255.
    pub spi: u32,
    /// The first 96 bits of the MAC.
    pub authenticator: [u8; AUTHENTICATOR_LEN],
}

/// The second address of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupAddress {
    /// Of the home agent that sends a notification.
    HomeAgent(Ipv6Addr),
    /// Where the home address is bound to.
    CareOf(Ipv6Addr),
}

impl BindingLookup {
    /// `home_agent` serves `home` for as long as `remaining`; zero: no longer.
    pub const fn notification(
        transaction: u16,
        home: Ipv6Addr,
        home_agent: Ipv6Addr,
        remaining: Lifetime,
    ) -> Self {
        let told = Some(LookupAddress::HomeAgent(home_agent));
        let blank = Self::blank(LookupKind::HomeAgentNotification, transaction, home);
        Self { lifetime: remaining, told, ..blank }
    }

    /// The answer to a notification.
    pub const fn notification_ack(transaction: u16, home: Ipv6Addr, status: LookupStatus) -> Self {
        Self { status, ..Self::blank(LookupKind::HomeAgentNotificationAck, transaction, home) }
    }

    /// Asks where `home` is.
    pub const fn query(transaction: u16, home: Ipv6Addr) -> Self {
        Self::blank(LookupKind::BindingQuery, transaction, home)
    }

    /// Answers that `home` is at `care_of` for as long as `remaining`.
    pub const fn reply(
        transaction: u16,
        home: Ipv6Addr,
        care_of: Ipv6Addr,
        remaining: Lifetime,
    ) -> Self {
        let told = Some(LookupAddress::CareOf(care_of));
        let blank = Self::blank(LookupKind::BindingReply, transaction, home);
        Self { lifetime: remaining, told, ..blank }
    }

    /// Answers that there is no care-of address to tell; `status` says why and is not
    /// [`LookupStatus::BOUND`].
    pub const fn reply_without(transaction: u16, home: Ipv6Addr, status: LookupStatus) -> Self {
        Self { status, ..Self::blank(LookupKind::BindingReply, transaction, home) }
    }

    /// Tells that `home` is now at `care_of` for as long as `remaining`.
    pub const fn change(
        transaction: u16,
        home: Ipv6Addr,
        care_of: Ipv6Addr,
        remaining: Lifetime,
    ) -> Self {
        let reply = Self::reply(transaction, home, care_of, remaining);
        Self { kind: LookupKind::BindingChange, ..reply }
    }

    /// Tells that the binding of `home` is gone.
    pub const fn change_gone(transaction: u16, home: Ipv6Addr) -> Self {
        let status = LookupStatus::NO_BINDING;
        Self { status, ..Self::blank(LookupKind::BindingChange, transaction, home) }
    }

    /// The answer to a change.
    pub const fn change_ack(transaction: u16, home: Ipv6Addr, status: LookupStatus) -> Self {
        Self { status, ..Self::blank(LookupKind::BindingChangeAck, transaction, home) }
    }

    /// The home agent's address that the message tells.
    pub const fn home_agent(&self) -> Option<Ipv6Addr> {
        match self.told {
            Some(LookupAddress::HomeAgent(address)) => Some(address),
            Some(LookupAddress::CareOf(_)) | None => None,
        }
    }

    /// The care-of address that the message tells.
    pub const fn care_of(&self) -> Option<Ipv6Addr> {
        match self.told {
            Some(LookupAddress::CareOf(address)) => Some(address),
            Some(LookupAddress::HomeAgent(_)) | None => None,
        }
    }

    /// Octets that the message takes.
    pub const fn buffer_len(&self) -> usize {
        if self.told.is_some() { LEN_WITH_TWO_ADDRESSES } else { LEN_WITH_ONE_ADDRESS }
    }

    /// The message as octets of its own, made at `timestamp` and proved by `key`, which `spi`
    /// names. `source` and `destination` are those of the IPv6 header.
    pub fn to_vec_authorized(
        &self,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        spi: u32,
        key: &[u8],
        timestamp: NtpTimestamp,
    ) -> Vec<u8> {
        let mut octets = vec![0; self.buffer_len()];
        Self { spi, timestamp, ..self.clone() }.write(&mut octets);
        let at = octets.len() - AUTHENTICATOR_LEN;
        let authenticator = lookup_authenticator(key, source, destination, &octets[..at]);
        put(&mut octets, at, &authenticator);
        seal(source, destination, &mut octets);
        octets
    }

    const fn blank(kind: LookupKind, transaction: u16, home_address: Ipv6Addr) -> Self {
        Self {
            kind,
            status: LookupStatus::BOUND,
            transaction,
            lifetime: Lifetime::ZERO,
            home_address,
            told: None,
            timestamp: NtpTimestamp(0),
            spi: 0,
            authenticator: [0; AUTHENTICATOR_LEN],
        }
    }

    /// Whether this is a binding lookup message and not another experiment's.
    pub(super) fn has_magic(octets: &[u8]) -> bool {
        u16_at(octets, field::MAGIC) == MAGIC
    }

    /// Reads the message at the front of `octets`, as long as its Header Len says.
    ///
    /// # Errors
    ///
    /// Where a field of the header, an option, or the addresses for this kind are not as they
    /// should be.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        let octets = bounded(octets)?;
        check_header(WITHIN, LEN_WITH_ONE_ADDRESS, octets)?;
        if octets[2] != mh_type::EXPERIMENTAL {
            return Err(WireError::illegal(WITHIN, 2, octets[2].into()));
        }
        if !Self::has_magic(octets) {
            let found = u16_at(octets, field::MAGIC);
            return Err(WireError::illegal(WITHIN, field::MAGIC, found.into()));
        }
        let view = BindingLookupView::new(octets)?;
        let mut options = LookupOptions::new(octets);
        let home_address = options.home_address()?;
        let told = options.told()?;
        let timestamp = options.timestamp()?;
        let authentication = options.authentication()?;
        let message = Self {
            kind: view.kind(),
            status: view.status(),
            transaction: view.transaction(),
            lifetime: view.lifetime(),
            home_address,
            told,
            timestamp,
            spi: authentication.spi,
            authenticator: authentication.authenticator,
        };
        message.check()?;
        Ok(message)
    }

    /// Refuses what a message of this kind cannot say.
    fn check(&self) -> Result<(), WireError> {
        let answers = match self.kind {
            LookupKind::HomeAgentNotification | LookupKind::BindingQuery => false,
            LookupKind::HomeAgentNotificationAck
            | LookupKind::BindingReply
            | LookupKind::BindingChange
            | LookupKind::BindingChangeAck => true,
            LookupKind::Unknown(_) => return Ok(()),
        };
        if !answers && self.status != LookupStatus::BOUND {
            return Err(WireError::illegal(WITHIN, field::STATUS, self.status.0.into()));
        }
        let tells = match self.kind {
            LookupKind::HomeAgentNotification => Tells::HomeAgent,
            LookupKind::BindingReply | LookupKind::BindingChange => {
                if self.status == LookupStatus::BOUND { Tells::CareOf } else { Tells::Nothing }
            }
            LookupKind::HomeAgentNotificationAck
            | LookupKind::BindingQuery
            | LookupKind::BindingChangeAck => {
                if self.lifetime != Lifetime::ZERO {
                    let found = self.lifetime.0.into();
                    return Err(WireError::illegal(WITHIN, field::LIFETIME, found));
                }
                Tells::Nothing
            }
            LookupKind::Unknown(_) => return Ok(()),
        };
        match (tells, self.told) {
            (Tells::Nothing, None)
            | (Tells::HomeAgent, Some(LookupAddress::HomeAgent(_)))
            | (Tells::CareOf, Some(LookupAddress::CareOf(_))) => Ok(()),
            (Tells::HomeAgent, _) => Err(WireError::missing(WITHIN, SECOND, "home agent address")),
            (Tells::CareOf, _) => Err(WireError::missing(WITHIN, SECOND, "care-of address")),
            (Tells::Nothing, Some(_)) => {
                let fault = Fault::TooMany { bound: 1 };
                Err(WireError { within: WITHIN, offset: SECOND, fault })
            }
        }
    }

    /// Writes the whole message, its checksum left zero and the authenticator as it is.
    pub(super) fn write(&self, octets: &mut [u8]) {
        write_header(octets, mh_type::EXPERIMENTAL);
        put(octets, field::MAGIC, &MAGIC.to_be_bytes());
        put(octets, field::KIND, &[self.kind.number(), self.status.0]);
        put(octets, field::TRANSACTION, &self.transaction.to_be_bytes());
        put(octets, field::LIFETIME, &self.lifetime.0.to_be_bytes());
        put(octets, field::RESERVED, &[0, 0]);
        lookup_options::write(self, octets);
    }
}

/// Where the second address stands in a message with two.
const SECOND: usize = 44;

enum Tells {
    Nothing,
    HomeAgent,
    CareOf,
}

impl fmt::Display for BindingLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_letters(f, self.kind, self.transaction)?;
        if self.kind.is_answer() {
            write!(f, " status={}", self.status.0)?;
        }
        write!(f, " hoa={}", self.home_address)?;
        match self.told {
            Some(LookupAddress::HomeAgent(one)) => {
                write!(f, " ha={one} life={}", self.lifetime)
            }
            Some(LookupAddress::CareOf(one)) => write!(f, " coa={one} life={}", self.lifetime),
            None => Ok(()),
        }
    }
}
