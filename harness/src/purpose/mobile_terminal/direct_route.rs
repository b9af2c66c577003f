//! The direct route in use, and no route where none is wanted (CL-RO-05, 07, 08).

use std::time::Duration;

use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::rtp::{RtpHeader, RtpView};
use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, Message};
use roamproof_wire::udp::Udp;

use super::super::Purpose;
use super::setting::{CALLER_MEDIA, SILENCE, terminal_alone};
use super::stage::Stage;
use crate::tester::media::Voice;
use crate::tester::template::{innermost, inside, media};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// Claim 6, the terminal's direction.
pub(in crate::purpose) const DIRECT_MEDIA: Purpose = Purpose {
    id: "CL-RO-05",
    version: 1,
    title: "Media to an optimized caller goes straight from the care-of address, naming the home address",
    verifies: &["CL-RO-05"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(31),
    wants: terminal_alone,
    body: direct_media,
};

/// Claim 6, a whole call.
pub(in crate::purpose) const NO_MEDIA_THROUGH_HOME_AGENT: Purpose = Purpose {
    id: "CL-RO-07",
    version: 1,
    title: "No media packet of a whole call goes through the home agent, is left out or out of order",
    verifies: &["CL-RO-07"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(34),
    wants: terminal_alone,
    body: no_media_through_home_agent,
};

/// At home there is nothing to optimize (decision D8).
pub(in crate::purpose) const NOTHING_AT_HOME: Purpose = Purpose {
    id: "CL-RO-08",
    version: 1,
    title: "At home a call is responded to without any optimization",
    verifies: &["CL-RO-08"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(19),
    wants: terminal_alone,
    body: nothing_at_home,
};

/// Media packets of the terminal that are looked at: half a second of talk.
const PACKETS: usize = 25;
/// Until they have come: a device may take its time before it speaks.
const TALK: Duration = Duration::from_secs(3);
/// How long both sides talk in a whole call.
const WHOLE_CALL: Duration = Duration::from_secs(2);

fn direct_media(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.given("a call comes, its route is optimized, and it is answered");
    let invite = stage.invites(t)?;
    let answer = stage.is_answered(t, &invite)?;

    t.when("the caller acknowledges the answer");
    stage.confirms(t, &invite, &answer)?;

    t.then("media goes straight to the caller, with the home address in an option");
    let direct = media(CALLER_MEDIA)
        .by_any_way()
        .to(t.plan.cn)
        .from(stage.care_of())
        .home_address(t.plan.hoa)
        .with("in no tunnel", |packet| packet.protocol != protocol::IPV6);
    t.hears_every(&direct, PACKETS, TALK)?;
    Ok(())
}

fn no_media_through_home_agent(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.given("a call comes, its route is optimized, and it is answered");
    let begin = t.bench.capture().frames.len();
    let invite = stage.invites(t)?;
    let answer = stage.is_answered(t, &invite)?;

    t.when("the caller acknowledges the answer, and both sides talk for two seconds");
    stage.confirms(t, &invite, &answer)?;
    talks(t, &stage, &answer)?;
    let punctual = t.is_punctual("all media of the call");
    let bye = stage.scene().server.ends(&invite, &answer);
    stage.says_made(t, bye)?;

    t.then("media comes from the terminal");
    let any = media(CALLER_MEDIA).by_any_way();
    let packets = t.captured_since(begin, &any);
    if packets.len() < PACKETS {
        let seen = format!("{} media packets", packets.len());
        return Err(t.stop(format!("at least {PACKETS} media packets"), seen, packets));
    }

    t.then("none of it goes through the home agent");
    t.hears_none(&in_a_tunnel(), SILENCE)?;
    t.captured_none_since(begin, &in_a_tunnel())?;

    t.then("none of it is left out or out of order");
    in_order(t, &packets).or_else(|disorder| punctual.and(Err(disorder)))
}

fn nothing_at_home(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::at_home(t)?;
    t.when("a call comes while the terminal is at home");
    let begin = t.bench.capture().frames.len();
    let invite = stage.invites(t)?;

    t.then("a response leaves");
    stage.responds(t, &invite)?;

    t.then("no test and no update goes to the caller");
    t.hears_none(&Stage::optimizes(t.plan.cn), SILENCE)?;
    t.captured_none_since(begin, &Stage::optimizes(t.plan.cn))?;
    stage.lives(t, "it is alive and answers OPTIONS")
}

/// The caller's voice goes to the care-of address for a while, a packet every 20 ms.
fn talks(t: &mut Tester<'_>, stage: &Stage, answer: &Message) -> Result<(), Stop> {
    let description = SessionDescription::parse(answer.body()).ok();
    let port = description.and_then(|one| one.streams().first().map(|stream| stream.port));
    let Some(port) = port else {
        return Err(t.stop("a port for media".to_owned(), "none".to_owned(), vec![]));
    };
    let mut voice = Voice::new((t.plan.cn, CALLER_MEDIA), (t.plan.hoa, port));
    let until = t.bench.now() + WHOLE_CALL;
    while t.bench.now() < until {
        stage.sends(t, &voice.next_to(stage.care_of()))?;
        t.lets_pass(Voice::PACKET_TIME)?;
    }
    Ok(())
}

/// The sequence numbers of the media in these frames follow each other.
fn in_order(t: &Tester<'_>, frames: &[usize]) -> Result<(), Stop> {
    let numbers: Vec<u16> =
        frames.iter().filter_map(|frame| sequence_in(&t.innermost(*frame))).collect();
    for (pair, frame) in numbers.windows(2).zip(&frames[1..]) {
        if pair[1] != pair[0].wrapping_add(1) {
            let expected = format!("sequence number {}", pair[0].wrapping_add(1));
            return Err(t.stop(expected, format!("sequence number {}", pair[1]), vec![*frame]));
        }
    }
    Ok(())
}

fn sequence_in(packet: &Packet<'_>) -> Option<u16> {
    let datagram = Udp::parse(packet.source(), packet.destination(), packet.payload).ok()?;
    RtpHeader::parse(RtpView::new(datagram.payload).ok()?).ok().map(|header| header.sequence)
}

/// Media to the caller in a tunnel.
fn in_a_tunnel() -> Template {
    let plain = media(CALLER_MEDIA);
    Template::new("media packet in a tunnel", move |packet| {
        inside(packet).is_some() && plain.is_kind(&innermost(packet))
    })
}
