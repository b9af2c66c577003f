//! Calls that go out, requests within calls, and their end.

use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, HeaderName, Message, Method, Uri};

use super::call::{Call, CallState, CallTrigger};
use super::{ALLOW, Agent, AgentEvent, CallHandle, set_description};
use crate::Instant;
use crate::sip::{ClientKey, Dialog, Hop, TIMEOUT, new_branch};

impl Agent {
    /// Calls `to` with `offer`; `None` where its hop is unknown.
    pub fn call(
        &mut self,
        now: Instant,
        to: &Uri,
        offer: &SessionDescription,
    ) -> Option<CallHandle> {
        let hop = self.hop_outside(to)?;
        let mut invite = self.request_outside(Method::Invite, &to.clone().without_headers(), to);
        invite.push(HeaderName::Contact, self.contact());
        invite.push(HeaderName::Allow, ALLOW);
        set_description(&mut invite, Some(offer));
        let local_tag = invite.from().ok()?.tag()?.to_owned();
        let handle = CallHandle(self.next_call);
        self.next_call += 1;
        let mut call = Call::new(CallState::Calling, invite.clone(), local_tag);
        let branch = new_branch(&mut self.entropy);
        call.waiting = Some(self.transactions.request(now, invite, hop, branch));
        self.calls.insert(handle, call);
        Some(handle)
    }

    /// Ends a call in whatever way its state asks for: CANCEL, a refusal with 486, BYE, or BYE
    /// once the ACK has come. Whether there was something to end.
    pub fn hang_up(&mut self, now: Instant, call: CallHandle) -> bool {
        let Some(found) = self.calls.get_mut(&call) else { return false };
        let before = found.state;
        if !found.step(now, CallTrigger::HangUp) {
            return false;
        }
        match before {
            //= UAC-07
            //# no CANCEL before a provisional response
            CallState::Progressing => self.send_cancel(now, call),
            CallState::Held | CallState::Ringing => {
                //= UAS-16
                self.respond_pending(now, call, 486, None);
            }
            CallState::Established => {
                self.send_bye(now, call);
                self.events.push_back(AgentEvent::Ended { call, why: "hung up" });
            }
            CallState::Calling
            | CallState::Leaving
            | CallState::Answered
            | CallState::Closing
            | CallState::Over => {}
        }
        true
    }

    /// Offers another session within a call by re-INVITE or UPDATE. Whether it could: not while
    /// another offer is open in either direction.
    pub fn offer(
        &mut self,
        now: Instant,
        call: CallHandle,
        method: Method,
        offer: &SessionDescription,
    ) -> bool {
        let contact = self.contact();
        let Some(found) = self.calls.get_mut(&call) else { return false };
        //= UAC-20
        let open =
            found.pending.is_some() || found.waiting.is_some() || found.unacknowledged.is_some();
        let Some(dialog) =
            found.dialog.as_mut().filter(|_| !open && found.state == CallState::Established)
        else {
            return false;
        };
        let mut request = dialog.request(method);
        request.push(HeaderName::Contact, contact);
        request.push(HeaderName::Allow, ALLOW);
        set_description(&mut request, Some(offer));
        let key = self.send_inside(now, call, request);
        if let Some(found) = self.calls.get_mut(&call) {
            found.waiting = key;
        }
        true
    }

    /// Asks `to` what it can do; whether its hop is known.
    pub fn options(&mut self, now: Instant, to: &Uri) -> bool {
        let Some(hop) = self.hop_outside(to) else { return false };
        let mut request = self.request_outside(Method::Options, &to.clone().without_headers(), to);
        request.push(HeaderName::Contact, self.contact());
        request.push(HeaderName::Accept, super::SDP);
        let branch = new_branch(&mut self.entropy);
        let key = self.transactions.request(now, request, hop, branch);
        self.options.push(key);
        true
    }

    pub(super) fn on_call_response(&mut self, now: Instant, key: &ClientKey, response: Message) {
        let status = response.status().unwrap_or(0);
        let Some(handle) = self.call_waiting_for(key) else {
            return self.on_late_response(now, key, &response);
        };
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        let begins = call.dialog.is_none();
        match (begins, status) {
            (true, ..200) => {
                call.step(now, CallTrigger::Provisional);
                let tag = response.to().ok().and_then(|to| to.tag().map(str::to_owned));
                call.early_tag = tag.or(call.early_tag.take());
                if call.state == CallState::Leaving {
                    self.send_cancel(now, handle);
                } else if status > 100 {
                    self.events.push_back(AgentEvent::Progress { call: handle, response });
                }
            }
            (true, 200..300) => self.on_answered(now, handle, key, response),
            (true, 300..) => self.on_refused(now, handle, status),
            (false, ..200) => {}
            (false, 200..) => self.on_offer_answered(now, handle, key, response),
        }
    }

    pub(super) fn on_call_failure(&mut self, now: Instant, key: &ClientKey, status: u16) {
        let Some(handle) = self.call_waiting_for(key) else { return };
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        if call.dialog.is_none() {
            return self.on_refused(now, handle, status);
        }
        call.waiting = None;
        self.events.push_back(AgentEvent::OfferAnswered { call: handle, status, response: None });
        self.end_by_failure(now, handle);
    }

    pub(super) fn on_expired(&mut self, now: Instant, handle: CallHandle) {
        let Some(call) = self.calls.get_mut(&handle) else { return };
        call.expires_at = None;
        match call.state {
            CallState::Held | CallState::Ringing => {
                //= UAS-15
                call.step(now, CallTrigger::Cancelled);
                self.respond_pending(now, handle, 487, None);
                self.events.push_back(AgentEvent::Cancelled { call: handle });
            }
            //= UAC-10
            CallState::Leaving => self.on_refused(now, handle, 408),
            CallState::Calling
            | CallState::Progressing
            | CallState::Answered
            | CallState::Closing
            | CallState::Established
            | CallState::Over => {}
        }
    }

    /// Sends BYE; no answer to it changes anything.
    pub(super) fn send_bye(&mut self, now: Instant, handle: CallHandle) {
        let Some(call) = self.calls.get_mut(&handle) else { return };
        let Some(dialog) = &mut call.dialog else { return };
        let bye = dialog.request(Method::Bye);
        self.send_inside(now, handle, bye);
    }

    fn on_answered(
        &mut self,
        now: Instant,
        handle: CallHandle,
        key: &ClientKey,
        response: Message,
    ) {
        let Some((request, _)) = self.transactions.sent_request(key) else { return };
        let dialog = Dialog::of_caller(request, &response);
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        call.waiting = None;
        let Ok(dialog) = dialog else {
            return self.on_refused(now, handle, 500);
        };
        let leaving = call.state == CallState::Leaving;
        call.dialog = Some(dialog);
        call.step(now, CallTrigger::Success);
        self.acknowledge(handle, &response);
        if leaving {
            //= UAC-09
            self.send_bye(now, handle);
            self.events.push_back(AgentEvent::Ended { call: handle, why: "hung up" });
        } else {
            self.events.push_back(AgentEvent::Answered { call: handle, response });
        }
    }

    fn on_refused(&mut self, now: Instant, handle: CallHandle, status: u16) {
        let Some(call) = self.calls.get_mut(&handle) else { return };
        call.waiting = None;
        if call.step(now, CallTrigger::Refusal) {
            self.events.push_back(AgentEvent::Refused { call: handle, status });
        }
    }

    fn on_offer_answered(
        &mut self,
        now: Instant,
        handle: CallHandle,
        key: &ClientKey,
        response: Message,
    ) {
        let status = response.status().unwrap_or(0);
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        call.waiting = None;
        if status < 300 {
            if let Some(dialog) = &mut call.dialog {
                dialog.refresh_target(&response);
            }
            if key.method == Method::Invite {
                self.acknowledge(handle, &response);
            }
        }
        let response = Some(response);
        self.events.push_back(AgentEvent::OfferAnswered { call: handle, status, response });
        if matches!(status, 408 | 481) {
            self.end_by_failure(now, handle);
        }
    }

    /// A response when its call has what it waited for: another 2xx to the INVITE.
    fn on_late_response(&mut self, now: Instant, key: &ClientKey, response: &Message) {
        let status = response.status().unwrap_or(0);
        if key.method != Method::Invite || status / 100 != 2 {
            return;
        }
        let same_call = |call: &Call| call.invite.call_id() == response.call_id();
        let Some(handle) =
            self.calls.iter().find(|(_, call)| same_call(call)).map(|(handle, _)| *handle)
        else {
            return;
        };
        let tag = response.to().ok().and_then(|to| to.tag()).unwrap_or_default().to_owned();
        let number = response.cseq().map_or(0, |cseq| cseq.number);
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        let sent = call.acknowledgements.iter().find(|(to, of, _)| *to == tag && *of == number);
        if let Some((_, _, transmit)) = sent {
            //= UAC-04
            //# each copy of a 2xx draws the same ACK
            let transmit = transmit.clone();
            return self.transactions.send_again(transmit);
        }
        self.refuse_fork(now, handle, key, response);
    }

    /// Another party answered the same INVITE: acknowledged and let go (RFC 3261 13.2.2.4).
    fn refuse_fork(
        &mut self,
        now: Instant,
        handle: CallHandle,
        key: &ClientKey,
        response: &Message,
    ) {
        //= UAC-05
        let Some((request, _)) = self.transactions.sent_request(key) else { return };
        let Ok(mut dialog) = Dialog::of_caller(request, response) else { return };
        let Some(hop) = dialog.next_hop(&self.config.names) else { return };
        let ack = dialog.acknowledgement(dialog.local_cseq());
        let number = dialog.local_cseq();
        let branch = new_branch(&mut self.entropy);
        let transmit = self.transactions.send_acknowledgement(ack, hop, &branch);
        let bye = dialog.request(Method::Bye);
        let branch = new_branch(&mut self.entropy);
        self.transactions.request(now, bye, hop, branch);
        if let Some(call) = self.calls.get_mut(&handle) {
            call.acknowledgements.push((dialog.remote_tag().to_owned(), number, transmit));
        }
    }

    /// Sends the ACK for a 2xx, whole, at once (RFC 3261 13.2.2.4).
    fn acknowledge(&mut self, handle: CallHandle, response: &Message) {
        let outbound = self.fallback_hop();
        let Some(call) = self.calls.get_mut(&handle) else { return };
        let Some(dialog) = &call.dialog else { return };
        let number = response.cseq().map_or(0, |cseq| cseq.number);
        let ack = dialog.acknowledgement(number);
        let Some(hop) = dialog.next_hop(&self.config.names).or(outbound) else { return };
        let tag = dialog.remote_tag().to_owned();
        let branch = new_branch(&mut self.entropy);
        let transmit = self.transactions.send_acknowledgement(ack, hop, &branch);
        call.acknowledgements.push((tag, number, transmit));
    }

    fn send_cancel(&mut self, now: Instant, handle: CallHandle) {
        let Some(call) = self.calls.get_mut(&handle) else { return };
        if let Some(key) = call.waiting.as_ref().filter(|_| !call.cancelled) {
            self.transactions.cancel(now, key);
            call.cancelled = true;
            call.expires_at = Some(now + TIMEOUT);
        }
    }

    fn send_inside(
        &mut self,
        now: Instant,
        handle: CallHandle,
        request: Message,
    ) -> Option<ClientKey> {
        let outbound = self.fallback_hop();
        let dialog = self.calls.get(&handle)?.dialog.as_ref()?;
        let hop = dialog.next_hop(&self.config.names).or(outbound)?;
        let branch = new_branch(&mut self.entropy);
        Some(self.transactions.request(now, request, hop, branch))
    }

    /// Where a request goes whose next hop is unknown.
    fn fallback_hop(&self) -> Option<Hop> {
        let transport = self.config.transport;
        self.config.outbound.map(|(address, port)| Hop { transport, address, port })
    }

    fn end_by_failure(&mut self, now: Instant, handle: CallHandle) {
        //= UAC-18
        let Some(call) = self.calls.get_mut(&handle) else { return };
        if call.step(now, CallTrigger::HangUp) {
            self.send_bye(now, handle);
            self.events
                .push_back(AgentEvent::Ended { call: handle, why: "the other side is gone" });
        }
    }

    fn call_waiting_for(&self, key: &ClientKey) -> Option<CallHandle> {
        let waiting = |call: &Call| call.waiting.as_ref() == Some(key);
        self.calls.iter().find(|(_, call)| waiting(call)).map(|(handle, _)| *handle)
    }
}
