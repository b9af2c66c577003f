//! Every exit code, by the command that leads to it. Code 3 is in `tests/environment.rs`, 130 in
//! `interrupted.rs`.

use std::fs;

use rstest::rstest;

use crate::program::{folder, roamproof, text, without_rows_kept};

#[rstest]
#[case::all_pass("run --only CL-INT-05/{de-registered,run-out}", 0)]
#[case::some_left_out("run --only CL-INT-05/{de-registered,run-out} --shard 1/2", 0)]
#[case::every_wait("run --only CL-INT-05/{de-registered,run-out} --all", 0)]
#[case::waits_that_are_short_enough("run --only CL-INT-05/run-out --max-wait 1h", 0)]
#[case::a_budget_that_lasts("run --only CL-INT-05/{de-registered,run-out} --budget 10m", 0)]
#[case::one_at_a_time("run --only CL-INT-05/{de-registered,run-out} --jobs 1", 0)]
#[case::the_older_edition("run --only CL-INT-05/{de-registered,run-out} --edition rfc3775", 0)]
#[case::unknown_id("run --only CL-INT-05/runout", 2)]
#[case::unknown_edition("run --edition rfc2002", 2)]
#[case::unknown_level("run --level shall", 2)]
#[case::unknown_role("run --role UAC", 2)]
#[case::no_such_shard("run --shard 3/2", 2)]
#[case::no_duration("run --max-wait long", 2)]
#[case::every_wait_and_a_limit("run --all --max-wait 5", 2)]
#[case::no_job("run --jobs 0", 2)]
#[case::repeated_with_and_without_end("run --repeat 2 --until-failure", 2)]
#[case::no_such_list("run --known-failures /no/such.toml", 2)]
#[case::no_such_journal("run --resume /no/such", 2)]
#[case::two_folders("run --resume /no/such --out /no/other", 2)]
#[case::nothing_selected("run --only CL-INT-05/{de-registered,run-out} --level may", 4)]
#[case::nothing_short_enough("run --only CL-INT-05/{de-registered,run-out} --max-wait 0.1", 4)]
#[case::no_time("run --only CL-INT-05/{de-registered,run-out} --budget 0", 4)]
#[case::an_empty_shard("run --only CL-INT-05/run-out --shard 2/2", 4)]
#[case::no_such_result("compare /no/such /no/other", 2)]
#[case::no_result(concat!("compare ", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml /no/other"), 2)]
#[case::no_folder_of_a_run(concat!("compare ", env!("CARGO_MANIFEST_DIR"), " /no/other"), 2)]
fn the_exit_code_tells_the_truth(#[case] words: &str, #[case] code: i32) {
    check(words, code);
}

/// What a broken subject leads to.
#[cfg(feature = "misdeeds")]
#[rstest]
#[case::a_failure(
    "run --only CL-INT-05/{de-registered,run-out} --misdeed tunnels-to-the-last-care-of-address",
    1
)]
#[case::a_failure_beside_what_is_undecided("run --misdeed ack-without-binding", 1)]
#[case::undecided("run --only CL-INT-05/{de-registered,run-out} --misdeed ack-without-binding", 5)]
#[case::unknown_misdeed("run --misdeed sleeps", 2)]
#[case::misdeeds_of_two_roles("run --misdeed ack-without-binding --misdeed path-switch", 2)]
fn a_broken_subject_is_told(#[case] words: &str, #[case] code: i32) {
    check(words, code);
}

/// What a campaign found is a code of its own: nobody was judged.
#[rstest]
#[case::nothing_ran("", 4)]
#[case::nothing_found(r#"{"target":"packet","from":0,"next":9,"seconds":1.5,"found":[]}"#, 0)]
#[case::a_finding(
    r#"{"target":"packet","from":0,"next":9,"seconds":1.5,"found":[{"number":7,"signature":"ipv6.rs:9: it panicked"}]}"#,
    6
)]
fn what_fuzzing_found_is_told(#[case] journal: &str, #[case] code: i32) {
    let (folder, name) = folder();
    let line = if journal.is_empty() { String::new() } else { format!("{journal}\n") };
    fs::write(folder.path().join("journal.jsonl"), line).unwrap();
    let output = roamproof(&["fuzz", "report", &name]);
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
}

fn check(words: &str, code: i32) {
    let output = roamproof(&words.split_whitespace().collect::<Vec<_>>());
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    let speaks = matches!(code, 2 | 4);
    assert_eq!(!told.is_empty(), speaks, "what went wrong is told, or nothing did: {told}");
    if code == 2 {
        assert!(output.stdout.is_empty(), "no data where nothing ran");
    }
}

/// What was selected and did not run is told with its reason.
#[test]
fn nothing_is_left_out_in_silence() {
    let words =
        ["run", "--only", "CL-INT-05/{de-registered,run-out}", "--max-wait", "8", "--shard", "1/1"];
    let output = roamproof(&words);
    insta::assert_snapshot!(without_rows_kept(&text(&output.stdout)), @r"
    PASS   CL-INT-05/de-registered  A packet for a home address whose binding was taken back is not tunnelled
    SKIP   CL-INT-05/run-out  waits up to 11 s, over 8 s: say --all or --max-wait 11
    1 case, lab arm: 1 PASS, 1 SKIP
    ");
    let words = [
        "run",
        "--only",
        "CL-INT-05/{de-registered,run-out}",
        "--shard",
        "2/2",
        "--format",
        "json",
    ];
    let report: serde_json::Value = serde_json::from_slice(&roamproof(&words).stdout).unwrap();
    assert_eq!((&report["counts"]["SKIP"], &report["counts"]["PASS"]), (&1.into(), &1.into()));
    assert_eq!(report["excluded"][0]["reason"], "is in shard 1/2, not 2/2");
}
