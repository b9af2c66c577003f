//! `roamproof demo` as its users start it: the program alone in an empty folder, as its caller and
//! as an ordinary user; its live captures before outside judges and beside the golden ones.
//!
//! What this machine cannot run is left out by name; under `CI=true` that is a failure.
#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, which clippy cannot know of a test with its own main"
)]

#[path = "live/leftovers.rs"]
mod leftovers;
#[path = "oracle/mod.rs"]
#[expect(dead_code, reason = "the judges of the captures in the tree need more of it")]
mod oracle;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::OnceLock;

use leftovers::{Mortal, surroundings, wait_for_the_end_of};
use libtest_mimic::{Arguments, Failed, Trial};
use oracle::Oracle;
use roamproof_harness::evidence::{compare, pcapng};
use roamproof_harness::sequence::{self, Sequence};
use serde_json::Value;
use tempfile::TempDir;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("lab/every_exercised_row_passes", || every_row_passes(lab(), "lab")),
        Trial::test("refuses/a_sequence_that_it_does_not_know", refuses_an_unknown_sequence),
        Trial::test("refuses/an_arm_that_it_does_not_know", refuses_an_unknown_arm),
        Trial::test("refuses/a_folder_that_is_not_empty", refuses_to_overwrite),
    ];
    // An ordinary user who runs the tests is one already.
    let users = if is_root() { &User::ALL[..] } else { &[User::Caller] };
    for user in users.iter().copied() {
        let missing = user.missing();
        for (name, test) in LIVE {
            let name = format!("{}/{name}", user.name());
            trials.push(trial(&name, missing.clone(), move || test(user)));
        }
        for judge in Oracle::ALL {
            let name = format!("{}/captures_stand_before_{}", user.name(), judge.name());
            let missing = missing.clone().or_else(|| judge.missing().map(str::to_owned));
            trials.push(trial(&name, missing, move || stand_before(judge, user.run())));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    // What is static is never dropped.
    for run in [&LAB, &AS_CALLER, &AS_NOBODY].into_iter().filter_map(OnceLock::get) {
        fs::remove_dir_all(run.folder.path()).unwrap();
    }
    conclusion.exit_code()
}

/// What each user's live run is tested for, beside what the judges say.
type Test = fn(User) -> Result<(), Failed>;
const LIVE: [(&str, Test); 3] = [
    ("every_exercised_row_passes", |user| every_row_passes(user.run(), "live")),
    ("runs_are_like_the_golden_captures", |user| like_the_lab(user.run())),
    ("nothing_is_left_after_sigkill", nothing_is_left),
];

/// A trial; left out, visibly, where something is missing and nobody demands it.
fn trial(
    name: &str,
    missing: Option<String>,
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let Some(missing) = missing else { return Trial::test(name, test) };
    let demanded = std::env::var_os("CI").is_some_and(|value| value == "true");
    if !demanded {
        eprintln!("*** {name} is left out: this machine lacks {missing}");
    }
    Trial::test(name, move || Err(format!("not run: this machine lacks {missing}").into()))
        .with_kind("left out")
        .with_ignored_flag(!demanded)
}

/// Who runs the demo.
#[derive(Clone, Copy)]
enum User {
    /// Whoever runs the tests.
    Caller,
    /// Root, as a user without any right.
    Nobody,
}

/// A demo that has run, in a folder with nothing but the program.
struct Run {
    folder: TempDir,
    output: Output,
}

/// What several trials look at; made by the first that does.
static LAB: OnceLock<Run> = OnceLock::new();
static AS_CALLER: OnceLock<Run> = OnceLock::new();
static AS_NOBODY: OnceLock<Run> = OnceLock::new();

fn lab() -> &'static Run {
    LAB.get_or_init(|| User::Caller.runs("lab"))
}

impl User {
    const ALL: [Self; 2] = [Self::Caller, Self::Nobody];

    const fn name(self) -> &'static str {
        match self {
            Self::Caller => "live",
            Self::Nobody => "live_as_an_ordinary_user",
        }
    }

    /// Its live run.
    fn run(self) -> &'static Run {
        match self {
            Self::Caller => AS_CALLER.get_or_init(|| self.runs("live")),
            Self::Nobody => AS_NOBODY.get_or_init(|| self.runs("live")),
        }
    }

    /// What this machine lacks for it.
    fn missing(self) -> Option<String> {
        let place = self.place();
        let output = self.command(&place, &["doctor"]).output();
        match output {
            Ok(output) if output.status.code() == Some(0) => None,
            Ok(output) => Some(text(&output.stdout)),
            Err(error) => Some(format!("setpriv (Debian: util-linux): {error}")),
        }
    }

    /// An empty folder of its own, with the program in it.
    fn place(self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("roamproof");
        fs::copy(env!("CARGO_BIN_EXE_roamproof"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        if let Self::Nobody = self {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        folder
    }

    /// The program there, without anything of the caller's environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test is about the program as a shell sees it"
    )]
    fn command(self, place: &TempDir, words: &[&str]) -> Command {
        let program = place.path().join("roamproof");
        let mut command = match self {
            Self::Caller => Command::new(program),
            Self::Nobody => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={NOBODY}")).arg(format!("--regid={NOBODY}"));
                command.args(["--clear-groups", "--inh-caps=-all", "--no-new-privs"]);
                command.arg(program);
                command
            }
        };
        command.args(words).env_clear().current_dir(place.path()).stdin(Stdio::null());
        command
    }

    fn runs(self, arm: &str) -> Run {
        let folder = self.place();
        let words = ["demo", "--arm", arm, "--out", "kept", "--format", "json"];
        let output = self.command(&folder, &words).output().unwrap();
        Run { folder, output }
    }
}

impl Run {
    /// The file of a sequence's capture.
    fn capture(&self, arm: &str, sequence: &Sequence) -> PathBuf {
        let folder = self.folder.path().join("kept").join(arm);
        folder.join(format!("{}.pcapng", sequence.file))
    }
}

/// The sequences that a demo plays.
fn sequences() -> impl Iterator<Item = &'static Sequence> {
    sequence::ALL.iter().filter(|sequence| !sequence.lab_only)
}

/// Exit code 0; each sequence is there with a capture, and each of its rows is a PASS with packets.
fn every_row_passes(run: &Run, arm: &str) -> Result<(), Failed> {
    let said = text(&run.output.stderr);
    let printed: Value = serde_json::from_slice(&run.output.stdout)
        .map_err(|error| format!("{error}: {said}{}", text(&run.output.stdout)))?;
    let mut wrong = Vec::new();
    let mut played = BTreeSet::new();
    for line in printed["sequences"].as_array().ok_or("no sequences")? {
        let (name, rows) = (&line["sequence"], line["rows"].as_array().ok_or("no rows")?);
        played.insert(name.as_str().unwrap_or_default().to_owned());
        if rows.is_empty() || line["verdict"] != "PASS" || line["arm"] != arm {
            wrong.push(format!("{name}: {} {}", line["verdict"], line["trouble"]));
        }
        let shown =
            |row: &&Value| row["verdict"] != "PASS" || row["packets"] == Value::from([0; 0]);
        wrong.extend(rows.iter().filter(shown).map(|row| format!("{name}: {row}")));
    }
    let expected: BTreeSet<String> = sequences().map(|sequence| sequence.id.to_owned()).collect();
    if played != expected {
        wrong.push(format!("played {played:?}, not {expected:?}"));
    }
    for path in sequences().map(|sequence| run.capture(arm, sequence)) {
        pcapng::read_file(&path).map_err(|error| error.to_string())?;
    }
    if run.output.status.code() != Some(0) {
        wrong.push(format!("{}: {said}", run.output.status));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Each live capture says, field by field, what the golden one of simulated time says.
fn like_the_lab(run: &Run) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for sequence in sequences() {
        let golden = format!("captures/{}.pcapng", sequence.file);
        let expected = pcapng::read_file(&oracle::root().join(golden))?;
        let seen = pcapng::read_file(&run.capture("live", sequence))?;
        let differences = compare(&expected, &seen);
        wrong.extend(differences.iter().map(|one| format!("{}: {one}", sequence.id)));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// The judge accepts every live capture, and had something to judge in each.
fn stand_before(judge: Oracle, run: &Run) -> Result<(), Failed> {
    let captures: Vec<PathBuf> =
        sequences().map(|sequence| run.capture("live", sequence)).collect();
    let counts = judge.judge(&captures)?;
    let counted = match judge {
        Oracle::Checksums => &["udp", "icmpv6"][..],
        Oracle::Tshark => &["packets", "compared"],
        // A terminal that stays at home sends none.
        Oracle::Authenticators | Oracle::Scapy => &[],
    };
    for counts in &counts {
        if counted.iter().any(|name| counts[name].as_u64().is_none_or(|count| count == 0)) {
            return Err(format!("nothing was judged: {counts}").into());
        }
    }
    let messages = counts.iter().flat_map(|counts| ["mobility", "bu"].map(|name| &counts[name]));
    let total: u64 = messages.filter_map(Value::as_u64).sum();
    if counts.len() == captures.len() && (judge == Oracle::Tshark || total > 0) {
        return Ok(());
    }
    Err(format!("{} of {} captures judged", counts.len(), captures.len()).into())
}

/// Killed while nodes run and frames pass, it takes all of them with it.
fn nothing_is_left(user: User) -> Result<(), Failed> {
    let before = surroundings();
    let place = user.place();
    let words = ["demo", "s4", "--arm", "live", "--out", "kept"];
    let mut child = user.command(&place, &words).stdout(Stdio::piped()).spawn()?;
    let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
    printed.find(|line| line.as_ref().is_ok_and(|line| line.contains("REGISTER")));
    let processes = Mortal::with_children(child.id().try_into()?);
    let seen = surroundings();
    child.kill()?;
    child.wait()?;
    wait_for_the_end_of(&processes);
    if seen != before || surroundings() != before {
        return Err(format!("before {before:?}, meanwhile {seen:?}").into());
    }
    // The demo, its usher and a process for each node.
    let expected = 2 + (sequences().next().ok_or("no sequence")?.wants)().nodes.len();
    if processes.len() != expected {
        return Err(format!("{} processes, not {expected}", processes.len()).into());
    }
    Ok(())
}

fn refuses_an_unknown_sequence() -> Result<(), Failed> {
    refuses(&["demo", "s77", "--arm", "lab", "--out", "kept"], "no sequence is called `s77`")
}

fn refuses_an_unknown_arm() -> Result<(), Failed> {
    refuses(&["demo", "--arm", "leg", "--out", "kept"], "'leg'")
}

fn refuses(words: &[&str], says: &str) -> Result<(), Failed> {
    let place = User::Caller.place();
    let output = User::Caller.command(&place, words).output()?;
    refused(&output, says)?;
    let left: Vec<_> = fs::read_dir(place.path())?.map(|entry| entry.unwrap().path()).collect();
    if left == [place.path().join("roamproof")] { Ok(()) } else { Err(format!("{left:?}").into()) }
}

/// Without `--force` what is in the folder stays as it was; with it there is a new capture.
fn refuses_to_overwrite() -> Result<(), Failed> {
    let place = User::Caller.place();
    let capture = place.path().join("kept/lab/s1-registration.pcapng");
    fs::create_dir_all(capture.parent().unwrap())?;
    fs::write(&capture, "mine")?;
    let words = ["demo", "s1", "--arm", "lab", "--out", "kept"];
    refused(&User::Caller.command(&place, &words).output()?, "kept is not empty")?;
    if fs::read(&capture)? != b"mine" {
        return Err("overwritten without --force".into());
    }
    let words = ["demo", "s1", "--arm", "lab", "--out", "kept", "--force"];
    let output = User::Caller.command(&place, &words).output()?;
    if output.status.code() != Some(0) || pcapng::read_file(&capture).is_err() {
        return Err(format!("--force: {} {}", output.status, text(&output.stderr)).into());
    }
    Ok(())
}

/// Exit code 2, one error, nothing on standard output.
fn refused(output: &Output, says: &str) -> Result<(), Failed> {
    let said = text(&output.stderr);
    let errors = said.lines().filter(|line| line.starts_with("error")).count();
    let is_right = output.status.code() == Some(2) && errors == 1 && said.contains(says);
    if is_right && output.stdout.is_empty() {
        return Ok(());
    }
    Err(format!("{}: {said}{}", output.status, text(&output.stdout)).into())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// The user and the group without rights.
const NOBODY: u32 = 65_534;
