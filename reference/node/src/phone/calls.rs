//! What a telephone does with its calls: offers and answers, ringing, media, the end.

use std::net::Ipv6Addr;

use roamproof_wire::WireError;
use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, Message, Uri};
use roamproof_wire::udp::Udp;

use super::talk::Talk;
use super::{Ending, MEDIA_PORTS, Phone, PhoneEvent};
use crate::media::Endpoint;
use crate::sip::agent::CallState;
use crate::sip::{AgentEvent, CallHandle};
use crate::{Event, Instant};

impl Phone {
    pub(super) fn call(&mut self, now: Instant, to: &Uri) {
        let mut talk = self.new_talk();
        talk.ours = true;
        let Some(call) = self.agent.call(now, to, &talk.offer()) else {
            return self.told(Event::Note(format!("no way to call {}", to.as_str())));
        };
        self.talks.insert(call, talk);
        self.state("calling");
    }

    /// Answers the call that rings longest, or will ring once it is released.
    pub(super) fn answer_any(&mut self, now: Instant) {
        let ringing = |(handle, state): (CallHandle, CallState)| {
            matches!(state, CallState::Ringing | CallState::Held).then_some(handle)
        };
        let Some(call) = self.agent.open_calls().find_map(ringing) else {
            return self.told(Event::Note("no call to answer".to_owned()));
        };
        let Some(talk) = self.talks.get_mut(&call) else { return };
        talk.answer_wanted = true;
        if talk.released {
            self.answer(now, call);
        }
    }

    /// Ends the call that was begun last.
    pub(super) fn hang_up_any(&mut self, now: Instant) {
        let Some(call) = self.talks.keys().next_back().copied() else {
            return self.told(Event::Note("no call to hang up".to_owned()));
        };
        self.hang_up(now, call);
    }

    pub(super) fn let_out(&mut self, now: Instant, call: CallHandle) {
        let Some(talk) = self.talks.get_mut(&call) else { return };
        if self.agent.call_state(call) != Some(CallState::Held) {
            // An offer within the call: there is nothing to ring for.
            let description = talk.description.clone();
            if self.agent.answer(now, call, description.as_ref()) {
                talk.flow(now);
            }
            return;
        }
        talk.released = true;
        let after = self.config.answer_after();
        if talk.answer_wanted || after.is_some_and(|after| after.is_zero()) {
            return self.answer(now, call);
        }
        talk.answer_at = after.map(|after| now + after);
        self.agent.ring(now, call);
        self.state("ringing");
    }

    fn answer(&mut self, now: Instant, call: CallHandle) {
        let Some(talk) = self.talks.get_mut(&call) else { return };
        talk.answer_at = None;
        let description = talk.description.clone();
        if self.agent.answer(now, call, description.as_ref()) {
            self.state("answered");
        }
    }

    fn hang_up(&mut self, now: Instant, call: CallHandle) {
        if let Some(talk) = self.talks.get_mut(&call) {
            talk.hang_up_at = None;
            match self.ending {
                Ending::TalksOn => talk.ignore_silence(),
                Ending::Whole | Ending::Untold => talk.stop(),
            }
        }
        let before = self.agent.call_state(call);
        self.agent.hang_up(now, call);
        if matches!(before, Some(CallState::Held | CallState::Ringing)) {
            self.end(call, "refused 486");
        }
    }

    /// What is due in the calls; whether anything was.
    pub(super) fn run_talks(&mut self, now: Instant) -> bool {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let first_due = |phone: &Self, which: fn(&Talk) -> Option<Instant>| {
            phone.talks.iter().find(|(_, talk)| due(which(talk))).map(|(call, _)| *call)
        };
        let mut any = false;
        while let Some(call) = first_due(self, |talk| talk.answer_at) {
            self.answer(now, call);
            any = true;
        }
        while let Some(call) = first_due(self, |talk| talk.hang_up_at) {
            self.hang_up(now, call);
            any = true;
        }
        while let Some(call) = first_due(self, Talk::silent_at) {
            self.told(Event::Note("the other side is silent: the call ends".to_owned()));
            self.hang_up(now, call);
            any = true;
        }
        any
    }

    pub(super) fn on_event(&mut self, now: Instant, event: AgentEvent) {
        match event {
            AgentEvent::IncomingCall { call, invite } => self.on_incoming(now, call, invite),
            AgentEvent::IncomingOffer { call, request } => self.on_offer(now, call, request),
            AgentEvent::Cancelled { call } => self.end(call, "cancelled"),
            AgentEvent::Confirmed { call, ack } => self.on_confirmed(now, call, ack),
            AgentEvent::Progress { response, .. } => {
                let status = response.status().unwrap_or(0);
                self.state(&format!("progress {status}"));
            }
            AgentEvent::Answered { call, response } => self.on_answered(now, call, response),
            AgentEvent::Refused { call, status } => self.end(call, &format!("refused {status}")),
            AgentEvent::OfferAnswered { call, response, .. } => {
                self.on_offer_answered(now, call, response.as_ref());
            }
            AgentEvent::Ended { .. } if self.ending == Ending::Untold => {}
            AgentEvent::Ended { call, why } => self.end(call, &format!("ended: {why}")),
            AgentEvent::OptionsAnswered { status } => {
                self.told(Event::Note(format!("OPTIONS answered {status}")));
            }
            AgentEvent::Registered { expires } => {
                self.told(Event::Note(format!("registered for {expires} s")));
            }
            AgentEvent::NotRegistered { status } => {
                self.told(Event::Note(format!("not registered: {status}")));
            }
            AgentEvent::Malformed(error) => self.told(Event::Malformed(error)),
            AgentEvent::Discarded { why } => self.told(Event::Discarded { why }),
        }
    }

    fn on_incoming(&mut self, now: Instant, call: CallHandle, invite: Message) {
        if self.talks.len() >= self.config.calls_max {
            return self.turn_away(now, call, 486);
        }
        let offer = match description_in(&invite) {
            Ok(offer) => offer,
            Err(error) => {
                self.told(Event::Malformed(error));
                return self.turn_away(now, call, 400);
            }
        };
        let mut talk = self.new_talk();
        if talk.take_offer(offer.as_ref()).is_err() {
            return self.turn_away(now, call, 488);
        }
        self.talks.insert(call, talk);
        self.state("incoming");
        self.events.push_back(PhoneEvent::Incoming { call, invite });
    }

    /// Refuses a call that never became one here.
    fn turn_away(&mut self, now: Instant, call: CallHandle, status: u16) {
        //= CL-RO-18
        //# a refusal leaves at once, nobody is asked
        self.agent.refuse(now, call, status);
        self.state(&format!("refused {status}"));
    }

    fn on_offer(&mut self, now: Instant, call: CallHandle, request: Message) {
        let offer = description_in(&request);
        let taken = match (self.talks.get_mut(&call), offer) {
            (Some(talk), Ok(offer)) => talk.take_offer(offer.as_ref()).is_ok(),
            (None, _) | (_, Err(_)) => false,
        };
        if !taken {
            self.agent.refuse(now, call, 488);
            return;
        }
        self.events.push_back(PhoneEvent::Offer { call, request });
    }

    fn on_confirmed(&mut self, now: Instant, call: CallHandle, ack: Message) {
        if let Some(talk) = self.talks.get_mut(&call)
            && let Ok(Some(answer)) = description_in(&ack)
        {
            talk.take_answer(&answer);
        }
        if !self.media_waits {
            self.begin_media(now, call);
        }
        self.events.push_back(PhoneEvent::Confirmed { call, ack });
    }

    fn on_answered(&mut self, now: Instant, call: CallHandle, response: Message) {
        self.state("answered");
        let Some(talk) = self.talks.get_mut(&call) else { return };
        match description_in(&response) {
            Ok(Some(answer)) => {
                talk.take_answer(&answer);
                if !self.media_waits {
                    self.begin_media(now, call);
                }
                self.events.push_back(PhoneEvent::Answered { call, response });
            }
            Ok(None) | Err(_) => self.hang_up(now, call),
        }
    }

    fn on_offer_answered(&mut self, now: Instant, call: CallHandle, response: Option<&Message>) {
        let Some(talk) = self.talks.get_mut(&call) else { return };
        let answer = response.map(description_in);
        if let Some(Ok(Some(answer))) = answer {
            talk.take_answer(&answer);
            talk.flow(now);
        }
    }

    pub(super) fn end(&mut self, call: CallHandle, how: &str) {
        let Some(mut talk) = self.talks.remove(&call) else { return };
        let count = talk.media.count();
        if self.ending == Ending::TalksOn {
            talk.ignore_silence();
            self.talks.insert(call, talk);
        }
        self.state(how);
        if count.sent + count.received > 0 {
            self.told(Event::Note(format!("media: {count}")));
        }
        self.events.push_back(PhoneEvent::Over { call });
    }

    pub(super) fn is_media_port(&self, address: Ipv6Addr, port: u16) -> bool {
        let first = u32::from(self.config.media_port);
        let ports = first..first + 2 * MEDIA_PORTS;
        address == self.media_address && ports.contains(&u32::from(port))
    }

    pub(super) fn receive_media(
        &mut self,
        now: Instant,
        datagram: &Udp<'_>,
    ) -> Result<(), WireError> {
        let port = datagram.destination_port;
        match self.talks.values_mut().find(|talk| talk.media.local().1 == port) {
            Some(talk) => talk.hear(now, datagram.payload),
            None => {
                // Packets that were under way when the call ended.
                self.told(Event::Discarded { why: "media without a call" });
                Ok(())
            }
        }
    }

    fn new_talk(&mut self) -> Talk {
        let local = self.free_media_endpoint();
        Talk::new(local, &self.config, &mut self.entropy)
    }

    /// The lowest media port that no call uses.
    fn free_media_endpoint(&self) -> Endpoint {
        let used = |port: u16| self.talks.values().any(|talk| talk.media.local().1 == port);
        let ports = (self.config.media_port..=u16::MAX).step_by(2);
        let port = ports.into_iter().find(|port| !used(*port));
        (self.media_address, port.unwrap_or(self.config.media_port))
    }

    fn state(&mut self, state: &str) {
        self.told(Event::Call { state: state.to_owned() });
    }
}

/// The session description that a message carries, if any.
fn description_in(message: &Message) -> Result<Option<SessionDescription>, WireError> {
    if !message.has_sdp() {
        return Ok(None);
    }
    SessionDescription::parse(message.body()).map(Some)
}
