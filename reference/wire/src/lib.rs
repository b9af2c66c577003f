//! Octets and what they mean: no I/O, no clock, no protocol state.
//!
//! Every message has three forms, and each conversion is named:
//!
//! | form | judges | made by |
//! |---|---|---|
//! | octets `&[u8]` | nothing | the network, a fuzzer, a test |
//! | view `XxxView<'_>` | only that the fixed part is there | `XxxView::new` |
//! | value `Xxx` | everything the specification forbids | `Xxx::parse`, back with `Xxx::emit` |
//!
//! A tester must be able to send what a value cannot say, so it edits octets through a view; a
//! node must never see what a value cannot say, so it works on values alone.
#![forbid(unsafe_code)]

pub mod checksum;
pub mod dissect;
pub mod edit;
mod error;
pub mod ethernet;
mod hex;
pub mod icmpv6;
pub mod ipv6;
pub mod mobility;
mod reader;
pub mod rtp;
pub mod sdp;
pub mod sip;
pub mod tcp;
pub mod udp;

pub use error::{Fault, WireError};
pub use reader::Reader;
