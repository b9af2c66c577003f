//! A run that is over, and the same body run again on it: what crossed the links stands in the capture;
//! what the clock said and what the subjects answered stands in the journal.
//!
//! A body knows its network by the links, the clock and the subjects alone. Given the same frames at the
//! same times, the same readings of the clock and the same answers, it comes to the same verdict.

mod arm;
mod difference;
mod journal;
mod note;

pub use arm::RecordedArm;
pub use difference::difference;
pub(crate) use journal::Journal;
pub(crate) use note::nanoseconds;
pub use note::{Note, NoteError};

use crate::evidence::Capture;

/// All that a body met in a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording {
    /// What crossed the links.
    pub capture: Capture,
    /// What the body was told beside, in the order in which it asked.
    pub notes: Vec<Note>,
    /// What each subject printed, by name.
    pub output: Vec<(String, Vec<String>)>,
}
