//! Named hostile edits of a packet, and its lengths and checksums put right again after them.
//!
//! A receiver that only ever sees wrong checksums proves nothing about what comes behind them: edit
//! first, then [`mend_checksums`], so that the one fault in the packet is the one that was meant.
//! Offsets count octets from the start of the IPv6 header.

use std::fmt;
use std::net::Ipv6Addr;

use crate::hex::Hex;
use crate::ipv6::extension::{Chain, Extension};
use crate::ipv6::header::{DESTINATION, PAYLOAD_LENGTH, SOURCE};
use crate::ipv6::option::{HOME_ADDRESS, Options};
use crate::ipv6::{HEADER_LEN, Header, Type2Routing, protocol};
use crate::{checksum, mobility, tcp, udp};

/// One edit of an IPv6 packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Nothing is left after so many octets.
    Cut {
        /// Octets that are left.
        length: usize,
    },
    /// One bit is turned over.
    Flip {
        /// Counted from the highest bit of the first octet.
        bit: usize,
    },
    /// Octets are written over others.
    Put {
        /// Where.
        at: usize,
        /// What.
        octets: Vec<u8>,
    },
    /// Octets are written between others.
    Insert {
        /// Before which octet.
        at: usize,
        /// What.
        octets: Vec<u8>,
    },
    /// Octets are taken out.
    Remove {
        /// From where.
        at: usize,
        /// How many.
        length: usize,
    },
    /// Octets come twice in a row: an option, a header.
    Repeat {
        /// From where.
        at: usize,
        /// How many.
        length: usize,
    },
    /// Two stretches of the same length change places.
    Swap {
        /// Where one begins.
        one: usize,
        /// Where the other begins, not within the first.
        other: usize,
        /// How long both are.
        length: usize,
    },
    /// Source and Destination Address change places.
    SwapAddresses,
    /// The Payload Length field says so many octets more, or fewer.
    PayloadLength {
        /// Octets, modulo 2^16.
        by: i16,
    },
    /// The length field of an extension header says so many units more, or fewer.
    ExtensionLength {
        /// Which of the headers, from zero.
        nth: usize,
        /// Units of eight octets, modulo 2^8.
        by: i8,
    },
    /// The length field of the upper layer says more, or less: Header Len of a Mobility Header,
    /// Length of UDP, Data Offset of TCP.
    UpperLength {
        /// In the field's own units, modulo its width.
        by: i8,
    },
    /// The upper layer's checksum is off by one, as the sum counts.
    WrongChecksum,
    /// The upper layer's checksum is zero.
    ZeroChecksum,
}

/// What the extension headers lead to, in the innermost packet of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upper {
    /// A number of [`protocol`].
    pub protocol: u8,
    /// Where it begins.
    pub offset: usize,
    /// Where the packet it is in ends.
    pub end: usize,
    /// The source under its checksum: the address of a Home Address option, if there is one.
    pub source: Ipv6Addr,
    /// The destination under its checksum: that of a type 2 routing header with a segment left.
    pub destination: Ipv6Addr,
}

/// Octets that an edited packet has at most: an IPv6 header and the longest payload.
pub const PACKET_MAX: usize = HEADER_LEN + 65_535;

impl Edit {
    /// Edits `packet`, and says whether that changed it.
    ///
    /// An edit of what is not there changes nothing, and so does one that would make the packet
    /// longer than [`PACKET_MAX`]. Lengths and checksums stay as they are.
    pub fn apply(&self, packet: &mut Vec<u8>) -> bool {
        let before = packet.clone();
        match self {
            Self::Cut { length } => packet.truncate(*length),
            Self::Flip { bit } => {
                if let Some(octet) = packet.get_mut(bit / 8) {
                    *octet ^= 0x80 >> (bit % 8);
                }
            }
            Self::Put { at, octets } => {
                if let Some(place) = stretch(packet, *at, octets.len()) {
                    place.copy_from_slice(octets);
                }
            }
            Self::Insert { at, octets } => insert(packet, *at, octets),
            Self::Remove { at, length } => {
                if stretch(packet, *at, *length).is_some() {
                    packet.drain(*at..at + length);
                }
            }
            Self::Repeat { at, length } => {
                if let Some(again) = stretch(packet, *at, *length).map(|octets| octets.to_vec()) {
                    insert(packet, at + length, &again);
                }
            }
            Self::Swap { one, other, length } => swap(packet, *one, *other, *length),
            Self::SwapAddresses => swap(packet, SOURCE, DESTINATION, DESTINATION - SOURCE),
            Self::PayloadLength { by } => add_u16(packet, PAYLOAD_LENGTH, *by),
            Self::ExtensionLength { nth, by } => {
                let at = extensions(packet).nth(*nth).map(|extension| extension.offset + 1);
                if let Some(octet) = at.and_then(|at| packet.get_mut(at)) {
                    *octet = octet.wrapping_add_signed(*by);
                }
            }
            Self::UpperLength { by } => upper_length(packet, *by),
            Self::WrongChecksum => {
                if let Some(field) = checksum_field(packet) {
                    // 0xffff + 1 is 1, for 0xffff and 0 are the same number to a one's complement.
                    let off = u16::from_be_bytes(*field).checked_add(1).unwrap_or(1);
                    *field = off.to_be_bytes();
                }
            }
            Self::ZeroChecksum => {
                if let Some(field) = checksum_field(packet) {
                    *field = [0, 0];
                }
            }
        }
        *packet != before
    }

    /// Every cut of a packet of `length` octets, the shortest first.
    pub fn cuts(length: usize) -> impl Iterator<Item = Self> {
        (0..length).map(|length| Self::Cut { length })
    }

    /// Every flip of one bit of a packet of `length` octets.
    pub fn flips(length: usize) -> impl Iterator<Item = Self> {
        (0..length * 8).map(|bit| Self::Flip { bit })
    }

    /// The edit that the next octets of a fuzzer's input stand for, and what is left of those:
    /// any six octets are one. Inserted octets are copied from the input.
    pub fn decode(input: &[u8]) -> Option<(Self, &[u8])> {
        let ([kind, at @ .., value, count], rest) = input.split_first_chunk::<6>()?;
        let [high, low, length] = *at;
        let (at, length) = (u16::from_be_bytes([high, low]).into(), usize::from(length));
        let (octets, after) = rest.split_at(usize::from(*count).min(rest.len()));
        let by = value.cast_signed();
        let edit = match kind % 13 {
            0 => Self::Cut { length: at },
            1 => Self::Flip { bit: at },
            2 => return Some((Self::Put { at, octets: octets.to_vec() }, after)),
            3 => return Some((Self::Insert { at, octets: octets.to_vec() }, after)),
            4 => Self::Remove { at, length },
            5 => Self::Repeat { at, length },
            6 => Self::Swap { one: at, other: at + length + usize::from(*value), length },
            7 => Self::SwapAddresses,
            8 => Self::PayloadLength { by: by.into() },
            9 => Self::ExtensionLength { nth: length, by },
            10 => Self::UpperLength { by },
            11 => Self::WrongChecksum,
            _ => Self::ZeroChecksum,
        };
        Some((edit, rest))
    }
}

/// Puts the checksum right of the UDP, TCP, ICMPv6 or Mobility Header that the packet leads to, in
/// the innermost packet of a tunnel. Says whether there is one.
///
/// It covers what a receiver would sum: a Mobility Header as far as its Header Len says, UDP as far
/// as its Length says, all of the others; or what is there, where that is less. A fragment has none.
pub fn mend_checksums(packet: &mut [u8]) -> bool {
    let Some(upper) = Upper::of(packet) else { return false };
    let octets = &mut packet[upper.offset..upper.end];
    let Some(field) = upper.checksum() else { return false };
    let covered = covered(upper.protocol, octets);
    let octets = &mut octets[..covered];
    let Some(place) = octets.get_mut(field..field + 2) else { return false };
    place.fill(0);
    let sum = checksum::upper_layer(upper.source, upper.destination, upper.protocol, octets);
    // RFC 8200 §8.1: a sum of zero is sent as 0xffff, for zero says that UDP has none.
    let sum = if sum == 0 && upper.protocol == protocol::UDP { 0xffff } else { sum };
    octets[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    true
}

/// Puts Payload Length right of the packet and of those tunnelled in it, and Length of the UDP
/// datagram that it leads to: all octets that are there belong to them.
pub fn mend_lengths(packet: &mut [u8]) {
    let mut at = 0;
    loop {
        let inner = &mut packet[at..];
        let Some(payload) = inner.len().checked_sub(HEADER_LEN) else { return };
        let payload = u16::try_from(payload).unwrap_or(u16::MAX);
        inner[PAYLOAD_LENGTH..PAYLOAD_LENGTH + 2].copy_from_slice(&payload.to_be_bytes());
        let Some((upper, offset)) = end_of_chain(inner) else { return };
        at += offset;
        if upper == protocol::UDP {
            let length = u16::try_from(packet.len() - at).unwrap_or(u16::MAX);
            if let Some(field) = stretch(packet, at + UDP_LENGTH, 2) {
                field.copy_from_slice(&length.to_be_bytes());
            }
        }
        if upper != protocol::IPV6 {
            return;
        }
    }
}

impl Upper {
    /// Finds it; `None` where no header leads there, and in a piece of a fragmented packet.
    pub fn of(packet: &[u8]) -> Option<Self> {
        let (mut start, mut end) = (0, packet.len());
        loop {
            let inner = &packet[start..end];
            let header = Header::parse(inner).ok()?;
            end = end.min(start + HEADER_LEN + usize::from(header.payload_length));
            let inner = &packet[start..end];
            let (protocol, offset) = end_of_chain(inner)?;
            if protocol != protocol::IPV6 {
                let (home, routed) = (home_address(inner), routed_to(inner));
                return Some(Self {
                    protocol,
                    offset: start + offset,
                    end,
                    source: home.unwrap_or(header.source),
                    destination: routed.unwrap_or(header.destination),
                });
            }
            start += offset;
        }
    }

    /// Where its Checksum field begins, from its own start, for those that have one.
    pub const fn checksum(&self) -> Option<usize> {
        match self.protocol {
            protocol::UDP => Some(udp::CHECKSUM),
            protocol::TCP => Some(tcp::CHECKSUM),
            protocol::ICMPV6 => Some(ICMPV6_CHECKSUM),
            protocol::MOBILITY => Some(MOBILITY_CHECKSUM),
            _ => None,
        }
    }
}

const ICMPV6_CHECKSUM: usize = 2;
const MOBILITY_CHECKSUM: usize = 4;
const MOBILITY_HEADER_LEN: usize = 1;
const UDP_LENGTH: usize = 4;
const TCP_DATA_OFFSET: usize = 12;

/// The octets that a receiver sums.
fn covered(protocol: u8, octets: &[u8]) -> usize {
    let promised = match protocol {
        protocol::MOBILITY => {
            mobility::HeaderView::new(octets).map_or(octets.len(), |view| view.promised_len())
        }
        protocol::UDP => {
            udp::UdpView::new(octets).map_or(octets.len(), |view| view.length().into())
        }
        _ => octets.len(),
    };
    if promised < CHECKSUMMED_MIN { octets.len() } else { promised.min(octets.len()) }
}

/// A length field that says less than this leaves no room for the checksum, and is not believed.
const CHECKSUMMED_MIN: usize = 8;

/// The extension headers of a packet, up to the first that is broken.
fn extensions(packet: &[u8]) -> impl Iterator<Item = Extension<'_>> {
    let next_header = packet.get(crate::ipv6::header::NEXT_HEADER).copied();
    let mut chain = Chain::new(packet, next_header.unwrap_or(protocol::NONE));
    std::iter::from_fn(move || chain.step().ok().flatten())
}

/// What the chain of a packet ends in and where; `None` where it breaks, and in a piece of a
/// fragmented packet.
fn end_of_chain(packet: &[u8]) -> Option<(u8, usize)> {
    let mut chain = Chain::new(packet, *packet.get(crate::ipv6::header::NEXT_HEADER)?);
    while let Some(extension) = chain.step().ok()? {
        let is_piece =
            matches!(extension.octets, [_, _, high, low, ..] if (high | low & 0xf9) != 0);
        if extension.kind == protocol::FRAGMENT && is_piece {
            return None;
        }
    }
    (chain.position <= packet.len()).then_some((chain.protocol, chain.position))
}

/// The address of the first Home Address option.
fn home_address(packet: &[u8]) -> Option<Ipv6Addr> {
    extensions(packet).filter(|extension| extension.kind == protocol::DESTINATION).find_map(
        |extension| {
            let mut options = Options::new(&extension);
            while let Ok(Some(option)) = options.step() {
                if option.kind == HOME_ADDRESS {
                    return <[u8; 16]>::try_from(option.data).ok().map(Ipv6Addr::from);
                }
            }
            None
        },
    )
}

/// The address of the first type 2 routing header, if it is still to be visited.
fn routed_to(packet: &[u8]) -> Option<Ipv6Addr> {
    extensions(packet)
        .filter(|extension| extension.kind == protocol::ROUTING)
        .find_map(|extension| Type2Routing::parse(extension.octets).ok())
        .filter(|routing| routing.segments_left == 1)
        .map(|routing| routing.home_address)
}

fn checksum_field(packet: &mut [u8]) -> Option<&mut [u8; 2]> {
    let upper = Upper::of(packet)?;
    let field = upper.checksum()?;
    packet[upper.offset..upper.end].get_mut(field..)?.first_chunk_mut()
}

fn upper_length(packet: &mut [u8], by: i8) {
    let Some(upper) = Upper::of(packet) else { return };
    let octets = &mut packet[upper.offset..upper.end];
    match upper.protocol {
        protocol::MOBILITY => {
            if let Some(length) = octets.get_mut(MOBILITY_HEADER_LEN) {
                *length = length.wrapping_add_signed(by);
            }
        }
        protocol::UDP => add_u16(octets, UDP_LENGTH, by.into()),
        protocol::TCP => {
            if let Some(field) = octets.get_mut(TCP_DATA_OFFSET) {
                let units = (*field >> 4).wrapping_add_signed(by);
                *field = units << 4 | *field & 0x0f;
            }
        }
        _ => {}
    }
}

fn add_u16(octets: &mut [u8], at: usize, by: i16) {
    if let Some(field) = octets.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *field = u16::from_be_bytes(*field).wrapping_add_signed(by).to_be_bytes();
    }
}

fn insert(packet: &mut Vec<u8>, at: usize, octets: &[u8]) {
    if at <= packet.len() && packet.len() + octets.len() <= PACKET_MAX {
        packet.splice(at..at, octets.iter().copied());
    }
}

fn swap(packet: &mut [u8], one: usize, other: usize, length: usize) {
    let (first, second) = (one.min(other), one.max(other));
    let apart = second - first >= length;
    if apart && stretch(packet, second, length).is_some() {
        let (before, after) = packet.split_at_mut(second);
        before[first..first + length].swap_with_slice(&mut after[..length]);
    }
}

fn stretch(packet: &mut [u8], at: usize, length: usize) -> Option<&mut [u8]> {
    packet.get_mut(at..at.checked_add(length)?)
}

/// In a few words, such as `cut after 40 octets`.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { length } => write!(f, "cut after {length} octets"),
            Self::Flip { bit } => {
                write!(f, "flip bit {:#04x} of octet {}", 0x80 >> (bit % 8), bit / 8)
            }
            Self::Put { at, octets } => write!(f, "put {} at octet {at}", Hex(octets)),
            Self::Insert { at, octets } => write!(f, "insert {} at octet {at}", Hex(octets)),
            Self::Remove { at, length } => write!(f, "remove {length} octets at octet {at}"),
            Self::Repeat { at, length } => write!(f, "repeat {length} octets at octet {at}"),
            Self::Swap { one, other, length } => {
                write!(f, "swap {length} octets at octets {one} and {other}")
            }
            Self::SwapAddresses => f.write_str("swap source and destination"),
            Self::PayloadLength { by } => write!(f, "payload length {by:+}"),
            Self::ExtensionLength { nth, by } => write!(f, "extension header {nth}: length {by:+}"),
            Self::UpperLength { by } => write!(f, "upper-layer length {by:+}"),
            Self::WrongChecksum => f.write_str("wrong checksum"),
            Self::ZeroChecksum => f.write_str("zero checksum"),
        }
    }
}

#[cfg(test)]
mod tests;
