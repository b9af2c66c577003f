//! `completions`: the script that teaches a shell this command line.

use clap::CommandFactory;
use clap_complete::Shell;
use roamproof_harness::ExitCode;

use super::{Cli, Context};

/// Print the script that completes this command line in a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which shell.
    shell: Shell,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "roamproof", &mut script);
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::Success)
}
