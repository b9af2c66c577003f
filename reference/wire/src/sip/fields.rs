//! What a message says, asked the same way of a view and of a value.

use std::collections::BTreeSet;
use std::fmt;

use super::address::AddressView;
use super::cseq::CSeq;
use super::header::{Header, HeaderName, HeaderView, LineCut};
use super::start_line::{Method, StartLine};
use super::text::{decimal, element_end, is_token_text, trimmed};
use super::via::ViaView;
use super::view::header_end;
use crate::{Fault, WireError};

/// The fields of a message, typed and read on demand.
///
/// Each typed answer is `Ok(None)` or an empty iterator where the field is absent; a mandatory one
/// is [`Fault::Missing`]. Offsets in errors count from the start of the message.
pub trait Fields {
    /// Every header field, in order.
    fn headers(&self) -> Headers<'_>;

    /// The first header field called `name`.
    fn header(&self, name: HeaderName) -> Option<HeaderView<'_>>;

    /// Header fields in order, at least from the first to the last called `name`.
    fn headers_around(&self, _name: HeaderName) -> Headers<'_> {
        self.headers()
    }

    /// The body.
    fn body(&self) -> &[u8];

    /// The method of a request, `None` in a response.
    fn method(&self) -> Option<Method>;

    /// The status code of a response, `None` in a request.
    fn status(&self) -> Option<u16>;

    /// The start line, octets that are no UTF-8 replaced.
    fn start_line(&self) -> StartLine;

    /// Whether this is a request.
    fn is_request(&self) -> bool {
        self.status().is_none()
    }

    /// The values of every field called `name`, comma lists cut into their elements.
    fn elements(&self, name: HeaderName) -> Elements<'_> {
        Elements { name, headers: self.headers_around(name), rest: None }
    }

    /// Every Via, the topmost first.
    fn vias(&self) -> impl Iterator<Item = Result<ViaView<'_>, WireError>> {
        self.elements(HeaderName::Via).map(read_via)
    }

    /// The topmost Via: the hop this message came from, or the one a response returns to.
    fn via(&self) -> Result<ViaView<'_>, WireError> {
        let header = required(self.header(HeaderName::Via), HeaderName::Via)?;
        let value = &header.value[..element_end(header.value)];
        read_via(HeaderView { value, ..header })
    }

    /// From: who sends the request.
    fn from(&self) -> Result<AddressView<'_>, WireError> {
        read_address(required(self.header(HeaderName::From), HeaderName::From)?)
    }

    /// To: for whom the request was meant.
    fn to(&self) -> Result<AddressView<'_>, WireError> {
        read_address(required(self.header(HeaderName::To), HeaderName::To)?)
    }

    /// Call-ID.
    fn call_id(&self) -> Result<&str, WireError> {
        let header = required(self.header(HeaderName::CallId), HeaderName::CallId)?;
        let within = HeaderName::CallId.within();
        let bad = header.value.iter().position(|octet| !octet.is_ascii_graphic());
        if header.value.is_empty() || bad.is_some() {
            return Err(WireError::grammar(within, header.offset + bad.unwrap_or(0), "a word"));
        }
        Ok(std::str::from_utf8(header.value).expect("graphic characters are ASCII"))
    }

    /// CSeq.
    fn cseq(&self) -> Result<CSeq, WireError> {
        let header = required(self.header(HeaderName::CSeq), HeaderName::CSeq)?;
        CSeq::parse(header.value).map_err(|error| error.shifted(header.offset))
    }

    /// The first contact; `None` where there is none or it is `*`.
    fn contact(&self) -> Result<Option<AddressView<'_>>, WireError> {
        let Some(header) = self.header(HeaderName::Contact) else { return Ok(None) };
        let value = &header.value[..element_end(header.value)];
        let first = HeaderView { value: trimmed(value).0, ..header };
        if first.value == b"*" { Ok(None) } else { read_address(first).map(Some) }
    }

    /// Every contact, in order; `*` is none.
    fn contacts(&self) -> impl Iterator<Item = Result<AddressView<'_>, WireError>> {
        self.elements(HeaderName::Contact).filter(|element| element.value != b"*").map(read_address)
    }

    /// Whether a contact is `*`: all there are (RFC 3261 10.2.2).
    fn has_star_contact(&self) -> bool {
        self.elements(HeaderName::Contact).any(|element| element.value == b"*")
    }

    /// The Route set left to visit, the next hop first.
    fn routes(&self) -> impl Iterator<Item = Result<AddressView<'_>, WireError>> {
        self.elements(HeaderName::Route).map(read_address)
    }

    /// The proxies that stay in the path, the last one first.
    fn record_routes(&self) -> impl Iterator<Item = Result<AddressView<'_>, WireError>> {
        self.elements(HeaderName::RecordRoute).map(read_address)
    }

    /// Hops left.
    fn max_forwards(&self) -> Result<Option<u8>, WireError> {
        let Some(header) = self.header(HeaderName::MaxForwards) else { return Ok(None) };
        let value = decimal(header.value).and_then(|hops| u8::try_from(hops).ok());
        value.map(Some).ok_or_else(|| not(header, "a number up to 255"))
    }

    /// Expires in seconds.
    fn expires(&self) -> Result<Option<u32>, WireError> {
        let Some(header) = self.header(HeaderName::Expires) else { return Ok(None) };
        decimal(header.value).map(Some).ok_or_else(|| not(header, "a number below 2^32"))
    }

    /// Content-Length in octets.
    ///
    /// # Errors
    ///
    /// Where it is no number, or stands there twice and differs.
    fn content_length(&self) -> Result<Option<usize>, WireError> {
        agreed_length(self.headers_around(HeaderName::ContentLength))
    }

    /// The media type of the body without parameters, as written: `application/sdp`.
    fn content_type(&self) -> Option<&str> {
        let value = self.header(HeaderName::ContentType)?.value;
        let end = value.iter().position(|&octet| octet == b';').unwrap_or(value.len());
        std::str::from_utf8(trimmed(&value[..end]).0).ok()
    }

    /// Whether the body is a session description.
    fn has_sdp(&self) -> bool {
        !self.body().is_empty()
            && self.content_type().is_some_and(|kind| kind.eq_ignore_ascii_case("application/sdp"))
    }

    /// The tokens of a comma list such as Require, Supported or Allow, in lower case.
    fn tokens(&self, name: HeaderName) -> BTreeSet<String> {
        self.elements(name)
            .map(|element| String::from_utf8_lossy(element.value).to_ascii_lowercase())
            .filter(|token| !token.is_empty())
            .collect()
    }

    /// Refuses what an element must answer with 400 or drop: a mandatory field that is missing,
    /// repeated or unreadable, a CSeq of another method (RFC 3261 8.1.1, 16.3).
    ///
    /// # Errors
    ///
    /// The first of these that is found.
    fn check(&self) -> Result<(), WireError> {
        check_single(self.headers())?;
        required(self.header(HeaderName::Via), HeaderName::Via)?;
        self.vias().try_for_each(|via| via.map(drop))?;
        self.from()?;
        self.to()?;
        self.call_id()?;
        let cseq = self.cseq()?;
        self.max_forwards()?;
        self.content_length()?;
        self.routes().try_for_each(|route| route.map(drop))?;
        self.record_routes().try_for_each(|route| route.map(drop))?;
        self.contacts().try_for_each(|contact| contact.map(drop))?;
        match self.method() {
            Some(method) if method != cseq.method => {
                let header = required(self.header(HeaderName::CSeq), HeaderName::CSeq)?;
                Err(not(header, "the method of the request"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// One line for a ladder: `INVITE sip:mt@example.com`, `180 Ringing (INVITE)`.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn fmt_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start_line() {
            StartLine::Request { method, uri } => write!(f, "{method} {uri}"),
            StartLine::Response { status, reason } => {
                write!(f, "{status} {reason}")?;
                match self.cseq() {
                    Ok(cseq) => write!(f, " ({})", cseq.method),
                    Err(_) => Ok(()),
                }
            }
        }
    }
}

/// The header fields of a message, in order.
#[derive(Debug, Clone)]
pub struct Headers<'a>(Source<'a>);

#[derive(Debug, Clone)]
enum Source<'a> {
    Octets { octets: &'a [u8], at: usize },
    Values { headers: std::slice::Iter<'a, Header>, at: usize },
}

impl<'a> Headers<'a> {
    /// Fields of `octets`, which end where the header ends, from the line at `at` on.
    pub(super) const fn scan(octets: &'a [u8], at: usize) -> Self {
        Self(Source::Octets { octets, at })
    }

    /// The field called `name` whose line starts at `at`.
    pub(super) fn known(octets: &'a [u8], at: usize, name: HeaderName) -> HeaderView<'a> {
        Self::cut(octets, at..header_end(octets, at), name)
    }

    fn cut(octets: &'a [u8], place: std::ops::Range<usize>, name: HeaderName) -> HeaderView<'a> {
        let start = place.start;
        let line = &octets[place];
        let LineCut { name_len, value, .. } = LineCut::new(line);
        let offset = start + value.start;
        HeaderView { name, written: &line[..name_len], value: &line[value], offset }
    }

    /// Fields of a value whose first line is `at` octets into the message.
    pub(super) fn of_values(headers: &'a [Header], at: usize) -> Self {
        Self(Source::Values { headers: headers.iter(), at })
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = HeaderView<'a>;

    fn next(&mut self) -> Option<HeaderView<'a>> {
        match &mut self.0 {
            Source::Octets { octets, at } => {
                let start = *at;
                if start >= octets.len() {
                    return None;
                }
                *at = header_end(octets, start);
                let header = Self::cut(octets, start..*at, HeaderName::Other);
                Some(HeaderView { name: HeaderName::from_octets(header.written), ..header })
            }
            Source::Values { headers, at } => {
                let header = headers.next()?;
                let view = header.view(*at);
                *at += header.line().len();
                Some(view)
            }
        }
    }
}

/// The elements of every comma list called by one name.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    name: HeaderName,
    headers: Headers<'a>,
    rest: Option<HeaderView<'a>>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = HeaderView<'a>;

    fn next(&mut self) -> Option<HeaderView<'a>> {
        let name = self.name;
        let list = match self.rest.take() {
            Some(rest) => rest,
            None => self.headers.find(|header| header.name == name)?,
        };
        let end = element_end(list.value);
        if end < list.value.len() {
            let value = &list.value[end + 1..];
            self.rest = Some(HeaderView { value, offset: list.offset + end + 1, ..list });
        }
        let (value, front) = trimmed(&list.value[..end]);
        Some(HeaderView { value, offset: list.offset + front, ..list })
    }
}

/// The Content-Length that every field of that name agrees on.
fn agreed_length(headers: Headers<'_>) -> Result<Option<usize>, WireError> {
    let mut length = None;
    for header in headers.filter(|header| header.name == HeaderName::ContentLength) {
        let value = decimal(header.value)
            .and_then(|octets| usize::try_from(octets).ok())
            .ok_or_else(|| not(header, "a number of octets"))?;
        if length.is_some_and(|length| length != value) {
            return Err(not(header, "the same length again"));
        }
        length = Some(value);
    }
    Ok(length)
}

fn read_via(element: HeaderView<'_>) -> Result<ViaView<'_>, WireError> {
    ViaView::parse(element.value).map_err(|error| error.shifted(element.offset))
}

fn read_address(element: HeaderView<'_>) -> Result<AddressView<'_>, WireError> {
    AddressView::parse(element.name.within(), element.value)
        .map_err(|error| error.shifted(element.offset))
}

fn check_single(headers: Headers<'_>) -> Result<(), WireError> {
    let mut seen = 0_u64;
    for header in headers {
        if header.name == HeaderName::Other && !is_token_text(header.written) {
            return Err(not(header, "a header name and a colon"));
        }
        let bit = 1 << (header.name as u64);
        if header.name.is_single() && seen & bit != 0 {
            let (within, offset) = (header.name.within(), header.offset);
            return Err(WireError { within, offset, fault: Fault::TooMany { bound: 1 } });
        }
        seen |= bit;
    }
    Ok(())
}

fn required(header: Option<HeaderView<'_>>, name: HeaderName) -> Result<HeaderView<'_>, WireError> {
    header.ok_or_else(|| WireError::missing("SIP message", 0, name.within()))
}

const fn not(header: HeaderView<'_>, expected: &'static str) -> WireError {
    WireError::grammar(header.name.within(), header.offset, expected)
}
