//! Registration: asked for, refreshed, taken back, refused; and the registrar's rules.

use std::time::Duration;

use roamproof_node::sip::{AgentConfig, Early100};
use roamproof_wire::sip::{Fields, HeaderName, Message, Transport};
use rstest::rstest;

use crate::bench::{Bench, MT, SS, TESTER, config, statuses};

#[test]
fn a_registration_is_refreshed_and_taken_back() {
    let mut bench = Bench::new();
    bench.add_proxy("ss", SS);
    bench.add_agent("mt", AgentConfig { expires: 60, ..config("mt", MT, Transport::Udp) });
    bench.with("mt", |now, mt| mt.register(now));
    bench.run_for(Duration::from_secs(70));
    bench.with("mt", |now, mt| mt.unregister(now));
    bench.run_for(Duration::from_secs(100));
    insta::assert_snapshot!(bench.take_log(), @r#"
     0.000  mt → ss  REGISTER sip:example.com
     0.010  ss → mt  200 OK (REGISTER)
     0.010  ss: Registered { identifier: "mt@example.com", status: 200 }
     0.020  mt: Registered { expires: 60 }
    54.020  mt → ss  REGISTER sip:example.com
    54.030  ss → mt  200 OK (REGISTER)
    54.030  ss: Registered { identifier: "mt@example.com", status: 200 }
    54.040  mt: Registered { expires: 60 }
    70.000  mt → ss  REGISTER sip:example.com
    70.010  ss → mt  200 OK (REGISTER)
    70.010  ss: Registered { identifier: "mt@example.com", status: 200 }
    70.020  mt: NotRegistered { status: 200 }
    "#);
    let now = bench.now;
    assert!(bench.proxy("ss").location().contacts(now, "mt@example.com").is_empty());
}

#[test]
fn too_brief_an_interval_is_asked_again_with_the_least() {
    let mut bench = Bench::new();
    bench.add_proxy("ss", SS);
    bench.add_agent("mt", AgentConfig { expires: 10, ..config("mt", MT, Transport::Udp) });
    bench.with("mt", |now, mt| mt.register(now));
    bench.run_for(Duration::from_secs(1));
    insta::assert_snapshot!(bench.take_log(), @r#"
    0.000  mt → ss  REGISTER sip:example.com
    0.010  ss → mt  423 Interval Too Brief (REGISTER)
    0.010  ss: Registered { identifier: "mt@example.com", status: 423 }
    0.020  mt → ss  REGISTER sip:example.com
    0.030  ss → mt  200 OK (REGISTER)
    0.030  ss: Registered { identifier: "mt@example.com", status: 200 }
    0.040  mt: Registered { expires: 30 }
    "#);
}

#[test]
fn a_server_that_is_silent_is_tried_again() {
    let mut bench = Bench::new();
    bench.add_agent(
        "mt",
        AgentConfig { early_100: Early100::Never, ..config("mt", MT, Transport::Udp) },
    );
    bench.with("mt", |now, mt| mt.register(now));
    bench.run_for(Duration::from_secs(40));
    let log = bench.take_log();
    //= TX-03
    assert_eq!(log.matches("REGISTER").count(), 11 + 4, "{log}");
    assert!(log.contains("  32.000  mt: NotRegistered { status: 408 }"), "{log}");
}

const REGISTER: &str = "REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP [2001:db8:7::7];branch=z9hG4bKNUMBER
From: <sip:mt@example.com>;tag=f1
To: <sip:mt@example.com>
Call-ID: CALL
CSeq: NUMBER REGISTER
HEADERS

";

struct Registering {
    bench: Bench,
    number: u32,
}

impl Registering {
    fn new() -> Self {
        let mut bench = Bench::new();
        bench.add_proxy("ss", SS);
        bench.add_tester("tester", TESTER);
        Self { bench, number: 100 }
    }

    /// Sends a REGISTER, numbered on, with `headers`; the answer.
    fn send(&mut self, call_id: &str, headers: &str) -> Message {
        self.number += 1;
        self.send_numbered(self.number, call_id, headers)
    }

    fn send_numbered(&mut self, number: u32, call_id: &str, headers: &str) -> Message {
        let text = REGISTER.replace("NUMBER", &number.to_string()).replace("CALL", call_id);
        let text = text.replace("HEADERS", headers).replace("\n\n\n", "\n\n");
        self.bench.send("tester", SS, Transport::Udp, &text);
        self.bench.run_for(Duration::from_millis(50));
        self.bench.received.pop().unwrap()
    }
}

fn contacts(response: &Message) -> Vec<String> {
    response
        .elements(HeaderName::Contact)
        .map(|contact| String::from_utf8_lossy(contact.value).into_owned())
        .collect()
}

#[test]
fn bindings_are_added_renewed_listed_and_removed() {
    let mut registering = Registering::new();
    let response = registering.send("c1", "Contact: <sip:a@[2001:db8:7::1];x=y>;expires=500;q=0.5, <sip:b@[2001:db8:7::2]>;z=1\nExpires: 300");
    assert_eq!(
        contacts(&response),
        ["<sip:b@[2001:db8:7::2]>;expires=300", "<sip:a@[2001:db8:7::1];x=y>;q=0.5;expires=500"]
    );
    assert!(response.to().unwrap().tag().is_some());
    registering.bench.run_for(Duration::from_secs(100));
    let response = registering.send("c1", "Contact: <sip:b@[2001:DB8:7:0::2]>;expires=soon");
    assert_eq!(contacts(&response)[0], "<sip:b@[2001:DB8:7:0::2]>;expires=3600");
    let response = registering.send("c1", "Contact: <sip:b@[2001:db8:7::2]>;expires=0");
    assert_eq!(contacts(&response), ["<sip:a@[2001:db8:7::1];x=y>;q=0.5;expires=400"]);
    assert_eq!(contacts(&registering.send("other", "")).len(), 1);
    registering.bench.run_for(Duration::from_secs(400));
    assert!(contacts(&registering.send("other", "")).is_empty());
}

#[test]
fn order_counts_within_one_call_id() {
    let mut registering = Registering::new();
    let contact = "Contact: <sip:a@[2001:db8:7::1]>";
    assert_eq!(registering.send_numbered(50, "c1", contact).status(), Some(200));
    //= REG-13
    assert_eq!(registering.send_numbered(49, "c1", contact).status(), Some(500));
    assert_eq!(registering.send_numbered(48, "c1", "Contact: *\nExpires: 0").status(), Some(500));
    assert_eq!(registering.send_numbered(3, "c2", contact).status(), Some(200));
    let response = registering.send_numbered(2, "c1", "Contact: *\nExpires: 0");
    assert_eq!((response.status(), contacts(&response).len()), (Some(200), 0));
}

#[rstest]
#[case::star_that_stays("Contact: *\nExpires: 60", 400)]
#[case::star_and_more("Contact: *, <sip:a@b>\nExpires: 0", 400)]
#[case::star_without_expires("Contact: *", 400)]
#[case::brief("Contact: <sip:b@[2001:db8:7::2]>;expires=29", 423)]
#[case::all_or_nothing("Contact: <sip:b@[2001:db8:7::2]>, <sip:c@[2001:db8:7::3]>;expires=5", 423)]
#[case::unreadable("Contact: <sip:b@[2001:db8:7::2]>, <sip:[>", 400)]
#[case::required("Contact: <sip:b@[2001:db8:7::2]>\nRequire: gruu", 420)]
#[case::many(
    "Contact: <sip:1@b>, <sip:2@b>, <sip:3@b>, <sip:4@b>, <sip:5@b>, <sip:6@b>, <sip:7@b>, <sip:8@b>, <sip:9@b>, <sip:10@b>",
    403
)]
fn what_is_refused_changes_nothing(#[case] headers: &str, #[case] status: u16) {
    let mut registering = Registering::new();
    registering.send("c1", "Contact: <sip:a@[2001:db8:7::1]>");
    let response = registering.send("c1", headers);
    assert_eq!(response.status(), Some(status));
    assert_eq!(response.header(HeaderName::MinExpires).is_some(), status == 423);
    assert_eq!(contacts(&registering.send("c1", "")), ["<sip:a@[2001:db8:7::1]>;expires=3600"]);
}

#[test]
fn a_stranger_is_not_found() {
    let mut registering = Registering::new();
    let text = REGISTER.replace("To: <sip:mt@", "To: <sip:nobody@").replace("HEADERS\n", "");
    registering.bench.send("tester", SS, Transport::Udp, &text.replace("NUMBER", "7"));
    registering.bench.run_for(Duration::from_millis(50));
    //= REG-06
    assert_eq!(statuses(&registering.bench.received), [404]);
}

#[test]
fn a_copy_draws_the_same_answer() {
    let mut registering = Registering::new();
    let first = registering.send_numbered(9, "c1", "Contact: <sip:a@[2001:db8:7::1]>");
    //= REG-23
    let copy = registering.send_numbered(9, "c1", "Contact: <sip:a@[2001:db8:7::1]>");
    assert_eq!(first.to_vec(), copy.to_vec());
}
