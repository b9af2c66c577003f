//! Misdeeds of the server are seen to do what they say; the kill matrix holds that each is caught.
#![cfg(feature = "misdeeds")]

use roamproof_wire::mobility::{BindingError, BindingLookup, Lifetime, Message as MobilityMessage};
use roamproof_wire::sip::HeaderName;
use rstest::rstest;

use super::peers::*;
use super::*;

const NEIGHBOUR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x101);
const GUESSED: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xdead, 0, 0, 0, 0, 0xbeef);

#[rstest]
#[case("binds-the-packet-source", "2001:db8:f1::beef")]
#[case("binds-the-via", "2001:db8:f1::dead")]
fn it_binds_what_is_not_the_contact(#[case] misdeed: &str, #[case] way: &str) {
    let mut bench = Bench::plugged("", &[misdeed]);
    let text = String::from_utf8(register("mt", HOA, &format!("<sip:mt@[{HOA}]>"))).unwrap();
    let text = text.replace(&format!("UDP [{HOA}]"), "UDP [2001:db8:f1::dead]");
    bench.hear("2001:db8:f1::beef".parse().unwrap(), text.as_bytes());
    bench.drain();
    bench.call("a");
    assert_eq!(bench.ways(Method::Invite), [(1000, way.to_owned())]);
}

#[test]
fn it_forgets_early_notifications() {
    let mut bench = Bench::plugged(&both_home_agents(), &["forgets-early-notifications"]);
    bench.say(HA, BindingLookup::notification(1, HOA, HA, Lifetime(100)));
    assert_eq!(bench.drain_lookups().len(), 1);
    bench.register("mt", HOA);
    bench.call("a");
    assert_eq!(bench.ways(Method::Invite), [(1000, HOA.to_string())]);
}

#[rstest]
#[case("sends-to-the-care-of-address-plainly", &[NEIGHBOUR])]
#[case("sends-a-second-copy", &[NEIGHBOUR, HOA])]
fn it_sends_invites_astray(#[case] misdeed: &str, #[case] ways: &[Ipv6Addr]) {
    let mut bench = Bench::plugged("", &[misdeed]);
    bench.register("mt", HOA);
    bench.call("a");
    let ways: Vec<_> = ways.iter().map(|way| (1000, way.to_string())).collect();
    assert_eq!(bench.ways(Method::Invite), ways);
}

#[test]
fn it_keeps_its_via() {
    let response = forwarded("keeps-its-via").expect("a response");
    assert_eq!(response.elements(HeaderName::Via).count(), 2);
}

#[test]
fn it_alters_the_body() {
    let response = forwarded("alters-the-body").expect("a response");
    assert_eq!(response.body(), b"v=0\r\ns=x\r\n");
}

/// The response that the caller gets to its INVITE.
fn forwarded(misdeed: &str) -> Option<Sip> {
    let mut bench = Bench::plugged("", &[misdeed]);
    bench.register("mt", HOA);
    bench.call("a");
    let (_, invite) = bench.drain_sip().pop()?;
    let mut answer = Sip::response_to(&invite, 200, "OK");
    answer.set_to_tag("t1");
    answer.set_body("application/sdp", b"v=0\r\ns=-\r\n".to_vec());
    bench.hear(HOA, &answer.to_vec());
    bench.drain_sip().pop().map(|(_, response)| response)
}

#[test]
fn it_says_no_trying() {
    let mut bench = Bench::plugged("", &["says-no-trying"]);
    bench.register("mt", HOA);
    bench.call("a");
    assert!(bench.drain_sip().iter().all(|(_, one)| one.is_request()));
}

#[test]
fn it_cancels_into_silence() {
    let mut bench = Bench::plugged("", &["cancels-into-silence"]);
    bench.register("mt", HOA);
    bench.call("a");
    let text = String::from_utf8(invite("a", "mt", CN)).unwrap();
    bench.hear(CN, text.replace("INVITE", "CANCEL").as_bytes());
    assert_eq!(bench.ways(Method::Cancel), [(1000, HOA.to_string())]);
}

#[rstest]
#[case("ignores-bindings", HOA.to_string())]
#[case("tunnels-to-the-home-address", format!("{HOA} in {HOA}"))]
#[case("sends-to-the-care-of-address-plainly", CARE_OF.to_string())]
fn it_takes_another_way_than_it_was_told(#[case] misdeed: &str, #[case] way: String) {
    let mut bench = Bench::notified(&[misdeed]);
    bench.call("a");
    let query = bench.query();
    bench.drain();
    bench.reply(&query, CARE_OF);
    assert_eq!(bench.ways(Method::Invite), [(1000, way)]);
}

#[test]
fn it_guesses_care_of_addresses() {
    let mut bench = Bench::notified(&["guesses-care-of-addresses"]);
    bench.call("a");
    assert_eq!(bench.drain_lookups(), []);
    assert_eq!(bench.ways(Method::Invite), [(1000, tunnel(GUESSED))]);
}

#[test]
fn it_asks_the_first_home_agent() {
    let mut bench = Bench::notified(&["asks-the-first-home-agent"]);
    bench.say(HA2, BindingLookup::notification(1, HOA2, HA2, Lifetime(100)));
    bench.drain();
    bench.hear(CN, &invite("b", "mt2", CN));
    let [(sent, query)] = &bench.drain_lookups()[..] else { panic!("{}", bench.log) };
    assert_eq!((sent.destination, query.home_address), (HA, HOA2));
}

#[test]
fn it_asks_everybody() {
    let mut bench = Bench::direct(&["asks-everybody"]);
    bench.call("a");
    let asked: Vec<_> = bench.drain_lookups().iter().map(|(sent, _)| sent.destination).collect();
    assert_eq!(asked, [HA, HA2]);
    assert_eq!(bench.ways(Method::Invite), [(1000, HOA.to_string())]);
}

#[test]
fn it_fails_without_notification() {
    let mut bench = Bench::direct(&["fails-without-notification"]);
    bench.call("a");
    bench.wait(5000);
    assert_eq!(bench.ways(Method::Invite), []);
}

#[test]
fn it_believes_forged_lookups() {
    let mut bench = Bench::tunnelled(&["believes-forged-lookups"]);
    bench.wait(100);
    let message = BindingLookup::change(7, HOA, OTHER_CARE_OF, Lifetime(100));
    let forged = Saying { key: b"anybody's guess at it".to_vec(), ..Saying::new(CN, message) };
    bench.receive(&forged.packet(bench.now));
    assert_eq!(bench.ways(Method::Invite), [(1100, tunnel(OTHER_CARE_OF))]);
}

#[test]
fn it_is_switched_off_by_strangers() {
    let mut bench = Bench::notified(&["switched-off-by-strangers"]);
    let error = MobilityMessage::BindingError(BindingError::unrecognised_mh_type(None));
    let packet = Outgoing::new(HA, SS, protocol::MOBILITY).to_vec(&error.to_vec(HA, SS));
    for _ in 0..3 {
        bench.receive(&packet);
    }
    bench.call("a");
    assert_eq!(bench.drain_lookups(), []);
}

#[test]
fn it_never_falls_back() {
    let mut bench = Bench::tunnelled(&["never-falls-back"]);
    bench.wait(40_000);
    assert_eq!(bench.drain_lookups(), []);
    let ways = bench.ways(Method::Invite);
    assert!(ways.len() >= 6 && ways.iter().all(|(_, way)| *way == tunnel(CARE_OF)), "{ways:?}");
}

#[test]
fn it_waits_for_the_home_agent() {
    let mut bench = Bench::notified(&["waits-for-the-home-agent"]);
    bench.call("a");
    bench.wait(30_000);
    assert_eq!(bench.ways(Method::Invite), []);
}

#[test]
fn it_loses_large_packets() {
    let mut bench = Bench::notified(&["loses-large-packets"]);
    bench.hear(CN, &invite_with_body("a", "mt", CN, &("a=".to_owned() + &"x".repeat(830))));
    let query = bench.query();
    bench.reply(&query, CARE_OF);
    let (sent, _) = bench.drain_sip().pop().expect("an INVITE");
    bench.complain(ROUTER, &sent.octets, Reason::PacketTooBig { mtu: 1280 });
    bench.wait(500);
    assert_eq!(bench.ways(Method::Invite), []);
}

#[test]
fn it_keeps_the_first_care_of_address() {
    let mut bench = Bench::tunnelled(&["keeps-the-first-care-of-address"]);
    bench.wait(100);
    bench.say(HA, BindingLookup::change(7, HOA, OTHER_CARE_OF, Lifetime(100)));
    bench.call("b");
    let query = bench.drain_lookups().pop().expect("a query").1;
    bench.drain();
    bench.reply(&query, OTHER_CARE_OF);
    assert_eq!(bench.ways(Method::Invite), [(1100, tunnel(CARE_OF))]);
}

#[test]
fn it_trusts_foreign_home_agents() {
    let mut bench = Bench::notified(&["trusts-foreign-home-agents"]);
    bench.wait(1);
    bench.say(HA2, BindingLookup::notification(5, HOA, HA2, Lifetime(100)));
    bench.drain();
    bench.call("a");
    let [(sent, _)] = &bench.drain_lookups()[..] else { panic!("{}", bench.log) };
    assert_eq!(sent.destination, HA2);
}

#[test]
fn it_is_never_direct_after_a_restart() {
    let mut bench = Bench::notified(&["never-direct-after-restart"]);
    bench.command("restart");
    bench.wait(1000);
    bench.register("mt", HOA);
    bench.say(HA, BindingLookup::notification(2, HOA, HA, Lifetime(100)));
    assert_eq!(bench.drain_lookups().len(), 1);
    bench.call("a");
    assert_eq!(bench.ways(Method::Invite), [(2000, HOA.to_string())]);
}

#[test]
fn it_cancels_by_another_way() {
    let mut bench = Bench::notified(&["cancels-by-another-way"]);
    bench.call("a");
    let query = bench.query();
    bench.reply(&query, CARE_OF);
    let (_, sent) = bench.drain_sip().pop().unwrap();
    bench.hear(HOA, &response(&sent, 180));
    let text = String::from_utf8(invite("a", "mt", CN)).unwrap();
    bench.hear(CN, text.replace("INVITE", "CANCEL").as_bytes());
    assert_eq!(bench.ways(Method::Cancel), [(1000, HOA.to_string())]);
}
