//! The neighbour cache and who asks whom (RFC 4861 §7): resolution and unreachability detection.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;

use crate::{Held, Instant, Interface, Wakeup};

/// The neighbours on all links of one node.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    entries: BTreeMap<(Interface, Ipv6Addr), Entry>,
    soonest: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    mac: Option<Mac>,
    state: State,
    /// Frames that wait for the answer, without their destination address.
    waiting: VecDeque<Vec<u8>>,
    is_router: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Asked by multicast, `sent` times so far.
    Incomplete {
        sent: u8,
        again_at: Instant,
    },
    Reachable {
        until: Instant,
    },
    Stale,
    /// Used while stale: upper layers get a chance to confirm before it is probed.
    Delay {
        until: Instant,
    },
    /// Asked by unicast, `sent` times so far.
    Probe {
        sent: u8,
        again_at: Instant,
    },
}

/// What a neighbour's answer says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Advertised {
    pub(crate) mac: Option<Mac>,
    pub(crate) solicited: bool,
    pub(crate) overrides: bool,
    pub(crate) router: bool,
}

/// What the cache wants done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A Neighbour Solicitation, multicast where `to` is `None`.
    Solicit { interface: Interface, target: Ipv6Addr, to: Option<Mac> },
    /// Nobody answered: frames that waited are lost.
    Unreachable { interface: Interface, target: Ipv6Addr, frames: Vec<Vec<u8>> },
}

/// RETRANS_TIMER (RFC 4861 §10).
const RETRANS_TIMER: Duration = Duration::from_secs(1);
/// REACHABLE_TIME (RFC 4861 §10).
const REACHABLE_TIME: Duration = Duration::from_secs(30);
/// DELAY_FIRST_PROBE_TIME (RFC 4861 §10).
const DELAY_FIRST_PROBE_TIME: Duration = Duration::from_secs(5);
/// MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT (RFC 4861 §10).
const SOLICITS_MAX: u8 = 3;
/// Frames that wait for one neighbour; the oldest go first.
const WAITING_MAX: usize = 32;
/// Neighbours known at once; beyond it strangers are not learned (a bound against floods).
const ENTRIES_MAX: usize = 1024;

impl Neighbours {
    /// The link-layer address to send to now; `None` keeps `frame` until it is known.
    pub(crate) fn resolve(
        &mut self,
        now: Instant,
        interface: Interface,
        target: Ipv6Addr,
        frame: &mut Option<Vec<u8>>,
    ) -> Option<Mac> {
        let full = self.entries.len() >= ENTRIES_MAX;
        if let Some(entry) = self.entries.get_mut(&(interface, target)) {
            let Some(mac) = entry.mac else {
                entry.queue(frame.take());
                return None;
            };
            match entry.state {
                State::Reachable { until } if now < until => {}
                State::Reachable { .. } | State::Stale => {
                    let until = now + DELAY_FIRST_PROBE_TIME;
                    entry.state = State::Delay { until };
                    self.wake(until);
                }
                State::Delay { .. } | State::Probe { .. } | State::Incomplete { .. } => {}
            }
            return Some(mac);
        }
        if full {
            *frame = None;
            return None;
        }
        let mut entry = Entry {
            mac: None,
            state: State::Incomplete { sent: 0, again_at: now },
            waiting: VecDeque::new(),
            is_router: false,
        };
        entry.queue(frame.take());
        self.entries.insert((interface, target), entry);
        self.wake(now);
        None
    }

    /// Notes the sender of a solicitation, an advertisement of a router, or a redirect: known, but
    /// not proved reachable (RFC 4861 §7.2.3).
    pub(crate) fn heard_of(
        &mut self,
        interface: Interface,
        address: Ipv6Addr,
        mac: Mac,
        router: Option<bool>,
    ) -> Vec<Vec<u8>> {
        if self.entries.len() >= ENTRIES_MAX && !self.entries.contains_key(&(interface, address)) {
            return Vec::new();
        }
        let entry = self.entries.entry((interface, address)).or_insert_with(|| Entry {
            mac: None,
            state: State::Stale,
            waiting: VecDeque::new(),
            is_router: false,
        });
        if entry.mac != Some(mac) {
            entry.mac = Some(mac);
            entry.state = State::Stale;
        }
        if let Some(router) = router {
            entry.is_router = router;
        }
        entry.waiting.drain(..).collect()
    }

    /// Takes an answer and returns the frames that waited for it (RFC 4861 §7.2.5).
    pub(crate) fn answered(
        &mut self,
        now: Instant,
        interface: Interface,
        target: Ipv6Addr,
        advertised: Advertised,
    ) -> Vec<Vec<u8>> {
        let Some(entry) = self.entries.get_mut(&(interface, target)) else { return Vec::new() };
        let reachable = State::Reachable { until: now + REACHABLE_TIME };
        let Some(known) = entry.mac else {
            let Some(mac) = advertised.mac else { return Vec::new() };
            entry.mac = Some(mac);
            entry.is_router = advertised.router;
            entry.state = if advertised.solicited { reachable } else { State::Stale };
            return entry.waiting.drain(..).collect();
        };
        let differs = advertised.mac.is_some_and(|mac| mac != known);
        if differs && !advertised.overrides {
            if matches!(entry.state, State::Reachable { .. }) {
                entry.state = State::Stale;
            }
            return Vec::new();
        }
        entry.mac = advertised.mac.or(entry.mac);
        entry.is_router = advertised.router;
        if advertised.solicited {
            entry.state = reachable;
        } else if differs {
            entry.state = State::Stale;
        }
        Vec::new()
    }

    /// Notes that an answer is under way that was asked for otherwise: nobody is asked for the time
    /// of one retransmission. False where the neighbour is known already.
    pub(crate) fn expect(&mut self, now: Instant, interface: Interface, address: Ipv6Addr) -> bool {
        if self.entries.contains_key(&(interface, address)) || self.entries.len() >= ENTRIES_MAX {
            return false;
        }
        let again_at = now + RETRANS_TIMER;
        let entry = Entry {
            mac: None,
            state: State::Incomplete { sent: 0, again_at },
            waiting: VecDeque::new(),
            is_router: false,
        };
        self.entries.insert((interface, address), entry);
        self.wake(again_at);
        true
    }

    /// Probes a neighbour now, whatever was known of its reachability.
    pub(crate) fn suspect(&mut self, now: Instant, interface: Interface, address: Ipv6Addr) {
        if let Some(entry) = self.entries.get_mut(&(interface, address))
            && entry.mac.is_some()
            && !matches!(entry.state, State::Probe { .. })
        {
            entry.state = State::Probe { sent: 0, again_at: now };
            self.wake(now);
        }
    }

    /// Forgets everyone on a link, because it is another one now.
    pub(crate) fn forget(&mut self, interface: Interface) {
        self.entries.retain(|(at, _), _| *at != interface);
    }

    /// What is due by now.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Wanted> {
        if self.soonest.is_none_or(|soonest| soonest > now) {
            return Vec::new();
        }
        let mut wanted = Vec::new();
        let mut gone = Vec::new();
        for ((interface, target), entry) in &mut self.entries {
            let (interface, target) = (*interface, *target);
            match entry.state {
                State::Incomplete { sent, again_at } if again_at <= now => {
                    if sent == SOLICITS_MAX {
                        let frames = entry.waiting.drain(..).collect();
                        wanted.push(Wanted::Unreachable { interface, target, frames });
                        gone.push((interface, target));
                        continue;
                    }
                    wanted.push(Wanted::Solicit { interface, target, to: None });
                    let again_at = now + RETRANS_TIMER;
                    entry.state = State::Incomplete { sent: sent + 1, again_at };
                }
                State::Delay { until } if until <= now => {
                    wanted.push(Wanted::Solicit { interface, target, to: entry.mac });
                    entry.state = State::Probe { sent: 1, again_at: now + RETRANS_TIMER };
                }
                State::Probe { sent, again_at } if again_at <= now => {
                    if sent == SOLICITS_MAX {
                        let frames = entry.waiting.drain(..).collect();
                        wanted.push(Wanted::Unreachable { interface, target, frames });
                        gone.push((interface, target));
                        continue;
                    }
                    wanted.push(Wanted::Solicit { interface, target, to: entry.mac });
                    entry.state = State::Probe { sent: sent + 1, again_at: now + RETRANS_TIMER };
                }
                State::Incomplete { .. }
                | State::Delay { .. }
                | State::Probe { .. }
                | State::Reachable { .. }
                | State::Stale => {}
            }
        }
        for key in gone {
            self.entries.remove(&key);
        }
        self.soonest = self.entries.values().filter_map(|entry| entry.state.deadline()).min();
        wanted
    }

    /// When [`due`](Self::due) has something.
    pub(crate) fn poll_timeout(&self) -> Option<Wakeup> {
        self.soonest.map(|at| Wakeup { at, why: "neighbour silent" })
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        let waiting = self.entries.values().map(|entry| entry.waiting.len()).sum();
        held.for_room("neighbours", self.entries.len(), ENTRIES_MAX);
        held.in_time("frames that wait for a neighbour", waiting, ENTRIES_MAX * WAITING_MAX);
    }

    fn wake(&mut self, at: Instant) {
        self.soonest = Some(self.soonest.map_or(at, |soonest| soonest.min(at)));
    }
}

impl Entry {
    fn queue(&mut self, frame: Option<Vec<u8>>) {
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.extend(frame);
    }
}

impl State {
    const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Incomplete { again_at, .. } | Self::Probe { again_at, .. } => Some(again_at),
            Self::Delay { until } => Some(until),
            Self::Reachable { .. } | Self::Stale => None,
        }
    }
}
