//! `doctor`: what this machine can run, what it lacks, and the exact cure.

/// Say what this machine can run, what is missing and how to get it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}
