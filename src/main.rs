//! The command line: parse, call, print.

mod cli;

use std::process;

use cli::Cli;
use roamproof_fuzz::Counting;

/// What an input of a fuzz target takes is bounded.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> process::ExitCode {
    Cli::read_and_run().into()
}
