//! Handovers and the return home, in calls and before them.

use std::time::Duration;

use roamproof_wire::ipv6::{Outgoing, protocol};
use rstest::rstest;

use super::calls::talk;
use super::world::{HOME, Loses, On, PEER, World};
use crate::Input;

#[test]
fn a_handover_updates_the_home_agent_and_nobody_else() {
    let mut world = World::registered("", &[]);
    world.plug(On::Visited2);
    world.run_for(Duration::from_secs(5));
    insta::assert_snapshot!(world.tell(), @"
       0 RS
       5 probe 2001:db8:f2::5eff:fe10:a100
    1005 home BU
    1005 home BA
    ");
    assert_eq!(world.agent_bound, Some(world.care_of()));
}

#[test]
fn a_handover_in_a_call_moves_the_binding() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.story.clear();
    world.plug(On::Visited2);
    world.run_for(Duration::from_secs(3));
    insta::assert_snapshot!(world.tell(), @"
       0 RS
       5 probe 2001:db8:f2::5eff:fe10:a100
    1005 home BU
    1005 home BA
    1010 CoTI native
    1015 BU direct
    1015 BA 0
    1025 media direct
    ");
    assert_eq!(world.peers[&PEER].bound, Some(world.care_of()));
}

/// The router of the next link is known before the next care-of address is.
#[test]
fn between_links_nothing_leaves_from_the_last_care_of_address() {
    let mut world = World::registered("lends = true", &[]);
    let packet = Outgoing::new(HOME, PEER, protocol::UDP).to_vec(&[7; 40]);
    world.plug(On::Visited2);
    world.run_ms(500);
    world.input(Input::Local(&packet));
    assert_eq!(world.order(), "RS, probe 2001:db8:f2::5eff:fe10:a100");
    world.run_ms(1000);
    world.input(Input::Local(&packet));
    assert!(world.order().ends_with("home BA, protocol 17 tunnel"), "{}", world.tell());
}

#[test]
fn a_handover_while_a_call_waits_begins_at_the_home_agent() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::CareOfTest);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.peer().loses.clear();
    world.plug(On::Visited2);
    world.run_for(Duration::from_secs(3));
    insta::assert_snapshot!(world.tell(), @"
       0 INVITE c1
       5 HoTI tunnel
       5 CoTI native
     500 RS
     505 probe 2001:db8:f2::5eff:fe10:a100
    1505 home BU
    1505 home BA
    1510 CoTI native
    1515 BU direct
    1515 BA 0
    1520 180 c1 tunnel
    1720 200 c1 tunnel
    2220 200 c1 tunnel
    3220 200 c1 tunnel
    ");
}

#[test]
fn an_unacknowledged_binding_is_moved_too() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::Acknowledgement);
    world.invite("c1", PEER);
    world.run_for(Duration::from_secs(8));
    world.story.clear();
    world.plug(On::Visited2);
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.peers[&PEER].bound, Some(world.care_of()), "{}", world.tell());
}

/// The binding of the first link was acknowledged once; that of the second may have taken its place.
#[test]
fn a_binding_of_before_is_none_when_the_terminal_is_back() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.peer().loses.insert(Loses::Acknowledgement);
    world.plug(On::Visited2);
    world.run_for(Duration::from_secs(2));
    world.story.clear();
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(3));
    assert!(!world.tell().contains("BU native"), "{}", world.tell());
    assert!(world.order().contains("home BA, CoTI native, BU direct"), "{}", world.tell());
    assert!(!world.order().contains("media direct"), "{}", world.tell());
}

/// Until the binding runs out at the peer, whatever it sends goes where the terminal is no more.
#[test]
fn a_binding_is_undone_from_home_however_long_the_peer_is_silent() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    // The tokens of the call are too old by then.
    world.run_for(Duration::from_secs(220));
    world.peer().loses.insert(Loses::HomeTest);
    world.plug(On::Home);
    world.run_for(Duration::from_secs(100));
    world.peer().loses.clear();
    world.run_for(Duration::from_secs(40));
    assert_eq!(world.peers[&PEER].bound, None, "{}", world.tell());
    world.story.clear();
    world.run_for(Duration::from_secs(100));
    assert!(!world.tell().contains("BU"), "{}", world.tell());
}

#[test]
fn the_return_home_in_a_call_undoes_everything() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.story.clear();
    world.plug(On::Home);
    world.run_for(Duration::from_secs(3));
    insta::assert_snapshot!(world.tell(), @"
     0 RS
     5 home BU 0
     5 home BA
     5 media native
    10 NA
    10 BU native
    10 BA 0
    25 media native
    ");
    assert_eq!((world.agent_bound, world.peers[&PEER].bound), (None, None));
}

#[test]
fn a_home_agent_that_does_not_say_where_it_is_is_found_by_the_home_address() {
    let mut world = World::registered("", &[]);
    world.names_agent = false;
    world.plug(On::Home);
    world.run_for(Duration::from_secs(1));
    insta::assert_snapshot!(world.tell(), @"
     0 RS
     5 probe 2001:db8:a::100
    10 home BU 0
    10 home BA
    15 NA
    ");
    assert_eq!(world.agent_bound, None);
}

#[test]
fn the_return_home_while_a_call_waits_answers_it() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::CareOfTest);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.plug(On::Home);
    world.run_for(Duration::from_secs(1));
    insta::assert_snapshot!(world.tell(), @"
       0 INVITE c1
       5 HoTI tunnel
       5 CoTI native
     500 RS
     505 home BU 0
     505 home BA
     505 180 c1 native
     510 NA
     705 200 c1 native
    1205 200 c1 native
    ");
}

#[test]
fn an_invite_before_the_home_agents_answer_waits_for_it() {
    let mut world = World::registered("", &[]);
    world.agent_silent_but_bound = true;
    world.plug(On::Visited2);
    world.run_ms(1100);
    world.invite("c1", PEER);
    world.run_ms(500);
    assert!(!world.order().contains("BU direct"), "{}", world.tell());
    world.agent_silent_but_bound = false;
    world.run_for(Duration::from_secs(3));
    insta::assert_snapshot!(world.tell(), @"
       0 RS
       5 probe 2001:db8:f2::5eff:fe10:a100
    1005 home BU
    1100 INVITE c1
    2005 home BU
    2005 home BA
    2010 HoTI tunnel
    2010 CoTI native
    2015 BU direct
    2015 BA 0
    2020 180 c1 tunnel
    2220 200 c1 tunnel
    2720 200 c1 tunnel
    3720 200 c1 tunnel
    ");
}

#[test]
fn leaving_home_registers_again() {
    let mut world = World::new("");
    world.plug(On::Home);
    world.run_for(Duration::from_secs(5));
    world.story.clear();
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(5));
    insta::assert_snapshot!(world.tell(), @"
       0 RS
       5 probe 2001:db8:f1::5eff:fe10:a100
    1005 home BU
    1005 home BA
    ");
}

#[test]
fn ten_moves_in_a_second_send_three_updates() {
    let mut world = World::registered("dad_transmits = 0", &[]);
    for turn in 0..10 {
        world.plug(if turn % 2 == 0 { On::Visited2 } else { On::Visited1 });
        world.run_ms(50);
    }
    let updates = world.agent_updates.len();
    assert!(updates <= 1 + 3, "{}", world.tell());
    world.run_for(Duration::from_secs(3));
    assert_eq!(world.agent_bound, Some(world.care_of()), "{}", world.tell());
}

#[rstest]
#[case::silent(false)]
#[case::heard(true)]
fn without_a_link_event_a_move_is_noticed_by_the_routers(#[case] heard: bool) {
    let mut world = World::new("");
    world.interval_ms = 1000;
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(5));
    world.on = Some(On::Visited2);
    if heard {
        world.advertise();
    }
    world.run_for(Duration::from_secs(15));
    assert_eq!(world.agent_bound, Some(world.care_of()), "{}", world.tell());
}

#[test]
fn a_second_router_of_the_same_link_changes_nothing() {
    let mut world = World::registered("", &[]);
    world.advertise_as(0x77, On::Visited1);
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.order(), "");
}
