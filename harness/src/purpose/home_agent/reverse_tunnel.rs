//! What comes through the reverse tunnel and is not the terminal's (claim 7).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::encapsulate;

use super::setting::{ANSWER, LONG, SILENCE, Setting, home_agent_alone};
use crate::purpose::Purpose;
use crate::purpose::packets::echo_request as echo;
use crate::tester::Tester;
use crate::tester::template::echo_request;
use crate::topology::Role;
use crate::verdict::Stop;

/// A tunnel from somewhere else than where the terminal is.
pub(in crate::purpose) const FOREIGN_OUTER_SOURCE: Purpose = Purpose {
    id: "CL-INT-08/outer-source",
    version: 1,
    title: "What is tunnelled from elsewhere than the registered care-of address is not forwarded",
    verifies: &["CL-INT-08"],
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
    verifies: &["CL-INT-08"],
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

/// The control before the silence and the sign of life behind it.
fn is_forwarded(t: &mut Tester<'_>, setting: &Setting, sequence: u16) -> Result<(), Stop> {
    t.given("the home agent forwards what the terminal tunnels to it");
    let packet = echo(setting.mobile.home, setting.stranger, sequence);
    setting.sends(t, &setting.mobile.tunnels(&packet))?;
    t.hears(&echo_request(sequence).passed_on(&packet), ANSWER)?;
    Ok(())
}

const HOP_LIMIT: u8 = 64;
