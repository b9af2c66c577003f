//! One call: where it stands, as a machine on one page, and its clocks.

use std::time::Duration;

use roamproof_wire::sip::Message;

use crate::sip::{ClientKey, Dialog, ServerKey, T1, T2, TIMEOUT, Transmit};
use crate::{Instant, Wakeup};

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallState {
    /// Our INVITE is out, nothing heard.
    Calling,
    /// Our INVITE was answered for now.
    Progressing,
    /// We hung up before an answer came.
    Leaving,
    /// An INVITE came; no response may leave yet.
    Held,
    /// The other side knows that it rings here.
    Ringing,
    /// We answered; the ACK is not here yet.
    Answered,
    /// We answered and hung up; the BYE waits for the ACK.
    Closing,
    /// Both sides agreed.
    Established,
    /// Over; kept a while to absorb late copies.
    Over,
}

/// What moves a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallTrigger {
    /// The other side answers for now.
    Provisional,
    /// The other side answers.
    Success,
    /// The other side refuses, or cannot be reached.
    Refusal,
    /// The owner lets it ring.
    Ring,
    /// The owner answers.
    Answer,
    /// The owner refuses.
    Refuse,
    /// The other side gives up before an answer.
    Cancelled,
    /// The ACK came.
    Acknowledged,
    /// The ACK never came.
    Unacknowledged,
    /// The owner hangs up.
    HangUp,
    /// The other side hangs up.
    Bye,
}

impl CallState {
    /// Every state, for tables and tests.
    pub const ALL: [Self; 9] = [
        Self::Calling,
        Self::Progressing,
        Self::Leaving,
        Self::Held,
        Self::Ringing,
        Self::Answered,
        Self::Closing,
        Self::Established,
        Self::Over,
    ];

    /// The state after `trigger`, `None` where it means nothing in this one.
    #[must_use]
    pub fn on(self, trigger: CallTrigger) -> Option<Self> {
        use CallTrigger::{
            Acknowledged, Answer, Bye, Cancelled, HangUp, Provisional, Refusal, Refuse, Ring,
            Success, Unacknowledged,
        };
        Some(match (self, trigger) {
            (Self::Calling | Self::Progressing, Provisional) => Self::Progressing,
            (Self::Calling | Self::Progressing, Success) => Self::Established,
            (Self::Calling | Self::Progressing, Refusal) => Self::Over,
            (Self::Calling | Self::Progressing, HangUp) => Self::Leaving,
            (Self::Leaving, Provisional) => Self::Leaving,
            (Self::Leaving, Success | Refusal) => Self::Over,
            (Self::Held | Self::Ringing, Ring) => Self::Ringing,
            (Self::Held | Self::Ringing, Answer) => Self::Answered,
            (Self::Held | Self::Ringing, Refuse | Cancelled | HangUp) => Self::Over,
            (Self::Answered, Acknowledged) => Self::Established,
            (Self::Answered, Unacknowledged) => Self::Over,
            (Self::Answered, HangUp) => Self::Closing,
            (Self::Closing, Acknowledged | Unacknowledged) => Self::Over,
            (Self::Established, HangUp) => Self::Over,
            (Self::Answered | Self::Closing | Self::Established, Bye) => Self::Over,
            // It answered, no copy of its 200 came through, and it gave up.
            (Self::Progressing | Self::Leaving, Bye) => Self::Over,
            _ => return None,
        })
    }
}

impl CallTrigger {
    /// Every trigger, for tables and tests.
    pub const ALL: [Self; 11] = [
        Self::Provisional,
        Self::Success,
        Self::Refusal,
        Self::Ring,
        Self::Answer,
        Self::Refuse,
        Self::Cancelled,
        Self::Acknowledged,
        Self::Unacknowledged,
        Self::HangUp,
        Self::Bye,
    ];
}

/// A call and all that is open in it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) state: CallState,
    /// The INVITE that began it, as received or as sent.
    pub(super) invite: Message,
    /// Our tag.
    pub(super) local_tag: String,
    pub(super) dialog: Option<Dialog>,
    /// The tag of whoever answered our INVITE for now: one side of an early dialog.
    pub(super) early_tag: Option<String>,
    /// A request with an offer that waits for the owner.
    pub(super) pending: Option<Pending>,
    /// An INVITE, re-INVITE or UPDATE of ours that waits for its answer.
    pub(super) waiting: Option<ClientKey>,
    /// A 2xx of ours that waits for its ACK.
    pub(super) unacknowledged: Option<Repeat>,
    /// The ACKs that have left, by the tag of the other side, to be sent again.
    pub(super) acknowledgements: Vec<(String, u32, Transmit)>,
    /// Whether a CANCEL has left.
    pub(super) cancelled: bool,
    /// When a 100 is due, if nothing else leaves before.
    pub(super) trying_at: Option<Instant>,
    /// When to ring again, so that no proxy gives up (RFC 3261 13.3.1.1).
    pub(super) ring_at: Option<Instant>,
    /// When an INVITE that says so expires, or a CANCEL gets no answer.
    pub(super) expires_at: Option<Instant>,
    /// When it is forgotten.
    pub(super) forgotten_at: Option<Instant>,
}

/// A request with an offer that waits for the owner.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) key: ServerKey,
    pub(super) request: Message,
}

/// A 2xx that is sent until it is acknowledged (RFC 3261 13.3.1.4).
#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) key: ServerKey,
    pub(super) response: Message,
    pub(super) number: u32,
    at: Instant,
    interval: Duration,
    end: Instant,
}

impl Call {
    pub(super) const fn new(state: CallState, invite: Message, local_tag: String) -> Self {
        Self {
            state,
            invite,
            local_tag,
            dialog: None,
            early_tag: None,
            pending: None,
            waiting: None,
            unacknowledged: None,
            acknowledgements: Vec::new(),
            cancelled: false,
            trying_at: None,
            ring_at: None,
            expires_at: None,
            forgotten_at: None,
        }
    }

    /// Moves the call; whether `trigger` meant something.
    pub(super) fn step(&mut self, now: Instant, trigger: CallTrigger) -> bool {
        let Some(next) = self.state.on(trigger) else { return false };
        self.state = next;
        if next == CallState::Over {
            (self.trying_at, self.ring_at, self.expires_at) = (None, None, None);
            self.unacknowledged = None;
            self.forgotten_at = Some(now + TIMEOUT);
        }
        true
    }

    pub(super) fn wakeup(&self) -> Option<Wakeup> {
        let wakeup = |at: Option<Instant>, why| at.map(|at| Wakeup { at, why });
        [
            wakeup(self.trying_at, "100 due"),
            wakeup(self.ring_at, "ringing again"),
            wakeup(self.expires_at, "INVITE expires"),
            wakeup(self.forgotten_at, "call forgotten"),
            self.unacknowledged.as_ref().map(Repeat::wakeup),
        ]
        .into_iter()
        .fold(None, Wakeup::sooner)
    }
}

impl Repeat {
    pub(super) fn new(now: Instant, key: ServerKey, response: Message, number: u32) -> Self {
        Self { key, response, number, at: now + T1, interval: T1, end: now + TIMEOUT }
    }

    /// Whether a copy is due; the next one is planned.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        if self.at > now || self.is_over(now) {
            return false;
        }
        //= TX-15
        self.interval = (self.interval * 2).min(T2);
        self.at += self.interval;
        true
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.end <= now
    }

    fn wakeup(&self) -> Wakeup {
        Wakeup { at: self.at.min(self.end), why: "answer unacknowledged" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for state in CallState::ALL {
            for trigger in CallTrigger::ALL {
                if let Some(next) = state.on(trigger) {
                    let from = format!("{state:?} + {trigger:?}");
                    table.push_str(&format!("{from:<28} → {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(table, @"
        Calling + Provisional        → Progressing
        Calling + Success            → Established
        Calling + Refusal            → Over
        Calling + HangUp             → Leaving
        Progressing + Provisional    → Progressing
        Progressing + Success        → Established
        Progressing + Refusal        → Over
        Progressing + HangUp         → Leaving
        Progressing + Bye            → Over
        Leaving + Provisional        → Leaving
        Leaving + Success            → Over
        Leaving + Refusal            → Over
        Leaving + Bye                → Over
        Held + Ring                  → Ringing
        Held + Answer                → Answered
        Held + Refuse                → Over
        Held + Cancelled             → Over
        Held + HangUp                → Over
        Ringing + Ring               → Ringing
        Ringing + Answer             → Answered
        Ringing + Refuse             → Over
        Ringing + Cancelled          → Over
        Ringing + HangUp             → Over
        Answered + Acknowledged      → Established
        Answered + Unacknowledged    → Over
        Answered + HangUp            → Closing
        Answered + Bye               → Over
        Closing + Acknowledged       → Over
        Closing + Unacknowledged     → Over
        Closing + Bye                → Over
        Established + HangUp         → Over
        Established + Bye            → Over
        ");
    }
}
