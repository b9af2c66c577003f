//! Handovers while a call waits for its route: the home registration comes first, and the route
//! that was begun is not the one that counts.

use std::collections::BTreeSet;
use std::time::Duration;

use roamproof_wire::sip::{Fields, Message};

use super::super::Purpose;
use super::setting::{ANSWER, SILENCE, binds, budget, terminal_alone, tunnelled_home, updates};
use super::stage::{
    HANDOVER, Stage, acceptance, before_budget, by_budget, decision, updates_from, updates_naming,
};
use crate::tester::Tester;
use crate::tester::scene::Manners;
use crate::tester::template::{home_test_init, sip_final_response, sip_response};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// Home first, then the correspondent.
pub(in crate::purpose) const HANDOVER_WHILE_PENDING: Purpose = Purpose {
    id: "CL-RO-19",
    version: 1,
    title: "A handover while a call waits: home first, then the caller with the new care-of address",
    verifies: &["CL-RO-19"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(22),
    wants: terminal_alone,
    body: handover_while_pending,
};

/// A handover is no new beginning.
pub(in crate::purpose) const BUDGET_ACROSS_HANDOVER: Purpose = Purpose {
    id: "CL-RO-19/budget",
    version: 1,
    title: "A handover while a call waits does not begin its budget anew",
    verifies: &["CL-RO-19"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(24),
    wants: terminal_alone,
    body: budget_across_handover,
};

/// A call that comes in between.
pub(in crate::purpose) const INVITE_BEFORE_HOME_ACKNOWLEDGEMENT: Purpose = Purpose {
    id: "CL-RO-31",
    version: 1,
    title: "An INVITE that comes before the home agent's acknowledgement waits for that, and is answered",
    verifies: &["CL-RO-31"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(22),
    wants: terminal_alone,
    body: invite_before_home_acknowledgement,
};

/// At home nothing is to be optimized any more.
pub(in crate::purpose) const RETURN_WHILE_PENDING: Purpose = Purpose {
    id: "CL-RO-30/pending",
    version: 1,
    title: "A terminal that returns home while a call waits de-registers and responds",
    verifies: &["CL-RO-30"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(22),
    wants: terminal_alone,
    body: return_while_pending,
};

fn handover_while_pending(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut stage = Stage::away(t)?;
    t.given("an INVITE comes, and the caller does not answer its tests");
    stage.behaves(t.plan.cn, Manners::SILENT);
    let since = t.bench.now();
    let invite = stage.invites(t)?;
    t.hears(&tunnelled_home(t, home_test_init(), t.plan.cn), ANSWER)?;

    t.when("it moves to another link, and its home agent does not acknowledge yet");
    stage.scene().acknowledges_home = false;
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    stage.moves_on(t)?;

    t.then("it updates its home agent first, the caller not before the acknowledgement");
    let first = updates_from(t, t.plan.ha, "visited-2");
    t.hears_before(&first, &updates(t.plan.cn), HANDOVER)?;
    t.hears_none(&updates(t.plan.cn), SILENCE)?;
    t.in_time("a handover", since, before_budget(t))?;
    t.hears_none(&acceptance(t, &invite), Duration::ZERO)?;

    t.when("the home agent acknowledges");
    stage.home_agent_acknowledges(t)?;
    t.then("it updates the caller with the new care-of address, and no response leaves before");
    let update = updates_naming(t, t.plan.cn, "visited-2");
    t.hears_before(&update, &acceptance(t, &invite), ANSWER * 2)?;
    t.in_time("an update", since, before_budget(t))?;

    t.when("the caller acknowledges");
    stage.accepts(t, t.plan.cn)?;
    t.then("one response leaves");
    stage.responds(t, &invite)?;
    t.lets_pass(SILENCE)?;
    is_one_response(t, &stage, &invite)
}

fn budget_across_handover(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut stage = Stage::away(t)?;
    t.given("an INVITE comes, and the caller does not answer its tests");
    stage.behaves(t.plan.cn, Manners::SILENT);
    let since = t.bench.now();
    let invite = stage.invites(t)?;
    t.hears(&tunnelled_home(t, home_test_init(), t.plan.cn), ANSWER)?;
    t.lets_pass(budget(t) / 4)?;

    t.when("it moves to another link, where the caller does not answer either");
    stage.moves_on(t)?;

    t.then("its response leaves at the budget, counted from the INVITE");
    let latest = (since + by_budget(t)).saturating_sub(t.bench.now());
    let response = t.hears(&decision(&invite), latest)?;
    let after = t.captured_at(response) - since;
    if after < budget(t) * 9 / 10 {
        let expected = format!("not before {:?}", budget(t) * 9 / 10);
        return Err(t.stop(expected, format!("after {after:?}"), vec![response]));
    }
    Ok(())
}

/// Every response to an INVITE that bears a tag bears the same.
fn is_one_response(t: &Tester<'_>, stage: &Stage, invite: &Message) -> Result<(), Stop> {
    let scene = stage.scene();
    let tagged: Vec<(String, usize)> = scene
        .responses_to(invite)
        .filter_map(|heard| Some((heard.message.to().ok()?.tag()?.to_owned(), heard.frame)))
        .collect();
    let tags: BTreeSet<&str> = tagged.iter().map(|(tag, _)| tag.as_str()).collect();
    if tags.len() <= 1 {
        return Ok(());
    }
    let seen = format!("{} of them", tags.len());
    Err(t.stop("one tag".to_owned(), seen, tagged.iter().map(|(_, frame)| *frame).collect()))
}

fn invite_before_home_acknowledgement(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut stage = Stage::away(t)?;
    t.given("it moves to another link, and its home agent does not acknowledge yet");
    stage.scene().acknowledges_home = false;
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    stage.moves_on(t)?;
    let update = t.hears(&updates_from(t, t.plan.ha, "visited-2"), HANDOVER)?;
    let care_of = t.packet(update).header.source;
    stage.scene().agent.care_of = Some(care_of);

    t.when("an INVITE comes through the tunnel to the new care-of address");
    let since = t.bench.now();
    let invite = stage.invites(t)?;

    t.then("the caller gets no update before the home agent has acknowledged, nor a response");
    t.hears_none(&updates(t.plan.cn), SILENCE)?;
    t.hears_none(&acceptance(t, &invite), Duration::ZERO)?;

    t.when("the home agent acknowledges");
    stage.home_agent_acknowledges(t)?;
    t.then("the INVITE was taken in: it updates the caller, and no response leaves before");
    t.hears_before(&updates(t.plan.cn), &acceptance(t, &invite), ANSWER * 2)?;
    t.in_time("an update", since, before_budget(t))?;

    t.when("the caller acknowledges");
    stage.accepts(t, t.plan.cn)?;
    t.then("a response leaves");
    stage.responds(t, &invite)?;
    Ok(())
}

fn return_while_pending(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut stage = Stage::away(t)?;
    t.given("an INVITE comes, and the caller does not answer its tests");
    stage.behaves(t.plan.cn, Manners::SILENT);
    let invite = stage.invites(t)?;
    t.hears(&tunnelled_home(t, home_test_init(), t.plan.cn), ANSWER)?;

    t.when("it returns home");
    stage.comes_home(t)?;

    t.then("it de-registers with its home agent");
    t.hears(&updates(t.plan.ha).with("lifetime 0", |packet| !binds(packet)), HANDOVER)?;
    t.then("it responds natively, with nothing more to optimize");
    let native = sip_response(&invite).by_any_way().from(t.plan.hoa).to(t.plan.ss);
    t.hears(&native, ANSWER * 3)?;
    t.then("it answers the call");
    let answered = sip_final_response(&invite).by_any_way().from(t.plan.hoa).to(t.plan.ss);
    t.hears(&answered, ANSWER * 3)?;
    Ok(())
}
