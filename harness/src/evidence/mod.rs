//! Evidence: what crossed the links, written down, read back, drawn, compared.

mod capture;
mod foreign;
mod journey;
mod ladder;
mod link_type;
mod names;
pub mod pcapng;
mod resolution;
#[cfg(test)]
mod sample;
mod sight;
mod svg;

pub use capture::{Capture, Frame, LOST};
pub use foreign::{CaptureError, Place};
pub use ladder::{LadderPrinter, LadderStyle, ladder};
pub use names::Names;
pub use sight::{Kind, Sight};
pub use svg::ladder_svg;
