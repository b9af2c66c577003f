//! The program as a process, and what it leaves in a folder.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) fn roamproof(words: &[&str]) -> Output {
    command(words).output().expect("the program starts")
}

/// Run in the root folder, so that nothing but the program itself is at hand.
#[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roamproof"));
    command.args(words).current_dir("/").stdin(Stdio::null());
    for name in ["NO_COLOR", "ROAMPROOF_LOG", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"] {
        command.env_remove(name);
    }
    command
}

/// A folder, and its name as an argument.
pub(crate) fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let name = folder.path().to_str().expect("UTF-8").to_owned();
    (folder, name)
}

pub(crate) fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("UTF-8")
}

/// A text without the count of rows that every message kept: more are judged every week.
pub(crate) fn without_rows_kept(text: &str) -> String {
    let is_count = |part: &&str| !part.ends_with(" rows kept by every message");
    let lines = text
        .split('\n')
        .map(|line| line.split("; ").filter(is_count).collect::<Vec<_>>().join("; "));
    lines.collect::<Vec<_>>().join("\n")
}

/// The result in a folder.
pub(crate) fn result(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("result.json")).expect("a result");
    serde_json::from_str(&text).expect("JSON")
}

/// A result without what alone may differ between two runs in simulated time: host and wall time.
pub(crate) fn lasting(folder: &Path) -> Value {
    let mut result = result(folder);
    let members = result.as_object_mut().expect("an object");
    for name in ["host", "wall"] {
        assert!(members.remove(name).is_some(), "no {name}");
    }
    result
}
