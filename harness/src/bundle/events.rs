//! `events.jsonl`: sentences, packets and verdict in the order of time, one JSON object a line.

use std::fmt::Write as _;

use roamproof_wire::dissect::dissect;
use serde_json::json;

use crate::recording::{Note, nanoseconds};
use crate::run::Outcome;

/// The events of a case, times in nanoseconds since the start of the run.
pub(super) fn events(outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut add = |event: serde_json::Value| {
        writeln!(text, "{event}").expect("a string takes any text");
    };
    let mut clauses = outcome.clauses.iter().peekable();
    let origins = origins(outcome);
    for (index, frame) in outcome.capture.frames.iter().enumerate() {
        // A sentence stands before the packets that it is about.
        while let Some(clause) = clauses.next_if(|clause| clause.frames_before <= index) {
            add(json!({
                "at": nanoseconds(clause.at),
                "sentence": clause.kind.word(),
                "text": clause.text,
            }));
        }
        add(json!({
            "at": nanoseconds(frame.at),
            "packet": frame.number,
            "link": outcome.capture.link_name(frame.link),
            "from": origins[index],
            "lost": frame.lost,
            "octets": frame.octets.len(),
            "says": dissect(&frame.octets),
        }));
    }
    for clause in clauses {
        add(json!({
            "at": nanoseconds(clause.at),
            "sentence": clause.kind.word(),
            "text": clause.text,
        }));
    }
    add(json!({
        "at": nanoseconds(outcome.took),
        "verdict": outcome.verdict,
        "why": outcome.stop.as_ref().map(ToString::to_string),
    }));
    text
}

/// Where each packet came from: a port of a subject, the tester on purpose, or the tester's stations by
/// themselves.
fn origins(outcome: &Outcome) -> Vec<String> {
    let mut origins = vec!["station".to_owned(); outcome.capture.frames.len()];
    for note in &outcome.notes {
        if let Note::Arrival { port, frame, .. } = note
            && let Some(origin) = origins.get_mut(*frame)
        {
            *origin = format!("port {}", port.0);
        }
    }
    for stimulus in &outcome.stimuli {
        "stimulus".clone_into(&mut origins[*stimulus]);
    }
    origins
}
