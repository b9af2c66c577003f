//! A sequence judged: the rows that it exercises, each with its verdict and its packets.

use serde::Serialize;

use super::{Played, Sequence};
use crate::judge::{Judgement, judge};
use crate::tester::LATENESS_MAX;
use crate::verdict::Verdict;

/// The word on one row of one sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowVerdict {
    /// The row.
    pub row: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// What was expected and what was seen instead, where it is not PASS.
    pub why: Option<String>,
    /// The numbers of the packets that it rests on, as tshark counts them.
    pub packets: Vec<usize>,
}

impl Sequence {
    /// The rows that it exercises.
    pub fn rows(&self) -> impl Iterator<Item = &'static str> {
        self.exercises.iter().copied().flatten().copied()
    }

    /// Judges what was played: every row that the sequence exercises, and every other row that is
    /// broken although it does not say so.
    pub fn judged(&self, played: &Played) -> Vec<RowVerdict> {
        let judgements = judge(&played.capture, Some(played.cast.clone()));
        let exercised = |judgement: &&Judgement| self.rows().any(|row| row == judgement.row);
        let mut rows: Vec<RowVerdict> = judgements
            .iter()
            .filter(|judgement| exercised(judgement) || judgement.is_broken())
            .map(|judgement| row_verdict(judgement, played))
            .collect();
        for row in self.rows() {
            if rows.iter().all(|one| one.row != row) {
                let why = Some("the oracle has no judge for this row".to_owned());
                rows.push(RowVerdict { row, verdict: Verdict::Error, why, packets: Vec::new() });
            }
        }
        rows
    }
}

fn row_verdict(judgement: &Judgement, played: &Played) -> RowVerdict {
    let packets = judgement.frames.iter().map(|frame| frame + 1).collect();
    let late = played.lateness > LATENESS_MAX;
    let (verdict, why) = match judgement.verdict {
        Some(Verdict::Pass) => (Verdict::Pass, None),
        // What the host itself was late for says nothing about anyone.
        Some(verdict) if late => {
            let why = judgement.why.clone().unwrap_or_default();
            let late = format!("this host was {:?} late ({verdict}: {why})", played.lateness);
            (Verdict::Inconc, Some(late))
        }
        Some(verdict) => (verdict, judgement.why.clone()),
        None => {
            let trouble = played.trouble.as_ref().map_or_else(
                || "it did not come about".to_owned(),
                |trouble| format!("the sequence did not come to its end: {trouble}"),
            );
            (Verdict::Inconc, Some(trouble))
        }
    };
    RowVerdict { row: judgement.row, verdict, why, packets }
}
