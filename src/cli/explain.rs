//! `explain`: one requirement, decision or ambiguity in full.

use std::fmt::Write as _;

use anstyle::Style;
use roamproof_harness::catalogue::Catalogue;
use roamproof_harness::{ExitCode, Requirement};
use serde_json::json;

use super::{Context, Format, Refusal};

/// Explain a requirement: what is done, what is expected, and what would be wrong.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A requirement, a decision such as D5 or an ambiguity such as AMB-07; a glob explains every requirement it names.
    #[arg(value_name = "ID|GLOB", required = true)]
    ids: Vec<String>,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let catalogue = Catalogue::embedded();
    let mut documents = Vec::new();
    let mut texts = Vec::new();
    for id in &args.ids {
        if let Some(decision) = catalogue.decision(id) {
            texts.push(question(context, id, &decision.question, &decision.answer));
            documents
                .push(json!({"id": id, "question": decision.question, "answer": decision.answer}));
        } else if let Some(ambiguity) = catalogue.ambiguity(id) {
            texts.push(question(context, id, &ambiguity.question, &ambiguity.treatment));
            documents.push(
                json!({"id": id, "question": ambiguity.question, "treatment": ambiguity.treatment}),
            );
        } else {
            for requirement in catalogue.matching(id).map_err(Refusal::unknown_id)? {
                texts.push(text(context, requirement, catalogue));
                documents.push(serde_json::to_value(requirement)?);
            }
        }
    }
    match context.format {
        Format::Json => context.print_json(&json!({ "explained": documents }))?,
        Format::Text => context.print(&texts.join("\n"))?,
    }
    Ok(ExitCode::Success)
}

fn question(context: &Context, id: &str, question: &str, answer: &str) -> String {
    format!("{}  {question}\n  {answer}\n", context.paint(Style::new().bold(), id))
}

fn text(context: &Context, requirement: &Requirement, catalogue: &Catalogue) -> String {
    let roles: Vec<&str> = requirement.roles.iter().map(|role| role.name()).collect();
    let id = context.paint(Style::new().bold(), &requirement.id);
    let mut text =
        format!("{id}  {}  {}  {}\n", requirement.level, roles.join(" "), requirement.source());
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name:10} {value}").expect("a string takes any text");
    };
    line("about", &requirement.topic);
    if let Some(followed) =
        requirement.follows.as_ref().and_then(|id| catalogue.requirement(id).ok())
    {
        line("follows", &format!("{}: {}", followed.id, followed.stimulus));
    }
    line("stimulus", &requirement.stimulus);
    line("expected", &requirement.expected);
    for misdeed in &requirement.misdeeds {
        line("misdeed", misdeed);
    }
    if let Some(control) = &requirement.control {
        line("control", control);
    }
    if let Some(declared) = &requirement.declared {
        line("only if", &format!("the device declares {declared}"));
    }
    if !requirement.see.is_empty() {
        line("see", &requirement.see.join(", "));
    }
    for decision in requirement.decisions.iter().filter_map(|id| catalogue.decision(id)) {
        line(&decision.id, &decision.answer);
    }
    for ambiguity in requirement.ambiguities.iter().filter_map(|id| catalogue.ambiguity(id)) {
        line(&ambiguity.id, &ambiguity.treatment);
    }
    if let Some(note) = &requirement.note {
        line("note", note);
    }
    if let Some(exception) = catalogue.exception(&requirement.id) {
        line("excused", &exception.reason);
    }
    text
}
