//! What tests share that build as a vendor would: the library, the compilers, and what they say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The static library that this package makes, beside the programs of its tests: the newest, for cargo
/// keeps those of other profiles there too.
pub(crate) fn library() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a program");
    let folder = test.parent().expect("target/PROFILE/deps/test");
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("libroamproof_capi-") && name.ends_with(".a")
    };
    let entries = fs::read_dir(folder).expect("the test is in it").filter_map(Result::ok);
    let libraries = entries.map(|entry| entry.path()).filter(is_ours);
    let newest = |path: &PathBuf| path.metadata().and_then(|found| found.modified()).ok();
    libraries.max_by_key(newest).expect("cargo builds the library before its tests")
}

pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What a Rust library wants of the system.
pub(crate) const LIBRARIES: [&str; 3] = ["-lpthread", "-ldl", "-lm"];
