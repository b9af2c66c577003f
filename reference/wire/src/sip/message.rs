//! A message as a value: built, edited, and written back octet for octet where it was not.

use std::fmt;

use super::fields::{Fields, Headers};
use super::header::{Header, HeaderName, HeaderView};
use super::start_line::{Method, StartLine};
use super::text::{element_end, trimmed};
use super::uri::{Uri, UriView};
use super::view::MessageView;
use crate::WireError;

/// A request or a response, owned.
///
/// Content-Length takes care of itself: [`set_body`](Self::set_body) corrects it, and
/// [`to_vec`](Self::to_vec) writes one for every message that was not read without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    start_line: StartLine,
    start_octets: Vec<u8>,
    headers: Vec<Header>,
    blank: Vec<u8>,
    body: Vec<u8>,
    /// Read from a datagram that left its length to the datagram.
    length_implied: bool,
}

impl Message {
    /// Reads the message in a datagram and refuses whatever an element must refuse.
    ///
    /// # Errors
    ///
    /// Those of [`MessageView::datagram`] and of [`Fields::check`].
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        let view = MessageView::datagram(octets)?;
        if view.is_request() && view.is_version_2() {
            view.uri()?;
        }
        // The value knows the names of its fields, which the view would find out for every question.
        let message = Self::from_view(&view);
        message.check().map_err(|error| error.shifted(view.start()))?;
        Ok(message)
    }

    /// The message in `view`, unjudged.
    pub fn from_view(view: &MessageView<'_>) -> Self {
        let mut headers = Vec::with_capacity(HEADERS_USUAL);
        let head = &view.head()[view.start_line_octets().len()..];
        let mut rest = &head[..head.len() - view.blank_line().len()];
        while !rest.is_empty() {
            let (line, after) = rest.split_at(super::view::header_end(rest, 0));
            headers.push(Header::from_line(line));
            rest = after;
        }
        Self {
            start_line: view.start_line(),
            start_octets: view.start_line_octets().to_vec(),
            headers,
            blank: view.blank_line().to_vec(),
            body: view.body().to_vec(),
            length_implied: view.header(HeaderName::ContentLength).is_none(),
        }
    }

    /// A request with nothing but its start line.
    pub fn request(method: Method, uri: &Uri) -> Self {
        Self::with_start_line(StartLine::Request { method, uri: uri.as_str().to_owned() })
    }

    /// A response with nothing but its start line.
    pub fn response(status: u16, reason: &str) -> Self {
        let reason = reason.replace(['\r', '\n'], " ");
        Self::with_start_line(StartLine::Response { status, reason })
    }

    /// The response to `request` that RFC 3261 8.2.6.2 asks for: its Via fields, From, To, Call-ID
    /// and CSeq as they were, and for a 100 its Timestamp.
    ///
    /// The To tag is left to the caller: [`set_to_tag`](Self::set_to_tag).
    pub fn response_to(request: &Self, status: u16, reason: &str) -> Self {
        let mut response = Self::response(status, reason);
        let copied = |name: HeaderName| {
            COPIED.contains(&name) || name == HeaderName::Timestamp && status == 100
        };
        response.headers =
            request.headers.iter().filter(|header| copied(header.name())).cloned().collect();
        response
    }

    /// The Request-URI as written, `None` in a response.
    pub fn uri_text(&self) -> Option<&str> {
        match &self.start_line {
            StartLine::Request { uri, .. } => Some(uri),
            StartLine::Response { .. } => None,
        }
    }

    /// The Request-URI.
    ///
    /// # Errors
    ///
    /// Where it is none or this is a response.
    pub fn uri(&self) -> Result<UriView<'_>, WireError> {
        let missing = WireError::missing("Request-URI", 0, "a request");
        let uri = self.uri_text().ok_or(missing)?;
        let method_len = self.start_octets.iter().take_while(|&&octet| octet != b' ').count();
        UriView::parse(uri.as_bytes())
            .map_err(|error| WireError { within: "Request-URI", ..error.shifted(method_len + 1) })
    }

    /// The reason phrase, `None` in a request.
    pub fn reason(&self) -> Option<&str> {
        match &self.start_line {
            StartLine::Request { .. } => None,
            StartLine::Response { reason, .. } => Some(reason),
        }
    }

    /// The protocol version as written.
    pub fn version(&self) -> &[u8] {
        let line = trimmed(&self.start_octets).0;
        match self.start_line {
            StartLine::Request { .. } => {
                line.rsplit(|&octet| octet == b' ').next().unwrap_or_default()
            }
            StartLine::Response { .. } => {
                line.split(|&octet| octet == b' ').next().unwrap_or_default()
            }
        }
    }

    /// Replaces the Request-URI of a request; a response stays as it is.
    pub fn set_uri(&mut self, uri: &Uri) {
        if let StartLine::Request { uri: old, .. } = &mut self.start_line {
            *old = uri.as_str().to_owned();
            self.start_octets = format!("{}\r\n", self.start_line).into_bytes();
        }
    }

    /// Every header field, in order.
    pub fn header_list(&self) -> &[Header] {
        &self.headers
    }

    /// Puts a field behind all others.
    pub fn push(&mut self, name: HeaderName, value: impl fmt::Display) {
        self.headers.push(Header::new(name, &value.to_string()));
    }

    /// Puts a field of any name behind all others.
    pub fn push_named(&mut self, written: &str, value: impl fmt::Display) {
        self.headers.push(Header::with_name(written, &value.to_string()));
    }

    /// Puts a copy of a field behind all others.
    pub fn push_header(&mut self, header: Header) {
        self.headers.push(header);
    }

    /// Puts a field before the first of its name, or before all others: how a Via is added.
    pub fn insert_first(&mut self, name: HeaderName, value: impl fmt::Display) {
        let at = self.headers.iter().position(|header| header.name() == name).unwrap_or(0);
        self.headers.insert(at, Header::new(name, &value.to_string()));
    }

    /// Replaces the first field called `name` where it stands and removes others of that name;
    /// puts it behind all others where there was none.
    pub fn replace(&mut self, name: HeaderName, value: impl fmt::Display) {
        let Some(at) = self.headers.iter().position(|header| header.name() == name) else {
            return self.push(name, value);
        };
        self.headers[at] = Header::new(name, &value.to_string());
        let mut index = 0;
        self.headers.retain(|header| {
            index += 1;
            header.name() != name || index == at + 1
        });
    }

    /// Removes every field called `name`; whether there was one.
    pub fn remove(&mut self, name: HeaderName) -> bool {
        let before = self.headers.len();
        self.headers.retain(|header| header.name() != name);
        self.headers.len() < before
    }

    /// Removes the first element of the list called `name`, as a proxy removes its Via or Route,
    /// and gives it back. The rest of a comma list stays as written.
    pub fn remove_first(&mut self, name: HeaderName) -> Option<Vec<u8>> {
        let at = self.headers.iter().position(|header| header.name() == name)?;
        let value = self.headers[at].value();
        let end = element_end(value);
        let first = trimmed(&value[..end]).0.to_vec();
        let rest = value.get(end + 1..).map(|rest| trimmed(rest).0.to_vec());
        match rest {
            Some(rest) => self.headers[at].set_value(&rest),
            None => drop(self.headers.remove(at)),
        }
        Some(first)
    }

    /// Replaces the first element of the list called `name`; the rest stays as written.
    pub fn replace_first(&mut self, name: HeaderName, element: impl fmt::Display) {
        let Some(header) = self.headers.iter_mut().find(|header| header.name() == name) else {
            return self.push(name, element);
        };
        let rest = header.value()[element_end(header.value())..].to_vec();
        let mut value = element.to_string().into_bytes();
        value.extend(rest);
        header.set_value(&value);
    }

    /// Adds a To tag where there is none.
    pub fn set_to_tag(&mut self, tag: &str) {
        if Fields::to(self).is_ok_and(|to| to.tag().is_none())
            && let Some(header) =
                self.headers.iter_mut().find(|header| header.name() == HeaderName::To)
        {
            let value = [header.value(), b";tag=", tag.as_bytes()].concat();
            header.set_value(&value);
        }
    }

    /// Replaces the body and corrects Content-Type and Content-Length.
    pub fn set_body(&mut self, content_type: &str, body: Vec<u8>) {
        self.replace(HeaderName::ContentType, content_type);
        self.body = body;
        self.set_content_length();
    }

    /// Removes the body and the fields that speak of it.
    pub fn clear_body(&mut self) {
        for name in
            [HeaderName::ContentType, HeaderName::ContentEncoding, HeaderName::ContentDisposition]
        {
            self.remove(name);
        }
        self.body.clear();
        self.set_content_length();
    }

    /// Writes a right Content-Length, which a stream needs (RFC 3261 18.3).
    pub fn set_content_length(&mut self) {
        self.length_implied = false;
        if self.headers.iter().any(|header| header.name() == HeaderName::ContentLength) {
            self.replace(HeaderName::ContentLength, self.body.len());
        }
    }

    /// The message as it goes on the wire.
    pub fn to_vec(&self) -> Vec<u8> {
        let lines: usize = self.headers.iter().map(|header| header.line().len()).sum();
        let len = self.start_octets.len() + lines + self.blank.len() + self.body.len();
        let mut octets = Vec::with_capacity(len + CONTENT_LENGTH_ROOM);
        octets.extend_from_slice(&self.start_octets);
        for header in &self.headers {
            octets.extend_from_slice(header.line());
        }
        let has_length =
            || self.headers.iter().any(|header| header.name() == HeaderName::ContentLength);
        if !self.length_implied && !has_length() {
            let length = Header::new(HeaderName::ContentLength, &self.body.len().to_string());
            octets.extend_from_slice(length.line());
        }
        octets.extend_from_slice(&self.blank);
        octets.extend_from_slice(&self.body);
        octets
    }

    fn with_start_line(start_line: StartLine) -> Self {
        Self {
            start_octets: format!("{start_line}\r\n").into_bytes(),
            start_line,
            headers: Vec::new(),
            blank: b"\r\n".to_vec(),
            body: Vec::new(),
            length_implied: false,
        }
    }
}

impl Fields for Message {
    fn headers(&self) -> Headers<'_> {
        Headers::of_values(&self.headers, self.start_octets.len())
    }

    fn header(&self, name: HeaderName) -> Option<HeaderView<'_>> {
        self.headers().find(|header| header.name == name)
    }

    fn body(&self) -> &[u8] {
        &self.body
    }

    fn method(&self) -> Option<Method> {
        match &self.start_line {
            StartLine::Request { method, .. } => Some(method.clone()),
            StartLine::Response { .. } => None,
        }
    }

    fn status(&self) -> Option<u16> {
        match self.start_line {
            StartLine::Request { .. } => None,
            StartLine::Response { status, .. } => Some(status),
        }
    }

    fn start_line(&self) -> StartLine {
        self.start_line.clone()
    }
}

impl fmt::Display for Message {
    /// One line for a ladder: `INVITE sip:mt@example.com`, `180 Ringing (INVITE)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_line(f)
    }
}

/// What every response copies from its request.
const COPIED: [HeaderName; 5] =
    [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
/// Header fields that a message usually has at most.
const HEADERS_USUAL: usize = 24;
/// Octets set aside for a Content-Length that has to be added.
const CONTENT_LENGTH_ROOM: usize = 32;
