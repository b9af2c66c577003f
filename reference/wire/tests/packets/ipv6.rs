//! Frames, the chain of headers, tunnels: read, judged and written.

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::{self, Ethernet, FrameView, Mac};
use roamproof_wire::ipv6::tunnel::{encapsulate_with_limit, limit_at_entry};
use roamproof_wire::ipv6::{
    Header, Outgoing, Packet, Problem, Rejected, Type2Routing, decapsulated, encapsulate, protocol,
};
use rstest::rstest;

use crate::golden::{self, octets};

const CARE_OF: &str = "2001:db8:f1::1f";
const HOME: &str = "2001:db8:a::100";
const CORRESPONDENT: &str = "2001:db8:c::c";

#[test]
fn a_frame_begins_with_two_addresses_and_a_type() {
    let [to, from] = ["02:1a:2b:3c:4d:5e", "06:5f:4e:3d:2c:1b"].map(mac);
    let packet = octets(golden::UDP_PLAIN);
    let frame = ethernet::frame(to, from, &packet);
    assert_eq!(frame[..14], octets("021a2b3c4d5e065f4e3d2c1b86dd"));
    let (header, payload) = Ethernet::parse(&frame).unwrap();
    assert_eq!(
        (header, payload),
        (Ethernet { destination: to, source: from, ether_type: 0x86dd }, &packet[..])
    );
    for fill in [0x00, 0xff] {
        let mut buffer = [fill; ethernet::HEADER_LEN];
        header.emit(&mut buffer);
        assert_eq!(buffer, frame[..14]);
    }
    for cut in 0..14 {
        let error = Ethernet::parse(&frame[..cut]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("Ethernet frame: octet 0: needs 14 octets, has {cut}")
        );
    }
}

#[rstest]
#[case::untagged("021a2b3c4d5e 065f4e3d2c1b 86dd 60", Ok((None, 14)))]
#[case::one_tag("021a2b3c4d5e 065f4e3d2c1b 8100 a123 86dd 60", Ok((Some(0x123), 18)))]
#[case::two_tags("021a2b3c4d5e 065f4e3d2c1b 88a8 0456 8100 0123 86dd 60", Ok((Some(0x456), 22)))]
#[case::cut_tag(
    "021a2b3c4d5e 065f4e3d2c1b 8100 01",
    Err("VLAN tag: octet 14: needs 4 octets, has 1")
)]
fn vlan_tags_are_skipped(
    #[case] frame: &str,
    #[case] expected: Result<(Option<u16>, usize), &str>,
) {
    let frame = octets(&frame.replace(' ', ""));
    match (FrameView::new(&frame), expected) {
        (Ok(view), Ok((vlan, payload_offset))) => {
            assert_eq!((view.vlan, view.payload_offset), (vlan, payload_offset));
            assert_eq!((view.ether_type, view.payload), (ethernet::IPV6, &[0x60][..]));
        }
        (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected),
        (seen, expected) => panic!("{seen:?} is not {expected:?}"),
    }
}

#[rstest]
#[case::right("02:1a:2b:3c:4d:5e", Ok("02:1a:2b:3c:4d:5e"))]
#[case::upper_case("02:1A:2B:3C:4D:5E", Ok("02:1a:2b:3c:4d:5e"))]
#[case::five("02:1a:2b:3c:4d", Err("MAC address: octet 15: expected two hexadecimal digits"))]
#[case::seven("02:1a:2b:3c:4d:5e:6f", Err("MAC address: octet 17: expected the end"))]
#[case::one_digit("02:1a:b:3c:4d:5e", Err("MAC address: octet 6: expected two hexadecimal digits"))]
#[case::a_sign("02:1a:+b:3c:4d:5e", Err("MAC address: octet 6: expected two hexadecimal digits"))]
#[case::nothing("", Err("MAC address: octet 0: expected two hexadecimal digits"))]
fn mac_addresses_have_a_text_form(#[case] text: &str, #[case] expected: Result<&str, &str>) {
    let seen = text.parse::<Mac>().map(|mac| mac.to_string()).map_err(|error| error.to_string());
    assert_eq!(seen, expected.map(str::to_owned).map_err(str::to_owned));
}

#[test]
fn groups_have_an_ethernet_address() {
    let group = Mac::multicast(address("ff02::1:ff3c:4d5e"));
    assert_eq!(group.to_string(), "33:33:ff:3c:4d:5e");
    assert!(group.is_multicast() && Mac::BROADCAST.is_multicast());
    assert!(!mac("02:1a:2b:3c:4d:5e").is_multicast());
}

#[test]
fn the_fixed_header_is_read_and_written() {
    let packet = octets(golden::UDP_PLAIN);
    let header = Header::parse(&packet).unwrap();
    assert_eq!(
        header,
        Header {
            traffic_class: 0xb8,
            flow_label: 0xabcde,
            payload_length: 45,
            next_header: protocol::UDP,
            hop_limit: 61,
            source: address(CORRESPONDENT),
            destination: address(HOME),
        }
    );
    for fill in [0x00, 0xff] {
        let mut buffer = [fill; 40];
        header.emit(&mut buffer);
        assert_eq!(buffer, packet[..40]);
    }
}

/// Every order of extension headers that RFC 6275 §6.3 knows, octet for octet.
#[rstest]
#[case::home_address(golden::UDP_HOME_ADDRESS, CARE_OF, CORRESPONDENT, Some(HOME), None)]
#[case::type_2(golden::UDP_TYPE_2, CORRESPONDENT, CARE_OF, None, Some(HOME))]
#[case::both(golden::UDP_BOTH, CARE_OF, "2001:db8:f2::2f", Some(HOME), Some("2001:db8:b::100"))]
fn headers_are_written_in_their_order(
    #[case] golden: &str,
    #[case] source: &str,
    #[case] destination: &str,
    #[case] home_address: Option<&str>,
    #[case] type_2_routing: Option<&str>,
) {
    let golden = octets(golden);
    let packet = Packet::parse(&golden).unwrap();
    let outgoing = Outgoing {
        home_address: home_address.map(address),
        type_2_routing: type_2_routing.map(address),
        ..Outgoing::new(address(source), address(destination), protocol::UDP)
    };
    assert_eq!(outgoing.to_vec(packet.payload), golden);
    for fill in [0x00, 0xff] {
        let mut buffer = vec![fill; outgoing.buffer_len(packet.payload.len())];
        outgoing.emit(&mut buffer, packet.payload);
        assert_eq!(buffer, golden);
    }
    assert_eq!(packet.payload_offset, outgoing.headers_len());
    assert_eq!(packet.home_address, outgoing.home_address);
    assert_eq!(packet.routing.map(|routing| routing.home_address), outgoing.type_2_routing);
    assert_eq!(packet.source(), outgoing.upper_source());
    assert_eq!(packet.destination(), outgoing.upper_destination());
}

#[test]
fn marks_are_written() {
    let golden = octets(golden::UDP_PLAIN);
    let outgoing = Outgoing {
        hop_limit: 61,
        traffic_class: 0xb8,
        // Bits above the twentieth do not reach the traffic class.
        flow_label: 0xfffa_bcde,
        ..Outgoing::new(address(CORRESPONDENT), address(HOME), protocol::UDP)
    };
    assert_eq!(outgoing.to_vec(&golden[40..]), golden);
}

#[test]
fn octets_behind_the_packet_are_padding() {
    let mut padded = octets(golden::UDP_TYPE_2);
    let length = padded.len();
    padded.extend([0xaa; 7]);
    let packet = Packet::parse(&padded).unwrap();
    assert_eq!(packet.octets.len(), length);
    assert_eq!(packet.payload, &padded[64..length]);
}

#[test]
fn every_truncation_is_refused() {
    for (name, hex) in golden::ALL {
        let golden = octets(hex);
        Packet::parse(&golden).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        for cut in 0..golden.len() {
            let rejected = Packet::parse(&golden[..cut]).unwrap_err();
            assert_eq!(rejected.problem, None, "{name} cut at {cut}");
            let (need, have, offset) =
                if cut < 40 { (40, cut, 0) } else { (golden.len() - 40, cut - 40, 40) };
            let fault = roamproof_wire::Fault::Truncated { need, have };
            assert_eq!((rejected.error.offset, rejected.error.fault), (offset, fault));
        }
    }
}

const CODE_0: u8 = Problem::ERRONEOUS_FIELD;
const CODE_1: u8 = Problem::UNRECOGNIZED_NEXT_HEADER;
const CODE_2: u8 = Problem::UNRECOGNIZED_OPTION;

/// Each fault by itself: octets put into a golden packet, and what comes of it.
#[rstest]
#[case::version(golden::UDP_PLAIN, &[(0, 0x4b)], "IPv6 header: octet 0: 0x04 has no meaning here", None)]
#[case::source_is_a_group(golden::UDP_HOME_ADDRESS, &[(8, 0xff)], "IPv6 header: octet 8: 0xff has no meaning here", None)]
#[case::hop_by_hop_not_first(
    golden::UDP_HOME_ADDRESS, &[(40, 0)], "IPv6 packet: octet 40: 0x00 has no meaning here", Some((CODE_1, 40))
)]
#[case::extension_too_long(
    golden::UDP_HOME_ADDRESS, &[(41, 6)], "Destination Options header: octet 40: needs 56 octets, has 49", None
)]
#[case::home_address_of_15_octets(
    golden::UDP_HOME_ADDRESS, &[(47, 15)], "Home Address option: octet 47: 0x0f has no meaning here", Some((CODE_0, 47))
)]
#[case::option_beyond_its_header(
    golden::UDP_HOME_ADDRESS, &[(47, 17)], "IPv6 option: octet 47: needs 17 octets, has 16", None
)]
#[case::unknown_option_discard(
    golden::UDP_HOME_ADDRESS, &[(46, 0x49)], "IPv6 option: octet 46: 0x49 has no meaning here", None
)]
#[case::unknown_option_report(
    golden::UDP_HOME_ADDRESS, &[(46, 0x89)], "IPv6 option: octet 46: 0x89 has no meaning here", Some((CODE_2, 46))
)]
#[case::unknown_option_report_unicast(
    golden::UDP_HOME_ADDRESS, &[(46, 0xca)], "IPv6 option: octet 46: 0xca has no meaning here", Some((CODE_2, 46))
)]
#[case::unknown_option_report_to_a_group(
    golden::UDP_HOME_ADDRESS, &[(46, 0x89), (24, 0xff)], "IPv6 option: octet 46: 0x89 has no meaning here", Some((CODE_2, 46))
)]
#[case::unknown_option_report_unicast_to_a_group(
    golden::UDP_HOME_ADDRESS, &[(46, 0xca), (24, 0xff)], "IPv6 option: octet 46: 0xca has no meaning here", None
)]
#[case::routing_type_unknown(
    golden::UDP_TYPE_2, &[(42, 3)], "Routing header: octet 42: 0x03 has no meaning here", Some((CODE_0, 42))
)]
#[case::routing_type_unknown_to_a_group(
    golden::UDP_TYPE_2, &[(42, 3), (24, 0xff)], "Routing header: octet 42: 0x03 has no meaning here", None
)]
#[case::type_2_with_no_segment_left(
    golden::UDP_TYPE_2, &[(43, 0)], "type 2 routing header: octet 43: 0x00 has no meaning here", None
)]
#[case::type_2_with_two_segments_left(
    golden::UDP_TYPE_2, &[(43, 2)], "type 2 routing header: octet 43: 0x02 has no meaning here", None
)]
#[case::type_2_of_8_octets(
    golden::UDP_TYPE_2, &[(41, 0)], "type 2 routing header: octet 41: 0x00 has no meaning here", None
)]
#[case::second_type_2(
    golden::UDP_BOTH,
    &[(40, 43), (64, 17), (65, 2), (66, 2), (67, 1)],
    "type 2 routing header: octet 67: 0x01 has no meaning here",
    None
)]
#[case::two_home_addresses(
    golden::UDP_BOTH,
    // The routing header becomes a second options header.
    &[(6, 60), (42, 1), (43, 2), (46, 0xc9), (47, 16)],
    "Home Address option: octet 70: 0xc9 has no meaning here",
    None
)]
fn a_fault_is_named_and_answered(
    #[case] golden: &str,
    #[case] edits: &[(usize, u8)],
    #[case] line: &str,
    #[case] problem: Option<(u8, u32)>,
) {
    let mut packet = octets(golden);
    for (at, octet) in edits {
        packet[*at] = *octet;
    }
    let Rejected { error, problem: seen } = Packet::parse(&packet).unwrap_err();
    assert_eq!(error.to_string(), line);
    assert_eq!(seen, problem.map(|(code, pointer)| Problem { code, pointer }));
}

/// What is no fault: skipped, ignored or left to who reads on.
#[rstest]
#[case::unknown_option_to_be_skipped(golden::UDP_HOME_ADDRESS, &[(46, 0x09)])]
#[case::padding_that_is_not_zero(golden::UDP_HOME_ADDRESS, &[(44, 0xde), (45, 0xad)])]
#[case::reserved_of_type_2(golden::UDP_TYPE_2, &[(44, 0xde), (47, 0xad)])]
#[case::unknown_routing_type_with_no_segment_left(golden::UDP_TYPE_2, &[(42, 3), (43, 0)])]
#[case::options_of_pad1_only(golden::TUNNEL_LIMIT, &[(42, 0), (43, 0), (44, 0), (45, 0), (46, 0)])]
#[case::an_unknown_upper_layer(golden::UDP_PLAIN, &[(6, 253)])]
fn what_may_be_skipped_is_skipped(#[case] golden: &str, #[case] edits: &[(usize, u8)]) {
    let mut packet = octets(golden);
    let whole = Packet::parse(&packet).map(|packet| packet.payload.to_vec());
    for (at, octet) in edits {
        packet[*at] = *octet;
    }
    let seen = Packet::parse(&packet).map(|packet| packet.payload.to_vec());
    assert_eq!(seen, whole);
}

#[test]
fn a_chain_without_end_is_cut() {
    let header = octets("3c0001040000 0000".replace(' ', "").as_str());
    let mut payload = header.repeat(33);
    let last = payload.len() - 8;
    payload[last] = protocol::NONE;
    let outgoing = Outgoing::new(address(CARE_OF), address(CORRESPONDENT), protocol::DESTINATION);
    let error = Packet::parse(&outgoing.to_vec(&payload)).unwrap_err().error;
    assert_eq!(error.to_string(), "IPv6 extension headers: octet 296: more than 32");
    let packet = outgoing.to_vec(&payload[8..]);
    assert_eq!(Packet::parse(&packet).unwrap().protocol, protocol::NONE);
}

/// RFC 8200 §4.2, §4.4: what a node answers that has no Mobile IPv6 (NODE-02, NODE-04).
#[rstest]
#[case::home_address(golden::UDP_HOME_ADDRESS, Some((CODE_2, 46)))]
#[case::type_2(golden::UDP_TYPE_2, Some((CODE_0, 42)))]
fn a_node_without_mobility_reports(#[case] golden: &str, #[case] problem: Option<(u8, u32)>) {
    let mut packet = octets(golden);
    let rejected = Packet::parse_without_mobility(&packet).unwrap_err();
    assert_eq!(rejected.problem, problem.map(|(code, pointer)| Problem { code, pointer }));
    packet[24] = 0xff;
    let rejected = Packet::parse_without_mobility(&packet).unwrap_err();
    assert_eq!(rejected.problem, None, "nothing answers a group");
}

/// NODE-01: the pointer is at the octet that named what is not known.
#[test]
fn an_unknown_protocol_is_reported_where_it_was_named() {
    let update = octets(golden::BINDING_UPDATE);
    let packet = Packet::parse(&update).unwrap();
    assert_eq!(packet.protocol, protocol::MOBILITY);
    let rejected = packet.unrecognized();
    assert_eq!(rejected.problem, Some(Problem { code: CODE_1, pointer: 40 }));
    assert_eq!(rejected.error.to_string(), "IPv6 packet: octet 40: 0x87 has no meaning here");
}

#[test]
fn a_router_alert_is_seen() {
    let report = octets(golden::MLD_REPORT);
    let packet = Packet::parse(&report).unwrap();
    assert_eq!((packet.router_alert, packet.protocol), (Some(0), protocol::ICMPV6));
}

#[test]
fn tunnels_carry_packets_whole() {
    let outer = octets(golden::TUNNEL);
    let packet = Packet::parse(&outer).unwrap();
    let inner = decapsulated(&packet).unwrap();
    assert_eq!(inner, &outer[40..]);
    let [entry, exit] = ["2001:db8:a::a", CARE_OF].map(address);
    assert_eq!(encapsulate(entry, exit, 63, inner), outer);
    assert_eq!(decapsulated(&Packet::parse(inner).unwrap()), None);
}

#[test]
fn tunnels_count_themselves() {
    let outer = octets(golden::TUNNEL_LIMIT);
    let packet = Packet::parse(&outer).unwrap();
    assert_eq!(packet.tunnel_limit, Some(4));
    assert_eq!(limit_at_entry(&packet), Ok(Some(3)));
    let inner = decapsulated(&packet).unwrap();
    let [entry, exit] = ["2001:db8:a::a", CARE_OF].map(address);
    assert_eq!(encapsulate_with_limit(entry, exit, 63, 4, inner), outer);
    assert_eq!(limit_at_entry(&Packet::parse(inner).unwrap()), Ok(None));
}

/// HA-FWD-15.
#[test]
fn the_last_tunnel_is_reported_at_its_limit() {
    let mut outer = octets(golden::TUNNEL_LIMIT);
    outer[44] = 0;
    let rejected = limit_at_entry(&Packet::parse(&outer).unwrap()).unwrap_err();
    assert_eq!(rejected.problem, Some(Problem { code: CODE_0, pointer: 44 }));
}

#[rstest]
#[case::another_type(
    "11020301000000002001",
    "type 2 routing header: octet 2: 0x03 has no meaning here"
)]
#[case::too_short("110202010000", "type 2 routing header: octet 4: needs 4 octets, has 2")]
#[case::nothing("", "type 2 routing header: octet 0: needs 1 octets, has 0")]
fn a_type_2_routing_header_is_judged(#[case] hex: &str, #[case] line: &str) {
    assert_eq!(Type2Routing::parse(&octets(hex)).unwrap_err().to_string(), line);
}

fn address(text: &str) -> Ipv6Addr {
    text.parse().expect("an IPv6 address")
}

fn mac(text: &str) -> Mac {
    text.parse().expect("a MAC address")
}
