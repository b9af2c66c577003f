//! The tester bound to what it sent once: each stimulus goes out as it was recorded, no sooner after
//! the one before than then.

use std::sync::Arc;
use std::time::Duration;

use roamproof_wire::dissect::dissect_packet;

use super::Tester;
use crate::verdict::Stop;

/// A stimulus that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stimulus {
    /// When it was sent, since the start of that run.
    pub at: Duration,
    /// Its IPv6 packet.
    pub packet: Vec<u8>,
}

/// What became of a stimulus of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Its index in the capture.
    pub frame: usize,
    /// How it stands to the recording.
    pub fate: Fate,
}

/// How a stimulus of this run stands to the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It would have been the same.
    Same,
    /// It went out as recorded; this run would have sent another from this octet of the packet on.
    AsRecorded(usize),
    /// Nothing of its kind was recorded: it went out as this run would have it.
    New,
}

/// The stimuli of a recording, and which were sent.
#[derive(Debug, Clone)]
pub(super) struct Script {
    stimuli: Arc<Vec<Stimulus>>,
    sent: Vec<bool>,
    /// When the last was sent, then and now.
    last: Option<(Duration, Duration)>,
}

impl Tester<'_> {
    /// From now on what goes out is what was recorded.
    pub fn follows(&mut self, stimuli: Arc<Vec<Stimulus>>) {
        let sent = vec![false; stimuli.len()];
        self.script = Some(Script { stimuli, sent, last: None });
    }

    /// What became of the stimuli so far, where a script is followed.
    pub fn replayed(&self) -> &[Replayed] {
        &self.replayed
    }

    /// What goes out in place of `packet`, when its time has come.
    pub(super) fn scripted(&mut self, packet: &[u8]) -> Result<(Vec<u8>, Option<Fate>), Stop> {
        let Some(script) = &mut self.script else { return Ok((packet.to_vec(), None)) };
        let Some(index) = script.find(packet) else {
            return Ok((packet.to_vec(), Some(Fate::New)));
        };
        script.sent[index] = true;
        let Stimulus { at, packet: recorded } = script.stimuli[index].clone();
        let due = script.last.map(|(then, now)| now + at.saturating_sub(then));
        if let Some(due) = due {
            while let Some(heard) = self.next(due)? {
                self.passed_by.push_back(heard);
            }
        }
        let now = self.bench.now();
        if let Some(script) = &mut self.script {
            script.last = Some((at, now));
        }
        let differs = difference(&recorded, packet);
        Ok((recorded, Some(differs.map_or(Fate::Same, Fate::AsRecorded))))
    }
}

impl Script {
    /// The first that was not sent and is `packet`, or is of its kind.
    fn find(&self, packet: &[u8]) -> Option<usize> {
        let open = || self.stimuli.iter().enumerate().filter(|(index, _)| !self.sent[*index]);
        let kind = kind(packet);
        let same = open().find(|(_, one)| one.packet == packet);
        let found = same.or_else(|| open().find(|(_, one)| self::kind(&one.packet) == kind));
        found.map(|(index, _)| index)
    }
}

/// The line of a packet without what a node draws or counts: words without digits in them.
fn kind(packet: &[u8]) -> String {
    let line = dissect_packet(packet);
    let plain = |word: &&str| !word.contains(|character: char| character.is_ascii_digit());
    line.split(' ').filter(plain).collect::<Vec<_>>().join(" ")
}

fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let differs = one.iter().zip(other).position(|(one, other)| one != other);
    differs.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}
