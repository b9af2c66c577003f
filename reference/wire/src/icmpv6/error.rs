//! The four error messages (RFC 4443 §3), and when none may be sent (§2.4 e).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |    1 … 4      |     Code      |           Checksum            |
//! +---------------+---------------+-------------------------------+
//! |        unused (1, 3)  |  MTU (2)  |  Pointer (4)              |
//! +---------------------------------------------------------------+
//! |   as much of the packet as fits 1280 octets
//! ```

use std::net::Ipv6Addr;

use crate::WireError;
use crate::ipv6::extension::Chain;
use crate::ipv6::{HEADER_LEN, Header, MTU_MIN, Outgoing, Problem, protocol};

use super::Message;
use super::header::{Icmpv6View, kind};

/// An error message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorMessage<'a> {
    /// What went wrong.
    pub reason: Reason,
    /// The packet that it is about, from its IPv6 header on, as much of it as there is.
    pub quoted: &'a [u8],
}

/// What went wrong with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Type 1: nobody took it.
    DestinationUnreachable {
        /// 0 no route, 1 prohibited, 2 beyond scope, 3 address, 4 port, 5 source policy, 6 reject.
        code: u8,
    },
    /// Type 2: a link on the way carries less.
    PacketTooBig {
        /// What the link carries, in octets.
        mtu: u32,
    },
    /// Type 3: it was under way for too long.
    TimeExceeded {
        /// 0 hop limit, 1 reassembly.
        code: u8,
    },
    /// Type 4: a header cannot be processed.
    ParameterProblem(Problem),
}

/// The packet that tells the sender of `invoking` from `source` what went wrong; `None` where RFC
/// 4443 §2.4 forbids it: about an ICMPv6 error or Redirect, to a source that is no node's, or about
/// a packet to a group (but for Packet Too Big and an unrecognized option).
///
/// It goes straight to the address the packet came from, whatever home address that names.
pub fn answer(source: Ipv6Addr, invoking: &[u8], reason: Reason) -> Option<Vec<u8>> {
    let header = Header::parse(invoking).ok()?;
    if header.source.is_unspecified() || header.source.is_multicast() || is_error(invoking, &header)
    {
        return None;
    }
    if header.destination.is_multicast() && !reason.may_answer_a_group() {
        return None;
    }
    let outgoing = Outgoing::new(source, header.source, protocol::ICMPV6);
    let error = ErrorMessage::quoting(reason, invoking, &outgoing);
    Some(Message::Error(error).packet(&outgoing))
}

impl Reason {
    /// The Type field.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::DestinationUnreachable { .. } => kind::DESTINATION_UNREACHABLE,
            Self::PacketTooBig { .. } => kind::PACKET_TOO_BIG,
            Self::TimeExceeded { .. } => kind::TIME_EXCEEDED,
            Self::ParameterProblem(_) => kind::PARAMETER_PROBLEM,
        }
    }

    /// The Code field.
    pub const fn code(&self) -> u8 {
        match self {
            Self::DestinationUnreachable { code } | Self::TimeExceeded { code } => *code,
            Self::PacketTooBig { .. } => 0,
            Self::ParameterProblem(problem) => problem.code,
        }
    }

    /// The four octets behind the checksum.
    const fn argument(&self) -> u32 {
        match self {
            Self::DestinationUnreachable { .. } | Self::TimeExceeded { .. } => 0,
            Self::PacketTooBig { mtu } => *mtu,
            Self::ParameterProblem(problem) => problem.pointer,
        }
    }

    const fn may_answer_a_group(&self) -> bool {
        match self {
            Self::PacketTooBig { .. } => true,
            Self::ParameterProblem(problem) => problem.code == Problem::UNRECOGNIZED_OPTION,
            Self::DestinationUnreachable { .. } | Self::TimeExceeded { .. } => false,
        }
    }
}

impl<'a> ErrorMessage<'a> {
    /// Quotes as much of `invoking` as fits a packet of 1280 octets with the headers of `outgoing`.
    pub fn quoting(reason: Reason, invoking: &'a [u8], outgoing: &Outgoing) -> Self {
        let room = MTU_MIN - outgoing.headers_len() - LEN;
        Self { reason, quoted: &invoking[..invoking.len().min(room)] }
    }

    /// Reads a message of one of the four types.
    ///
    /// # Errors
    ///
    /// Where it is of another type or cut short.
    pub fn parse(octets: &'a [u8]) -> Result<Self, WireError> {
        let view = Icmpv6View::new(octets)?;
        let [a, b, c, d, quoted @ ..] = view.body() else {
            return Err(WireError::truncated("ICMPv6 error", 4, 4, view.body().len()));
        };
        let (code, argument) = (view.code(), u32::from_be_bytes([*a, *b, *c, *d]));
        let reason = match view.kind() {
            kind::DESTINATION_UNREACHABLE => Reason::DestinationUnreachable { code },
            kind::PACKET_TOO_BIG => Reason::PacketTooBig { mtu: argument },
            kind::TIME_EXCEEDED => Reason::TimeExceeded { code },
            kind::PARAMETER_PROBLEM => {
                Reason::ParameterProblem(Problem { code, pointer: argument })
            }
            other => return Err(WireError::illegal("ICMPv6 error", 0, other.into())),
        };
        Ok(Self { reason, quoted })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        LEN + self.quoted.len()
    }

    /// Writes the message into `buffer`, every octet of it, its checksum as zero.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, buffer: &mut [u8]) {
        let (head, quoted) = buffer.split_at_mut(LEN);
        head[..4].copy_from_slice(&[self.reason.kind(), self.reason.code(), 0, 0]);
        head[4..].copy_from_slice(&self.reason.argument().to_be_bytes());
        quoted.copy_from_slice(self.quoted);
    }
}

/// Whether `packet` holds an ICMPv6 error or a Redirect, as far as it can be read.
fn is_error(packet: &[u8], header: &Header) -> bool {
    let end = packet.len().min(HEADER_LEN + usize::from(header.payload_length));
    let mut chain = Chain::new(&packet[..end], header.next_header);
    while let Ok(Some(_)) = chain.step() {}
    let kind = chain.rest().first().filter(|_| chain.protocol == protocol::ICMPV6);
    kind.is_some_and(|kind| *kind < 128 || *kind == kind::REDIRECT)
}

const LEN: usize = 8;
