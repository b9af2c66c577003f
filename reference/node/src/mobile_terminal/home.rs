//! The home registration: what is asked of the home agent, when, and what its answers mean
//! (RFC 6275 §11.7.1, §11.7.3, §11.8; RFC 4285 §6).

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::{Lifetime, NtpTimestamp, Sequence, Status};

use super::movement::Place;
use super::registration::{Registration, Trigger};
use crate::{Instant, Wakeup};

/// The home registration of one home address.
#[derive(Debug)]
pub(super) struct HomeRegistration {
    state: Registration,
    place: Place,
    /// Whether somebody defended the home address when it was probed at home.
    defended: bool,
    sequence: Sequence,
    /// Updates of the present exchange, the newest last.
    asked: VecDeque<Asked>,
    retransmission: Option<Retransmission>,
    binding: Option<Binding>,
    /// Until when the home agent may hold a binding of ours, acknowledged or not.
    may_be_bound_until: Option<Instant>,
    /// When a refused registration is tried again; grows with each refusal.
    retry: Option<Instant>,
    refusals: u32,
    /// When updates were sent lately (MAX_UPDATE_RATE).
    sent: VecDeque<Instant>,
    /// What the home agent's clock is ahead of ours, and the last time stamp used.
    clock_ahead: ClockOffset,
    last_stamp: Duration,
    settings: Settings,
}

/// What of the configuration matters here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) home: Ipv6Addr,
    pub(super) lifetime: Duration,
    pub(super) first_timeout: Duration,
    /// The Unix time of [`Instant::ZERO`].
    pub(super) epoch: Duration,
}

/// An update to be sent to the home agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) sequence: Sequence,
    /// Zero = forget the binding.
    pub(super) lifetime: Lifetime,
    /// The care-of address; the home address itself at home.
    pub(super) care_of: Ipv6Addr,
    /// The time stamp of RFC 4285.
    pub(super) stamp: NtpTimestamp,
    sent_at: Instant,
}

/// An acknowledgement, authenticated where the configuration wants it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) status: Status,
    pub(super) sequence: Sequence,
    pub(super) lifetime: Lifetime,
    /// The time stamp in it: the one asked with, or the home agent's own for status 144.
    pub(super) stamp: Option<NtpTimestamp>,
    /// Refresh Advice.
    pub(super) refresh: Option<Duration>,
}

/// What an answer, a move or a deadline led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing.
    Unchanged,
    /// The home agent forwards to this care-of address for this many seconds.
    Bound(Ipv6Addr, u32),
    /// The binding is gone: the terminal is at home.
    Unbound,
    /// Refused with this status.
    Refused(Status),
    /// Not taken, for this reason.
    Ignored(&'static str),
}

#[derive(Debug, Clone, Copy)]
struct Binding {
    care_of: Ipv6Addr,
    expires_at: Instant,
    refresh_at: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Retransmission {
    at: Instant,
    interval: Duration,
}

/// How far another clock is from ours.
#[derive(Debug, Clone, Copy, Default)]
struct ClockOffset {
    ahead: Duration,
    behind: Duration,
}

/// INITIAL_BINDACK_TIMEOUT (RFC 6275 §12).
pub(super) const INITIAL_BINDACK_TIMEOUT: Duration = Duration::from_secs(1);
/// MAX_BINDACK_TIMEOUT (RFC 6275 §12).
pub(super) const MAX_BINDACK_TIMEOUT: Duration = Duration::from_secs(32);
/// MAX_UPDATE_RATE (RFC 6275 §12): in a second.
pub(super) const MAX_UPDATE_RATE: usize = 3;
/// Updates of one exchange that are remembered: an answer to an older one comes too late.
const ASKED_MAX: usize = 8;
/// A binding is renewed this long before its end, or at three quarters of a shorter one.
const REFRESH_BEFORE: Duration = Duration::from_secs(60);
/// After a refusal: the first wait, doubled up to the longest.
const REFUSED_WAIT: Duration = Duration::from_secs(32);
const REFUSED_WAIT_MAX: Duration = Duration::from_secs(600);

impl HomeRegistration {
    /// A registration that has asked for nothing yet; `start` is where the sequence numbers begin.
    pub(super) fn new(settings: Settings, start: Sequence) -> Self {
        Self {
            state: Registration::default(),
            place: Place::Nowhere,
            defended: false,
            sequence: start,
            asked: VecDeque::new(),
            retransmission: None,
            binding: None,
            may_be_bound_until: None,
            retry: None,
            refusals: 0,
            sent: VecDeque::new(),
            clock_ahead: ClockOffset::default(),
            last_stamp: Duration::ZERO,
            settings,
        }
    }

    pub(super) const fn state(&self) -> Registration {
        self.state
    }

    /// The care-of address in use as the outer source of the tunnel: from the moment an update
    /// names it (MN-RR-31).
    pub(super) const fn care_of(&self) -> Option<Ipv6Addr> {
        match (self.state, self.place) {
            (
                Registration::Registered | Registration::Updating | Registration::Registering,
                Place::Away(care_of),
            ) => Some(care_of),
            (
                Registration::Nowhere
                | Registration::Registering
                | Registration::Registered
                | Registration::Updating
                | Registration::Returning
                | Registration::Probing
                | Registration::AtHome
                | Registration::Refused,
                _,
            ) => None,
        }
    }

    /// Whether the home agent has acknowledged `care_of`, and still holds it.
    pub(super) fn is_acknowledged(&self, care_of: Ipv6Addr) -> bool {
        self.binding.is_some_and(|binding| binding.care_of == care_of)
    }

    /// Whether the home agent has acknowledged the present place, or the terminal is at home.
    pub(super) const fn is_complete(&self) -> bool {
        self.state.is_complete()
    }

    /// What is left of the home binding; correspondents are promised no more (RFC 6275 §11.4.2).
    pub(super) fn remaining(&self, now: Instant) -> Duration {
        self.binding.map_or(Duration::ZERO, |binding| binding.expires_at - now)
    }

    /// Whether the home agent may still hold a binding.
    pub(super) fn may_be_bound(&self, now: Instant) -> bool {
        self.may_be_bound_until.is_some_and(|until| until > now)
    }

    /// The terminal is somewhere else now.
    pub(super) fn moved(&mut self, now: Instant, place: Place) {
        self.place = place;
        self.defended = false;
        let bound = self.may_be_bound(now);
        self.on(
            now,
            match (place, bound) {
                (Place::Nowhere, _) => Trigger::Lost,
                (Place::Away(_), false) => Trigger::AwayUnbound,
                (Place::Away(_), true) => Trigger::AwayBound,
                (Place::Home, false) => Trigger::HomeUnbound,
                (Place::Home, true) => Trigger::HomeBound,
            },
        );
    }

    /// Nobody on the home link has the home address.
    pub(super) fn home_address_free(&mut self, now: Instant) -> Outcome {
        if self.on(now, Trigger::HomeAddressFree) { Outcome::Unbound } else { Outcome::Unchanged }
    }

    /// Somebody on the home link has the home address. That may be the home agent, for a binding made
    /// before a power cycle: it is asked to forget it.
    pub(super) fn home_address_taken(&mut self, now: Instant) {
        if self.state == Registration::Probing && !self.defended {
            self.defended = true;
            self.on(now, Trigger::HomeBound);
        }
    }

    /// The home agent says that it has no binding (Binding Error status 1, RFC 6275 §11.3.6).
    pub(super) fn binding_lost(&mut self, now: Instant) {
        self.binding = None;
        self.may_be_bound_until = None;
        self.on(now, Trigger::BindingLost);
    }

    /// Takes in an acknowledgement from the home agent.
    pub(super) fn answered(&mut self, now: Instant, answer: &Answer) -> Outcome {
        if !self.state.is_asking() {
            return Outcome::Ignored("acknowledgement that nobody waits for");
        }
        match answer.status {
            Status::SEQUENCE_OUT_OF_WINDOW => self.renumber(now, answer),
            Status::MIPV6_ID_MISMATCH => self.set_clock(now, answer),
            _ => self.settle(now, answer),
        }
    }

    /// The update that is due by now, if one is.
    ///
    /// `valid_for` is what is left of the care-of address's life (MN-HR-07).
    pub(super) fn due(&mut self, now: Instant, valid_for: Option<Duration>) -> Option<Asked> {
        self.expire(now);
        let retransmission = self.retransmission.filter(|one| one.at <= now)?;
        if !self.may_send(now) {
            return None;
        }
        let care_of = match self.place {
            Place::Away(care_of) => care_of,
            Place::Home => self.settings.home,
            Place::Nowhere => return None,
        };
        let lifetime = match self.place {
            Place::Away(_) => {
                let valid_for = valid_for.unwrap_or(Duration::MAX);
                Lifetime::from_duration(self.settings.lifetime.min(valid_for))
            }
            Place::Home | Place::Nowhere => Lifetime::ZERO,
        };
        //= MN-HR-11
        //# each copy has a number of its own
        self.sequence = self.sequence.next();
        let stamp = self.stamp(now);
        let asked = Asked { sequence: self.sequence, lifetime, care_of, stamp, sent_at: now };
        if self.asked.len() == ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
        self.sent.push_back(now);
        self.retransmission = Some(Retransmission {
            at: now + retransmission.interval,
            interval: (retransmission.interval * 2).min(MAX_BINDACK_TIMEOUT),
        });
        if lifetime != Lifetime::ZERO {
            let until = now + lifetime.duration();
            self.may_be_bound_until = self.may_be_bound_until.max(Some(until));
        }
        Some(asked)
    }

    /// An update that nothing asks for: a misdeed.
    pub(super) fn ask_wrongly(&mut self, now: Instant, care_of: Ipv6Addr) -> Asked {
        self.sequence = self.sequence.next();
        let lifetime = Lifetime::from_duration(self.settings.lifetime);
        Asked { sequence: self.sequence, lifetime, care_of, stamp: self.stamp(now), sent_at: now }
    }

    /// When [`due`](Self::due) has something.
    pub(super) fn poll_timeout(&self) -> Option<Wakeup> {
        let sending = self.retransmission.map(|one| match self.rate_free_at() {
            Some(free) => one.at.max(free),
            None => one.at,
        });
        let binding = self.binding.map(|binding| match self.state {
            Registration::Registered => binding.refresh_at,
            Registration::Nowhere
            | Registration::Registering
            | Registration::Updating
            | Registration::Returning
            | Registration::Probing
            | Registration::AtHome
            | Registration::Refused => binding.expires_at,
        });
        let at = [sending, binding, self.retry].into_iter().flatten().min()?;
        Some(Wakeup { at, why: "home registration" })
    }

    /// A new state, and the exchange that belongs to it.
    fn on(&mut self, now: Instant, trigger: Trigger) -> bool {
        let Some(next) = self.state.on(trigger) else { return false };
        self.state = next;
        self.asked.clear();
        self.retry = None;
        let first = match next {
            //= MN-HR-08
            Registration::Registering => Some(self.settings.first_timeout),
            //= MN-HR-09
            Registration::Updating | Registration::Returning => Some(INITIAL_BINDACK_TIMEOUT),
            Registration::Nowhere
            | Registration::Registered
            | Registration::Probing
            | Registration::AtHome
            | Registration::Refused => None,
        };
        self.retransmission = first.map(|interval| Retransmission { at: now, interval });
        true
    }

    fn settle(&mut self, now: Instant, answer: &Answer) -> Outcome {
        let Some(asked) = self.asked_with(answer) else {
            return Outcome::Ignored("acknowledgement of an update never sent");
        };
        if answer.status.is_refusal() {
            return self.refused(now, answer.status);
        }
        self.refusals = 0;
        if self.state == Registration::Returning {
            self.binding = None;
            self.may_be_bound_until = None;
            self.on(now, Trigger::Accepted);
            return Outcome::Unbound;
        }
        let granted = answer.lifetime.duration().min(asked.lifetime.duration());
        if granted.is_zero() {
            return self.refused(now, answer.status);
        }
        //= MN-BA-09
        //# the lifetime counts from the sending of the update
        let expires_at = asked.sent_at + granted;
        let before = refresh_before(granted);
        let advised = answer.refresh.filter(|advised| *advised < granted);
        let refresh_at = asked.sent_at + advised.unwrap_or(granted - before);
        self.binding = Some(Binding { care_of: asked.care_of, expires_at, refresh_at });
        self.may_be_bound_until = Some(expires_at);
        self.on(now, Trigger::Accepted);
        Outcome::Bound(asked.care_of, u32::try_from(granted.as_secs()).unwrap_or(u32::MAX))
    }

    fn refused(&mut self, now: Instant, status: Status) -> Outcome {
        if self.state == Registration::Returning {
            self.binding = None;
            self.may_be_bound_until = None;
            if self.defended {
                // There is no binding any more: whoever defends the home address now is somebody else.
                self.on(now, Trigger::HomeUnbound);
                return Outcome::Refused(status);
            }
            self.on(now, Trigger::Refused);
            return Outcome::Unbound;
        }
        self.binding = None;
        self.on(now, Trigger::Refused);
        self.refusals += 1;
        //= MN-HR-21
        //= MN-AUT-03
        let for_ever =
            matches!(status, Status::DUPLICATE_ADDRESS_DETECTION_FAILED | Status::MIPV6_AUTH_FAIL);
        //= MN-BA-15
        let wait = REFUSED_WAIT * 2_u32.saturating_pow(self.refusals.min(16) - 1);
        self.retry = (!for_ever).then(|| now + wait.min(REFUSED_WAIT_MAX));
        Outcome::Refused(status)
    }

    /// Status 135: the home agent knows a higher number.
    fn renumber(&mut self, now: Instant, answer: &Answer) -> Outcome {
        if !self.answers_newest(answer) {
            return Outcome::Ignored("sequence refusal of an update before the last");
        }
        //= MN-BA-05
        //# the next number is one above the home agent's
        self.sequence = answer.sequence;
        self.again(now);
        Outcome::Unchanged
    }

    /// Status 144: the clocks differ; the answer carries the home agent's.
    fn set_clock(&mut self, now: Instant, answer: &Answer) -> Outcome {
        let Some(theirs) = answer.stamp else {
            return Outcome::Ignored("clock refusal without a clock");
        };
        if self.asked.back().is_none_or(|asked| asked.sequence != answer.sequence) {
            return Outcome::Ignored("clock refusal of an update before the last");
        }
        let ours = self.settings.epoch + now.since_start();
        let apart = theirs.distance(ours);
        self.clock_ahead = if theirs.is_after(NtpTimestamp::from_unix(ours)) {
            ClockOffset { ahead: apart, behind: Duration::ZERO }
        } else {
            ClockOffset { ahead: Duration::ZERO, behind: apart }
        };
        self.last_stamp = Duration::ZERO;
        self.again(now);
        Outcome::Unchanged
    }

    /// The exchange goes on at once, its interval as it was.
    const fn again(&mut self, now: Instant) {
        if let Some(retransmission) = &mut self.retransmission {
            retransmission.at = now;
        }
    }

    /// The update of the present exchange that `answer` answers.
    fn asked_with(&self, answer: &Answer) -> Option<Asked> {
        self.asked
            .iter()
            .find(|asked| {
                asked.sequence == answer.sequence
                    //= MN-AUT-07
                    && answer.stamp.is_none_or(|stamp| stamp == asked.stamp)
            })
            .copied()
    }

    /// Whether a status 135, which names no update, is about the newest one.
    fn answers_newest(&self, answer: &Answer) -> bool {
        let Some(newest) = self.asked.back() else { return false };
        match answer.stamp {
            Some(stamp) => stamp == newest.stamp,
            // Without a time stamp: the number must be one that makes the newest update stale.
            None => !newest.sequence.is_after(answer.sequence),
        }
    }

    fn expire(&mut self, now: Instant) {
        if self.retry.is_some_and(|at| at <= now) {
            self.on(now, Trigger::RefreshDue);
        }
        if let Some(binding) = self.binding {
            if binding.expires_at <= now {
                self.binding_lost(now);
            } else if binding.refresh_at <= now && self.state == Registration::Registered {
                self.on(now, Trigger::RefreshDue);
            }
        }
        if self.may_be_bound_until.is_some_and(|until| until <= now) {
            self.may_be_bound_until = None;
        }
    }

    fn may_send(&mut self, now: Instant) -> bool {
        while self.sent.front().is_some_and(|sent| now - *sent >= SECOND) {
            self.sent.pop_front();
        }
        //= MN-MD-13
        self.sent.len() < MAX_UPDATE_RATE
    }

    fn rate_free_at(&self) -> Option<Instant> {
        let beyond = self.sent.len().checked_sub(MAX_UPDATE_RATE)?;
        self.sent.get(beyond).map(|sent| *sent + SECOND)
    }

    /// A time stamp later than all before (MN-AUT-05).
    fn stamp(&mut self, now: Instant) -> NtpTimestamp {
        let ours = self.settings.epoch + now.since_start();
        let theirs = (ours + self.clock_ahead.ahead).saturating_sub(self.clock_ahead.behind);
        self.last_stamp = theirs.max(self.last_stamp + STAMP_STEP);
        NtpTimestamp::from_unix(self.last_stamp)
    }
}

/// What time stamps of two updates at one moment differ by.
const STAMP_STEP: Duration = Duration::from_micros(1);
const SECOND: Duration = Duration::from_secs(1);

/// How long before the end of a binding of `granted` it is renewed.
pub(super) fn refresh_before(granted: Duration) -> Duration {
    REFRESH_BEFORE.min(granted / 4)
}
