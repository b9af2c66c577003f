//! `prove`: every purpose against every misdeed of its role, so that each is seen to fail.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use roamproof::kill_matrix::{KillMatrix, Selection};
use roamproof_harness::catalogue::Pattern;
use roamproof_harness::purpose::{self, Purpose};
use roamproof_harness::{Catalogue, ExitCode};
use roamproof_node::misdeed::{self, Declared};
use serde_json::json;

use super::run::selection;
use super::{Context, Format, Refusal, folder};

/// Prove that every purpose can fail: run each against the misdeeds of its role, in the lab.
///
/// A misdeed is killed where a purpose that judges the row it breaks fails in a `then`. A purpose
/// for a MUST without a kill, and a misdeed that nothing kills, fail.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only purposes and misdeeds of this role, such as `MT` or `HA`.
    #[arg(long)]
    role: Option<String>,

    /// Only these: a requirement, a purpose, a misdeed or a glob such as `CL-RO-*`; may be repeated.
    #[arg(long, value_name = "ID|GLOB")]
    only: Vec<String>,

    /// Where purposes run: misdeeds are the reference's, so in the lab.
    #[arg(long, value_enum, default_value_t = Arm::Lab)]
    arm: Arm,

    /// Where the matrix goes too, as `kills.txt` and `kills.json`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Overwrite what is in DIR.
    #[arg(long, requires = "out")]
    force: bool,
}

/// Where purposes are proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Arm {
    /// Simulated links and simulated time.
    Lab,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    if cfg!(not(feature = "misdeeds")) {
        let refusal = Refusal::usage(
            "this build has no misdeeds, so nothing can be proven",
            "build with --features misdeeds",
        );
        return Err(refusal.into());
    }
    let Args { role, only, arm: Arm::Lab, out, force } = args;
    let selection = chosen(&only, role.as_deref(), Catalogue::embedded())?;
    if selection.is_empty() {
        context
            .tell("no purpose and no misdeed is selected: `roamproof list` shows who judges what");
        return Ok(ExitCode::Nothing);
    }
    if let Some(out) = &out {
        folder::make_ready(out, force)?;
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{pos}/{len} {wide_bar}");
    bar.set_style(style.expect("the template is a constant"));
    let matrix = KillMatrix::tried(&selection, &|over, all| {
        bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(over).unwrap_or(u64::MAX));
    });
    bar.finish_and_clear();
    let faults = matrix.faults();
    let document = json!({ "roles": matrix.roles, "faults": faults });
    if let Some(out) = &out {
        let pretty = serde_json::to_string_pretty(&document)?;
        for (name, text) in [("kills.txt", matrix.told()), ("kills.json", pretty + "\n")] {
            let path = out.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
    }
    match context.format {
        Format::Json => context.print_json(&document)?,
        Format::Text => context.print(&matrix.told())?,
    }
    Ok(if faults.is_empty() { ExitCode::Success } else { ExitCode::Failed })
}

/// What the command line names: purposes by their id or a row, with all misdeeds that break a row
/// they judge; misdeeds by their name or the row that they break.
fn chosen(
    only: &[String],
    role: Option<&str>,
    catalogue: &Catalogue,
) -> Result<Selection, Refusal> {
    let role = role.map(selection::role).transpose()?;
    let patterns: Vec<Pattern> = only.iter().map(|text| Pattern::new(text)).collect();
    for pattern in &patterns {
        let known = catalogue.matching(pattern.as_str()).is_ok()
            || purpose::ALL.iter().any(|purpose| pattern.names(purpose.id))
            || misdeed::ALL.iter().any(|declared| pattern.names(declared.name));
        if !known {
            let names = purpose::ALL.iter().map(|purpose| purpose.id);
            let names = names.chain(misdeed::ALL.iter().map(|declared| declared.name));
            return Err(Refusal::unknown_id(catalogue.unknown_among(pattern.as_str(), names)));
        }
    }
    let named = |name: &str| patterns.iter().any(|pattern| pattern.names(name));
    let all = patterns.is_empty();
    let purposes: Vec<&'static Purpose> = purpose::ALL
        .iter()
        .copied()
        .filter(|one| role.is_none_or(|role| one.role == role))
        .filter(|one| all || named(one.id) || one.verifies.iter().any(|row| named(row)))
        .collect();
    let judged = |one: &Declared| {
        let of_role = purposes.iter().filter(|purpose| purpose.role.name() == one.role);
        of_role.into_iter().any(|purpose| purpose.verifies.contains(&one.breaks))
    };
    let misdeeds = misdeed::ALL
        .iter()
        .filter(|one| role.is_none_or(|role| one.role == role.name()))
        .filter(|one| all || named(one.name) || named(one.breaks) || judged(one))
        .collect();
    Ok(Selection { purposes, misdeeds })
}
