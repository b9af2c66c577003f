//! Routes in the middle of a call: media follows the terminal, and the binding outlives itself.

use std::time::Duration;

use roamproof_wire::ipv6::{Outgoing, protocol};
use roamproof_wire::mobility::Lifetime;
use roamproof_wire::rtp::RtpHeader;
use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, Message};
use roamproof_wire::udp;

use super::super::Purpose;
use super::setting::{ANSWER, CALLER_MEDIA, binds, terminal_alone, updates};
use super::stage::{HANDOVER, Stage, updates_from};
use crate::tester::scene::Manners;
use crate::tester::template::media;
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// Media follows.
pub(in crate::purpose) const HANDOVER_IN_CALL: Purpose = Purpose {
    id: "CL-RO-27",
    version: 1,
    title: "After a handover in mid call the caller is updated and media takes the direct path again",
    verifies: &["CL-RO-27"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(24),
    wants: terminal_alone,
    body: handover_in_call,
};

/// A binding that is granted for less than was asked.
pub(in crate::purpose) const SHORT_BINDING: Purpose = Purpose {
    id: "CL-RO-28/short-binding",
    version: 1,
    title: "A binding granted for 24 s is refreshed in time: no media goes through the home agent",
    verifies: &["CL-RO-28"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(50),
    wants: terminal_alone,
    body: |t| outlives(t, Lifetime(6)),
};

/// A call longer than a binding can live.
pub(in crate::purpose) const LONG_CALL: Purpose = Purpose {
    id: "CL-RO-28",
    version: 1,
    title: "A binding is refreshed within its 420 s: no media goes through the home agent",
    verifies: &["CL-RO-28"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(450),
    wants: terminal_alone,
    body: |t| outlives(t, Lifetime::MAX_RR_BINDING),
};

/// Back to native media.
pub(in crate::purpose) const RETURN_IN_CALL: Purpose = Purpose {
    id: "CL-RO-30/in-call",
    version: 1,
    title: "A terminal that returns home in a call deletes the caller's binding; media is native",
    verifies: &["CL-RO-30"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach, Trigger::Move],
    waits_max: Duration::from_secs(22),
    wants: terminal_alone,
    body: return_in_call,
};

/// Media packets in a row that show a path.
const PACKETS: usize = 10;
/// How often the caller sends media: a telephone may hang up where it hears nothing.
const PAUSE: Duration = Duration::from_secs(4);

fn handover_in_call(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut stage = in_call(t)?;
    t.when("it moves to another link");
    stage.scene().acknowledges_home = false;
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);
    let moved = t.bench.capture().frames.len();
    stage.moves_on(t)?;

    t.then("it updates its home agent, by which no media goes before that has acknowledged");
    t.hears(&updates_from(t, t.plan.ha, "visited-2"), HANDOVER)?;
    t.lets_pass(ANSWER / 2)?;
    t.captured_none_since(moved, &media_by_home_agent(t))?;

    t.when("the home agent acknowledges");
    stage.home_agent_acknowledges(t)?;
    t.then("it updates the caller with the new care-of address");
    t.hears(&updates_from(t, t.plan.cn, "visited-2"), ANSWER * 2)?;

    t.when("the caller acknowledges");
    stage.accepts(t, t.plan.cn)?;
    t.then("media is back on the direct path, from the new care-of address");
    let direct = to_caller(t).that("sent directly", |packet| packet.home_address.is_some());
    let first = t.hears(&direct.from(stage.care_of()).home_address(t.plan.hoa), ANSWER * 2)?;
    t.lets_pass(ANSWER / 2)?;
    // What was on its way by the home agent when the acknowledgement came was heard before.
    t.captured_none_since(first, &media_by_home_agent(t))?;
    let directly = t.captured_since(first, &media_directly(t, &stage));
    if directly.len() < PACKETS {
        let seen = directly.len().to_string();
        return Err(t.stop(format!("at least {PACKETS} media packets"), seen, directly));
    }
    Ok(())
}

fn return_in_call(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut stage = in_call(t)?;
    t.when("it returns home");
    stage.comes_home(t)?;

    t.then("it de-registers with its home agent, and deletes the caller's binding");
    let deletes = |to| updates(to).with("lifetime 0", |packet| !binds(packet));
    t.hears(&deletes(t.plan.ha), HANDOVER)?;
    t.hears(&deletes(t.plan.cn), ANSWER * 3)?;

    t.then("media is native");
    let native = to_caller(t).that("without an option or tunnel", |packet| {
        packet.protocol == protocol::UDP && packet.home_address.is_none()
    });
    t.hears(&native.from(t.plan.hoa).to(t.plan.cn), ANSWER * 3)?;
    Ok(())
}

fn outlives(t: &mut Tester<'_>, lifetime: Lifetime) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn, Manners { lifetime, ..Manners::CAPABLE });
    let (_, answer) = stage.talks(t)?;
    t.hears(&media_directly(t, &stage), ANSWER * 3)?;
    let granted = t.bench.now();

    t.when(format!("the parties talk for longer than {:?}", lifetime.duration()));
    let begun = t.bench.capture().frames.len();
    let mut refreshed = false;
    let until = granted + lifetime.duration() + PAUSE;
    let mut sequence = 0;
    while t.bench.now() < until {
        let left = until.saturating_sub(t.bench.now()).min(PAUSE);
        sequence += 1;
        caller_talks(t, &stage, &answer, sequence)?;
        t.lets_pass(left)?;
        let newest = stage.scene().newest_update(t.plan.cn);
        refreshed |= t.bench.now() < until - PAUSE && newest.is_some_and(|frame| frame >= begun);
    }

    t.then("the binding was refreshed before its end");
    if !refreshed {
        let expected = format!("a Binding Update within {:?}", lifetime.duration());
        return Err(t.stop(expected, "none".to_owned(), vec![]));
    }
    t.then("no media went through the home agent");
    t.captured_none_since(begun, &media_by_home_agent(t))?;

    t.when("the parties talk on");
    t.then("media still goes directly");
    t.hears_every(&media_directly(t, &stage), PACKETS, ANSWER)?;
    Ok(())
}

/// A call whose media goes directly both ways: all of it `given`.
fn in_call(t: &mut Tester<'_>) -> Result<Stage, Stop> {
    let stage = Stage::away(t)?;
    stage.talks(t)?;
    t.given("its media goes to the caller directly");
    t.hears_every(&media_directly(t, &stage), PACKETS, ANSWER * 3)?;
    Ok(stage)
}

fn to_caller(t: &Tester<'_>) -> Template {
    let caller = t.plan.cn;
    media(CALLER_MEDIA)
        .that("to the caller", move |packet| packet.destination() == caller)
        .by_any_way()
}

fn media_by_home_agent(t: &Tester<'_>) -> Template {
    to_caller(t).that("in a tunnel", |packet| packet.protocol == protocol::IPV6)
}

fn media_directly(t: &Tester<'_>, stage: &Stage) -> Template {
    to_caller(t).from(stage.care_of()).to(t.plan.cn).home_address(t.plan.hoa)
}

/// A media packet of the caller's, by the binding that it has.
fn caller_talks(
    t: &mut Tester<'_>,
    stage: &Stage,
    answer: &Message,
    sequence: u16,
) -> Result<(), Stop> {
    let description = SessionDescription::parse(answer.body()).ok();
    let stream = description.and_then(|description| description.streams().into_iter().next());
    let Some(stream) = stream else {
        return Err(t.stop("a stream in the answer".to_owned(), "none".to_owned(), vec![]));
    };
    let header = RtpHeader {
        marker: false,
        payload_type: 0,
        sequence,
        timestamp: u32::from(sequence) * 8000,
        ssrc: 0x7e57_7e57,
    };
    let plain = Outgoing::new(t.plan.cn, stage.care_of(), protocol::UDP);
    let outgoing = Outgoing { type_2_routing: Some(t.plan.hoa), ..plain };
    let packet = udp::packet(&outgoing, CALLER_MEDIA, stream.port, &header.packet(&[0xff; 160]));
    stage.sends(t, &packet)?;
    Ok(())
}
