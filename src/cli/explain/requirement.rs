//! A requirement in full, and the purposes that judge it.

use roamproof_harness::Requirement;
use roamproof_harness::catalogue::Catalogue;
use roamproof_harness::coverage::judges;
use roamproof_harness::purpose::{self as purposes, Purpose};
use roamproof_node::misdeed;
use serde_json::Value;

use super::{Context, Explained, bold, line, purpose};

/// The requirement, who judges it, the misdeeds that break it, and each of its purposes in full.
pub(super) fn explained(row: &Requirement, context: &Context) -> anyhow::Result<Explained> {
    let judged_by = judged_by(row);
    let broken_by: Vec<&str> = misdeed::ALL
        .iter()
        .filter(|declared| declared.breaks == row.id)
        .map(|declared| declared.name)
        .collect();
    let mut text = words(row, context, Catalogue::embedded());
    if !judged_by.is_empty() {
        text += &line("judged by", &judged_by.join(", "));
    }
    if !broken_by.is_empty() {
        text += &line("broken by", &broken_by.join(", "));
    }
    let mut document = serde_json::to_value(row)?;
    let mut documents = Vec::new();
    for purpose in of_row(row) {
        let told = purpose::explained(purpose, context)?;
        text += "\n";
        text += &told.text;
        documents.push(told.document);
    }
    document["judged_by"] = judged_by.into();
    document["broken_by"] = broken_by.into();
    document["purposes"] = Value::Array(documents);
    Ok(Explained { text, document })
}

fn of_row(row: &Requirement) -> impl Iterator<Item = &'static Purpose> {
    purposes::ALL.iter().copied().filter(|purpose| purpose.verifies.contains(&row.id.as_str()))
}

/// Purposes, sequences and the oracle, each once.
fn judged_by(row: &Requirement) -> Vec<&'static str> {
    let judges = judges().into_iter().filter(|judge| judge.verifies.contains(&row.id.as_str()));
    judges.map(|judge| judge.name).collect()
}

fn words(row: &Requirement, context: &Context, catalogue: &Catalogue) -> String {
    let roles: Vec<&str> = row.roles.iter().map(|role| role.name()).collect();
    let id = bold(context, &row.id);
    let mut text = format!("{id}  {}  {}  {}\n", row.level, roles.join(" "), row.source());
    let mut line = |name: &str, value: &str| text += &line(name, value);
    line("about", &row.topic);
    if let Some(followed) = row.follows.as_ref().and_then(|id| catalogue.requirement(id).ok()) {
        line("follows", &format!("{}: {}", followed.id, followed.stimulus));
    }
    line("stimulus", &row.stimulus);
    line("expected", &row.expected);
    for misdeed in &row.misdeeds {
        line("misdeed", misdeed);
    }
    if let Some(control) = &row.control {
        line("control", control);
    }
    if let Some(declared) = &row.declared {
        line("only if", &format!("the device declares {declared}"));
    }
    if !row.see.is_empty() {
        line("see", &row.see.join(", "));
    }
    for decision in row.decisions.iter().filter_map(|id| catalogue.decision(id)) {
        line(&decision.id, &decision.answer);
    }
    for ambiguity in row.ambiguities.iter().filter_map(|id| catalogue.ambiguity(id)) {
        line(&ambiguity.id, &ambiguity.treatment);
    }
    if let Some(note) = &row.note {
        line("note", note);
    }
    let judged = !judged_by(row).is_empty();
    if let Some(exception) = catalogue.exception(&row.id).filter(|_| !judged) {
        line("excused", &exception.reason);
    }
    text
}
