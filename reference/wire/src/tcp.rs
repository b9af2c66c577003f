//! TCP segments (RFC 9293 §3.1), to be looked at: nodes leave them to their TCP.
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |          Source Port          |       Destination Port        |
//! +-------------------------------+-------------------------------+
//! |                        Sequence Number                        |
//! +---------------------------------------------------------------+
//! |                    Acknowledgment Number                      |
//! +-------+-------+-+-+-+-+-+-+-+-+-------------------------------+
//! |Offset |  Rsrvd|C|E|U|A|P|R|S|F|            Window             |
//! +-------+-------+-+-+-+-+-+-+-+-+-------------------------------+
//! |            Checksum           |        Urgent Pointer         |
//! +-------------------------------+-------------------------------+
//! |                       Options, padded                         |
//! ```

use std::fmt;
use std::net::Ipv6Addr;

use etherparse::TcpSlice;

use crate::ipv6::protocol;
use crate::{Fault, WireError, checksum, udp};

/// The octets of a header without options.
pub const HEADER_LEN: usize = 20;
/// Where the Checksum field begins.
pub const CHECKSUM: usize = 16;

/// A segment whose header, options included, is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpView<'a> {
    segment: TcpSlice<'a>,
}

/// The eight flags of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u8);

impl<'a> TcpView<'a> {
    /// Views a segment.
    ///
    /// # Errors
    ///
    /// Where the header is cut short, or its data offset lies within it.
    pub fn new(octets: &'a [u8]) -> Result<Self, WireError> {
        if octets.len() < HEADER_LEN {
            return Err(WireError::truncated(WITHIN, 0, HEADER_LEN, octets.len()));
        }
        let words = octets[12] >> 4;
        let length = usize::from(words) * 4;
        if length < HEADER_LEN {
            return Err(WireError::illegal(WITHIN, 12, words.into()));
        }
        let Ok(segment) = TcpSlice::from_slice(octets) else {
            return Err(WireError::truncated(WITHIN, 12, length, octets.len()));
        };
        Ok(Self { segment })
    }

    /// The Source Port field.
    pub fn source_port(&self) -> u16 {
        self.segment.source_port()
    }

    /// The Destination Port field.
    pub fn destination_port(&self) -> u16 {
        self.segment.destination_port()
    }

    /// The Sequence Number field.
    pub fn sequence(&self) -> u32 {
        self.segment.sequence_number()
    }

    /// The Acknowledgment Number field.
    pub fn acknowledgment(&self) -> u32 {
        self.segment.acknowledgment_number()
    }

    /// The flags.
    pub fn flags(&self) -> Flags {
        Flags(self.segment.slice()[13])
    }

    /// The Window field.
    pub fn window(&self) -> u16 {
        self.segment.window_size()
    }

    /// The Checksum field.
    pub fn checksum(&self) -> u16 {
        self.segment.checksum()
    }

    /// The Urgent Pointer field.
    pub fn urgent_pointer(&self) -> u16 {
        self.segment.urgent_pointer()
    }

    /// Octets of the header, options included.
    pub fn header_len(&self) -> usize {
        usize::from(self.segment.data_offset()) * 4
    }

    /// The options with their padding, unread.
    pub fn options(&self) -> &'a [u8] {
        &self.segment.header_slice()[HEADER_LEN..]
    }

    /// What the segment carries.
    pub fn payload(&self) -> &'a [u8] {
        self.segment.payload()
    }

    /// Whether the checksum is the right one between two addresses.
    ///
    /// # Errors
    ///
    /// [`Fault::Checksum`] where it is not.
    pub fn verify(&self, source: Ipv6Addr, destination: Ipv6Addr) -> Result<(), WireError> {
        let octets = self.segment.slice();
        let left = checksum::upper_layer(source, destination, protocol::TCP, octets);
        if left == 0 {
            return Ok(());
        }
        let carried = self.checksum();
        let fault = Fault::Checksum { carried, right: udp::without(carried, left) };
        Err(WireError { within: WITHIN, offset: CHECKSUM, fault })
    }
}

impl Flags {
    /// FIN: no more data will come.
    pub const FIN: u8 = 0x01;
    /// SYN: the sequence numbers begin here.
    pub const SYN: u8 = 0x02;
    /// RST: the connection is no more.
    pub const RST: u8 = 0x04;
    /// PSH: hand it up.
    pub const PSH: u8 = 0x08;
    /// ACK: the acknowledgment number counts.
    pub const ACK: u8 = 0x10;
    /// URG: the urgent pointer counts.
    pub const URG: u8 = 0x20;

    /// Whether all of `flags` are set.
    pub const fn has(self, flags: u8) -> bool {
        self.0 & flags == flags
    }
}

impl fmt::Display for Flags {
    /// The names of the set flags, `SYN,ACK`; `-` without any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
        if self.0 == 0 {
            return f.write_str("-");
        }
        let set = NAMES.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        for (place, (_, name)) in set.enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

const WITHIN: &str = "TCP segment";
