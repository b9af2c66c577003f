//! `decode`: a capture or octets, told field by field, for people and for programs.

use std::fmt::{self, Write as _};
use std::io::Read;
use std::path::Path;

use roamproof_wire::WireError;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::capture::{Capture, Frame};
use super::fields::{self, Dissection, OctetsKind};
use super::foreign::CaptureError;
use super::layer::Layer;
use super::pcapng;

/// What was decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The packets, in order.
    pub packets: Vec<Packet>,
}

/// One packet, dissected.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// Its number, as tshark counts.
    pub number: usize,
    /// Its frame in the capture, without its octets; none for bare octets.
    pub seen: Option<Seen>,
    /// Its length in octets, those included that the capture does not hold.
    pub length: usize,
    /// Its layers, the outermost first.
    pub layers: Vec<Layer>,
    /// The first thing wrong with it.
    pub error: Option<WireError>,
    /// It in one line.
    pub line: String,
}

/// When and where a packet was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Seconds since the start of the run, with nine digits behind the point.
    pub time: String,
    /// The name of its link.
    pub link: String,
    /// Whether the link lost it.
    pub lost: bool,
    /// The remarks on it.
    pub comments: Vec<String>,
}

/// Why something cannot be decoded at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// The capture file is none, or is broken.
    Capture(CaptureError),
    /// Neither a file nor hexadecimal digits: what was given, and what is odd about it.
    Input {
        /// What is wrong.
        what: String,
        /// What to do.
        advice: String,
    },
}

impl DecodeError {
    /// What is wrong, with its place, in one line.
    pub fn what(&self) -> String {
        match self {
            Self::Capture(error) => error.place_and_what(),
            Self::Input { what, .. } => what.clone(),
        }
    }

    /// What to do.
    pub fn advice(&self) -> &str {
        match self {
            Self::Capture(error) => &error.advice,
            Self::Input { advice, .. } => advice,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what(), self.advice())
    }
}

impl std::error::Error for DecodeError {}

/// Decodes `input`: the name of a capture file, `-` for `stdin`, or octets in hexadecimal. With
/// `kind` a file or standard input may also hold bare octets of that kind, or their digits.
///
/// # Errors
///
/// Where the input is neither; octets that can be read only in part are no error here.
pub fn decode(
    input: &str,
    kind: Option<OctetsKind>,
    stdin: impl Read,
) -> Result<Decoded, DecodeError> {
    if input == "-" {
        return decode_octets("standard input", &all_of("standard input", stdin)?, kind);
    }
    let path = Path::new(input);
    if path.exists() {
        let name = path.display().to_string();
        let file = std::fs::File::open(path)
            .map_err(|error| DecodeError::Capture(CaptureError::unreadable(&name, &error)))?;
        return decode_octets(&name, &all_of(&name, file)?, kind);
    }
    match hexadecimal(input) {
        Ok(octets) if !octets.is_empty() => Ok(Decoded::of_octets(&octets, kind)),
        Ok(_) => Err(neither(input, "it is empty")),
        Err(odd) => Err(neither(input, &odd)),
    }
}

fn all_of(name: &str, source: impl Read) -> Result<Vec<u8>, DecodeError> {
    pcapng::octets_from(name, source).map_err(DecodeError::Capture)
}

fn decode_octets(
    name: &str,
    octets: &[u8],
    kind: Option<OctetsKind>,
) -> Result<Decoded, DecodeError> {
    let digits = std::str::from_utf8(octets).ok().and_then(|text| hexadecimal(text).ok());
    let digits = digits.filter(|octets| !octets.is_empty());
    match (pcapng::is_capture(octets), digits, kind) {
        (false, Some(octets), kind) => Ok(Decoded::of_octets(&octets, kind)),
        (false, None, Some(kind)) => Ok(Decoded::of_octets(octets, Some(kind))),
        (true, ..) | (false, None, None) => {
            let capture = pcapng::read(name, octets).map_err(DecodeError::Capture)?;
            Ok(Decoded::of_capture(&capture))
        }
    }
}

fn neither(input: &str, odd: &str) -> DecodeError {
    let shown: String = input.chars().take(40).collect();
    DecodeError::Input {
        what: format!("`{shown}` is no file, and no octets in hexadecimal: {odd}"),
        advice: "give a capture file, `-`, or pairs of hexadecimal digits".to_owned(),
    }
}

/// Octets from hexadecimal digits: white space, colons, and `0x` before a pair are passed over.
fn hexadecimal(text: &str) -> Result<Vec<u8>, String> {
    let mut digits = Vec::new();
    for word in text.split(|c: char| c.is_ascii_whitespace() || c == ':' || c == ',') {
        let word = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).unwrap_or(word);
        for character in word.chars() {
            let digit = character.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            digits.push(digit.ok_or_else(|| format!("`{character}` is no digit"))?);
        }
    }
    if digits.len() % 2 == 1 {
        return Err(format!("{} digits make no whole octets", digits.len()));
    }
    Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// What octets look like.
fn guess(octets: &[u8]) -> OctetsKind {
    let first = octets.first().copied().unwrap_or_default();
    let length = octets.len();
    let half = |at: usize| {
        let half = octets.get(at..).and_then(<[u8]>::first_chunk::<2>);
        half.map_or(0, |half| u16::from_be_bytes(*half))
    };
    let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
    if line.starts_with(b"SIP/2.0 ") || line.trim_ascii_end().ends_with(b" SIP/2.0") {
        OctetsKind::Sip
    } else if octets.starts_with(b"v=0") {
        OctetsKind::Sdp
    } else if half(12) == roamproof_wire::ethernet::IPV6 {
        OctetsKind::Ethernet
    } else if first >> 4 == 6 && usize::from(half(4)) + 40 == length {
        OctetsKind::Ipv6
    } else if first == 59 && octets.get(1).is_some_and(|n| (usize::from(*n) + 1) * 8 == length) {
        OctetsKind::Mobility
    } else if first >> 6 == 2 && length >= 12 {
        OctetsKind::Rtp
    } else if first >> 4 == 6 {
        OctetsKind::Ipv6
    } else {
        OctetsKind::Ethernet
    }
}

impl Decoded {
    /// Decodes every frame of a capture.
    pub fn of_capture(capture: &Capture) -> Self {
        let packet = |frame: &Frame| Packet {
            number: frame.number,
            seen: Some(Seen {
                time: format!("{}.{:09}", frame.at.as_secs(), frame.at.subsec_nanos()),
                link: capture.link_name(frame.link).to_owned(),
                lost: frame.lost,
                comments: frame.comments.clone(),
            }),
            length: frame.octets.len() + frame.missing,
            ..Packet::of(OctetsKind::Ethernet, &frame.octets)
        };
        Self { packets: capture.frames.iter().map(packet).collect() }
    }

    /// Decodes bare octets, of a kind or of what they look like.
    pub fn of_octets(octets: &[u8], kind: Option<OctetsKind>) -> Self {
        let kind = kind.unwrap_or_else(|| guess(octets));
        Self { packets: vec![Packet { number: 1, ..Packet::of(kind, octets) }] }
    }

    /// How many packets could not be read to their end without fault.
    pub fn unreadable(&self) -> usize {
        self.packets.iter().filter(|packet| packet.error.is_some()).count()
    }

    /// A line per packet and one per remark and error; with `layers` one per layer, too.
    pub fn text(&self, layers: bool) -> String {
        let mut text = String::new();
        for packet in &self.packets {
            packet.tell(layers, &mut text);
        }
        text
    }
}

impl Packet {
    fn of(kind: OctetsKind, octets: &[u8]) -> Self {
        let Dissection { layers, error, line } = fields::of_kind(kind, octets);
        Self { number: 1, seen: None, length: octets.len(), layers, error, line }
    }

    fn tell(&self, layers: bool, text: &mut String) {
        // Writing to a String cannot fail.
        if let Some(Seen { time, link, lost, comments }) = &self.seen {
            let lost = if *lost { " ✗ lost" } else { "" };
            let _ = writeln!(text, "{:>5} {time:>14} {link:<13} {}{lost}", self.number, self.line);
            for comment in comments {
                let _ = writeln!(text, "      ▸ {comment}");
            }
        } else {
            let _ = writeln!(text, "{}", self.line);
        }
        if layers {
            for layer in &self.layers {
                let _ = writeln!(text, "      {layer}");
            }
        }
        if let Some(error) = &self.error {
            let _ = writeln!(text, "      ✗ {error}");
        }
    }
}

impl Serialize for Decoded {
    /// An array of packets.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.packets.serialize(serializer)
    }
}

impl Serialize for Packet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("number", &self.number)?;
        if let Some(Seen { time, link, lost, comments }) = &self.seen {
            map.serialize_entry("time", time)?;
            map.serialize_entry("link", link)?;
            map.serialize_entry("lost", lost)?;
            map.serialize_entry("comments", comments)?;
        }
        map.serialize_entry("length", &self.length)?;
        map.serialize_entry("line", &self.line)?;
        map.serialize_entry("layers", &self.layers)?;
        if let Some(error) = self.error {
            map.serialize_entry("error", &ErrorForm::from(error))?;
        }
        map.end()
    }
}

/// An error of the wire package for programs.
#[derive(Serialize)]
struct ErrorForm {
    within: &'static str,
    offset: usize,
    fault: String,
}

impl From<WireError> for ErrorForm {
    fn from(error: WireError) -> Self {
        let whole = error.to_string();
        let fault = whole.splitn(3, ": ").nth(2).unwrap_or_default().to_owned();
        Self { within: error.within, offset: error.offset, fault }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::sample::{self, Run};
    use rstest::rstest;
    use std::io;

    #[test]
    fn a_capture_is_told_line_by_line() {
        let capture = sample::exchange(&Run::GOLDEN);
        let octets = pcapng::octets(&capture).unwrap();
        let decoded = decode("-", None, &octets[..]).unwrap();
        assert_eq!(decoded, Decoded::of_capture(&capture));
        assert_eq!(decoded.unreadable(), 0, "{}", decoded.text(true));
        insta::assert_snapshot!(decoded.text(false), @r"
         1    0.000373000 visited-1     2001:db8:f1::ff:fe00:1 > ff02::1:ff00:1  Neighbor Solicitation target=2001:db8:a::100
         2    0.000569000 visited-1     2001:db8:a::100 > 2001:db8:c::c  HoTI
         3    0.000765000 backbone      2001:db8:a::100 > 2001:db8:c::c  HoTI
         4    0.000961000 correspondent 2001:db8:a::100 > 2001:db8:c::c  HoTI
         5    0.001157000 correspondent 2001:db8:c::c > 2001:db8:a::100  HoT nonce=196
         6    0.001353000 backbone      2001:db8:c::c > 2001:db8:a::100  HoT nonce=196
         7    0.001549000 visited-1     2001:db8:f1::ff:fe00:1 > 2001:db8:c::c  HAO 2001:db8:a::100  BU seq=4369 A life=420s
         8    0.001745000 correspondent 2001:db8:c::c > 2001:db8:f1::ff:fe00:1  RH2 2001:db8:a::100  BA seq=4369 status=0 life=420s
         9    0.001941000 visited-1     2001:db8:c::c > 2001:db8:f1::ff:fe00:1  RH2 2001:db8:a::100  BA seq=4369 status=0 life=420s
        10    0.002137000 visited-1     2001:db8:a::100 > 2001:db8:5::5  UDP 5060 > 5061  SIP/2.0 180 Ringing
        11    0.002333000 visited-1     2001:db8:a::100 > 2001:db8:5::5  UDP 5060 > 5061  SIP/2.0 200 OK
        12    0.002529000 correspondent 2001:db8:c::c > 2001:db8:f1::ff:fe00:1  UDP 49170 > 49172  RTP pt=0 seq=17 ts=160 ssrc=0xb1020304
        13    0.002725000 correspondent 2001:db8:c::c > 2001:db8:f1::ff:fe00:1  UDP 49170 > 49172  RTP pt=0 seq=18 ts=160 ssrc=0xb1020304
        ");
    }

    #[test]
    fn a_packet_is_told_field_by_field() {
        let capture = sample::exchange(&Run::GOLDEN);
        let update = Decoded { packets: vec![Decoded::of_capture(&capture).packets.remove(6)] };
        insta::assert_snapshot!(update.text(true), @r"
        7    0.001549000 visited-1     2001:db8:f1::ff:fe00:1 > 2001:db8:c::c  HAO 2001:db8:a::100  BU seq=4369 A life=420s
          ethernet: destination 02:00:00:00:00:20, source 02:00:00:00:00:01, type 34525
          ipv6: traffic-class 0, flow-label 0, payload-length 48, next-header 60, hop-limit 64, source 2001:db8:f1::ff:fe00:1, destination 2001:db8:c::c
          destination-options: home-address 2001:db8:a::100
          mobility: message Binding Update, payload-protocol 59, header-length 2, type 5, checksum 51902, sequence 4369, acknowledge true, home-registration false, link-local-compatibility false, key-management false, lifetime 105, lifetime-seconds 420, home-nonce-index 196, care-of-nonce-index 197
        ");
        insta::assert_snapshot!(serde_json::to_string_pretty(&update).unwrap(), @r#"
        [
          {
            "number": 7,
            "time": "0.001549000",
            "link": "visited-1",
            "lost": false,
            "comments": [],
            "length": 102,
            "line": "2001:db8:f1::ff:fe00:1 > 2001:db8:c::c  HAO 2001:db8:a::100  BU seq=4369 A life=420s",
            "layers": [
              {
                "layer": "ethernet",
                "destination": "02:00:00:00:00:20",
                "source": "02:00:00:00:00:01",
                "type": 34525
              },
              {
                "layer": "ipv6",
                "traffic-class": 0,
                "flow-label": 0,
                "payload-length": 48,
                "next-header": 60,
                "hop-limit": 64,
                "source": "2001:db8:f1::ff:fe00:1",
                "destination": "2001:db8:c::c"
              },
              {
                "layer": "destination-options",
                "home-address": "2001:db8:a::100"
              },
              {
                "layer": "mobility",
                "message": "Binding Update",
                "payload-protocol": 59,
                "header-length": 2,
                "type": 5,
                "checksum": 51902,
                "sequence": 4369,
                "acknowledge": true,
                "home-registration": false,
                "link-local-compatibility": false,
                "key-management": false,
                "lifetime": 105,
                "lifetime-seconds": 420,
                "home-nonce-index": 196,
                "care-of-nonce-index": 197
              }
            ]
          }
        ]
        "#);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let mut capture = sample::exchange(&Run::GOLDEN);
        capture.frames[6].octets[78] ^= 0x01;
        let decoded = Decoded::of_capture(&capture);
        assert_eq!(decoded.unreadable(), 1);
        let json = serde_json::to_value(&decoded).unwrap();
        insta::assert_snapshot!(json[6]["error"], @r#"
        {"within":"Mobility Header","offset":4,"fault":"checksum is 0xcabe, should be 0xcbbe"}
        "#);
    }

    #[rstest]
    #[case::mobility("3b01010000000000 0102030405060708", None, "mobility")]
    #[case::with_0x_and_colons("0x3b:0x01:01:00 0000:0000,0102030405060708", None, "mobility")]
    #[case::told_to_be_rtp("8000000100000002 00000003", Some(OctetsKind::Rtp), "rtp")]
    #[case::sip("4f5054494f4e53207369703a6120534950 2f322e300d0a0d0a", None, "sip")]
    #[case::sdp("763d300d0a", None, "sdp")]
    fn hexadecimal_octets_are_decoded(
        #[case] input: &str,
        #[case] kind: Option<OctetsKind>,
        #[case] layer: &str,
    ) {
        let decoded = decode(input, kind, io::empty()).unwrap();
        assert_eq!(decoded.packets[0].layers[0].name, layer);
        assert_eq!(decode("-", kind, input.as_bytes()).unwrap(), decoded);
    }

    #[rstest]
    #[case::no_file(
        "no-such.pcapng",
        "`no-such.pcapng` is no file, and no octets in hexadecimal: `n` is no digit; give a capture file, `-`, or pairs of hexadecimal digits"
    )]
    #[case::half_an_octet(
        "3b0",
        "`3b0` is no file, and no octets in hexadecimal: 3 digits make no whole octets; give a capture file, `-`, or pairs of hexadecimal digits"
    )]
    #[case::nothing(
        "",
        "`` is no file, and no octets in hexadecimal: it is empty; give a capture file, `-`, or pairs of hexadecimal digits"
    )]
    fn what_is_neither_file_nor_digits_is_refused(#[case] input: &str, #[case] line: &str) {
        assert_eq!(decode(input, None, io::empty()).unwrap_err().to_string(), line);
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_told() {
        for frame in sample::exchange(&Run::GOLDEN).frames {
            for end in 0..frame.octets.len() {
                let cut = Decoded::of_octets(&frame.octets[..end], Some(OctetsKind::Ethernet));
                assert_eq!(cut.unreadable(), 1, "frame {} cut at {end}", frame.number);
            }
            for bit in 0..frame.octets.len() * 8 {
                let mut spoiled = frame.octets.clone();
                spoiled[bit / 8] ^= 1 << (bit % 8);
                let told = Decoded::of_octets(&spoiled, Some(OctetsKind::Ethernet)).text(true);
                assert!(!told.is_empty());
            }
        }
    }
}
