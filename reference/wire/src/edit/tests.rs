//! Every edit does what its name says; mended packets pass whoever verifies them.

use std::net::Ipv6Addr;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::icmpv6::Icmpv6View;
use crate::ipv6::{Outgoing, Packet, encapsulate, fragment};
use crate::mobility::{HomeTestInit, Message};
use crate::tcp::TcpView;
use crate::udp::Udp;
use crate::{Fault, WireError};

const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const HOME_AGENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0x1f2e);
const CORRESPONDENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);

/// Octets 40 to 51 of the edited packet, which has twelve octets of payload, 0x11 to 0xcc.
#[rstest]
#[case::cut(Edit::Cut { length: 43 }, "cut after 43 octets", "112233")]
#[case::flip(Edit::Flip { bit: 321 }, "flip bit 0x40 of octet 40", "512233445566778899aabbcc")]
#[case::put(Edit::Put { at: 41, octets: vec![0xd1, 0xd2] }, "put d1d2 at octet 41", "11d1d2445566778899aabbcc")]
#[case::insert(Edit::Insert { at: 41, octets: vec![0xd1, 0xd2] }, "insert d1d2 at octet 41", "11d1d22233445566778899aabbcc")]
#[case::append(Edit::Insert { at: 52, octets: vec![0xd1] }, "insert d1 at octet 52", "112233445566778899aabbccd1")]
#[case::remove(Edit::Remove { at: 41, length: 3 }, "remove 3 octets at octet 41", "115566778899aabbcc")]
#[case::repeat(Edit::Repeat { at: 41, length: 3 }, "repeat 3 octets at octet 41", "112233442233445566778899aabbcc")]
#[case::swap(Edit::Swap { one: 48, other: 41, length: 3 }, "swap 3 octets at octets 48 and 41", "1199aabb5566778822 3344cc")]
fn an_edit_does_what_it_says(#[case] edit: Edit, #[case] said: &str, #[case] payload: &str) {
    let mut packet = plain();
    assert!(edit.apply(&mut packet));
    assert_eq!(edit.to_string(), said);
    assert_eq!(Hex(&packet[HEADER_LEN..]).to_string(), payload.replace(' ', ""));
    assert_eq!(packet[..HEADER_LEN], plain()[..HEADER_LEN]);
}

#[rstest]
#[case::flip(Edit::Flip { bit: 52 * 8 })]
#[case::cut(Edit::Cut { length: 52 })]
#[case::put(Edit::Put { at: 51, octets: vec![1, 2] })]
#[case::the_same(Edit::Put { at: 40, octets: vec![0x11] })]
#[case::insert(Edit::Insert { at: 53, octets: vec![1] })]
#[case::too_long(Edit::Insert { at: 40, octets: vec![1; 65_535] })]
#[case::remove(Edit::Remove { at: 51, length: 2 })]
#[case::beyond_counting(Edit::Remove { at: 1, length: usize::MAX })]
#[case::overlapping(Edit::Swap { one: 40, other: 42, length: 3 })]
#[case::no_extension(Edit::ExtensionLength { nth: 0, by: 1 })]
#[case::no_upper_length(Edit::UpperLength { by: 1 })]
#[case::no_checksum(Edit::WrongChecksum)]
fn an_edit_of_what_is_not_there_changes_nothing(#[case] edit: Edit) {
    let mut packet = plain();
    assert!(!edit.apply(&mut packet));
    assert_eq!(packet, plain());
}

/// Which octets of a Home Test Init behind a Home Address option differ after an edit: place, old, new.
#[rstest]
#[case::payload_length(Edit::PayloadLength { by: -2 }, "payload length -2", &[(5, 40, 38)])]
#[case::overlong_payload(Edit::PayloadLength { by: 256 }, "payload length +256", &[(4, 0, 1)])]
#[case::extension_length(Edit::ExtensionLength { nth: 0, by: 3 }, "extension header 0: length +3", &[(41, 2, 5)])]
#[case::upper_length(Edit::UpperLength { by: -1 }, "upper-layer length -1", &[(65, 1, 0)])]
#[case::wrong_checksum(Edit::WrongChecksum, "wrong checksum", &[(69, 0x3d, 0x3e)])]
#[case::zero_checksum(Edit::ZeroChecksum, "zero checksum", &[(68, 0xd5, 0), (69, 0x3d, 0)])]
fn an_edit_of_a_field_finds_it(
    #[case] edit: Edit,
    #[case] said: &str,
    #[case] differ: &[(usize, u8, u8)],
) {
    let before = home_test_init();
    let mut packet = before.clone();
    assert!(edit.apply(&mut packet));
    assert_eq!(edit.to_string(), said);
    let found: Vec<(usize, u8, u8)> = (0..)
        .zip(before.iter().zip(&packet))
        .filter(|(_, (old, new))| old != new)
        .map(|(at, (old, new))| (at, *old, *new))
        .collect();
    assert_eq!(found, differ);
}

#[rstest]
#[case::udp(udp(), Edit::UpperLength { by: 3 }, 44, 15)]
#[case::tcp(tcp(), Edit::UpperLength { by: -1 }, 52, 0x40)]
fn upper_layers_have_lengths_of_their_own(
    #[case] mut packet: Vec<u8>,
    #[case] edit: Edit,
    #[case] at: usize,
    #[case] value: u8,
) {
    let at = if packet[6] == protocol::UDP { at + 1 } else { at };
    assert!(edit.apply(&mut packet));
    assert_eq!(packet[at], value);
}

#[test]
fn addresses_change_places() {
    let mut packet = plain();
    assert!(Edit::SwapAddresses.apply(&mut packet));
    let header = Header::parse(&packet).unwrap();
    assert_eq!((header.source, header.destination), (CORRESPONDENT, CARE_OF));
}

/// Whatever stands in the checksum's place, mending puts back what the sender wrote: over a home
/// address, through a routing header, in a tunnel.
#[rstest]
#[case::udp(udp())]
#[case::tcp(tcp())]
#[case::icmpv6(echo_request())]
#[case::mobility(home_test_init())]
#[case::home_address(from_home(&udp()))]
#[case::routing_header(routed_home(&udp()))]
#[case::tunnel(encapsulate(HOME_AGENT, CARE_OF, 64, &home_test_init()))]
#[case::tunnel_in_tunnel(encapsulate(HOME_AGENT, CARE_OF, 9, &encapsulate(CARE_OF, HOME, 64, &udp())))]
fn mending_puts_back_what_the_sender_wrote(#[case] packet: Vec<u8>) {
    assert_eq!(verified(&packet), Ok(()));
    for edit in [Edit::WrongChecksum, Edit::ZeroChecksum] {
        let mut edited = packet.clone();
        assert!(edit.apply(&mut edited));
        assert!(verified(&edited).is_err(), "{edit}");
        assert!(mend_checksums(&mut edited));
        assert_eq!(edited, packet, "{edit}");
    }
    let mut edited = packet.clone();
    *edited.last_mut().unwrap() ^= 0x5a;
    assert!(matches!(verified(&edited).unwrap_err().fault, Fault::Checksum { .. }));
    assert!(mend_checksums(&mut edited));
    assert_eq!(verified(&edited), Ok(()));
    assert_ne!(edited, packet);
}

/// A Header Len that is one too short is summed as far as it says (MH-IN-09), one that is too long
/// as far as there is anything (MH-IN-11).
#[rstest]
#[case::short(-1, 8)]
#[case::long(9, 16)]
fn a_mobility_header_is_summed_as_far_as_it_says(#[case] by: i8, #[case] summed: usize) {
    let mut packet = home_test_init();
    assert!(Edit::UpperLength { by }.apply(&mut packet));
    assert!(mend_checksums(&mut packet));
    let left =
        checksum::upper_layer(HOME, CORRESPONDENT, protocol::MOBILITY, &packet[64..64 + summed]);
    assert_eq!(left, 0);
}

/// RFC 8200 §8.1: a UDP checksum is never sent as zero.
#[test]
fn a_sum_of_zero_is_sent_as_its_other_form() {
    let mut packet = udp();
    packet[46..48].fill(0);
    let sum = checksum::upper_layer(CARE_OF, CORRESPONDENT, protocol::UDP, &packet[40..]);
    packet[48..50].copy_from_slice(&[0, 0]);
    let rest = checksum::upper_layer(CARE_OF, CORRESPONDENT, protocol::UDP, &packet[40..]);
    packet[48..50].copy_from_slice(&rest.to_be_bytes());
    assert_ne!(sum, 0, "the packet as it was had another sum");
    assert!(mend_checksums(&mut packet));
    assert_eq!(packet[46..48], [0xff, 0xff]);
    assert_eq!(verified(&packet), Ok(()));
}

#[test]
fn a_piece_of_a_packet_has_no_checksum_to_mend() {
    let whole = udp_of(&[0x77; 2000]);
    for mut piece in fragment(&whole, 1280, 0x1234_5678) {
        let before = piece.clone();
        assert!(!mend_checksums(&mut piece));
        assert_eq!(piece, before);
    }
}

#[test]
fn lengths_are_mended_through_a_tunnel() {
    let inner = udp_of(b"media");
    let mut packet = encapsulate(HOME_AGENT, CARE_OF, 64, &inner);
    let length = packet.len();
    assert!(Edit::Insert { at: length, octets: b" and more".to_vec() }.apply(&mut packet));
    mend_lengths(&mut packet);
    assert!(mend_checksums(&mut packet));
    let longer = encapsulate(HOME_AGENT, CARE_OF, 64, &udp_of(b"media and more"));
    assert_eq!(packet, longer);
}

#[test]
fn every_cut_and_flip_is_one() {
    let (packet, bits) = (plain(), plain().len() * 8);
    let edits: Vec<Edit> = Edit::cuts(packet.len()).chain(Edit::flips(packet.len())).collect();
    assert_eq!(edits.len(), packet.len() + bits);
    for edit in edits {
        let mut edited = packet.clone();
        assert!(edit.apply(&mut edited), "{edit}");
    }
}

proptest! {
    #[test]
    fn any_edit_of_anything_does_no_harm(
        packet in prop_oneof![
            Just(home_test_init()),
            Just(from_home(&tcp())),
            Just(encapsulate(HOME_AGENT, CARE_OF, 64, &udp())),
            prop::collection::vec(any::<u8>(), 0..200),
        ],
        input in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let (mut packet, mut rest) = (packet, &input[..]);
        while let Some((edit, after)) = Edit::decode(rest) {
            let before = packet.clone();
            prop_assert_eq!(edit.apply(&mut packet), packet != before, "{}", edit);
            rest = after;
        }
        prop_assert!(packet.len() <= PACKET_MAX);
        let mended = mend_checksums(&mut packet);
        let once = packet.clone();
        prop_assert_eq!(mend_checksums(&mut packet), mended);
        prop_assert_eq!(&packet, &once, "mending twice is mending once");
        mend_lengths(&mut packet);
        prop_assert_eq!(packet.len(), once.len());
    }
}

/// What a receiver says to the upper layer of the innermost packet.
fn verified(octets: &[u8]) -> Result<(), WireError> {
    let packet = Packet::parse(octets).unwrap();
    let (source, destination) = (packet.source(), packet.destination());
    match packet.protocol {
        protocol::IPV6 => verified(packet.payload),
        protocol::UDP => Udp::parse(source, destination, packet.payload).map(|_| ()),
        protocol::TCP => TcpView::new(packet.payload)?.verify(source, destination),
        protocol::ICMPV6 => Icmpv6View::new(packet.payload)?.verify(source, destination),
        protocol::MOBILITY => mobility::verify(source, destination, packet.payload),
        other => panic!("protocol {other}"),
    }
}

fn plain() -> Vec<u8> {
    let payload: Vec<u8> = (1..=12).map(|digit| digit * 0x11).collect();
    Outgoing::new(CARE_OF, CORRESPONDENT, protocol::NONE).to_vec(&payload)
}

fn udp() -> Vec<u8> {
    udp_of(b"over")
}

fn udp_of(payload: &[u8]) -> Vec<u8> {
    let outgoing = Outgoing::new(CARE_OF, CORRESPONDENT, protocol::UDP);
    udp::packet(&outgoing, 0x1234, 0x5678, payload)
}

/// A segment of the ports 0x1234 and 0x5678, its checksum by mending, which `verified` then judges
/// by other code.
fn tcp() -> Vec<u8> {
    let mut segment = vec![0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 9, 10];
    segment.extend(b"\0\0\0\0text");
    let mut packet = Outgoing::new(CARE_OF, CORRESPONDENT, protocol::TCP).to_vec(&segment);
    assert!(mend_checksums(&mut packet));
    packet
}

fn echo_request() -> Vec<u8> {
    let message = [128, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc];
    let mut packet = Outgoing::new(CARE_OF, CORRESPONDENT, protocol::ICMPV6).to_vec(&message);
    assert!(mend_checksums(&mut packet));
    packet
}

/// 64 octets of headers, the Home Address option among them, and 16 of message.
fn home_test_init() -> Vec<u8> {
    let message = Message::from(HomeTestInit::new(*b"abcdefgh")).to_vec(HOME, CORRESPONDENT);
    let outgoing = Outgoing::new(CARE_OF, CORRESPONDENT, protocol::MOBILITY);
    Outgoing { home_address: Some(HOME), ..outgoing }.to_vec(&message)
}

fn from_home(packet: &[u8]) -> Vec<u8> {
    let outgoing = Outgoing::new(CARE_OF, CORRESPONDENT, packet[6]);
    let mut packet =
        Outgoing { home_address: Some(HOME), ..outgoing }.to_vec(&packet[HEADER_LEN..]);
    assert!(mend_checksums(&mut packet));
    packet
}

fn routed_home(packet: &[u8]) -> Vec<u8> {
    let outgoing = Outgoing::new(CORRESPONDENT, CARE_OF, packet[6]);
    let mut packet =
        Outgoing { type_2_routing: Some(HOME), ..outgoing }.to_vec(&packet[HEADER_LEN..]);
    assert!(mend_checksums(&mut packet));
    packet
}
