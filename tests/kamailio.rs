//! A third-party SIP server on the bench: Debian's Kamailio by the profile in `examples/kamailio`, as
//! a shell sees it.
#![expect(clippy::unwrap_used, reason = "all of this is a test, of which clippy knows only a part")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[test]
fn every_row_that_applies_gets_a_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(ROOT).join("examples/kamailio");
    let list = example.join("known-failures.toml");
    let known = ["--known-failures", text_of(&list)];
    let Some((code, result)) = judged(&example.join("device.toml"), &known, folder.path()) else {
        return;
    };
    assert_eq!(code, Some(0), "{result:#}");
    assert_eq!(result["complaints"], Value::Array(Vec::new()));
    let verdicts = verdicts(&result);
    assert!(verdicts.values().all(|verdict| verdict == "PASS"), "{verdicts:?}");
    for excluded in result["excluded"].as_array().unwrap() {
        let why = excluded["reason"].as_str().unwrap_or_default();
        assert!(why.contains("binding_lookup"), "{excluded}: it does all else");
    }
    let told: BTreeSet<&str> = ["cases", "excluded"]
        .into_iter()
        .flat_map(|key| result[key].as_array().unwrap())
        .map(|case| case["id"].as_str().unwrap())
        .map(|id| id.split_once('/').map_or(id, |(row, _)| row))
        .collect();
    for row in rows_of_the_server() {
        assert!(told.contains(row.as_str()), "{row} has no verdict");
    }
}

/// A server that challenges whoever registers or calls is judged like any other, once the profile says
/// where the password is.
#[test]
fn a_challenge_is_met() {
    let folder = tempfile::tempdir().unwrap();
    let device = copied(folder.path(), |config| {
        let challenge = |function: &str, before: &str| {
            let asks = format!("if (!{function}(\"example.com\", \"secret\", \"0\")) {{");
            let then = function.replace("authenticate", "challenge");
            let then = then.replace("pv_www", "www").replace("pv_proxy", "proxy");
            format!("{asks} {then}(\"example.com\", \"0\"); exit; }}\n{before}")
        };
        let saves = "if (!save(";
        let records = "record_route();";
        config
            .replacen("loadmodule", "loadmodule \"auth.so\"\nloadmodule", 1)
            .replace(saves, &challenge("pv_www_authenticate", saves))
            .replace(records, &challenge("pv_proxy_authenticate", records))
    });
    let profile = fs::read_to_string(device.join("device.toml")).unwrap();
    let key = "[keys]\nsip_password = { file = \"password\" }\n\n[triggers]";
    for (password, expected) in [("secret\n", Some(0)), ("wrong\n", Some(5))] {
        fs::write(device.join("device.toml"), profile.replace("[triggers]", key)).unwrap();
        fs::write(device.join("password"), password).unwrap();
        let out = folder.path().join(password.trim());
        let Some((code, result)) = judged(&device.join("device.toml"), &[], &out) else { return };
        assert_eq!(code, expected, "{:#?}", verdicts(&result));
    }
}

/// A server of which one thing is wrong fails there and nowhere else, and a list of known failures
/// makes that expected.
#[test]
fn a_failure_of_its_own_is_found_and_can_be_listed() {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(ROOT).join("examples/kamailio");
    let device = copied(folder.path(), |config| {
        let hasty = "modparam(\"tm\", \"cancel_b_method\", 2)\n";
        config.replacen("modparam(", &format!("{hasty}modparam("), 1)
    });
    let profile = device.join("device.toml");
    let Some((code, result)) = judged(&profile, &[], &folder.path().join("out")) else { return };
    assert_eq!(code, Some(1));
    let failed: Vec<String> = verdicts(&result)
        .into_iter()
        .filter(|(_, verdict)| verdict != "PASS")
        .map(|(id, verdict)| format!("{verdict} {id}"))
        .collect();
    assert_eq!(failed, ["FAIL CL-RO-17/server-holds"]);

    // What the comment of the example shows.
    let list = fs::read_to_string(example.join("known-failures.toml")).unwrap();
    let shown = list.split_once("[[failure]]").expect("it shows an entry").1;
    let entry = format!("[[failure]]{shown}").replace("\n# ", "\n");
    let listed = device.join("known-failures.toml");
    fs::write(&listed, entry).unwrap();
    let known = ["--known-failures", text_of(&listed)];
    let (code, result) = judged(&profile, &known, &folder.path().join("again")).unwrap();
    assert_eq!((code, &result["complaints"]), (Some(0), &Value::Array(Vec::new())));
}

/// A copy of the example whose configuration is changed.
fn copied(folder: &Path, change: impl Fn(&str) -> String) -> PathBuf {
    let (example, device) = (Path::new(ROOT).join("examples/kamailio"), folder.join("device"));
    fs::create_dir(&device).unwrap();
    for file in ["device.toml", "start", "kamailio.cfg"] {
        fs::copy(example.join(file), device.join(file)).unwrap();
    }
    let config = fs::read_to_string(device.join("kamailio.cfg")).unwrap();
    fs::write(device.join("kamailio.cfg"), change(&config)).unwrap();
    device
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The exit code and the result of a run; `None` where this machine cannot run it.
fn judged(profile: &Path, more: &[&str], out: &Path) -> Option<(Option<i32>, Value)> {
    if !is_there("kamailio") {
        not_run("Kamailio is missing: apt-get install kamailio");
        return None;
    }
    let words = ["run", "--device", text_of(profile), "--out", text_of(out), "--force"];
    let output = roamproof(&[&words[..], more].concat());
    if output.status.code() == Some(3) {
        not_run(&String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let result = fs::read(out.join("result.json")).unwrap_or_else(|why| {
        panic!("{why}\n{}", String::from_utf8_lossy(&output.stderr));
    });
    Some((output.status.code(), serde_json::from_slice(&result).unwrap()))
}

fn verdicts(result: &Value) -> BTreeMap<String, String> {
    let cases = result["cases"].as_array().unwrap().iter();
    let word = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    cases.map(|case| (word(case, "id"), word(case, "verdict"))).collect()
}

/// The rows of the claims that bind a SIP server.
fn rows_of_the_server() -> Vec<String> {
    let output = roamproof(&["list", "--format", "json"]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let requirements = list["requirements"].as_array().unwrap().iter();
    let of_server = |row: &&Value| {
        let roles = row["roles"].as_array().unwrap();
        row["id"].as_str().unwrap().starts_with("CL-") && roles.iter().any(|role| role == "SS")
    };
    let rows: Vec<String> =
        requirements.filter(of_server).map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert!(rows.len() > 15, "{rows:?}");
    rows
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    folders.iter().any(|folder| folder.join(program).is_file())
}

/// Says that a test was left out; which is a failure where all is demanded.
fn not_run(why: &str) {
    let demanded = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!demanded, "not run: {why}");
    eprintln!("\n*** not run: {why}\n");
}

#[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
fn roamproof(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roamproof"));
    command.args(words).current_dir("/").stdin(Stdio::null());
    command.env_remove("NO_COLOR").env_remove("ROAMPROOF_LOG").env_remove("GITHUB_ACTIONS");
    command.output().expect("the program starts")
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}
