//! Options of Neighbor Discovery messages (RFC 4861 §4.6, RFC 6275 §7.2–7.4).
//!
//! ```text
//! +---------------+---------------+-------- - - -
//! |     Type      | Length in 8s  |  a multiple of eight octets altogether
//! +---------------+---------------+-------- - - -
//! ```

use std::net::Ipv6Addr;

use crate::ethernet::Mac;
use crate::{Reader, WireError};

/// One option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NeighbourOption {
    /// Type 1: the sender's link-layer address.
    SourceLinkLayer(Mac),
    /// Type 2: the target's link-layer address.
    TargetLinkLayer(Mac),
    /// Type 3.
    Prefix(PrefixInformation),
    /// Type 5: what the link carries, in octets.
    Mtu(u32),
    /// Type 7: the most milliseconds between unsolicited Router Advertisements.
    AdvertisementInterval(u32),
    /// Type 8.
    HomeAgent(HomeAgentInformation),
    /// An option of another type, or of one of these with another length: to be skipped.
    Other {
        /// Its Type field.
        kind: u8,
        /// What follows its Length field: six octets, fourteen, and so on.
        data: Vec<u8>,
    },
}

/// A Prefix Information option, with the R flag of RFC 6275 §7.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixInformation {
    /// Leading bits of `prefix` that count.
    pub prefix_length: u8,
    /// L: addresses in it are on the link.
    pub on_link: bool,
    /// A: addresses can be made of it.
    pub autonomous: bool,
    /// R: `prefix` is a whole address, the router's own.
    pub router_address: bool,
    /// Seconds; all ones: for ever.
    pub valid_lifetime: u32,
    /// Seconds; all ones: for ever.
    pub preferred_lifetime: u32,
    /// The prefix, or with R the router's address in it.
    pub prefix: Ipv6Addr,
}

/// A Home Agent Information option (RFC 6275 §7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HomeAgentInformation {
    /// Higher is better.
    pub preference: u16,
    /// Seconds for which the router is a home agent; never 0 by the rules.
    pub lifetime: u16,
}

/// Walks the options of one message.
#[derive(Debug, Clone)]
pub struct NeighbourOptions<'a> {
    within: &'static str,
    octets: &'a [u8],
    at: usize,
}

impl<'a> NeighbourOptions<'a> {
    /// Walks the options of the message `octets`, called `within`, from octet `at` on.
    pub const fn new(within: &'static str, octets: &'a [u8], at: usize) -> Self {
        Self { within, octets, at }
    }

    /// The next option, `None` at the end.
    ///
    /// # Errors
    ///
    /// Where its length is zero or goes beyond the message: RFC 4861 §6.1 and §7.1 then drop the
    /// message.
    pub fn step(&mut self) -> Result<Option<NeighbourOption>, WireError> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let (kind, length) = match rest {
            [] => return Ok(None),
            [_] => return Err(WireError::truncated(self.within, self.at, 2, 1)),
            [_, 0, ..] => return Err(WireError::illegal(self.within, self.at + 1, 0)),
            [kind, length, ..] => (*kind, usize::from(*length) * 8),
        };
        let Some(octets) = rest.get(..length) else {
            return Err(WireError::truncated(self.within, self.at, length, rest.len()));
        };
        self.at += length;
        NeighbourOption::read(kind, &octets[2..]).map(Some)
    }

    /// All options that are left.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn collect_all(mut self) -> Result<Vec<NeighbourOption>, WireError> {
        let mut options = Vec::new();
        while let Some(option) = self.step()? {
            options.push(option);
        }
        Ok(options)
    }
}

impl NeighbourOption {
    fn read(kind: u8, data: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new("Neighbor Discovery option", data);
        Ok(match (kind, data) {
            (SOURCE_LINK_LAYER, &[a, b, c, d, e, f]) => {
                Self::SourceLinkLayer(Mac([a, b, c, d, e, f]))
            }
            (TARGET_LINK_LAYER, &[a, b, c, d, e, f]) => {
                Self::TargetLinkLayer(Mac([a, b, c, d, e, f]))
            }
            (PREFIX, _) if data.len() == PREFIX_LEN - 2 => {
                let prefix_length = reader.u8()?;
                let flags = reader.u8()?;
                let valid_lifetime = reader.u32()?;
                let preferred_lifetime = reader.u32()?;
                reader.u32()?;
                Self::Prefix(PrefixInformation {
                    prefix_length,
                    on_link: flags & ON_LINK != 0,
                    autonomous: flags & AUTONOMOUS != 0,
                    router_address: flags & ROUTER_ADDRESS != 0,
                    valid_lifetime,
                    preferred_lifetime,
                    prefix: reader.address()?,
                })
            }
            (MTU, &[_, _, a, b, c, d]) => Self::Mtu(u32::from_be_bytes([a, b, c, d])),
            (ADVERTISEMENT_INTERVAL, &[_, _, a, b, c, d]) => {
                Self::AdvertisementInterval(u32::from_be_bytes([a, b, c, d]))
            }
            (HOME_AGENT_INFORMATION, &[_, _, a, b, c, d]) => {
                Self::HomeAgent(HomeAgentInformation {
                    preference: u16::from_be_bytes([a, b]),
                    lifetime: u16::from_be_bytes([c, d]),
                })
            }
            _ => Self::Other { kind, data: data.to_vec() },
        })
    }

    /// The octets that [`emit`](Self::emit) writes: a multiple of eight.
    pub fn buffer_len(&self) -> usize {
        match self {
            Self::SourceLinkLayer(_)
            | Self::TargetLinkLayer(_)
            | Self::Mtu(_)
            | Self::AdvertisementInterval(_)
            | Self::HomeAgent(_) => 8,
            Self::Prefix(_) => PREFIX_LEN,
            Self::Other { data, .. } => (2 + data.len()).next_multiple_of(8),
        }
    }

    /// Writes the option into `buffer`, every octet of it.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long; where an option of
    /// another kind exceeds 2040 octets.
    pub fn emit(&self, buffer: &mut [u8]) {
        assert_eq!(buffer.len(), self.buffer_len());
        buffer[1] = u8::try_from(buffer.len() / 8).expect("an option of at most 2040 octets");
        let (head, data) = buffer.split_at_mut(2);
        match self {
            Self::SourceLinkLayer(mac) => {
                head[0] = SOURCE_LINK_LAYER;
                data.copy_from_slice(&mac.0);
            }
            Self::TargetLinkLayer(mac) => {
                head[0] = TARGET_LINK_LAYER;
                data.copy_from_slice(&mac.0);
            }
            Self::Prefix(prefix) => {
                head[0] = PREFIX;
                prefix.emit(data);
            }
            Self::Mtu(mtu) => {
                head[0] = MTU;
                data[..2].fill(0);
                data[2..].copy_from_slice(&mtu.to_be_bytes());
            }
            Self::AdvertisementInterval(milliseconds) => {
                head[0] = ADVERTISEMENT_INTERVAL;
                data[..2].fill(0);
                data[2..].copy_from_slice(&milliseconds.to_be_bytes());
            }
            Self::HomeAgent(information) => {
                head[0] = HOME_AGENT_INFORMATION;
                data[..2].fill(0);
                data[2..4].copy_from_slice(&information.preference.to_be_bytes());
                data[4..].copy_from_slice(&information.lifetime.to_be_bytes());
            }
            Self::Other { kind, data: octets } => {
                head[0] = *kind;
                data[..octets.len()].copy_from_slice(octets);
                data[octets.len()..].fill(0);
            }
        }
    }
}

impl PrefixInformation {
    /// Writes what follows type and length.
    fn emit(&self, data: &mut [u8]) {
        let flag = |set, flag| if set { flag } else { 0 };
        data[0] = self.prefix_length;
        data[1] = flag(self.on_link, ON_LINK)
            | flag(self.autonomous, AUTONOMOUS)
            | flag(self.router_address, ROUTER_ADDRESS);
        data[2..6].copy_from_slice(&self.valid_lifetime.to_be_bytes());
        data[6..10].copy_from_slice(&self.preferred_lifetime.to_be_bytes());
        data[10..14].fill(0);
        data[14..].copy_from_slice(&self.prefix.octets());
    }
}

/// The octets of `options` one behind the other.
pub(super) fn options_len(options: &[NeighbourOption]) -> usize {
    options.iter().map(NeighbourOption::buffer_len).sum()
}

/// Writes `options` one behind the other into `buffer`, which they fill.
pub(super) fn emit_options(options: &[NeighbourOption], buffer: &mut [u8]) {
    let mut rest = buffer;
    for option in options {
        let (place, after) = rest.split_at_mut(option.buffer_len());
        option.emit(place);
        rest = after;
    }
    assert!(rest.is_empty(), "the buffer ends with the options");
}

const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
const PREFIX: u8 = 3;
const MTU: u8 = 5;
const ADVERTISEMENT_INTERVAL: u8 = 7;
const HOME_AGENT_INFORMATION: u8 = 8;

const PREFIX_LEN: usize = 32;
const ON_LINK: u8 = 0x80;
const AUTONOMOUS: u8 = 0x40;
const ROUTER_ADDRESS: u8 = 0x20;
