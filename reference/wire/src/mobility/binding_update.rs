//! Binding Update (RFC 6275 §6.1.7).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+---------------+---------------+
//! | Payload Proto |  Header Len   |  MH Type = 5  |   Reserved    |
//! +---------------+---------------+---------------+---------------+
//! |           Checksum            |          Sequence #           |
//! +-+-+-+-+-----------------------+-------------------------------+
//! |A|H|L|K|        Reserved       |           Lifetime            |
//! +-+-+-+-+-----------------------+-------------------------------+
//! |                       Mobility Options ...                    |
//! +---------------------------------------------------------------+
//! ```

use std::fmt;
use std::net::Ipv6Addr;

use super::authenticator::{Authorization, authorized};
use super::body::{self, Body};
use super::header::{mh_type, put, u16_at};
use super::{
    Lifetime, MessageAuthentication, MobilityOption, NonceIndices, NtpTimestamp, Options, Sequence,
};
use crate::WireError;

mod field {
    pub(super) const SEQUENCE: usize = 6;
    pub(super) const FLAGS: usize = 8;
    pub(super) const LIFETIME: usize = 10;
    pub(super) const OPTIONS: usize = 12;
}

mod flag {
    pub(super) const ACKNOWLEDGE: u8 = 0x80;
    pub(super) const HOME_REGISTRATION: u8 = 0x40;
    pub(super) const LINK_LOCAL_COMPATIBILITY: u8 = 0x20;
    pub(super) const KEY_MANAGEMENT: u8 = 0x10;
}

const WITHIN: &str = "Binding Update";

/// A well-formed Binding Update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingUpdate {
    /// Orders the updates of one home address.
    pub sequence: Sequence,
    /// A: an acknowledgement is wanted.
    pub acknowledge: bool,
    /// H: the receiver is to act as home agent.
    pub home_registration: bool,
    /// L: the interface identifier of the home address is that of the link-local address.
    pub link_local_compatibility: bool,
    /// K: the protocol that makes the IPsec keys survives movements.
    pub key_management: bool,
    /// How long the binding is to last; zero removes it.
    pub lifetime: Lifetime,
    /// The options, without padding.
    pub options: Options,
}

impl BindingUpdate {
    /// An update that sets no flag and has no options.
    pub const fn new(sequence: Sequence, lifetime: Lifetime) -> Self {
        Self {
            sequence,
            acknowledge: false,
            home_registration: false,
            link_local_compatibility: false,
            key_management: false,
            lifetime,
            options: Options::new(),
        }
    }

    /// The address of the first Alternate Care-of Address option.
    pub fn alternate_care_of(&self) -> Option<Ipv6Addr> {
        self.options.find(|option| {
            if let MobilityOption::AlternateCareOfAddress(address) = option {
                Some(*address)
            } else {
                None
            }
        })
    }

    /// The first Nonce Indices option.
    pub fn nonce_indices(&self) -> Option<NonceIndices> {
        self.options.find(|option| {
            if let MobilityOption::NonceIndices(indices) = option { Some(*indices) } else { None }
        })
    }

    /// The authenticator of Binding Authorization Data, which is the last option.
    pub fn authorization_data(&self) -> Option<[u8; 12]> {
        self.options.authorization_data()
    }

    /// The identifier of the first Mobile Node Identifier option (RFC 4283).
    pub fn mobile_node_identifier(&self) -> Option<&[u8]> {
        self.options.find(|option| {
            if let MobilityOption::MobileNodeIdentifier { identifier, .. } = option {
                Some(&**identifier)
            } else {
                None
            }
        })
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
    /// `source` is the home address where a Home Address option carries one, `destination` the
    /// final destination.
    pub fn to_vec(&self, source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
        body::to_vec(self, source, destination)
    }

    /// The message as octets of its own, with the options that it has and those that prove it.
    ///
    /// `source` is the home address and `destination` the correspondent or home agent; `care_of`
    /// is the address to be registered, the home address where the binding is removed.
    pub fn to_vec_authorized(
        &self,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        care_of: Ipv6Addr,
        authorization: Authorization<'_>,
    ) -> Vec<u8> {
        let peer = match authorization {
            Authorization::ReturnRoutability(_) => destination,
            Authorization::MnHa(_) => source,
        };
        let mut message = self.clone();
        authorization.add_options(&mut message.options);
        let mut octets = vec![0; message.buffer_len()];
        body::write(&message, &mut octets);
        authorized(octets, source, destination, care_of, peer, authorization)
    }
}

impl Body for BindingUpdate {
    const NAME: &'static str = WITHIN;
    const MH_TYPE: u8 = mh_type::BINDING_UPDATE;
    const FIXED: usize = field::OPTIONS;

    fn blank() -> Self {
        Self::new(Sequence(0), Lifetime::ZERO)
    }

    //= MH-IN-12
    fn read(&mut self, octets: &[u8]) -> Result<(), WireError> {
        let flags = octets[field::FLAGS];
        self.sequence = Sequence(u16_at(octets, field::SEQUENCE));
        self.acknowledge = flags & flag::ACKNOWLEDGE != 0;
        self.home_registration = flags & flag::HOME_REGISTRATION != 0;
        self.link_local_compatibility = flags & flag::LINK_LOCAL_COMPATIBILITY != 0;
        self.key_management = flags & flag::KEY_MANAGEMENT != 0;
        self.lifetime = Lifetime(u16_at(octets, field::LIFETIME));
        self.options.read_authorized(WITHIN, octets, field::OPTIONS)
    }

    //= MH-OUT-04
    fn write(&self, octets: &mut [u8]) {
        put(octets, field::SEQUENCE, &self.sequence.0.to_be_bytes());
        put(octets, field::FLAGS, &[self.flags(), 0]);
        put(octets, field::LIFETIME, &self.lifetime.0.to_be_bytes());
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

impl BindingUpdate {
    const fn flags(&self) -> u8 {
        let mut flags = 0;
        if self.acknowledge {
            flags |= flag::ACKNOWLEDGE;
        }
        if self.home_registration {
            flags |= flag::HOME_REGISTRATION;
        }
        if self.link_local_compatibility {
            flags |= flag::LINK_LOCAL_COMPATIBILITY;
        }
        if self.key_management {
            flags |= flag::KEY_MANAGEMENT;
        }
        flags
    }
}

/// A Binding Update as it lies in the packet: any twelve octets.
#[derive(Debug, Clone, Copy)]
pub struct BindingUpdateView<T> {
    octets: T,
}

impl<T: AsRef<[u8]>> BindingUpdateView<T> {
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

    /// The Sequence # field.
    pub fn sequence(&self) -> Sequence {
        Sequence(u16_at(self.octets.as_ref(), field::SEQUENCE))
    }

    /// The first octet of flags: A 0x80, H 0x40, L 0x20, K 0x10.
    pub fn flags(&self) -> u8 {
        self.octets.as_ref()[field::FLAGS]
    }

    /// The reserved octet after the flags.
    pub fn reserved(&self) -> u8 {
        self.octets.as_ref()[field::FLAGS + 1]
    }

    /// The Lifetime field.
    pub fn lifetime(&self) -> Lifetime {
        Lifetime(u16_at(self.octets.as_ref(), field::LIFETIME))
    }
}

impl<T: AsMut<[u8]>> BindingUpdateView<T> {
    /// Sets the Sequence # field.
    pub fn set_sequence(&mut self, value: Sequence) {
        put(self.octets.as_mut(), field::SEQUENCE, &value.0.to_be_bytes());
    }

    /// Sets the first octet of flags.
    pub fn set_flags(&mut self, value: u8) {
        self.octets.as_mut()[field::FLAGS] = value;
    }

    /// Sets the reserved octet after the flags.
    pub fn set_reserved(&mut self, value: u8) {
        self.octets.as_mut()[field::FLAGS + 1] = value;
    }

    /// Sets the Lifetime field.
    pub fn set_lifetime(&mut self, value: Lifetime) {
        put(self.octets.as_mut(), field::LIFETIME, &value.0.to_be_bytes());
    }
}

impl fmt::Display for BindingUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, self.sequence, self.flags(), self.lifetime)?;
        self.options.fmt(f)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for BindingUpdateView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, self.sequence(), self.flags(), self.lifetime())
    }
}

fn write_line(
    f: &mut fmt::Formatter<'_>,
    sequence: Sequence,
    flags: u8,
    lifetime: Lifetime,
) -> fmt::Result {
    write!(f, "BU seq={sequence} ")?;
    let letters = [
        (flag::ACKNOWLEDGE, "A"),
        (flag::HOME_REGISTRATION, "H"),
        (flag::LINK_LOCAL_COMPATIBILITY, "L"),
        (flag::KEY_MANAGEMENT, "K"),
    ];
    for (_, letter) in letters.iter().filter(|(flag, _)| flags & flag != 0) {
        f.write_str(letter)?;
    }
    let space = if flags & 0xf0 == 0 { "" } else { " " };
    write!(f, "{space}life={lifetime}")
}
