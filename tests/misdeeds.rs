//! A test that has never failed is not verified: every misdeed is caught by what it was written for.
//!
//! A misdeed is killed where the row that it breaks falls, in a `then` of a purpose or in the
//! oracle's judgement of a sequence, and no row falls with it there that it does not declare.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::LazyLock;

use libtest_mimic::{Arguments, Failed, Trial};
use roamproof::kill_matrix::{KillMatrix, Selection, fallen, kept};
use roamproof_harness::sequence::Sequence;
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
    trials.push(Trial::test("everything_is_proven", everything_is_proven));
    trials
        .push(Trial::test("kills_are_the_reviewed_ones", the_matrix_is_the_one_that_was_reviewed));
    trials.push(Trial::test("few_rows_fall_with_a_misdeed", few_rows_fall_with_a_misdeed));
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

/// Every purpose passes and, for a MUST, kills; no misdeed survives.
///
/// `cargo run --features misdeeds -- prove --only ID` shows one alone.
fn everything_is_proven() -> Result<(), Failed> {
    let faults = MATRIX.faults();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

fn the_matrix_is_the_one_that_was_reviewed() -> Result<(), Failed> {
    if MATRIX.told() == kept::TEXT {
        return Ok(());
    }
    let cure = "cargo run -q --features misdeeds -- prove > specs/kills.txt";
    Err(format!("the kills changed: `{cure}`, and look at the difference").into())
}

/// What takes many rows with it says nothing about its own.
fn few_rows_fall_with_a_misdeed() -> Result<(), Failed> {
    let many: Vec<&str> = misdeed::ALL
        .iter()
        .filter(|declared| declared.falls_with_it.len() > 3)
        .map(|declared| declared.name)
        .collect();
    if many.is_empty() { Ok(()) } else { Err(format!("break less: {many:?}").into()) }
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
