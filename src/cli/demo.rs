//! `demo`: the claimed call, shown as ladders while it happens and judged claim by claim.

use std::path::PathBuf;

use clap::ValueEnum;

/// Run the claimed call's sequences against the reference, show their ladders and judge them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which sequences: S1 (registration) to S9 (the caller cancels); all of them without any.
    #[arg(value_name = "SEQUENCE")]
    pub(crate) sequences: Vec<String>,

    /// Simulated (`lab`), in network namespaces (`live`), or both.
    #[arg(long, value_enum, default_value_t = Arms::Both)]
    pub(crate) arm: Arms,

    /// Where captures, ladders and results go.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Overwrite what is in DIR.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

/// Which arms run a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arms {
    /// Simulated links and simulated time.
    Lab,
    /// Network namespaces and real time.
    Live,
    /// One after the other.
    Both,
}
