//! Runs purposes: one network each, so that one cannot hurt the next.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::bench::Bench;
use crate::evidence::{Capture, Names};
use crate::feature::Features;
use crate::link::Port;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::purpose::Purpose;
use crate::recording::Note;
use crate::rules::{self, Broken, Held};
use crate::tester::{Clause, Expectation, Replayed, Stimulus, Tester};
use crate::topology::{Arm, ArmError, Topology, claimed};
use crate::verdict::{Stop, Verdict};
use roamproof_wire::ethernet::Mac;

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
    /// The packets that the purpose waited for, or wanted not to come.
    pub expectations: Vec<Expectation>,
    /// How the stimuli stand to the recording, where an earlier run is replayed.
    pub replayed: Vec<Replayed>,
    /// What crossed the links, with sentences and verdict as comments.
    pub capture: Capture,
    /// What clock, links and subjects said beside.
    pub notes: Vec<Note>,
    /// What each subject noted, by name.
    pub output: Vec<(String, Vec<String>)>,
    /// What came of the per-message rules over all that the subject sent.
    pub rules: Vec<Held>,
    /// How long it took, in the arm's own time.
    pub took: Duration,
    /// How late this host was at worst; zero in simulated time.
    pub lateness: Duration,
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
    /// Who has which address and key, where that is not the claimed network's own plan.
    pub plan: Option<Plan>,
    /// What is known of the subject.
    pub features: Features,
    /// What the tester sends in place of its own stimuli, where an earlier run is replayed.
    pub stimuli: Option<Arc<Vec<Stimulus>>>,
}

impl Setting {
    /// The setting of `purpose` with a vendor's device as its subject.
    pub fn of_device(profile: &Profile, purpose: &Purpose, seed: u64) -> Self {
        let plan = Plan::claimed(subject_mac(&claimed::topology(&(purpose.wants)())));
        Self {
            seed,
            misdeeds: Vec::new(),
            plan: Some(profile.plan(purpose.role, plan)),
            features: profile.features.clone(),
            stimuli: None,
        }
    }
}

/// Is shown a case that did not pass while its network still runs, and may use it.
pub type OnFailure<'a> = dyn FnMut(&mut Tester<'_>, &Stop) + 'a;

/// Runs `purpose` in `arm`; once more where this host itself was too late to tell.
///
/// # Errors
///
/// Where the network cannot be set up.
pub fn run(purpose: &Purpose, arm: &mut dyn Arm, setting: &Setting) -> Result<Outcome, ArmError> {
    run_watched(purpose, arm, setting, &mut |_, _| ())
}

/// As [`run`]; where the case did not pass, `on_failure` is called before its network ends. What
/// crosses the links from there on is no evidence of the case.
///
/// # Errors
///
/// As [`run`].
pub fn run_watched(
    purpose: &Purpose,
    arm: &mut dyn Arm,
    setting: &Setting,
    on_failure: &mut OnFailure<'_>,
) -> Result<Outcome, ArmError> {
    let first = run_body(purpose, arm, setting, on_failure)?;
    if !first.stop.as_ref().is_some_and(|stop| stop.late) {
        return Ok(first);
    }
    Ok(Outcome { again: true, ..run_body(purpose, arm, setting, on_failure)? })
}

/// Runs `purpose` in `arm`, once.
///
/// # Errors
///
/// As [`run`].
pub fn run_once(
    purpose: &Purpose,
    arm: &mut dyn Arm,
    setting: &Setting,
) -> Result<Outcome, ArmError> {
    run_body(purpose, arm, setting, &mut |_, _| ())
}

fn run_body(
    purpose: &Purpose,
    arm: &mut dyn Arm,
    setting: &Setting,
    on_failure: &mut OnFailure<'_>,
) -> Result<Outcome, ArmError> {
    let mut wanted = (purpose.wants)();
    wanted.seed = setting.seed;
    let subject = wanted.nodes.first().copied().unwrap_or_default();
    wanted.misdeeds =
        setting.misdeeds.iter().map(|misdeed| (subject.to_owned(), misdeed.clone())).collect();
    let topology = claimed::topology(&wanted);
    let plan = setting.plan.clone().unwrap_or_else(|| Plan::claimed(subject_mac(&topology)));
    let mut bench = Bench::set_up(arm, topology)?;
    let mut tester = Tester::new(&mut bench, plan.clone(), setting.features.clone());
    if let Some(stimuli) = &setting.stimuli {
        tester.follows(Arc::clone(stimuli));
    }
    let stop = (purpose.body)(&mut tester).err();
    let clauses = tester.clauses().to_vec();
    let stimuli = tester.stimuli().to_vec();
    let expectations = tester.expectations();
    let replayed = tester.replayed().to_vec();
    let stop = tester.ends(stop).map(|stop| stop.weighed(purpose.level()));
    let (took, frames) = (tester.bench.now(), tester.bench.capture().frames.len());
    let lateness = tester.bench.lateness_max();
    let notes = tester.bench.take_notes();
    if let Some(stop) = stop.as_ref().filter(|stop| !stop.late) {
        on_failure(&mut tester, stop);
    }
    let output = vec![(subject.to_owned(), bench.output(subject))];
    let names = names(&bench, &plan);
    let verdict = stop.as_ref().map_or(Verdict::Pass, |stop| stop.verdict);
    let sent = sent_by_subject(bench.topology(), &notes);
    let mut capture = bench.into_capture();
    capture.frames.truncate(frames);
    let rules = rules::of_subject(&capture, &sent, purpose.role, &plan);
    annotate(&mut capture, &clauses, verdict, stop.as_ref());
    annotate_broken(&mut capture, &rules);
    Ok(Outcome {
        verdict,
        stop,
        clauses,
        stimuli,
        expectations,
        replayed,
        capture,
        notes,
        output,
        rules,
        took,
        lateness,
        again: false,
        names,
    })
}

/// The link-layer address of the first node's first interface: the subject's.
fn subject_mac(topology: &Topology) -> Mac {
    let interface = topology.nodes.first().and_then(|node| node.interfaces.first());
    Mac(interface.map_or([0; 6], |interface| interface.mac))
}

/// The captured frames that came out of a port of the subject, the first node, by index.
fn sent_by_subject(topology: &Topology, notes: &[Note]) -> BTreeSet<usize> {
    let ports: BTreeSet<Port> =
        topology.ports().filter(|(_, node, _)| *node == 0).map(|(port, ..)| port).collect();
    let frame = |note: &Note| {
        let Note::Arrival { port, frame, .. } = note else { return None };
        ports.contains(port).then_some(*frame)
    };
    notes.iter().filter_map(frame).collect()
}

/// The subject by its own name; whom the tester plays by the plan.
fn names(bench: &Bench, plan: &Plan) -> Names {
    let mut names = Names::of(bench.topology());
    for (name, address, label) in [
        ("mt", plan.hoa, "hoa"),
        ("ha", plan.ha, "ha"),
        ("ss", plan.ss, "ss"),
        ("cn", plan.cn, "cn"),
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

/// Writes the rows that single messages broke onto those.
fn annotate_broken(capture: &mut Capture, rules: &[Held]) {
    for held in rules.iter().filter(|held| held.verdict() > Verdict::Info) {
        for Broken { frame, octet, what, .. } in &held.broken {
            let text = format!("{} {}: octet {octet}: {what}", held.verdict(), held.row);
            capture.comment(*frame, text);
        }
    }
}
