//! Router Solicitation and Advertisement (RFC 4861 §4.1, §4.2; H flag: RFC 6275 §7.1; preference:
//! RFC 4191 §2.2).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |   133 or 134  |       0       |           Checksum            |
//! +---------------+-+-+-+---+-----+-------------------------------+
//! | Cur Hop Limit |M|O|H|Prf|  0  |        Router Lifetime        |
//! +---------------+-+-+-+---+-----+-------------------------------+
//! |                   Reachable Time, milliseconds                |
//! +---------------------------------------------------------------+
//! |                   Retrans Timer, milliseconds                 |
//! +---------------------------------------------------------------+
//! |   Options (behind four reserved octets in a solicitation)
//! ```

use crate::WireError;
use crate::ethernet::Mac;

use super::header::{kind, reader};
use super::neighbour_option::{
    self, HomeAgentInformation, NeighbourOption, NeighbourOptions, PrefixInformation,
};

/// Asks the routers on the link to advertise at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouterSolicitation {
    /// Who asks.
    pub source_link_layer: Option<Mac>,
}

/// Says that a router is there, and what holds on its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterAdvertisement {
    /// The hop limit hosts are to use; 0 names none.
    pub hop_limit: u8,
    /// M: addresses by DHCPv6.
    pub managed: bool,
    /// O: other things by DHCPv6.
    pub other: bool,
    /// H: the router is a home agent on this link.
    pub home_agent: bool,
    /// Prf: how much the router wants to be the default one.
    pub preference: Preference,
    /// Seconds for which it is a default router; 0: it is none.
    pub router_lifetime: u16,
    /// Milliseconds a neighbour counts as reachable; 0 names none.
    pub reachable_time: u32,
    /// Milliseconds between solicitations; 0 names none.
    pub retrans_timer: u32,
    /// In the order of the wire.
    pub options: Vec<NeighbourOption>,
}

/// How much a router wants to be the default router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preference {
    /// 11.
    Low,
    /// 00, and on receipt the reserved 10.
    Medium,
    /// 01.
    High,
}

impl RouterSolicitation {
    /// Reads a Router Solicitation; options of other kinds are skipped.
    ///
    /// # Errors
    ///
    /// Where it is of another type or cut short.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        const WITHIN: &str = "Router Solicitation";
        reader(WITHIN, octets, kind::ROUTER_SOLICITATION)?.u32()?;
        let mut source_link_layer = None;
        let mut options = NeighbourOptions::new(WITHIN, octets, SOLICITATION_LEN);
        while let Some(option) = options.step()? {
            if let NeighbourOption::SourceLinkLayer(mac) = option {
                source_link_layer = Some(mac);
            }
        }
        Ok(Self { source_link_layer })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        SOLICITATION_LEN + if self.source_link_layer.is_some() { 8 } else { 0 }
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        let (head, rest) = buffer.split_at_mut(SOLICITATION_LEN);
        head.copy_from_slice(&[kind::ROUTER_SOLICITATION, 0, 0, 0, 0, 0, 0, 0]);
        match self.source_link_layer {
            Some(mac) => NeighbourOption::SourceLinkLayer(mac).emit(rest),
            None => assert!(rest.is_empty(), "the buffer ends with the header"),
        }
    }
}

impl RouterAdvertisement {
    /// Reads a Router Advertisement; reserved bits are ignored.
    ///
    /// # Errors
    ///
    /// Where it is of another type, cut short, or an option has length zero.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        const WITHIN: &str = "Router Advertisement";
        let mut reader = reader(WITHIN, octets, kind::ROUTER_ADVERTISEMENT)?;
        let hop_limit = reader.u8()?;
        let flags = reader.u8()?;
        Ok(Self {
            hop_limit,
            managed: flags & MANAGED != 0,
            other: flags & OTHER != 0,
            home_agent: flags & HOME_AGENT != 0,
            preference: Preference::from_flags(flags),
            router_lifetime: reader.u16()?,
            reachable_time: reader.u32()?,
            retrans_timer: reader.u32()?,
            options: NeighbourOptions::new(WITHIN, octets, ADVERTISEMENT_LEN).collect_all()?,
        })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub fn buffer_len(&self) -> usize {
        ADVERTISEMENT_LEN + neighbour_option::options_len(&self.options)
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        let flag = |set, flag| if set { flag } else { 0 };
        let flags = flag(self.managed, MANAGED)
            | flag(self.other, OTHER)
            | flag(self.home_agent, HOME_AGENT)
            | self.preference.flags();
        let (head, rest) = buffer.split_at_mut(ADVERTISEMENT_LEN);
        head[..4].copy_from_slice(&[kind::ROUTER_ADVERTISEMENT, 0, 0, 0]);
        head[4] = self.hop_limit;
        head[5] = flags;
        head[6..8].copy_from_slice(&self.router_lifetime.to_be_bytes());
        head[8..12].copy_from_slice(&self.reachable_time.to_be_bytes());
        head[12..].copy_from_slice(&self.retrans_timer.to_be_bytes());
        neighbour_option::emit_options(&self.options, rest);
    }

    /// The prefixes it advertises.
    pub fn prefixes(&self) -> impl Iterator<Item = &PrefixInformation> {
        self.options.iter().filter_map(|option| {
            let NeighbourOption::Prefix(prefix) = option else { return None };
            Some(prefix)
        })
    }

    /// The router's own address on the link.
    pub fn source_link_layer(&self) -> Option<Mac> {
        self.options.iter().find_map(|option| {
            let NeighbourOption::SourceLinkLayer(mac) = option else { return None };
            Some(*mac)
        })
    }

    /// What the link carries, in octets.
    pub fn mtu(&self) -> Option<u32> {
        self.options.iter().find_map(|option| {
            let NeighbourOption::Mtu(mtu) = option else { return None };
            Some(*mtu)
        })
    }

    /// The most milliseconds until the next advertisement (RFC 6275 §7.3).
    pub fn advertisement_interval(&self) -> Option<u32> {
        self.options.iter().find_map(|option| {
            let NeighbourOption::AdvertisementInterval(milliseconds) = option else { return None };
            Some(*milliseconds)
        })
    }

    /// What it says of itself as a home agent (RFC 6275 §7.4).
    pub fn home_agent_information(&self) -> Option<HomeAgentInformation> {
        self.options.iter().find_map(|option| {
            let NeighbourOption::HomeAgent(information) = option else { return None };
            Some(*information)
        })
    }
}

impl Preference {
    const fn from_flags(flags: u8) -> Self {
        match flags >> 3 & 3 {
            0b01 => Self::High,
            0b11 => Self::Low,
            _ => Self::Medium,
        }
    }

    const fn flags(self) -> u8 {
        match self {
            Self::Low => 0b11 << 3,
            Self::Medium => 0,
            Self::High => 0b01 << 3,
        }
    }
}

const SOLICITATION_LEN: usize = 8;
const ADVERTISEMENT_LEN: usize = 16;
const MANAGED: u8 = 0x80;
const OTHER: u8 = 0x40;
const HOME_AGENT: u8 = 0x20;
