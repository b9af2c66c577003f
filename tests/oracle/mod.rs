//! Outside judges of captures: Python scripts that share nothing with our codecs, tshark, scapy.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// An outside judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oracle {
    /// Every checksum, recomputed in Python.
    Checksums,
    /// Kbm and the authenticators of updates and acknowledgements, recomputed in Python.
    Authenticators,
    /// tshark's reading, and its fields beside those of `roamproof decode`.
    Tshark,
    /// Scapy's Mobile IPv6 layers beside `roamproof decode`.
    Scapy,
}

impl Oracle {
    /// Every one.
    pub(crate) const ALL: [Self; 4] =
        [Self::Checksums, Self::Authenticators, Self::Tshark, Self::Scapy];

    /// Its name, as tests are called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Checksums => "checksums",
            Self::Authenticators => "authenticators",
            Self::Tshark => "tshark",
            Self::Scapy => "scapy",
        }
    }

    /// What it needs and this machine has not.
    pub(crate) fn missing(self) -> Option<&'static str> {
        let runs = |program: &Path, words: &[&str]| {
            command(program).args(words).output().is_ok_and(|output| output.status.success())
        };
        let python = Path::new("python3");
        match self {
            Self::Checksums | Self::Authenticators | Self::Tshark | Self::Scapy
                if !runs(python, &["--version"]) =>
            {
                Some("python3 (Debian: apt-get install python3)")
            }
            Self::Tshark if !runs(Path::new("tshark"), &["--version"]) => {
                Some("tshark (Debian: apt-get install tshark)")
            }
            Self::Scapy if !runs(&python_with_scapy(), &["-c", "import scapy"]) => Some(
                "scapy (`make test` puts it in target/venv, or pip install -r tests/requirements.txt)",
            ),
            Self::Checksums | Self::Authenticators | Self::Tshark | Self::Scapy => None,
        }
    }

    /// Judges captures; the counts of each, as the script prints them.
    ///
    /// # Errors
    ///
    /// What is wrong, a line each.
    pub(crate) fn judge(self, captures: &[PathBuf]) -> Result<Vec<Value>, String> {
        let folder = tempfile::tempdir().expect("a folder for what decode prints");
        let mut words: Vec<PathBuf> = Vec::new();
        match self {
            Self::Checksums | Self::Authenticators => words.extend_from_slice(captures),
            Self::Tshark | Self::Scapy => {
                if self == Self::Tshark {
                    words.push(root().join("captures/README.md"));
                }
                for (number, capture) in captures.iter().enumerate() {
                    let decoded = folder.path().join(format!("{number}.json"));
                    std::fs::write(&decoded, decode(capture).stdout).expect("what decode printed");
                    words.extend([capture.clone(), decoded]);
                }
            }
        }
        self.judge_with(&words)
    }

    /// Runs the script with these arguments.
    ///
    /// # Errors
    ///
    /// What it says is wrong.
    pub(crate) fn judge_with(self, words: &[impl AsRef<OsStr>]) -> Result<Vec<Value>, String> {
        let (python, script) = match self {
            Self::Checksums => (PathBuf::from("python3"), "checksums.py"),
            Self::Authenticators => (PathBuf::from("python3"), "authenticators.py"),
            Self::Tshark => (PathBuf::from("python3"), "tshark_agrees.py"),
            Self::Scapy => (python_with_scapy(), "scapy_agrees.py"),
        };
        let script = root().join("tests/oracle").join(script);
        let output = command(&python)
            .arg("-B")
            .arg(script)
            .args(words)
            .output()
            .expect("a Python that runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(said);
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        Ok(printed
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect())
    }
}

/// What `roamproof decode --format json` prints of a file.
pub(crate) fn decode(capture: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_roamproof"));
    let words = [OsStr::new("decode"), capture.as_os_str(), "--format".as_ref(), "json".as_ref()];
    command(program).args(words).output().expect("the program that was built for this test")
}

/// Every capture of the folder `captures/` but those in `faults/`, in order of their names.
pub(crate) fn captures() -> Vec<PathBuf> {
    let folder = root().join("captures");
    let entries = folder.read_dir().expect("the folder of captures");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pcapng"))
        .collect();
    files.sort();
    files
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Python of the environment that `make test` makes, or any other.
fn python_with_scapy() -> PathBuf {
    let made = root().join("target/venv/bin/python");
    if made.exists() { made } else { PathBuf::from("python3") }
}

#[expect(clippy::disallowed_methods, reason = "the outside judges are programs")]
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    // tshark warns on standard error when root runs it, and must not find a configuration.
    command.env("LC_ALL", "C.UTF-8").env("WIRESHARK_CONFIG_DIR", "/nonexistent");
    command
}
