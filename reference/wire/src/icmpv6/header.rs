//! What all ICMPv6 messages begin with (RFC 4443 §2.1), and the checksum over them (§2.3).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |     Type      |     Code      |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! ```

use std::net::Ipv6Addr;

use etherparse::Icmpv6Slice;

use crate::ipv6::protocol;
use crate::{Fault, WireError, checksum, udp};

/// The octets of type, code and checksum.
pub const HEADER_LEN: usize = 4;
/// The octets no message is shorter than: the header and four octets of the message's own.
pub const MESSAGE_LEN_MIN: usize = 8;
/// Where the Checksum field begins.
pub const CHECKSUM: usize = 2;

/// Values of the Type field; errors are below 128.
pub mod kind {
    /// Destination Unreachable.
    pub const DESTINATION_UNREACHABLE: u8 = 1;
    /// Packet Too Big.
    pub const PACKET_TOO_BIG: u8 = 2;
    /// Time Exceeded.
    pub const TIME_EXCEEDED: u8 = 3;
    /// Parameter Problem.
    pub const PARAMETER_PROBLEM: u8 = 4;
    /// Echo Request.
    pub const ECHO_REQUEST: u8 = 128;
    /// Echo Reply.
    pub const ECHO_REPLY: u8 = 129;
    /// Multicast Listener Query, of either version.
    pub const MLD_QUERY: u8 = 130;
    /// Router Solicitation.
    pub const ROUTER_SOLICITATION: u8 = 133;
    /// Router Advertisement.
    pub const ROUTER_ADVERTISEMENT: u8 = 134;
    /// Neighbor Solicitation.
    pub const NEIGHBOUR_SOLICITATION: u8 = 135;
    /// Neighbor Advertisement.
    pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
    /// Redirect.
    pub const REDIRECT: u8 = 137;
    /// Version 2 Multicast Listener Report.
    pub const MLD_REPORT: u8 = 143;
    /// Home Agent Address Discovery Request.
    pub const HOME_AGENT_DISCOVERY_REQUEST: u8 = 144;
    /// Home Agent Address Discovery Reply.
    pub const HOME_AGENT_DISCOVERY_REPLY: u8 = 145;
    /// Mobile Prefix Solicitation.
    pub const MOBILE_PREFIX_SOLICITATION: u8 = 146;
    /// Mobile Prefix Advertisement.
    pub const MOBILE_PREFIX_ADVERTISEMENT: u8 = 147;
}

/// A message as it lies in its packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Icmpv6View<'a> {
    message: Icmpv6Slice<'a>,
}

impl<'a> Icmpv6View<'a> {
    /// Views a message.
    ///
    /// # Errors
    ///
    /// Below eight octets.
    pub fn new(octets: &'a [u8]) -> Result<Self, WireError> {
        match Icmpv6Slice::from_slice(octets) {
            Ok(message) => Ok(Self { message }),
            Err(_) => Err(WireError::truncated(WITHIN, 0, MESSAGE_LEN_MIN, octets.len())),
        }
    }

    /// The Type field: see [`kind`].
    pub fn kind(&self) -> u8 {
        self.message.type_u8()
    }

    /// The Code field.
    pub fn code(&self) -> u8 {
        self.message.code_u8()
    }

    /// The Checksum field.
    pub fn checksum(&self) -> u16 {
        self.message.checksum()
    }

    /// The whole message.
    pub fn octets(&self) -> &'a [u8] {
        self.message.slice()
    }

    /// What follows the checksum.
    pub fn body(&self) -> &'a [u8] {
        &self.octets()[HEADER_LEN..]
    }

    /// Whether the message is an error, which is never answered by one.
    pub fn is_error(&self) -> bool {
        self.kind() < 128
    }

    /// Whether the checksum is the right one between two addresses.
    ///
    /// # Errors
    ///
    /// [`Fault::Checksum`] where it is not.
    pub fn verify(&self, source: Ipv6Addr, destination: Ipv6Addr) -> Result<(), WireError> {
        let left = checksum::upper_layer(source, destination, protocol::ICMPV6, self.octets());
        if left == 0 {
            return Ok(());
        }
        let carried = self.checksum();
        let fault = Fault::Checksum { carried, right: udp::without(carried, left) };
        Err(WireError { within: WITHIN, offset: CHECKSUM, fault })
    }
}

/// Writes the checksum that `message` has between two addresses.
///
/// # Panics
///
/// Below four octets.
pub fn finish(source: Ipv6Addr, destination: Ipv6Addr, message: &mut [u8]) {
    message[CHECKSUM..HEADER_LEN].fill(0);
    let sum = checksum::upper_layer(source, destination, protocol::ICMPV6, message);
    message[CHECKSUM..HEADER_LEN].copy_from_slice(&sum.to_be_bytes());
}

/// The name of a message type, in the words of its RFC.
pub const fn title(kind: u8) -> Option<&'static str> {
    Some(match kind {
        kind::DESTINATION_UNREACHABLE => "Destination Unreachable",
        kind::PACKET_TOO_BIG => "Packet Too Big",
        kind::TIME_EXCEEDED => "Time Exceeded",
        kind::PARAMETER_PROBLEM => "Parameter Problem",
        kind::ECHO_REQUEST => "Echo Request",
        kind::ECHO_REPLY => "Echo Reply",
        kind::MLD_QUERY => "MLD Query",
        kind::ROUTER_SOLICITATION => "Router Solicitation",
        kind::ROUTER_ADVERTISEMENT => "Router Advertisement",
        kind::NEIGHBOUR_SOLICITATION => "Neighbor Solicitation",
        kind::NEIGHBOUR_ADVERTISEMENT => "Neighbor Advertisement",
        kind::REDIRECT => "Redirect",
        kind::MLD_REPORT => "MLDv2 Report",
        kind::HOME_AGENT_DISCOVERY_REQUEST => "Home Agent Address Discovery Request",
        kind::HOME_AGENT_DISCOVERY_REPLY => "Home Agent Address Discovery Reply",
        kind::MOBILE_PREFIX_SOLICITATION => "Mobile Prefix Solicitation",
        kind::MOBILE_PREFIX_ADVERTISEMENT => "Mobile Prefix Advertisement",
        _ => return None,
    })
}

/// A reader of `octets` behind type, code and checksum, once the type is found to be `kind`.
pub(super) fn reader<'a>(
    within: &'static str,
    octets: &'a [u8],
    kind: u8,
) -> Result<crate::Reader<'a>, WireError> {
    let mut reader = crate::Reader::new(within, octets);
    let found = reader.u8()?;
    if found != kind {
        return Err(WireError::illegal(within, 0, found.into()));
    }
    reader.take(3)?;
    Ok(reader)
}

const WITHIN: &str = "ICMPv6 message";
