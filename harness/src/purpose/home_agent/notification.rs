//! Home Agent Notifications: how a SIP server learns whom to ask (claim 11).

use std::time::Duration;

use roamproof_wire::mobility::{Lifetime, LookupKind};

use super::setting::{ANSWER, DETECTION, LONG, SPEAKS_LOOKUP, Setting, home_agent_with_server};
use crate::purpose::Purpose;
use crate::tester::template::{acknowledgement_in, lookup_in};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// A SIP server learns of a home address, and that it may ask.
pub(in crate::purpose) const SERVER_CAN_ASK: Purpose = Purpose {
    id: "CL-REG-06/first",
    version: 1,
    title: "After a home registration the SIP server knows whom to ask, and is answered",
    verifies: &["CL-REG-06"],
    waits_max: Duration::from_secs(7),
    body: server_can_ask,
    ..REGISTRATION
};

/// A SIP server that lost its memory learns it anew.
pub(in crate::purpose) const NOTIFICATION_AT_EACH_REGISTRATION: Purpose = Purpose {
    id: "CL-REG-06/refresh",
    version: 1,
    title: "A SIP server that was restarted knows whom to ask after the next refresh",
    verifies: &["CL-REG-06"],
    waits_max: Duration::from_secs(8),
    body: notification_at_each_registration,
    ..REGISTRATION
};

/// What a notification says, and who says it.
pub(in crate::purpose) const NOTIFICATION_IS_GENUINE: Purpose = Purpose {
    id: "CL-REG-07/genuine",
    version: 1,
    title: "A notification names home address, home agent and what remains of the lifetime, and is proved",
    verifies: &["CL-REG-07"],
    waits_max: Duration::from_secs(6),
    body: notification_is_genuine,
    ..REGISTRATION
};

/// Nobody is told of a registration that may still fail.
pub(in crate::purpose) const NOTIFICATION_AFTER_ACKNOWLEDGEMENT: Purpose = Purpose {
    id: "CL-REG-07/after-acknowledgement",
    version: 1,
    title: "The SIP server is notified after the mobile node was acknowledged, never before",
    verifies: &["CL-REG-07"],
    waits_max: Duration::from_secs(6),
    body: notification_after_acknowledgement,
    ..REGISTRATION
};

/// A notification may be lost.
pub(in crate::purpose) const NOTIFICATION_IS_REPEATED: Purpose = Purpose {
    id: "CL-REG-07/repeated",
    version: 1,
    title: "A notification that is not acknowledged is sent again after 1, 3, 7, 15 and 31 s",
    verifies: &["CL-REG-07"],
    waits_max: Duration::from_secs(40),
    body: notification_is_repeated,
    ..REGISTRATION
};

/// A notification that arrived is not repeated.
pub(in crate::purpose) const NOTIFICATION_ENDS_WITH_ACKNOWLEDGEMENT: Purpose = Purpose {
    id: "CL-REG-07/acknowledged",
    version: 1,
    title: "A notification that was acknowledged is not sent again",
    verifies: &["CL-REG-07"],
    waits_max: Duration::from_secs(10),
    body: notification_ends_with_acknowledgement,
    ..REGISTRATION
};

/// What these purposes have in common.
const REGISTRATION: Purpose = Purpose {
    id: "",
    version: 1,
    title: "",
    verifies: &[],
    role: Role::HomeAgent,
    applies: SPEAKS_LOOKUP,
    triggers: &[],
    waits_max: Duration::ZERO,
    wants: home_agent_with_server,
    body: server_can_ask,
};

/// Seconds between a notification and the next, and how far off a right device may be.
const GAPS: [u64; 5] = [1, 2, 4, 8, 16];
const SLACK: Duration = Duration::from_millis(300);
/// When a notification that was acknowledged would be sent again twice, and a bit.
const WOULD_BE_REPEATED: Duration = Duration::from_millis(3500);

fn server_can_ask(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a mobile node registers");
    sends_registration(t, &mut setting)?;

    t.then("the SIP server is notified, and this home agent is named");
    t.hears(&setting.accepted(), DETECTION)?;
    let told = t.hears(&names_the_home_agent(&setting), ANSWER)?;
    setting.acknowledges(t, told)?;

    t.then("it answers the SIP server's query with the care-of address");
    setting.is_answered(t)?;
    Ok(())
}

fn notification_at_each_registration(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::notified(t, LONG)?;

    t.when("the mobile node renews its registration, the SIP server having lost its memory");
    sends_registration(t, &mut setting)?;

    t.then("the SIP server is notified again, and this home agent is named");
    t.hears(&setting.accepted(), ANSWER)?;
    let told = t.hears(&names_the_home_agent(&setting), ANSWER)?;
    setting.acknowledges(t, told)?;

    t.then("it answers the SIP server's query with the care-of address");
    setting.is_answered(t)?;
    Ok(())
}

fn notification_is_genuine(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a mobile node registers");
    let since = sends_registration(t, &mut setting)?;

    t.then("the SIP server is notified, proved by the key shared, of what remains of the lifetime");
    let heard = t.hears(&setting.accepted(), DETECTION)?;
    let granted = acknowledgement_in(&t.packet(heard)).map_or(Lifetime::ZERO, |one| one.lifetime);
    let passed = t.bench.now().saturating_sub(since) + SLACK;
    let least = granted.duration().saturating_sub(passed + Lifetime(1).duration());
    let notification = names_the_home_agent(&setting)
        .proved_by(&t.plan.ha_ss)
        .saying(format!("with {granted} at most"), move |message| message.lifetime <= granted)
        .saying(format!("with {} s at least", least.as_secs()), move |message| {
            message.lifetime.duration() >= least
        });
    t.hears(&notification, ANSWER)?;
    Ok(())
}

fn notification_after_acknowledgement(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::new(t)?;
    setting.lives(t, 1)?;

    t.when("a mobile node registers");
    sends_registration(t, &mut setting)?;

    t.then("the SIP server is notified after the mobile node was acknowledged");
    let acknowledged = t.hears(&setting.accepted(), DETECTION)?;
    let notified = t.hears(&setting.notification(), ANSWER)?;
    if notified < acknowledged {
        let (expected, seen) = ("the acknowledgement first", "the notification before it");
        return Err(t.stop(expected.to_owned(), seen.to_owned(), vec![notified, acknowledged]));
    }
    Ok(())
}

fn notification_is_repeated(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;
    t.given("the SIP server is notified");
    let mut last = t.hears(&setting.notification(), ANSWER)?;
    let first = lookup_in(&t.packet(last));
    let transaction = first.map_or(0, |message| message.transaction);
    let mut stamps = vec![stamp(t, last)];

    t.when("the SIP server says nothing");
    for gap in GAPS.map(Duration::from_secs) {
        t.then(format!(
            "the notification is sent again after {gap:?}, with a time stamp of its own"
        ));
        let since = t.bench.capture().frames[last].at;
        let most = (gap + gap / 4 + SLACK).saturating_sub(t.bench.now().saturating_sub(since));
        let again = setting
            .notification()
            .proved_by(&t.plan.ha_ss)
            .saying(format!("in transaction {transaction}"), move |message| {
                message.transaction == transaction
            });
        let heard = t.hears(&again, most)?;
        let after = t.bench.capture().frames[heard].at.saturating_sub(since);
        if after < (gap * 3 / 4).saturating_sub(SLACK) {
            let seen = format!("after {after:?}");
            return Err(t.stop(format!("it after {gap:?}"), seen, vec![last, heard]));
        }
        let made = stamp(t, heard);
        if stamps.contains(&made) {
            let seen = "the time stamp of an earlier one".to_owned();
            return Err(t.stop("a fresh time stamp".to_owned(), seen, vec![heard]));
        }
        stamps.push(made);
        last = heard;
    }
    setting.lives(t, 7)
}

fn notification_ends_with_acknowledgement(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t, LONG)?;
    t.given("the SIP server is notified");
    let told = t.hears(&setting.notification(), ANSWER)?;

    t.when("it acknowledges");
    setting.acknowledges(t, told)?;

    t.then("the notification is not sent again");
    t.hears_none(&setting.notification(), WOULD_BE_REPEATED)?;

    t.given("the home agent answers the SIP server's query meanwhile");
    setting.is_answered(t)?;
    Ok(())
}

/// Sends the registration and says when.
fn sends_registration(t: &mut Tester<'_>, setting: &mut Setting) -> Result<Duration, Stop> {
    let since = t.bench.now();
    let update = setting.mobile.registers(LONG, t.unix_time());
    setting.sends(t, &update)?;
    Ok(since)
}

/// A notification about the home address that names this home agent.
fn names_the_home_agent(setting: &Setting) -> Template {
    let agent = setting.mobile.home_agent;
    setting
        .told(LookupKind::HomeAgentNotification)
        .saying(format!("naming {agent}"), move |message| message.home_agent() == Some(agent))
}

fn stamp(t: &Tester<'_>, frame: usize) -> u64 {
    lookup_in(&t.packet(frame)).map_or(0, |message| message.timestamp.0)
}
