//! Purposes for a mobile terminal.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::sip::{Fields, Message as SipMessage, Method, Uri};

use super::Purpose;
use crate::tester::correspondent::Correspondent;
use crate::tester::home_agent::HomeAgent;
use crate::tester::sip::{Party, SipPeer};
use crate::tester::template::{
    binding_update, care_of_test_init, home_test_init, sip_request, sip_response,
};
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::Role;
use crate::topology::claimed::{CN, HA, HOA, LINKS, SS, Wanted, link_local, mac};
use crate::verdict::Stop;

/// An acknowledgement that nobody proved ends nothing.
pub(super) const FORGED_ACKNOWLEDGEMENT: Purpose = Purpose {
    id: "CL-RO-15/bad-authenticator",
    version: 1,
    title: "An acknowledgement with a bad authenticator lets no response out",
    verifies: &["CL-RO-15"],
    role: Role::MobileTerminal,
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: |t| ignores_acknowledgement(t, &BAD_AUTHENTICATOR),
};

/// An acknowledgement of an update that was never sent ends nothing.
pub(super) const ACKNOWLEDGEMENT_OF_ANOTHER: Purpose = Purpose {
    id: "CL-RO-15/sequence-never-sent",
    version: 1,
    title: "An acknowledgement of a sequence number never sent lets no response out",
    verifies: &["CL-RO-15"],
    role: Role::MobileTerminal,
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: |t| ignores_acknowledgement(t, &SEQUENCE_NEVER_SENT),
};

/// A wrong acknowledgement, and how the tester's correspondent makes it.
struct Wrong {
    what: &'static str,
    make: fn(&Correspondent, &roamproof_wire::ipv6::Packet<'_>) -> Option<Vec<u8>>,
}

const BAD_AUTHENTICATOR: Wrong =
    Wrong { what: "a bad authenticator", make: Correspondent::forges_acknowledgement };
const SEQUENCE_NEVER_SENT: Wrong =
    Wrong { what: "a sequence number never sent", make: Correspondent::acknowledges_another };

/// Who calls.
const CALLER: Party = Party { identifier: "sip:cn@example.com", address: CN, media: (CN, 0x7e5c) };
const TERMINAL: &str = "sip:mt@example.com";
/// A router is found, two addresses are detected as unique, and updates have their back-off.
const ATTACHMENT: Duration = Duration::from_secs(8);
/// What comes without a wait of the protocol's own.
const ANSWER: Duration = Duration::from_secs(1);
/// A terminal that took the wrong acknowledgement responds at once; L + 200 ms is far below.
const SILENCE: Duration = Duration::from_millis(800);
/// Decision D6: at 7 s the terminal may respond without optimization.
const BUDGET: Duration = Duration::from_secs(7);

fn terminal_alone() -> Wanted {
    Wanted { nodes: vec!["mt"], ..Wanted::default() }
}

/// The tester's hands in this purpose: all of them speak through the access router.
struct Peers {
    router: StationId,
    agent: HomeAgent,
    server: SipPeer,
    correspondent: Correspondent,
    /// Where the terminal registered with the SIP server.
    contact: Uri,
}

fn ignores_acknowledgement(t: &mut Tester<'_>, wrong: &Wrong) -> Result<(), Stop> {
    let mut peers = attached(t)?;
    answers_options(t, &mut peers, "it answers OPTIONS that come through the tunnel")?;
    let since = t.bench.now();
    let (invite, update) = pending(t, &mut peers)?;

    t.when(format!("an acknowledgement comes with {}", wrong.what));
    let acknowledgement = (wrong.make)(&peers.correspondent, &t.packet(update));
    t.answers(peers.router, terminal_mac(), acknowledgement)?;

    t.then("it is ignored: no response to the INVITE leaves, by whatever way");
    t.hears_none(&sip_response(&invite).by_any_way(), SILENCE)?;
    t.in_time("silence", since, BUDGET - ANSWER)?;
    answers_options(t, &mut peers, "it is alive and answers OPTIONS meanwhile")?;

    t.given("it asks again, for the route is still not acknowledged");
    let update = t.hears(&updates_correspondent(), ANSWER * 3)?;
    t.in_time("an update sent again", since, BUDGET - ANSWER)?;

    t.when("the genuine acknowledgement comes");
    let acknowledgement = peers.correspondent.acknowledges(&t.packet(update));
    t.answers(peers.router, terminal_mac(), acknowledgement)?;

    t.then("the response to the INVITE leaves, through the home agent");
    t.hears(&tunnelled_home(sip_response(&invite), SS), ANSWER)?;
    Ok(())
}

/// The terminal attaches to the visited link, registers with its home agent and the SIP server.
fn attached(t: &mut Tester<'_>) -> Result<Peers, Stop> {
    let (_, prefix) = LINKS[2];
    let router = Station::router(Mac(mac(0x11, 0)), [link_local(0x11, 0)]).advertising(prefix);
    let router = t.station("visited-1", router)?;
    let (mut agent, server) = (HomeAgent::new(HA), SipPeer::new(SS));

    t.given("the terminal attaches to a visited link and registers with its home agent");
    t.plugs("mt", "eth0", "visited-1")?;
    let update = t.hears(&binding_update().to(HA).home_address(HOA), ATTACHMENT)?;
    let acknowledgement = agent.acknowledges(&t.packet(update));
    t.answers(router, terminal_mac(), acknowledgement)?;

    t.given("it registers its home address with the SIP server");
    let wanted = sip_request(Method::Register).from(HOA).to(SS).in_a_tunnel().to(HA);
    let register = t.hears(&wanted, ATTACHMENT)?;
    let register = t.sip(register)?;
    let answer = server.registers(&register).map(|answer| server.packet(HOA, &answer));
    t.answers(router, terminal_mac(), answer.and_then(|answer| agent.tunnels(&answer)))?;
    let contact = register.contact().ok().flatten().map(|contact| contact.uri.to_owned());
    let Some(contact) = contact else {
        return Err(t.stop("a contact".to_owned(), "none".to_owned(), vec![]));
    };
    Ok(Peers { router, agent, server, correspondent: Correspondent::new(CN), contact })
}

/// A call comes, and all of its optimization is done but for the acknowledgement.
fn pending(t: &mut Tester<'_>, peers: &mut Peers) -> Result<(SipMessage, usize), Stop> {
    t.given("an INVITE comes through the tunnel, and both tests of the route pass");
    let invite = peers.server.invite(&CALLER, TERMINAL, &peers.contact);
    let packet = peers.agent.tunnels(&peers.server.packet(HOA, &invite));
    t.answers(peers.router, terminal_mac(), packet)?;
    let init = t.hears(&tunnelled_home(home_test_init(), CN), ANSWER)?;
    let answer = peers.correspondent.answers_test(&t.innermost(init));
    let answer = answer.and_then(|answer| peers.agent.tunnels(&answer));
    t.answers(peers.router, terminal_mac(), answer)?;
    let init = t.hears(&care_of_test_init().to(CN), ANSWER)?;
    let answer = peers.correspondent.answers_test(&t.packet(init));
    t.answers(peers.router, terminal_mac(), answer)?;

    t.given("it sends its Binding Update to the caller");
    let update = t.hears(&updates_correspondent(), ANSWER)?;
    Ok((invite, update))
}

/// The control before a silence and the sign of life after it: the same way as the INVITE's, and
/// a response that nothing holds back (CL-RO-24).
fn answers_options(t: &mut Tester<'_>, peers: &mut Peers, text: &str) -> Result<(), Stop> {
    t.given(text);
    let options = peers.server.request(Method::Options, &CALLER, TERMINAL, &peers.contact);
    let packet = peers.agent.tunnels(&peers.server.packet(HOA, &options));
    t.answers(peers.router, terminal_mac(), packet)?;
    t.hears(&tunnelled_home(sip_response(&options), SS), ANSWER)?;
    Ok(())
}

/// From the home address to `to`, through the home agent.
fn tunnelled_home(template: Template, to: Ipv6Addr) -> Template {
    template.from(HOA).to(to).in_a_tunnel().to(HA)
}

fn updates_correspondent() -> Template {
    binding_update().that("to the correspondent", |packet| packet.header.destination == CN)
}

const fn terminal_mac() -> Mac {
    Mac(mac(0xa1, 0))
}
