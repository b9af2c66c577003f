//! What a command line asks a run for: the options as the result keeps them, and as a resumed run takes
//! them from its journal.

use std::path::Path;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use roamproof_harness::journal::{self, Header, Journal};
use roamproof_harness::known_failure::KnownFailures;
use roamproof_harness::purpose::Purpose;
use roamproof_harness::report::{Case, Device, Options};
use roamproof_harness::requirement::Edition;
use roamproof_harness::text;

use super::{Args, Arm};
use crate::cli::Refusal;

/// What decides what a run comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) arm: Arm,
    pub(super) seed: u64,
    pub(super) misdeeds: Vec<String>,
    pub(super) device: Option<Device>,
    pub(super) options: Options,
}

/// One part of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Counted from 1.
    pub(super) part: usize,
    pub(super) of: usize,
}

/// The longest wait in real time if nothing is said.
const LIVE_WAIT_MAX: Duration = Duration::from_secs(60);

impl Asked {
    pub(super) fn of(args: &Args) -> Self {
        let max_wait = match (args.all, args.max_wait, args.arm) {
            (true, _, _) => None,
            (false, Some(wait), _) => Some(wait),
            (false, None, Arm::Live) => Some(LIVE_WAIT_MAX),
            // Simulated waits take no time.
            (false, None, Arm::Lab) => None,
        };
        let options = Options {
            only: args.only.clone(),
            level: args.level.clone(),
            role: args.role.clone(),
            edition: args.edition.clone(),
            strict: args.strict,
            max_wait: max_wait.map(|wait| wait.as_secs_f64()),
            budget: args.budget.map(|budget| budget.as_secs_f64()),
            repeat: args.repeat,
            until_failure: args.until_failure,
            shard: args.shard.map(|shard| shard.to_string()),
            known_failures: args.known_failures.clone(),
            device: args.device.clone(),
        };
        let (arm, seed, misdeeds) = (args.arm, args.seed, args.misdeeds.clone());
        Self { arm, seed, misdeeds, device: None, options }
    }

    pub(super) fn edition(&self) -> Edition {
        Edition::called(&self.options.edition).unwrap_or_default()
    }

    /// The first line of the journal of a run of these purposes.
    pub(super) fn header(&self, purposes: &[&'static Purpose]) -> Header {
        let named = |purpose: &&Purpose| format!("{} v{}", purpose.id, purpose.version);
        Header {
            journal: journal::FORM,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            arm: self.arm.name().to_owned(),
            seed: self.seed,
            misdeeds: self.misdeeds.clone(),
            device: self.device.clone(),
            options: self.options.clone(),
            purposes: purposes.iter().map(named).collect(),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

/// Seconds, or a number with `s`, `m` or `h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()) {
        number if number.len() == text.len() => (text, "s"),
        number => (number, &text[number.len()..]),
    };
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("expected seconds, or a number with s, m or h".to_owned()),
    };
    let number: f64 =
        number.parse().map_err(|_| "expected a number such as 90 or 1.5m".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

/// `2/3`: the second of three parts.
pub(super) fn shard(text: &str) -> Result<Shard, String> {
    let numbers = text
        .split_once('/')
        .and_then(|(part, of)| Some(Shard { part: part.parse().ok()?, of: of.parse().ok()? }));
    numbers
        .filter(|shard| (1..=shard.of).contains(&shard.part))
        .ok_or_else(|| "expected I/N with I from 1 to N, such as 2/3".to_owned())
}

/// Reads a list of known failures.
pub(super) fn known_failures(path: &Path) -> Result<KnownFailures, Refusal> {
    let name = path.display().to_string();
    let text = text::read(path, text::WRITTEN_OCTETS_MAX).map_err(|error| {
        Refusal::usage(format!("{name}: {error}"), "name a file of known failures")
    })?;
    KnownFailures::read(&name, &text).map_err(|error| {
        Refusal::usage(
            error.to_string(),
            "each [[failure]] has id, verdict, reason, version, issue, since and expires",
        )
    })
}

/// Opens the journal in `folder`; where the command line says nothing else, it takes all options
/// from there.
pub(super) fn resume(
    args: &mut Args,
    folder: &Path,
) -> Result<(Journal, Header, Vec<Case>), Refusal> {
    let (journal, header, cases) = Journal::go_on(folder).map_err(|error| {
        Refusal::usage(
            format!("{}: {error}", folder.join(journal::JOURNAL).display()),
            "name the folder that a run with --out left its journal in",
        )
    })?;
    if Asked::of(args) == Asked::of(&unasked()) {
        adopt(args, &header).ok_or_else(|| refused("options that this roamproof does not know"))?;
    }
    Ok((journal, header, cases))
}

/// A run goes on only as it began.
pub(super) fn is_the_same(theirs: &Header, ours: &Header) -> Result<(), Refusal> {
    theirs.differs_from(ours).map_or(Ok(()), |difference| Err(refused(&difference)))
}

fn refused(difference: &str) -> Refusal {
    Refusal::usage(
        format!("the journal is of another run: {difference}"),
        "say what that run was asked for, or --resume DIR and nothing else; or begin anew with --out",
    )
}

/// The command line with no option at all.
pub(super) fn unasked() -> Args {
    #[derive(Parser)]
    struct Bare {
        #[command(flatten)]
        args: Args,
    }
    Bare::parse_from(["run"]).args
}

fn adopt(args: &mut Args, header: &Header) -> Option<()> {
    let options = &header.options;
    args.arm = Arm::from_str(&header.arm, false).ok()?;
    args.seed = header.seed;
    args.misdeeds.clone_from(&header.misdeeds);
    args.device.clone_from(&options.device);
    args.only.clone_from(&options.only);
    args.level.clone_from(&options.level);
    args.role.clone_from(&options.role);
    args.edition.clone_from(&options.edition);
    args.strict = options.strict;
    args.all = options.max_wait.is_none();
    args.max_wait = options.max_wait.map(Duration::try_from_secs_f64).transpose().ok()?;
    args.budget = options.budget.map(Duration::try_from_secs_f64).transpose().ok()?;
    args.repeat = options.repeat;
    args.until_failure = options.until_failure;
    args.shard = options.shard.as_deref().map(shard).transpose().ok()?;
    args.known_failures.clone_from(&options.known_failures);
    Some(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::seconds("90", Ok(90_000))]
    #[case::parts_of_seconds("0.5s", Ok(500))]
    #[case::minutes("1.5m", Ok(90_000))]
    #[case::hours("2h", Ok(7_200_000))]
    #[case::no_unit_of_ours("3d", Err("expected seconds, or a number with s, m or h"))]
    #[case::no_number("m", Err("expected a number such as 90 or 1.5m"))]
    #[case::nothing("", Err("expected a number such as 90 or 1.5m"))]
    #[case::negative("-1", Err("cannot convert float seconds to Duration: value is negative"))]
    fn a_duration_is_read(#[case] text: &str, #[case] expected: Result<u128, &str>) {
        let read = duration(text).map(|duration| duration.as_millis());
        assert_eq!(read, expected.map_err(str::to_owned));
    }

    #[rstest]
    #[case("1/1", Some((1, 1)))]
    #[case("2/3", Some((2, 3)))]
    #[case("0/3", None)]
    #[case("4/3", None)]
    #[case("1/0", None)]
    #[case("2", None)]
    #[case("a/b", None)]
    fn a_shard_is_read(#[case] text: &str, #[case] expected: Option<(usize, usize)>) {
        assert_eq!(shard(text).ok().map(|shard| (shard.part, shard.of)), expected);
    }

    #[test]
    fn a_bare_resume_takes_every_option_from_the_journal() {
        let mut asked_before = unasked();
        asked_before.arm = Arm::Live;
        asked_before.only = vec!["CL-RO-*".to_owned()];
        asked_before.max_wait = Some(Duration::from_secs(5));
        asked_before.budget = Some(Duration::from_secs(50));
        asked_before.shard = Some(Shard { part: 2, of: 3 });
        asked_before.repeat = 3;
        asked_before.strict = true;
        asked_before.misdeeds = vec!["sleeps".to_owned()];
        asked_before.edition = "rfc3775".to_owned();
        let asked = Asked::of(&asked_before);
        let mut now = unasked();
        adopt(&mut now, &asked.header(&[])).expect("all of it is known");
        assert_eq!(Asked::of(&now), asked);
    }
}
