//! A run told: what came of it, each frame in a line, and the ladder.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use roamproof_harness::evidence::{LadderStyle, Names, ladder};
use roamproof_harness::topology::claimed::topology;
use roamproof_wire::dissect::dissect;

use super::scenario::{self, Outcome, Sequence, capture_of, wanted};

/// Plays one seed; a panic of a node is a failure like others.
pub(crate) fn play(sequence: Sequence, seed: u64) -> Result<Outcome, String> {
    caught(|| scenario::play(sequence, seed, None))
}

/// Plays one seed and tells all of it.
pub(crate) fn whole(sequence: Sequence, seed: u64) -> String {
    let capture = capture_of(sequence);
    let outcome = caught(|| scenario::play(sequence, seed, Some(&Rc::clone(&capture))));
    let capture = capture.borrow();
    let mut text = format!("{sequence:?}, seed {seed}\n");
    for frame in &capture.frames {
        let (at, link) = (frame.at.as_secs_f64(), capture.link_name(frame.link));
        let lost = if frame.lost { "  ✗ lost" } else { "" };
        writeln!(text, "{at:>11.6} {link:<13} {}{lost}", dissect(&frame.octets))
            .expect("a String takes everything");
        for comment in &frame.comments {
            writeln!(text, "{:>26}{comment}", "").expect("a String takes everything");
        }
    }
    let names = Names::of_claimed(&topology(&wanted(sequence, seed)));
    let style = LadderStyle { path: false, ..LadderStyle::default() };
    text.push_str(&ladder(&capture, &names, &style));
    writeln!(text, "{sequence:?}, seed {seed}: {outcome:?}").expect("a String takes everything");
    text
}

fn caught(play: impl FnOnce() -> Result<Outcome, String>) -> Result<Outcome, String> {
    catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        Err(format!("panic: {}", what.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?")))
    })
}
