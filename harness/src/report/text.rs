//! What people read of a run: a line for each case, three more for one that did not pass, the summary.

use std::fmt::Write as _;
use std::path::Path;

use super::{Case, Report};
use crate::Catalogue;
use crate::requirement::Requirement;
use crate::verdict::Verdict;

/// Draws the word of a verdict.
pub(super) type Paint<'a> = dyn Fn(Verdict, &str) -> String + 'a;

/// One case: the verdict, its id and title; where it did not pass, what it requires with its
/// section, what was expected and what was seen, its evidence and how to run it again.
pub fn line(case: &Case, evidence: Option<&Path>, paint: &Paint<'_>) -> String {
    let Case { id, title, verdict, round, .. } = case;
    let mut text = format!("{} {id}  {title}", paint(*verdict, &format!("{verdict:6}")));
    if *round > 1 {
        write!(text, "  (round {round})").expect("a string takes any text");
    }
    if case.again {
        text.push_str("  (second run: this host was too late in the first)");
    }
    if let Some(issue) = &case.known {
        write!(text, "  (known: {issue})").expect("a string takes any text");
    }
    text.push('\n');
    if let Some(complaint) = &case.complaint {
        writeln!(text, "       list      {complaint}").expect("a string takes any text");
    }
    if *verdict == Verdict::Pass || case.known.is_some() {
        return text;
    }
    let mut detail = |name: &str, value: &str| {
        writeln!(text, "       {name:9} {value}").expect("a string takes any text");
    };
    if let Some(required) = required(case) {
        detail("required", &required);
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

/// What is told when all cases have been: what was left out, what is not true in the list of known
/// failures, the summary.
pub fn end(report: &Report, paint: &Paint<'_>) -> String {
    let mut text = String::new();
    let mut tell = |line: String| writeln!(text, "{line}").expect("a string takes any text");
    for excluded in &report.excluded {
        let verdict = excluded.verdict;
        let name = super::case::name(&excluded.id, excluded.round);
        let word = paint(verdict, &format!("{verdict:6}"));
        tell(format!("{word} {name}  {}", excluded.reason));
    }
    for complaint in &report.complaints {
        tell(format!("{} {complaint}", paint(Verdict::Fail, "list  ")));
    }
    text + &summary(report) + "\n"
}

/// How many cases ended how, one line without its end.
pub(super) fn summary(report: &Report) -> String {
    let all = report.cases.len();
    let unlisted = |verdict| {
        report.cases.iter().filter(|case| case.verdict == verdict && case.known.is_none()).count()
    };
    let left_out = |verdict| report.excluded.iter().filter(|one| one.verdict == verdict).count();
    let mut counts: Vec<String> = Verdict::ALL
        .into_iter()
        .rev()
        .map(|verdict| (verdict, unlisted(verdict) + left_out(verdict)))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    let known = report.cases.iter().filter(|case| case.known.is_some()).count();
    if known > 0 {
        counts.push(format!("{known} known"));
    }
    let plural = if all == 1 { "" } else { "s" };
    let mut text = format!("{all} case{plural}, {} arm: {}", report.arm, counts.join(", "));
    let wrong = report.complaints.len();
    if wrong > 0 {
        write!(text, "; {wrong} of the list of known failures not true any more")
            .expect("a string takes any text");
    }
    let kept = report.rules_kept();
    if kept > 0 {
        write!(text, "; {kept} rows kept by every message").expect("a string takes any text");
    }
    if report.interrupted {
        text.push_str(" (interrupted: not all have run)");
    }
    if let Some(folder) = &report.evidence {
        write!(text, "; evidence in {}", folder.display()).expect("a string takes any text");
    }
    text
}

/// The most binding row with its section and what it wants; the others by name.
fn required(case: &Case) -> Option<String> {
    let mut rows: Vec<&Requirement> = case
        .verifies
        .iter()
        .filter_map(|row| Catalogue::embedded().requirement(row).ok())
        .collect();
    rows.sort_by_key(|row| !row.level.is_binding());
    let (row, others) = rows.split_first()?;
    let mut text = format!("{} {}, {}: {}", row.id, row.level, row.source(), row.expected);
    if !others.is_empty() {
        let others: Vec<&str> = others.iter().map(|row| row.id.as_str()).collect();
        write!(text, " (also {})", others.join(", ")).expect("a string takes any text");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{case, report};

    #[test]
    fn a_failure_reads_like_a_bug_report() {
        let report = report(vec![case(Verdict::Fail)]);
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
        let text = line(&case(Verdict::Pass), None, &|_, word| word.to_owned());
        assert_eq!(text, "PASS   CL-INT-05/run-out  A packet is not tunnelled  (round 2)\n");
    }
}
