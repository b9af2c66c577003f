//! `probe`: asks a device what it does, and writes it into a profile or holds one against it.

mod subject;

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use roamproof_harness::ExitCode;
use roamproof_harness::probe::{Answer, Question, differences, section, splice};
use serde_json::{Value, json};

use super::run::selection;
use super::{Context, Format, Refusal, folder};
use subject::Subject;

/// Ask a device what it does where right devices differ, and write a commented profile.
///
/// Nothing is judged: what a device does not do is a line of its profile. Without a device the
/// reference is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ask the device that this profile describes; its `[features]` are not believed.
    #[arg(long, value_name = "FILE")]
    device: Option<PathBuf>,

    /// Ask the device behind this interface, which plays the role of `--role`.
    #[arg(long, value_name = "INTERFACE", conflicts_with = "device", requires = "mac")]
    attach: Option<String>,

    /// The network namespace of that interface, by name or path; without it your own.
    #[arg(long, value_name = "NAME|PATH", requires = "attach")]
    namespace: Option<String>,

    /// The device's link-layer address behind that interface.
    #[arg(long, value_name = "MAC", requires = "attach")]
    mac: Option<String>,

    /// Which role is asked, such as `MT` or `HA`: of the reference, or of the device attached.
    #[arg(long, conflicts_with = "device", required_unless_present = "device")]
    role: Option<String>,

    /// Where the reference is asked: simulated (`lab`) or in network namespaces (`live`).
    #[arg(long, value_enum, default_value_t = Arm::Lab, conflicts_with_all = ["device", "attach"])]
    arm: Arm,

    /// Hold what the profile says against what the device does; a difference fails.
    #[arg(long, conflicts_with = "attach")]
    verify: bool,

    /// Write the profile into this file, not to standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    output: Option<PathBuf>,

    /// Overwrite that file.
    #[arg(long, requires = "output")]
    force: bool,

    /// What the reference is to do wrong (only in a build with the feature `misdeeds`); may be repeated.
    #[arg(long = "misdeed", value_name = "NAME", conflicts_with_all = ["device", "attach"])]
    misdeeds: Vec<String>,
}

/// Where the reference is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Arm {
    /// Simulated links and simulated time.
    Lab,
    /// Network namespaces and real time.
    Live,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    if let Some(output) = args.output.as_deref().filter(|output| output.exists() && !args.force) {
        let refusal = Refusal::usage(
            format!("{} exists", output.display()),
            "say --force to overwrite it, or name another file",
        );
        return Err(refusal.into());
    }
    let role = args.role.as_deref().map(selection::role).transpose()?;
    let subject = Subject::of(&args, role)?;
    let mut answers = Vec::new();
    for role in subject.roles() {
        for question in Question::of(*role) {
            context.tell(&format!("asks the {}: {}", role.name().replace('-', " "), question.what));
            answers.push(subject.answers(question)?);
        }
    }
    if args.verify {
        return verified(&subject, &answers, context);
    }
    let profile = splice(subject.profile_text(), &section(&answers));
    match (&args.output, context.format) {
        (Some(output), _) => {
            fs::write(output, profile).map_err(|error| folder::unusable(output, &error))?;
            context.print(&format!("{}\n", output.display())).context("standard output")?;
        }
        (None, Format::Text) => context.print(&profile)?,
        (None, Format::Json) => context.print_json(&json!({
            "answers": documents(&answers), "profile": profile,
        }))?,
    }
    // Where nothing at all was seen, nothing was decided.
    let silent = answers.iter().all(|answer| answer.why_not.is_some());
    Ok(if silent { ExitCode::Undecided } else { ExitCode::Success })
}

/// A line for each feature that was asked for, what differs, and what could not be found out.
fn verified(subject: &Subject, answers: &[Answer], context: &Context) -> anyhow::Result<ExitCode> {
    let declared = subject.declared();
    let differences = differences(declared, answers);
    let unanswered: Vec<&Answer> = answers.iter().filter(|one| one.why_not.is_some()).collect();
    match context.format {
        Format::Json => {
            let differs = differences.iter().map(|one| {
                json!({"feature": one.feature, "declared": one.declared, "found": one.found,
                    "seen": one.words})
            });
            let differs: Vec<Value> = differs.collect();
            context.print_json(&json!({"answers": documents(answers), "differences": differs}))?;
        }
        Format::Text => {
            let mut text = String::new();
            for seen in answers.iter().flat_map(|answer| &answer.seen) {
                let Some((feature, found)) = &seen.feature else { continue };
                let declared = declared.value(feature).unwrap_or("unknown");
                let differs = differences.iter().any(|one| one.feature == *feature);
                let word = if differs { "DIFFERS" } else { "agrees" };
                let words = &seen.words;
                text += &format!(
                    "{word:7} {feature}: declared {declared}, found {found}: it {words}\n"
                );
            }
            for Answer { question, why_not, .. } in &unanswered {
                let why = why_not.as_deref().unwrap_or_default();
                text += &format!("{:7} {}: {why}\n", "unknown", question.id);
            }
            let count = differences.len();
            let plural = if count == 1 { "" } else { "s" };
            text += &format!("{count} difference{plural}, {} questions open\n", unanswered.len());
            context.print(&text)?;
        }
    }
    Ok(match (differences.is_empty(), unanswered.is_empty()) {
        (false, _) => ExitCode::Failed,
        (true, false) => ExitCode::Undecided,
        (true, true) => ExitCode::Success,
    })
}

fn documents(answers: &[Answer]) -> Vec<Value> {
    let document = |answer: &Answer| {
        let seen = answer.seen.iter().map(|seen| {
            let (feature, value) = seen.feature.clone().unzip();
            json!({"feature": feature, "value": value, "seen": seen.words})
        });
        let Question { id, role, what, .. } = answer.question;
        json!({"question": id, "role": role.name(), "asked": what,
            "seen": seen.collect::<Vec<Value>>(), "why_not": answer.why_not})
    };
    answers.iter().map(document).collect()
}
