//! Plays one sequence and tells what happens in it.

use roamproof_harness::evidence::Frame;
use roamproof_harness::sequence::{Changes, Played, Sequence};
use roamproof_harness::tester::LATENESS_MAX;
use roamproof_harness::topology::{Arm, ArmError};
use roamproof_harness::verdict::Verdict;

/// What happens while a sequence is played.
pub(super) enum Told {
    /// A frame was captured.
    Frame(Frame),
}

/// What came of a sequence.
pub(super) type Ended = Result<Played, ArmError>;

/// Plays one sequence; once more where this host was too late to say anything.
pub(super) fn play(
    sequence: &Sequence,
    arm: &mut dyn Arm,
    misdeeds: &[(String, String)],
    tell: &mut dyn FnMut(&Told),
) -> Ended {
    let mut played = once(sequence, arm, misdeeds, tell)?;
    let undecided =
        |played: &Played| sequence.judged(played).iter().any(|row| row.verdict == Verdict::Inconc);
    if played.lateness > LATENESS_MAX && undecided(&played) {
        played = once(sequence, arm, misdeeds, &mut |_| {})?;
    }
    Ok(played)
}

fn once(
    sequence: &Sequence,
    arm: &mut dyn Arm,
    misdeeds: &[(String, String)],
    tell: &mut dyn FnMut(&Told),
) -> Ended {
    let changes = Changes { misdeeds: misdeeds.to_vec(), ..Changes::default() };
    sequence.play(arm, changes, &mut |frame| tell(&Told::Frame(frame.clone())))
}
