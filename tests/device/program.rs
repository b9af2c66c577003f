//! The program as a vendor starts it, and what it says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_roamproof");

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) result: Value,
    pub(crate) told: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let result = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        Self { code: output.status.code(), result, told }
    }

    /// The verdict of each case, by its id.
    pub(crate) fn verdicts(&self) -> Vec<(&str, &str)> {
        self.all("cases").map(|case| (text(case, "id"), text(case, "verdict"))).collect()
    }

    /// The verdict and the reason of whatever was left out, by its id.
    pub(crate) fn excluded(&self) -> Vec<(&str, &str, &str)> {
        let told = |one| (text(one, "id"), text(one, "verdict"), text(one, "reason"));
        self.all("excluded").map(told).collect()
    }

    /// Everything that did not pass, in a few lines.
    pub(crate) fn trouble(&self) -> String {
        let bad = self.all("cases").filter(|case| text(case, "verdict") != "PASS");
        let lines: Vec<String> = bad
            .map(|case| {
                format!("{} {}: {}", text(case, "verdict"), text(case, "id"), text(case, "reason"))
            })
            .collect();
        format!("{:?}\n{}\n{}", self.code, lines.join("\n"), self.told)
    }

    fn all(&self, list: &str) -> impl Iterator<Item = &Value> {
        self.result.get(list).and_then(Value::as_array).into_iter().flatten()
    }
}

/// A key of a case.
pub(crate) fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The profile of this name in `profiles/`.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles").join(name)
}

/// `roamproof run --device PROFILE …`, whose devices may be made by this test's own program.
#[expect(clippy::disallowed_methods, reason = "a test starts the program under test")]
pub(crate) fn command(profile: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["run", "--format", "json", "--device"]).arg(profile).args(words);
    command.env("DEVICE_PROGRAM", std::env::current_exe().unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn run(profile: &Path, words: &[&str]) -> Ran {
    Ran::of(&command(profile, words).output().unwrap())
}

/// A shipped profile with some of its text changed, in a folder of its own.
pub(crate) fn changed(name: &str, changes: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let mut text = std::fs::read_to_string(shipped(name)).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{name} has no {from:?}");
        text = text.replace(from, to);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}
