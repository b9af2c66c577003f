//! What comes through the reverse tunnel and is not the terminal's (claim 7).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::encapsulate;

use super::setting::{ANSWER, LONG, SILENCE, Setting, home_agent_alone};
use crate::purpose::Purpose;
use crate::purpose::packets::echo_request as echo;
use crate::tester::Tester;
use crate::tester::template::{echo_reply, echo_request};
use crate::topology::Role;
use crate::verdict::Stop;

/// A tunnel from somewhere else than where the terminal is.
pub(in crate::purpose) const FOREIGN_OUTER_SOURCE: Purpose = Purpose {
    id: "CL-INT-08/outer-source",
    version: 1,
    title: "What is tunnelled from elsewhere than the registered care-of address is not forwarded",
    verifies: &["CL-INT-08", "HA-REV-01", "HA-REV-02"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(8),
    wants: home_agent_alone,
    body: |t| {
        is_not_forwarded(t, &|setting, t| Tunnel {
            what: "a packet of the home address comes in a tunnel from another care-of address",
            outer: t.plan.address("visited-2", ELSEWHERE),
            inner: setting.mobile.home,
        })
    },
};

/// A tunnel with a packet that is not the terminal's.
pub(in crate::purpose) const FOREIGN_INNER_SOURCE: Purpose = Purpose {
    id: "CL-INT-08/inner-source",
    version: 1,
    title: "What the registered care-of address tunnels for another home address is not forwarded",
    verifies: &["CL-INT-08", "HA-REV-04"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(8),
    wants: home_agent_alone,
    body: |t| {
        is_not_forwarded(t, &|setting, t| Tunnel {
            what: "a packet of another home address comes in a tunnel from the care-of address",
            outer: setting.mobile.care_of,
            inner: t.plan.address("home", NEIGHBOUR),
        })
    },
};

/// A tunnel of somebody who never registered.
pub(in crate::purpose) const NOBODYS_TUNNEL: Purpose = Purpose {
    id: "CL-INT-08/unregistered",
    version: 1,
    title: "What is tunnelled after the registration was taken back is not forwarded",
    verifies: &["CL-INT-08", "HA-REV-05"],
    body: nobodys_tunnel,
    ..FOREIGN_OUTER_SOURCE
};

/// Where the terminal is now, and nowhere else.
pub(in crate::purpose) const FOLLOWS_THE_TERMINAL: Purpose = Purpose {
    id: "HA-BU-30",
    version: 1,
    title: "After a handover packets go to the new care-of address and are taken from there alone",
    verifies: &["HA-BU-30", "HA-REV-03"],
    waits_max: Duration::from_secs(11),
    body: follows_the_terminal,
    ..FOREIGN_OUTER_SOURCE
};

/// The home agent is a correspondent of its own terminals.
pub(in crate::purpose) const TALKS_BY_THE_BINDING: Purpose = Purpose {
    id: "HA-FWD-03",
    version: 1,
    title: "What the home agent itself sends to a registered home address goes by a routing header, in no tunnel",
    verifies: &["HA-FWD-03"],
    waits_max: Duration::from_secs(6),
    body: talks_by_the_binding,
    ..FOREIGN_OUTER_SOURCE
};

/// A tunnel packet with something wrong in it.
struct Tunnel {
    what: &'static str,
    outer: Ipv6Addr,
    inner: Ipv6Addr,
}

/// The interface identifiers of a place where the terminal is not, and of another home address.
const ELSEWHERE: u64 = 0xdead_0666;
const NEIGHBOUR: u64 = 0x0200;

fn is_not_forwarded(
    t: &mut Tester<'_>,
    wrong: &dyn Fn(&Setting, &Tester<'_>) -> Tunnel,
) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;
    is_forwarded(t, &setting, 4)?;

    let Tunnel { what, outer, inner } = wrong(&setting, t);
    t.when(what);
    let packet = echo(inner, setting.stranger, 5);
    setting.sends(t, &encapsulate(outer, setting.mobile.home_agent, HOP_LIMIT, &packet))?;

    t.then("it is not forwarded, by whatever way");
    t.hears_none(&echo_request(5).by_any_way(), SILENCE)?;
    is_forwarded(t, &setting, 6)
}

fn nobodys_tunnel(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t, LONG)?;
    is_forwarded(t, &setting, 4)?;
    t.given("the mobile node takes its registration back");
    setting.deregisters(t)?;

    t.when("a packet comes by the reverse tunnel");
    let packet = echo(setting.mobile.home, setting.stranger, 5);
    setting.sends(t, &setting.mobile.tunnels(&packet))?;

    t.then("it is not forwarded, by whatever way");
    t.hears_none(&echo_request(5).by_any_way(), SILENCE)?;
    setting.lives(t, 6)
}

fn follows_the_terminal(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t, LONG)?;
    let before = setting.mobile.clone();

    t.when("the mobile node registers from another visited network");
    setting.mobile.moves(t.plan.address("visited-2", ELSEWHERE));
    let update = setting.mobile.registers(LONG, t.unix_time());
    setting.sends(t, &update)?;

    t.then("that is acknowledged there, and packets go there");
    t.hears(&setting.accepted(), ANSWER)?;
    setting.is_tunnelled(t, 3)?;

    t.then("what is tunnelled from there is forwarded");
    let packet = echo(setting.mobile.home, setting.stranger, 4);
    setting.sends(t, &setting.mobile.tunnels(&packet))?;
    t.hears(&echo_request(4).passed_on(&packet), ANSWER)?;

    t.when("a packet is tunnelled from the place before");
    let packet = echo(before.home, setting.stranger, 5);
    setting.sends(t, &before.tunnels(&packet))?;

    t.then("it is not forwarded, by whatever way");
    t.hears_none(&echo_request(5).by_any_way(), SILENCE)?;
    is_forwarded(t, &setting, 6)
}

fn talks_by_the_binding(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;

    t.when("the mobile node sends the home agent an echo by the reverse tunnel");
    let (own, home) = (setting.mobile.home_agent, setting.mobile.home);
    setting.sends(t, &setting.mobile.tunnels(&echo(home, own, 5)))?;

    t.then("the answer goes to the care-of address by a type 2 routing header");
    let answer = echo_reply().from(own).to(setting.mobile.care_of).routed_home(home);
    t.hears(&answer, ANSWER)?;
    Ok(())
}

/// The control before the silence and the sign of life behind it.
fn is_forwarded(t: &mut Tester<'_>, setting: &Setting, sequence: u16) -> Result<(), Stop> {
    t.given("the home agent forwards what the terminal tunnels to it");
    let packet = echo(setting.mobile.home, setting.stranger, sequence);
    setting.sends(t, &setting.mobile.tunnels(&packet))?;
    t.hears(&echo_request(sequence).passed_on(&packet), ANSWER)?;
    Ok(())
}

const HOP_LIMIT: u8 = 64;
