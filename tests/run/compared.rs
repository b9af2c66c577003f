//! `compare` through the program.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{folder, result, roamproof, text};

#[test]
fn a_run_is_no_worse_than_itself_and_worse_when_less_of_it_passes() {
    let [(whole, whole_name), (part, part_name)] = [folder(), folder()];
    let words = ["run", "--only", "CL-INT-05/{de-registered,run-out}", "--out", &whole_name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    let words = [
        "run",
        "--only",
        "CL-INT-05/{de-registered,run-out}",
        "--shard",
        "1/2",
        "--out",
        &part_name,
    ];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    let same = roamproof(&["compare", &whole_name, &whole_name]);
    assert_eq!(same.status.code(), Some(0));
    assert_eq!(text(&same.stdout), "2 unchanged: nothing got worse\n");
    let less = roamproof(&["compare", &whole_name, &part_name]);
    assert_eq!(less.status.code(), Some(1));
    insta::assert_snapshot!(text(&less.stdout), @r"
    vanished        PASS   → -       CL-INT-05/run-out
                    + SKIP: is in shard 2/2, not 1/2
    1 vanished, 1 unchanged: something got worse
    ");
    let file = part.path().join("result.json");
    let more = roamproof(&["compare", file.to_str().unwrap(), &whole_name]);
    assert_eq!(more.status.code(), Some(0), "a pass came");
    none_ran(part.path());
    assert_eq!(roamproof(&["compare", &part_name, &part_name]).status.code(), Some(4));
    drop(whole);
}

#[test]
fn programs_are_told_the_same() {
    let (run, name) = folder();
    let words = ["run", "--only", "CL-INT-05/run-out", "--out", &name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    let mut old = result(run.path());
    old["cases"][0]["verdict"] = "FAIL".into();
    let other = run.path().join("old.json");
    fs::write(&other, old.to_string()).unwrap();
    let other = other.to_str().unwrap();
    let output = roamproof(&["compare", &name, other, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
    let change = &comparison["newly_failing"][0];
    assert_eq!((&change["old"], &change["new"]), (&"PASS".into(), &"FAIL".into()));
    let output = roamproof(&["compare", other, &name, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(comparison["newly_passing"][0]["id"], "CL-INT-05/run-out");
}

fn none_ran(folder: &Path) {
    let mut empty = result(folder);
    empty["cases"] = Value::Array(Vec::new());
    fs::write(folder.join("result.json"), empty.to_string()).expect("a result");
}
