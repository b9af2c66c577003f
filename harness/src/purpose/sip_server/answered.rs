//! One answered call through a SIP server: every message once, by one way (claims 3, 7).

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Ethernet;
use roamproof_wire::ipv6::Packet;
use roamproof_wire::sip::{Fields, Message, Method};

use super::peers::{ANSWER, Peers, SILENCE, Terminal};
use super::registrar::server_alone;
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::caller::Dialog;
use crate::tester::template::{innermost, sip_in};
use crate::topology::Role;
use crate::verdict::Stop;

/// No second copy takes another way.
pub(in crate::purpose) const ONE_COPY_OF_EVERYTHING: Purpose = Purpose {
    id: "CL-INT-12/server",
    version: 1,
    title: "Every message of an answered call leaves the server once, by the way of the call",
    verifies: &["CL-INT-12"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(14),
    wants: server_alone,
    body: one_copy_of_everything,
};

/// T1 (RFC 3261 §17.1.1.1): whoever was not answered by then sends a second copy rightly.
const T1: Duration = Duration::from_millis(500);

fn one_copy_of_everything(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;

    t.when("the caller calls, the terminal rings, answers, and the caller hangs up");
    let called = t.bench.now();
    let invite = peers.call(t, &one)?;
    t.then("each of these messages reaches the other side");
    let invited = t.hears(&peers.plain(Method::Invite, &invite, &one), ANSWER)?;
    let invited = t.sip(invited)?;
    peers.say(t, one.home(), &one.responds(&invited, 180, "Ringing"))?;
    t.in_time("180", called, T1)?;
    t.hears(&peers.response(&invite, 180), ANSWER)?;
    peers.say_that(t, one.home(), one.peer.answer(&invited, &one.party))?;
    let answer = t.hears(&peers.response(&invite, 200), ANSWER)?;
    let dialog = Dialog::begun(peers.party.address, &invite, &t.sip(answer)?);
    let Some(mut dialog) = dialog else {
        let expected = "an answer with the terminal's tag and contact".to_owned();
        return Err(t.stop(expected, "one without".to_owned(), vec![answer]));
    };
    let stays = dialog.next_hop() == Some(peers.server);
    if stays {
        peers.say(t, peers.party.address, &dialog.acknowledges())?;
        t.hears(&peers.plain(Method::Ack, &invite, &one), ANSWER)?;
        let (bye, hung_up) = (dialog.request(Method::Bye), t.bench.now());
        peers.say(t, peers.party.address, &bye)?;
        let ended = t.hears(&peers.plain(Method::Bye, &invite, &one), ANSWER)?;
        peers.say(t, one.home(), &one.responds(&t.sip(ended)?, 200, "OK"))?;
        t.in_time("the answer to BYE", hung_up, T1)?;
        t.hears(&peers.response(&bye, 200), ANSWER)?;
    }

    t.then("and no message of the call left the server twice, or for anybody else");
    t.lets_pass(SILENCE)?;
    let (caller, home) = (peers.party.address, one.home());
    let mut once = vec![("INVITE", home), ("180 (INVITE)", caller), ("200 (INVITE)", caller)];
    if stays {
        once.extend([("ACK", home), ("BYE", home), ("200 (BYE)", caller)]);
    }
    is_all(t, &invite, peers.server, &once, caller)?;
    peers.lives(t)?;
    Ok(())
}

/// Wants exactly these messages of the call from the server, each once; beside them only 100 and one
/// challenge, to the caller.
fn is_all(
    t: &Tester<'_>,
    call: &Message,
    server: Ipv6Addr,
    once: &[(&str, Ipv6Addr)],
    caller: Ipv6Addr,
) -> Result<(), Stop> {
    let mut left: BTreeMap<(String, Ipv6Addr), Vec<usize>> = BTreeMap::new();
    for (frame, captured) in t.bench.capture().frames.iter().enumerate() {
        let Some(what) = left_by(&captured.octets, call, server) else { continue };
        left.entry(what).or_default().push(frame);
    }
    for ((what, to), frames) in &left {
        let to_caller = |one: &str| what == one && *to == caller;
        let may_repeat = to_caller("100 (INVITE)");
        let challenge = to_caller("401 (INVITE)") || to_caller("407 (INVITE)");
        let expected = challenge || once.iter().any(|(one, whom)| one == what && whom == to);
        if !may_repeat && (!expected || frames.len() > 1) {
            let seen = format!("{what} to {to}, {} of them", frames.len());
            let expected = "each message of the call once, to the terminal or the caller";
            return Err(t.stop(expected.to_owned(), seen, frames.clone()));
        }
    }
    Ok(())
}

/// What of the call a frame of the server's carries, and where it goes: outside all tunnels.
fn left_by(frame: &[u8], call: &Message, server: Ipv6Addr) -> Option<(String, Ipv6Addr)> {
    let (_, octets) = Ethernet::parse(frame).ok()?;
    let packet = Packet::parse(octets).ok()?;
    let message = sip_in(&innermost(&packet))?;
    let of_call = message.call_id().ok()? == call.call_id().ok()?;
    if !of_call || innermost(&packet).source() != server {
        return None;
    }
    let method = message.cseq().ok()?.method;
    let what = match message.status() {
        Some(status) => format!("{status} ({})", method.as_str()),
        None => method.as_str().to_owned(),
    };
    Some((what, packet.destination()))
}
