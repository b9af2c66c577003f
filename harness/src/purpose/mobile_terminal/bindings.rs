//! Calls over a binding that is there, was lost or has run out (CL-RO-09, CL-RO-10; decision D7).

use std::time::Duration;

use roamproof_wire::mobility::Lifetime;
use roamproof_wire::sip::Message;

use super::super::Purpose;
use super::setting::{ANSWER, SILENCE, terminal_alone, updates};
use super::stage::{Stage, acceptance, before_budget};
use crate::tester::Tester;
use crate::tester::correspondent::Correspondent;
use crate::tester::scene::Manners;
use crate::tester::template::sip_response;
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// A fresh binding serves the next call.
pub(in crate::purpose) const CALL_ON_FRESH_BINDING: Purpose = Purpose {
    id: "CL-RO-09/fresh",
    version: 1,
    title: "A second call of a caller whose route is optimized is responded to",
    verifies: &["CL-RO-09"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(38),
    wants: terminal_alone,
    body: second_call,
};

/// One that the caller said it has lost does not.
pub(in crate::purpose) const BINDING_LOST: Purpose = Purpose {
    id: "CL-RO-09/binding-lost",
    version: 1,
    title: "After the caller said that it has no binding, the next call waits for a new one",
    verifies: &["CL-RO-09"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(47),
    wants: terminal_alone,
    body: binding_lost,
};

/// Nor does one that has run out.
pub(in crate::purpose) const BINDING_EXPIRED: Purpose = Purpose {
    id: "CL-RO-10",
    version: 1,
    title: "After the binding has run out, the next call waits for a new one",
    verifies: &["CL-RO-10"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(60),
    wants: terminal_alone,
    body: binding_expired,
};

/// What the caller grants: fresh at first by decision D7, over soon.
const SHORT: Lifetime = Lifetime(4);

fn second_call(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    whole_call(t, &stage)?;
    t.when("the same caller calls again");
    let invite = stage.invites(t)?;
    t.then("a response leaves");
    stage.responds(t, &invite)?;
    Ok(())
}

fn binding_lost(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    whole_call(t, &stage)?;

    t.when("the caller says that it has no binding, and calls again");
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    let error = Correspondent::new(t.plan.cn).has_no_binding(t.plan.hoa, stage.care_of());
    stage.sends(t, &error)?;
    waits_for_new_binding(t, &stage)
}

fn binding_expired(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn, Manners { lifetime: SHORT, ..Manners::CAPABLE });
    whole_call(t, &stage)?;

    t.given("the lifetime that the caller granted is over, and was not renewed");
    stage.behaves(t.plan.cn, Manners::SILENT);
    t.lets_pass(SHORT.duration() + ANSWER)?;
    stage.lives(t, "it answers OPTIONS that come through the tunnel")?;

    t.when("the same caller calls again");
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    waits_for_new_binding(t, &stage)
}

/// The second call: nothing before the caller has acknowledged anew.
fn waits_for_new_binding(t: &mut Tester<'_>, stage: &Stage) -> Result<(), Stop> {
    let since = t.bench.now();
    let invite = stage.invites(t)?;

    t.then("no response leaves without a new binding");
    t.hears_none(&acceptance(t, &invite), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;
    t.then("it updates the caller anew before any response");
    t.hears_before(&updates(t.plan.cn), &acceptance(t, &invite), before_budget(t))?;

    t.when("the caller acknowledges the newest update");
    stage.accepts(t, t.plan.cn)?;
    t.then("a response leaves");
    stage.responds(t, &invite)?;
    Ok(())
}

/// A call comes, is optimized, answered and over: all of it `given`.
fn whole_call(t: &mut Tester<'_>, stage: &Stage) -> Result<(Message, Message), Stop> {
    let (invite, answer) = stage.talks(t)?;
    t.given("the caller ends the call");
    let bye = stage.scene().server.ends(&invite, &answer);
    let bye = stage.says_made(t, bye)?;
    t.hears(&sip_response(&bye).by_any_way(), ANSWER)?;
    Ok((invite, answer))
}
