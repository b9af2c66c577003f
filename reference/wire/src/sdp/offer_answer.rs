//! Offers and answers of a terminal with one audio stream (RFC 3264).

use std::fmt::Write;
use std::net::Ipv6Addr;

use super::connection::ConnectionAddress;
use super::description::SessionDescription;
use super::view::{Direction, MediaView};

/// What a terminal can send and receive, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalMedia {
    /// Where it takes media: a mobile terminal's home address, never its care-of address.
    pub address: Ipv6Addr,
    /// The port on which it takes audio.
    pub port: u16,
    /// Names the session; the same in every description of one dialog.
    pub session_id: u64,
    /// One more than in the last description that differed.
    pub session_version: u64,
    /// What it can encode and decode, the preferred first.
    pub formats: Vec<Format>,
    /// Which way media shall flow.
    pub direction: Direction,
}

/// An audio encoding and the payload type it is offered under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// 0 to 127.
    pub payload_type: u8,
    /// Name and clock rate: `PCMU/8000`.
    pub encoding: String,
}

/// No stream of the offer can be answered: 488 (RFC 3261 13.3.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCommonMedia;

impl LocalMedia {
    /// Audio both ways in the two encodings everyone has: PCMU and PCMA.
    pub fn audio(address: Ipv6Addr, port: u16, session_id: u64) -> Self {
        let format =
            |payload_type, encoding: &str| Format { payload_type, encoding: encoding.to_owned() };
        Self {
            address,
            port,
            session_id,
            session_version: 1,
            formats: vec![format(0, "PCMU/8000"), format(8, "PCMA/8000")],
            direction: Direction::SendRecv,
        }
    }

    /// An offer of one audio stream.
    pub fn offer(&self) -> SessionDescription {
        let mut text = self.session_part();
        let formats: Vec<Chosen<'_>> = self
            .formats
            .iter()
            .map(|format| Chosen {
                number: format.payload_type.to_string(),
                encoding: &format.encoding,
            })
            .collect();
        self.write_audio(&mut text, "RTP/AVP", &formats, self.direction);
        made(text)
    }

    /// The answer to `offer`: as many streams in the same order, the first audio stream that can
    /// be had accepted with the formats both sides know, under the offer's numbers, the others
    /// refused with port zero.
    ///
    /// # Errors
    ///
    /// [`NoCommonMedia`] where no stream can be accepted.
    pub fn answer(&self, offer: &SessionDescription) -> Result<SessionDescription, NoCommonMedia> {
        let mut text = self.session_part();
        let mut accepted = false;
        for media in offer.view().media() {
            let media = media.expect("a description's media can be read");
            let formats = if accepted { Vec::new() } else { self.common_formats(&media) };
            if formats.is_empty() {
                let MediaView { kind, protocol, formats, .. } = media;
                write!(text, "m={kind} 0 {protocol} {formats}\r\n").expect(NEVER_FAILS);
            } else {
                accepted = true;
                let direction = narrowed(media.direction().reversed(), self.direction);
                self.write_audio(&mut text, media.protocol, &formats, direction);
            }
        }
        if accepted { Ok(made(text)) } else { Err(NoCommonMedia) }
    }

    /// The formats of `media` that both sides know, in the offer's order and under its numbers.
    fn common_formats<'a>(&self, media: &MediaView<'a>) -> Vec<Chosen<'a>> {
        let reachable = match media.connection() {
            Ok(ConnectionAddress::Ipv6(_) | ConnectionAddress::Unspecified) => true,
            Ok(ConnectionAddress::Name(_)) => true,
            Ok(ConnectionAddress::Ipv4(_) | ConnectionAddress::Mapped(_)) | Err(_) => false,
        };
        if media.kind != "audio" || media.protocol != "RTP/AVP" || media.port == 0 || !reachable {
            return Vec::new();
        }
        let known = |encoding: &str| {
            let bare = encoding.strip_suffix("/1").unwrap_or(encoding);
            self.formats.iter().any(|format| format.encoding.eq_ignore_ascii_case(bare))
        };
        media
            .formats
            .split(' ')
            .filter_map(|number| {
                let encoding = media.rtpmap(number).or_else(|| static_encoding(number))?;
                known(encoding).then(|| Chosen { number: number.to_owned(), encoding })
            })
            .collect()
    }

    fn session_part(&self) -> String {
        let Self { address, session_id, session_version, .. } = self;
        format!(
            "v=0\r\no=- {session_id} {session_version} IN IP6 {address}\r\ns=-\r\n\
             c=IN IP6 {address}\r\nt=0 0\r\n"
        )
    }

    fn write_audio(
        &self,
        text: &mut String,
        protocol: &str,
        formats: &[Chosen<'_>],
        way: Direction,
    ) {
        write!(text, "m=audio {} {protocol}", self.port).expect(NEVER_FAILS);
        for Chosen { number, .. } in formats {
            write!(text, " {number}").expect(NEVER_FAILS);
        }
        text.push_str("\r\n");
        for Chosen { number, encoding } in formats {
            write!(text, "a=rtpmap:{number} {encoding}\r\n").expect(NEVER_FAILS);
        }
        write!(text, "a={}\r\n", way.as_str()).expect(NEVER_FAILS);
    }
}

struct Chosen<'a> {
    number: String,
    encoding: &'a str,
}

/// What both sides agree to (RFC 3264 6.1).
fn narrowed(one: Direction, other: Direction) -> Direction {
    let sends = |way| matches!(way, Direction::SendRecv | Direction::SendOnly);
    let receives = |way| matches!(way, Direction::SendRecv | Direction::RecvOnly);
    match (sends(one) && sends(other), receives(one) && receives(other)) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}

/// The encodings that need no a=rtpmap (RFC 3551 6), as far as terminals still use them.
fn static_encoding(number: &str) -> Option<&'static str> {
    match number {
        "0" => Some("PCMU/8000"),
        "3" => Some("GSM/8000"),
        "8" => Some("PCMA/8000"),
        "9" => Some("G722/8000"),
        "18" => Some("G729/8000"),
        _ => None,
    }
}

fn made(text: String) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).expect("what is written here follows the grammar")
}

const NEVER_FAILS: &str = "writing to a string never fails";

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn local() -> LocalMedia {
        LocalMedia::audio("2001:db8:a::100".parse().unwrap(), 4002, 77_001)
    }

    fn offer(media: &str) -> SessionDescription {
        let text = format!(
            "v=0\r\no=cn 81 82 IN IP6 2001:db8:c::c\r\ns=x\r\nc=IN IP6 2001:db8:c::c\r\nt=0 0\r\n{media}"
        );
        SessionDescription::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_offer_names_the_home_address() {
        insta::assert_snapshot!(String::from_utf8(local().offer().to_vec()).unwrap().replace('\r', ""), @"
        v=0
        o=- 77001 1 IN IP6 2001:db8:a::100
        s=-
        c=IN IP6 2001:db8:a::100
        t=0 0
        m=audio 4002 RTP/AVP 0 8
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=sendrecv
        ");
    }

    #[test]
    fn an_answer_has_every_stream_of_the_offer_in_its_order() {
        let offer = offer(
            "m=video 4010 RTP/AVP 31\r\nm=audio 4011 RTP/AVP 97 18 8 98\r\na=rtpmap:97 pcmu/8000/1\r\n\
             a=rtpmap:98 opus/48000/2\r\na=sendonly\r\nm=audio 4012 RTP/AVP 0\r\n\
             m=audio 4013 RTP/SAVP 0\r\nm=application 4014 UDP/BFCP *\r\n",
        );
        let answer = local().answer(&offer).unwrap();
        insta::assert_snapshot!(String::from_utf8(answer.to_vec()).unwrap().replace('\r', ""), @"
        v=0
        o=- 77001 1 IN IP6 2001:db8:a::100
        s=-
        c=IN IP6 2001:db8:a::100
        t=0 0
        m=video 0 RTP/AVP 31
        m=audio 4002 RTP/AVP 97 8
        a=rtpmap:97 pcmu/8000/1
        a=rtpmap:8 PCMA/8000
        a=recvonly
        m=audio 0 RTP/AVP 0
        m=audio 0 RTP/SAVP 0
        m=application 0 UDP/BFCP *
        ");
    }

    #[rstest]
    #[case::no_encoding("m=audio 4020 RTP/AVP 3\r\n")]
    #[case::refused("m=audio 0 RTP/AVP 0\r\n")]
    #[case::no_audio("m=video 4021 RTP/AVP 0\r\n")]
    #[case::ipv4("m=audio 4022 RTP/AVP 0\r\nc=IN IP4 192.0.2.9\r\n")]
    #[case::mapped("m=audio 4023 RTP/AVP 0\r\nc=IN IP6 ::ffff:192.0.2.9\r\n")]
    #[case::unknown_number("m=audio 4024 RTP/AVP 96\r\n")]
    #[case::nothing("")]
    fn an_offer_with_nothing_in_common_has_no_answer(#[case] media: &str) {
        assert_eq!(local().answer(&offer(media)), Err(NoCommonMedia));
    }

    #[rstest]
    #[case("sendrecv", Direction::SendRecv, Direction::SendRecv)]
    #[case("sendonly", Direction::SendRecv, Direction::RecvOnly)]
    #[case("recvonly", Direction::SendRecv, Direction::SendOnly)]
    #[case("inactive", Direction::SendRecv, Direction::Inactive)]
    #[case("sendrecv", Direction::SendOnly, Direction::SendOnly)]
    #[case("sendonly", Direction::SendOnly, Direction::Inactive)]
    fn a_direction_is_seen_from_the_other_side(
        #[case] offered: &str,
        #[case] wanted: Direction,
        #[case] answered: Direction,
    ) {
        let offer = offer(&format!("m=audio 4030 RTP/AVP 0\r\na={offered}\r\n"));
        let local = LocalMedia { direction: wanted, ..local() };
        assert_eq!(local.answer(&offer).unwrap().streams()[0].direction, answered);
    }
}
