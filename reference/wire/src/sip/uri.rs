//! SIP and SIPS URIs: read, compared, written (RFC 3261 19.1).

use std::fmt;

use super::host::{Host, HostView};
use super::parameters::Parameters;
use super::text::{Cursor, is_token, is_user};
use crate::WireError;

/// How a URI begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// Any other; only its text can be had.
    Other,
}

/// A URI, borrowed from a message.
#[derive(Debug, Clone, Copy)]
pub struct UriView<'a> {
    /// The whole, as written.
    pub text: &'a str,
    /// How it begins.
    pub scheme: Scheme,
    /// The user part as written, escapes and all.
    pub user: Option<&'a str>,
    /// The password as written.
    pub password: Option<&'a str>,
    /// The host; an empty name where the scheme is [`Scheme::Other`].
    pub host: HostView<'a>,
    /// The port, where one is named.
    pub port: Option<u16>,
    /// Parameters of the URI itself.
    pub parameters: Parameters<'a>,
    /// What follows the question mark, without it.
    pub headers: Option<&'a str>,
}

/// A URI, owned: its text, which is known to be readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    text: String,
}

impl<'a> UriView<'a> {
    /// Reads a URI that is the whole of `octets`.
    ///
    /// # Errors
    ///
    /// Where it does not follow the grammar; a URI of an unknown scheme is read as text alone.
    pub fn parse(octets: &'a [u8]) -> Result<Self, WireError> {
        let text = std::str::from_utf8(octets)
            .map_err(|error| WireError::grammar(WITHIN, error.valid_up_to(), "UTF-8"))?;
        let mut cursor = Cursor::new(WITHIN, octets);
        let name = cursor.take_while(|octet| {
            octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.')
        });
        if !name.first().is_some_and(u8::is_ascii_alphabetic) {
            return Err(WireError::grammar(WITHIN, 0, "a scheme"));
        }
        cursor.expect(b':', "a colon")?;
        let scheme = match () {
            () if name.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
            () if name.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
            () => return Self::parse_other(cursor, text),
        };
        let (user, password) = user_info(&mut cursor, text)?;
        let (host, port) = HostView::read_with_port(&mut cursor)?;
        let parameters = Parameters::read(&mut cursor)?;
        let headers = if cursor.takes(b'?') {
            let at = cursor.position();
            cursor.take_while(|octet| {
                octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>' | b'"')
            });
            Some(&text[at..cursor.position()])
        } else {
            None
        };
        cursor.end("the end of the URI")?;
        // Looking at every octet before one is looked for is faster: the compiler takes many at once.
        if !octets.iter().fold(true, |graphic, octet| graphic & octet.is_ascii_graphic()) {
            let at = octets.iter().position(|octet| !octet.is_ascii_graphic()).unwrap_or_default();
            return Err(WireError::grammar(WITHIN, at, "no white space"));
        }
        Ok(Self { text, scheme, user, password, host, port, parameters, headers })
    }

    /// The port to send to: the one named, or the default of the scheme.
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or(if self.scheme == Scheme::Sips {
            SIPS_PORT
        } else {
            super::DEFAULT_PORT
        })
    }

    /// Whether the URI names a loose router (RFC 3261 16.12).
    pub fn is_loose_router(&self) -> bool {
        self.parameters.has("lr")
    }

    /// Whether two URIs are equivalent (RFC 3261 19.1.4).
    pub fn is_equivalent(&self, other: &UriView<'_>) -> bool {
        if self.scheme == Scheme::Other || other.scheme == Scheme::Other {
            return self.text == other.text;
        }
        self.scheme == other.scheme
            && same_text(self.user, other.user)
            && same_text(self.password, other.password)
            && self.host == other.host
            && self.port == other.port
            && same_parameters(self.parameters, other.parameters)
            && same_headers(self.headers, other.headers)
    }

    /// Whether two URIs name the same address of record: scheme, user, host and port alone.
    pub fn is_same_identity(&self, other: &UriView<'_>) -> bool {
        self.scheme == other.scheme
            && same_text(self.user, other.user)
            && self.host == other.host
            && self.effective_port() == other.effective_port()
            && (self.scheme != Scheme::Other || self.text == other.text)
    }

    /// The same URI, owned.
    pub fn to_owned(&self) -> Uri {
        Uri { text: self.text.to_owned() }
    }

    fn parse_other(cursor: Cursor<'a>, text: &'a str) -> Result<Self, WireError> {
        let bad = cursor
            .rest()
            .iter()
            .position(|octet| !octet.is_ascii_graphic() || matches!(octet, b'<' | b'>'));
        if cursor.is_empty() || bad.is_some() {
            let at = cursor.position() + bad.unwrap_or(0);
            return Err(WireError::grammar(WITHIN, at, "a URI"));
        }
        Ok(Self {
            text,
            scheme: Scheme::Other,
            user: None,
            password: None,
            host: HostView::Name(""),
            port: None,
            parameters: Parameters::default(),
            headers: None,
        })
    }
}

impl fmt::Display for UriView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl Uri {
    /// Reads a URI that is the whole of `text`.
    ///
    /// # Errors
    ///
    /// As [`UriView::parse`].
    pub fn parse(text: &str) -> Result<Self, WireError> {
        UriView::parse(text.as_bytes()).map(|view| view.to_owned())
    }

    /// `sip:user@host:port`, user and port where there are any; `user` is escaped as needed.
    pub fn sip(user: Option<&str>, host: &Host, port: Option<u16>) -> Self {
        let mut text = String::from("sip:");
        if let Some(user) = user {
            for octet in user.bytes() {
                if is_user(octet) {
                    text.push(char::from(octet));
                } else {
                    text.push_str(&format!("%{octet:02X}"));
                }
            }
            text.push('@');
        }
        text.push_str(&host.to_string());
        if let Some(port) = port {
            text.push_str(&format!(":{port}"));
        }
        Self { text }
    }

    /// The same URI with `;name` or `;name=value` behind its parameters.
    ///
    /// Both must be parameter text, which those that this project writes are.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: Option<&str>) -> Self {
        let at = self.text.find('?').unwrap_or(self.text.len());
        let parameter = match value {
            Some(value) => format!(";{name}={value}"),
            None => format!(";{name}"),
        };
        self.text.insert_str(at, &parameter);
        self
    }

    /// The same URI without the headers behind its question mark: what a Request-URI may hold.
    #[must_use]
    pub fn without_headers(mut self) -> Self {
        if self.view().scheme != Scheme::Other
            && let Some(at) = self.text.rfind('?')
            && self.view().headers.is_some()
        {
            self.text
                .truncate(at.min(self.text.len() - self.view().headers.map_or(0, str::len) - 1));
        }
        self
    }

    /// The whole, as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its parts.
    pub fn view(&self) -> UriView<'_> {
        UriView::parse(self.text.as_bytes()).expect("its text was read or made when it was built")
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

type UserInfo<'a> = (Option<&'a str>, Option<&'a str>);

/// The user part in front of `cursor`, which reads `text`.
fn user_info<'a>(cursor: &mut Cursor<'a>, text: &'a str) -> Result<UserInfo<'a>, WireError> {
    let Some(len) = cursor.rest().iter().position(|&octet| octet == b'@') else {
        return Ok((None, None));
    };
    let start = *cursor;
    let info = cursor.take(len);
    cursor.expect(b'@', "an @")?;
    if len == 0 {
        return Err(start.error("a user"));
    }
    let mut at = 0;
    while let Some(&octet) = info.get(at) {
        let escape =
            || info.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        at += match octet {
            b'%' if escape() => 3,
            octet if octet == b':' || is_user(octet) => 1,
            _ => return Err(WireError::grammar(WITHIN, start.position() + at, "a user")),
        };
    }
    let info = &text[start.position()..start.position() + len];
    Ok(match info.split_once(':') {
        Some((user, password)) => (Some(user), Some(password)),
        None => (Some(info), None),
    })
}

/// Case counts; an escaped character equals itself unescaped.
fn same_text(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => unescaped(one).eq(unescaped(other)),
        (one, other) => one == other,
    }
}

fn same_text_any_case(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            let lower = |octet: u8| octet.to_ascii_lowercase();
            unescaped(one).map(lower).eq(unescaped(other).map(lower))
        }
        (one, other) => one == other,
    }
}

fn same_parameters(one: Parameters<'_>, other: Parameters<'_>) -> bool {
    let agree = |name: &str, value, there: Parameters<'_>| match there.find(name) {
        Some(found) => same_text_any_case(value, found),
        None => !COMPARED_ALWAYS.iter().any(|always| always.eq_ignore_ascii_case(name)),
    };
    one.iter().all(|(name, value)| agree(name, value, other))
        && other.iter().all(|(name, value)| agree(name, value, one))
}

fn same_headers(one: Option<&str>, other: Option<&str>) -> bool {
    let parts = |headers: Option<&str>| {
        let mut parts: Vec<Vec<u8>> =
            headers.unwrap_or_default().split('&').map(|part| unescaped(part).collect()).collect();
        parts.sort();
        parts
    };
    one.is_some() == other.is_some() && (one == other || parts(one) == parts(other))
}

fn unescaped(text: &str) -> impl Iterator<Item = u8> {
    let octets = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let &octet = octets.get(at)?;
        let escaped = (octet == b'%')
            .then(|| octets.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        at += if escaped.is_some() { 3 } else { 1 };
        Some(escaped.unwrap_or(octet))
    })
}

/// Parameters that make two URIs differ when only one of them has them.
const COMPARED_ALWAYS: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];
const SIPS_PORT: u16 = 5061;
const WITHIN: &str = "URI";

/// Whether `text` may stand as a parameter value.
pub(super) fn is_parameter_text(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|octet| is_token(octet) || matches!(octet, b'[' | b']' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_uri_is_cut_into_its_parts() {
        let uri = UriView::parse(
            b"sips:al%69ce;day=tue:s%20cret@[2001:DB8::A]:5071;transport=tcp;lr?Subject=x&To=y",
        )
        .unwrap();
        assert_eq!(uri.scheme, Scheme::Sips);
        assert_eq!((uri.user, uri.password), (Some("al%69ce;day=tue"), Some("s%20cret")));
        assert_eq!((uri.host.to_string().as_str(), uri.port), ("[2001:db8::a]", Some(5071)));
        assert_eq!(uri.parameters.value("transport"), Some("tcp"));
        assert!(uri.is_loose_router());
        assert_eq!(uri.headers, Some("Subject=x&To=y"));
    }

    #[test]
    fn a_uri_of_another_scheme_is_text() {
        let uri = UriView::parse(b"tel:+1-202-555-0117;phone-context=example").unwrap();
        assert_eq!((uri.scheme, uri.user), (Scheme::Other, None));
    }

    #[rstest]
    #[case::no_scheme("2001:db8::10", 0, "a scheme")]
    #[case::nothing("", 0, "a scheme")]
    #[case::no_colon("sip", 3, "a colon")]
    #[case::no_host("sip:", 4, "a host")]
    #[case::no_user("sip:@example.com", 4, "a user")]
    #[case::bad_escape("sip:a%4@example.com", 5, "a user")]
    #[case::two_ats("sip:a@b@c", 7, "the end of the URI")]
    #[case::no_brackets("sip:2001:db8::10", 9, "a port")]
    #[case::open_bracket("sip:[2001:db8::10", 17, "a closing bracket")]
    #[case::large_port("sip:a@b:65536", 8, "a port")]
    #[case::white_space("sip:a@b; lr", 8, "no white space")]
    #[case::angle("sip:a@b>", 7, "the end of the URI")]
    #[case::other_nothing("tel:", 4, "a URI")]
    fn what_is_none_is_refused_where_it_stands(
        #[case] text: &str,
        #[case] offset: usize,
        #[case] expected: &'static str,
    ) {
        assert_eq!(Uri::parse(text), Err(WireError::grammar("URI", offset, expected)));
    }

    #[rstest]
    #[case::escape(
        "sip:%61lice@atlanta.example;transport=TCP",
        "sip:alice@AtLanTa.example;Transport=tcp",
        true
    )]
    #[case::unlike_parameter(
        "sip:carol@chicago.example",
        "sip:carol@chicago.example;newparam=5",
        true
    )]
    #[case::header_order("sip:b@x.example?a=1&b=2", "sip:b@x.example?b=2&a=1", true)]
    #[case::address_text("sip:a@[2001:db8:0::1]", "sip:a@[2001:DB8::1]", true)]
    #[case::user_case("SIP:ALICE@x.example", "sip:alice@x.example", false)]
    #[case::port("sip:bob@x.example", "sip:bob@x.example:5060", false)]
    #[case::transport("sip:bob@x.example", "sip:bob@x.example;transport=udp", false)]
    #[case::header("sip:carol@x.example", "sip:carol@x.example?Subject=next", false)]
    #[case::same_parameter_unlike(
        "sip:carol@x.example;security=on",
        "sip:carol@x.example;security=off",
        false
    )]
    #[case::scheme("sip:a@x.example", "sips:a@x.example", false)]
    #[case::user("sip:x.example", "sip:a@x.example", false)]
    fn uris_compare_by_meaning(#[case] one: &str, #[case] other: &str, #[case] equal: bool) {
        let (one, other) = (Uri::parse(one).unwrap(), Uri::parse(other).unwrap());
        assert_eq!(one.view().is_equivalent(&other.view()), equal);
        assert_eq!(other.view().is_equivalent(&one.view()), equal);
    }

    #[test]
    fn a_uri_is_built_from_its_parts() {
        let host = Host::from("2001:db8:a::100".parse::<std::net::Ipv6Addr>().unwrap());
        let uri = Uri::sip(Some("m t"), &host, Some(5062)).with_parameter("transport", Some("tcp"));
        assert_eq!(uri.as_str(), "sip:m%20t@[2001:db8:a::100]:5062;transport=tcp");
        assert_eq!(uri.view().effective_port(), 5062);
    }

    #[test]
    fn headers_of_a_uri_can_be_left_out() {
        let uri = Uri::parse("sip:a?b@example.com;lr?Route=%3Csip:c%3E").unwrap();
        assert_eq!(uri.without_headers().as_str(), "sip:a?b@example.com;lr");
        assert_eq!(
            Uri::parse("sip:a?b@example.com").unwrap().without_headers().as_str(),
            "sip:a?b@example.com"
        );
    }
}
