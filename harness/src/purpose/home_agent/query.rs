//! Binding Queries of a SIP server that may ask (claim 10).

use std::time::Duration;

use super::setting::{ANSWER, SPEAKS_LOOKUP, Setting, home_agent_with_server};
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::topology::Role;
use crate::verdict::Stop;

/// For how long a care-of address is good.
pub(in crate::purpose) const REMAINING_LIFETIME: Purpose = Purpose {
    id: "CL-DST-05/remaining",
    version: 1,
    title: "A query for a registered home address is answered with what remains of the lifetime",
    verifies: &["CL-DST-05"],
    role: Role::HomeAgent,
    applies: SPEAKS_LOOKUP,
    triggers: &[],
    waits_max: Duration::from_secs(18),
    wants: home_agent_with_server,
    body: remaining_lifetime,
};

/// Where the terminal is now.
pub(in crate::purpose) const CURRENT_CARE_OF_ADDRESS: Purpose = Purpose {
    id: "CL-DST-05/current",
    version: 1,
    title: "A query after a handover is answered with the care-of address where the terminal is now",
    waits_max: Duration::from_secs(8),
    body: current_care_of_address,
    ..REMAINING_LIFETIME
};

/// Where no terminal is.
pub(in crate::purpose) const NO_BINDING: Purpose = Purpose {
    id: "CL-DST-06",
    version: 1,
    title: "A query for a home address that is not registered is answered: no binding",
    verifies: &["CL-DST-06"],
    waits_max: Duration::from_secs(3),
    body: no_binding,
    ..REMAINING_LIFETIME
};

const LIFETIME: Duration = Duration::from_secs(120);
/// As long as two units of the lifetime field and more.
const WHILE: Duration = Duration::from_secs(11);
/// What is said in the last moment of a unit is heard in the next.
const SLACK: Duration = Duration::from_millis(300);
/// One unit of the lifetime field.
const UNIT: Duration = Duration::from_secs(4);
/// The interface identifier of the second care-of address.
const SECOND: u64 = 0x2345_6789;

fn remaining_lifetime(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    t.given("the home agent acknowledges a home registration");
    let sent = t.bench.now();
    let granted = setting.registers(t, LIFETIME)?.duration();
    let bound = t.bench.now();
    setting.acknowledges_notification(t)?;

    t.given("some time passes");
    t.lets_pass(WHILE)?;

    t.when("the SIP server asks where the home address is");
    let asked = t.bench.now();
    let query = setting.asks(t)?;

    t.then("it is told the care-of address, and what remains of the lifetime");
    let most = granted.saturating_sub(asked.saturating_sub(bound)) + SLACK;
    let least = granted.saturating_sub(asked.saturating_sub(sent) + UNIT + ANSWER);
    let reply = setting
        .reply_with_care_of(t, &query)
        .saying(format!("with {most:?} at most"), move |message| {
            message.lifetime.duration() <= most
        })
        .saying(format!("with {least:?} at least"), move |message| {
            message.lifetime.duration() >= least
        });
    t.hears(&reply, ANSWER)?;
    Ok(())
}

fn current_care_of_address(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::asked(t, LIFETIME)?;
    t.given("the mobile node registers from another visited link");
    setting.mobile.moves(t.plan.address("visited-2", SECOND));
    setting.registers(t, LIFETIME)?;

    t.when("the SIP server asks where the home address is");
    let query = setting.asks(t)?;

    t.then("it is told the second care-of address");
    t.hears(&setting.reply_with_care_of(t, &query), ANSWER)?;
    Ok(())
}

fn no_binding(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("the SIP server asks for a home address that is not registered");
    let query = setting.asks(t)?;

    t.then("it is told that there is no binding");
    t.hears(&setting.reply_without_binding(t, &query), ANSWER)?;
    Ok(())
}
