//! Purposes for a home agent.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::mobility::Sequence;

use super::Purpose;
use super::packets::echo_request;
use crate::tester::mobile::MobileNode;
use crate::tester::template::{binding_acknowledgement, echo_reply, inside, tunnelled};
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::Role;
use crate::topology::claimed::{Wanted, link_local, mac};
use crate::verdict::Stop;

/// A home registration binds: the acknowledgement says so, and packets follow.
pub(super) const REGISTRATION_BINDS: Purpose = Purpose {
    id: "CL-REG-02",
    version: 1,
    title: "A home registration that is acknowledged binds the home address",
    verifies: &["CL-REG-02"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(5),
    wants: home_agent_alone,
    body: registration_binds,
};

/// A binding that was taken back tunnels nothing any more.
pub(super) const NO_TUNNEL_AFTER_DEREGISTRATION: Purpose = Purpose {
    id: "CL-INT-05/de-registered",
    version: 1,
    title: "A packet for a home address whose binding was taken back is not tunnelled",
    verifies: &["CL-INT-05"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(7),
    wants: home_agent_alone,
    body: no_tunnel_after_deregistration,
};

/// A binding that ran out tunnels nothing any more.
pub(super) const NO_TUNNEL_AFTER_LIFETIME: Purpose = Purpose {
    id: "CL-INT-05/run-out",
    version: 1,
    title: "A packet for a home address whose binding has run out is not tunnelled",
    verifies: &["CL-INT-05"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(11),
    wants: home_agent_alone,
    body: no_tunnel_after_lifetime,
};

/// Where the tester's mobile node claims to be.
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0x1234, 0x5678);
/// Whom the probe comes from.
const STRANGER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0xbeef, 0x0c);
/// Duplicate address detection for the home address takes 1 to 1.5 s the first time.
const DETECTION: Duration = Duration::from_secs(3);
/// An answer on the same link.
const ANSWER: Duration = Duration::from_secs(1);
/// A lifetime that no purpose outlives.
const LONG: Duration = Duration::from_secs(600);
/// The shortest lifetime that the field can say.
const SHORT: Duration = Duration::from_secs(4);
/// The number before that of the first update.
const LAST: Sequence = Sequence(9);

fn home_agent_alone() -> Wanted {
    Wanted { nodes: vec!["ha"], ..Wanted::default() }
}

fn registration_binds(t: &mut Tester<'_>) -> Result<(), Stop> {
    let router = core_router(t)?;
    lives(t, router, 1)?;

    t.when("a mobile node sends its home registration");
    let mut mobile = MobileNode::new(&t.plan, CARE_OF, LAST);
    let update = mobile.registers(LONG, t.unix_time());
    t.sends(router, &update)?;

    t.then("the home agent acknowledges it with status 0 or 1, to the care-of address");
    t.hears(&accepted(t, &mobile), DETECTION)?;

    t.then("a packet to the home address leaves in the tunnel to the care-of address");
    let probe = echo_request(STRANGER, t.plan.hoa, 2);
    t.sends(router, &probe)?;
    t.hears(&tunnelled().from(t.plan.ha).to(CARE_OF).carrying(&probe), ANSWER)?;
    Ok(())
}

fn no_tunnel_after_deregistration(t: &mut Tester<'_>) -> Result<(), Stop> {
    let router = core_router(t)?;
    let mut mobile = registered(t, router, LONG)?;

    t.given("the home agent acknowledges that the mobile node takes its registration back");
    let update = mobile.deregisters(t.unix_time());
    t.sends(router, &update)?;
    t.hears(&accepted(t, &mobile), ANSWER)?;
    is_not_tunnelled(t, router)
}

fn no_tunnel_after_lifetime(t: &mut Tester<'_>) -> Result<(), Stop> {
    let router = core_router(t)?;
    registered(t, router, SHORT)?;

    t.given("the lifetime that was granted is over");
    t.lets_pass(SHORT + ANSWER)?;
    is_not_tunnelled(t, router)
}

/// The control: while the binding is there, a packet like the one that will be judged is tunnelled.
fn registered(
    t: &mut Tester<'_>,
    router: StationId,
    lifetime: Duration,
) -> Result<MobileNode, Stop> {
    t.given("the home agent acknowledges a home registration");
    let mut mobile = MobileNode::new(&t.plan, CARE_OF, LAST);
    let update = mobile.registers(lifetime, t.unix_time());
    t.sends(router, &update)?;
    t.hears(&accepted(t, &mobile), DETECTION)?;

    t.given("a packet to the home address leaves in the tunnel while the binding is there");
    let probe = echo_request(STRANGER, t.plan.hoa, 2);
    t.sends(router, &probe)?;
    t.hears(&tunnelled().from(t.plan.ha).to(CARE_OF).carrying(&probe), ANSWER)?;
    Ok(mobile)
}

fn is_not_tunnelled(t: &mut Tester<'_>, router: StationId) -> Result<(), Stop> {
    t.when("a packet to the home address comes");
    t.sends(router, &echo_request(STRANGER, t.plan.hoa, 3))?;

    t.then("it leaves in no tunnel");
    t.hears_none(&tunnelled_home(t), ANSWER)?;
    lives(t, router, 4)
}

/// The sign of life that a silence needs, before it or after it.
fn lives(t: &mut Tester<'_>, router: StationId, sequence: u16) -> Result<(), Stop> {
    t.given("the home agent answers an echo on the home link");
    t.sends(router, &echo_request(STRANGER, t.plan.ha, sequence))?;
    t.hears(&echo_reply().from(t.plan.ha).to(STRANGER), ANSWER)?;
    Ok(())
}

/// The tester's station as the router on the home link, beyond which everyone else is.
fn core_router(t: &mut Tester<'_>) -> Result<StationId, Stop> {
    t.station("home", Station::router(Mac(mac(0x01, 0)), [link_local(0x01, 0)]))
}

fn accepted(t: &Tester<'_>, mobile: &MobileNode) -> Template {
    binding_acknowledgement()
        .status("0 or 1", |status| status <= 1)
        .sequence(mobile.sequence())
        .from(t.plan.ha)
        .to(CARE_OF)
        .routed_home(t.plan.hoa)
}

fn tunnelled_home(t: &Tester<'_>) -> Template {
    let home = t.plan.hoa;
    tunnelled().that("with a packet to the home address", move |packet| {
        inside(packet).is_some_and(|inner| inner.header.destination == home)
    })
}
