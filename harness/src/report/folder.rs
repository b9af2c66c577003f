//! The evidence of one case: what crossed the links, the ladder, what happened when, what the subject
//! said.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::evidence::{LadderStyle, ladder, pcapng};
use crate::run::Outcome;

/// The capture of a case, in its folder.
pub(super) const CAPTURE: &str = "capture.pcapng";

/// Writes the evidence of a case into `folder`, which is made where it is not there.
///
/// # Errors
///
/// Where something cannot be written.
pub fn keep(folder: &Path, outcome: &Outcome) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    pcapng::write_file(&folder.join(CAPTURE), &outcome.capture)?;
    let style = LadderStyle { focus: None, ..LadderStyle::default() };
    let ladder = ladder(&outcome.capture, &outcome.names, &style);
    fs::write(folder.join("ladder.txt"), ladder)?;
    fs::write(folder.join("events.jsonl"), events(outcome))?;
    let mut said = String::new();
    for line in outcome
        .output
        .iter()
        .flat_map(|(name, lines)| lines.iter().map(move |line| format!("{name}: {line}\n")))
    {
        said.push_str(&line);
    }
    fs::write(folder.join("output.txt"), said)
}

/// One JSON object a line: sentences and stimuli in the order of time, the verdict last.
fn events(outcome: &Outcome) -> String {
    let capture = &outcome.capture;
    let mut events: Vec<(Duration, usize, Value)> = Vec::new();
    for clause in &outcome.clauses {
        let event = json!({
            "at": clause.at.as_secs_f64(),
            "sentence": clause.kind.word(),
            "text": clause.text,
            "packets_before": clause.frames_before,
        });
        events.push((clause.at, clause.frames_before, event));
    }
    for index in &outcome.stimuli {
        let Some(frame) = capture.frames.get(*index) else { continue };
        let event = json!({
            "at": frame.at.as_secs_f64(),
            "stimulus": frame.number,
            "link": capture.link_name(frame.link),
            "octets": hexadecimal(&frame.octets),
        });
        events.push((frame.at, *index, event));
    }
    // A sentence stands before the packets that it is about.
    events.sort_by_key(|(_, packets_before, event)| {
        (*packets_before, event.get("stimulus").is_some())
    });
    let verdict = json!({
        "at": outcome.took.as_secs_f64(),
        "verdict": outcome.verdict,
        "why": outcome.stop.as_ref().map(ToString::to_string),
    });
    let mut text = String::new();
    for event in events.into_iter().map(|(_, _, event)| event).chain([verdict]) {
        writeln!(text, "{event}").expect("a string takes any text");
    }
    text
}

fn hexadecimal(octets: &[u8]) -> String {
    let mut text = String::with_capacity(2 * octets.len());
    for octet in octets {
        write!(text, "{octet:02x}").expect("a string takes any text");
    }
    text
}
