//! `run`: test purposes against the reference, one verdict each.

pub(super) mod selection;
mod workers;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
#[cfg(feature = "live")]
use indicatif::{ProgressBar, ProgressStyle};
use roamproof::lab_arm::LabArm;
use roamproof_harness::bundle::{self, About};
use roamproof_harness::purpose::Purpose;
use roamproof_harness::report::{self, Case, Report};
use roamproof_harness::run::{Outcome, Setting};
use roamproof_harness::topology::ArmError;
use roamproof_harness::verdict::Verdict;
use roamproof_harness::{Catalogue, ExitCode};

use super::{Context, Format, Refusal, folder, verdicts};
use workers::{End, Job};

/// Run test purposes and print a verdict for each.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Simulated (`lab`) or in network namespaces (`live`).
    #[arg(long, value_enum, default_value_t = Arm::Lab)]
    arm: Arm,

    /// Only these: a requirement, a purpose or a glob such as `CL-RO-*`; may be repeated.
    #[arg(long, value_name = "ID|GLOB")]
    only: Vec<String>,

    /// Only purposes that judge a requirement of this level, such as `must` or `should-not`.
    #[arg(long)]
    level: Option<String>,

    /// Only purposes that judge this role, such as `MT` or `HA`.
    #[arg(long)]
    role: Option<String>,

    /// Let a warning fail the run too.
    #[arg(long)]
    strict: bool,

    /// Run each purpose this many times, each round with another seed.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,

    /// Repeat until something does not pass.
    #[arg(long, conflicts_with = "repeat")]
    until_failure: bool,

    /// Fixes every random draw.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Where captures, ladders and results go.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Overwrite what is in DIR.
    #[arg(long, requires = "out")]
    force: bool,

    /// What the subject is to do wrong (only in a build with the feature `misdeeds`); may be repeated.
    #[arg(long = "misdeed", value_name = "NAME")]
    misdeeds: Vec<String>,
}

/// What a purpose runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Arm {
    /// Simulated links and simulated time.
    Lab,
    /// Network namespaces and real time.
    Live,
}

impl Arm {
    const fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Live => "live",
        }
    }
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let chosen = selection::chosen(&args, Catalogue::embedded())?;
    if chosen.is_empty() {
        context.tell("no purpose is selected: `roamproof list` shows who judges what");
        return Ok(ExitCode::Nothing);
    }
    // The sandbox is entered before anything else: before any thread, and before the work whose
    // results would be lost where it cannot be.
    let live = Live::enter(args.arm)?;
    if let Some(out) = &args.out {
        folder::make_ready(out, args.force)?;
    }
    roamproof::interrupt::notice();
    let mut run = Run { args: &args, context, cases: Vec::new() };
    for round in 1.. {
        let jobs = run.jobs(&chosen, round);
        match &live {
            None => workers::one_by_one(&jobs, &mut LabArm, &mut |job, ended| run.end(job, ended))?,
            Some(live) => live.side_by_side(&jobs, &mut |job, ended| run.end(job, ended))?,
        }
        let done = if args.until_failure { run.has_failed() } else { round >= args.repeat };
        if done || roamproof::interrupt::came() {
            break;
        }
    }
    run.finish()
}

/// A run under way.
struct Run<'a> {
    args: &'a Args,
    context: &'a Context,
    cases: Vec<Case>,
}

impl Run<'_> {
    fn jobs(&self, chosen: &[&'static Purpose], round: u32) -> Vec<Job> {
        let seed = self.args.seed.wrapping_add(u64::from(round - 1));
        let setting =
            || Setting { seed, misdeeds: self.args.misdeeds.clone(), ..Setting::default() };
        chosen.iter().map(|purpose| Job { purpose, round, setting: setting() }).collect()
    }

    /// A case is over: its evidence is kept and its line is printed.
    fn end(&mut self, job: &Job, ended: Result<Outcome, ArmError>) -> anyhow::Result<()> {
        if let Err(ArmError::Environment { .. }) = &ended {
            ended.map_err(Refusal::arm)?;
            return Ok(());
        }
        let Job { purpose, round, setting } = job;
        let mut case = Case::new(purpose, (*round, setting.seed), &ended, self.rerun(job));
        if let (Some(out), Ok(outcome)) = (&self.args.out, &ended) {
            let below = if *round == 1 {
                PathBuf::from(purpose.id)
            } else {
                Path::new(purpose.id).join(format!("round-{round}"))
            };
            let path = out.join(&below);
            let arm = self.args.arm.name();
            let about = About { purpose, arm, setting, rerun: &case.rerun };
            bundle::keep(&path, &about, outcome).with_context(|| path.display().to_string())?;
            case.evidence = Some(below);
        }
        if self.context.format == Format::Text {
            let paint = |verdict, word: &str| self.context.paint(verdicts::color(verdict), word);
            self.context.print(&report::line(&case, self.args.out.as_deref(), &paint))?;
        }
        self.cases.push(case);
        Ok(())
    }

    /// The command that runs one case again.
    fn rerun(&self, job: &Job) -> String {
        let mut words = vec!["roamproof run".to_owned()];
        if self.args.arm == Arm::Live {
            words.push("--arm live".to_owned());
        }
        words.push(format!("--only {} --seed {}", job.purpose.id, job.setting.seed));
        words.extend(self.args.misdeeds.iter().map(|name| format!("--misdeed {name}")));
        if self.args.out.is_none() {
            words.push("--out DIR".to_owned());
        }
        words.join(" ")
    }

    fn has_failed(&self) -> bool {
        self.cases.iter().any(|case| case.verdict != Verdict::Pass)
    }

    fn finish(self) -> anyhow::Result<ExitCode> {
        let Self { args, context, cases } = self;
        let report = Report {
            arm: args.arm.name(),
            seed: args.seed,
            misdeeds: args.misdeeds.clone(),
            strict: args.strict,
            interrupted: roamproof::interrupt::came(),
            cases,
            evidence: args.out.clone(),
        };
        if let Some(out) = &args.out {
            let path = out.join("result.json");
            let text = serde_json::to_string_pretty(&report)?;
            fs::write(&path, format!("{text}\n")).with_context(|| path.display().to_string())?;
        }
        match context.format {
            Format::Json => context.print_json(&report)?,
            Format::Text => context.print(&report::summary(&report))?,
        }
        Ok(report.exit_code())
    }
}

/// The live arm, where it is wanted and built in.
struct Live {
    #[cfg(feature = "live")]
    live: roamproof::live_arm::Live,
}

impl Live {
    #[cfg(feature = "live")]
    fn enter(arm: Arm) -> Result<Option<Self>, Refusal> {
        match arm {
            Arm::Lab => Ok(None),
            Arm::Live => {
                let live = roamproof::live_arm::Live::enter().map_err(Refusal::arm)?;
                Ok(Some(Self { live }))
            }
        }
    }

    #[cfg(feature = "live")]
    fn side_by_side(&self, jobs: &[Job], end: &mut End<'_>) -> anyhow::Result<()> {
        workers::side_by_side(jobs, || self.live.arm(), end)
    }

    #[cfg(not(feature = "live"))]
    fn enter(arm: Arm) -> Result<Option<Self>, Refusal> {
        match arm {
            Arm::Lab => Ok(None),
            Arm::Live => Err(Refusal {
                code: ExitCode::Environment,
                what: "this build has no live arm".to_owned(),
                cure: "build with --features live on Linux, or say --arm lab".to_owned(),
            }),
        }
    }

    #[cfg(not(feature = "live"))]
    fn side_by_side(&self, jobs: &[Job], end: &mut End<'_>) -> anyhow::Result<()> {
        workers::one_by_one(jobs, &mut LabArm, end)
    }
}

/// What runs, on standard error while there is a terminal to watch it.
#[cfg(feature = "live")]
fn progress(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(jobs).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{pos}/{len} {wide_bar} {msg}");
    bar.set_style(style.expect("the template is a constant"));
    bar
}
