//! A test that has never failed is not verified: every misdeed is caught by what it was written for.
//!
//! A misdeed is killed where the row that it breaks falls, in a `then` of a purpose or in the
//! oracle's judgement of a sequence, and no row falls with it that it does not declare.

use std::collections::BTreeSet;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use roamproof::lab_arm::LabArm;
use roamproof_harness::purpose::{self, Purpose};
use roamproof_harness::run::{Setting, run};
use roamproof_harness::sequence::{self, Changes, RowVerdict, Sequence};
use roamproof_harness::topology::claimed;
use roamproof_harness::verdict::Verdict;
use roamproof_node::misdeed::{self, Declared};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = misdeed::ALL.iter().flat_map(|declared| {
        declared.shows_in.iter().map(move |place| {
            let name = format!("{}/{}/{place}", declared.role, declared.name);
            Trial::test(name, move || is_killed(declared, place))
        })
    });
    let mut trials: Vec<Trial> = trials.collect();
    trials.push(Trial::test("every_misdeed_shows_somewhere", every_misdeed_shows_somewhere));
    trials.push(Trial::test("sequences_catch_forty", sequences_catch_forty));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn is_killed(declared: &Declared, place: &str) -> Result<(), Failed> {
    match (Purpose::find(place), Sequence::find(place)) {
        (Some(purpose), _) => fails_the_purpose(declared, purpose),
        (None, Some(sequence)) => falls_in_the_sequence(declared, sequence),
        (None, None) => Err(format!("no purpose and no sequence is called {place}").into()),
    }
}

fn fails_the_purpose(declared: &Declared, purpose: &Purpose) -> Result<(), Failed> {
    if !purpose.verifies.contains(&declared.breaks) {
        return Err(format!("{} does not judge {}", purpose.id, declared.breaks).into());
    }
    let misdeeds = vec![declared.name.to_owned()];
    let outcome = run(purpose, &mut LabArm, &Setting { seed: 1, misdeeds, ..Setting::default() })?;
    if outcome.verdict == Verdict::Fail {
        return Ok(());
    }
    let stop = outcome.stop.map_or_else(String::new, |stop| stop.to_string());
    Err(format!("survives {}: {} {stop}", purpose.id, outcome.verdict).into())
}

fn falls_in_the_sequence(declared: &Declared, sequence: &Sequence) -> Result<(), Failed> {
    let topology = claimed::topology(&(sequence.wants)());
    let of_role = topology.nodes.iter().filter(|node| node.role.name() == declared.role);
    let misdeeds: Vec<(String, String)> =
        of_role.map(|node| (node.name.clone(), declared.name.to_owned())).collect();
    if misdeeds.is_empty() {
        return Err(format!("{} has no {}", sequence.id, declared.role).into());
    }
    let changes = Changes { misdeeds, ..Changes::default() };
    let played = sequence.play(&mut LabArm, changes, &mut |_| {})?;
    let rows = sequence.judged(&played);
    let fallen: BTreeSet<&str> =
        rows.iter().filter(|row| has_fallen(row)).map(|row| row.row).collect();
    let mut declared_rows: BTreeSet<&str> = declared.falls_with_it.iter().copied().collect();
    declared_rows.insert(declared.breaks);
    let undeclared: Vec<&&str> = fallen.difference(&declared_rows).collect();
    if fallen.contains(declared.breaks) && undeclared.is_empty() {
        return Ok(());
    }
    let story: Vec<String> = rows
        .iter()
        .filter(|row| row.verdict != Verdict::Pass)
        .map(|row| format!("{} {} {:?}", row.verdict, row.row, row.why))
        .collect();
    Err(format!(
        "breaks {}, fallen: {fallen:?}, undeclared: {undeclared:?}, trouble: {:?}\n{}",
        declared.breaks,
        played.trouble.map(|trouble| trouble.to_string()),
        story.join("\n")
    )
    .into())
}

/// A MUST that is broken fails; a SHOULD warns.
const fn has_fallen(row: &RowVerdict) -> bool {
    matches!(row.verdict, Verdict::Fail | Verdict::Warn)
}

/// Misdeeds against rows that need a tester of their own to be seen: they wait for the purpose that
/// plays it. A row that a sequence exercises or a purpose judges has none here only.
fn every_misdeed_shows_somewhere() -> Result<(), Failed> {
    let is_judged = |row: &str| {
        sequence::ALL.iter().any(|sequence| sequence.exercises.contains(&row))
            || purpose::ALL.iter().any(|purpose| purpose.verifies.contains(&row))
    };
    let is_shown =
        |row: &str| misdeed::ALL.iter().any(|one| one.breaks == row && !one.shows_in.is_empty());
    let hidden: Vec<&str> = misdeed::ALL
        .iter()
        .filter(|declared| declared.shows_in.is_empty())
        .filter(|declared| is_judged(declared.breaks) && !is_shown(declared.breaks))
        .map(|declared| declared.name)
        .collect();
    if hidden.is_empty() { Ok(()) } else { Err(format!("shown nowhere: {hidden:?}").into()) }
}

/// The rows that the sequences exercise are shown to fail by at least forty misdeeds.
fn sequences_catch_forty() -> Result<(), Failed> {
    let caught = misdeed::ALL
        .iter()
        .filter(|declared| declared.shows_in.iter().any(|place| Sequence::find(place).is_some()))
        .count();
    if caught >= 40 {
        Ok(())
    } else {
        Err(format!("only {caught} misdeeds show in sequences").into())
    }
}
