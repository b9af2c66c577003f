//! Every purpose as a cargo test, with the command line of `cargo test` and what `cargo nextest` asks.
//!
//! A test is named by its arm and its purpose: `lab::CL-RO-06`. What does not apply is no test that
//! passes: it is listed as ignored, and says why where it is run all the same.

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use roamproof_harness::feature::Features;
use roamproof_harness::purpose::{self, Purpose};
use roamproof_harness::report::{self, Case};
use roamproof_harness::run::{Setting, run};
use roamproof_harness::topology::Arm;
use roamproof_harness::verdict::Verdict;

use crate::lab_arm::LabArm;

/// Judges the device of a profile, as cargo tests of a vendor's own crate: one for each purpose that
/// applies to its roles, features and triggers, named `device::` and the purpose.
///
/// It is all of a test with `harness = false`, and called first in its `main`, for it enters a sandbox,
/// which a process with threads cannot:
///
/// ```toml
/// [[test]]
/// name = "roamproof"
/// harness = false
/// ```
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     roamproof::conformance("device.toml")
/// }
/// ```
///
/// The command line is that of `cargo test`, and `cargo nextest` can share the tests out: names to
/// choose, `--list`, `--include-ignored` for purposes that wait for more than a minute. What was not
/// decided fails, with the reason. A profile that cannot be read exits with 2. Where this machine has
/// no namespaces standard error says that nothing was judged; under `CI=true` that is a failure.
pub fn conformance(profile: impl AsRef<Path>) -> ExitCode {
    device::judged(profile.as_ref())
}

/// Judges the reference as cargo tests: in simulated time, and in network namespaces where this
/// machine can. Where it cannot, standard error says so; under `CI=true` that is a failure.
///
/// Call it first in the `main` of a test with `harness = false`, as [`conformance`].
pub fn conformance_of_reference() -> ExitCode {
    #[cfg(feature = "live")]
    if let Some(code) = crate::node::run_if_asked(crate::node::build) {
        return code;
    }
    let mut trials = trials("lab", Duration::MAX, &of_reference(), || LabArm);
    match live() {
        Ok(live) => trials.extend(live),
        Err(why) if is_left_out("live arm", &why) => return ExitCode::FAILURE,
        Err(_) => {}
    }
    libtest_mimic::run(&arguments(live_threads()), trials).exit_code()
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
    let features = Features::reference();
    let planned = |purpose: &&'static Purpose| Planned {
        purpose,
        setting: Setting { seed: SEED, features: features.clone(), ..Setting::default() },
        excluded: purpose.excluded_by(&features).map(|condition| condition.to_string()),
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

/// A vendor's device.
#[cfg(feature = "live")]
mod device {
    use std::fs::File;
    use std::sync::Arc;

    use roamproof_harness::profile::{Exclusion, Profile};
    use roamproof_harness::topology::{ArmError, Network, Topology};

    use super::*;
    use crate::live_arm::{Live, LiveArm};
    use crate::node;

    /// An arm whose device takes one case at a time, whichever process asks: `cargo nextest` starts
    /// one for each test.
    struct InTurn {
        arm: LiveArm,
        _turn: Option<File>,
    }

    impl Arm for InTurn {
        fn name(&self) -> &'static str {
            self.arm.name()
        }

        fn set_up(&mut self, topology: &Topology) -> Result<Network, ArmError> {
            self.arm.set_up(topology)
        }
    }

    pub(super) fn judged(file: &Path) -> ExitCode {
        // The profile of a reference node starts this program as that node.
        if let Some(code) = node::run_if_asked(node::build) {
            return code;
        }
        let profile = match Profile::load(file) {
            Ok(profile) => profile,
            Err(error) => {
                eprintln!("error: {error}\nnext: {}", error.cure);
                return ExitCode::from(2);
            }
        };
        match trials_of(&profile, file) {
            Ok(trials) => {
                let threads = if profile.is_parallel() { live_threads() } else { 1 };
                libtest_mimic::run(&arguments(threads), trials).exit_code()
            }
            Err(why) if is_left_out("device", &why) => ExitCode::FAILURE,
            Err(_) => ExitCode::SUCCESS,
        }
    }

    fn trials_of(profile: &Profile, file: &Path) -> Result<Vec<Trial>, String> {
        let live = Arc::new(Live::enter().map_err(|why| why.to_string())?);
        let device = live.device(profile.clone()).map_err(|why| why.to_string())?;
        let shared = (!profile.is_parallel()).then(|| file.to_owned());
        let arm = move || InTurn {
            _turn: shared.as_deref().and_then(turn),
            arm: live.arm().with_device(device.clone()),
        };
        Ok(trials("device", PATIENCE, &planned(profile), arm))
    }

    /// Waits until nobody else has the lock on the profile. What cannot be locked is not shared.
    fn turn(file: &Path) -> Option<File> {
        let file = File::open(file).ok()?;
        file.lock().is_ok().then_some(file)
    }

    /// The purposes of the device's roles.
    fn planned(profile: &Profile) -> Vec<Planned> {
        let all = purpose::ALL.iter().map(|purpose| (*purpose, profile.excludes(purpose)));
        all.filter(|(_, why)| !matches!(why, Some(Exclusion::Role(_))))
            .map(|(purpose, why)| Planned {
                purpose,
                setting: Setting::of_device(profile, purpose, SEED),
                excluded: why.map(|why| why.to_string()),
            })
            .collect()
    }
}

#[cfg(not(feature = "live"))]
mod device {
    use super::*;

    pub(super) fn judged(_: &Path) -> ExitCode {
        let why = "this build has no live arm: it wants the feature `live`";
        if is_left_out("device", why) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// Says that something is not judged here; whether that fails, as continuous integration wants it.
fn is_left_out(what: &str, why: &str) -> bool {
    eprintln!("\n*** the {what} was left out: {why}\n");
    env::var_os("CI").is_some_and(|value| value == "true")
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
    let on = match name {
        "device" => "--device FILE".to_owned(),
        arm => format!("--arm {arm}"),
    };
    let rerun = format!("roamproof run {on} --only {} --out DIR", purpose.id);
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

/// The command line; without a word about threads there are `threads`.
fn arguments(threads: usize) -> Arguments {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(threads);
    arguments
}

/// Cases at once in real time: they wait more than they work, and must not make each other late.
fn live_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from) * AT_ONCE
}

/// One seed, so that a failure can be seen again.
const SEED: u64 = 1;

/// How long a purpose may take in real time without being asked for.
#[cfg(feature = "live")]
const PATIENCE: Duration = Duration::from_secs(60);

/// Cases at once on each processor.
const AT_ONCE: usize = 4;

/// Lines of a subject's output shown with a failure.
const LINES: usize = 40;
