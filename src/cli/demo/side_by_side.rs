//! Plays sequences side by side in real time, where most of the time is waiting.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use roamproof_harness::sequence::Sequence;
use roamproof_harness::topology::{Arm, ArmError};

use super::player::{self, Ended, Told};

/// A sequence that is being played by another thread.
pub(super) struct Story {
    news: Receiver<News>,
}

enum News {
    Told(Told),
    Ended(Box<Ended>),
}

/// Plays sequences side by side, each thread in an arm of its own; `follow` is given their stories
/// in order.
pub(super) fn play<A: Arm>(
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
                    let ended = player::play(sequence, &mut arm, misdeeds, &mut tell);
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

/// Sequences played at once: their waits cost nothing, their processes do.
const AT_ONCE: usize = 3;
