//! `node`: one reference node on real interfaces.

use roamproof::node::{self, NodeError, Options};
use roamproof_harness::ExitCode;

use super::Refusal;

pub(crate) type Args = Options;

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    node::run(args, node::build).map_err(refused)?;
    Ok(ExitCode::Success)
}

fn refused(error: NodeError) -> Refusal {
    let cure = match error {
        NodeError::Usage(_) => {
            "`roamproof node --help` explains the options; a role's configuration is TOML"
        }
        NodeError::Refused(_) => "`roamproof node --help` lists what a node can be told",
        NodeError::System(_) => "`roamproof doctor` says what this machine can run",
    };
    Refusal { code: error.exit_code(), what: error.to_string(), cure: cure.to_owned() }
}
