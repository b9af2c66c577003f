//! What a vendor's own test says of a device: this program is one where a profile is given, and asks
//! itself otherwise.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    if let Some(profile) = env::var_os(PROFILE) {
        return roamproof::conformance(profile);
    }
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("a_right_device_passes", a_right_device_passes),
        Trial::test("what_does_not_apply_is_no_pass", what_does_not_apply_is_no_pass),
        Trial::test("a_device_that_ends_fails", a_device_that_ends_fails),
        Trial::test("a_shared_device_takes_its_cases_in_turn", a_shared_device_takes_turns),
        Trial::test("a_bad_profile_is_a_usage_error", a_bad_profile_is_a_usage_error),
        Trial::test("what_cannot_be_judged_fails_where_it_counts", what_cannot_be_judged_is_said),
    ];
    let trials = match can_run_live(&arguments) {
        Ok(()) => trials,
        Err(why) => {
            eprintln!("\n*** no device was judged here: {why}\n");
            if env::var_os("CI").is_some_and(|value| value == "true") {
                return ExitCode::FAILURE;
            }
            Vec::new()
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Found out in another process: this one stays where it is.
fn can_run_live(arguments: &Arguments) -> Result<(), String> {
    if arguments.list {
        return Ok(());
    }
    let output = vendor(&profile("health"), &["--list"]);
    if says(&output).contains("was left out") { Err(says(&output)) } else { Ok(()) }
}

fn a_right_device_passes() -> Result<(), Failed> {
    let file = profile("right");
    let listed = vendor(&file, &["--list"]);
    holds(says(&listed).contains("device::CL-INT-05/de-registered: test"), &listed)?;
    holds(!says(&listed).contains("CL-RO-01"), &listed)?;
    let output = vendor(&file, &["--exact", "device::CL-INT-05/de-registered"]);
    holds(output.status.success() && says(&output).contains("1 passed"), &output)
}

fn what_does_not_apply_is_no_pass() -> Result<(), Failed> {
    let file = changed("na", "binding_lookup = \"yes\"", "binding_lookup = \"no\"");
    let output = vendor(&file, &["--exact", "device::CL-DST-06"]);
    holds(says(&output).contains("0 passed; 0 failed; 1 ignored"), &output)?;
    let forced = vendor(&file, &["--include-ignored", "--exact", "device::CL-DST-06"]);
    holds(says(&forced).contains("not applicable: wants binding_lookup = yes"), &forced)?;
    holds(says(&forced).contains("0 passed; 0 failed; 1 ignored"), &forced)
}

fn a_device_that_ends_fails() -> Result<(), Failed> {
    let file = changed("dead", "exec \"$ROAMPROOF_PROGRAM\" node", "exit 7; exec node");
    let output = vendor(&file, &["--exact", "device::CL-REG-02"]);
    holds(!output.status.success() && says(&output).contains("1 failed"), &output)
}

/// Two processes ask at once, as `cargo nextest` does.
fn a_shared_device_takes_turns() -> Result<(), Failed> {
    let file = changed("shared", "mode = \"command\"", "mode = \"command\"\nparallel = false");
    let words = ["--exact", "device::CL-INT-05/de-registered"];
    let children: Vec<_> = (0..2).map(|_| command(&file, &words).spawn()).collect();
    for child in children {
        let output = child?.wait_with_output()?;
        holds(output.status.success(), &output)?;
    }
    Ok(())
}

fn a_bad_profile_is_a_usage_error() -> Result<(), Failed> {
    let file = changed("bad", "mode = \"command\"", "mode = \"magic\"");
    let output = vendor(&file, &[]);
    holds(output.status.code() == Some(2) && says(&output).contains("magic"), &output)
}

/// Where no namespace can be made nothing is judged, and continuous integration fails.
fn what_cannot_be_judged_is_said() -> Result<(), Failed> {
    let file = profile("nowhere");
    for (setting, status) in [("unset CI", 0), ("export CI=true", 1)] {
        let Some(output) = without_namespaces(&file, setting) else { return Ok(()) };
        let is_so = output.status.code() == Some(status) && says(&output).contains("was left out");
        holds(is_so, &output)?;
    }
    Ok(())
}

/// `None`, said aloud, where this machine cannot be made to lack them.
#[expect(clippy::disallowed_methods, reason = "a shell makes the machine lack namespaces")]
fn without_namespaces(profile: &Path, setting: &str) -> Option<Output> {
    let script = format!(
        "echo 0 >/proc/sys/user/max_user_namespaces || exit 77; {setting}; \
         exec setpriv --bounding-set=-all --inh-caps=-all \"$0\" --list"
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "bash", "-c", &script]);
    command.arg(env::current_exe().expect("this program has a file")).env(PROFILE, profile);
    let output = command.output();
    // Where the script did not come to its end, this program said nothing.
    let ran = output.as_ref().is_ok_and(|output| says(output).contains("***"));
    if !ran {
        eprintln!(
            "\n*** not run, for this machine cannot be made to lack namespaces: {output:?}\n"
        );
        return None;
    }
    output.ok()
}

/// The profile of the reference home agent, in a file of its own.
fn profile(name: &str) -> std::path::PathBuf {
    changed(name, "", "")
}

/// The same with something else in place of `old`.
fn changed(name: &str, old: &str, new: &str) -> std::path::PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/reference-ha.toml");
    let text = fs::read_to_string(source).expect("the profile is in the repository");
    assert!(text.contains(old), "{old:?} is not in the profile");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("vendor-{name}.toml"));
    fs::write(&file, text.replace(old, new)).expect("the folder of tests can be written");
    file
}

fn vendor(profile: &Path, words: &[&str]) -> Output {
    command(profile, words).output().expect("this program starts")
}

#[expect(clippy::disallowed_methods, reason = "a vendor's test is a process of its own")]
fn command(profile: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program has a file"));
    command.args(words).env(PROFILE, profile).env_remove("CI");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command
}

fn says(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

fn holds(is_so: bool, output: &Output) -> Result<(), Failed> {
    if is_so { Ok(()) } else { Err(format!("{}\n{}", output.status, says(output)).into()) }
}

/// Says to this program that it is a vendor's test, of the device of this profile.
const PROFILE: &str = "ROAMPROOF_VENDOR_PROFILE";
