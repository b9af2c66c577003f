//! A machine that lacks what the live arm needs: exit code 3, what is missing, and the exact fix.
#![cfg(feature = "live")]

use std::io::Write;
use std::process::{Command, Output};

/// Becomes root of a user namespace in which there can be no further ones, then runs the rest with
/// no rights at all.
const NO_NAMESPACES: &str = "echo 0 >/proc/sys/user/max_user_namespaces || exit 77; \
    exec setpriv --bounding-set=-all --inh-caps=-all \"$0\" \"$@\"";

#[test]
fn without_user_namespaces_doctor_exits_3_and_names_the_fix() {
    let Some(output) = without_namespaces(&["doctor"]) else { return };
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{printed}");
    assert!(printed.contains("fix: sudo sysctl -w user.max_user_namespaces=15000"), "{printed}");
    assert!(printed.ends_with("The live arm cannot run here; the lab arm can.\n"), "{printed}");
}

#[test]
fn without_user_namespaces_the_demo_exits_3_with_the_fix_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("kept");
    let words = ["demo", "--arm", "live", "--out", out.to_str().unwrap()];
    let Some(output) = without_namespaces(&words) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("next: sudo sysctl -w user.max_user_namespaces=15000"), "{said}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(!out.exists(), "a folder for what did not run");
}

#[test]
fn a_report_for_programs_says_the_same() {
    let Some(output) = without_namespaces(&["doctor", "--format", "json"]) else { return };
    assert_eq!(output.status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let sandbox = &report["checks"][0];
    assert_eq!((&sandbox["name"], &sandbox["state"]), (&"sandbox".into(), &"missing".into()));
    assert_eq!(sandbox["fix"], "sudo sysctl -w user.max_user_namespaces=15000");
}

#[test]
fn the_live_arm_is_refused_with_the_fix() {
    for words in [["run", "--arm", "live"], ["demo", "--arm", "live"]] {
        let Some(output) = without_namespaces(&words) else { return };
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{told}");
        assert!(told.contains("next: sudo sysctl -w user.max_user_namespaces=15000"), "{told}");
    }
}

/// `None`, said aloud, where this machine cannot be made to lack them.
#[expect(clippy::disallowed_methods, reason = "the test is about the program as a shell sees it")]
fn without_namespaces(words: &[&str]) -> Option<Output> {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "bash", "-c", NO_NAMESPACES]);
    command.arg(env!("CARGO_BIN_EXE_roamproof")).args(words);
    let why = match command.output() {
        Ok(output) if !matches!(output.status.code(), Some(1 | 77 | 127)) => return Some(output),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    let demanded = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!demanded, "not run: {why}");
    // Not `eprintln!`, which a passing test's report swallows.
    let _ = writeln!(
        std::io::stderr(),
        "\n*** not run, for this machine cannot be made to lack user namespaces: {why}\n"
    );
    None
}
