//! Header fields: their names, long and compact, and one line of a message (RFC 3261 7.3, 20).

use super::text::{is_token, trimmed};
use crate::WireError;

/// The name of a header field, whatever form and letter case it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum HeaderName {
    /// `Via`, compact `v`.
    Via,
    /// `From`, compact `f`.
    From,
    /// `To`, compact `t`.
    To,
    /// `Call-ID`, compact `i`.
    CallId,
    /// `CSeq`.
    CSeq,
    /// `Contact`, compact `m`.
    Contact,
    /// `Max-Forwards`.
    MaxForwards,
    /// `Route`.
    Route,
    /// `Record-Route`.
    RecordRoute,
    /// `Content-Length`, compact `l`.
    ContentLength,
    /// `Content-Type`, compact `c`.
    ContentType,
    /// `Expires`.
    Expires,
    /// `Require`.
    Require,
    /// `Proxy-Require`.
    ProxyRequire,
    /// `Supported`, compact `k`.
    Supported,
    /// `Allow`.
    Allow,
    /// `Accept`.
    Accept,
    /// `Accept-Encoding`.
    AcceptEncoding,
    /// `Accept-Language`.
    AcceptLanguage,
    /// `Authorization`.
    Authorization,
    /// `Content-Disposition`.
    ContentDisposition,
    /// `Content-Encoding`, compact `e`.
    ContentEncoding,
    /// `Date`.
    Date,
    /// `Event`, compact `o`.
    Event,
    /// `Max-Breadth`.
    MaxBreadth,
    /// `Min-Expires`.
    MinExpires,
    /// `Path`.
    Path,
    /// `Proxy-Authenticate`.
    ProxyAuthenticate,
    /// `Proxy-Authorization`.
    ProxyAuthorization,
    /// `RAck`.
    RAck,
    /// `Reason`.
    Reason,
    /// `Refer-To`, compact `r`.
    ReferTo,
    /// `Retry-After`.
    RetryAfter,
    /// `RSeq`.
    RSeq,
    /// `Server`.
    Server,
    /// `Subject`, compact `s`.
    Subject,
    /// `Timestamp`.
    Timestamp,
    /// `Unsupported`.
    Unsupported,
    /// `User-Agent`.
    UserAgent,
    /// `Warning`.
    Warning,
    /// `WWW-Authenticate`.
    WwwAuthenticate,
    /// Any other name, and a line that has none.
    Other,
}

/// A header field where it lies in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderView<'a> {
    /// Which field.
    pub name: HeaderName,
    /// The name as written; empty where the line has none.
    pub written: &'a [u8],
    /// The value without white space around it; folds inside are kept.
    pub value: &'a [u8],
    /// Octets from the start of the message to the value.
    pub offset: usize,
}

/// A header field of a message value: its line as it is written, line end included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    name: HeaderName,
    name_len: usize,
    value: std::ops::Range<usize>,
    line: Vec<u8>,
}

impl HeaderName {
    /// Every name, in the order above; one that is added and not listed is a number too few.
    pub const ALL: [Self; Self::Other as usize] = [
        Self::Via,
        Self::From,
        Self::To,
        Self::CallId,
        Self::CSeq,
        Self::Contact,
        Self::MaxForwards,
        Self::Route,
        Self::RecordRoute,
        Self::ContentLength,
        Self::ContentType,
        Self::Expires,
        Self::Require,
        Self::ProxyRequire,
        Self::Supported,
        Self::Allow,
        Self::Accept,
        Self::AcceptEncoding,
        Self::AcceptLanguage,
        Self::Authorization,
        Self::ContentDisposition,
        Self::ContentEncoding,
        Self::Date,
        Self::Event,
        Self::MaxBreadth,
        Self::MinExpires,
        Self::Path,
        Self::ProxyAuthenticate,
        Self::ProxyAuthorization,
        Self::RAck,
        Self::Reason,
        Self::ReferTo,
        Self::RetryAfter,
        Self::RSeq,
        Self::Server,
        Self::Subject,
        Self::Timestamp,
        Self::Unsupported,
        Self::UserAgent,
        Self::Warning,
        Self::WwwAuthenticate,
    ];

    /// The name that `octets` spell, in any letter case, long or compact.
    pub fn from_octets(octets: &[u8]) -> Self {
        let spelt = |name: &Self| {
            let name = name.as_str().as_bytes();
            let begins_alike = octets[0].eq_ignore_ascii_case(&name[0]);
            begins_alike && (octets == name || octets.eq_ignore_ascii_case(name))
        };
        let candidates: &[Self] = match octets.len() {
            1 => return Self::from_compact(octets[0]),
            2 => &[Self::To],
            3 => &[Self::Via],
            4 => &[Self::From, Self::CSeq, Self::Date, Self::Path, Self::RAck, Self::RSeq],
            5 => &[Self::Route, Self::Allow, Self::Event],
            6 => &[Self::Accept, Self::Reason, Self::Server],
            7 => &[
                Self::CallId,
                Self::Contact,
                Self::Expires,
                Self::Require,
                Self::Subject,
                Self::Warning,
            ],
            8 => &[Self::ReferTo],
            9 => &[Self::Supported, Self::Timestamp],
            10 => &[Self::UserAgent],
            11 => &[Self::MaxBreadth, Self::MinExpires, Self::RetryAfter, Self::Unsupported],
            12 => &[Self::MaxForwards, Self::RecordRoute, Self::ContentType],
            13 => &[Self::ProxyRequire, Self::Authorization],
            14 => &[Self::ContentLength],
            15 => &[Self::AcceptEncoding, Self::AcceptLanguage],
            16 => &[Self::ContentEncoding, Self::WwwAuthenticate],
            18 => &[Self::ProxyAuthenticate],
            19 => &[Self::ContentDisposition, Self::ProxyAuthorization],
            _ => &[],
        };
        candidates.iter().copied().find(spelt).unwrap_or(Self::Other)
    }

    /// The long form; empty for [`Other`](Self::Other).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Via => "Via",
            Self::From => "From",
            Self::To => "To",
            Self::CallId => "Call-ID",
            Self::CSeq => "CSeq",
            Self::Contact => "Contact",
            Self::MaxForwards => "Max-Forwards",
            Self::Route => "Route",
            Self::RecordRoute => "Record-Route",
            Self::ContentLength => "Content-Length",
            Self::ContentType => "Content-Type",
            Self::Expires => "Expires",
            Self::Require => "Require",
            Self::ProxyRequire => "Proxy-Require",
            Self::Supported => "Supported",
            Self::Allow => "Allow",
            Self::Accept => "Accept",
            Self::AcceptEncoding => "Accept-Encoding",
            Self::AcceptLanguage => "Accept-Language",
            Self::Authorization => "Authorization",
            Self::ContentDisposition => "Content-Disposition",
            Self::ContentEncoding => "Content-Encoding",
            Self::Date => "Date",
            Self::Event => "Event",
            Self::MaxBreadth => "Max-Breadth",
            Self::MinExpires => "Min-Expires",
            Self::Path => "Path",
            Self::ProxyAuthenticate => "Proxy-Authenticate",
            Self::ProxyAuthorization => "Proxy-Authorization",
            Self::RAck => "RAck",
            Self::Reason => "Reason",
            Self::ReferTo => "Refer-To",
            Self::RetryAfter => "Retry-After",
            Self::RSeq => "RSeq",
            Self::Server => "Server",
            Self::Subject => "Subject",
            Self::Timestamp => "Timestamp",
            Self::Unsupported => "Unsupported",
            Self::UserAgent => "User-Agent",
            Self::Warning => "Warning",
            Self::WwwAuthenticate => "WWW-Authenticate",
            Self::Other => "",
        }
    }

    /// Whether a message may have it once at most.
    pub const fn is_single(self) -> bool {
        matches!(
            self,
            Self::From
                | Self::To
                | Self::CallId
                | Self::CSeq
                | Self::MaxForwards
                | Self::ContentType
                | Self::Expires
        )
    }

    /// Names below this number have a slot in a view.
    pub(super) const SLOTS: usize = Self::Allow as usize + 1;

    /// What errors call it.
    pub(super) const fn within(self) -> &'static str {
        match self {
            Self::Other => "SIP header",
            Self::Via
            | Self::From
            | Self::To
            | Self::CallId
            | Self::CSeq
            | Self::Contact
            | Self::MaxForwards
            | Self::Route
            | Self::RecordRoute
            | Self::ContentLength
            | Self::ContentType
            | Self::Expires
            | Self::Require
            | Self::ProxyRequire
            | Self::Supported
            | Self::Allow
            | Self::Accept
            | Self::AcceptEncoding
            | Self::AcceptLanguage
            | Self::Authorization
            | Self::ContentDisposition
            | Self::ContentEncoding
            | Self::Date
            | Self::Event
            | Self::MaxBreadth
            | Self::MinExpires
            | Self::Path
            | Self::ProxyAuthenticate
            | Self::ProxyAuthorization
            | Self::RAck
            | Self::Reason
            | Self::ReferTo
            | Self::RetryAfter
            | Self::RSeq
            | Self::Server
            | Self::Subject
            | Self::Timestamp
            | Self::Unsupported
            | Self::UserAgent
            | Self::Warning
            | Self::WwwAuthenticate => self.as_str(),
        }
    }

    const fn from_compact(letter: u8) -> Self {
        match letter.to_ascii_lowercase() {
            b'v' => Self::Via,
            b'f' => Self::From,
            b't' => Self::To,
            b'i' => Self::CallId,
            b'm' => Self::Contact,
            b'l' => Self::ContentLength,
            b'c' => Self::ContentType,
            b'k' => Self::Supported,
            b'e' => Self::ContentEncoding,
            b'o' => Self::Event,
            b'r' => Self::ReferTo,
            b's' => Self::Subject,
            _ => Self::Other,
        }
    }
}

impl Header {
    /// A field called `name`, the long form, with `value`.
    ///
    /// White space and line ends at either end of `value` are cut and line ends inside it become
    /// spaces, so that no value can end its own line.
    pub fn new(name: HeaderName, value: &str) -> Self {
        Self::written_as(name, name.as_str(), value)
    }

    /// A field called `written`, as [`new`](Self::new).
    pub fn with_name(written: &str, value: &str) -> Self {
        Self::written_as(HeaderName::from_octets(written.as_bytes()), written, value)
    }

    fn written_as(name: HeaderName, written: &str, value: &str) -> Self {
        let value = value.trim();
        let start = written.len() + 2;
        let mut line = Vec::with_capacity(start + value.len() + 2);
        line.extend_from_slice(written.as_bytes());
        line.extend_from_slice(b": ");
        line.extend(value.bytes().map(|octet| match octet {
            b'\r' | b'\n' => b' ',
            other => other,
        }));
        line.extend_from_slice(b"\r\n");
        Self { name, name_len: written.len(), value: start..start + value.len(), line }
    }

    /// Which field.
    pub const fn name(&self) -> HeaderName {
        self.name
    }

    /// The name as written.
    pub fn written(&self) -> &[u8] {
        &self.line[..self.name_len]
    }

    /// The value without white space around it; folds inside are kept.
    pub fn value(&self) -> &[u8] {
        &self.line[self.value.clone()]
    }

    /// The value as text, octets that are no UTF-8 replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.value())
    }

    /// The whole line, line end included.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// The same field with other text in place of its value; the rest of the line stays.
    pub(super) fn set_value(&mut self, value: &[u8]) {
        let end = self.value.start + value.len();
        self.line.splice(self.value.clone(), value.iter().copied());
        self.value = self.value.start..end;
    }

    /// Reads one line, line end included; a line without a name is kept as it is.
    pub(super) fn from_line(line: &[u8]) -> Self {
        let LineCut { name_len, value, .. } = LineCut::new(line);
        let name = HeaderName::from_octets(&line[..name_len]);
        Self { name, name_len, value, line: line.to_vec() }
    }

    pub(super) fn view(&self, line_offset: usize) -> HeaderView<'_> {
        HeaderView {
            name: self.name,
            written: self.written(),
            value: self.value(),
            offset: line_offset + self.value.start,
        }
    }
}

/// Where the parts of one header line are.
pub(super) struct LineCut {
    /// Zero where the line has no name.
    pub(super) name_len: usize,
    pub(super) value: std::ops::Range<usize>,
    /// What is wrong with the line, counted from its start.
    pub(super) fault: Option<WireError>,
}

impl LineCut {
    /// The name alone, which is all that a scan needs.
    pub(super) fn name_of(line: &[u8]) -> Result<HeaderName, WireError> {
        let len = line.iter().take_while(|&&octet| is_token(octet)).count();
        match line.get(len) {
            Some(b':') if len > 0 => Ok(HeaderName::from_octets(&line[..len])),
            Some(_) | None => {
                let cut = Self::new(line);
                cut.fault.map_or(Ok(HeaderName::from_octets(&line[..cut.name_len])), Err)
            }
        }
    }

    /// Cuts `line`, line end included.
    pub(super) fn new(line: &[u8]) -> Self {
        let name_len = line.iter().take_while(|&&octet| is_token(octet)).count();
        let space =
            line[name_len..].iter().take_while(|&&octet| matches!(octet, b' ' | b'\t')).count();
        let colon = name_len + space;
        let expected = match (name_len, line.get(colon)) {
            (1.., Some(b':')) => {
                let (value, front) = trimmed(&line[colon + 1..]);
                let start = colon + 1 + front;
                return Self { name_len, value: start..start + value.len(), fault: None };
            }
            (0, _) => "a header name",
            _ => "a colon",
        };
        let (value, start) = trimmed(line);
        Self {
            name_len: 0,
            value: start..start + value.len(),
            fault: Some(WireError::grammar("SIP header", colon, expected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Via", HeaderName::Via)]
    #[case("v", HeaderName::Via)]
    #[case("From", HeaderName::From)]
    #[case("f", HeaderName::From)]
    #[case("To", HeaderName::To)]
    #[case("t", HeaderName::To)]
    #[case("Call-ID", HeaderName::CallId)]
    #[case("i", HeaderName::CallId)]
    #[case("CSeq", HeaderName::CSeq)]
    #[case("Contact", HeaderName::Contact)]
    #[case("m", HeaderName::Contact)]
    #[case("Max-Forwards", HeaderName::MaxForwards)]
    #[case("Route", HeaderName::Route)]
    #[case("Record-Route", HeaderName::RecordRoute)]
    #[case("Content-Length", HeaderName::ContentLength)]
    #[case("l", HeaderName::ContentLength)]
    #[case("Content-Type", HeaderName::ContentType)]
    #[case("c", HeaderName::ContentType)]
    #[case("Expires", HeaderName::Expires)]
    #[case("Require", HeaderName::Require)]
    #[case("Proxy-Require", HeaderName::ProxyRequire)]
    #[case("Supported", HeaderName::Supported)]
    #[case("k", HeaderName::Supported)]
    #[case("Allow", HeaderName::Allow)]
    #[case("Accept", HeaderName::Accept)]
    #[case("Accept-Encoding", HeaderName::AcceptEncoding)]
    #[case("Accept-Language", HeaderName::AcceptLanguage)]
    #[case("Authorization", HeaderName::Authorization)]
    #[case("Content-Disposition", HeaderName::ContentDisposition)]
    #[case("Content-Encoding", HeaderName::ContentEncoding)]
    #[case("e", HeaderName::ContentEncoding)]
    #[case("Date", HeaderName::Date)]
    #[case("Event", HeaderName::Event)]
    #[case("o", HeaderName::Event)]
    #[case("Max-Breadth", HeaderName::MaxBreadth)]
    #[case("Min-Expires", HeaderName::MinExpires)]
    #[case("Path", HeaderName::Path)]
    #[case("Proxy-Authenticate", HeaderName::ProxyAuthenticate)]
    #[case("Proxy-Authorization", HeaderName::ProxyAuthorization)]
    #[case("RAck", HeaderName::RAck)]
    #[case("Reason", HeaderName::Reason)]
    #[case("Refer-To", HeaderName::ReferTo)]
    #[case("r", HeaderName::ReferTo)]
    #[case("Retry-After", HeaderName::RetryAfter)]
    #[case("RSeq", HeaderName::RSeq)]
    #[case("Server", HeaderName::Server)]
    #[case("Subject", HeaderName::Subject)]
    #[case("s", HeaderName::Subject)]
    #[case("Timestamp", HeaderName::Timestamp)]
    #[case("Unsupported", HeaderName::Unsupported)]
    #[case("User-Agent", HeaderName::UserAgent)]
    #[case("Warning", HeaderName::Warning)]
    #[case("WWW-Authenticate", HeaderName::WwwAuthenticate)]
    #[case("X-Unknown", HeaderName::Other)]
    #[case("x", HeaderName::Other)]
    fn a_name_is_read_in_any_letter_case(#[case] written: &str, #[case] name: HeaderName) {
        for written in [written.to_owned(), written.to_uppercase(), written.to_lowercase()] {
            assert_eq!(HeaderName::from_octets(written.as_bytes()), name);
        }
    }

    #[rstest]
    #[case::plain("To: <sip:a@b>\r\n", "To", "<sip:a@b>")]
    #[case::tight("t:<sip:a@b>\n", "t", "<sip:a@b>")]
    #[case::spaced("TO  :\t <sip:a@b>  \r\n", "TO", "<sip:a@b>")]
    #[case::folded("To:\r\n <sip:a@b>\r\n\t;tag=1\r\n", "To", "<sip:a@b>\r\n\t;tag=1")]
    #[case::empty("Subject:\r\n", "Subject", "")]
    fn a_line_is_a_name_and_a_value(#[case] line: &str, #[case] name: &str, #[case] value: &str) {
        let header = Header::from_line(line.as_bytes());
        assert_eq!((header.written(), header.value()), (name.as_bytes(), value.as_bytes()));
        assert_eq!(header.line(), line.as_bytes());
    }

    #[rstest]
    #[case::no_name(": 1\r\n", 0, "a header name")]
    #[case::no_colon("Via SIP/2.0/UDP\r\n", 4, "a colon")]
    #[case::no_token("V(ia: a\r\n", 1, "a colon")]
    fn a_line_that_is_none_says_where(
        #[case] line: &str,
        #[case] offset: usize,
        #[case] expected: &'static str,
    ) {
        let fault = LineCut::new(line.as_bytes()).fault;
        assert_eq!(fault, Some(WireError::grammar("SIP header", offset, expected)));
        assert_eq!(Header::from_line(line.as_bytes()).line(), line.as_bytes());
    }

    #[test]
    fn a_value_cannot_end_its_own_line() {
        let header = Header::new(HeaderName::Subject, "one\r\nVia: two\r\n");
        assert_eq!(header.line(), b"Subject: one  Via: two\r\n");
    }

    #[test]
    fn another_value_leaves_the_rest_of_the_line() {
        let mut header = Header::from_line(b"l :  17 \n");
        header.set_value(b"4711");
        assert_eq!((header.line(), header.value()), (&b"l :  4711 \n"[..], &b"4711"[..]));
    }
}
