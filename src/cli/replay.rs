//! `replay`: the stimuli of a bundle sent once more, and what came back beside what came then.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use roamproof_harness::ExitCode;
use roamproof_harness::bundle::{self, About, Beside, Bundle, Came};
use roamproof_harness::plan::Plan;
use roamproof_harness::profile::Profile;
use roamproof_harness::report::{self, Case};
use roamproof_harness::run::{Outcome, Setting};
use roamproof_harness::tester::{Fate, Replayed};
use serde::Serialize;

use super::run::plan::Job;
use super::run::stage::Stage;
use super::run::{Arm, AtFailure};
use super::{Context, Format, Refusal, folder, judge, verdicts};

/// Send the stimuli of a bundle once more, as recorded and at the recorded distances in time, and show what comes back beside what came then.
///
/// What a device chooses anew (cookies, tokens, tags, the time) is not put into them: where this run
/// would send something else, that is told with the octet, and nothing follows from what came of it.
/// In simulated time the same seed makes the
/// reference choose the same.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The bundle of a case, as `run --out` left it.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,

    /// Send them to the device that this profile describes, in place of the reference.
    #[arg(long, value_name = "FILE", conflicts_with = "arm")]
    device: Option<PathBuf>,

    /// Simulated (`lab`) or in network namespaces (`live`).
    #[arg(long, value_enum, default_value_t = Arm::Lab)]
    arm: Arm,

    /// Where the bundle of the replay goes.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Overwrite what is in DIR.
    #[arg(long, requires = "out")]
    force: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let recorded = Bundle::read(&args.bundle).map_err(judge::bundle::refusal)?;
    let profile = args.device.as_deref().map(judge::bundle::load).transpose()?;
    let plan = profile.as_ref().map(|profile| own_plan(profile, &recorded)).transpose()?;
    let (purpose, setting) =
        bundle::replay(&recorded, plan.as_ref()).map_err(judge::bundle::refusal)?;
    let setting = match &profile {
        Some(profile) => Setting { plan, features: profile.features.clone(), ..setting },
        None => setting,
    };
    let arm = if profile.is_some() { Arm::Live } else { args.arm };
    let stage = Stage::enter(arm, profile.as_ref(), (AtFailure::GoOn, *context))?;
    if let Some(out) = &args.out {
        folder::make_ready(out, args.force)?;
    }
    let job = Job { purpose, round: 1, setting };
    let mut outcome = stage.worker()(&job).map_err(Refusal::arm)?;
    bundle::settle(&mut outcome);
    let rerun = format!("roamproof replay {}", args.bundle.display());
    if let Some(out) = &args.out {
        let about = About { purpose, arm: arm.name(), setting: &job.setting, rerun: &rerun };
        bundle::keep(out, &about, &outcome).with_context(|| out.display().to_string())?;
    }
    let rows = bundle::beside(&recorded, &outcome);
    let replayed = outcome.replayed.clone();
    let left_out = recorded.case.stimuli.len().saturating_sub(resent(&replayed));
    let case = case(&args, &job, outcome, rerun);
    match context.format {
        Format::Json => context.print_json(&Told::of(&args.bundle, &case, &rows, &replayed))?,
        Format::Text => {
            let paint = |verdict, word: &str| context.paint(verdicts::color(verdict), word);
            let mut text = report::line(&case, args.out.as_deref(), &paint);
            text.push_str(&table(&rows));
            text.push_str(&stimuli(&replayed, left_out));
            context.print(&text)?;
        }
    }
    Ok(ExitCode::of_verdicts([case.verdict], false))
}

fn case(args: &Args, job: &Job, outcome: Outcome, rerun: String) -> Case {
    let mut case = Case::new(job.purpose, (1, job.setting.seed), &Ok(outcome), rerun);
    case.evidence = args.out.as_ref().map(|_| PathBuf::new());
    case
}

/// The device's plan, which has to be the one that the bundle was made with: packets are resent with
/// the addresses that they had.
fn own_plan(profile: &Profile, recorded: &Bundle) -> Result<Plan, Refusal> {
    let purpose = bundle::purpose_of(recorded).map_err(judge::bundle::refusal)?;
    let setting = Setting::of_device(profile, purpose, recorded.case.seed);
    let plan = setting.plan.expect("a device has a plan");
    let then = bundle::replay(recorded, Some(&plan)).map_err(judge::bundle::refusal)?.1.plan;
    let addresses = |plan: &Plan| (plan.ha, plan.ss, plan.cn, plan.hoa, plan.links);
    let then = then.unwrap_or_else(|| Plan::claimed(plan.subject));
    if addresses(&then) == addresses(&plan) {
        return Ok(plan);
    }
    Err(Refusal::usage(
        "the profile has other addresses than the bundle, whose packets are sent as they were",
        "run the purpose again with this profile: the bundle's rerun.sh says which",
    ))
}

/// What programs read.
#[derive(Serialize)]
struct Told<'a> {
    bundle: &'a Path,
    case: &'a Case,
    packets: &'a [Beside],
    stimuli: Vec<Stimulus>,
}

#[derive(Serialize)]
struct Stimulus {
    /// As tshark counts it in the capture of the replay.
    packet: usize,
    /// Whether it went out as recorded.
    recorded: bool,
    /// The octet of the packet from which on this run would have sent another.
    differs_at: Option<usize>,
}

impl<'a> Told<'a> {
    fn of(bundle: &'a Path, case: &'a Case, packets: &'a [Beside], replayed: &[Replayed]) -> Self {
        let stimulus = |Replayed { frame, fate }: &Replayed| Stimulus {
            packet: frame + 1,
            recorded: *fate != Fate::New,
            differs_at: match fate {
                Fate::AsRecorded(octet) => Some(*octet),
                Fate::Same | Fate::New => None,
            },
        };
        Self { bundle, case, packets, stimuli: replayed.iter().map(stimulus).collect() }
    }
}

/// The packets of the subject: one line where they are the same, two where not.
fn table(rows: &[Beside]) -> String {
    let mut text = String::new();
    let mut tell = |word: &str, Came { packet, at, says, .. }: &Came| {
        let (seconds, micros) = (at / 1_000_000_000, at / 1000 % 1_000_000);
        writeln!(text, "{word:5} {packet:5} {seconds:4}.{micros:06}  {says}")
            .expect("a string takes any text");
    };
    for Beside { then, now, same } in rows {
        match (then, now) {
            (Some(then), Some(_)) if *same => tell("same", then),
            (Some(then), Some(now)) => {
                tell("then", then);
                tell(" now", now);
            }
            (Some(then), None) => tell("gone", then),
            (None, Some(now)) => tell("new", now),
            (None, None) => {}
        }
    }
    text
}

/// How many stimuli went out as recorded, and which of them this run would have made otherwise.
fn stimuli(replayed: &[Replayed], left_out: usize) -> String {
    let count = resent(replayed);
    let plural = if count == 1 { "us" } else { "i" };
    let mut text = format!("{count} stimul{plural} went out as recorded");
    if left_out > 0 {
        write!(text, ", {left_out} had no occasion to").expect("a string takes any text");
    }
    text.push('\n');
    for Replayed { frame, fate } in replayed {
        let packet = frame + 1;
        let told = match fate {
            Fate::Same => continue,
            Fate::AsRecorded(octet) => {
                format!("packet {packet}: now another would be right from octet {octet} on")
            }
            Fate::New => format!("packet {packet}: nothing of its kind was recorded, it is new"),
        };
        writeln!(text, "      {told}").expect("a string takes any text");
    }
    text
}

fn resent(replayed: &[Replayed]) -> usize {
    replayed.iter().filter(|one| one.fate != Fate::New).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_otherwise_is_told_with_its_octet() {
        let fates = [Fate::Same, Fate::AsRecorded(48), Fate::New];
        let replayed: Vec<Replayed> =
            fates.into_iter().enumerate().map(|(frame, fate)| Replayed { frame, fate }).collect();
        insta::assert_snapshot!(stimuli(&replayed, 1), @r"
        2 stimuli went out as recorded, 1 had no occasion to
              packet 2: now another would be right from octet 48 on
              packet 3: nothing of its kind was recorded, it is new
        ");
    }
}
