//! The sequences S1–S9 of ARCHITECTURE.md and their variants.

use std::time::Duration;

use super::script::{Play, PlayError};
use crate::evidence::{Kind, Sight};
use crate::topology::claimed::{CN, HOA};

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

pub(super) fn registration(play: &mut Play<'_>) -> Result<(), PlayError> {
    play.plug("mt", "visited-1")?;
    play.wait("a Binding Acknowledgement", "visited-1", |sight| says(sight, "BA"))?;
    play.tell("cn", &format!("echo {HOA}"))?;
    play.wait("an Echo Reply", "correspondent", |sight| says(sight, "Echo Reply"))?;
    play.pass(TAIL)
}

pub(super) fn refused_call(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.tell("cn", CALL_MT)?;
    play.wait_for_sip("486 at the caller", "correspondent", "486")?;
    play.pass(TAIL)
}

pub(super) fn tunnels_both_ways(play: &mut Play<'_>) -> Result<(), PlayError> {
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

pub(super) fn one_call(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)
}

pub(super) fn two_calls(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)
}

pub(super) fn direct_calls(play: &mut Play<'_>) -> Result<(), PlayError> {
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

pub(super) fn two_agents(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.plug("mt2", "visited-2")?;
    play.wait_for_sip("REGISTER", "visited-2", "REGISTER")?;
    play.wait_for_sip("200 to the REGISTER", "visited-2", "200")?;
    call(play, "visited-1", CALL_MT)?;
    call(play, "visited-2", "call sip:mt2@example.com")?;
    play.pass(TAIL)
}

pub(super) fn handover(play: &mut Play<'_>) -> Result<(), PlayError> {
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

pub(super) fn call_at_home(play: &mut Play<'_>) -> Result<(), PlayError> {
    play.plug("mt", "home")?;
    play.wait_for_sip("REGISTER", "home", "REGISTER")?;
    play.wait_for_sip("200 to the REGISTER", "home", "200")?;
    call(play, "home", CALL_MT)?;
    play.pass(TAIL)
}

pub(super) fn cancelled_call(play: &mut Play<'_>) -> Result<(), PlayError> {
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

pub(super) fn silent_caller(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.lose(|sight| says(sight, "HoT ") || says(sight, "CoT "));
    play.tell("cn", CALL_MT)?;
    play.wait_for_sip("200 at the caller", "correspondent", "200")?;
    play.pass(TALK)?;
    hang_up(play)?;
    play.pass(TAIL)
}

pub(super) fn handover_while_pending(play: &mut Play<'_>) -> Result<(), PlayError> {
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

pub(super) fn call_after_expiry(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(LONGER_THAN_A_BINDING)?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)
}

pub(super) fn call_after_loss(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    call(play, "visited-1", CALL_MT)?;
    play.tell("cn", "restart")?;
    play.wait_for_sip("200 to the caller's REGISTER", "correspondent", "200")?;
    play.tell("mt", &format!("echo {CN}"))?;
    play.wait("a Binding Error", "visited-1", |sight| says(sight, "BE"))?;
    call(play, "visited-1", CALL_MT)?;
    play.pass(TAIL)
}

pub(super) fn lost_notice(play: &mut Play<'_>) -> Result<(), PlayError> {
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

pub(super) fn long_call(play: &mut Play<'_>) -> Result<(), PlayError> {
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
