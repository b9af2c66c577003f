//! Ethernet II frames, without their frame check sequence (RFC 2464), and VLAN tags (IEEE 802.1Q).
//!
//! ```text
//! +-----------------------+-----------------------+-----------+
//! | destination, 6 octets |    source, 6 octets   | type (2)  |
//! +-----------------------+-----------------------+-----------+
//! ```

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use etherparse::{EtherType, Ethernet2Header};

use crate::WireError;

/// The Ethernet type of IPv6.
pub const IPV6: u16 = 0x86dd;
/// The octets before the payload of an untagged frame.
pub const HEADER_LEN: usize = Ethernet2Header::LEN;

/// A 48-bit link-layer address, in wire order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

/// The header of an untagged frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ethernet {
    /// Who is to take the frame.
    pub destination: Mac,
    /// Who sent it.
    pub source: Mac,
    /// What the payload is: [`IPV6`] in all frames of ours.
    pub ether_type: u16,
}

/// A frame of any kind, with as many VLAN tags skipped as lie before its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameView<'a> {
    /// The first fourteen octets as they stand.
    pub header: Ethernet,
    /// The VLAN identifier of the outermost tag.
    pub vlan: Option<u16>,
    /// The type behind all tags.
    pub ether_type: u16,
    /// Octets from the start of the frame to the payload.
    pub payload_offset: usize,
    /// What follows the header and its tags.
    pub payload: &'a [u8],
}

/// One untagged frame around `packet`, an IPv6 packet.
pub fn frame(destination: Mac, source: Mac, packet: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(HEADER_LEN + packet.len());
    octets.extend_from_slice(&Ethernet { destination, source, ether_type: IPV6 }.octets());
    octets.extend_from_slice(packet);
    octets
}

impl Mac {
    /// Every node on the link.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// The address frames for the multicast group `group` go to (RFC 2464 §7): 33:33 and the last
    /// four octets of the group.
    pub const fn multicast(group: Ipv6Addr) -> Self {
        let [.., a, b, c, d] = group.octets();
        Self([0x33, 0x33, a, b, c, d])
    }

    /// Whether frames to it are for more than one node.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The modified EUI-64 interface identifier made of it (RFC 4291 appendix A).
    pub const fn interface_identifier(self) -> [u8; 8] {
        let [a, b, c, d, e, f] = self.0;
        [a ^ 0x02, b, c, 0xff, 0xfe, d, e, f]
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for Mac {
    type Err = WireError;

    /// Reads six pairs of hexadecimal digits between colons.
    fn from_str(text: &str) -> Result<Self, WireError> {
        let mut octets = [0; 6];
        let mut pairs = text.split(':');
        let mut at = 0;
        for octet in &mut octets {
            let pair = pairs.next().unwrap_or_default();
            let digits = pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
            match u8::from_str_radix(pair, 16) {
                Ok(value) if digits => *octet = value,
                Ok(_) | Err(_) => {
                    return Err(WireError::grammar("MAC address", at, "two hexadecimal digits"));
                }
            }
            at += 3;
        }
        match pairs.next() {
            None => Ok(Self(octets)),
            Some(_) => Err(WireError::grammar("MAC address", text.len().min(17), "the end")),
        }
    }
}

impl Ethernet {
    /// Reads the header of a frame; what follows it is the payload.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`](crate::Fault::Truncated) below fourteen octets.
    pub fn parse(frame: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let Ok((header, payload)) = Ethernet2Header::from_slice(frame) else {
            return Err(WireError::truncated(WITHIN, 0, HEADER_LEN, frame.len()));
        };
        let header = Self {
            destination: Mac(header.destination),
            source: Mac(header.source),
            ether_type: header.ether_type.0,
        };
        Ok((header, payload))
    }

    /// The header as octets.
    pub fn octets(&self) -> [u8; HEADER_LEN] {
        Ethernet2Header {
            destination: self.destination.0,
            source: self.source.0,
            ether_type: EtherType(self.ether_type),
        }
        .to_bytes()
    }

    /// Writes the header into `buffer`.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`HEADER_LEN`] octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.octets());
    }
}

impl<'a> FrameView<'a> {
    /// Views a frame, and skips VLAN tags.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`](crate::Fault::Truncated) where the frame ends within its header or a
    /// tag.
    pub fn new(frame: &'a [u8]) -> Result<Self, WireError> {
        let (header, mut payload) = Ethernet::parse(frame)?;
        let (mut vlan, mut ether_type, mut payload_offset) = (None, header.ether_type, HEADER_LEN);
        while matches!(ether_type, VLAN | SERVICE_VLAN) {
            let [a, b, c, d, rest @ ..] = payload else {
                let have = payload.len();
                return Err(WireError::truncated("VLAN tag", payload_offset, TAG_LEN, have));
            };
            vlan = vlan.or(Some(u16::from_be_bytes([*a, *b]) & 0x0fff));
            ether_type = u16::from_be_bytes([*c, *d]);
            payload_offset += TAG_LEN;
            payload = rest;
        }
        Ok(Self { header, vlan, ether_type, payload_offset, payload })
    }
}

const WITHIN: &str = "Ethernet frame";
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88a8;
const TAG_LEN: usize = 4;
