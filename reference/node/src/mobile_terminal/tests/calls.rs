//! Calls that come in: optimization before response (claims 1, 2, 6), and when it fails.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::mobility::Status;
use rstest::rstest;

use super::world::{Correspondent, Loses, On, PEER, SERVER, World, description};

const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xbb);

#[test]
fn a_call_is_answered_after_optimization() {
    let mut world = World::registered("", &[]);
    world.invite("c1", PEER);
    world.run_ms(400);
    world.request_within("c1", 1, "ACK", "");
    world.run_ms(500);
    world.request_within("c1", 2, "BYE", "");
    world.run_ms(500);
    insta::assert_snapshot!(world.tell(), @"
      0 INVITE c1
      5 HoTI tunnel
      5 CoTI native
     10 BU direct
     10 BA 0
     15 180 c1 tunnel
    215 200 c1 tunnel
    400 ACK c1
    405 media direct
    900 BYE c1
    905 200 c1 tunnel
    ");
}

#[test]
fn at_home_a_call_is_answered_at_once() {
    let mut world = World::new("");
    world.plug(On::Home);
    world.run_for(Duration::from_secs(5));
    world.story.clear();
    world.invite("c1", PEER);
    world.run_ms(400);
    insta::assert_snapshot!(world.tell(), @"
      0 INVITE c1
      5 180 c1 native
    205 200 c1 native
    ");
}

#[test]
fn the_offer_names_the_peer_and_not_the_contact() {
    let mut world = World::registered("", &[]);
    world.peers.insert(OTHER, Correspondent::default());
    world.invite("c1", OTHER);
    world.run_ms(100);
    assert!(world.peers[&OTHER].bound.is_some(), "{}", world.tell());
    assert!(world.peers[&PEER].updates.is_empty());
}

#[rstest]
#[case::home_test(Loses::HomeTest)]
#[case::care_of_test(Loses::CareOfTest)]
#[case::acknowledgement(Loses::Acknowledgement)]
fn what_is_lost_for_good_ends_in_the_tunnel(#[case] loses: Loses) {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(loses);
    world.invite("c1", PEER);
    world.run_ms(7100);
    insta::assert_snapshot!(format!("{loses:?}"), world.tell());
}

/// Found by a fuzzer: the second call got what was left of the first one's back-off, and was answered
/// without a route three seconds after it came.
#[test]
fn a_call_during_the_last_attempt_has_a_budget_of_its_own() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::Acknowledgement);
    world.invite("c1", PEER);
    world.run_for(Duration::from_secs(60));
    world.story.clear();
    world.invite("c2", PEER);
    world.run_ms(6500);
    assert!(!world.tell().contains("180 c2"), "{}", world.tell());
    assert!(world.tell().contains("BU direct"), "{}", world.tell());
    world.run_ms(1000);
    assert!(world.tell().contains("180 c2"), "{}", world.tell());
}

#[test]
fn a_loss_is_made_good() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::HomeTest);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.peer().loses.clear();
    world.run_ms(600);
    insta::assert_snapshot!(world.tell(), @"
       0 INVITE c1
       5 HoTI tunnel
       5 CoTI native
    1005 HoTI tunnel
    1010 BU direct
    1010 BA 0
    1015 180 c1 tunnel
    ");
}

#[test]
fn a_caller_without_mobile_ipv6_is_answered_through_the_tunnel_at_once() {
    let mut world = World::registered("", &[]);
    world.peer().knows_no_mobility = true;
    world.invite("c1", PEER);
    world.run_ms(400);
    world.request_within("c1", 1, "ACK", "");
    world.run_ms(300);
    insta::assert_snapshot!(world.tell(), @"
      0 INVITE c1
      5 HoTI tunnel
      5 CoTI native
     10 180 c1 tunnel
    210 200 c1 tunnel
    400 ACK c1
    405 media tunnel
    ");
}

#[test]
fn a_terminal_may_refuse_what_cannot_be_optimized() {
    let mut world = World::registered("on_ro_failure = \"refuse\"", &[]);
    world.peer().knows_no_mobility = true;
    world.invite("c1", PEER);
    world.run_ms(400);
    insta::assert_snapshot!(world.tell(), @"
     0 INVITE c1
     5 HoTI tunnel
     5 CoTI native
    10 480 c1 tunnel
    ");
}

#[rstest]
#[case::home_nonce(Status::EXPIRED_HOME_NONCE_INDEX, "HoTI tunnel")]
#[case::care_of_nonce(Status::EXPIRED_CARE_OF_NONCE_INDEX, "CoTI native")]
#[case::both(Status::EXPIRED_NONCES, "HoTI tunnel, CoTI native")]
fn expired_tokens_are_fetched_again(#[case] status: Status, #[case] again: &str) {
    let mut world = World::registered("", &[]);
    world.peer().statuses.push_back(status);
    world.invite("c1", PEER);
    world.run_ms(100);
    let expected = format!(
        "INVITE c1, HoTI tunnel, CoTI native, BU direct, BA {}, {again}, BU direct, BA 0, \
         180 c1 tunnel",
        status.0
    );
    assert_eq!(world.order(), expected);
}

#[test]
fn another_refusal_ends_in_the_tunnel() {
    let mut world = World::registered("", &[]);
    let peer = world.peer();
    peer.statuses.push_back(Status::ADMINISTRATIVELY_PROHIBITED);
    world.invite("c1", PEER);
    world.run_ms(100);
    assert!(world.order().ends_with("BA 129, 180 c1 tunnel"), "{}", world.order());
}

#[test]
fn a_sequence_refusal_moves_the_number_on() {
    let mut world = World::registered("", &[]);
    world.peer().last_sequence_ahead = Some(100);
    world.invite("c1", PEER);
    world.run_ms(100);
    let numbers: Vec<u16> =
        world.peers[&PEER].updates.iter().map(|update| update.sequence.0).collect();
    assert_eq!(numbers[1], numbers[0].wrapping_add(101), "{}", world.tell());
    assert!(world.order().ends_with("BA 0, 180 c1 tunnel"), "{}", world.order());
}

#[test]
fn copies_of_an_invite_are_absorbed() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::Acknowledgement);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.invite("c1", PEER);
    world.run_ms(1000);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.peer().loses.clear();
    world.run_ms(1500);
    insta::assert_snapshot!(world.tell(), @"
       0 INVITE c1
       5 HoTI tunnel
       5 CoTI native
      10 BU direct
     500 INVITE c1
    1010 BU direct
    1500 INVITE c1
    3010 BU direct
    3010 BA 0
    3015 180 c1 tunnel
    3215 200 c1 tunnel
    ");
}

#[test]
fn a_second_call_uses_the_fresh_binding() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.story.clear();
    world.invite("c2", PEER);
    world.run_ms(100);
    assert_eq!(world.signalling(), "INVITE c2, 180 c2 tunnel");
}

#[test]
fn a_second_call_after_the_end_of_the_binding_optimizes_again() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.request_within("c1", 2, "BYE", "");
    world.run_for(Duration::from_secs(415));
    world.story.clear();
    world.invite("c2", PEER);
    world.run_ms(100);
    assert_eq!(
        world.order(),
        "INVITE c2, HoTI tunnel, CoTI native, BU direct, BA 0, 180 c2 tunnel"
    );
}

#[test]
fn calls_from_one_peer_share_the_procedure() {
    let mut world = World::registered("", &[]);
    world.invite("c1", PEER);
    world.invite("c2", PEER);
    world.run_ms(100);
    assert_eq!(
        world.order(),
        "INVITE c1, INVITE c2, HoTI tunnel, CoTI native, BU direct, BA 0, 180 c1 tunnel, \
         180 c2 tunnel"
    );
}

#[test]
fn fifty_callers_do_not_wait_for_each_other() {
    let mut world = World::registered("", &[]);
    for number in 0..50_u16 {
        let address = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 1, number);
        let mut peer = Correspondent::default();
        if number % 2 == 1 {
            peer.loses.extend([Loses::HomeTest, Loses::CareOfTest]);
        }
        world.peers.insert(address, peer);
        world.invite(&format!("c{number}"), address);
    }
    world.run_ms(200);
    let ringing = world.story.iter().filter(|(_, what)| what.starts_with("180")).count();
    assert_eq!(ringing, 25);
    world.run_ms(6900);
    let ringing = world.story.iter().filter(|(_, what)| what.starts_with("180")).count();
    assert_eq!(ringing, 50);
}

#[test]
fn without_an_offer_the_contact_is_optimized_and_the_answer_after() {
    let mut world = World::registered("", &[]);
    world.peers.insert(OTHER, Correspondent::default());
    world.invite_with("c1", "");
    world.run_ms(400);
    world.request_within("c1", 1, "ACK", &description(OTHER));
    world.run_ms(100);
    insta::assert_snapshot!(world.tell(), @"
      0 INVITE c1
      5 HoTI tunnel
      5 CoTI native
     10 BU direct
     10 BA 0
     15 180 c1 tunnel
    215 200 c1 tunnel
    400 ACK c1
    405 HoTI tunnel
    405 CoTI native
    410 BU direct
    410 BA 0
    415 media direct
    ");
}

#[rstest]
#[case::re_invite("INVITE")]
#[case::update("UPDATE")]
fn media_that_moves_is_optimized_first(#[case] method: &str) {
    let mut world = World::registered("", &[]);
    world.peers.insert(OTHER, Correspondent::default());
    talk(&mut world);
    world.story.clear();
    world.request_within("c1", 2, method, &description(OTHER));
    world.run_ms(100);
    let expected = format!("{method} c1, HoTI tunnel, CoTI native, BU direct, BA 0, 200 c1 tunnel");
    assert_eq!(world.signalling(), expected);
    assert!(!world.order().contains("media tunnel"), "{}", world.tell());
}

#[test]
fn an_update_is_answered_within_four_seconds() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.story.clear();
    world.request_within("c1", 2, "UPDATE", &description(OTHER));
    world.run_for(Duration::from_secs(4));
    assert!(world.order().contains("200 c1 tunnel"), "{}", world.tell());
}

#[test]
fn options_is_answered_at_once_while_a_call_waits() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::CareOfTest);
    world.invite("c1", PEER);
    world.run_ms(100);
    world.options("o1");
    world.run_ms(100);
    world.peer().loses.clear();
    world.run_ms(1000);
    insta::assert_snapshot!(world.tell(), @"
       0 INVITE c1
       5 HoTI tunnel
       5 CoTI native
     100 OPTIONS o1
     105 200 o1 tunnel
    1005 CoTI native
    1010 BU direct
    1010 BA 0
    1015 180 c1 tunnel
    ");
}

#[test]
fn a_cancelled_call_is_optimized_no_further() {
    let mut world = World::registered("", &[]);
    world.peer().loses.insert(Loses::HomeTest);
    world.invite("c1", PEER);
    world.run_ms(500);
    world.cancel("c1");
    world.run_ms(3000);
    insta::assert_snapshot!(world.tell(), @"
       0 INVITE c1
       5 HoTI tunnel
       5 CoTI native
     500 CANCEL c1
     505 200 c1 tunnel
     505 487 c1 tunnel
    1005 487 c1 tunnel
    2005 487 c1 tunnel
    ");
}

#[rstest]
#[case::no_common_codec("m=audio 4000 RTP/AVP 98\na=rtpmap:98 X/8000\n")]
#[case::ipv4_only("m=audio 4000 RTP/AVP 0\nc=IN IP4 192.0.2.1\n")]
fn what_is_refused_is_refused_at_once(#[case] media: &str) {
    let mut world = World::registered("", &[]);
    let body = description(PEER);
    let at = body.find("m=audio").unwrap();
    world.invite_with("c1", &format!("{}{media}", &body[..at]));
    world.run_ms(50);
    assert_eq!(world.order(), "INVITE c1, 488 c1 tunnel");
}

#[test]
fn the_care_of_address_is_in_no_sip_message() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    let care_of = world.care_of().to_string();
    assert_eq!(world.sip.len(), 2);
    for message in &world.sip {
        let text = String::from_utf8(message.to_vec()).unwrap();
        assert!(!text.contains(&care_of), "{text}");
    }
}

#[test]
fn a_binding_is_refreshed_while_the_call_lasts() {
    let mut world = World::registered("", &[]);
    talk(&mut world);
    world.story.clear();
    world.run_for(Duration::from_secs(450));
    insta::assert_snapshot!(world.tell(), @"
        0 media direct
    359505 HoTI tunnel
    359505 CoTI native
    359510 BU direct
    359510 BA 0
    359520 media direct
    ");
}

#[test]
fn a_call_of_ours_optimizes_once_it_is_answered() {
    let mut world = World::registered("", &[]);
    world.command("call sip:cn@example.com");
    world.run_ms(20);
    world.answer_call(&description(PEER));
    world.run_ms(100);
    insta::assert_snapshot!(world.tell(), @"
     0 INVITE tunnel
    20 200
    25 ACK tunnel
    25 HoTI tunnel
    25 CoTI native
    30 BU direct
    30 BA 0
    35 media direct
    ");
}

#[test]
fn an_invite_through_the_servers_tunnel_is_taken() {
    let mut world = World::registered("", &[]);
    world.invite_tunnel = SERVER;
    world.invite("c1", PEER);
    world.run_ms(100);
    assert!(world.order().ends_with("BA 0, 180 c1 tunnel"), "{}", world.order());
}

/// A call from the first INVITE to media.
pub(super) fn talk(world: &mut World) {
    world.invite("c1", PEER);
    world.run_ms(400);
    world.request_within("c1", 1, "ACK", "");
    world.run_ms(100);
}
