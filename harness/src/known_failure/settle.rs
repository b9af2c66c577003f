//! Holds a list of known failures against what happened.

use super::{Complaint, Entry, KnownFailures};
use crate::date::Date;
use crate::report::{Case, Excluded, Report};
use crate::verdict::Verdict;

/// What happened to a listed purpose.
enum Fate<'a> {
    /// No purpose is called so.
    Nameless,
    /// It was not selected, or left out by wait, budget or shard: the entry says nothing.
    Unseen,
    /// The device's profile excludes it.
    NotApplicable(&'a Excluded),
    /// It ran.
    Ran(&'a Case),
}

/// Says of a case whether it failed as `list` expects, and what of `list` is not true of it.
pub fn mark(list: &KnownFailures, case: &mut Case, today: Date) -> Vec<Complaint> {
    let Some(entry) = list.entries.iter().find(|entry| entry.id.value == case.id) else {
        return Vec::new();
    };
    let complaints = entry.complaints(&list.file, &Fate::Ran(case), today);
    let as_listed = complaints.is_empty() && entry.foresees(case);
    case.known = as_listed.then(|| entry.issue.clone());
    let told: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    case.complaint = (!told.is_empty()).then(|| told.join("; "));
    complaints
}

/// Marks all cases, and says of each line of `list` that is not true any more what to change.
/// `purposes` are the ids that there are.
pub fn apply(list: &KnownFailures, report: &mut Report, purposes: &[&str], today: Date) {
    report.complaints.clear();
    for case in &mut report.cases {
        add(&mut report.complaints, mark(list, case, today));
    }
    for entry in &list.entries {
        let id = &entry.id.value;
        if report.cases.iter().any(|case| case.id == *id) {
            continue;
        }
        let excluded = report.excluded.iter().find(|excluded| excluded.id == *id);
        let fate = match excluded {
            Some(excluded) if excluded.verdict == Verdict::NotApplicable => {
                Fate::NotApplicable(excluded)
            }
            Some(_) => Fate::Unseen,
            None if purposes.contains(&id.as_str()) => Fate::Unseen,
            None => Fate::Nameless,
        };
        add(&mut report.complaints, entry.complaints(&list.file, &fate, today));
    }
    report.complaints.sort_by_key(|complaint| complaint.line);
    report.count_all();
}

/// Of several rounds one complaint of a kind is enough.
fn add(all: &mut Vec<Complaint>, complaints: Vec<Complaint>) {
    for complaint in complaints {
        if !all.contains(&complaint) {
            all.push(complaint);
        }
    }
}

impl Entry {
    /// Whether `case` failed as this entry expects.
    fn foresees(&self, case: &Case) -> bool {
        let reason = case.reason.as_deref().unwrap_or_default();
        case.verdict == self.verdict.value && reason.contains(&self.reason.value)
    }

    /// What of this entry is not true any more.
    fn complaints(&self, file: &str, fate: &Fate<'_>, today: Date) -> Vec<Complaint> {
        let complain = |line: usize, what: String, cure: String| Complaint {
            file: file.to_owned(),
            line,
            id: self.id.value.clone(),
            what,
            cure,
        };
        let delete = || "delete this entry".to_owned();
        let case = match fate {
            Fate::Unseen => return Vec::new(),
            Fate::Nameless => {
                let what = "is the name of no purpose".to_owned();
                return vec![complain(self.id.line, what, delete())];
            }
            Fate::NotApplicable(excluded) => {
                let what = format!("does not apply to this device ({})", excluded.reason);
                return vec![complain(self.id.line, what, delete())];
            }
            Fate::Ran(case) => case,
        };
        if matches!(case.verdict, Verdict::Pass) {
            let what = "passes".to_owned();
            return vec![complain(self.id.line, what, delete())];
        }
        let mut complaints = Vec::new();
        if today > self.expires.value {
            let what = format!("was expected to fail until {}", self.expires.value);
            let cure = "look at it anew, then set another `expires`".to_owned();
            complaints.push(complain(self.expires.line, what, cure));
        }
        if case.version != self.version.value {
            let what = format!("is judged by version {} of its purpose", case.version);
            let cure = format!("look at it anew, then set `version = {}`", case.version);
            complaints.push(complain(self.version.line, what, cure));
        }
        let undecided = matches!(case.verdict, Verdict::Inconc | Verdict::Error);
        if case.verdict == self.verdict.value {
            let reason = case.reason.as_deref().unwrap_or_default();
            if !reason.contains(&self.reason.value) {
                let what = format!("fails for another reason ({reason})");
                let cure = "set `reason` to a part of that, if it is known".to_owned();
                complaints.push(complain(self.reason.line, what, cure));
            }
        } else if !undecided {
            // What could not be found out says nothing about the entry.
            let what = format!("ends in {}, not {}", case.verdict, self.verdict.value);
            let cure = format!("set `verdict = \"{}\"`, if it is known", case.verdict);
            complaints.push(complain(self.verdict.line, what, cure));
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::ExitCode;
    use crate::report::sample::{case, report};

    const LIST: &str = r#"[[failure]]
id = "CL-INT-05/run-out"
verdict = "FAIL"
reason = "a tunnelled packet"
version = 1
issue = "https://example.com/7"
since = 2026-01-01
expires = 2026-12-31
"#;

    const BEFORE: Date = Date { year: 2026, month: 12, day: 31 };
    const AFTER: Date = Date { year: 2027, month: 1, day: 1 };

    /// The truth table of what a list expects, what happened, and what follows.
    #[rstest]
    #[case::as_listed(ran(Verdict::Fail), BEFORE, 1, &[], ExitCode::Success)]
    #[case::another_reason(
        for_another_reason(), BEFORE, 0,
        &["4: CL-INT-05/run-out fails for another reason (it died): set `reason` to a part of that, if it is known"],
        ExitCode::Failed
    )]
    #[case::passes(
        ran(Verdict::Pass), BEFORE, 0,
        &["2: CL-INT-05/run-out passes: delete this entry"],
        ExitCode::Failed
    )]
    #[case::passes_after_its_day(
        ran(Verdict::Pass), AFTER, 0,
        &["2: CL-INT-05/run-out passes: delete this entry"],
        ExitCode::Failed
    )]
    #[case::expired(
        ran(Verdict::Fail), AFTER, 0,
        &["8: CL-INT-05/run-out was expected to fail until 2026-12-31: look at it anew, then set another `expires`"],
        ExitCode::Failed
    )]
    #[case::another_version(
        of_version_2(), BEFORE, 0,
        &["5: CL-INT-05/run-out is judged by version 2 of its purpose: look at it anew, then set `version = 2`"],
        ExitCode::Failed
    )]
    #[case::lighter_than_expected(
        ran(Verdict::Warn), BEFORE, 0,
        &["3: CL-INT-05/run-out ends in WARN, not FAIL: set `verdict = \"WARN\"`, if it is known"],
        ExitCode::Failed
    )]
    #[case::only_observed(
        ran(Verdict::Info), BEFORE, 0,
        &["3: CL-INT-05/run-out ends in INFO, not FAIL: set `verdict = \"INFO\"`, if it is known"],
        ExitCode::Failed
    )]
    #[case::not_found_out(ran(Verdict::Inconc), BEFORE, 0, &[], ExitCode::Undecided)]
    #[case::fault_of_the_harness(ran(Verdict::Error), BEFORE, 0, &[], ExitCode::Undecided)]
    #[case::not_found_out_after_its_day(
        ran(Verdict::Inconc), AFTER, 0,
        &["8: CL-INT-05/run-out was expected to fail until 2026-12-31: look at it anew, then set another `expires`"],
        ExitCode::Failed
    )]
    #[case::does_not_apply(
        excluded(Verdict::NotApplicable), BEFORE, 0,
        &["2: CL-INT-05/run-out does not apply to this device (early_100 = never): delete this entry"],
        ExitCode::Failed
    )]
    #[case::left_out(excluded(Verdict::Skip), AFTER, 0, &[], ExitCode::Success)]
    #[case::not_selected(report(vec![other()]), AFTER, 0, &[], ExitCode::Success)]
    fn the_truth_table(
        #[case] mut report: Report,
        #[case] today: Date,
        #[case] known: usize,
        #[case] complaints: &[&str],
        #[case] code: ExitCode,
    ) {
        let list = KnownFailures::read("f", LIST).unwrap();
        apply(&list, &mut report, &["CL-INT-05/run-out"], today);
        assert_eq!(report.cases.iter().filter(|case| case.known.is_some()).count(), known);
        assert_eq!(report.counts["known"], known);
        let told: Vec<String> = report.complaints.iter().map(ToString::to_string).collect();
        let expected: Vec<String> = complaints.iter().map(|line| format!("f:{line}")).collect();
        assert_eq!(told, expected);
        assert_eq!(report.exit_code(), code);
    }

    #[test]
    fn a_name_of_no_purpose_is_stale() {
        let list = KnownFailures::read("f", LIST).unwrap();
        let mut report = report(vec![other()]);
        apply(&list, &mut report, &["CL-RO-06"], BEFORE);
        insta::assert_snapshot!(
            report.complaints[0],
            @"f:2: CL-INT-05/run-out is the name of no purpose: delete this entry"
        );
        assert_eq!(report.exit_code(), ExitCode::Failed);
    }

    #[test]
    fn a_known_inconclusive_verdict_counts_as_known() {
        let list = KnownFailures::read("f", &LIST.replace("\"FAIL\"", "\"INCONC\"")).unwrap();
        let mut report = ran(Verdict::Inconc);
        apply(&list, &mut report, &["CL-INT-05/run-out"], BEFORE);
        assert_eq!((report.counts["known"], report.exit_code()), (1, ExitCode::Success));
    }

    #[test]
    fn one_round_that_passes_is_enough_to_complain_once() {
        let mut report = report([Verdict::Fail, Verdict::Pass, Verdict::Pass].map(case).into());
        apply(&KnownFailures::read("f", LIST).unwrap(), &mut report, &[], BEFORE);
        assert_eq!((report.complaints.len(), report.counts["known"]), (1, 1));
    }

    fn ran(verdict: Verdict) -> Report {
        report(vec![case(verdict)])
    }

    fn for_another_reason() -> Report {
        report(vec![Case { reason: Some("it died".to_owned()), ..case(Verdict::Fail) }])
    }

    fn of_version_2() -> Report {
        report(vec![Case { version: 2, ..case(Verdict::Fail) }])
    }

    fn other() -> Case {
        Case { id: "CL-RO-06".to_owned(), ..case(Verdict::Pass) }
    }

    fn excluded(verdict: Verdict) -> Report {
        let Case { id, version, title, role, round, .. } = case(verdict);
        let reason = "early_100 = never".to_owned();
        let one = Excluded { id, version, title, role, round, verdict, reason };
        Report { excluded: vec![one], ..report(vec![other()]) }
    }
}
