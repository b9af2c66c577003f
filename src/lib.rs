//! The composition root: the two arms that put the reference in front of the judge.

mod conformance;
#[cfg(feature = "live")]
pub mod device;
#[cfg(feature = "live")]
pub mod doctor;
#[cfg(feature = "live")]
mod fork;
#[cfg(feature = "live")]
mod ground;
#[cfg(feature = "live")]
pub mod inside;
pub mod interrupt;
pub mod kill_matrix;
pub mod lab_arm;
pub mod lab_network;
#[cfg(feature = "live")]
pub mod live_arm;
#[cfg(feature = "live")]
pub mod node;
#[cfg(feature = "live")]
pub mod usher;

pub use conformance::{conformance, conformance_of_reference};
