//! One case: a purpose that ran once, and what came of it.

use std::path::PathBuf;

use serde::Serialize;

use crate::purpose::Purpose;
use crate::run::Outcome;
use crate::topology::ArmError;
use crate::verdict::Verdict;

/// A purpose that ran once.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// The purpose.
    pub id: &'static str,
    /// Its version.
    pub version: u32,
    /// The behaviour that is right.
    pub title: &'static str,
    /// The role under test.
    pub role: &'static str,
    /// The rows of the catalogue that it judges.
    pub verifies: &'static [&'static str],
    /// Which round, counted from 1.
    pub round: u32,
    /// What fixed its random draws.
    pub seed: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// The sentence that was not so.
    pub clause: Option<String>,
    /// What was expected in it.
    pub expected: Option<String>,
    /// What was seen instead.
    pub seen: Option<String>,
    /// The packets that it rests on, as tshark counts them.
    pub packets: Vec<usize>,
    /// Whether it ran twice, because this host itself was too late to tell the first time.
    pub again: bool,
    /// How long it took, seconds in the arm's own time.
    pub seconds: f64,
    /// Its evidence, below that of the run.
    pub evidence: Option<PathBuf>,
    /// The command that runs it again.
    pub rerun: String,
}

impl Case {
    /// What came of `purpose` in one round; an arm that did not set its network up is the
    /// harness's fault.
    pub fn new(
        purpose: &'static Purpose,
        (round, seed): (u32, u64),
        outcome: &Result<Outcome, ArmError>,
        rerun: String,
    ) -> Self {
        let blank = Self {
            id: purpose.id,
            version: purpose.version,
            title: purpose.title,
            role: purpose.role.name(),
            verifies: purpose.verifies,
            round,
            seed,
            verdict: Verdict::Error,
            clause: None,
            expected: None,
            seen: None,
            packets: Vec::new(),
            again: false,
            seconds: 0.0,
            evidence: None,
            rerun,
        };
        match outcome {
            Err(why) => Self {
                expected: Some("a network that comes up".to_owned()),
                seen: Some(why.to_string()),
                ..blank
            },
            Ok(outcome) => {
                let stop = outcome.stop.as_ref();
                let packets = stop.map(|stop| stop.frames.iter().map(|frame| frame + 1).collect());
                Self {
                    verdict: outcome.verdict,
                    clause: stop.map(|stop| stop.clause.clone()),
                    expected: stop.map(|stop| stop.expected.clone()),
                    seen: stop.map(|stop| stop.seen.clone()),
                    packets: packets.unwrap_or_default(),
                    again: outcome.again,
                    seconds: outcome.took.as_secs_f64(),
                    ..blank
                }
            }
        }
    }
}
