//! A care-of address that no longer holds (D11), a path that carries less, and CANCEL (D13).

use roamproof_wire::mobility::{BindingLookup, Lifetime};
use rstest::rstest;

use super::peers::*;
use super::*;

#[test]
fn the_home_agent_confirms_and_the_invite_stays_in_the_tunnel() {
    let mut bench = Bench::tunnelled(&[]);
    bench.wait(500);
    let query = bench.query();
    assert_eq!(query.home_address, HOA);
    bench.wait(20);
    bench.reply(&query, CARE_OF);
    bench.wait(4000);
    let ways = bench.ways(Method::Invite);
    let expected = [1500, 2500, 4500].map(|at| (at, tunnel(CARE_OF)));
    assert_eq!(ways, expected, "{}", bench.log);
    assert_eq!(bench.drain_lookups(), [], "asked once");
}

#[test]
fn the_home_agent_names_another_care_of_address() {
    let mut bench = Bench::tunnelled(&[]);
    bench.wait(500);
    let query = bench.query();
    bench.wait(20);
    bench.reply(&query, OTHER_CARE_OF);
    let sent = bench.drain_sip();
    let ways: Vec<_> = sent.iter().map(|(sent, _)| (sent.at.as_millis(), sent.way())).collect();
    assert_eq!(ways, [(1500, tunnel(CARE_OF)), (1520, tunnel(OTHER_CARE_OF))]);
    assert_eq!(sent[0].1.to_vec(), sent[1].1.to_vec(), "the branch is the same");
}

#[test]
fn the_home_agent_says_nothing_and_the_second_copy_goes_home() {
    let mut bench = Bench::tunnelled(&[]);
    bench.wait(4000);
    let times: Vec<u128> =
        bench.drain_lookups().iter().map(|(sent, _)| sent.at.as_millis()).collect();
    assert_eq!(times, [1500, 1750]);
    let home = HOA.to_string();
    let expected = [(1500, tunnel(CARE_OF)), (2500, home.clone()), (4500, home)];
    assert_eq!(bench.ways(Method::Invite), expected);
}

#[test]
fn the_home_agent_says_that_the_binding_is_gone() {
    let mut bench = Bench::tunnelled(&[]);
    bench.wait(500);
    let query = bench.query();
    let status = roamproof_wire::mobility::LookupStatus::NO_BINDING;
    bench.say(HA, BindingLookup::reply_without(query.transaction, HOA, status));
    assert_eq!(bench.ways(Method::Invite), [(1500, tunnel(CARE_OF)), (1500, HOA.to_string())]);
}

#[rstest]
#[case::unreachable(Reason::DestinationUnreachable { code: 3 })]
#[case::tunnel_not_understood(Reason::ParameterProblem(roamproof_wire::ipv6::Problem { code: 1, pointer: 6 }))]
fn an_error_about_the_tunnel_sends_the_same_branch_home_at_once(#[case] reason: Reason) {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    bench.drain();
    bench.reply(&query, CARE_OF);
    let (tunnelled, first) = bench.drain_sip().remove(0);
    bench.wait(30);
    bench.complain(ROUTER, &tunnelled.octets, reason);
    let [(sent, again)] = &bench.drain_sip()[..] else { panic!("{}", bench.log) };
    assert_eq!((sent.way(), sent.at.as_millis()), (HOA.to_string(), 1030));
    assert_eq!(again.to_vec(), first.to_vec());
    bench.wait(1000);
    assert_eq!(bench.ways(Method::Invite), [(1500, HOA.to_string())]);
    assert_eq!(bench.drain_lookups(), [], "a way that was given up is not asked about");
    bench.complain(ROUTER, &tunnelled.octets, reason);
    assert_eq!(bench.dropped("ICMPv6 error about nothing on its way"), 1, "{}", bench.log);
    assert_eq!(bench.drain_sip().len(), 0, "the call goes on");
}

#[test]
fn an_error_about_another_call_or_of_an_answered_one_sends_nothing() {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    bench.drain();
    bench.reply(&query, CARE_OF);
    let (tunnelled, invite) = bench.drain_sip().remove(0);
    let mut forged = tunnelled.octets.clone();
    let at = forged.windows(7).position(|window| window == b"z9hG4bK").unwrap() + 9;
    forged[at] ^= 1;
    let reason = Reason::DestinationUnreachable { code: 3 };
    bench.complain(ROUTER, &forged, reason);
    assert_eq!(bench.dropped("ICMPv6 error about nothing on its way"), 1, "{}", bench.log);
    bench.hear(HOA, &response(&invite, 180));
    bench.drain();
    bench.complain(ROUTER, &tunnelled.octets, reason);
    assert_eq!(bench.ways(Method::Invite), []);
}

#[test]
fn an_answered_invite_does_not_follow_a_change() {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    bench.reply(&query, CARE_OF);
    let (_, invite) = bench.drain_sip().pop().unwrap();
    bench.hear(HOA, &response(&invite, 180));
    bench.wait(50);
    bench.drain();
    bench.say(HA, BindingLookup::change(7, HOA, OTHER_CARE_OF, Lifetime(100)));
    assert_eq!(bench.drain_lookups().len(), 1);
    assert_eq!(bench.ways(Method::Invite), []);
}

#[test]
fn an_answer_just_before_the_first_copy_is_due_does_not_double_it() {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    bench.wait(480);
    bench.drain();
    bench.reply(&query, CARE_OF);
    bench.wait(1000);
    assert_eq!(bench.ways(Method::Invite), [(1480, tunnel(CARE_OF))]);
}

#[test]
fn a_cancel_and_the_ack_of_a_refusal_take_the_way_of_their_invite() {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    bench.reply(&query, CARE_OF);
    let (_, invite) = bench.drain_sip().pop().unwrap();
    cancel(&mut bench);
    let statuses: Vec<_> = bench.drain_sip().iter().map(|(_, one)| one.status()).collect();
    assert_eq!(statuses, [Some(200)], "the CANCEL is answered, ours is held");
    bench.wait(100);
    bench.hear(HOA, &response(&invite, 180));
    assert_eq!(bench.ways(Method::Cancel), [(1100, tunnel(CARE_OF))]);
    bench.hear(HOA, &response(&invite, 487));
    assert_eq!(bench.ways(Method::Ack), [(1100, tunnel(CARE_OF))]);
    bench.hear(HOA, &response(&invite, 487));
    assert_eq!(bench.ways(Method::Ack).len(), 0, "a copy at once is none");
    bench.wait(500);
    bench.hear(HOA, &response(&invite, 487));
    assert_eq!(bench.ways(Method::Ack), [(1600, tunnel(CARE_OF))]);
}

#[test]
fn a_cancel_follows_its_invite_to_another_care_of_address() {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    bench.reply(&query, CARE_OF);
    let (_, invite) = bench.drain_sip().pop().unwrap();
    bench.wait(20);
    bench.hear(HOA, &response(&invite, 180));
    bench.say(HA, BindingLookup::change(7, HOA, OTHER_CARE_OF, Lifetime(100)));
    bench.drain();
    cancel(&mut bench);
    assert_eq!(bench.ways(Method::Cancel), [(1020, tunnel(OTHER_CARE_OF))]);
}

/// An INVITE of some 1200 octets: its inner packet is smaller than every link's MTU, its outer one
/// is not.
#[test]
fn a_path_that_carries_less_gets_fragments_of_the_outer_packet() {
    let mut bench = Bench::notified(&[]);
    let body = "a=".to_owned() + &"x".repeat(830);
    bench.hear(CN, &invite_with_body("a", "mt", CN, &body));
    let query = bench.query();
    bench.drain();
    bench.lengths.clear();
    bench.reply(&query, CARE_OF);
    let (tunnelled, invite) = bench.drain_sip().remove(0);
    let whole = tunnelled.octets.len();
    assert_eq!(bench.lengths, [whole]);
    assert!(whole > 1280 && whole - 40 <= 1280, "{whole}");
    bench.complain(ROUTER, &tunnelled.octets, Reason::PacketTooBig { mtu: 1280 });
    let [(sent, again)] = &bench.drain_sip()[..] else { panic!("{}", bench.log) };
    assert_eq!(bench.lengths[1..], [1280, whole - 1272 + 48]);
    assert_eq!((sent.way(), again.to_vec()), (tunnel(CARE_OF), invite.to_vec()));
    bench.complain(ROUTER, &tunnelled.octets, Reason::PacketTooBig { mtu: 1280 });
    assert_eq!(bench.drain_sip().len(), 0, "it is no news");
}

#[test]
fn a_plain_path_that_carries_less_gets_fragments_too() {
    let mut bench = Bench::plugged("", &[]);
    bench.register("mt", HOA);
    let body = "a=".to_owned() + &"x".repeat(870);
    bench.hear(CN, &invite_with_body("a", "mt", CN, &body));
    let (sent, _) = bench.drain_sip().pop().unwrap();
    bench.lengths.clear();
    bench.complain(HA, &sent.octets, Reason::PacketTooBig { mtu: 1280 });
    bench.wait(500);
    let (again, _) = bench.drain_sip().pop().expect("a copy");
    assert_eq!(again.way(), HOA.to_string());
    assert_eq!(bench.lengths.len(), 2, "{:?}", bench.lengths);
    assert!(bench.lengths.iter().all(|length| *length <= 1280));
}

fn cancel(bench: &mut Bench) {
    let text = String::from_utf8(invite("a", "mt", CN)).unwrap();
    bench.hear(CN, text.replace("INVITE", "CANCEL").as_bytes());
}
