//! Reading capture files block by block, with the place of every fault.

use std::fmt;
use std::io;
use std::time::Duration;

use pcap_file::pcap::{PcapParseError, PcapParser, PcapTsResolution};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{Block, PcapNgParseError, PcapNgParser};
use pcap_file::{DataLink, Endianness};

use super::capture::{Capture, Frame, LOST};
use super::link_type;
use super::pcapng::epoch_from_comment;
use super::resolution::{Finer, patched};
use crate::link::LinkId;

/// Why a file is not a capture that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureError {
    /// The file.
    pub file: String,
    /// Where in it, where that is known.
    pub place: Option<Place>,
    /// What was expected there, and what stands there.
    pub what: String,
    /// What to do.
    pub advice: String,
}

/// A place in a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The block (pcapng) or record (pcap), counted from 1.
    pub block: usize,
    /// The packet that was being read, counted from 1 as tshark counts.
    pub packet: usize,
    /// The octet of the file where that block begins.
    pub octet: usize,
}

impl CaptureError {
    pub(super) fn unreadable(file: &str, error: &io::Error) -> Self {
        let advice = if error.kind() == io::ErrorKind::PermissionDenied {
            "check its permissions"
        } else {
            "give the name of a capture file"
        };
        Self::new(file, None, format!("cannot be read: {error}"), advice)
    }

    pub(super) fn too_large(file: &str, octets_max: u64) -> Self {
        let what = format!("is larger than {} MiB", octets_max >> 20);
        Self::new(file, None, what, "split it: editcap -c 100000 IN OUT")
    }

    /// File, place and what is wrong, in one line without the advice.
    pub fn place_and_what(&self) -> String {
        let Self { file, what, .. } = self;
        match self.place {
            Some(Place { block, packet, octet }) => {
                format!("{file}: block {block} (at packet {packet}), octet {octet}: {what}")
            }
            None => format!("{file}: {what}"),
        }
    }

    fn new(file: &str, place: Option<Place>, what: String, advice: &str) -> Self {
        Self { file: file.to_owned(), place, what, advice: advice.to_owned() }
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.place_and_what(), self.advice)
    }
}

impl std::error::Error for CaptureError {}

/// The kinds of capture files, told apart by their first four octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Pcapng,
    Pcap,
}

impl Format {
    pub(super) fn of(octets: &[u8]) -> Option<Self> {
        match octets.first_chunk::<4>()? {
            [0x0a, 0x0d, 0x0d, 0x0a] => Some(Self::Pcapng),
            [0xa1, 0xb2, 0xc3, 0xd4]
            | [0xa1, 0xb2, 0x3c, 0x4d]
            | [0xd4, 0xc3, 0xb2, 0xa1]
            | [0x4d, 0x3c, 0xb2, 0xa1] => Some(Self::Pcap),
            _ => None,
        }
    }
}

pub(super) fn read(file: &str, octets: &[u8]) -> Result<Capture, CaptureError> {
    let mut reading = Reading {
        file,
        octets,
        at: 0,
        block: 1,
        frames: Vec::new(),
        links: Vec::new(),
        epoch: None,
    };
    match Format::of(octets) {
        Some(Format::Pcapng) => reading.pcapng()?,
        Some(Format::Pcap) => reading.pcap()?,
        None => return Err(CaptureError::new(file, None, beginning(octets), begin_advice(octets))),
    }
    Ok(reading.capture())
}

/// A file on its way to a capture.
struct Reading<'a> {
    file: &'a str,
    octets: &'a [u8],
    /// Where the block being read begins.
    at: usize,
    /// Its number, from 1.
    block: usize,
    links: Vec<String>,
    /// Frames with `at` since 1970.
    frames: Vec<Frame>,
    epoch: Option<Duration>,
}

/// An interface of a section.
struct Interface {
    link: LinkId,
    link_type: DataLink,
    finer: Option<(Finer, i64)>,
}

impl Reading<'_> {
    fn pcapng(&mut self) -> Result<(), CaptureError> {
        let (mut rest, mut parser) = PcapNgParser::new(self.octets).map_err(|e| self.broken(&e))?;
        self.section(parser.section());
        let mut interfaces = Vec::new();
        loop {
            self.at = self.octets.len() - rest.len();
            self.block += 1;
            if rest.is_empty() {
                return Ok(());
            }
            let coarse = patched(rest, parser.section().endianness == Endianness::Big);
            let source = coarse.as_ref().map_or(rest, |(block, _)| block.as_slice());
            let (after, raw) = parser.next_raw_block(source).map_err(|e| self.broken(&e))?;
            rest = &rest[source.len() - after.len()..];
            match raw.type_ {
                SECTION_HEADER => {
                    interfaces.clear();
                    self.section(parser.section());
                }
                INTERFACE_DESCRIPTION => {
                    let number = interfaces.len();
                    let described = &parser.interfaces()[number];
                    let finer = coarse.map(|(_, finer)| (finer, described.ts_offset()));
                    let name = described.options.iter().find_map(name_of);
                    let link = self.link(name.unwrap_or_else(|| format!("interface-{number}")))?;
                    interfaces.push(Interface { link, link_type: described.linktype, finer });
                }
                PACKET | SIMPLE_PACKET | ENHANCED_PACKET => {
                    let block = raw.try_into_block(parser.state());
                    let block = block.map_err(|e| self.broken(&PcapNgParseError::from(e)))?;
                    self.packet(&block, &interfaces)?;
                }
                _ => {}
            }
        }
    }

    /// The epoch that our own files carry.
    fn section(&mut self, section: &SectionHeaderBlock<'_>) {
        let comments = section.options.iter().filter_map(|option| {
            let SectionHeaderOption::Common(CommonOption::Comment(text)) = option else {
                return None;
            };
            Some(text)
        });
        if self.epoch.is_none() {
            self.epoch = comments.filter_map(|text| epoch_from_comment(text)).next();
        }
    }

    /// A link of that name: sections and interfaces of one name are one link.
    fn link(&mut self, name: String) -> Result<LinkId, CaptureError> {
        if let Some(known) = self.links.iter().position(|link| *link == name) {
            return Ok(LinkId(known));
        }
        if self.links.len() == LINKS_MAX {
            let what = format!("more than {LINKS_MAX} interfaces");
            return Err(self.error(what, "keep those of interest: editcap, tshark -Y"));
        }
        self.links.push(name);
        Ok(LinkId(self.links.len() - 1))
    }

    fn packet(&mut self, block: &Block<'_>, interfaces: &[Interface]) -> Result<(), CaptureError> {
        let mut comments = Vec::new();
        let (interface, at, original, data) = if let Block::EnhancedPacket(packet) = block {
            comments.extend(packet.options.iter().filter_map(comment_of));
            (packet.interface_id, packet.timestamp, packet.original_len, &packet.data)
        } else if let Block::Packet(packet) = block {
            (packet.interface_id.into(), packet.timestamp, packet.original_len, &packet.data)
        } else if let Block::SimplePacket(packet) = block {
            // It has no time of its own: it stands where the packet before it stood.
            let at = self.frames.last().map_or(Duration::ZERO, |frame| frame.at);
            (0, at, packet.original_len, &packet.data)
        } else {
            return Ok(());
        };
        let interface = usize::try_from(interface).ok().and_then(|number| interfaces.get(number));
        let Some(Interface { link, link_type, finer }) = interface else {
            return Err(self.error(
                "the packet names an interface that is not described".to_owned(),
                "write the file anew: tshark -r IN -w OUT",
            ));
        };
        let at = finer.map_or(at, |(finer, offset)| finer.reread(at, offset));
        self.frame(*link, *link_type, at, original, data, comments)
    }

    fn pcap(&mut self) -> Result<(), CaptureError> {
        let (mut rest, parser) = PcapParser::new(self.octets).map_err(|e| self.broken_pcap(&e))?;
        let header = parser.header();
        let link = self.link("capture".to_owned())?;
        while !rest.is_empty() {
            self.at = self.octets.len() - rest.len();
            let (after, packet) = parser.next_raw_packet(rest).map_err(|e| self.broken_pcap(&e))?;
            let fraction = match header.ts_resolution {
                PcapTsResolution::MicroSecond => Duration::from_micros(packet.ts_frac.into()),
                PcapTsResolution::NanoSecond => Duration::from_nanos(packet.ts_frac.into()),
            };
            let at = Duration::from_secs(packet.ts_sec.into()) + fraction;
            self.frame(link, header.datalink, at, packet.orig_len, &packet.data, Vec::new())?;
            rest = after;
            self.block += 1;
        }
        Ok(())
    }

    fn frame(
        &mut self,
        link: LinkId,
        link_type: DataLink,
        at: Duration,
        original: u32,
        data: &[u8],
        mut comments: Vec<String>,
    ) -> Result<(), CaptureError> {
        let Some(octets) = link_type::to_ethernet(link_type, data) else {
            let what = format!(
                "link type {} ({link_type:?}) carries no frames that are read here",
                u32::from(link_type)
            );
            return Err(self.error(what, "capture on an Ethernet or raw IP interface"));
        };
        if self.frames.len() == FRAMES_MAX {
            let what = format!("more than {FRAMES_MAX} packets");
            return Err(self.error(what, "split it: editcap -c 100000 IN OUT"));
        }
        let kept = comments.len();
        comments.retain(|comment| comment != LOST);
        self.frames.push(Frame {
            number: self.frames.len() + 1,
            at,
            link,
            octets: octets.into_owned(),
            missing: usize::try_from(original).unwrap_or(usize::MAX).saturating_sub(data.len()),
            lost: comments.len() < kept,
            comments,
        });
        Ok(())
    }

    /// Times become times since the epoch: ours where the file says it, else the first packet's.
    fn capture(mut self) -> Capture {
        let first = self.frames.iter().map(|frame| frame.at).min();
        let ours = self.epoch.filter(|epoch| first.is_none_or(|first| *epoch <= first));
        let epoch = ours.or(first).unwrap_or_default();
        for frame in &mut self.frames {
            frame.at = frame.at.saturating_sub(epoch);
        }
        Capture { links: self.links, frames: self.frames, epoch }
    }

    fn error(&self, what: String, advice: &str) -> CaptureError {
        let place = Place { block: self.block, packet: self.frames.len() + 1, octet: self.at };
        CaptureError::new(self.file, Some(place), what, advice)
    }

    fn broken(&self, error: &PcapNgParseError) -> CaptureError {
        if let PcapNgParseError::IncompleteBuffer(need, have) = error {
            return self.cut(*need, *have);
        }
        self.error(chain(error), "write the file anew: tshark -r IN -w OUT")
    }

    fn broken_pcap(&self, error: &PcapParseError) -> CaptureError {
        if let PcapParseError::IncompleteBuffer(need, have) = error {
            return self.cut(*need, *have);
        }
        self.error(chain(error), "write the file anew: tshark -r IN -w OUT")
    }

    fn cut(&self, need: usize, have: usize) -> CaptureError {
        let what = format!("needs {need} octets, has {have}");
        self.error(what, "the file ends too early: tshark -r IN -w OUT keeps the whole packets")
    }
}

fn comment_of(option: &EnhancedPacketOption<'_>) -> Option<String> {
    let EnhancedPacketOption::Common(CommonOption::Comment(text)) = option else { return None };
    Some(text.clone().into_owned())
}

fn name_of(option: &InterfaceDescriptionOption<'_>) -> Option<String> {
    let InterfaceDescriptionOption::IfName(name) = option else { return None };
    Some(name.clone().into_owned())
}

/// An error of the parser with all its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !line.ends_with(&next) {
            line = format!("{line}: {next}");
        }
        cause = error.source();
    }
    line
}

fn beginning(octets: &[u8]) -> String {
    if octets.is_empty() {
        return "is empty, expected a pcapng or pcap file".to_owned();
    }
    let first: Vec<String> = octets.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    format!("begins with {}, expected a pcapng or pcap file", first.join(" "))
}

fn begin_advice(octets: &[u8]) -> &'static str {
    match octets {
        [] => "check that the capture was written",
        [0x1f, 0x8b, ..] => "unpack it: gunzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "unpack it: unzstd",
        [0x04, 0x22, 0x4d, 0x18, ..] => "unpack it: unlz4",
        _ => "convert it: editcap -F pcapng IN OUT",
    }
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// More links than any topology has, fewer than a hostile file can make us hold.
const LINKS_MAX: usize = 4096;

/// A capture of so many packets is held in memory, a larger one is not.
const FRAMES_MAX: usize = 2_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::pcapng;
    use rstest::rstest;

    #[rstest]
    #[case::empty(&[], "x: is empty, expected a pcapng or pcap file; check that the capture was written")]
    #[case::gzip(&[0x1f, 0x8b, 8, 0, 1], "x: begins with 1f 8b 08 00, expected a pcapng or pcap file; unpack it: gunzip")]
    #[case::text(
        b"INVITE",
        "x: begins with 49 4e 56 49, expected a pcapng or pcap file; convert it: editcap -F pcapng IN OUT"
    )]
    #[case::pcapng_header_cut(&[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0],
        "x: block 1 (at packet 1), octet 0: needs 12 octets, has 8; the file ends too early: tshark -r IN -w OUT keeps the whole packets")]
    #[case::pcap_header_cut(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0],
        "x: block 1 (at packet 1), octet 0: needs 24 octets, has 8; the file ends too early: tshark -r IN -w OUT keeps the whole packets")]
    fn what_is_no_capture_says_what_it_is(#[case] octets: &[u8], #[case] line: &str) {
        assert_eq!(read("x", octets).unwrap_err().to_string(), line);
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_with_its_place_or_whole_packets() {
        let whole = pcapng::octets(&sample()).unwrap();
        for end in 0..whole.len() {
            match read("x", &whole[..end]) {
                Ok(capture) => assert!(capture.frames.len() < 3, "cut at {end}"),
                Err(error) => {
                    let octet = error.place.map_or(0, |place| place.octet);
                    assert!(octet <= end, "cut at {end}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_an_error_or_a_capture() {
        let whole = pcapng::octets(&sample()).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut spoiled = whole.clone();
            spoiled[bit / 8] ^= 1 << (bit % 8);
            if let Ok(capture) = read("x", &spoiled) {
                assert!(capture.frames.len() <= 3);
            }
        }
    }

    #[test]
    fn an_unknown_block_is_passed_over() {
        let whole = pcapng::octets(&sample()).unwrap();
        let unknown = [
            &0x4242_u32.to_le_bytes()[..],
            &16_u32.to_le_bytes(),
            &[1, 2, 3, 4],
            &16_u32.to_le_bytes(),
        ]
        .concat();
        let section =
            usize::try_from(u32::from_le_bytes(*whole[4..].first_chunk().unwrap())).unwrap();
        let with = [&whole[..section], &unknown, &whole[section..], &unknown].concat();
        assert_eq!(read("x", &with).unwrap(), sample());
    }

    #[test]
    fn a_broken_block_is_named_by_number_packet_and_octet() {
        let whole = pcapng::octets(&sample()).unwrap();
        let mut spoiled = whole.clone();
        let at = whole.len() - 4;
        spoiled[at] ^= 0x40;
        let error = read("x", &spoiled).unwrap_err();
        assert_eq!((error.place.unwrap().block, error.place.unwrap().packet), (6, 3));
        assert!(error.what.contains("length"), "{error}");
    }

    /// Two interfaces of one section, times in picoseconds, big endian, as dumped field by field.
    #[test]
    fn picoseconds_in_big_endian_are_read() {
        let block = |kind: u32, body: &[u8]| {
            let length = u32::try_from(body.len() + 12).unwrap().to_be_bytes();
            [&kind.to_be_bytes()[..], &length, body, &length].concat()
        };
        let header =
            [0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let fine = [0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 12, 0, 0, 0, 0, 0, 0, 0];
        let coarse = [0, 1, 0, 0, 0, 0, 0, 0];
        let packet = |interface: u8, time: u64| {
            let time = time.to_be_bytes();
            [&[0, 0, 0, interface][..], &time, &[0, 0, 0, 2, 0, 0, 5, 0xdc, 0xa1, 0xa2, 0, 0]]
                .concat()
        };
        let file = [
            block(SECTION_HEADER, &header),
            block(INTERFACE_DESCRIPTION, &fine),
            block(INTERFACE_DESCRIPTION, &coarse),
            block(ENHANCED_PACKET, &packet(0, 5_000_000_007_000)),
            block(ENHANCED_PACKET, &packet(1, 5_000_003)),
        ]
        .concat();
        let capture = read("x", &file).unwrap();
        assert_eq!(capture.links, ["interface-0", "interface-1"]);
        assert_eq!(capture.epoch, Duration::from_nanos(5_000_000_007));
        let times: Vec<_> =
            capture.frames.iter().map(|f| (f.link.0, f.at.as_nanos(), f.missing)).collect();
        assert_eq!(times, [(0, 0, 1498), (1, 2993, 1498)]);
    }

    #[rstest]
    #[case::microseconds([0xd4, 0xc3, 0xb2, 0xa1], 7_000)]
    #[case::nanoseconds([0x4d, 0x3c, 0xb2, 0xa1], 7)]
    fn classic_files_are_read(#[case] magic: [u8; 4], #[case] nanoseconds: u64) {
        let header = [2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
        let record =
            |fraction: u8| [9, 0, 0, 0, fraction, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xa1, 0xa2];
        let file = [&magic[..], &header, &record(1), &record(8)].concat();
        let capture = read("x", &file).unwrap();
        let frames: Vec<_> =
            capture.frames.iter().map(|f| (f.at, f.missing, &f.octets[..])).collect();
        let octets = &[0xa1, 0xa2][..];
        assert_eq!(
            frames,
            [(Duration::ZERO, 1, octets), (Duration::from_nanos(nanoseconds), 1, octets)]
        );
    }

    #[test]
    fn a_link_type_without_frames_is_refused_by_name() {
        let header = [2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 189, 0, 0, 0];
        let record = [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let error =
            read("x", &[&[0xd4, 0xc3, 0xb2, 0xa1][..], &header, &record].concat()).unwrap_err();
        assert!(
            error.to_string().starts_with("x: block 1 (at packet 1), octet 24: link type 189"),
            "{error}"
        );
    }

    fn sample() -> Capture {
        let mut capture = Capture::new(["home", "visited-1"], Duration::from_secs(1_000_000_000));
        for number in 0..3_u8 {
            let at = Duration::from_millis(u64::from(number));
            let frame =
                capture.record(at, LinkId(usize::from(number % 2)), vec![0xa0 | number; 61]);
            capture.comment(frame, format!("remark {number}"));
        }
        capture
    }
}
