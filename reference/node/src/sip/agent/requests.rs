//! Requests that come in: judged in the order of RFC 3261 8.2, then handed to whom they concern.

use std::collections::BTreeSet;

use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, HeaderName, Message, Method, Scheme, UriView, reason_phrase};

use super::call::{CallState, CallTrigger};
use super::{ALLOW, Agent, AgentEvent, CallHandle, SDP, SOFTWARE};
use crate::Instant;
use crate::sip::{ServerKey, new_token};

impl Agent {
    pub(super) fn on_request(&mut self, now: Instant, key: &ServerKey, request: Message) {
        if *key.method() == Method::Cancel {
            return self.on_cancel(now, key, &request);
        }
        if let Some(response) = self.refusal(&request) {
            self.transactions.respond(now, key, &response);
            return;
        }
        if request.to().is_ok_and(|to| to.tag().is_some()) {
            return self.on_request_inside(now, key, request);
        }
        if *key.method() == Method::Invite {
            self.on_invite(now, key, request);
        } else if *key.method() == Method::Options {
            let response = self.capabilities(&request);
            self.transactions.respond(now, key, &response);
        } else {
            //= UAS-20
            self.answer_plainly(now, key, &request, 481);
        }
    }

    /// The refusal that RFC 3261 8.2.1 to 8.2.3 asks for, `None` where there is nothing to refuse.
    fn refusal(&mut self, request: &Message) -> Option<Message> {
        let method = request.method()?;
        //= UAS-03
        if !ALLOW.split(", ").any(|allowed| allowed == method.as_str()) {
            let mut response = self.response(request, 405);
            response.push(HeaderName::Allow, ALLOW);
            return Some(response);
        }
        let uri = request.uri().ok()?;
        if uri.scheme == Scheme::Other {
            //= UAS-04
            return Some(self.response(request, 416));
        }
        let inside = request.to().is_ok_and(|to| to.tag().is_some());
        if !inside && !self.is_ours(&uri) {
            //= UAS-05
            return Some(self.response(request, 404));
        }
        if !inside && self.is_merged(request) {
            //= UAS-08
            return Some(self.response(request, 482));
        }
        let required: BTreeSet<String> = request.tokens(HeaderName::Require);
        if !required.is_empty() {
            //= UAS-06
            let mut response = self.response(request, 420);
            response
                .push(HeaderName::Unsupported, required.into_iter().collect::<Vec<_>>().join(", "));
            return Some(response);
        }
        self.refusal_of_body(request)
    }

    fn refusal_of_body(&mut self, request: &Message) -> Option<Message> {
        let optional = request.header(HeaderName::ContentDisposition).is_some_and(|header| {
            let value = String::from_utf8_lossy(header.value).to_ascii_lowercase();
            value.replace(' ', "").contains("handling=optional")
        });
        if request.body().is_empty() || optional {
            return None;
        }
        let encoded = request
            .header(HeaderName::ContentEncoding)
            .is_some_and(|header| !header.value.eq_ignore_ascii_case(b"identity"));
        if encoded || !request.has_sdp() {
            //= UAS-23
            //= PAR-23
            let mut response = self.response(request, 415);
            response.push(HeaderName::Accept, SDP);
            if encoded {
                response.push(HeaderName::AcceptEncoding, "identity");
            }
            return Some(response);
        }
        SessionDescription::parse(request.body()).err().map(|error| {
            //= SDP-02
            let mut response = self.response(request, 488);
            response.push(HeaderName::Warning, format_args!("399 {SOFTWARE} \"{error}\""));
            response
        })
    }

    fn is_ours(&self, uri: &UriView<'_>) -> bool {
        let own = self.config.identifier.view();
        let same_user = |user: &str| {
            let bare = UriView { user: Some(user), ..own };
            bare.is_same_identity(&own)
        };
        uri.user.is_none_or(same_user)
    }

    /// Whether `request` came by another way already and is not over (RFC 3261 8.2.2.2).
    fn is_merged(&self, request: &Message) -> bool {
        let same = |one: &Message| {
            one.call_id() == request.call_id()
                && one.cseq() == request.cseq()
                && one.from().ok().and_then(|from| from.tag().map(str::to_owned))
                    == request.from().ok().and_then(|from| from.tag().map(str::to_owned))
        };
        self.calls.values().any(|call| {
            let incoming = !matches!(
                call.state,
                CallState::Calling | CallState::Progressing | CallState::Leaving
            );
            incoming && call.state != CallState::Over && same(&call.invite)
        })
    }

    fn on_request_inside(&mut self, now: Instant, key: &ServerKey, request: Message) {
        let early = || self.early_call_of(&request).filter(|_| *key.method() == Method::Bye);
        let Some(handle) = self.call_of(&request).or_else(early) else {
            return self.answer_plainly(now, key, &request, 481);
        };
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        let in_order = call.dialog.as_mut().map(|dialog| dialog.accept_order(number));
        if in_order.is_some_and(|order| order.is_err()) {
            return self.answer_plainly(now, key, &request, 500);
        }
        if *key.method() == Method::Bye {
            self.on_bye(now, key, handle, &request);
        } else if matches!(key.method(), Method::Invite | Method::Update) {
            self.on_offer(now, key, handle, request);
        } else {
            let response = self.capabilities(&request);
            self.transactions.respond(now, key, &response);
        }
    }

    /// The call whose dialog `request` belongs to, over ones left out.
    pub(super) fn call_of(&self, request: &Message) -> Option<CallHandle> {
        let belongs = |call: &super::Call| {
            call.state != CallState::Over
                && call.dialog.as_ref().is_some_and(|dialog| dialog.matches_request(request))
        };
        self.calls.iter().find(|(_, call)| belongs(call)).map(|(handle, _)| *handle)
    }

    /// Our call whose early dialog `request` belongs to: the other side has answered, and no copy of
    /// its 200 has come through.
    fn early_call_of(&self, request: &Message) -> Option<CallHandle> {
        let (from, to) = (request.from().ok()?, request.to().ok()?);
        let belongs = |call: &super::Call| {
            matches!(call.state, CallState::Progressing | CallState::Leaving)
                && call.early_tag.is_some()
                && from.tag() == call.early_tag.as_deref()
                && to.tag() == Some(&call.local_tag)
                && call.invite.call_id() == request.call_id()
        };
        self.calls.iter().find(|(_, call)| belongs(call)).map(|(handle, _)| *handle)
    }

    fn on_bye(&mut self, now: Instant, key: &ServerKey, handle: CallHandle, bye: &Message) {
        //= UAS-26
        self.answer_plainly(now, key, bye, 200);
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        let pending = call.pending.take();
        call.waiting = None;
        // In an early dialog a BYE does what a CANCEL would have done (RFC 3261 15).
        let _ = call.step(now, CallTrigger::Bye) || call.step(now, CallTrigger::Cancelled);
        if let Some(pending) = pending {
            self.answer_plainly(now, &pending.key, &pending.request, 487);
        }
        self.events.push_back(AgentEvent::Ended { call: handle, why: "the other side hung up" });
    }

    fn on_cancel(&mut self, now: Instant, key: &ServerKey, cancel: &Message) {
        let invite = key.of_cancelled_invite();
        let by_key =
            |call: &super::Call| call.pending.as_ref().is_some_and(|pending| pending.key == invite);
        let pending = self.calls.iter().find(|(_, call)| by_key(call)).map(|(handle, _)| *handle);
        let Some(handle) = pending else {
            //= UAS-13
            //= UAS-14
            let status = if self.transactions.knows(&invite) { 200 } else { 481 };
            return self.answer_plainly(now, key, cancel, status);
        };
        //= UAS-12
        //# 200 to the CANCEL and 487 to the INVITE, both at once
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        let tag = call.local_tag.clone();
        let pending = call.pending.take().expect("the call was found by it");
        call.step(now, CallTrigger::Cancelled);
        let mut response = Message::response_to(cancel, 200, reason_phrase(200));
        response.set_to_tag(&tag);
        self.transactions.respond(now, key, &response);
        let mut response = Message::response_to(&pending.request, 487, reason_phrase(487));
        response.set_to_tag(&tag);
        self.transactions.respond(now, &pending.key, &response);
        self.events.push_back(AgentEvent::Cancelled { call: handle });
    }

    pub(super) fn on_acknowledged(&mut self, now: Instant, ack: Message) {
        let Some(handle) = self.call_of(&ack) else {
            return self.events.push_back(AgentEvent::Discarded { why: "ACK for no call" });
        };
        let call = self.calls.get_mut(&handle).expect("the call was just found");
        let number = ack.cseq().map_or(0, |cseq| cseq.number);
        if call.unacknowledged.as_ref().is_none_or(|repeat| repeat.number != number) {
            return;
        }
        call.unacknowledged = None;
        let closing = call.state == CallState::Closing;
        call.step(now, CallTrigger::Acknowledged);
        if closing {
            //= UAS-27
            self.send_bye(now, handle);
            self.events.push_back(AgentEvent::Ended { call: handle, why: "hung up" });
        } else {
            self.events.push_back(AgentEvent::Confirmed { call: handle, ack });
        }
    }

    fn capabilities(&mut self, request: &Message) -> Message {
        //= UAS-28
        let mut response = self.response(request, 200);
        response.push(HeaderName::Contact, self.contact());
        response.push(HeaderName::Allow, ALLOW);
        response.push(HeaderName::Accept, SDP);
        response.push(HeaderName::AcceptEncoding, "identity");
        response.push(HeaderName::AcceptLanguage, "en");
        response.push(HeaderName::Supported, "");
        response
    }

    /// A response with a new To tag, where there is none.
    fn response(&mut self, request: &Message, status: u16) -> Message {
        let mut response = Message::response_to(request, status, reason_phrase(status));
        response.set_to_tag(&new_token(&mut self.entropy));
        response
    }

    pub(super) fn answer_plainly(
        &mut self,
        now: Instant,
        key: &ServerKey,
        request: &Message,
        status: u16,
    ) {
        let response = self.response(request, status);
        self.transactions.respond(now, key, &response);
    }
}
