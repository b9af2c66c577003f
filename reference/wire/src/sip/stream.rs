//! Cuts messages out of a stream by Content-Length (RFC 3261 18.3), keep-alives besides
//! (RFC 5626 4.4.1).

use super::fields::Fields;
use super::text::line_feed;
use super::view::MessageView;
use super::{HEADERS_MAX, LINE_MAX, MESSAGE_MAX};
use crate::{Fault, WireError};

/// The octets of one connection, in order, as far as they are not a whole message yet.
///
/// It never holds more than one message of [`MESSAGE_MAX`] octets and what came in one push.
/// After a message whose end cannot be found there is nothing more to read: the stream must be
/// closed.
#[derive(Debug, Clone, Default)]
pub struct StreamReader {
    buffer: Vec<u8>,
    /// Octets of the buffer in which no empty line has been found.
    searched: usize,
    /// Whether the end of a message could not be found.
    broken: bool,
}

/// What a stream held next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamItem {
    /// A whole message, with its body: what a datagram would have carried.
    Message(Vec<u8>),
    /// Two line ends between messages: a ping, to be answered with one (RFC 5626 4.4.1).
    KeepAlive,
    /// The end of this message cannot be found. `head` is what could be read of it, so that a
    /// request can be refused before the stream is closed; offsets count from its first octet.
    Broken {
        /// What is wrong.
        error: WireError,
        /// Start line and header as far as they came.
        head: Vec<u8>,
    },
}

impl StreamReader {
    /// A reader at the start of a stream.
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), searched: 0, broken: false }
    }

    /// Takes in the next octets of the stream. Call [`next_item`](Self::next_item) until it is
    /// `None` before the next push.
    pub fn push(&mut self, octets: &[u8]) {
        if !self.broken {
            self.buffer.extend_from_slice(octets);
        }
    }

    /// Octets held back because they are not a whole message yet.
    pub const fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole thing, `None` until more octets come.
    pub fn next_item(&mut self) -> Option<StreamItem> {
        if self.broken {
            return None;
        }
        if self.skip_line_ends() {
            return Some(StreamItem::KeepAlive);
        }
        if is_half_a_keep_alive(&self.buffer) {
            return None;
        }
        let Some(head) = self.head_len() else {
            let bound = (self.buffer.len() > HEAD_MAX).then_some(HEAD_MAX)?;
            return Some(self.give_up(too_many(bound), bound));
        };
        let body = match body_len(&self.buffer[..head]) {
            Ok(body) => body,
            Err(error) => return Some(self.give_up(error, head)),
        };
        let len = head.saturating_add(body);
        if len > MESSAGE_MAX {
            return Some(self.give_up(too_many(MESSAGE_MAX), head));
        }
        if self.buffer.len() < len {
            return None;
        }
        let message = self.buffer.drain(..len).collect();
        self.searched = 0;
        Some(StreamItem::Message(message))
    }

    /// Skips line ends between messages; whether two of them were a keep-alive.
    fn skip_line_ends(&mut self) -> bool {
        while self.searched == 0 && !self.buffer.is_empty() {
            let cut = match self.buffer.as_slice() {
                [b'\r', b'\n', b'\r', b'\n', ..] => {
                    self.buffer.drain(..4);
                    return true;
                }
                half if is_half_a_keep_alive(half) => return false,
                [b'\r', b'\n', ..] => 2,
                [b'\n', ..] => 1,
                _ => return false,
            };
            self.buffer.drain(..cut);
        }
        false
    }

    /// Octets up to and with the empty line, as soon as it has come.
    fn head_len(&mut self) -> Option<usize> {
        while let Some(feed) = line_feed(&self.buffer, self.searched) {
            match self.buffer.get(feed + 1..) {
                Some([b'\n', ..]) => return Some(feed + 2),
                Some([b'\r', b'\n', ..]) => return Some(feed + 3),
                Some([] | [b'\r']) | None => {
                    self.searched = feed;
                    return None;
                }
                Some([_, ..]) => self.searched = feed + 1,
            }
        }
        self.searched = self.buffer.len();
        None
    }

    fn give_up(&mut self, error: WireError, head: usize) -> StreamItem {
        self.broken = true;
        let mut head_octets = std::mem::take(&mut self.buffer);
        head_octets.truncate(head);
        StreamItem::Broken { error, head: head_octets }
    }
}

/// Whether the octets that would make a ping of `buffer` may still come.
fn is_half_a_keep_alive(buffer: &[u8]) -> bool {
    matches!(buffer, [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'])
}

/// Octets of the body behind `head`. Without a Content-Length there is none, so that the next
/// message is never taken for a body (RFC 3261 20.14).
fn body_len(head: &[u8]) -> Result<usize, WireError> {
    let view = MessageView::read(head)?;
    Ok(view.content_length()?.unwrap_or(0))
}

const fn too_many(bound: usize) -> WireError {
    WireError { within: "SIP stream", offset: bound, fault: Fault::TooMany { bound } }
}

/// The most octets a head may have before it is given up: what a message may have.
const HEAD_MAX: usize = MESSAGE_MAX;
const _: () = assert!(LINE_MAX < HEAD_MAX && HEADERS_MAX < HEAD_MAX, "a line fits in a message");
