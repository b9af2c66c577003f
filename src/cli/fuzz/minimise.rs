//! `fuzz minimise FILE`: the smallest input that fails in the same way.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use roamproof_fuzz::{Signature, Target};
use roamproof_harness::ExitCode;
use roamproof_harness::link::clock::RealClock;
use serde_json::json;

use super::Defect;
use super::worker::{self, How};
use crate::cli::{Context, Format, Refusal};

/// Make a failing input as small as it still fails in the same way.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The input.
    file: PathBuf,

    /// The target, where the folder that the file lies in is not called as one.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,

    /// Plant this seeded defect (only in a build with the feature `misdeeds`).
    #[arg(long, value_name = "NAME")]
    defect: Option<String>,

    /// Where the small one goes; FILE with the ending `min` where not said.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// At most so many inputs are tried.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    tries: usize,

    /// For how long, seconds; an interrupt ends it too. The smallest until then is kept.
    #[arg(long, value_name = "S", default_value_t = 600)]
    time: u64,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    let target = super::target_of(&args.file, args.target.as_deref())?;
    let octets = super::read(&args.file)?;
    let defect = super::defect(args.defect.as_deref())?;
    let how = How { defect: args.defect.clone(), ..How::default() };
    let Some(wanted) = worker::try_file(target, &how, &args.file)? else {
        return Err(Refusal {
            code: ExitCode::Nothing,
            what: format!("{}: it does not fail", args.file.display()),
            cure: "`roamproof fuzz replay` tells what it does".to_owned(),
        }
        .into());
    };
    let smallest = cut(args, target, (&how, defect), &octets, &wanted)?;
    let out = args.out.clone().unwrap_or_else(|| args.file.with_extension("min"));
    fs::write(&out, &smallest).with_context(|| out.display().to_string())?;
    match context.format {
        Format::Json => context.print_json(&json!({
            "target": target.name, "before": octets.len(), "after": smallest.len(),
            "signature": wanted.to_string(), "file": out,
        }))?,
        Format::Text => context.print(&format!(
            "{} octets of {}, in {}\nfails at {wanted}\nagain: {}\n",
            smallest.len(),
            octets.len(),
            out.display(),
            super::replay_line(target, &out, args.defect.as_deref()),
        ))?,
    }
    Ok(ExitCode::Success)
}

/// The smallest input that fails so, as far as tries and time go.
fn cut(
    args: &Args,
    target: &Target,
    (how, defect): (&How, Option<&'static Defect>),
    octets: &[u8],
    wanted: &Signature,
) -> anyhow::Result<Vec<u8>> {
    roamproof::interrupt::notice();
    let (clock, limit) = (RealClock::start(), Duration::from_secs(args.time));
    // Drawn on a terminal only.
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}").expect("it is a constant"));
    let mut tried = 0;
    let mut goes_on = |candidate: &[u8]| {
        tried += 1;
        bar.set_message(format!(
            "{tried} tried, now {} octets of {}",
            candidate.len(),
            octets.len()
        ));
        bar.tick();
        clock.now() < limit && !roamproof::interrupt::came()
    };
    let scratch = args.file.with_extension("trying");
    let mut trouble = None;
    let smallest = if wanted.place == "process" {
        let small =
            roamproof_fuzz::minimise(target, octets, args.tries.min(PROCESSES), |candidate| {
                if !goes_on(candidate) {
                    return false;
                }
                let tried = fs::write(&scratch, candidate)
                    .and_then(|()| worker::try_file(target, how, &scratch));
                tried
                    .map_err(|error| trouble = Some(error))
                    .is_ok_and(|ended| ended.as_ref() == Some(wanted))
            });
        // It is there where one was tried.
        let _ = fs::remove_file(&scratch);
        small
    } else {
        roamproof_fuzz::minimise(target, octets, args.tries, |candidate| {
            if !goes_on(candidate) {
                return false;
            }
            let ended = super::planted(defect, || target.run(candidate));
            ended.err().as_ref() == Some(wanted)
        })
    };
    bar.finish_and_clear();
    if let Some(error) = trouble {
        return Err(error).context("a candidate could not be tried");
    }
    Ok(smallest)
}

/// Candidates that are tried in processes of their own.
const PROCESSES: usize = 400;
