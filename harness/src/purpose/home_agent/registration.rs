//! Home registrations (claims 3 and 8).

use std::time::Duration;

use super::setting::{ANSWER, DETECTION, LONG, Setting, home_agent_alone};
use crate::purpose::Purpose;
use crate::purpose::packets::echo_request;
use crate::tester::Tester;
use crate::topology::Role;
use crate::verdict::Stop;

/// A home registration binds: the acknowledgement says so, and packets follow.
pub(in crate::purpose) const REGISTRATION_BINDS: Purpose = Purpose {
    id: "CL-REG-02",
    version: 1,
    title: "A home registration that is acknowledged binds the home address",
    verifies: &["CL-REG-02", "HA-BU-01"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(5),
    wants: home_agent_alone,
    body: registration_binds,
};

fn registration_binds(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a mobile node sends its home registration");
    let update = setting.mobile.registers(LONG, t.unix_time());
    setting.sends(t, &update)?;

    t.then("the home agent acknowledges it with status 0 or 1, to the care-of address");
    t.hears(&setting.accepted(), DETECTION)?;

    t.then("a packet to the home address leaves in the tunnel to the care-of address");
    let probe = echo_request(setting.stranger, setting.mobile.home, 2);
    setting.sends(t, &probe)?;
    t.hears(&setting.tunnel().carrying(&probe), ANSWER)?;
    Ok(())
}
