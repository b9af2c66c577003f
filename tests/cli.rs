//! The command line as a shell sees it: what is printed where, and the exit code.

use std::process::{Command, Output, Stdio};

use rstest::rstest;
use serde_json::Value;

#[rstest]
#[case::success("list --summary", 0)]
#[case::unknown_id("explain CL-RO-99", 2)]
#[case::unknown_glob("list --only CL-XX-*", 2)]
#[case::unknown_level("list --level shall", 2)]
#[case::unknown_role("list --role XX", 2)]
#[case::unknown_subcommand("frobnicate", 2)]
#[case::unknown_option("list --frobnicate", 2)]
#[case::no_subcommand("", 2)]
#[case::nothing_selected("list --only CL-* --level may", 4)]
#[case::no_purpose_selected("list --purposes --only HA-BU-07", 4)]
#[case::explain_a_glob("explain CL-INT-0*", 0)]
#[case::decode_octets("decode 3b01010000000000a1a2a3a4a5a6a7a8", 0)]
#[case::decode_a_capture(concat!("decode --verbose ", env!("CARGO_MANIFEST_DIR"), "/captures/scapy-route-optimization.pcapng"), 0)]
#[case::decode_octets_cut_short("decode 3b0101 --as mobility", 1)]
#[case::decode_no_such_file("decode /no/such.pcapng", 2)]
#[case::decode_no_capture(concat!("decode ", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), 2)]
#[case::decode_nothing("decode -", 2)]
#[case::decode_as_what("decode 3b01 --as mobile", 2)]
#[case::help("--help", 0)]
#[case::version("--version", 0)]
fn the_exit_code_tells_the_truth(#[case] words: &str, #[case] code: i32) {
    let output = roamproof(words);
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    let failed = code == 2;
    assert_eq!(
        output.stdout.is_empty(),
        failed || code == 4,
        "data is on standard output, or there is none"
    );
    assert_eq!(
        output.stderr.is_empty(),
        code == 0,
        "an error is on standard error, or there is none"
    );
}

#[test]
fn an_error_is_one_line_and_what_to_do_next() {
    insta::assert_snapshot!(text(&roamproof("explain CL-RO-99").stderr), @r"
    error: no requirement is called `CL-RO-99`; nearest: CL-RO-09, CL-RO-19, CL-RO-29
    next: `roamproof list` prints every name
    ");
}

#[test]
fn a_requirement_is_explained_in_full() {
    let explained = text(&roamproof("explain CL-INT-05").stdout);
    let (row, purposes) = explained.split_once("\n\n").expect("its purposes are told after it");
    insta::assert_snapshot!(row, @r"
    CL-INT-05  MUST NOT  HA  claims 8
      about      Interception and encapsulation
      stimulus   packet for a HoA without binding
      expected   not tunnelled
      misdeed    tunnels to the last known CoA
      judged by  CL-INT-05/de-registered, CL-INT-05/run-out, judge
      broken by  tunnels-to-the-last-care-of-address
    ");
    assert!(purposes.contains("CL-INT-05/run-out  MUST NOT  home-agent"), "{purposes}");
}

#[test]
fn a_purpose_is_explained_by_the_sentences_it_is_passed_by() {
    insta::assert_snapshot!(text(&roamproof("explain CL-INT-05/run-out").stdout), @r"
    CL-INT-05/run-out  MUST NOT  home-agent  version 1
      title      A packet for a home address whose binding has run out is not tunnelled
      verifies   CL-INT-05
      applies if always
      triggers   none
      waits      11 s at most
      given      the home agent acknowledges a home registration
      given      a packet to the home address leaves in the tunnel to the care-of address
      given      the lifetime that was granted is over
      when       a packet to the home address comes
      then       it leaves in no tunnel
      given      the home agent answers an echo on the home link
      kills      tunnels-to-the-last-care-of-address
    ");
    let output = roamproof("explain CL-INT-05/run-out --format json");
    let explained: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let purpose = &explained["explained"][0];
    assert_eq!(purpose["kills"][0], "tunnels-to-the-last-care-of-address");
    assert_eq!(purpose["clauses"][0]["kind"], "given");
}

#[test]
fn a_misdeed_is_explained_by_who_catches_it() {
    let explained = text(&roamproof("explain ack-without-binding").stdout);
    let (does, caught) = explained.split_once("  caught by  ").expect("who catches it");
    insta::assert_snapshot!(does, @r"
    ack-without-binding  misdeed  home-agent
      does       Answers status 0 to a Binding Update and binds nothing.
      breaks     CL-REG-02 MUST: BA status 0 or 1 with type 2 routing header = HoA, sent to the CoA (DAD for the HoA, 1–1.5 s, allowed the first time); HoA–CoA bound (probe: packet to HoA leaves in a tunnel to CoA)
    ");
    assert!(caught.starts_with("CL-REG-02"), "{caught}");
}

#[test]
fn purposes_are_listed_with_what_they_take() {
    insta::assert_snapshot!(text(&roamproof("list --purposes --only CL-INT-05").stdout), @r"
    CL-INT-05/de-registered                  home-agent      MUST NOT      7 s  -                      -
    CL-INT-05/run-out                        home-agent      MUST NOT     11 s  -                      -
    ");
    let output = roamproof("list --purposes --format json");
    let listing: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for purpose in listing["purposes"].as_array().expect("a list") {
        assert!(purpose["waits_max"].as_f64().is_some_and(|seconds| seconds > 0.0), "{purpose}");
        assert!(purpose["triggers"].is_array() && purpose["applies"].is_array(), "{purpose}");
    }
}

#[test]
fn every_requirement_is_listed_for_programs() {
    let output = roamproof("list --format json");
    let listing: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = listing["requirements"].as_array().expect("a list");
    assert_eq!(rows.len(), 991);
    for row in rows {
        assert!(row["id"].is_string() && row["level"].is_string(), "{row}");
        assert!(row["roles"].is_array() && row["judged_by"].is_array(), "{row}");
        assert!(row["excused"].is_string() || row["excused"].is_null(), "{row}");
    }
}

#[test]
fn octets_are_decoded_for_people_and_programs() {
    let octets = "decode 3b01010000000000a1a2a3a4a5a6a7a8";
    insta::assert_snapshot!(text(&roamproof(&format!("{octets} -v")).stdout), @r"
    HoTI
          mobility: message Home Test Init, payload-protocol 59, header-length 1, type 1, checksum 0, cookie a1a2a3a4a5a6a7a8
    ");
    let output = roamproof(&format!("{octets} --format json"));
    let packets: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(packets[0]["layers"][0]["cookie"], "a1a2a3a4a5a6a7a8");
    let cut = roamproof("decode 3b0101 --format json");
    let packets: Value = serde_json::from_slice(&cut.stdout).expect("JSON");
    insta::assert_snapshot!(packets[0]["error"], @r#"
    {"within":"Ethernet frame","offset":0,"fault":"needs 14 octets, has 3"}
    "#);
    insta::assert_snapshot!(text(&cut.stderr), @r"
    1 of 1 packets are not what they should be
    ");
}

#[rstest]
#[case::always("explain D6 --color always", true)]
#[case::never("explain D6 --color never", false)]
#[case::no_terminal("explain D6", false)]
fn colours_come_where_they_are_wanted(#[case] words: &str, #[case] colors: bool) {
    assert_eq!(roamproof(words).stdout.contains(&ESCAPE), colors);
}

#[rstest]
#[case("bash")]
#[case("zsh")]
#[case("fish")]
fn completions_name_every_subcommand(#[case] shell: &str) {
    let script = text(&roamproof(&format!("completions {shell}")).stdout);
    let help = text(&roamproof("--help").stdout);
    let commands =
        help.split("Commands:\n").nth(1).expect("a list").split("\n\n").next().expect("a list");
    let wrapped = |line: &&str| line.starts_with("   ");
    for line in commands.lines().filter(|line| !wrapped(line)) {
        let name = line.split_whitespace().next().expect("a name");
        assert!(script.contains(name), "{name}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = command("list")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

const ESCAPE: u8 = 0x1b;

fn roamproof(words: &str) -> Output {
    command(words).output().expect("the program starts")
}

/// Run in the root folder, so that nothing but the program itself is at hand.
#[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
fn command(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roamproof"));
    command.args(words.split_whitespace()).current_dir("/").stdin(Stdio::null());
    command.env_remove("NO_COLOR").env_remove("ROAMPROOF_LOG");
    command
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("UTF-8")
}
