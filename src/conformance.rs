//! Every purpose as a cargo test, with the command line of `cargo test` and what `cargo nextest` asks.
//!
//! A test is named by its arm and its purpose: `lab::CL-RO-06`. What does not apply is no test that
//! passes: it is listed as ignored, and says why where it is run all the same.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use roamproof_harness::purpose::{self, Purpose};
use roamproof_harness::report::{self, Case};
use roamproof_harness::run::{Setting, run};
use roamproof_harness::topology::Arm;
use roamproof_harness::verdict::Verdict;

use crate::lab_arm::LabArm;

/// Judges the reference as cargo tests: in simulated time, and in network namespaces where this
/// machine can. Where it cannot, standard error says so; under `CI=true` that is a failure.
///
/// Call it first in the `main` of a test with `harness = false`: it enters a sandbox, which a
/// process with threads cannot.
pub fn conformance_of_reference() -> ExitCode {
    #[cfg(feature = "live")]
    if let Some(code) = crate::node::run_if_asked(crate::node::build) {
        return code;
    }
    let arguments = arguments();
    let mut trials = trials("lab", Duration::MAX, &of_reference(), || LabArm);
    match live() {
        Ok(live) => trials.extend(live),
        Err(why) => {
            eprintln!("\n*** the live arm was left out: {why}\n");
            if std::env::var_os("CI").is_some_and(|value| value == "true") {
                return ExitCode::FAILURE;
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A purpose to run, and with what.
struct Planned {
    purpose: &'static Purpose,
    setting: Setting,
    /// Why it makes no sense for the subject.
    excluded: Option<String>,
}

/// Every purpose for the reference.
fn of_reference() -> Vec<Planned> {
    let planned = |purpose: &&'static Purpose| {
        let features = purpose.features_of_reference();
        let excluded = purpose.excluded_by(&features).map(|condition| condition.to_string());
        Planned {
            purpose,
            setting: Setting { seed: SEED, features, ..Setting::default() },
            excluded,
        }
    };
    purpose::ALL.iter().map(planned).collect()
}

/// The reference in network namespaces.
#[cfg(feature = "live")]
fn live() -> Result<Vec<Trial>, String> {
    let live = crate::live_arm::Live::enter().map_err(|why| why.to_string())?;
    let live = std::sync::Arc::new(live);
    Ok(trials("live", PATIENCE, &of_reference(), move || live.arm()))
}

#[cfg(not(feature = "live"))]
fn live() -> Result<Vec<Trial>, String> {
    Err("this build has none: it wants the feature `live`".to_owned())
}

/// A test for each purpose, each in an arm of its own. Those that may wait longer than `patience` are
/// left to those who ask for ignored tests.
fn trials<A: Arm>(
    name: &'static str,
    patience: Duration,
    planned: &[Planned],
    arm: impl Fn() -> A + Clone + Send + 'static,
) -> Vec<Trial> {
    let trial = |Planned { purpose, setting, excluded }: &Planned| {
        let (purpose, setting, arm) = (*purpose, setting.clone(), arm.clone());
        let id = format!("{name}::{}", purpose.id);
        if let Some(condition) = excluded.clone() {
            let reason = format!("not applicable: wants {condition}");
            let says = move || Ok(Completion::ignored_with(&reason));
            return Trial::ignorable_test(id, says).with_ignored_flag(true);
        }
        Trial::ignorable_test(id, move || judge(name, purpose, &setting, &mut arm()))
            .with_ignored_flag(purpose.waits_max > patience)
    };
    planned.iter().map(trial).collect()
}

/// Runs one purpose; what is not decided is no success.
fn judge(
    name: &str,
    purpose: &'static Purpose,
    setting: &Setting,
    arm: &mut dyn Arm,
) -> Result<Completion, Failed> {
    let ended = run(purpose, arm, setting);
    let rerun = format!("roamproof run --arm {name} --only {} --out DIR", purpose.id);
    let case = Case::new(purpose, (1, setting.seed), &ended, rerun);
    let told = report::line(&case, None, &|_, word| word.to_owned());
    match case.verdict {
        Verdict::Pass | Verdict::Info => Ok(Completion::Completed),
        Verdict::Warn => {
            eprintln!("{told}");
            Ok(Completion::Completed)
        }
        Verdict::NotApplicable | Verdict::Skip => Ok(Completion::ignored_with(told)),
        Verdict::Inconc | Verdict::Fail | Verdict::Error => {
            let output = ended.into_iter().flat_map(|outcome| outcome.output);
            let lines: Vec<String> = output.flat_map(|(_, lines)| lines).collect();
            let last = &lines[lines.len().saturating_sub(LINES)..];
            Err(format!("{told}\nwhat it printed last:\n{}", last.join("\n")).into())
        }
    }
}

/// The command line, with no more threads than cases that do not make each other late.
fn arguments() -> Arguments {
    let mut arguments = Arguments::from_args();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(cores.min(AT_ONCE));
    arguments
}

/// One seed, so that a failure can be seen again.
const SEED: u64 = 1;

/// How long a purpose may take in real time without being asked for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Purposes at once in real time: more, and they would make each other late.
const AT_ONCE: usize = 4;

/// Lines of a subject's output shown with a failure.
const LINES: usize = 40;
