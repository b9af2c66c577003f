//! Purposes for a home agent.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;

use super::Purpose;
use super::packets::{echo_request, home_registration};
use crate::tester::template::{binding_acknowledgement, tunnelled};
use crate::tester::{Station, StationId, Tester};
use crate::topology::Role;
use crate::topology::claimed::{HA, HOA, Wanted, link_local, mac};
use crate::verdict::Stop;

/// A home registration binds: the acknowledgement says so, and packets follow.
pub(super) const REGISTRATION_BINDS: Purpose = Purpose {
    id: "CL-REG-02",
    version: 1,
    title: "A home registration that is acknowledged binds the home address",
    verifies: &["CL-REG-02"],
    role: Role::HomeAgent,
    waits_max: Duration::from_secs(5),
    wants: home_agent_alone,
    body: registration_binds,
};

/// Where the tester's mobile node claims to be.
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0x1234, 0x5678);
/// Whom the probe comes from.
const STRANGER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0xbeef, 0x0c);
/// Duplicate address detection for the home address takes 1 to 1.5 s the first time.
const DETECTION: Duration = Duration::from_secs(3);
/// An answer on the same link.
const ANSWER: Duration = Duration::from_secs(1);

fn home_agent_alone() -> Wanted {
    Wanted { nodes: vec!["ha"], ..Wanted::default() }
}

fn registration_binds(t: &mut Tester<'_>) -> Result<(), Stop> {
    t.given("the home agent answers an echo on the home link");
    let router = core_router(t)?;
    t.sends(router, home_agent_mac(), &echo_request(STRANGER, HA, 1))?;
    t.hears(&echo_reply_from(HA), ANSWER)?;

    t.when("a mobile node sends its home registration");
    let lifetime = Duration::from_secs(600);
    let update = home_registration(HOA, HA, CARE_OF, 10, lifetime, t.unix_time());
    t.sends(router, home_agent_mac(), &update)?;

    t.then("the home agent acknowledges it with status 0 or 1, to the care-of address");
    let accepted = binding_acknowledgement()
        .status("0 or 1", |status| status <= 1)
        .sequence(10)
        .from(HA)
        .to(CARE_OF)
        .routed_home(HOA);
    t.hears(&accepted, DETECTION)?;

    t.then("a packet to the home address leaves in the tunnel to the care-of address");
    let probe = echo_request(STRANGER, HOA, 2);
    t.sends(router, home_agent_mac(), &probe)?;
    t.hears(&tunnelled().from(HA).to(CARE_OF).carrying(&probe), ANSWER)?;
    Ok(())
}

/// The tester's station as the router on the home link, beyond which everyone else is.
fn core_router(t: &mut Tester<'_>) -> Result<StationId, Stop> {
    t.station("home", Station::router(Mac(mac(0x01, 0)), [link_local(0x01, 0)]))
}

const fn home_agent_mac() -> Mac {
    Mac(mac(0x0a, 0))
}

fn echo_reply_from(address: Ipv6Addr) -> crate::tester::Template {
    crate::tester::template::echo_reply().from(address)
}
