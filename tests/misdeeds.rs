//! A test that has never failed is not verified: every misdeed is caught by what it was written for.
//!
//! A misdeed is killed where the row that it breaks falls, in a `then` of a purpose or in the
//! oracle's judgement of a sequence, and no row falls with it there that it does not declare.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::LazyLock;

use libtest_mimic::{Arguments, Failed, Trial};
use roamproof::kill_matrix::{Fate, KillMatrix, Selection, fallen};
use roamproof_harness::purpose;
use roamproof_harness::sequence::{self, Sequence};
use roamproof_node::misdeed::{self, Declared};

/// All purposes against all misdeeds, tried once.
static MATRIX: LazyLock<KillMatrix> =
    LazyLock::new(|| KillMatrix::tried(&Selection::all(), &|_, _| ()));

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = misdeed::ALL.iter().flat_map(|declared| {
        declared.shows_in.iter().map(move |place| {
            let name = format!("{}/{}/{place}", declared.role, declared.name);
            Trial::test(name, move || falls_in_the_sequence(declared, place))
        })
    });
    let mut trials: Vec<Trial> = trials.collect();
    trials.push(Trial::test("every_purpose_passes_and_kills", every_purpose_passes_and_kills));
    trials.push(Trial::test("every_judged_row_is_seen_to_fall", every_judged_row_is_seen_to_fall));
    trials.push(Trial::test("sequences_catch_forty", sequences_catch_forty));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn falls_in_the_sequence(declared: &Declared, place: &str) -> Result<(), Failed> {
    let Some(sequence) = Sequence::find(place) else {
        return Err(format!("no sequence is called {place}").into());
    };
    let fallen = fallen(declared, sequence)?;
    let mut declared_rows: BTreeSet<&str> = declared.falls_with_it.iter().copied().collect();
    declared_rows.insert(declared.breaks);
    let undeclared: Vec<&&str> = fallen.rows.difference(&declared_rows).collect();
    if fallen.rows.contains(declared.breaks) && undeclared.is_empty() {
        return Ok(());
    }
    Err(format!(
        "breaks {}, fallen: {:?}, undeclared: {undeclared:?}\n{}",
        declared.breaks,
        fallen.rows,
        fallen.story.join("\n")
    )
    .into())
}

/// `cargo run --features misdeeds -- prove --only ID` shows one alone.
fn every_purpose_passes_and_kills() -> Result<(), Failed> {
    let is_of_a_purpose =
        |fault: &String| purpose::ALL.iter().any(|one| fault.starts_with(&format!("{}: ", one.id)));
    let faults: Vec<String> = MATRIX.faults().into_iter().filter(is_of_a_purpose).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// A row that a sequence exercises or a purpose judges is broken by some misdeed that is caught.
fn every_judged_row_is_seen_to_fall() -> Result<(), Failed> {
    let is_judged = |row: &str| {
        sequence::ALL.iter().any(|sequence| sequence.exercises.contains(&row))
            || purpose::ALL.iter().any(|purpose| purpose.verifies.contains(&row))
    };
    let tried = || MATRIX.roles.iter().flat_map(|role| &role.misdeeds);
    let is_caught = |row: &str| tried().any(|one| one.breaks == row && one.fate == Fate::Killed);
    let hidden: Vec<&str> = tried()
        .filter(|one| is_judged(one.breaks) && !is_caught(one.breaks))
        .map(|one| one.name)
        .collect();
    if hidden.is_empty() { Ok(()) } else { Err(format!("caught nowhere: {hidden:?}").into()) }
}

/// The rows that the sequences exercise are shown to fail by at least forty misdeeds.
fn sequences_catch_forty() -> Result<(), Failed> {
    let caught = misdeed::ALL.iter().filter(|declared| !declared.shows_in.is_empty()).count();
    if caught >= 40 {
        Ok(())
    } else {
        Err(format!("only {caught} misdeeds show in sequences").into())
    }
}
