//! Echo Request and Echo Reply (RFC 4443 §4).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |   128 or 129  |       0       |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |           Identifier          |        Sequence Number        |
//! +-------------------------------+-------------------------------+
//! |                       Data
//! ```

use crate::WireError;

use super::header::{HEADER_LEN, Icmpv6View, kind};

/// A request, or the reply that repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Type 129 rather than 128.
    pub reply: bool,
    /// Chosen by who asks.
    pub identifier: u16,
    /// Counted by who asks.
    pub sequence: u16,
    /// Sent back as it came.
    pub data: &'a [u8],
}

impl<'a> Echo<'a> {
    /// Reads a message of either type.
    ///
    /// # Errors
    ///
    /// Where it is of another type or cut short.
    pub fn parse(octets: &'a [u8]) -> Result<Self, WireError> {
        let view = Icmpv6View::new(octets)?;
        let reply = match view.kind() {
            kind::ECHO_REQUEST => false,
            kind::ECHO_REPLY => true,
            other => return Err(WireError::illegal("Echo", 0, other.into())),
        };
        let [a, b, c, d, data @ ..] = view.body() else {
            return Err(WireError::truncated("Echo", HEADER_LEN, 4, view.body().len()));
        };
        let (identifier, sequence) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        Ok(Self { reply, identifier, sequence, data })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        8 + self.data.len()
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        let kind = if self.reply { kind::ECHO_REPLY } else { kind::ECHO_REQUEST };
        let (head, data) = buffer.split_at_mut(8);
        head[..4].copy_from_slice(&[kind, 0, 0, 0]);
        head[4..6].copy_from_slice(&self.identifier.to_be_bytes());
        head[6..].copy_from_slice(&self.sequence.to_be_bytes());
        data.copy_from_slice(self.data);
    }
}
