//! Neighbor Solicitation and Advertisement (RFC 4861 §4.3, §4.4).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |   135 or 136  |       0       |           Checksum            |
//! +-+-+-+---------+---------------+-------------------------------+
//! |R|S|O|  flags of an advertisement         Reserved             |
//! +-+-+-+---------------------------------------------------------+
//! |                   Target Address, 16 octets                   |
//! +---------------------------------------------------------------+
//! |   Options
//! ```
//!
//! That a packet crossed no router (hop limit 255) and what else §7.1 asks of its addresses is
//! judged by [`Message::parse`](super::Message::parse), which sees the packet.

use std::net::Ipv6Addr;

use crate::WireError;
use crate::ethernet::Mac;

use super::header::{kind, reader};
use super::neighbour_option::{NeighbourOption, NeighbourOptions};

/// Asks who has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighbourSolicitation {
    /// The address asked for.
    pub target: Ipv6Addr,
    /// Where to send the answer.
    pub source_link_layer: Option<Mac>,
}

/// Says who has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighbourAdvertisement {
    /// R: the sender is a router.
    pub router: bool,
    /// S: somebody asked for it.
    pub solicited: bool,
    /// O: it overrides what is known.
    pub overrides: bool,
    /// The address spoken of.
    pub target: Ipv6Addr,
    /// Who has it.
    pub target_link_layer: Option<Mac>,
}

impl NeighbourSolicitation {
    /// Reads a Neighbor Solicitation; options of other kinds are skipped.
    ///
    /// # Errors
    ///
    /// Where it is of another type, cut short, or asks for a group.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        const WITHIN: &str = "Neighbor Solicitation";
        let mut reader = reader(WITHIN, octets, kind::NEIGHBOUR_SOLICITATION)?;
        reader.u32()?;
        let target = unicast(WITHIN, reader.address()?)?;
        let mut source_link_layer = None;
        let mut options = NeighbourOptions::new(WITHIN, octets, OPTIONS);
        while let Some(option) = options.step()? {
            if let NeighbourOption::SourceLinkLayer(mac) = option {
                source_link_layer = Some(mac);
            }
        }
        Ok(Self { target, source_link_layer })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        OPTIONS + if self.source_link_layer.is_some() { 8 } else { 0 }
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        let option = self.source_link_layer.map(NeighbourOption::SourceLinkLayer);
        emit(buffer, kind::NEIGHBOUR_SOLICITATION, 0, self.target, option);
    }
}

impl NeighbourAdvertisement {
    /// Reads a Neighbor Advertisement; options of other kinds are skipped.
    ///
    /// # Errors
    ///
    /// Where it is of another type, cut short, or speaks of a group.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        const WITHIN: &str = "Neighbor Advertisement";
        let mut reader = reader(WITHIN, octets, kind::NEIGHBOUR_ADVERTISEMENT)?;
        let flags = reader.u8()?;
        reader.take(3)?;
        let target = unicast(WITHIN, reader.address()?)?;
        let mut target_link_layer = None;
        let mut options = NeighbourOptions::new(WITHIN, octets, OPTIONS);
        while let Some(option) = options.step()? {
            if let NeighbourOption::TargetLinkLayer(mac) = option {
                target_link_layer = Some(mac);
            }
        }
        Ok(Self {
            router: flags & ROUTER != 0,
            solicited: flags & SOLICITED != 0,
            overrides: flags & OVERRIDE != 0,
            target,
            target_link_layer,
        })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        OPTIONS + if self.target_link_layer.is_some() { 8 } else { 0 }
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        let flag = |set, flag| if set { flag } else { 0 };
        let flags = flag(self.router, ROUTER)
            | flag(self.solicited, SOLICITED)
            | flag(self.overrides, OVERRIDE);
        let option = self.target_link_layer.map(NeighbourOption::TargetLinkLayer);
        emit(buffer, kind::NEIGHBOUR_ADVERTISEMENT, flags, self.target, option);
    }
}

fn emit(buffer: &mut [u8], kind: u8, flags: u8, target: Ipv6Addr, option: Option<NeighbourOption>) {
    let (head, rest) = buffer.split_at_mut(OPTIONS);
    head[..8].copy_from_slice(&[kind, 0, 0, 0, flags, 0, 0, 0]);
    head[8..].copy_from_slice(&target.octets());
    match option {
        Some(option) => option.emit(rest),
        None => assert!(rest.is_empty(), "the buffer ends with the target"),
    }
}

/// RFC 4861 §7.1: the target of neither message is a group.
fn unicast(within: &'static str, target: Ipv6Addr) -> Result<Ipv6Addr, WireError> {
    if target.is_multicast() {
        return Err(WireError::illegal(within, TARGET, target.octets()[0].into()));
    }
    Ok(target)
}

const TARGET: usize = 8;
const OPTIONS: usize = 24;
const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;
