//! The IPv6 header (RFC 8200 §3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------+---------------+---------------------------------------+
//! |   6   | Traffic Class |              Flow Label               |
//! +-------+-------+-------+-------+---------------+---------------+
//! |        Payload Length         |  Next Header  |   Hop Limit   |
//! +-------------------------------+---------------+---------------+
//! |                  Source Address, 16 octets                    |
//! +---------------------------------------------------------------+
//! |                Destination Address, 16 octets                 |
//! +---------------------------------------------------------------+
//! ```

use std::net::Ipv6Addr;

use etherparse::{IpNumber, Ipv6FlowLabel, Ipv6Header, Ipv6HeaderSlice};

use crate::WireError;

/// The octets of the header.
pub const HEADER_LEN: usize = Ipv6Header::LEN;
/// Where the Payload Length field begins.
pub const PAYLOAD_LENGTH: usize = 4;
/// Where the Next Header field stands.
pub const NEXT_HEADER: usize = 6;
/// Where the Hop Limit field stands.
pub const HOP_LIMIT: usize = 7;
/// Where the Source Address begins.
pub const SOURCE: usize = 8;
/// Where the Destination Address begins.
pub const DESTINATION: usize = 24;

/// An IPv6 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Differentiated services and congestion marks.
    pub traffic_class: u8,
    /// 20 bits; [`emit`](Self::emit) leaves higher ones out.
    pub flow_label: u32,
    /// Octets that follow the header.
    pub payload_length: u16,
    /// What follows: a number of [`protocol`](super::protocol).
    pub next_header: u8,
    /// Routers left to cross.
    pub hop_limit: u8,
    /// Who sent the packet.
    pub source: Ipv6Addr,
    /// Where it goes next.
    pub destination: Ipv6Addr,
}

impl Header {
    /// Reads the header at the start of `octets`, whatever follows it.
    ///
    /// # Errors
    ///
    /// Below forty octets, or where the version is not 6.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        if octets.len() < HEADER_LEN {
            return Err(WireError::truncated(WITHIN, 0, HEADER_LEN, octets.len()));
        }
        let Ok(header) = Ipv6HeaderSlice::from_slice(octets) else {
            return Err(WireError::illegal(WITHIN, 0, u32::from(octets[0] >> 4)));
        };
        Ok(Self {
            traffic_class: header.traffic_class(),
            flow_label: header.flow_label().value(),
            payload_length: header.payload_length(),
            next_header: header.next_header().0,
            hop_limit: header.hop_limit(),
            source: header.source_addr(),
            destination: header.destination_addr(),
        })
    }

    /// The header as octets.
    pub fn octets(&self) -> [u8; HEADER_LEN] {
        Ipv6Header {
            traffic_class: self.traffic_class,
            flow_label: Ipv6FlowLabel::try_new(self.flow_label & 0x000f_ffff).unwrap_or_default(),
            payload_length: self.payload_length,
            next_header: IpNumber(self.next_header),
            hop_limit: self.hop_limit,
            source: self.source.octets(),
            destination: self.destination.octets(),
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

const WITHIN: &str = "IPv6 header";
