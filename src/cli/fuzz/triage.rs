//! `fuzz triage DIR`: findings by signature.

use std::collections::BTreeMap;
use std::path::PathBuf;

use roamproof_harness::ExitCode;
use serde_json::json;

use super::findings;
use super::worker::{self, How};
use crate::cli::{Context, Format};

/// Group findings by where and why they fail.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of a campaign, or one with a folder of inputs for each target.
    folder: PathBuf,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    let mut groups: BTreeMap<(&str, String), Vec<PathBuf>> = BTreeMap::new();
    let mut held = Vec::new();
    for (name, files) in findings::files(&args.folder)? {
        let target = super::target(name)?;
        for file in files {
            match worker::try_file(target, &How::default(), &file)? {
                Some(signature) => {
                    groups.entry((name, signature.to_string())).or_default().push(file);
                }
                None => held.push(file),
            }
        }
    }
    for files in groups.values_mut() {
        files.sort_by_key(|file| {
            (file.metadata().map_or(u64::MAX, |found| found.len()), file.clone())
        });
    }
    match context.format {
        Format::Json => {
            let groups: Vec<_> = groups
                .iter()
                .map(|((target, signature), files)| {
                    json!({ "target": target, "signature": signature, "inputs": files })
                })
                .collect();
            context.print_json(&json!({ "groups": groups, "hold": held }))?;
        }
        Format::Text => {
            let mut text = String::new();
            for ((target, signature), files) in &groups {
                let smallest = files[0].display();
                text.push_str(&format!(
                    "{} × {target}: {signature}\n    {smallest}\n",
                    files.len()
                ));
            }
            text.push_str(&format!("{} defects; {} inputs hold\n", groups.len(), held.len()));
            context.print(&text)?;
        }
    }
    Ok(match (groups.is_empty(), held.is_empty()) {
        (false, _) => ExitCode::Found,
        (true, false) => ExitCode::Success,
        (true, true) => ExitCode::Nothing,
    })
}
