//! ICMPv6 (RFC 4443): errors, echo, Neighbor Discovery (RFC 4861), MLDv2 (RFC 3810) and the four
//! messages of Mobile IPv6 (RFC 6275 §6.5–6.8).
//!
//! [`Message::parse`] reads whatever a [`Packet`](crate::ipv6::Packet) holds and judges it;
//! [`Message::packet`] writes it behind its headers, checksum included.

pub mod echo;
pub mod error;
pub mod header;
pub mod home_agent_discovery;
mod message;
pub mod mld;
pub mod neighbour;
pub mod neighbour_option;
pub mod prefix;
pub mod redirect;
pub mod router;

pub use echo::Echo;
pub use error::{ErrorMessage, Reason, answer};
pub use header::{Icmpv6View, finish, kind};
pub use home_agent_discovery::{HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest};
pub use message::Message;
pub use mld::{MldQueryView, MldReport, MulticastRecord, RecordKind, mld_report_packet};
pub use neighbour::{NeighbourAdvertisement, NeighbourSolicitation};
pub use neighbour_option::{HomeAgentInformation, NeighbourOption, PrefixInformation};
pub use prefix::{MobilePrefixAdvertisement, MobilePrefixSolicitation};
pub use redirect::RedirectView;
pub use router::{Preference, RouterAdvertisement, RouterSolicitation};
