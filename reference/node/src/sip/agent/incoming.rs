//! Calls that come in, and offers within calls: held until the owner lets a response out.

use std::time::Duration;

use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, HeaderName, Message, Method, reason_phrase};

use super::call::{Call, CallState, CallTrigger, Pending, Repeat};
use super::{ALLOW, Agent, AgentEvent, CallHandle, Early100, SOFTWARE, set_description};
use crate::Instant;
use crate::sip::{Dialog, ServerKey, new_token};

impl Agent {
    /// Lets a call ring: 180 leaves, and again every minute. Whether it could.
    pub fn ring(&mut self, now: Instant, call: CallHandle) -> bool {
        let Some(found) = self.calls.get_mut(&call) else { return false };
        if !found.step(now, CallTrigger::Ring) {
            return false;
        }
        //= UAS-11
        found.ring_at = Some(now + RING_INTERVAL);
        found.trying_at = None;
        self.respond_pending(now, call, 180, None)
    }

    /// Answers a call, or an offer within it, with 200 and `description`: an answer where the
    /// request held an offer, an offer where it held none. Whether it could.
    pub fn answer(
        &mut self,
        now: Instant,
        call: CallHandle,
        description: Option<&SessionDescription>,
    ) -> bool {
        let Some(found) = self.calls.get_mut(&call) else { return false };
        if found.pending.is_none() {
            return false;
        }
        found.step(now, CallTrigger::Answer);
        (found.trying_at, found.ring_at, found.expires_at) = (None, None, None);
        self.respond_pending(now, call, 200, description)
    }

    /// Refuses a call, or an offer within it, with `status`, 300 to 699. Whether it could.
    pub fn refuse(&mut self, now: Instant, call: CallHandle, status: u16) -> bool {
        let Some(found) = self.calls.get_mut(&call) else { return false };
        if found.pending.is_none() {
            return false;
        }
        //= UAS-24
        //# a refused offer within a call leaves the call as it was
        found.step(now, CallTrigger::Refuse);
        self.respond_pending(now, call, status, None)
    }

    /// Sends 100 for a call that holds its responses. Whether it could.
    pub fn trying(&mut self, now: Instant, call: CallHandle) -> bool {
        let Some(found) = self.calls.get_mut(&call) else { return false };
        found.trying_at = None;
        let Some(pending) = &found.pending else { return false };
        let response = Message::response_to(&pending.request, 100, reason_phrase(100));
        self.transactions.respond(now, &pending.key, &response)
    }

    pub(super) fn on_invite(&mut self, now: Instant, key: &ServerKey, invite: Message) {
        if self.open_calls().count() >= CALLS_MAX {
            return self.answer_plainly(now, key, &invite, 503);
        }
        let local_tag = new_token(&mut self.entropy);
        let Ok(dialog) = Dialog::of_callee(&invite, &local_tag) else {
            return self.answer_plainly(now, key, &invite, 400);
        };
        let handle = CallHandle(self.next_call);
        self.next_call += 1;
        let mut call = Call::new(CallState::Held, invite.clone(), local_tag);
        call.dialog = Some(dialog);
        call.pending = Some(Pending { key: key.clone(), request: invite.clone() });
        //= UAS-15
        let expires = invite.expires().ok().flatten();
        call.expires_at = expires.map(|seconds| now + Duration::from_secs(seconds.into()));
        //= CL-RO-01
        //# no response of its own accord, 100 included, unless the configuration lets it
        call.trying_at = match self.config.early_100 {
            Early100::Never => None,
            Early100::Allowed => Some(now + TRYING_DELAY),
            Early100::Required => Some(now),
        };
        self.calls.insert(handle, call);
        if self.config.early_100 == Early100::Required {
            //= TX-10
            self.trying(now, handle);
        }
        self.events.push_back(AgentEvent::IncomingCall { call: handle, invite });
    }

    /// A re-INVITE or UPDATE within a call.
    pub(super) fn on_offer(
        &mut self,
        now: Instant,
        key: &ServerKey,
        handle: CallHandle,
        request: Message,
    ) {
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        let unacknowledged = call.unacknowledged.is_some() && *key.method() == Method::Invite;
        if call.pending.is_some() || unacknowledged {
            //= UAS-22
            let mut response = Message::response_to(&request, 500, reason_phrase(500));
            response.set_to_tag(&call.local_tag);
            response.push(HeaderName::RetryAfter, self.entropy.below(11));
            self.transactions.respond(now, key, &response);
            return;
        }
        if call.waiting.is_some() {
            //= UAS-23
            return self.answer_plainly(now, key, &request, 491);
        }
        if let Some(dialog) = &mut call.dialog {
            dialog.refresh_target(&request);
        }
        call.pending = Some(Pending { key: key.clone(), request: request.clone() });
        if *key.method() == Method::Update && request.body().is_empty() {
            //= UAS-30
            self.respond_pending(now, handle, 200, None);
            return;
        }
        self.events.push_back(AgentEvent::IncomingOffer { call: handle, request });
    }

    pub(super) fn run_call_clocks(&mut self, now: Instant) {
        let handles: Vec<CallHandle> = self.calls.keys().copied().collect();
        for handle in handles {
            self.run_call_clock(now, handle);
        }
        self.calls.retain(|_, call| call.forgotten_at.is_none_or(|at| at > now));
    }

    fn run_call_clock(&mut self, now: Instant, handle: CallHandle) {
        let Some(call) = self.calls.get_mut(&handle) else { return };
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let (trying, ring) = (due(call.trying_at), due(call.ring_at));
        let expired = due(call.expires_at);
        if let Some(repeat) = &mut call.unacknowledged {
            if repeat.is_over(now) {
                call.unacknowledged = None;
                return self.on_never_acknowledged(now, handle);
            }
            if repeat.is_due(now) {
                self.transactions.respond(now, &repeat.key, &repeat.response);
            }
        }
        if trying {
            self.trying(now, handle);
        }
        if ring {
            self.ring(now, handle);
        }
        if expired {
            self.on_expired(now, handle);
        }
    }

    /// Answers what is pending in a call; final answers end its waiting.
    pub(super) fn respond_pending(
        &mut self,
        now: Instant,
        handle: CallHandle,
        status: u16,
        description: Option<&SessionDescription>,
    ) -> bool {
        let contact = self.contact();
        let Some(call) = self.calls.get_mut(&handle) else { return false };
        let Some(pending) = &call.pending else { return false };
        let mut response = Message::response_to(&pending.request, status, reason_phrase(status));
        response.set_to_tag(&call.local_tag);
        if status < 300 {
            //= UAS-09
            let routes = pending.request.header_list().iter();
            for route in routes.filter(|header| header.name() == HeaderName::RecordRoute) {
                response.push_header(route.clone());
            }
            response.push(HeaderName::Contact, contact);
        }
        if status >= 200 {
            //= UAS-10
            response.push(HeaderName::Allow, ALLOW);
            response.push(HeaderName::Server, SOFTWARE);
        }
        if status / 100 == 2 && description.is_some() {
            set_description(&mut response, description);
        }
        let key = pending.key.clone();
        if status >= 200 {
            let number = pending.request.cseq().map_or(0, |cseq| cseq.number);
            call.pending = None;
            if status < 300 && *key.method() == Method::Invite {
                call.unacknowledged = Some(Repeat::new(now, key.clone(), response.clone(), number));
            }
        }
        self.transactions.respond(now, &key, &response)
    }

    fn on_never_acknowledged(&mut self, now: Instant, handle: CallHandle) {
        //= TX-15
        let Some(call) = self.calls.get_mut(&handle) else { return };
        call.step(now, CallTrigger::Unacknowledged);
        if call.state == CallState::Over {
            self.send_bye(now, handle);
            self.events.push_back(AgentEvent::Ended {
                call: handle,
                why: "the answer was not acknowledged",
            });
        }
    }
}

/// How often it rings at least, so that no proxy gives up.
const RING_INTERVAL: Duration = Duration::from_secs(60);
/// How long an INVITE may stay without a response before a 100 (RFC 3261 17.2.1).
const TRYING_DELAY: Duration = Duration::from_millis(200);
/// The most calls open at a time; more are refused with 503.
const CALLS_MAX: usize = 256;
