//! A harness that is stopped: it says that it could not find out, and blames no device.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Test;
use crate::leftovers::{Mortal, surroundings, wait_for_the_end_of};
use crate::program::{Ran, changed, command, shipped};

pub(crate) const TESTS: &[Test] = &[
    ("for_two_seconds_at_any_time", for_two_seconds_at_any_time),
    ("again_and_again", again_and_again),
    ("killed_it_leaves_nothing", killed_it_leaves_nothing),
];

/// How long it is stopped.
const STOP: Duration = Duration::from_secs(2);

/// One run after the other, each stopped once, a little later each time.
fn for_two_seconds_at_any_time() {
    for after in [200, 900, 1700, 2600] {
        let mut child =
            command(&shipped("reference-mn.toml"), &["--only", "CL-RO-13"]).spawn().unwrap();
        stop(&mut child, Duration::from_millis(after));
        let ran = Ran::of(&child.wait_with_output().unwrap());
        let verdicts = ran.verdicts();
        let right = matches!(verdicts.as_slice(), [(_, "PASS" | "INCONC")]);
        assert!(right, "stopped after {after} ms: {}", ran.trouble());
    }
}

/// Stopped in its second run too, it cannot find out.
fn again_and_again() {
    let mut child =
        command(&shipped("reference-ha.toml"), &["--only", "CL-INT-05/run-out"]).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        stop(&mut child, Duration::from_millis(700));
    }
    let ran = Ran::of(&child.wait_with_output().unwrap());
    let verdicts = ran.verdicts();
    assert!(matches!(verdicts.as_slice(), [(_, "INCONC")]), "{}", ran.trouble());
    assert!(ran.trouble().contains("late"), "{}", ran.trouble());
    assert_eq!(ran.code, Some(5));
}

/// A device is a shell and what it has started, which no signal of the shell's end reaches.
fn killed_it_leaves_nothing() {
    let changes = [("exec \"$ROAMPROOF_PROGRAM\"", "sleep 987654 & \"$ROAMPROOF_PROGRAM\"")];
    let (_folder, path) = changed("reference-ha.toml", &changes);
    let mut child = command(&path, &["--only", "CL-INT-05/run-out"]).spawn().unwrap();
    let before = surroundings();
    wait(&mut child, Duration::from_millis(1500));
    let id = child.id().try_into().unwrap();
    let all = Mortal::with_children(id);
    assert!(all.len() >= 5, "a harness, its usher, a shell, its two children: {}", all.len());
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for_the_end_of(&all);
    assert_eq!(surroundings(), before);
}

fn stop(child: &mut Child, after: Duration) {
    let process = Pid::from_child(child);
    wait(child, after);
    // Where it has ended meanwhile there is nothing to stop.
    if child.try_wait().unwrap().is_none() {
        kill_process(process, Signal::STOP).unwrap();
        wait(child, STOP);
        kill_process(process, Signal::CONT).unwrap();
    }
}

/// Lets a time pass, or less where the child ends.
#[expect(clippy::disallowed_methods, reason = "a test needs a clock of its own")]
fn wait(child: &mut Child, time: Duration) {
    let since = Instant::now();
    while since.elapsed() < time && child.try_wait().unwrap().is_none() {
        let step = rustix::time::Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        rustix::event::poll(&mut [], Some(&step)).unwrap();
    }
}
