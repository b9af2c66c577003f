//! Parameters behind semicolons, of header fields and of URIs (RFC 3261 25.1).

use std::ops::Range;

use super::text::{Cursor, is_parameter, trimmed};
use crate::WireError;

/// Checked parameters, as text: `;branch=z9hG4bK776;rport`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parameters<'a> {
    text: &'a str,
}

impl<'a> Parameters<'a> {
    /// The parameters as they were written, the first semicolon included.
    pub const fn text(self) -> &'a str {
        self.text
    }

    /// Each name with its value, in order; values keep their quotes.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let mut cursor = Cursor::new("parameters", self.text.as_bytes());
        std::iter::from_fn(move || {
            let Parameter { name, value } = next(&mut cursor).ok().flatten()?;
            Some((&self.text[name], value.map(|value| &self.text[value])))
        })
    }

    /// The value of the first parameter called `name`, whatever its case: `Some(None)` where it
    /// stands there without a value.
    pub fn find(self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the first parameter called `name` that has one.
    pub fn value(self, name: &str) -> Option<&'a str> {
        self.find(name).flatten()
    }

    /// Whether a parameter called `name` is there.
    pub fn has(self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Reads parameters from `cursor` as far as they go.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, WireError> {
        let start = *cursor;
        let mut end = *cursor;
        while next(cursor)?.is_some() {
            end = *cursor;
        }
        *cursor = end;
        if end.position() == start.position() {
            return Ok(Self::default());
        }
        let raw = &start.rest()[..end.position() - start.position()];
        let (text, _) = trimmed(raw);
        let text = std::str::from_utf8(text).map_err(|_| start.error("UTF-8"))?;
        Ok(Self { text })
    }
}

/// Where a parameter stands: most are passed over, and text is made of none of those.
struct Parameter {
    name: Range<usize>,
    value: Option<Range<usize>>,
}

fn next(cursor: &mut Cursor<'_>) -> Result<Option<Parameter>, WireError> {
    cursor.skip_space();
    if !cursor.takes(b';') {
        return Ok(None);
    }
    cursor.skip_space();
    let at = *cursor;
    cursor.take_while(is_parameter);
    let name = at.position()..cursor.position();
    if name.is_empty() {
        return Err(at.error("a parameter name"));
    }
    let before = *cursor;
    cursor.skip_space();
    if !cursor.takes(b'=') {
        *cursor = before;
        return Ok(Some(Parameter { name, value: None }));
    }
    cursor.skip_space();
    let at = *cursor;
    if cursor.quoted()?.is_none() {
        cursor.take_while(is_parameter);
    }
    let value = at.position()..cursor.position();
    if value.is_empty() {
        return Err(at.error("a parameter value"));
    }
    Ok(Some(Parameter { name, value: Some(value) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(text: &str) -> Result<Parameters<'_>, WireError> {
        Parameters::read(&mut Cursor::new("parameters", text.as_bytes()))
    }

    #[test]
    fn each_is_a_name_with_or_without_a_value() {
        let parameters =
            read(" ;branch = z9hG4bKa ; rport;\r\n tag=\"a;b\\\"c\";received=[2001:db8::7] ")
                .unwrap();
        let all: Vec<_> = parameters.iter().collect();
        assert_eq!(
            all,
            [
                ("branch", Some("z9hG4bKa")),
                ("rport", None),
                ("tag", Some("\"a;b\\\"c\"")),
                ("received", Some("[2001:db8::7]")),
            ]
        );
        assert_eq!(parameters.value("BRANCH"), Some("z9hG4bKa"));
        assert_eq!(parameters.find("rport"), Some(None));
        assert!(!parameters.has("maddr"));
    }

    #[rstest]
    #[case::no_name("; =1", 2, "a parameter name")]
    #[case::nothing(";a;", 3, "a parameter name")]
    #[case::no_value(";tag=", 5, "a parameter value")]
    #[case::open_quote(";tag=\"b", 5, "a closing quote")]
    #[case::open_escape(";tag=\"b\\", 5, "a closing quote")]
    fn what_is_none_is_refused_where_it_stands(
        #[case] text: &str,
        #[case] offset: usize,
        #[case] expected: &'static str,
    ) {
        assert_eq!(read(text), Err(WireError::grammar("parameters", offset, expected)));
    }
}
