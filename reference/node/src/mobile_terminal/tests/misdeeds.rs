//! Every misdeed shows: some sequence of events goes otherwise than by the book.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::{Reason, answer};
use roamproof_wire::ipv6::{Outgoing, Problem, protocol};
use roamproof_wire::mobility::{
    BindingError, BindingManagementKey, HomeTest, HomeTestInit, Lifetime, Message, Sequence, Status,
};
use roamproof_wire::udp;

use super::world::{AGENT, Correspondent, HOME, Loses, On, PEER, SERVER, World, description};
use crate::misdeed::ALL;

const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xbb);
const STRANGER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x66, 0, 0, 0, 0, 0x66);

/// What happens to the terminal, from its first attachment on.
type Plot = fn(&mut World);

const PLOTS: &[Plot] = &[
    call,
    call_and_media,
    call_by_another_address,
    call_without_offer,
    call_at_home,
    slow_acknowledgement,
    copies,
    handover_in_call,
    handover_while_pending,
    second_calls,
    unanswered_acknowledgement,
    unanswered_home_test,
    refused_update,
    forged_answers,
    cancelled,
    refused_call,
    odd_addresses,
    options,
    moved_media,
    return_home,
    early_invite,
    tunnels,
    power_cycle,
    binding_lost,
    no_mobility,
    after_the_end_of_the_binding,
    long_call,
];

/// These want peers that these plots have not; the kill matrix holds that a purpose or a sequence
/// catches each.
const SHOWN_ELSEWHERE: &[&str] = &[
    "rings-early-on-tcp",
    "gates-mobility-by-calls",
    "ignores-limited-tunnel",
    "optimizes-first-address-only",
    "never-answers-where-refused",
    "abandons-shared-route",
    "restarts-budget",
    "answers-in-order",
    "ignores-answer-in-ack",
    "answers-update-late",
    "never-optimizes-back",
];

#[test]
fn every_misdeed_shows() {
    let by_the_book: Vec<String> = PLOTS.iter().map(|plot| story(&[], *plot)).collect();
    let declared = ALL.iter().filter(|one| one.role == "mobile-terminal");
    let silent: Vec<&str> = declared
        .filter(|one| !SHOWN_ELSEWHERE.contains(&one.name))
        .filter(|one| {
            let mut plots = PLOTS.iter().zip(&by_the_book);
            !plots.any(|(plot, book)| story(&[one.name], *plot) != *book)
        })
        .map(|one| one.name)
        .collect();
    assert_eq!(silent, [""; 0]);
}

fn story(misdeeds: &[&str], plot: Plot) -> String {
    let mut world = World::doing("", misdeeds);
    world.strict = false;
    world.peers.insert(PEER, Correspondent::default());
    world.peers.insert(OTHER, Correspondent::default());
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(5));
    plot(&mut world);
    world.tell()
}

fn call(world: &mut World) {
    world.invite("c1", PEER);
    world.run_ms(1000);
}

fn call_and_media(world: &mut World) {
    talk_if_possible(world);
    world.run_ms(500);
}

fn call_by_another_address(world: &mut World) {
    world.invite("c1", OTHER);
    world.run_ms(1000);
}

fn call_without_offer(world: &mut World) {
    world.invite_with("c1", "");
    world.run_ms(1000);
}

fn call_at_home(world: &mut World) {
    world.plug(On::Home);
    world.run_for(Duration::from_secs(5));
    call(world);
}

fn slow_acknowledgement(world: &mut World) {
    world.peer().loses.insert(Loses::Acknowledgement);
    world.invite("c1", PEER);
    world.run_ms(2000);
    world.peer().loses.clear();
    world.run_ms(6000);
}

fn copies(world: &mut World) {
    world.peer().loses.insert(Loses::Acknowledgement);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.invite("c1", PEER);
    world.run_ms(1000);
    world.peer().loses.clear();
    world.run_ms(3000);
}

fn handover_in_call(world: &mut World) {
    talk_if_possible(world);
    world.plug(On::Visited2);
    world.run_for(Duration::from_secs(3));
}

fn handover_while_pending(world: &mut World) {
    world.peer().loses.insert(Loses::CareOfTest);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.peer().loses.clear();
    world.plug(On::Visited2);
    world.run_for(Duration::from_secs(3));
}

fn second_calls(world: &mut World) {
    world.peer().loses.insert(Loses::CareOfTest);
    world.invite("c1", PEER);
    world.run_ms(100);
    world.invite("c2", PEER);
    world.run_ms(500);
}

fn unanswered_acknowledgement(world: &mut World) {
    world.peer().loses.insert(Loses::Acknowledgement);
    world.invite("c1", PEER);
    world.run_ms(8000);
    world.plug(On::Visited2);
    world.run_for(Duration::from_secs(3));
}

fn unanswered_home_test(world: &mut World) {
    world.peer().loses.insert(Loses::HomeTest);
    world.invite("c1", PEER);
    world.run_ms(8000);
}

fn refused_update(world: &mut World) {
    let peer = world.peer();
    peer.statuses.extend([Status::EXPIRED_NONCES; 3]);
    world.invite("c1", PEER);
    world.run_ms(1000);
}

fn forged_answers(world: &mut World) {
    world.peer().loses.insert(Loses::Acknowledgement);
    world.peers.get_mut(&OTHER).unwrap().loses.insert(Loses::HomeTest);
    world.invite("c1", PEER);
    world.invite("c2", OTHER);
    world.run_ms(100);
    let wrong_key = BindingManagementKey([0x77; 20]);
    if let Some(care_of) = world.peers[&PEER].bound {
        let number = Sequence(world.peers[&PEER].updates[0].sequence.0 + 9);
        let lifetime = Lifetime(105);
        world.acknowledge_with(PEER, care_of, Status::ACCEPTED, number, lifetime, &wrong_key);
    }
    world.run_ms(100);
    let test = Message::HomeTest(HomeTest::new(3, [1; 8], [9; 8])).to_vec(OTHER, HOME);
    world.tunnel(&Outgoing::new(OTHER, HOME, protocol::MOBILITY).to_vec(&test));
    world.run_ms(100);
    let init = Message::HomeTestInit(HomeTestInit::new([1; 8])).to_vec(HOME, OTHER);
    let quoted = Outgoing::new(HOME, OTHER, protocol::MOBILITY).to_vec(&init);
    let reason = Reason::ParameterProblem(Problem::at(1, 6));
    world.tunnel(&answer(OTHER, &quoted, reason).unwrap());
    world.run_ms(300);
}

fn cancelled(world: &mut World) {
    world.peer().loses.insert(Loses::HomeTest);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.cancel("c1");
    world.run_ms(3000);
}

fn refused_call(world: &mut World) {
    let body = description(PEER).replace("RTP/AVP 0", "RTP/AVP 98");
    world.invite_with("c1", &format!("{body}a=rtpmap:98 X/8000\n"));
    world.run_ms(500);
}

fn odd_addresses(world: &mut World) {
    world.invite("c1", AGENT);
    world.run_ms(500);
}

fn options(world: &mut World) {
    world.peer().loses.insert(Loses::CareOfTest);
    world.invite("c1", PEER);
    world.run_ms(100);
    world.options("o1");
    world.run_ms(100);
    world.peer().loses.clear();
    world.run_ms(1000);
}

fn moved_media(world: &mut World) {
    talk_if_possible(world);
    if world.order().contains("200 c1") {
        world.request_within("c1", 2, "UPDATE", &description(OTHER));
    }
    world.run_ms(500);
}

fn return_home(world: &mut World) {
    world.peers.get_mut(&OTHER).unwrap().loses.insert(Loses::CareOfTest);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.invite("c2", OTHER);
    world.run_ms(100);
    world.plug(On::Home);
    world.run_for(Duration::from_secs(3));
}

fn early_invite(world: &mut World) {
    talk_if_possible(world);
    world.agent_silent_but_bound = true;
    world.plug(On::Visited2);
    world.run_ms(1100);
    world.invite("c2", PEER);
    world.run_ms(500);
    world.agent_silent_but_bound = false;
    world.run_for(Duration::from_secs(3));
}

fn tunnels(world: &mut World) {
    let datagram = udp::datagram(STRANGER, HOME, 4001, 4002, &[1]);
    let packet = Outgoing::new(STRANGER, HOME, protocol::UDP).to_vec(&datagram);
    world.tunnel_from(SERVER, &packet);
    world.run_ms(50);
    world.invite_tunnel = SERVER;
    world.invite("c1", PEER);
    world.run_ms(500);
    world.invite_tunnel = STRANGER;
    world.invite("c2", PEER);
    world.run_ms(500);
}

fn power_cycle(world: &mut World) {
    world.command("restart");
    world.run_for(Duration::from_secs(5));
    call(world);
}

fn binding_lost(world: &mut World) {
    talk_if_possible(world);
    let care_of = world.care_of();
    let octets = Message::BindingError(BindingError::unknown_binding(HOME)).to_vec(PEER, care_of);
    world.deliver(&Outgoing::new(PEER, care_of, protocol::MOBILITY).to_vec(&octets));
    world.run_ms(100);
    world.invite("c2", PEER);
    world.run_ms(500);
}

fn no_mobility(world: &mut World) {
    world.peer().knows_no_mobility = true;
    world.invite("c1", PEER);
    world.run_for(Duration::from_secs(8));
}

fn after_the_end_of_the_binding(world: &mut World) {
    world.invite("c1", PEER);
    world.run_ms(100);
    world.cancel("c1");
    world.run_for(Duration::from_secs(430));
    world.invite("c2", PEER);
    world.run_ms(500);
}

fn long_call(world: &mut World) {
    talk_if_possible(world);
    world.run_for(Duration::from_secs(430));
}

/// A call as far as the misdeed lets it come.
fn talk_if_possible(world: &mut World) {
    world.invite("c1", PEER);
    world.run_ms(400);
    if world.order().contains("200 c1") {
        world.request_within("c1", 1, "ACK", "");
    }
    world.run_ms(100);
}
