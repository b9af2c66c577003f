//! UDP and TCP: read, verified and written.

use std::net::Ipv6Addr;

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::tcp::{Flags, TcpView};
use roamproof_wire::udp::{self, Udp};
use rstest::rstest;

use crate::golden::{self, octets};

/// Under the checksum stand the home addresses, whatever the headers say (RFC 6275 §6.3, §6.4).
#[rstest]
#[case::plain(golden::UDP_PLAIN, 5060, 5062, b"INVITE sip:mt@example.com SIP/2.0\r\n\r\n")]
#[case::home_address(
    golden::UDP_HOME_ADDRESS,
    40002,
    40000,
    b"\x80\x80\x12\x34\0\0\x01\x60\xde\xad\xbe\xefsound"
)]
#[case::type_2(golden::UDP_TYPE_2, 40000, 40002, &[1, 2, 3, 4, 5])]
#[case::both(golden::UDP_BOTH, 40002, 40004, b"both")]
#[case::sum_of_zero(golden::UDP_SUM_FFFF, 1234, 5678, &octets(golden::UDP_SUM_FFFF)[48..])]
fn datagrams_are_read_and_written(
    #[case] golden: &str,
    #[case] source_port: u16,
    #[case] destination_port: u16,
    #[case] payload: &[u8],
) {
    let golden = octets(golden);
    let packet = Packet::parse(&golden).unwrap();
    let (source, destination) = (packet.source(), packet.destination());
    let read = Udp::parse(source, destination, packet.payload).unwrap();
    assert_eq!(read, Udp { source_port, destination_port, payload });
    let written = udp::datagram(source, destination, source_port, destination_port, payload);
    assert_eq!(written, packet.payload);
    for fill in [0x00, 0xff] {
        let mut buffer = vec![fill; read.buffer_len()];
        read.emit(source, destination, &mut buffer);
        assert_eq!(buffer, packet.payload);
    }
    let outgoing = Outgoing {
        hop_limit: packet.header.hop_limit,
        traffic_class: packet.header.traffic_class,
        flow_label: packet.header.flow_label,
        home_address: packet.home_address,
        type_2_routing: packet.routing.map(|routing| routing.home_address),
        ..Outgoing::new(packet.header.source, packet.header.destination, protocol::NONE)
    };
    assert_eq!(udp::packet(&outgoing, source_port, destination_port, payload), golden);
}

#[test]
fn a_sum_of_zero_is_sent_as_ones() {
    assert_eq!(octets(golden::UDP_SUM_FFFF)[46..48], [0xff, 0xff]);
}

/// Zero would verify here, but it says that there is no checksum (RFC 8200 §8.1).
#[test]
fn a_sum_of_zero_sent_as_zero_is_refused() {
    let mut golden = octets(golden::UDP_SUM_FFFF);
    golden[46..48].fill(0);
    let packet = Packet::parse(&golden).unwrap();
    let error = Udp::parse(packet.source(), packet.destination(), packet.payload).unwrap_err();
    assert_eq!(error.fault, roamproof_wire::Fault::Checksum { carried: 0, right: 0xffff });
}

#[rstest]
#[case::no_checksum(&[(6, 0), (7, 0)], "UDP datagram: octet 6: checksum is 0x0000, should be 0xec14")]
#[case::wrong_checksum(&[(7, 0x15)], "UDP datagram: octet 6: checksum is 0xec15, should be 0xec14")]
#[case::wrong_payload(&[(10, 0x13)], "UDP datagram: octet 6: checksum is 0xec14, should be 0xeb14")]
#[case::longer_than_there_is(&[(5, 26)], "UDP datagram: octet 4: needs 26 octets, has 25")]
#[case::shorter_than_its_header(&[(5, 7)], "UDP datagram: octet 4: 0x07 has no meaning here")]
#[case::length_of_zero(&[(5, 0)], "UDP datagram: octet 4: 0x00 has no meaning here")]
fn a_bad_datagram_is_refused(#[case] edits: &[(usize, u8)], #[case] line: &str) {
    let golden = octets(golden::UDP_HOME_ADDRESS);
    let packet = Packet::parse(&golden).unwrap();
    let mut datagram = packet.payload.to_vec();
    for (at, octet) in edits {
        datagram[*at] = *octet;
    }
    let error = Udp::parse(packet.source(), packet.destination(), &datagram).unwrap_err();
    assert_eq!(error.to_string(), line);
}

/// The sum over the care-of address is another: whoever uses it is found out.
#[test]
fn the_addresses_on_the_wire_give_another_checksum() {
    let golden = octets(golden::UDP_HOME_ADDRESS);
    let packet = Packet::parse(&golden).unwrap();
    let header = packet.header;
    let seen = Udp::parse(header.source, header.destination, packet.payload).unwrap_err();
    assert!(matches!(seen.fault, roamproof_wire::Fault::Checksum { carried: 0xec14, .. }));
}

#[test]
fn every_truncation_of_a_datagram_is_refused() {
    let golden = octets(golden::UDP_PLAIN);
    let packet = Packet::parse(&golden).unwrap();
    for cut in 0..packet.payload.len() {
        let seen = Udp::parse(packet.source(), packet.destination(), &packet.payload[..cut]);
        assert!(matches!(
            seen.unwrap_err().fault,
            roamproof_wire::Fault::Truncated { have, .. } if have == cut
        ));
    }
}

#[test]
fn segments_are_looked_at() {
    let golden = octets(golden::TCP_SYN);
    let packet = Packet::parse(&golden).unwrap();
    let tcp = TcpView::new(packet.payload).unwrap();
    assert_eq!((tcp.source_port(), tcp.destination_port()), (40001, 5060));
    assert_eq!((tcp.sequence(), tcp.acknowledgment()), (0x1122_3344, 0x5566_7788));
    assert_eq!((tcp.window(), tcp.urgent_pointer(), tcp.header_len()), (0x1234, 0x0102, 24));
    assert!(tcp.flags().has(Flags::SYN | Flags::ACK | Flags::PSH) && !tcp.flags().has(Flags::FIN));
    assert_eq!(tcp.flags().to_string(), "SYN,PSH,ACK");
    assert_eq!(tcp.options(), octets("020405a0"));
    assert_eq!(tcp.payload(), b"SIP/2.0 200 OK\r\n\r\n");
    assert_eq!(tcp.verify(packet.source(), packet.destination()), Ok(()));
}

#[rstest]
#[case::too_short(&[], 19, "TCP segment: octet 0: needs 20 octets, has 19")]
#[case::header_within_itself(&[(12, 0x40)], 42, "TCP segment: octet 12: 0x04 has no meaning here")]
#[case::header_beyond_the_segment(&[(12, 0xf0)], 42, "TCP segment: octet 12: needs 60 octets, has 42")]
fn a_bad_segment_is_refused(
    #[case] edits: &[(usize, u8)],
    #[case] length: usize,
    #[case] line: &str,
) {
    let mut segment = octets(golden::TCP_SYN)[40..].to_vec();
    segment.truncate(length);
    for (at, octet) in edits {
        segment[*at] = *octet;
    }
    assert_eq!(TcpView::new(&segment).unwrap_err().to_string(), line);
}

#[test]
fn a_segment_with_a_bad_checksum_is_found() {
    let mut golden = octets(golden::TCP_SYN);
    let carried = [golden[56], golden[57]];
    golden[56..58].copy_from_slice(&[0x12, 0x34]);
    let packet = Packet::parse(&golden).unwrap();
    let tcp = TcpView::new(packet.payload).unwrap();
    let error = tcp.verify(packet.source(), packet.destination()).unwrap_err();
    let right = u16::from_be_bytes(carried);
    assert_eq!(error.fault, roamproof_wire::Fault::Checksum { carried: 0x1234, right },);
    let elsewhere = Ipv6Addr::LOCALHOST;
    assert!(tcp.verify(elsewhere, packet.destination()).is_err());
}
