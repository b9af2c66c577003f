//! After all faults the network comes to rest, and a new call is set up as claimed.
//!
//! What it may take: a terminal without a link is plugged in; parties that wait for their users hang up;
//! a terminal whose home agent or SIP server was switched off is switched off and on too, for it cannot
//! know that they have forgotten it before its own registrations run out; one that could not hear who else
//! has its home address, for it does not ask a second time; and one near an attacker, who
//! can take an interface its address by a forged duplicate (RFC 4862 §5.4.5). A neighbour cache that an
//! attacker or a late frame has made wrong is found out when it is used, not before (RFC 4861 §7.3): the
//! caller asks something first. And a binding that one side has let go of is found out by the first media.

use std::time::Duration;

use super::world::{World, link_called};
use crate::trace;

/// Lets all faults end, and judges.
///
/// # Panics
///
/// Where something is left of the faults.
pub(super) fn check(world: &mut World) {
    trace::step(world.now(), || "all faults end, both hang up".to_owned());
    world.calm();
    if world.place().is_none() {
        world.go(link_called("visited-1"));
    }
    hang_up(world);
    let (attacked, misled) = {
        let watch = &world.air.borrow().watch;
        (watch.is_attacked(), watch.misled)
    };
    if world.forgotten || attacked || misled {
        let terminal = world.node("mt");
        world.power_cycle(terminal);
    }
    comes_to_rest(world);
    let patience = world.after(REGISTRATION);
    let registered = world.until(patience, |world| world.terminal.registered);
    assert!(registered, "the terminal does not register");
    if attacked || misled {
        world.tell("cn", "options sip:mt@example.com");
        world.pass(TRANSACTION);
    }
    calls(world);
}

/// Both hang up every call, and what is under way arrives; one that is cancelled and unanswered stands
/// before others for a while.
fn hang_up(world: &mut World) {
    for _ in 0..CALLS_MAX {
        world.tell("mt", "hangup");
        world.tell("cn", "hangup");
        world.pass(HANGS_UP);
    }
    world.pass(UNDER_WAY);
    for _ in 0..CALLS_MAX {
        if is_silent(world) {
            break;
        }
        world.tell("mt", "hangup");
        world.tell("cn", "hangup");
        let patience = world.after(CANCELLED);
        world.until(patience, is_silent);
    }
}

/// No call is left, and only what repeats by itself is sent: advertisements, refreshes.
fn comes_to_rest(world: &mut World) {
    let patience = world.after(RINGING + SILENCE);
    let ended = world.until(patience, is_silent);
    assert!(ended, "a call does not end: {:?}, {:?}", world.terminal, world.correspondent);
    world.pass(TRANSACTION);
    let (signalling, media) = counts(world);
    world.pass(QUIET);
    let (signalling_then, media_then) = counts(world);
    let packets = media_then - media;
    assert!(packets == 0, "{packets} packets of media without a call");
    let frames = signalling_then - signalling;
    assert!(frames <= QUIET_FRAMES_MAX, "{frames} frames in {QUIET:?} of rest");
}

/// The correspondent calls the terminal: it is answered, by the optimized route, and media goes there.
fn calls(world: &mut World) {
    trace::step(world.now(), || "one more call".to_owned());
    let by_care_of = world.place() != Some("home") && !world.variant.is_plain();
    let answered = world.correspondent.answered;
    world.tell("cn", "call sip:mt@example.com");
    if world.variant.answers_by_hand() {
        world.pass(RINGS);
        world.tell("mt", "answer");
    }
    let patience = world.after(ANSWER);
    let is_answered = world.until(patience, |world| world.correspondent.answered > answered);
    assert!(is_answered, "no answer although nothing is wrong any more");
    let doubted = world.air.borrow().watch.doubted;
    if world.forgot_binding || doubted {
        // The first media tells one of them, by a Binding Error or an ICMPv6 error.
        let heard = world.air.borrow().watch.media.received;
        let way = usize::from(!by_care_of);
        let patience = world.after(OPTIMIZES);
        world.until(patience, |world| world.air.borrow().watch.media.received[way] > heard[way]);
    }
    let before = world.air.borrow().watch.media;
    world.pass(TALK);
    let watch = &world.air.borrow().watch;
    let ([direct, otherwise], [heard, heard_otherwise]) = (
        [0, 1].map(|way| watch.media.sent[way] - before.sent[way]),
        [0, 1].map(|way| watch.media.received[way] - before.received[way]),
    );
    let ways = if by_care_of {
        [direct, heard, otherwise, heard_otherwise]
    } else {
        [otherwise, heard_otherwise, direct, heard]
    };
    assert!(ways[0] >= MEDIA_MIN && ways[1] >= MEDIA_MIN, "no media by the right way: {ways:?}");
    assert!(ways[2] == 0 && ways[3] == 0, "media by a wrong way: {ways:?}");
}

fn is_silent(world: &World) -> bool {
    !world.terminal.is_talking() && !world.correspondent.is_talking()
}

fn counts(world: &World) -> (u64, u64) {
    let air = world.air.borrow();
    (air.signalling, air.media)
}

/// 64 × T1, timers B, F and H (RFC 3261), and a margin.
const TRANSACTION: Duration = Duration::from_secs(40);
/// Timer C: how long a proxy waits for the end of a call that rings; and how long a call without media lasts.
const RINGING: Duration = Duration::from_secs(185);
const SILENCE: Duration = Duration::from_secs(40);
/// The longest pause between two attempts to register.
const REGISTRATION: Duration = Duration::from_secs(310);
/// The budget of decision D6, and a margin.
const ANSWER: Duration = Duration::from_secs(10);
const RINGS: Duration = Duration::from_secs(1);
/// An access router finds that a terminal is gone, or a correspondent that a binding is, and an
/// optimization.
const OPTIMIZES: Duration = Duration::from_secs(40);
const TALK: Duration = Duration::from_millis(300);
/// Media packets each way in that time, at least.
const MEDIA_MIN: u32 = 8;
const QUIET: Duration = Duration::from_secs(20);
const QUIET_FRAMES_MAX: u64 = 200;
/// Calls that are hung up one after the other, as many as users begin, and the time for each.
const CALLS_MAX: usize = 8;
const HANGS_UP: Duration = Duration::from_secs(1);
/// The time of a CANCEL unanswered (RFC 3261 §9.1).
const CANCELLED: Duration = Duration::from_secs(35);
/// The longest that a packet is under way.
const UNDER_WAY: Duration = Duration::from_secs(31);
