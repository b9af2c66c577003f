//! In GitHub Actions: annotations on standard error, a summary of the job; standard output is as ever.

use std::fs;

use crate::program::{command, folder, text, without_rows_kept};

#[test]
fn a_step_is_annotated_and_summed_up() {
    let (folder, _) = folder();
    let (list, summary) = (folder.path().join("list.toml"), folder.path().join("summary.md"));
    let entry = "[[failure]]\nid = \"CL-INT-05/none\"\nverdict = \"FAIL\"\nreason = \"x\"\n\
        version = 1\nissue = \"7\"\nsince = 2026-01-01\nexpires = 2999-12-31\n";
    fs::write(&list, entry).unwrap();
    let list = list.to_str().unwrap();
    let words = [
        "run",
        "--only",
        "CL-INT-05/{de-registered,run-out}",
        "--shard",
        "1/2",
        "--known-failures",
        list,
    ];
    let mut command = command(&[&words[..], &["--format", "json"]].concat());
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr).replace(list, "LIST");
    insta::assert_snapshot!(told, @r"::error file=LIST,line=2::LIST:2: CL-INT-05/none is the name of no purpose: delete this entry");
    serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON and nothing else");
    let summary = fs::read_to_string(&summary).unwrap().replace(list, "LIST");
    insta::assert_snapshot!(without_rows_kept(&summary), @r"
    ### roamproof

    1 case, lab arm: 1 PASS, 1 SKIP; 1 of the list of known failures not true any more

    | | Verdict | Purpose | Why |
    |---|---|---|---|
    | :fast_forward: | SKIP | CL-INT-05/run-out | SKIP: is in shard 2/2, not 1/2 |

    The list of known failures is not true any more:

    - LIST:2: CL-INT-05/none is the name of no purpose: delete this entry
    ");
}
