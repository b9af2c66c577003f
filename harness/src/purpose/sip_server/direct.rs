//! Direct tunnels: whom a SIP server asks, and where its INVITE goes then (claims 10, 11).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind, Message};
use roamproof_wire::sip::Method;

use super::lookup::{Delivered, Says};
use super::peers::{ANSWER, LIFETIME, Peers, SILENCE, Terminal, hijacker};
use super::registrar::{DIRECT, server_in_direct_mode};
use crate::purpose::Purpose;
use crate::tester::template::{binding_lookup, message_in, sip_request};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// The heart of claim 10.
pub(in crate::purpose) const INVITE_TO_THE_CARE_OF_ADDRESS: Purpose = Purpose {
    id: "CL-DST-01",
    version: 1,
    title: "An INVITE goes in the server's own tunnel to the care-of address, and by no other way",
    verifies: &["CL-DST-01"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(11),
    wants: server_in_direct_mode,
    body: invite_to_the_care_of_address,
};

/// Nobody else knows.
pub(in crate::purpose) const BINDING_FROM_THE_HOME_AGENT: Purpose = Purpose {
    id: "CL-DST-02",
    version: 1,
    title: "The care-of address that is used is the one that the home agent told when it was asked",
    verifies: &["CL-DST-02"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(10),
    wants: server_in_direct_mode,
    body: binding_from_the_home_agent,
};

/// Zero is no lifetime.
pub(in crate::purpose) const BINDING_OF_NO_LIFETIME: Purpose = Purpose {
    id: "CL-DST-02/no-lifetime",
    version: 1,
    title: "A care-of address that the home agent tells with no lifetime left is not used",
    verifies: &["CL-DST-02"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(10),
    wants: server_in_direct_mode,
    body: binding_of_no_lifetime,
};

/// Each home agent knows its own terminals.
pub(in crate::purpose) const HOME_AGENT_OF_EACH: Purpose = Purpose {
    id: "CL-DST-03",
    version: 1,
    title: "Of two home agents each is asked about its own home address, and no other",
    verifies: &["CL-DST-03"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(13),
    wants: server_in_direct_mode,
    body: home_agent_of_each,
};

/// Who was never spoken of is intercepted.
pub(in crate::purpose) const HOME_ADDRESS_WITHOUT_NOTIFICATION: Purpose = Purpose {
    id: "CL-DST-04",
    version: 1,
    title: "For a home address that no home agent notified, nobody is asked: the INVITE goes there",
    verifies: &["CL-DST-04"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(13),
    wants: server_in_direct_mode,
    body: home_address_without_notification,
};

/// Nobody tells the server but the home agent.
pub(in crate::purpose) const FOLLOWS_THE_TERMINAL: Purpose = Purpose {
    id: "CL-DST-15",
    version: 1,
    title: "After the terminal has moved, the next INVITE goes to its new care-of address",
    verifies: &["CL-DST-15"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(11),
    wants: server_in_direct_mode,
    body: follows_the_terminal,
};

/// A key is no licence for others' terminals.
pub(in crate::purpose) const FOREIGN_HOME_AGENT: Purpose = Purpose {
    id: "CL-DST-16",
    version: 1,
    title: "What a home agent says of a home address outside its prefixes is dropped",
    verifies: &["CL-DST-16"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(13),
    wants: server_in_direct_mode,
    body: foreign_home_agent,
};

/// Until T1 (500 ms) no copy of an INVITE is due.
const BEFORE_COPIES: Duration = Duration::from_millis(350);

fn invite_to_the_care_of_address(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;
    peers.notify(t, &mut one)?;

    t.when("the caller sends an INVITE for the identifier");
    let invite = peers.call(t, &one)?;

    t.then("it leaves in a tunnel from the server to the care-of address, for the home address");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)?;

    t.then("and no copy of it leaves by another way");
    let care_of = one.care_of;
    let astray = sip_request(Method::Invite)
        .of_call(&invite)
        .by_any_way()
        .that("outside of that tunnel", move |packet| packet.header.destination != care_of);
    t.hears_none(&astray, BEFORE_COPIES)?;
    peers.lives(t)?;
    t.given("the terminal refuses that call, and it is over");
    peers.refuse(t, &one, &invite, delivered.frame)
}

fn binding_from_the_home_agent(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;
    peers.notify(t, &mut one)?;

    t.when("the caller sends an INVITE for the identifier, and no Binding Change has come");
    let invite = peers.call(t, &one)?;

    t.then("the server asks the home agent and sends the INVITE to the care-of address it tells");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)?;
    if delivered.queries.is_empty() {
        let seen = "an INVITE to a care-of address, and none".to_owned();
        return Err(t.stop("a Binding Query".to_owned(), seen, vec![delivered.frame]));
    }
    are_about(t, &delivered, &one)?;

    t.when("the terminal refuses, has moved when it is called again, and no Binding Change came");
    peers.refuse(t, &one, &invite, delivered.frame)?;
    one.moves(t);
    let invite = peers.call(t, &one)?;

    t.then("what the home agent tells now counts, if it is asked");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    if delivered.queries.is_empty() {
        // Decision D14: a binding may be used within its lifetime.
        return Ok(());
    }
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)
}

fn binding_of_no_lifetime(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;
    peers.notify(t, &mut one)?;

    t.when("the terminal is called, and its home agent tells a care-of address for 0 s");
    let invite = peers.call(t, &one)?;
    let says = Says::CareOfFor(Lifetime::ZERO);

    t.then("the INVITE goes plainly to the home address");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, says)?;
    t.finds(&peers.plain(Method::Invite, &invite, &one), delivered.frame)?;

    t.given("the terminal refuses that call, and the next goes in the tunnel again");
    peers.refuse(t, &one, &invite, delivered.frame)?;
    let invite = peers.call(t, &one)?;
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)
}

fn home_agent_of_each(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut both = [Terminal::first(t), Terminal::second(t)];
    for one in &mut both {
        peers.register(t, one)?;
        peers.notify(t, one)?;
    }
    let agents = both.each_ref().map(|one| one.agent.address);
    for (one, other) in both.iter().zip(agents.iter().rev()) {
        t.when(format!("the caller calls {}", one.party.identifier));
        let since = t.bench.capture().frames.len();
        let invite = peers.call(t, one)?;

        t.then(format!(
            "the INVITE goes to its care-of address, and nothing to {other}, which is another's"
        ));
        let delivered = peers.deliver(t, one, Method::Invite, &invite, Says::CareOf)?;
        t.captured_none_since(since, &sent(peers.server, *other))?;
        are_about(t, &delivered, one)?;
        t.finds(&peers.tunnelled(Method::Invite, &invite, one), delivered.frame)?;
        peers.refuse(t, one, &invite, delivered.frame)?;
    }
    Ok(())
}

fn home_address_without_notification(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let (mut one, mut other) = (Terminal::first(t), Terminal::second(t));
    peers.in_direct_mode(t, &mut other)?;
    peers.register(t, &mut one)?;

    t.when("a terminal is called whose home address no home agent has notified");
    let invite = peers.call(t, &one)?;

    t.then("the INVITE goes plainly to its home address");
    t.hears(&peers.plain(Method::Invite, &invite, &one), ANSWER)?;
    t.then("and nobody is asked where it is");
    let query = binding_lookup(LookupKind::BindingQuery).that("about it", asks_about(one.home()));
    t.hears_none(&query, SILENCE)?;
    peers.lives(t)?;
    Ok(())
}

fn follows_the_terminal(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.in_direct_mode(t, &mut one)?;

    t.when("the terminal moves, its home agent tells so, and it is called");
    one.moves(t);
    peers.tells_change(t, &mut one)?;
    peers.lives(t)?;
    t.when("it is called");
    let invite = peers.call(t, &one)?;

    t.then("the INVITE goes in the tunnel to its new care-of address");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)
}

fn foreign_home_agent(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let (mut stranger, mut one) = (Terminal::first(t), Terminal::second(t));
    peers.in_direct_mode(t, &mut one)?;

    t.when("another home agent, with a key of its own, speaks of that terminal");
    let (agent, elsewhere) = (stranger.agent.address, hijacker(t));
    for message in [
        BindingLookup::notification(stranger.agent.next_transaction(), one.home(), agent, LIFETIME),
        BindingLookup::change(stranger.agent.next_transaction(), one.home(), elsewhere, LIFETIME),
    ] {
        peers.tell(t, &stranger.agent, &message)?;
    }

    t.then("that is dropped: nothing of it is acknowledged");
    for kind in [LookupKind::HomeAgentNotificationAck, LookupKind::BindingChangeAck] {
        t.hears_none(&binding_lookup(kind), SILENCE / 2)?;
    }
    peers.lives(t)?;

    t.when("the terminal is called");
    let invite = peers.call(t, &one)?;

    t.then("the call goes where it went before, by the word of the terminal's own home agent");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    are_about(t, &delivered, &one)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)
}

/// Wants every query to ask the terminal's home agent about its home address.
fn are_about(t: &Tester<'_>, delivered: &Delivered, one: &Terminal) -> Result<(), Stop> {
    let home = one.home();
    let wanted = binding_lookup(LookupKind::BindingQuery)
        .with(format!("about {home}"), asks_about(home))
        .to(one.agent.address);
    delivered.queries.iter().try_for_each(|query| t.finds(&wanted, *query))
}

fn asks_about(home: Ipv6Addr) -> impl Fn(&Packet<'_>) -> bool + 'static {
    move |packet| {
        matches!(
            message_in(packet),
            Some(Message::BindingLookup(query)) if query.home_address == home
        )
    }
}

/// Whatever the server asks or sends at an address; it may acknowledge what came from there.
fn sent(server: Ipv6Addr, to: Ipv6Addr) -> Template {
    Template::new(format!("packet from the server to {to}"), move |packet| {
        let acknowledges = matches!(
            message_in(packet),
            Some(Message::BindingLookup(one)) if one.kind == LookupKind::HomeAgentNotificationAck
        );
        packet.header.source == server && packet.header.destination == to && !acknowledges
    })
}
