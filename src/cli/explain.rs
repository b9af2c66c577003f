//! `explain`: one requirement, purpose, misdeed, decision or ambiguity in full; the device profile.

mod misdeed;
mod profile;
mod purpose;
mod requirement;

use anstyle::Style;
use roamproof_harness::ExitCode;
use roamproof_harness::catalogue::{Catalogue, Pattern};
use roamproof_harness::purpose::{self as purposes, Purpose};
use roamproof_node::misdeed as misdeeds;
use serde_json::{Value, json};

use super::{Context, Format, Refusal};

/// Explain a requirement: what is done, what is expected, what would be wrong, and who judges it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A requirement, a purpose, a misdeed, a decision such as D5 or an ambiguity such as AMB-07; a
    /// glob explains every requirement and purpose it names. `device.toml` explains every key of a
    /// device profile; `device.schema.json` and `result.schema.json` print the schemas.
    #[arg(value_name = "ID|GLOB", required = true)]
    ids: Vec<String>,
}

/// A schema's name, and its text.
type Schema = (&'static str, fn() -> String);

/// The schemas that are shipped, printed as they are.
const SCHEMAS: [Schema; 2] = [
    ("device.schema.json", roamproof_harness::profile::schema_text),
    ("result.schema.json", roamproof_harness::report::result_schema),
];

/// What is said of one thing, for people and for programs.
struct Explained {
    text: String,
    document: Value,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    if let [name] = args.ids.as_slice()
        && let Some((_, text)) = SCHEMAS.iter().find(|(schema, _)| schema == name)
    {
        context.print(&text())?;
        return Ok(ExitCode::Success);
    }
    let mut explained = Vec::new();
    for id in &args.ids {
        explained.extend(explain(id, context)?);
    }
    match context.format {
        Format::Json => {
            let documents: Vec<Value> = explained.into_iter().map(|one| one.document).collect();
            context.print_json(&json!({ "explained": documents }))?;
        }
        Format::Text => {
            let texts: Vec<String> = explained.into_iter().map(|one| one.text).collect();
            context.print(&texts.join("\n"))?;
        }
    }
    Ok(ExitCode::Success)
}

fn explain(id: &str, context: &Context) -> anyhow::Result<Vec<Explained>> {
    if id == profile::NAME {
        return Ok(vec![profile::explained(context)]);
    }
    let catalogue = Catalogue::embedded();
    if let Some(decision) = catalogue.decision(id) {
        let document = json!({"id": id, "question": decision.question, "answer": decision.answer});
        let text = question(context, id, &decision.question, &decision.answer);
        return Ok(vec![Explained { text, document }]);
    }
    if let Some(ambiguity) = catalogue.ambiguity(id) {
        let document =
            json!({"id": id, "question": ambiguity.question, "treatment": ambiguity.treatment});
        let text = question(context, id, &ambiguity.question, &ambiguity.treatment);
        return Ok(vec![Explained { text, document }]);
    }
    if let Some(declared) = misdeeds::ALL.iter().find(|declared| declared.name == id) {
        return Ok(vec![misdeed::explained(declared, context)]);
    }
    let pattern = Pattern::new(id);
    let rows = catalogue.matching(id).unwrap_or_default();
    let named = purposes::ALL.iter().copied().filter(|purpose| pattern.names(purpose.id));
    let named: Vec<&'static Purpose> = named.collect();
    if rows.is_empty() && named.is_empty() {
        let names = purposes::ALL.iter().map(|purpose| purpose.id);
        let names = names.chain(misdeeds::ALL.iter().map(|declared| declared.name));
        return Err(Refusal::unknown_id(catalogue.unknown_among(id, names)).into());
    }
    let mut explained = Vec::new();
    for row in &rows {
        explained.push(requirement::explained(row, context)?);
    }
    // A purpose that bears the name of a row is told with that row.
    let told =
        |purpose: &&&Purpose| rows.iter().any(|row| purpose.verifies.contains(&row.id.as_str()));
    for purpose in named.iter().filter(|purpose| !told(purpose)) {
        explained.push(purpose::explained(purpose, context)?);
    }
    Ok(explained)
}

fn question(context: &Context, id: &str, question: &str, answer: &str) -> String {
    format!("{}  {question}\n  {answer}\n", bold(context, id))
}

fn bold(context: &Context, text: &str) -> String {
    context.paint(Style::new().bold(), text)
}

/// One named value of a text.
fn line(name: &str, value: &str) -> String {
    format!("  {name:10} {value}\n")
}
