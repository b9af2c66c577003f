//! The sequences S1–S9 (design.md section 1) and their variants.

use std::time::Duration;

use super::Sequence;
use super::script::{Play, PlayError};
use crate::topology::claimed::Wanted;

/// Every sequence.
pub(super) const ALL: &[Sequence] = &[Sequence {
    id: "s1",
    file: "s1-registration",
    title: "The mobile terminal attaches to a visited link and registers with both servers",
    wants: || Wanted { nodes: vec!["core", "ar1", "ha", "mt"], ..Wanted::default() },
    script: registration,
    exercises: &[],
    lab_only: false,
}];

/// After the last message a sequence goes on this long, so that what should not come would be seen.
const TAIL: Duration = Duration::from_millis(500);

fn registration(play: &mut Play<'_>) -> Result<(), PlayError> {
    attach(play)?;
    play.pass(TAIL)
}

/// The mobile terminal attaches to the first visited link and becomes reachable.
fn attach(play: &mut Play<'_>) -> Result<(), PlayError> {
    play.plug("mt", "visited-1")?;
    play.wait("a Binding Acknowledgement", "visited-1", |sight| sight.line.starts_with("BA"))?;
    Ok(())
}
