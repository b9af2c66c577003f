//! `fuzz`: campaigns over parsers and nodes, and what is done with what they find.
//!
//! An input is a target and a number, so a campaign is resumed by the numbers in its journal and a
//! finding can always be made again. Inputs run in a process of their own, which may hang or die.

mod campaign;
mod findings;
mod minimise;
mod replay;
mod report;
mod triage;
mod worker;

use std::path::Path;

use clap::Subcommand;
use roamproof_fuzz::{TARGETS, Target};
use roamproof_harness::ExitCode;

use super::{Context, Refusal};

/// Fuzz parsers and nodes, and replay, cut and sort what was found.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = format!("Targets: {}", names()))]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    campaign: campaign::Campaign,
}

#[derive(Debug, Subcommand)]
enum Action {
    Replay(replay::Args),
    Minimise(minimise::Args),
    Triage(triage::Args),
    Report(report::Args),
    #[command(hide = true)]
    Worker(worker::Args),
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    match args.action {
        None => campaign::run(&args.campaign, context),
        Some(Action::Replay(args)) => replay::run(&args, context),
        Some(Action::Minimise(args)) => minimise::run(&args, context),
        Some(Action::Triage(args)) => triage::run(&args, context),
        Some(Action::Report(args)) => report::run(&args, context),
        Some(Action::Worker(args)) => worker::run(&args, context),
    }
}

/// The target called `name`.
fn target(name: &str) -> Result<&'static Target, Refusal> {
    TARGETS.iter().find(|target| target.name == name).ok_or_else(|| {
        Refusal::usage(format!("no target is called `{name}`"), format!("one of {}", names()))
    })
}

/// The names of all targets, for people.
fn names() -> String {
    TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ")
}

/// The target of a file: as said, or by the nearest folder around it that is called as one, as
/// campaigns, the corpus and cargo-fuzz keep them.
fn target_of(file: &Path, said: Option<&str>) -> Result<&'static Target, Refusal> {
    if let Some(name) = said {
        return target(name);
    }
    // A relative path does not name the folders around it.
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let called = |folder: &Path| {
        TARGETS.iter().find(|target| folder.file_name().is_some_and(|name| name == target.name))
    };
    whole.ancestors().skip(1).find_map(called).ok_or_else(|| {
        Refusal::usage(
            format!("{}: no folder around it is called as a target", file.display()),
            format!("say --target NAME, one of {}", names()),
        )
    })
}

/// A word of a command line that a shell takes as it is.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./=:@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The line that runs an input again.
fn replay_line(target: &Target, file: &Path, defect: Option<&str>) -> String {
    let file = quoted(&file.display().to_string());
    let defect = defect.map(|name| format!(" --defect {name}")).unwrap_or_default();
    format!("roamproof fuzz replay --target {} {file}{defect}", target.name)
}

/// A seeded defect, by its name; only a build with the feature `misdeeds` has any.
#[cfg(feature = "misdeeds")]
type Defect = roamproof_fuzz::defect::Defect;
#[cfg(not(feature = "misdeeds"))]
type Defect = std::convert::Infallible;

#[cfg(feature = "misdeeds")]
fn defect(name: Option<&str>) -> Result<Option<&'static Defect>, Refusal> {
    name.map(|name| {
        Defect::called(name).ok_or_else(|| {
            let names: Vec<&str> =
                roamproof_fuzz::defect::DEFECTS.iter().map(|one| one.name).collect();
            Refusal::usage(
                format!("no defect is called `{name}`"),
                format!("one of {}", names.join(", ")),
            )
        })
    })
    .transpose()
}

#[cfg(not(feature = "misdeeds"))]
fn defect(name: Option<&str>) -> Result<Option<&'static Defect>, Refusal> {
    match name {
        None => Ok(None),
        Some(_) => Err(Refusal::usage(
            "this build has no seeded defects",
            "build with --features misdeeds",
        )),
    }
}

/// Runs `body` with the defect planted, if there is one.
#[cfg(feature = "misdeeds")]
fn planted<T>(defect: Option<&'static Defect>, body: impl FnOnce() -> T) -> T {
    roamproof_fuzz::defect::with(defect, body)
}

#[cfg(not(feature = "misdeeds"))]
fn planted<T>(_: Option<&'static Defect>, body: impl FnOnce() -> T) -> T {
    body()
}

fn read(file: &Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(file).map_err(|error| {
        Refusal::usage(format!("{}: {error}", file.display()), "name a file that can be read")
    })
}
