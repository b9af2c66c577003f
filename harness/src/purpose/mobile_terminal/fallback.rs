//! Optimization that fails (CL-RO-11, CL-RO-12; decisions D5 and D6): tried again, given up in time,
//! and not forgotten where the caller may be bound all the same.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::{Echo, Message as IcmpMessage, Reason, answer};
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{Lifetime, Message as MobilityMessage, Status};
use roamproof_wire::sip::Message;

use super::super::Purpose;
use super::optimization::to_peer;
use super::setting::{ANSWER, AT_ONCE, ATTACHMENT, budget, terminal_alone, updates};
use super::stage::{Stage, decision, ringing};
use crate::feature::Condition;
use crate::tester::correspondent::Correspondent;
use crate::tester::scene::{Answers, Manners};
use crate::tester::template::{care_of_test_init, echo_reply, home_test_init, message_in};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// A caller without Mobile IPv6 says so about the home test.
pub(in crate::purpose) const HOME_TEST_UNKNOWN: Purpose = Purpose {
    id: "CL-RO-11/home-test",
    version: 1,
    title: "A call is responded to within the budget when the caller does not know Home Test Init",
    verifies: &["CL-RO-11"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(27),
    wants: terminal_alone,
    body: |t| falls_back(t, home_test_init()),
};

/// A caller without Mobile IPv6 says so about the care-of test.
pub(in crate::purpose) const CARE_OF_TEST_UNKNOWN: Purpose = Purpose {
    id: "CL-RO-11/care-of-test",
    version: 1,
    title: "A call is responded to within the budget when the caller does not know Care-of Test Init",
    verifies: &["CL-RO-11"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(27),
    wants: terminal_alone,
    body: |t| falls_back(t, care_of_test_init()),
};

/// A caller that knows mobility messages, but not this one (decision D5).
pub(in crate::purpose) const BINDING_ERROR: Purpose = Purpose {
    id: "CL-RO-11/binding-error",
    version: 1,
    title: "A call is responded to within the budget when the caller answers with a Binding Error",
    verifies: &["CL-RO-11"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(27),
    wants: terminal_alone,
    body: binding_error,
};

/// A caller that could and will not (decision D5).
pub(in crate::purpose) const UPDATE_REFUSED: Purpose = Purpose {
    id: "CL-RO-11/update-refused",
    version: 1,
    title: "A call is responded to within the budget when the caller refuses to bind the terminal",
    verifies: &["CL-RO-11"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(27),
    wants: terminal_alone,
    body: update_refused,
};

/// And at once (decision D5).
pub(in crate::purpose) const FALLBACK_AT_ONCE: Purpose = Purpose {
    id: "CL-RO-11/at-once",
    version: 1,
    title: "A call is responded to at once when the caller says that it knows no Mobile IPv6",
    verifies: &["CL-RO-11"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(45),
    wants: ringing,
    body: fallback_at_once,
};

/// Every Home Test is lost.
pub(in crate::purpose) const HOME_TEST_LOST: Purpose = Purpose {
    id: "CL-RO-12/hot-lost",
    version: 1,
    title: "Home Test Init is sent again with back-off, and the call responded to at the budget",
    verifies: &["CL-RO-12"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(28),
    wants: terminal_alone,
    body: |t| {
        let lost = Manners { home_tests: Answers::None, ..Manners::CAPABLE };
        gives_up_at_budget(t, "Home Test", lost, home_test_init()).map(drop)
    },
};

/// Every Care-of Test is lost.
pub(in crate::purpose) const CARE_OF_TEST_LOST: Purpose = Purpose {
    id: "CL-RO-12/cot-lost",
    version: 1,
    title: "Care-of Test Init is sent again with back-off, and the call responded to at the budget",
    verifies: &["CL-RO-12"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(28),
    wants: terminal_alone,
    body: |t| {
        let lost = Manners { care_of_tests: Answers::None, ..Manners::CAPABLE };
        gives_up_at_budget(t, "Care-of Test", lost, care_of_test_init()).map(drop)
    },
};

/// Every acknowledgement is lost.
pub(in crate::purpose) const ACKNOWLEDGEMENT_LOST: Purpose = Purpose {
    id: "CL-RO-12/ba-lost",
    version: 1,
    title: "A Binding Update is sent again with back-off, and the call responded to at the budget",
    verifies: &["CL-RO-12"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(29),
    wants: terminal_alone,
    body: acknowledgement_lost,
};

/// A binding that was never acknowledged is not forgotten.
pub(in crate::purpose) const UNACKNOWLEDGED_BINDING_MOVES: Purpose = Purpose {
    id: "CL-RO-12/ba-lost-handover",
    version: 1,
    title: "After a handover a binding that was never acknowledged is updated or deleted",
    verifies: &["CL-RO-12"],
    role: Role::MobileTerminal,
    applies: &[FALLS_BACK_TO_TUNNEL],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(55),
    wants: terminal_alone,
    body: unacknowledged_binding_moves,
};

/// A device that refuses such a call has nobody whom it could update (decision D5).
const FALLS_BACK_TO_TUNNEL: Condition = Condition { feature: "on_ro_failure", is: &["tunnel"] };
/// How far from the budget the fallback may be, of ten (CL-RO-12).
const TOLERANCE_TENTHS: u32 = 1;
/// A gap between two tries is at least so many tenths of the one before: RFC 6275 §11.8 doubles it,
/// and a device may be a little late with one and not with the next.
const BACK_OFF_TENTHS: u32 = 12;

/// The caller answers this message with Parameter Problem code 1, and the other test not at all.
fn falls_back(t: &mut Tester<'_>, unknown: Template) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn, Manners::SILENT);
    t.given("a call comes, and the terminal tests the route to the caller");
    let begin = t.bench.capture().frames.len();
    let invite = stage.invites(t)?;
    let init = t.hears(&to_peer(unknown, t.plan.cn), ANSWER)?;

    t.when("the caller says that it does not know the message");
    let error = does_not_know(t, &stage, init);
    stage.answers(t, error)?;
    responds_by_budget(t, begin, &invite)
}

fn binding_error(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn, Manners::SILENT);
    t.given("a call comes, and the terminal tests the route to the caller");
    let begin = t.bench.capture().frames.len();
    let invite = stage.invites(t)?;
    let init = t.hears(&to_peer(care_of_test_init(), t.plan.cn), ANSWER)?;

    t.when("the caller says by a Binding Error that it does not know the message");
    let error = Correspondent::new(t.plan.cn).does_not_know(&t.packet(init));
    stage.sends(t, &error)?;
    responds_by_budget(t, begin, &invite)
}

fn update_refused(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let begin = t.bench.capture().frames.len();
    let invite = stage.pending(t)?;

    t.when("the caller refuses the update, administratively prohibited");
    stage.refuses(t, t.plan.cn, Status::ADMINISTRATIVELY_PROHIBITED)?;
    responds_by_budget(t, begin, &invite)
}

fn responds_by_budget(t: &mut Tester<'_>, begin: usize, invite: &Message) -> Result<(), Stop> {
    t.then("a response leaves by the budget");
    let latest = window(t).1;
    let response = t.hears(&decision(invite), latest)?;
    t.is_within("a response", begin, response, latest)
}

fn fallback_at_once(t: &mut Tester<'_>) -> Result<(), Stop> {
    let (stage, own) = Stage::measured(t)?;
    stage.behaves(t.plan.cn, Manners::SILENT);
    t.given("a call comes, and the terminal tests the route to the caller");
    let invite = stage.invites(t)?;
    let init = t.hears(&to_peer(home_test_init(), t.plan.cn), ANSWER)?;

    t.when("the caller says that it does not know the message");
    let error = does_not_know(t, &stage, init);
    let told = stage.answers(t, error)?;

    t.should("respond at once: 200 ms after its own answer time at most");
    let response = stage.responds(t, &invite)?;
    t.is_within("a response", told, response, own + AT_ONCE)
}

/// One kind of answer never comes; returns the INVITE.
fn gives_up_at_budget(
    t: &mut Tester<'_>,
    what: &str,
    manners: Manners,
    asked: Template,
) -> Result<(Stage, Message), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn, manners);
    t.when(format!("a call comes, and every {what} of the caller is lost"));
    let begin = t.bench.capture().frames.len();
    let since = t.bench.now();
    let invite = stage.invites(t)?;

    t.then("no response leaves before the budget, a tenth less");
    let (earliest, latest) = window(t);
    t.hears_none(&decision(&invite), earliest)?;

    t.then("a response leaves by the budget, a tenth more");
    let left = (since + latest + ANSWER).saturating_sub(t.bench.now());
    let response = t.hears(&decision(&invite), left)?;
    t.is_within("a response", begin, response, latest)?;

    t.then("meanwhile the caller was asked more than once, with back-off");
    asks_with_back_off(t, begin, &to_peer(asked, t.plan.cn))?;
    Ok((stage, invite))
}

fn acknowledgement_lost(t: &mut Tester<'_>) -> Result<(), Stop> {
    let lost = updates(t.plan.cn);
    let (stage, _) = gives_up_at_budget(t, "Binding Acknowledgement", Manners::WITHHOLDING, lost)?;

    t.when("the caller, which is bound, sends straight to the care-of address");
    let echo = echo_request(t.plan.cn, stage.care_of(), t.plan.hoa);
    stage.sends(t, &echo)?;
    t.then("the terminal takes it: an echo is answered");
    t.hears(&echo_reply().by_any_way(), ANSWER)?;
    Ok(())
}

fn unacknowledged_binding_moves(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut stage = Stage::away(t)?;
    t.given(
        "a call comes, every Binding Acknowledgement of the caller is lost, and it is answered",
    );
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    let invite = stage.invites(t)?;
    t.hears(&updates(t.plan.cn), ANSWER)?;
    t.hears(&decision(&invite), window(t).1 + ANSWER)?;
    let answer = stage.is_answered(t, &invite)?;
    stage.confirms(t, &invite, &answer)?;

    t.when("the terminal attaches to another visited link");
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    stage.moves_on(t)?;

    t.then("it updates the binding at the caller, or deletes it");
    let prefix = t.plan.prefix("visited-2");
    let moved = updates(t.plan.cn)
        .that("with the new care-of address, or lifetime 0", move |packet| moves(packet, prefix));
    t.hears(&moved, ATTACHMENT + ANSWER * 8)?;
    Ok(())
}

/// From when to when the fallback may come, counted from the INVITE.
fn window(t: &Tester<'_>) -> (Duration, Duration) {
    let budget = budget(t);
    (budget * (10 - TOLERANCE_TENTHS) / 10, budget * (10 + TOLERANCE_TENTHS) / 10)
}

/// At least two tries, each gap longer than the one before.
fn asks_with_back_off(t: &Tester<'_>, begin: usize, asked: &Template) -> Result<(), Stop> {
    let tries = t.captured_since(begin, asked);
    let at: Vec<Duration> = tries.iter().map(|frame| t.captured_at(*frame)).collect();
    let gaps: Vec<Duration> = at.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let grows = gaps.windows(2).all(|pair| pair[1] >= pair[0] * BACK_OFF_TENTHS / 10);
    if !gaps.is_empty() && grows {
        return Ok(());
    }
    let seen = format!("{} tries, {gaps:?} apart", tries.len());
    Err(t.stop(format!("{asked} more than once, with back-off"), seen, tries))
}

/// What a caller without Mobile IPv6 answers: Parameter Problem code 1 (RFC 8200 §4).
fn does_not_know(t: &Tester<'_>, stage: &Stage, init: usize) -> Option<Vec<u8>> {
    let inner = t.innermost(init);
    let problem = inner.unrecognized().problem?;
    let error = answer(t.plan.cn, inner.octets, Reason::ParameterProblem(problem))?;
    let home = inner.header.source == t.plan.hoa;
    Some(if home { stage.scene().carries(&error) } else { error })
}

fn echo_request(from: Ipv6Addr, care_of: Ipv6Addr, home: Ipv6Addr) -> Vec<u8> {
    let data = b"is this taken from the direct route?";
    let echo = Echo { reply: false, identifier: 0x7e57, sequence: 0x0102, data };
    let plain = Outgoing::new(from, care_of, protocol::ICMPV6);
    IcmpMessage::Echo(echo).packet(&Outgoing { type_2_routing: Some(home), ..plain })
}

/// Whether an update moves a binding to this prefix or takes it back.
fn moves(packet: &Packet<'_>, prefix: Ipv6Addr) -> bool {
    let Some(MobilityMessage::BindingUpdate(update)) = message_in(packet) else { return false };
    let care_of = update.alternate_care_of().unwrap_or(packet.header.source);
    update.lifetime == Lifetime::ZERO || care_of.segments()[..4] == prefix.segments()[..4]
}
