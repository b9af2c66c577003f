//! A report in the Test Anything Protocol, version 14.

use std::fmt::Write as _;

use super::standing::{left_out, remark};
use super::{Case, Report, Standing, case};
use crate::verdict::Verdict;

/// The document: a plan, a line for each case, and a block of what there is to say of it.
pub(super) fn document(report: &Report) -> String {
    let count = report.cases.len() + report.excluded.len() + report.complaints_alone().count();
    let mut text = format!("TAP version 14\n1..{count}\n");
    let mut number = 0;
    for case in &report.cases {
        number += 1;
        point(&mut text, number, case, report.options.strict);
    }
    for excluded in &report.excluded {
        number += 1;
        let name = case::name(&excluded.id, excluded.round);
        let why = escaped(&left_out(excluded));
        write(&mut text, &format!("ok {number} - {} # SKIP {why}", escaped(&name)));
    }
    for complaint in report.complaints_alone() {
        number += 1;
        let name = format!("{}:{} {}", complaint.file, complaint.line, complaint.id);
        write(&mut text, &format!("not ok {number} - {}", escaped(&name)));
        block(&mut text, &[("message", &complaint.to_string())]);
    }
    if report.interrupted {
        write(&mut text, "Bail out! interrupted");
    }
    text
}

fn point(text: &mut String, number: usize, case: &Case, strict: bool) {
    let (word, directive) = match Standing::of(case, strict) {
        Standing::Passed | Standing::Noted => ("ok", String::new()),
        Standing::Failed | Standing::Undecided => ("not ok", String::new()),
        Standing::Known => {
            // A point that is not ok and known not to be; the protocol reads it in either case.
            let issue = escaped(case.known.as_deref().unwrap_or_default());
            ("not ok", format!(" # todo known: {issue}"))
        }
        Standing::LeftOut => ("ok", format!(" # SKIP {}", case.verdict)),
    };
    let name = escaped(&format!("{}: {}", case.name(), case.title));
    write(text, &format!("{word} {number} - {name}{directive}"));
    if case.verdict != Verdict::Pass || case.complaint.is_some() {
        let (verdict, message) = (case.verdict.word(), remark(case));
        block(text, &[("verdict", verdict), ("message", &message), ("rerun", &case.rerun)]);
    }
}

/// A YAML block; each value is a JSON string, which YAML reads as such.
fn block(text: &mut String, values: &[(&str, &str)]) {
    write(text, "  ---");
    for (key, value) in values {
        write(text, &format!("  {key}: {}", serde_json::Value::from(*value)));
    }
    write(text, "  ...");
}

/// `#` would begin a directive, and a new line another point.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#").replace(['\n', '\r'], " ")
}

fn write(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes any text");
}
