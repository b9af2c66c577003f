//! The sequence oracle: from what crossed the links alone it decides the rows of the catalogue.
//!
//! It follows registrations, tunnels, return routability, bindings, SIP transactions and media over
//! all links. A row that the capture does not exercise is said to be so, and is no PASS.

mod cast;
mod direct;
mod interception;
mod optimization;
mod reading;
mod registration;
mod session;
mod sip;
mod story;
mod streams;

pub use cast::{Cast, Terminal};
pub(crate) use session::addresses_in;

use serde::Serialize;

use crate::evidence::Capture;
use crate::verdict::Verdict;
use story::Story;

/// One row of the catalogue that the oracle can decide.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its id: `CL-RO-01`.
    pub id: &'static str,
    /// The weight of a breach: FAIL for MUST and MUST NOT, WARN for SHOULD.
    breach: Verdict,
    judge: fn(&Story<'_>) -> Option<Finding>,
}

/// What a row's judge found: nothing at all where the capture does not exercise the row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    /// It was kept; these frames show it.
    Kept(Vec<usize>),
    /// It was broken; what was expected, what was seen, and the frames that show it.
    Broken { expected: &'static str, seen: String, frames: Vec<usize> },
}

/// The oracle's word on one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The row.
    pub row: &'static str,
    /// The verdict; `None` where the capture does not exercise it.
    pub verdict: Option<Verdict>,
    /// What was expected and what was seen instead, where it was broken.
    pub why: Option<String>,
    /// The captured frames that it rests on, by index.
    pub frames: Vec<usize>,
}

/// Every row that the oracle can decide, in the order of the catalogue.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [registration::ROWS, interception::ROWS, optimization::ROWS, session::ROWS, direct::ROWS]
        .into_iter()
        .flatten()
}

/// Judges a capture: every row that the oracle can decide, exercised or not.
///
/// `cast` says who plays what; without it that is found out from the capture.
pub fn judge(capture: &Capture, cast: Option<Cast>) -> Vec<Judgement> {
    let story = Story::new(capture, cast);
    rows().map(|row| row.judgement(&story)).collect()
}

/// Who plays what in a capture, as far as the messages tell.
pub fn cast_of(capture: &Capture) -> Cast {
    Story::new(capture, None).cast
}

/// Whether anything in a capture can be judged: someone plays a mobile terminal in it.
pub fn is_about_mobility(capture: &Capture) -> bool {
    !Story::new(capture, None).cast.is_empty()
}

impl Row {
    const fn must(id: &'static str, judge: fn(&Story<'_>) -> Option<Finding>) -> Self {
        Self { id, breach: Verdict::Fail, judge }
    }

    const fn should(id: &'static str, judge: fn(&Story<'_>) -> Option<Finding>) -> Self {
        Self { id, breach: Verdict::Warn, judge }
    }

    fn judgement(&self, story: &Story<'_>) -> Judgement {
        let (verdict, why, mut frames) = match (self.judge)(story) {
            None => (None, None, Vec::new()),
            Some(Finding::Kept(frames)) => (Some(Verdict::Pass), None, frames),
            Some(Finding::Broken { expected, seen, frames }) => {
                let why = format!("expected: {expected}; seen: {seen}");
                (Some(self.breach), Some(why), frames)
            }
        };
        frames.sort_unstable();
        frames.dedup();
        Judgement { row: self.id, verdict, why, frames }
    }
}

impl Judgement {
    /// Whether the row was broken.
    pub fn is_broken(&self) -> bool {
        self.verdict.is_some_and(|verdict| verdict != Verdict::Pass)
    }
}

impl Finding {
    /// The row was kept in every case looked at, or broken in the first that was not; `None` where
    /// there was no case.
    fn all(cases: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut kept: Option<Vec<usize>> = None;
        for case in cases {
            match case {
                Self::Kept(frames) => kept.get_or_insert_default().extend(frames),
                broken @ Self::Broken { .. } => return Some(broken),
            }
        }
        kept.map(Self::Kept)
    }

    fn kept<'r>(readings: impl IntoIterator<Item = &'r reading::Reading<'r>>) -> Self {
        Self::Kept(readings.into_iter().map(|reading| reading.frame).collect())
    }

    fn broken(
        expected: &'static str,
        seen: impl Into<String>,
        frames: impl Into<Vec<usize>>,
    ) -> Self {
        Self::Broken { expected, seen: seen.into(), frames: frames.into() }
    }
}
