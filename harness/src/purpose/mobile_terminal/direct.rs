//! The SIP server's own tunnel (claims 10 and 11, decision D9): what comes out of it is taken, and
//! nothing else gets in by it.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{encapsulate, protocol};

use super::super::Purpose;
use super::super::packets::echo_request;
use super::setting::{ANSWER, CALLER_MEDIA, SILENCE, updates};
use super::stage::{Stage, acceptance, before_budget, by_budget, in_direct_mode};
use crate::feature::Condition;
use crate::tester::Tester;
use crate::tester::scene::Manners;
use crate::tester::sip::packet;
use crate::tester::template::{echo_reply, sip_response};
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// The INVITE in the server's tunnel.
pub(in crate::purpose) const DIRECT_INVITE: Purpose = Purpose {
    id: "CL-DST-09",
    version: 1,
    title: "An INVITE in the SIP server's own tunnel is taken, and the route is optimized first",
    verifies: &["CL-DST-09"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: in_direct_mode,
    body: direct_invite,
};

/// Nobody else's packets in it.
pub(in crate::purpose) const FOREIGN_PACKET: Purpose = Purpose {
    id: "CL-DST-10",
    version: 1,
    title: "A packet of another source in the SIP server's tunnel is dropped",
    verifies: &["CL-DST-10"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: in_direct_mode,
    body: foreign_packet,
};

/// The way back.
pub(in crate::purpose) const DIRECT_RESPONSE: Purpose = Purpose {
    id: "CL-DST-13",
    version: 1,
    title: "The response to an INVITE from the server's tunnel goes to the server by the home agent",
    verifies: &["CL-DST-13"],
    role: Role::MobileTerminal,
    applies: &[Condition { feature: "ro_with_server", is: &["never"] }],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: in_direct_mode,
    body: direct_response,
};

const HOP_LIMIT: u8 = 64;

fn direct_invite(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.behaves(t.plan.cn, Manners::WITHHOLDING);

    t.when("an INVITE comes in the SIP server's own tunnel");
    stage.scene().direct = true;
    let since = t.bench.now();
    let invite = stage.invites(t)?;

    t.then("it is taken: the route to the caller is optimized, and no response leaves before");
    t.hears_before(&updates(t.plan.cn), &acceptance(t, &invite), ANSWER * 2)?;
    t.hears_none(&acceptance(t, &invite), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS in the same tunnel meanwhile")?;

    t.when("the caller acknowledges the update");
    stage.accepts(t, t.plan.cn)?;
    t.then("the response leaves");
    t.hears(&sip_response(&invite).by_any_way(), by_budget(t))?;
    Ok(())
}

fn direct_response(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.scene().direct = true;
    stage.lives(t, "it answers OPTIONS in the SIP server's own tunnel")?;

    t.when("an INVITE comes in that tunnel");
    let invite = stage.invites(t)?;

    t.then("its response reaches the server: through the home agent, or straight (INFO)");
    // Plainly, or with a Home Address option: straight to the server, which D12 lets a device do
    // that optimizes the route to it.
    let (home, server) = (t.plan.hoa, t.plan.ss);
    let reaches = sip_response(&invite).by_any_way().with("to the server", move |packet| {
        let inner = crate::tester::template::innermost(packet);
        inner.source() == home && inner.destination() == server
    });
    t.hears(&reaches, before_budget(t))?;
    Ok(())
}

fn foreign_packet(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    stage.scene().direct = true;
    stage.lives(t, "it answers OPTIONS in the SIP server's own tunnel")?;
    let (server, caller, care_of) = (t.plan.ss, t.plan.cn, stage.care_of());
    let stranger = t.plan.address("correspondent", STRANGER);
    let invite = stage.invite_of(t, &t.plan.cn(CALLER_MEDIA));

    t.when("an INVITE of the caller's own and a stranger's echo come in the server's tunnel");
    let foreign = [packet(caller, t.plan.hoa, &invite), echo_request(stranger, t.plan.hoa, 1)];
    for inner in foreign {
        stage.sends(t, &encapsulate(server, care_of, HOP_LIMIT, &inner))?;
    }

    t.then("both are dropped: no test, no response, no reply");
    t.hears_none(&Stage::optimizes(caller), SILENCE)?;
    t.hears_none(&sip_response(&invite).by_any_way(), Duration::ZERO)?;
    t.hears_none(&answers_echo(stranger), Duration::ZERO)?;
    stage.lives(t, "it is alive and answers OPTIONS in the server's tunnel")
}

fn answers_echo(stranger: Ipv6Addr) -> crate::tester::Template {
    echo_reply().by_any_way().with("to the stranger", move |packet| {
        let inner = crate::tester::template::innermost(packet);
        inner.destination() == stranger && packet.protocol != protocol::NONE
    })
}

const STRANGER: u64 = 0xbeef_000c;
