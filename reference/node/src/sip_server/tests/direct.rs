//! Direct server tunnelling: who is asked, what is believed, what is used (binding-lookup.md).

use roamproof_wire::icmpv6::ErrorMessage;
use roamproof_wire::ipv6::Problem;
use roamproof_wire::mobility::{
    BindingError, BindingLookup, HomeTestInit, Lifetime, LookupKind, LookupStatus,
    Message as MobilityMessage, NO_NEXT_HEADER,
};
use rstest::rstest;

use super::peers::*;
use super::*;

#[test]
fn an_invite_waits_for_the_answer_and_goes_to_the_care_of_address() {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    assert_eq!((query.kind, query.home_address), (LookupKind::BindingQuery, HOA));
    let statuses: Vec<_> = bench.drain_sip().iter().map(|(_, one)| one.status()).collect();
    assert_eq!(statuses, [Some(100)], "the caller hears at once, the terminal has to wait");
    bench.wait(80);
    bench.reply(&query, CARE_OF);
    let [(sent, invite)] = &bench.drain_sip()[..] else { panic!("{}", bench.log) };
    assert_eq!(sent.tunnel, Some((SS, CARE_OF)));
    assert_eq!((sent.source, sent.destination), (SS, HOA));
    assert_eq!(invite.uri_text(), Some(format!("sip:mt@[{HOA}]").as_str()));
    assert_eq!(sent.at.as_millis(), 1080);
}

#[test]
fn a_query_is_sent_twice_and_then_the_home_address_has_to_do() {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    bench.wait(2000);
    let lookups = bench.drain_lookups();
    let times: Vec<u128> = lookups.iter().map(|(sent, _)| sent.at.as_millis()).collect();
    assert_eq!(times, [1000, 1250]);
    assert_eq!(lookups[0].1.transaction, lookups[1].1.transaction);
    assert!(lookups[1].1.timestamp.is_after(lookups[0].1.timestamp));
    assert_ne!(lookups[0].1.authenticator, lookups[1].1.authenticator);
    let home = HOA.to_string();
    assert_eq!(bench.ways(Method::Invite), [(1500, home.clone()), (2500, home)]);
}

#[test]
fn a_home_address_that_nobody_notified_is_not_asked_about() {
    let mut bench = Bench::direct(&[]);
    bench.call("a");
    assert_eq!(bench.drain_lookups(), []);
    assert_eq!(bench.ways(Method::Invite), [(1000, HOA.to_string())]);
}

#[test]
fn a_notification_before_the_identifier_registers_is_kept() {
    let mut bench = Bench::plugged(&both_home_agents(), &[]);
    bench.say(HA, BindingLookup::notification(1, HOA, HA, Lifetime(100)));
    assert_eq!(bench.drain_lookups()[0].1.status, LookupStatus::BOUND);
    bench.register("mt", HOA);
    bench.call("a");
    assert_eq!(bench.query().home_address, HOA);
}

#[test]
fn each_home_address_is_asked_about_at_its_own_home_agent() {
    let mut bench = Bench::notified(&[]);
    bench.say(HA2, BindingLookup::notification(1, HOA2, HA2, Lifetime(100)));
    bench.drain();
    bench.call("a");
    bench.hear(CN, &invite("b", "mt2", CN));
    let asked: Vec<_> = bench
        .drain_lookups()
        .into_iter()
        .map(|(sent, query)| (sent.destination, query.home_address, query.transaction))
        .collect();
    let [(to, home, one), (to_2, home_2, other)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!((to, home, to_2, home_2), (HA, HOA, HA2, HOA2));
    bench.drain();
    bench.say(HA2, BindingLookup::reply(other, HOA2, OTHER_CARE_OF, Lifetime(50)));
    bench.say(HA, BindingLookup::reply(one, HOA, CARE_OF, Lifetime(50)));
    let ways: Vec<String> = bench.drain_sip().iter().map(|(sent, _)| sent.way()).collect();
    assert_eq!(ways, [format!("{HOA2} in {OTHER_CARE_OF}"), tunnel(CARE_OF)]);
}

#[test]
fn each_new_call_is_asked_about_anew() {
    let mut bench = Bench::tunnelled(&[]);
    bench.call("b");
    let query = bench.query();
    bench.drain();
    bench.reply(&query, OTHER_CARE_OF);
    assert_eq!(bench.ways(Method::Invite), [(1000, tunnel(OTHER_CARE_OF))]);
}

#[rstest]
#[case::no_binding(1)]
#[case::not_my_home_address(2)]
#[case::refused(128)]
fn an_answer_without_a_care_of_address_means_the_home_address(#[case] status: u8) {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    bench.drain();
    let status = LookupStatus(status);
    bench.say(HA, BindingLookup::reply_without(query.transaction, HOA, status));
    assert_eq!(bench.ways(Method::Invite), [(1000, HOA.to_string())]);
}

#[rstest]
#[case::no_lifetime(CARE_OF, 0)]
#[case::home(HOA, 100)]
#[case::group(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), 100)]
#[case::link_local(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 100)]
#[case::nobody(Ipv6Addr::UNSPECIFIED, 100)]
fn a_care_of_address_that_cannot_be_used_means_the_home_address(
    #[case] care_of: Ipv6Addr,
    #[case] lifetime: u16,
) {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    bench.drain();
    bench.say(HA, BindingLookup::reply(query.transaction, HOA, care_of, Lifetime(lifetime)));
    assert_eq!(bench.ways(Method::Invite), [(1000, HOA.to_string())]);
}

/// Each is dropped, the INVITE goes on waiting, and the home address does after half a second.
#[rstest]
#[case::of_a_stranger(|one: &mut Saying| one.from = CN, "binding lookup from a stranger")]
#[case::with_a_wrong_key(|one: &mut Saying| one.key[0] ^= 1, "binding lookup with a wrong authenticator")]
#[case::with_another_index(|one: &mut Saying| one.spi += 1, "binding lookup with a wrong authenticator")]
#[case::too_old(|one: &mut Saying| one.off_ms = -7001, "binding lookup with an old time stamp")]
#[case::from_the_future(|one: &mut Saying| one.off_ms = 7001, "binding lookup with an old time stamp")]
#[case::of_another_transaction(|one: &mut Saying| one.message.transaction ^= 1, "reply to no query")]
#[case::about_another_home_address(
    |one: &mut Saying| one.message.home_address = Ipv6Addr::from(u128::from(HOA) + 1),
    "reply to no query"
)]
#[case::about_a_foreign_home_address(
    |one: &mut Saying| one.message.home_address = HOA2,
    "binding lookup about a foreign home address"
)]
#[case::of_another_kind(
    |one: &mut Saying| one.message.kind = LookupKind::Unknown(77),
    "binding lookup message that is not for a SIP server"
)]
fn a_reply_that_is_not_the_answer_is_dropped(#[case] spoil: fn(&mut Saying), #[case] why: &str) {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let query = bench.query();
    bench.drain();
    let message = BindingLookup::reply(query.transaction, HOA, CARE_OF, Lifetime(100));
    let mut saying = Saying::new(HA, message);
    spoil(&mut saying);
    bench.receive(&saying.packet(bench.now));
    assert_eq!(bench.drain().len(), 0, "nothing is answered");
    assert_eq!(bench.dropped(why), 1, "{}", bench.log);
    bench.wait(600);
    bench.drain_lookups();
    assert_eq!(bench.ways(Method::Invite), [(1500, HOA.to_string())]);
}

#[rstest]
#[case::behind(-7000)]
#[case::ahead(7000)]
fn a_clock_may_be_seven_seconds_off(#[case] off_ms: i64) {
    let mut bench = Bench::notified(&[]);
    bench.wait(8000);
    bench.call("a");
    let query = bench.query();
    bench.drain();
    let message = BindingLookup::reply(query.transaction, HOA, CARE_OF, Lifetime(100));
    bench.receive(&Saying { off_ms, ..Saying::new(HA, message) }.packet(bench.now));
    assert_eq!(bench.ways(Method::Invite), [(9000, tunnel(CARE_OF))]);
}

#[test]
fn a_replayed_notification_is_dropped_and_a_repeated_one_acknowledged() {
    let mut bench = Bench::notified(&[]);
    let again = BindingLookup::notification(1, HOA, HA, Lifetime(100));
    bench.say(HA, again.clone());
    assert_eq!(bench.drain_lookups(), []);
    assert_eq!(bench.dropped("binding lookup replayed"), 1);
    bench.wait(1000);
    bench.say(HA, again);
    let [(_, ack)] = &bench.drain_lookups()[..] else { panic!("{}", bench.log) };
    assert_eq!((ack.kind, ack.transaction), (LookupKind::HomeAgentNotificationAck, 1));
}

#[rstest]
#[case::of_a_foreign_home_address(BindingLookup::notification(9, HOA2, HA, Lifetime(100)), None)]
#[case::that_names_a_stranger(BindingLookup::notification(9, HOA, CN, Lifetime(100)), Some(128))]
#[case::that_names_another_home_agent(
    BindingLookup::notification(9, HOA, HA2, Lifetime(100)),
    Some(128)
)]
fn a_notification_of_what_is_not_its_own_changes_nothing(
    #[case] message: BindingLookup,
    #[case] status: Option<u8>,
) {
    let mut bench = Bench::direct(&[]);
    bench.say(HA, message);
    let statuses: Vec<u8> = bench.drain_lookups().iter().map(|(_, ack)| ack.status.0).collect();
    assert_eq!(statuses, Vec::from_iter(status), "{}", bench.log);
    assert!(bench.log.contains("discarded"), "{}", bench.log);
    bench.call("a");
    bench.hear(CN, &invite("b", "mt2", CN));
    assert_eq!(bench.drain_lookups(), []);
    let ways: Vec<String> = bench.ways(Method::Invite).into_iter().map(|(_, way)| way).collect();
    assert_eq!(ways, [HOA.to_string(), HOA2.to_string()]);
}

#[rstest]
#[case::gone(0, 0)]
#[case::over(100, 400_000)]
fn a_home_address_that_is_no_longer_served_is_not_asked_about(
    #[case] lifetime: u16,
    #[case] later_ms: u64,
) {
    let mut bench = Bench::notified(&[]);
    bench.wait(1);
    bench.say(HA, BindingLookup::notification(2, HOA, HA, Lifetime(lifetime)));
    bench.wait(later_ms);
    bench.drain();
    bench.call("a");
    assert_eq!(bench.drain_lookups(), []);
    assert_eq!(bench.ways(Method::Invite)[0].1, HOA.to_string());
}

#[test]
fn an_older_notification_does_not_bring_back_what_is_gone() {
    let mut bench = Bench::notified(&[]);
    bench.wait(2000);
    bench.say(HA, BindingLookup::notification(3, HOA, HA, Lifetime(0)));
    let late = BindingLookup::notification(2, HOA, HA, Lifetime(100));
    bench.receive(&Saying { off_ms: -1000, ..Saying::new(HA, late) }.packet(bench.now));
    assert_eq!(bench.drain_lookups().len(), 2, "both are acknowledged");
    bench.call("a");
    assert_eq!(bench.drain_lookups(), []);
}

#[test]
fn the_newest_word_about_a_home_address_wins() {
    let mut bench = Bench::tunnelled(&[]);
    bench.wait(100);
    bench.call("b");
    let query = bench.query();
    bench.drain();
    bench.wait(10);
    bench.say(HA, BindingLookup::change(7, HOA, OTHER_CARE_OF, Lifetime(100)));
    bench.drain();
    let late = BindingLookup::reply(query.transaction, HOA, CARE_OF, Lifetime(100));
    bench.receive(&Saying { off_ms: -5, ..Saying::new(HA, late) }.packet(bench.now));
    assert_eq!(bench.ways(Method::Invite), [(1110, tunnel(OTHER_CARE_OF))]);
}

#[rstest]
#[case::moved(BindingLookup::change(7, HOA, OTHER_CARE_OF, Lifetime(100)), tunnel(OTHER_CARE_OF))]
#[case::gone(BindingLookup::change_gone(7, HOA), HOA.to_string())]
fn an_invite_in_flight_follows_a_change(#[case] change: BindingLookup, #[case] way: String) {
    let mut bench = Bench::tunnelled(&[]);
    bench.wait(100);
    bench.say(HA, change.clone());
    let [(ack_sent, ack)] = &bench.drain_lookups()[..] else { panic!("{}", bench.log) };
    assert_eq!((ack_sent.destination, ack.kind), (HA, LookupKind::BindingChangeAck));
    assert_eq!((ack.transaction, ack.status, ack.home_address), (7, LookupStatus::BOUND, HOA));
    assert_eq!(bench.ways(Method::Invite), [(1100, way)]);
    bench.wait(10);
    bench.say(HA, change);
    assert_eq!(bench.drain_lookups().len(), 1, "acknowledged again");
    assert_eq!(bench.ways(Method::Invite), [], "and nothing is done twice");
}

#[test]
fn a_change_from_another_home_agent_is_dropped() {
    let mut bench = Bench::tunnelled(&[]);
    bench.wait(100);
    bench.say(HA2, BindingLookup::change(7, HOA, OTHER_CARE_OF, Lifetime(100)));
    bench.say(HA2, BindingLookup::change(8, HOA2, OTHER_CARE_OF, Lifetime(100)));
    let statuses: Vec<_> =
        bench.drain_lookups().iter().map(|(_, ack)| (ack.transaction, ack.status.0)).collect();
    assert_eq!(statuses, [(8, 128)]);
    assert_eq!(bench.ways(Method::Invite), []);
}

#[test]
fn a_restart_means_the_home_address_until_the_next_notification() {
    let mut bench = Bench::tunnelled(&[]);
    bench.command("restart");
    bench.wait(1000);
    bench.register("mt", HOA);
    bench.call("b");
    assert_eq!(bench.drain_lookups(), []);
    assert_eq!(bench.ways(Method::Invite), [(2000, HOA.to_string())]);
    bench.say(HA, BindingLookup::notification(2, HOA, HA, Lifetime(100)));
    bench.drain();
    bench.call("c");
    let query = bench.query();
    bench.drain();
    bench.reply(&query, CARE_OF);
    assert_eq!(bench.ways(Method::Invite), [(2000, tunnel(CARE_OF))]);
}

/// How a home agent without the feature answers a query.
#[derive(Debug, Clone, Copy)]
enum Complaint {
    BindingError,
    ParameterProblem,
}

impl Bench {
    fn complain_about_query(&mut self, from: Ipv6Addr, complaint: Complaint, query: &Sent) {
        match complaint {
            Complaint::BindingError => {
                let error = BindingError::unrecognised_mh_type(None);
                let octets = MobilityMessage::BindingError(error).to_vec(from, SS);
                self.receive(&Outgoing::new(from, SS, protocol::MOBILITY).to_vec(&octets));
            }
            Complaint::ParameterProblem => {
                let problem = Problem { code: Problem::UNRECOGNIZED_NEXT_HEADER, pointer: 6 };
                self.complain(from, &query.octets, Reason::ParameterProblem(problem));
            }
        }
    }
}

#[rstest]
#[case::binding_error(Complaint::BindingError)]
#[case::parameter_problem(Complaint::ParameterProblem)]
fn a_home_agent_that_does_not_understand_three_times_is_left_alone_for_a_minute(
    #[case] complaint: Complaint,
) {
    let mut bench = Bench::notified(&[]);
    for name in ["a", "b", "c"] {
        bench.call(name);
        let [(sent, _)] = &bench.drain_lookups()[..] else { panic!("{}", bench.log) };
        bench.drain();
        bench.complain_about_query(HA, complaint, &sent.clone());
        assert_eq!(bench.ways(Method::Invite).len(), 1, "at once to the home address");
    }
    bench.call("d");
    assert_eq!(bench.drain_lookups(), [], "held");
    assert_eq!(bench.ways(Method::Invite)[0].1, HOA.to_string());
    bench.wait(60_000);
    bench.drain();
    bench.call("e");
    assert_eq!(bench.drain_lookups().len(), 1, "asked again after a minute");
}

#[test]
fn an_answer_in_between_starts_the_count_anew() {
    let mut bench = Bench::notified(&[]);
    for name in ["a", "b", "c", "d", "e"] {
        bench.call(name);
        let [(sent, query)] = &bench.drain_lookups()[..] else { panic!("{}", bench.log) };
        let (sent, query) = (sent.clone(), query.clone());
        if name == "c" {
            bench.reply(&query, CARE_OF);
        } else {
            bench.complain_about_query(HA, Complaint::BindingError, &sent);
        }
        bench.drain();
    }
    bench.call("f");
    assert_eq!(bench.drain_lookups().len(), 1);
}

#[rstest]
#[case::binding_error(Complaint::BindingError)]
#[case::parameter_problem(Complaint::ParameterProblem)]
fn a_complaint_counts_only_while_a_query_is_open(#[case] complaint: Complaint) {
    let mut bench = Bench::notified(&[]);
    bench.call("a");
    let [(sent, query)] = &bench.drain_lookups()[..] else { panic!("{}", bench.log) };
    let (sent, query) = (sent.clone(), query.clone());
    bench.drain();
    for from in [HA2, CN, CN, CN] {
        bench.complain_about_query(from, complaint, &sent);
    }
    assert_eq!(bench.drain().len(), 0, "the query goes on");
    bench.reply(&query, CARE_OF);
    assert_eq!(bench.ways(Method::Invite), [(1000, tunnel(CARE_OF))]);
    for _ in 0..3 {
        bench.complain_about_query(HA, complaint, &sent);
    }
    assert!(bench.dropped("complaint about a query that was not sent") >= 3, "{}", bench.log);
    bench.call("b");
    assert_eq!(bench.drain_lookups().len(), 1, "direct mode is on");
}

#[test]
fn other_mobility_messages_are_answered_by_a_binding_error_now_and_then() {
    let mut bench = Bench::direct(&[]);
    let init = MobilityMessage::HomeTestInit(HomeTestInit::new([0x31; 8])).to_vec(CN, SS);
    let packet = Outgoing::new(CN, SS, protocol::MOBILITY).to_vec(&init);
    for _ in 0..40 {
        bench.receive(&packet);
    }
    let answers = bench.drain();
    assert_eq!(answers.len(), 10, "rate limited");
    let Ok(MobilityMessage::BindingError(error)) = MobilityMessage::parse(&answers[0].payload)
    else {
        panic!("no Binding Error")
    };
    assert_eq!((error.status.0, answers[0].destination), (2, CN));
}

#[test]
fn requests_in_a_dialog_take_the_way_known_now() {
    let mut bench = Bench::tunnelled(&[]);
    let in_dialog = |method: &str, branch: &str| {
        let text = String::from_utf8(invite(branch, "mt", CN)).unwrap();
        text.replace("INVITE", method)
            .replace("sip:mt@example.com SIP", &format!("sip:mt@[{HOA}] SIP"))
            .replace(
                "To: <sip:mt@example.com>",
                &format!("Route: <sip:[{SS}];lr>\r\nTo: <sip:mt@example.com>;tag=t1"),
            )
    };
    let home = HOA.to_string();
    bench.hear(CN, in_dialog("ACK", "k1").as_bytes());
    bench.hear(CN, in_dialog("INVITE", "k2").as_bytes());
    bench.say(HA, BindingLookup::change(7, HOA, OTHER_CARE_OF, Lifetime(25)));
    bench.wait(1);
    bench.drain_lookups();
    let ways: Vec<_> = bench
        .drain_sip()
        .iter()
        .filter(|(_, one)| one.is_request())
        .map(|(sent, one)| (one.method().unwrap(), sent.way()))
        .collect();
    assert_eq!(ways[..2], [(Method::Ack, tunnel(CARE_OF)), (Method::Invite, tunnel(CARE_OF)),]);
    assert!(ways[2..].iter().all(|(_, way)| *way == tunnel(OTHER_CARE_OF)), "{ways:?}");
    bench.hear(CN, in_dialog("BYE", "k3").as_bytes());
    assert_eq!(bench.ways(Method::Bye), [(1001, tunnel(OTHER_CARE_OF))]);
    bench.wait(100_000);
    bench.drain();
    bench.hear(CN, in_dialog("INFO", "k4").as_bytes());
    assert_eq!(bench.ways(Method::from_token("INFO")), [(101_001, home)], "the binding is over");
    assert_eq!(bench.drain_lookups(), []);
}

#[rstest]
#[case::prefixes("prefixes = [\"2001:db8:a::a/64\"]", "prefixes = []", "home_agent.prefixes")]
#[case::index("spi = 2000\n", "spi = 255\n", "home_agent.spi")]
#[case::key("key = \"686f", "key = \"6x6f", "a key is")]
fn a_home_agent_that_cannot_be_is_refused(
    #[case] from: &str,
    #[case] to: &str,
    #[case] named: &str,
) {
    let text = config(&both_home_agents()).replace(from, to);
    let Err(error) = build("sip-server", &text, EPOCH, 5, &[]) else { panic!("{text}") };
    assert!(error.to_string().contains(named), "{error}");
}

#[test]
fn a_packet_of_another_tunnel_is_refused() {
    let mut bench = Bench::direct(&[]);
    let inner = Outgoing::new(HOA, SS, NO_NEXT_HEADER).to_vec(&[]);
    bench.receive(&Outgoing::new(CARE_OF, SS, protocol::IPV6).to_vec(&inner));
    let [sent] = &bench.drain()[..] else { panic!("{}", bench.log) };
    let error = ErrorMessage::parse(&sent.payload).unwrap();
    assert_eq!(error.reason, Reason::ParameterProblem(Problem { code: 1, pointer: 6 }));
}
