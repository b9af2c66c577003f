//! The chain of extension headers (RFC 8200 §4): walked one by one, judged by nobody here.
//!
//! Hop-by-Hop Options, Routing, Destination Options and Fragment headers are links of the chain.
//! Everything else ends it: upper layers, Mobility Header, ESP and AH, and the data of a fragment
//! that is not the first.

use crate::WireError;

use super::header::{HEADER_LEN, NEXT_HEADER};
use super::packet::Packet;
use super::protocol;

/// More headers than this in one packet are refused: a packet could hold thousands.
pub const HEADERS_MAX: usize = 32;

/// One extension header as it lies in the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What it is: a number of [`protocol`].
    pub kind: u8,
    /// Octets from the start of the IPv6 header to the Next Header field that named it.
    pub named_at: usize,
    /// Octets from the start of the IPv6 header to this one.
    pub offset: usize,
    /// The whole header: its own Next Header field is octet 0.
    pub octets: &'a [u8],
}

/// Walks the chain: [`step`](Self::step) until it is `None`, then the fields tell what the chain
/// led to.
#[derive(Debug, Clone)]
pub struct Chain<'a> {
    octets: &'a [u8],
    left: usize,
    split: bool,
    /// What comes next, or at the end: what the payload is.
    pub protocol: u8,
    /// Where the Next Header field stands that named it, from the start of the IPv6 header.
    pub named_at: usize,
    /// Where it begins, from the start of the IPv6 header.
    pub position: usize,
}

impl Extension<'_> {
    /// The header's own Next Header field.
    pub fn next_header(&self) -> u8 {
        self.octets[0]
    }
}

impl<'a> Chain<'a> {
    /// Walks the chain of the IPv6 packet `octets`, whose fixed header names `next_header` first.
    ///
    /// Octets beyond the packet's payload length must have been cut off.
    pub const fn new(octets: &'a [u8], next_header: u8) -> Self {
        Self {
            octets,
            left: HEADERS_MAX,
            split: false,
            protocol: next_header,
            named_at: NEXT_HEADER,
            position: HEADER_LEN,
        }
    }

    /// Goes on behind the Fragment header of `packet`, its first fragment.
    pub(super) const fn behind_fragment(packet: &Packet<'a>) -> Self {
        Self {
            octets: packet.octets,
            left: HEADERS_MAX,
            split: false,
            protocol: packet.protocol,
            named_at: packet.named_at,
            position: packet.payload_offset,
        }
    }

    /// The next extension header, `None` at the end of the chain.
    ///
    /// # Errors
    ///
    /// Where a header goes on beyond the packet, and after [`HEADERS_MAX`] of them.
    pub fn step(&mut self) -> Result<Option<Extension<'a>>, WireError> {
        // Hop-by-Hop Options stand first or nowhere (RFC 8200 §4.1): elsewhere they end the chain.
        let misplaced = self.protocol == protocol::HOP_BY_HOP && self.position != HEADER_LEN;
        let Some(within) = title(self.protocol).filter(|_| !self.split && !misplaced) else {
            return Ok(None);
        };
        if self.left == 0 {
            let fault = crate::Fault::TooMany { bound: HEADERS_MAX };
            return Err(WireError {
                within: "IPv6 extension headers",
                offset: self.position,
                fault,
            });
        }
        let rest = self.octets.get(self.position..).unwrap_or_default();
        let [next, length, ..] = rest else {
            return Err(WireError::truncated(within, self.position, 8, rest.len()));
        };
        let (next, kind) = (*next, self.protocol);
        let length = if kind == protocol::FRAGMENT { 8 } else { (usize::from(*length) + 1) * 8 };
        let Some(octets) = rest.get(..length) else {
            return Err(WireError::truncated(within, self.position, length, rest.len()));
        };
        let extension = Extension { kind, named_at: self.named_at, offset: self.position, octets };
        // Behind a fragment offset lies the middle of something, not a header.
        self.split = kind == protocol::FRAGMENT && (octets[2] != 0 || octets[3] & 0xf8 != 0);
        self.left -= 1;
        self.protocol = next;
        self.named_at = self.position;
        self.position += length;
        Ok(Some(extension))
    }

    /// What lies behind the part of the chain walked so far.
    pub fn rest(&self) -> &'a [u8] {
        self.octets.get(self.position..).unwrap_or_default()
    }
}

/// The header's name, for the kinds that are links of the chain.
const fn title(kind: u8) -> Option<&'static str> {
    Some(match kind {
        protocol::HOP_BY_HOP => "Hop-by-Hop Options header",
        protocol::ROUTING => "Routing header",
        protocol::FRAGMENT => "Fragment header",
        protocol::DESTINATION => "Destination Options header",
        _ => return None,
    })
}
