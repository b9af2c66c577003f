//! Every verdict in every form: one table, so that no form calls a pass what is none.

use rstest::rstest;
use serde_json::Value;

use super::sample::{case, report};
use super::{Case, Excluded, Report, annotations, ctrf, junit, step_summary, tap};
use crate::verdict::Verdict;

/// One case in each form: JUnit's element, CTRF's status, TAP's line, GitHub's command.
#[rstest]
#[case::pass(ran(Verdict::Pass), "", "passed", "ok", "")]
#[case::info(ran(Verdict::Info), "", "passed", "ok", "notice")]
#[case::warn(ran(Verdict::Warn), "", "passed", "ok", "warning")]
#[case::warn_where_strict(strict(ran(Verdict::Warn)), "failure", "failed", "not ok", "error")]
#[case::fail(ran(Verdict::Fail), "failure", "failed", "not ok", "error")]
#[case::inconc(ran(Verdict::Inconc), "error", "other", "not ok", "error")]
#[case::error(ran(Verdict::Error), "error", "other", "not ok", "error")]
#[case::known(known(Verdict::Fail), "skipped", "skipped", "not ok # todo", "notice")]
#[case::known_inconc(known(Verdict::Inconc), "skipped", "skipped", "not ok # todo", "notice")]
#[case::passes_unexpectedly(complained(Verdict::Pass), "failure", "failed", "not ok", "error")]
#[case::skip(left_out(Verdict::Skip), "skipped", "skipped", "ok # SKIP", "")]
#[case::not_applicable(left_out(Verdict::NotApplicable), "skipped", "skipped", "ok # SKIP", "")]
fn every_verdict_in_every_form(
    #[case] report: Report,
    #[case] element: &str,
    #[case] status: &str,
    #[case] point: &str,
    #[case] command: &str,
) {
    assert_eq!(junit_element(&junit::document(&report)), element);
    let ctrf: Value = serde_json::from_str(&ctrf::document(&report)).unwrap();
    assert_eq!(ctrf["results"]["tests"][0]["status"], status);
    let expected = if status == "other" { "other" } else { status };
    assert_eq!(ctrf["results"]["summary"][expected], 1, "{ctrf}");
    assert_eq!(tap_point(&tap::document(&report)), point);
    let told = annotations(&report);
    let found = told.strip_prefix("::").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    assert_eq!(found, command, "{told}");
    let named = step_summary(&report).contains("CL-INT-05/run-out");
    let quiet = command.is_empty() && report.excluded.is_empty();
    assert_eq!(named, !quiet, "the summary names what is not simply passed");
}

#[test]
fn a_failure_in_every_form() {
    let report = ran(Verdict::Fail);
    insta::assert_snapshot!(junit::document(&report), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="roamproof" tests="1" skipped="0" failures="1" errors="0">
        <testsuite name="roamproof.lab" tests="1" skipped="0" errors="0" failures="1">
            <testcase name="CL-INT-05/run-out (round 2)" classname="home-agent" time="1.500">
                <properties>
                    <property name="verdict" value="FAIL"/>
                    <property name="verifies" value="CL-INT-05"/>
                </properties>
                <failure message="FAIL: not so: then it leaves in no tunnel; seen: a tunnelled packet" type="FAIL"/>
                <system-out>A packet is not tunnelled
    FAIL: not so: then it leaves in no tunnel; seen: a tunnelled packet
    rerun: roamproof run --only CL-INT-05/run-out --seed 7</system-out>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
    insta::assert_snapshot!(tap::document(&report), @r#"
    TAP version 14
    1..1
    not ok 1 - CL-INT-05/run-out (round 2): A packet is not tunnelled
      ---
      verdict: "FAIL"
      message: "FAIL: not so: then it leaves in no tunnel; seen: a tunnelled packet"
      rerun: "roamproof run --only CL-INT-05/run-out --seed 7"
      ...
    "#);
    insta::assert_snapshot!(annotations(&report), @r"::error title=FAIL CL-INT-05/run-out (round 2)::A packet is not tunnelled%0AFAIL: not so: then it leaves in no tunnel; seen: a tunnelled packet%0Arerun: roamproof run --only CL-INT-05/run-out --seed 7");
    insta::assert_snapshot!(step_summary(&report), @r"
    ### roamproof

    1 case, lab arm: 1 FAIL; evidence in out

    | | Verdict | Purpose | Why |
    |---|---|---|---|
    | :x: | FAIL | CL-INT-05/run-out (round 2) | FAIL: not so: then it leaves in no tunnel; seen: a tunnelled packet |
    ");
}

/// What would end a line, a cell or a value early does not.
#[test]
fn a_reason_ends_nothing_early() {
    let reason = Some("one # two | three\nfour % <five>".to_owned());
    let report = report(vec![Case { reason, ..case(Verdict::Fail) }]);
    assert!(junit::document(&report).contains("&lt;five&gt;"));
    let tap = tap::document(&report);
    assert!(tap.contains(r"| three\nfour"), "{tap}");
    assert!(tap.contains("not ok 1 - CL-INT-05/run-out (round 2): A packet"), "{tap}");
    assert_eq!(annotations(&report).lines().count(), 1);
    assert!(annotations(&report).contains("three%0Afour %25"), "{}", annotations(&report));
    assert!(step_summary(&report).contains(r"two \| three four % &lt;five>"));
}

#[test]
fn a_complaint_fails_in_every_form() {
    let report = complained(Verdict::Pass);
    let complaint = "known-failures.toml:4: CL-INT-05/run-out passes: delete this entry";
    assert!(junit::document(&report).contains(complaint));
    assert!(ctrf::document(&report).contains(complaint));
    assert!(tap::document(&report).contains(complaint));
    assert!(step_summary(&report).contains(complaint));
    let told = annotations(&report);
    assert!(told.contains("::error file=known-failures.toml,line=4::"), "{told}");
    // Of an entry whose case did not run, the complaint is a case of its own.
    let alone = Report { cases: Vec::new(), ..report };
    assert_eq!(junit_element(&junit::document(&alone)), "failure");
    assert_eq!(tap_point(&tap::document(&alone)), "not ok");
    assert!(ctrf::document(&alone).contains("\"failed\": 1"), "{}", ctrf::document(&alone));
}

#[test]
fn an_interrupted_run_bails_out() {
    let report = Report { interrupted: true, ..ran(Verdict::Pass) };
    assert!(tap::document(&report).ends_with("\nBail out! interrupted\n"));
}

fn ran(verdict: Verdict) -> Report {
    report(vec![case(verdict)])
}

fn strict(mut report: Report) -> Report {
    report.options.strict = true;
    report
}

fn known(verdict: Verdict) -> Report {
    report(vec![Case { known: Some("https://example.com/7".to_owned()), ..case(verdict) }])
}

fn complained(verdict: Verdict) -> Report {
    let complaint = crate::known_failure::Complaint {
        file: "known-failures.toml".to_owned(),
        line: 4,
        id: "CL-INT-05/run-out".to_owned(),
        what: "passes".to_owned(),
        cure: "delete this entry".to_owned(),
    };
    let case = Case { complaint: Some(complaint.to_string()), ..case(verdict) };
    let mut report = report(vec![case]);
    report.complaints.push(complaint);
    report
}

fn left_out(verdict: Verdict) -> Report {
    let Case { id, version, title, role, round, .. } = case(verdict);
    let reason = "in shard 2/3".to_owned();
    let one = Excluded { id, version, title, role, round, verdict, reason };
    Report { excluded: vec![one], ..report(Vec::new()) }
}

/// The name of what the first test case contains beside properties and output.
fn junit_element(document: &str) -> String {
    let case = document.split("<testcase").nth(1).expect("a test case");
    let kinds = ["failure", "error", "skipped"];
    let found = kinds.into_iter().find(|kind| case.contains(&format!("<{kind} ")));
    found.unwrap_or_default().to_owned()
}

/// The first test point without number, name and reason.
fn tap_point(document: &str) -> String {
    let line = document.lines().nth(2).expect("a test point");
    let word = if line.starts_with("not ok") { "not ok" } else { "ok" };
    match line.split_once(" # ") {
        Some((_, directive)) => {
            format!("{word} # {}", directive.split(' ').next().expect("a word"))
        }
        None => word.to_owned(),
    }
}
