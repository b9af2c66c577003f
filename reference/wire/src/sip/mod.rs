//! SIP messages (RFC 3261): scanned where they lie, read on demand, written back as they were.
//!
//! | form | type | judges |
//! |---|---|---|
//! | octets | `&[u8]` | nothing |
//! | view | [`MessageView`] | a start line and lines of headers; keeps the first fault it met |
//! | value | [`Message`] | everything an element must refuse with 400 or drop |
//!
//! Both answer the same questions through [`Fields`]. What is not edited is written back octet for
//! octet: order, letter case, folding and unknown header fields are kept. A line may end in CRLF
//! or, leniently, in LF alone. Offsets in errors count from the first octet handed in.

mod address;
mod cseq;
mod fields;
mod header;
mod host;
mod message;
mod parameters;
mod start_line;
mod stream;
mod text;
mod uri;
mod via;
mod view;

pub use address::{Address, AddressView};
pub use cseq::CSeq;
pub use fields::{Elements, Fields, Headers};
pub use header::{Header, HeaderName, HeaderView};
pub use host::{Host, HostView};
pub use message::Message;
pub use parameters::Parameters;
pub use start_line::{Method, StartLine, reason_phrase};
pub use stream::{StreamItem, StreamReader};
pub use uri::{Scheme, Uri, UriView};
pub use via::{Transport, Via, ViaView};
pub use view::MessageView;

pub(crate) use text::line_feed;

/// The most header lines a message may have.
pub const HEADERS_MAX: usize = 1024;
/// The most octets a start line or a header field may have, folds included.
pub const LINE_MAX: usize = 8192;
/// The most octets a message may have, body included: what fits in a UDP datagram.
pub const MESSAGE_MAX: usize = 65_535;
/// The port of SIP over UDP and TCP where none is named (RFC 3261 19.1.2).
pub const DEFAULT_PORT: u16 = 5060;
/// The first characters of every branch made by RFC 3261 (8.1.1.7).
pub const BRANCH_COOKIE: &str = "z9hG4bK";
