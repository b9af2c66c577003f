//! Every purpose as a cargo test, against the reference in simulated time, and live where it can run.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use roamproof::lab_arm::{LAB_EPOCH, LabArm};
use roamproof_harness::purpose::{self, Purpose};
use roamproof_harness::run::{Setting, run};
use roamproof_harness::verdict::Verdict;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let lab = purpose::ALL
        .iter()
        .map(|purpose| Trial::test(format!("lab::{}", purpose.id), || passes_in_the_lab(purpose)));
    libtest_mimic::run(&arguments, lab.collect()).exit_code()
}

fn passes_in_the_lab(purpose: &Purpose) -> Result<(), Failed> {
    let setting = Setting { seed: 1, epoch: LAB_EPOCH, misdeeds: Vec::new() };
    let outcome = run(purpose, &mut LabArm, &setting)?;
    if outcome.verdict == Verdict::Pass {
        return Ok(());
    }
    let why = outcome.stop.map_or_else(String::new, |stop| stop.to_string());
    Err(format!("{}: {} {why}\n{:#?}", purpose.id, outcome.verdict, outcome.output).into())
}
