//! A run told: what came of it, each frame in a line, and the ladder.

use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use roamproof_harness::evidence::{LadderStyle, Names, ladder};
use roamproof_wire::dissect::dissect;

use super::scenario::{Outcome, Run};

/// Plays a run; a panic of a node is a failure like others.
pub(crate) fn play(run: Run) -> Result<Outcome, String> {
    caught(|| run.play(None))
}

/// Plays a run and tells all of it.
pub(crate) fn whole(run: Run) -> String {
    let capture = run.capture();
    let outcome = caught(|| run.play(Some(&Rc::clone(&capture))));
    let capture = capture.borrow();
    let mut text = format!("{run}\n");
    for frame in &capture.frames {
        let (at, link) = (frame.at.as_secs_f64(), capture.link_name(frame.link));
        let lost = if frame.lost { "  ✗ lost" } else { "" };
        writeln!(text, "{at:>11.6} {link:<13} {}{lost}", dissect(&frame.octets))
            .expect("a String takes everything");
        for comment in &frame.comments {
            writeln!(text, "{:>26}{comment}", "").expect("a String takes everything");
        }
    }
    let names = Names::of_claimed(&run.topology());
    let style = LadderStyle { path: false, ..LadderStyle::default() };
    text.push_str(&ladder(&capture, &names, &style));
    writeln!(text, "{run}: {outcome:?}").expect("a String takes everything");
    text
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, seed {}", self.sequence, self.seed)?;
        match self.misdeed {
            Some((node, misdeed)) => write!(f, ", {node} {misdeed}"),
            None => Ok(()),
        }
    }
}

fn caught(play: impl FnOnce() -> Result<Outcome, String>) -> Result<Outcome, String> {
    catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        Err(format!("panic: {}", what.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?")))
    })
}
