//! Binding Acknowledgement (RFC 6275 §6.1.8).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+---------------+---------------+
//! | Payload Proto |  Header Len   |  MH Type = 6  |   Reserved    |
//! +---------------+---------------+---------------+-+-------------+
//! |           Checksum            |    Status     |K|  Reserved   |
//! +-------------------------------+---------------+-+-------------+
//! |          Sequence #           |           Lifetime            |
//! +-------------------------------+-------------------------------+
//! |                       Mobility Options ...                    |
//! +---------------------------------------------------------------+
//! ```

use std::fmt;
use std::net::Ipv6Addr;

use super::authenticator::{Authorization, authorized};
use super::body::{self, Body};
use super::header::{mh_type, put, u16_at};
use super::{
    Lifetime, MessageAuthentication, MobilityOption, NtpTimestamp, Options, Sequence, Status,
};
use crate::WireError;

mod field {
    pub(super) const STATUS: usize = 6;
    pub(super) const FLAGS: usize = 7;
    pub(super) const SEQUENCE: usize = 8;
    pub(super) const LIFETIME: usize = 10;
    pub(super) const OPTIONS: usize = 12;
}

const WITHIN: &str = "Binding Acknowledgement";
const KEY_MANAGEMENT: u8 = 0x80;

/// A well-formed Binding Acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingAcknowledgement {
    /// Whether the update was taken, and why not.
    pub status: Status,
    /// K: the protocol that makes the IPsec keys survives movements.
    pub key_management: bool,
    /// Copied from the update, or the last one taken where the update was out of order.
    pub sequence: Sequence,
    /// How long the binding will last.
    pub lifetime: Lifetime,
    /// The options, without padding.
    pub options: Options,
}

impl BindingAcknowledgement {
    /// An acknowledgement without K and options.
    pub const fn new(status: Status, sequence: Sequence, lifetime: Lifetime) -> Self {
        Self { status, key_management: false, sequence, lifetime, options: Options::new() }
    }

    /// When the home agent wants to be asked again.
    pub fn refresh_advice(&self) -> Option<Lifetime> {
        self.options.find(|option| {
            if let MobilityOption::BindingRefreshAdvice(interval) = option {
                Some(*interval)
            } else {
                None
            }
        })
    }

    /// The authenticator of Binding Authorization Data, which is the last option.
    pub fn authorization_data(&self) -> Option<[u8; 12]> {
        self.options.authorization_data()
    }

    /// The authentication option that mobile node and home agent share a key for (RFC 4285).
    pub fn mn_ha_authentication(&self) -> Option<MessageAuthentication> {
        self.options.mn_ha_authentication()
    }

    /// The time stamp of the first Replay Protection option (RFC 4285).
    pub fn replay_protection(&self) -> Option<NtpTimestamp> {
        self.options.replay_protection()
    }

    /// The octets that the message takes.
    pub fn buffer_len(&self) -> usize {
        body::buffer_len(self)
    }

    /// The message as octets of its own, with the options that it has.
    ///
    /// `destination` is the final destination: the home address where a type 2 routing header
    /// carries one.
    pub fn to_vec(&self, source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
        body::to_vec(self, source, destination)
    }

    /// The message as octets of its own, with the options that it has and those that prove it.
    ///
    /// `source` is the correspondent or home agent and `destination` the home address; `care_of`
    /// is the address that the update registers, the home address where it removed the binding.
    pub fn to_vec_authorized(
        &self,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        care_of: Ipv6Addr,
        authorization: Authorization<'_>,
    ) -> Vec<u8> {
        let peer = match authorization {
            Authorization::ReturnRoutability(_) => source,
            Authorization::MnHa(_) => destination,
        };
        let mut message = self.clone();
        authorization.add_options(&mut message.options);
        let mut octets = vec![0; message.buffer_len()];
        body::write(&message, &mut octets);
        authorized(octets, source, destination, care_of, peer, authorization)
    }
}

impl Body for BindingAcknowledgement {
    const NAME: &'static str = WITHIN;
    const MH_TYPE: u8 = mh_type::BINDING_ACKNOWLEDGEMENT;
    const FIXED: usize = field::OPTIONS;

    fn blank() -> Self {
        Self::new(Status::ACCEPTED, Sequence(0), Lifetime::ZERO)
    }

    fn read(&mut self, octets: &[u8]) -> Result<(), WireError> {
        self.status = Status(octets[field::STATUS]);
        self.key_management = octets[field::FLAGS] & KEY_MANAGEMENT != 0;
        self.sequence = Sequence(u16_at(octets, field::SEQUENCE));
        self.lifetime = Lifetime(u16_at(octets, field::LIFETIME));
        self.options.read_authorized(WITHIN, octets, field::OPTIONS)
    }

    //= MH-OUT-04
    fn write(&self, octets: &mut [u8]) {
        let flags = if self.key_management { KEY_MANAGEMENT } else { 0 };
        put(octets, field::STATUS, &[self.status.0, flags]);
        put(octets, field::SEQUENCE, &self.sequence.0.to_be_bytes());
        put(octets, field::LIFETIME, &self.lifetime.0.to_be_bytes());
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

/// A Binding Acknowledgement as it lies in the packet: any twelve octets.
#[derive(Debug, Clone, Copy)]
pub struct BindingAcknowledgementView<T> {
    octets: T,
}

impl<T: AsRef<[u8]>> BindingAcknowledgementView<T> {
    /// Views `octets`, from Payload Proto on.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`](crate::Fault::Truncated) where the fixed part is not all there.
    pub fn new(octets: T) -> Result<Self, WireError> {
        let have = octets.as_ref().len();
        if have < field::OPTIONS {
            return Err(WireError::truncated(WITHIN, 0, field::OPTIONS, have));
        }
        Ok(Self { octets })
    }

    /// The Status field.
    pub fn status(&self) -> Status {
        Status(self.octets.as_ref()[field::STATUS])
    }

    /// The octet of flags: K 0x80.
    pub fn flags(&self) -> u8 {
        self.octets.as_ref()[field::FLAGS]
    }

    /// The Sequence # field.
    pub fn sequence(&self) -> Sequence {
        Sequence(u16_at(self.octets.as_ref(), field::SEQUENCE))
    }

    /// The Lifetime field.
    pub fn lifetime(&self) -> Lifetime {
        Lifetime(u16_at(self.octets.as_ref(), field::LIFETIME))
    }
}

impl<T: AsMut<[u8]>> BindingAcknowledgementView<T> {
    /// Sets the Status field.
    pub fn set_status(&mut self, value: Status) {
        self.octets.as_mut()[field::STATUS] = value.0;
    }

    /// Sets the octet of flags.
    pub fn set_flags(&mut self, value: u8) {
        self.octets.as_mut()[field::FLAGS] = value;
    }

    /// Sets the Sequence # field.
    pub fn set_sequence(&mut self, value: Sequence) {
        put(self.octets.as_mut(), field::SEQUENCE, &value.0.to_be_bytes());
    }

    /// Sets the Lifetime field.
    pub fn set_lifetime(&mut self, value: Lifetime) {
        put(self.octets.as_mut(), field::LIFETIME, &value.0.to_be_bytes());
    }
}

impl fmt::Display for BindingAcknowledgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, key_management, sequence, lifetime, options } = self;
        write_line(f, *sequence, *status, *key_management, *lifetime)?;
        options.fmt(f)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for BindingAcknowledgementView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key_management = self.flags() & KEY_MANAGEMENT != 0;
        write_line(f, self.sequence(), self.status(), key_management, self.lifetime())
    }
}

fn write_line(
    f: &mut fmt::Formatter<'_>,
    sequence: Sequence,
    status: Status,
    key_management: bool,
    lifetime: Lifetime,
) -> fmt::Result {
    let key_management = if key_management { " K" } else { "" };
    write!(f, "BA seq={sequence} status={status}{key_management} life={lifetime}")
}
