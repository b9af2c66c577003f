//! One try: a purpose against a misdeed, or a misdeed in a sequence of the whole network.

use std::collections::BTreeSet;
use std::ptr;

use roamproof_harness::feature::Features;
use roamproof_harness::purpose::Purpose;
use roamproof_harness::run::{Setting, run};
use roamproof_harness::sequence::{Changes, RowVerdict, Sequence};
use roamproof_harness::tester::Kind;
use roamproof_harness::topology::{ArmError, claimed};
use roamproof_harness::verdict::Verdict;
use roamproof_node::misdeed::Declared;

use super::{Selection, of_role};
use crate::lab_arm::LabArm;

/// A purpose to run, with one misdeed or none.
pub(super) struct Challenge {
    purpose: &'static Purpose,
    misdeed: Option<&'static Declared>,
}

/// What came of a try.
pub(super) struct Ended {
    pub(super) verdict: Verdict,
    pub(super) why: Option<String>,
    /// Whether it ended in a sentence that says what a requirement demands.
    pub(super) in_then: bool,
    /// Whether a warning is the purpose's failure: every row that it judges is a SHOULD at most, or
    /// the sentence that it ended in is.
    warns: bool,
}

/// What came of a misdeed in a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallen {
    /// The rows that are broken.
    pub rows: BTreeSet<&'static str>,
    /// The rows that did not pass, a line each, and why the sequence did not come to its end.
    pub story: Vec<String>,
}

impl Challenge {
    /// Every selected purpose alone, and every selected misdeed against all purposes of its role.
    pub(super) fn of(selection: &Selection) -> Vec<Self> {
        let alone = selection.purposes.iter().map(|purpose| Self { purpose, misdeed: None });
        let misdeeds = selection.misdeeds.iter().flat_map(|declared| {
            of_role(declared.role).map(move |purpose| Self { purpose, misdeed: Some(*declared) })
        });
        alone.chain(misdeeds).collect()
    }

    /// Whether this is the try of `purpose` against `misdeed`.
    pub(super) fn is(&self, purpose: &Purpose, misdeed: Option<&Declared>) -> bool {
        let name = |declared: &Declared| declared.name;
        ptr::eq(self.purpose, purpose) && self.misdeed.map(name) == misdeed.map(name)
    }

    /// Runs it in the lab.
    pub(super) fn run(&self) -> Ended {
        let misdeeds = self.misdeed.iter().map(|declared| declared.name.to_owned()).collect();
        let warns = !super::is_binding(self.purpose);
        match run(
            self.purpose,
            &mut LabArm,
            &Setting {
                seed: SEED,
                misdeeds,
                features: Features::reference(),
                ..Setting::default()
            },
        ) {
            Ok(outcome) => {
                let last = outcome.clauses.last().map(|clause| clause.kind);
                let ends_in = |kinds: &[Kind]| last.is_some_and(|last| kinds.contains(&last));
                Ended {
                    verdict: outcome.verdict,
                    why: outcome.stop.map(|stop| stop.to_string()),
                    in_then: last.is_some_and(demands),
                    warns: warns || ends_in(&[Kind::Should]),
                }
            }
            Err(why) => {
                Ended { verdict: Verdict::Error, why: Some(why.to_string()), in_then: false, warns }
            }
        }
    }
}

impl Ended {
    /// Whether the purpose failed; where it judges no MUST, whether it warned.
    pub(super) fn failed(&self) -> bool {
        self.verdict == Verdict::Fail || self.warns && self.verdict == Verdict::Warn
    }
}

/// Whether a sentence says what a requirement demands or recommends.
const fn demands(kind: Kind) -> bool {
    match kind {
        Kind::Then | Kind::Should => true,
        Kind::Given | Kind::When => false,
    }
}

/// The rows that fall where every node of its role does a misdeed in a sequence.
///
/// # Errors
///
/// Where the network of the sequence cannot be set up.
pub fn fallen(declared: &Declared, sequence: &Sequence) -> Result<Fallen, ArmError> {
    let topology = claimed::topology(&(sequence.wants)());
    let doers = topology.nodes.iter().filter(|node| node.role.name() == declared.role);
    let misdeeds = doers.map(|node| (node.name.clone(), declared.name.to_owned())).collect();
    let changes = Changes { misdeeds, ..Changes::default() };
    let played = sequence.play(&mut LabArm, changes, &mut |_| {})?;
    let rows = sequence.judged(&played);
    let broken = rows.iter().filter(|row| is_broken(row)).map(|row| row.row).collect();
    let unpassed = rows.iter().filter(|row| row.verdict != Verdict::Pass);
    let told = unpassed.map(|row| format!("{} {} {:?}", row.verdict, row.row, row.why));
    let trouble = played.trouble.iter().map(|trouble| format!("trouble: {trouble}"));
    Ok(Fallen { rows: broken, story: told.chain(trouble).collect() })
}

/// A MUST that is broken fails; a SHOULD warns.
const fn is_broken(row: &RowVerdict) -> bool {
    matches!(row.verdict, Verdict::Fail | Verdict::Warn)
}

/// One seed for every try: the matrix follows from the code alone.
const SEED: u64 = 1;
