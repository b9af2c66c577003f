//! Known failures through the program: what fails as listed fails nothing, what the list says wrongly does.

use std::fs;
use std::path::PathBuf;

use rstest::rstest;
use tempfile::TempDir;

use crate::program::{folder, roamproof, text};

/// Lines of an entry: what is expected of `CL-INT-05/run-out`.
const ENTRY: &str = "[[failure]]
id = \"CL-INT-05/run-out\"
verdict = \"FAIL\"
reason = \"to the home address\"
version = 1
issue = \"https://example.com/7\"
since = 2026-01-01
expires = 2999-12-31
";

#[rstest]
#[case::passes("", "", "2: CL-INT-05/run-out passes: delete this entry")]
#[case::no_such_purpose(
    "CL-INT-05/run-out",
    "CL-INT-05/runout",
    "2: CL-INT-05/runout is the name of no purpose: delete this entry"
)]
fn a_line_that_is_not_true_fails_a_run_in_which_all_passes(
    #[case] old: &str,
    #[case] new: &str,
    #[case] expected: &str,
) {
    let (_folder, list) = list(&ENTRY.replacen(old, new, 1));
    let words = ["run", "--only", "CL-INT-05/{de-registered,run-out}", "--known-failures", &list];
    let output = roamproof(&words);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains(&format!("{list}:{expected}")), "{printed}");
}

#[test]
fn an_entry_that_did_not_run_says_nothing() {
    let (_folder, list) = list(ENTRY);
    let words = ["run", "--only", "CL-INT-05/de-registered", "--known-failures", &list];
    assert_eq!(roamproof(&words).status.code(), Some(0));
}

#[test]
fn a_list_that_cannot_be_read_is_refused_with_its_line() {
    let (_folder, list) = list(&ENTRY.replace("version = 1", "version = \"one\""));
    let output = roamproof(&["run", "--known-failures", &list]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains(&format!("{list}:5: invalid type: string \"one\"")), "{told}");
}

/// The rows of the truth table that want a subject that fails.
#[cfg(feature = "misdeeds")]
#[rstest]
#[case::as_listed(
    "",
    "",
    0,
    "FAIL   CL-INT-05/run-out  A packet for a home address whose binding has run out is not tunnelled  (known: https://example.com/7)"
)]
#[case::another_reason(
    "to the home address",
    "to nobody",
    1,
    ":4: CL-INT-05/run-out fails for another reason"
)]
#[case::another_verdict("FAIL", "WARN", 1, ":3: CL-INT-05/run-out ends in FAIL, not WARN")]
#[case::another_version(
    "version = 1",
    "version = 9",
    1,
    ":5: CL-INT-05/run-out is judged by version 1"
)]
#[case::expired("2999", "2026", 1, ":8: CL-INT-05/run-out was expected to fail until 2026-12-31")]
fn a_failure_is_held_against_its_entry(
    #[case] old: &str,
    #[case] new: &str,
    #[case] code: i32,
    #[case] expected: &str,
) {
    let (folder, list) = list(&ENTRY.replacen(old, new, 1).replace("2026-12-31", "2026-01-02"));
    let expected = expected.replace("2026-12-31", "2026-01-02");
    let out = folder.path().join("out");
    let misdeed = "tunnels-to-the-last-care-of-address";
    let words = ["run", "--only", "CL-INT-05/run-out", "--misdeed", misdeed];
    let more = ["--known-failures", &list, "--out", out.to_str().unwrap()];
    let output = roamproof(&[&words[..], &more[..]].concat());
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{printed}");
    assert!(printed.contains(&expected), "{printed}");
    let tap = fs::read_to_string(out.join("results.tap")).unwrap();
    assert_eq!(tap.contains("# todo known: https://example.com/7"), code == 0, "{tap}");
}

/// A list in a folder of its own, and its name.
fn list(entries: &str) -> (TempDir, String) {
    let (folder, name) = folder();
    let path = PathBuf::from(name).join("known-failures.toml");
    fs::write(&path, entries).expect("a list");
    (folder, path.to_str().expect("UTF-8").to_owned())
}
