//! Evidence: what crossed the links, written down, read back, drawn, compared.

mod bindings;
mod capture;
pub mod decode;
mod event;
pub mod fields;
mod foreign;
mod golden;
mod journey;
mod ladder;
mod layer;
mod link_type;
mod names;
pub mod pcapng;
mod resolution;
#[cfg(test)]
mod sample;
mod sheet;
mod sight;
mod svg;
mod varying;

pub use capture::{Capture, Frame, LOST};
pub use foreign::{CaptureError, Place};
pub use golden::{Difference, compare, identical};
pub use ladder::{LadderPrinter, LadderStyle, ladder};
pub use layer::{Field, Layer, Meaning};
pub use names::Names;
pub use sheet::{Packet, Specified, sheet, sheet_svg};
pub use sight::{Kind, Sight};
pub use svg::ladder_svg;
