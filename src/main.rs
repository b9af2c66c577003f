//! The command line: parse, call, print.

mod cli;

use std::process;

use cli::Cli;

fn main() -> process::ExitCode {
    Cli::read_and_run().into()
}
