//! The device of `run --device`: its profile, and what a result tells of it.

use std::path::Path;

use roamproof_harness::profile::Profile;
use roamproof_harness::report;

use super::Arm;
use crate::cli::Refusal;

/// Reads a profile.
///
/// # Errors
///
/// The first thing that is wrong in it.
pub(super) fn load(file: &Path) -> Result<Profile, Refusal> {
    Profile::load(file).map_err(|error| Refusal::usage(error.to_string(), error.cure))
}

/// A device is judged in real time.
///
/// # Errors
///
/// Where the user wants it otherwise.
pub(super) fn is_live(arm: Arm) -> Result<(), Refusal> {
    match arm {
        Arm::Live => Ok(()),
        Arm::Lab => Err(Refusal::usage("a device cannot be simulated", "leave --arm out")),
    }
}

/// The device as a result names it.
pub(super) fn told(profile: &Profile) -> report::Device {
    report::Device {
        name: profile.name.clone(),
        version: profile.version.clone().unwrap_or_default(),
        profile_sha256: profile.sha256.clone(),
    }
}
