//! Bundles: what a case leaves is enough to judge it again, without privileges, with the same verdict.
#![expect(clippy::disallowed_methods, reason = "it starts the program, tshark and unshare")]
#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rstest::rstest;
use tempfile::TempDir;

use roamproof::lab_arm::LabArm;
use roamproof_harness::bundle::{self, About, Bundle};
use roamproof_harness::evidence::{Capture, pcapng};
use roamproof_harness::purpose;
use roamproof_harness::run::{self, Setting};

/// Every purpose against the reference.
#[test]
fn a_bundle_judged_again_gives_the_same_verdict() {
    let (folder, _) = folder();
    for purpose in purpose::ALL {
        let features = purpose.features_of_reference();
        let setting = Setting { seed: 3, features, ..Setting::default() };
        let outcome = run::run(purpose, &mut LabArm, &setting).unwrap();
        let path = folder.path().join(purpose.id);
        let about = About { purpose, arm: "lab", setting: &setting, rerun: "" };
        bundle::keep(&path, &about, &outcome).unwrap();
        let again = bundle::rejudge(&Bundle::read(&path).unwrap(), None).unwrap();
        assert!(again.agrees, "{}: {:?}", purpose.id, again.outcome.stop);
        assert_eq!(again.outcome.verdict, outcome.verdict);
        assert_eq!(again.outcome.rules, outcome.rules, "{}", purpose.id);
    }
}

#[cfg(feature = "misdeeds")]
#[rstest]
#[case::home_agent("tunnels-to-the-last-care-of-address", "CL-INT-05/run-out")]
#[case::correspondent("first-packets-through-home-agent", "CL-RO-06")]
#[case::mobile_terminal("accepts-any-acknowledgement", "CL-RO-15/bad-authenticator")]
#[case::sip_server("believes-forged-lookups", "CL-DST-08/forged-lookup")]
fn a_failure_is_repeated_with_its_reason_and_marked_in_the_capture(
    #[case] misdeed: &str,
    #[case] purpose: &str,
) {
    let (folder, name) = folder();
    let words = ["run", "--only", purpose, "--misdeed", misdeed, "--out", &name];
    let first = roamproof(&words);
    assert_eq!(first.status.code(), Some(1), "{}", text(&first.stdout));
    let bundle = folder.path().join(purpose);
    let again = judged(&bundle);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again.stderr));
    let line = |output: &Output| text(&output.stdout).lines().next().unwrap_or_default().to_owned();
    assert_eq!(line(&again), line(&first));
    let seen = |output: &Output| {
        text(&output.stdout).lines().find(|line| line.contains(" seen ")).map(str::to_owned)
    };
    assert!(seen(&again).is_some());
    assert_eq!(seen(&again), seen(&first), "for the same reason");
    marked_for_tshark(&bundle);
}

/// `tshark -Y 'frame.comment contains "FAIL"'` finds the packet that the verdict rests on.
#[cfg(feature = "misdeeds")]
fn marked_for_tshark(bundle: &Path) {
    let case: serde_json::Value =
        serde_json::from_slice(&fs::read(bundle.join("case.json")).unwrap()).unwrap();
    let packet = case["packets"].as_array().unwrap().last().expect("a packet broke it").clone();
    let capture = bundle.join("capture.pcapng");
    let found = Command::new("tshark")
        .args(["-r", capture.to_str().unwrap(), "-Y", "frame.comment contains \"FAIL\""])
        .args(["-T", "fields", "-e", "frame.number"])
        .stdin(Stdio::null())
        .output();
    let Ok(found) = found else {
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "tshark is missing");
        eprintln!("*** not asked: this machine lacks tshark");
        return;
    };
    assert_eq!(text(&found.stdout).trim(), packet.to_string(), "{}", text(&found.stderr));
}

/// With the same seed the reference says the same to the same stimuli; live it chooses anew what it may.
#[test]
fn a_replay_shows_what_came_back_beside_what_came_then() {
    let (folder, name) = folder();
    let words = ["run", "--only", "{CL-REG-02,CL-RO-06}", "--out", &name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    for bundle in bundles(folder.path()) {
        let output = roamproof(&["replay", bundle.to_str().unwrap(), "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let packets = told["packets"].as_array().unwrap();
        assert!(packets.len() > 2 && packets.iter().all(|packet| packet["same"] == true), "{told}");
        let stimuli = told["stimuli"].as_array().unwrap();
        assert!(!stimuli.is_empty(), "{told}");
        assert!(stimuli.iter().all(|one| one["recorded"] == true && one["differs_at"].is_null()));
    }
}

/// A stimulus that was recorded otherwise goes out as it was recorded, and that is told.
#[test]
fn a_replay_sends_what_was_recorded() {
    let (folder, name) = folder();
    let words = ["run", "--only", "CL-REG-02", "--out", &name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    let bundle = folder.path().join("CL-REG-02");
    let echo = fs::read(bundle.join("stimuli/01.bin")).unwrap();
    change(&bundle, |capture| {
        let frame = capture.frames.iter_mut().find(|frame| frame.octets == echo).unwrap();
        frame.octets[59] ^= 0x10;
        roamproof_wire::edit::mend_checksums(&mut frame.octets[14..]);
    });
    let output = roamproof(&["replay", bundle.to_str().unwrap()]);
    let printed = text(&output.stdout);
    assert!(printed.contains("now another would be right from octet 4"), "{printed}");
    assert!(
        printed.contains("Echo Reply id=16962"),
        "the answer is to what was recorded: {printed}"
    );
}

#[rstest]
#[case::a_stimulus(
    |bundle: &Path| spoil_stimulus(bundle),
    5,
    "octet 60 was recorded as"
)]
#[case::another_time(
    |bundle: &Path| change(bundle, |capture| capture.frames[3].at += std::time::Duration::from_nanos(1)),
    5,
    "packet 4: recorded at"
)]
#[case::a_packet_less(
    |bundle: &Path| change(bundle, |capture| { capture.frames.pop(); }),
    5,
    "clock.jsonl, note"
)]
#[case::a_note_less(|bundle: &Path| edit(bundle, "clock.jsonl", "\"done\"\n", ""), 5, "clock.jsonl, note")]
#[case::no_note(|bundle: &Path| edit(bundle, "clock.jsonl", "\"done\"", "done"), 2, "is no note")]
#[case::another_version(
    |bundle: &Path| edit(bundle, "case.json", "\"version\": 1", "\"version\": 77"),
    2,
    "was judged by its version 77"
)]
#[case::another_form(|bundle: &Path| edit(bundle, "case.json", "\"format\": 1", "\"format\": 9"), 2, "format")]
#[case::another_purpose(|bundle: &Path| edit(bundle, "case.json", "CL-REG-02", "CL-REG-99"), 2, "CL-REG-99")]
#[case::another_verdict(|bundle: &Path| edit(bundle, "case.json", "PASS", "FAIL"), 1, "but FAIL is recorded")]
#[case::no_capture(
    |bundle: &Path| fs::remove_file(bundle.join("capture.pcapng")).unwrap(),
    2,
    "capture.pcapng"
)]
fn what_was_changed_afterwards_is_told(
    #[case] change: impl FnOnce(&Path),
    #[case] code: i32,
    #[case] told: &str,
) {
    let (folder, name) = folder();
    let words = ["run", "--only", "CL-REG-02", "--out", &name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    let bundle = folder.path().join("CL-REG-02");
    change(&bundle);
    let output = judged(&bundle);
    let all = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{all}");
    assert!(all.contains(told), "{all}");
}

fn spoil_stimulus(bundle: &Path) {
    let first = fs::read(bundle.join("stimuli/01.bin")).unwrap();
    change(bundle, |capture| {
        let frame = capture.frames.iter_mut().find(|frame| frame.octets == first).unwrap();
        frame.octets[60] ^= 0x10;
    });
}

fn change(bundle: &Path, change: impl FnOnce(&mut Capture)) {
    let path = bundle.join("capture.pcapng");
    let mut capture = pcapng::read_file(&path).unwrap();
    change(&mut capture);
    pcapng::write_file(&path, &capture).unwrap();
}

fn edit(bundle: &Path, file: &str, from: &str, to: &str) {
    let path = bundle.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

fn judged(bundle: &Path) -> Output {
    roamproof(&["judge", bundle.to_str().expect("temporary folders have plain names")])
}

/// The folders below `folder` that are bundles.
fn bundles(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        if folder.join("case.json").is_file() {
            found.push(folder.clone());
        }
        let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        waiting.extend(entries.filter(|path| path.is_dir()));
    }
    found
}

fn folder() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let name = folder.path().to_str().expect("temporary folders have plain names").to_owned();
    (folder, name)
}

fn roamproof(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_roamproof"))
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("output is text")
}
