//! The record of a run under way: evidence kept, the journal written, verdicts told in their order.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use roamproof_harness::bundle::{self, About};
use roamproof_harness::date::{Date, moment};
use roamproof_harness::journal::Journal;
use roamproof_harness::known_failure::{self, KnownFailures};
use roamproof_harness::link::clock::RealClock;
use roamproof_harness::report::{self, Case, Excluded, Host, Report, Wall};
use roamproof_harness::run::Outcome;
use roamproof_harness::topology::ArmError;
use roamproof_harness::verdict::Verdict;
use roamproof_harness::{ExitCode, purpose, rules};

use super::asked::Asked;
use super::plan::Job;
use super::workers::{Crew, Ended};
use super::{Args, Arm, AtFailure};
use crate::cli::{Context, Format, Refusal, verdicts};

/// What a run is held against and kept in.
pub(super) struct Keeping {
    pub(super) journal: Option<Journal>,
    pub(super) known: Option<KnownFailures>,
    pub(super) today: Date,
}

/// A run under way.
pub(super) struct Record<'a> {
    args: &'a Args,
    asked: &'a Asked,
    context: &'a Context,
    keeping: Keeping,
    jobs_at_once: usize,
    clock: RealClock,
    cases: Vec<Case>,
    excluded: Vec<Excluded>,
    /// The jobs of the pool under way, and what came of each.
    pool: Vec<(Job, Place)>,
    /// How many of them have been told.
    told: usize,
    bar: ProgressBar,
}

/// What came of a job so far.
enum Place {
    /// It has not ended.
    Open,
    /// It has; `noted` = the journal holds it.
    Case { case: Box<Case>, noted: bool },
    /// It was left out.
    Excluded(Excluded),
    /// Its verdict is in the record.
    Told,
}

impl<'a> Record<'a> {
    pub(super) fn new(
        args: &'a Args,
        asked: &'a Asked,
        context: &'a Context,
        keeping: Keeping,
        crew: &Crew,
        excluded: Vec<Excluded>,
    ) -> Self {
        Self {
            args,
            asked,
            context,
            keeping,
            jobs_at_once: crew.at_once,
            clock: crew.clock,
            cases: Vec::new(),
            excluded,
            pool: Vec::new(),
            told: 0,
            bar: ProgressBar::hidden(),
        }
    }

    /// A pool of jobs begins; some may have `ran` already, in a run that this one goes on with.
    /// Returns those that are still to run, each in its place.
    pub(super) fn begin(
        &mut self,
        jobs: Vec<Job>,
        ran: Vec<Option<Case>>,
    ) -> anyhow::Result<Vec<Option<Job>>> {
        let open = jobs.iter().zip(&ran).map(|(job, ran)| ran.is_none().then(|| job.clone()));
        let open: Vec<Option<Job>> = open.collect();
        let places = ran.into_iter().map(|case| match case {
            None => Place::Open,
            Some(case) => Place::Case { case: Box::new(case), noted: true },
        });
        self.pool = jobs.into_iter().zip(places).collect();
        self.told = 0;
        if AtFailure::of(self.args) == AtFailure::GoOn {
            self.bar = progress(open.iter().flatten().count());
        }
        self.tell_those_that_can_be()?;
        Ok(open)
    }

    /// A job has ended: its evidence is kept, its verdict told when those before it have been.
    pub(super) fn ended(&mut self, index: usize, job: &Job, ended: Ended) -> anyhow::Result<()> {
        self.bar.inc(1);
        let place = match ended {
            Ended::Ran(outcome) => {
                let case = self.keep(job, *outcome)?;
                // In simulated time all that is left behind follows from the seed, also the order
                // of the journal: there it is written as verdicts are told.
                let noted = self.args.arm == Arm::Live;
                if noted {
                    self.note(&case)?;
                }
                Place::Case { case: Box::new(case), noted }
            }
            Ended::OverBudget => {
                let budget = self.args.budget.unwrap_or_default().as_secs_f64();
                let reason = format!("could end after the budget of {budget} s");
                Place::Excluded(Excluded::new(job.purpose, job.round, Verdict::Skip, reason))
            }
        };
        self.pool[index].1 = place;
        self.tell_those_that_can_be()
    }

    /// The pool has ended, or was interrupted: what is still open did not run.
    pub(super) fn end_pool(&mut self) -> anyhow::Result<()> {
        for (job, place) in &mut self.pool {
            if matches!(place, Place::Open) {
                let reason = "the run was interrupted before it ended";
                let excluded = Excluded::new(job.purpose, job.round, Verdict::Skip, reason);
                *place = Place::Excluded(excluded);
            }
        }
        self.tell_those_that_can_be()?;
        self.bar.finish_and_clear();
        Ok(())
    }

    /// Whether something did not pass that is not known to fail.
    pub(super) fn has_failed(&self) -> bool {
        self.cases.iter().any(|case| {
            !matches!(case.verdict, Verdict::Pass | Verdict::Info) && case.known.is_none()
                || case.broken.iter().any(|broken| broken.verdict > Verdict::Info)
        })
    }

    /// Writes and tells the whole.
    pub(super) fn finish(self) -> anyhow::Result<ExitCode> {
        let told = self.cases.len();
        let mut report = Report {
            form: report::FORM,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            arm: self.args.arm.name().to_owned(),
            seed: self.asked.seed,
            misdeeds: self.asked.misdeeds.clone(),
            device: self.asked.device.clone(),
            options: self.asked.options.clone(),
            host: host(self.jobs_at_once),
            wall: Wall {
                started: moment(self.clock.epoch()),
                seconds: self.clock.now().as_secs_f64(),
            },
            interrupted: roamproof::interrupt::came(),
            counts: std::collections::BTreeMap::new(),
            cases: self.cases,
            excluded: self.excluded,
            complaints: Vec::new(),
            evidence: folder(self.args).map(Path::to_owned),
        };
        report.add_rules(self.keeping.known.as_ref());
        if self.context.format == Format::Text {
            for case in &report.cases[told..] {
                let line = report::line(case, folder(self.args), &paint(self.context));
                self.context.print(&line)?;
            }
        }
        report.count_all();
        if let Some(list) = &self.keeping.known {
            let rows = rules::all().map(|rule| rule.row);
            let ids: Vec<&str> =
                purpose::ALL.iter().map(|purpose| purpose.id).chain(rows).collect();
            known_failure::apply(list, &mut report, &ids, self.keeping.today);
        }
        if let Some(out) = folder(self.args) {
            write(out, &report)?;
        }
        tell_github(&report, self.context)?;
        match self.context.format {
            Format::Json => self.context.print_json(&report)?,
            Format::Text => self.context.print(&report::end(&report, &paint(self.context)))?,
        }
        if report.cases.is_empty() && !report.interrupted {
            self.context.tell("nothing ran: all that was selected was left out");
        }
        Ok(report.exit_code())
    }

    /// The case of an outcome, with its evidence on the disk.
    fn keep(&self, job: &Job, outcome: Result<Outcome, ArmError>) -> anyhow::Result<Case> {
        if let Err(ArmError::Environment { .. }) = &outcome {
            outcome.map_err(Refusal::arm)?;
            anyhow::bail!("an error is an error");
        }
        let Job { purpose, round, setting } = job;
        let mut case = Case::new(purpose, (*round, setting.seed), &outcome, self.rerun(job));
        if let (Some(out), Ok(outcome)) = (folder(self.args), &outcome) {
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
        if let Some(list) = &self.keeping.known {
            known_failure::mark(list, &mut case, self.keeping.today);
        }
        Ok(case)
    }

    fn note(&mut self, case: &Case) -> anyhow::Result<()> {
        match &mut self.keeping.journal {
            Some(journal) => journal.note(case).context("the journal cannot be written"),
            None => Ok(()),
        }
    }

    /// Tells the verdicts of those whose predecessors have all been told.
    fn tell_those_that_can_be(&mut self) -> anyhow::Result<()> {
        while let Some((_, place)) = self.pool.get_mut(self.told) {
            match std::mem::replace(place, Place::Told) {
                Place::Open => {
                    *place = Place::Open;
                    return Ok(());
                }
                Place::Told => {}
                Place::Excluded(excluded) => self.excluded.push(excluded),
                Place::Case { case, noted } => {
                    if !noted {
                        self.note(&case)?;
                    }
                    self.tell(*case)?;
                }
            }
            self.told += 1;
        }
        Ok(())
    }

    fn tell(&mut self, case: Case) -> anyhow::Result<()> {
        if self.context.format == Format::Text {
            let line = report::line(&case, folder(self.args), &paint(self.context));
            self.bar.suspend(|| self.context.print(&line))?;
        }
        self.cases.push(case);
        Ok(())
    }

    /// The command that runs one case again.
    fn rerun(&self, job: &Job) -> String {
        let mut words = vec!["roamproof run".to_owned()];
        match &self.args.device {
            Some(file) => words.push(format!("--device {} --all", file.display())),
            None if self.args.arm == Arm::Live => words.push("--arm live --all".to_owned()),
            None => {}
        }
        words.push(format!("--only {} --seed {}", job.purpose.id, job.setting.seed));
        words.extend(self.args.misdeeds.iter().map(|name| format!("--misdeed {name}")));
        if folder(self.args).is_none() {
            words.push("--out DIR".to_owned());
        }
        words.join(" ")
    }
}

/// The folder that the run is kept in.
fn folder(args: &Args) -> Option<&Path> {
    args.out.as_deref().or(args.resume.as_deref())
}

fn paint(context: &Context) -> impl Fn(Verdict, &str) -> String {
    move |verdict, word: &str| context.paint(verdicts::color(verdict), word)
}

/// `result.json`, and every form that derives from it.
fn write(out: &Path, report: &Report) -> anyhow::Result<()> {
    let master = (report::RESULT, report.to_json()?);
    for (name, text) in [master].into_iter().chain(report.derived()) {
        let path = out.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// In GitHub Actions: annotations on standard error, which the runner reads too, and the summary.
fn tell_github(report: &Report, context: &Context) -> anyhow::Result<()> {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Ok(());
    }
    let annotations = report::annotations(report);
    if !annotations.is_empty() {
        context.tell(annotations.trim_end());
    }
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from) else {
        return Ok(());
    };
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .with_context(|| path.display().to_string())?;
    std::io::Write::write_all(&mut file, report::step_summary(report).as_bytes())
        .with_context(|| path.display().to_string())
}

fn host(jobs: usize) -> Host {
    let said = |name: &str| {
        let text = fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
        text.trim().to_owned()
    };
    let system = format!("{} {}", said("osrelease"), std::env::consts::ARCH);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let system = format!("{} {system}", std::env::consts::OS);
    Host { name: said("hostname"), system, processors, jobs }
}

/// What runs, on standard error while there is a terminal to watch it.
fn progress(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(jobs).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{pos}/{len} {wide_bar} {elapsed}");
    bar.set_style(style.expect("the template is a constant"));
    bar
}
