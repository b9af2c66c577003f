//! The registrar: binds identifiers to contacts, all of a request or nothing (RFC 3261 10.3).

use std::time::Duration;

use roamproof_wire::sip::{AddressView, Fields, HeaderName, Message, reason_phrase};

use super::location::{Binding, Location};
use crate::{Held, Instant};

/// How long registrations last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrarLimits {
    /// Seconds granted where none are asked for, or what is asked for cannot be read.
    pub default: u32,
    /// Seconds below which a registration is refused with 423; at most 3600.
    pub least: u32,
    /// Seconds granted at most.
    pub most: u32,
}

/// A registrar and its location service.
#[derive(Debug, Clone)]
pub struct Registrar {
    limits: RegistrarLimits,
    location: Location,
    /// Whether identifiers that are not known yet may register.
    open: bool,
}

/// What a REGISTER asks for, read as a whole before anything is changed.
enum Asked {
    /// Nothing: list what there is.
    List,
    /// Remove everything.
    RemoveAll,
    /// Add, renew or remove these, each with the seconds asked for.
    Update(Vec<(Binding, u32)>),
}

impl Registrar {
    /// A registrar of the given `identifiers` (as [`Location::key_of`] files them); with none
    /// given, of whoever registers.
    pub fn new(limits: RegistrarLimits, identifiers: &[String]) -> Self {
        let mut location = Location::default();
        for identifier in identifiers {
            location.add(identifier);
        }
        Self { limits, location, open: identifiers.is_empty() }
    }

    /// The contacts there are.
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// The location service, to let contacts end.
    pub const fn location_mut(&mut self) -> &mut Location {
        &mut self.location
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        let contacts = IDENTIFIERS_MAX * CONTACTS_MAX;
        held.for_room("identifiers", self.location.len(), IDENTIFIERS_MAX);
        held.in_time("contacts", self.location.contacts_count(), contacts);
    }

    /// Forgets every contact, as a restart does; identifiers given at the start stay known.
    pub fn forget(&mut self) {
        let known: Vec<String> = if self.open { Vec::new() } else { self.location.keys() };
        self.location = Location::default();
        known.iter().for_each(|key| self.location.add(key));
    }

    /// Takes in a REGISTER for a domain of ours; the response, without a To tag.
    pub fn register(&mut self, now: Instant, request: &Message) -> Message {
        match self.try_register(now, request) {
            Ok(key) => self.listing(now, request, &key),
            Err(refusal) => *refusal,
        }
    }

    fn try_register(&mut self, now: Instant, request: &Message) -> Result<String, Box<Message>> {
        let refuse =
            |status| Box::new(Message::response_to(request, status, reason_phrase(status)));
        let required = request.tokens(HeaderName::Require);
        if !required.is_empty() {
            //= REG-02
            let mut refusal = refuse(420);
            refusal
                .push(HeaderName::Unsupported, required.into_iter().collect::<Vec<_>>().join(", "));
            return Err(refusal);
        }
        let to = request.to().map_err(|_| refuse(400))?;
        let key = Location::key_of(&to.uri).ok_or_else(|| refuse(404))?;
        if !self.open && !self.location.knows(&key) {
            //= REG-06
            return Err(refuse(404));
        }
        if !self.location.knows(&key) && self.location.len() >= IDENTIFIERS_MAX {
            return Err(refuse(503));
        }
        let asked = self.read(now, request).map_err(|status| self.refusal(request, status))?;
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let call_id = request.call_id().unwrap_or_default();
        let bindings = self.updated(now, &key, asked, call_id, number).map_err(refuse)?;
        //= CL-REG-04
        //# bound is the contact that was registered, whatever the packet's source
        self.location.set(&key, bindings);
        Ok(key)
    }

    fn refusal(&self, request: &Message, status: u16) -> Box<Message> {
        let mut refusal = Message::response_to(request, status, reason_phrase(status));
        if status == 423 {
            //= REG-11
            refusal.push(HeaderName::MinExpires, self.limits.least);
        }
        Box::new(refusal)
    }

    fn read(&self, now: Instant, request: &Message) -> Result<Asked, u16> {
        let header = request.header(HeaderName::Expires).map(|_| request.expires().ok().flatten());
        let number = request.cseq().map_err(|_| 400_u16)?.number;
        let call_id = request.call_id().map_err(|_| 400_u16)?;
        let elements = request.elements(HeaderName::Contact).count();
        if request.has_star_contact() {
            //= REG-08
            let alone = elements == 1 && header == Some(Some(0));
            return if alone { Ok(Asked::RemoveAll) } else { Err(400) };
        }
        if elements == 0 {
            //= REG-07
            return Ok(Asked::List);
        }
        let mut updates = Vec::new();
        for contact in request.contacts() {
            let contact = contact.map_err(|_| 400_u16)?;
            let seconds = self.granted(&contact, header)?;
            let binding = Binding {
                //= REG-25
                //# parameters of the URI belong to the contact, those of the header do not
                contact: contact.uri.to_owned(),
                q: contact.q().unwrap_or(1000),
                q_text: contact.parameters.value("q").map(str::to_owned),
                call_id: call_id.to_owned(),
                cseq: number,
                expires_at: now + Duration::from_secs(seconds.into()),
            };
            updates.push((binding, seconds));
        }
        Ok(Asked::Update(updates))
    }

    /// Seconds granted for `contact`: its own parameter over the header over the default.
    fn granted(&self, contact: &AddressView<'_>, header: Option<Option<u32>>) -> Result<u32, u16> {
        //= REG-09
        let asked = match (contact.expires(), header) {
            (Some(own), _) => own,
            (None, Some(header)) => header,
            (None, None) => Some(self.limits.default),
        };
        //= REG-12
        let asked = asked.unwrap_or(UNREADABLE);
        if asked > 0 && asked < self.limits.least.min(UNREADABLE) {
            return Err(423);
        }
        Ok(asked.min(self.limits.most))
    }

    /// The contacts after what was asked for, or why not.
    fn updated(
        &self,
        now: Instant,
        key: &str,
        asked: Asked,
        call_id: &str,
        number: u32,
    ) -> Result<Vec<Binding>, u16> {
        let mut bindings: Vec<Binding> =
            self.location.contacts(now, key).into_iter().cloned().collect();
        //= REG-13
        let stale = |binding: &Binding| binding.call_id == call_id && number <= binding.cseq;
        match asked {
            Asked::List => {}
            Asked::RemoveAll => {
                if bindings.iter().any(stale) {
                    return Err(500);
                }
                bindings.clear();
            }
            Asked::Update(updates) => {
                for (update, seconds) in updates {
                    //= REG-15
                    let same = |binding: &Binding| {
                        binding.contact.view().is_equivalent(&update.contact.view())
                    };
                    let there = bindings.iter().position(same);
                    if there.is_some_and(|at| stale(&bindings[at])) {
                        return Err(500);
                    }
                    match (there, seconds) {
                        //= REG-10
                        (Some(at), 0) => drop(bindings.remove(at)),
                        (Some(at), _) => bindings[at] = update,
                        (None, 0) => {}
                        (None, _) => bindings.push(update),
                    }
                }
            }
        }
        //= REG-21
        if bindings.len() > CONTACTS_MAX { Err(403) } else { Ok(bindings) }
    }

    fn listing(&self, now: Instant, request: &Message, key: &str) -> Message {
        let mut response = Message::response_to(request, 200, reason_phrase(200));
        for binding in self.location.contacts(now, key) {
            //= REG-16
            let left = binding.expires_at - now;
            let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
            let q = binding.q_text.as_ref().map(|q| format!(";q={q}")).unwrap_or_default();
            response.push(
                HeaderName::Contact,
                format_args!("<{}>{q};expires={seconds}", binding.contact),
            );
        }
        response
    }
}

/// What an expiry that cannot be read counts as (RFC 3261 10.2.1.1), and the most that a
/// registrar may call too brief.
const UNREADABLE: u32 = 3600;
/// The most contacts an identifier may have.
const CONTACTS_MAX: usize = 10;
/// The most identifiers an open registrar takes.
const IDENTIFIERS_MAX: usize = 10_000;
