//! The file `known-failures.toml`: one `[[failure]]` for each purpose that is expected to fail.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::date::Date;
use crate::verdict::Verdict;

/// A list of known failures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownFailures {
    /// Its file, as it was named.
    pub file: String,
    /// What it expects, in its order; no two of the same purpose.
    pub entries: Vec<Entry>,
}

/// A purpose that is expected to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The purpose.
    pub id: At<String>,
    /// FAIL, WARN or INCONC.
    pub verdict: At<Verdict>,
    /// What its reason contains.
    pub reason: At<String>,
    /// The version of the purpose that was looked at.
    pub version: At<u32>,
    /// Where the failure is being worked on.
    pub issue: String,
    /// The day on which it was listed.
    pub since: Date,
    /// The last day on which it counts.
    pub expires: At<Date>,
}

/// A value, and the line on which it stands, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<T> {
    /// The line.
    pub line: usize,
    /// The value.
    pub value: T,
}

/// Why a list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct KnownFailuresError {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What was expected there; it names the key.
    pub what: String,
}

impl KnownFailures {
    /// Reads the text of the list called `file`.
    ///
    /// # Errors
    ///
    /// Where it is not TOML of this form, or names a purpose twice.
    pub fn read(file: &str, text: &str) -> Result<Self, KnownFailuresError> {
        let wrong = |line, what: String| KnownFailuresError { file: file.to_owned(), line, what };
        let raw: RawList = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            wrong(line, error.message().lines().collect::<Vec<_>>().join("; "))
        })?;
        let mut lines = BTreeMap::new();
        let mut entries = Vec::new();
        for raw in raw.failure {
            let entry = raw.entry(text).map_err(|(line, what)| wrong(line, what))?;
            let At { line, value } = &entry.id;
            if let Some(first) = lines.insert(value.clone(), *line) {
                let what = format!("id: {value} is listed already, on line {first}");
                return Err(wrong(*line, what));
            }
            entries.push(entry);
        }
        Ok(Self { file: file.to_owned(), entries })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawList {
    #[serde(default)]
    failure: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    id: Spanned<String>,
    verdict: Spanned<String>,
    reason: Spanned<String>,
    version: Spanned<u32>,
    issue: Spanned<String>,
    since: Spanned<Datetime>,
    expires: Spanned<Datetime>,
}

impl RawEntry {
    fn entry(self, text: &str) -> Result<Entry, (usize, String)> {
        let verdict = at(text, self.verdict);
        let expected = |found: &Verdict| EXPECTED.contains(found);
        let known = Verdict::called(&verdict.value).filter(expected).ok_or_else(|| {
            let words = EXPECTED.map(Verdict::word).join(", ");
            (verdict.line, format!("verdict: `{}` is none of {words}", verdict.value))
        })?;
        let reason = filled("reason", at(text, self.reason))?;
        let issue = filled("issue", at(text, self.issue))?.value;
        let since = day("since", at(text, self.since))?;
        let expires = day("expires", at(text, self.expires))?;
        if expires.value < since.value {
            let what = format!("expires: {} lies before since, {}", expires.value, since.value);
            return Err((expires.line, what));
        }
        Ok(Entry {
            id: at(text, self.id),
            verdict: At { line: verdict.line, value: known },
            reason,
            version: at(text, self.version),
            issue,
            since: since.value,
            expires,
        })
    }
}

fn at<T>(text: &str, spanned: Spanned<T>) -> At<T> {
    At { line: line_of(text, spanned.span().start), value: spanned.into_inner() }
}

/// Text that would be found everywhere says nothing.
fn filled(key: &str, text: At<String>) -> Result<At<String>, (usize, String)> {
    if text.value.trim().is_empty() {
        return Err((text.line, format!("{key}: expected a text, found none")));
    }
    Ok(text)
}

fn day(key: &str, moment: At<Datetime>) -> Result<At<Date>, (usize, String)> {
    let At { line, value } = moment;
    match value {
        Datetime { date: Some(date), time: None, offset: None } => {
            Ok(At { line, value: Date { year: date.year, month: date.month, day: date.day } })
        }
        other => Err((line, format!("{key}: expected a day such as 2027-05-31, found {other}"))),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|octet| **octet == b'\n').count() + 1
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.id.value, self.verdict.value, self.issue)
    }
}

/// What can be expected of a device; ERROR is the harness's own.
const EXPECTED: [Verdict; 3] = [Verdict::Fail, Verdict::Warn, Verdict::Inconc];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const WHOLE: &str = r#"
# What the vendor works on.
[[failure]]
id = "CL-RO-06"
verdict = "FAIL"
reason = "to the home address"
version = 1
issue = "https://example.com/7"
since = 2026-11-24
expires = 2027-05-31
"#;

    #[test]
    fn a_list_is_read_with_its_lines() {
        let list = KnownFailures::read("known-failures.toml", WHOLE).unwrap();
        let [entry] = &list.entries[..] else { panic!("{list:?}") };
        assert_eq!(entry.id, At { line: 4, value: "CL-RO-06".to_owned() });
        assert_eq!(entry.verdict, At { line: 5, value: Verdict::Fail });
        assert_eq!((entry.reason.line, entry.version.line), (6, 7));
        let expires = At { line: 10, value: Date { year: 2027, month: 5, day: 31 } };
        assert_eq!(entry.expires, expires);
        assert_eq!(KnownFailures::read("f", "").unwrap().entries, []);
    }

    #[rstest]
    #[case::no_toml("id = \"CL", "id =", "f:4: ")]
    #[case::a_key_that_there_is_not("ids = \"CL-RO-06\"", "id =", "f:4: unknown field `ids`")]
    #[case::a_key_that_is_missing("", "reason", "missing field `reason`")]
    #[case::not_a_number(
        "version = \"1\"",
        "version",
        "f:7: invalid type: string \"1\", expected u32"
    )]
    #[case::a_verdict_of_the_harness(
        "verdict = \"ERROR\"",
        "verdict",
        "f:5: verdict: `ERROR` is none of FAIL, WARN, INCONC"
    )]
    #[case::no_reason("reason = \" \"", "reason", "f:6: reason: expected a text, found none")]
    #[case::no_issue("issue = \"\"", "issue", "f:8: issue: expected a text, found none")]
    #[case::no_day(
        "expires = 2027-05-31T00:00:00Z",
        "expires",
        "f:10: expires: expected a day such as 2027-05-31, found 2027-05-31T00:00:00Z"
    )]
    #[case::never_valid(
        "expires = 2026-11-23",
        "expires",
        "f:10: expires: 2026-11-23 lies before since, 2026-11-24"
    )]
    fn what_is_wrong_is_told_with_its_line(
        #[case] line: &str,
        #[case] in_place_of: &str,
        #[case] expected: &str,
    ) {
        let replace = |old: &str| {
            if old.starts_with(in_place_of) { line.to_owned() } else { old.to_owned() }
        };
        let text: Vec<String> = WHOLE.lines().map(replace).collect();
        let error = KnownFailures::read("f", &text.join("\n")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_purpose_is_listed_once() {
        let error = KnownFailures::read("f", &WHOLE.repeat(2)).unwrap_err().to_string();
        assert_eq!(error, "f:14: id: CL-RO-06 is listed already, on line 4");
    }
}
