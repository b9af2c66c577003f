//! Why a folder is no bundle that can be judged.

use std::fmt;
use std::path::Path;

use crate::evidence::CaptureError;

/// Why a folder is no bundle that can be judged: file, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleError {
    /// The file, with the line where there is one, and what is wrong there.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl BundleError {
    pub(super) fn new(path: &Path, what: impl fmt::Display, advice: &str) -> Self {
        Self { what: format!("{}: {what}", path.display()), advice: advice.to_owned() }
    }
}

impl From<CaptureError> for BundleError {
    fn from(error: CaptureError) -> Self {
        Self { what: error.place_and_what(), advice: error.advice }
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.advice)
    }
}

impl std::error::Error for BundleError {}
