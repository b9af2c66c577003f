//! Rules hold over every golden capture, and each is broken by a packet that was spoiled for it.
#![expect(
    clippy::ptr_arg,
    reason = "edits are of one kind in the tables, and some make packets longer"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use roamproof_wire::dissect::dissect_packet;
use roamproof_wire::edit::mend_checksums;
use roamproof_wire::ethernet;
use rstest::rstest;

use super::over::judge;
use super::*;
use crate::evidence::{Capture, pcapng};
use crate::judge::cast_of;
use crate::link::LinkId;
use crate::verdict::Verdict;

use Role::{Correspondent, HomeAgent, MobileTerminal};

#[test]
fn golden_captures_keep_every_rule() {
    let mut judged = BTreeSet::new();
    for path in golden().iter().filter(|path| !path.ends_with(SCAPY)) {
        let capture = pcapng::read_file(path).unwrap();
        for held in of_capture(&capture, &cast_of(&capture)) {
            assert_eq!(held.verdict(), Verdict::Pass, "{}: {held:?}", path.display());
            judged.insert(held.row);
        }
    }
    let unseen: Vec<&str> =
        all().map(|rule| rule.row).filter(|row| !judged.contains(row)).collect();
    insta::assert_snapshot!(unseen.join(" "), @"CN-RR-22 MN-M2M-04 HA-RA-01 HA-RA-02 HA-RA-03");
}

/// Octets that somebody else made, with a fault that he did not mean.
#[test]
fn a_foreign_capture_is_judged_with_the_packets_that_break_a_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../captures").join(SCAPY);
    let capture = pcapng::read_file(&path).unwrap();
    let broken: Vec<String> = of_capture(&capture, &cast_of(&capture))
        .into_iter()
        .flat_map(|held| held.broken.into_iter().map(move |one| (held.row, one)))
        .map(|(row, one)| {
            format!("{row} packet {} octet {}: {}", one.frame + 1, one.octet, one.what)
        })
        .collect();
    insta::assert_snapshot!(broken.join("\n"), @r"
    MH-OUT-10 packet 13 octet 54: a type 2 routing header before a message of type 0
    MN-AUT-01 packet 1 octet 90: no mobile node identifier option
    ");
}

#[test]
fn a_rule_decides_a_row_and_no_row_has_two() {
    let rows: Vec<&str> = all().map(|rule| rule.row).collect();
    let distinct: BTreeSet<&str> = rows.iter().copied().collect();
    assert_eq!(rows.len(), distinct.len());
    for row in rows {
        assert!(crate::Catalogue::embedded().requirement(row).is_ok(), "{row}");
    }
}

/// The packet of `capture` whose line begins with `line`, spoiled by `edit`, breaks `row` at `octet` of
/// the packet; as it was, it fits.
#[rstest]
#[case::piggybacked("MH-OUT-01", S4, HOTI, MobileTerminal, put(40, 58), 40)]
#[case::length_of_the_first_unit("MH-OUT-02", S4, HOTI, MobileTerminal, put(41, 2), 41)]
#[case::stray_octets("MH-OUT-02", S4, HOTI, MobileTerminal, append(8), 41)]
#[case::reserved_octet("MH-OUT-03", S4, HOTI, MobileTerminal, put(43, 9), 43)]
#[case::reserved_of_an_init("MH-OUT-04", S4, HOTI, MobileTerminal, put(47, 9), 47)]
#[case::reserved_of_an_update("MH-OUT-04", S4, BU, MobileTerminal, flip(72, 1), 72)]
#[case::reserved_of_an_acknowledgement("MH-OUT-04", S4, BA, Correspondent, flip(71, 0x40), 71)]
#[case::checksum("MH-OUT-05", S4, BA, Correspondent, flip(69, 1), 68)]
#[case::alignment("MH-OUT-07", S4, BU, MobileTerminal, shift_options, 77)]
#[case::garbage_in_padding("MH-OUT-08", S4, BA, Correspondent, put(78, 7), 76)]
#[case::run_of_pad1("MH-OUT-08", S4, BA, Correspondent, pad1_run, 77)]
#[case::padding_behind_the_proof("MH-OUT-09", S4, BU, MobileTerminal, append_padding(64), 96)]
#[case::routed_update("MH-OUT-10", S4, BA, Correspondent, put(66, 5), 40)]
#[case::home_address_of_no_update("MH-OUT-11", S4, BU, MobileTerminal, put(66, 1), 46)]
#[case::longer_than_needed("MH-OUT-13", S4, HOTI, MobileTerminal, append_padding(40), 41)]
#[case::alternate_elsewhere("MH-OUT-14", S1, HOME, MobileTerminal, put(66, 6), 78)]
#[case::not_acknowledged("MN-HR-01", S1, HOME, MobileTerminal, flip(72, 0x80), 72)]
#[case::another_alternate("MN-HR-02", S1, HOME, MobileTerminal, flip(90, 1), 80)]
#[case::keys_managed("MN-CR-01", S4, BU, MobileTerminal, flip(72, 0x10), 72)]
#[case::no_nonces("MN-CR-01", S4, BU, MobileTerminal, put(76, 200), 76)]
#[case::reserved_index("MN-AUT-01", S1, HOME, MobileTerminal, low_spi, 128)]
#[case::proof_without_nonces("CN-RR-22", S4, BA, Correspondent, put(70, 136), 76)]
#[case::refresh_advice("CN-BU-44", S4, BA, Correspondent, refresh_advice, 76)]
#[case::segments_left("CN-RH2-01", S4, BA, Correspondent, put(43, 2), 43)]
#[case::reserved_of_the_routing_header("CN-RH2-01", S4, BA, Correspondent, put(46, 2), 44)]
#[case::group_in_the_routing_header("CN-RH2-01", S4, BA, Correspondent, put(48, 0xff), 48)]
#[case::checksum_over_the_care_of_address("CN-RH2-03", S4, MEDIA, Correspondent, flip(70, 1), 70)]
#[case::group_as_home_address("MN-DAT-02", S4, BU, MobileTerminal, put(48, 0xff), 48)]
#[case::two_home_addresses("MN-DAT-02", S4, BU, MobileTerminal, second_home_address, 48)]
#[case::home_address_on_the_link("MN-DAT-05", S4, BU, MobileTerminal, to_link_local, 46)]
#[case::home_address_to_a_group("MN-DAT-18", S4, BU, MobileTerminal, put(24, 0xff), 46)]
#[case::home_address_before_the_route("MN-M2M-04", S4, BA, MobileTerminal, home_address_first, 48)]
#[case::no_home_agent("HA-RA-01", S1, RA, HomeAgent, flip(45, 0x20), 45)]
#[case::no_whole_address("HA-RA-01", S1, RA, HomeAgent, clear_router_address, 56)]
#[case::no_link_layer_address("HA-RA-02", S1, RA, HomeAgent, drop_link_layer, 56)]
fn a_spoiled_packet_breaks_its_rule(
    #[case] row: &str,
    #[case] capture: &str,
    #[case] line: &str,
    #[case] role: Role,
    #[case] edit: impl Fn(&mut Vec<u8>),
    #[case] octet: usize,
) {
    let packet = packet(capture, line);
    let mut spoiled = packet.clone();
    edit(&mut spoiled);
    if !["MH-OUT-05", "CN-RH2-03"].contains(&row) {
        mend_checksums(&mut spoiled);
    }
    for (packet, broken) in [(packet, None), (spoiled, Some(octet + ethernet::HEADER_LEN))] {
        let told = dissect_packet(&packet);
        let held = held(row, role, &packet);
        let found = held.as_ref().and_then(|held| held.broken.first()).map(|broken| broken.octet);
        assert_eq!(found, broken, "{told}: {held:?}");
    }
}

/// In a golden call, the packets whose line has all words of `line` say `to` in place of `from`: that
/// breaks `row`, in these packets and at an octet of theirs.
#[rstest]
#[case::caller_without_tag("UAC-01", S4, "2001:db8:c::c > 2001:db8:5::5 INVITE", ";tag=", ";tax=")]
#[case::cancel_of_another(
    "UAC-08",
    S9,
    "2001:db8:c::c > 2001:db8:5::5 CANCEL",
    "sip:mt@",
    "sip:mu@"
)]
#[case::no_cookie("TX-23", S4, "2001:db8:c::c > 2001:db8:5::5 INVITE", "z9hG4bK", "z9hG4bX")]
#[case::sent_by_another("TP-13", S4, "2001:db8:c::c > 2001:db8:5::5 INVITE", "c::c]", "c::d]")]
#[case::no_response_port("TP-03", S4, "2001:db8:c::c > 2001:db8:5::5 INVITE", ";rport", ";rpork")]
#[case::capitals("PAR-30", S4, "2001:db8:c::c > 2001:db8:5::5 INVITE", ":db8:c", ":DB8:c")]
#[case::another_caller(
    "UAS-01",
    S4,
    "2001:db8:a::100 > 2001:db8:5::5 180",
    "From: <sip:cn",
    "From: <sip:co"
)]
#[case::no_route(
    "UAS-09",
    S4,
    "2001:db8:a::100 > 2001:db8:5::5 180",
    "Record-Route",
    "Record-Routf"
)]
#[case::hops_not_counted(
    "PRX-04",
    S4,
    "2001:db8:5::5 > 2001:db8:a::100 INVITE",
    "ards: 69",
    "ards: 70"
)]
#[case::not_on_the_route(
    "PRX-13",
    S4,
    "2001:db8:5::5 > 2001:db8:a::100 INVITE",
    "Record-Route",
    "Record-Routf"
)]
#[case::the_via_of_another(
    "PRX-15",
    S4,
    "2001:db8:5::5 > 2001:db8:a::100 INVITE",
    "UDP [2001:db8:5::5",
    "UDP [2001:db8:5::6"
)]
#[case::another_callee(
    "PRX-16",
    S4,
    "2001:db8:5::5 > 2001:db8:a::100 INVITE",
    "To: <sip:mt",
    "To: <sip:mu"
)]
#[case::no_expiry("REG-16", S4, "2001:db8:5::5 > 2001:db8:c::c OK", ";expires=", ";expirex=")]
#[case::no_session_name("SDP-01", S4, "2001:db8:c::c > 2001:db8:5::5 INVITE", "\r\ns=-", "\r\nq=-")]
fn a_spoiled_message_breaks_its_rule(
    #[case] row: &str,
    #[case] capture: &str,
    #[case] line: &str,
    #[case] from: &str,
    #[case] to: &str,
) {
    let spoil = |message: &mut Vec<u8>| {
        let at = message.windows(from.len()).position(|octets| octets == from.as_bytes())?;
        message[at..at + to.len()].copy_from_slice(to.as_bytes());
        Some(())
    };
    check_spoiled(row, capture, line, spoil);
}

/// A second response with another tag than the first.
#[test]
fn a_tag_that_changes_breaks_its_rule() {
    check_spoiled("UAS-02", S4, "2001:db8:a::100 > 2001:db8:5::5 OK", |message| {
        let line = message.windows(5).position(|octets| octets == b"\nTo: ")?;
        let tag = message[line..].windows(5).position(|octets| octets == b";tag=")?;
        message[line + tag + 5] ^= 1;
        Some(())
    });
}

/// A request of more than 1300 octets in a datagram.
#[test]
fn a_request_that_is_too_large_breaks_its_rule() {
    check_spoiled("TP-10", S4, "2001:db8:c::c > 2001:db8:5::5 INVITE", |message| {
        message.extend([b' '; 1000]);
        for (at, length) in [(4, message.len() - 40), (44, message.len() - 40)] {
            message[at..at + 2].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
        Some(())
    });
}

fn check_spoiled(row: &str, capture: &str, line: &str, spoil: impl Fn(&mut Vec<u8>) -> Option<()>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../captures").join(capture);
    let golden = pcapng::read_file(&path).unwrap();
    let cast = cast_of(&golden);
    let judged =
        |capture: &Capture| of_capture(capture, &cast).into_iter().find(|held| held.row == row);
    assert_eq!(judged(&golden).map(|held| held.breaks), Some(0), "as it was, it fits");
    let mut spoiled = golden;
    let mut numbers = Vec::new();
    for (index, frame) in spoiled.frames.iter_mut().enumerate() {
        let mut packet = frame.octets[14..].to_vec();
        let told = dissect_packet(&packet);
        if line.split(' ').all(|word| told.contains(word)) && spoil(&mut packet).is_some() {
            mend_checksums(&mut packet);
            frame.octets = framed(&packet);
            numbers.push(index);
        }
    }
    let held = judged(&spoiled).expect("it applies still");
    let broken = held.broken.first().unwrap_or_else(|| panic!("{row} holds: {held:?}"));
    assert!(numbers.contains(&broken.frame), "{broken:?}");
    assert!(broken.octet < spoiled.frames[broken.frame].octets.len(), "{broken:?}");
}

/// A test that is answered elsewhere than where it was asked.
#[test]
fn a_test_goes_where_it_was_asked() {
    let (init, test) = (packet(S4, COTI), packet(S4, COT));
    let judged = |test: &[u8]| {
        let mut capture = Capture::new(["link"], std::time::Duration::ZERO);
        for packet in [&init, test] {
            capture.record(std::time::Duration::ZERO, LinkId(0), framed(packet));
        }
        let held = judge(&capture, None, |frame, _| (frame == 1).then_some(Some(Correspondent)));
        held.into_iter().find(|held| held.row == "MH-OUT-12").map(|held| held.breaks)
    };
    assert_eq!(judged(&test), Some(0));
    let mut elsewhere = test;
    elsewhere[39] ^= 1;
    mend_checksums(&mut elsewhere);
    assert_eq!(judged(&elsewhere), Some(1));
}

fn held(row: &str, role: Role, packet: &[u8]) -> Option<Held> {
    let mut capture = Capture::new(["link"], std::time::Duration::ZERO);
    capture.record(std::time::Duration::ZERO, LinkId(0), framed(packet));
    let held = judge(&capture, None, |_, _| Some(Some(role)));
    held.into_iter().find(|held| held.row == row)
}

fn framed(packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd], packet].concat()
}

/// The first packet of a golden capture, in no tunnel, whose line has all words of `line`.
fn packet(capture: &str, line: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../captures").join(capture);
    let capture = pcapng::read_file(&path).unwrap();
    let mut packets = capture.frames.iter().map(|frame| frame.octets[14..].to_vec());
    packets
        .find(|packet| {
            let told = dissect_packet(packet);
            line.split(' ').all(|word| told.contains(word)) && !told.contains('|')
        })
        .unwrap_or_else(|| panic!("no {line}"))
}

fn golden() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../captures");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "pcapng")).collect()
}

const SCAPY: &str = "scapy-route-optimization.pcapng";
const S1: &str = "s1-registration.pcapng";
const S4: &str = "s4-optimization.pcapng";
const S9: &str = "s9-cancel.pcapng";
const HOTI: &str = " HoTI";
const COTI: &str = " CoTI";
const COT: &str = "CoT nonce";
const BU: &str = "2001:db8:c::bb BU";
const HOME: &str = "2001:db8:a::a BU";
const BA: &str = "2001:db8:c::bb RH2 BA";
const MEDIA: &str = "2001:db8:c::bb RH2 RTP";
const RA: &str = "Router Advertisement fe80::5eff:fe10:a00";

fn put(at: usize, octet: u8) -> impl Fn(&mut Vec<u8>) {
    move |packet| packet[at] = octet
}

fn flip(at: usize, bits: u8) -> impl Fn(&mut Vec<u8>) {
    move |packet| packet[at] ^= bits
}

fn append(count: usize) -> impl Fn(&mut Vec<u8>) {
    move |packet| {
        packet.extend(vec![0; count]);
        packet[5] += u8::try_from(count).unwrap();
    }
}

/// Eight octets of PadN behind the message that begins here.
fn append_padding(message: usize) -> impl Fn(&mut Vec<u8>) {
    move |packet| {
        packet.extend([1, 6, 0, 0, 0, 0, 0, 0]);
        packet[5] += 8;
        packet[message + 1] += 1;
    }
}

/// Pad1 in front of the options, which makes all of them odd.
fn shift_options(packet: &mut Vec<u8>) {
    packet.insert(76, 0);
    packet.extend([0; 7]);
    packet[5] += 8;
    packet[65] += 1;
}

fn pad1_run(packet: &mut Vec<u8>) {
    packet[76..80].fill(0);
}

fn low_spi(packet: &mut Vec<u8>) {
    let at = packet.windows(4).position(|octets| octets == 1000_u32.to_be_bytes()).unwrap();
    packet[at..at + 4].copy_from_slice(&255_u32.to_be_bytes());
}

fn refresh_advice(packet: &mut Vec<u8>) {
    packet[76..80].copy_from_slice(&[2, 2, 0, 9]);
}

/// The Destination Options header once more.
fn second_home_address(packet: &mut Vec<u8>) {
    let mut header = packet[40..64].to_vec();
    header[0] = 60;
    packet.splice(40..40, header);
    packet[5] += 24;
}

/// A Destination Options header with a Home Address option before the routing header.
fn home_address_first(packet: &mut Vec<u8>) {
    let mut header = vec![43, 2, 1, 2, 0, 0, 201, 16];
    header.extend_from_slice(&packet[8..24]);
    packet.splice(40..40, header);
    packet[6] = 60;
    packet[5] += 24;
}

fn to_link_local(packet: &mut Vec<u8>) {
    packet[24..26].copy_from_slice(&[0xfe, 0x80]);
}

/// The R flag of the prefix option, octet 3 of the option of type 3.
fn clear_router_address(packet: &mut Vec<u8>) {
    let at = option(packet, 3);
    packet[at + 3] &= !0x20;
}

/// The Source Link-Layer Address option becomes one of another type.
fn drop_link_layer(packet: &mut Vec<u8>) {
    let at = option(packet, 1);
    packet[at] = 200;
}

fn option(packet: &[u8], kind: u8) -> usize {
    let mut at = 56;
    while packet[at] != kind {
        at += usize::from(packet[at + 1]) * 8;
    }
    at
}
