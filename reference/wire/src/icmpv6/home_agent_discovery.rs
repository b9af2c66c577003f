//! Home Agent Address Discovery Request and Reply (RFC 6275 §6.5, §6.6).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |   144 or 145  |       0       |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |           Identifier          |           Reserved            |
//! +-------------------------------+-------------------------------+
//! |   Home Agent Addresses of a reply, 16 octets each
//! ```

use std::net::Ipv6Addr;

use crate::WireError;

use super::header::{kind, reader};

/// Asks for the home agents of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HomeAgentDiscoveryRequest {
    /// Comes back in the reply.
    pub identifier: u16,
}

/// Names the home agents of a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeAgentDiscoveryReply {
    /// That of the request.
    pub identifier: u16,
    /// Best first.
    pub home_agents: Vec<Ipv6Addr>,
}

impl HomeAgentDiscoveryRequest {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// Where it is of another type or cut short.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        const WITHIN: &str = "Home Agent Address Discovery Request";
        let mut reader = reader(WITHIN, octets, kind::HOME_AGENT_DISCOVERY_REQUEST)?;
        let identifier = reader.u16()?;
        reader.u16()?;
        Ok(Self { identifier })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        LEN
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        let [a, b] = self.identifier.to_be_bytes();
        buffer.copy_from_slice(&[kind::HOME_AGENT_DISCOVERY_REQUEST, 0, 0, 0, a, b, 0, 0]);
    }
}

impl HomeAgentDiscoveryReply {
    /// Reads a reply.
    ///
    /// # Errors
    ///
    /// Where it is of another type, or cut short within an address.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        const WITHIN: &str = "Home Agent Address Discovery Reply";
        let mut reader = reader(WITHIN, octets, kind::HOME_AGENT_DISCOVERY_REPLY)?;
        let identifier = reader.u16()?;
        reader.u16()?;
        let mut home_agents = Vec::new();
        while !reader.is_empty() {
            home_agents.push(reader.address()?);
        }
        Ok(Self { identifier, home_agents })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        LEN + 16 * self.home_agents.len()
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        assert_eq!(buffer.len(), self.buffer_len());
        let [a, b] = self.identifier.to_be_bytes();
        let (head, rest) = buffer.split_at_mut(LEN);
        head.copy_from_slice(&[kind::HOME_AGENT_DISCOVERY_REPLY, 0, 0, 0, a, b, 0, 0]);
        for (place, address) in rest.chunks_exact_mut(16).zip(&self.home_agents) {
            place.copy_from_slice(&address.octets());
        }
    }
}

const LEN: usize = 8;
