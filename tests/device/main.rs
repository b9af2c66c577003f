//! Devices under test: the reference as a black box by every way to attach it, devices that are slow
//! or noisy, that die, that cannot; a harness that is stopped.
//!
//! The sandbox is entered before the first thread, so this test has its own `main`. Where the
//! environment cannot run it, it says so and, under `CI=true`, fails.
#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, which clippy cannot know of a test with its own main"
)]

mod attach;
mod death;
mod kinds;
#[path = "../live/leftovers.rs"]
mod leftovers;
mod profiles;
mod program;
mod stopped;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use roamproof::live_arm::Live;
use roamproof::node;

fn main() -> ExitCode {
    if let Some(code) = node::run_if_asked(kinds::build) {
        return code;
    }
    let arguments = Arguments::from_args();
    let live = match Live::enter() {
        Ok(live) => Arc::new(live),
        Err(why) => {
            eprintln!("\n*** the tests of devices did not run: {why}\n");
            return ExitCode::from(u8::from(is_demanded()));
        }
    };
    let mut trials = Vec::new();
    for (name, test) in death::TESTS {
        let live = Arc::clone(&live);
        trials.push(Trial::test(format!("death/{name}"), move || {
            test(&live);
            Ok(())
        }));
    }
    let outside = [
        ("profiles", profiles::TESTS),
        ("kinds", kinds::TESTS),
        ("stopped", stopped::TESTS),
        ("attach", attach::TESTS),
    ];
    for (group, tests) in outside {
        for (name, test) in tests {
            trials.push(Trial::test(format!("{group}/{name}"), move || {
                test();
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Says that a test was left out; which is a failure where all is demanded.
fn not_run(why: &str) {
    assert!(!is_demanded(), "not run: {why}");
    eprintln!("\n*** not run: {why}\n");
}

fn is_demanded() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// A test of its name; it panics where it fails.
type Test = (&'static str, fn());
