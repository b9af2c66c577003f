//! Redirect (RFC 4861 §4.5), to be looked at: no node of ours follows one.
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |      137      |       0       |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |                           Reserved                            |
//! +---------------------------------------------------------------+
//! |                   Target Address, 16 octets                   |
//! +---------------------------------------------------------------+
//! |                Destination Address, 16 octets                 |
//! +---------------------------------------------------------------+
//! |   Options
//! ```

use std::net::Ipv6Addr;

use crate::{Reader, WireError};

use super::header::{kind, reader};
use super::neighbour_option::NeighbourOptions;

/// A Redirect whose fixed part is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedirectView<'a> {
    octets: &'a [u8],
    /// The better first hop; the destination itself where that is a neighbour.
    pub target: Ipv6Addr,
    /// Whom packets are for that should go there.
    pub destination: Ipv6Addr,
}

impl<'a> RedirectView<'a> {
    /// Views a Redirect.
    ///
    /// # Errors
    ///
    /// Where it is of another type or cut short.
    pub fn new(octets: &'a [u8]) -> Result<Self, WireError> {
        let mut reader: Reader<'_> = reader(WITHIN, octets, kind::REDIRECT)?;
        reader.u32()?;
        Ok(Self { octets, target: reader.address()?, destination: reader.address()? })
    }

    /// The whole message.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Its options.
    pub const fn options(&self) -> NeighbourOptions<'a> {
        NeighbourOptions::new(WITHIN, self.octets, 40)
    }
}

const WITHIN: &str = "Redirect";
