//! A report for GitHub Actions: annotations beside the step, a summary of the job.

use std::fmt::Write as _;

use super::standing::{left_out, remark};
use super::{Report, Standing, text};

/// A workflow command for each case that is not simply passed, and for each complaint.
pub fn annotations(report: &Report) -> String {
    let mut all = String::new();
    let mut tell = |command: &str, properties: &[(&str, &str)], message: &str| {
        let properties: Vec<String> =
            properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
        let line = format!("::{command} {}::{}", properties.join(","), data(message));
        writeln!(all, "{line}").expect("a string takes any text");
    };
    for case in &report.cases {
        let command = match Standing::of(case, report.options.strict) {
            Standing::Passed | Standing::LeftOut => continue,
            Standing::Failed | Standing::Undecided => "error",
            Standing::Noted if case.verdict == crate::verdict::Verdict::Warn => "warning",
            Standing::Noted | Standing::Known => "notice",
        };
        let title = format!("{} {}", case.verdict, case.name());
        let message = format!("{}\n{}\nrerun: {}", case.title, remark(case), case.rerun);
        tell(command, &[("title", &title)], &message);
    }
    for complaint in &report.complaints {
        let line = complaint.line.to_string();
        let properties = [("file", complaint.file.as_str()), ("line", &line)];
        tell("error", &properties, &complaint.to_string());
    }
    all
}

/// The summary of the job, Markdown: the counts, then what is not simply passed, as a table.
pub fn step_summary(report: &Report) -> String {
    let mut all = format!("### roamproof\n\n{}\n", text::summary(report));
    let cases = report.cases.iter().filter_map(|case| {
        let sign = match Standing::of(case, report.options.strict) {
            Standing::Passed => return None,
            Standing::Failed => ":x:",
            Standing::Undecided => ":grey_question:",
            Standing::Noted => ":warning:",
            Standing::Known => ":ballot_box_with_check:",
            Standing::LeftOut => ":fast_forward:",
        };
        Some((sign, case.verdict, case.name(), remark(case)))
    });
    let left_out = report.excluded.iter().map(|excluded| {
        let name = super::case::name(&excluded.id, excluded.round);
        (":fast_forward:", excluded.verdict, name, left_out(excluded))
    });
    let rows: Vec<_> = cases.chain(left_out).collect();
    if !rows.is_empty() {
        all.push_str("\n| | Verdict | Purpose | Why |\n|---|---|---|---|\n");
    }
    for (sign, verdict, name, why) in rows {
        let row = format!("| {sign} | {verdict} | {} | {} |", cell(&name), cell(&why));
        writeln!(all, "{row}").expect("a string takes any text");
    }
    if !report.complaints.is_empty() {
        all.push_str("\nThe list of known failures is not true any more:\n\n");
    }
    for complaint in &report.complaints {
        writeln!(all, "- {}", cell(&complaint.to_string())).expect("a string takes any text");
    }
    all
}

/// What the runner would take for the end of a message, or for an escape.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// What would end a cell, or be read as markup.
fn cell(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace(['\n', '\r'], " ")
}
