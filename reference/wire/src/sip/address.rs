//! name-addr and addr-spec: From, To, Contact, Route, Record-Route (RFC 3261 20.10, 25.1).

use std::fmt;

use super::parameters::Parameters;
use super::text::{Cursor, is_space, is_token};
use super::uri::{Uri, UriView};
use crate::WireError;

/// A party or a hop, borrowed from a message.
#[derive(Debug, Clone, Copy)]
pub struct AddressView<'a> {
    /// The display name as written, quotes included.
    pub display_name: Option<&'a str>,
    /// Whom.
    pub uri: UriView<'a>,
    /// Parameters of the header field: tag, expires, q …
    pub parameters: Parameters<'a>,
}

/// A party or a hop, owned; always written in angle brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Whom.
    pub uri: Uri,
    /// Parameters as written, the first semicolon included; empty where there are none.
    pub parameters: String,
}

impl<'a> AddressView<'a> {
    /// Reads one value of the header field that errors shall call `within`.
    ///
    /// Without angle brackets a semicolon begins parameters of the field, not of the URI.
    ///
    /// # Errors
    ///
    /// Where it does not follow the grammar.
    pub fn parse(within: &'static str, value: &'a [u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(within, value);
        cursor.skip_space();
        let display_name = display_name(&mut cursor)?;
        let bracketed = cursor.takes(b'<');
        if display_name.is_some() && !bracketed {
            return Err(cursor.error("an opening angle bracket"));
        }
        let at = cursor.position();
        let octets = cursor.take_while(|octet| match bracketed {
            true => octet != b'>',
            false => !is_space(octet) && !matches!(octet, b';' | b',' | b'?' | b'>'),
        });
        let uri =
            UriView::parse(octets).map_err(|error| WireError { within, ..error.shifted(at) })?;
        if bracketed {
            cursor.expect(b'>', "a closing angle bracket")?;
        }
        let parameters = Parameters::read(&mut cursor)?;
        cursor.skip_space();
        cursor.end("a semicolon or the end")?;
        Ok(Self { display_name, uri, parameters })
    }

    /// The tag, which names the dialog on this side.
    pub fn tag(&self) -> Option<&'a str> {
        self.parameters.value("tag")
    }

    /// The expires parameter of a contact in seconds; `Some(None)` where it is no number.
    pub fn expires(&self) -> Option<Option<u32>> {
        self.parameters.find("expires").map(|value| value.and_then(|text| text.parse().ok()))
    }

    /// The q parameter in thousandths, `None` where there is none or it is out of 0 to 1.
    pub fn q(&self) -> Option<u16> {
        let text = self.parameters.value("q")?;
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        if part.len() > 3 || !part.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        let thousandths = format!("{part:0<3}").parse::<u16>().ok()?;
        match whole {
            "0" | "" => Some(thousandths),
            "1" if thousandths == 0 => Some(1000),
            _ => None,
        }
    }

    /// The same, owned, without its display name.
    pub fn to_owned(&self) -> Address {
        Address { uri: self.uri.to_owned(), parameters: self.parameters.text().to_owned() }
    }
}

impl Address {
    /// `<uri>` without parameters.
    pub const fn new(uri: Uri) -> Self {
        Self { uri, parameters: String::new() }
    }

    /// The same with `;name` or `;name=value` behind its parameters.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: Option<&str>) -> Self {
        self.parameters.push(';');
        self.parameters.push_str(name);
        if let Some(value) = value {
            self.parameters.push('=');
            self.parameters.push_str(value);
        }
        self
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>{}", self.uri, self.parameters)
    }
}

/// What stands before an angle bracket: a quoted string, or tokens and white space.
fn display_name<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a str>, WireError> {
    if let Some(quoted) = cursor.quoted()? {
        cursor.skip_space();
        return Ok(Some(quoted));
    }
    let mut ahead = *cursor;
    let name = ahead.take_while(|octet| is_token(octet) || is_space(octet));
    if ahead.peek() != Some(b'<') {
        // No bracket behind tokens: a URI, whose scheme ends in a colon, or nothing readable.
        if cursor.rest().contains(&b'<') {
            return Err(ahead.error("a display name of tokens or in quotes"));
        }
        return Ok(None);
    }
    *cursor = ahead;
    let name = std::str::from_utf8(name).expect("tokens and white space are ASCII").trim();
    Ok((!name.is_empty()).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::bracketed("<sip:a@b.example;lr>;tag=17", None, "sip:a@b.example;lr", ";tag=17")]
    #[case::bare("sip:a@b.example;tag=17", None, "sip:a@b.example", ";tag=17")]
    #[case::tokens("Agent 007 <sip:a@b.example>", Some("Agent 007"), "sip:a@b.example", "")]
    #[case::quoted(
        "\"A \\\"B\\\" <c>\" <sip:a@b.example> ; tag=9",
        Some("\"A \\\"B\\\" <c>\""),
        "sip:a@b.example",
        "; tag=9"
    )]
    #[case::utf8("\"Jürgen\"<sip:a@b.example>", Some("\"Jürgen\""), "sip:a@b.example", "")]
    #[case::folded(
        "caller\r\n <sip:a@b.example>\r\n ;tag=3",
        Some("caller"),
        "sip:a@b.example",
        ";tag=3"
    )]
    fn a_value_is_name_uri_and_parameters(
        #[case] value: &str,
        #[case] name: Option<&str>,
        #[case] uri: &str,
        #[case] parameters: &str,
    ) {
        let address = AddressView::parse("To", value.as_bytes()).unwrap();
        assert_eq!(
            (address.display_name, address.uri.text, address.parameters.text()),
            (name, uri, parameters)
        );
    }

    #[rstest]
    #[case::quote("\"Mr. J. User <sip:a@b>", 0, "a closing quote")]
    #[case::comma("Bell, Alexander <sip:a@b>", 4, "a display name of tokens or in quotes")]
    #[case::no_bracket("\"A\" sip:a@b", 4, "an opening angle bracket")]
    #[case::question("sip:a@b?Route=c", 7, "a semicolon or the end")]
    #[case::open("<sip:a@b;tag=1", 14, "a closing angle bracket")]
    #[case::space_inside("< sip:a@b>", 1, "a scheme")]
    #[case::uri("<sip:a@b:c>", 9, "a port")]
    #[case::nothing("", 0, "a scheme")]
    fn what_is_none_is_refused(
        #[case] value: &str,
        #[case] offset: usize,
        #[case] expected: &'static str,
    ) {
        assert_eq!(
            AddressView::parse("To", value.as_bytes()).map(|address| address.to_owned()),
            Err(WireError::grammar("To", offset, expected))
        );
    }

    #[rstest]
    #[case("<sip:a@b>;expires=60;q=0.75", Some(Some(60)), Some(750))]
    #[case("<sip:a@b>;expires=soon;q=1.001", Some(None), None)]
    #[case("<sip:a@b>;q=1", None, Some(1000))]
    #[case("<sip:a@b>;q=0.1234", None, None)]
    fn a_contact_has_expiry_and_preference(
        #[case] value: &str,
        #[case] expires: Option<Option<u32>>,
        #[case] q: Option<u16>,
    ) {
        let address = AddressView::parse("Contact", value.as_bytes()).unwrap();
        assert_eq!((address.expires(), address.q()), (expires, q));
    }
}
