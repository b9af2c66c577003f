//! The live arm: namespaces, links, daemons and the usher, as root and as an ordinary user.
//!
//! The sandbox is entered before the first thread, so this test has its own `main`. Where the
//! environment cannot run it, it says so and, under `CI=true`, fails.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of this is a test, which clippy cannot know of a test with its own main"
)]

mod aftermath;
mod hostile;
mod kamailio;
mod leftovers;
mod lent;
mod network;
mod nodes;
mod outside;
mod stage;
mod standalone;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use roamproof::live_arm::Live;
use roamproof::node;

fn main() -> ExitCode {
    if let Some(code) = node::run_if_asked(nodes::build) {
        return code;
    }
    if let Some(code) = aftermath::run_if_asked().or_else(outside::run_if_asked) {
        return code;
    }
    let arguments = Arguments::from_args();
    let live = match Live::enter() {
        Ok(live) => Arc::new(live),
        Err(why) => {
            eprintln!("\n*** the live tests did not run: {why}\n");
            return ExitCode::from(u8::from(is_demanded()));
        }
    };
    let mut trials = Vec::new();
    let all = [
        network::TESTS,
        outside::TESTS,
        standalone::TESTS,
        lent::TESTS,
        hostile::TESTS,
        kamailio::TESTS,
        aftermath::TESTS,
    ];
    for (name, test) in all.into_iter().flatten() {
        let live = Arc::clone(&live);
        trials.push(Trial::test(*name, move || {
            test(&live);
            Ok(())
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Says that a test, or a part of it, was left out; which is a failure where all is demanded.
fn not_run(why: &str) {
    assert!(!is_demanded(), "not run: {why}");
    eprintln!("\n*** not run: {why}\n");
}

fn is_demanded() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// A test of its name; it panics where it fails.
type Test = (&'static str, fn(&Live));
