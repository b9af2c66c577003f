//! A test purpose in full, with the sentences that the reference passes it by.

use roamproof::lab_arm::LabArm;
use roamproof_harness::purpose::Purpose;
use roamproof_harness::run::{Setting, run};
use roamproof_harness::tester::Clause;
use serde_json::{Value, json};

use super::{Context, Explained, bold, line};
use crate::cli::Refusal;
use crate::cli::described::Described;

/// The purpose as it is declared; its sentences are those of a run in the lab.
pub(super) fn explained(purpose: &'static Purpose, context: &Context) -> anyhow::Result<Explained> {
    let described = Described::of(purpose);
    let clauses = clauses(purpose)?;
    let Described { id, version, level, role, .. } = &described;
    let mut text = format!("{}  {level}  {role}  version {version}\n", bold(context, id));
    let or =
        |words: String, nothing: &str| if words.is_empty() { nothing.to_owned() } else { words };
    text += &line("title", described.title);
    text += &line("verifies", &described.verifies.join(", "));
    text += &line("applies if", &or(described.applies.join("; "), "always"));
    text += &line("triggers", &or(described.triggers.join(", "), "none"));
    text += &line("waits", &format!("{} s at most", described.waits_max));
    for clause in &clauses {
        text += &line(clause.kind.word(), &clause.text);
    }
    text += &line("kills", &or(described.kills.join(", "), "nothing that was reviewed"));
    let mut document = serde_json::to_value(&described)?;
    document["clauses"] = clauses
        .iter()
        .map(|clause| json!({"kind": clause.kind.word(), "text": clause.text}))
        .collect::<Vec<Value>>()
        .into();
    Ok(Explained { text, document })
}

fn clauses(purpose: &'static Purpose) -> Result<Vec<Clause>, Refusal> {
    let features = purpose.features_of_reference();
    let setting = Setting { seed: 1, features, ..Setting::default() };
    let outcome = run(purpose, &mut LabArm, &setting).map_err(Refusal::arm)?;
    Ok(outcome.clauses)
}
