//! What is wrong with a profile: file, line, key, what was expected, what to do.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

/// Why a profile cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; `None` where the file could not be read at all.
    pub line: Option<usize>,
    /// The key that is wrong, from the root: `attach.interface[0].mac`. Empty where it is none.
    pub key: String,
    /// What is wrong, and what was expected.
    pub what: String,
    /// What to do.
    pub cure: String,
}

/// A fault at a place in a profile's text.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where, in octets.
    pub(super) span: Range<usize>,
    /// What is wrong, and what was expected.
    pub(super) what: String,
    /// What to do, where there is more to say than where to read.
    pub(super) cure: Option<String>,
}

impl Fault {
    pub(super) fn at(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { span, what: what.into(), cure: None }
    }

    pub(super) fn cure(self, cure: impl Into<String>) -> Self {
        Self { cure: Some(cure.into()), ..self }
    }

    /// The fault that the TOML reader tells.
    pub(super) fn of_toml(error: &toml::de::Error) -> Self {
        // The reader names the values of an untagged choice by nothing at all.
        let what = match error.message() {
            "data did not match any variant of untagged enum RawTrigger" => {
                "expected a shell line, or a table with `command` and perhaps `limit_s`"
            }
            "data did not match any variant of untagged enum RawFeature" => {
                "expected a word, a number, true or false"
            }
            message => message,
        };
        let mut what = what.to_owned();
        for (theirs, ours) in WORDS {
            if let Some(head) = what.strip_suffix(theirs) {
                what = format!("{head}{ours}");
            }
        }
        Self::at(error.span().unwrap_or(0..0), what)
    }

    pub(super) fn in_file(self, file: PathBuf, text: &str) -> ProfileError {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let cure = self.cure.unwrap_or_else(|| READ_ON.to_owned());
        let key = key_at(text, &self.span);
        let quotes_a_key =
            key.starts_with("keys.") && self.what.starts_with("invalid type: string");
        let what = if quotes_a_key { NOT_A_KEY.to_owned() } else { self.what };
        ProfileError { file, line: Some(line), key, what, cure }
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for ProfileError {}

/// The key whose name or value holds `span`, the deepest there is.
fn key_at(text: &str, span: &Range<usize>) -> String {
    let mut key = String::new();
    if let Ok(table) = DeTable::parse(text) {
        descend(table.get_ref(), span, &mut key);
    }
    key
}

fn descend(table: &DeTable<'_>, span: &Range<usize>, path: &mut String) {
    for (name, value) in table {
        if !(holds(&name.span(), span) || within(value.get_ref(), &value.span(), span)) {
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name.get_ref());
        if !holds(&name.span(), span) {
            enter(value.get_ref(), span, path);
        }
        return;
    }
}

fn enter(value: &DeValue<'_>, span: &Range<usize>, path: &mut String) {
    match value {
        DeValue::Table(table) => descend(table, span, path),
        DeValue::Array(array) => {
            let place = array.iter().position(|one| within(one.get_ref(), &one.span(), span));
            if let Some(place) = place
                && let Some(one) = array.get(place)
            {
                path.push_str(&format!("[{place}]"));
                enter(one.get_ref(), span, path);
            }
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
}

/// Whether a value, or something below it, holds `span`: the span of a table with a header is its
/// header alone.
fn within(value: &DeValue<'_>, own: &Range<usize>, span: &Range<usize>) -> bool {
    holds(own, span)
        || match value {
            DeValue::Table(table) => table.iter().any(|(name, value)| {
                holds(&name.span(), span) || within(value.get_ref(), &value.span(), span)
            }),
            DeValue::Array(array) => {
                array.iter().any(|one| within(one.get_ref(), &one.span(), span))
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => false,
        }
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && !inner.is_empty()
}

/// How the reader ends what it says of a type, and how that is told.
const WORDS: [(&str, &str); 6] = [
    ("expected struct RawDevice", "expected a table"),
    ("expected struct RawAttach", "expected a table"),
    ("expected struct RawKey", "expected a table"),
    ("expected f64", "expected a number"),
    ("expected u16", "expected a whole number, not negative"),
    ("expected u32", "expected a whole number, not negative"),
];

/// What is told where a key may stand in the profile itself: it must not be printed.
const NOT_A_KEY: &str = "expected a table with `file` or `environment`, which says where the key is; \
                         the key itself does not belong here";

/// Where every key is described.
const READ_ON: &str =
    "`roamproof explain device.toml` describes every key; profiles/example.toml shows them all";
