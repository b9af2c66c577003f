//! Authenticators of mobility messages (RFC 6275 §6.2.7, RFC 4285 §5.1, binding lookup).
//!
//! Each is the first 96 bits of a MAC over two addresses and the message up to the authenticator,
//! whose Checksum counts as zero; the checksum is made last and covers the authenticator.

use std::fmt;
use std::net::Ipv6Addr;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::header::{array_at, bounded, field, mh_type, put, seal};
use super::option::{AUTHENTICATOR_LEN, RawOption, RawOptions, kind};
use super::{BindingManagementKey, MessageAuthentication, MobilityOption, NtpTimestamp, Options};

const WITHIN: &str = "mobility options";
/// Where the options of a Binding Update and of a Binding Acknowledgement begin.
const OPTIONS: usize = 12;

/// How a Binding Update or Acknowledgement proves where it comes from.
#[derive(Debug, Clone, Copy)]
pub enum Authorization<'a> {
    /// By both paths: Binding Authorization Data under Kbm (RFC 6275 §5.2).
    ReturnRoutability(&'a BindingManagementKey),
    /// By a key that mobile node and home agent share (RFC 4285).
    MnHa(MnHaAuthentication<'a>),
}

/// What goes into the options of RFC 4285: replay protection, then authentication.
#[derive(Clone, Copy)]
pub struct MnHaAuthentication<'a> {
    /// Which key, above 255.
    pub spi: u32,
    /// The shared key.
    pub key: &'a [u8],
    /// When the message is made, or, in an answer, what the request said.
    pub timestamp: NtpTimestamp,
}

/// First(96, HMAC_SHA1(Kbm, care-of address | correspondent | MH data)) (RFC 6275 §6.2.7).
///
/// `mh_data` is the message up to the authenticator; its Checksum counts as zero.
pub fn binding_authenticator(
    kbm: &BindingManagementKey,
    care_of: Ipv6Addr,
    correspondent: Ipv6Addr,
    mh_data: &[u8],
) -> [u8; AUTHENTICATOR_LEN] {
    let mac = Hmac::<Sha1>::new_from_slice(&kbm.0).expect("HMAC takes keys of any length");
    first_96_bits(mac, care_of, correspondent, mh_data)
}

/// First(96, HMAC_SHA1(key, care-of address | home address | MH data)) (RFC 4285 §5.1).
///
/// `mh_data` is the message up to and including the SPI; its Checksum counts as zero.
pub fn mn_ha_authenticator(
    key: &[u8],
    care_of: Ipv6Addr,
    home: Ipv6Addr,
    mh_data: &[u8],
) -> [u8; AUTHENTICATOR_LEN] {
    let mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    first_96_bits(mac, care_of, home, mh_data)
}

/// First(96, HMAC_SHA256(key, source | destination | MH data)), as binding lookup has it.
///
/// `mh_data` is the message up to and including the SPI; its Checksum counts as zero.
pub fn lookup_authenticator(
    key: &[u8],
    source: Ipv6Addr,
    destination: Ipv6Addr,
    mh_data: &[u8],
) -> [u8; AUTHENTICATOR_LEN] {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    first_96_bits(mac, source, destination, mh_data)
}

/// Whether a Binding Update or Acknowledgement, given from Payload Proto on, ends in Binding
/// Authorization Data that was made with `kbm`.
///
/// `care_of` is the address to be registered, the home address where the binding is removed.
/// Nothing may follow the option (RFC 6275 §6.2.7). Takes the same time for every authenticator.
pub fn verify_binding_authorization(
    kbm: &BindingManagementKey,
    care_of: Ipv6Addr,
    correspondent: Ipv6Addr,
    octets: &[u8],
) -> bool {
    let Some((octets, option)) = last_option(octets, |_| false) else { return false };
    if option.kind != kind::BINDING_AUTHORIZATION_DATA || option.data.len() != AUTHENTICATOR_LEN {
        return false;
    }
    let mh_data = &octets[..octets.len() - AUTHENTICATOR_LEN];
    let right = binding_authenticator(kbm, care_of, correspondent, mh_data);
    right.ct_eq(option.data).into()
}

/// Whether a Binding Update or Acknowledgement, given from Payload Proto on, ends in the MN-HA
/// authentication option that was made with `key`.
///
/// Padding may follow the option, nothing else (RFC 4285 §5.1), and there is no second one. Takes the same time for every
/// authenticator.
pub fn verify_mn_ha(key: &[u8], care_of: Ipv6Addr, home: Ipv6Addr, octets: &[u8]) -> bool {
    let Some((octets, option)) = last_option(octets, RawOption::is_padding) else { return false };
    let Some((mh_data, authenticator)) =
        shared_key_option(octets, &option, MessageAuthentication::MN_HA)
    else {
        return false;
    };
    //= HA-AUT-12
    //# two of them are refused: the one read first would not be the one verified
    let is_mn_ha = |one: &RawOption<'_>| {
        shared_key_option(octets, one, MessageAuthentication::MN_HA).is_some()
    };
    if RawOptions::new(WITHIN, octets, OPTIONS).flatten().filter(is_mn_ha).count() != 1 {
        return false;
    }
    mn_ha_authenticator(key, care_of, home, mh_data).ct_eq(authenticator).into()
}

/// Whether a binding lookup message, given from Payload Proto on, ends in the authentication
/// option that was made with `key`. `source` and `destination` are those of the IPv6 header.
///
/// Takes the same time for every authenticator.
pub fn verify_lookup(key: &[u8], source: Ipv6Addr, destination: Ipv6Addr, octets: &[u8]) -> bool {
    let Some((octets, option)) = last_option(octets, |_| false) else { return false };
    let Some((mh_data, authenticator)) =
        shared_key_option(octets, &option, MessageAuthentication::BINDING_LOOKUP)
    else {
        return false;
    };
    lookup_authenticator(key, source, destination, mh_data).ct_eq(authenticator).into()
}

impl Authorization<'_> {
    /// Adds the options that prove the message, their authenticator still zero.
    pub(super) fn add_options(&self, options: &mut Options) {
        let last = match self {
            Self::ReturnRoutability(_) => {
                MobilityOption::BindingAuthorizationData([0; AUTHENTICATOR_LEN])
            }
            Self::MnHa(MnHaAuthentication { spi, timestamp, .. }) => {
                options
                    .push(MobilityOption::ReplayProtection(*timestamp))
                    .expect("a node sends a few short options");
                MobilityOption::Authentication(MessageAuthentication {
                    subtype: MessageAuthentication::MN_HA,
                    spi: *spi,
                    authenticator: [0; AUTHENTICATOR_LEN],
                })
            }
        };
        options.push(last).expect("a node sends a few short options");
    }
}

/// Puts authenticator and checksum into a message that ends in the option for it.
pub(super) fn authorized(
    mut octets: Vec<u8>,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    care_of: Ipv6Addr,
    peer: Ipv6Addr,
    authorization: Authorization<'_>,
) -> Vec<u8> {
    let at = octets.len() - AUTHENTICATOR_LEN;
    let mh_data = &octets[..at];
    let authenticator = match authorization {
        Authorization::ReturnRoutability(kbm) => binding_authenticator(kbm, care_of, peer, mh_data),
        Authorization::MnHa(one) => mn_ha_authenticator(one.key, care_of, peer, mh_data),
    };
    put(&mut octets, at, &authenticator);
    seal(source, destination, &mut octets);
    octets
}

/// The message as long as its Header Len says, and the last of its options that is not `passed`.
fn last_option<'a>(
    octets: &'a [u8],
    passed: impl Fn(&RawOption<'a>) -> bool,
) -> Option<(&'a [u8], RawOption<'a>)> {
    let octets = bounded(octets).ok()?;
    let start = match octets[field::MH_TYPE] {
        mh_type::BINDING_UPDATE | mh_type::BINDING_ACKNOWLEDGEMENT => OPTIONS,
        mh_type::EXPERIMENTAL => 16,
        _ => return None,
    };
    let mut last = None;
    for option in RawOptions::new(WITHIN, octets, start) {
        let option = option.ok()?;
        if !passed(&option) {
            last = Some(option);
        }
    }
    last.map(|option| (octets, option))
}

/// The authenticated part of a message and the authenticator, if `option` is of this subtype.
fn shared_key_option<'a>(
    octets: &'a [u8],
    option: &RawOption<'a>,
    subtype: u8,
) -> Option<(&'a [u8], &'a [u8])> {
    let is_one = option.kind == kind::AUTHENTICATION
        && option.data.len() == MessageAuthentication::DATA_LEN
        && option.data[0] == subtype;
    let spi_end = option.offset + 2 + 1 + 4;
    is_one.then(|| (&octets[..spi_end], &option.data[5..]))
}

fn first_96_bits(
    mut mac: impl Mac,
    one: Ipv6Addr,
    other: Ipv6Addr,
    mh_data: &[u8],
) -> [u8; AUTHENTICATOR_LEN] {
    mac.update(&one.octets());
    mac.update(&other.octets());
    let checksum = field::CHECKSUM.min(mh_data.len());
    let after = field::DATA.min(mh_data.len());
    mac.update(&mh_data[..checksum]);
    mac.update(&[0; 2][..after - checksum]);
    mac.update(&mh_data[after..]);
    array_at(&mac.finalize().into_bytes(), 0)
}

/// Keys are not printed.
impl fmt::Debug for MnHaAuthentication<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spi, timestamp, .. } = self;
        write!(f, "MnHaAuthentication {{ spi: {spi}, timestamp: {timestamp}, .. }}")
    }
}
