//! What is left: nothing, after SIGKILL too; and the same tests again as an ordinary user.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use roamproof::live_arm::Live;
use roamproof_harness::topology::sandbox::Privilege;
use rustix::event::{PollFd, PollFlags, poll};

use crate::leftovers::{Mortal, surroundings, wait_for_the_end_of};
use crate::network::{set_up, topology};
use crate::outside::trigger;
use crate::{Test, not_run};

pub(crate) const TESTS: &[Test] = &[
    ("nothing_is_left_after_sigkill", nothing_is_left_after_sigkill),
    ("an_ordinary_user_can_do_all_this", an_ordinary_user_can_do_all_this),
];

/// Parts of a test that run as processes of their own.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    match std::env::args().nth(1)?.as_str() {
        "part:stay-up" => Some(stay_up()),
        "part:kill-in-the-middle" => Some(kill_in_the_middle()),
        _ => None,
    }
}

fn nothing_is_left_after_sigkill(live: &Live) {
    let this = std::env::current_exe().unwrap();
    let command = format!("exec '{}' part:kill-in-the-middle", this.display());
    let outcome = live.usher().run(&trigger(&command, Duration::from_secs(60))).unwrap();
    assert_eq!(outcome.status, Some(0), "{}", outcome.output);
    assert!(outcome.output.contains("nothing is left of 4 processes"), "{}", outcome.output);
}

fn an_ordinary_user_can_do_all_this(live: &Live) {
    if live.sandbox().privilege() == Privilege::User {
        return; // All the others are doing so.
    }
    // The build folder may be closed to others.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("live");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let command = format!(
        "cd / && exec setpriv --reuid=65534 --regid=65534 --clear-groups '{}' --test-threads=2",
        copy.display()
    );
    let outcome = live.usher().run(&trigger(&command, Duration::from_secs(240))).unwrap();
    if outcome.status == Some(127) || outcome.output.contains("the live tests did not run") {
        return not_run(&outcome.output);
    }
    assert_eq!(outcome.status, Some(0), "{}", outcome.output);
}

/// Sets a network up, says so, and stays.
fn stay_up() -> ExitCode {
    let live = Live::enter().unwrap();
    let _network = set_up(&live, &topology("echo", &[2, 1]));
    println!("up");
    // Nothing will ever come over this pipe.
    let (reader, _writer) = std::io::pipe().unwrap();
    poll(&mut [PollFd::new(&reader, PollFlags::IN)], None).unwrap();
    ExitCode::FAILURE
}

/// Kills a process that has a network up, then looks around.
#[expect(
    clippy::disallowed_methods,
    reason = "the process to be killed must be a stranger to the sandbox"
)]
fn kill_in_the_middle() -> ExitCode {
    let before = surroundings();
    let mut child =
        Command::new("/proc/self/exe").arg("part:stay-up").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let alive = Mortal::with_children(child.id().try_into().unwrap());
    assert_eq!(surroundings(), before, "a running network is seen from outside");
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for_the_end_of(&alive);
    assert_eq!(surroundings(), before);
    println!("nothing is left of {} processes", alive.len());
    ExitCode::SUCCESS
}
