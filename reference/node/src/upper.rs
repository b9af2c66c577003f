//! A packet as upper layers see it: whether it travels plainly, in a tunnel or by way of a care-of
//! address is settled beneath.

use std::net::Ipv6Addr;

/// What an upper layer sends: addresses that its checksum covers, and its octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpperPacket {
    /// A home address where the node has one.
    pub source: Ipv6Addr,
    /// The other party's address, its home address where it is mobile.
    pub destination: Ipv6Addr,
    /// What the payload is: a number of [`protocol`](roamproof_wire::ipv6::protocol).
    pub protocol: u8,
    /// From the upper layer's header on, its checksum made.
    pub payload: Vec<u8>,
}
