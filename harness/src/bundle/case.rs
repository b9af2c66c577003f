//! `case.json`: which purpose, how it was run, what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PlanFile;
use crate::purpose::Purpose;
use crate::run::{Outcome, Setting};
use crate::verdict::{Stop, Verdict};

/// What a bundle says of its case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// The form of the bundle; another one is not read.
    pub format: u32,
    /// The purpose.
    pub purpose: String,
    /// Its version: another one may judge otherwise.
    pub version: u32,
    /// The behaviour that is right.
    pub title: String,
    /// The role under test.
    pub role: String,
    /// `lab` or `live`.
    pub arm: String,
    /// What fixed the random draws.
    pub seed: u64,
    /// What the subject was told to do wrong.
    pub misdeeds: Vec<String>,
    /// What was known of the subject.
    pub features: BTreeMap<String, String>,
    /// Who had which address, where that was not the claimed network's own plan.
    pub plan: Option<PlanFile>,
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
    /// What the tester sent on purpose, as tshark counts it.
    pub stimuli: Vec<usize>,
    /// Whether this host itself was too late to tell.
    pub late: bool,
    /// The command that runs it again.
    pub rerun: String,
}

impl CaseFile {
    /// The form of bundles that this version writes and reads.
    pub const FORMAT: u32 = 1;

    /// Reads the text of `case.json`.
    ///
    /// # Errors
    ///
    /// What is wrong, in one line that names the key or the place.
    pub fn read(text: &str) -> Result<Self, String> {
        let case: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if case.format != Self::FORMAT {
            return Err(format!("`format` is {}, expected {}", case.format, Self::FORMAT));
        }
        Ok(case)
    }

    pub(super) fn of(
        purpose: &Purpose,
        arm: &str,
        setting: &Setting,
        rerun: &str,
        outcome: &Outcome,
    ) -> Self {
        let stop = outcome.stop.as_ref();
        Self {
            format: Self::FORMAT,
            purpose: purpose.id.to_owned(),
            version: purpose.version,
            title: purpose.title.to_owned(),
            role: purpose.role.name().to_owned(),
            arm: arm.to_owned(),
            seed: setting.seed,
            misdeeds: setting.misdeeds.clone(),
            features: setting
                .features
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            plan: setting.plan.as_ref().map(PlanFile::of),
            verdict: outcome.verdict,
            clause: stop.map(|stop| stop.clause.clone()),
            expected: stop.map(|stop| stop.expected.clone()),
            seen: stop.map(|stop| stop.seen.clone()),
            packets: stop.map(packets).unwrap_or_default(),
            stimuli: outcome.stimuli.iter().map(|frame| frame + 1).collect(),
            late: stop.is_some_and(|stop| stop.late),
            rerun: rerun.to_owned(),
        }
    }

    /// Whether a run came to this verdict for this reason.
    pub fn agrees(&self, verdict: Verdict, stop: Option<&Stop>) -> bool {
        let text = |told: &Option<String>, of: fn(&Stop) -> &String| {
            told.as_deref() == stop.map(|stop| of(stop).as_str())
        };
        self.verdict == verdict
            && text(&self.clause, |stop| &stop.clause)
            && text(&self.expected, |stop| &stop.expected)
            && text(&self.seen, |stop| &stop.seen)
            && self.packets == stop.map(packets).unwrap_or_default()
    }
}

fn packets(stop: &Stop) -> Vec<usize> {
    stop.frames.iter().map(|frame| frame + 1).collect()
}
