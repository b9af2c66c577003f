//! The reference nodes: values from `node`, driven by real interfaces (`net`) or simulated ones (`lab`).

pub use roamproof_lab as lab;
pub use roamproof_node as node;
pub use roamproof_wire as wire;
