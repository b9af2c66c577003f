//! UDP over IPv6 (RFC 768, RFC 8200 §8.1).
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |          Source Port          |       Destination Port        |
//! +-------------------------------+-------------------------------+
//! |            Length             |           Checksum            |
//! +-------------------------------+-------------------------------+
//! ```

use std::net::Ipv6Addr;

use etherparse::UdpHeader;

use crate::ipv6::{Outgoing, protocol};
use crate::{Fault, WireError, checksum};

/// The octets of the header.
pub const HEADER_LEN: usize = UdpHeader::LEN;
/// Where the Checksum field begins.
pub const CHECKSUM: usize = 6;

/// A datagram whose checksum was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Udp<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// What it carries.
    pub payload: &'a [u8],
}

/// A datagram as it lies in its packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpView<'a> {
    octets: &'a [u8],
}

impl<'a> UdpView<'a> {
    /// Views a datagram, if the header is there.
    ///
    /// # Errors
    ///
    /// Below eight octets.
    pub fn new(octets: &'a [u8]) -> Result<Self, WireError> {
        if octets.len() < HEADER_LEN {
            return Err(WireError::truncated(WITHIN, 0, HEADER_LEN, octets.len()));
        }
        Ok(Self { octets })
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.octets[at], self.octets[at + 1]])
    }

    /// The Source Port field.
    pub fn source_port(&self) -> u16 {
        self.u16(0)
    }

    /// The Destination Port field.
    pub fn destination_port(&self) -> u16 {
        self.u16(2)
    }

    /// The Length field: octets of header and payload.
    pub fn length(&self) -> u16 {
        self.u16(4)
    }

    /// The Checksum field.
    pub fn checksum(&self) -> u16 {
        self.u16(CHECKSUM)
    }

    /// The payload, as much of it as is there.
    pub fn payload(&self) -> &'a [u8] {
        let end = usize::from(self.length()).clamp(HEADER_LEN, self.octets.len());
        &self.octets[HEADER_LEN..end]
    }

    /// Whether the checksum is the right one between two addresses.
    ///
    /// # Errors
    ///
    /// [`Fault::Checksum`] where it is zero or another.
    pub fn verify(&self, source: Ipv6Addr, destination: Ipv6Addr) -> Result<(), WireError> {
        let end = usize::from(self.length()).clamp(HEADER_LEN, self.octets.len());
        let octets = &self.octets[..end];
        let carried = self.checksum();
        // RFC 8200 §8.1: zero says "none", and over IPv6 there must be one.
        let left = checksum::upper_layer(source, destination, protocol::UDP, octets);
        if carried != 0 && left == 0 {
            return Ok(());
        }
        let right = not_zero(without(carried, left));
        Err(WireError {
            within: WITHIN,
            offset: CHECKSUM,
            fault: Fault::Checksum { carried, right },
        })
    }
}

impl<'a> Udp<'a> {
    /// Reads a datagram between two addresses: those of the upper layer, see
    /// [`Packet::source`](crate::ipv6::Packet::source). Octets beyond its length are ignored.
    ///
    /// # Errors
    ///
    /// Where it is cut short, or the checksum is missing or wrong.
    pub fn parse(
        source: Ipv6Addr,
        destination: Ipv6Addr,
        octets: &'a [u8],
    ) -> Result<Self, WireError> {
        let view = UdpView::new(octets)?;
        let length = usize::from(view.length());
        if length < HEADER_LEN {
            return Err(WireError::illegal(WITHIN, 4, view.length().into()));
        }
        if length > octets.len() {
            return Err(WireError::truncated(WITHIN, 4, length, octets.len()));
        }
        view.verify(source, destination)?;
        Ok(Self {
            source_port: view.source_port(),
            destination_port: view.destination_port(),
            payload: view.payload(),
        })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        HEADER_LEN + self.payload.len()
    }

    /// Writes the datagram into `buffer`, every octet of it, with its checksum between two
    /// addresses.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long; where that exceeds
    /// 65535.
    pub fn emit(&self, source: Ipv6Addr, destination: Ipv6Addr, buffer: &mut [u8]) {
        let length = u16::try_from(self.buffer_len()).expect("a datagram fits 65535 octets");
        let header = UdpHeader {
            source_port: self.source_port,
            destination_port: self.destination_port,
            length,
            checksum: 0,
        };
        let (place, payload) = buffer.split_at_mut(HEADER_LEN);
        place.copy_from_slice(&header.to_bytes());
        payload.copy_from_slice(self.payload);
        let sum = checksum::upper_layer(source, destination, protocol::UDP, buffer);
        buffer[CHECKSUM..CHECKSUM + 2].copy_from_slice(&not_zero(sum).to_be_bytes());
    }
}

/// A datagram with its checksum between two addresses: those of the upper layer, see
/// [`Outgoing::upper_source`](crate::ipv6::Outgoing::upper_source).
///
/// # Panics
///
/// Where the payload exceeds 65527 octets.
pub fn datagram(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    source_port: u16,
    destination_port: u16,
    payload: &[u8],
) -> Vec<u8> {
    let datagram = Udp { source_port, destination_port, payload };
    let mut buffer = vec![0; datagram.buffer_len()];
    datagram.emit(source, destination, &mut buffer);
    buffer
}

/// A whole packet with a datagram in it: behind the headers of `outgoing`, whose protocol becomes
/// UDP.
///
/// # Panics
///
/// Where the packet exceeds what IPv6 can say.
pub fn packet(
    outgoing: &Outgoing,
    source_port: u16,
    destination_port: u16,
    payload: &[u8],
) -> Vec<u8> {
    let outgoing = Outgoing { protocol: protocol::UDP, ..*outgoing };
    let datagram = Udp { source_port, destination_port, payload };
    outgoing.build(datagram.buffer_len(), |buffer| {
        datagram.emit(outgoing.upper_source(), outgoing.upper_destination(), buffer);
    })
}

/// Zero would say "no checksum": its other form in one's complement stands for it (RFC 768).
const fn not_zero(sum: u16) -> u16 {
    if sum == 0 { 0xffff } else { sum }
}

/// The checksum that belongs where `carried` stands, when verifying left `left`.
pub(crate) fn without(carried: u16, left: u16) -> u16 {
    let total = u32::from(carried) + u32::from(left);
    let folded = (total & 0xffff) + (total >> 16);
    u16::try_from(folded).unwrap_or_default()
}

const WITHIN: &str = "UDP datagram";
