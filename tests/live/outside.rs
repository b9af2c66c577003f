//! The usher: what it does in the caller's namespaces.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::Duration;

use roamproof::live_arm::Live;
use roamproof::usher::Trigger;
use roamproof_harness::link::packet_socket::PacketSocketLink;
use roamproof_harness::link::{Clock, Link, Port};
use roamproof_harness::topology::netlink::Netlink;
use roamproof_harness::topology::veth::{End, pair};

use crate::Test;

pub(crate) const TESTS: &[Test] = &[
    ("a_trigger_runs_where_the_caller_is", a_trigger_runs_where_the_caller_is),
    ("a_trigger_ends_in_time_or_is_ended", a_trigger_ends_in_time_or_is_ended),
    ("an_interface_of_the_caller_becomes_a_port", an_interface_of_the_caller_becomes_a_port),
    ("an_interface_that_is_not_there_is_refused", an_interface_that_is_not_there_is_refused),
];

pub(crate) fn trigger(command: &str, limit: Duration) -> Trigger {
    Trigger { command: command.to_owned(), limit, environment: BTreeMap::new(), folder: None }
}

fn a_trigger_runs_where_the_caller_is(live: &Live) {
    let mut trigger = trigger(
        "readlink /proc/self/ns/net; echo \"$ROAMPROOF_TEST\" >&2; exit 89",
        Duration::from_secs(20),
    );
    trigger.environment.insert("ROAMPROOF_TEST".to_owned(), "said aloud".to_owned());
    let outcome = live.usher().run(&trigger).unwrap();
    assert_eq!((outcome.status, outcome.signal, outcome.late), (Some(89), None, false));
    let (namespace, rest) = outcome.output.split_once('\n').unwrap();
    let ours = fs::read_link("/proc/self/ns/net").unwrap();
    assert!(namespace.starts_with("net:["), "{namespace}");
    assert_ne!(namespace, ours.to_str().unwrap(), "the usher is in the sandbox");
    assert_eq!(rest, "said aloud\n");
}

fn a_trigger_ends_in_time_or_is_ended(live: &Live) {
    let outcome =
        live.usher().run(&trigger("echo begun; sleep 600", Duration::from_millis(300))).unwrap();
    assert_eq!((outcome.status, outcome.signal, outcome.late), (None, Some(9), true));
    assert_eq!(outcome.output, "begun\n");
    let outcome = live
        .usher()
        .run(&trigger("yes | head -c 100000; exit 3", Duration::from_secs(20)))
        .unwrap();
    assert_eq!((outcome.status, outcome.late, outcome.output.len()), (Some(3), false, 16 << 10));
}

/// A process of its own takes this sandbox for the caller's world, and enters another.
#[expect(clippy::disallowed_methods, reason = "the process has to enter a sandbox of its own")]
fn an_interface_of_the_caller_becomes_a_port(_: &Live) {
    let output = Command::new("/proc/self/exe").arg("part:attach").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed == "both ways\n", "{output:?}");
}

/// The part of that test which runs as a process of its own.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    (std::env::args().nth(1)? == "part:attach").then(attach)
}

fn attach() -> ExitCode {
    let end = |name: &str, last| End {
        name: name.to_owned(),
        mac: [2, 0xfe, 0, 0, 9, last],
        index: None,
    };
    let mut netlink = Netlink::open().unwrap();
    netlink.ask(vec![pair(&end("device0", 1), &end("device1", 2), None)]).unwrap();
    netlink.set_up(&["device1"]).unwrap();
    netlink.wait_until_usable(&["device0", "device1"], Duration::from_secs(10)).unwrap();

    let live = Live::enter().unwrap();
    let mut link = PacketSocketLink::open(&[]).unwrap();
    for (port, name) in [(Port(4), "device0"), (Port(7), "device1")] {
        let socket = live.usher().open_packet_socket(name, None).unwrap();
        link.attach(socket, port).unwrap();
    }
    // A pair is a wire: what goes into one end comes out of the other.
    for number in 0..40_u8 {
        let (from, to) = if number % 2 == 0 { (Port(4), Port(7)) } else { (Port(7), Port(4)) };
        let frame = [&[0xff; 12][..], &[0x88, 0xb5], &[number; 46]].concat();
        link.send(from, &frame).unwrap();
        let until = link.now() + Duration::from_secs(5);
        let arrival = link.receive(until).unwrap().expect("within five seconds");
        assert_eq!((arrival.port, arrival.octets), (to, frame));
    }
    wait_for_stamps(&mut link);
    // Frames of two sockets come in the order of their stamps.
    let frame = |number: u8| [&[0xff; 12][..], &[0x88, 0xb5], &[number; 46]].concat();
    for number in 0..40 {
        link.send(if number % 2 == 0 { Port(4) } else { Port(7) }, &frame(number)).unwrap();
    }
    for number in 0..40 {
        let until = link.now() + Duration::from_secs(5);
        assert_eq!(link.receive(until).unwrap().map(|arrival| arrival.octets), Some(frame(number)));
    }
    println!("both ways");
    ExitCode::SUCCESS
}

/// Waits until the kernel stamps frames as they come: before that they bear the time at which they
/// are read, which is later than the sender's next look at the clock.
fn wait_for_stamps(link: &mut PacketSocketLink) {
    let mut in_a_row = 0;
    for _ in 0..10_000 {
        link.send(Port(4), &[0xff; 60]).unwrap();
        let sent = link.now();
        let arrival = link.receive(sent + Duration::from_secs(5)).unwrap();
        let stamped = arrival.expect("within five seconds").at < sent;
        // One may have been read while it was sent.
        in_a_row = if stamped { in_a_row + 1 } else { 0 };
        if in_a_row == 3 {
            return;
        }
    }
    panic!("the kernel does not stamp frames");
}

fn an_interface_that_is_not_there_is_refused(live: &Live) {
    let error = live.usher().open_packet_socket("nosuch0", None).unwrap_err().to_string();
    assert!(error.contains("nosuch0") || error.contains("not permitted"), "{error}");
}
