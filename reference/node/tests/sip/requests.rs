//! What a user agent answers to requests that are odd, late, or meant for somebody else.

use std::time::Duration;

use roamproof_node::sip::{AgentConfig, AgentEvent, CallHandle, Early100};
use roamproof_wire::sip::{Fields, HeaderName, Message, Transport};
use rstest::rstest;

use crate::bench::{Bench, MT, TESTER, config, media, statuses};

const REQUEST: &str = "OPTIONS sip:mt@[2001:db8:a::100] SIP/2.0
Via: SIP/2.0/UDP [2001:db8:7::7];branch=z9hG4bK71
Max-Forwards: 70
From: <sip:tester@example.net>;tag=f72
To: <sip:mt@example.com>
Call-ID: c73
CSeq: 74 OPTIONS
Contact: <sip:tester@[2001:db8:7::7]>

";

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.add_agent(
        "mt",
        AgentConfig { early_100: Early100::Never, ..config("mt", MT, Transport::Udp) },
    );
    bench.add_tester("tester", TESTER);
    bench
}

fn send(bench: &mut Bench, text: &str) -> Vec<Message> {
    bench.send("tester", MT, Transport::Udp, text);
    bench.run_for(Duration::from_millis(100));
    std::mem::take(&mut bench.received)
}

fn invite() -> String {
    let body = String::from_utf8(media(TESTER).offer().to_vec()).unwrap();
    let headers = REQUEST.replace("OPTIONS", "INVITE");
    let headers = headers.trim_end_matches('\n');
    format!(
        "{headers}\nContent-Type: application/sdp\nContent-Length: {}\n\n{}",
        body.len(),
        body.replace('\r', "")
    )
}

#[rstest]
#[case::options("", "", &[200])]
#[case::unknown_method("OPTIONS", "NEWMETHOD", &[405])]
#[case::register("OPTIONS", "REGISTER", &[405])]
#[case::bye_for_nothing("OPTIONS", "BYE", &[481])]
#[case::cancel_for_nothing("OPTIONS", "CANCEL", &[481])]
#[case::ack_for_nothing("OPTIONS", "ACK", &[])]
#[case::unknown_dialog("example.com>\n", "example.com>;tag=t9\n", &[481])]
#[case::scheme("sip:mt@[2001:db8:a::100]", "nobodyKnowsThis:x", &[416])]
#[case::somebody_else("sip:mt@[2001:db8:a::100]", "sip:mtx@[2001:db8:a::100]", &[404])]
#[case::escaped_user("sip:mt@[2001:db8:a::100]", "sip:%6dt@[2001:db8:a::100]", &[200])]
#[case::required("Max-Forwards: 70", "Require: one, Two", &[420])]
#[case::not_required("Max-Forwards: 70", "Supported: one, two", &[200])]
#[case::version("SIP/2.0\nVia", "SIP/7.0\nVia", &[505])]
#[case::malformed("CSeq: 74", "CSeq: 4294967296", &[400])]
#[case::no_call_id("Call-ID: c73\n", "", &[])]
#[case::body("Contact:", "Content-Type: text/html\nContent-Length: 0\nX:", &[200])]
fn a_request_outside_of_a_dialog_is_answered(
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &[u16],
) {
    let answers = send(&mut bench(), &REQUEST.replace(from, to));
    assert_eq!(statuses(&answers), expected);
    for answer in answers {
        assert!(answer.to().unwrap().tag().is_some());
        assert_eq!(
            answer.header(HeaderName::Unsupported).map(|header| header.value),
            (expected == [420]).then_some(&b"one, two"[..])
        );
        assert_eq!(answer.header(HeaderName::Allow).is_some(), matches!(expected, [405] | [200]));
    }
}

#[rstest]
#[case::type_unknown("application/sdp", "text/plain", Some(415))]
#[case::encoded("Content-Type:", "Content-Encoding: gzip\nContent-Type:", Some(415))]
#[case::optional(
    "Content-Type: application/sdp",
    "Content-Type: text/plain\nContent-Disposition: session ; handling=optional",
    None
)]
#[case::no_connection("c=IN IP6 2001:db8:7::7", "b=AS:12345678901234567", Some(488))]
#[case::no_contact("Contact: <sip:tester@[2001:db8:7::7]>\n", "", Some(400))]
#[case::held("", "", None)]
fn an_invite_is_refused_at_once_or_held(
    #[case] from: &str,
    #[case] to: &str,
    #[case] status: Option<u16>,
) {
    let mut bench = bench();
    let answers = send(&mut bench, &invite().replacen(from, to, 1));
    assert_eq!(statuses(&answers), status.into_iter().collect::<Vec<_>>());
    let held = bench.events.iter().any(|event| matches!(event, AgentEvent::IncomingCall { .. }));
    assert_eq!(held, status.is_none());
}

#[test]
fn copies_of_a_held_invite_are_absorbed_and_later_draw_the_last_response() {
    let mut bench = bench();
    for _ in 0..3 {
        assert!(send(&mut bench, &invite()).is_empty());
    }
    bench.with("mt", |now, mt| mt.ring(now, CallHandle(1)));
    let answers = send(&mut bench, &invite());
    assert_eq!(statuses(&answers), [180, 180]);
    assert_eq!(answers[0].to_vec(), answers[1].to_vec());
    assert_eq!(bench.events.len(), 1);
}

#[test]
fn the_same_invite_by_another_way_is_merged() {
    let mut bench = bench();
    assert!(send(&mut bench, &invite()).is_empty());
    //= UAS-08
    let answers = send(&mut bench, &invite().replace("z9hG4bK71", "z9hG4bKother"));
    assert_eq!(statuses(&answers), [482]);
    assert!(bench.with("mt", |now, mt| mt.ring(now, CallHandle(1))));
}

#[test]
fn a_cancel_ends_a_held_invite_at_once() {
    let mut bench = bench();
    send(&mut bench, &invite());
    let cancel = REQUEST.replace("OPTIONS", "CANCEL");
    assert_eq!(statuses(&send(&mut bench, &cancel.replace("z9hG4bK71", "z9hG4bKother"))), [481]);
    let answers = send(&mut bench, &cancel.replace("Max-Forwards: 70", "Require: nothing"));
    assert_eq!(statuses(&answers), [200, 487]);
    assert_eq!(answers[0].to().unwrap().tag(), answers[1].to().unwrap().tag());
    assert!(!bench.with("mt", |now, mt| mt.answer(now, CallHandle(1), None)), "it is over");
    let ack = REQUEST.replace("OPTIONS", "ACK");
    send(&mut bench, &ack);
    bench.run_for(Duration::from_secs(40));
    assert!(bench.received.is_empty(), "the ACK ended the copies");
}

#[test]
fn an_options_while_an_invite_is_held_is_answered_at_once() {
    let mut bench = bench();
    send(&mut bench, &invite());
    //= CL-RO-24
    assert_eq!(
        statuses(&send(&mut bench, &REQUEST.replace("bK71", "bK75").replace("c73", "c76"))),
        [200]
    );
    assert!(bench.with("mt", |now, mt| mt.ring(now, CallHandle(1))));
}

#[test]
fn an_invite_that_expires_is_terminated() {
    let mut bench = bench();
    send(&mut bench, &invite().replace("Max-Forwards: 70", "Expires: 3"));
    bench.run_for(Duration::from_secs(2));
    assert!(bench.received.is_empty());
    bench.run_for(Duration::from_millis(1300));
    //= UAS-15
    assert_eq!(statuses(&bench.received), [487]);
}

#[test]
fn requests_within_a_dialog_keep_their_order() {
    let mut bench = bench();
    send(&mut bench, &invite());
    let answer = media(MT).offer();
    bench.with("mt", |now, mt| assert!(mt.answer(now, CallHandle(1), Some(&answer))));
    bench.run_for(Duration::from_millis(100));
    let tag = bench.received[0].to().unwrap().tag().unwrap().to_owned();
    bench.received.clear();
    let inside = |method: &str, number: u32, branch: &str| {
        REQUEST
            .replace("OPTIONS", method)
            .replace("CSeq: 74", &format!("CSeq: {number}"))
            .replace("bK71", branch)
            .replace("example.com>\n", &format!("example.com>;tag={tag}\n"))
    };
    assert!(send(&mut bench, &inside("ACK", 74, "bK81")).is_empty());
    assert_eq!(statuses(&send(&mut bench, &inside("OPTIONS", 90, "bK82"))), [200]);
    //= UAS-21
    assert_eq!(statuses(&send(&mut bench, &inside("OPTIONS", 89, "bK83"))), [500]);
    assert_eq!(statuses(&send(&mut bench, &inside("UPDATE", 91, "bK84"))), [200]);
    assert_eq!(statuses(&send(&mut bench, &inside("BYE", 92, "bK85"))), [200]);
    assert_eq!(
        statuses(&send(&mut bench, &inside("BYE", 92, "bK85"))),
        [200],
        "a copy draws the same"
    );
    //= UAS-20
    assert_eq!(statuses(&send(&mut bench, &inside("BYE", 93, "bK86"))), [481]);
}

#[test]
fn a_second_re_invite_is_put_off() {
    let mut bench = bench();
    send(&mut bench, &invite());
    bench.with("mt", |now, mt| assert!(mt.ring(now, CallHandle(1))));
    bench.run_for(Duration::from_millis(100));
    let tag = bench.received.remove(0).to().unwrap().tag().unwrap().to_owned();
    let second = invite()
        .replace("example.com>\n", &format!("example.com>;tag={tag}\n"))
        .replace("CSeq: 74", "CSeq: 75")
        .replace("bK71", "bK77");
    //= UAS-22
    let answers = send(&mut bench, &second);
    assert_eq!(statuses(&answers), [500]);
    assert!(answers[0].header(HeaderName::RetryAfter).is_some());
}

#[rstest]
#[case::as_it_came("[2001:db8:7::7];branch", "[2001:db8:7::7];branch=z9hG4bK71")]
#[case::by_name(
    "tester.example.net:5060;branch",
    "tester.example.net:5060;branch=z9hG4bK71;received=2001:db8:7::7"
)]
#[case::rport(
    "[2001:db8:7::7];rport;branch",
    "[2001:db8:7::7];branch=z9hG4bK71;received=2001:db8:7::7;rport=5060"
)]
#[case::forged(
    "[2001:db8:7::7];received=2001:db8:666::6;branch",
    "[2001:db8:7::7];branch=z9hG4bK71"
)]
#[case::loopback("[::1];branch", "[::1];branch=z9hG4bK71;received=2001:db8:7::7")]
fn a_response_says_where_the_request_came_from(#[case] sent_by: &str, #[case] via: &str) {
    let answers = send(&mut bench(), &REQUEST.replace("[2001:db8:7::7];branch", sent_by));
    assert_eq!(answers[0].via().unwrap().to_string(), format!("SIP/2.0/UDP {via}"));
}
