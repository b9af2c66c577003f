//! A report in the Common Test Report Format (CTRF), JSON for dashboards.

use serde_json::{Value, json};

use super::standing::{left_out, remark};
use super::{Case, Report, Standing, case};

/// The document. It carries no wall time: its clock starts at zero and is the arm's own.
pub(super) fn document(report: &Report) -> String {
    let mut tests: Vec<Value> = report.cases.iter().map(|one| test(one, report)).collect();
    tests.extend(report.excluded.iter().map(|excluded| {
        json!({
            "name": case::name(&excluded.id, excluded.round),
            "status": "skipped",
            "duration": 0,
            "rawStatus": excluded.verdict,
            "message": left_out(excluded),
            "extra": { "title": excluded.title, "role": excluded.role },
        })
    }));
    tests.extend(report.complaints_alone().map(|complaint| {
        json!({
            "name": format!("{}:{} {}", complaint.file, complaint.line, complaint.id),
            "status": "failed",
            "duration": 0,
            "rawStatus": "known-failures",
            "message": complaint.to_string(),
        })
    }));
    let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
    let total: f64 = report.cases.iter().map(|case| case.seconds).sum();
    let document = json!({
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "results": {
            "tool": { "name": "roamproof", "version": report.version },
            "summary": {
                "tests": tests.len(),
                "passed": count("passed"),
                "failed": count("failed"),
                "pending": count("pending"),
                "skipped": count("skipped"),
                "other": count("other"),
                "start": 0,
                "stop": milliseconds(total),
            },
            "tests": tests,
        },
    });
    format!("{document:#}\n")
}

fn test(case: &Case, report: &Report) -> Value {
    let status = match Standing::of(case, report.options.strict) {
        Standing::Passed | Standing::Noted => "passed",
        Standing::Failed => "failed",
        Standing::Undecided => "other",
        Standing::Known | Standing::LeftOut => "skipped",
    };
    json!({
        "name": case.name(),
        "status": status,
        "duration": milliseconds(case.seconds),
        "rawStatus": case.verdict,
        "message": remark(case),
        "retries": u8::from(case.again),
        "extra": { "title": case.title, "role": case.role, "verifies": case.verifies, "rerun": case.rerun },
    })
}

/// Whole milliseconds, as the format wants them.
fn milliseconds(seconds: f64) -> u64 {
    let duration = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
