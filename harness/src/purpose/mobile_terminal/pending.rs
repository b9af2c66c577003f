//! What happens while a call waits for its route, and must not end its waiting early or for ever.

use std::time::Duration;

use roamproof_wire::icmpv6::{Reason, answer};
use roamproof_wire::ipv6::{Outgoing, Problem, protocol};
use roamproof_wire::mobility::{CareOfTestInit, HomeTestInit, Message as Mobility, Status};
use roamproof_wire::sip::{Message, Method};

use super::super::Purpose;
use super::setting::{ANSWER, SILENCE, terminal_alone, tunnelled_home, updates};
use super::stage::{Stage, acceptance, before_budget};
use crate::tester::Tester;
use crate::tester::correspondent::Correspondent;
use crate::tester::scene::{Answers, Manners};
use crate::tester::template::{home_test_init, sip_response};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// A lost Home Test is asked for again.
pub(in crate::purpose) const HOME_TEST_LOST_ONCE: Purpose = Purpose {
    id: "CL-RO-13",
    version: 1,
    title: "When a Home Test is lost once, it is asked for again, and no response leaves before",
    verifies: &["CL-RO-13"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: home_test_lost_once,
};

const fn refused(id: &'static str, title: &'static str, body: Body) -> Purpose {
    Purpose {
        id,
        version: 1,
        title,
        verifies: &["CL-RO-14"],
        role: Role::MobileTerminal,
        applies: &[],
        triggers: &[Trigger::Attach],
        waits_max: Duration::from_secs(12),
        wants: terminal_alone,
        body,
    }
}

type Body = fn(&mut Tester<'_>) -> Result<(), Stop>;

/// The home nonce index has expired.
pub(in crate::purpose) const HOME_NONCE_EXPIRED: Purpose = refused(
    "CL-RO-14/status-136",
    "A Binding Update refused with status 136 lets no response out",
    |t| is_no_acceptance(t, Status::EXPIRED_HOME_NONCE_INDEX),
);

/// The care-of nonce index has expired.
pub(in crate::purpose) const CARE_OF_NONCE_EXPIRED: Purpose = refused(
    "CL-RO-14/status-137",
    "A Binding Update refused with status 137 lets no response out",
    |t| is_no_acceptance(t, Status::EXPIRED_CARE_OF_NONCE_INDEX),
);

/// Both have.
pub(in crate::purpose) const NONCES_EXPIRED: Purpose = refused(
    "CL-RO-14/status-138",
    "A Binding Update refused with status 138 lets no response out",
    |t| is_no_acceptance(t, Status::EXPIRED_NONCES),
);

/// A token that answers nobody.
pub(in crate::purpose) const FORGED_HOME_TEST: Purpose = Purpose {
    id: "CL-RO-16/wrong-cookie",
    version: 1,
    title: "A Home Test with a wrong cookie is ignored: no Binding Update is built from it",
    verifies: &["CL-RO-16"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: forged_home_test,
};

/// A complaint about nothing.
pub(in crate::purpose) const FORGED_ERROR: Purpose = Purpose {
    id: "CL-RO-16/forged-error",
    version: 1,
    title: "An ICMPv6 error that quotes nothing outstanding does not end the optimization",
    verifies: &["CL-RO-16"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: forged_error,
};

/// OPTIONS are answered meanwhile.
pub(in crate::purpose) const OPTIONS_MEANWHILE: Purpose = Purpose {
    id: "CL-RO-24/options",
    version: 1,
    title: "OPTIONS that come while a call waits are answered at once and disturb nothing",
    verifies: &["CL-RO-24"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(10),
    wants: terminal_alone,
    body: |t| is_answered_meanwhile(t, Method::Options),
};

/// So is a BYE for a dialogue that is not there.
pub(in crate::purpose) const STRAY_BYE_MEANWHILE: Purpose = Purpose {
    id: "CL-RO-24/bye",
    version: 1,
    title: "A BYE for an unknown dialogue while a call waits is answered at once and disturbs nothing",
    verifies: &["CL-RO-24"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(10),
    wants: terminal_alone,
    body: |t| is_answered_meanwhile(t, Method::Bye),
};

/// The back-off of return routability begins with this (RFC 6275 §11.8, decision D6).
const SECOND_TRY: Duration = Duration::from_secs(1);

fn home_test_lost_once(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.given("an INVITE comes, and the Home Test Init that it leads to is lost");
    stage.behaves(t.plan.cn, Manners { home_tests: Answers::AllBut(1), ..Manners::WITHHOLDING });
    let since = t.bench.now();
    let invite = stage.invites(t)?;
    let asks = tunnelled_home(t, home_test_init(), t.plan.cn);
    let first = t.hears(&asks, ANSWER)?;

    t.then("it asks again, and no response leaves before");
    let second = t.hears_before(&asks, &acceptance(t, &invite), before_budget(t))?;
    t.hears_before(&updates(t.plan.cn), &acceptance(t, &invite), ANSWER)?;
    t.in_time("a second try", since, before_budget(t))?;
    is_still_pending(t, &stage, &invite)?;

    t.should("ask again 1 s after the first try");
    let apart = t.captured_at(second) - t.captured_at(first);
    if (SECOND_TRY * 9 / 10..=SECOND_TRY * 15 / 10).contains(&apart) {
        return Ok(());
    }
    let expected = format!("{SECOND_TRY:?}, a tenth less or half more");
    Err(t.stop(expected, format!("{apart:?}"), vec![first, second]))
}

fn is_no_acceptance(t: &mut Tester<'_>, status: Status) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let since = t.bench.now();
    let invite = stage.pending(t)?;

    t.when(format!("the caller refuses the update with status {}", status.0));
    stage.refuses(t, t.plan.cn, status)?;

    t.then("no response to the INVITE leaves, as if the update had been accepted");
    t.hears_none(&acceptance(t, &invite), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.should("fetch what has expired anew, and update the caller again");
    t.hears(&updates(t.plan.cn), before_budget(t))?;

    t.when("the caller accepts that update");
    stage.accepts(t, t.plan.cn)?;
    t.then("a response to the INVITE leaves");
    stage.responds(t, &invite)?;
    Ok(())
}

fn forged_home_test(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.given("an INVITE comes; the Care-of Test Init is answered, the Home Test Init is not");
    stage.behaves(t.plan.cn, Manners { home_tests: Answers::None, ..Manners::WITHHOLDING });
    let since = t.bench.now();
    let invite = stage.invites(t)?;
    let init = t.hears(&tunnelled_home(t, home_test_init(), t.plan.cn), ANSWER)?;

    t.when("a Home Test comes with another cookie");
    let forged = Correspondent::new(t.plan.cn).forges_home_test(&t.innermost(init));
    let forged = forged.map(|forged| stage.scene().carries(&forged));
    stage.answers(t, forged)?;

    t.then("it is ignored: no Binding Update goes to the caller, and no response leaves");
    t.hears_none(&updates(t.plan.cn), SILENCE)?;
    t.hears_none(&acceptance(t, &invite), Duration::ZERO)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.given("the next Home Test Init is answered, and it updates the caller");
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    t.hears(&updates(t.plan.cn), before_budget(t))?;
    t.in_time("an update", since, before_budget(t))?;
    is_still_pending(t, &stage, &invite)
}

fn forged_error(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.given("an INVITE comes, and the caller does not answer its tests");
    stage.behaves(t.plan.cn, Manners::SILENT);
    let since = t.bench.now();
    let invite = stage.invites(t)?;
    t.hears(&tunnelled_home(t, home_test_init(), t.plan.cn), ANSWER)?;

    t.when("ICMPv6 errors come that quote tests which were never sent");
    let reason = Reason::ParameterProblem(Problem::at(Problem::UNRECOGNIZED_NEXT_HEADER, 6));
    let (caller, care_of) = (t.plan.cn, stage.care_of());
    let never_sent = |source, message: Mobility| {
        let octets = message.to_vec(source, caller);
        Outgoing::new(source, caller, protocol::MOBILITY).to_vec(&octets)
    };
    let home = never_sent(t.plan.hoa, HomeTestInit::new(*b"unasked!").into());
    let error = answer(caller, &home, reason).map(|error| stage.scene().carries(&error));
    stage.answers(t, error)?;
    let away = never_sent(care_of, CareOfTestInit::new(*b"unasked?").into());
    stage.answers(t, answer(caller, &away, reason))?;

    t.then("they are ignored: no response leaves");
    t.hears_none(&acceptance(t, &invite), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.then("it goes on: the next tests are answered, and it updates the caller");
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    t.hears_before(&updates(t.plan.cn), &acceptance(t, &invite), before_budget(t))?;
    t.in_time("an update", since, before_budget(t))?;
    is_still_pending(t, &stage, &invite)
}

fn is_answered_meanwhile(t: &mut Tester<'_>, method: Method) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let since = t.bench.now();
    let invite = stage.pending(t)?;

    t.when(format!("{} comes", method.as_str()));
    let request = stage.request(t, method);
    stage.says(t, &request)?;

    t.then("it is answered while the call waits, which gets no response");
    let answered = tunnelled_home(t, sip_response(&request), t.plan.ss);
    t.hears_before(&answered, &acceptance(t, &invite), ANSWER * 2)?;
    t.hears_none(&acceptance(t, &invite), SILENCE)?;
    t.in_time("an answer", since, before_budget(t))?;

    t.when("the caller accepts the update");
    stage.accepts(t, t.plan.cn)?;
    t.then("a response to the INVITE leaves");
    stage.responds(t, &invite)?;
    Ok(())
}

/// The end of a purpose in which the update has just been sent: still no response, and one once it
/// is acknowledged.
fn is_still_pending(t: &mut Tester<'_>, stage: &Stage, invite: &Message) -> Result<(), Stop> {
    t.then("no response leaves before the caller has acknowledged");
    t.hears_none(&acceptance(t, invite), ANSWER / 4)?;
    t.when("the caller acknowledges the update");
    stage.accepts(t, t.plan.cn)?;
    t.then("a response to the INVITE leaves");
    stage.responds(t, invite)?;
    Ok(())
}
