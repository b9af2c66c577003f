//! The sequences S1–S9 of ARCHITECTURE.md and their variants.

use std::time::Duration;

use super::Sequence;
use super::script::{Play, PlayError};
use crate::evidence::{Kind, Sight};
use crate::topology::claimed::{CN, HOA, Wanted};

/// Every sequence.
pub(super) const ALL: &[Sequence] = &[
    Sequence {
        id: "s1",
        file: "s1-registration",
        title: "The mobile terminal attaches to a visited link and registers with both servers",
        wants: Wanted::default,
        script: registration,
        exercises: &["CL-REG-01", "CL-REG-02", "CL-REG-03", "CL-RO-25"],
        lab_only: false,
    },
    Sequence {
        id: "s2",
        file: "s2-interception",
        title: "An INVITE for a registered home address is intercepted; the busy terminal refuses it",
        wants: || Wanted { busy: true, ..Wanted::default() },
        script: refused_call,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-INT-01",
            "CL-INT-02",
            "CL-INT-03",
            "CL-INT-06",
            "CL-INT-09",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-13",
            "CL-RO-18",
            "CL-RO-25",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s3",
        file: "s3-encapsulation",
        title: "Packets in the tunnel and back: echo, OPTIONS both ways, and a power cycle",
        wants: Wanted::default,
        script: tunnels_both_ways,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-REG-10",
            "CL-INT-02",
            "CL-INT-03",
            "CL-INT-04",
            "CL-RO-25",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s4",
        file: "s4-optimization",
        title: "The route is optimized before any response; media goes directly; a second call",
        wants: || Wanted { media_apart: true, ..Wanted::default() },
        script: two_calls,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-INT-01",
            "CL-INT-02",
            "CL-INT-03",
            "CL-INT-06",
            "CL-INT-09",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-12",
            "CL-INT-13",
            "CL-RO-01",
            "CL-RO-02",
            "CL-RO-05",
            "CL-RO-06",
            "CL-RO-07",
            "CL-RO-09",
            "CL-RO-25",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s4-tcp",
        file: "s4-optimization-tcp",
        title: "The same with SIP over TCP",
        wants: || Wanted { transport: "tcp", ..Wanted::default() },
        script: one_call,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-INT-01",
            "CL-INT-06",
            "CL-INT-09",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-13",
            "CL-RO-01",
            "CL-RO-05",
            "CL-RO-06",
            "CL-RO-07",
            "CL-RO-25",
            "CL-RO-32",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s5",
        file: "s5-direct",
        title: "The SIP server learns the care-of address and tunnels to it; the terminal moves on",
        wants: || Wanted { direct: true, ..Wanted::default() },
        script: direct_calls,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-REG-05",
            "CL-REG-06",
            "CL-REG-07",
            "CL-REG-08",
            "CL-REG-11",
            "CL-INT-09",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-13",
            "CL-RO-01",
            "CL-RO-05",
            "CL-RO-06",
            "CL-RO-25",
            "CL-DST-01",
            "CL-DST-02",
            "CL-DST-05",
            "CL-DST-09",
            "CL-DST-13",
            "CL-DST-15",
            "CL-DST-18",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s5-tcp",
        file: "s5-direct-tcp",
        title: "The same with SIP over TCP",
        wants: || Wanted { direct: true, transport: "tcp", ..Wanted::default() },
        script: one_call,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-REG-06",
            "CL-REG-07",
            "CL-INT-09",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-13",
            "CL-RO-01",
            "CL-RO-05",
            "CL-RO-06",
            "CL-RO-07",
            "CL-RO-25",
            "CL-RO-32",
            "CL-DST-01",
            "CL-DST-02",
            "CL-DST-05",
            "CL-DST-09",
            "CL-DST-13",
            "CL-DST-18",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s5-two-agents",
        file: "s5-direct-two-agents",
        title: "Two home agents serve two terminals; each query goes to the right one",
        wants: || Wanted {
            nodes: vec!["core", "ar1", "ar2", "ha", "ha2", "ss", "cn", "mt", "mt2"],
            direct: true,
            ..Wanted::default()
        },
        script: two_agents,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-REG-06",
            "CL-REG-07",
            "CL-INT-09",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-13",
            "CL-RO-01",
            "CL-RO-05",
            "CL-RO-06",
            "CL-RO-25",
            "CL-DST-01",
            "CL-DST-02",
            "CL-DST-03",
            "CL-DST-05",
            "CL-DST-09",
            "CL-DST-13",
            "CL-DST-18",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s6",
        file: "s6-fallback",
        title: "The caller knows no Mobile IPv6: the call goes through the tunnel",
        wants: || Wanted { mobile_ipv6: false, ..Wanted::default() },
        script: one_call,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-INT-01",
            "CL-INT-02",
            "CL-INT-03",
            "CL-INT-06",
            "CL-INT-09",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-12",
            "CL-INT-13",
            "CL-RO-11",
            "CL-RO-25",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s7",
        file: "s7-handover",
        title: "The terminal moves in mid call, and then home",
        wants: Wanted::default,
        script: handover,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-REG-05",
            "CL-INT-01",
            "CL-INT-02",
            "CL-INT-03",
            "CL-INT-06",
            "CL-INT-09",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-12",
            "CL-INT-13",
            "CL-RO-01",
            "CL-RO-05",
            "CL-RO-06",
            "CL-RO-25",
            "CL-RO-27",
            "CL-RO-30",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s8",
        file: "s8-at-home",
        title: "At home there is nothing to optimize",
        wants: Wanted::default,
        script: call_at_home,
        exercises: &["CL-REG-09", "CL-INT-01", "CL-INT-10", "CL-INT-11", "CL-INT-13", "CL-RO-08"],
        lab_only: false,
    },
    Sequence {
        id: "s9",
        file: "s9-cancel",
        title: "The caller cancels while the route is being optimized",
        wants: || Wanted { answer_after_ms: None, ..Wanted::default() },
        script: cancelled_call,
        exercises: &[
            "CL-REG-01",
            "CL-REG-02",
            "CL-REG-03",
            "CL-INT-01",
            "CL-INT-02",
            "CL-INT-03",
            "CL-INT-06",
            "CL-INT-09",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-13",
            "CL-RO-01",
            "CL-RO-13",
            "CL-RO-17",
            "CL-RO-25",
        ],
        lab_only: false,
    },
    Sequence {
        id: "s4-silent",
        file: "s4-silent",
        title: "The caller never answers return routability: the call is answered at the budget",
        wants: Wanted::default,
        script: silent_caller,
        exercises: &["CL-REG-01", "CL-REG-02", "CL-REG-03", "CL-RO-12", "CL-RO-25"],
        lab_only: true,
    },
    Sequence {
        id: "s4-pending-handover",
        file: "s4-pending-handover",
        title: "The terminal moves while the route is being optimized",
        wants: Wanted::default,
        script: handover_while_pending,
        exercises: &["CL-REG-01", "CL-REG-03", "CL-REG-05", "CL-RO-19", "CL-RO-25"],
        lab_only: true,
    },
    Sequence {
        id: "s4-expired",
        file: "s4-expired",
        title: "A second call after the binding ran out: the route is optimized anew",
        wants: Wanted::default,
        script: call_after_expiry,
        exercises: &["CL-RO-01", "CL-RO-05", "CL-RO-06", "CL-RO-10"],
        lab_only: true,
    },
    Sequence {
        id: "s4-binding-lost",
        file: "s4-binding-lost",
        title: "A second call after the caller lost its bindings and said so",
        wants: Wanted::default,
        script: call_after_loss,
        exercises: &["CL-RO-01", "CL-RO-05", "CL-RO-06", "CL-RO-09"],
        lab_only: true,
    },
    Sequence {
        id: "s5-cancel",
        file: "s5-cancel",
        title: "The caller cancels while the route is being optimized, in direct mode",
        wants: || Wanted { direct: true, answer_after_ms: None, ..Wanted::default() },
        script: cancelled_call,
        exercises: &["CL-REG-07", "CL-RO-13", "CL-RO-17", "CL-DST-01", "CL-DST-02", "CL-DST-18"],
        lab_only: true,
    },
    Sequence {
        id: "s5-lost-notice",
        file: "s5-lost-notice",
        title: "The first notification is lost: it is sent again",
        wants: || Wanted { direct: true, ..Wanted::default() },
        script: lost_notice,
        exercises: &["CL-REG-07", "CL-RO-01", "CL-DST-01", "CL-DST-02"],
        lab_only: true,
    },
    Sequence {
        id: "s4-long",
        file: "s4-long",
        title: "A call longer than a binding lives",
        wants: Wanted::default,
        script: long_call,
        exercises: &["CL-RO-01", "CL-RO-05", "CL-RO-06", "CL-RO-07", "CL-RO-28"],
        lab_only: true,
    },
];

/// After the last message a sequence goes on this long, so that what should not come would be seen.
const TAIL: Duration = Duration::from_millis(700);
/// How long the parties talk.
const TALK: Duration = Duration::from_millis(600);
/// With it an Echo Request is as large as the link takes, and larger than the tunnel.
const ECHO_OF_A_WHOLE_LINK: u16 = 1452;
/// A binding made by return routability lives 420 s (RFC 6275 §12).
const LONGER_THAN_A_BINDING: Duration = Duration::from_secs(430);
/// What remains of a lifetime is told in units of four seconds: later the whole tells apart.
const REMAINS: Duration = Duration::from_secs(2);
const CALL_MT: &str = "call sip:mt@example.com";

fn registration(play: &mut Play<'_>) -> Result<(), PlayError> {
    play.plug("mt", "visited-1")?;
    play.wait("a Binding Acknowledgement", "visited-1", |sight| says(sight, "BA"))?;
    play.tell("cn", &format!("echo {HOA}"))?;
    play.wait("an Echo Reply", "correspondent", |sight| says(sight, "Echo Reply"))?;
    play.pass(TAIL)
}

fn refused_call(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.tell("cn", CALL_MT)?;
    play.wait_for_sip("486 at the caller", "correspondent", "486")?;
    play.pass(TAIL)
}

fn tunnels_both_ways(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.tell("cn", &format!("echo {HOA}"))?;
    play.wait("an Echo Reply", "correspondent", |sight| says(sight, "Echo Reply"))?;
    play.tell("cn", &format!("echo {HOA} {ECHO_OF_A_WHOLE_LINK}"))?;
    play.wait("Packet Too Big", "correspondent", |sight| says(sight, "Packet Too Big"))?;
    play.tell("cn", "options sip:mt@example.com")?;
    play.wait_for_sip("200 at the caller", "correspondent", "200")?;
    play.tell("mt", "options sip:cn@example.com")?;
    play.wait_for_sip("200 at the terminal", "visited-1", "200")?;
    play.tell("mt", "restart")?;
    play.wait("a Binding Acknowledgement", "visited-1", |sight| says(sight, "BA"))?;
    play.wait_for_sip("REGISTER", "visited-1", "REGISTER")?;
    play.wait_for_sip("200 to the REGISTER", "visited-1", "200")?;
    play.pass(TAIL)
}

fn one_call(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)
}

fn two_calls(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)
}

fn direct_calls(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.pass(REMAINS)?;
    call(play, "visited-1", CALL_MT)?;
    play.plug("mt", "visited-2")?;
    play.wait("a Binding Acknowledgement", "visited-2", |sight| says(sight, "BA"))?;
    play.pass(TAIL)?;
    call(play, "visited-2", CALL_MT)?;
    play.plug("mt", "home")?;
    play.wait("a Binding Acknowledgement", "home", |sight| says(sight, "BA"))?;
    play.pass(TAIL)
}

fn two_agents(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.plug("mt2", "visited-2")?;
    play.wait_for_sip("REGISTER", "visited-2", "REGISTER")?;
    play.wait_for_sip("200 to the REGISTER", "visited-2", "200")?;
    call(play, "visited-1", CALL_MT)?;
    call(play, "visited-2", "call sip:mt2@example.com")?;
    play.pass(TAIL)
}

fn handover(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    answered(play, "visited-1", CALL_MT)?;
    play.plug("mt", "visited-2")?;
    play.wait("a Binding Acknowledgement", "visited-2", |sight| says(sight, "BA"))?;
    play.wait("one of the correspondent", "visited-2", |sight| says(sight, "BA"))?;
    play.wait("media on the new link", "visited-2", |sight| {
        sight.kind == Kind::Media && sight.home_destination.is_some()
    })?;
    play.pass(TALK)?;
    play.plug("mt", "home")?;
    play.wait("native media at home", "home", |sight| {
        sight.kind == Kind::Media && sight.tunnels().is_empty() && sight.home_source.is_none()
    })?;
    play.pass(TALK)?;
    hang_up(play)?;
    play.pass(TAIL)
}

fn call_at_home(play: &mut Play<'_>) -> Result<(), PlayError> {
    play.plug("mt", "home")?;
    play.wait_for_sip("REGISTER", "home", "REGISTER")?;
    play.wait_for_sip("200 to the REGISTER", "home", "200")?;
    call(play, "home", CALL_MT)?;
    play.pass(TAIL)
}

fn cancelled_call(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.lose(|sight| says(sight, "HoT "));
    play.tell("cn", CALL_MT)?;
    play.wait("HoTI", "visited-1", |sight| says(sight, "HoTI"))?;
    play.pass(TAIL)?;
    play.tell("cn", "hangup")?;
    play.wait_for_sip("the server's 200 to the CANCEL", "correspondent", "200")?;
    play.calm();
    play.wait_for_sip("487 at the caller", "correspondent", "487")?;
    play.pass(TAIL)
}

fn silent_caller(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.lose(|sight| says(sight, "HoT ") || says(sight, "CoT "));
    play.tell("cn", CALL_MT)?;
    play.wait_for_sip("200 at the caller", "correspondent", "200")?;
    play.pass(TALK)?;
    hang_up(play)?;
    play.pass(TAIL)
}

fn handover_while_pending(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.lose(|sight| says(sight, "HoT "));
    play.tell("cn", CALL_MT)?;
    play.wait("HoTI", "visited-1", |sight| says(sight, "HoTI"))?;
    play.plug("mt", "visited-2")?;
    play.wait("a Binding Acknowledgement", "visited-2", |sight| says(sight, "BA"))?;
    play.calm();
    play.wait_for_sip("200 at the caller", "correspondent", "200")?;
    play.pass(TALK)?;
    hang_up(play)?;
    play.pass(TAIL)
}

fn call_after_expiry(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(LONGER_THAN_A_BINDING)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)
}

fn call_after_loss(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    call(play, "visited-1", CALL_MT)?;
    play.tell("cn", "restart")?;
    play.wait_for_sip("200 to the caller's REGISTER", "correspondent", "200")?;
    play.tell("mt", &format!("echo {CN}"))?;
    play.wait("a Binding Error", "visited-1", |sight| says(sight, "BE"))?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)
}

fn lost_notice(play: &mut Play<'_>) -> Result<(), PlayError> {
    let mut lost = false;
    play.lose(move |sight| {
        let first = !lost && says(sight, "Home Agent Notification status");
        lost |= first;
        first
    });
    attach(play)?;
    play.pass(Duration::from_secs(3))?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)
}

fn long_call(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    answered(play, "visited-1", CALL_MT)?;
    play.pass(LONGER_THAN_A_BINDING)?;
    hang_up(play)?;
    play.pass(TAIL)
}

/// The mobile terminal attaches to the first visited link and becomes reachable.
fn attach(play: &mut Play<'_>) -> Result<(), PlayError> {
    play.plug("mt", "visited-1")?;
    play.wait("a Binding Acknowledgement", "visited-1", |sight| says(sight, "BA"))?;
    play.wait_for_sip("REGISTER", "visited-1", "REGISTER")?;
    play.wait_for_sip("200 to the REGISTER", "visited-1", "200")?;
    Ok(())
}

/// A call from the correspondent to whom `command` calls, on `link`; they talk and hang up.
fn call(play: &mut Play<'_>, link: &str, command: &str) -> Result<(), PlayError> {
    answered(play, link, command)?;
    hang_up(play)
}

fn answered(play: &mut Play<'_>, link: &str, command: &str) -> Result<(), PlayError> {
    play.tell("cn", command)?;
    play.wait_for_sip("INVITE at the terminal", link, "INVITE")?;
    play.wait_for_sip("200 at the caller", "correspondent", "200")?;
    play.pass(TALK)
}

fn hang_up(play: &mut Play<'_>) -> Result<(), PlayError> {
    play.tell("cn", "hangup")?;
    play.wait_for_sip("BYE", "correspondent", "BYE")?;
    play.wait_for_sip("200 to the BYE", "correspondent", "200")?;
    Ok(())
}

fn says(sight: &Sight, start: &str) -> bool {
    sight.line.starts_with(start)
}
