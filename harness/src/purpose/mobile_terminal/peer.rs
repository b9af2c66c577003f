//! Both parties mobile and away: the tester plays the other one.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::Sequence;
use roamproof_wire::sip::{Fields, Method};

use super::super::Purpose;
use super::setting::{ANSWER, CALLER_MEDIA, SILENCE, terminal_alone, tunnelled_home, updates};
use super::stage::{Stage, acceptance, before_budget};
use crate::tester::Tester;
use crate::tester::mobile::MobileNode;
use crate::tester::scene::Manners;
use crate::tester::sip::Party;
use crate::tester::template::{
    binding_acknowledgement, care_of_test, home_test, home_test_init, sip_request,
};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// The terminal is called.
pub(in crate::purpose) const CALLED_BY_A_MOBILE: Purpose = Purpose {
    id: "CL-RO-29/called",
    version: 1,
    title: "A mobile caller's own route optimization is answered while its call still waits",
    verifies: &["CL-RO-29"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(15),
    wants: terminal_alone,
    body: called_by_a_mobile,
};

/// The terminal calls.
pub(in crate::purpose) const CALLS_A_MOBILE: Purpose = Purpose {
    id: "CL-RO-29/calls",
    version: 1,
    title: "A terminal that calls a mobile one optimizes its own route once it has taken the other's update",
    verifies: &["CL-RO-29"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Call],
    waits_max: Duration::from_secs(16),
    wants: terminal_alone,
    body: calls_a_mobile,
};

/// The number before that of the other terminal's first update.
const LAST: Sequence = Sequence(0x2900);
const LIFETIME: Duration = Duration::from_secs(420);

/// The other mobile terminal, in the other visited network.
fn other(t: &Tester<'_>) -> MobileNode {
    let mut mobile = MobileNode::new(&t.plan, t.plan.address("visited-2", 0x2929_2929), LAST);
    (mobile.home, mobile.home_agent) = (t.plan.hoa2, t.plan.ha2);
    mobile
}

fn other_party(t: &Tester<'_>) -> Party {
    let address = t.plan.hoa2;
    Party { identifier: t.plan.cn_identifier.clone(), address, media: (address, CALLER_MEDIA) }
}

fn called_by_a_mobile(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let mut mobile = other(t);
    t.given("a mobile caller's INVITE comes, and its update is not acknowledged yet");
    stage.behaves(mobile.home, Manners::WITHHOLDING);
    let invite = stage.invite_of(t, &other_party(t));
    let since = t.bench.now();
    stage.says(t, &invite)?;
    t.hears(&updates(mobile.home), ANSWER)?;

    is_tested(t, &stage, &mut mobile)?;
    is_updated(t, &stage, &mut mobile)?;
    t.then("the call still waits for its own route");
    t.hears_none(&acceptance(t, &invite), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.when("the caller acknowledges the terminal's update");
    stage.accepts(t, mobile.home)?;
    t.then("a response leaves");
    stage.responds(t, &invite)?;
    Ok(())
}

fn calls_a_mobile(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let mut mobile = other(t);
    stage.behaves(mobile.home, Manners::WITHHOLDING);
    t.given("it calls somebody who is mobile too");
    t.calls(&t.plan.cn_identifier.clone())?;
    let invite = sip_request(Method::Invite);
    let invite = t.hears(&tunnelled_home(t, invite, t.plan.ss), ANSWER * 3)?;
    let invite = t.sip(invite)?;
    let party = other_party(t);
    let trying = stage.scene().server.response(&invite, &party, 100, "Trying");
    stage.says(t, &trying)?;

    is_tested(t, &stage, &mut mobile)?;
    is_updated(t, &stage, &mut mobile)?;
    t.then("it begins its own route optimization, before the call is answered");
    t.hears(&tunnelled_home(t, home_test_init(), mobile.home), ANSWER * 2)?;
    t.hears(&updates(mobile.home), ANSWER)?;

    t.when("the other side acknowledges, and answers the call");
    stage.accepts(t, mobile.home)?;
    let answer = stage.scene().server.answer(&invite, &party);
    stage.says_made(t, answer)?;
    t.then("the answer is acknowledged, by whatever way");
    let call = invite.call_id().unwrap_or_default().to_owned();
    let ack = sip_request(Method::Ack).that("of this call", move |packet| {
        crate::tester::template::sip_in(packet)
            .is_some_and(|message| message.call_id().is_ok_and(|id| id == call))
    });
    t.hears(&ack.by_any_way(), ANSWER)?;
    Ok(())
}

/// The other terminal's Home Test Init and Care-of Test Init come through both home agents; the
/// answers leave by the reverse tunnel.
fn is_tested(t: &mut Tester<'_>, stage: &Stage, mobile: &mut MobileNode) -> Result<(), Stop> {
    t.when("the other terminal tests its route to this one");
    let home = t.plan.hoa;
    let inits = [mobile.tests_home(home), mobile.tests_care_of(home)];
    for init in &inits {
        stage.carries(t, init)?;
    }
    t.then("both tests are answered at once, by the reverse tunnel");
    let answers: [(_, Ipv6Addr); 2] =
        [(home_test(), mobile.home), (care_of_test(), mobile.care_of)];
    for (answer, to) in answers {
        let heard = t.hears(&tunnelled_home(t, answer, to), ANSWER)?;
        if !mobile.takes_test(&t.innermost(heard)) {
            let expected = "the cookie that was sent".to_owned();
            return Err(t.stop(expected, "another".to_owned(), vec![heard]));
        }
    }
    Ok(())
}

/// The other terminal's Binding Update is acknowledged, by the reverse tunnel.
fn is_updated(t: &mut Tester<'_>, stage: &Stage, mobile: &mut MobileNode) -> Result<(), Stop> {
    t.when("the other terminal updates this one");
    let update = mobile.updates(t.plan.hoa, LIFETIME);
    let update = update.map(|update| stage.scene().carries(&update));
    stage.answers(t, update)?;
    t.then("it is acknowledged, by the reverse tunnel");
    let accepted = binding_acknowledgement()
        .status("below 128", |status| status < 128)
        .sequence(mobile.sequence())
        .from(t.plan.hoa)
        .to(mobile.care_of)
        .routed_home(mobile.home)
        .in_a_tunnel()
        .to(t.plan.ha);
    t.hears(&accepted, ANSWER)?;
    Ok(())
}
