//! The device of `run --device`: its profile, and what a result tells of it.

use std::path::Path;

use roamproof_harness::profile::Profile;
use roamproof_harness::report;

use crate::cli::Refusal;

/// Reads a profile.
///
/// # Errors
///
/// The first thing that is wrong in it.
pub(super) fn load(file: &Path) -> Result<Profile, Refusal> {
    Profile::load(file).map_err(|error| Refusal::usage(error.to_string(), error.cure))
}

/// The device as a result names it.
pub(super) fn told(profile: &Profile) -> report::Device {
    report::Device {
        name: profile.name.clone(),
        version: profile.version.clone().unwrap_or_default(),
        profile_sha256: profile.sha256.clone(),
    }
}
