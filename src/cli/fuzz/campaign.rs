//! `fuzz [TARGET]…`: batches of numbered inputs, target by target, until the time is up.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use roamproof_fuzz::{Signature, TARGETS, Target};
use roamproof_harness::ExitCode;
use roamproof_harness::link::clock::RealClock;
use serde_json::json;

use super::findings::Folder;
use super::worker::{self, How};
use crate::cli::{Context, Format};

/// A campaign.
#[derive(Debug, clap::Args)]
pub(crate) struct Campaign {
    /// Only these targets; all of them where none is named.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    /// For how long, seconds of all targets together.
    #[arg(long, value_name = "S", default_value_t = 60)]
    time: u64,

    /// At most as many inputs of each target.
    #[arg(long, value_name = "N")]
    runs: Option<u64>,

    /// End with the first input that fails.
    #[arg(long)]
    until_found: bool,

    /// Flip octets only, without the structure of messages: for comparison.
    #[arg(long)]
    unstructured: bool,

    /// Plant this seeded defect (only in a build with the feature `misdeeds`).
    #[arg(long, value_name = "NAME")]
    defect: Option<String>,

    /// The folder of the campaign; one that was begun goes on where it ended.
    #[arg(long, value_name = "DIR", default_value = "fuzz-campaign")]
    out: PathBuf,
}

pub(super) fn run(args: &Campaign, context: &Context) -> anyhow::Result<ExitCode> {
    let targets: Vec<&'static Target> = if args.targets.is_empty() {
        TARGETS.iter().collect()
    } else {
        args.targets.iter().map(|name| super::target(name)).collect::<Result<_, _>>()?
    };
    super::defect(args.defect.as_deref())?;
    let how = How { unstructured: args.unstructured, defect: args.defect.clone() };
    let mut folder = Folder::open(&args.out, how.clone())?;
    roamproof::interrupt::notice();
    let clock = RealClock::start();
    let (mut runs, mut found) = (0, 0);
    let limit = Duration::from_secs(args.time);
    let first: Vec<u64> = targets.iter().map(|target| folder.next(target)).collect();
    // Drawn on a terminal only.
    let bar = ProgressBar::new(args.time);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {msg}").expect("it is a constant"));
    'campaign: loop {
        let mut idle = true;
        for (target, first) in targets.iter().zip(&first) {
            if clock.now() >= limit || roamproof::interrupt::came() {
                break 'campaign;
            }
            let from = folder.next(target);
            let count =
                args.runs.map_or(BATCH, |runs| (first + runs).saturating_sub(from).min(BATCH));
            if count == 0 {
                continue;
            }
            idle = false;
            bar.set_position(clock.now().as_secs());
            bar.set_message(format!("{}, {runs} inputs, {found} fail", target.name));
            let begun = clock.now();
            let batch = worker::batch(target, &how, from, count)?;
            let seconds = (clock.now() - begun).as_secs_f64();
            runs += batch.next - from;
            found += batch.found.len();
            let stops = args.until_found && !batch.found.is_empty();
            for (file, signature) in folder.keep(target, from, &batch, seconds)? {
                bar.suspend(|| tell(target, &how, &file, &signature, context))?;
            }
            if stops {
                break 'campaign;
            }
        }
        if idle {
            break;
        }
    }
    bar.finish_and_clear();
    finish(args, context, runs, found)
}

/// Tells of a finding, when its input is kept, and cuts it.
fn tell(
    target: &Target,
    how: &How,
    file: &Path,
    signature: &Signature,
    context: &Context,
) -> std::io::Result<()> {
    context.tell(&format!("found: {}: fails at {signature}", file.display()));
    let cut = worker::cut(target, how, file)?;
    let file = cut.as_deref().unwrap_or(file);
    let octets = file.metadata()?.len();
    let line = super::replay_line(target, file, how.defect.as_deref());
    context.tell(&format!("    {octets} octets: {line}"));
    Ok(())
}

fn finish(args: &Campaign, context: &Context, runs: u64, found: usize) -> anyhow::Result<ExitCode> {
    let interrupted = roamproof::interrupt::came();
    match context.format {
        Format::Json => context.print_json(&json!({
            "runs": runs, "failing": found, "interrupted": interrupted, "folder": args.out,
        }))?,
        Format::Text => {
            let folder = args.out.display();
            context
                .print(&format!("{runs} inputs, {found} of them fail; all of it in {folder}\n"))?;
            if found > 0 {
                let defect = args
                    .defect
                    .as_ref()
                    .map(|name| format!(" --defect {name}"))
                    .unwrap_or_default();
                context.tell(&format!("next: roamproof fuzz triage {folder}{defect}"));
            }
        }
    }
    Ok(match (runs, found) {
        _ if interrupted => ExitCode::Interrupted,
        (0, _) => ExitCode::Nothing,
        (_, 0) => ExitCode::Success,
        (_, _) => ExitCode::Found,
    })
}

/// Inputs of one target before the next has its turn.
const BATCH: u64 = 2000;
