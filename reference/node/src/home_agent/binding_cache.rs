//! The home agent's binding cache (RFC 6275 §9.1, §10.1).

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::{Lifetime, Sequence};

use crate::{Instant, Wakeup};

/// Home addresses and where they are bound to.
#[derive(Debug, Default)]
pub(crate) struct BindingCache {
    entries: BTreeMap<Ipv6Addr, Binding>,
}

/// One binding.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) care_of: Ipv6Addr,
    pub(crate) sequence: Sequence,
    pub(crate) expires_at: Instant,
    /// The whole lifetime granted.
    pub(crate) granted: Duration,
    /// The largest packet that reaches the care-of address, octets, as routers reported it.
    pub(crate) path_mtu: usize,
}

/// Bindings at most: a home agent on a test bench serves a few terminals, a flood gets status 130.
pub(crate) const BINDINGS_MAX: usize = 4096;

impl BindingCache {
    pub(crate) fn get(&self, home: Ipv6Addr) -> Option<&Binding> {
        self.entries.get(&home)
    }

    pub(crate) fn get_mut(&mut self, home: Ipv6Addr) -> Option<&mut Binding> {
        self.entries.get_mut(&home)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn insert(&mut self, home: Ipv6Addr, binding: Binding) {
        self.entries.insert(home, binding);
    }

    pub(crate) fn remove(&mut self, home: Ipv6Addr) -> Option<Binding> {
        self.entries.remove(&home)
    }

    /// The home address bound to `care_of`, if any.
    pub(crate) fn home_of(&self, care_of: Ipv6Addr) -> Option<Ipv6Addr> {
        self.entries.iter().find(|(_, binding)| binding.care_of == care_of).map(|(home, _)| *home)
    }

    /// Takes out what has run out by now; says what, and when it did.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(Ipv6Addr, Instant)> {
        let over: Vec<(Ipv6Addr, Instant)> = self
            .entries
            .iter()
            .filter(|(_, binding)| binding.expires_at <= now)
            .map(|(home, binding)| (*home, binding.expires_at))
            .collect();
        for (home, _) in &over {
            self.entries.remove(home);
        }
        over
    }

    pub(crate) fn poll_timeout(&self) -> Option<Wakeup> {
        let at = self.entries.values().map(|binding| binding.expires_at).min()?;
        Some(Wakeup { at, why: "binding lifetime" })
    }
}

impl Binding {
    /// What is left of it, rounded down to units of four seconds.
    pub(crate) fn remaining(&self, now: Instant) -> Lifetime {
        Lifetime::from_duration(self.expires_at - now)
    }
}

/// The lifetime granted for the one asked: never more than the configured longest.
pub(crate) fn granted(asked: Lifetime, longest: Duration) -> Lifetime {
    Lifetime::from_duration(asked.duration().min(longest))
}
