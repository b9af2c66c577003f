//! Evidence: what crossed the links, written down, read back, drawn, compared.

mod capture;
mod foreign;
mod link_type;
pub mod pcapng;
mod resolution;

pub use capture::{Capture, Frame, LOST};
pub use foreign::{CaptureError, Place};
