//! IPv6 in IPv6 (RFC 2473): one packet carried whole in another.

use std::net::Ipv6Addr;

use crate::WireError;

use super::option::tunnel_limit_header;
use super::packet::{Packet, Problem, Rejected, reject};
use super::{Outgoing, protocol};

/// `inner` behind an outer header from `outer_source` to `outer_destination`.
///
/// # Panics
///
/// Where `inner` exceeds 65535 octets.
pub fn encapsulate(
    outer_source: Ipv6Addr,
    outer_destination: Ipv6Addr,
    hop_limit: u8,
    inner: &[u8],
) -> Vec<u8> {
    let outgoing = Outgoing::new(outer_source, outer_destination, protocol::IPV6);
    Outgoing { hop_limit, ..outgoing }.to_vec(inner)
}

/// As [`encapsulate`], with a Tunnel Encapsulation Limit of `limit` in the outer packet.
///
/// # Panics
///
/// Where `inner` exceeds 65527 octets.
pub fn encapsulate_with_limit(
    outer_source: Ipv6Addr,
    outer_destination: Ipv6Addr,
    hop_limit: u8,
    limit: u8,
    inner: &[u8],
) -> Vec<u8> {
    let outgoing = Outgoing::new(outer_source, outer_destination, protocol::DESTINATION);
    let option = tunnel_limit_header(protocol::IPV6, limit);
    let mut payload = Vec::with_capacity(option.len() + inner.len());
    payload.extend_from_slice(&option);
    payload.extend_from_slice(inner);
    Outgoing { hop_limit, ..outgoing }.to_vec(&payload)
}

/// The packet inside `packet`, where that is a whole tunnel packet; octets behind the inner payload
/// length are still there.
pub fn decapsulated<'a>(packet: &Packet<'a>) -> Option<&'a [u8]> {
    (packet.protocol == protocol::IPV6 && packet.piece().is_none()).then_some(packet.payload)
}

/// The limit an outer packet has to carry when `inner` enters a tunnel (RFC 2473 §4.1.1): one less
/// than that of `inner`, none where `inner` has none.
///
/// # Errors
///
/// Where the limit is 0: Parameter Problem code 0 at its octet.
pub fn limit_at_entry(inner: &Packet<'_>) -> Result<Option<u8>, Rejected> {
    match inner.tunnel_limit {
        None => Ok(None),
        Some(0) => {
            let at = inner.tunnel_limit_at;
            let error = WireError::illegal("Tunnel Encapsulation Limit", at, 0);
            Err(reject(&inner.header, error, Problem::ERRONEOUS_FIELD, at))
        }
        Some(limit) => Ok(Some(limit - 1)),
    }
}
