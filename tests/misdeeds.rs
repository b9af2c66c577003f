//! A test that has never failed is not verified: every misdeed is caught by what it was written for.
#![cfg(feature = "misdeeds")]

use roamproof::lab_arm::LabArm;
use roamproof_harness::purpose::Purpose;
use roamproof_harness::run::{Setting, run};
use roamproof_harness::verdict::Verdict;
use roamproof_node::misdeed::{self, Declared};

/// A misdeed is killed by a FAIL in a `then` of a purpose that judges the row it breaks.
#[test]
fn purposes_fail_on_the_misdeeds_they_were_written_for() {
    let mut survivors = Vec::new();
    let mut killed = 0;
    for declared in misdeed::ALL {
        for purpose in declared.shows_in.iter().filter_map(|id| Purpose::find(id)) {
            match kill(declared, purpose) {
                Ok(()) => killed += 1,
                Err(why) => survivors.push(why),
            }
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
    assert!(killed > 0, "no misdeed names a purpose");
}

fn kill(declared: &Declared, purpose: &Purpose) -> Result<(), String> {
    let misdeeds = vec![declared.name.to_owned()];
    let setting = Setting { seed: 1, misdeeds };
    let outcome = run(purpose, &mut LabArm, &setting).map_err(|why| why.to_string())?;
    if outcome.verdict == Verdict::Fail {
        return Ok(());
    }
    let stop = outcome.stop.map_or_else(String::new, |stop| stop.to_string());
    Err(format!("{} survives {}: {} {stop}", declared.name, purpose.id, outcome.verdict))
}
