//! Every purpose as a cargo test, against the reference in simulated time, and live where it can run.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use roamproof::lab_arm::LabArm;
use roamproof_harness::purpose::{self, Purpose};
use roamproof_harness::run::{Setting, run};
use roamproof_harness::topology::Arm;
use roamproof_harness::verdict::Verdict;

#[cfg(feature = "live")]
fn main() -> ExitCode {
    use std::sync::Arc;

    use roamproof::live_arm::Live;
    use roamproof::node;

    if let Some(code) = node::run_if_asked(node::build) {
        return code;
    }
    let arguments = Arguments::from_args();
    let mut trials = trials("lab", || LabArm);
    match Live::enter() {
        Ok(live) => {
            let live = Arc::new(live);
            trials.extend(self::trials("live", move || live.arm()));
        }
        Err(why) => {
            eprintln!("\n*** the live arm was left out: {why}\n");
            if std::env::var_os("CI").is_some_and(|value| value == "true") {
                return ExitCode::FAILURE;
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[cfg(not(feature = "live"))]
fn main() -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials("lab", || LabArm)).exit_code()
}

/// A test for each purpose, each in an arm of its own.
fn trials<A: Arm>(name: &str, arm: impl Fn() -> A + Clone + Send + 'static) -> Vec<Trial> {
    let trial = |purpose: &'static Purpose| {
        let arm = arm.clone();
        Trial::test(format!("{name}::{}", purpose.id), move || passes(purpose, &mut arm()))
    };
    purpose::ALL.iter().copied().map(trial).collect()
}

fn passes(purpose: &Purpose, arm: &mut dyn Arm) -> Result<(), Failed> {
    let setting = Setting { seed: 1, ..Setting::default() };
    let outcome = run(purpose, arm, &setting)?;
    if outcome.verdict == Verdict::Pass {
        return Ok(());
    }
    let why = outcome.stop.map_or_else(String::new, |stop| stop.to_string());
    Err(format!("{}: {} {why}\n{:#?}", purpose.id, outcome.verdict, outcome.output).into())
}
