//! Mobile Prefix Solicitation and Advertisement (RFC 6275 §6.7, §6.8).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |   146 or 147  |       0       |           Checksum            |
//! +---------------+---------------+-+-+---------------------------+
//! |           Identifier          |M|O|        Reserved           |
//! +-------------------------------+-+-+---------------------------+
//! |   Options of an advertisement
//! ```

use crate::WireError;

use super::header::{kind, reader};
use super::neighbour_option::{self, NeighbourOption, NeighbourOptions, PrefixInformation};

/// Asks the home agent for the prefixes of the home link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MobilePrefixSolicitation {
    /// Comes back in the advertisement.
    pub identifier: u16,
}

/// Names the prefixes of the home link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MobilePrefixAdvertisement {
    /// That of the solicitation.
    pub identifier: u16,
    /// M: addresses by DHCPv6.
    pub managed: bool,
    /// O: other things by DHCPv6.
    pub other: bool,
    /// Prefix Information and whatever else, in the order of the wire.
    pub options: Vec<NeighbourOption>,
}

impl MobilePrefixSolicitation {
    /// Reads a solicitation.
    ///
    /// # Errors
    ///
    /// Where it is of another type or cut short.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        const WITHIN: &str = "Mobile Prefix Solicitation";
        let mut reader = reader(WITHIN, octets, kind::MOBILE_PREFIX_SOLICITATION)?;
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
        buffer.copy_from_slice(&[kind::MOBILE_PREFIX_SOLICITATION, 0, 0, 0, a, b, 0, 0]);
    }
}

impl MobilePrefixAdvertisement {
    /// Reads an advertisement; reserved bits are ignored.
    ///
    /// # Errors
    ///
    /// Where it is of another type, cut short, or an option has length zero.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        const WITHIN: &str = "Mobile Prefix Advertisement";
        let mut reader = reader(WITHIN, octets, kind::MOBILE_PREFIX_ADVERTISEMENT)?;
        let identifier = reader.u16()?;
        let flags = reader.u8()?;
        reader.u8()?;
        let options = NeighbourOptions::new(WITHIN, octets, LEN).collect_all()?;
        Ok(Self { identifier, managed: flags & MANAGED != 0, other: flags & OTHER != 0, options })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub fn buffer_len(&self) -> usize {
        LEN + neighbour_option::options_len(&self.options)
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        let [a, b] = self.identifier.to_be_bytes();
        let managed = if self.managed { MANAGED } else { 0 };
        let flags = managed | if self.other { OTHER } else { 0 };
        let (head, rest) = buffer.split_at_mut(LEN);
        head.copy_from_slice(&[kind::MOBILE_PREFIX_ADVERTISEMENT, 0, 0, 0, a, b, flags, 0]);
        neighbour_option::emit_options(&self.options, rest);
    }

    /// The prefixes it names.
    pub fn prefixes(&self) -> impl Iterator<Item = &PrefixInformation> {
        self.options.iter().filter_map(|option| {
            let NeighbourOption::Prefix(prefix) = option else { return None };
            Some(prefix)
        })
    }
}

const LEN: usize = 8;
const MANAGED: u8 = 0x80;
const OTHER: u8 = 0x40;
