//! The shipped profiles: the reference passes as any vendor's device would, and what a profile
//! excludes is said.

use std::path::Path;

use roamproof_harness::profile::{self, Profile};
use roamproof_harness::topology::Role;
use serde_json::Value;

use crate::Test;
use crate::program::{changed, run, shipped};

pub(crate) const TESTS: &[Test] = &[
    ("the_home_agent_passes", || passes("reference-ha.toml")),
    ("the_mobile_terminal_passes", || passes("reference-mn.toml")),
    ("the_correspondent_passes", || passes("reference-cn.toml")),
    ("the_sip_server_passes", || passes("reference-sip-server.toml")),
    ("what_a_feature_excludes_is_not_applicable", what_a_feature_excludes_is_not_applicable),
    ("what_no_trigger_can_do_is_not_applicable", what_no_trigger_can_do_is_not_applicable),
    ("what_a_trigger_says_it_cannot_is_not_applicable", what_a_trigger_says_it_cannot),
    ("a_wrong_profile_is_refused_with_its_line", a_wrong_profile_is_refused_with_its_line),
    ("the_profile_of_the_readme_is_one", the_profile_of_the_readme_is_one),
    ("shipped_profiles_are_as_the_schema_says", shipped_profiles_are_as_the_schema_says),
];

/// The longest wait of a purpose that is played in each test run, seconds; all are with
/// `ROAMPROOF_REPEATS`.
const WAIT_MAX: &str = "12";

/// No FAIL and no ERROR, over as many rounds as `ROAMPROOF_REPEATS` says; in one round, nothing but
/// PASS where this host was in time.
fn passes(profile: &str) {
    let repeats = std::env::var("ROAMPROOF_REPEATS").ok();
    let words: &[&str] = match &repeats {
        Some(repeats) => &["--repeat", repeats],
        None => &["--max-wait", WAIT_MAX],
    };
    let ran = run(&shipped(profile), words);
    assert!(!ran.verdicts().is_empty(), "{}", ran.trouble());
    let others: Vec<_> =
        ran.verdicts().into_iter().filter(|(_, verdict)| *verdict != "PASS").collect();
    let late = |verdict: &&str| *verdict == "INCONC" && ran.trouble().contains("this host was");
    assert!(others.iter().all(|(_, verdict)| late(verdict)), "{}", ran.trouble());
    if repeats.is_some() {
        eprintln!("{profile}: {} cases, not PASS: {others:?}", ran.verdicts().len());
    } else {
        assert!(others.len() * 4 <= ran.verdicts().len(), "{}", ran.trouble());
    }
}

fn what_a_feature_excludes_is_not_applicable() {
    let (_folder, path) = changed(
        "reference-sip-server.toml",
        &[("binding_lookup = \"yes\"", "binding_lookup = \"no\"")],
    );
    let ran = run(&path, &["--only", "CL-DST-08*"]);
    assert_eq!(ran.verdicts(), [], "{}", ran.trouble());
    let excluded = ran.excluded();
    assert!(!excluded.is_empty());
    for (id, verdict, reason) in excluded {
        assert_eq!((verdict, reason), ("N-A", "wants binding_lookup = yes"), "{id}");
    }
    assert_eq!(ran.code, Some(4), "nothing ran");
}

fn what_no_trigger_can_do_is_not_applicable() {
    let (_folder, path) = changed("reference-cn.toml", &[("\ncall = ", "\n# call = ")]);
    let ran = run(&path, &["--only", "CL-RO-06"]);
    assert_eq!(ran.excluded(), [("CL-RO-06", "N-A", "wants triggers.call is given")]);
}

fn what_a_trigger_says_it_cannot() {
    let (_folder, path) = changed("reference-cn.toml", &[("\ncall = '", "\ncall = 'exit 89 # ")]);
    let ran = run(&path, &["--only", "CL-RO-06"]);
    assert_eq!(ran.verdicts(), [("CL-RO-06", "N-A")], "{}", ran.trouble());
    assert!(ran.trouble().contains("exits with 89"), "{}", ran.trouble());
}

fn a_wrong_profile_is_refused_with_its_line() {
    let (_folder, path) =
        changed("reference-ha.toml", &[("mode = \"command\"", "mode = \"comand\"")]);
    let ran = run(&path, &[]);
    assert_eq!(ran.code, Some(2), "{}", ran.trouble());
    let expected = "device.toml:9: attach.mode: unknown variant `comand`, expected `command` or";
    assert!(ran.told.contains(expected) && ran.told.contains("next: "), "{}", ran.told);
}

fn the_profile_of_the_readme_is_one() {
    let readme = include_str!("../../README.md");
    let section = readme.split("## Your device on the bench").nth(1).unwrap();
    let text = section.split("```toml").nth(1).unwrap().split("```").next().unwrap();
    let profile = Profile::parse(text, Path::new("README.md"), &|_| None).unwrap();
    assert_eq!(profile.roles, [Role::HomeAgent]);
}

fn shipped_profiles_are_as_the_schema_says() {
    let schema = jsonschema::validator_for(&profile::schema()).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(shipped("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let Ok(value) = toml::from_str::<Value>(&text) else { panic!("{}", path.display()) };
        if value.get("attach").is_none() {
            continue;
        }
        let errors: Vec<String> = schema.iter_errors(&value).map(|one| one.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        count += 1;
    }
    assert!(count >= 5, "{count} profiles");
    let wrong = serde_json::json!({ "device": {} });
    assert!(!schema.is_valid(&wrong), "a schema that cannot refuse");
}
