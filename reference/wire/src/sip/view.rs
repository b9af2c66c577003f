//! A message where it lies: one pass finds its lines, everything else is read on demand.

use std::fmt;

use super::fields::{Fields, Headers};
use super::header::{HeaderName, HeaderView, LineCut};
use super::start_line::{Method, StartLine};
use super::text::{decimal, is_token_text, line_feed};
use super::uri::UriView;
use super::{HEADERS_MAX, LINE_MAX, MESSAGE_MAX};
use crate::{Fault, WireError};

/// A message, borrowed.
///
/// Any octets that begin with something like a start line are a view: it judges nothing more, so
/// that a malformed request can still be answered, printed and edited. The first thing found wrong
/// on the way is kept in [`fault`](Self::fault).
#[derive(Debug, Clone, Copy)]
pub struct MessageView<'a> {
    octets: &'a [u8],
    start: usize,
    line: Line,
    headers: usize,
    blank: usize,
    body: usize,
    end: usize,
    /// Where the first and the last field of each name that has a slot start; zero where there is
    /// none.
    slots: [(u32, u32); HeaderName::SLOTS],
    fault: Option<WireError>,
}

#[derive(Debug, Clone, Copy)]
enum Line {
    Request { method_end: usize, uri: (usize, usize), version: (usize, usize) },
    Response { version_end: usize, status: u16, reason: (usize, usize) },
}

impl<'a> MessageView<'a> {
    /// Scans a datagram, and cuts what follows the body that its Content-Length names.
    ///
    /// # Errors
    ///
    /// Whatever [`read`](Self::read) refuses or finds at fault, a Content-Length that is no number
    /// or contradicts another, and a body shorter than it ([`Fault::Truncated`]).
    pub fn datagram(octets: &'a [u8]) -> Result<Self, WireError> {
        let mut view = Self::read(octets)?;
        if let Some(fault) = view.fault {
            return Err(fault);
        }
        view.cut_body()?;
        Ok(view)
    }

    /// Scans as much as can be scanned; the body is whatever follows the empty line.
    ///
    /// Empty lines before the start line are skipped (RFC 3261 7.5).
    ///
    /// # Errors
    ///
    /// Where there is no start line, or a bound of ours is passed.
    pub fn read(octets: &'a [u8]) -> Result<Self, WireError> {
        if octets.len() > MESSAGE_MAX {
            return Err(too_many(MESSAGE_MAX, MESSAGE_MAX));
        }
        let start = octets.iter().take_while(|&&octet| matches!(octet, b'\r' | b'\n')).count();
        let Some(feed) = line_feed(octets, start) else {
            let (need, have) = (octets.len() + 1, octets.len());
            return Err(WireError::truncated(START_LINE, start, need - start, have - start));
        };
        if feed - start > LINE_MAX {
            return Err(too_many(start, LINE_MAX));
        }
        let (line, fault) = scan_start_line(octets, start, feed)?;
        let mut view = Self {
            octets,
            start,
            line,
            headers: feed + 1,
            blank: octets.len(),
            body: octets.len(),
            end: octets.len(),
            slots: [(0, 0); HeaderName::SLOTS],
            fault,
        };
        view.scan_headers()?;
        Ok(view)
    }

    /// The first thing found wrong in the lines of the message.
    pub const fn fault(&self) -> Option<WireError> {
        self.fault
    }

    /// The message as it was, from its start line to the end of its body.
    pub fn octets(&self) -> &'a [u8] {
        &self.octets[self.start..self.end]
    }

    /// Start line, header fields and the empty line.
    pub fn head(&self) -> &'a [u8] {
        &self.octets[self.start..self.body]
    }

    /// Octets from the start of what was handed in to the start line.
    pub const fn start(&self) -> usize {
        self.start
    }

    /// Octets from the start of what was handed in to the body.
    pub const fn body_offset(&self) -> usize {
        self.body
    }

    /// The start line as it was, line end included.
    pub fn start_line_octets(&self) -> &'a [u8] {
        &self.octets[self.start..self.headers]
    }

    /// The empty line as it was.
    pub(super) fn blank_line(&self) -> &'a [u8] {
        &self.octets[self.blank..self.body]
    }

    /// The protocol version as written: `SIP/2.0`.
    pub fn version(&self) -> &'a [u8] {
        match self.line {
            Line::Request { version: (from, to), .. } => &self.octets[from..to],
            Line::Response { version_end, .. } => &self.octets[self.start..version_end],
        }
    }

    /// Whether the version is the one there is, in any letter case.
    pub fn is_version_2(&self) -> bool {
        self.version().eq_ignore_ascii_case(b"SIP/2.0")
    }

    /// The Request-URI as written, `None` in a response.
    pub fn uri_octets(&self) -> Option<&'a [u8]> {
        match self.line {
            Line::Request { uri: (from, to), .. } => Some(&self.octets[from..to]),
            Line::Response { .. } => None,
        }
    }

    /// The Request-URI.
    ///
    /// # Errors
    ///
    /// Where it is none; [`Fault::Missing`] in a response.
    pub fn uri(&self) -> Result<UriView<'a>, WireError> {
        match self.line {
            Line::Request { uri: (from, to), .. } => UriView::parse(&self.octets[from..to])
                .map_err(|error| WireError { within: "Request-URI", ..error.shifted(from) }),
            Line::Response { .. } => {
                Err(WireError::missing("Request-URI", self.start, "a request"))
            }
        }
    }

    /// The method token as written, `None` in a response.
    pub fn method_octets(&self) -> Option<&'a [u8]> {
        match self.line {
            Line::Request { method_end, .. } => Some(&self.octets[self.start..method_end]),
            Line::Response { .. } => None,
        }
    }

    /// The same view with the body cut where Content-Length says it ends.
    ///
    /// # Errors
    ///
    /// As [`datagram`](Self::datagram).
    pub fn with_body_cut(mut self) -> Result<Self, WireError> {
        self.cut_body()?;
        Ok(self)
    }

    fn cut_body(&mut self) -> Result<(), WireError> {
        let Some(length) = self.content_length()? else { return Ok(()) };
        let have = self.octets.len() - self.body;
        if have < length {
            return Err(WireError::truncated("SIP body", self.body, length, have));
        }
        self.end = self.body + length;
        Ok(())
    }

    fn scan_headers(&mut self) -> Result<(), WireError> {
        let mut at = self.headers;
        for _ in 0..HEADERS_MAX {
            match self.octets.get(at..) {
                Some([b'\n', ..]) => return self.end_head(at, 1),
                Some([b'\r', b'\n', ..]) => return self.end_head(at, 2),
                Some([_, ..]) => {}
                Some([]) | None => {
                    self.note(WireError::missing(
                        "SIP message",
                        at,
                        "the empty line after its header",
                    ));
                    return Ok(());
                }
            }
            let end = header_end(self.octets, at);
            if end - at > LINE_MAX {
                return Err(too_many(at, LINE_MAX));
            }
            self.scan_header(at, end);
            at = end;
        }
        Err(too_many(at, HEADERS_MAX))
    }

    fn scan_header(&mut self, at: usize, end: usize) {
        let line = &self.octets[at..end];
        let name = match LineCut::name_of(line) {
            Ok(name) => name,
            Err(error) => return self.note(error.shifted(at)),
        };
        if line.last() != Some(&b'\n') {
            self.note(WireError::missing("SIP message", end, "the empty line after its header"));
        }
        let Some((first, last)) = self.slots.get_mut(name as usize) else { return };
        let at = u32::try_from(at).expect("a message is shorter than 2^32 octets");
        *last = at;
        if *first == 0 {
            *first = at;
        }
    }

    const fn end_head(&mut self, at: usize, blank: usize) -> Result<(), WireError> {
        self.blank = at;
        self.body = at + blank;
        Ok(())
    }

    const fn note(&mut self, fault: WireError) {
        if self.fault.is_none() {
            self.fault = Some(fault);
        }
    }
}

impl Fields for MessageView<'_> {
    fn headers(&self) -> Headers<'_> {
        Headers::scan(&self.octets[..self.blank], self.headers)
    }

    fn header(&self, name: HeaderName) -> Option<HeaderView<'_>> {
        let Some(&(first, _)) = self.slots.get(name as usize) else {
            return self.headers().find(|header| header.name == name);
        };
        (first != 0).then(|| Headers::known(&self.octets[..self.blank], first as usize, name))
    }

    fn headers_around(&self, name: HeaderName) -> Headers<'_> {
        match self.slots.get(name as usize) {
            Some((0, _)) => Headers::scan(&[], 0),
            Some(&(first, last)) => {
                let end = header_end(&self.octets[..self.blank], last as usize);
                Headers::scan(&self.octets[..end], first as usize)
            }
            None => self.headers(),
        }
    }

    fn body(&self) -> &[u8] {
        &self.octets[self.body..self.end]
    }

    fn method(&self) -> Option<Method> {
        self.method_octets().map(method)
    }

    fn status(&self) -> Option<u16> {
        match self.line {
            Line::Request { .. } => None,
            Line::Response { status, .. } => Some(status),
        }
    }

    fn start_line(&self) -> StartLine {
        match self.line {
            Line::Request { method_end, uri: (from, to), .. } => StartLine::Request {
                method: method(&self.octets[self.start..method_end]),
                uri: String::from_utf8_lossy(&self.octets[from..to]).into_owned(),
            },
            Line::Response { status, reason: (from, to), .. } => StartLine::Response {
                status,
                reason: String::from_utf8_lossy(&self.octets[from..to]).into_owned(),
            },
        }
    }
}

impl fmt::Display for MessageView<'_> {
    /// One line for a ladder: `INVITE sip:mt@example.com`, `180 Ringing (INVITE)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_line(f)
    }
}

/// Where the header field that starts at `at` ends, its folds and last line end included.
pub(super) fn header_end(octets: &[u8], at: usize) -> usize {
    let mut from = at;
    loop {
        let Some(feed) = line_feed(octets, from) else { return octets.len() };
        match octets.get(feed + 1) {
            Some(b' ' | b'\t') => from = feed + 1,
            Some(_) | None => return feed + 1,
        }
    }
}

fn method(token: &[u8]) -> Method {
    match std::str::from_utf8(token) {
        Ok(token) => Method::from_token(token),
        Err(_) => Method::Other(String::from_utf8_lossy(token).into_owned()),
    }
}

type Scanned = (Line, Option<WireError>);

fn scan_start_line(octets: &[u8], start: usize, feed: usize) -> Result<Scanned, WireError> {
    let line_end = if feed > start && octets[feed - 1] == b'\r' { feed - 1 } else { feed };
    let line = &octets[start..line_end];
    if line.get(..4).is_some_and(|front| front.eq_ignore_ascii_case(b"SIP/")) {
        return scan_status_line(line, start);
    }
    scan_request_line(line, start)
}

fn scan_request_line(line: &[u8], start: usize) -> Result<Scanned, WireError> {
    let space = |octet: &u8| matches!(octet, b' ' | b'\t');
    let trailing = line.iter().rev().take_while(|&octet| space(octet)).count();
    let text = &line[..line.len() - trailing];
    let method_end = text.iter().position(space).unwrap_or(text.len());
    let version = text.iter().rposition(space).map_or(text.len(), |at| at + 1);
    if method_end == text.len() || version <= method_end + 1 {
        let at = start + text.len();
        return Err(WireError::grammar(START_LINE, at, "method, URI and version"));
    }
    let middle = &text[method_end + 1..version - 1];
    let fault = if !is_token_text(&text[..method_end]) {
        Some((0, "a method"))
    } else if middle.is_empty()
        || middle.iter().any(|octet| space(octet) || matches!(octet, b'<' | b'>'))
    {
        Some((method_end + 1, "a URI between single spaces"))
    } else if !is_version(&text[version..]) {
        Some((version, "SIP/2.0"))
    } else if trailing > 0 {
        Some((text.len(), "the end of the line"))
    } else {
        None
    };
    let line = Line::Request {
        method_end: start + method_end,
        uri: (start + method_end + 1, start + version - 1),
        version: (start + version, start + text.len()),
    };
    Ok((line, fault.map(|(at, expected)| WireError::grammar(START_LINE, start + at, expected))))
}

fn scan_status_line(line: &[u8], start: usize) -> Result<Scanned, WireError> {
    let version_end = line.iter().position(|&octet| octet == b' ').unwrap_or(line.len());
    let digits_at = (version_end + 1).min(line.len());
    let digits = line[digits_at..].iter().take_while(|octet| octet.is_ascii_digit()).count();
    let code = &line[digits_at..digits_at + digits];
    let status = decimal(code).and_then(|code| u16::try_from(code).ok());
    let after = line.get(digits_at + digits);
    let (Some(status), true) = (status, digits == 3 && matches!(after, None | Some(b' '))) else {
        return Err(WireError::grammar(START_LINE, start + digits_at, "a status of three digits"));
    };
    let fault = if !is_version(&line[..version_end]) {
        Some(WireError::grammar(START_LINE, start, "SIP/2.0"))
    } else if !(100..700).contains(&status) {
        Some(WireError::illegal(START_LINE, start + digits_at, status.into()))
    } else {
        None
    };
    let reason = (digits_at + digits + 1).min(line.len());
    let line = Line::Response {
        version_end: start + version_end,
        status,
        reason: (start + reason, start + line.len()),
    };
    Ok((line, fault))
}

/// Whether `octets` are `SIP/`, digits, a dot and digits: some version, known or not.
fn is_version(octets: &[u8]) -> bool {
    let Some((name, number)) = octets.split_at_checked(4) else { return false };
    let mut parts = number.split(|&octet| octet == b'.');
    let is_number = |part: Option<&[u8]>| {
        part.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
    };
    name.eq_ignore_ascii_case(b"SIP/")
        && is_number(parts.next())
        && is_number(parts.next())
        && parts.next().is_none()
}

const fn too_many(offset: usize, bound: usize) -> WireError {
    WireError { within: "SIP message", offset, fault: Fault::TooMany { bound } }
}

const START_LINE: &str = "SIP start line";
