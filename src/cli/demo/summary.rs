//! The summary of a demo, last: each row over all sequences, what was not exercised, and the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use roamproof_harness::sequence::{Played, RowVerdict, Sequence};
use roamproof_harness::verdict::Verdict;
use roamproof_harness::{Catalogue, ExitCode};
use serde::Serialize;

use super::files::Folder;
use crate::cli::verdicts::color;
use crate::cli::{Context, Format};

/// What came of all sequences.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    sequences: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    sequence: &'static str,
    title: &'static str,
    arm: String,
    verdict: Verdict,
    packets: usize,
    trouble: Option<String>,
    capture: PathBuf,
    rows: Vec<RowVerdict>,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    not_exercised: Vec<String>,
}

impl Summary {
    pub(super) fn add(
        &mut self,
        arm: &str,
        sequence: &Sequence,
        rows: Vec<RowVerdict>,
        played: &Played,
        capture: PathBuf,
    ) {
        let worst = rows.iter().map(|row| row.verdict).max().unwrap_or(Verdict::Pass);
        let stopped = if played.trouble.is_some() { Verdict::Inconc } else { Verdict::Pass };
        self.sequences.push(Line {
            sequence: sequence.id,
            title: sequence.title,
            arm: arm.to_owned(),
            verdict: worst.max(stopped),
            packets: played.capture.frames.len(),
            trouble: played.trouble.as_ref().map(ToString::to_string),
            capture,
            rows,
        });
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self.sequences.iter().map(|line| line.verdict).max() {
            None => ExitCode::Nothing,
            Some(Verdict::Fail) => ExitCode::Failed,
            Some(Verdict::Error | Verdict::Inconc) => {
                let failed = self
                    .sequences
                    .iter()
                    .any(|line| line.rows.iter().any(|row| row.verdict == Verdict::Fail));
                if failed { ExitCode::Failed } else { ExitCode::Undecided }
            }
            Some(_) => ExitCode::Success,
        }
    }

    pub(super) fn print(&self, context: &Context, folder: &Folder) -> anyhow::Result<()> {
        if context.format == Format::Json {
            let not_exercised = self.not_exercised();
            return context.print_json(&Document { summary: self, not_exercised });
        }
        let mut text = "\n".to_owned();
        for line in &self.sequences {
            let verdict = context.paint(color(line.verdict), &format!("{:6}", line.verdict));
            let (kept, all) = (line.kept(), line.rows.len());
            writeln!(
                text,
                "{verdict} {:13} {:4}  {kept} of {all} rows, {} packets  {}",
                line.sequence,
                line.arm,
                line.packets,
                line.capture.display()
            )?;
            if let Some(trouble) = &line.trouble {
                writeln!(text, "       {trouble}")?;
            }
        }
        let rows = self.rows();
        let passed = rows.values().filter(|verdict| **verdict == Verdict::Pass).count();
        let not_exercised = self.not_exercised();
        writeln!(text, "\nNot exercised (no PASS): {}", not_exercised.join(" "))?;
        writeln!(
            text,
            "{passed} of {} exercised rows PASS, {} of the {} claims rows are not exercised; \
             captures, ladders and verdicts are in {}",
            rows.len(),
            not_exercised.len(),
            not_exercised.len() + rows.len(),
            folder.path().display()
        )?;
        Ok(context.print(&text)?)
    }

    /// Each row with the heaviest of its verdicts.
    fn rows(&self) -> BTreeMap<&'static str, Verdict> {
        let mut rows = BTreeMap::new();
        for row in self.sequences.iter().flat_map(|line| &line.rows) {
            let verdict = rows.entry(row.row).or_insert(row.verdict);
            *verdict = (*verdict).max(row.verdict);
        }
        rows
    }

    /// The rows of the claims that no sequence exercised.
    fn not_exercised(&self) -> Vec<String> {
        let rows: BTreeSet<&str> = self.rows().into_keys().collect();
        Catalogue::embedded()
            .requirements
            .iter()
            .map(|requirement| requirement.id.as_str())
            .filter(|id| id.starts_with("CL-") && !rows.contains(id))
            .map(str::to_owned)
            .collect()
    }
}

impl Line {
    fn kept(&self) -> usize {
        self.rows.iter().filter(|row| row.verdict == Verdict::Pass).count()
    }
}
