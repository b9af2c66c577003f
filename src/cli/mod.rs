//! The subcommands, what they share, and how an error is told.
//!
//! Data goes to standard output, everything else to standard error; the summary comes last. Each
//! subcommand is a file with its options and a `run` that returns the exit code.

mod compare;
mod completions;
mod decode;
mod demo;
mod described;
#[cfg(feature = "live")]
mod doctor;
mod explain;
mod folder;
mod fuzz;
mod judge;
mod list;
#[cfg(feature = "live")]
mod node;
mod output;
mod probe;
mod prove;
mod refusal;
mod replay;
mod run;
mod verdicts;

use std::ffi::OsString;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};
use roamproof_harness::ExitCode;

pub(crate) use output::{Context, Format};
pub(crate) use refusal::Refusal;

/// Proves, packet by packet, that a roaming call is set up right: Mobile IPv6 joined with SIP.
#[derive(Debug, Parser)]
#[command(name = "roamproof", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 expectations met · 1 failed · 2 usage · 3 environment cannot run it · \
    4 nothing to run · 5 undecided · 6 fuzzing found something · 130 interrupted"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    /// How data is printed on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// When to use colours; `auto` honours NO_COLOR and asks whether a terminal is there.
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    Demo(demo::Args),
    Run(run::Args),
    Prove(prove::Args),
    Probe(probe::Args),
    Compare(compare::Args),
    Judge(judge::Args),
    Replay(replay::Args),
    Decode(decode::Args),
    Explain(explain::Args),
    Fuzz(fuzz::Args),
    #[cfg(feature = "live")]
    Doctor(doctor::Args),
    #[cfg(feature = "live")]
    Node(node::Args),
    Completions(completions::Args),
}

impl Cli {
    /// Reads the command line, does what it says and tells what went wrong, if anything did.
    pub(crate) fn read_and_run() -> ExitCode {
        match Self::read(std::env::args_os()) {
            Ok(cli) => cli.run(),
            Err(error) => {
                // A closed pipe is the reader's wish, not a fault.
                let _ = error.print();
                if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success }
            }
        }
    }

    fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::command()
            .try_get_matches_from(words)
            .and_then(|matches| Self::from_arg_matches(&matches))
    }

    fn run(self) -> ExitCode {
        let context = Context::new(self.format, self.color);
        context.start_log();
        let outcome = match self.command {
            Command::Demo(args) => demo::run(args, &context),
            Command::Run(args) => run::run(args, &context),
            Command::Probe(args) => probe::run(args, &context),
            Command::Prove(args) => prove::run(args, &context),
            Command::Compare(args) => compare::run(args, &context),
            Command::Judge(args) => judge::run(args, &context),
            Command::Replay(args) => replay::run(args, &context),
            Command::Decode(args) => decode::run(args, &context),
            Command::List(args) => list::run(args, &context),
            Command::Explain(args) => explain::run(args, &context),
            Command::Fuzz(args) => fuzz::run(args, &context),
            #[cfg(feature = "live")]
            Command::Doctor(args) => doctor::run(&args, &context),
            #[cfg(feature = "live")]
            Command::Node(args) => node::run(&args),
            Command::Completions(args) => completions::run(args, &context),
        };
        outcome.unwrap_or_else(|error| refusal::tell(&error, &context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_of_the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_unknown_subcommand_is_a_usage_error() {
        let error =
            Cli::read(["roamproof", "no-such-thing"].map(OsString::from)).expect_err("refused");
        assert!(error.use_stderr());
        assert!(error.to_string().contains("no-such-thing"), "{error}");
    }
}
