//! Whole calls: held, answered, cancelled, changed, ended.

use std::time::Duration;

use roamproof_node::sip::agent::CallState;
use roamproof_node::sip::{AgentEvent, CallHandle, Early100};
use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, Method, Transport};

use crate::bench::{Bench, CN, MT, media, uri};

const FIRST: CallHandle = CallHandle(1);
const MOMENT: Duration = Duration::from_millis(100);

fn call(bench: &mut Bench) {
    bench
        .with("cn", |now, cn| cn.call(now, &uri("sip:mt@example.com"), &media(CN).offer()))
        .unwrap();
}

fn answer(bench: &mut Bench) {
    let offered = |event: &AgentEvent| {
        if let AgentEvent::IncomingCall { invite: request, .. }
        | AgentEvent::IncomingOffer { request, .. } = event
        {
            return Some(SessionDescription::parse(request.body()).unwrap());
        }
        None
    };
    let offer = bench.events.iter().rev().find_map(offered).unwrap();
    let answer = media(MT).answer(&offer).unwrap();
    assert!(bench.with("mt", |now, mt| mt.answer(now, FIRST, Some(&answer))));
}

/// A call that was rung, answered and acknowledged.
fn established(transport: Transport) -> Bench {
    let mut bench = Bench::registered(transport, Early100::Never);
    call(&mut bench);
    bench.run_for(MOMENT);
    answer(&mut bench);
    bench.run_for(MOMENT);
    assert_eq!(bench.with("cn", |_, cn| cn.call_state(FIRST)), Some(CallState::Established));
    assert_eq!(bench.with("mt", |_, mt| mt.call_state(FIRST)), Some(CallState::Established));
    bench.take_log();
    bench
}

#[test]
fn nothing_leaves_before_the_owner_lets_it_out() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    call(&mut bench);
    bench.run_for(Duration::from_secs(3));
    bench.note("test", "released");
    bench.with("mt", |now, mt| assert!(mt.ring(now, FIRST)));
    bench.run_for(MOMENT);
    answer(&mut bench);
    bench.run_for(MOMENT);
    bench.with("cn", |now, cn| assert!(cn.hang_up(now, FIRST)));
    bench.run_for(Duration::from_secs(40));
    insta::assert_snapshot!(bench.take_log(), @"
    0.500  cn → ss  INVITE sip:mt@example.com
    0.510  ss → cn  100 Trying (INVITE)
    0.510  ss → mt  INVITE sip:mt@[2001:db8:a::100]
    0.520  mt: call 1 comes in: INVITE sip:mt@[2001:db8:a::100]
    1.010  ss → mt  INVITE sip:mt@[2001:db8:a::100] #1
    2.010  ss → mt  INVITE sip:mt@[2001:db8:a::100] #2
    3.500  test: released
    3.500  mt → ss  180 Ringing (INVITE)
    3.510  ss → cn  180 Ringing (INVITE)
    3.520  cn: call 1: 180 Ringing (INVITE)
    3.600  mt → ss  200 OK (INVITE)
    3.610  ss → cn  200 OK (INVITE)
    3.620  cn → ss  ACK sip:mt@[2001:db8:a::100]
    3.620  cn: call 1 answered: 200 OK (INVITE)
    3.630  ss → mt  ACK sip:mt@[2001:db8:a::100]
    3.640  mt: call 1 confirmed
    3.700  cn → ss  BYE sip:mt@[2001:db8:a::100]
    3.700  cn: call 1 ended: hung up
    3.710  ss → mt  BYE sip:mt@[2001:db8:a::100]
    3.720  mt → ss  200 OK (BYE)
    3.720  mt: call 1 ended: the other side hung up
    3.730  ss → cn  200 OK (BYE)
    ");
    assert_eq!(bench.with("mt", |_, mt| mt.open_calls().count()), 0);
}

#[test]
fn a_call_by_tcp_has_no_copies() {
    let mut bench = Bench::registered(Transport::Tcp, Early100::Never);
    call(&mut bench);
    bench.run_for(Duration::from_secs(3));
    answer(&mut bench);
    bench.run_for(MOMENT);
    bench.with("mt", |now, mt| assert!(mt.hang_up(now, FIRST)));
    bench.run_for(Duration::from_secs(40));
    insta::assert_snapshot!(bench.take_log(), @"
    0.500  cn → ss  INVITE sip:mt@example.com by TCP
    0.510  ss → cn  100 Trying (INVITE) by TCP
    0.510  ss → mt  INVITE sip:mt@[2001:db8:a::100];transport=tcp by TCP
    0.520  mt: call 1 comes in: INVITE sip:mt@[2001:db8:a::100];transport=tcp
    3.500  mt → ss  200 OK (INVITE) by TCP
    3.510  ss → cn  200 OK (INVITE) by TCP
    3.520  cn → ss  ACK sip:mt@[2001:db8:a::100];transport=tcp by TCP
    3.520  cn: call 1 answered: 200 OK (INVITE)
    3.530  ss → mt  ACK sip:mt@[2001:db8:a::100];transport=tcp by TCP
    3.540  mt: call 1 confirmed
    3.600  mt → ss  BYE sip:cn@[2001:db8:c::c];transport=tcp by TCP
    3.600  mt: call 1 ended: hung up
    3.610  ss → cn  BYE sip:cn@[2001:db8:c::c];transport=tcp by TCP
    3.620  cn → ss  200 OK (BYE) by TCP
    3.620  cn: call 1 ended: the other side hung up
    3.630  ss → mt  200 OK (BYE) by TCP
    ");
}

#[test]
fn the_server_holds_a_cancel_until_the_first_provisional_response() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    call(&mut bench);
    bench.run_for(MOMENT);
    bench.with("cn", |now, cn| assert!(cn.hang_up(now, FIRST)));
    bench.run_for(Duration::from_millis(700));
    bench.note("test", "released");
    bench.with("mt", |now, mt| assert!(mt.ring(now, FIRST)));
    bench.run_for(Duration::from_secs(40));
    insta::assert_snapshot!(bench.take_log(), @"
    0.500  cn → ss  INVITE sip:mt@example.com
    0.510  ss → cn  100 Trying (INVITE)
    0.510  ss → mt  INVITE sip:mt@[2001:db8:a::100]
    0.520  mt: call 1 comes in: INVITE sip:mt@[2001:db8:a::100]
    0.600  cn → ss  CANCEL sip:mt@example.com
    0.610  ss → cn  200 OK (CANCEL)
    1.010  ss → mt  INVITE sip:mt@[2001:db8:a::100] #1
    1.300  test: released
    1.300  mt → ss  180 Ringing (INVITE)
    1.310  ss → mt  CANCEL sip:mt@[2001:db8:a::100]
    1.310  ss → cn  180 Ringing (INVITE)
    1.320  mt → ss  200 OK (CANCEL)
    1.320  mt → ss  487 Request Terminated (INVITE)
    1.320  mt: call 1 cancelled
    1.330  ss → mt  ACK sip:mt@[2001:db8:a::100]
    1.330  ss → cn  487 Request Terminated (INVITE)
    1.340  cn → ss  ACK sip:mt@example.com
    1.340  cn: call 1 refused: 487
    ");
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    call(&mut bench);
    bench.run_for(MOMENT);
    bench.with("cn", |now, cn| assert!(cn.hang_up(now, FIRST)));
    bench.run_for(MOMENT);
    answer(&mut bench);
    bench.run_for(Duration::from_millis(300));
    insta::assert_snapshot!(bench.take_log(), @"
    0.500  cn → ss  INVITE sip:mt@example.com
    0.510  ss → cn  100 Trying (INVITE)
    0.510  ss → mt  INVITE sip:mt@[2001:db8:a::100]
    0.520  mt: call 1 comes in: INVITE sip:mt@[2001:db8:a::100]
    0.600  cn → ss  CANCEL sip:mt@example.com
    0.610  ss → cn  200 OK (CANCEL)
    0.700  mt → ss  200 OK (INVITE)
    0.710  ss → cn  200 OK (INVITE)
    0.720  cn → ss  ACK sip:mt@[2001:db8:a::100]
    0.720  cn → ss  BYE sip:mt@[2001:db8:a::100]
    0.720  cn: call 1 ended: hung up
    0.730  ss → mt  ACK sip:mt@[2001:db8:a::100]
    0.730  ss → mt  BYE sip:mt@[2001:db8:a::100]
    0.740  mt: call 1 confirmed
    0.740  mt → ss  200 OK (BYE)
    0.740  mt: call 1 ended: the other side hung up
    0.750  ss → cn  200 OK (BYE)
    ");
}

#[test]
fn an_early_100_lets_the_cancel_through() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Allowed);
    call(&mut bench);
    bench.run_for(Duration::from_millis(400));
    bench.with("cn", |now, cn| assert!(cn.hang_up(now, FIRST)));
    bench.run_for(MOMENT);
    insta::assert_snapshot!(bench.take_log(), @"
    0.500  cn → ss  INVITE sip:mt@example.com
    0.510  ss → cn  100 Trying (INVITE)
    0.510  ss → mt  INVITE sip:mt@[2001:db8:a::100]
    0.520  mt: call 1 comes in: INVITE sip:mt@[2001:db8:a::100]
    0.720  mt → ss  100 Trying (INVITE)
    0.900  cn → ss  CANCEL sip:mt@example.com
    0.910  ss → cn  200 OK (CANCEL)
    0.910  ss → mt  CANCEL sip:mt@[2001:db8:a::100]
    0.920  mt → ss  200 OK (CANCEL)
    0.920  mt → ss  487 Request Terminated (INVITE)
    0.920  mt: call 1 cancelled
    0.930  ss → mt  ACK sip:mt@[2001:db8:a::100]
    0.930  ss → cn  487 Request Terminated (INVITE)
    0.940  cn → ss  ACK sip:mt@example.com
    0.940  cn: call 1 refused: 487
    ");
}

#[test]
fn a_refusal_goes_back_through_the_server() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    call(&mut bench);
    bench.run_for(MOMENT);
    bench.with("mt", |now, mt| assert!(mt.refuse(now, FIRST, 486)));
    bench.run_for(Duration::from_secs(40));
    insta::assert_snapshot!(bench.take_log(), @"
    0.500  cn → ss  INVITE sip:mt@example.com
    0.510  ss → cn  100 Trying (INVITE)
    0.510  ss → mt  INVITE sip:mt@[2001:db8:a::100]
    0.520  mt: call 1 comes in: INVITE sip:mt@[2001:db8:a::100]
    0.600  mt → ss  486 Busy Here (INVITE)
    0.610  ss → mt  ACK sip:mt@[2001:db8:a::100]
    0.610  ss → cn  486 Busy Here (INVITE)
    0.620  cn → ss  ACK sip:mt@example.com
    0.620  cn: call 1 refused: 486
    ");
}

#[test]
fn a_lost_answer_is_repeated_until_it_is_acknowledged() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    call(&mut bench);
    bench.run_for(MOMENT);
    bench.lose = |from, _, line| from == "mt" && line.starts_with("200 OK (INVITE)");
    answer(&mut bench);
    bench.run_for(Duration::from_secs(4));
    bench.lose = |_, _, _| false;
    bench.run_for(Duration::from_secs(4));
    insta::assert_snapshot!(bench.take_log(), @"
    0.500  cn → ss  INVITE sip:mt@example.com
    0.510  ss → cn  100 Trying (INVITE)
    0.510  ss → mt  INVITE sip:mt@[2001:db8:a::100]
    0.520  mt: call 1 comes in: INVITE sip:mt@[2001:db8:a::100]
    0.600  mt → ss  200 OK (INVITE) ✗ lost
    1.010  ss → mt  INVITE sip:mt@[2001:db8:a::100] #1
    1.100  mt → ss  200 OK (INVITE) ✗ lost
    2.010  ss → mt  INVITE sip:mt@[2001:db8:a::100] #2
    2.100  mt → ss  200 OK (INVITE) ✗ lost
    4.010  ss → mt  INVITE sip:mt@[2001:db8:a::100] #3
    4.100  mt → ss  200 OK (INVITE) ✗ lost
    8.010  ss → mt  INVITE sip:mt@[2001:db8:a::100] #4
    8.100  mt → ss  200 OK (INVITE)
    8.110  ss → cn  200 OK (INVITE)
    8.120  cn → ss  ACK sip:mt@[2001:db8:a::100]
    8.120  cn: call 1 answered: 200 OK (INVITE)
    8.130  ss → mt  ACK sip:mt@[2001:db8:a::100]
    8.140  mt: call 1 confirmed
    ");
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_in_bye() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    call(&mut bench);
    bench.run_for(MOMENT);
    bench.lose = |_, _, line| line.starts_with("ACK");
    answer(&mut bench);
    bench.run_for(Duration::from_secs(33));
    let log = bench.take_log();
    let answers = log.lines().filter(|line| line.contains("mt → ss  200 OK (INVITE)")).count();
    //= TX-15
    assert_eq!(answers, 11, "{log}");
    let bye = log.lines().position(|line| line.contains("mt → ss  BYE"));
    assert!(
        bye.is_some_and(|at| log.lines().skip(at).any(|line| line.contains("cn: call 1 ended"))),
        "{log}"
    );
}

#[test]
fn an_offer_within_a_call_is_held_like_a_call() {
    let mut bench = established(Transport::Udp);
    let offer =
        roamproof_wire::sdp::LocalMedia { session_version: 2, port: 4006, ..media(CN) }.offer();
    bench.with("cn", |now, cn| assert!(cn.offer(now, FIRST, Method::Invite, &offer)));
    bench.run_for(Duration::from_millis(600));
    answer(&mut bench);
    bench.run_for(MOMENT);
    bench.with("cn", |now, cn| assert!(cn.offer(now, FIRST, Method::Update, &offer)));
    bench.run_for(MOMENT);
    bench.with("mt", |now, mt| assert!(mt.refuse(now, FIRST, 488)));
    bench.run_for(MOMENT);
    insta::assert_snapshot!(bench.take_log(), @"
    0.700  cn → ss  INVITE sip:mt@[2001:db8:a::100]
    0.710  ss → cn  100 Trying (INVITE)
    0.710  ss → mt  INVITE sip:mt@[2001:db8:a::100]
    0.720  mt: offer in call 1: INVITE sip:mt@[2001:db8:a::100]
    1.210  ss → mt  INVITE sip:mt@[2001:db8:a::100] #1
    1.300  mt → ss  200 OK (INVITE)
    1.310  ss → cn  200 OK (INVITE)
    1.320  cn → ss  ACK sip:mt@[2001:db8:a::100]
    1.320  cn: offer in call 1: 200
    1.330  ss → mt  ACK sip:mt@[2001:db8:a::100]
    1.340  mt: call 1 confirmed
    1.400  cn → ss  UPDATE sip:mt@[2001:db8:a::100]
    1.410  ss → mt  UPDATE sip:mt@[2001:db8:a::100]
    1.420  mt: offer in call 1: UPDATE sip:mt@[2001:db8:a::100]
    1.500  mt → ss  488 Not Acceptable Here (UPDATE)
    1.510  ss → cn  488 Not Acceptable Here (UPDATE)
    1.520  cn: offer in call 1: 488
    ");
    assert_eq!(bench.with("mt", |_, mt| mt.call_state(FIRST)), Some(CallState::Established));
}

#[test]
fn offers_that_cross_are_both_refused() {
    let mut bench = established(Transport::Udp);
    bench.with("cn", |now, cn| assert!(cn.offer(now, FIRST, Method::Invite, &media(CN).offer())));
    bench.with("mt", |now, mt| assert!(mt.offer(now, FIRST, Method::Invite, &media(MT).offer())));
    bench.run_for(MOMENT);
    let log = bench.take_log();
    assert_eq!(log.matches("offer in call 1: 491").count(), 2, "{log}");
    bench.with("cn", |now, cn| {
        assert!(cn.offer(now, FIRST, Method::Update, &media(CN).offer()), "it is over")
    });
}

#[test]
fn hanging_up_before_the_ack_waits_for_it() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    call(&mut bench);
    bench.run_for(MOMENT);
    bench.lose = |_, to, line| to == "cn" && line.starts_with("200 OK (INVITE)");
    answer(&mut bench);
    bench.run_for(MOMENT);
    bench.with("mt", |now, mt| assert!(mt.hang_up(now, FIRST)));
    bench.run_for(MOMENT);
    assert!(!bench.take_log().contains("BYE"));
    bench.lose = |_, _, _| false;
    bench.run_for(Duration::from_secs(1));
    let log = bench.take_log();
    let (ack, bye) = (log.find("ss → mt  ACK"), log.find("mt → ss  BYE"));
    assert!(ack.is_some() && bye > ack, "{log}");
}

#[test]
fn nobody_there_is_told_as_408_after_32_seconds() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    bench.lose = |_, to, _| to == "mt";
    call(&mut bench);
    bench.run_for(Duration::from_secs(33));
    let log = bench.take_log();
    //= PRX-37
    assert_eq!(log.matches("ss → mt  INVITE").count(), 7, "{log}");
    assert!(log.contains("  32.520  cn: call 1 refused: 408"), "{log}");
}

#[test]
fn a_phone_that_rings_long_is_heard_every_minute() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    call(&mut bench);
    bench.run_for(MOMENT);
    bench.with("mt", |now, mt| assert!(mt.ring(now, FIRST)));
    bench.run_for(Duration::from_secs(250));
    let log = bench.take_log();
    assert_eq!(log.matches("mt → ss  180 Ringing").count(), 5, "{log}");
    assert_eq!(
        bench.with("mt", |_, mt| mt.call_state(FIRST)),
        Some(CallState::Ringing),
        "timer C was held off"
    );
}

#[test]
fn a_bye_ends_a_call_whose_answer_never_came() {
    let mut bench = Bench::registered(Transport::Udp, Early100::Never);
    call(&mut bench);
    bench.run_for(MOMENT);
    bench.with("mt", |now, mt| assert!(mt.ring(now, FIRST)));
    bench.run_for(MOMENT);
    bench.lose = |_, to, line| to == "cn" && line.starts_with("200 OK (INVITE)");
    answer(&mut bench);
    bench.run_for(Duration::from_secs(30));
    bench.take_log();
    bench.run_for(Duration::from_secs(10));
    assert_eq!(bench.with("cn", |_, cn| cn.call_state(FIRST)), Some(CallState::Over));
    insta::assert_snapshot!(bench.take_log(), @"
    32.200  mt → ss  200 OK (INVITE)
    32.210  ss → cn  200 OK (INVITE) ✗ lost
    32.700  mt → ss  BYE sip:cn@[2001:db8:c::c]
    32.700  mt: call 1 ended: the answer was not acknowledged
    32.710  ss → cn  BYE sip:cn@[2001:db8:c::c]
    32.720  cn → ss  200 OK (BYE)
    32.720  cn: call 1 ended: the other side hung up
    32.730  ss → mt  200 OK (BYE)
    ");
}
