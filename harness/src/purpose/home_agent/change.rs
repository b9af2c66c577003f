//! Binding Changes: a SIP server that asked is told when what it was told no longer holds (claim 10).

use std::time::Duration;

use roamproof_wire::mobility::{LookupKind, LookupStatus};

use super::setting::{ANSWER, LONG, SPEAKS_LOOKUP, Setting, home_agent_with_server};
use crate::purpose::Purpose;
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// The terminal is home again.
pub(in crate::purpose) const DEREGISTRATION_IS_TOLD: Purpose = Purpose {
    id: "CL-REG-08/de-registered",
    version: 1,
    title: "A SIP server that asked is told when the binding is taken back, and told no care-of address then",
    verifies: &["CL-REG-08"],
    role: Role::HomeAgent,
    applies: SPEAKS_LOOKUP,
    triggers: &[],
    waits_max: Duration::from_secs(10),
    wants: home_agent_with_server,
    body: deregistration_is_told,
};

/// Nothing was heard of the terminal for too long.
pub(in crate::purpose) const END_IS_TOLD: Purpose = Purpose {
    id: "CL-REG-08/run-out",
    version: 1,
    title: "A SIP server that asked is told when the binding runs out, and told no care-of address then",
    waits_max: Duration::from_secs(17),
    body: end_is_told,
    ..DEREGISTRATION_IS_TOLD
};

/// A change may be lost, and once it arrived that is enough.
pub(in crate::purpose) const CHANGE_ENDS_WITH_ACKNOWLEDGEMENT: Purpose = Purpose {
    id: "CL-REG-08/repeated",
    version: 1,
    title: "A change is told again until it is acknowledged, and not after that",
    waits_max: Duration::from_secs(18),
    body: change_ends_with_acknowledgement,
    ..DEREGISTRATION_IS_TOLD
};

/// Enough to be registered, notified and asked before it is over.
const LIFETIME: Duration = Duration::from_secs(8);
/// A change that was not acknowledged comes again after 1 s, and then after 2 s.
const AGAIN: [Duration; 2] = [Duration::from_millis(1600), Duration::from_millis(2900)];
/// When it would come the next time, and a bit.
const NEXT: Duration = Duration::from_millis(5500);

fn deregistration_is_told(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::asked(t, LONG)?;

    t.when("the mobile node takes its registration back");
    let update = setting.mobile.deregisters(t.unix_time());
    setting.sends(t, &update)?;

    t.then("the SIP server is told that there is no binding any more");
    t.hears(&setting.accepted(), ANSWER)?;
    let told = t.hears(&gone(t, &setting), ANSWER)?;
    setting.acknowledges(t, told)?;
    is_asked_in_vain(t, &mut setting)
}

fn end_is_told(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::asked(t, LIFETIME)?;

    t.when("the lifetime of the registration goes by");
    t.then("the SIP server is told that there is no binding any more");
    let told = t.hears(&gone(t, &setting), LIFETIME + ANSWER)?;
    setting.acknowledges(t, told)?;
    is_asked_in_vain(t, &mut setting)
}

fn change_ends_with_acknowledgement(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::asked(t, LONG)?;
    t.given("the mobile node takes its registration back, and the SIP server is told");
    setting.deregisters(t)?;
    let mut told = t.hears(&gone(t, &setting), ANSWER)?;

    t.when("the SIP server says nothing");
    t.then("it is told again, and again");
    for patience in AGAIN {
        told = t.hears(&gone(t, &setting), patience)?;
    }

    t.when("it acknowledges");
    setting.acknowledges(t, told)?;

    t.then("it is told no more");
    t.hears_none(&setting.told(LookupKind::BindingChange), NEXT)?;
    setting.lives(t, 7)
}

/// That the binding is gone.
fn gone(t: &Tester<'_>, setting: &Setting) -> Template {
    setting
        .told(LookupKind::BindingChange)
        .saying("with status 1", |message| message.status == LookupStatus::NO_BINDING)
        .saying("without a care-of address", |message| message.care_of().is_none())
        .proved_by(&t.plan.ha_ss)
}

fn is_asked_in_vain(t: &mut Tester<'_>, setting: &mut Setting) -> Result<(), Stop> {
    t.when("the SIP server asks where the home address is");
    let query = setting.asks(t)?;

    t.then("it is told that there is no binding");
    t.hears(&setting.reply_without_binding(t, &query), ANSWER)?;
    Ok(())
}
