//! Protocol nodes as values: frames, commands and time go in, frames and events come out.
//!
//! A node does no I/O, owns no clock and no randomness, and never blocks. Whoever drives it, a
//! daemon, a simulated network or a fuzzer, does three things in turn:
//!
//! 1. [`handle_input`](Node::handle_input) with one input, or with the time that has come;
//! 2. [`poll_output`](Node::poll_output) until it is `None`;
//! 3. wait for the next input or for [`poll_timeout`](Node::poll_timeout), whichever is first.
#![forbid(unsafe_code)]

pub mod build;
pub mod command;
pub mod correspondence;
mod correspondent;
pub mod entropy;
pub mod event;
pub mod held;
mod home_agent;
pub mod host;
pub mod key;
mod lookup;
pub mod media;
pub mod misdeed;
mod mobile_terminal;
pub mod phone;
mod router;
pub mod sip;
pub mod sip_server;
pub mod sip_transport;
pub mod time;
pub mod upper;

pub use build::{ConfigError, build};
pub use command::Command;
pub use event::Event;
pub use held::Held;
pub use time::Instant;

/// A protocol endpoint or router, driven from outside.
pub trait Node {
    /// Takes in one frame, command or the passing of time.
    ///
    /// It cannot fail: what a peer sends is data to judge, not an error, and what was wrong with it
    /// comes out as an [`Event`].
    fn handle_input(&mut self, now: Instant, input: Input<'_>);

    /// The next thing to do, `None` once there is nothing left: drain it after every input.
    fn poll_output(&mut self) -> Option<Output>;

    /// When to call [`handle_input`](Self::handle_input) with [`Input::Time`] if nothing else comes
    /// first, and why.
    fn poll_timeout(&self) -> Option<Wakeup>;

    /// What it keeps now: for those who look for what only ever grows.
    fn held(&self) -> Held;
}

/// One of a node's interfaces, counted from zero in the order of its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface(pub u8);

/// What can happen to a node.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// An Ethernet frame arrived, without its frame check sequence.
    Frame {
        /// Where.
        interface: Interface,
        /// From the destination address on.
        octets: &'a [u8],
    },
    /// A program on this node's host sent an IPv6 packet through the address lent to it.
    Local(&'a [u8]),
    /// A user wants something.
    Command(&'a Command),
    /// An interface was plugged in or out.
    Link {
        /// Which.
        interface: Interface,
        /// Whether frames can pass from now on.
        up: bool,
    },
    /// A deadline may have passed.
    Time,
}

/// What a node asks of its driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this Ethernet frame.
    Frame {
        /// Where.
        interface: Interface,
        /// From the destination address on, without a frame check sequence.
        octets: Vec<u8>,
    },
    /// Hand this IPv6 packet to the programs on this node's host.
    Local(Vec<u8>),
    /// Note this: a decision, told where it was taken.
    Event(Event),
}

/// A deadline that says what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wakeup {
    /// When.
    pub at: Instant,
    /// For what, in two or three words.
    pub why: &'static str,
}

impl Wakeup {
    /// The sooner of two deadlines that may not exist.
    #[must_use]
    pub fn sooner(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(if other.at < one.at { other } else { one }),
            (one, other) => one.or(other),
        }
    }
}
