//! `prove` as a shell sees it: what kills what, and the exit code.

use std::process::{Command, Output, Stdio};

#[cfg(not(feature = "misdeeds"))]
#[test]
fn a_build_without_misdeeds_says_so() {
    let output = roamproof(&["prove"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(text(&output.stderr), @r"
    error: this build has no misdeeds, so nothing can be proven
    next: build with --features misdeeds
    ");
}

#[cfg(feature = "misdeeds")]
mod with_misdeeds {
    use rstest::rstest;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_row_is_proven_by_its_purposes_and_what_they_kill() {
        let output = roamproof(&["prove", "--only", "CL-RO-15"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        insta::assert_snapshot!(text(&output.stdout), @r"
        mobile-terminal: purposes                  kills
          CL-RO-15/bad-authenticator               accepts-any-acknowledgement
          CL-RO-15/sequence-never-sent             accepts-any-acknowledgement
        mobile-terminal: misdeeds                  breaks     killed by
          accepts-any-acknowledgement              CL-RO-15   CL-RO-15/bad-authenticator, CL-RO-15/sequence-never-sent

        2 purposes, 2 with a kill; 1 misdeed, 1 killed
        ");
    }

    #[rstest]
    #[case::a_misdeed_by_its_name(&["--only", "accepts-any-acknowledgement"], 0)]
    #[case::a_misdeed_that_a_sequence_shows(&["--only", "rings-early-on-tcp"], 0)]
    #[case::a_role(&["--role", "MT", "--only", "CL-RO-15*"], 0)]
    #[case::nothing_of_that_role(&["--role", "HA", "--only", "CL-RO-15"], 4)]
    #[case::no_such_name(&["--only", "sleeps"], 2)]
    #[case::no_such_role(&["--role", "UAC"], 2)]
    #[case::misdeeds_are_the_reference_s(&["--arm", "live"], 2)]
    fn the_exit_code_tells_the_truth(#[case] words: &[&str], #[case] code: i32) {
        let output = roamproof(&[&["prove"], words].concat());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert_eq!(output.stderr.is_empty(), code == 0, "{}", text(&output.stderr));
    }

    #[test]
    fn the_matrix_is_kept_for_people_and_programs() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().to_str().unwrap();
        let words = ["prove", "--only", "CL-RO-06", "--format", "json", "--out", name];
        let output = roamproof(&words);
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let kept = std::fs::read(folder.path().join("kills.json")).unwrap();
        assert_eq!(kept, output.stdout);
        let role = &printed["roles"][0];
        assert_eq!(role["role"], "correspondent");
        assert_eq!(role["purposes"][0]["unharmed"], "PASS");
        assert_eq!(role["misdeeds"][0]["fate"], "killed");
        let kept = std::fs::read_to_string(folder.path().join("kills.txt")).unwrap();
        assert!(kept.contains("first-packets-through-home-agent"), "{kept}");
        assert_eq!(roamproof(&words).status.code(), Some(2), "nothing is overwritten unasked");
    }
}

#[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
fn roamproof(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roamproof"));
    command.args(words).current_dir("/").stdin(Stdio::null());
    command.env_remove("NO_COLOR").env_remove("ROAMPROOF_LOG");
    command.output().expect("the program starts")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("UTF-8")
}
