//! What the proxy changes, refuses, waits for and chooses.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::sip::{Fields, HeaderName, Message, Transport};
use rstest::rstest;

use crate::bench::{Bench, SS, TESTER, statuses};

const CALLEE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 8, 0, 0, 0, 0, 8);
const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 9);
const MOMENT: Duration = Duration::from_millis(100);

const INVITE: &str = "INVITE sip:mt@example.com SIP/2.0
Via: SIP/2.0/UDP [2001:db8:7::7];branch=z9hG4bK71
Max-Forwards: 17
X-Unknown:   kept [as it is
From: \"T\" <sip:tester@example.com>;tag=f72
To: <sip:mt@example.com>
Call-ID: c73
CSeq: 74 INVITE
Contact: <sip:tester@[2001:db8:7::7]>
Content-Length: 4

body";

/// A bench where `contacts` are registered for mt; the test plays caller and callees.
fn bench(contacts: &str) -> Bench {
    let mut bench = Bench::new();
    bench.add_proxy("ss", SS);
    bench.add_tester("caller", TESTER);
    bench.add_tester("callee", CALLEE);
    bench.add_tester("other", OTHER);
    let register = format!(
        "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP [2001:db8:8::8];branch=z9hG4bK1\nFrom: <sip:mt@example.com>;tag=1\n\
         To: <sip:mt@example.com>\nCall-ID: r1\nCSeq: 1 REGISTER\nContact: {contacts}\n\n"
    );
    bench.send("callee", SS, Transport::Udp, &register);
    bench.run_for(MOMENT);
    bench.received.clear();
    bench.take_log();
    bench
}

const ONE: &str = "<sip:mt@[2001:db8:8::8];x=1?Subject=no>";

fn send(bench: &mut Bench, text: &str) -> Vec<Message> {
    bench.send("caller", SS, Transport::Udp, text);
    bench.run_for(MOMENT);
    std::mem::take(&mut bench.received)
}

/// Answers `request` from `who`.
fn answer(bench: &mut Bench, who: &'static str, request: &Message, status: u16) -> Vec<Message> {
    let mut response = Message::response_to(request, status, "Whatever");
    response.set_to_tag(who);
    for route in
        request.header_list().iter().filter(|header| header.name() == HeaderName::RecordRoute)
    {
        response.push_header(route.clone());
    }
    let text = String::from_utf8(response.to_vec()).unwrap().replace('\r', "");
    bench.send(who, SS, Transport::Udp, &text);
    bench.run_for(MOMENT);
    std::mem::take(&mut bench.received)
}

#[test]
fn an_invite_is_changed_where_it_must_be_alone() {
    let mut bench = bench(ONE);
    let received = send(&mut bench, INVITE);
    assert_eq!(received[0].to_string(), "100 Trying (INVITE)");
    let branch = received[1].via().unwrap().branch().unwrap().to_owned();
    let text = String::from_utf8(received[1].to_vec())
        .unwrap()
        .replace('\r', "")
        .replace(&branch, "BRANCH");
    insta::assert_snapshot!(text, @r#"
    INVITE sip:mt@[2001:db8:8::8];x=1 SIP/2.0
    Record-Route: <sip:[2001:db8:5::5];lr>
    Via: SIP/2.0/UDP [2001:db8:5::5];branch=BRANCH;rport
    Via: SIP/2.0/UDP [2001:db8:7::7];branch=z9hG4bK71
    Max-Forwards: 16
    X-Unknown:   kept [as it is
    From: "T" <sip:tester@example.com>;tag=f72
    To: <sip:mt@example.com>
    Call-ID: c73
    CSeq: 74 INVITE
    Contact: <sip:tester@[2001:db8:7::7]>
    Content-Length: 4

    body
    "#);
}

#[test]
fn a_response_goes_back_by_the_via_below_ours() {
    let mut bench = bench(ONE);
    let received = send(&mut bench, INVITE);
    let invite = received[1].clone();
    assert!(answer(&mut bench, "callee", &invite, 100).is_empty(), "a 100 is for one hop");
    let ringing = answer(&mut bench, "callee", &invite, 180);
    assert_eq!(ringing.len(), 1);
    assert_eq!(ringing[0].vias().count(), 1);
    assert_eq!(ringing[0].via().unwrap().branch(), Some("z9hG4bK71"));
    let answers = answer(&mut bench, "callee", &invite, 200);
    assert_eq!(statuses(&answers), [200]);
    assert_eq!(
        statuses(&answer(&mut bench, "callee", &invite, 200)),
        [200],
        "copies of a 2xx pass"
    );
    assert_eq!(answers[0].record_routes().count(), 1);
}

#[rstest]
#[case::hops("Max-Forwards: 17", "Max-Forwards: 0", 483)]
#[case::scheme("sip:mt@example.com SIP", "tel:+15551212 SIP", 416)]
#[case::extension("Max-Forwards: 17", "Proxy-Require: one", 420)]
#[case::unknown("sip:mt@example.com SIP", "sip:nobody@example.com SIP", 404)]
#[case::away("sip:mt@example.com SIP", "sip:away@example.com SIP", 480)]
#[case::relay("sip:mt@example.com SIP", "sip:mt@[2001:db8:9::9] SIP", 403)]
#[case::malformed("Max-Forwards: 17", "Max-Forwards: x", 400)]
fn a_request_that_cannot_go_on_is_refused(
    #[case] from: &str,
    #[case] to: &str,
    #[case] status: u16,
) {
    let received = send(&mut bench(ONE), &INVITE.replace(from, to));
    let finals: Vec<u16> = statuses(&received).into_iter().filter(|&status| status > 100).collect();
    assert_eq!(finals, [status]);
}

#[test]
fn a_missing_max_forwards_is_added() {
    let received = send(&mut bench(ONE), &INVITE.replace("Max-Forwards: 17\n", ""));
    assert_eq!(received[1].max_forwards(), Ok(Some(70)));
}

#[test]
fn a_request_that_runs_in_a_loop_is_refused() {
    let mut bench = bench(ONE);
    let forwarded = send(&mut bench, INVITE)[1].clone();
    //= PRX-05
    let via = forwarded.via().unwrap().to_string();
    let back = INVITE.replace("Via:", &format!("Via: {via}\nVia:")).replace("K71", "K79");
    let back = back.replacen("Via:", "Via: SIP/2.0/UDP [2001:db8:7::7];branch=z9hG4bK99\nVia:", 1);
    assert_eq!(statuses(&send(&mut bench, &back)), [100, 482]);
    let spiral = back
        .replace("INVITE sip:mt@example.com", "INVITE sip:mt@[2001:db8:5::5]")
        .replace("K99", "K98");
    let received = send(&mut bench, &spiral);
    assert!(
        received.iter().any(|message| message.to_string() == "INVITE sip:mt@[2001:db8:8::8];x=1"),
        "{received:?}"
    );
}

#[test]
fn a_request_within_a_dialog_follows_its_route() {
    let mut bench = bench(ONE);
    let bye = INVITE
        .replace("INVITE sip:mt@example.com", "BYE sip:mt@[2001:db8:9::9]:5060")
        .replace("74 INVITE", "75 BYE")
        .replace("To: <sip:mt@example.com>", "Route: <sip:[2001:db8:5::5];lr>, <sip:[2001:db8:8::8];lr>\nTo: <sip:mt@example.com>;tag=t");
    let received = send(&mut bench, &bye);
    assert_eq!(received.len(), 1, "{received:?}");
    assert_eq!(received[0].to_string(), "BYE sip:mt@[2001:db8:9::9]:5060");
    let routes: Vec<_> =
        received[0].routes().map(|route| route.unwrap().uri.text.to_owned()).collect();
    assert_eq!(routes, ["sip:[2001:db8:8::8];lr"]);
    assert_eq!(received[0].record_routes().count(), 0);
}

#[rstest]
#[case::strict_router_before("BYE sip:[2001:db8:5::5];lr", "Route: <sip:mt@[2001:db8:9::9]>", "BYE sip:mt@[2001:db8:9::9]", &[])]
#[case::strict_router_behind("BYE sip:mt@[2001:db8:9::9]", "Route: <sip:[2001:db8:5::5];lr>, <sip:p@[2001:db8:8::8]>", "BYE sip:p@[2001:db8:8::8]", &["sip:mt@[2001:db8:9::9]"])]
fn strict_routers_are_served(
    #[case] line: &str,
    #[case] route: &str,
    #[case] expected: &str,
    #[case] left: &[&str],
) {
    let bye = INVITE
        .replace("INVITE sip:mt@example.com", line)
        .replace("74 INVITE", "75 BYE")
        .replace("To: <sip:mt@example.com>", &format!("{route}\nTo: <sip:mt@example.com>;tag=t"));
    let received = send(&mut bench(ONE), &bye);
    assert_eq!(received[0].to_string(), expected);
    let routes: Vec<_> =
        received[0].routes().map(|route| route.unwrap().uri.text.to_owned()).collect();
    assert_eq!(routes, left);
}

#[test]
fn contacts_alike_are_tried_together_and_the_best_refusal_wins() {
    let mut bench = bench("<sip:mt@[2001:db8:8::8]>;q=0.7, <sip:mt@[2001:db8:9::9]>;q=0.7");
    let received = send(&mut bench, INVITE);
    let [_, first, second] = received.as_slice() else { panic!("{received:?}") };
    assert!(
        answer(&mut bench, "callee", first, 503).iter().all(|message| message.status().is_none())
    );
    let answers = answer(&mut bench, "other", second, 486);
    //= PRX-24
    assert!(statuses(&answers).contains(&486), "{answers:?}");
}

#[test]
fn a_less_preferred_contact_is_tried_after_the_others() {
    let mut bench = bench("<sip:mt@[2001:db8:8::8]>;q=0.9, <sip:mt@[2001:db8:9::9]>;q=0.2");
    let received = send(&mut bench, INVITE);
    assert_eq!(received.len(), 2);
    //= PRX-31
    let next = answer(&mut bench, "callee", &received[1], 480);
    let invite = next
        .iter()
        .find(|message| message.is_request() && message.to_string().starts_with("INVITE"));
    assert_eq!(invite.unwrap().to_string(), "INVITE sip:mt@[2001:db8:9::9]");
}

#[test]
fn an_answer_cancels_the_other_branches_once_they_allow_it() {
    let mut bench = bench("<sip:mt@[2001:db8:8::8]>, <sip:mt@[2001:db8:9::9]>");
    let received = send(&mut bench, INVITE);
    let answers = answer(&mut bench, "callee", &received[1], 200);
    assert_eq!(answers.len(), 1, "no CANCEL before a provisional response: {answers:?}");
    //= PRX-23
    let cancel = answer(&mut bench, "other", &received[2], 180);
    let cancel = cancel.iter().find(|message| message.is_request()).unwrap();
    assert_eq!(cancel.to_string(), "CANCEL sip:mt@[2001:db8:9::9]");
    assert_eq!(cancel.via().unwrap().branch(), received[2].via().unwrap().branch());
}

#[test]
fn only_503_becomes_500() {
    let mut bench = bench(ONE);
    let received = send(&mut bench, INVITE);
    let answers = answer(&mut bench, "callee", &received[1], 503);
    //= PRX-26
    assert!(statuses(&answers).contains(&500), "{answers:?}");
}

#[test]
fn a_phone_that_rings_for_ever_is_given_up() {
    let mut bench = bench(ONE);
    let received = send(&mut bench, INVITE);
    answer(&mut bench, "callee", &received[1], 180);
    bench.run_for(Duration::from_secs(180));
    assert!(bench.received.is_empty());
    bench.run_for(Duration::from_secs(2));
    //= PRX-27
    assert!(bench.received.iter().any(|message| message.to_string().starts_with("CANCEL")));
    bench.received.clear();
    bench.run_for(Duration::from_secs(32));
    assert!(statuses(&bench.received).contains(&408), "{:?}", bench.received);
}

#[test]
fn a_request_other_than_invite_that_nobody_answers_ends_in_silence() {
    let mut bench = bench(ONE);
    let options = INVITE.replace("INVITE", "OPTIONS");
    assert_eq!(send(&mut bench, &options).len(), 1);
    bench.run_for(Duration::from_secs(40));
    //= TX-20
    assert!(statuses(&bench.received).is_empty());
}

#[test]
fn an_ack_for_an_answer_is_sent_on_under_one_branch() {
    let mut bench = bench(ONE);
    let ack = INVITE
        .replace("INVITE sip:mt@example.com", "ACK sip:mt@[2001:db8:8::8]")
        .replace("74 INVITE", "74 ACK")
        .replace("K71", "K90")
        .replace(
            "To: <sip:mt@example.com>",
            "Route: <sip:[2001:db8:5::5];lr>\nTo: <sip:mt@example.com>;tag=t",
        );
    let first = send(&mut bench, &ack);
    let second = send(&mut bench, &ack);
    //= PRX-29
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].to_vec(), second[0].to_vec());
    assert_eq!(first[0].vias().count(), 2);
}

#[test]
fn both_sides_are_recorded_where_transports_differ() {
    let mut bench = bench("<sip:mt@[2001:db8:8::8];transport=tcp>");
    let received = send(&mut bench, INVITE);
    //= PRX-14
    let routes: Vec<_> =
        received[1].record_routes().map(|route| route.unwrap().uri.text.to_owned()).collect();
    assert_eq!(routes, ["sip:[2001:db8:5::5];transport=tcp;lr", "sip:[2001:db8:5::5];lr"]);
    assert_eq!(received[1].via().unwrap().transport, "TCP");
}

#[test]
fn a_refused_stream_is_told_at_once() {
    let mut bench = bench("<sip:mt@[2001:db8:77::77];transport=tcp>");
    let received = send(&mut bench, INVITE);
    //= PRX-30
    assert_eq!(statuses(&received), [100, 500]);
}
