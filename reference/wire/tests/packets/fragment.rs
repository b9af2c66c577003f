//! Cutting packets up, putting them together, and refusing what does not fit.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::extension::Chain;
use roamproof_wire::ipv6::{
    Fragment, Outgoing, Packet, Problem, Reassembly, Rejected, fragment, protocol,
};
use roamproof_wire::udp::Udp;
use rstest::rstest;

use crate::golden::octets;

const IDENTIFICATION: u32 = 0x1234_5678;

/// scapy 2.7.0: `fragment6(IPv6(src="2001:db8:f1::1f", dst="2001:db8:c::c")/
/// IPv6ExtHdrRouting(type=2, segleft=1, addresses=["2001:db8:b::100"])/
/// IPv6ExtHdrFragment(id=0x12345678)/UDP(sport=1234, dport=5678)/Raw(bytes(range(1, 61))), 112)`.
const SCAPY: [&str; 2] = [
    concat!(
        "6000000000482b4020010db800f10000000000000000001f20010db8000c0000000000000000000c",
        "2c0202010000000020010db8000b00000000000000000100110000011234567804d2162e0044ff33",
        "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
    ),
    concat!(
        "60000000003c2b4020010db800f10000000000000000001f20010db8000c0000000000000000000c",
        "2c0202010000000020010db8000b0000000000000000010011000028123456782122232425262728",
        "292a2b2c2d2e2f303132333435363738393a3b3c",
    ),
];

#[test]
fn a_fragment_header_is_read_and_written() {
    let golden = octets("110005a912345678");
    let header = Fragment::parse(&golden).unwrap();
    assert_eq!(header, Fragment { offset: 0x05a8, more: true, identification: IDENTIFICATION });
    assert_eq!(header.octets(17)[..], golden[..]);
    for cut in 0..8 {
        assert!(Fragment::parse(&golden[..cut]).is_err());
    }
    assert!(Fragment { offset: 0, more: false, identification: 1 }.is_atomic());
    assert!(!header.is_atomic());
}

#[test]
fn another_implementation_cuts_the_same() {
    let pieces = SCAPY.map(octets);
    let mut reassembly = Reassembly::default();
    assert_eq!(push(&mut reassembly, 0, &pieces[1]), Ok(None));
    let whole = push(&mut reassembly, 0, &pieces[0]).unwrap().unwrap();
    assert_eq!(fragment(&whole, 112, IDENTIFICATION), pieces);
    let packet = Packet::parse(&whole).unwrap();
    assert_eq!(packet.fragment, None);
    let payload: Vec<u8> = (1..61).collect();
    let datagram = Udp::parse(packet.source(), packet.destination(), packet.payload);
    assert_eq!(datagram, Ok(Udp { source_port: 1234, destination_port: 5678, payload: &payload }));
}

/// What lies behind an offset is the middle of something, whatever the Next Header field says.
#[rstest]
#[case::first(0, 2, protocol::NONE)]
#[case::second(8, 1, protocol::DESTINATION)]
#[case::far(0x2000, 1, protocol::DESTINATION)]
fn a_chain_ends_at_a_later_fragment(
    #[case] offset: u16,
    #[case] headers: usize,
    #[case] protocol: u8,
) {
    let mut piece = piece(offset, true, &octets("3b00010400000000"), 7);
    piece[40] = protocol::DESTINATION;
    let mut chain = Chain::new(&piece, protocol::FRAGMENT);
    let mut seen = 0;
    while chain.step().unwrap().is_some() {
        seen += 1;
    }
    assert_eq!((seen, chain.protocol), (headers, protocol));
}

/// The Home Address option stays before the Fragment header (RFC 6275 §6.3, MN-DAT-04).
#[test]
fn every_fragment_repeats_the_home_address() {
    let mut outgoing = outgoing();
    outgoing.home_address = Some(address("2001:db8:a::100"));
    let pieces = fragment(&outgoing.to_vec(&[0x5a; 100]), 128, IDENTIFICATION);
    let seen: Vec<_> = pieces
        .iter()
        .map(|piece| {
            let packet = Packet::parse(piece).unwrap();
            (packet.home_address, packet.piece().unwrap().offset, packet.payload.len())
        })
        .collect();
    let home = outgoing.home_address;
    assert_eq!(seen, [(home, 0, 56), (home, 56, 44)]);
}

#[rstest]
#[case::it_fits(140, 140)]
#[case::no_room_for_eight_octets(140, 55)]
fn what_cannot_or_need_not_be_cut_stays_whole(#[case] length: usize, #[case] mtu: usize) {
    let packet = outgoing().to_vec(&vec![0x5a; length - 40]);
    assert_eq!(fragment(&packet, mtu, IDENTIFICATION), [packet]);
}

#[test]
fn a_fragment_is_not_cut_again() {
    let piece = octets(SCAPY[0]);
    assert_eq!(fragment(&piece, 96, 1), [piece]);
}

#[test]
fn an_atomic_fragment_is_a_whole_packet() {
    let packet = piece(0, false, &[0x5a; 12], 7);
    let parsed = Packet::parse(&packet).unwrap();
    assert!(parsed.fragment.is_some_and(|fragment| fragment.is_atomic()));
    assert_eq!((parsed.piece(), parsed.payload), (None, &[0x5a; 12][..]));
    assert_eq!(push(&mut Reassembly::default(), 0, &packet), Ok(Some(packet)));
}

#[rstest]
#[case::length_no_multiple_of_8(piece(8, true, &[0x5a; 12], 7), Some((0, 4)), "IPv6 header: octet 4: 0x14 has no meaning here")]
#[case::beyond_65535(piece(0xfff8, false, &[0x5a; 8], 7), Some((0, 42)), "IPv6 fragment: octet 42: 0xfff8 has no meaning here")]
#[case::empty(piece(8, false, &[], 7), None, "IPv6 fragment: octet 48: needs 1 octets, has 0")]
fn an_impossible_fragment_is_refused(
    #[case] octets: Vec<u8>,
    #[case] problem: Option<(u8, u32)>,
    #[case] line: &str,
) {
    let rejected = push(&mut Reassembly::default(), 0, &octets).unwrap_err();
    assert_eq!(rejected.error.to_string(), line);
    assert_eq!(rejected.problem, problem.map(|(code, pointer)| Problem { code, pointer }));
}

/// RFC 7112: a first fragment holds all headers, the upper layer's included.
#[rstest]
#[case::udp_header_cut(protocol::UDP, 0, Some(3))]
#[case::udp_header_whole(protocol::UDP, 8, None)]
#[case::tcp_header_cut(protocol::TCP, 16, Some(3))]
#[case::tcp_header_whole(protocol::TCP, 24, None)]
#[case::tunnel_header_cut(protocol::IPV6, 32, Some(3))]
#[case::options_cut(protocol::DESTINATION, 8, Some(3))]
fn a_first_fragment_holds_all_headers(
    #[case] protocol: u8,
    #[case] length: usize,
    #[case] code: Option<u8>,
) {
    let mut first = piece(0, true, &vec![0x01; length.max(8)], 7);
    first[40] = protocol;
    if length == 0 {
        // A header of options and no octet of what they stand before.
        first[40] = protocol::DESTINATION;
        first[48] = protocol;
        first[49] = 0;
    }
    let outcome = push(&mut Reassembly::default(), 0, &first);
    match code {
        None => assert_eq!(outcome, Ok(None)),
        Some(code) => {
            let problem = outcome.unwrap_err().problem;
            assert_eq!(problem, Some(Problem { code, pointer: 0 }));
        }
    }
}

/// RFC 5722: pieces that overlap spoil the packet, silently, and so does whatever else comes of it.
#[rstest]
#[case::into_the_one_before(&[(0, true, 16), (8, true, 16)])]
#[case::into_the_one_behind(&[(16, true, 16), (8, true, 16)])]
#[case::same_place_other_length(&[(8, true, 16), (8, true, 24)])]
#[case::around_another(&[(8, true, 8), (0, true, 32)])]
#[case::beyond_the_last(&[(16, false, 4), (24, true, 8)])]
#[case::two_ends(&[(16, false, 4), (24, false, 4)])]
#[case::an_end_before_another_piece(&[(32, true, 8), (16, false, 4)])]
fn overlaps_spoil_the_packet(#[case] pieces: &[(u16, bool, usize)]) {
    let mut reassembly = Reassembly::default();
    let (last, others) = pieces.split_last().unwrap();
    let sent = |(offset, more, length): &(u16, bool, usize)| {
        piece(*offset, *more, &vec![0x5a; *length], 7)
    };
    for one in others {
        assert_eq!(push(&mut reassembly, 0, &sent(one)), Ok(None));
    }
    assert_eq!(push(&mut reassembly, 0, &sent(last)).unwrap_err().problem, None);
    // Sent anew and without fault it is refused for as long as the pieces would have lived.
    for second in [1, 59] {
        for whole in [piece(0, true, &[1; 8], 7), piece(8, false, &[2; 8], 7)] {
            assert!(push(&mut reassembly, second, &whole).is_err());
        }
    }
    assert_eq!(reassembly.expire(Duration::from_secs(60)), []);
    assert_eq!(push(&mut reassembly, 60, &piece(0, true, &[1; 8], 7)), Ok(None));
    assert!(push(&mut reassembly, 60, &piece(8, false, &[2; 8], 7)).unwrap().is_some());
}

#[test]
fn pieces_are_told_apart_by_addresses_and_identification() {
    let mut reassembly = Reassembly::default();
    let mut other = piece(8, false, &[2; 8], 7);
    other[23] ^= 1;
    assert_eq!(push(&mut reassembly, 0, &piece(0, true, &[1; 8], 7)), Ok(None));
    assert_eq!(push(&mut reassembly, 0, &piece(8, false, &[2; 8], 8)), Ok(None));
    assert_eq!(push(&mut reassembly, 0, &other), Ok(None));
    assert!(push(&mut reassembly, 0, &piece(8, false, &[2; 8], 7)).unwrap().is_some());
}

/// RFC 8200 §4.5: 60 s from the first piece to arrive; with the first fragment it is reported.
#[test]
fn pieces_wait_for_a_minute() {
    let mut reassembly = Reassembly::default();
    let first = piece(0, true, &[1; 8], 7);
    push(&mut reassembly, 5, &piece(8, true, &[2; 8], 7)).unwrap();
    push(&mut reassembly, 30, &first).unwrap();
    push(&mut reassembly, 40, &piece(8, true, &[2; 8], 8)).unwrap();
    assert_eq!(reassembly.deadline(), Some(Duration::from_secs(65)));
    assert_eq!(reassembly.expire(Duration::from_millis(64_999)), []);
    let expired = reassembly.expire(Duration::from_secs(65));
    let [expired] = &expired[..] else { panic!("{expired:?}") };
    assert_eq!(expired.first_fragment.as_ref(), Some(&first));
    assert_eq!(expired.source, outgoing().source);
    assert_eq!(reassembly.deadline(), Some(Duration::from_secs(100)));
    let expired = reassembly.expire(Duration::from_secs(100));
    assert_eq!(expired.iter().map(|one| &one.first_fragment).collect::<Vec<_>>(), [&None]);
    assert_eq!(reassembly, Reassembly::default());
}

/// Without a call to `expire` a late piece does not complete what is too old.
#[test]
fn a_late_piece_begins_anew() {
    let mut reassembly = Reassembly::default();
    push(&mut reassembly, 0, &piece(0, true, &[1; 8], 7)).unwrap();
    assert_eq!(push(&mut reassembly, 60, &piece(8, false, &[2; 8], 7)), Ok(None));
    assert_eq!(reassembly.deadline(), Some(Duration::from_secs(120)));
}

#[test]
fn the_oldest_packets_give_way() {
    let mut reassembly = Reassembly::new(2, 1 << 16);
    for (second, identification) in [(0, 1), (1, 2), (2, 3)] {
        push(&mut reassembly, second, &piece(0, true, &[1; 8], identification)).unwrap();
    }
    assert_eq!(reassembly.deadline(), Some(Duration::from_secs(61)));
    assert_eq!(push(&mut reassembly, 3, &piece(8, false, &[2; 8], 1)), Ok(None));
    assert!(push(&mut reassembly, 4, &piece(8, false, &[2; 8], 3)).unwrap().is_some());
}

#[test]
fn octets_are_bounded() {
    let mut reassembly = Reassembly::new(8, 1000);
    push(&mut reassembly, 0, &piece(8, true, &[1; 400], 1)).unwrap();
    push(&mut reassembly, 1, &piece(8, true, &[1; 400], 2)).unwrap();
    push(&mut reassembly, 2, &piece(8, true, &[1; 400], 3)).unwrap();
    assert_eq!(reassembly.deadline(), Some(Duration::from_secs(61)), "the first gave way");
    let rejected = push(&mut reassembly, 3, &piece(8, true, &[1; 1000], 4)).unwrap_err();
    assert_eq!(rejected.error.to_string(), "IPv6 fragment: octet 40: more than 1000");
    assert_eq!(reassembly, Reassembly::new(8, 1000));
}

fn push(
    reassembly: &mut Reassembly,
    second: u64,
    octets: &[u8],
) -> Result<Option<Vec<u8>>, Rejected> {
    let packet = Packet::parse(octets).expect("a fragment can be read");
    reassembly.push(Duration::from_secs(second), &packet)
}

fn piece(offset: u16, more: bool, data: &[u8], identification: u32) -> Vec<u8> {
    let header = Fragment { offset, more, identification };
    let payload = [&header.octets(253), data].concat();
    Outgoing { protocol: protocol::FRAGMENT, ..outgoing() }.to_vec(&payload)
}

fn outgoing() -> Outgoing {
    Outgoing::new(address("2001:db8:f1::1f"), address("2001:db8:c::c"), 253)
}

fn address(text: &str) -> Ipv6Addr {
    text.parse().expect("an IPv6 address")
}
