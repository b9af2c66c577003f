//! One correspondent and the route to it: tests, tokens, updates, the binding (RFC 6275 §11.1,
//! §11.6, §11.7.2).

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::{Lifetime, Sequence};

use super::home::{INITIAL_BINDACK_TIMEOUT, MAX_BINDACK_TIMEOUT, MAX_UPDATE_RATE, refresh_before};
use super::optimization::{Optimization, Trigger};
use crate::Instant;
use crate::entropy::Entropy;

/// What the terminal knows of itself when it deals with its correspondents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whereabouts {
    pub(super) home: Ipv6Addr,
    /// The care-of address that the home agent knows or is being told.
    pub(super) care_of: Option<Ipv6Addr>,
    pub(super) at_home: bool,
    /// Whether the home registration is complete.
    pub(super) complete: bool,
    /// What is left of the home binding.
    pub(super) remaining: Duration,
    /// The longest lifetime to ask a correspondent for.
    pub(super) lifetime_max: Duration,
    pub(super) habits: Habits,
}

/// Misdeeds that concern tests, updates and bindings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Habits {
    pub(super) tries_once: bool,
    pub(super) gives_up_at_first_loss: bool,
    pub(super) never_refreshes: bool,
    pub(super) trusts_binding_of_before: bool,
    pub(super) leaves_binding_at_home: bool,
}

/// One correspondent.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) address: Ipv6Addr,
    pub(super) state: Optimization,
    pub(super) home_test: Test,
    pub(super) care_of_test: Test,
    tries: Tries,
    /// Until when tests go on; `None` = as long as the back-off lasts.
    deadline: Option<Instant>,
    pub(super) sequence: Sequence,
    /// Unanswered updates, the newest last.
    pub(super) asked: VecDeque<Asked>,
    update_due: Option<(Instant, Duration)>,
    pub(super) binding: Option<Binding>,
    /// A binding that the peer may hold although it has not said so.
    pub(super) believed: Option<Binding>,
    /// The peer said that it knows no Mobile IPv6; it is asked again after this.
    pub(super) incapable_until: Option<Instant>,
    /// Calls and wishes that want the direct route.
    pub(super) holders: u32,
    /// A binding was in force once.
    pub(super) ever_bound: bool,
    rates: [Rate; 3],
    /// The largest packet that reaches the peer directly, octets.
    pub(super) path_mtu: usize,
}

/// One of the two tests (RFC 6275 §5.2.5).
#[derive(Debug, Default)]
pub(super) struct Test {
    /// The cookie of the newest message, until it is answered.
    pub(super) cookie: Option<[u8; 8]>,
    pub(super) token: Option<Token>,
}

/// A keygen token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) octets: [u8; 8],
    pub(super) nonce_index: u16,
    pub(super) obtained_at: Instant,
}

/// A binding at the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) care_of: Ipv6Addr,
    pub(super) expires_at: Instant,
    pub(super) refresh_at: Instant,
}

/// A Binding Update to be sent to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) sequence: Sequence,
    /// Zero = forget the binding.
    pub(super) lifetime: Lifetime,
    /// The home address itself where the binding is to be forgotten.
    pub(super) care_of: Ipv6Addr,
    pub(super) home_token: Token,
    pub(super) care_of_token: Option<Token>,
    pub(super) sent_at: Instant,
}

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToSend {
    HomeTestInit { peer: Ipv6Addr, cookie: [u8; 8] },
    CareOfTestInit { peer: Ipv6Addr, cookie: [u8; 8] },
    Update { peer: Ipv6Addr, asked: Asked },
}

/// When the tests are sent.
#[derive(Debug, Clone, Copy, Default)]
struct Tries {
    next_at: Option<Instant>,
    interval: Duration,
}

/// The last times that messages of one type went to the peer.
#[derive(Debug, Default)]
struct Rate(VecDeque<Instant>);

/// MAX_TOKEN_LIFETIME (RFC 6275 §12).
const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(210);
/// A binding with less left is renewed before a call is answered on it (decision D7).
pub(super) const FRESH: Duration = Duration::from_secs(10);
/// How long a peer without Mobile IPv6 is left alone (RFC 6275 §11.3.5 leaves it open).
pub(super) const INCAPABLE: Duration = Duration::from_secs(60);
/// Updates that are remembered while unanswered.
const ASKED_MAX: usize = 8;
const SECOND: Duration = Duration::from_secs(1);

impl Peer {
    pub(super) fn new(address: Ipv6Addr, start: Sequence) -> Self {
        Self {
            address,
            state: Optimization::default(),
            home_test: Test::default(),
            care_of_test: Test::default(),
            tries: Tries::default(),
            deadline: None,
            sequence: start,
            asked: VecDeque::new(),
            update_due: None,
            binding: None,
            believed: None,
            incapable_until: None,
            holders: 0,
            ever_bound: false,
            rates: Default::default(),
            path_mtu: crate::host::LINK_MTU,
        }
    }

    /// Somebody wants the direct route until `deadline` at the latest.
    pub(super) fn want(&mut self, now: Instant, deadline: Option<Instant>) {
        if self.state.is_under_way() {
            self.hurry(now, deadline);
            self.deadline = match (self.deadline, deadline) {
                (Some(one), Some(other)) => Some(one.max(other)),
                (None, _) | (_, None) => None,
            };
            return;
        }
        self.deadline = deadline;
        self.on(now, Trigger::Wanted);
        if self.incapable_until.is_some_and(|until| until > now) {
            self.on(now, Trigger::Hopeless);
        }
    }

    /// The back-off begins anew where it would give up, or try nothing more, before `deadline`: whoever wants the
    /// route only now waits as long as the first did.
    fn hurry(&mut self, now: Instant, deadline: Option<Instant>) {
        //= CL-RO-12
        let Some(deadline) = deadline else { return };
        let is_late =
            |at: Instant, interval: Duration| at >= deadline || interval > MAX_BINDACK_TIMEOUT;
        if self.update_due.is_some_and(|(at, interval)| is_late(at, interval)) {
            self.update_due = Some((now, INITIAL_BINDACK_TIMEOUT));
        }
        if self.tries.next_at.is_some_and(|at| is_late(at, self.tries.interval)) {
            self.tries = Tries { next_at: Some(now), interval: SECOND };
        }
    }

    /// Whether a call may be answered on the binding (decision D7).
    pub(super) fn is_fresh(&self, now: Instant, at: &Whereabouts) -> bool {
        self.current(now, at).is_some_and(|binding| binding.expires_at - now >= FRESH)
    }

    /// The binding that packets may use now: acknowledged, alive, for the present care-of address.
    pub(super) fn current(&self, now: Instant, at: &Whereabouts) -> Option<Binding> {
        self.binding.filter(|one| one.expires_at > now && Some(one.care_of) == at.care_of)
    }

    /// Whether the peer may send to a care-of address.
    pub(super) fn may_be_bound(&self, now: Instant) -> bool {
        [self.binding, self.believed].into_iter().flatten().any(|one| one.expires_at > now)
    }

    /// The terminal is somewhere else now.
    pub(super) fn moved(&mut self, now: Instant) {
        self.care_of_test = Test::default();
        self.asked.clear();
        if self.may_be_bound(now) {
            //= CL-RO-12
            //# a binding that the peer may hold is moved, whatever became of the call it was for
            self.deadline = None;
        }
        if self.state.is_under_way() {
            self.on(now, Trigger::Moved);
        } else if self.may_be_bound(now) || self.holders > 0 {
            self.want(now, None);
        }
    }

    /// The binding is no more (Binding Error status 1): it is made again where it is still wanted.
    pub(super) fn lost(&mut self, now: Instant) {
        if self.binding.is_none() && self.state.is_under_way() {
            // It is being made again: of packets in a row each brings about an error.
            return;
        }
        self.binding = None;
        self.believed = None;
        self.asked.clear();
        if self.state == Optimization::Updating {
            self.on(now, Trigger::Moved);
        } else if self.holders > 0 {
            self.want(now, None);
        }
    }

    pub(super) fn on(&mut self, now: Instant, trigger: Trigger) -> bool {
        let Some(next) = self.state.on(trigger) else { return false };
        self.state = next;
        match next {
            Optimization::Testing => {
                self.tries = Tries { next_at: Some(now), interval: SECOND };
            }
            Optimization::Updating => {
                self.update_due = Some((now, INITIAL_BINDACK_TIMEOUT));
            }
            Optimization::Resting | Optimization::Waiting | Optimization::Failed => {
                self.update_due = None;
                self.tries.next_at = None;
                self.home_test.cookie = None;
                self.care_of_test.cookie = None;
            }
        }
        true
    }

    /// Does what is due by now.
    pub(super) fn run(
        &mut self,
        now: Instant,
        at: &Whereabouts,
        entropy: &mut Entropy,
        out: &mut Vec<ToSend>,
    ) {
        self.expire(now);
        if let Some(binding) = &mut self.binding
            && at.habits.never_refreshes
        {
            binding.refresh_at = binding.expires_at;
        }
        if self.state == Optimization::Resting
            && self.holders > 0
            && self.binding.is_some_and(|binding| binding.refresh_at <= now)
        {
            //= CL-RO-28
            self.want(now, None);
        }
        if at.at_home && self.state.is_under_way() && !self.may_be_bound(now) {
            //= CL-RO-08
            //= CL-RO-30
            self.on(now, Trigger::Dropped);
        }
        if at.care_of.is_none() && !at.at_home {
            // Nowhere, or refused: there is no address to test or to bind, and none to forget.
            self.on(now, Trigger::Moved);
        }
        //= CL-RO-31
        if self.state == Optimization::Waiting && at.complete {
            self.on(now, Trigger::HomeReady);
        }
        if self.state == Optimization::Testing {
            if self.tokens(at).is_some() {
                self.on(now, Trigger::TokensComplete);
            } else {
                self.test(now, at, entropy, out);
            }
        }
        if self.state == Optimization::Updating {
            self.update(now, at, out);
        }
    }

    /// The tests begin anew, as if nothing had been sent: a misdeed.
    pub(super) fn begin_again(&mut self, now: Instant) {
        if self.state.is_under_way() {
            self.home_test = Test::default();
            self.care_of_test = Test::default();
            self.state = Optimization::Testing;
            self.tries = Tries { next_at: Some(now), interval: SECOND };
        }
    }

    /// An update goes out at once, its back-off as it was.
    pub(super) fn update_again(&mut self, now: Instant) {
        self.update_due = self.update_due.map(|(_, interval)| (now, interval));
    }

    /// When [`run`](Self::run) has something to do.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let (tries, update, deadline) = match self.state {
            Optimization::Testing => (self.tries.next_at, None, self.deadline),
            Optimization::Updating => (None, self.update_due.map(|(at, _)| at), None),
            Optimization::Waiting => (None, None, self.deadline),
            Optimization::Resting | Optimization::Failed => (None, None, None),
        };
        let refresh = self
            .binding
            .filter(|_| self.holders > 0 && self.state == Optimization::Resting)
            .map(|binding| binding.refresh_at);
        let expires = [self.binding, self.believed].into_iter().flatten().map(|one| one.expires_at);
        let expires = expires.min();
        let tries =
            tries.map(|at| self.rates[..2].iter().fold(at, |at, rate| at.max(rate.free_at())));
        let update = update.map(|at| at.max(self.rates[2].free_at()));
        [tries, update, deadline, refresh, expires].into_iter().flatten().min()
    }

    fn expire(&mut self, now: Instant) {
        let alive = |one: &Binding| one.expires_at > now;
        self.binding = self.binding.filter(alive);
        self.believed = self.believed.filter(alive);
        for test in [&mut self.home_test, &mut self.care_of_test] {
            test.token = test.token.filter(|token| now - token.obtained_at < MAX_TOKEN_LIFETIME);
        }
        let over = self.deadline.is_some_and(|deadline| deadline <= now);
        if over && matches!(self.state, Optimization::Waiting | Optimization::Testing) {
            self.on(now, Trigger::Hopeless);
        }
    }

    /// The tokens that an update needs: both, or the home token alone to forget a binding from home.
    fn tokens(&self, at: &Whereabouts) -> Option<(Token, Option<Token>)> {
        let home = self.home_test.token?;
        if at.at_home {
            return Some((home, None));
        }
        Some((home, Some(self.care_of_test.token?)))
    }

    fn test(
        &mut self,
        now: Instant,
        at: &Whereabouts,
        entropy: &mut Entropy,
        out: &mut Vec<ToSend>,
    ) {
        if self.tries.next_at.is_none_or(|next| next > now) {
            return;
        }
        let lost_one = self.tries.interval > SECOND;
        if self.gives_up(now, at, self.tries.interval)
            || (lost_one && at.habits.gives_up_at_first_loss)
        {
            self.on(now, Trigger::Hopeless);
            return;
        }
        let [home_rate, care_of_rate, _] = &mut self.rates;
        if !home_rate.allows(now) || !care_of_rate.allows(now) {
            return;
        }
        let peer = self.address;
        if self.home_test.token.is_none() {
            let cookie = entropy.octets();
            self.home_test.cookie = Some(cookie);
            home_rate.note(now);
            out.push(ToSend::HomeTestInit { peer, cookie });
        }
        if self.care_of_test.token.is_none() && !at.at_home {
            let cookie = entropy.octets();
            self.care_of_test.cookie = Some(cookie);
            care_of_rate.note(now);
            out.push(ToSend::CareOfTestInit { peer, cookie });
        }
        let interval = self.tries.interval.min(MAX_BINDACK_TIMEOUT);
        self.tries.next_at = (!at.habits.tries_once).then(|| now + interval);
        self.tries.interval = interval * 2;
    }

    /// Whether the back-off is over (RFC 6275 §11.8). At home it goes on at its slowest while the peer may hold a
    /// binding, for until then whatever it sends is lost.
    fn gives_up(&self, now: Instant, at: &Whereabouts, interval: Duration) -> bool {
        let goes_on = at.at_home && self.may_be_bound(now) && !at.habits.leaves_binding_at_home;
        interval > MAX_BINDACK_TIMEOUT && !goes_on
    }

    fn update(&mut self, now: Instant, at: &Whereabouts, out: &mut Vec<ToSend>) {
        let Some((due, interval)) = self.update_due else { return };
        if due > now {
            return;
        }
        let Some((home_token, care_of_token)) = self.tokens(at) else {
            self.on(now, Trigger::TokensExpired);
            return;
        };
        if self.gives_up(now, at, interval) {
            self.on(now, Trigger::Hopeless);
            return;
        }
        if !self.rates[2].allows(now) {
            return;
        }
        let (care_of, lifetime) = match at.care_of {
            //= MN-CR-03
            Some(care_of) if !at.at_home => {
                (care_of, Lifetime::from_duration(at.lifetime_max.min(at.remaining)))
            }
            Some(_) | None => (at.home, Lifetime::ZERO),
        };
        self.sequence = self.sequence.next();
        let sequence = self.sequence;
        let asked = Asked { sequence, lifetime, care_of, home_token, care_of_token, sent_at: now };
        if self.asked.len() == ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
        self.rates[2].note(now);
        let interval = interval.min(MAX_BINDACK_TIMEOUT);
        self.update_due = (!at.habits.tries_once).then(|| (now + interval, interval * 2));
        // Whether the peer takes it or not, what it acknowledged before is certain no more.
        let trusts = at.habits.trusts_binding_of_before;
        let before = self.binding.take_if(|binding| binding.care_of != care_of && !trusts);
        let asks = (lifetime != Lifetime::ZERO).then(|| asked.binding(lifetime));
        self.believed =
            [self.believed, before, asks].into_iter().flatten().max_by_key(|one| one.expires_at);
        out.push(ToSend::Update { peer: self.address, asked });
    }
}

impl Asked {
    /// The binding that this update makes when it is granted `lifetime`.
    pub(super) fn binding(&self, lifetime: Lifetime) -> Binding {
        let granted = lifetime.duration().min(self.lifetime.duration());
        let expires_at = self.sent_at + granted;
        let refresh_at = self.sent_at + (granted - refresh_before(granted));
        Binding { care_of: self.care_of, expires_at, refresh_at }
    }
}

impl Rate {
    //= MN-RR-17
    fn allows(&mut self, now: Instant) -> bool {
        while self.0.front().is_some_and(|at| now - *at >= SECOND) {
            self.0.pop_front();
        }
        self.0.len() < MAX_UPDATE_RATE
    }

    fn note(&mut self, now: Instant) {
        self.0.push_back(now);
    }

    /// When one more is allowed.
    fn free_at(&self) -> Instant {
        let beyond = self.0.len().checked_sub(MAX_UPDATE_RATE);
        beyond.and_then(|index| self.0.get(index)).map_or(Instant::ZERO, |at| *at + SECOND)
    }
}
