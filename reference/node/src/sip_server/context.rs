//! A response context: one request that was forwarded, its branches and what came of them
//! (RFC 3261 16.7).

use std::collections::VecDeque;
use std::time::Duration;

use roamproof_wire::sip::{Fields, HeaderName, Message, Uri, reason_phrase};

use crate::sip::{ClientKey, Hop};
use crate::{Instant, Wakeup};

/// A request that was forwarded.
#[derive(Debug)]
pub(super) struct Context {
    /// As it came in, own routes taken away.
    pub(super) request: Message,
    pub(super) from: Hop,
    /// By which the request is known again.
    pub(super) mark: u64,
    pub(super) branches: Vec<Branch>,
    /// Targets not tried yet, in groups to be tried together.
    pub(super) untried: VecDeque<Vec<Uri>>,
    /// Whether a final response has gone upstream.
    pub(super) answered: bool,
    /// Whether the caller gave up.
    pub(super) cancelled: bool,
}

/// One copy of the request.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) key: ClientKey,
    pub(super) provisional: bool,
    pub(super) cancel: Cancel,
    /// The final response; one of our own making where none came.
    pub(super) outcome: Option<Message>,
    /// Timer C, or after a CANCEL the end of waiting for its effect.
    pub(super) patience: Option<Instant>,
}

/// Whether a branch is to be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancel {
    /// No.
    No,
    /// As soon as a provisional response allows it.
    Wanted,
    /// Done.
    Sent,
}

impl Context {
    pub(super) fn branch_mut(&mut self, key: &ClientKey) -> Option<&mut Branch> {
        self.branches.iter_mut().find(|branch| branch.key == *key)
    }

    /// Whether every copy has come to its end.
    pub(super) fn is_settled(&self) -> bool {
        self.branches.iter().all(|branch| branch.outcome.is_some())
    }

    /// The best of the final responses (RFC 3261 16.7 item 6), ready to go upstream.
    pub(super) fn best(&self) -> Option<Message> {
        let outcomes = || self.branches.iter().filter_map(|branch| branch.outcome.as_ref());
        //= PRX-24
        let mut best =
            outcomes().min_by_key(|outcome| preference(outcome.status().unwrap_or(500)))?.clone();
        let status = best.status().unwrap_or(500);
        if matches!(status, 401 | 407) {
            //= PRX-25
            best = with_all_challenges(best, outcomes());
        }
        if status == 503 {
            //= PRX-26
            //# that somebody downstream is overloaded says nothing of this proxy
            let mut replacement = Message::response_to(&self.request, 500, reason_phrase(500));
            if let Some(to) =
                best.header_list().iter().find(|header| header.name() == HeaderName::To)
            {
                replacement.replace(HeaderName::To, to.text());
            }
            best = replacement;
        }
        Some(best)
    }

    /// The soonest end of patience.
    pub(super) fn wakeup(&self) -> Option<Wakeup> {
        let ends = self.branches.iter().filter_map(|branch| branch.patience);
        ends.min().map(|at| Wakeup { at, why: "timer C" })
    }
}

impl Branch {
    pub(super) const fn new(key: ClientKey, patience: Option<Instant>) -> Self {
        Self { key, provisional: false, cancel: Cancel::No, outcome: None, patience }
    }

    /// Whether a CANCEL is to leave now; one that may not yet is noted.
    pub(super) fn wants_cancel_now(&mut self) -> bool {
        if self.outcome.is_some() || self.cancel == Cancel::Sent {
            return false;
        }
        //= CL-RO-17
        //# held until the first provisional response
        self.cancel = if self.provisional { Cancel::Sent } else { Cancel::Wanted };
        self.provisional
    }
}

/// Lower is better: 6xx, then the lower class, then those that tell the caller what to do.
const fn preference(status: u16) -> (u16, u16, u16) {
    let class = if status >= 600 { 0 } else { status / 100 };
    let helpful = if matches!(status, 401 | 407 | 415 | 420 | 484) { 0 } else { 1 };
    let late = if status == 408 || status == 503 { 1 } else { 0 };
    (class, helpful, late)
}

fn with_all_challenges<'a>(
    mut best: Message,
    outcomes: impl Iterator<Item = &'a Message>,
) -> Message {
    let names = [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate];
    let mut missing = Vec::new();
    for outcome in outcomes.filter(|outcome| matches!(outcome.status(), Some(401 | 407))) {
        for header in outcome.header_list().iter().filter(|header| names.contains(&header.name())) {
            if !best.header_list().contains(header) && !missing.contains(header) {
                missing.push(header.clone());
            }
        }
    }
    missing.into_iter().for_each(|header| best.push_header(header));
    best
}

/// Timer C: more than three minutes (RFC 3261 16.6 item 11).
pub(super) const TIMER_C: Duration = Duration::from_secs(181);
