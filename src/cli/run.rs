//! `run`: test purposes against the reference, one verdict each.

use std::path::PathBuf;

use clap::ValueEnum;

/// Run test purposes and print a verdict for each.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Simulated (`lab`) or in network namespaces (`live`).
    #[arg(long, value_enum, default_value_t = Arm::Lab)]
    pub(crate) arm: Arm,

    /// Only these: a requirement, a purpose or a glob such as `CL-RO-*`; may be repeated.
    #[arg(long, value_name = "ID|GLOB")]
    pub(crate) only: Vec<String>,

    /// Only purposes that judge a requirement of this level, such as `must` or `should-not`.
    #[arg(long)]
    pub(crate) level: Option<String>,

    /// Only purposes that judge this role, such as `MT` or `HA`.
    #[arg(long)]
    pub(crate) role: Option<String>,

    /// Let a warning fail the run too.
    #[arg(long)]
    pub(crate) strict: bool,

    /// Run each purpose this many times.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) repeat: u32,

    /// Repeat until something fails.
    #[arg(long, conflicts_with = "repeat")]
    pub(crate) until_failure: bool,

    /// Fixes every random draw.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Where captures, ladders and results go.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Overwrite what is in DIR.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

/// What a purpose runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arm {
    /// Simulated links and simulated time.
    Lab,
    /// Network namespaces and real time.
    Live,
}
