//! The type 2 routing header (RFC 6275 §6.4).
//!
//! ```text
//! +---------------+---------------+---------------+---------------+
//! |  Next Header  | Hdr Ext Len 2 | Routing Type 2|Segments Left 1|
//! +---------------+---------------+---------------+---------------+
//! |                           Reserved                            |
//! +---------------------------------------------------------------+
//! |                   Home Address, 16 octets                     |
//! +---------------------------------------------------------------+
//! ```

use std::net::Ipv6Addr;

use crate::{Reader, WireError};

/// The octets of a type 2 routing header.
pub const TYPE_2_LEN: usize = 24;
/// The Routing Type of Mobile IPv6.
pub const TYPE_2: u8 = 2;
/// Where the Routing Type stands in a routing header.
pub const ROUTING_TYPE: usize = 2;
/// Where Segments Left stands in a routing header.
pub const SEGMENTS_LEFT: usize = 3;

/// A type 2 routing header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Type2Routing {
    /// 1 on the wire; 0 in the form that AH covers.
    pub segments_left: u8,
    /// The mobile node's home address: the packet's final destination.
    pub home_address: Ipv6Addr,
}

impl Type2Routing {
    /// Reads a routing header of type 2; the Reserved field is ignored.
    ///
    /// # Errors
    ///
    /// Where the type is not 2, the length not 24 octets, or Segments Left above 1.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(WITHIN, octets);
        reader.u8()?;
        let length = reader.u8()?;
        let kind = reader.u8()?;
        let segments_left = reader.u8()?;
        if kind != TYPE_2 {
            return Err(WireError::illegal(WITHIN, ROUTING_TYPE, kind.into()));
        }
        if length != HDR_EXT_LEN {
            return Err(WireError::illegal(WITHIN, 1, length.into()));
        }
        if segments_left > 1 {
            return Err(WireError::illegal(WITHIN, SEGMENTS_LEFT, segments_left.into()));
        }
        reader.u32()?;
        let home_address = reader.address()?;
        reader.end()?;
        Ok(Self { segments_left, home_address })
    }

    /// The header as octets, before `next_header`.
    pub fn octets(&self, next_header: u8) -> [u8; TYPE_2_LEN] {
        let mut octets = [0; TYPE_2_LEN];
        octets[..4].copy_from_slice(&[next_header, HDR_EXT_LEN, TYPE_2, self.segments_left]);
        octets[8..].copy_from_slice(&self.home_address.octets());
        octets
    }
}

const WITHIN: &str = "type 2 routing header";
const HDR_EXT_LEN: u8 = 2;
