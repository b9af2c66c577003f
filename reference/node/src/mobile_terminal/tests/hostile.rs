//! What strangers send: tunnels, tokens, acknowledgements, errors, octets.

use std::net::Ipv6Addr;
use std::time::Duration;

use proptest::prelude::*;
use roamproof_wire::icmpv6::{Reason, answer};
use roamproof_wire::ipv6::{Outgoing, Problem, protocol};
use roamproof_wire::mobility::{
    BindingError, BindingManagementKey, HomeTest, HomeTestInit, Lifetime, Message, Sequence, Status,
};
use roamproof_wire::udp;
use rstest::rstest;

use super::calls::talk;
use super::world::{AGENT, HOME, Loses, On, PEER, SERVER, World};
use crate::{Input, Interface};

const STRANGER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x66, 0, 0, 0, 0, 0x66);

#[test]
fn a_strangers_tunnel_is_dropped() {
    let mut world = World::registered("", &[]);
    world.invite_tunnel = STRANGER;
    world.invite("c1", PEER);
    world.run_ms(500);
    assert_eq!(world.order(), "INVITE c1");
}

#[test]
fn the_servers_tunnel_carries_the_servers_packets_only() {
    let mut world = World::registered("", &[]);
    let datagram = udp::datagram(STRANGER, HOME, 4001, 4002, &[1]);
    let echo = Outgoing::new(STRANGER, HOME, protocol::UDP).to_vec(&datagram);
    world.tunnel_from(SERVER, &echo);
    world.run_ms(100);
    assert_eq!(world.order(), "");
    world.tunnel_from(AGENT, &echo);
    world.run_ms(100);
    assert_eq!(world.order(), "ICMPv6 1 tunnel");
}

#[test]
fn a_forged_acknowledgement_releases_nothing() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::Acknowledgement);
    world.invite("c1", PEER);
    world.run_ms(100);
    let care_of = world.care_of();
    let right = world.peers[&PEER].updates[0].sequence;
    let wrong_key = BindingManagementKey([0x77; 20]);
    let lifetime = Lifetime(105);
    world.acknowledge_with(PEER, care_of, Status::ACCEPTED, right, lifetime, &wrong_key);
    let never_sent = Sequence(right.0.wrapping_add(5));
    world.acknowledge(PEER, care_of, Status::ACCEPTED, never_sent, lifetime);
    world.run_ms(300);
    assert!(!world.order().contains("180"), "{}", world.tell());
    world.acknowledge(PEER, care_of, Status::ACCEPTED, right, lifetime);
    world.run_ms(50);
    assert!(world.order().ends_with("BA 0, 180 c1 tunnel"), "{}", world.tell());
}

#[test]
fn a_forged_home_test_makes_no_update() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::HomeTest);
    world.invite("c1", PEER);
    world.run_ms(100);
    let cookie = world.peers[&PEER].last_cookie;
    let test = |cookie| Message::HomeTest(HomeTest::new(3, cookie, [9; 8]));
    let outgoing = Outgoing::new(PEER, HOME, protocol::MOBILITY);
    let wrong = outgoing.to_vec(&test([1; 8]).to_vec(PEER, HOME));
    world.tunnel(&wrong);
    // The right cookie, but not through the home agent's tunnel.
    let care_of = world.care_of();
    let type_2_routing = Some(HOME);
    let direct = Outgoing { type_2_routing, ..Outgoing::new(PEER, care_of, protocol::MOBILITY) };
    world.deliver(&direct.to_vec(&test(cookie).to_vec(PEER, HOME)));
    world.run_ms(500);
    assert!(!world.order().contains("BU direct"), "{}", world.tell());
}

#[test]
fn a_forged_error_ends_nothing() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::HomeTest);
    world.invite("c1", PEER);
    world.run_ms(100);
    let init = Message::HomeTestInit(HomeTestInit::new([1; 8]));
    let quoted = Outgoing::new(HOME, PEER, protocol::MOBILITY).to_vec(&init.to_vec(HOME, PEER));
    let reason = Reason::ParameterProblem(Problem::at(1, 6));
    world.tunnel(&answer(PEER, &quoted, reason).unwrap());
    world.run_ms(300);
    assert!(!world.order().contains("180"), "{}", world.tell());
}

/// Found by the network target: a restarted correspondent complains about each packet of media.
#[test]
fn a_second_binding_error_does_not_hold_up_what_the_first_began() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.story.clear();
    let care_of = world.care_of();
    let error = Message::BindingError(BindingError::unknown_binding(HOME)).to_vec(PEER, care_of);
    for _ in 0..5 {
        world.deliver(&Outgoing::new(PEER, care_of, protocol::MOBILITY).to_vec(&error));
    }
    world.run_ms(100);
    assert_eq!(world.order().matches("BU direct").count(), 1, "{}", world.tell());
    assert!(world.order().contains("BU direct, BA 0"), "{}", world.tell());
}

#[rstest]
#[case::unknown_binding(BindingError::unknown_binding(HOME), true)]
#[case::another_home_address(BindingError::unknown_binding(STRANGER), false)]
fn a_binding_error_undoes_the_binding_it_names(#[case] error: BindingError, #[case] undone: bool) {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.story.clear();
    let care_of = world.care_of();
    let octets = Message::BindingError(error).to_vec(PEER, care_of);
    world.deliver(&Outgoing::new(PEER, care_of, protocol::MOBILITY).to_vec(&octets));
    world.run_ms(100);
    assert_eq!(world.order().contains("BU direct"), undone, "{}", world.tell());
}

#[test]
fn an_unknown_mobility_message_is_answered_with_a_binding_error() {
    let mut world = World::registered("", &[]);
    let mut octets = vec![59, 0, 200, 0, 0, 0, 1, 2];
    let sum = roamproof_wire::checksum::upper_layer(PEER, HOME, protocol::MOBILITY, &octets);
    octets[4..6].copy_from_slice(&sum.to_be_bytes());
    world.tunnel(&Outgoing::new(PEER, HOME, protocol::MOBILITY).to_vec(&octets));
    world.run_ms(50);
    assert_eq!(world.order(), "BE tunnel");
}

#[test]
fn a_refresh_request_refreshes() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.story.clear();
    let request = Message::BindingRefreshRequest(Default::default()).to_vec(PEER, HOME);
    let packet = Outgoing::new(PEER, HOME, protocol::MOBILITY).to_vec(&request);
    world.tunnel(&packet);
    world.run_ms(100);
    assert!(world.order().contains("BU direct, BA 0"), "{}", world.tell());
}

#[test]
fn a_packet_too_big_makes_the_tunnel_smaller() {
    let mut world = World::registered("lends = true", &[]);
    world.story.clear();
    let large = Outgoing::new(HOME, PEER, protocol::UDP).to_vec(&[7; 1420]);
    world.input(Input::Local(&large));
    assert_eq!(world.order(), "protocol 17 tunnel");
    world.too_big(1300);
    world.run_ms(50);
    world.story.clear();
    world.locals.clear();
    world.input(Input::Local(&large));
    assert_eq!(world.order(), "");
    assert_eq!(world.locals.len(), 1, "the program is told");
    let small = Outgoing::new(HOME, PEER, protocol::UDP).to_vec(&[7; 1240]);
    world.input(Input::Local(&small));
    assert_eq!(world.order(), "fragment, fragment");
}

#[test]
fn a_lent_address_travels_by_tunnel_and_then_directly() {
    let mut world = World::registered("lends = true", &[]);
    let packet = Outgoing::new(HOME, PEER, protocol::UDP).to_vec(&[7; 40]);
    world.input(Input::Local(&packet));
    world.command(&format!("optimize {PEER}"));
    world.run_ms(50);
    world.input(Input::Local(&packet));
    assert_eq!(
        world.order(),
        "protocol 17 tunnel, HoTI tunnel, CoTI native, BU direct, BA 0, protocol 17 direct"
    );
    let care_of = world.care_of();
    let type_2_routing = Some(HOME);
    let back = Outgoing { type_2_routing, ..Outgoing::new(PEER, care_of, protocol::UDP) };
    world.deliver(&back.to_vec(&[9; 40]));
    world.run_ms(50);
    let plain = Outgoing::new(PEER, HOME, protocol::UDP).to_vec(&[9; 40]);
    assert_eq!(world.locals, [plain]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_frames_make_it_panic(frames: Vec<Vec<u8>>, inner: Vec<Vec<u8>>) {
        let mut world = World::new("");
        world.plug(On::Visited1);
        world.run_for(Duration::from_secs(3));
        for octets in &frames {
            world.mt_only(Input::Frame { interface: Interface(0), octets });
        }
        for octets in inner {
            let packet = Outgoing::new(PEER, HOME, protocol::MOBILITY).to_vec(&octets);
            world.tunnel(&packet);
        }
        world.run_ms(100);
    }
}
