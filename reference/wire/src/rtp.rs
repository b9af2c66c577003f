//! RTP packets (RFC 3550 5.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---+-+-+-------+-+-------------+-------------------------------+
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! +---+-+-+-------+-+-------------+-------------------------------+
//! |                           timestamp                           |
//! +---------------------------------------------------------------+
//! |           synchronization source (SSRC) identifier            |
//! +---------------------------------------------------------------+
//! |      contributing sources, 4 octets each (CC), then for X     |
//! |      an extension: profile, length in 32-bit words, data      |
//! ```

use std::fmt;

use crate::WireError;

mod field {
    use std::ops::Range;

    pub(super) const FLAGS: usize = 0;
    pub(super) const PAYLOAD_TYPE: usize = 1;
    pub(super) const SEQUENCE: Range<usize> = 2..4;
    pub(super) const TIMESTAMP: Range<usize> = 4..8;
    pub(super) const SSRC: Range<usize> = 8..12;
}

/// An RTP packet as it lies in its datagram.
#[derive(Debug, Clone, Copy)]
pub struct RtpView<'a> {
    octets: &'a [u8],
}

/// The fixed header of a well-formed RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// M: what it marks is the profile's affair, for audio the first packet after silence.
    pub marker: bool,
    /// What the payload is, 0 to 127.
    pub payload_type: u8,
    /// Counts packets, modulo 2^16.
    pub sequence: u16,
    /// Counts samples, modulo 2^32.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: u32,
}

impl<'a> RtpView<'a> {
    /// Views `octets`, if they hold the fixed header.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`](crate::Fault::Truncated) where they do not.
    pub const fn new(octets: &'a [u8]) -> Result<Self, WireError> {
        if octets.len() < RtpHeader::LEN {
            return Err(WireError::truncated(WITHIN, 0, RtpHeader::LEN, octets.len()));
        }
        Ok(Self { octets })
    }

    /// The version field: 2.
    pub fn version(&self) -> u8 {
        self.octets[field::FLAGS] >> 6
    }

    /// P: the last octet says how many octets at the end are padding.
    pub fn padding(&self) -> bool {
        self.octets[field::FLAGS] & 0x20 != 0
    }

    /// X: an extension follows the contributing sources.
    pub fn extension(&self) -> bool {
        self.octets[field::FLAGS] & 0x10 != 0
    }

    /// How many contributing sources follow the fixed header.
    pub fn csrc_count(&self) -> u8 {
        self.octets[field::FLAGS] & 0x0f
    }

    /// M.
    pub fn marker(&self) -> bool {
        self.octets[field::PAYLOAD_TYPE] & 0x80 != 0
    }

    /// The payload type.
    pub fn payload_type(&self) -> u8 {
        self.octets[field::PAYLOAD_TYPE] & 0x7f
    }

    /// The sequence number.
    pub fn sequence(&self) -> u16 {
        let octets = &self.octets[field::SEQUENCE];
        u16::from_be_bytes([octets[0], octets[1]])
    }

    /// The timestamp.
    pub fn timestamp(&self) -> u32 {
        read_u32(&self.octets[field::TIMESTAMP])
    }

    /// The synchronization source.
    pub fn ssrc(&self) -> u32 {
        read_u32(&self.octets[field::SSRC])
    }

    /// What is carried, without contributing sources, extension and padding.
    ///
    /// # Errors
    ///
    /// [`Fault::Truncated`](crate::Fault::Truncated) where these promise more octets than there
    /// are, and an illegal padding length.
    pub fn payload(&self) -> Result<&'a [u8], WireError> {
        let sources = 4 * usize::from(self.csrc_count());
        let mut start = RtpHeader::LEN + sources;
        let behind = self.octets.get(start..).ok_or_else(|| self.short(RtpHeader::LEN, sources))?;
        if self.extension() {
            let words = behind.get(2..4).ok_or_else(|| self.short(start, 4))?;
            start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
        }
        let rest = self
            .octets
            .get(start..)
            .ok_or_else(|| self.short(RtpHeader::LEN, start - RtpHeader::LEN))?;
        if !self.padding() {
            return Ok(rest);
        }
        let last = self.octets.len() - 1;
        let padding = self.octets[last];
        match rest.len().checked_sub(padding.into()) {
            Some(len) if padding > 0 => Ok(&rest[..len]),
            Some(_) | None => Err(WireError::illegal(WITHIN, last, padding.into())),
        }
    }

    const fn short(&self, offset: usize, need: usize) -> WireError {
        WireError::truncated(WITHIN, offset, need, self.octets.len().saturating_sub(offset))
    }
}

impl RtpHeader {
    /// Octets of the fixed header.
    pub const LEN: usize = 12;

    /// Reads the fixed header out of `view`.
    ///
    /// # Errors
    ///
    /// A version other than 2, and whatever [`RtpView::payload`] refuses.
    pub fn parse(view: RtpView<'_>) -> Result<Self, WireError> {
        if view.version() != VERSION {
            return Err(WireError::illegal(WITHIN, field::FLAGS, view.version().into()));
        }
        view.payload()?;
        Ok(Self {
            marker: view.marker(),
            payload_type: view.payload_type(),
            sequence: view.sequence(),
            timestamp: view.timestamp(),
            ssrc: view.ssrc(),
        })
    }

    /// The fixed header as octets.
    pub fn to_octets(&self) -> [u8; Self::LEN] {
        let mut octets = [0; Self::LEN];
        octets[field::FLAGS] = VERSION << 6;
        octets[field::PAYLOAD_TYPE] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        octets[field::SEQUENCE].copy_from_slice(&self.sequence.to_be_bytes());
        octets[field::TIMESTAMP].copy_from_slice(&self.timestamp.to_be_bytes());
        octets[field::SSRC].copy_from_slice(&self.ssrc.to_be_bytes());
        octets
    }

    /// The packet that carries `payload` behind this header.
    pub fn packet(&self, payload: &[u8]) -> Vec<u8> {
        let mut octets = Vec::with_capacity(Self::LEN + payload.len());
        octets.extend_from_slice(&self.to_octets());
        octets.extend_from_slice(payload);
        octets
    }
}

impl fmt::Display for RtpHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { marker, payload_type, sequence, timestamp, ssrc } = self;
        let marker = if *marker { " M" } else { "" };
        write!(f, "RTP pt={payload_type} seq={sequence} ts={timestamp} ssrc={ssrc:#010x}{marker}")
    }
}

fn read_u32(octets: &[u8]) -> u32 {
    u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]])
}

const VERSION: u8 = 2;
const WITHIN: &str = "RTP";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// Written by hand after RFC 3550 5.1: one contributing source, an extension of one word, two
    /// octets of padding.
    const PACKET: [u8; 31] = [
        0xb1, 0xe1, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x13, 0x57, // fixed
        0x24, 0x68, 0xac, 0xe0, // contributing source
        0xbe, 0xde, 0x00, 0x01, 0x10, 0xaa, 0x21, 0x43, // extension
        0x71, 0x72, 0x73, 0x74, 0x75, // payload
        0x09, 0x02, // padding
    ];

    #[test]
    fn every_field_is_read() {
        let view = RtpView::new(&PACKET).unwrap();
        let header = RtpHeader::parse(view).unwrap();
        assert_eq!(header.to_string(), "RTP pt=97 seq=4660 ts=1450744508 ssrc=0xdef01357 M");
        assert_eq!(view.payload(), Ok(&[0x71, 0x72, 0x73, 0x74, 0x75][..]));
    }

    #[test]
    fn a_packet_is_written_octet_by_octet() {
        let header = RtpHeader {
            marker: true,
            payload_type: 97,
            sequence: 0x1234,
            timestamp: 0x5678_9abc,
            ssrc: 0xdef0_1357,
        };
        let mut expected = PACKET[..12].to_vec();
        expected[0] = 0x80;
        expected.push(0x71);
        assert_eq!(header.packet(&[0x71]), expected);
    }

    #[rstest]
    #[case::fixed(11, WireError::truncated("RTP", 0, 12, 11))]
    #[case::source(15, WireError::truncated("RTP", 12, 4, 3))]
    #[case::extension(23, WireError::truncated("RTP", 12, 12, 11))]
    #[case::padding(28, WireError::illegal("RTP", 27, 0x74))]
    fn what_is_cut_is_refused(#[case] len: usize, #[case] error: WireError) {
        assert_eq!(RtpView::new(&PACKET[..len]).and_then(RtpHeader::parse), Err(error));
    }

    #[test]
    fn another_version_is_refused() {
        let mut octets = PACKET;
        octets[0] = 0x71;
        let error = WireError::illegal("RTP", 0, 1);
        assert_eq!(RtpView::new(&octets).and_then(RtpHeader::parse), Err(error));
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(octets: Vec<u8>) {
            if let Ok(view) = RtpView::new(&octets) {
                let _ = (RtpHeader::parse(view), view.payload());
            }
        }
    }
}
