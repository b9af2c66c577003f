//! `fuzz triage DIR`: findings by signature, each with the line that runs it again and the line that keeps
//! it as a test case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use roamproof_fuzz::Target;
use roamproof_harness::ExitCode;
use serde::Serialize;
use serde_json::json;

use super::worker::{self, How};
use super::{findings, quoted, replay_line};
use crate::cli::{Context, Format};

/// Group findings by where and why they fail.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of a campaign, or one with a folder of inputs for each target.
    folder: PathBuf,

    /// Plant this seeded defect (only in a build with the feature `misdeeds`).
    #[arg(long, value_name = "NAME")]
    defect: Option<String>,
}

/// Inputs that fail in one way.
#[derive(Debug, Serialize)]
struct Group {
    target: &'static str,
    signature: String,
    /// The smallest first.
    inputs: Vec<PathBuf>,
    /// The line that runs the smallest again.
    replay: String,
    /// The line that makes a test case of it, in a checkout of the sources.
    keep: String,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    super::defect(args.defect.as_deref())?;
    let how = How { defect: args.defect.clone(), ..How::default() };
    let mut failing: BTreeMap<(&str, String), Vec<PathBuf>> = BTreeMap::new();
    let mut held = Vec::new();
    for (name, files) in findings::files(&args.folder)? {
        let target = super::target(name)?;
        for file in files {
            match worker::try_file(target, &how, &file)? {
                Some(signature) => {
                    failing.entry((target.name, signature.to_string())).or_default().push(file);
                }
                None => held.push(file),
            }
        }
    }
    let groups = failing
        .into_iter()
        .map(|((name, signature), inputs)| {
            Ok(group(super::target(name)?, signature, inputs, args.defect.as_deref()))
        })
        .collect::<anyhow::Result<Vec<Group>>>()?;
    if groups.is_empty() && held.is_empty() {
        let folder = args.folder.display();
        context.tell(&format!("no folder called as a target holds an input below {folder}"));
    }
    match context.format {
        Format::Json => context.print_json(&json!({ "groups": groups, "hold": held }))?,
        Format::Text => context.print(&told(&groups, held.len()))?,
    }
    Ok(match (groups.is_empty(), held.is_empty()) {
        (false, _) => ExitCode::Found,
        (true, false) => ExitCode::Success,
        (true, true) => ExitCode::Nothing,
    })
}

fn group(
    target: &'static Target,
    signature: String,
    mut inputs: Vec<PathBuf>,
    defect: Option<&str>,
) -> Group {
    inputs
        .sort_by_key(|file| (file.metadata().map_or(u64::MAX, |found| found.len()), file.clone()));
    let replay = replay_line(target, &inputs[0], defect);
    let keep = keep_line(target, &inputs[0], &signature);
    Group { target: target.name, signature, inputs, replay, keep }
}

/// The corpus is replayed by plain `cargo test`: what lies there is a test case.
fn keep_line(target: &Target, file: &Path, signature: &str) -> String {
    let what = signature.rsplit_once(": ").map_or(signature, |(_, message)| message);
    let words: Vec<&str> = what
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .collect();
    let name = if words.is_empty() { "unnamed".to_owned() } else { words.join("-").to_lowercase() };
    let file = quoted(&file.display().to_string());
    format!("cp -i {file} fuzz/corpus/{}/crash-{name}", target.name)
}

fn told(groups: &[Group], held: usize) -> String {
    let mut text = String::new();
    for Group { target, signature, inputs, replay, keep } in groups {
        text.push_str(&format!("{target}: {signature} ({} files)\n", inputs.len()));
        text.push_str(&format!("    again: {replay}\n    keep:  {keep}\n"));
    }
    text.push_str(&format!("{} defects; {held} inputs hold\n", groups.len()));
    text
}

/// Words of a signature that name a test case.
const WORDS_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_case_is_named_after_why_it_fails() {
        let signature = "fuzz/src/defect.rs:# : a prefix of more bits than there are at all";
        let line =
            keep_line(&roamproof_fuzz::target("icmpv6"), Path::new("my inputs/7.min"), signature);
        assert_eq!(
            line,
            "cp -i 'my inputs/7.min' fuzz/corpus/icmpv6/crash-a-prefix-of-more-bits-than"
        );
    }
}
