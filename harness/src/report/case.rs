//! One case: a purpose that ran once, and what came of it; or one that was left out, and why.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{self, BrokenRule};
use crate::purpose::Purpose;
use crate::requirement::Level;
use crate::run::Outcome;
use crate::topology::ArmError;
use crate::verdict::Verdict;

/// A purpose that ran once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The purpose.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// The behaviour that is right.
    pub title: String,
    /// The role under test.
    pub role: String,
    /// The rows of the catalogue that it judges.
    pub verifies: Vec<String>,
    /// The most binding level among them, which decides what a breach weighs.
    pub level: Level,
    /// Which round, counted from 1.
    pub round: u32,
    /// What fixed its random draws.
    pub seed: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one line, where it is not PASS.
    pub reason: Option<String>,
    /// The sentence that was not so.
    pub clause: Option<String>,
    /// What was expected in it.
    pub expected: Option<String>,
    /// What was seen instead.
    pub seen: Option<String>,
    /// The issue under which this failure is known, where it failed as listed.
    pub known: Option<String>,
    /// What the list of known failures says that is not so of this case.
    pub complaint: Option<String>,
    /// The sentences that it came to, in their order.
    pub clauses: Vec<Sentence>,
    /// The packets that the verdict rests on, as tshark counts them in the capture.
    pub packets: Vec<usize>,
    /// On how many messages of the subject each per-message rule was judged, by row.
    pub rules: BTreeMap<String, usize>,
    /// The rows of those that messages broke, whatever the verdict.
    pub broken: Vec<BrokenRule>,
    /// Whether it ran twice, because this host itself was too late to tell the first time.
    pub again: bool,
    /// How long it took, seconds in the arm's own time.
    pub seconds: f64,
    /// How late this host was at worst, seconds; zero in simulated time.
    pub lateness: f64,
    /// Its evidence, below that of the run.
    pub evidence: Option<PathBuf>,
    /// The command that runs it again.
    pub rerun: String,
}

/// A sentence of a purpose, when it was come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// `given`, `when` or `then`.
    pub kind: String,
    /// The sentence.
    pub text: String,
    /// Seconds since the start of the case.
    pub at: f64,
}

/// A selected purpose that did not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Excluded {
    /// The purpose.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// The behaviour that is right.
    pub title: String,
    /// The role under test.
    pub role: String,
    /// Which round, counted from 1; where all are meant, the first.
    pub round: u32,
    /// SKIP, or N-A where the device's profile excludes it.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

impl Excluded {
    /// `purpose` is left out of a run because of `reason`.
    pub fn new(purpose: &Purpose, round: u32, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            id: purpose.id.to_owned(),
            version: purpose.version,
            title: purpose.title.to_owned(),
            role: purpose.role.name().to_owned(),
            round,
            verdict,
            reason: reason.into(),
        }
    }
}

impl Case {
    /// What came of `purpose` in one round; an arm that did not set its network up is the
    /// harness's fault.
    pub fn new(
        purpose: &Purpose,
        (round, seed): (u32, u64),
        outcome: &Result<Outcome, ArmError>,
        rerun: String,
    ) -> Self {
        let blank = Self {
            id: purpose.id.to_owned(),
            version: purpose.version,
            title: purpose.title.to_owned(),
            role: purpose.role.name().to_owned(),
            verifies: purpose.verifies.iter().map(|row| (*row).to_owned()).collect(),
            level: purpose.level(),
            round,
            seed,
            verdict: Verdict::Error,
            reason: None,
            clause: None,
            expected: None,
            seen: None,
            known: None,
            complaint: None,
            clauses: Vec::new(),
            packets: Vec::new(),
            rules: BTreeMap::new(),
            broken: Vec::new(),
            again: false,
            seconds: 0.0,
            lateness: 0.0,
            evidence: None,
            rerun,
        };
        match outcome {
            Err(why) => Self {
                reason: Some(format!("no network came up: {why}")),
                expected: Some("a network that comes up".to_owned()),
                seen: Some(why.to_string()),
                ..blank
            },
            Ok(outcome) => blank.with(outcome),
        }
    }

    fn with(self, outcome: &Outcome) -> Self {
        let stop = outcome.stop.as_ref();
        let packets = stop.map(|stop| stop.frames.iter().map(|frame| frame + 1).collect());
        let clauses = outcome.clauses.iter().map(|clause| Sentence {
            kind: clause.kind.word().to_owned(),
            text: clause.text.clone(),
            at: clause.at.as_secs_f64(),
        });
        Self {
            verdict: outcome.verdict,
            reason: stop.map(ToString::to_string),
            clause: stop.map(|stop| stop.clause.clone()),
            expected: stop.map(|stop| stop.expected.clone()),
            seen: stop.map(|stop| stop.seen.clone()),
            clauses: clauses.collect(),
            packets: packets.unwrap_or_default(),
            rules: rules::judged(&outcome.rules),
            broken: BrokenRule::all(&outcome.rules),
            again: outcome.again,
            seconds: outcome.took.as_secs_f64(),
            lateness: outcome.lateness.as_secs_f64(),
            ..self
        }
    }

    /// Its id, with the round where there is more than one.
    #[must_use]
    pub fn name(&self) -> String {
        name(&self.id, self.round)
    }
}

pub(super) fn name(id: &str, round: u32) -> String {
    if round == 1 { id.to_owned() } else { format!("{id} (round {round})") }
}
