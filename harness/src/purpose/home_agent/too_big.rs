//! Packets that do not fit into the tunnel (claim 9).

use std::time::Duration;

use roamproof_wire::icmpv6::{Reason, answer};
use roamproof_wire::ipv6::{MTU_MIN, Packet};

use super::setting::{ANSWER, LONG, Setting, home_agent_alone};
use crate::purpose::Purpose;
use crate::tester::template::{fragment, mtu_in, packet_too_big, tunnelled};
use crate::tester::{Template, Tester};
use crate::topology::Role;
use crate::verdict::Stop;

/// What the link carries but the tunnel does not.
pub(in crate::purpose) const LARGE_IS_TOLD: Purpose = Purpose {
    id: "CL-INT-04/link",
    version: 1,
    title: "Whoever sends what the tunnel does not carry is told how much it carries, 1280 octets or more",
    verifies: &["CL-INT-04"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(7),
    wants: home_agent_alone,
    body: large_is_told,
};

/// What the path to the care-of address does not carry.
pub(in crate::purpose) const SHORT_PATH: Purpose = Purpose {
    id: "CL-INT-04/path",
    version: 1,
    title: "Where the path carries 1280 octets, packets of 1280 octets pass in fragments and larger ones are told",
    verifies: &["CL-INT-04", "HA-FWD-13"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(9),
    wants: home_agent_alone,
    body: short_path,
};

/// What the home link carries, octets.
const LINK_MTU: usize = 1500;
/// Fits the tunnel over such links, octets.
const MIDDLE: usize = 1400;
/// The interface identifier of a router on the way to the care-of address.
const ROUTER: u64 = 0x17;

fn large_is_told(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;

    t.when("a packet to the home address comes that fills the link");
    let large = setting.large(3, LINK_MTU);
    setting.sends(t, &large)?;
    let mtu = is_told(t, &setting, &large, LINK_MTU)?;

    t.when("a packet comes that is as large as was told");
    let fitting = setting.large(4, mtu);
    setting.sends(t, &fitting)?;

    t.then("it leaves in the tunnel");
    let (outer, frames) = t.hears_fragments(&whole_or_piece(&setting), ANSWER)?;
    carries(t, &outer, &fitting, frames)
}

fn short_path(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;

    t.given("a packet of 1400 octets leaves in the tunnel");
    let middle = setting.large(3, MIDDLE);
    setting.sends(t, &middle)?;
    let heard = t.hears(&setting.tunnel().carrying(&middle), ANSWER)?;

    t.given("a router on the way says that its next link carries 1280 octets");
    let router = t.plan.address("visited-1", ROUTER);
    let reason = Reason::PacketTooBig { mtu: 1280 };
    let complaint = answer(router, t.packet(heard).octets, reason);
    t.answers(setting.router, complaint)?;

    t.when("a packet of 1280 octets to the home address comes");
    let least = setting.large(5, MTU_MIN);
    setting.sends(t, &least)?;

    t.then("it leaves in the tunnel in fragments of 1280 octets at most");
    let (outer, frames) = t.hears_fragments(&piece(&setting).octets_max(MTU_MIN), ANSWER)?;
    carries(t, &outer, &least, frames)?;

    t.when("a packet of 1400 octets comes");
    let middle = setting.large(6, MIDDLE);
    setting.sends(t, &middle)?;
    is_told(t, &setting, &middle, MIDDLE).map(drop)
}

/// The sender of a packet is told how much the tunnel carries: that much. Where the packet is cut
/// instead, that is the warning that the row asks for.
fn is_told(
    t: &mut Tester<'_>,
    setting: &Setting,
    large: &[u8],
    octets: usize,
) -> Result<usize, Stop> {
    t.then("its sender is told what the tunnel carries: 1280 octets or more, and less than it has");
    let told = packet_too_big(large)
        .to(setting.stranger)
        .mtu("with 1280 or more", |mtu| mtu >= MTU_MIN)
        .mtu(format!("with less than {octets}"), move |mtu| mtu < octets);
    let (is_told, piece) = (packet_too_big(large), piece(setting));
    let either = Template::new("Packet Too Big, or a fragment in its place", move |packet| {
        is_told.is_kind(packet) || piece.is_kind(packet)
    });
    let heard = t.hears(&either, ANSWER)?;
    if t.packet(heard).piece().is_some() {
        let seen = "a fragment: the packet was cut and its sender not told".to_owned();
        t.should("its sender is told, and the packet not cut");
        return Err(t.stop(told.to_string(), seen, vec![heard]));
    }
    t.finds(&told, heard)?;
    Ok(mtu_in(&t.packet(heard)).unwrap_or(octets))
}

/// What came out of the tunnel is the packet that was sent, hop limit one less.
fn carries(t: &Tester<'_>, outer: &[u8], sent: &[u8], frames: Vec<usize>) -> Result<(), Stop> {
    let expected = tunnelled().carrying(sent);
    let mismatch = match Packet::parse(outer) {
        Ok(packet) => expected.mismatch(&packet).map(|what| format!("not {what}")),
        Err(rejected) => Some(rejected.error.to_string()),
    };
    match mismatch {
        None => Ok(()),
        Some(seen) => Err(t.stop(expected.to_string(), seen, frames)),
    }
}

/// A fragment in the tunnel to the care-of address.
fn piece(setting: &Setting) -> Template {
    fragment(setting.mobile.home_agent, setting.mobile.care_of)
}

/// A packet in the tunnel to the care-of address, or a fragment of one.
fn whole_or_piece(setting: &Setting) -> Template {
    let (whole, piece) = (setting.tunnel(), piece(setting));
    Template::new("packet in the tunnel, whole or in fragments", move |packet| {
        piece.is_kind(packet) || (whole.is_kind(packet) && whole.mismatch(packet).is_none())
    })
}
