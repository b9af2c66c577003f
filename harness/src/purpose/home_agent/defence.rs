//! Duplicate address detection for home addresses, and how they are defended (RFC 6275 §10.3.1,
//! §10.4.1).

use std::time::Duration;

use roamproof_wire::ipv6::address::ALL_NODES;

use super::neighbour::Neighbour;
use super::setting::{ANSWER, DETECTION, LONG, SHORT, SILENCE, Setting, home_agent_alone};
use crate::feature::Condition;
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::template::{duplicate_detection, neighbour_advertisement};
use crate::topology::Role;
use crate::verdict::Stop;

/// Whether somebody else has the home address is found out first.
pub(in crate::purpose) const DETECTS_DUPLICATES: Purpose = Purpose {
    id: "HA-DAD-01",
    version: 1,
    title: "Before a first registration is acknowledged the home agent probes the home link for the home address",
    verifies: &["HA-DAD-01"],
    role: Role::HomeAgent,
    applies: &[Condition { feature: "duplicate_address_detection", is: &["yes"] }],
    triggers: &[],
    waits_max: Duration::from_secs(5),
    wants: home_agent_alone,
    body: detects_duplicates,
};

/// Where somebody has, nothing is bound.
pub(in crate::purpose) const DUPLICATE_IS_REFUSED: Purpose = Purpose {
    id: "HA-DAD-04",
    version: 1,
    title: "A home address that somebody on the home link has is refused with 134 and not bound",
    verifies: &["HA-DAD-04"],
    waits_max: Duration::from_secs(8),
    body: duplicate_is_refused,
    ..DETECTS_DUPLICATES
};

/// Once is enough.
pub(in crate::purpose) const DETECTS_ONCE: Purpose = Purpose {
    id: "HA-DAD-07",
    version: 1,
    title: "A refresh and a handover are acknowledged at once, without another probe",
    verifies: &["HA-DAD-07"],
    waits_max: Duration::from_secs(9),
    body: detects_once,
    ..DETECTS_DUPLICATES
};

/// The whole link learns who takes the packets now.
pub(in crate::purpose) const ANNOUNCES: Purpose = Purpose {
    id: "HA-ND-01",
    version: 1,
    title: "An accepted registration is announced to all nodes: the home address is at the home agent",
    verifies: &["HA-ND-01"],
    applies: &[],
    waits_max: Duration::from_secs(5),
    body: announces,
    ..DETECTS_DUPLICATES
};

/// A neighbour that checks whether it is still there asks it alone.
pub(in crate::purpose) const ANSWERS_WHO_ASKS_ALONE: Purpose = Purpose {
    id: "HA-ND-05",
    version: 1,
    title: "A Neighbour Solicitation to the home address itself is answered too",
    verifies: &["HA-ND-05"],
    applies: &[],
    waits_max: Duration::from_secs(6),
    body: answers_who_asks_alone,
    ..DETECTS_DUPLICATES
};

/// Nobody takes the address of a terminal that is away.
pub(in crate::purpose) const DEFENDS: Purpose = Purpose {
    id: "HA-ND-06",
    version: 1,
    title: "Whoever wants to take a registered home address is told that it is taken",
    verifies: &["HA-ND-06"],
    applies: &[],
    waits_max: Duration::from_secs(6),
    body: defends,
    ..DETECTS_DUPLICATES
};

/// But only as long as it is away.
pub(in crate::purpose) const DEFENDS_NO_LONGER: Purpose = Purpose {
    id: "HA-ND-12",
    version: 1,
    title: "When the binding has run out the home agent answers for the home address no longer",
    verifies: &["HA-ND-12"],
    applies: &[],
    waits_max: Duration::from_secs(14),
    body: defends_no_longer,
    ..DETECTS_DUPLICATES
};

/// The interface identifier of the second care-of address.
const SECOND: u64 = 0x2345_6789;

fn detects_duplicates(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a mobile node sends its first home registration");
    let update = setting.mobile.registers(LONG, t.unix_time());
    setting.sends(t, &update)?;

    t.then("the home agent probes the home link for the home address");
    let probe = t.hears(&duplicate_detection(setting.mobile.home), DETECTION)?;

    t.then("it acknowledges after that");
    let acknowledged = t.hears(&setting.accepted(), DETECTION)?;
    if acknowledged < probe {
        let (expected, seen) = ("the probe first", "the acknowledgement before it");
        return Err(t.stop(expected.to_owned(), seen.to_owned(), vec![acknowledged, probe]));
    }
    Ok(())
}

fn duplicate_is_refused(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;
    let neighbour = Neighbour::on_the_home_link(t)?;
    t.given("the home agent probes for the home address that a mobile node registers");
    let update = setting.mobile.registers(LONG, t.unix_time());
    setting.sends(t, &update)?;
    t.hears(&duplicate_detection(setting.mobile.home), DETECTION)?;

    t.when("somebody on the home link says that the address is taken");
    neighbour.defends(t, setting.mobile.home)?;

    t.then("the registration is refused with status 134");
    t.hears(&setting.answered(134), DETECTION)?;

    t.then("a packet to the home address leaves in no tunnel");
    setting.asks_home(t, 2)?;
    t.hears_none(&setting.tunnelled_home(), SILENCE)?;
    setting.lives(t, 3)
}

fn detects_once(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t, LONG)?;
    for place in [setting.mobile.care_of, t.plan.address("visited-2", SECOND)] {
        t.when(format!("the mobile node registers again, from {place}"));
        setting.mobile.moves(place);
        let update = setting.mobile.registers(LONG, t.unix_time());
        setting.sends(t, &update)?;

        t.then("it is acknowledged at once, and nobody was asked for the home address");
        let accepted = setting.accepted();
        t.hears_before(&accepted, &duplicate_detection(setting.mobile.home), SILENCE)?;
    }
    setting.lives(t, 4)
}

fn announces(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a mobile node registers");
    let update = setting.mobile.registers(LONG, t.unix_time());
    setting.sends(t, &update)?;

    t.then("the home agent tells all nodes that the home address is at its link-layer address");
    let announcement = neighbour_advertisement(setting.mobile.home)
        .that("to all nodes", |packet| packet.header.destination == ALL_NODES)
        .naming(t.plan.subject)
        .flags(Some(false), false, Some(true));
    t.hears(&announcement, DETECTION + ANSWER)?;
    Ok(())
}

fn answers_who_asks_alone(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;
    let neighbour = Neighbour::on_the_home_link(t)?;
    let home = setting.mobile.home;

    t.when("a neighbour solicits the home address by the home address itself");
    neighbour.asks_alone(t, home)?;

    t.then("the home agent answers with its own link-layer address");
    t.hears(&neighbour.answer(home).naming(t.plan.subject).flags(Some(false), true, None), ANSWER)?;
    Ok(())
}

fn defends(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;
    let neighbour = Neighbour::on_the_home_link(t)?;
    let home = setting.mobile.home;

    t.when("somebody on the home link probes whether the home address is free");
    neighbour.wants(t, home)?;

    t.then("the home agent tells all nodes that it is not");
    let answer = neighbour_advertisement(home)
        .that("to all nodes", |packet| packet.header.destination == ALL_NODES)
        .flags(None, false, None);
    t.hears(&answer, ANSWER)?;
    Ok(())
}

fn defends_no_longer(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, SHORT * 2)?;
    let neighbour = Neighbour::on_the_home_link(t)?;
    let home = setting.mobile.home;
    t.given("a neighbour that solicits the home address is answered");
    neighbour.solicits(t, home)?;
    t.hears(&neighbour.answer(home), ANSWER)?;

    t.when("the lifetime is over, and the neighbour solicits it again");
    t.lets_pass(SHORT * 2 + ANSWER)?;
    neighbour.solicits(t, home)?;

    t.then("the home agent does not answer");
    t.hears_none(&neighbour.answer(home), SILENCE)?;
    setting.lives(t, 4)
}
