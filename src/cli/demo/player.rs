//! Plays sequences: one after the other in simulated time, side by side in real time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

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

/// A sequence that is being played by another thread.
pub(super) struct Story {
    news: Receiver<News>,
}

enum News {
    Told(Told),
    Ended(Box<Ended>),
}

/// Sequences played at once: their waits cost nothing, their processes do.
#[cfg(feature = "live")]
const AT_ONCE: usize = 3;

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

/// Plays sequences side by side, each thread in an arm of its own; `follow` is given their stories
/// in order.
#[cfg(feature = "live")]
pub(super) fn play_side_by_side<A: Arm>(
    sequences: &[&'static Sequence],
    misdeeds: &[(String, String)],
    arm: impl Fn() -> A + Sync,
    follow: impl FnOnce(Vec<Story>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (senders, stories): (Vec<Sender<News>>, Vec<Story>) = sequences
        .iter()
        .map(|_| {
            let (sender, news) = channel();
            (sender, Story { news })
        })
        .unzip();
    let next = AtomicUsize::new(0);
    let (senders, arm, next) = (&senders, &arm, &next);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(sequences.len()) {
            let senders = senders.clone();
            scope.spawn(move || {
                let mut arm = arm();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(sequence), Some(sender)) = (sequences.get(index), senders.get(index))
                    else {
                        return;
                    };
                    let mut tell = |told: &Told| {
                        let Told::Frame(frame) = told;
                        // Nobody listens any more: the sequence ends all the same.
                        let _ = sender.send(News::Told(Told::Frame(frame.clone())));
                    };
                    let ended = play(sequence, &mut arm, misdeeds, &mut tell);
                    let _ = sender.send(News::Ended(Box::new(ended)));
                }
            });
        }
        follow(stories)
    })
}

impl Story {
    /// Follows it to its end.
    pub(super) fn follow(self, mut tell: impl FnMut(&Told)) -> Ended {
        loop {
            match self.news.recv() {
                Ok(News::Told(told)) => tell(&told),
                Ok(News::Ended(ended)) => return *ended,
                Err(_) => {
                    let why = "the thread that played it died";
                    return Err(ArmError::System(std::io::Error::other(why)));
                }
            }
        }
    }
}
