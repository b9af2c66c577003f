//! A correspondent's binding cache (RFC 6275 §9.1): one entry for each of its own addresses and
//! each home address.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::{NonceIndices, Sequence};

use super::return_routability::MAX_NONCE_LIFETIME;
use crate::{Held, Instant, Wakeup};

/// Bindings, and what is remembered of those that are gone.
#[derive(Debug, Default)]
pub(super) struct BindingCache {
    entries: BTreeMap<Ends, Binding>,
    gone: BTreeMap<Ends, Gone>,
    soonest: Option<Wakeup>,
}

/// Which of the correspondent's addresses, and whose home address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ends {
    pub(super) local: Ipv6Addr,
    pub(super) home: Ipv6Addr,
}

/// One binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) care_of: Ipv6Addr,
    pub(super) sequence: Sequence,
    pub(super) nonces: NonceIndices,
    pub(super) expires_at: Instant,
    used_at: Option<Instant>,
    /// When the mobile node is next to be asked to renew it.
    ask_at: Instant,
    asked: u8,
    /// Times that a router said that the care-of address cannot be reached.
    complaints: u8,
    complained_at: Option<Instant>,
}

/// What is remembered of a binding that was removed, so that no old update makes it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) care_of: Ipv6Addr,
    pub(super) sequence: Sequence,
    pub(super) nonces: NonceIndices,
    pub(super) gone_at: Instant,
}

/// What is due in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// A binding ran out.
    Expired(Ends, Ipv6Addr),
    /// A binding in use is about to run out.
    Ask(Ends),
}

/// Bindings at most; a flood gets status 130, bindings that are there stay.
pub(super) const BINDINGS_MAX: usize = 4096;
/// How long before its end a binding's renewal is asked for; a quarter of a shorter life.
const ASK_BEFORE: Duration = Duration::from_secs(30);
/// Between two requests for the same binding (RFC 6275 §9.5.5: rate limited).
const ASK_AGAIN: Duration = Duration::from_secs(10);
const ASKS_MAX: u8 = 3;
/// A binding that carried no packet for so long is not in use.
const IN_USE: Duration = Duration::from_secs(10);
/// Complaints of routers, a second apart, that end a binding (RFC 6275 §9.3.4: persistent ones).
const COMPLAINTS_MAX: u8 = 3;
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

impl BindingCache {
    pub(super) fn find(&self, now: Instant, ends: Ends) -> Option<&Binding> {
        self.entries.get(&ends).filter(|binding| now < binding.expires_at)
    }

    /// Where packets for `ends` go; the binding counts as used.
    pub(super) fn way(&mut self, now: Instant, ends: Ends) -> Option<Ipv6Addr> {
        let binding = self.entries.get_mut(&ends).filter(|binding| now < binding.expires_at)?;
        binding.used_at = Some(now);
        Some(binding.care_of)
    }

    /// Notes a packet from the mobile node by way of its binding.
    pub(super) fn heard(&mut self, now: Instant, ends: Ends) {
        if let Some(binding) = self.entries.get_mut(&ends) {
            binding.used_at = Some(now);
            (binding.complaints, binding.complained_at) = (0, None);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= BINDINGS_MAX
    }

    /// Makes a binding, or renews it.
    pub(super) fn bind(
        &mut self,
        now: Instant,
        ends: Ends,
        (care_of, sequence, nonces): (Ipv6Addr, Sequence, NonceIndices),
        lifetime: Duration,
    ) {
        let used_at = self.entries.get(&ends).and_then(|binding| binding.used_at);
        let expires_at = now + lifetime;
        let ask_at = now + lifetime.saturating_sub(ASK_BEFORE.min(lifetime / 4));
        let binding = Binding {
            care_of,
            sequence,
            nonces,
            expires_at,
            used_at,
            ask_at,
            asked: 0,
            complaints: 0,
            complained_at: None,
        };
        self.entries.insert(ends, binding);
        self.gone.remove(&ends);
        self.plan();
    }

    /// Removes a binding; what an old update could make it of anew is remembered.
    pub(super) fn unbind(&mut self, now: Instant, ends: Ends, sequence: Option<Sequence>) -> bool {
        let Some(binding) = self.entries.remove(&ends) else { return false };
        let Binding { care_of, nonces, .. } = binding;
        let sequence = sequence.unwrap_or(binding.sequence);
        if self.gone.len() >= BINDINGS_MAX {
            self.gone.retain(|_, gone| now - gone.gone_at < MAX_NONCE_LIFETIME);
        }
        if self.gone.len() < BINDINGS_MAX {
            self.gone.insert(ends, Gone { care_of, sequence, nonces, gone_at: now });
        }
        self.plan();
        true
    }

    /// What is remembered of a binding that is gone.
    pub(super) fn gone(&self, now: Instant, ends: Ends) -> Option<&Gone> {
        self.gone.get(&ends).filter(|gone| now - gone.gone_at < MAX_NONCE_LIFETIME)
    }

    /// Notes that a router could not deliver to the care-of address of `ends`; whether that ends
    /// the binding.
    pub(super) fn complain(&mut self, now: Instant, ends: Ends, care_of: Ipv6Addr) -> bool {
        let Some(binding) = self.entries.get_mut(&ends) else { return false };
        let too_soon = binding.complained_at.is_some_and(|last| now - last < COMPLAINT_INTERVAL);
        if binding.care_of != care_of || too_soon {
            return false;
        }
        binding.complaints += 1;
        binding.complained_at = Some(now);
        binding.complaints >= COMPLAINTS_MAX
    }

    /// Everything that is due by now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Due> {
        if self.soonest.is_none_or(|soonest| soonest.at > now) {
            return Vec::new();
        }
        let mut due = Vec::new();
        for (ends, binding) in &mut self.entries {
            if binding.expires_at <= now {
                due.push(Due::Expired(*ends, binding.care_of));
            } else if binding.ask_at <= now {
                if binding.used_at.is_some_and(|used| now - used <= IN_USE) {
                    due.push(Due::Ask(*ends));
                }
                binding.asked += 1;
                binding.ask_at =
                    if binding.asked < ASKS_MAX { now + ASK_AGAIN } else { binding.expires_at };
            }
        }
        for one in &due {
            if let Due::Expired(ends, _) = one {
                self.unbind(now, *ends, None);
            }
        }
        self.plan();
        due
    }

    /// Counts what is kept.
    pub(super) fn held(&self, held: &mut Held) {
        held.in_time("bindings", self.entries.len(), BINDINGS_MAX);
        held.for_room("bindings that are gone", self.gone.len(), BINDINGS_MAX);
    }

    /// When [`due`](Self::due) has something.
    pub(super) const fn poll_timeout(&self) -> Option<Wakeup> {
        self.soonest
    }

    fn plan(&mut self) {
        let at = self.entries.values().map(|one| one.expires_at.min(one.ask_at)).min();
        self.soonest = at.map(|at| Wakeup { at, why: "binding lifetime" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends = Ends {
        local: Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc),
        home: Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100),
    };
    const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0x77);

    #[test]
    fn an_unused_binding_runs_out_unasked() {
        let mut cache = bound(420);
        let mut seen = Vec::new();
        while let Some(wakeup) = cache.poll_timeout() {
            seen.extend(cache.due(wakeup.at).into_iter().map(|due| (wakeup.at, due)));
        }
        assert_eq!(seen, [(at(420), Due::Expired(ENDS, CARE_OF))]);
        assert_eq!(cache.way(at(420), ENDS), None);
        assert!(cache.gone(at(421), ENDS).is_some());
    }

    #[test]
    fn a_binding_in_use_is_asked_for_three_times() {
        let mut cache = bound(420);
        let mut asked = Vec::new();
        for second in 1..=420 {
            cache.way(at(second), ENDS);
            let due = cache.due(at(second));
            asked.extend(due.contains(&Due::Ask(ENDS)).then_some(second));
        }
        assert_eq!(asked, [390, 400, 410]);
    }

    #[test]
    fn a_renewal_ends_the_requests() {
        let mut cache = bound(40);
        cache.way(at(29), ENDS);
        assert_eq!(cache.due(at(30)), [Due::Ask(ENDS)]);
        cache.bind(at(31), ENDS, (CARE_OF, Sequence(8), NONCES), Duration::from_secs(40));
        assert_eq!(cache.poll_timeout().map(|wakeup| wakeup.at), Some(at(61)));
    }

    #[test]
    fn it_is_over_at_its_end_even_before_anyone_looks() {
        let mut cache = bound(40);
        assert_eq!(cache.way(at(39), ENDS), Some(CARE_OF));
        assert_eq!(cache.way(at(40), ENDS), None);
        assert!(cache.find(at(40), ENDS).is_none());
    }

    #[test]
    fn only_persistent_complaints_end_a_binding() {
        let mut cache = bound(420);
        let elsewhere = Ipv6Addr::LOCALHOST;
        let mut complain = |second, care_of| cache.complain(at(second), ENDS, care_of);
        assert!(!complain(1, CARE_OF));
        assert!(!complain(1, CARE_OF), "the same second");
        assert!(!complain(2, elsewhere), "another address");
        assert!(!complain(3, CARE_OF));
        cache.heard(at(4), ENDS);
        let mut complain = |second, care_of| cache.complain(at(second), ENDS, care_of);
        assert!(!complain(5, CARE_OF), "heard from it since");
        assert!(!complain(6, CARE_OF));
        assert!(complain(7, CARE_OF));
    }

    const NONCES: NonceIndices = NonceIndices { home: 11, care_of: 12 };

    fn bound(lifetime: u64) -> BindingCache {
        let mut cache = BindingCache::default();
        let what = (CARE_OF, Sequence(7), NONCES);
        cache.bind(at(0), ENDS, what, Duration::from_secs(lifetime));
        cache
    }

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }
}
