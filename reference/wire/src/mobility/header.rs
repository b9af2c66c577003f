//! The Mobility Header that every message begins with (RFC 6275 §6.1.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+---------------+---------------+
//! | Payload Proto |  Header Len   |    MH Type    |   Reserved    |
//! +---------------+---------------+---------------+---------------+
//! |           Checksum            |         Message Data          |
//! +-------------------------------+                               +
//! |                              ...                              |
//! +---------------------------------------------------------------+
//! ```

use std::fmt;
use std::net::Ipv6Addr;

use crate::{Fault, WireError, checksum};

/// The protocol number of the Mobility Header, in the Next Header field before it.
pub const PROTOCOL: u8 = 135;
/// The Payload Proto of every message: nothing follows (IPPROTO_NONE).
pub const NO_NEXT_HEADER: u8 = 59;
/// Octets that every Mobility Header has; Message Data begins within them.
pub const HEADER_LEN_MIN: usize = 8;
/// Octets that the Header Len field can promise at most.
pub const MESSAGE_LEN_MAX: usize = 256 * 8;

/// Values of the MH Type field.
pub mod mh_type {
    /// Binding Refresh Request (RFC 6275 §6.1.2).
    pub const BINDING_REFRESH_REQUEST: u8 = 0;
    /// Home Test Init (RFC 6275 §6.1.3).
    pub const HOME_TEST_INIT: u8 = 1;
    /// Care-of Test Init (RFC 6275 §6.1.4).
    pub const CARE_OF_TEST_INIT: u8 = 2;
    /// Home Test (RFC 6275 §6.1.5).
    pub const HOME_TEST: u8 = 3;
    /// Care-of Test (RFC 6275 §6.1.6).
    pub const CARE_OF_TEST: u8 = 4;
    /// Binding Update (RFC 6275 §6.1.7).
    pub const BINDING_UPDATE: u8 = 5;
    /// Binding Acknowledgement (RFC 6275 §6.1.8).
    pub const BINDING_ACKNOWLEDGEMENT: u8 = 6;
    /// Binding Error (RFC 6275 §6.1.9).
    pub const BINDING_ERROR: u8 = 7;
    /// Experimental (RFC 5096 §3); binding lookup uses it.
    pub const EXPERIMENTAL: u8 = 11;
}

pub(super) mod field {
    pub(in super::super) const PAYLOAD_PROTO: usize = 0;
    pub(in super::super) const HEADER_LEN: usize = 1;
    pub(in super::super) const MH_TYPE: usize = 2;
    pub(in super::super) const RESERVED: usize = 3;
    pub(in super::super) const CHECKSUM: usize = 4;
    pub(in super::super) const DATA: usize = 6;
}

const WITHIN: &str = "Mobility Header";

/// A Mobility Header as it lies in the packet.
///
/// Any eight octets are a view: it judges nothing, so that a malformed message can still be
/// printed, edited and sent on.
#[derive(Debug, Clone, Copy)]
pub struct HeaderView<T> {
    octets: T,
}

impl<T: AsRef<[u8]>> HeaderView<T> {
    /// Views `octets`, from Payload Proto on.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`] below eight octets.
    pub fn new(octets: T) -> Result<Self, WireError> {
        let have = octets.as_ref().len();
        if have < HEADER_LEN_MIN {
            return Err(WireError::truncated(WITHIN, 0, HEADER_LEN_MIN, have));
        }
        Ok(Self { octets })
    }

    /// The Payload Proto field: 59 in all that RFC 6275 defines.
    pub fn payload_proto(&self) -> u8 {
        self.octets.as_ref()[field::PAYLOAD_PROTO]
    }

    /// The Header Len field: units of eight octets after the first eight.
    pub fn header_len(&self) -> u8 {
        self.octets.as_ref()[field::HEADER_LEN]
    }

    /// The octets that the Header Len field promises, the first eight among them.
    pub fn promised_len(&self) -> usize {
        (usize::from(self.header_len()) + 1) * 8
    }

    /// The MH Type field; see [`mh_type`].
    pub fn mh_type(&self) -> u8 {
        self.octets.as_ref()[field::MH_TYPE]
    }

    /// The Reserved field.
    pub fn reserved(&self) -> u8 {
        self.octets.as_ref()[field::RESERVED]
    }

    /// The Checksum field.
    pub fn checksum(&self) -> u16 {
        u16_at(self.octets.as_ref(), field::CHECKSUM)
    }

    /// The Message Data: what follows the Checksum, as far as Header Len promises and there is.
    pub fn data(&self) -> &[u8] {
        let octets = self.octets.as_ref();
        &octets[field::DATA..self.promised_len().min(octets.len())]
    }
}

impl<T: AsMut<[u8]>> HeaderView<T> {
    /// Sets the Payload Proto field.
    pub fn set_payload_proto(&mut self, value: u8) {
        self.octets.as_mut()[field::PAYLOAD_PROTO] = value;
    }

    /// Sets the Header Len field, in units of eight octets after the first eight.
    pub fn set_header_len(&mut self, value: u8) {
        self.octets.as_mut()[field::HEADER_LEN] = value;
    }

    /// Sets the MH Type field.
    pub fn set_mh_type(&mut self, value: u8) {
        self.octets.as_mut()[field::MH_TYPE] = value;
    }

    /// Sets the Reserved field.
    pub fn set_reserved(&mut self, value: u8) {
        self.octets.as_mut()[field::RESERVED] = value;
    }

    /// Sets the Checksum field.
    pub fn set_checksum(&mut self, value: u16) {
        put(self.octets.as_mut(), field::CHECKSUM, &value.to_be_bytes());
    }
}

impl<T: AsRef<[u8]>> fmt::Display for HeaderView<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MH type={} len={}", self.mh_type(), self.promised_len())?;
        if self.payload_proto() != NO_NEXT_HEADER {
            write!(f, " proto={}", self.payload_proto())?;
        }
        Ok(())
    }
}

/// Verifies the checksum of the message at the front of `octets`.
///
/// `source` and `destination` are those of the pseudo-header: the home address of a Home Address
/// option takes the place of the source, the final destination that of the address before a
/// routing header (RFC 6275 §6.1.1). Octets beyond Header Len do not count.
///
/// # Errors
///
/// [`Fault::Truncated`] where the message is shorter than it promises, [`Fault::Checksum`] where
/// the sum is another.
pub fn verify(source: Ipv6Addr, destination: Ipv6Addr, octets: &[u8]) -> Result<(), WireError> {
    let octets = bounded(octets)?;
    //= MH-IN-01
    if checksum::upper_layer(source, destination, PROTOCOL, octets) == 0 {
        return Ok(());
    }
    let (carried, right) =
        (u16_at(octets, field::CHECKSUM), checksum_of(source, destination, octets));
    let fault = Fault::Checksum { carried, right };
    Err(WireError { within: WITHIN, offset: field::CHECKSUM, fault })
}

/// Puts the right checksum into a message that fills `octets` whole, eight octets or more.
pub(crate) fn seal(source: Ipv6Addr, destination: Ipv6Addr, octets: &mut [u8]) {
    //= MH-OUT-05
    put(octets, field::CHECKSUM, &[0, 0]);
    let right = checksum::upper_layer(source, destination, PROTOCOL, octets);
    put(octets, field::CHECKSUM, &right.to_be_bytes());
}

/// The message at the front of `octets`, as long as its Header Len says.
pub(super) fn bounded(octets: &[u8]) -> Result<&[u8], WireError> {
    let view = HeaderView::new(octets)?;
    let (need, have) = (view.promised_len(), octets.len());
    octets.get(..need).ok_or(WireError::truncated(WITHIN, field::HEADER_LEN, need, have))
}

/// Writes the header of a message that fills `octets`; its checksum is left zero.
pub(super) fn write_header(octets: &mut [u8], mh_type: u8) {
    let units = u8::try_from(octets.len() / 8 - 1).expect("options are bounded by MESSAGE_LEN_MAX");
    //= MH-OUT-02
    //= MH-OUT-03
    octets[..field::DATA].copy_from_slice(&[NO_NEXT_HEADER, units, mh_type, 0, 0, 0]);
}

pub(super) fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(array_at(octets, at))
}

pub(super) fn address_at(octets: &[u8], at: usize) -> Ipv6Addr {
    Ipv6Addr::from(array_at::<16>(octets, at))
}

pub(super) fn array_at<const N: usize>(octets: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&octets[at..at + N]);
    array
}

pub(super) fn put(octets: &mut [u8], at: usize, value: &[u8]) {
    octets[at..at + value.len()].copy_from_slice(value);
}

/// The checksum that belongs into the message, whatever stands there now.
fn checksum_of(source: Ipv6Addr, destination: Ipv6Addr, octets: &[u8]) -> u16 {
    let pseudo = checksum::pseudo_header(source, destination, octets.len(), PROTOCOL);
    let before = checksum::sum(pseudo, &octets[..field::CHECKSUM]);
    let folded = checksum::sum(before, &octets[field::DATA..]);
    !u16::try_from(folded).unwrap_or_default()
}
