//! Known failures of a device: what is expected to fail and how; a line that is not true any more is told.
//!
//! Listed cases still run. What fails as listed counts as known; everything else that a list says is
//! held against what happened, and each line that is not true any more fails the run. An entry whose
//! case did not run says nothing, unless no purpose or no applicable one has its name.

mod list;
mod settle;

pub use list::{At, Entry, KnownFailures, KnownFailuresError};
pub use settle::{apply, mark};

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A line of a list of known failures that is not true any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Complaint {
    /// The list, as it was named.
    pub file: String,
    /// The line to change, counted from 1.
    pub line: usize,
    /// The purpose that the entry names.
    pub id: String,
    /// What is not so.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, id, what, cure } = self;
        write!(f, "{file}:{line}: {id} {what}: {cure}")
    }
}
