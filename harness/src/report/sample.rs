//! A case and a report for tests.

use super::{Case, Device, Host, Options, Report, Wall};
use crate::requirement::Level;
use crate::verdict::Verdict;

/// A case with this verdict, which judges a MUST NOT.
pub(crate) fn case(verdict: Verdict) -> Case {
    let unless_passed = |text: &str| (verdict != Verdict::Pass).then(|| text.to_owned());
    Case {
        id: "CL-INT-05/run-out".to_owned(),
        version: 1,
        title: "A packet is not tunnelled".to_owned(),
        role: "home-agent".to_owned(),
        verifies: vec!["CL-INT-05".to_owned()],
        level: Level::MustNot,
        round: 2,
        seed: 7,
        verdict,
        reason: unless_passed("not so: then it leaves in no tunnel; seen: a tunnelled packet"),
        clause: unless_passed("then it leaves in no tunnel"),
        expected: unless_passed("no tunnelled packet"),
        seen: unless_passed("a tunnelled packet"),
        known: None,
        complaint: None,
        clauses: Vec::new(),
        packets: vec![12, 18],
        rules: std::collections::BTreeMap::new(),
        broken: Vec::new(),
        again: false,
        seconds: 1.5,
        lateness: 0.0,
        evidence: Some("CL-INT-05/run-out".into()),
        rerun: "roamproof run --only CL-INT-05/run-out --seed 7".to_owned(),
    }
}

/// A report of these cases.
pub(crate) fn report(cases: Vec<Case>) -> Report {
    let mut report = Report {
        form: super::FORM,
        version: "0.1.0".to_owned(),
        arm: "lab".to_owned(),
        seed: 7,
        misdeeds: Vec::new(),
        device: Some(Device {
            name: "box".to_owned(),
            version: "3".to_owned(),
            profile_sha256: "a5".repeat(32),
        }),
        options: Options { repeat: 1, edition: "rfc6275".to_owned(), ..Options::default() },
        host: Host::default(),
        wall: Wall::default(),
        interrupted: false,
        counts: std::collections::BTreeMap::new(),
        cases,
        excluded: Vec::new(),
        complaints: Vec::new(),
        evidence: Some("out".into()),
    };
    report.count_all();
    report
}
