//! The sequences S1–S9 and their variants: what each wants, plays and exercises.

use super::Sequence;
use super::scripts::{
    call_after_expiry, call_after_loss, call_at_home, cancelled_call, direct_calls, handover,
    handover_while_pending, long_call, lost_notice, one_call, refused_call, registration,
    silent_caller, tunnels_both_ways, two_agents, two_calls,
};
use crate::topology::claimed::Wanted;

/// Every sequence.
pub(super) const ALL: &[Sequence] = &[
    Sequence {
        id: "s1",
        file: "s1-registration",
        title: "The mobile terminal attaches to a visited link and registers with both servers",
        wants: Wanted::default,
        script: registration,
        exercises: &[REGISTERED],
        lab_only: false,
    },
    Sequence {
        id: "s2",
        file: "s2-interception",
        title: "An INVITE for a registered home address is intercepted; the busy terminal refuses it",
        wants: || Wanted { busy: true, ..Wanted::default() },
        script: refused_call,
        exercises: &[REGISTERED, PROXIED, INTERCEPTED, TUNNELLED, &["CL-RO-18"]],
        lab_only: false,
    },
    Sequence {
        id: "s3",
        file: "s3-encapsulation",
        title: "Packets in the tunnel and back: echo, OPTIONS both ways, and a power cycle",
        wants: Wanted::default,
        script: tunnels_both_ways,
        exercises: &[REGISTERED, TUNNELLED, &["CL-REG-10", "CL-INT-04"]],
        lab_only: false,
    },
    Sequence {
        id: "s4",
        file: "s4-optimization",
        title: "The route is optimized before any response; media goes directly; a second call",
        wants: || Wanted { media_apart: true, ..Wanted::default() },
        script: two_calls,
        exercises: &[
            REGISTERED,
            PROXIED,
            INTERCEPTED,
            TUNNELLED,
            OPTIMIZED,
            &["CL-INT-12", "CL-RO-02", "CL-RO-07", "CL-RO-09"],
        ],
        lab_only: false,
    },
    Sequence {
        id: "s4-tcp",
        file: "s4-optimization-tcp",
        title: "The same with SIP over TCP",
        wants: || Wanted { transport: "tcp", ..Wanted::default() },
        script: one_call,
        exercises: &[REGISTERED, PROXIED, INTERCEPTED, OPTIMIZED, &["CL-RO-07", "CL-RO-32"]],
        lab_only: false,
    },
    Sequence {
        id: "s5",
        file: "s5-direct",
        title: "The SIP server learns the care-of address and tunnels to it; the terminal moves on",
        wants: || Wanted { direct: true, ..Wanted::default() },
        script: direct_calls,
        exercises: &[
            REGISTERED,
            PROXIED,
            OPTIMIZED,
            DIRECT,
            &["CL-REG-05", "CL-REG-08", "CL-REG-11", "CL-DST-15"],
        ],
        lab_only: false,
    },
    Sequence {
        id: "s5-tcp",
        file: "s5-direct-tcp",
        title: "The same with SIP over TCP",
        wants: || Wanted { direct: true, transport: "tcp", ..Wanted::default() },
        script: one_call,
        exercises: &[REGISTERED, PROXIED, OPTIMIZED, DIRECT, &["CL-RO-07", "CL-RO-32"]],
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
        exercises: &[REGISTERED, PROXIED, OPTIMIZED, DIRECT, &["CL-DST-03"]],
        lab_only: false,
    },
    Sequence {
        id: "s6",
        file: "s6-fallback",
        title: "The caller knows no Mobile IPv6: the call goes through the tunnel",
        wants: || Wanted { mobile_ipv6: false, ..Wanted::default() },
        script: one_call,
        exercises: &[REGISTERED, PROXIED, INTERCEPTED, TUNNELLED, &["CL-INT-12", "CL-RO-11"]],
        lab_only: false,
    },
    Sequence {
        id: "s7",
        file: "s7-handover",
        title: "The terminal moves in mid call, and then home",
        wants: Wanted::default,
        script: handover,
        exercises: &[
            REGISTERED,
            PROXIED,
            INTERCEPTED,
            TUNNELLED,
            OPTIMIZED,
            &["CL-REG-05", "CL-INT-12", "CL-RO-27", "CL-RO-30"],
        ],
        lab_only: false,
    },
    Sequence {
        id: "s8",
        file: "s8-at-home",
        title: "At home there is nothing to optimize",
        wants: Wanted::default,
        script: call_at_home,
        exercises: &[&[
            "CL-REG-09",
            "CL-INT-01",
            "CL-INT-10",
            "CL-INT-11",
            "CL-INT-13",
            "CL-RO-08",
        ]],
        lab_only: false,
    },
    Sequence {
        id: "s9",
        file: "s9-cancel",
        title: "The caller cancels while the route is being optimized",
        wants: || Wanted { answer_after_ms: None, ..Wanted::default() },
        script: cancelled_call,
        exercises: &[
            REGISTERED,
            PROXIED,
            INTERCEPTED,
            TUNNELLED,
            &["CL-RO-01", "CL-RO-13", "CL-RO-17"],
        ],
        lab_only: false,
    },
    Sequence {
        id: "s4-silent",
        file: "s4-silent",
        title: "The caller never answers return routability: the call is answered at the budget",
        wants: Wanted::default,
        script: silent_caller,
        exercises: &[REGISTERED, &["CL-RO-12"]],
        lab_only: true,
    },
    Sequence {
        id: "s4-pending-handover",
        file: "s4-pending-handover",
        title: "The terminal moves while the route is being optimized",
        wants: Wanted::default,
        script: handover_while_pending,
        exercises: &[&["CL-REG-01", "CL-REG-03", "CL-REG-05", "CL-RO-19", "CL-RO-25"]],
        lab_only: true,
    },
    Sequence {
        id: "s4-expired",
        file: "s4-expired",
        title: "A second call after the binding ran out: the route is optimized anew",
        wants: Wanted::default,
        script: call_after_expiry,
        exercises: &[&["CL-RO-01", "CL-RO-05", "CL-RO-06", "CL-RO-10"]],
        lab_only: true,
    },
    Sequence {
        id: "s4-binding-lost",
        file: "s4-binding-lost",
        title: "A second call after the caller lost its bindings and said so",
        wants: Wanted::default,
        script: call_after_loss,
        exercises: &[&["CL-RO-01", "CL-RO-05", "CL-RO-06", "CL-RO-09"]],
        lab_only: true,
    },
    Sequence {
        id: "s5-cancel",
        file: "s5-cancel",
        title: "The caller cancels while the route is being optimized, in direct mode",
        wants: || Wanted { direct: true, answer_after_ms: None, ..Wanted::default() },
        script: cancelled_call,
        exercises: &[&["CL-REG-07", "CL-RO-13", "CL-RO-17", "CL-DST-01", "CL-DST-02", "CL-DST-18"]],
        lab_only: true,
    },
    Sequence {
        id: "s5-lost-notice",
        file: "s5-lost-notice",
        title: "The first notification is lost: it is sent again",
        wants: || Wanted { direct: true, ..Wanted::default() },
        script: lost_notice,
        exercises: &[&["CL-REG-07", "CL-RO-01", "CL-DST-01", "CL-DST-02"]],
        lab_only: true,
    },
    Sequence {
        id: "s4-long",
        file: "s4-long",
        title: "A call longer than a binding lives",
        wants: Wanted::default,
        script: long_call,
        exercises: &[OPTIMIZED, &["CL-RO-07", "CL-RO-28"]],
        lab_only: true,
    },
];

/// The SIP server learns the care-of address and tunnels to it.
const DIRECT: &[&str] = &[
    "CL-REG-06",
    "CL-REG-07",
    "CL-DST-01",
    "CL-DST-02",
    "CL-DST-05",
    "CL-DST-09",
    "CL-DST-13",
    "CL-DST-18",
];
/// The terminal registers from a visited link with both servers.
const REGISTERED: &[&str] = &["CL-REG-01", "CL-REG-02", "CL-REG-03", "CL-RO-25"];
/// A call goes through the SIP server, its responses too.
const PROXIED: &[&str] = &["CL-INT-09", "CL-INT-10", "CL-INT-11", "CL-INT-13"];
/// An INVITE goes to the home address and is tunnelled.
const INTERCEPTED: &[&str] = &["CL-INT-01", "CL-INT-06"];
/// What the home agent's tunnel does is seen on the home link.
const TUNNELLED: &[&str] = &["CL-INT-02", "CL-INT-03"];
/// The route is optimized before the response, and used by media both ways.
const OPTIMIZED: &[&str] = &["CL-RO-01", "CL-RO-05", "CL-RO-06"];
