//! What people read of a run: a line for each case, three more for one that did not pass, the summary.

use std::fmt::Write as _;
use std::path::Path;

use super::{Case, Report};
use crate::Catalogue;
use crate::verdict::Verdict;

/// One case: the verdict drawn by `paint`, its id and title; where it did not pass, what it requires
/// with its section, what was expected and what was seen, its evidence and how to run it again.
pub fn line(
    case: &Case,
    evidence: Option<&Path>,
    paint: &dyn Fn(Verdict, &str) -> String,
) -> String {
    let Case { id, title, verdict, round, .. } = case;
    let mut text = format!("{} {id}  {title}", paint(*verdict, &format!("{verdict:6}")));
    if *round > 1 {
        write!(text, "  (round {round})").expect("a string takes any text");
    }
    if case.again {
        text.push_str("  (second run: this host was too late in the first)");
    }
    text.push('\n');
    if *verdict == Verdict::Pass {
        return text;
    }
    let mut detail = |name: &str, value: &str| {
        writeln!(text, "       {name:9} {value}").expect("a string takes any text");
    };
    for row in case.verifies {
        if let Ok(row) = Catalogue::embedded().requirement(row) {
            let value = format!("{} {}, {}: {}", row.id, row.level, row.source(), row.expected);
            detail("required", &value);
        }
    }
    let clause = case.clause.as_ref().map_or_else(String::new, |clause| format!(" ({clause})"));
    detail("expected", &format!("{}{clause}", case.expected.as_deref().unwrap_or("to pass")));
    detail("seen", case.seen.as_deref().unwrap_or("nothing that tells"));
    match evidence.zip(case.evidence.as_ref()) {
        Some((folder, below)) => {
            let packet = case.packets.last().map(|packet| format!(", packet {packet}"));
            let capture = folder.join(below).join(crate::bundle::CAPTURE);
            detail("evidence", &format!("{}{}", capture.display(), packet.unwrap_or_default()));
        }
        None => detail("evidence", "not kept: say --out DIR"),
    }
    detail("rerun", &case.rerun);
    text
}

/// How many cases ended how, one line.
pub fn summary(report: &Report) -> String {
    let all = report.cases.len();
    let counts: Vec<String> = VERDICTS
        .into_iter()
        .map(|verdict| (verdict, report.count(verdict)))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    let plural = if all == 1 { "" } else { "s" };
    let mut text = format!("{all} case{plural}, {} arm: {}", report.arm, counts.join(", "));
    if report.interrupted {
        text.push_str(" (interrupted: not all have run)");
    }
    if let Some(folder) = &report.evidence {
        write!(text, "; evidence in {}", folder.display()).expect("a string takes any text");
    }
    text.push('\n');
    text
}

/// The heaviest first.
const VERDICTS: [Verdict; 8] = [
    Verdict::Error,
    Verdict::Fail,
    Verdict::Inconc,
    Verdict::Warn,
    Verdict::Pass,
    Verdict::Info,
    Verdict::Skip,
    Verdict::NotApplicable,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_like_a_bug_report() {
        let report = report(Verdict::Fail);
        let text = line(&report.cases[0], report.evidence.as_deref(), &|_, word| word.to_owned());
        insta::assert_snapshot!(text, @r"
        FAIL   CL-INT-05/run-out  A packet is not tunnelled  (round 2)
               required  CL-INT-05 MUST NOT, claims 8: not tunnelled
               expected  no tunnelled packet (then it leaves in no tunnel)
               seen      a tunnelled packet
               evidence  out/CL-INT-05/run-out/capture.pcapng, packet 18
               rerun     roamproof run --only CL-INT-05/run-out --seed 7
        ");
        insta::assert_snapshot!(summary(&report), @"1 case, lab arm: 1 FAIL; evidence in out");
    }

    #[test]
    fn a_pass_is_one_line() {
        let report = report(Verdict::Pass);
        let text = line(&report.cases[0], None, &|_, word| word.to_owned());
        assert_eq!(text, "PASS   CL-INT-05/run-out  A packet is not tunnelled  (round 2)\n");
    }

    fn report(verdict: Verdict) -> Report {
        let case = Case {
            id: "CL-INT-05/run-out",
            version: 1,
            title: "A packet is not tunnelled",
            role: "home-agent",
            verifies: &["CL-INT-05"],
            round: 2,
            seed: 7,
            verdict,
            clause: Some("then it leaves in no tunnel".to_owned()),
            expected: Some("no tunnelled packet".to_owned()),
            seen: Some("a tunnelled packet".to_owned()),
            packets: vec![12, 18],
            again: false,
            seconds: 1.5,
            evidence: Some("CL-INT-05/run-out".into()),
            rerun: "roamproof run --only CL-INT-05/run-out --seed 7".to_owned(),
        };
        Report {
            arm: "lab",
            seed: 7,
            misdeeds: Vec::new(),
            strict: false,
            interrupted: false,
            cases: vec![case],
            evidence: Some("out".into()),
        }
    }
}
