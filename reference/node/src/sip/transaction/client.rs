//! A client transaction: the machine, its clocks and what it sends.

use std::time::Duration;

use roamproof_wire::sip::{Fields, HeaderName, Message, Method, Transport, Via};

use super::{ClientAction, ClientKey, ClientTrigger, InviteClient, NonInviteClient};
use crate::sip::{Hop, T1, T2, T4, TIMEOUT, Transmit, TransmitKind, UDP_REQUEST_MAX};
use crate::{Instant, Wakeup};

#[derive(Debug, Clone, Copy)]
enum Machine {
    Invite(InviteClient),
    NonInvite(NonInviteClient),
}

/// A request that was sent.
#[derive(Debug, Clone)]
pub(super) struct Client {
    machine: Machine,
    request: Message,
    octets: Vec<u8>,
    to: Hop,
    via: Via,
    copies: u32,
    /// Sent by TCP only because of its size.
    grown: bool,
    interval: Duration,
    copy_at: Option<Instant>,
    timeout_at: Option<Instant>,
    done_at: Option<Instant>,
    acknowledgement: Vec<u8>,
}

impl Client {
    /// Sends `request`, which has no Via of ours yet, to `to`.
    pub(super) fn start(
        now: Instant,
        mut request: Message,
        mut to: Hop,
        mut via: Via,
        sent: &mut Vec<Transmit>,
    ) -> (ClientKey, Self) {
        let method = request.method().unwrap_or(Method::Invite);
        request.insert_first(HeaderName::Via, &via);
        //= TP-10
        let grown = to.transport == Transport::Udp && request.to_vec().len() > UDP_REQUEST_MAX;
        if grown {
            to.transport = Transport::Tcp;
            via.transport = Transport::Tcp;
            request.replace_first(HeaderName::Via, &via);
        }
        if to.transport == Transport::Tcp {
            //= TP-26
            request.set_content_length();
        }
        let machine = if method == Method::Invite {
            Machine::Invite(InviteClient::Calling)
        } else {
            Machine::NonInvite(NonInviteClient::Trying)
        };
        let key = ClientKey { branch: via.branch.clone(), method };
        let octets = request.to_vec();
        let mut client = Self {
            machine,
            request,
            octets,
            to,
            via,
            copies: 0,
            grown,
            interval: T1,
            copy_at: None,
            timeout_at: Some(now + TIMEOUT),
            done_at: None,
            acknowledgement: Vec::new(),
        };
        client.arm_copies(now);
        sent.push(client.transmit(client.octets.clone()));
        (key, client)
    }

    /// The request, our Via on top.
    pub(super) const fn request(&self) -> &Message {
        &self.request
    }

    /// Where the request was sent.
    pub(super) const fn to(&self) -> Hop {
        self.to
    }

    pub(super) const fn via(&self) -> &Via {
        &self.via
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(
            self.machine,
            Machine::Invite(InviteClient::Terminated)
                | Machine::NonInvite(NonInviteClient::Terminated)
        )
    }

    /// Whether no final response has come.
    pub(super) const fn is_open(&self) -> bool {
        matches!(
            self.machine,
            Machine::Invite(InviteClient::Calling | InviteClient::Proceeding)
                | Machine::NonInvite(NonInviteClient::Trying | NonInviteClient::Proceeding)
        )
    }

    /// Takes in a response; whether the user shall have it.
    pub(super) fn response(
        &mut self,
        now: Instant,
        response: &Message,
        sent: &mut Vec<Transmit>,
    ) -> bool {
        let status = response.status().unwrap_or(0);
        let Some(action) = self.step(now, ClientTrigger::response(status)) else { return false };
        let acknowledges =
            matches!(action, ClientAction::Acknowledge | ClientAction::AcknowledgeAndTell);
        if acknowledges {
            if self.acknowledgement.is_empty() {
                self.acknowledgement = acknowledgement(&self.request, response).to_vec();
            }
            let kind = TransmitKind::Request { branch: self.via.branch.clone(), copy: 0 };
            let octets = self.acknowledgement.clone();
            sent.push(Transmit { to: self.to, fallback: None, kind, octets });
        }
        matches!(action, ClientAction::Tell | ClientAction::AcknowledgeAndTell)
    }

    /// Takes in that the next hop cannot be reached; whether the user shall know.
    pub(super) fn unreachable(&mut self, now: Instant, sent: &mut Vec<Transmit>) -> bool {
        if self.grown && self.is_open() {
            //= TP-11
            self.grown = false;
            self.to.transport = Transport::Udp;
            self.via.transport = Transport::Udp;
            self.request.replace_first(HeaderName::Via, &self.via);
            self.octets = self.request.to_vec();
            self.copies = 0;
            self.arm_copies(now);
            sent.push(self.transmit(self.octets.clone()));
            return false;
        }
        self.step(now, ClientTrigger::Unreachable) == Some(ClientAction::TellFailure)
    }

    /// Does what is due; whether the user shall know that nobody answers.
    pub(super) fn timeout(&mut self, now: Instant, sent: &mut Vec<Transmit>) -> bool {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.timeout_at) {
            self.timeout_at = None;
            return self.step(now, ClientTrigger::Timeout) == Some(ClientAction::TellFailure);
        }
        if due(self.done_at) {
            self.done_at = None;
            self.step(now, ClientTrigger::Done);
        }
        if let Some(at) = self.copy_at.filter(|&at| at <= now) {
            self.copy_at = None;
            if self.step(now, ClientTrigger::Copy) == Some(ClientAction::Resend) {
                self.interval = match self.machine {
                    Machine::Invite(_) => self.interval * 2,
                    Machine::NonInvite(NonInviteClient::Trying) => (self.interval * 2).min(T2),
                    Machine::NonInvite(_) => T2,
                };
                self.copy_at = Some(at + self.interval);
                self.copies += 1;
                sent.push(self.transmit(self.octets.clone()));
            }
        }
        false
    }

    pub(super) fn wakeup(&self) -> Option<Wakeup> {
        let wakeup = |at: Option<Instant>, why| at.map(|at| Wakeup { at, why });
        let copy = wakeup(self.copy_at, "SIP request unanswered");
        let timeout = wakeup(self.timeout_at, "SIP request given up");
        let done = wakeup(self.done_at, "SIP transaction over");
        Wakeup::sooner(Wakeup::sooner(copy, timeout), done)
    }

    fn step(&mut self, now: Instant, trigger: ClientTrigger) -> Option<ClientAction> {
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
        if matches!(machine, Machine::Invite(InviteClient::Proceeding)) {
            (self.copy_at, self.timeout_at) = (None, None);
        }
        if was_open && !self.is_open() {
            (self.copy_at, self.timeout_at) = (None, None);
            self.done_at = self.linger().map(|linger| now + linger);
        }
        Some(action)
    }

    /// How long a transaction that has its answer stays to absorb copies: timers D, M and K.
    const fn linger(&self) -> Option<Duration> {
        let reliable = self.to.transport.is_reliable();
        match self.machine {
            Machine::Invite(InviteClient::Accepted) => Some(TIMEOUT),
            Machine::Invite(InviteClient::Completed) => {
                Some(if reliable { Duration::ZERO } else { TIMEOUT })
            }
            Machine::NonInvite(NonInviteClient::Completed) => {
                Some(if reliable { Duration::ZERO } else { T4 })
            }
            Machine::Invite(_) | Machine::NonInvite(_) => None,
        }
    }

    fn arm_copies(&mut self, now: Instant) {
        self.interval = T1;
        self.copy_at = (!self.to.transport.is_reliable()).then(|| now + T1);
    }

    fn transmit(&self, octets: Vec<u8>) -> Transmit {
        let kind = TransmitKind::Request { branch: self.via.branch.clone(), copy: self.copies };
        Transmit { to: self.to, fallback: None, kind, octets }
    }
}

/// The ACK for a refusal (RFC 3261 17.1.1.3).
fn acknowledgement(invite: &Message, response: &Message) -> Message {
    //= TX-05
    //# same Request-URI, Via, From, Call-ID, CSeq number and Route, To from the response
    let mut ack = same_transaction(invite, Method::Ack);
    if let Some(to) = response.header_list().iter().find(|header| header.name() == HeaderName::To) {
        ack.replace(HeaderName::To, to.text());
    }
    ack
}

/// The CANCEL for an INVITE (RFC 3261 9.1), complete but for the Via that starting it adds.
pub(super) fn cancellation(invite: &Message) -> Message {
    //= UAC-08
    let mut cancel = same_transaction(invite, Method::Cancel);
    cancel.remove(HeaderName::Via);
    cancel
}

fn same_transaction(invite: &Message, method: Method) -> Message {
    let uri = invite.uri().map(|uri| uri.to_owned()).expect("an INVITE of ours has a URI");
    let cseq = invite.cseq().expect("an INVITE of ours has a CSeq");
    let via = invite.via().map(|via| via.to_string()).expect("an INVITE of ours has a Via");
    let mut request = Message::request(method.clone(), &uri);
    request.push(HeaderName::Via, via);
    request.push(HeaderName::MaxForwards, 70);
    for name in [HeaderName::Route, HeaderName::From, HeaderName::To, HeaderName::CallId] {
        for header in invite.header_list().iter().filter(|header| header.name() == name) {
            request.push_header(header.clone());
        }
    }
    request.push(HeaderName::CSeq, format_args!("{} {method}", cseq.number));
    request
}
