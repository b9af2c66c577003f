//! The Fragment header and cutting packets into fragments (RFC 8200 §4.5).
//!
//! ```text
//! +---------------+---------------+-------------------------+---+-+
//! |  Next Header  |   Reserved    |  Fragment Offset (8n)   |Res|M|
//! +---------------+---------------+-------------------------+---+-+
//! |                        Identification                         |
//! +---------------------------------------------------------------+
//! ```

use crate::{Reader, WireError};

use super::extension::{Chain, Extension};
use super::header::{HEADER_LEN, Header, NEXT_HEADER, PAYLOAD_LENGTH};
use super::option::{HOME_ADDRESS, Options};
use super::protocol;

/// The octets of a Fragment header.
pub const FRAGMENT_LEN: usize = 8;

/// A Fragment header, but for its Next Header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Octets of the original's fragmentable part before this piece: a multiple of 8.
    pub offset: u16,
    /// M: more pieces follow.
    pub more: bool,
    /// Names the original, between two addresses.
    pub identification: u32,
}

impl Fragment {
    /// Reads a Fragment header; the reserved fields are ignored.
    ///
    /// # Errors
    ///
    /// Unless `octets` are exactly eight.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(WITHIN, octets);
        reader.u16()?;
        let field = reader.u16()?;
        let identification = reader.u32()?;
        reader.end()?;
        Ok(Self { offset: field & 0xfff8, more: field & 1 == 1, identification })
    }

    /// The header as octets, before `next_header`.
    pub fn octets(&self, next_header: u8) -> [u8; FRAGMENT_LEN] {
        let [a, b] = ((self.offset & 0xfff8) | u16::from(self.more)).to_be_bytes();
        let [c, d, e, f] = self.identification.to_be_bytes();
        [next_header, 0, a, b, c, d, e, f]
    }

    /// Whether it is the whole packet after all (RFC 6946).
    pub const fn is_atomic(&self) -> bool {
        self.offset == 0 && !self.more
    }
}

/// `packet` in fragments that fit links of `mtu` octets; alone and uncut where it fits already, and
/// where it cannot be cut: when it is malformed, is a fragment itself, or the MTU leaves no room.
///
/// The headers that every fragment repeats go up to the last Hop-by-Hop Options or Routing header,
/// or the Destination Options header that holds a Home Address option (RFC 6275 §6.3).
pub fn fragment(packet: &[u8], mtu: usize, identification: u32) -> Vec<Vec<u8>> {
    let whole = || vec![packet.to_vec()];
    if packet.len() <= mtu {
        return whole();
    }
    let Some(repeated) = Repeated::find(packet) else {
        return whole();
    };
    let (headers, data) = packet.split_at(repeated.len);
    let room = mtu.saturating_sub(headers.len() + FRAGMENT_LEN) & !7;
    if room == 0 {
        return whole();
    }
    let mut fragments = Vec::with_capacity(data.len().div_ceil(room));
    let mut offset = 0;
    for piece in data.chunks(room) {
        let more = offset + piece.len() < data.len();
        let header = Fragment {
            offset: u16::try_from(offset).expect("an offset within a packet of 65575 octets"),
            more,
            identification,
        };
        let mut octets = Vec::with_capacity(headers.len() + FRAGMENT_LEN + piece.len());
        octets.extend_from_slice(headers);
        octets.extend_from_slice(&header.octets(repeated.next_header));
        octets.extend_from_slice(piece);
        octets[repeated.named_at] = protocol::FRAGMENT;
        set_payload_length(&mut octets);
        fragments.push(octets);
        offset += piece.len();
    }
    fragments
}

/// Writes the Payload Length that `packet` has.
///
/// # Panics
///
/// Where that exceeds 65535 octets, or where `packet` is shorter than its header.
pub(super) fn set_payload_length(packet: &mut [u8]) {
    let length = u16::try_from(packet.len() - HEADER_LEN).expect("a payload of 65535 octets");
    packet[PAYLOAD_LENGTH..PAYLOAD_LENGTH + 2].copy_from_slice(&length.to_be_bytes());
}

/// The headers that every fragment of a packet repeats.
struct Repeated {
    /// Their octets.
    len: usize,
    /// Where the last of them names what follows.
    named_at: usize,
    /// What it names.
    next_header: u8,
}

impl Repeated {
    fn find(packet: &[u8]) -> Option<Self> {
        let header = Header::parse(packet).ok()?;
        if packet.len() != HEADER_LEN + usize::from(header.payload_length) {
            return None;
        }
        let next_header = header.next_header;
        let mut found = Self { len: HEADER_LEN, named_at: NEXT_HEADER, next_header };
        let mut chain = Chain::new(packet, header.next_header);
        while let Some(extension) = chain.step().ok()? {
            if extension.kind == protocol::FRAGMENT {
                return None;
            }
            if extension.kind != protocol::DESTINATION || holds_home_address(&extension)? {
                let next_header = extension.next_header();
                found = Self { len: chain.position, named_at: chain.named_at, next_header };
            }
        }
        Some(found)
    }
}

/// Whether a Home Address option lies in `extension`; `None` where its options cannot be read.
fn holds_home_address(extension: &Extension<'_>) -> Option<bool> {
    let mut options = Options::new(extension);
    while let Some(option) = options.step().ok()? {
        if option.kind == HOME_ADDRESS {
            return Some(true);
        }
    }
    Some(false)
}

const WITHIN: &str = "Fragment header";
