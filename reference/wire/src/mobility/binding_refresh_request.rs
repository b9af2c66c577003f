//! Binding Refresh Request (RFC 6275 §6.1.2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+---------------+---------------+
//! | Payload Proto |  Header Len   |  MH Type = 0  |   Reserved    |
//! +---------------+---------------+---------------+---------------+
//! |           Checksum            |           Reserved            |
//! +-------------------------------+-------------------------------+
//! |                       Mobility Options ...                    |
//! +---------------------------------------------------------------+
//! ```

use std::fmt;

use super::Options;
use super::body::Body;
use super::header::{field::DATA, mh_type, put};
use crate::WireError;

const WITHIN: &str = "Binding Refresh Request";
const OPTIONS: usize = 8;

/// A well-formed Binding Refresh Request: a correspondent would like a binding renewed.
///
/// Its fixed part is what [`HeaderView`](super::HeaderView) shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindingRefreshRequest {
    /// The options, without padding.
    pub options: Options,
}

impl Body for BindingRefreshRequest {
    const NAME: &'static str = WITHIN;
    const MH_TYPE: u8 = mh_type::BINDING_REFRESH_REQUEST;
    const FIXED: usize = OPTIONS;

    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, octets: &[u8]) -> Result<(), WireError> {
        self.options.read(WITHIN, octets, OPTIONS)
    }

    //= MH-OUT-04
    fn write(&self, octets: &mut [u8]) {
        put(octets, DATA, &[0, 0]);
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

impl fmt::Display for BindingRefreshRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BRR{}", self.options)
    }
}
