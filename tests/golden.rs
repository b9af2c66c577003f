//! Golden captures: each sequence, played in simulated time, is its file in `captures/` octet for
//! octet, and its dissection is a snapshot beside it that a person reviews.
//!
//! `ROAMPROOF_BLESS=1 cargo test --test golden` writes the files anew; look at the snapshots' diff.

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use roamproof::lab_arm::LabArm;
use roamproof_harness::evidence::decode::Decoded;
use roamproof_harness::evidence::{Capture, compare, identical, pcapng};
use roamproof_harness::sequence::{self, Changes, Sequence};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Those that can be played live have a golden capture.
    let sequences = sequence::ALL.iter().filter(|sequence| !sequence.lab_only);
    let trials = sequences.flat_map(|sequence| {
        CHECKS.map(|(name, check)| {
            Trial::test(format!("{}/{name}", sequence.file), move || check(sequence))
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

type Check = (&'static str, fn(&Sequence) -> Result<(), Failed>);

const CHECKS: [Check; 4] = [
    ("is_played_octet_for_octet", is_played_octet_for_octet),
    ("is_written_back_as_it_was", is_written_back_as_it_was),
    ("says_what_a_person_has_reviewed", says_what_a_person_has_reviewed),
    ("differs_from_another_run_only_in_what_varies", differs_only_in_what_varies),
];

fn is_played_octet_for_octet(sequence: &Sequence) -> Result<(), Failed> {
    let played = play(sequence, None)?;
    if std::env::var_os("ROAMPROOF_BLESS").is_some() {
        pcapng::write_file(&file(sequence), &played)?;
    }
    let difference = identical(&golden(sequence)?, &played).map_err(|error| error.to_string());
    Ok(difference.map_err(|error| format!("{error}\nif that is meant: ROAMPROOF_BLESS=1"))?)
}

fn is_written_back_as_it_was(sequence: &Sequence) -> Result<(), Failed> {
    let octets = std::fs::read(file(sequence))?;
    let written = pcapng::octets(&pcapng::read(sequence.file, &octets)?)?;
    if written == octets { Ok(()) } else { Err("not written back as it was".into()) }
}

fn says_what_a_person_has_reviewed(sequence: &Sequence) -> Result<(), Failed> {
    let decoded = Decoded::of_capture(&golden(sequence)?);
    if decoded.unreadable() > 0 {
        return Err(format!("{} unreadable:\n{}", decoded.unreadable(), decoded.text(false)).into());
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../captures");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(sequence.file, folded(&decoded)));
    Ok(())
}

/// Another seed draws other cookies, tokens, tags and numbers: a run that a live one is like.
fn differs_only_in_what_varies(sequence: &Sequence) -> Result<(), Failed> {
    let differences = compare(&golden(sequence)?, &play(sequence, Some(4711))?);
    let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
    if lines.is_empty() { Ok(()) } else { Err(lines.join("\n").into()) }
}

fn play(sequence: &Sequence, seed: Option<u64>) -> Result<Capture, Failed> {
    let changes = Changes { seed, ..Changes::default() };
    let played = sequence.play(&mut LabArm, changes, &mut |_| {})?;
    match played.trouble {
        None => Ok(played.capture),
        Some(trouble) => Err(format!("did not come to its end: {trouble}").into()),
    }
}

/// The dissection, runs of media told by their first packet and how many there were.
fn folded(decoded: &Decoded) -> String {
    let mut text = String::new();
    let mut media = 0;
    for line in decoded.text(false).lines() {
        if line.contains("  RTP pt=") {
            media += 1;
            if media > 1 {
                continue;
            }
        } else if media > 0 {
            if media > 1 {
                text.push_str(&format!("      … {} more packets of media\n", media - 1));
            }
            media = 0;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn golden(sequence: &Sequence) -> Result<Capture, Failed> {
    Ok(pcapng::read_file(&file(sequence))?)
}

fn file(sequence: &Sequence) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("captures");
    folder.join(format!("{}.pcapng", sequence.file))
}
