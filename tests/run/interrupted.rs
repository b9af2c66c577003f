//! An interruption: the partial report is written at once, the exit code is 130, and the run can go on.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ExitStatus, Stdio};

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{command, folder, result, roamproof, text};

#[rstest]
#[case::simulated(&["run", "--only", "CL-INT-05/run-out", "--until-failure"])]
// One is over at once, the other waits for longer than anybody waits for an interruption.
#[case::live(&["run", "--arm", "live", "--only", "CL-DST-08/errors-unasked", "--only", "CL-INT-05/run-out", "--until-failure"])]
fn an_interrupted_run_leaves_a_partial_report(#[case] words: &[&str]) {
    let (folder, name) = folder();
    let mut child = start(&[words, &["--out", &name]].concat());
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    if first.is_empty() {
        return is_excused(child);
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let (status, told) = end(child);
    assert_eq!(status.code(), Some(130), "{told}");
    assert!(rest.contains("(interrupted: not all have run)"), "{rest}");
    let result = result(folder.path());
    assert_eq!(result["interrupted"], true);
    assert!(!result["cases"].as_array().unwrap().is_empty(), "what had ended is kept");
    for excluded in result["excluded"].as_array().unwrap() {
        assert_eq!(excluded["reason"], "the run was interrupted before it ended");
    }
}

/// Killed without a chance to say anything, and gone on with.
#[test]
fn a_killed_live_run_goes_on() {
    let (folder, name) = folder();
    let words =
        ["run", "--arm", "live", "--only", "CL-INT-05/{de-registered,run-out}", "--out", &name];
    let mut child = start(&words);
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    if first.is_empty() {
        return is_excused(child);
    }
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    end(child);
    assert!(!folder.path().join("result.json").exists(), "it was killed before its end");
    let output = roamproof(&["run", "--resume", &name]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.starts_with(&first), "the case that had ended is told as it was: {printed}");
    let result = result(folder.path());
    assert_eq!((&result["counts"]["PASS"], &result["interrupted"]), (&2.into(), &false.into()));
}

fn start(words: &[&str]) -> Child {
    let mut command = command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

fn end(mut child: Child) -> (ExitStatus, String) {
    let mut told = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut told).expect("UTF-8");
    (child.wait().expect("it ends"), told)
}

/// Where the live arm cannot run, which is a failure where it is demanded.
fn is_excused(child: Child) {
    let (status, told) = end(child);
    assert_eq!(status.code(), Some(3), "{told}");
    let demanded = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!demanded, "not run: {told}");
    eprintln!("\n*** not run live: {told}\n");
}
