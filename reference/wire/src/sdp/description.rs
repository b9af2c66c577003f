//! A session description that a terminal may act on, kept as it was written.

use std::fmt;

use super::connection::ConnectionAddress;
use super::view::{Direction, Line, SdpView};
use super::{LINES_MAX, MEDIA_MAX};
use crate::{Fault, WireError};

/// A session description, owned and judged: every stream has a connection address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    octets: Vec<u8>,
}

/// o=: which session this is, and its version (RFC 8866 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The user, `-` where there is none.
    pub username: String,
    /// Names the session together with the rest.
    pub session_id: String,
    /// Grows by one with each change.
    pub session_version: String,
    /// Network type, address type and address, as written.
    pub address: String,
}

/// One stream as far as route optimization asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// `audio`, `video` …
    pub kind: String,
    /// Zero where the stream is refused or over.
    pub port: u16,
    /// Where its media goes: the media's c= over the session's.
    pub address: ConnectionAddress,
    /// As seen by the one who wrote the description.
    pub direction: Direction,
}

impl SessionDescription {
    /// Reads a description.
    ///
    /// Lines may end in CRLF or LF, and the last may have no end.
    ///
    /// # Errors
    ///
    /// Where a line is none, v=, o=, s= do not come first, an address or m= line cannot be read, a
    /// stream has no connection address, or a bound of ours is passed.
    pub fn parse(octets: &[u8]) -> Result<Self, WireError> {
        let view = SdpView::new(octets);
        check_lines(view)?;
        origin(view)?;
        view.connection()?;
        let mut streams = 0;
        for media in view.media() {
            let media = media?;
            media.connection()?;
            streams += 1;
            if streams > MEDIA_MAX {
                return Err(too_many(media.offset, MEDIA_MAX));
            }
        }
        Ok(Self { octets: octets.to_vec() })
    }

    /// The description where it lies.
    pub fn view(&self) -> SdpView<'_> {
        SdpView::new(&self.octets)
    }

    /// The description as it goes on the wire.
    pub fn as_octets(&self) -> &[u8] {
        &self.octets
    }

    /// The description as it goes on the wire.
    pub fn to_vec(&self) -> Vec<u8> {
        self.octets.clone()
    }

    /// o=.
    pub fn origin(&self) -> Origin {
        origin(self.view()).expect("it was read when this was made")
    }

    /// Every stream, in order, refused ones included.
    pub fn streams(&self) -> Vec<Stream> {
        self.view()
            .media()
            .map(|media| {
                let media = media.expect("it was read when this was made");
                Stream {
                    kind: media.kind.to_owned(),
                    port: media.port,
                    address: media.connection().expect("it was read when this was made"),
                    direction: media.direction(),
                }
            })
            .collect()
    }

    /// The distinct connection addresses of the active streams, in order: to whom media will go.
    pub fn media_addresses(&self) -> Vec<ConnectionAddress> {
        //= CL-RO-02
        //# the media's address over the session's, each one once
        let mut addresses = Vec::new();
        for stream in self.streams().into_iter().filter(Stream::is_active) {
            if !addresses.contains(&stream.address) {
                addresses.push(stream.address);
            }
        }
        addresses
    }
}

impl fmt::Display for SessionDescription {
    /// One line for a ladder: `audio 2001:db8:c::c 4000 sendrecv`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let streams: Vec<String> = self.streams().iter().map(ToString::to_string).collect();
        f.write_str(&streams.join(", "))
    }
}

impl Stream {
    /// Whether media may flow on it at all.
    pub fn is_active(&self) -> bool {
        self.port != 0 && self.direction != Direction::Inactive
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, port, address, direction } = self;
        write!(f, "{kind} {address} {port} {}", direction.as_str())
    }
}

fn check_lines(view: SdpView<'_>) -> Result<(), WireError> {
    let mut lines = view.lines();
    for (letter, what) in [(b'v', "v=0"), (b'o', "o="), (b's', "s=")] {
        let line = lines.next();
        let offset = line.map_or(0, |line| line.offset);
        if line.is_none_or(|line| line.letter != letter || letter == b'v' && line.value != b"0") {
            return Err(WireError::grammar("SDP", offset, what));
        }
    }
    for (count, line) in lines.enumerate() {
        if count >= LINES_MAX {
            return Err(too_many(line.offset, LINES_MAX));
        }
        check_line(line)?;
    }
    Ok(())
}

fn check_line(line: Line<'_>) -> Result<(), WireError> {
    if !LETTERS.contains(&line.letter) {
        return Err(WireError::grammar("SDP", line.offset, "a known type and an equals sign"));
    }
    if line.value.first().is_none_or(|&first| first == b' ') {
        return Err(WireError::grammar("SDP", line.offset, "a value"));
    }
    Ok(())
}

fn origin(view: SdpView<'_>) -> Result<Origin, WireError> {
    let missing = WireError::missing("SDP", 0, "o=");
    let line = view.session_line(b'o').ok_or(missing)?;
    let refuse = |expected| WireError::grammar("SDP o=", line.offset, expected);
    let text = std::str::from_utf8(line.value).map_err(|_| refuse("UTF-8"))?;
    let mut parts = text.splitn(4, ' ');
    let mut part = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    let (username, session_id, session_version, address) = (part(), part(), part(), part());
    let number = |text: &Option<String>| {
        text.as_ref().is_some_and(|text| text.bytes().all(|octet| octet.is_ascii_digit()))
    };
    if !number(&session_id) || !number(&session_version) {
        return Err(refuse("user, two numbers and an address"));
    }
    match (username, session_id, session_version, address) {
        (Some(username), Some(session_id), Some(session_version), Some(address)) => {
            Ok(Origin { username, session_id, session_version, address })
        }
        _ => Err(refuse("user, two numbers and an address")),
    }
}

const fn too_many(offset: usize, bound: usize) -> WireError {
    WireError { within: "SDP", offset, fault: Fault::TooMany { bound } }
}

/// The types of RFC 8866 that may follow s=.
const LETTERS: &[u8] = b"iuepcbtrzkam";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const OFFER: &str = "v=0\r\n\
        o=cn 8001 8002 IN IP6 [2001:db8:c::c]\r\n\
        s=a call\r\n\
        c=IN IP6 2001:db8:c::c\r\n\
        t=0 0\r\n\
        a=recvonly\r\n\
        m=audio 4001 RTP/AVP 0 97\r\n\
        a=rtpmap:97 L16/8000\r\n\
        m=video 4003/2 RTP/AVP 31\r\n\
        c=IN IP6 2001:db8:c::d\r\n\
        a=sendonly\r\n\
        m=audio 0 RTP/AVP 8\r\n\
        c=IN IP4 192.0.2.4\r\n\
        m=audio 4005 RTP/SAVP 8\r\n\
        a=inactive\r\n\
        c=IN IP6 2001:db8:c::e\r\n\
        m=audio 4007 RTP/AVP 8";

    #[test]
    fn the_address_of_a_stream_is_its_own_or_the_sessions() {
        let offer = SessionDescription::parse(OFFER.as_bytes()).unwrap();
        insta::assert_snapshot!(offer.to_string().replace(", ", "\n"), @"
        audio 2001:db8:c::c 4001 recvonly
        video 2001:db8:c::d 4003 sendonly
        audio 192.0.2.4 0 recvonly
        audio 2001:db8:c::e 4005 inactive
        audio 2001:db8:c::c 4007 recvonly
        ");
        let addresses: Vec<String> =
            offer.media_addresses().iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["2001:db8:c::c", "2001:db8:c::d"]);
        assert_eq!(offer.to_vec(), OFFER.as_bytes());
    }

    #[test]
    fn the_origin_is_opaque_but_for_its_numbers() {
        let origin = SessionDescription::parse(OFFER.as_bytes()).unwrap().origin();
        assert_eq!(origin.address, "IN IP6 [2001:db8:c::c]");
        assert_eq!((origin.session_id.as_str(), origin.session_version.as_str()), ("8001", "8002"));
    }

    #[test]
    fn a_payload_type_is_looked_up() {
        let offer = SessionDescription::parse(OFFER.as_bytes()).unwrap();
        let audio = offer.view().media().next().unwrap().unwrap();
        assert_eq!(
            (audio.rtpmap("97"), audio.rtpmap("0"), audio.formats),
            (Some("L16/8000"), None, "0 97")
        );
    }

    #[rstest]
    #[case::version("v=0", "v=1", WireError::grammar("SDP", 2, "v=0"))]
    #[case::order(
        "o=cn 8001 8002 IN IP6 [2001:db8:c::c]\r\ns=a call",
        "s=a call\r\no=x 1 1 a",
        WireError::grammar("SDP", 7, "o=")
    )]
    #[case::origin(
        "8002",
        "x",
        WireError::grammar("SDP o=", 7, "user, two numbers and an address")
    )]
    #[case::space("t=0 0", "t= 0 0", WireError::grammar("SDP", 80, "a value"))]
    #[case::letter(
        "t=0 0",
        "T=0 0",
        WireError::grammar("SDP", 80, "a known type and an equals sign")
    )]
    #[case::no_equals_sign(
        "t=0 0",
        "t 0 0",
        WireError::grammar("SDP", 78, "a known type and an equals sign")
    )]
    #[case::brackets(
        "c=IN IP6 2001:db8:c::c",
        "c=IN IP6 [2001:db8:c::c]",
        WireError::grammar("SDP c=", 63, "an address or a name")
    )]
    #[case::no_connection(
        "c=IN IP6 2001:db8:c::c\r\n",
        "",
        WireError::missing("SDP media", 75, "a connection address")
    )]
    #[case::port("audio 4001 ", "audio 65536 ", WireError::grammar("SDP m=", 105, "a port"))]
    #[case::formats(
        "RTP/AVP 0 97",
        "RTP/AVP",
        WireError::grammar("SDP m=", 99, "media, port, protocol and formats")
    )]
    fn what_is_none_is_refused(#[case] from: &str, #[case] to: &str, #[case] error: WireError) {
        let text = OFFER.replacen(from, to, 1);
        assert_ne!(text, OFFER);
        assert_eq!(SessionDescription::parse(text.as_bytes()), Err(error));
    }

    #[rstest]
    #[case::lines("a=x\r\n".repeat(513), 512)]
    #[case::media("m=audio 7 RTP/AVP 0\r\n".repeat(33), 32)]
    fn what_passes_a_bound_is_refused(#[case] more: String, #[case] bound: usize) {
        let text = format!("v=0\r\no=- 1 2 IN IP6 ::1\r\ns=-\r\nc=IN IP6 ::1\r\n{more}");
        let error = SessionDescription::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.fault, Fault::TooMany { bound });
    }

    proptest! {
        #[test]
        fn no_edit_makes_it_panic(edits in prop::collection::vec((0_usize..420, any::<u8>()), 0..6), cut in 0_usize..420) {
            let mut octets = OFFER.as_bytes().to_vec();
            for (at, octet) in edits {
                if let Some(there) = octets.get_mut(at) {
                    *there = octet;
                }
            }
            octets.truncate(cut);
            if let Ok(description) = SessionDescription::parse(&octets) {
                prop_assert_eq!(description.as_octets(), &octets[..]);
                let _ = (description.origin(), description.to_string(), description.media_addresses());
            }
        }
    }
}
