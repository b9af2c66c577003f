//! `run`: test purposes, one verdict each.

mod asked;
mod device;
#[cfg(feature = "live")]
mod pause;
pub(super) mod plan;
mod record;
pub(super) mod selection;
pub(super) mod stage;
mod workers;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::ArgPredicate;
use roamproof_harness::date::Date;
use roamproof_harness::journal::Journal;
use roamproof_harness::link::clock::{RealClock, unix_time};
use roamproof_harness::profile::Profile;
use roamproof_harness::purpose::Purpose;
use roamproof_harness::report::Case;
use roamproof_harness::{Catalogue, ExitCode};

use super::{Context, folder};
use asked::Asked;
use record::Record;
use stage::Stage;
use workers::Crew;

/// Run test purposes and print a verdict for each.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Judge the device that this profile describes, in place of the reference.
    #[arg(long, value_name = "FILE", conflicts_with = "misdeeds")]
    device: Option<PathBuf>,

    /// Simulated (`lab`) or in network namespaces (`live`, as a device always is).
    #[arg(
        long,
        value_enum,
        default_value = "lab",
        default_value_if("device", ArgPredicate::IsPresent, "live")
    )]
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

    /// The edition of Mobile IPv6 to judge by.
    #[arg(long, value_name = "EDITION", default_value = "rfc6275", value_parser = ["rfc6275", "rfc3775"])]
    edition: String,

    /// Let a warning fail the run too.
    #[arg(long)]
    strict: bool,

    /// However long they wait.
    #[arg(long, conflicts_with = "max_wait")]
    all: bool,

    /// Only purposes that wait no longer than this, in seconds or as `5m`; live 60 s if nothing is said, for simulated waits take no time.
    #[arg(long, value_name = "S", value_parser = asked::duration)]
    max_wait: Option<Duration>,

    /// Start nothing that could end later than this after the start of the run, in seconds or as `5m`.
    #[arg(long, value_name = "T", value_parser = asked::duration)]
    budget: Option<Duration>,

    /// Cases at once; without it as many as this machine runs without being late.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Run each purpose this many times, each round with another seed.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,

    /// Repeat until something does not pass.
    #[arg(long, conflicts_with = "repeat")]
    until_failure: bool,

    /// Only the Ith of N parts, as `2/3`.
    #[arg(long, value_name = "I/N", value_parser = asked::shard)]
    shard: Option<asked::Shard>,

    /// Fixes every random draw.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// What is expected to fail, and how: `known-failures.toml`.
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,

    /// Where a case does not pass, keep its network up, tell how to enter it, and wait for Enter.
    #[arg(long)]
    pause_on_failure: bool,

    /// Where a case does not pass, open $SHELL in the namespace of its subject.
    #[arg(long, conflicts_with = "pause_on_failure")]
    shell_on_failure: bool,

    /// Where captures, ladders and results go.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Overwrite what is in DIR.
    #[arg(long, requires = "out")]
    force: bool,

    /// Go on with the run that left its journal in DIR, as it was asked for.
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<PathBuf>,

    /// What the subject is to do wrong (only in a build with the feature `misdeeds`); may be repeated.
    #[arg(long = "misdeed", value_name = "NAME")]
    misdeeds: Vec<String>,
}

/// What a purpose runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Arm {
    /// Simulated links and simulated time.
    Lab,
    /// Network namespaces and real time.
    Live,
}

impl Arm {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Live => "live",
        }
    }

    /// Cases at once if nothing is said. In simulated time a case is work and nothing else; in real
    /// time it is waiting, and what limits is how many a processor serves without being late.
    fn jobs(self) -> usize {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        match self {
            Self::Lab => processors,
            Self::Live => processors * LIVE_JOBS_A_PROCESSOR,
        }
    }
}

/// What is done where a case does not pass, while its network still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtFailure {
    GoOn,
    Pause,
    Shell,
}

impl AtFailure {
    const fn of(args: &Args) -> Self {
        match (args.pause_on_failure, args.shell_on_failure) {
            (false, false) => Self::GoOn,
            (true, _) => Self::Pause,
            (false, true) => Self::Shell,
        }
    }
}

/// Cases at once for each processor in real time.
const LIVE_JOBS_A_PROCESSOR: usize = 8;

pub(crate) fn run(mut args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let resumed =
        args.resume.clone().map(|folder| asked::resume(&mut args, &folder)).transpose()?;
    let profile = args.device.as_deref().map(device::load).transpose()?;
    if profile.is_some() {
        device::is_live(args.arm)?;
    }
    let chosen = selection::chosen(&args, Catalogue::embedded())?;
    let known = args.known_failures.as_deref().map(asked::known_failures).transpose()?;
    if chosen.is_empty() {
        context.tell("no purpose is selected: `roamproof list` shows who judges what");
        return Ok(ExitCode::Nothing);
    }
    let mut asked = Asked::of(&args);
    asked.device = profile.as_ref().map(device::told);
    let (applicable, excluded) = plan::plan(&chosen, &asked, profile.as_ref());
    let header = asked.header(&applicable);
    let (journal, done) = match resumed {
        None => (None, Vec::new()),
        Some((journal, theirs, done)) => {
            asked::is_the_same(&theirs, &header)?;
            (Some(journal), done)
        }
    };
    let at_failure = AtFailure::of(&args);
    // The sandbox is entered before anything else: before any thread, and before the work whose
    // results would be lost where it cannot be.
    let stage = Arc::new(Stage::enter(args.arm, profile.as_ref(), (at_failure, *context))?);
    let journal = match &args.out {
        Some(out) => {
            folder::make_ready(out, args.force)?;
            Some(Journal::begin(out, &header).map_err(|error| folder::unusable(out, &error))?)
        }
        None => journal,
    };
    roamproof::interrupt::notice();
    let crew = Crew {
        at_once: at_once(&args, profile.as_ref(), context),
        budget: args.budget,
        waits: args.arm == Arm::Live,
        clock: RealClock::start(),
    };
    let keeping = record::Keeping { journal, known, today: Date::of_unix(unix_time()) };
    let mut record = Record::new(&args, &asked, context, keeping, &crew, excluded);
    let cases = Cases { purposes: &applicable, profile: profile.as_ref(), done };
    all_rounds(&args, cases, &stage, &crew, &mut record)?;
    record.finish()
}

/// How many cases run at once.
fn at_once(args: &Args, profile: Option<&Profile>, context: &Context) -> usize {
    let looking = AtFailure::of(args) != AtFailure::GoOn;
    let alone = match profile {
        Some(profile) if !profile.is_parallel() => Some("the device runs one case at a time"),
        Some(_) | None => looking.then_some("one network is looked at"),
    };
    let Some(why) = alone else {
        return args.jobs.map_or_else(|| args.arm.jobs(), usize::from);
    };
    if args.jobs.is_some_and(|jobs| jobs > 1) {
        context.tell(&format!("--jobs: one, for {why}"));
    }
    1
}

/// What runs, in each round.
struct Cases<'a> {
    purposes: &'a [&'static Purpose],
    profile: Option<&'a Profile>,
    /// What has run already, in a run that this one goes on with.
    done: Vec<Case>,
}

/// Runs every round: all in one pool, or one after the other until something does not pass.
fn all_rounds(
    args: &Args,
    mut cases: Cases<'_>,
    stage: &Arc<Stage>,
    crew: &Crew,
    record: &mut Record<'_>,
) -> anyhow::Result<()> {
    let last = if args.until_failure { u32::MAX } else { args.repeat };
    let at_once = if args.until_failure { 1 } else { args.repeat };
    let mut round = 1;
    while round <= last && !cases.purposes.is_empty() {
        let rounds = round..=round + (at_once - 1);
        let jobs = plan::jobs(cases.purposes, rounds, args, cases.profile);
        let ran = jobs.iter().map(|job| job.take_from(&mut cases.done)).collect();
        let open = record.begin(jobs, ran)?;
        let stage = Arc::clone(stage);
        crew.run(open, move || stage.worker(), &mut |index, job, ended| {
            record.ended(index, job, ended)
        })?;
        record.end_pool()?;
        if roamproof::interrupt::came() || args.until_failure && record.has_failed() {
            break;
        }
        round += at_once;
    }
    Ok(())
}
