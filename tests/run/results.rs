//! `result.json` is the master: of the shipped schema, the same for the same seed, and all else derives
//! from it.

use std::fs;

use serde_json::Value;

use crate::program::{folder, lasting, result, roamproof};

#[test]
fn a_real_result_is_as_its_schema_says() {
    let (folder, name) = folder();
    let words =
        ["run", "--only", "CL-INT-05/{de-registered,run-out}", "--shard", "1/2", "--out", &name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    let schema: Value = serde_json::from_str(&roamproof_harness::report::result_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let real = result(folder.path());
    let errors: Vec<String> = validator.iter_errors(&real).map(|error| error.to_string()).collect();
    assert_eq!(errors, [] as [&str; 0]);
    for name in ["cases", "excluded", "counts", "host", "wall", "form", "options"] {
        let mut lacking = real.clone();
        lacking.as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&lacking), "{name} is not asked for");
    }
    let mut wrong = real;
    wrong["cases"][0]["verdict"] = "OK".into();
    assert!(!validator.is_valid(&wrong), "any word is a verdict");
}

#[test]
fn a_result_says_what_ran_where_and_how() {
    let (folder, name) = folder();
    let words =
        ["run", "--only", "CL-INT-05/run-out", "--seed", "7", "--jobs", "1", "--out", &name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    let result = result(folder.path());
    assert_eq!(result["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&result["arm"], &result["seed"]), (&"lab".into(), &7.into()));
    assert_eq!(result["options"]["only"][0], "CL-INT-05/run-out");
    assert_eq!(result["host"]["jobs"], 1);
    assert!(result["wall"]["started"].as_str().unwrap().ends_with('Z'), "{}", result["wall"]);
    let case = &result["cases"][0];
    assert_eq!((&case["verdict"], &case["level"]), (&"PASS".into(), &"MUST NOT".into()));
    assert_eq!(case["lateness"], 0.0, "nothing is late in simulated time");
    let kinds: Vec<&str> =
        case["clauses"].as_array().unwrap().iter().filter_map(|one| one["kind"].as_str()).collect();
    assert!(["given", "when", "then"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
}

#[test]
fn equal_seeds_make_equal_results_however_many_run_at_once() {
    let runs = ["1", "4"].map(|jobs| {
        let (folder, name) = folder();
        let words = ["run", "--only", "CL-INT-*", "--repeat", "2", "--jobs", jobs, "--out", &name];
        assert_eq!(roamproof(&words).status.code(), Some(0));
        folder
    });
    assert_eq!(lasting(runs[0].path()), lasting(runs[1].path()));
    for name in ["junit.xml", "ctrf.json", "results.tap", "journal.jsonl"] {
        let [one, other] = [&runs[0], &runs[1]].map(|run| fs::read(run.path().join(name)).unwrap());
        assert!(one == other, "{name} differs");
    }
}

#[test]
fn every_case_is_in_every_form() {
    let (folder, name) = folder();
    let words =
        ["run", "--only", "CL-INT-05/{de-registered,run-out}", "--shard", "1/2", "--out", &name];
    assert_eq!(roamproof(&words).status.code(), Some(0));
    for form in ["junit.xml", "ctrf.json", "results.tap"] {
        let text = fs::read_to_string(folder.path().join(form)).unwrap();
        for id in ["CL-INT-05/de-registered", "CL-INT-05/run-out"] {
            assert!(text.contains(id), "{id} is not in {form}");
        }
    }
}
