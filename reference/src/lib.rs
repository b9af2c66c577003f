//! The reference nodes: values from `node`, driven by real interfaces (`net`) or simulated ones (`lab`).

#[cfg(feature = "live")]
pub mod net;

pub use roamproof_lab as lab;
pub use roamproof_node as node;
pub use roamproof_wire as wire;
