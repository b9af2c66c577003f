//! `run` and `compare` as a shell sees them: exit codes, results, known failures, journals, interruptions.

mod compared;
mod exit_codes;
mod github;
#[cfg(feature = "live")]
mod interrupted;
mod known_failures;
#[cfg(all(feature = "live", feature = "misdeeds"))]
mod paused;
mod program;
mod results;
mod resumed;
