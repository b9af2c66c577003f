//! What the per-message rules say of a capture.

use std::fmt::Write as _;

use roamproof_harness::rules::{Broken, Held};
use roamproof_harness::verdict::Verdict;
use serde::Serialize;

use crate::cli::{Context, verdicts};

/// A row of the per-message rules, for programs.
#[derive(Serialize)]
pub(super) struct Rule<'a> {
    row: &'static str,
    pub(super) verdict: Verdict,
    messages: usize,
    breaks: usize,
    broken: Vec<Message<'a>>,
}

/// A message that breaks it.
#[derive(Serialize)]
struct Message<'a> {
    /// As tshark counts it.
    packet: usize,
    /// From the start of the frame.
    octet: usize,
    from: String,
    what: &'a str,
}

impl<'a> Rule<'a> {
    pub(super) fn of(held: &'a Held) -> Self {
        let message = |Broken { frame, octet, from, what }: &'a Broken| Message {
            packet: frame + 1,
            octet: *octet,
            from: from.to_string(),
            what,
        };
        Self {
            row: held.row,
            verdict: held.verdict(),
            messages: held.messages,
            breaks: held.breaks,
            broken: held.broken.iter().map(message).collect(),
        }
    }
}

/// A line for each row that was broken, one for each packet that broke it, and one for all that held.
pub(super) fn text(rules: &[Rule<'_>], context: &Context) -> anyhow::Result<String> {
    let mut text = String::new();
    for rule in rules.iter().filter(|rule| rule.breaks > 0) {
        let Rule { row, verdict, messages, breaks, broken } = rule;
        let word = context.paint(verdicts::color(*verdict), &format!("{verdict:6}"));
        writeln!(text, "{word} {row:10}  {breaks} of {messages} messages")?;
        for Message { packet, octet, from, what } in broken {
            writeln!(text, "       packet {packet}, octet {octet}, from {from}: {what}")?;
        }
    }
    let held: Vec<&str> = rules.iter().filter(|one| one.breaks == 0).map(|one| one.row).collect();
    if !held.is_empty() {
        writeln!(text, "Every message keeps: {}", held.join(" "))?;
    }
    Ok(text)
}
