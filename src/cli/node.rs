//! `node`: one reference node on real interfaces.

use std::path::PathBuf;

/// Run a reference node as a daemon on real interfaces.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What it plays: mobile-terminal, home-agent, correspondent, sip-server or router.
    pub(crate) role: String,

    /// Its configuration, TOML.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,

    /// One of its interfaces and the device that carries it; repeated in the order of the configuration.
    #[arg(long = "interface", value_name = "NAME=DEVICE", required = true)]
    pub(crate) interfaces: Vec<String>,

    /// Lend its address to ordinary programs through this TUN device.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) tun: Option<String>,

    /// What it is to do wrong (only in a build with the feature `misdeeds`); may be repeated.
    #[arg(long = "misdeed", value_name = "NAME")]
    pub(crate) misdeeds: Vec<String>,
}
