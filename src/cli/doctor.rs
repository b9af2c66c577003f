//! `doctor`: what this machine can run, what it lacks, and the exact cure.

use std::fmt::Write;

use anstyle::AnsiColor;
use roamproof::doctor::{Need, Report, State, examine};
use roamproof_harness::ExitCode;

use super::{Context, Format};

/// Say what this machine can run, what is missing and how to get it.
///
/// Exit code 3 where the live arm cannot run here.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    let report = examine()?;
    match context.format {
        Format::Json => context.print_json(&report)?,
        Format::Text => context.print(&text(&report, context)?)?,
    }
    Ok(report.exit_code())
}

fn text(report: &Report, context: &Context) -> anyhow::Result<String> {
    let mut text = String::new();
    for check in &report.checks {
        let (word, color) = match (check.state, check.need) {
            (State::Ok, _) => ("ok", AnsiColor::Green),
            (State::Missing, Need::LiveArm) => ("missing", AnsiColor::Red),
            (State::Missing, Need::Optional) => ("missing", AnsiColor::Yellow),
            (State::NotTried, _) => ("not tried", AnsiColor::Yellow),
        };
        let word = context.paint(color.on_default(), &format!("{word:9}"));
        let optional = if check.need == Need::Optional { " (optional)" } else { "" };
        writeln!(text, "{word} {}{optional}: {}", check.name, check.found)?;
        if check.state == State::Missing {
            writeln!(text, "          what for: {}", check.meaning)?;
        }
        if let Some(fix) = &check.fix {
            writeln!(text, "          fix: {fix}")?;
        }
    }
    text.push_str(if report.can_run_live() {
        "The live arm can run here.\n"
    } else {
        "The live arm cannot run here; the lab arm can.\n"
    });
    Ok(text)
}
