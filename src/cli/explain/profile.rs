//! `explain device.toml`: every key of a device profile, and what its command lines are told.

use std::fmt::Write as _;

use roamproof_harness::profile::{VARIABLES, schema};
use serde_json::{Value, json};

use super::{Explained, bold};
use crate::cli::Context;

/// The name under which it is explained.
pub(super) const NAME: &str = "device.toml";

/// Every key, table by table, in the order of the schema; the schema itself for programs.
pub(super) fn explained(context: &Context) -> Explained {
    let schema = schema();
    let mut text = format!("{}  {}\n", bold(context, NAME), description(&schema));
    for (table, value) in properties(&schema) {
        let of = resolved(&schema, value);
        let required = if is_required(&schema, table) { "" } else { " (may be left out)" };
        writeln!(
            text,
            "\n{}{required}  {}",
            bold(context, &format!("[{table}]")),
            description(value)
        )
        .expect("a string takes any text");
        keys(&schema, of, "", &mut text);
    }
    writeln!(text, "\n{}  what commands and triggers find", bold(context, "environment"))
        .expect("a string takes any text");
    for (name, what) in VARIABLES {
        writeln!(text, "  {name}  {what}").expect("a string takes any text");
    }
    text.push_str("\nA trigger that exits with 89 says that the device cannot.\n");
    let variables: serde_json::Map<String, Value> =
        VARIABLES.iter().map(|(name, what)| ((*name).to_owned(), json!(what))).collect();
    let document = json!({ "id": NAME, "schema": schema, "environment": variables });
    Explained { text, document }
}

fn keys(schema: &Value, table: &Value, before: &str, text: &mut String) {
    for (name, value) in properties(table) {
        let of = resolved(schema, value);
        let required = if is_required(table, name) { ", must be said" } else { "" };
        writeln!(text, "  {before}{name}{}{required}  {}", kind(of), description(value))
            .expect("a string takes any text");
        let items = of.get("items").map_or(of, |items| resolved(schema, items));
        if of.get("enum").is_none() {
            keys(schema, items, &format!("{before}{name}."), text);
        }
    }
}

/// What a value may be, where it is not simply text.
fn kind(of: &Value) -> String {
    if let Some(words) = of.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = words.iter().map(Value::to_string).collect();
        return format!(" = {}", words.join(" | "));
    }
    let of = of.get("type");
    let first = of.and_then(|kind| kind.get(0)).or(of).and_then(Value::as_str);
    match first {
        Some("boolean") => " = true | false".to_owned(),
        Some("number" | "integer") => " = a number".to_owned(),
        Some("array") => " = a list".to_owned(),
        Some(_) | None => String::new(),
    }
}

/// What a reference, alone or as one of two, leads to.
fn resolved<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    let choice = value.get("anyOf").and_then(|choices| choices.get(0)).unwrap_or(value);
    let path = choice.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| schema.pointer(path)).unwrap_or(value)
}

fn properties(table: &Value) -> impl Iterator<Item = (&String, &Value)> {
    table.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn is_required(table: &Value, name: &str) -> bool {
    let required = table.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|one| one == name))
}

fn description(value: &Value) -> String {
    value.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}
