//! A server transaction: the machine, its clocks and what it answers.

use std::time::Duration;

use roamproof_wire::sip::{Fields, Message, Method};

use super::{InviteServer, NonInviteServer, ServerAction, ServerTrigger};
use crate::sip::{Hop, T1, T2, T4, TIMEOUT, Transmit, TransmitKind, routing};
use crate::{Instant, Wakeup};

#[derive(Debug, Clone, Copy)]
enum Machine {
    Invite(InviteServer),
    NonInvite(NonInviteServer),
}

/// A request that was received.
#[derive(Debug, Clone)]
pub(super) struct Server {
    machine: Machine,
    to: Hop,
    fallback: Option<Hop>,
    last: Option<Vec<u8>>,
    interval: Duration,
    repeat_at: Option<Instant>,
    timeout_at: Option<Instant>,
    done_at: Option<Instant>,
}

impl Server {
    /// A transaction for `request`, which came from `from`.
    pub(super) fn new(request: &Message, from: Hop) -> Self {
        let machine = match request.method() {
            Some(Method::Invite) => Machine::Invite(InviteServer::Proceeding),
            Some(_) | None => Machine::NonInvite(NonInviteServer::Trying),
        };
        let (to, fallback) = routing::response_hops(request, from);
        Self {
            machine,
            to,
            fallback,
            last: None,
            interval: T1,
            repeat_at: None,
            timeout_at: None,
            done_at: None,
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(
            self.machine,
            Machine::Invite(InviteServer::Terminated)
                | Machine::NonInvite(NonInviteServer::Terminated)
        )
    }

    /// Whether no final response has been given.
    pub(super) const fn is_open(&self) -> bool {
        matches!(
            self.machine,
            Machine::Invite(InviteServer::Proceeding)
                | Machine::NonInvite(NonInviteServer::Trying | NonInviteServer::Proceeding)
        )
    }

    /// Takes in a copy of the request.
    pub(super) fn copy(&mut self, now: Instant, sent: &mut Vec<Transmit>) {
        self.step(now, ServerTrigger::Copy, None, sent);
    }

    /// Takes in an ACK; whether the user shall have it.
    pub(super) fn acknowledged(&mut self, now: Instant, sent: &mut Vec<Transmit>) -> bool {
        self.step(now, ServerTrigger::Acknowledged, None, sent) == Some(ServerAction::Tell)
    }

    /// Answers; whether the transaction could still be answered so.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        response: &Message,
        sent: &mut Vec<Transmit>,
    ) -> bool {
        let trigger = ServerTrigger::response(response.status().unwrap_or(0));
        self.step(now, trigger, Some(response.to_vec()), sent).is_some()
    }

    /// Does what is due; whether the user shall know that nobody acknowledged.
    pub(super) fn timeout(&mut self, now: Instant, sent: &mut Vec<Transmit>) -> bool {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.timeout_at) {
            self.timeout_at = None;
            return self.step(now, ServerTrigger::Timeout, None, sent)
                == Some(ServerAction::TellFailure);
        }
        if due(self.done_at) {
            self.done_at = None;
            self.step(now, ServerTrigger::Done, None, sent);
        }
        if let Some(at) = self.repeat_at.filter(|&at| at <= now) {
            self.interval = (self.interval * 2).min(T2);
            self.repeat_at = Some(at + self.interval);
            self.step(now, ServerTrigger::Repeat, None, sent);
        }
        false
    }

    pub(super) fn wakeup(&self) -> Option<Wakeup> {
        let wakeup = |at: Option<Instant>, why| at.map(|at| Wakeup { at, why });
        let repeat = wakeup(self.repeat_at, "SIP response unacknowledged");
        let timeout = wakeup(self.timeout_at, "SIP response given up");
        let done = wakeup(self.done_at, "SIP transaction over");
        Wakeup::sooner(Wakeup::sooner(repeat, timeout), done)
    }

    fn step(
        &mut self,
        now: Instant,
        trigger: ServerTrigger,
        response: Option<Vec<u8>>,
        sent: &mut Vec<Transmit>,
    ) -> Option<ServerAction> {
        let (machine, action) = match self.machine {
            Machine::Invite(state) => {
                state.on(trigger).map(|(next, action)| (Machine::Invite(next), action))?
            }
            Machine::NonInvite(state) => {
                state.on(trigger).map(|(next, action)| (Machine::NonInvite(next), action))?
            }
        };
        let was_open = self.is_open();
        self.machine = machine;
        if matches!(action, ServerAction::Send) {
            self.last = response;
        }
        if matches!(action, ServerAction::Send | ServerAction::Resend) {
            sent.extend(self.last.iter().map(|last| self.transmit(last.clone())));
        }
        if trigger == ServerTrigger::Acknowledged
            && matches!(machine, Machine::Invite(InviteServer::Confirmed))
        {
            self.enter_confirmed(now);
        } else if was_open && !self.is_open() {
            self.enter_final(now);
        }
        Some(action)
    }

    /// Timers G and H for a refused INVITE, L for an accepted one, J for the rest.
    fn enter_final(&mut self, now: Instant) {
        let reliable = self.to.transport.is_reliable();
        match self.machine {
            Machine::Invite(InviteServer::Completed) => {
                self.repeat_at = (!reliable).then(|| now + T1);
                self.timeout_at = Some(now + TIMEOUT);
            }
            Machine::Invite(_) => self.done_at = Some(now + TIMEOUT),
            Machine::NonInvite(_) => {
                self.done_at = Some(now + if reliable { Duration::ZERO } else { TIMEOUT });
            }
        }
    }

    /// Timer I.
    fn enter_confirmed(&mut self, now: Instant) {
        (self.repeat_at, self.timeout_at) = (None, None);
        let linger = if self.to.transport.is_reliable() { Duration::ZERO } else { T4 };
        self.done_at.get_or_insert(now + linger);
    }

    fn transmit(&self, octets: Vec<u8>) -> Transmit {
        Transmit { to: self.to, fallback: self.fallback, kind: TransmitKind::Response, octets }
    }
}
