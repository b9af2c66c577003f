//! Writing a bundle: each file whole or not at all, `case.json` last.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::{CAPTURE, CASE, CLOCK, CaseFile, EVENTS, OUTPUT, RERUN, STIMULI, events, stimuli};
use crate::evidence::{LadderStyle, Packet, Specified, pcapng, sheet, sheet_svg};
use crate::purpose::Purpose;
use crate::run::{Outcome, Setting};

/// What was run, and how.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// The purpose.
    pub purpose: &'a Purpose,
    /// `lab` or `live`.
    pub arm: &'a str,
    /// What the run was told.
    pub setting: &'a Setting,
    /// The command that runs it again.
    pub rerun: &'a str,
}

/// Writes the bundle of a case into `folder`, which is made where it is not there. A bundle that was
/// there is replaced, file by file; other files are left alone.
///
/// # Errors
///
/// Where something cannot be written.
pub fn keep(folder: &Path, about: &About<'_>, outcome: &Outcome) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Without it the folder is no bundle: it is gone first and comes last.
    gone(fs::remove_file(folder.join(CASE)))?;
    write(folder, CAPTURE, &pcapng::octets(&outcome.capture)?)?;
    let style = LadderStyle { focus: None, ..LadderStyle::default() };
    let (capture, names) = (&outcome.capture, &outcome.names);
    let specified = specified(about.purpose, outcome);
    write(folder, "ladder.txt", sheet(capture, names, &specified, &style).as_bytes())?;
    write(folder, "ladder.svg", sheet_svg(capture, names, &specified, &style).as_bytes())?;
    write(folder, EVENTS, events::events(outcome).as_bytes())?;
    keep_stimuli(folder, outcome)?;
    keep_output(folder, outcome)?;
    let notes: String = outcome.notes.iter().map(|note| note.to_line() + "\n").collect();
    write(folder, CLOCK, notes.as_bytes())?;
    write(folder, RERUN, format!("{}\n", about.rerun).as_bytes())?;
    let About { purpose, arm, setting, rerun } = *about;
    let case = CaseFile::of(purpose, arm, setting, rerun, outcome);
    let text = serde_json::to_string_pretty(&case).map_err(io::Error::other)?;
    write(folder, CASE, format!("{text}\n").as_bytes())
}

/// The purpose's sentences, what the tester sent on purpose, and what it waited for.
fn specified(purpose: &Purpose, outcome: &Outcome) -> Specified {
    let why = outcome.stop.as_ref().map_or_else(String::new, |stop| format!(": {stop}"));
    let sent = outcome.stimuli.iter().map(|frame| Packet {
        before: *frame,
        frame: Some(*frame),
        text: "▷ the tester sends".to_owned(),
    });
    let awaited = outcome.expectations.iter().map(|expected| {
        let mark = match (expected.frame, expected.missed) {
            (Some(_), _) => "◁",
            (None, true) => "✗ missed:",
            (None, false) => "∅",
        };
        Packet {
            before: expected.frames_before,
            frame: expected.frame,
            text: format!("{mark} {}", expected.text),
        }
    });
    Specified {
        title: format!("{} version {}: {}", purpose.id, purpose.version, purpose.title),
        verdict: format!("verdict {}{why}", outcome.verdict),
        sentences: outcome
            .clauses
            .iter()
            .map(|clause| (clause.frames_before, format!("{} {}", clause.kind.word(), clause.text)))
            .collect(),
        packets: sent.chain(awaited).collect(),
    }
}

fn keep_stimuli(folder: &Path, outcome: &Outcome) -> io::Result<()> {
    gone(fs::remove_dir_all(folder.join(STIMULI)))?;
    if outcome.stimuli.is_empty() {
        return Ok(());
    }
    let folder = folder.join(STIMULI);
    fs::create_dir_all(&folder)?;
    for (number, index) in (1..).zip(&outcome.stimuli) {
        let Some(frame) = outcome.capture.frames.get(*index) else { continue };
        write(&folder, &format!("{number:02}.bin"), &frame.octets)?;
        let text = stimuli::told(&outcome.capture, frame);
        write(&folder, &format!("{number:02}.txt"), text.as_bytes())?;
    }
    Ok(())
}

fn keep_output(folder: &Path, outcome: &Outcome) -> io::Result<()> {
    let folder = folder.join(OUTPUT);
    gone(fs::remove_dir_all(&folder))?;
    fs::create_dir_all(&folder)?;
    for (name, lines) in &outcome.output {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        write(&folder, &format!("{name}.txt"), text.as_bytes())?;
    }
    Ok(())
}

/// Writes a file whole or not at all: under another name first.
fn write(folder: &Path, name: &str, octets: &[u8]) -> io::Result<()> {
    let partial = folder.join(format!(".{name}.partial"));
    let mut file = fs::File::create(&partial)?;
    file.write_all(octets)?;
    drop(file);
    fs::rename(&partial, folder.join(name))
}

/// What is not there need not be removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
