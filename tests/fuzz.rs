//! `roamproof fuzz` as its users start it: seeded defects are found, cut and kept as cases; a campaign that
//! was killed goes on; wrong words are refused.
#![cfg(feature = "misdeeds")]
#![expect(clippy::disallowed_methods, reason = "it starts the program, and kills it")]
#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use roamproof_fuzz::defect::DEFECTS;
use serde_json::Value;
use tempfile::TempDir;

/// Each defect's case, cut to what it needs: it fails with the defect, in the defect's own way, and
/// holds without.
#[test]
fn the_case_of_each_seeded_defect_tells_it_apart() {
    for defect in DEFECTS {
        let case = cases().join(defect.target).join(defect.name);
        let replayed = |planted: &[&str]| {
            let file = case.display().to_string();
            let words = [&["--format", "json", "fuzz", "replay", &file][..], planted].concat();
            run(&words)
        };
        let with = replayed(&["--defect", defect.name]);
        assert_eq!(with.status.code(), Some(6), "{}: {}", defect.name, told(&with));
        let without = replayed(&[]);
        assert_eq!(without.status.code(), Some(0), "{}: {}", defect.name, told(&without));
    }
    let kept = fs::read_dir(cases()).unwrap().flat_map(|one| fs::read_dir(one.unwrap().path()));
    assert_eq!(kept.flatten().count(), DEFECTS.len(), "a case for each defect, and no other");
}

/// What was measured is told of every defect, and of no other.
#[test]
fn the_table_of_defects_has_a_row_for_each() {
    let text = fs::read_to_string(cases().with_file_name("README.md")).unwrap();
    let table = text.split("<!-- defects -->").nth(1).unwrap().split("<!--").next().unwrap();
    for defect in DEFECTS {
        let start = format!("| `{}` | `{}` | ", defect.name, defect.target);
        let rows = table.lines().filter(|row| row.starts_with(&start)).count();
        assert_eq!(rows, 1, "rows of {0} in fuzz/README.md: tools/defect-figures {0}", defect.name);
    }
    let measured = table.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(measured, DEFECTS.len(), "rows of other defects: tools/defect-figures");
}

/// A few of each kind, from the committed corpus; `tools/defect-figures` measures all of them.
#[test]
fn seeded_defects_are_found_cut_and_sorted() {
    for name in ["packet-home-address-twice", "terminal-care-of-in-sdp"] {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("campaign").display().to_string();
        let defect = DEFECTS.iter().find(|defect| defect.name == name).unwrap();
        let words = ["fuzz", defect.target, "--defect", name, "--until-found", "--out", &out];
        let found = run(&words);
        assert_eq!(found.status.code(), Some(6), "{name}: {}", told(&found));
        assert!(told(&found).contains("roamproof fuzz replay --target"), "{}", told(&found));
        let file = the_only_finding(&Path::new(&out).join("findings").join(defect.target));
        // Whoever has no time for it keeps what there is.
        let whole = folder.path().join("whole").display().to_string();
        let words = ["fuzz", "minimise", &file, "--defect", name, "--time", "0", "--out", &whole];
        let in_no_time = run(&words);
        assert_eq!(in_no_time.status.code(), Some(0), "{}", told(&in_no_time));
        assert_eq!(fs::read(&whole).unwrap(), fs::read(&file).unwrap());
        let small = run(&["fuzz", "minimise", &file, "--defect", name]);
        assert_eq!(small.status.code(), Some(0), "{}", told(&small));
        let small = Path::new(&file).with_extension("min");
        assert!(fs::read(&small).unwrap().len() < fs::read(&file).unwrap().len());
        let small = small.display().to_string();
        let again = run(&["fuzz", "replay", &small, "--defect", name]);
        assert_eq!(again.status.code(), Some(6), "{}", told(&again));
        // Without the defect nothing is wrong with them.
        let sorted = run(&["--format", "json", "fuzz", "triage", &out]);
        assert_eq!(sorted.status.code(), Some(0), "{}", told(&sorted));
        let sorted: Value = serde_json::from_slice(&sorted.stdout).unwrap();
        assert_eq!(sorted["hold"].as_array().unwrap().len(), 2, "{sorted}");
    }
}

/// A finding is cut when it is found, and two lines of `triage` run it again and make a test case of it.
#[test]
fn a_finding_is_cut_replayed_and_kept_by_the_lines_that_are_told() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("fuzz/corpus/rtp")).unwrap();
    let defect = "rtp-extension-past-end";
    let here = |program: &str, words: &[&str]| {
        Command::new(program).args(words).current_dir(folder.path()).output().unwrap()
    };
    let roamproof = env!("CARGO_BIN_EXE_roamproof");
    let found = here(roamproof, &["fuzz", "rtp", "--defect", defect, "--until-found"]);
    assert_eq!(found.status.code(), Some(6), "{}", told(&found));
    let triage = ["--format", "json", "fuzz", "triage", "fuzz-campaign", "--defect", defect];
    let sorted = here(roamproof, &triage);
    assert_eq!(sorted.status.code(), Some(6), "{}", told(&sorted));
    let sorted: Value = serde_json::from_slice(&sorted.stdout).unwrap();
    let [group] = sorted["groups"].as_array().unwrap().as_slice() else { panic!("{sorted}") };
    assert_eq!(group["inputs"].as_array().unwrap().len(), 2, "whole and cut: {sorted}");
    assert!(group["inputs"][0].as_str().unwrap().ends_with(".min"), "the smallest first: {sorted}");
    let replay = group["replay"].as_str().unwrap().replacen("roamproof", roamproof, 1);
    let again = here("sh", &["-c", &replay]);
    assert_eq!(again.status.code(), Some(6), "{replay}: {}", told(&again));
    assert!(here("sh", &["-c", group["keep"].as_str().unwrap()]).status.success(), "{sorted}");
    let kept = "fuzz/corpus/rtp/crash-an-extension-behind-the-end";
    let kept = here(roamproof, &["fuzz", "replay", kept, "--defect", defect]);
    assert_eq!(kept.status.code(), Some(6), "{}", told(&kept));
    // Its target follows from any folder around it.
    fs::create_dir(folder.path().join("fuzz/corpus/rtp/mine")).unwrap();
    fs::write(folder.path().join("fuzz/corpus/rtp/mine/short"), [0x80]).unwrap();
    let short = here(roamproof, &["fuzz", "replay", "fuzz/corpus/rtp/mine/short"]);
    assert_eq!(short.status.code(), Some(0), "{}", told(&short));
}

#[test]
fn a_campaign_that_was_killed_goes_on_without_a_gap() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("campaign").display().to_string();
    let defect = "rtp-extension-past-end";
    let mut child = Command::new(env!("CARGO_BIN_EXE_roamproof"))
        .args(["fuzz", "rtp", "--defect", defect, "--time", "600", "--out", &out])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.starts_with("found: "), "{first}");
    child.kill().unwrap();
    child.wait().unwrap();
    let runs = |words: &[&str]| {
        let words = [&["fuzz", "rtp", "--defect", defect, "--out", &out][..], words].concat();
        assert_eq!(run(&words).status.code(), Some(6));
        journal(&out)
    };
    let before = journal(&out).len();
    let entries = runs(&["--runs", "3000"]);
    assert!(entries.len() > before, "it went on");
    let mut next = 0;
    for entry in &entries {
        assert_eq!(entry["from"], next, "no gap and nothing twice");
        next = entry["next"].as_u64().unwrap();
        for found in entry["found"].as_array().unwrap() {
            assert!(found["signature"].as_str().unwrap().contains("behind the end"), "{found}");
        }
    }
    let file = the_only_finding(&Path::new(&out).join("findings/rtp"));
    assert_eq!(run(&["fuzz", "replay", &file, "--defect", defect]).status.code(), Some(6));
    let report = run(&["--format", "json", "fuzz", "report", &out]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report[0]["runs"], next, "{report}");
}

#[test]
fn a_sequence_is_replayed_with_its_ladder() {
    let case = cases().join("mobile_terminal/terminal-rings-early").display().to_string();
    let told = run(&["fuzz", "replay", &case, "--defect", "terminal-rings-early"]);
    let text = String::from_utf8(told.stdout).unwrap();
    for piece in ["peer: invites", "180 Ringing", "fails at fuzz/src/claims.rs"] {
        assert!(text.contains(piece), "no {piece:?} in:\n{text}");
    }
}

#[test]
fn wrong_words_are_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mine"), "keep it").unwrap();
    let here = folder.path().display().to_string();
    let mine = folder.path().join("mine").display().to_string();
    for (words, piece) in [
        (&["fuzz", "telepathy"][..], "no target is called `telepathy`"),
        (&["fuzz", "sip", "--defect", "none-such"], "no defect is called `none-such`"),
        (&["fuzz", "sip", "--out", &here], "is not empty, and no campaign's"),
        (&["fuzz", "replay", "/no/such/file", "--target", "sip"], "/no/such/file"),
        (&["fuzz", "replay", &mine], "say --target NAME"),
        (&["fuzz", "report", &here], "journal.jsonl"),
        (&["fuzz", "triage", "/no/such/folder"], "/no/such/folder"),
    ] {
        let refused = run(words);
        assert_eq!(refused.status.code(), Some(2), "{words:?}: {}", told(&refused));
        assert!(told(&refused).contains(piece), "{words:?}: {}", told(&refused));
    }
    assert_eq!(fs::read_to_string(mine).unwrap(), "keep it");
}

fn run(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_roamproof")).args(words).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/defects")
}

fn journal(folder: &str) -> Vec<BTreeMap<String, Value>> {
    let text = fs::read_to_string(Path::new(folder).join("journal.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn the_only_finding(folder: &Path) -> String {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "bin"));
    assert_eq!(files.len(), 1, "one of each signature: {files:?}");
    files[0].display().to_string()
}
