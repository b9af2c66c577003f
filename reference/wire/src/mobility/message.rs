//! Any message of the Mobility Header family, read and written whole (RFC 6275 §6.1).

use std::fmt;
use std::net::Ipv6Addr;

use super::body::{self, Body};
use super::header::{
    HEADER_LEN_MIN, MESSAGE_LEN_MAX, bounded, field, mh_type, put, seal, write_header,
};
use super::{
    BindingAcknowledgement, BindingError, BindingLookup, BindingRefreshRequest, BindingUpdate,
    CareOfTest, CareOfTestInit, HomeTest, HomeTestInit,
};
use crate::WireError;

/// A well-formed mobility message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// MH Type 0.
    BindingRefreshRequest(BindingRefreshRequest),
    /// MH Type 1.
    HomeTestInit(HomeTestInit),
    /// MH Type 2.
    CareOfTestInit(CareOfTestInit),
    /// MH Type 3.
    HomeTest(HomeTest),
    /// MH Type 4.
    CareOfTest(CareOfTest),
    /// MH Type 5.
    BindingUpdate(BindingUpdate),
    /// MH Type 6.
    BindingAcknowledgement(BindingAcknowledgement),
    /// MH Type 7.
    BindingError(BindingError),
    /// MH Type 11 with the magic of binding lookup.
    BindingLookup(BindingLookup),
    /// Any other MH Type, and type 11 of another experiment: answered with a Binding Error.
    Unknown {
        /// The MH Type field.
        mh_type: u8,
        /// What follows the Checksum, 2042 octets at most.
        data: Vec<u8>,
    },
}

impl Message {
    /// Reads the message at the front of `octets`, as long as its Header Len says.
    ///
    /// It judges structure alone: [`verify`](super::verify) the checksum first, as RFC 6275 §9.2
    /// does, and the authenticator after. The MH Type is judged before the Payload Proto: a
    /// message of unknown type is [`Unknown`](Self::Unknown), whatever else it holds.
    ///
    /// # Errors
    ///
    /// At octet 0 where Payload Proto is not 59; at octet 1 where Header Len is too short for the
    /// type or promises more than there is; at the option where one runs over the end or has not
    /// its length; after Binding Authorization Data in an update or acknowledgement that goes on.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        let octets = bounded(octets)?;
        let mut message = Self::blank(octets);
        match &mut message {
            Self::BindingRefreshRequest(one) => body::read(one, octets)?,
            Self::HomeTestInit(one) => body::read(one, octets)?,
            Self::CareOfTestInit(one) => body::read(one, octets)?,
            Self::HomeTest(one) => body::read(one, octets)?,
            Self::CareOfTest(one) => body::read(one, octets)?,
            Self::BindingUpdate(one) => body::read(one, octets)?,
            Self::BindingAcknowledgement(one) => body::read(one, octets)?,
            Self::BindingError(one) => body::read(one, octets)?,
            Self::BindingLookup(one) => *one = BindingLookup::parse(octets)?,
            Self::Unknown { data, .. } => data.extend_from_slice(&octets[field::DATA..]),
        }
        Ok(message)
    }

    /// A message of the type that `octets` has, to read into.
    fn blank(octets: &[u8]) -> Self {
        match octets[field::MH_TYPE] {
            mh_type::BINDING_REFRESH_REQUEST => BindingRefreshRequest::blank().into(),
            mh_type::HOME_TEST_INIT => HomeTestInit::blank().into(),
            mh_type::CARE_OF_TEST_INIT => CareOfTestInit::blank().into(),
            mh_type::HOME_TEST => HomeTest::blank().into(),
            mh_type::CARE_OF_TEST => CareOfTest::blank().into(),
            mh_type::BINDING_UPDATE => BindingUpdate::blank().into(),
            mh_type::BINDING_ACKNOWLEDGEMENT => BindingAcknowledgement::blank().into(),
            mh_type::BINDING_ERROR => BindingError::blank().into(),
            mh_type::EXPERIMENTAL if BindingLookup::has_magic(octets) => {
                BindingLookup::query(0, Ipv6Addr::UNSPECIFIED).into()
            }
            mh_type => Self::Unknown { mh_type, data: Vec::new() },
        }
    }

    /// The MH Type field.
    pub const fn mh_type(&self) -> u8 {
        match self {
            Self::BindingRefreshRequest(_) => mh_type::BINDING_REFRESH_REQUEST,
            Self::HomeTestInit(_) => mh_type::HOME_TEST_INIT,
            Self::CareOfTestInit(_) => mh_type::CARE_OF_TEST_INIT,
            Self::HomeTest(_) => mh_type::HOME_TEST,
            Self::CareOfTest(_) => mh_type::CARE_OF_TEST,
            Self::BindingUpdate(_) => mh_type::BINDING_UPDATE,
            Self::BindingAcknowledgement(_) => mh_type::BINDING_ACKNOWLEDGEMENT,
            Self::BindingError(_) => mh_type::BINDING_ERROR,
            Self::BindingLookup(_) => mh_type::EXPERIMENTAL,
            Self::Unknown { mh_type, .. } => *mh_type,
        }
    }

    /// What the RFC calls the message.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BindingRefreshRequest(_) => BindingRefreshRequest::NAME,
            Self::HomeTestInit(_) => HomeTestInit::NAME,
            Self::CareOfTestInit(_) => CareOfTestInit::NAME,
            Self::HomeTest(_) => HomeTest::NAME,
            Self::CareOfTest(_) => CareOfTest::NAME,
            Self::BindingUpdate(_) => BindingUpdate::NAME,
            Self::BindingAcknowledgement(_) => BindingAcknowledgement::NAME,
            Self::BindingError(_) => BindingError::NAME,
            Self::BindingLookup(one) => one.kind.name(),
            Self::Unknown { .. } => "unknown mobility message",
        }
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub fn buffer_len(&self) -> usize {
        match self {
            Self::BindingRefreshRequest(one) => body::buffer_len(one),
            Self::HomeTestInit(one) => body::buffer_len(one),
            Self::CareOfTestInit(one) => body::buffer_len(one),
            Self::HomeTest(one) => body::buffer_len(one),
            Self::CareOfTest(one) => body::buffer_len(one),
            Self::BindingUpdate(one) => body::buffer_len(one),
            Self::BindingAcknowledgement(one) => body::buffer_len(one),
            Self::BindingError(one) => body::buffer_len(one),
            Self::BindingLookup(one) => one.buffer_len(),
            Self::Unknown { data, .. } => {
                let len = (field::DATA + data.len()).next_multiple_of(8);
                len.clamp(HEADER_LEN_MIN, MESSAGE_LEN_MAX)
            }
        }
    }

    /// Writes the message into `buffer`, every octet of it, with its checksum.
    ///
    /// `source` is the home address where a Home Address option carries one, `destination` the
    /// final destination.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, source: Ipv6Addr, destination: Ipv6Addr, buffer: &mut [u8]) {
        assert_eq!(buffer.len(), self.buffer_len(), "the buffer is as long as the message");
        match self {
            Self::BindingRefreshRequest(one) => body::write(one, buffer),
            Self::HomeTestInit(one) => body::write(one, buffer),
            Self::CareOfTestInit(one) => body::write(one, buffer),
            Self::HomeTest(one) => body::write(one, buffer),
            Self::CareOfTest(one) => body::write(one, buffer),
            Self::BindingUpdate(one) => body::write(one, buffer),
            Self::BindingAcknowledgement(one) => body::write(one, buffer),
            Self::BindingError(one) => body::write(one, buffer),
            Self::BindingLookup(one) => one.write(buffer),
            Self::Unknown { mh_type, data } => {
                write_header(buffer, *mh_type);
                let len = data.len().min(buffer.len() - field::DATA);
                put(buffer, field::DATA, &data[..len]);
                buffer[field::DATA + len..].fill(0);
            }
        }
        seal(source, destination, buffer);
    }

    /// The message as octets of its own; see [`emit`](Self::emit).
    pub fn to_vec(&self, source: Ipv6Addr, destination: Ipv6Addr) -> Vec<u8> {
        let mut octets = vec![0; self.buffer_len()];
        self.emit(source, destination, &mut octets);
        octets
    }
}

/// One line, such as `BU seq=1 AH life=600s`.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BindingRefreshRequest(one) => one.fmt(f),
            Self::HomeTestInit(one) => one.fmt(f),
            Self::CareOfTestInit(one) => one.fmt(f),
            Self::HomeTest(one) => one.fmt(f),
            Self::CareOfTest(one) => one.fmt(f),
            Self::BindingUpdate(one) => one.fmt(f),
            Self::BindingAcknowledgement(one) => one.fmt(f),
            Self::BindingError(one) => one.fmt(f),
            Self::BindingLookup(one) => one.fmt(f),
            Self::Unknown { mh_type, .. } => {
                write!(f, "MH type={mh_type} len={}", self.buffer_len())
            }
        }
    }
}

impl From<BindingRefreshRequest> for Message {
    fn from(one: BindingRefreshRequest) -> Self {
        Self::BindingRefreshRequest(one)
    }
}

impl From<HomeTestInit> for Message {
    fn from(one: HomeTestInit) -> Self {
        Self::HomeTestInit(one)
    }
}

impl From<CareOfTestInit> for Message {
    fn from(one: CareOfTestInit) -> Self {
        Self::CareOfTestInit(one)
    }
}

impl From<HomeTest> for Message {
    fn from(one: HomeTest) -> Self {
        Self::HomeTest(one)
    }
}

impl From<CareOfTest> for Message {
    fn from(one: CareOfTest) -> Self {
        Self::CareOfTest(one)
    }
}

impl From<BindingUpdate> for Message {
    fn from(one: BindingUpdate) -> Self {
        Self::BindingUpdate(one)
    }
}

impl From<BindingAcknowledgement> for Message {
    fn from(one: BindingAcknowledgement) -> Self {
        Self::BindingAcknowledgement(one)
    }
}

impl From<BindingError> for Message {
    fn from(one: BindingError) -> Self {
        Self::BindingError(one)
    }
}

impl From<BindingLookup> for Message {
    fn from(one: BindingLookup) -> Self {
        Self::BindingLookup(one)
    }
}
