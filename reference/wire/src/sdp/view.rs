//! A session description where it lies: lines, and media descriptions read on demand.

use super::connection::ConnectionAddress;
use crate::WireError;
use crate::sip::line_feed;

/// A session description, borrowed. Any octets are one; nothing is judged.
#[derive(Debug, Clone, Copy)]
pub struct SdpView<'a> {
    octets: &'a [u8],
}

/// One line, its line end left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The type: the octet before the equals sign; zero where the line has no equals sign there.
    pub letter: u8,
    /// What follows the equals sign; the whole line where there is none.
    pub value: &'a [u8],
    /// Octets from the start of the description to the value.
    pub offset: usize,
}

/// One media description: an m= line and the lines up to the next.
#[derive(Debug, Clone, Copy)]
pub struct MediaView<'a> {
    /// `audio`, `video` …
    pub kind: &'a str,
    /// The port; zero refuses or ends the stream.
    pub port: u16,
    /// `RTP/AVP` …
    pub protocol: &'a str,
    /// Payload types or other formats, as written, separated by spaces.
    pub formats: &'a str,
    /// Octets from the start of the description to the value of the m= line.
    pub offset: usize,
    lines: Lines<'a>,
    session: SdpView<'a>,
}

/// Which way media flows, as seen by the one who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Both ways; what holds where nothing is said.
    SendRecv,
    /// Out only.
    SendOnly,
    /// In only.
    RecvOnly,
    /// Neither way.
    Inactive,
}

/// The lines of a description, or of a part of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> SdpView<'a> {
    /// Views `octets`.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { octets }
    }

    /// Every line, in order.
    pub fn lines(self) -> impl Iterator<Item = Line<'a>> {
        Lines { octets: self.octets, at: 0 }
    }

    /// The first line of the session part with this `letter`.
    pub fn session_line(self, letter: u8) -> Option<Line<'a>> {
        self.session_lines().find(|line| line.letter == letter)
    }

    /// The connection address for streams that have none of their own.
    ///
    /// # Errors
    ///
    /// Those of [`ConnectionAddress::parse`].
    pub fn connection(self) -> Result<Option<ConnectionAddress>, WireError> {
        self.session_line(b'c').map(connection).transpose()
    }

    /// The direction of streams that name none of their own.
    pub fn direction(self) -> Option<Direction> {
        direction(self.session_lines())
    }

    /// Every media description, in order.
    pub fn media(self) -> impl Iterator<Item = Result<MediaView<'a>, WireError>> {
        let mut lines = Lines { octets: self.octets, at: 0 };
        std::iter::from_fn(move || {
            let line = lines.find(|line| line.letter == b'm')?;
            Some(MediaView::parse(line, lines, self))
        })
    }

    fn session_lines(self) -> impl Iterator<Item = Line<'a>> {
        Lines { octets: self.octets, at: 0 }.take_while(|line| line.letter != b'm')
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let start = self.at;
        if start >= self.octets.len() {
            return None;
        }
        let feed = line_feed(self.octets, start);
        self.at = feed.map_or(self.octets.len(), |feed| feed + 1);
        let line = &self.octets[start..feed.unwrap_or(self.octets.len())];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(match line {
            [letter, b'=', value @ ..] => Line { letter: *letter, value, offset: start + 2 },
            other => Line { letter: 0, value: other, offset: start },
        })
    }
}

impl<'a> MediaView<'a> {
    /// The connection address of this stream: its own, or else the session's.
    ///
    /// # Errors
    ///
    /// Those of [`ConnectionAddress::parse`]; missing where neither is there.
    pub fn connection(&self) -> Result<ConnectionAddress, WireError> {
        match self.lines().find(|line| line.letter == b'c') {
            Some(line) => connection(line),
            None => self.session.connection()?.ok_or(WireError::missing(
                "SDP media",
                self.offset,
                "a connection address",
            )),
        }
    }

    /// Which way media flows: the stream's own attribute, or else the session's.
    pub fn direction(&self) -> Direction {
        direction(self.lines()).or_else(|| self.session.direction()).unwrap_or(Direction::SendRecv)
    }

    /// Each attribute of this stream: name and, behind a colon, value.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.lines().filter(|line| line.letter == b'a').filter_map(|line| {
            let text = std::str::from_utf8(line.value).ok()?;
            Some(match text.split_once(':') {
                Some((name, value)) => (name, Some(value)),
                None => (text, None),
            })
        })
    }

    /// What payload type `format` stands for, as a=rtpmap says: `PCMU/8000`.
    pub fn rtpmap(&self, format: &str) -> Option<&'a str> {
        self.attributes()
            .filter(|(name, _)| *name == "rtpmap")
            .filter_map(|(_, value)| value?.split_once(' '))
            .find(|(number, _)| *number == format)
            .map(|(_, encoding)| encoding.trim())
    }

    fn parse(line: Line<'a>, lines: Lines<'a>, session: SdpView<'a>) -> Result<Self, WireError> {
        let refuse = |at: usize, expected| WireError::grammar("SDP m=", line.offset + at, expected);
        let text = std::str::from_utf8(line.value)
            .map_err(|error| refuse(error.valid_up_to(), "UTF-8"))?;
        let mut parts = text.splitn(4, ' ');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (kind, port, protocol, formats) = (part(), part(), part(), part());
        let (Some(kind), Some(port), Some(protocol), Some(formats)) =
            (kind, port, protocol, formats)
        else {
            return Err(refuse(0, "media, port, protocol and formats"));
        };
        let (number, count) = port.split_once('/').unwrap_or((port, "1"));
        let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
        let port = number.parse().ok().filter(|_| digits(number) && digits(count));
        let port = port.ok_or_else(|| refuse(kind.len() + 1, "a port"))?;
        Ok(Self { kind, port, protocol, formats, offset: line.offset, lines, session })
    }

    fn lines(&self) -> impl Iterator<Item = Line<'a>> {
        self.lines.take_while(|line| line.letter != b'm')
    }
}

impl Direction {
    /// As an attribute names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The same seen from the other side: what an answer says at most (RFC 3264 6.1).
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    /// Every direction.
    pub const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];
}

fn connection(line: Line<'_>) -> Result<ConnectionAddress, WireError> {
    ConnectionAddress::parse(line.value).map_err(|error| error.shifted(line.offset))
}

fn direction<'a>(lines: impl Iterator<Item = Line<'a>>) -> Option<Direction> {
    lines.filter(|line| line.letter == b'a').find_map(|line| {
        Direction::ALL.into_iter().find(|way| way.as_str().as_bytes() == line.value)
    })
}
