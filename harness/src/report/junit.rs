//! A report as JUnit XML, for dashboards of continuous integration.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::standing::{left_out, remark};
use super::{Case, Report, Standing, case};

/// The document. It carries no wall time: that is `result.json`'s alone.
pub(super) fn document(report: &Report) -> String {
    let mut suite = TestSuite::new(format!("roamproof.{}", report.arm));
    for one in &report.cases {
        suite.add_test_case(test_case(one, report.options.strict));
    }
    for excluded in &report.excluded {
        let mut status = TestCaseStatus::skipped();
        status.set_type(excluded.verdict.word()).set_message(left_out(excluded));
        let mut one = TestCase::new(case::name(&excluded.id, excluded.round), status);
        one.set_classname(excluded.role.as_str());
        suite.add_test_case(one);
    }
    for complaint in report.complaints_alone() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("known-failures").set_message(complaint.to_string());
        let name = format!("{}:{} {}", complaint.file, complaint.line, complaint.id);
        let mut one = TestCase::new(name, status);
        one.set_classname("known-failures");
        suite.add_test_case(one);
    }
    let mut document = quick_junit::Report::new("roamproof");
    document.add_test_suite(suite);
    document.to_string().expect("text made of text can be written")
}

fn test_case(case: &Case, strict: bool) -> TestCase {
    let mut status = match Standing::of(case, strict) {
        Standing::Passed | Standing::Noted => TestCaseStatus::success(),
        Standing::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Standing::Undecided => TestCaseStatus::non_success(NonSuccessKind::Error),
        Standing::Known | Standing::LeftOut => TestCaseStatus::skipped(),
    };
    status.set_type(case.verdict.word()).set_message(remark(case));
    let mut one = TestCase::new(case.name(), status);
    one.set_classname(case.role.as_str());
    one.set_time(Duration::try_from_secs_f64(case.seconds).unwrap_or_default());
    one.add_property(("verdict", case.verdict.word()));
    one.add_property(("verifies", case.verifies.join(" ").as_str()));
    if case.verdict != crate::verdict::Verdict::Pass {
        one.set_system_out(format!("{}\n{}\nrerun: {}", case.title, remark(case), case.rerun));
    }
    one
}
