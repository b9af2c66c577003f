//! SIP as values: transactions, dialogs and a user agent that sends octets to hops (RFC 3261).
//!
//! Nothing here knows an interface, a tunnel or a care-of address: a message is for a [`Hop`], and
//! whoever owns the agent gets it there over UDP or over a TCP connection it keeps. A terminal's
//! own address is the one it is configured with, for a mobile terminal its home address.

pub mod agent;
pub mod dialog;
pub mod routing;
pub mod transaction;

use std::fmt;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;

use roamproof_wire::sip::{BRANCH_COOKIE, Transport};

use crate::entropy::Entropy;

pub use agent::{Agent, AgentConfig, AgentEvent, CallHandle, Early100};
pub use dialog::Dialog;
pub use transaction::{ClientKey, ServerKey, TransactionEvent, Transactions};

/// Estimate of the round trip time (RFC 3261 17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);
/// The longest interval between copies of a non-INVITE request or an INVITE response.
pub const T2: Duration = Duration::from_secs(4);
/// The longest a message stays in the network.
pub const T4: Duration = Duration::from_secs(5);
/// Timers B, F, H, J, L and M: how long a transaction waits for its end.
pub const TIMEOUT: Duration = Duration::from_secs(32);
/// Larger requests go by TCP, where the path MTU is not known (RFC 3261 18.1.1).
pub const UDP_REQUEST_MAX: usize = 1300;

/// Where a message goes to or came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hop {
    /// What carries it.
    pub transport: Transport,
    /// The other end's address.
    pub address: Ipv6Addr,
    /// The other end's port.
    pub port: u16,
}

impl Hop {
    /// A hop by UDP.
    pub const fn udp(address: Ipv6Addr, port: u16) -> Self {
        Self { transport: Transport::Udp, address, port }
    }

    /// A hop by TCP.
    pub const fn tcp(address: Ipv6Addr, port: u16) -> Self {
        Self { transport: Transport::Tcp, address, port }
    }

    /// Address and port.
    pub const fn socket(&self) -> SocketAddrV6 {
        SocketAddrV6::new(self.address, self.port, 0, 0)
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]:{}", self.transport, self.address, self.port)
    }
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to. A response by TCP goes on the connection whose other end this is.
    pub to: Hop,
    /// Where a response by TCP goes, on a new connection, if that one is gone (RFC 3261 18.2.2).
    pub fallback: Option<Hop>,
    /// What it is.
    pub kind: TransmitKind,
    /// The whole message.
    pub octets: Vec<u8>,
}

/// What a message to be sent is, as far as its way may depend on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransmitKind {
    /// A request.
    Request {
        /// The branch of its topmost Via: which transaction it belongs to.
        branch: String,
        /// 0 for the first, 1 for the first retransmission, and so on.
        copy: u32,
    },
    /// A response.
    Response,
}

/// A new branch (RFC 3261 8.1.1.7).
pub fn new_branch(entropy: &mut Entropy) -> String {
    format!("{BRANCH_COOKIE}{:016x}", entropy.next_u64())
}

/// A new tag or Call-ID: 64 bits, no address in it.
pub fn new_token(entropy: &mut Entropy) -> String {
    format!("{:016x}", entropy.next_u64())
}
