//! `run` and `judge` as a shell sees them: verdicts on standard output, evidence in files, the exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn a_run_is_a_line_for_each_purpose_and_a_summary() {
    let output = roamproof(&["run", "--only", "CL-INT-05"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output.stdout), @r"
    PASS   CL-INT-05/de-registered  A packet for a home address whose binding was taken back is not tunnelled
    PASS   CL-INT-05/run-out  A packet for a home address whose binding has run out is not tunnelled
    2 cases, lab arm: 2 PASS; 12 rows kept by every message
    ");
}

#[rstest]
#[case::a_row_that_no_purpose_judges(&["run", "--only", "H3-T-04"], 4)]
#[case::a_level_that_no_purpose_judges(&["run", "--level", "may"], 4)]
#[case::a_level_that_there_is(&["run", "--level", "must-not", "--role", "SS"], 0)]
#[case::a_role_by_its_own_name(&["run", "--role", "home-agent", "--only", "*05*"], 0)]
#[case::unknown_id(&["run", "--only", "CL-RO-99"], 2)]
#[case::unknown_level(&["run", "--level", "shall"], 2)]
#[case::unknown_role(&["run", "--role", "UAC"], 2)]
#[case::unknown_arm(&["run", "--arm", "attic"], 2)]
#[case::unknown_misdeed(&["run", "--misdeed", "sleeps"], 2)]
#[case::no_round(&["run", "--repeat", "0"], 2)]
#[case::force_without_a_folder(&["run", "--force"], 2)]
#[case::no_such_capture(&["judge", "no-such.pcapng"], 2)]
#[case::no_capture(&["judge", "Cargo.toml"], 2)]
#[case::a_folder_without_one(&["judge", "src"], 2)]
#[case::no_role(&["judge", "captures/scapy-route-optimization.pcapng", "--roles", "XX=::1"], 2)]
#[case::roles_that_do_not_tell(&["judge", "captures/scapy-route-optimization.pcapng", "--roles", "MT=::1"], 2)]
fn the_exit_code_tells_the_truth(#[case] words: &[&str], #[case] code: i32) {
    let output = roamproof(words);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert_eq!(output.stdout.is_empty(), code != 0, "data is on standard output, or there is none");
    assert_eq!(told.is_empty(), code == 0, "an error is on standard error, or there is none");
}

#[test]
fn an_unknown_purpose_is_answered_with_the_nearest() {
    insta::assert_snapshot!(text(&roamproof(&["run", "--only", "CL-INT-05/runout"]).stderr), @r"
    error: no requirement is called `CL-INT-05/runout`; nearest: CL-INT-05/run-out
    next: `roamproof list` prints every name
    ");
}

#[test]
fn evidence_is_kept_and_not_overwritten_unasked() {
    let (folder, name) = folder();
    let words = ["run", "--only", "CL-INT-05/run-out", "--repeat", "2", "--out", &name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    let below = files(folder.path());
    insta::assert_snapshot!(below.join("\n"), @r"
    CL-INT-05/run-out/capture.pcapng
    CL-INT-05/run-out/case.json
    CL-INT-05/run-out/clock.jsonl
    CL-INT-05/run-out/events.jsonl
    CL-INT-05/run-out/ladder.svg
    CL-INT-05/run-out/ladder.txt
    CL-INT-05/run-out/output/ha.txt
    CL-INT-05/run-out/rerun.sh
    CL-INT-05/run-out/round-2/capture.pcapng
    CL-INT-05/run-out/round-2/case.json
    CL-INT-05/run-out/round-2/clock.jsonl
    CL-INT-05/run-out/round-2/events.jsonl
    CL-INT-05/run-out/round-2/ladder.svg
    CL-INT-05/run-out/round-2/ladder.txt
    CL-INT-05/run-out/round-2/output/ha.txt
    CL-INT-05/run-out/round-2/rerun.sh
    CL-INT-05/run-out/round-2/stimuli/01.bin
    CL-INT-05/run-out/round-2/stimuli/01.txt
    CL-INT-05/run-out/round-2/stimuli/02.bin
    CL-INT-05/run-out/round-2/stimuli/02.txt
    CL-INT-05/run-out/round-2/stimuli/03.bin
    CL-INT-05/run-out/round-2/stimuli/03.txt
    CL-INT-05/run-out/round-2/stimuli/04.bin
    CL-INT-05/run-out/round-2/stimuli/04.txt
    CL-INT-05/run-out/stimuli/01.bin
    CL-INT-05/run-out/stimuli/01.txt
    CL-INT-05/run-out/stimuli/02.bin
    CL-INT-05/run-out/stimuli/02.txt
    CL-INT-05/run-out/stimuli/03.bin
    CL-INT-05/run-out/stimuli/03.txt
    CL-INT-05/run-out/stimuli/04.bin
    CL-INT-05/run-out/stimuli/04.txt
    ctrf.json
    journal.jsonl
    junit.xml
    result.json
    results.tap
    ");
    let again = roamproof(&words);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("--force"), "{}", text(&again.stderr));
    assert_eq!(roamproof(&[&words[..], &["--force"]].concat()).status.code(), Some(0));
    let events = fs::read_to_string(folder.path().join(&below[3])).unwrap();
    for line in events.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|why| panic!("{line}: {why}"));
    }
    assert!(events.lines().last().unwrap().contains(r#""verdict":"PASS""#), "{events}");
}

/// All that a lab run leaves behind follows from its seed.
#[test]
fn equal_seeds_leave_equal_evidence() {
    let runs = [(); 2].map(|()| {
        let (folder, name) = folder();
        let words = ["run", "--only", "{CL-RO-06,CL-DST-08*}", "--seed", "7", "--out", &name];
        assert_eq!(roamproof(&words).status.code(), Some(0));
        folder
    });
    let names = files(runs[0].path());
    assert_eq!(names, files(runs[1].path()));
    for name in names.iter().filter(|name| *name != "result.json") {
        let [one, other] = [&runs[0], &runs[1]].map(|run| fs::read(run.path().join(name)).unwrap());
        assert!(one == other, "{name} differs");
    }
}

#[test]
fn a_run_for_programs_says_the_same() {
    let output = roamproof(&["run", "--only", "CL-RO-06", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["arm"], &report["seed"]), (&"lab".into(), &1.into()));
    let case = &report["cases"][0];
    assert_eq!((&case["id"], &case["verdict"]), (&"CL-RO-06".into(), &"PASS".into()));
}

#[cfg(feature = "misdeeds")]
#[test]
fn a_failure_is_what_was_required_expected_and_seen() {
    let (folder, name) = folder();
    let words = [
        "run",
        "--misdeed",
        "tunnels-to-the-last-care-of-address",
        "--only",
        "CL-INT-05/run-out",
        "--until-failure",
        "--out",
        &name,
    ];
    let output = roamproof(&words);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    insta::assert_snapshot!(text(&output.stdout).replace(&name, "DIR"), @r"
    FAIL   CL-INT-05/run-out  A packet for a home address whose binding has run out is not tunnelled
           required  CL-INT-05 MUST NOT, claims 8: not tunnelled
           expected  no tunnelled packet with a packet to the home address (then it leaves in no tunnel)
           seen      2001:db8:a::a > 2001:db8:f1::1234:5678 | 2001:db8:c::beef:c > 2001:db8:a::100  Echo Request id=16978 seq=3
           evidence  DIR/CL-INT-05/run-out/capture.pcapng, packet 20
           rerun     roamproof run --only CL-INT-05/run-out --seed 1 --misdeed tunnels-to-the-last-care-of-address
    1 case, lab arm: 1 FAIL; 12 rows kept by every message; evidence in DIR
    ");
    let capture = folder.path().join("CL-INT-05/run-out/capture.pcapng");
    let Some(found) = tshark(&capture, "frame.comment contains \"FAIL\"") else { return };
    assert_eq!(found.lines().count(), 1, "{found}");
}

#[test]
fn a_capture_is_judged_row_by_row() {
    let (folder, name) = folder();
    let words = ["run", "--only", "CL-RO-15/bad-authenticator", "--out", &name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    let case = folder.path().join("CL-RO-15/bad-authenticator/capture.pcapng");
    let output = roamproof(&["judge", case.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let (exercised, rest) = printed.split_once("Not exercised (no PASS): ").expect("both lists");
    insta::assert_snapshot!(exercised, @r"
    MT=2001:db8:a::100 sip:mt@example.com
    HA=2001:db8:a::a
    SS=2001:db8:5::5
    PASS   CL-REG-01   packets 8
    PASS   CL-REG-03   packets 10
    PASS   CL-INT-06   packets 14, 25
    PASS   CL-INT-09   packets 25
    PASS   CL-RO-01    packets 14, 15, 16, 17, 18, 19, 20, 25
    PASS   CL-RO-25    packets 10, 11, 22, 25
    ");
    assert!(rest.contains("\n6 rows exercised: 6 PASS, 0 FAIL, 0 WARN; "), "{rest}");
    let output = roamproof(&["judge", case.to_str().unwrap(), "--format", "json"]);
    let judged: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = judged["rows"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["verdict"] == "PASS"), "{judged}");
    let exercised = |id: &str| rows.iter().any(|row| row["row"] == id);
    for id in judged["not_exercised"].as_array().unwrap() {
        assert!(!exercised(id.as_str().unwrap()), "{id} is in both lists");
    }
}

#[test]
fn a_capture_that_exercises_nothing_is_no_success() {
    let (folder, _) = folder();
    let path = folder.path().join("nothing.pcapng");
    let capture = roamproof_harness::evidence::Capture::default();
    roamproof_harness::evidence::pcapng::write_file(&path, &capture).unwrap();
    let output = roamproof(&["judge", path.to_str().unwrap()]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{printed}");
    assert!(!printed.contains("PASS"), "{printed}");
}

/// As `tcpdump` writes it, one file for each link, with microseconds.
#[test]
fn captures_of_several_links_are_judged_as_one() {
    let (folder, _) = folder();
    let golden = "captures/s4-optimization.pcapng";
    let capture = roamproof_harness::evidence::pcapng::read_file(Path::new(golden)).unwrap();
    let mut words = vec!["judge".to_owned()];
    for (link, name) in capture.links.iter().enumerate() {
        let path = folder.path().join(format!("{name}.pcap"));
        let mut file =
            [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1].map(u32::to_le_bytes).concat();
        for frame in capture.frames.iter().filter(|frame| frame.link.0 == link) {
            let at = capture.epoch + frame.at;
            let length = u32::try_from(frame.octets.len()).unwrap();
            let seconds = u32::try_from(at.as_secs()).unwrap();
            file.extend(
                [seconds, at.subsec_micros(), length, length].map(u32::to_le_bytes).concat(),
            );
            file.extend(&frame.octets);
        }
        fs::write(&path, file).unwrap();
        words.push(path.to_str().unwrap().to_owned());
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (apart, whole) = (roamproof(&words), roamproof(&["judge", golden]));
    assert_eq!(apart.status.code(), Some(0), "{}{}", text(&apart.stdout), text(&apart.stderr));
    let verdicts = |output: &Output| -> Vec<String> {
        let printed = text(&output.stdout);
        let rows = printed.lines().filter(|line| line.starts_with("PASS"));
        rows.map(|line| line[..17].to_owned()).collect()
    };
    assert!(verdicts(&apart).len() > 10);
    assert_eq!(verdicts(&apart), verdicts(&whole));
}

/// Somebody else's packets, one of which has what no message of its kind may have.
#[test]
fn every_message_of_a_foreign_capture_is_judged() {
    let output = roamproof(&["judge", "captures/scapy-route-optimization.pcapng"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    insta::assert_snapshot!(text(&output.stdout), @r"
    MT=2001:db8:a::100
    HA=2001:db8:a::a
    FAIL   MH-OUT-10   1 of 8 messages
           packet 13, octet 54, from 2001:db8:c::c: a type 2 routing header before a message of type 0
    FAIL   MN-AUT-01   1 of 1 messages
           packet 1, octet 90, from 2001:db8:a::100: no mobile node identifier option
    Every message keeps: MH-OUT-01 MH-OUT-02 MH-OUT-03 MH-OUT-04 MH-OUT-05 MH-OUT-06 MH-OUT-07 MH-OUT-08 MH-OUT-09 MH-OUT-11 MH-OUT-12 MH-OUT-13 MH-OUT-14 MN-HR-01 MN-HR-02 MN-CR-01 MN-RR-03 CN-RH2-01 CN-RH2-03 MN-DAT-02
    ");
}

/// A folder, and its name as an argument.
fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let name = folder.path().to_str().expect("UTF-8").to_owned();
    (folder, name)
}

/// Every file below `folder`, in order.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).expect("found below it");
                found.push(below.to_str().expect("UTF-8").to_owned());
            }
        }
    }
    found.sort();
    found
}

#[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
fn roamproof(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roamproof"));
    command.args(words).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command.env_remove("NO_COLOR").env_remove("ROAMPROOF_LOG").env_remove("GITHUB_ACTIONS");
    command.output().expect("the program starts")
}

/// `None`, said aloud, where it is not installed.
#[cfg(feature = "misdeeds")]
#[expect(clippy::disallowed_methods, reason = "a second reader of captures")]
fn tshark(capture: &Path, filter: &str) -> Option<String> {
    match Command::new("tshark").arg("-r").arg(capture).args(["-Y", filter]).output() {
        Ok(output) if output.status.success() => Some(text(&output.stdout)),
        Ok(output) => panic!("{}", text(&output.stderr)),
        Err(error) => {
            eprintln!("\n*** not held against tshark: {error}\n");
            None
        }
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("UTF-8")
}
