//! Decisions worth recording; no behaviour hangs on them.

use std::fmt;
use std::net::Ipv6Addr;

use roamproof_wire::WireError;

/// A decision of a node, told where it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A frame or packet was dropped because its octets are not what they should be.
    Malformed(WireError),
    /// A well-formed packet was dropped without an answer.
    Discarded {
        /// Why, in a few words.
        why: &'static str,
    },
    /// An address passed duplicate address detection.
    AddressReady(Ipv6Addr),
    /// An address is in use by someone else.
    AddressDuplicate(Ipv6Addr),
    /// A binding was made, renewed or (lifetime zero) removed.
    Binding {
        /// The home address.
        home: Ipv6Addr,
        /// Where packets for it go.
        care_of: Ipv6Addr,
        /// Seconds.
        lifetime: u32,
    },
    /// Route optimization with a peer succeeded or failed for good.
    RouteOptimization {
        /// The correspondent.
        peer: Ipv6Addr,
        /// How it ended.
        outcome: &'static str,
    },
    /// A session changed state: `ringing`, `answered`, `ended`, `refused 486` …
    Call {
        /// The state.
        state: String,
    },
    /// Anything else worth a line.
    Note(String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "malformed: {error}"),
            Self::Discarded { why } => write!(f, "discarded: {why}"),
            Self::AddressReady(address) => write!(f, "address ready: {address}"),
            Self::AddressDuplicate(address) => write!(f, "address in use elsewhere: {address}"),
            Self::Binding { home, care_of, lifetime } => {
                write!(f, "binding: {home} at {care_of} for {lifetime} s")
            }
            Self::RouteOptimization { peer, outcome } => {
                write!(f, "route optimization with {peer}: {outcome}")
            }
            Self::Call { state } => write!(f, "call: {state}"),
            Self::Note(note) => f.write_str(note),
        }
    }
}
