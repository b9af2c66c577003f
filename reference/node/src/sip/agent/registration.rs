//! The registration of the agent's contact (RFC 3261 10.2): asked for, refreshed, tried again.

use std::time::Duration;

use roamproof_wire::sip::{Address, Fields, HeaderName, Message, Method};

use super::{Agent, AgentEvent, SOFTWARE};
use crate::sip::{ClientKey, new_branch};
use crate::{Instant, Wakeup};

/// Where the registration stands.
#[derive(Debug)]
pub(super) struct Registration {
    call_id: String,
    tag: String,
    cseq: u32,
    /// Whether the owner wants it.
    wanted: bool,
    waiting: Option<ClientKey>,
    /// What the registrar asked for at least.
    least_expires: u32,
    /// When to send the next REGISTER.
    next_at: Option<Instant>,
    /// How long to wait after the next failure.
    back_off: Duration,
}

impl Registration {
    pub(super) const fn new(call_id: String, tag: String) -> Self {
        Self {
            call_id,
            tag,
            cseq: 0,
            wanted: false,
            waiting: None,
            least_expires: 0,
            next_at: None,
            back_off: BACK_OFF_MIN,
        }
    }

    pub(super) fn is_waiting_for(&self, key: &ClientKey) -> bool {
        self.waiting.as_ref() == Some(key)
    }

    pub(super) fn wakeup(&self) -> Option<Wakeup> {
        self.next_at.map(|at| Wakeup { at, why: "registration due" })
    }
}

impl Agent {
    /// Registers, and keeps registered from now on. Nothing leaves while an earlier REGISTER is
    /// unanswered (RFC 3261 10.2): it is sent after that.
    pub fn register(&mut self, now: Instant) {
        self.registration.wanted = true;
        self.send_register(now);
    }

    /// Takes the registration back.
    pub fn unregister(&mut self, now: Instant) {
        self.registration.wanted = false;
        self.send_register(now);
    }

    /// Whether the owner wants the agent registered.
    pub const fn wants_registration(&self) -> bool {
        self.registration.wanted
    }

    pub(super) fn run_registration_clock(&mut self, now: Instant) {
        if self.registration.next_at.is_some_and(|at| at <= now) {
            self.send_register(now);
        }
    }

    pub(super) fn on_register_response(
        &mut self,
        now: Instant,
        status: u16,
        response: Option<&Message>,
    ) {
        if status < 200 {
            return;
        }
        self.registration.waiting = None;
        let wanted = self.registration.wanted;
        match (status, response) {
            (200..300, Some(response)) if wanted => self.on_registered(now, response),
            (200..300, _) => self.events.push_back(AgentEvent::NotRegistered { status }),
            (423, Some(response)) if wanted => self.on_too_brief(now, response),
            _ => self.on_register_failure(now, status, response),
        }
    }

    fn on_registered(&mut self, now: Instant, response: &Message) {
        let contact = self.contact();
        let own = response
            .contacts()
            .filter_map(Result::ok)
            .find(|there| there.uri.is_equivalent(&contact.uri.view()));
        let Some(own) = own else {
            //= RGT-05
            return self.on_register_failure(now, 500, None);
        };
        let header = response.expires().ok().flatten();
        let expires = own.expires().flatten().or(header).unwrap_or(self.config.expires);
        self.registration.back_off = BACK_OFF_MIN;
        //= RGT-02
        //# refreshed before it ends: when a tenth of it, at least half a second, is left
        let lifetime = Duration::from_secs(expires.into());
        let early = (lifetime / 10).max(Duration::from_millis(500));
        self.registration.next_at = Some(now + lifetime.saturating_sub(early));
        self.events.push_back(AgentEvent::Registered { expires });
    }

    fn on_too_brief(&mut self, now: Instant, response: &Message) {
        let least = response
            .header(HeaderName::MinExpires)
            .and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<u32>().ok());
        match least.filter(|&least| least > self.asked_expires()) {
            //= RGT-03
            Some(least) => {
                self.registration.least_expires = least;
                self.send_register(now);
            }
            None => self.on_register_failure(now, 423, Some(response)),
        }
    }

    fn on_register_failure(&mut self, now: Instant, status: u16, response: Option<&Message>) {
        if self.registration.wanted {
            let asked = response
                .and_then(|response| response.header(HeaderName::RetryAfter))
                .and_then(|header| {
                    std::str::from_utf8(header.value).ok()?.split([' ', ';']).next()?.parse().ok()
                })
                .map(Duration::from_secs);
            let wait = asked.unwrap_or(self.registration.back_off).min(BACK_OFF_MAX);
            self.registration.next_at = Some(now + wait);
            self.registration.back_off = (self.registration.back_off * 2).min(BACK_OFF_MAX);
        }
        self.events.push_back(AgentEvent::NotRegistered { status });
    }

    fn send_register(&mut self, now: Instant) {
        //= RGT-06
        if self.registration.waiting.is_some() {
            self.registration.next_at = Some(now + crate::sip::T1);
            return;
        }
        self.registration.next_at = None;
        let Some(registrar) = self.config.registrar.clone() else { return };
        let Some(hop) = self.hop_outside(&registrar) else { return };
        self.registration.cseq += 1;
        let expires = if self.registration.wanted { self.asked_expires() } else { 0 };
        //= RGT-01
        //= CL-REG-03
        //# To is the identifier, Contact the agent's own address
        let mut register = Message::request(Method::Register, &registrar);
        register.push(HeaderName::MaxForwards, 70);
        let from = Address::new(self.config.identifier.clone());
        register.push(
            HeaderName::From,
            from.clone().with_parameter("tag", Some(&self.registration.tag)),
        );
        register.push(HeaderName::To, from);
        register.push(HeaderName::CallId, &self.registration.call_id);
        register.push(HeaderName::CSeq, format_args!("{} REGISTER", self.registration.cseq));
        let contact = self.contact().with_parameter("expires", Some(&expires.to_string()));
        register.push(HeaderName::Contact, contact);
        register.push(HeaderName::UserAgent, SOFTWARE);
        let branch = new_branch(&mut self.entropy);
        self.registration.waiting = Some(self.transactions.request(now, register, hop, branch));
    }

    fn asked_expires(&self) -> u32 {
        self.config.expires.max(self.registration.least_expires)
    }
}

const BACK_OFF_MIN: Duration = Duration::from_secs(4);
const BACK_OFF_MAX: Duration = Duration::from_secs(300);
