//! What must hold of any octets read as a file that a user writes, or that a run leaves.
//!
//! A file is refused in words that point into it, or it is read; what was read can be used, and what
//! is written again is read as the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use roamproof_harness::bundle::CaseFile;
use roamproof_harness::compare::Comparison;
use roamproof_harness::journal;
use roamproof_harness::known_failure::KnownFailures;
use roamproof_harness::plan::Plan;
use roamproof_harness::profile::Profile;
use roamproof_harness::recording::Note;
use roamproof_harness::report::{Case, Report};
use roamproof_node::build::{Blueprint, ConfigError};
use roamproof_wire::ethernet::Mac;

/// A device profile: its keys are in the environment, for no file is there.
pub(crate) fn profile(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else { return };
    let environment = |name: &str| (name == "PHONE_KEY").then(|| "6d6f62696c65".to_owned());
    let profile = match Profile::parse(text, Path::new("/nowhere/device.toml"), &environment) {
        Ok(profile) => profile,
        Err(error) => {
            let line = error.line.expect("a text has lines");
            points_into(text, line, &error.to_string());
            assert!(!error.cure.is_empty(), "nothing to do\n{error}");
            return;
        }
    };
    assert!(!profile.roles.is_empty() && !profile.attach.interfaces.is_empty(), "plays nothing");
    for role in &profile.roles {
        let plan = profile.plan(*role, Plan::claimed(Mac([2, 0, 0, 0, 0, 1])));
        let interfaces = profile.interfaces_of(*role).count();
        assert!(interfaces > 0, "a role without interface\n{}: {plan:?}", role.name());
    }
}

/// A list of known failures.
pub(crate) fn known_failures(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else { return };
    match KnownFailures::read("list", text) {
        Ok(list) => {
            let mut ids: Vec<&str> =
                list.entries.iter().map(|entry| entry.id.value.as_str()).collect();
            for entry in &list.entries {
                points_into(text, entry.id.line, &entry.to_string());
                assert!(entry.since <= entry.expires.value, "never counts\n{entry}");
            }
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), list.entries.len(), "listed twice");
        }
        Err(error) => points_into(text, error.line, &error.to_string()),
    }
}

/// A node's configuration, of the role that the first octet names: refused, or a node is built.
pub(crate) fn configuration(octets: &[u8]) {
    let Some((role, text)) = octets.split_first() else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    let role = ROLES[usize::from(*role) % ROLES.len()];
    let built = Blueprint::read(role, text).and_then(|read| read.build(Duration::ZERO, 1, &[]));
    match built {
        Ok(mut node) => {
            let mut left = OUTPUTS_MAX;
            while node.poll_output().is_some() {
                left -= 1;
                assert!(left > 0, "a node that nobody has told anything does not end");
            }
        }
        Err(ConfigError::Toml(error)) => {
            let start = error.span().map_or(0, |span| span.start);
            assert!(start <= text.len(), "points behind the end\n{error}");
            assert!(!error.message().is_empty());
        }
        Err(ConfigError::Value { key, why }) => assert!(!key.is_empty() && !why.is_empty()),
        Err(error @ (ConfigError::Role(_) | ConfigError::Misdeed(_))) => {
            panic!("neither was asked for: {error}")
        }
    }
}

/// What a run leaves; the first octet says which file it is.
pub(crate) fn records(octets: &[u8]) {
    let Some((kind, octets)) = octets.split_first() else { return };
    match kind % 4 {
        0 => case(octets),
        1 => clock(octets),
        2 => journal(octets),
        _ => result(octets),
    }
}

fn case(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else { return };
    match CaseFile::read(text) {
        Ok(case) => {
            let written = serde_json::to_string(&case).expect("what was read can be written");
            assert_eq!(CaseFile::read(&written), Ok(case), "not read as written");
        }
        Err(what) => is_one_line(&what),
    }
}

fn clock(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else { return };
    for line in text.lines() {
        match Note::from_line(line) {
            Ok(note) => assert_eq!(Note::from_line(&note.to_line()), Ok(note), "not as written"),
            Err(error) => is_one_line(&error.to_string()),
        }
    }
}

fn journal(octets: &[u8]) {
    let (header, cases, whole) = match journal::read(octets) {
        Ok(read) => read,
        Err(error) => return is_one_line(&error.to_string()),
    };
    assert!(whole <= octets.len(), "a whole line behind the end");
    let mut written = serde_json::to_vec(&header).expect("what was read can be written");
    for case in &cases {
        written.push(b'\n');
        serde_json::to_writer(&mut written, case).expect("what was read can be written");
    }
    written.push(b'\n');
    let again = journal::read(&written).expect("our own journal is read");
    assert_eq!(again, (header, cases, written.len()), "not read as written");
}

fn result(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else { return };
    match Report::read(text) {
        Ok(report) => {
            let compared = Comparison::of(&report, &report);
            let _ = (compared.text(), compared.exit_code());
            let names: BTreeSet<String> = report.cases.iter().map(Case::name).collect();
            // One that is told twice, with two verdicts, is as good as one of them.
            if names.len() == report.cases.len() {
                assert!(!compared.is_worse(), "worse than itself\n{}", compared.text());
            }
        }
        Err(what) => is_one_line(&what),
    }
}

/// A message is one line, and the line that it names is one of the text's.
fn points_into(text: &str, line: usize, message: &str) {
    is_one_line(message);
    let lines = text.matches('\n').count() + 1;
    assert!((1..=lines).contains(&line), "a line that is not there\n{line} of {lines}: {message}");
}

fn is_one_line(message: &str) {
    assert!(
        !message.is_empty() && !message.contains('\n'),
        "told in more than one line\n{message:?}"
    );
}

const ROLES: [&str; 5] = ["mobile-terminal", "home-agent", "correspondent", "sip-server", "router"];
const OUTPUTS_MAX: usize = 1000;
