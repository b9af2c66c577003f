//! Whose route is optimized, and whose is not: addresses that are no targets (decision D4), and
//! offers that come late (decision D3).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::sdp::{LocalMedia, SessionDescription};
use roamproof_wire::sip::{Fields, HeaderName, HostView, Message};

use super::super::Purpose;
use super::setting::{ANSWER, CALLER_MEDIA, SILENCE, terminal_alone, updates};
use super::stage::{Stage, acceptance, by_budget, decision};
use crate::tester::Tester;
use crate::tester::scene::Manners;
use crate::tester::template::{innermost, media, sip_in};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

const fn no_target(id: &'static str, title: &'static str, body: Body) -> Purpose {
    Purpose {
        id,
        version: 1,
        title,
        verifies: &["CL-RO-22"],
        role: Role::MobileTerminal,
        applies: &[],
        triggers: &[Trigger::Attach],
        waits_max: Duration::from_secs(18),
        wants: terminal_alone,
        body,
    }
}

type Body = fn(&mut Tester<'_>) -> Result<(), Stop>;

/// IPv4 is reached by no route that could be optimized.
pub(in crate::purpose) const IPV4_OFFER: Purpose =
    no_target("CL-RO-22/ipv4", "An offer of an IPv4 address leads to no route optimization", |t| {
        is_no_target(t, |_, _| ("IN IP4 192.0.2.1".to_owned(), MAPPED))
    });

/// Nor is it in the clothes of IPv6.
pub(in crate::purpose) const MAPPED_OFFER: Purpose = no_target(
    "CL-RO-22/mapped",
    "An offer of an IPv4-mapped address leads to no route optimization",
    |t| is_no_target(t, |_, _| ("IN IP6 ::ffff:192.0.2.1".to_owned(), MAPPED)),
);

/// Nobody is at the unspecified address.
pub(in crate::purpose) const UNSPECIFIED_OFFER: Purpose = no_target(
    "CL-RO-22/unspecified",
    "An offer of the unspecified address leads to no route optimization",
    |t| is_no_target(t, |_, _| literal(Ipv6Addr::UNSPECIFIED)),
);

/// A group has no binding cache.
pub(in crate::purpose) const MULTICAST_OFFER: Purpose = no_target(
    "CL-RO-22/multicast",
    "An offer of a multicast address leads to no route optimization",
    |t| is_no_target(t, |_, _| literal(Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 0x7e57))),
);

/// A link-local address means somebody else on each link.
pub(in crate::purpose) const LINK_LOCAL_OFFER: Purpose = no_target(
    "CL-RO-22/link-local",
    "An offer of a link-local address leads to no route optimization",
    |t| is_no_target(t, |_, _| literal(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x7e57))),
);

/// The loopback address is the terminal itself.
pub(in crate::purpose) const LOOPBACK_OFFER: Purpose = no_target(
    "CL-RO-22/loopback",
    "An offer of the loopback address leads to no route optimization",
    |t| is_no_target(t, |_, _| literal(Ipv6Addr::LOCALHOST)),
);

/// So is its home address.
pub(in crate::purpose) const HOME_ADDRESS_OFFER: Purpose = no_target(
    "CL-RO-22/home-address",
    "An offer of the terminal's own home address leads to no route optimization",
    |t| is_no_target(t, |t, _| literal(t.plan.hoa)),
);

/// And its care-of address.
pub(in crate::purpose) const CARE_OF_ADDRESS_OFFER: Purpose = no_target(
    "CL-RO-22/care-of-address",
    "An offer of the terminal's own care-of address leads to no route optimization",
    |t| is_no_target(t, |_, stage| literal(stage.care_of())),
);

/// The home agent has the terminal's home registration.
pub(in crate::purpose) const HOME_AGENT_OFFER: Purpose = no_target(
    "CL-RO-22/home-agent",
    "An offer of the home agent's address leads to no route optimization",
    |t| is_no_target(t, |t, _| literal(t.plan.ha)),
);

/// Without an offer it is the contact that counts.
pub(in crate::purpose) const OFFERLESS_INVITE: Purpose = Purpose {
    id: "CL-RO-23/contact",
    version: 1,
    title: "An INVITE without an offer: the route to its contact is optimized before the response",
    verifies: &["CL-RO-23"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(13),
    wants: terminal_alone,
    body: offerless_invite,
};

/// The answer to the terminal's own offer comes in the ACK.
pub(in crate::purpose) const ANSWER_IN_ACK: Purpose = Purpose {
    id: "CL-RO-23/answer-in-ack",
    version: 1,
    title: "An answer in the ACK that names another address: the route to that is optimized too",
    verifies: &["CL-RO-23"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(16),
    wants: terminal_alone,
    body: answer_in_ack,
};

/// What a test to an IPv4 address would be sent to.
const MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201);

/// A connection line, and the address to which nothing must go.
type Offered = (String, Ipv6Addr);

fn literal(address: Ipv6Addr) -> Offered {
    (format!("IN IP6 {address}"), address)
}

fn is_no_target(
    t: &mut Tester<'_>,
    offered: fn(&Tester<'_>, &Stage) -> Offered,
) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let (connection, address) = offered(t, &stage);
    let mut invite = stage.invite_of(t, &t.plan.cn(CALLER_MEDIA));
    let own = HostView::Ipv6(t.plan.cn).to_string();
    let offer = format!(
        "v=0\r\no=- 32343 1 IN IP6 {}\r\ns=-\r\nc={connection}\r\nt=0 0\r\n\
         m=audio {CALLER_MEDIA} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
        own.trim_matches(['[', ']']),
    );
    invite.set_body("application/sdp", offer.into_bytes());

    t.when(format!("an INVITE comes whose offer says c={connection}"));
    stage.says(t, &invite)?;

    t.then("no test and no update goes there");
    t.hears_none(&Stage::optimizes(address), SILENCE)?;

    t.then("the call goes on through the tunnel, or is refused because nothing can be reached");
    let refuses = !t.features.is("on_ro_failure", "tunnel");
    let goes_on = decision(&invite).with("that goes on, or 488", move |packet| {
        let status = sip_in(&innermost(packet)).and_then(|message| message.status());
        status.is_some_and(|status| status < 300 || status == 488 || (refuses && status >= 400))
    });
    t.hears(&goes_on, by_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS afterwards")
}

/// An INVITE without a body whose Contact is elsewhere than its Via.
fn without_offer(t: &Tester<'_>, stage: &Stage) -> Message {
    let mut invite = stage.invite_of(t, &t.plan.cn(CALLER_MEDIA));
    invite.clear_body();
    invite.replace(HeaderName::Contact, format!("<sip:caller@{}>", HostView::Ipv6(t.plan.cn2)));
    invite
}

fn offerless_invite(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn2, Manners::WITHHOLDING);
    let invite = without_offer(t, &stage);
    let (contact, via) = (t.plan.cn2, t.plan.cn);

    t.when("an INVITE without an offer comes");
    let since = stage.says(t, &invite)?;

    t.then("the route to its contact is optimized, none to its Via, and no response leaves before");
    t.hears_before(&updates(contact), &acceptance(t, &invite), ANSWER * 2)?;
    t.hears_none(&acceptance(t, &invite), SILENCE)?;
    t.captured_none_since(since, &Stage::optimizes(via))?;

    t.when("the contact acknowledges the update");
    stage.accepts(t, contact)?;
    t.then("a response to the INVITE leaves");
    stage.responds(t, &invite)?;
    Ok(())
}

fn answer_in_ack(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    for address in [t.plan.cn, t.plan.cn2, t.plan.cn_media] {
        stage.behaves(address, Manners::CAPABLE);
    }
    let invite = without_offer(t, &stage);
    t.given("an INVITE without an offer comes, and it is answered with one");
    stage.says(t, &invite)?;
    let answered = stage.is_answered(t, &invite)?;
    let target = t.plan.cn_media;
    let offer = SessionDescription::parse(answered.body());
    let local = LocalMedia::audio(target, CALLER_MEDIA, SESSION);
    let Some(answer) = offer.ok().and_then(|offer| local.answer(&offer).ok()) else {
        return Err(t.stop("an offer of audio".to_owned(), "none".to_owned(), vec![]));
    };

    t.when("the ACK comes with an answer that names another address");
    let ack = stage.scene().server.confirms(&invite, &answered).map(|mut ack| {
        ack.set_body("application/sdp", answer.to_vec());
        ack
    });
    stage.says_made(t, ack)?;

    t.then("the route to that address is optimized");
    t.hears(&updates(target), ANSWER * 2)?;
    t.then("media goes there directly");
    let direct = media(CALLER_MEDIA)
        .by_any_way()
        .that("after the update", |packet| packet.home_address.is_some())
        .from(stage.care_of())
        .to(target)
        .home_address(t.plan.hoa);
    t.hears(&direct, ANSWER * 2)?;
    Ok(())
}

/// Names the session of the tester's answer.
const SESSION: u64 = 0x7e58;
