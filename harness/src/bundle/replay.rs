//! Replaying a bundle: its stimuli once more, and what came back beside what came then.

use std::sync::Arc;

use roamproof_wire::dissect::dissect;
use serde::Serialize;

use super::rejudge::{purpose_of, setting};
use super::{Bundle, BundleError};
use crate::evidence::{Capture, Kind, Sight};
use crate::plan::Plan;
use crate::purpose::Purpose;
use crate::recording::Note;
use crate::run::{Outcome, Setting};
use crate::tester::{Fate, Stimulus};
use crate::verdict::Verdict;

/// What a replay runs: the purpose, and its setting with the recorded stimuli in it.
///
/// # Errors
///
/// As [`rejudge`](super::rejudge()).
pub fn replay(
    bundle: &Bundle,
    keys: Option<&Plan>,
) -> Result<(&'static Purpose, Setting), BundleError> {
    let purpose = purpose_of(bundle)?;
    let Bundle { case, recording } = bundle;
    let frame = |number: &usize| recording.capture.frames.get(number.checked_sub(1)?);
    let stimuli = case.stimuli.iter().filter_map(frame).filter_map(|frame| {
        let packet = frame.octets.get(roamproof_wire::ethernet::HEADER_LEN..)?.to_vec();
        Some(Stimulus { at: frame.at, packet })
    });
    let stimuli = Some(Arc::new(stimuli.collect()));
    Ok((purpose, Setting { stimuli, ..setting(bundle, keys)? }))
}

/// What a replay says of the device: where a stimulus went out as recorded that would have to be
/// another now (a cookie, a token, a time stamp), what came of it is no fault of the device's.
pub fn settle(outcome: &mut Outcome) {
    let stale = outcome.replayed.iter().find_map(|one| match one.fate {
        Fate::AsRecorded(octet) => Some((one.frame + 1, octet)),
        Fate::Same | Fate::New => None,
    });
    let (Some((packet, octet)), Some(stop)) = (stale, &mut outcome.stop) else { return };
    if matches!(stop.verdict, Verdict::Fail | Verdict::Warn | Verdict::Info) {
        stop.verdict = Verdict::Inconc;
        let stale = format!("packet {packet} went out as recorded, now another would be right");
        stop.seen = format!("{}; {stale} from octet {octet} on", stop.seen);
        outcome.verdict = Verdict::Inconc;
        let told = format!("verdict {}: {stop}", Verdict::Inconc);
        let comments = outcome.capture.frames.iter_mut().flat_map(|frame| &mut frame.comments);
        for comment in comments.filter(|comment| comment.starts_with("verdict ")) {
            told.clone_into(comment);
        }
    }
}

/// A packet of the subject, then and now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// What came then, if it did.
    pub then: Option<Came>,
    /// What came now, if it did.
    pub now: Option<Came>,
    /// Whether both are the same, octet for octet.
    pub same: bool,
}

/// A packet of the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Came {
    /// As tshark counts it.
    pub packet: usize,
    /// Nanoseconds since the start of its run.
    pub at: u64,
    /// What it says.
    pub says: String,
    #[serde(skip)]
    octets: Vec<u8>,
    #[serde(skip)]
    kind: String,
}

/// What came back in a replay beside what came when the bundle was recorded; neighbour discovery and
/// the like left out.
pub fn beside(bundle: &Bundle, outcome: &Outcome) -> Vec<Beside> {
    let then = came(&bundle.recording.capture, &bundle.recording.notes);
    let now = came(&outcome.capture, &outcome.notes);
    let mut rows = Vec::new();
    let (mut one, mut other) = (then.iter().peekable(), now.iter().peekable());
    for (left, right) in common(&then, &now) {
        while let Some(then) = one.next_if(|came| came.packet < then[left].packet) {
            rows.push(Beside { then: Some(then.clone()), now: None, same: false });
        }
        while let Some(now) = other.next_if(|came| came.packet < now[right].packet) {
            rows.push(Beside { then: None, now: Some(now.clone()), same: false });
        }
        if let (Some(then), Some(now)) = (one.next(), other.next()) {
            let same = then.octets == now.octets;
            rows.push(Beside { then: Some(then.clone()), now: Some(now.clone()), same });
        }
    }
    rows.extend(one.map(|then| Beside { then: Some(then.clone()), now: None, same: false }));
    rows.extend(other.map(|now| Beside { then: None, now: Some(now.clone()), same: false }));
    rows
}

/// The frames that came out of ports.
fn came(capture: &Capture, notes: &[Note]) -> Vec<Came> {
    let arrival = |note: &Note| {
        let Note::Arrival { frame, .. } = note else { return None };
        let frame = capture.frames.get(*frame)?;
        if Sight::of(&frame.octets).kind == Kind::Noise {
            return None;
        }
        let says = dissect(&frame.octets);
        let plain = |word: &&str| !word.contains(|one: char| one.is_ascii_digit());
        let kind = says.split(' ').filter(plain).collect::<Vec<_>>().join(" ");
        let at = crate::recording::nanoseconds(frame.at);
        Some(Came { packet: frame.number, at, says, octets: frame.octets.clone(), kind })
    };
    notes.iter().filter_map(arrival).take(PACKETS_MAX).collect()
}

/// The longest sequence of kinds that both have, by place.
fn common(then: &[Came], now: &[Came]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0_usize; now.len() + 1]; then.len() + 1];
    for (left, one) in then.iter().enumerate().rev() {
        for (right, other) in now.iter().enumerate().rev() {
            lengths[left][right] = if one.kind == other.kind {
                lengths[left + 1][right + 1] + 1
            } else {
                lengths[left + 1][right].max(lengths[left][right + 1])
            };
        }
    }
    let (mut left, mut right) = (0, 0);
    let mut pairs = Vec::new();
    while left < then.len() && right < now.len() {
        if then[left].kind == now[right].kind {
            pairs.push((left, right));
            (left, right) = (left + 1, right + 1);
        } else if lengths[left + 1][right] >= lengths[left][right + 1] {
            left += 1;
        } else {
            right += 1;
        }
    }
    pairs
}

/// Packets that are set beside each other; of longer runs, the first.
const PACKETS_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn came(packet: usize, says: &str) -> Came {
        let kind = says.split(' ').next().unwrap_or_default().to_owned();
        Came { packet, at: 0, says: says.to_owned(), octets: Vec::new(), kind }
    }

    #[test]
    fn what_came_is_set_beside_the_next_of_its_kind() {
        let then: Vec<Came> = ["BA 1", "echo 1", "BA 2", "RTP 1"]
            .iter()
            .zip(1..)
            .map(|(says, at)| came(at, says))
            .collect();
        let now: Vec<Came> = ["echo 7", "NA 1", "BA 7", "RTP 7"]
            .iter()
            .zip(1..)
            .map(|(says, at)| came(at, says))
            .collect();
        assert_eq!(common(&then, &now), [(1, 0), (2, 2), (3, 3)]);
    }
}
