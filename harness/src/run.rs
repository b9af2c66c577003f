//! Runs purposes: one network each, so that one cannot hurt the next.

use std::time::Duration;

use crate::bench::Bench;
use crate::evidence::{Capture, Names};
use crate::purpose::Purpose;
use crate::tester::{Clause, Tester};
use crate::topology::{Arm, ArmError, claimed};
use crate::verdict::{Stop, Verdict};

/// What came of one purpose.
#[derive(Debug)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, where it is not PASS.
    pub stop: Option<Stop>,
    /// The sentences that the purpose came to.
    pub clauses: Vec<Clause>,
    /// What the tester sent on purpose, by index in the capture.
    pub stimuli: Vec<usize>,
    /// What crossed the links, with sentences and verdict as comments.
    pub capture: Capture,
    /// What each subject noted, by name.
    pub output: Vec<(String, Vec<String>)>,
    /// How long it took, in the arm's own time.
    pub took: Duration,
    /// Whether this is a second run, because this host itself was too late in the first.
    pub again: bool,
    /// Who is who in the capture.
    pub names: Names,
}

/// What a run of a purpose is told.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// Fixes every random draw.
    pub seed: u64,
    /// Misdeeds of the subject, by name.
    pub misdeeds: Vec<String>,
}

/// Runs `purpose` in `arm`; once more where this host itself was too late to tell.
///
/// # Errors
///
/// Where the network cannot be set up.
pub fn run(purpose: &Purpose, arm: &mut dyn Arm, setting: &Setting) -> Result<Outcome, ArmError> {
    let first = run_once(purpose, arm, setting)?;
    if !first.stop.as_ref().is_some_and(|stop| stop.late) {
        return Ok(first);
    }
    Ok(Outcome { again: true, ..run_once(purpose, arm, setting)? })
}

fn run_once(purpose: &Purpose, arm: &mut dyn Arm, setting: &Setting) -> Result<Outcome, ArmError> {
    let mut wanted = (purpose.wants)();
    wanted.seed = setting.seed;
    let subject = wanted.nodes.first().copied().unwrap_or_default();
    wanted.misdeeds =
        setting.misdeeds.iter().map(|misdeed| (subject.to_owned(), misdeed.clone())).collect();
    let mut bench = Bench::set_up(arm, claimed::topology(&wanted))?;
    let mut tester = Tester::new(&mut bench);
    let stop = (purpose.body)(&mut tester).err();
    let clauses = tester.clauses().to_vec();
    let stimuli = tester.stimuli().to_vec();
    let stop = stop.or_else(|| tester.subject_died());
    let output = vec![(subject.to_owned(), bench.output(subject))];
    let took = bench.now();
    let names = names(&bench);
    let verdict = stop.as_ref().map_or(Verdict::Pass, |stop| stop.verdict);
    let mut capture = bench.into_capture();
    annotate(&mut capture, &clauses, verdict, stop.as_ref());
    Ok(Outcome { verdict, stop, clauses, stimuli, capture, output, took, again: false, names })
}

/// The subject by its own name; whom the tester plays by the addresses of the claimed network.
fn names(bench: &Bench) -> Names {
    let mut names = Names::of(bench.topology());
    for (name, address, label) in [
        ("mt", claimed::HOA, "hoa"),
        ("ha", claimed::HA, "ha"),
        ("ss", claimed::SS, "ss"),
        ("cn", claimed::CN, "cn"),
    ] {
        names.address(name, address, label);
    }
    names
}

/// Writes the sentences and the verdict into the capture, on the frames that they are about.
fn annotate(capture: &mut Capture, clauses: &[Clause], verdict: Verdict, stop: Option<&Stop>) {
    let Some(last) = capture.frames.len().checked_sub(1) else { return };
    for clause in clauses {
        let frame = clause.frames_before.min(last);
        capture.comment(frame, format!("{} {}", clause.kind.word(), clause.text));
    }
    let frame = stop.and_then(|stop| stop.frames.last().copied()).unwrap_or(last);
    let why = stop.map_or(String::new(), |stop| format!(": {stop}"));
    capture.comment(frame, format!("verdict {verdict}{why}"));
}
