//! What is given around a SIP server before anything is judged: registrations, notifications, calls, and
//! that the server lives.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::{BindingLookup, LookupKind, Message};
use roamproof_wire::sip::{Fields, HeaderName, Message as SipMessage, Method};

use super::lookup::Says;
use super::peers::{ANSWER, LIFETIME, Peers, TRYING, Terminal, registrar, uri};
use crate::tester::digest;
use crate::tester::sip::{Party, SipPeer};
use crate::tester::template::{binding_lookup, message_in, sip_final_response};
use crate::tester::{Template, Tester};
use crate::verdict::Stop;

/// RFC 3261 §17.2.1: a server that will not have a final response by then says 100.
const TRYING_AFTER: Duration = Duration::from_millis(200);
/// A server that challenges an INVITE does so at once.
const CHALLENGE: Duration = Duration::from_millis(500);
/// T1 doubled (RFC 3261 §17.1.2.2): when copies of a request that nobody answers follow.
const COPIES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

impl Peers {
    /// Registers a terminal's identifier with its home address as contact.
    pub(super) fn register(&self, t: &mut Tester<'_>, one: &mut Terminal) -> Result<(), Stop> {
        let contact = one.party.contact();
        self.register_at(t, one, &contact)
    }

    /// The same with this contact.
    pub(super) fn register_at(
        &self,
        t: &mut Tester<'_>,
        one: &mut Terminal,
        contact: &str,
    ) -> Result<(), Stop> {
        self.forget(t, one)?;
        t.given(format!("the server takes the registration of {}", one.party.identifier));
        let registrar = registrar(t)?;
        let mut register = one.peer.register(&one.party, &registrar);
        register.replace(HeaderName::Contact, format!("<{contact}>"));
        let taken = self.registers(t, &mut one.peer, &one.party, register)?;
        t.finds(&taken.0.status_code(200).from(self.server).to(one.home()), taken.1)
    }

    /// Takes all contacts of a terminal back (RFC 3261 §10.2.2): a server that outlives a case may
    /// have some of an earlier one. What it answers is not judged.
    pub(super) fn forget(&self, t: &mut Tester<'_>, one: &mut Terminal) -> Result<(), Stop> {
        t.given(format!("the server has no contact of {}", one.party.identifier));
        let registrar = registrar(t)?;
        let mut register = one.peer.register(&one.party, &registrar);
        register.replace(HeaderName::Contact, "*");
        register.replace(HeaderName::Expires, 0);
        self.registers(t, &mut one.peer, &one.party, register)?;
        Ok(())
    }

    /// Sends a REGISTER, and again where nobody answers or a challenge is to be met; the final
    /// response, and what it is of.
    pub(super) fn registers(
        &self,
        t: &mut Tester<'_>,
        peer: &mut SipPeer,
        party: &Party,
        register: SipMessage,
    ) -> Result<(Template, usize), Stop> {
        let from = peer.address;
        let (_, answered) = self.asks(t, from, &register)?;
        let Some(proved) = proved(t, peer, party, &register, answered)? else {
            return Ok((sip_final_response(&register), answered));
        };
        self.say(t, from, &proved)?;
        let answered = t.hears(&sip_final_response(&proved), ANSWER)?;
        Ok((sip_final_response(&proved), answered))
    }

    /// Sends a request that is no INVITE, and copies of it where nobody answers: the frames of the
    /// last copy and of its final response. A server that has only just come up may need some.
    fn asks(
        &self,
        t: &mut Tester<'_>,
        from: Ipv6Addr,
        request: &SipMessage,
    ) -> Result<(usize, usize), Stop> {
        let wanted = sip_final_response(request);
        for patience in COPIES {
            let asked = self.say(t, from, request)?;
            if let Some(answered) = t.hears_perhaps(&wanted, patience)? {
                return Ok((asked, answered));
            }
        }
        Err(t.stop(wanted.to_string(), "none to any copy".to_owned(), vec![]))
    }

    /// Has a terminal's home agent notify the server.
    pub(super) fn notify(&self, t: &mut Tester<'_>, one: &mut Terminal) -> Result<(), Stop> {
        t.given(format!("the server acknowledges that a home agent serves {}", one.home()));
        let (number, agent) = (one.agent.next_transaction(), one.agent.address);
        let notification = BindingLookup::notification(number, one.home(), agent, LIFETIME);
        self.tell(t, &one.agent, &notification)?;
        let acknowledged = binding_lookup(LookupKind::HomeAgentNotificationAck).that(
            "to this notification",
            move |packet| {
                matches!(
                    message_in(packet),
                    Some(Message::BindingLookup(one)) if one.transaction == number
                )
            },
        );
        t.hears(&acknowledged.from(self.server).to(agent), ANSWER)?;
        Ok(())
    }

    /// Calls a terminal by its identifier.
    pub(super) fn call(&mut self, t: &mut Tester<'_>, one: &Terminal) -> Result<SipMessage, Stop> {
        let identifier = uri(t, &one.party.identifier)?;
        let invite = self.caller.invite(&self.party, &one.party.identifier, &identifier);
        self.say(t, self.party.address, &invite)?;
        if t.plan.sip_password.is_none() {
            return Ok(invite);
        }
        let refused = sip_final_response(&invite).to(self.party.address);
        let Some(refused) = t.hears_perhaps(&refused, CHALLENGE)? else { return Ok(invite) };
        let ack = self.caller.acknowledgement(&invite, &t.sip(refused)?);
        self.say_that(t, self.party.address, ack)?;
        let proved = proved(t, &mut self.caller, &self.party, &invite, refused)?;
        let Some(proved) = proved else { return Ok(invite) };
        self.say(t, self.party.address, &proved)?;
        Ok(proved)
    }

    /// The terminal refuses a call that reached it, and the caller acknowledges that.
    pub(super) fn refuse(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        invite: &SipMessage,
        delivered: usize,
    ) -> Result<(), Stop> {
        let refusal = one.responds(&t.sip(delivered)?, 486, "Busy Here");
        self.say(t, one.home(), &refusal)?;
        let refused = sip_final_response(invite).status_code(486);
        let refused = t.hears(&refused.from(self.server).to(self.party.address), ANSWER)?;
        let ack = self.caller.acknowledgement(invite, &t.sip(refused)?);
        self.say_that(t, self.party.address, ack)?;
        Ok(())
    }

    /// The control of direct mode: the server knows the terminal's identifier and its home agent,
    /// and tunnels a call to the care-of address that the home agent tells.
    pub(super) fn in_direct_mode(
        &mut self,
        t: &mut Tester<'_>,
        one: &mut Terminal,
    ) -> Result<(), Stop> {
        self.register(t, one)?;
        self.notify(t, one)?;
        t.given("a call goes in the tunnel to the care-of address that the home agent tells");
        let invite = self.call(t, one)?;
        let delivered = self.deliver(t, one, Method::Invite, &invite, Says::CareOf)?;
        t.finds(&self.tunnelled(Method::Invite, &invite, one), delivered.frame)?;
        t.given("the terminal refuses that call, and it is over");
        self.refuse(t, one, &invite, delivered.frame)
    }

    /// The sign of life that a silence needs: OPTIONS for the server itself has a final response,
    /// whichever; how long that took.
    pub(super) fn lives(&mut self, t: &mut Tester<'_>) -> Result<Duration, Stop> {
        t.given("the server answers OPTIONS");
        let registrar = registrar(t)?;
        let options =
            self.caller.request(Method::Options, &self.party, registrar.as_str(), &registrar);
        let (asked, answered) = self.asks(t, self.party.address, &options)?;
        Ok(t.captured_at(answered).saturating_sub(t.captured_at(asked)))
    }

    /// The caller hears the server's own 100 to the call that it has just made, in time.
    pub(super) fn is_trying(&self, t: &mut Tester<'_>, invite: &SipMessage) -> Result<(), Stop> {
        let asked = t.stimuli().last().copied();
        let trying = t.hears(&self.response(invite, TRYING), ANSWER)?;
        asked.map_or(Ok(()), |asked| t.came_within(TRYING_AFTER, asked, trying))
    }

    /// The home agent tells by itself where the terminal is.
    pub(super) fn tells_change(&self, t: &mut Tester<'_>, one: &mut Terminal) -> Result<(), Stop> {
        let number = one.agent.next_transaction();
        let change = BindingLookup::change(number, one.home(), one.care_of, LIFETIME);
        self.tell(t, &one.agent, &change)?;
        Ok(())
    }
}

/// The request again, with what the challenge in `answered` asks for; `None` where it is none, or
/// no password is known.
fn proved(
    t: &Tester<'_>,
    peer: &mut SipPeer,
    party: &Party,
    request: &SipMessage,
    answered: usize,
) -> Result<Option<SipMessage>, Stop> {
    let refusal = t.sip(answered)?;
    let challenged = matches!(refusal.status(), Some(401 | 407));
    let Some(password) = t.plan.sip_password.as_ref().filter(|_| challenged) else {
        return Ok(None);
    };
    let mut again = peer.again(request);
    let met = digest::proves(&mut again, &refusal, party.user(), &password.0);
    Ok(met.then_some(again))
}
