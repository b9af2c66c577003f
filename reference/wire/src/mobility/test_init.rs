//! Home Test Init and Care-of Test Init (RFC 6275 §6.1.3, §6.1.4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+---------------+---------------+
//! | Payload Proto |  Header Len   | MH Type = 1,2 |   Reserved    |
//! +---------------+---------------+---------------+---------------+
//! |           Checksum            |           Reserved            |
//! +-------------------------------+-------------------------------+
//! +                Home or Care-of Init Cookie                    +
//! |                          (8 octets)                           |
//! +---------------------------------------------------------------+
//! |                       Mobility Options ...                    |
//! +---------------------------------------------------------------+
//! ```

use std::fmt;

use super::Options;
use super::body::Body;
use super::header::{array_at, mh_type, put, u16_at};
use super::test::Hex;
use crate::WireError;

mod field {
    pub(super) const RESERVED: usize = 6;
    pub(super) const COOKIE: usize = 8;
    pub(super) const OPTIONS: usize = 16;
}

/// A well-formed Home Test Init: asks, through the home agent, for a home keygen token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeTestInit {
    /// Comes back in the Home Test.
    pub cookie: [u8; 8],
    /// The options, without padding.
    pub options: Options,
}

/// A well-formed Care-of Test Init: asks, on the direct path, for a care-of keygen token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CareOfTestInit {
    /// Comes back in the Care-of Test.
    pub cookie: [u8; 8],
    /// The options, without padding.
    pub options: Options,
}

impl HomeTestInit {
    /// A message without options.
    pub const fn new(cookie: [u8; 8]) -> Self {
        Self { cookie, options: Options::new() }
    }
}

impl CareOfTestInit {
    /// A message without options.
    pub const fn new(cookie: [u8; 8]) -> Self {
        Self { cookie, options: Options::new() }
    }
}

impl Body for HomeTestInit {
    const NAME: &'static str = "Home Test Init";
    const MH_TYPE: u8 = mh_type::HOME_TEST_INIT;
    const FIXED: usize = field::OPTIONS;

    fn read(octets: &[u8]) -> Result<Self, WireError> {
        let options = Options::parse(Self::NAME, octets, field::OPTIONS)?;
        Ok(Self { cookie: array_at(octets, field::COOKIE), options })
    }

    fn write(&self, octets: &mut [u8]) {
        write(octets, &self.cookie);
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

impl Body for CareOfTestInit {
    const NAME: &'static str = "Care-of Test Init";
    const MH_TYPE: u8 = mh_type::CARE_OF_TEST_INIT;
    const FIXED: usize = field::OPTIONS;

    fn read(octets: &[u8]) -> Result<Self, WireError> {
        let options = Options::parse(Self::NAME, octets, field::OPTIONS)?;
        Ok(Self { cookie: array_at(octets, field::COOKIE), options })
    }

    fn write(&self, octets: &mut [u8]) {
        write(octets, &self.cookie);
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

/// Either Test Init message as it lies in the packet: any 16 octets.
#[derive(Debug, Clone, Copy)]
pub struct TestInitView<T> {
    octets: T,
}

impl<T: AsRef<[u8]>> TestInitView<T> {
    /// Views `octets`, from Payload Proto on.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`](crate::Fault::Truncated) where the fixed part is not all there.
    pub fn new(octets: T) -> Result<Self, WireError> {
        let have = octets.as_ref().len();
        if have < field::OPTIONS {
            return Err(WireError::truncated("Test Init", 0, field::OPTIONS, have));
        }
        Ok(Self { octets })
    }

    /// The Reserved field before the cookie.
    pub fn reserved(&self) -> u16 {
        u16_at(self.octets.as_ref(), field::RESERVED)
    }

    /// The cookie.
    pub fn cookie(&self) -> [u8; 8] {
        array_at(self.octets.as_ref(), field::COOKIE)
    }
}

impl<T: AsMut<[u8]>> TestInitView<T> {
    /// Sets the Reserved field before the cookie.
    pub fn set_reserved(&mut self, value: u16) {
        put(self.octets.as_mut(), field::RESERVED, &value.to_be_bytes());
    }

    /// Sets the cookie.
    pub fn set_cookie(&mut self, value: [u8; 8]) {
        put(self.octets.as_mut(), field::COOKIE, &value);
    }
}

//= MH-OUT-04
fn write(octets: &mut [u8], cookie: &[u8; 8]) {
    put(octets, field::RESERVED, &[0, 0]);
    put(octets, field::COOKIE, cookie);
}

impl fmt::Display for HomeTestInit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HoTI cookie={}{}", Hex(&self.cookie), self.options)
    }
}

impl fmt::Display for CareOfTestInit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CoTI cookie={}{}", Hex(&self.cookie), self.options)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for TestInitView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Test Init cookie={}", Hex(&self.cookie()))
    }
}
