//! Binding Error (RFC 6275 §6.1.9).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+---------------+---------------+
//! | Payload Proto |  Header Len   |  MH Type = 7  |   Reserved    |
//! +---------------+---------------+---------------+---------------+
//! |           Checksum            |    Status     |   Reserved    |
//! +-------------------------------+---------------+---------------+
//! |                                                               |
//! +                         Home Address                          +
//! |                          (16 octets)                          |
//! +---------------------------------------------------------------+
//! |                       Mobility Options ...                    |
//! +---------------------------------------------------------------+
//! ```

use std::fmt;
use std::net::Ipv6Addr;

use super::body::Body;
use super::header::{address_at, mh_type, put};
use super::{BindingErrorStatus, Options};
use crate::WireError;

mod field {
    pub(super) const STATUS: usize = 6;
    pub(super) const RESERVED: usize = 7;
    pub(super) const HOME_ADDRESS: usize = 8;
    pub(super) const OPTIONS: usize = 24;
}

const WITHIN: &str = "Binding Error";

/// A well-formed Binding Error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingError {
    /// What was wrong.
    pub status: BindingErrorStatus,
    /// From the Home Address option of the packet at fault; unspecified where it had none.
    pub home_address: Ipv6Addr,
    /// The options, without padding.
    pub options: Options,
}

impl BindingError {
    /// There is no binding for `home_address`, which came in a Home Address option.
    pub const fn unknown_binding(home_address: Ipv6Addr) -> Self {
        let status = BindingErrorStatus::UNKNOWN_BINDING;
        Self { status, home_address, options: Options::new() }
    }

    /// The MH Type is not known; `home_address` is that of the Home Address option, if there was
    /// one.
    pub fn unrecognised_mh_type(home_address: Option<Ipv6Addr>) -> Self {
        //= MH-IN-03
        let home_address = home_address.unwrap_or(Ipv6Addr::UNSPECIFIED);
        let status = BindingErrorStatus::UNRECOGNISED_MH_TYPE;
        Self { status, home_address, options: Options::new() }
    }
}

impl Body for BindingError {
    const NAME: &'static str = WITHIN;
    const MH_TYPE: u8 = mh_type::BINDING_ERROR;
    const FIXED: usize = field::OPTIONS;

    fn blank() -> Self {
        Self::unknown_binding(Ipv6Addr::UNSPECIFIED)
    }

    fn read(&mut self, octets: &[u8]) -> Result<(), WireError> {
        self.status = BindingErrorStatus(octets[field::STATUS]);
        self.home_address = address_at(octets, field::HOME_ADDRESS);
        self.options.read(WITHIN, octets, field::OPTIONS)
    }

    //= MH-OUT-04
    fn write(&self, octets: &mut [u8]) {
        put(octets, field::STATUS, &[self.status.0, 0]);
        put(octets, field::HOME_ADDRESS, &self.home_address.octets());
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

/// A Binding Error as it lies in the packet: any 24 octets.
#[derive(Debug, Clone, Copy)]
pub struct BindingErrorView<T> {
    octets: T,
}

impl<T: AsRef<[u8]>> BindingErrorView<T> {
    /// Views `octets`, from Payload Proto on.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`](crate::Fault::Truncated) where the fixed part is not all there.
    pub fn new(octets: T) -> Result<Self, WireError> {
        let have = octets.as_ref().len();
        if have < field::OPTIONS {
            return Err(WireError::truncated(WITHIN, 0, field::OPTIONS, have));
        }
        Ok(Self { octets })
    }

    /// The Status field.
    pub fn status(&self) -> BindingErrorStatus {
        BindingErrorStatus(self.octets.as_ref()[field::STATUS])
    }

    /// The Reserved field after the status.
    pub fn reserved(&self) -> u8 {
        self.octets.as_ref()[field::RESERVED]
    }

    /// The Home Address field.
    pub fn home_address(&self) -> Ipv6Addr {
        address_at(self.octets.as_ref(), field::HOME_ADDRESS)
    }
}

impl<T: AsMut<[u8]>> BindingErrorView<T> {
    /// Sets the Status field.
    pub fn set_status(&mut self, value: BindingErrorStatus) {
        self.octets.as_mut()[field::STATUS] = value.0;
    }

    /// Sets the Reserved field after the status.
    pub fn set_reserved(&mut self, value: u8) {
        self.octets.as_mut()[field::RESERVED] = value;
    }

    /// Sets the Home Address field.
    pub fn set_home_address(&mut self, value: Ipv6Addr) {
        put(self.octets.as_mut(), field::HOME_ADDRESS, &value.octets());
    }
}

impl fmt::Display for BindingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, home_address, options } = self;
        write!(f, "BE status={status} hoa={home_address}{options}")
    }
}

impl<T: AsRef<[u8]>> fmt::Display for BindingErrorView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BE status={} hoa={}", self.status(), self.home_address())
    }
}
