//! What a home agent tunnels, and what it does not tunnel (claims 8 and 9).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::{Echo, Message as IcmpMessage};
use roamproof_wire::ipv6::{self, Outgoing, protocol};
use roamproof_wire::mobility::Message as MobilityMessage;
use roamproof_wire::udp;

use super::setting::{ANSWER, LONG, SHORT, SILENCE, Setting, home_agent_alone};
use crate::purpose::Purpose;
use crate::purpose::packets::echo_request;
use crate::tester::Tester;
use crate::tester::template::{binding_error, icmp_error};
use crate::topology::Role;
use crate::verdict::Stop;

/// The tunnel changes nothing in what it carries.
pub(in crate::purpose) const INNER_PACKET_AS_IT_WAS: Purpose = Purpose {
    id: "CL-INT-03",
    version: 1,
    title: "A packet to a registered home address is tunnelled from the home agent to the care-of address as it came",
    verifies: &["CL-INT-03", "HA-FWD-01"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(9),
    wants: home_agent_alone,
    body: inner_packet_as_it_was,
};

/// A binding that was taken back tunnels nothing any more.
pub(in crate::purpose) const NO_TUNNEL_AFTER_DEREGISTRATION: Purpose = Purpose {
    id: "CL-INT-05/de-registered",
    version: 1,
    title: "A packet for a home address whose binding was taken back is not tunnelled",
    verifies: &["CL-INT-05"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(7),
    wants: home_agent_alone,
    body: no_tunnel_after_deregistration,
};

/// A binding that ran out tunnels nothing any more.
pub(in crate::purpose) const NO_TUNNEL_AFTER_LIFETIME: Purpose = Purpose {
    id: "CL-INT-05/run-out",
    version: 1,
    title: "A packet for a home address whose binding has run out is not tunnelled",
    verifies: &["CL-INT-05"],
    role: Role::HomeAgent,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(11),
    wants: home_agent_alone,
    body: no_tunnel_after_lifetime,
};

/// A packet that may cross no more routers.
pub(in crate::purpose) const HOP_LIMIT_ENDS: Purpose = Purpose {
    id: "HA-FWD-18",
    version: 1,
    title: "A packet whose hop limit is used up is not tunnelled, and its sender told so",
    verifies: &["HA-FWD-18"],
    waits_max: Duration::from_secs(6),
    body: hop_limit_ends,
    ..NO_TUNNEL_AFTER_DEREGISTRATION
};

/// What nobody knows.
pub(in crate::purpose) const UNKNOWN_TYPE: Purpose = Purpose {
    id: "MH-IN-02/home-agent",
    version: 1,
    title: "A mobility message of an unknown type is answered by a Binding Error, status 2",
    verifies: &["MH-IN-02"],
    waits_max: Duration::from_secs(4),
    body: unknown_type,
    ..NO_TUNNEL_AFTER_DEREGISTRATION
};

fn hop_limit_ends(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, LONG)?;
    let (from, home) = (setting.stranger, setting.mobile.home);

    t.when("a packet to the home address comes with hop limit 1");
    let last_hop = Outgoing { hop_limit: 1, ..Outgoing::new(from, home, protocol::UDP) };
    let packet = udp::packet(&last_hop, 0x1389, 0x138a, b"no further");
    setting.sends(t, &packet)?;

    t.then("its sender is told that its time was exceeded");
    t.hears(&icmp_error(3, 0, &packet).to(from), ANSWER)?;

    t.then("it leaves in no tunnel");
    t.hears_none(&setting.tunnelled_home(), SILENCE)?;
    setting.lives(t, 4)
}

fn unknown_type(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::new(t)?;
    setting.lives(t, 1)?;
    let (from, own) = (setting.stranger, setting.mobile.home_agent);

    t.when("a mobility message of an unassigned type comes");
    let message = MobilityMessage::Unknown { mh_type: 200, data: vec![0x5a; 10] };
    let octets = message.to_vec(from, own);
    setting.sends(t, &Outgoing::new(from, own, protocol::MOBILITY).to_vec(&octets))?;

    t.then("a Binding Error, status 2, names no home address");
    t.hears(&binding_error(2, None).from(own).to(from), ANSWER)?;
    Ok(())
}

fn inner_packet_as_it_was(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::acknowledged(t, LONG)?;
    setting.lives(t, 1)?;
    for (what, packet) in packets(setting.stranger, setting.mobile.home) {
        t.when(format!("{what} comes for the home address"));
        setting.sends(t, &packet)?;

        t.then("it leaves in the tunnel, octet for octet but for the hop limit");
        t.hears(&setting.tunnel().carrying(&packet), ANSWER)?;
    }
    Ok(())
}

fn no_tunnel_after_deregistration(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut setting = Setting::registered(t, LONG)?;

    t.given("the home agent acknowledges that the mobile node takes its registration back");
    setting.deregisters(t)?;
    is_not_tunnelled(t, &setting)
}

fn no_tunnel_after_lifetime(t: &mut Tester<'_>) -> Result<(), Stop> {
    let setting = Setting::registered(t, SHORT)?;

    t.given("the lifetime that was granted is over");
    t.lets_pass(SHORT + ANSWER)?;
    is_not_tunnelled(t, &setting)
}

fn is_not_tunnelled(t: &mut Tester<'_>, setting: &Setting) -> Result<(), Stop> {
    t.when("a packet to the home address comes");
    setting.sends(t, &echo_request(setting.stranger, setting.mobile.home, 3))?;

    t.then("it leaves in no tunnel");
    t.hears_none(&setting.tunnelled_home(), ANSWER)?;
    setting.lives(t, 4)
}

/// Packets whose every part a careless tunnel could change.
fn packets(source: Ipv6Addr, home: Ipv6Addr) -> Vec<(&'static str, Vec<u8>)> {
    let plain = Outgoing::new(source, home, protocol::UDP);
    let marked = Outgoing { traffic_class: 0xb9, flow_label: 0x000a_bcde, ..plain };
    let optioned = Outgoing { protocol: protocol::DESTINATION, ..plain };
    let secret = Outgoing { protocol: protocol::ESP, hop_limit: 2, ..plain };
    let whole = udp::packet(&plain, 0x1389, 0x138a, &[0xa5; 96]);
    let pieces = ipv6::fragment(&whole, 120, 0x0102_0304);
    let last = pieces.last().cloned().unwrap_or(whole);
    vec![
        ("a datagram with marks in its header", udp::packet(&marked, 0x1389, 0x138a, b"marked")),
        ("a packet with options that nobody knows", optioned.to_vec(&with_options(source, home))),
        ("a packet of a protocol that nobody can read", secret.to_vec(&[0x5a; 61])),
        ("a fragment of a datagram", last),
    ]
}

/// A Destination Options header with an option that is to be skipped, and an echo request behind it.
fn with_options(source: Ipv6Addr, home: Ipv6Addr) -> Vec<u8> {
    let echo = Echo { reply: false, identifier: 0x4f50, sequence: 7, data: b"with options" };
    let outgoing = Outgoing::new(source, home, protocol::ICMPV6);
    let packet = IcmpMessage::Echo(echo).packet(&outgoing);
    [&[protocol::ICMPV6, 0, 0x1e, 4, 0xde, 0xad, 0xbe, 0xef], &packet[ipv6::HEADER_LEN..]].concat()
}
