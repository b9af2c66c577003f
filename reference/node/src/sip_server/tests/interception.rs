//! Without home agents it is a plain SIP server: requests to the registered home address.

use roamproof_wire::icmpv6::Echo;
use roamproof_wire::ipv6::Problem;
use roamproof_wire::mobility::{HomeTestInit, Message as MobilityMessage};
use roamproof_wire::sip::HeaderName;
use rstest::rstest;

use super::*;

#[test]
fn an_invite_is_answered_with_100_and_sent_to_the_home_address() {
    let mut bench = Bench::plugged("", &[]);
    bench.register("mt", HOA);
    bench.call("a");
    let sent = bench.drain_sip();
    let lines: Vec<String> =
        sent.iter().map(|(sent, message)| format!("{}: {message}", sent.way())).collect();
    assert_eq!(
        lines,
        [format!("{CN}: 100 Trying (INVITE)"), format!("{HOA}: INVITE sip:mt@[{HOA}]")]
    );
    assert_eq!(sent[1].0.source, SS);
}

#[test]
fn the_contact_is_bound_whatever_the_source_and_the_via() {
    let mut bench = Bench::plugged("", &[]);
    let contact = format!("<sip:mt@[{HOA}]>");
    let elsewhere: Ipv6Addr = "2001:db8:f1::beef".parse().unwrap();
    let text = String::from_utf8(register("mt", HOA, &contact)).unwrap();
    let other_via = text.replace(&format!("UDP [{HOA}]"), "UDP [2001:db8:f1::dead]");
    bench.hear(elsewhere, other_via.as_bytes());
    bench.drain();
    bench.call("a");
    assert_eq!(bench.ways(Method::Invite), [(1000, HOA.to_string())]);
}

#[test]
fn a_response_goes_by_the_next_via_with_its_body() {
    let mut bench = Bench::plugged("", &[]);
    bench.register("mt", HOA);
    bench.call("a");
    let (_, forwarded) = bench.drain_sip().pop().expect("an INVITE");
    let mut answer = Sip::response_to(&forwarded, 200, "OK");
    answer.set_to_tag("t1");
    answer.set_body("application/sdp", b"v=0\r\ns=-\r\n".to_vec());
    bench.hear(HOA, &answer.to_vec());
    let [(sent, response)] = &bench.drain_sip()[..] else { panic!("{}", bench.log) };
    assert_eq!(sent.destination, CN);
    assert_eq!(response.elements(HeaderName::Via).count(), 1);
    assert_eq!(response.body(), b"v=0\r\ns=-\r\n");
}

#[test]
fn tcp_carries_messages_too() {
    let mut bench = Bench::plugged("", &[]);
    let contact = format!("<sip:mt@[{HOA}];transport=tcp>");
    bench.hear(HOA, &register("mt", HOA, &contact));
    bench.drain();
    bench.call("a");
    let sent = bench.drain();
    let syn = sent.iter().find(|sent| sent.protocol == protocol::TCP).expect("a SYN");
    assert_eq!((syn.destination, syn.tunnel), (HOA, None));
    assert_eq!(TcpView::new(&syn.payload).unwrap().destination_port(), PORT);
}

#[test]
fn a_terminal_that_cannot_be_reached_is_told_to_the_caller() {
    let mut bench = Bench::plugged("", &[]);
    bench.register("mt", HOA);
    bench.call("a");
    let (sent, _) = bench.drain_sip().pop().expect("an INVITE");
    let reason = Reason::DestinationUnreachable { code: 3 };
    bench.complain("2001:db8:5::1".parse().unwrap(), &sent.octets, reason);
    let statuses: Vec<_> = bench.drain_sip().iter().map(|(_, one)| one.status()).collect();
    assert_eq!(statuses, [Some(500)], "{}", bench.log);
}

#[test]
fn a_restart_forgets_registrations() {
    let mut bench = Bench::plugged("", &[]);
    bench.register("mt", HOA);
    bench.command("restart");
    bench.call("a");
    let statuses: Vec<_> = bench.drain_sip().iter().map(|(_, one)| one.status()).collect();
    assert_eq!(statuses, [Some(100), Some(404)]);
}

#[test]
fn an_echo_request_is_answered() {
    let mut bench = Bench::plugged("", &[]);
    let echo = Echo { reply: false, identifier: 7, sequence: 9, data: b"there?" };
    let message = IcmpMessage::Echo(echo);
    let mut payload = vec![0; message.buffer_len()];
    message.emit(CN, SS, &mut payload);
    bench.receive(&Outgoing::new(CN, SS, protocol::ICMPV6).to_vec(&payload));
    assert_eq!(bench.drain()[0].payload[0], 129);
}

/// The pointers count from the start of the packet: 6 is its Next Header, 46 the type of the Home
/// Address option behind four octets of padding.
#[rstest]
#[case::mobility(protocol::MOBILITY, None, Some(Problem { code: 1, pointer: 6 }))]
#[case::home_address_option(protocol::UDP, Some(HOA), Some(Problem { code: 2, pointer: 46 }))]
#[case::no_such_port(protocol::UDP, None, None)]
fn what_it_does_not_know_it_answers_as_any_ipv6_node(
    #[case] protocol: u8,
    #[case] home_address: Option<Ipv6Addr>,
    #[case] problem: Option<Problem>,
) {
    let mut bench = Bench::plugged("", &[]);
    let payload = if protocol == protocol::UDP {
        udp::datagram(home_address.unwrap_or(CN), SS, PORT, PORT + 1, b"ping")
    } else {
        MobilityMessage::HomeTestInit(HomeTestInit::new([0x31; 8])).to_vec(CN, SS)
    };
    let outgoing = Outgoing { home_address, ..Outgoing::new(CN, SS, protocol) };
    bench.receive(&outgoing.to_vec(&payload));
    let [error] = &bench.drain()[..] else { panic!("{}", bench.log) };
    let error = roamproof_wire::icmpv6::ErrorMessage::parse(&error.payload).unwrap();
    let expected =
        problem.map_or(Reason::DestinationUnreachable { code: 4 }, Reason::ParameterProblem);
    assert_eq!(error.reason, expected);
}

#[rstest]
#[case::address("address = \"2001:db8:5::5\"", "address = \"2001:db8:5::6\"", "sip_server.address")]
#[case::domain("domain = \"example.com\"", "domain = \"\"", "sip_server.domain")]
#[case::port("domain =", "port = 0\ndomain =", "sip_server.port")]
#[case::too_brief("domain =", "expires_least = 3601\ndomain =", "sip_server.expires_least")]
#[case::typing("domain =", "domian =", "unknown field `domian`")]
fn a_configuration_that_cannot_be_is_refused(
    #[case] from: &str,
    #[case] to: &str,
    #[case] named: &str,
) {
    let text = config("").replace(from, to);
    let Err(error) = build("sip-server", &text, EPOCH, 5, &[]) else { panic!("{text}") };
    assert!(error.to_string().contains(named), "{error}");
}
