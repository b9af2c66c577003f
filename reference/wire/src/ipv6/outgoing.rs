//! A packet to send: its headers in the order that RFC 6275 §6.3 and RFC 8200 §4.1 want.
//!
//! ```text
//! | IPv6 | type 2 routing header, 24 | destination options with Home Address, 24 | payload |
//! ```

use std::net::Ipv6Addr;

use super::header::{HEADER_LEN, Header};
use super::option::{HOME_ADDRESS_HEADER_LEN, home_address_header};
use super::protocol;
use super::routing::{TYPE_2_LEN, Type2Routing};

/// The headers of a packet to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// The source address on the wire: a care-of address where `home_address` is set.
    pub source: Ipv6Addr,
    /// The destination address on the wire: a care-of address where `type_2_routing` is set.
    pub destination: Ipv6Addr,
    /// Routers it may cross.
    pub hop_limit: u8,
    /// Differentiated services and congestion marks.
    pub traffic_class: u8,
    /// 20 bits.
    pub flow_label: u32,
    /// The address of a Home Address option.
    pub home_address: Option<Ipv6Addr>,
    /// The address of a type 2 routing header.
    pub type_2_routing: Option<Ipv6Addr>,
    /// What the payload is: a number of [`protocol`].
    pub protocol: u8,
}

impl Outgoing {
    /// A plain packet with hop limit 64.
    pub const fn new(source: Ipv6Addr, destination: Ipv6Addr, protocol: u8) -> Self {
        Self {
            source,
            destination,
            hop_limit: 64,
            traffic_class: 0,
            flow_label: 0,
            home_address: None,
            type_2_routing: None,
            protocol,
        }
    }

    /// The source that upper layers put under their checksum.
    pub fn upper_source(&self) -> Ipv6Addr {
        self.home_address.unwrap_or(self.source)
    }

    /// The destination that upper layers put under their checksum.
    pub fn upper_destination(&self) -> Ipv6Addr {
        self.type_2_routing.unwrap_or(self.destination)
    }

    /// The octets of all headers before the payload.
    pub const fn headers_len(&self) -> usize {
        let routing = if self.type_2_routing.is_some() { TYPE_2_LEN } else { 0 };
        let options = if self.home_address.is_some() { HOME_ADDRESS_HEADER_LEN } else { 0 };
        HEADER_LEN + routing + options
    }

    /// The octets that [`emit`](Self::emit) writes for a payload of `payload_len` octets.
    pub const fn buffer_len(&self, payload_len: usize) -> usize {
        self.headers_len() + payload_len
    }

    /// Writes the packet into `buffer`, every octet of it.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long; where the payload
    /// with its extension headers exceeds 65535 octets.
    pub fn emit(&self, buffer: &mut [u8], payload: &[u8]) {
        let (headers, place) = buffer.split_at_mut(self.headers_len());
        self.emit_headers(headers, payload.len());
        place.copy_from_slice(payload);
    }

    /// Writes the headers before a payload of `payload_len` octets.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`headers_len`](Self::headers_len) octets long; where the payload
    /// with its extension headers exceeds 65535 octets.
    pub fn emit_headers(&self, buffer: &mut [u8], payload_len: usize) {
        let after_routing =
            if self.home_address.is_some() { protocol::DESTINATION } else { self.protocol };
        let first = if self.type_2_routing.is_some() { protocol::ROUTING } else { after_routing };
        let length = self.headers_len() - HEADER_LEN + payload_len;
        let header = Header {
            traffic_class: self.traffic_class,
            flow_label: self.flow_label,
            payload_length: u16::try_from(length).expect("a packet's payload fits 65535 octets"),
            next_header: first,
            hop_limit: self.hop_limit,
            source: self.source,
            destination: self.destination,
        };
        let (fixed, mut rest) = buffer.split_at_mut(HEADER_LEN);
        header.emit(fixed);
        if let Some(home_address) = self.type_2_routing {
            let (place, after) = rest.split_at_mut(TYPE_2_LEN);
            let routing = Type2Routing { segments_left: 1, home_address };
            place.copy_from_slice(&routing.octets(after_routing));
            rest = after;
        }
        if let Some(home) = self.home_address {
            let (place, after) = rest.split_at_mut(HOME_ADDRESS_HEADER_LEN);
            place.copy_from_slice(&home_address_header(self.protocol, home));
            rest = after;
        }
        assert!(rest.is_empty(), "the buffer ends with the headers");
    }

    /// The packet as octets of its own, its payload of `payload_len` octets written by `fill`.
    pub fn build(&self, payload_len: usize, fill: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut buffer = vec![0; self.buffer_len(payload_len)];
        let (headers, payload) = buffer.split_at_mut(self.headers_len());
        self.emit_headers(headers, payload_len);
        fill(payload);
        buffer
    }

    /// The packet as octets of its own.
    pub fn to_vec(&self, payload: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; self.buffer_len(payload.len())];
        self.emit(&mut buffer, payload);
        buffer
    }
}
