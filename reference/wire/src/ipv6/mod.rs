//! IPv6 (RFC 8200): the header, the chain of extension headers, fragments and tunnels.
//!
//! A node works on [`Packet`], which has walked the whole chain, and writes with [`Outgoing`].

pub mod address;
pub mod extension;
pub mod fragment;
pub mod header;
pub mod option;
mod outgoing;
mod packet;
pub mod protocol;
mod reassembly;
pub mod routing;
pub mod tunnel;

pub use fragment::{Fragment, fragment};
pub use header::{HEADER_LEN, Header};
pub use outgoing::Outgoing;
pub use packet::{Packet, Problem, Rejected};
pub use reassembly::{Expired, Reassembly};
pub use routing::Type2Routing;
pub use tunnel::{decapsulated, encapsulate, encapsulate_with_limit};

/// Every link carries packets of this many octets (RFC 8200 §5).
pub const MTU_MIN: usize = 1280;
