//! A misdeed in full: what the reference does wrong, and who catches it.

use roamproof::kill_matrix::kept;
use roamproof_harness::Catalogue;
use roamproof_node::misdeed::Declared;
use serde_json::json;

use super::{Context, Explained, bold, line};

/// What it does, the row that it breaks, and who was seen to catch it.
pub(super) fn explained(declared: &Declared, context: &Context) -> Explained {
    let Declared { name, role, does, breaks, shows_in, .. } = declared;
    let caught = kept::caught(name);
    let mut text = format!("{}  misdeed  {role}\n", bold(context, name));
    text += &line("does", does.trim());
    if let Ok(row) = Catalogue::embedded().requirement(breaks) {
        text += &line("breaks", &format!("{} {}: {}", row.id, row.level, row.expected));
    }
    text += &line("caught by", caught.unwrap_or("nothing that was reviewed"));
    if !shows_in.is_empty() {
        text += &line("shows in", &shows_in.join(", "));
    }
    let document = json!({
        "misdeed": name, "role": role, "does": does.trim(), "breaks": breaks,
        "shows_in": shows_in, "caught_by": caught,
    });
    Explained { text, document }
}
