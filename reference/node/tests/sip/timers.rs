//! When copies leave, and when waiting ends (RFC 3261 17).

use std::time::Duration;

use roamproof_node::Instant;
use roamproof_node::entropy::Entropy;
use roamproof_node::sip::{Hop, TransactionEvent, Transactions};
use roamproof_wire::sip::{Fields, HeaderName, Message, Method, Transport};
use rstest::rstest;

use crate::bench::{CN, MT, uri};

fn request(method: &Method) -> Message {
    let mut request = Message::request(method.clone(), &uri("sip:cn@example.com"));
    request.push(HeaderName::From, "<sip:mt@example.com>;tag=f1");
    request.push(HeaderName::To, "<sip:cn@example.com>");
    request.push(HeaderName::CallId, "c2");
    request.push(HeaderName::CSeq, format_args!("3 {method}"));
    request
}

fn respond(request: &[u8], status: u16) -> Vec<u8> {
    let mut response = Message::response_to(&Message::parse(request).unwrap(), status, "Whatever");
    response.set_to_tag("t4");
    response.to_vec()
}

struct Timing {
    now: Instant,
    layer: Transactions,
    log: Vec<String>,
}

impl Timing {
    fn new() -> Self {
        Self {
            now: Instant::ZERO,
            layer: Transactions::new(MT, 5060, Entropy::new(5)),
            log: Vec::new(),
        }
    }

    fn run_until(&mut self, seconds: f64) {
        let end = Instant::at(Duration::from_secs_f64(seconds));
        self.drain();
        while let Some(wakeup) = self.layer.poll_timeout().filter(|wakeup| wakeup.at <= end) {
            self.now = wakeup.at;
            self.layer.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        let at = self.now.since_start().as_secs_f64();
        while let Some(transmit) = self.layer.poll_transmit() {
            let line = Message::parse(&transmit.octets).unwrap().to_string();
            self.log.push(format!("{at} {}", line.split(' ').next().unwrap()));
        }
        while let Some(event) = self.layer.poll_event() {
            self.log.push(match event {
                TransactionEvent::Failed { status, .. } => format!("{at} failed {status}"),
                TransactionEvent::Response { response, .. } => {
                    format!("{at} got {}", response.status().unwrap())
                }
                TransactionEvent::Unacknowledged { .. } => format!("{at} unacknowledged"),
                TransactionEvent::Request { .. } => format!("{at} request"),
                TransactionEvent::Acknowledged { .. } => format!("{at} acknowledged"),
                TransactionEvent::Stray { .. } => format!("{at} stray"),
                TransactionEvent::Malformed(_) => format!("{at} malformed"),
            });
        }
    }

    fn log(&self) -> String {
        self.log.join(" · ")
    }
}

#[rstest]
//= TX-01
#[case::invite_udp(
    Method::Invite,
    Transport::Udp,
    "0 INVITE · 0.5 INVITE · 1.5 INVITE · 3.5 INVITE · 7.5 INVITE · 15.5 INVITE · 31.5 INVITE · 32 failed 408"
)]
#[case::invite_tcp(Method::Invite, Transport::Tcp, "0 INVITE · 32 failed 408")]
//= TX-03
#[case::other_udp(
    Method::Bye,
    Transport::Udp,
    "0 BYE · 0.5 BYE · 1.5 BYE · 3.5 BYE · 7.5 BYE · 11.5 BYE · 15.5 BYE · 19.5 BYE · 23.5 BYE · 27.5 BYE · 31.5 BYE · 32 failed 408"
)]
#[case::other_tcp(Method::Bye, Transport::Tcp, "0 BYE · 32 failed 408")]
fn a_request_that_is_never_answered(
    #[case] method: Method,
    #[case] transport: Transport,
    #[case] expected: &str,
) {
    let mut timing = Timing::new();
    let hop = Hop { transport, address: CN, port: 5060 };
    timing.layer.request(timing.now, request(&method), hop, "z9hG4bKa".to_owned());
    timing.run_until(100.0);
    assert_eq!(timing.log(), expected);
    assert!(timing.layer.is_empty());
}

#[rstest]
//= TX-02
#[case::provisional(Method::Invite, &[(0.7, 100)], "0 INVITE · 0.5 INVITE · 0.7 got 100")]
//= TX-04
#[case::other_provisional(Method::Options, &[(0.7, 100)], "0 OPTIONS · 0.5 OPTIONS · 0.7 got 100 · 1.5 OPTIONS · 5.5 OPTIONS · 9.5 OPTIONS · 13.5 OPTIONS · 17.5 OPTIONS · 21.5 OPTIONS · 25.5 OPTIONS · 29.5 OPTIONS · 32 failed 408")]
//= TX-06
#[case::refused(Method::Invite, &[(0.2, 486), (0.9, 486), (32.0, 486), (32.3, 486)], "0 INVITE · 0.2 ACK · 0.2 got 486 · 0.9 ACK · 32 ACK · 32.3 stray")]
#[case::accepted(Method::Invite, &[(0.2, 200), (0.9, 200), (33.0, 200)], "0 INVITE · 0.2 got 200 · 0.9 got 200 · 33 stray")]
#[case::other_answered(Method::Options, &[(0.2, 200), (0.9, 200), (6.0, 200)], "0 OPTIONS · 0.2 got 200 · 6 stray")]
fn a_request_that_is_answered(
    #[case] method: Method,
    #[case] answers: &[(f64, u16)],
    #[case] expected: &str,
) {
    let mut timing = Timing::new();
    let hop = Hop::udp(CN, 5060);
    timing.layer.request(timing.now, request(&method), hop, "z9hG4bKa".to_owned());
    let sent = timing.layer.poll_transmit().unwrap();
    timing.log.push(format!("0 {method}"));
    for (at, status) in answers {
        timing.run_until(*at);
        timing.layer.receive(timing.now, hop, &respond(&sent.octets, *status));
        timing.drain();
    }
    timing.run_until(200.0);
    assert_eq!(timing.log(), expected);
}

#[test]
fn a_refusal_is_acknowledged_on_the_same_branch() {
    let mut layer = Transactions::new(MT, 5060, Entropy::new(5));
    let hop = Hop::udp(CN, 5060);
    let mut invite = request(&Method::Invite);
    invite.push(HeaderName::Route, "<sip:[2001:db8:5::5];lr>");
    layer.request(Instant::ZERO, invite, hop, "z9hG4bKa".to_owned());
    let sent = layer.poll_transmit().unwrap();
    layer.receive(Instant::ZERO, hop, &respond(&sent.octets, 486));
    let ack = layer.poll_transmit().unwrap();
    insta::assert_snapshot!(String::from_utf8(ack.octets).unwrap().replace('\r', ""), @"
    ACK sip:cn@example.com SIP/2.0
    Via: SIP/2.0/UDP [2001:db8:a::100];branch=z9hG4bKa;rport
    Max-Forwards: 70
    Route: <sip:[2001:db8:5::5];lr>
    From: <sip:mt@example.com>;tag=f1
    To: <sip:cn@example.com>;tag=t4
    Call-ID: c2
    CSeq: 3 ACK
    Content-Length: 0
    ");
}

#[rstest]
#[case::other_branch("z9hG4bKa", "z9hG4bKb")]
#[case::other_sent_by("[2001:db8:a::100]", "[2001:db8:a::101]")]
#[case::other_port("[2001:db8:a::100]", "[2001:db8:a::100]:5071")]
#[case::other_method("3 INVITE", "3 OPTIONS")]
fn a_response_to_somebody_else_is_stray(#[case] from: &str, #[case] to: &str) {
    let mut timing = Timing::new();
    let hop = Hop::udp(CN, 5060);
    timing.layer.request(timing.now, request(&Method::Invite), hop, "z9hG4bKa".to_owned());
    let sent = timing.layer.poll_transmit().unwrap();
    let response = String::from_utf8(respond(&sent.octets, 180)).unwrap().replace(from, to);
    timing.layer.receive(timing.now, hop, response.as_bytes());
    timing.drain();
    assert_eq!(timing.log(), "0 stray");
}

/// Found by the network target: an attacker's copy of an INVITE had its Via twice, and so had the refusal.
#[rstest]
#[case::user_agent(true)]
#[case::proxy(false)]
fn a_refusal_with_two_vias_ends_no_call_unheard(#[case] is_user_agent: bool) {
    let layer = Transactions::new(MT, 5060, Entropy::new(5));
    let mut layer = if is_user_agent { layer.of_user_agent() } else { layer };
    let hop = Hop::udp(CN, 5060);
    layer.request(Instant::ZERO, request(&Method::Invite), hop, "z9hG4bKa".to_owned());
    let sent = layer.poll_transmit().unwrap();
    let refusal = String::from_utf8(respond(&sent.octets, 400)).unwrap();
    let via = refusal.lines().find(|line| line.starts_with("Via: ")).unwrap().to_owned();
    let twice = refusal.replace(&via, &format!("{via}\r\n{via}"));
    layer.receive(Instant::ZERO, hop, twice.as_bytes());
    let told = layer.poll_event().unwrap();
    assert_eq!(matches!(told, TransactionEvent::Stray { .. }), is_user_agent, "{told:?}");
    assert_eq!(layer.poll_transmit().is_none(), is_user_agent, "no ACK");
    layer.receive(Instant::ZERO, hop, refusal.as_bytes());
    let told = layer.poll_event();
    assert_eq!(matches!(told, Some(TransactionEvent::Response { .. })), is_user_agent, "{told:?}");
}

fn incoming(method: &str, branch: &str) -> Vec<u8> {
    format!(
        "{method} sip:mt@[2001:db8:a::100] SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8:c::c];branch={branch}\r\n\
         From: <sip:cn@example.com>;tag=f5\r\nTo: <sip:mt@example.com>;tag=t6\r\nCall-ID: c7\r\nCSeq: 8 {method}\r\n\r\n"
    )
    .into_bytes()
}

#[rstest]
//= TX-12
#[case::never_acknowledged(
    Transport::Udp,
    None,
    "0 request · 0 486 · 0.5 486 · 1.5 486 · 3.5 486 · 7.5 486 · 11.5 486 · 15.5 486 · 19.5 486 · 23.5 486 · 27.5 486 · 31.5 486 · 32 unacknowledged"
)]
//= TX-13
#[case::by_tcp(Transport::Tcp, None, "0 request · 0 486 · 32 unacknowledged")]
#[case::acknowledged(Transport::Udp, Some(1.0), "0 request · 0 486 · 0.5 486")]
fn a_refusal_waits_for_its_ack(
    #[case] transport: Transport,
    #[case] ack: Option<f64>,
    #[case] expected: &str,
) {
    let mut timing = Timing::new();
    let from = Hop { transport, address: CN, port: 5060 };
    timing.layer.receive(timing.now, from, &incoming("INVITE", "z9hG4bKc"));
    let Some(TransactionEvent::Request { key, request, .. }) = timing.layer.poll_event() else {
        panic!("no request")
    };
    timing.log.push("0 request".to_owned());
    timing.layer.respond(timing.now, &key, &Message::response_to(&request, 486, "Busy"));
    if let Some(at) = ack {
        timing.run_until(at);
        timing.layer.receive(timing.now, from, &incoming("ACK", "z9hG4bKc"));
    }
    timing.run_until(100.0);
    assert_eq!(timing.log(), expected);
    assert!(timing.layer.is_empty());
}

#[test]
fn copies_after_an_answer_are_absorbed_and_acks_told() {
    let mut timing = Timing::new();
    let from = Hop::udp(CN, 5060);
    timing.layer.receive(timing.now, from, &incoming("INVITE", "z9hG4bKc"));
    let Some(TransactionEvent::Request { key, request, .. }) = timing.layer.poll_event() else {
        panic!("no request")
    };
    timing.layer.respond(timing.now, &key, &Message::response_to(&request, 200, "OK"));
    timing.run_until(1.0);
    timing.layer.receive(timing.now, from, &incoming("INVITE", "z9hG4bKc"));
    timing.layer.receive(timing.now, from, &incoming("ACK", "z9hG4bKd"));
    //= TX-16
    timing.run_until(40.0);
    timing.layer.receive(timing.now, from, &incoming("INVITE", "z9hG4bKc"));
    timing.drain();
    assert_eq!(timing.log(), "0 200 · 1 acknowledged · 40 request");
}

#[rstest]
#[case::big(1400, "TCP")]
#[case::small(200, "UDP")]
fn a_large_request_goes_by_tcp_and_falls_back(#[case] padding: usize, #[case] transport: &str) {
    let mut layer = Transactions::new(MT, 5060, Entropy::new(5));
    let mut options = request(&Method::Options);
    options.push_named("X-Padding", "x".repeat(padding));
    layer.request(Instant::ZERO, options, Hop::udp(CN, 5060), "z9hG4bKa".to_owned());
    //= TP-10
    let sent = layer.poll_transmit().unwrap();
    let message = Message::parse(&sent.octets).unwrap();
    assert_eq!(
        (sent.to.transport.as_str(), message.via().unwrap().transport),
        (transport, transport)
    );
    layer.unreachable(Instant::ZERO, sent.to);
    if padding > 1300 {
        //= TP-11
        let again = layer.poll_transmit().unwrap();
        assert_eq!(again.to.transport, Transport::Udp);
        assert_eq!(Message::parse(&again.octets).unwrap().via().unwrap().transport, "UDP");
        assert_eq!(layer.poll_event(), None);
    } else {
        let Some(TransactionEvent::Failed { status, .. }) = layer.poll_event() else {
            panic!("no failure")
        };
        assert_eq!(status, 503);
    }
}
