//! Capture files: ours written as pcapng, ours and anyone's read (pcapng, classic pcap).
//!
//! One pcapng interface per link with its name, nanosecond times, remarks as packet comments. Equal
//! captures are equal octet for octet: nothing of the day, the host or the version is written.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{PcapNgWriteError, PcapNgWriter};
use pcap_file::{DataLink, Endianness};

use super::capture::{Capture, Frame, LOST};
use super::foreign::{self, CaptureError};

/// Writes a capture as pcapng.
///
/// # Errors
///
/// Those of `to`, and [`io::ErrorKind::InvalidInput`] for a time that pcapng cannot say.
pub fn write(capture: &Capture, to: impl Write) -> io::Result<()> {
    let mut writer = PcapNgWriter::with_section_header(to, section(capture)).map_err(refused)?;
    for link in &capture.links {
        writer.write_pcapng_block(interface(link)).map_err(refused)?;
    }
    for frame in &capture.frames {
        writer.write_pcapng_block(packet(capture, frame)?).map_err(refused)?;
    }
    writer.into_inner().flush()
}

/// Writes a capture as a pcapng file; an existing file is replaced.
///
/// # Errors
///
/// As [`write`].
pub fn write_file(path: &Path, capture: &Capture) -> io::Result<()> {
    write(capture, io::BufWriter::new(File::create(path)?))
}

/// The octets of a capture as pcapng.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] for a time that pcapng cannot say.
pub fn octets(capture: &Capture) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    write(capture, &mut octets)?;
    Ok(octets)
}

/// Reads a capture file, ours or anyone's: pcapng of any resolution and byte order with any number
/// of interfaces and sections, classic pcap with micro- or nanoseconds. Frames of raw IP, Linux
/// cooked and loopback captures get an Ethernet header with what is known of the addresses.
///
/// # Errors
///
/// Where the file cannot be opened, is larger than [`OCTETS_MAX`], or is not a capture: with file,
/// block, octet, what was expected and what to do.
pub fn read_file(path: &Path) -> Result<Capture, CaptureError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| CaptureError::unreadable(&name, &error))?;
    read_from(&name, file)
}

/// Reads a capture from `source`, called `name` in errors.
///
/// # Errors
///
/// As [`read_file`].
pub fn read_from(name: &str, source: impl Read) -> Result<Capture, CaptureError> {
    read(name, &octets_from(name, source)?)
}

/// The octets of `source`, called `name` in errors, as long as a capture may be.
///
/// # Errors
///
/// Where it cannot be read, or is larger than [`OCTETS_MAX`].
pub fn octets_from(name: &str, source: impl Read) -> Result<Vec<u8>, CaptureError> {
    let mut octets = Vec::new();
    source
        .take(OCTETS_MAX + 1)
        .read_to_end(&mut octets)
        .map_err(|error| CaptureError::unreadable(name, &error))?;
    if u64::try_from(octets.len()).is_ok_and(|length| length > OCTETS_MAX) {
        return Err(CaptureError::too_large(name, OCTETS_MAX));
    }
    Ok(octets)
}

/// Reads the octets of a capture file, called `name` in errors.
///
/// # Errors
///
/// As [`read_file`].
pub fn read(name: &str, octets: &[u8]) -> Result<Capture, CaptureError> {
    foreign::read(name, octets)
}

/// Whether octets begin like a capture file.
pub fn is_capture(octets: &[u8]) -> bool {
    foreign::Format::of(octets).is_some()
}

fn section(capture: &Capture) -> SectionHeaderBlock<'static> {
    let epoch = format!("{EPOCH}{}.{:09}", capture.epoch.as_secs(), capture.epoch.subsec_nanos());
    SectionHeaderBlock {
        endianness: Endianness::Little,
        options: vec![
            SectionHeaderOption::UserApplication(Cow::Borrowed("roamproof")),
            SectionHeaderOption::Common(CommonOption::Comment(Cow::Owned(epoch))),
        ],
        ..SectionHeaderBlock::default()
    }
}

fn interface(name: &str) -> InterfaceDescriptionBlock<'_> {
    InterfaceDescriptionBlock {
        linktype: DataLink::ETHERNET,
        snaplen: 0,
        options: vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed(name)),
            InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
        ],
    }
}

fn packet<'a>(capture: &Capture, frame: &'a Frame) -> io::Result<EnhancedPacketBlock<'a>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let lost = frame.lost.then_some(LOST);
    let remarks = lost.into_iter().chain(frame.comments.iter().map(String::as_str));
    Ok(EnhancedPacketBlock {
        interface_id: u32::try_from(frame.link.0)
            .map_err(|_| invalid("a link number beyond 2^32"))?,
        timestamp: capture
            .epoch
            .checked_add(frame.at)
            .ok_or_else(|| invalid("a time beyond what can be written"))?,
        original_len: u32::try_from(frame.octets.len() + frame.missing)
            .map_err(|_| invalid("a frame beyond 2^32 octets"))?,
        data: Cow::Borrowed(&frame.octets),
        options: remarks
            .map(|text| CommonOption::Comment(Cow::Borrowed(shortened(text))))
            .map(EnhancedPacketOption::Common)
            .collect(),
    })
}

/// As much of a remark as an option can hold.
fn shortened(text: &str) -> &str {
    let mut end = text.len().min(COMMENT_OCTETS_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn refused(error: PcapNgWriteError) -> io::Error {
    if let PcapNgWriteError::Io(error) = error {
        return error;
    }
    let why = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
    io::Error::new(io::ErrorKind::InvalidInput, format!("{error}{why}"))
}

/// The epoch of a capture as seconds since 1970, in the comment of its section.
pub(super) fn epoch_from_comment(comment: &str) -> Option<Duration> {
    let (seconds, nanoseconds) = comment.strip_prefix(EPOCH)?.split_once('.')?;
    if nanoseconds.len() != 9 {
        return None;
    }
    let nanoseconds: u32 = nanoseconds.parse().ok()?;
    Some(Duration::new(seconds.parse().ok()?, nanoseconds))
}

/// The largest capture file that is read, in octets.
pub const OCTETS_MAX: u64 = 512 << 20;

/// What stands before the epoch in the comment of the section.
const EPOCH: &str = "time zero of the run, seconds since 1970: ";

/// An option holds 65,535 octets; a remark is cut a little earlier.
const COMMENT_OCTETS_MAX: usize = 60_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::LinkId;

    #[test]
    fn our_own_files_come_back_as_they_were() {
        let capture = sample();
        let written = octets(&capture).unwrap();
        assert_eq!(read("sample", &written).unwrap(), capture);
        assert_eq!(octets(&read("sample", &written).unwrap()).unwrap(), written);
    }

    #[test]
    fn equal_captures_are_equal_octets_whatever_the_day() {
        assert_eq!(octets(&sample()).unwrap(), octets(&sample()).unwrap());
    }

    #[test]
    fn an_empty_capture_is_a_capture() {
        let capture = Capture::new(["home"], Duration::from_secs(7));
        let written = octets(&capture).unwrap();
        assert_eq!(read("empty", &written).unwrap(), capture);
    }

    #[test]
    fn a_long_remark_is_cut_between_characters() {
        let mut capture = sample();
        capture.comment(0, format!("x{}", "→".repeat(30_000)));
        let back = read("long", &octets(&capture).unwrap()).unwrap();
        let remark = back.frames[0].comments.last().unwrap();
        assert!(remark.len() <= COMMENT_OCTETS_MAX && remark.ends_with('→'), "{}", remark.len());
    }

    #[test]
    fn a_time_that_pcapng_cannot_say_is_an_error() {
        let mut capture = sample();
        capture.record(Duration::MAX, LinkId(0), vec![1]);
        let error = octets(&capture).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        capture.frames.pop();
        capture.record(Duration::from_secs(1 << 40), LinkId(0), vec![1]);
        assert!(octets(&capture).unwrap_err().to_string().contains("imestamp"));
    }

    fn sample() -> Capture {
        let epoch = Duration::new(1_000_000_000, 500_000_001);
        let mut capture = Capture::new(["home", "visited-1", "backbone"], epoch);
        capture.record(
            Duration::from_nanos(1_234_567_891),
            LinkId(1),
            (1..=61).collect::<Vec<u8>>(),
        );
        let lost = capture.record_lost(Duration::from_nanos(2), LinkId(0), vec![0xa5; 14]);
        capture.comment(lost, "when: the Binding Update is sent");
        capture.comment(lost, "FAIL CL-RO-01: 180 before BA");
        let cut = capture.record(Duration::from_secs(420), LinkId(2), vec![0x5a; 96]);
        capture.frames[cut].missing = 1404;
        capture
    }
}
