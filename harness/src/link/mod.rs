//! Links: what the harness holds in its hand, simulated or real.
//!
//! Every interface of every subject ends in a [`Port`] that the harness holds. A link of the
//! topology is nothing but the harness passing frames from port to port, so that it sees, records
//! and can lose each of them, in simulated time and live alike.

mod cable;
pub mod clock;
mod fate;
#[cfg(feature = "live")]
pub mod packet_socket;

pub use cable::Cable;
pub use fate::{Fate, Passing, Seeded, Weather};

use std::io;
use std::time::Duration;

/// The harness's end of one interface of one subject: counted over the nodes of the topology in
/// order, and over the interfaces of each in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub usize);

/// One link of the topology, counted in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub usize);

/// A frame that a subject sent, as it came out of its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// When, since the start of the run: the kernel's time stamp live, simulated time in the lab.
    pub at: Duration,
    /// From which port.
    pub port: Port,
    /// The Ethernet frame, from the destination address on, without a frame check sequence.
    pub octets: Vec<u8>,
}

/// Time since the start of the run.
pub trait Clock {
    /// What time it is.
    fn now(&self) -> Duration;
}

/// All ports of one network.
pub trait Link: Clock {
    /// Puts a frame into a port, towards the subject. It enters at [`Clock::now`].
    ///
    /// # Errors
    ///
    /// Where the frame could not be handed over.
    fn send(&mut self, port: Port, octets: &[u8]) -> io::Result<()>;

    /// The next frame from any port, in the order in which they were sent; `None` when `until`
    /// (since the start of the run) has come. Never returns early.
    ///
    /// # Errors
    ///
    /// Where frames were lost before the harness could see them, or the port is gone.
    fn receive(&mut self, until: Duration) -> io::Result<Option<Arrival>>;

    /// How late the host was in the worst case since the last call: the time between a deadline
    /// given to [`receive`](Self::receive) and its return. Zero in simulated time.
    fn lateness(&mut self) -> Duration {
        Duration::ZERO
    }
}
