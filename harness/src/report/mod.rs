//! Reports: what came of a run, case by case. `result.json` is this; every other form derives from it.

mod case;
mod ctrf;
#[cfg(test)]
mod forms;
mod github;
mod junit;
mod rules;
#[cfg(test)]
pub(crate) mod sample;
mod schema;
mod standing;
mod tap;
mod text;

pub use case::{Case, Excluded, Sentence};
pub use github::{annotations, step_summary};
pub use rules::BrokenRule;
pub use schema::result_schema;
pub use standing::Standing;
pub use text::{end, line};

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ExitCode;
use crate::known_failure::Complaint;
use crate::verdict::Verdict;

/// What came of a run. In the lab all of it but `host` and `wall` follows from the seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "What came of a run of roamproof")]
pub struct Report {
    /// The form of this document; raised when it changes in a way that old readers misread.
    pub form: u32,
    /// The version of roamproof.
    pub version: String,
    /// `lab` or `live`.
    pub arm: String,
    /// What fixed the random draws of the first round.
    pub seed: u64,
    /// What the subjects were told to do wrong.
    pub misdeeds: Vec<String>,
    /// The device under test; without it, the reference was.
    pub device: Option<Device>,
    /// What was asked for.
    pub options: Options,
    /// Where it ran.
    pub host: Host,
    /// When it ran and for how long.
    pub wall: Wall,
    /// Whether the run was ended before all cases had run.
    pub interrupted: bool,
    /// How many cases had each verdict, and how many failed as listed (`known`), which count for
    /// no verdict.
    pub counts: BTreeMap<String, usize>,
    /// The cases in the order in which they were selected, round by round.
    pub cases: Vec<Case>,
    /// What was selected and did not run, each with the reason.
    pub excluded: Vec<Excluded>,
    /// What the list of known failures says that is not so.
    pub complaints: Vec<Complaint>,
    /// Where the evidence is, if it was kept; not told in `result.json`, which lies there.
    #[serde(skip)]
    pub evidence: Option<PathBuf>,
}

/// A device under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its name, as its profile says.
    pub name: String,
    /// Its version, as its profile says.
    pub version: String,
    /// The SHA-256 of its profile, hexadecimal.
    pub profile_sha256: String,
}

/// What a run was asked for, beside arm, seed and misdeeds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Requirements, purposes or globs; without any, all.
    pub only: Vec<String>,
    /// The level of a requirement.
    pub level: Option<String>,
    /// The role that is judged.
    pub role: Option<String>,
    /// The edition of Mobile IPv6 that is judged by: `rfc6275` or `rfc3775`.
    pub edition: String,
    /// Whether a warning fails the run.
    pub strict: bool,
    /// The longest wait of a purpose, seconds; without it, any.
    pub max_wait: Option<f64>,
    /// How long all of it may take, seconds; without it, as long as it takes.
    pub budget: Option<f64>,
    /// How many rounds.
    pub repeat: u32,
    /// Whether it goes on until something does not pass.
    pub until_failure: bool,
    /// Which part of how many, as `2/3`.
    pub shard: Option<String>,
    /// The list of known failures, as it was named.
    pub known_failures: Option<PathBuf>,
    /// The profile of the device, as it was named.
    pub device: Option<PathBuf>,
}

/// Where a run took place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its kernel and machine, as `Linux 6.1.0 x86_64`.
    pub system: String,
    /// How many processors this program may use.
    pub processors: usize,
    /// How many cases ran at once.
    pub jobs: usize,
}

/// When a run took place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wall {
    /// When it began, as RFC 3339 writes it, in UTC.
    pub started: String,
    /// How long it took, seconds; of a resumed run, its last part.
    pub seconds: f64,
}

/// The form of `result.json` that this program writes and reads.
pub const FORM: u32 = 1;

/// The file that holds the report in the folder of a run.
pub const RESULT: &str = "result.json";

impl Report {
    /// Reads the text of `result.json`.
    ///
    /// # Errors
    ///
    /// What is wrong, in one line that names the key or the place.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong = |error: serde_json::Error| error.to_string();
        let value: serde_json::Value = serde_json::from_str(text).map_err(wrong)?;
        let form = &value["form"];
        if *form != FORM {
            return Err(format!("form: expected {FORM}, found {form}"));
        }
        serde_json::from_str(text).map_err(wrong)
    }

    /// Counts anew what the cases came to.
    pub fn count_all(&mut self) {
        let mut counts: BTreeMap<String, usize> =
            Verdict::ALL.iter().map(|verdict| (verdict.word().to_owned(), 0)).collect();
        counts.insert(KNOWN.to_owned(), 0);
        let verdicts = self.cases.iter().map(|case| match case.known {
            Some(_) => KNOWN,
            None => case.verdict.word(),
        });
        let left_out = self.excluded.iter().map(|excluded| excluded.verdict.word());
        for word in verdicts.chain(left_out) {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
        self.counts = counts;
    }

    /// What the shell is told.
    pub fn exit_code(&self) -> ExitCode {
        if self.interrupted {
            return ExitCode::Interrupted;
        }
        let met = |case: &Case| if case.known.is_some() { Verdict::Pass } else { case.verdict };
        let code = ExitCode::of_verdicts(self.cases.iter().map(met), self.options.strict);
        if self.complaints.is_empty() { code } else { code.and(ExitCode::Failed) }
    }

    /// Complaints about entries whose case did not run; of one that did, the case tells.
    fn complaints_alone(&self) -> impl Iterator<Item = &Complaint> {
        let ran = |complaint: &&Complaint| self.cases.iter().any(|case| case.id == complaint.id);
        self.complaints.iter().filter(move |complaint| !ran(complaint))
    }

    /// The report as `result.json` holds it.
    ///
    /// # Errors
    ///
    /// Never, but for a lack of memory.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The forms that derive from it, each with the name of its file.
    pub fn derived(&self) -> [(&'static str, String); 3] {
        [
            ("junit.xml", junit::document(self)),
            ("ctrf.json", ctrf::document(self)),
            ("results.tap", tap::document(self)),
        ]
    }
}

/// The word for cases that failed as listed.
const KNOWN: &str = "known";
