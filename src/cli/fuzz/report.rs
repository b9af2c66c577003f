//! `fuzz report DIR`: what a campaign did, target by target.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use roamproof_harness::ExitCode;
use serde::Serialize;

use super::findings;
use crate::cli::{Context, Format};

/// Tell what a campaign did: inputs, speed and defects of each target.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the campaign.
    folder: PathBuf,
}

#[derive(Debug, Default, Serialize)]
struct Row {
    target: String,
    runs: u64,
    seconds: f64,
    runs_per_second: f64,
    failing: usize,
    defects: BTreeSet<String>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for entry in findings::entries(&findings::journal_of(&args.folder))? {
        let row = rows.entry(entry.target.clone()).or_default();
        row.target = entry.target;
        row.runs += entry.next - entry.from;
        row.seconds += entry.seconds;
        row.failing += entry.found.len();
        row.defects.extend(entry.found.into_iter().map(|found| found.signature));
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    for row in &mut rows {
        let runs = u32::try_from(row.runs).map_or(f64::from(u32::MAX), f64::from);
        row.runs_per_second = if row.seconds > 0.0 { (runs / row.seconds).round() } else { 0.0 };
    }
    let defects: usize = rows.iter().map(|row| row.defects.len()).sum();
    match context.format {
        Format::Json => context.print_json(&rows)?,
        Format::Text => {
            let mut text = format!("{:<18}{:>10}{:>9}  defects\n", "target", "inputs", "a second");
            for Row { target, runs, runs_per_second, defects, .. } in &rows {
                text.push_str(&format!(
                    "{target:<18}{runs:>10}{runs_per_second:>9}  {}\n",
                    defects.len()
                ));
                for signature in defects {
                    text.push_str(&format!("    {signature}\n"));
                }
            }
            context.print(&text)?;
        }
    }
    Ok(match (rows.is_empty(), defects) {
        (true, _) => ExitCode::Nothing,
        (false, 0) => ExitCode::Success,
        (false, _) => ExitCode::Found,
    })
}
