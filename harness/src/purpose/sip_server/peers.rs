//! Everyone around a SIP server, played by the tester through the core router.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind, LookupStatus, Message};
use roamproof_wire::sip::{Fields, HeaderName, Message as SipMessage, Method, Uri};

use crate::tester::digest;
use crate::tester::home_agent::HomeAgent;
use crate::tester::sip::{Party, SipPeer, packet};
use crate::tester::template::{
    binding_lookup, innermost, message_in, sip_final_response, sip_in, sip_request, sip_response,
};
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::claimed::{link_local, mac};
use crate::verdict::Stop;

/// What comes without a wait of the protocol's own.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// A server that did what it must not would do it at once, or by its first retransmission (T1 is
/// 500 ms).
pub(super) const SILENCE: Duration = Duration::from_millis(800);
/// For how long a home agent says that it serves a home address, and that a binding lasts.
pub(super) const LIFETIME: Lifetime = Lifetime(150);
/// Interface identifiers: of the first terminal where it is at first, and later; of the second; and
/// of a host to which a forger would have calls go.
const IDENTIFIERS: [u64; 4] =
    [0x1234_5678_9abc, 0x1234_5678_9abd, 0x2345_6789_abcd, 0xdead_0000_0666];
/// A server that challenges an INVITE does so at once.
const CHALLENGE: Duration = Duration::from_millis(500);
/// T1 doubled (RFC 3261 §17.1.2.2): when copies of a request that nobody answers follow.
const COPIES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
const MEDIA_PORT: u16 = 0x7e5c;
/// RFC 3261 §17.2.1: a server that will not have a final response by then says 100.
const TRYING_AFTER: Duration = Duration::from_millis(200);
/// The status of a response that says nothing but that somebody cares.
const TRYING: u16 = 100;

/// The tester's hands around the server: all of them speak through the core router.
pub(super) struct Peers {
    pub(super) router: StationId,
    pub(super) server: Ipv6Addr,
    pub(super) party: Party,
    pub(super) caller: SipPeer,
}

/// A mobile terminal: who it is, where it is, and its home agent.
pub(super) struct Terminal {
    pub(super) party: Party,
    pub(super) peer: SipPeer,
    pub(super) agent: HomeAgent,
    pub(super) care_of: Ipv6Addr,
}

/// What a home agent says when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// Where the terminal is.
    CareOf,
    /// The same, for as long as this.
    CareOfFor(Lifetime),
    /// The same, after a forger has said that it is elsewhere.
    CareOfAfterForger,
    /// Nothing.
    Nothing,
}

/// An INVITE that the server passed on, and what it asked before.
pub(super) struct Delivered {
    /// The INVITE's frame.
    pub(super) frame: usize,
    /// The frames of the queries.
    pub(super) queries: Vec<usize>,
}

impl Terminal {
    /// The first terminal, of the first home agent, on the first visited link.
    pub(super) fn first(t: &Tester<'_>) -> Self {
        let care_of = t.plan.address("visited-1", IDENTIFIERS[0]);
        Self::new(t, t.plan.mt(MEDIA_PORT), t.plan.ha, care_of)
    }

    /// The second terminal, of the second home agent, on the second visited link.
    pub(super) fn second(t: &Tester<'_>) -> Self {
        let care_of = t.plan.address("visited-2", IDENTIFIERS[2]);
        Self::new(t, t.plan.mt2(MEDIA_PORT), t.plan.ha2, care_of)
    }

    fn new(t: &Tester<'_>, party: Party, agent: Ipv6Addr, care_of: Ipv6Addr) -> Self {
        let peer = SipPeer::since(party.address, t.unix_time());
        Self { party, peer, agent: HomeAgent::at(agent, &t.plan), care_of }
    }

    /// Moves to the second visited link; nobody hears of it yet.
    pub(super) fn moves(&mut self, t: &Tester<'_>) {
        self.care_of = t.plan.address("visited-2", IDENTIFIERS[1]);
    }

    /// Its home address, where it wants its calls.
    pub(super) const fn home(&self) -> Ipv6Addr {
        self.party.address
    }

    /// Its response to an INVITE or another request that reached it.
    pub(super) fn responds(&self, request: &SipMessage, status: u16, reason: &str) -> SipMessage {
        self.peer.response(request, &self.party, status, reason)
    }
}

impl Peers {
    /// Takes the place of the core router on the server's link.
    pub(super) fn around(t: &mut Tester<'_>) -> Result<Self, Stop> {
        let router = Station::router(Mac(mac(0x01, 2)), [link_local(0x01, 2)]);
        let router = t.station("server", router)?;
        let (server, party) = (t.plan.ss, t.plan.cn(MEDIA_PORT));
        let caller = SipPeer::since(party.address, t.unix_time());
        Ok(Self { router, server, party, caller })
    }

    /// Sends a packet to the server.
    pub(super) fn send(&self, t: &mut Tester<'_>, packet: &[u8]) -> Result<usize, Stop> {
        t.sends(self.router, packet)
    }

    /// Sends a SIP message to the server.
    pub(super) fn say(
        &self,
        t: &mut Tester<'_>,
        from: Ipv6Addr,
        message: &SipMessage,
    ) -> Result<usize, Stop> {
        self.send(t, &packet(from, self.server, message))
    }

    /// Sends what a script made of a SIP message heard, which is not as it must be where it made
    /// nothing of it.
    pub(super) fn say_that(
        &self,
        t: &mut Tester<'_>,
        from: Ipv6Addr,
        message: Option<SipMessage>,
    ) -> Result<usize, Stop> {
        let packet = message.map(|message| packet(from, self.server, &message));
        t.answers(self.router, packet)
    }

    /// Sends a message of binding lookup to the server, proved.
    pub(super) fn tell(
        &self,
        t: &mut Tester<'_>,
        agent: &HomeAgent,
        message: &BindingLookup,
    ) -> Result<usize, Stop> {
        let packet = agent.tells(self.server, message, t.unix_time());
        self.send(t, &packet)
    }

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
        t.given(format!("the server takes the registration of {}", one.party.identifier));
        let registrar = registrar(t)?;
        let mut register = one.peer.register(&one.party, &registrar);
        register.replace(HeaderName::Contact, format!("<{contact}>"));
        let taken = self.registers(t, &mut one.peer, &one.party, register)?;
        t.finds(&taken.0.status_code(200).from(self.server).to(one.home()), taken.1)
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
        let transaction = one.agent.next_transaction();
        let notification =
            BindingLookup::notification(transaction, one.home(), one.agent.address, LIFETIME);
        self.tell(t, &one.agent, &notification)?;
        let acknowledged = binding_lookup(LookupKind::HomeAgentNotificationAck);
        t.hears(&acknowledged.from(self.server).to(one.agent.address), ANSWER)?;
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

    /// A request of a call as it leaves the server, by whatever way; what the server asks before is
    /// answered as `says` tells.
    pub(super) fn deliver(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        method: Method,
        call: &SipMessage,
        says: Says,
    ) -> Result<Delivered, Stop> {
        let mut queries = Vec::new();
        loop {
            let frame = t.hears(&request_or_query(method.clone(), call), ANSWER)?;
            if !self.is_answered(t, one, frame, says)? {
                return Ok(Delivered { frame, queries });
            }
            queries.push(frame);
        }
    }

    /// The next copy of a call's INVITE before `until`; queries are answered as `says` tells.
    pub(super) fn next_copy(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        call: &SipMessage,
        says: Says,
        until: Duration,
    ) -> Result<Option<usize>, Stop> {
        loop {
            let left = until.saturating_sub(t.bench.now());
            let copy = request_or_query(Method::Invite, call);
            let Some(frame) = t.hears_perhaps(&copy, left)? else { return Ok(None) };
            if !self.is_answered(t, one, frame, says)? {
                return Ok(Some(frame));
            }
        }
    }

    /// Waits until a copy of a call's INVITE fits `wanted`, for as long as `patience`; copies that
    /// do not may come before.
    pub(super) fn settle(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        call: &SipMessage,
        says: Says,
        (wanted, patience): (&Template, Duration),
    ) -> Result<usize, Stop> {
        let until = t.bench.now() + patience;
        let mut others = Vec::new();
        while let Some(frame) = self.next_copy(t, one, call, says, until)? {
            if t.finds(wanted, frame).is_ok() {
                return Ok(frame);
            }
            others.push(frame);
        }
        let seen = format!("{} other copies of it in {patience:?}", others.len());
        Err(t.stop(wanted.to_string(), seen, others))
    }

    /// Answers a query, if the frame is one.
    pub(super) fn is_answered(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        frame: usize,
        says: Says,
    ) -> Result<bool, Stop> {
        let Some(Message::BindingLookup(query)) = message_in(&t.packet(frame)) else {
            return Ok(false);
        };
        let asked = t.packet(frame).destination();
        self.answer(t, one, asked, &query, says)?;
        Ok(true)
    }

    /// Answers a query as `says` tells; a home agent that is not the terminal's says so.
    fn answer(
        &self,
        t: &mut Tester<'_>,
        one: &Terminal,
        asked: Ipv6Addr,
        query: &BindingLookup,
        says: Says,
    ) -> Result<(), Stop> {
        let (number, home) = (query.transaction, query.home_address);
        if asked != one.agent.address || home != one.home() {
            let reply =
                BindingLookup::reply_without(number, home, LookupStatus::NOT_MY_HOME_ADDRESS);
            self.tell(t, &HomeAgent::at(asked, &t.plan), &reply)?;
            return Ok(());
        }
        let lifetime = match says {
            Says::Nothing => return Ok(()),
            Says::CareOf => LIFETIME,
            Says::CareOfFor(lifetime) => lifetime,
            Says::CareOfAfterForger => {
                let forgery = BindingLookup::reply(number, home, hijacker(t), LIFETIME);
                let forgery = one.agent.forges(self.server, &forgery, t.unix_time());
                self.send(t, &forgery)?;
                LIFETIME
            }
        };
        let reply = BindingLookup::reply(number, home, one.care_of, lifetime);
        self.tell(t, &one.agent, &reply)?;
        Ok(())
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

    /// A request of the call by whatever way: it must be in the server's own tunnel to where the
    /// terminal is.
    pub(super) fn tunnelled(&self, method: Method, call: &SipMessage, to: &Terminal) -> Template {
        sip_request(method)
            .of_call(call)
            .from(self.server)
            .to(to.home())
            .by_any_way()
            .with("in a tunnel", is_tunnelled)
            .from(self.server)
            .to(to.care_of)
    }

    /// A request of the call by whatever way: it must be a plain packet to the home address.
    pub(super) fn plain(&self, method: Method, call: &SipMessage, to: &Terminal) -> Template {
        sip_request(method)
            .of_call(call)
            .by_any_way()
            .with("in no tunnel", |packet| !is_tunnelled(packet))
            .from(self.server)
            .to(to.home())
    }

    /// A response to the caller, at which a 100 may come before any other.
    pub(super) fn response(&self, request: &SipMessage, status: u16) -> Template {
        sip_response(request)
            .that("that counts", move |packet| {
                let heard = sip_in(packet).and_then(|message| message.status());
                status == TRYING || heard != Some(TRYING)
            })
            .status_code(status)
            .from(self.server)
            .to(self.party.address)
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

/// The SIP URI that is `text`, which is the harness's own.
pub(super) fn uri(t: &Tester<'_>, text: &str) -> Result<Uri, Stop> {
    Uri::parse(text).map_err(|error| t.stop(text.to_owned(), error.to_string(), vec![]))
}

/// Where a forger would have calls go.
pub(super) fn hijacker(t: &Tester<'_>) -> Ipv6Addr {
    t.plan.address("visited-2", IDENTIFIERS[3])
}

/// Whom terminals register with.
pub(super) fn registrar(t: &Tester<'_>) -> Result<Uri, Stop> {
    uri(t, &format!("sip:{}", t.plan.domain))
}

fn request_or_query(method: Method, call: &SipMessage) -> Template {
    let id = call.call_id().unwrap_or_default().to_owned();
    let what = format!("{} of this call, or a Binding Query before it", method.as_str());
    Template::new(what, move |packet| {
        is_query(packet)
            || sip_in(&innermost(packet)).is_some_and(|message| {
                message.method().as_ref() == Some(&method)
                    && message.call_id().is_ok_and(|one| one == id)
            })
    })
}

/// Whether a packet is a Binding Query.
pub(super) fn is_query(packet: &Packet<'_>) -> bool {
    matches!(
        message_in(packet),
        Some(Message::BindingLookup(one)) if one.kind == LookupKind::BindingQuery
    )
}

/// Whether a packet is a tunnel's.
pub(super) fn is_tunnelled(packet: &Packet<'_>) -> bool {
    packet.protocol == protocol::IPV6
}
