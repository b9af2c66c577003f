//! Return routability: Home and Care-of Test Init, Home and Care-of Test (RFC 6275 §6.1.3 to §6.1.6).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+---------------+---------------+
//! | Payload Proto |  Header Len   | MH Type = 1..4|   Reserved    |
//! +---------------+---------------+---------------+---------------+
//! |           Checksum            |  Reserved (1,2) or Nonce Index (3,4)
//! +-------------------------------+-------------------------------+
//! +                Home or Care-of Init Cookie                    +
//! |                          (8 octets)                           |
//! +---------------------------------------------------------------+
//! +          Home or Care-of Keygen Token (types 3, 4)            +
//! |                          (8 octets)                           |
//! +---------------------------------------------------------------+
//! |                       Mobility Options ...                    |
//! +---------------------------------------------------------------+
//! ```

use std::fmt;

use super::Options;
use super::body::Body;
use super::header::{array_at, mh_type, put, u16_at};
use crate::WireError;
use crate::hex::Hex;

mod field {
    pub(super) const RESERVED: usize = 6;
    pub(super) const NONCE_INDEX: usize = 6;
    pub(super) const COOKIE: usize = 8;
    pub(super) const TOKEN: usize = 16;
    pub(super) const INIT_OPTIONS: usize = 16;
    pub(super) const TEST_OPTIONS: usize = 24;
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
    const FIXED: usize = field::INIT_OPTIONS;

    fn blank() -> Self {
        Self::new([0; 8])
    }

    fn read(&mut self, octets: &[u8]) -> Result<(), WireError> {
        self.cookie = array_at(octets, field::COOKIE);
        self.options.read(Self::NAME, octets, field::INIT_OPTIONS)
    }

    fn write(&self, octets: &mut [u8]) {
        write_init(octets, &self.cookie);
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

impl Body for CareOfTestInit {
    const NAME: &'static str = "Care-of Test Init";
    const MH_TYPE: u8 = mh_type::CARE_OF_TEST_INIT;
    const FIXED: usize = field::INIT_OPTIONS;

    fn blank() -> Self {
        Self::new([0; 8])
    }

    fn read(&mut self, octets: &[u8]) -> Result<(), WireError> {
        self.cookie = array_at(octets, field::COOKIE);
        self.options.read(Self::NAME, octets, field::INIT_OPTIONS)
    }

    fn write(&self, octets: &mut [u8]) {
        write_init(octets, &self.cookie);
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
        if have < field::INIT_OPTIONS {
            return Err(WireError::truncated("Test Init", 0, field::INIT_OPTIONS, have));
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
fn write_init(octets: &mut [u8], cookie: &[u8; 8]) {
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

/// A well-formed Home Test: brings the home keygen token, through the home agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeTest {
    /// Names the nonce behind the token.
    pub nonce_index: u16,
    /// Copied from the Home Test Init.
    pub cookie: [u8; 8],
    /// The home keygen token.
    pub token: [u8; 8],
    /// The options, without padding.
    pub options: Options,
}

/// A well-formed Care-of Test: brings the care-of keygen token, on the direct path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CareOfTest {
    /// Names the nonce behind the token.
    pub nonce_index: u16,
    /// Copied from the Care-of Test Init.
    pub cookie: [u8; 8],
    /// The care-of keygen token.
    pub token: [u8; 8],
    /// The options, without padding.
    pub options: Options,
}

impl HomeTest {
    /// A message without options.
    pub const fn new(nonce_index: u16, cookie: [u8; 8], token: [u8; 8]) -> Self {
        Self { nonce_index, cookie, token, options: Options::new() }
    }
}

impl CareOfTest {
    /// A message without options.
    pub const fn new(nonce_index: u16, cookie: [u8; 8], token: [u8; 8]) -> Self {
        Self { nonce_index, cookie, token, options: Options::new() }
    }
}

impl Body for HomeTest {
    const NAME: &'static str = "Home Test";
    const MH_TYPE: u8 = mh_type::HOME_TEST;
    const FIXED: usize = field::TEST_OPTIONS;

    fn blank() -> Self {
        Self::new(0, [0; 8], [0; 8])
    }

    fn read(&mut self, octets: &[u8]) -> Result<(), WireError> {
        self.nonce_index = u16_at(octets, field::NONCE_INDEX);
        self.cookie = array_at(octets, field::COOKIE);
        self.token = array_at(octets, field::TOKEN);
        self.options.read(Self::NAME, octets, field::TEST_OPTIONS)
    }

    fn write(&self, octets: &mut [u8]) {
        write_test(octets, self.nonce_index, &self.cookie, &self.token);
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

impl Body for CareOfTest {
    const NAME: &'static str = "Care-of Test";
    const MH_TYPE: u8 = mh_type::CARE_OF_TEST;
    const FIXED: usize = field::TEST_OPTIONS;

    fn blank() -> Self {
        Self::new(0, [0; 8], [0; 8])
    }

    fn read(&mut self, octets: &[u8]) -> Result<(), WireError> {
        self.nonce_index = u16_at(octets, field::NONCE_INDEX);
        self.cookie = array_at(octets, field::COOKIE);
        self.token = array_at(octets, field::TOKEN);
        self.options.read(Self::NAME, octets, field::TEST_OPTIONS)
    }

    fn write(&self, octets: &mut [u8]) {
        write_test(octets, self.nonce_index, &self.cookie, &self.token);
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

/// Either Test message as it lies in the packet: any 24 octets.
#[derive(Debug, Clone, Copy)]
pub struct TestView<T> {
    octets: T,
}

impl<T: AsRef<[u8]>> TestView<T> {
    /// Views `octets`, from Payload Proto on.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`](crate::Fault::Truncated) where the fixed part is not all there.
    pub fn new(octets: T) -> Result<Self, WireError> {
        let have = octets.as_ref().len();
        if have < field::TEST_OPTIONS {
            return Err(WireError::truncated("Test", 0, field::TEST_OPTIONS, have));
        }
        Ok(Self { octets })
    }

    /// The Nonce Index field.
    pub fn nonce_index(&self) -> u16 {
        u16_at(self.octets.as_ref(), field::NONCE_INDEX)
    }

    /// The cookie.
    pub fn cookie(&self) -> [u8; 8] {
        array_at(self.octets.as_ref(), field::COOKIE)
    }

    /// The keygen token.
    pub fn token(&self) -> [u8; 8] {
        array_at(self.octets.as_ref(), field::TOKEN)
    }
}

impl<T: AsMut<[u8]>> TestView<T> {
    /// Sets the Nonce Index field.
    pub fn set_nonce_index(&mut self, value: u16) {
        put(self.octets.as_mut(), field::NONCE_INDEX, &value.to_be_bytes());
    }

    /// Sets the cookie.
    pub fn set_cookie(&mut self, value: [u8; 8]) {
        put(self.octets.as_mut(), field::COOKIE, &value);
    }

    /// Sets the keygen token.
    pub fn set_token(&mut self, value: [u8; 8]) {
        put(self.octets.as_mut(), field::TOKEN, &value);
    }
}

fn write_test(octets: &mut [u8], nonce_index: u16, cookie: &[u8; 8], token: &[u8; 8]) {
    put(octets, field::NONCE_INDEX, &nonce_index.to_be_bytes());
    put(octets, field::COOKIE, cookie);
    put(octets, field::TOKEN, token);
}

impl fmt::Display for HomeTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nonce_index, cookie, token, options } = self;
        write_line(f, "HoT", *nonce_index, cookie, token)?;
        options.fmt(f)
    }
}

impl fmt::Display for CareOfTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nonce_index, cookie, token, options } = self;
        write_line(f, "CoT", *nonce_index, cookie, token)?;
        options.fmt(f)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for TestView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, "Test", self.nonce_index(), &self.cookie(), &self.token())
    }
}

fn write_line(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    nonce_index: u16,
    cookie: &[u8; 8],
    token: &[u8; 8],
) -> fmt::Result {
    write!(f, "{name} nonce={nonce_index} cookie={} token={}", Hex(cookie), Hex(token))
}
