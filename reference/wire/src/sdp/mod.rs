//! Session descriptions (RFC 8866) and their exchange by offer and answer (RFC 3264).
//!
//! A description is text whose lines keep their order: [`SdpView`] reads it where it lies and
//! judges nothing, [`SessionDescription`] is one that a terminal may act on.

mod connection;
mod description;
mod offer_answer;
mod view;

pub use connection::ConnectionAddress;
pub use description::{Origin, SessionDescription, Stream};
pub use offer_answer::{Format, LocalMedia, NoCommonMedia};
pub use view::{Direction, Line, MediaView, SdpView};

/// The most lines a description may have.
pub const LINES_MAX: usize = 512;
/// The most media descriptions a description may have.
pub const MEDIA_MAX: usize = 32;
