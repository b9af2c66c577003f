//! The tunnel and what comes through it (CL-INT): the INVITE, its responses, strangers' packets.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::{encapsulate, encapsulate_with_limit, protocol};
use roamproof_wire::sip::{Fields, Message};

use super::super::Purpose;
use super::setting::{ANSWER, CALLER_MEDIA, SILENCE, budget, terminal_alone, tunnelled_home};
use super::stage::Stage;
use crate::feature::Condition;
use crate::tester::sip::packet;
use crate::tester::template::{innermost, inside, sip_in, sip_response};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// What the home agent tunnels is for the home address.
pub(in crate::purpose) const TUNNELLED_INVITE: Purpose = Purpose {
    id: "CL-INT-06",
    version: 1,
    title: "An INVITE through the home agent's tunnel is answered as if it had come to the home address",
    verifies: &["CL-INT-06"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(26),
    wants: terminal_alone,
    body: tunnelled_invite,
};

/// So is what it tunnels with an option before the inner packet (RFC 2473 §4.1.1).
pub(in crate::purpose) const LIMITED_TUNNEL: Purpose = Purpose {
    id: "CL-INT-06/encapsulation-limit",
    version: 1,
    title: "An INVITE in a tunnel with a Tunnel Encapsulation Limit is answered like any other",
    verifies: &["CL-INT-06"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(26),
    wants: terminal_alone,
    body: limited_tunnel,
};

/// A stranger's tunnel is none (decision D9).
pub(in crate::purpose) const FOREIGN_TUNNEL: Purpose = Purpose {
    id: "CL-INT-07/stranger",
    version: 1,
    title: "An INVITE in a tunnel of a stranger is dropped",
    verifies: &["CL-INT-07"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(20),
    wants: terminal_alone,
    body: |t| drops_tunnel_of(t, t.plan.address("visited-2", STRANGER)),
};

/// Nor is the caller's own (decision D9).
pub(in crate::purpose) const CALLERS_TUNNEL: Purpose = Purpose {
    id: "CL-INT-07/caller",
    version: 1,
    title: "An INVITE in a tunnel of the caller itself is dropped",
    verifies: &["CL-INT-07"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(20),
    wants: terminal_alone,
    body: |t| drops_tunnel_of(t, t.plan.cn),
};

/// The way of responses (claim 7).
pub(in crate::purpose) const RESPONSES_TO_SERVER: Purpose = Purpose {
    id: "CL-INT-09",
    version: 1,
    title: "Every response to a tunnelled INVITE goes through the home agent to the SIP server",
    verifies: &["CL-INT-09"],
    role: Role::MobileTerminal,
    applies: &[NO_ROUTE_TO_SERVER],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(30),
    wants: terminal_alone,
    body: responses_to_server,
};

/// One way and no other (claims 3 and 7).
pub(in crate::purpose) const NO_SECOND_WAY: Purpose = Purpose {
    id: "CL-INT-12",
    version: 1,
    title: "No response of an answered call leaves a second time by another way",
    verifies: &["CL-INT-12"],
    role: Role::MobileTerminal,
    applies: &[NO_ROUTE_TO_SERVER],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(35),
    wants: terminal_alone,
    body: no_second_way,
};

/// Where the route to the server is optimized too, responses take it (decision D12).
const NO_ROUTE_TO_SERVER: Condition = Condition { feature: "ro_with_server", is: &["never"] };
/// The interface identifier of somebody whom nobody knows.
const STRANGER: u64 = 0xbeef_000c;

fn tunnelled_invite(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.when("the home agent tunnels an INVITE to the care-of address");
    let begin = t.bench.capture().frames.len();
    let invite = stage.invites(t)?;

    t.then("the INVITE is responded to");
    t.hears(&sip_response(&invite).by_any_way(), budget(t) + ANSWER)?;

    t.then("nobody was told of an error in the tunnel");
    t.captured_none_since(begin, &icmp_error().by_any_way())
}

fn limited_tunnel(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.when("the home agent tunnels an INVITE with a Tunnel Encapsulation Limit");
    let invite = stage.invite_of(t, &t.plan.cn(CALLER_MEDIA));
    let inner = packet(t.plan.ss, t.plan.hoa, &invite);
    let (entry, care_of) = (t.plan.ha, stage.care_of());
    let outer = encapsulate_with_limit(entry, care_of, HOP_LIMIT, LIMIT, &inner);
    stage.sends(t, &outer)?;

    t.then("the INVITE is responded to");
    t.hears(&sip_response(&invite).by_any_way(), budget(t) + ANSWER)?;
    Ok(())
}

fn drops_tunnel_of(t: &mut Tester<'_>, outer: Ipv6Addr) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.when(format!("an INVITE comes in a tunnel from {outer}"));
    let begin = t.bench.capture().frames.len();
    let invite = stage.invite_of(t, &t.plan.cn(CALLER_MEDIA));
    let inner = packet(t.plan.ss, t.plan.hoa, &invite);
    stage.sends(t, &encapsulate(outer, stage.care_of(), HOP_LIMIT, &inner))?;

    t.then("it is dropped: no route is optimized for it");
    t.hears_none(&Stage::optimizes(t.plan.cn), SILENCE)?;
    t.then("and no response leaves, by whatever way");
    t.captured_none_since(begin, &sip_response(&invite).by_any_way())?;
    stage.lives(t, "it is alive and answers OPTIONS through the home agent's tunnel")?;

    t.then("nor does a response leave later");
    t.captured_none_since(begin, &sip_response(&invite).by_any_way())
}

fn responses_to_server(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.when("a call comes through the tunnel");
    let invite = stage.invites(t)?;

    t.then("each response goes from the home address through the tunnel to the server");
    let patience = budget(t) + ANSWER;
    loop {
        let heard = t.hears(&response_to_server(t, &invite), patience)?;
        if t.sip(heard)?.status().is_some_and(|status| status >= 200) {
            return Ok(());
        }
        if t.features.is("answers_by_itself", "no") {
            t.picks_up()?;
        }
    }
}

fn no_second_way(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.given("a call comes through the tunnel and is answered");
    let begin = t.bench.capture().frames.len();
    let invite = stage.invites(t)?;
    let answer = stage.is_answered(t, &invite)?;

    t.when("the caller confirms the answer and ends the call");
    stage.confirms(t, &invite, &answer)?;
    let bye = stage.scene().server.ends(&invite, &answer);
    let bye = stage.says_made(t, bye)?;

    t.then("it responds to BYE through the tunnel to the server");
    t.hears(&tunnelled_home(t, sip_response(&bye), t.plan.ss), ANSWER * 4)?;

    t.then("no response of the call left by another way, plain or in another tunnel");
    t.hears_none(&by_another_way(t, &stage, &invite), SILENCE)?;
    t.captured_none_since(begin, &by_another_way(t, &stage, &invite))
}

/// A response to this INVITE by any way, which must be from the home address to the server, by the
/// reverse tunnel, and bear the Vias of the INVITE.
fn response_to_server(t: &Tester<'_>, invite: &Message) -> Template {
    let (agent, vias) = (t.plan.ha, hops(invite));
    sip_response(invite)
        .from(t.plan.hoa)
        .to(t.plan.ss)
        .with("with the Vias of the INVITE", move |packet| {
            sip_in(packet).is_some_and(|response| hops(&response) == vias)
        })
        .by_any_way()
        .with("by the reverse tunnel", move |packet| {
            packet.protocol == protocol::IPV6 && packet.header.destination == agent
        })
}

/// A SIP response of this call that is not in the reverse tunnel to the server.
fn by_another_way(t: &Tester<'_>, stage: &Stage, invite: &Message) -> Template {
    let (home, server, agent) = (t.plan.hoa, t.plan.ss, t.plan.ha);
    let (care_of, call_id) = (stage.care_of(), invite.call_id().unwrap_or_default().to_owned());
    Template::new("response of the call by another way", move |packet| {
        let response = sip_in(&innermost(packet));
        let of_call = response.is_some_and(|response| {
            response.status().is_some() && response.call_id().is_ok_and(|id| id == call_id)
        });
        let right = inside(packet).is_some_and(|inner| {
            (packet.header.source, packet.header.destination) == (care_of, agent)
                && (inner.header.source, inner.header.destination) == (home, server)
        });
        of_call && !right
    })
}

/// Host and branch of every Via, the topmost first.
fn hops(message: &Message) -> Vec<(String, Option<String>)> {
    let vias = message.vias().filter_map(Result::ok);
    vias.map(|via| (via.host.to_string(), via.branch().map(str::to_owned))).collect()
}

fn icmp_error() -> Template {
    Template::new("ICMPv6 error", |packet| {
        matches!(IcmpMessage::parse(packet), Ok(IcmpMessage::Error(_)))
    })
}

const HOP_LIMIT: u8 = 64;
/// Further tunnels that may follow: as RFC 2473 §6.6 recommends.
const LIMIT: u8 = 4;
