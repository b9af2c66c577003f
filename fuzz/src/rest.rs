//! That a node comes to rest: what it keeps stays within bounds, and once nothing has happened for long, nothing is
//! left of what did, and every timer has fired or was cancelled. Links are up then, and neighbours answer.
//!
//! Time passes in leaps, each four times the last, so that lifetimes of days take no longer than those of seconds. A user
//! hangs up before each: a call that rings elsewhere is his to end.

use std::collections::BTreeMap;
use std::time::Duration;

use roamproof_node::held::{Ends, Held};
use roamproof_node::{Command, Input};

use crate::node::Bench;

/// What a node keeps that has come to rest, by store.
pub(crate) type Rest = BTreeMap<&'static str, usize>;

impl Bench {
    /// Lets time pass without any other input until nothing is left of what happened, as far as the
    /// node ends it.
    pub(crate) fn come_to_rest(&mut self) {
        self.plug_in();
        for leap in 0..LEAPS {
            self.put(Input::Command(&Command::Hangup));
            self.leap(Duration::from_secs(1 << (2 * leap)));
        }
    }

    /// What it keeps that ends in time.
    pub(crate) fn rest(&self) -> Rest {
        let held = self.node.held();
        let in_time = held.stores().filter(|store| store.ends == Ends::InTime);
        in_time.map(|store| (store.what, store.count)).collect()
    }

    /// # Panics
    ///
    /// Where more is kept than may ever be, or than so many inputs can have brought about.
    pub(crate) fn is_bounded(&self) {
        let held: Held = self.node.held();
        for store in held.stores() {
            let (what, count) = (store.what, store.count);
            assert!(store.most.is_none_or(|most| count <= most), "{count} {what}");
            assert!(count <= PER_INPUT_MAX * self.inputs, "{count} {what} after few inputs");
        }
    }

    /// # Panics
    ///
    /// Where more is left than of a node to which nothing has happened, or it waits for something that
    /// nobody would wait for then.
    pub(crate) fn is_at_rest(&mut self, rest: &Rest) {
        for (what, count) in self.rest() {
            let usual = rest.get(what).copied().unwrap_or_default();
            assert!(count <= usual.max(usually(what)), "{count} {what} are left for ever");
        }
        for _ in 0..WAKEUPS {
            let Some(wakeup) = self.node.poll_timeout() else { return };
            assert!(PERIODIC.contains(&wakeup.why), "waits for ever: {}", wakeup.why);
            assert!(wakeup.at > self.now, "is late for ever: {}", wakeup.why);
            self.pass(wakeup.at - self.now);
        }
    }
}

/// What there may be besides, at the moment at which rest is looked at: who is registered with nobody asks
/// again and again.
fn usually(what: &str) -> usize {
    usize::from(what == "client transactions")
}

/// Leaps of one second, four, sixteen and so on: sixteen days in all, and the longest lifetime is of three
/// (RFC 6275 §6.1.7: 65,535 units of four seconds).
const LEAPS: u32 = 11;
/// Entries of one store that one input can make: a REGISTER of ten contacts makes ten copies of what
/// comes for them, an offer names eight addresses.
const PER_INPUT_MAX: usize = 16;
/// Wake-ups looked at.
const WAKEUPS: usize = 4;
/// What a node at rest waits for: it advertises itself for ever, and a telephone tries to register for
/// ever, which its router or server may not answer.
const PERIODIC: &[&str] =
    &["router advertisement", "registration due", "SIP request unanswered", "neighbour silent"];
