//! `judge`: a capture held against the claims.

use std::path::PathBuf;

/// Judge a capture row by row, each verdict with the packets it rests on.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A pcapng or pcap file, or a folder of evidence that holds one.
    #[arg(value_name = "CAPTURE|BUNDLE")]
    pub(crate) capture: PathBuf,

    /// Which address plays what, where the capture does not say so: `HA=2001:db8:a::a`; may be repeated.
    #[arg(long, value_name = "ROLE=ADDRESS")]
    pub(crate) roles: Vec<String>,
}
