//! A SIP server that others made, in the place of the reference's, in the whole reference network:
//! the oracle judges what crossed the links.

use std::path::Path;

use roamproof::live_arm::Live;
use roamproof_harness::profile::Profile;
use roamproof_harness::sequence::{Changes, Played, Sequence};
use roamproof_harness::tester::LATENESS_MAX;
use roamproof_harness::verdict::Verdict;

use crate::{Test, not_run};

pub(crate) const TESTS: &[Test] = &[
    ("kamailio_passes_on_a_call_whose_route_is_optimized", |live| plays_along(live, "s4")),
    ("kamailio_passes_on_such_a_call_over_tcp", |live| plays_along(live, "s4-tcp")),
    ("kamailio_passes_on_a_call_that_is_refused", |live| plays_along(live, "s2")),
    ("kamailio_holds_the_cancel_of_a_call_that_waits", |live| plays_along(live, "s9")),
];

fn plays_along(live: &Live, id: &str) {
    if !is_there("kamailio") {
        return not_run("Kamailio is missing: apt-get install kamailio");
    }
    let sequence = Sequence::find(id).expect("it is in the table");
    let mut played = play(live, sequence);
    if played.lateness > LATENESS_MAX {
        played = play(live, sequence);
    }
    let told = played.trouble.as_ref().map(ToString::to_string);
    let server = played.output.iter().find(|(node, _)| node == "ss");
    let said = server.map(|(_, lines)| lines.join("\n")).unwrap_or_default();
    assert_eq!(told, None, "{said}");
    let own_words = |octets: &[u8]| octets.windows(NAME.len()).any(|window| window == NAME);
    let speaks = played.capture.frames.iter().any(|frame| own_words(&frame.octets));
    assert!(speaks, "Kamailio names itself in what it answers\n{said}");

    let rows = sequence.judged(&played);
    for exercised in sequence.rows() {
        assert!(rows.iter().any(|row| row.row == exercised), "{exercised} is not judged");
    }
    let fallen: Vec<String> = rows
        .iter()
        .filter(|row| !matches!(row.verdict, Verdict::Pass | Verdict::Info))
        .map(|row| format!("{} {} {:?}", row.verdict, row.row, row.why))
        .collect();
    assert!(fallen.is_empty(), "{fallen:#?}\n{said}");
}

/// What it writes into the Server field.
const NAME: &[u8] = b"kamailio";

fn play(live: &Live, sequence: &Sequence) -> Played {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kamailio/device.toml");
    let profile = Profile::load(&file).unwrap_or_else(|why| panic!("{why}"));
    let mut arm = live.arm().with_device(live.device(profile).unwrap());
    sequence.play(&mut arm, Changes::default(), &mut |_| {}).unwrap_or_else(|why| panic!("{why}"))
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    folders.iter().any(|folder| folder.join(program).is_file())
}
