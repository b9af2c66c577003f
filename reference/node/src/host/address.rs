//! Addresses of a node, and duplicate address detection (RFC 4862 §5.4).

use std::net::Ipv6Addr;
use std::time::Duration;

use crate::{Instant, Interface, Wakeup};

/// All addresses of one node, its own and those it defends for others.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    entries: Vec<Address>,
}

/// One address on one interface.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) interface: Interface,
    pub(crate) address: Ipv6Addr,
    pub(crate) standing: Standing,
    pub(crate) detection: Detection,
}

/// Whose an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// This node's.
    Own,
    /// A mobile node's that is away: this node answers for it and takes its packets (RFC 6275
    /// §10.4.1).
    Proxied,
}

/// How far duplicate address detection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detection {
    Tentative { left: u8, again_at: Instant },
    Done,
}

/// What came of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Ask whether someone has it.
    Probe { interface: Interface, address: Ipv6Addr },
    /// Nobody has.
    Ready { address: Ipv6Addr },
}

/// RETRANS_TIMER (RFC 4861 §10): how long to listen after each probe.
const RETRANS_TIMER: Duration = Duration::from_secs(1);

impl Addresses {
    /// Adds an address; with `probes` zero it may be used at once.
    pub(crate) fn add(
        &mut self,
        now: Instant,
        interface: Interface,
        address: Ipv6Addr,
        standing: Standing,
        probes: u8,
    ) {
        self.remove(interface, address);
        let detection = match probes {
            0 => Detection::Done,
            left => Detection::Tentative { left, again_at: now },
        };
        self.entries.push(Address { interface, address, standing, detection });
    }

    pub(crate) fn remove(&mut self, interface: Interface, address: Ipv6Addr) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| (entry.interface, entry.address) != (interface, address));
        self.entries.len() != before
    }

    /// How many are answered for on behalf of others.
    pub(crate) fn proxied(&self) -> usize {
        self.entries.iter().filter(|entry| entry.standing == Standing::Proxied).count()
    }

    pub(crate) fn on(&self, interface: Interface) -> impl Iterator<Item = &Address> {
        self.entries.iter().filter(move |entry| entry.interface == interface)
    }

    pub(crate) fn find(&self, interface: Interface, address: Ipv6Addr) -> Option<&Address> {
        self.on(interface).find(|entry| entry.address == address)
    }

    /// Whether packets to `address` are for this node, on whatever interface they come (the weak
    /// model: a router is reached by any of its addresses).
    pub(crate) fn is_mine(&self, address: Ipv6Addr) -> bool {
        self.entries.iter().any(|entry| {
            entry.address == address
                && entry.standing == Standing::Own
                && entry.detection == Detection::Done
        })
    }

    /// Whether packets to `address` are taken for a mobile node.
    pub(crate) fn is_proxied(&self, address: Ipv6Addr) -> bool {
        self.entries.iter().any(|entry| {
            entry.address == address
                && entry.standing == Standing::Proxied
                && entry.detection == Detection::Done
        })
    }

    /// What is due by now.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Due> {
        let mut due = Vec::new();
        for entry in &mut self.entries {
            let Detection::Tentative { left, again_at } = entry.detection else { continue };
            if again_at > now {
                continue;
            }
            let Address { interface, address, .. } = *entry;
            if left == 0 {
                entry.detection = Detection::Done;
                due.push(Due::Ready { address });
            } else {
                let again_at = now + RETRANS_TIMER;
                entry.detection = Detection::Tentative { left: left - 1, again_at };
                due.push(Due::Probe { interface, address });
            }
        }
        due
    }

    /// When [`due`](Self::due) has something.
    pub(crate) fn poll_timeout(&self) -> Option<Wakeup> {
        self.entries
            .iter()
            .filter_map(|entry| match entry.detection {
                Detection::Tentative { again_at, .. } => Some(again_at),
                Detection::Done => None,
            })
            .min()
            .map(|at| Wakeup { at, why: "duplicate address detection" })
    }
}

impl Address {
    pub(crate) fn is_tentative(&self) -> bool {
        matches!(self.detection, Detection::Tentative { .. })
    }
}
