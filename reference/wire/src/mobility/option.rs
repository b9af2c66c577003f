//! One mobility option (RFC 6275 §6.2, RFC 4283, RFC 4285, RFC 5094, RFC 5096).
//!
//! ```text
//! +---------------+---------------+---------------- -
//! |  Option Type  | Option Length |  Option Data ...
//! +---------------+---------------+---------------- -
//! ```
//!
//! Pad1 (type 0) is the one option without length and data.

use std::fmt;
use std::net::Ipv6Addr;

use super::header::{address_at, array_at, u16_at};
use super::{Lifetime, NtpTimestamp};
use crate::WireError;

/// Values of the Option Type field.
pub mod kind {
    /// One octet of padding (RFC 6275 §6.2.2).
    pub const PAD1: u8 = 0;
    /// Two octets of padding or more (RFC 6275 §6.2.3).
    pub const PADN: u8 = 1;
    /// Binding Refresh Advice (RFC 6275 §6.2.4).
    pub const BINDING_REFRESH_ADVICE: u8 = 2;
    /// Alternate Care-of Address (RFC 6275 §6.2.5).
    pub const ALTERNATE_CARE_OF_ADDRESS: u8 = 3;
    /// Nonce Indices (RFC 6275 §6.2.6).
    pub const NONCE_INDICES: u8 = 4;
    /// Binding Authorization Data (RFC 6275 §6.2.7).
    pub const BINDING_AUTHORIZATION_DATA: u8 = 5;
    /// Mobile Node Identifier (RFC 4283 §3).
    pub const MOBILE_NODE_IDENTIFIER: u8 = 8;
    /// Mobility Message Authentication (RFC 4285 §5).
    pub const AUTHENTICATION: u8 = 9;
    /// Mobility Message Replay Protection (RFC 4285 §6).
    pub const REPLAY_PROTECTION: u8 = 10;
    /// Experimental (RFC 5096 §4).
    pub const EXPERIMENTAL: u8 = 18;
    /// Vendor Specific (RFC 5094 §3).
    pub const VENDOR_SPECIFIC: u8 = 19;
}

/// Octets of every authenticator: the first 96 bits of a MAC.
pub const AUTHENTICATOR_LEN: usize = 12;

/// A well-formed mobility option other than padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MobilityOption {
    /// When a home agent wants to be asked again.
    BindingRefreshAdvice(Lifetime),
    /// The care-of address, where it is not the packet's source.
    AlternateCareOfAddress(Ipv6Addr),
    /// The nonces behind the keygen tokens.
    NonceIndices(NonceIndices),
    /// The authenticator of return routability.
    BindingAuthorizationData([u8; AUTHENTICATOR_LEN]),
    /// Who the mobile node is.
    MobileNodeIdentifier {
        /// [`NAI`] is the only one registered by RFC 4283.
        subtype: u8,
        /// A network access identifier in UTF-8 where the subtype is [`NAI`].
        identifier: Box<[u8]>,
    },
    /// The authenticator of a shared key.
    Authentication(MessageAuthentication),
    /// When the message was made.
    ReplayProtection(NtpTimestamp),
    /// Data of an experiment.
    Experimental(Box<[u8]>),
    /// Data of a vendor.
    VendorSpecific {
        /// The private enterprise number.
        vendor: u32,
        /// The vendor's own kind.
        subtype: u8,
        /// The vendor's data.
        data: Box<[u8]>,
    },
    /// An option that is skipped. Its kind is none of the above, or authentication by another
    /// method.
    Unknown {
        /// The Option Type field.
        kind: u8,
        /// The Option Data field.
        data: Box<[u8]>,
    },
}

/// The subtype of [`MobilityOption::MobileNodeIdentifier`] for a network access identifier.
pub const NAI: u8 = 1;

/// The nonces behind the keygen tokens of a Binding Update (RFC 6275 §6.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonceIndices {
    /// As the Home Test named it.
    pub home: u16,
    /// As the Care-of Test named it; ignored in a deletion from home.
    pub care_of: u16,
}

/// A Mobility Message Authentication option with an authenticator of 96 bits (RFC 4285 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageAuthentication {
    /// Who shares the key: [`MN_HA`](Self::MN_HA) or, in binding lookup,
    /// [`BINDING_LOOKUP`](Self::BINDING_LOOKUP).
    pub subtype: u8,
    /// Which key; 0 to 255 are reserved.
    pub spi: u32,
    /// The first 96 bits of the MAC.
    pub authenticator: [u8; AUTHENTICATOR_LEN],
}

impl MessageAuthentication {
    /// Mobile node and home agent share the key.
    pub const MN_HA: u8 = 1;
    /// Home agent and SIP server share the key: not registered, used within this experiment.
    pub const BINDING_LOOKUP: u8 = 255;
    /// Octets of the option's data: subtype, SPI and authenticator.
    pub const DATA_LEN: usize = 1 + 4 + AUTHENTICATOR_LEN;
}

/// An option as it lies in the message, padding too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawOption<'a> {
    /// Octets from the start of the message to the Option Type field.
    pub offset: usize,
    /// The Option Type field.
    pub kind: u8,
    /// The Option Data field; nothing in a Pad1.
    pub data: &'a [u8],
}

/// The options of a message one by one, padding too, up to the first that runs over the end.
#[derive(Debug, Clone)]
pub struct RawOptions<'a> {
    within: &'static str,
    octets: &'a [u8],
    at: usize,
}

impl<'a> RawOptions<'a> {
    /// The options that begin at `start` of the message `octets`, which is called `within`.
    pub fn new(within: &'static str, octets: &'a [u8], start: usize) -> Self {
        Self { within, octets, at: start.min(octets.len()) }
    }
}

impl<'a> Iterator for RawOptions<'a> {
    type Item = Result<RawOption<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.at;
        let rest = &self.octets[offset..];
        let kind = *rest.first()?;
        if kind == kind::PAD1 {
            self.at += 1;
            return Some(Ok(RawOption { offset, kind, data: &[] }));
        }
        let need = rest.get(1).map_or(2, |length| 2 + usize::from(*length));
        let Some(option) = rest.get(..need) else {
            self.at = self.octets.len();
            //= MH-IN-16
            return Some(Err(WireError::truncated(self.within, offset + 1, need, rest.len())));
        };
        self.at += need;
        Some(Ok(RawOption { offset, kind, data: &option[2..] }))
    }
}

impl RawOption<'_> {
    /// Whether the option only fills space.
    pub const fn is_padding(&self) -> bool {
        matches!(self.kind, kind::PAD1 | kind::PADN)
    }

    /// The value of the option, `None` for padding, whatever octets that holds.
    ///
    /// # Errors
    ///
    /// [`Fault::Illegal`](crate::Fault::Illegal) at the Option Length field of a kind of fixed or
    /// least length that has another.
    //= MH-IN-15
    pub fn value(&self, within: &'static str) -> Result<Option<MobilityOption>, WireError> {
        let data = self.data;
        Ok(Some(match self.kind {
            kind::PAD1 | kind::PADN => return Ok(None),
            kind::BINDING_REFRESH_ADVICE => {
                self.expect_len(within, 2)?;
                MobilityOption::BindingRefreshAdvice(Lifetime(u16_at(data, 0)))
            }
            kind::ALTERNATE_CARE_OF_ADDRESS => {
                self.expect_len(within, 16)?;
                MobilityOption::AlternateCareOfAddress(address_at(data, 0))
            }
            kind::NONCE_INDICES => {
                self.expect_len(within, 4)?;
                let (home, care_of) = (u16_at(data, 0), u16_at(data, 2));
                MobilityOption::NonceIndices(NonceIndices { home, care_of })
            }
            //= CN-RR-14
            kind::BINDING_AUTHORIZATION_DATA => {
                self.expect_len(within, AUTHENTICATOR_LEN)?;
                MobilityOption::BindingAuthorizationData(array_at(data, 0))
            }
            kind::MOBILE_NODE_IDENTIFIER => {
                self.expect_len_min(within, 2)?;
                MobilityOption::MobileNodeIdentifier {
                    subtype: data[0],
                    identifier: data[1..].into(),
                }
            }
            kind::AUTHENTICATION => self.authentication(within)?,
            kind::REPLAY_PROTECTION => {
                self.expect_len(within, 8)?;
                let timestamp = u64::from_be_bytes(array_at(data, 0));
                MobilityOption::ReplayProtection(NtpTimestamp(timestamp))
            }
            kind::EXPERIMENTAL => MobilityOption::Experimental(data.into()),
            kind::VENDOR_SPECIFIC => {
                self.expect_len_min(within, 5)?;
                let vendor = u32::from_be_bytes(array_at(data, 0));
                MobilityOption::VendorSpecific { vendor, subtype: data[4], data: data[5..].into() }
            }
            kind => MobilityOption::Unknown { kind, data: data.into() },
        }))
    }

    /// Reads a Mobility Message Authentication option; one whose authenticator is longer or
    /// shorter than ours is an unknown option unless its subtype fixes the length.
    fn authentication(&self, within: &'static str) -> Result<MobilityOption, WireError> {
        self.expect_len_min(within, 5)?;
        let subtype = self.data[0];
        if subtype == MessageAuthentication::MN_HA {
            self.expect_len(within, MessageAuthentication::DATA_LEN)?;
        }
        if self.data.len() != MessageAuthentication::DATA_LEN {
            return Ok(MobilityOption::Unknown { kind: self.kind, data: self.data.into() });
        }
        Ok(MobilityOption::Authentication(MessageAuthentication {
            subtype,
            spi: u32::from_be_bytes(array_at(self.data, 1)),
            authenticator: array_at(self.data, 5),
        }))
    }

    fn expect_len(&self, within: &'static str, length: usize) -> Result<(), WireError> {
        if self.data.len() == length { Ok(()) } else { Err(self.illegal_len(within)) }
    }

    fn expect_len_min(&self, within: &'static str, length: usize) -> Result<(), WireError> {
        if self.data.len() >= length { Ok(()) } else { Err(self.illegal_len(within)) }
    }

    fn illegal_len(&self, within: &'static str) -> WireError {
        let length = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        WireError::illegal(within, self.offset + 1, length)
    }
}

impl MobilityOption {
    /// A Mobile Node Identifier option with a network access identifier, such as `mt@example.com`.
    pub fn nai(identifier: &str) -> Self {
        Self::MobileNodeIdentifier { subtype: NAI, identifier: identifier.as_bytes().into() }
    }

    /// The Option Type field.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::BindingRefreshAdvice(_) => kind::BINDING_REFRESH_ADVICE,
            Self::AlternateCareOfAddress(_) => kind::ALTERNATE_CARE_OF_ADDRESS,
            Self::NonceIndices(_) => kind::NONCE_INDICES,
            Self::BindingAuthorizationData(_) => kind::BINDING_AUTHORIZATION_DATA,
            Self::MobileNodeIdentifier { .. } => kind::MOBILE_NODE_IDENTIFIER,
            Self::Authentication(_) => kind::AUTHENTICATION,
            Self::ReplayProtection(_) => kind::REPLAY_PROTECTION,
            Self::Experimental(_) => kind::EXPERIMENTAL,
            Self::VendorSpecific { .. } => kind::VENDOR_SPECIFIC,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// Octets of the Option Data field.
    pub fn data_len(&self) -> usize {
        match self {
            Self::BindingRefreshAdvice(_) => 2,
            Self::AlternateCareOfAddress(_) => 16,
            Self::NonceIndices(_) => 4,
            Self::BindingAuthorizationData(_) => AUTHENTICATOR_LEN,
            Self::MobileNodeIdentifier { identifier, .. } => 1 + identifier.len(),
            Self::Authentication(_) => MessageAuthentication::DATA_LEN,
            Self::ReplayProtection(_) => 8,
            Self::Experimental(data) | Self::Unknown { data, .. } => data.len(),
            Self::VendorSpecific { data, .. } => 5 + data.len(),
        }
    }

    /// Where the option may begin: at offsets that are `.1` modulo `.0` (RFC 6275 §6.2).
    ///
    /// An authentication option asks for 4n+1 (RFC 4285 §5) and gets 8n+5, so that it ends the
    /// message: what follows it would not be authenticated.
    pub(super) const fn alignment(&self) -> (usize, usize) {
        //= MH-OUT-07
        match self {
            Self::BindingRefreshAdvice(_) | Self::NonceIndices(_) => (2, 0),
            Self::AlternateCareOfAddress(_) => (8, 6),
            Self::BindingAuthorizationData(_) | Self::ReplayProtection(_) => (8, 2),
            Self::Authentication(_) => (8, 5),
            Self::MobileNodeIdentifier { .. }
            | Self::Experimental(_)
            | Self::VendorSpecific { .. }
            | Self::Unknown { .. } => (1, 0),
        }
    }

    /// Writes the Option Data field, which is all of `data`.
    pub(super) fn write_data(&self, data: &mut [u8]) {
        match self {
            Self::BindingRefreshAdvice(interval) => data.copy_from_slice(&interval.0.to_be_bytes()),
            Self::AlternateCareOfAddress(address) => data.copy_from_slice(&address.octets()),
            Self::NonceIndices(NonceIndices { home, care_of }) => {
                data[..2].copy_from_slice(&home.to_be_bytes());
                data[2..].copy_from_slice(&care_of.to_be_bytes());
            }
            Self::BindingAuthorizationData(authenticator) => data.copy_from_slice(authenticator),
            Self::MobileNodeIdentifier { subtype, identifier } => {
                data[0] = *subtype;
                data[1..].copy_from_slice(identifier);
            }
            Self::Authentication(authentication) => authentication.write_data(data),
            Self::ReplayProtection(timestamp) => data.copy_from_slice(&timestamp.0.to_be_bytes()),
            Self::Experimental(octets) | Self::Unknown { data: octets, .. } => {
                data.copy_from_slice(octets);
            }
            Self::VendorSpecific { vendor, subtype, data: octets } => {
                data[..4].copy_from_slice(&vendor.to_be_bytes());
                data[4] = *subtype;
                data[5..].copy_from_slice(octets);
            }
        }
    }
}

impl MessageAuthentication {
    pub(super) fn write_data(&self, data: &mut [u8]) {
        data[0] = self.subtype;
        data[1..5].copy_from_slice(&self.spi.to_be_bytes());
        data[5..].copy_from_slice(&self.authenticator);
    }
}

/// In a word or two, such as `nonces=3/4`; authenticators are named, not shown.
impl fmt::Display for MobilityOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BindingRefreshAdvice(interval) => write!(f, "refresh={interval}"),
            Self::AlternateCareOfAddress(address) => write!(f, "alt-coa={address}"),
            Self::NonceIndices(NonceIndices { home, care_of }) => {
                write!(f, "nonces={home}/{care_of}")
            }
            Self::BindingAuthorizationData(_) => f.write_str("auth=kbm"),
            Self::MobileNodeIdentifier { identifier, .. } => {
                write!(f, "mn={}", identifier.escape_ascii())
            }
            Self::Authentication(one) => write!(f, "auth=spi{}", one.spi),
            Self::ReplayProtection(timestamp) => write!(f, "stamp={timestamp}"),
            Self::Experimental(data) => write!(f, "experimental[{}]", data.len()),
            Self::VendorSpecific { vendor, data, .. } => {
                write!(f, "vendor{vendor}[{}]", data.len())
            }
            Self::Unknown { kind, data } => write!(f, "option{kind}[{}]", data.len()),
        }
    }
}
