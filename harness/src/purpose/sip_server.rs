//! Purposes for a SIP server that tunnels to care-of addresses itself (claims 10 and 11).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{Reason, answer};
use roamproof_wire::ipv6::{Problem, protocol};
use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind, Message};
use roamproof_wire::sip::{Fields, Message as SipMessage, Method, Uri};

use super::Purpose;
use crate::tester::home_agent::HomeAgent;
use crate::tester::sip::{SipPeer, packet};
use crate::tester::template::{binding_lookup, message_in, sip_final_response, sip_request};
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::Role;
use crate::topology::claimed::{Wanted, link_local, mac};
use crate::verdict::Stop;

/// Whoever has not the key says nothing.
pub(super) const FORGED_LOOKUP: Purpose = Purpose {
    id: "CL-DST-08/forged-lookup",
    version: 1,
    title: "Forged notifications, changes and replies are ignored: calls go where they went",
    verifies: &["CL-DST-08"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(7),
    wants: server_alone,
    body: forged_lookup,
};

/// Complaints about nothing end nothing.
pub(super) const ERRORS_UNASKED: Purpose = Purpose {
    id: "CL-DST-08/errors-unasked",
    version: 1,
    title: "Binding Errors and ICMPv6 errors with no query outstanding do not end direct mode",
    verifies: &["CL-DST-08"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(6),
    wants: server_alone,
    body: errors_unasked,
};

/// Where the mobile terminal is.
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0x1234, 0x5678);
/// Where the forger would have its calls go.
const HIJACKER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf2, 0, 0, 0, 0xdead, 0x0666);
/// Where the caller and the terminal take media.
const MEDIA_PORTS: (u16, u16) = (0x7e5c, 0x7e58);
/// What comes without a wait of the protocol's own.
const ANSWER: Duration = Duration::from_secs(1);
/// A server that asks for each call asks at once; one that remembers an answer need not ask.
const QUERY: Duration = Duration::from_millis(200);
/// A server that believed a forgery would acknowledge it at once.
const SILENCE: Duration = Duration::from_millis(800);
/// For how long the home agent says that it serves the home address.
const LIFETIME: Lifetime = Lifetime(150);
/// So many complaints in a row hold direct mode where they count.
const COMPLAINTS: usize = 3;

fn server_alone() -> Wanted {
    Wanted { nodes: vec!["ss"], direct: true, ..Wanted::default() }
}

/// The tester's hands in these purposes: all of them speak through the core router.
struct Peers {
    router: StationId,
    agent: HomeAgent,
    caller: SipPeer,
    terminal: SipPeer,
}

fn forged_lookup(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = in_direct_mode(t)?;
    let (agent, unix) = (HomeAgent::new(&t.plan), t.unix_time());

    t.when("a notification, a change and a reply come that were made without the key");
    let forgeries = [
        BindingLookup::notification(0x0bad, t.plan.hoa, t.plan.ha, Lifetime::ZERO),
        BindingLookup::change(0x1bad, t.plan.hoa, HIJACKER, LIFETIME),
        BindingLookup::reply(0x2bad, t.plan.hoa, HIJACKER, LIFETIME),
    ];
    for forgery in &forgeries {
        t.sends(peers.router, &agent.forges(t.plan.ss, forgery, unix))?;
    }

    t.then("they are ignored: none is acknowledged");
    for kind in [LookupKind::HomeAgentNotificationAck, LookupKind::BindingChangeAck] {
        t.hears_none(&binding_lookup(kind), SILENCE / 2)?;
    }

    t.when("the caller calls, and a forged reply comes before the genuine one");
    let invite = sends_invite(t, &mut peers)?;
    tells_care_of(t, &peers, true)?;

    t.then("the call goes where it went before: in the tunnel to the terminal's care-of address");
    t.hears(&invite_to_care_of(t, &invite), ANSWER)?;
    Ok(())
}

fn errors_unasked(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = in_direct_mode(t)?;
    let asked = BindingLookup::query(0x3bad, t.plan.hoa);
    // What such an error would quote: a query as this server might have sent it.
    let query = HomeAgent::at(t.plan.ss, &t.plan).tells(t.plan.ha, &asked, t.unix_time());
    let reason = Reason::ParameterProblem(Problem::at(Problem::UNRECOGNIZED_NEXT_HEADER, 6));

    t.when("Binding Errors and ICMPv6 errors come while no query is outstanding");
    for _ in 0..COMPLAINTS {
        let complaint = peers.agent.complains(t.plan.ss);
        t.sends(peers.router, &complaint)?;
        t.answers(peers.router, answer(t.plan.ha, &query, reason))?;
    }

    t.when("the caller calls");
    let invite = sends_invite(t, &mut peers)?;
    tells_care_of(t, &peers, false)?;

    t.then("the call goes where it went before: in the tunnel to the terminal's care-of address");
    t.hears(&invite_to_care_of(t, &invite), ANSWER)?;
    Ok(())
}

/// The control: the server tunnels a call to the care-of address that the home agent tells.
fn in_direct_mode(t: &mut Tester<'_>) -> Result<Peers, Stop> {
    let router = Station::router(Mac(mac(0x01, 2)), [link_local(0x01, 2)]);
    let router = t.station("server", router)?;
    let (caller, terminal) = (SipPeer::new(t.plan.cn), SipPeer::new(t.plan.hoa));
    let mut peers = Peers { router, agent: HomeAgent::new(&t.plan), caller, terminal };

    t.given("the server knows the terminal's identifier and its home agent");
    let registrar = uri(t, &format!("sip:{}", t.plan.domain))?;
    let register = peers.terminal.register(&t.plan.mt(MEDIA_PORTS.1), &registrar);
    t.sends(router, &packet(t.plan.hoa, t.plan.ss, &register))?;
    t.hears(
        &sip_final_response(&register).status_code(200).from(t.plan.ss).to(t.plan.hoa),
        ANSWER,
    )?;
    let transaction = peers.agent.next_transaction();
    let notification = BindingLookup::notification(transaction, t.plan.hoa, t.plan.ha, LIFETIME);
    let notification = peers.agent.tells(t.plan.ss, &notification, t.unix_time());
    t.sends(router, &notification)?;
    t.hears(
        &binding_lookup(LookupKind::HomeAgentNotificationAck).from(t.plan.ss).to(t.plan.ha),
        ANSWER,
    )?;

    t.given("a call goes in the tunnel to the care-of address that the home agent tells");
    let invite = sends_invite(t, &mut peers)?;
    tells_care_of(t, &peers, false)?;
    let invited = t.hears(&invite_to_care_of(t, &invite), ANSWER)?;

    t.given("the terminal refuses that call, and it is over");
    let refusal =
        peers.terminal.response(&t.sip(invited)?, &t.plan.mt(MEDIA_PORTS.1), 486, "Busy Here");
    t.sends(router, &packet(t.plan.hoa, t.plan.ss, &refusal))?;
    let refused = t.hears(
        &sip_final_response(&invite).status_code(486).from(t.plan.ss).to(t.plan.cn),
        ANSWER,
    )?;
    let ack = peers.caller.acknowledgement(&invite, &t.sip(refused)?);
    t.answers(router, ack.map(|ack| packet(t.plan.cn, t.plan.ss, &ack)))?;
    Ok(peers)
}

fn sends_invite(t: &mut Tester<'_>, peers: &mut Peers) -> Result<SipMessage, Stop> {
    let identifier = uri(t, &t.plan.mt_identifier)?;
    let invite = peers.caller.invite(&t.plan.cn(MEDIA_PORTS.0), &t.plan.mt_identifier, &identifier);
    t.sends(peers.router, &packet(t.plan.cn, t.plan.ss, &invite))?;
    Ok(invite)
}

/// Answers the server's query, if it asks one; before that, a forger does, if there is one.
fn tells_care_of(t: &mut Tester<'_>, peers: &Peers, forger: bool) -> Result<(), Stop> {
    let query = binding_lookup(LookupKind::BindingQuery).from(t.plan.ss).to(t.plan.ha);
    let Some(query) = t.hears_perhaps(&query, QUERY)? else { return Ok(()) };
    let Some(Message::BindingLookup(query)) = message_in(&t.packet(query)) else { return Ok(()) };
    if forger {
        let reply = BindingLookup::reply(query.transaction, t.plan.hoa, HIJACKER, LIFETIME);
        t.sends(peers.router, &peers.agent.forges(t.plan.ss, &reply, t.unix_time()))?;
    }
    let reply = BindingLookup::reply(query.transaction, t.plan.hoa, CARE_OF, LIFETIME);
    t.sends(peers.router, &peers.agent.tells(t.plan.ss, &reply, t.unix_time()))?;
    Ok(())
}

/// This call's INVITE wherever it goes: it must be in the server's own tunnel to the terminal.
fn invite_to_care_of(t: &Tester<'_>, invite: &SipMessage) -> Template {
    let call = invite.call_id().unwrap_or_default().to_owned();
    sip_request(Method::Invite)
        .that("of this call", move |packet| {
            crate::tester::template::sip_in(packet)
                .is_some_and(|message| message.call_id().is_ok_and(|id| id == call))
        })
        .to(t.plan.hoa)
        .by_any_way()
        .with("in a tunnel", |packet| packet.protocol == protocol::IPV6)
        .from(t.plan.ss)
        .to(CARE_OF)
}

fn uri(t: &Tester<'_>, text: &str) -> Result<Uri, Stop> {
    Uri::parse(text).map_err(|error| t.stop(text.to_owned(), error.to_string(), vec![]))
}
