//! The usher: what it does in the caller's namespaces.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use roamproof::live_arm::Live;
use roamproof::usher::Trigger;

use crate::Test;

pub(crate) const TESTS: &[Test] = &[
    ("a_trigger_runs_where_the_caller_is", a_trigger_runs_where_the_caller_is),
    ("a_trigger_ends_in_time_or_is_ended", a_trigger_ends_in_time_or_is_ended),
    ("an_interface_that_is_not_there_is_refused", an_interface_that_is_not_there_is_refused),
];

pub(crate) fn trigger(command: &str, limit: Duration) -> Trigger {
    Trigger { command: command.to_owned(), limit, environment: BTreeMap::new() }
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

fn an_interface_that_is_not_there_is_refused(live: &Live) {
    let error = live.usher().open_packet_socket("nosuch0").unwrap_err().to_string();
    assert!(error.contains("nosuch0") || error.contains("not permitted"), "{error}");
}
