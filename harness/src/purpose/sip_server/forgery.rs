//! What strangers say to a SIP server about home addresses (claims 10, 11).

use std::time::Duration;

use roamproof_wire::icmpv6::{Reason, answer};
use roamproof_wire::ipv6::Problem;
use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind};
use roamproof_wire::sip::Method;

use super::lookup::Says;
use super::peers::{LIFETIME, Peers, SILENCE, Terminal, hijacker};
use super::registrar::{DIRECT, server_in_direct_mode};
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::home_agent::HomeAgent;
use crate::tester::template::binding_lookup;
use crate::topology::Role;
use crate::verdict::Stop;

/// Whoever has not the key says nothing.
pub(in crate::purpose) const FORGED_LOOKUP: Purpose = Purpose {
    id: "CL-DST-08/forged-lookup",
    version: 1,
    title: "Forged notifications, changes and replies are ignored: calls go where they went",
    verifies: &["CL-DST-08"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(12),
    wants: server_in_direct_mode,
    body: forged_lookup,
};

/// Complaints about nothing end nothing.
pub(in crate::purpose) const ERRORS_UNASKED: Purpose = Purpose {
    id: "CL-DST-08/errors-unasked",
    version: 1,
    title: "Binding Errors and ICMPv6 errors with no query outstanding do not end direct mode",
    verifies: &["CL-DST-08"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(11),
    wants: server_in_direct_mode,
    body: errors_unasked,
};

/// So many complaints in a row hold direct mode where they count.
const COMPLAINTS: usize = 3;

fn forged_lookup(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.in_direct_mode(t, &mut one)?;

    t.when("a notification, a change and a reply come that were made without the key");
    let (home, agent, elsewhere) = (one.home(), one.agent.address, hijacker(t));
    for forgery in [
        BindingLookup::notification(0x0bad, home, agent, Lifetime::ZERO),
        BindingLookup::change(0x1bad, home, elsewhere, LIFETIME),
        BindingLookup::reply(0x2bad, home, elsewhere, LIFETIME),
    ] {
        let forgery = one.agent.forges(peers.server, &forgery, t.unix_time());
        peers.send(t, &forgery)?;
    }

    t.then("they are ignored: none is acknowledged");
    for kind in [LookupKind::HomeAgentNotificationAck, LookupKind::BindingChangeAck] {
        t.hears_none(&binding_lookup(kind), SILENCE / 2)?;
    }
    peers.lives(t)?;

    t.when("the caller calls, and a forged reply comes before the genuine one");
    let invite = peers.call(t, &one)?;

    t.then("the call goes where it went before: in the tunnel to the terminal's care-of address");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOfAfterForger)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)
}

fn errors_unasked(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.in_direct_mode(t, &mut one)?;

    t.when("Binding Errors and ICMPv6 errors come while no query is outstanding");
    // What such an error would quote: a query as this server might have sent it.
    let (server, agent) = (peers.server, one.agent.address);
    let asked = BindingLookup::query(0x3bad, one.home());
    let query = HomeAgent::at(server, &t.plan).tells(agent, &asked, t.unix_time());
    let reason = Reason::ParameterProblem(Problem::at(Problem::UNRECOGNIZED_NEXT_HEADER, 6));
    for _ in 0..COMPLAINTS {
        peers.send(t, &one.agent.complains(server))?;
        if let Some(error) = answer(agent, &query, reason) {
            peers.send(t, &error)?;
        }
    }

    t.when("the caller calls");
    let invite = peers.call(t, &one)?;

    t.then("the call goes where it went before: in the tunnel to the terminal's care-of address");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)
}
