//! A run that was killed goes on by its journal and ends with the result it would have had.

use std::fs;

use rstest::rstest;

use crate::program::{folder, lasting, roamproof, text};

const WORDS: [&str; 7] =
    ["run", "--only", "CL-INT-05/{de-registered,run-out}", "--repeat", "2", "--seed", "7"];

/// Killed after any octet of the journal, that is, after any case or while one was written.
#[test]
fn a_killed_run_goes_on_from_anywhere() {
    let (folder, name) = folder();
    assert_eq!(roamproof(&[&WORDS[..], &["--out", &name]].concat()).status.code(), Some(0));
    let (journal, whole) = (folder.path().join("journal.jsonl"), lasting(folder.path()));
    let written = fs::read(&journal).unwrap();
    let ends: Vec<usize> =
        (0..written.len()).filter(|at| written[*at] == b'\n').map(|at| at + 1).collect();
    assert_eq!(ends.len(), 5, "a first line and four cases");
    for cut in ends.iter().flat_map(|end| [*end, (end + 100).min(written.len())]) {
        fs::write(&journal, &written[..cut]).unwrap();
        for file in ["result.json", "junit.xml"] {
            fs::remove_file(folder.path().join(file)).unwrap();
        }
        let output = roamproof(&["run", "--resume", &name]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout).lines().count(), 5, "all cases are told");
        assert_eq!(lasting(folder.path()), whole, "cut at {cut}");
        assert!(fs::read(&journal).unwrap() == written, "cut at {cut}");
    }
}

#[rstest]
#[case::another_seed(&["--seed", "8"], "seed 7, not 8")]
#[case::another_selection(&["--seed", "7", "--only", "CL-INT-05/{de-registered,run-out}"], "other options")]
#[case::another_arm(&["--arm", "live"], "the arm lab, not live")]
fn a_journal_of_another_run_is_refused(#[case] words: &[&str], #[case] expected: &str) {
    let (_folder, name) = folder();
    assert_eq!(roamproof(&[&WORDS[..], &["--out", &name]].concat()).status.code(), Some(0));
    let output = roamproof(&[&["run", "--resume", &name], words].concat());
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains(&format!("the journal is of another run: {expected}")), "{told}");
}

#[test]
fn the_same_words_may_be_said_again() {
    let (_folder, name) = folder();
    assert_eq!(roamproof(&[&WORDS[..], &["--out", &name]].concat()).status.code(), Some(0));
    assert_eq!(roamproof(&[&WORDS[..], &["--resume", &name]].concat()).status.code(), Some(0));
}

#[rstest]
#[case::another_version("\"version\":\"", "\"version\":\"9", "roamproof 90.1.0, not 0.1.0")]
#[case::another_purpose(
    "CL-INT-05/run-out v1",
    "CL-INT-05/run-out v0",
    "another selection (CL-INT-05/run-out v0 is in one of them only)"
)]
fn a_journal_of_another_roamproof_is_refused(
    #[case] old: &str,
    #[case] new: &str,
    #[case] expected: &str,
) {
    let (folder, name) = folder();
    assert_eq!(roamproof(&[&WORDS[..], &["--out", &name]].concat()).status.code(), Some(0));
    let journal = folder.path().join("journal.jsonl");
    let written = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, written.replacen(old, new, 1)).unwrap();
    let output = roamproof(&["run", "--resume", &name]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains(expected), "{told}");
}
