//! ICMPv6 messages: read with their packet, judged, and written back octet for octet.

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{
    Echo, ErrorMessage, HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest, HomeAgentInformation,
    Message, MldReport, MobilePrefixAdvertisement, MobilePrefixSolicitation, MulticastRecord,
    NeighbourAdvertisement, NeighbourOption, NeighbourSolicitation, Preference, PrefixInformation,
    Reason, RecordKind, RouterAdvertisement, RouterSolicitation, answer, finish, mld_report_packet,
};
use roamproof_wire::ipv6::{Outgoing, Packet, Problem, protocol};
use rstest::rstest;

use crate::golden::{self, octets};

const ROUTER: Mac = Mac([0x02, 0, 0, 0, 0, 0x0a]);

#[test]
fn errors_are_read_and_written() {
    for (golden, reason) in [
        (golden::UNREACHABLE, Reason::DestinationUnreachable { code: 4 }),
        (golden::TOO_BIG, Reason::PacketTooBig { mtu: 1400 }),
        (golden::TIME_EXCEEDED, Reason::TimeExceeded { code: 1 }),
        (golden::PARAMETER_PROBLEM, Reason::ParameterProblem(Problem { code: 2, pointer: 46 })),
    ] {
        let quoted = &octets(golden)[48..];
        check(golden, &Message::Error(ErrorMessage { reason, quoted }));
    }
}

#[test]
fn echoes_are_read_and_written() {
    let (identifier, sequence) = (0x1234, 0x5678);
    let reply = Echo { reply: true, identifier, sequence, data: b"pong!" };
    check(golden::ECHO_REPLY, &Message::Echo(reply));
    let tunnel = octets(golden::TUNNEL);
    let inner = Packet::parse(&tunnel).unwrap().decapsulated().unwrap();
    let request = Echo { reply: false, identifier, sequence, data: b"ping" };
    assert_eq!(Message::parse(&Packet::parse(inner).unwrap()), Ok(Message::Echo(request)));
}

#[test]
fn routers_are_discovered() {
    let solicitation =
        RouterSolicitation { source_link_layer: Some("02:1a:2b:3c:4d:5e".parse().unwrap()) };
    check(golden::ROUTER_SOLICITATION, &Message::RouterSolicitation(solicitation));
    let advertisement = RouterAdvertisement {
        hop_limit: 64,
        managed: false,
        other: true,
        home_agent: true,
        preference: Preference::High,
        router_lifetime: 1800,
        reachable_time: 30_000,
        retrans_timer: 1000,
        options: vec![
            NeighbourOption::SourceLinkLayer(ROUTER),
            NeighbourOption::Prefix(home_prefix()),
            NeighbourOption::Mtu(1500),
            NeighbourOption::AdvertisementInterval(4000),
            NeighbourOption::HomeAgent(home_agent_information()),
        ],
    };
    check(golden::ROUTER_ADVERTISEMENT, &Message::RouterAdvertisement(advertisement.clone()));
    assert_eq!(advertisement.prefixes().collect::<Vec<_>>(), [&home_prefix()]);
    assert_eq!(advertisement.source_link_layer(), Some(ROUTER));
    assert_eq!(advertisement.mtu(), Some(1500));
    assert_eq!(advertisement.advertisement_interval(), Some(4000));
    assert_eq!(advertisement.home_agent_information(), Some(home_agent_information()));
}

#[rstest]
#[case::low(0b1_1000, Preference::Low)]
#[case::medium(0, Preference::Medium)]
#[case::high(0b0_1000, Preference::High)]
#[case::reserved(0b1_0000, Preference::Medium)]
fn preferences_are_two_bits(#[case] bits: u8, #[case] preference: Preference) {
    let mut advertisement = octets(golden::ROUTER_ADVERTISEMENT)[40..].to_vec();
    advertisement[5] = bits;
    let read = RouterAdvertisement::parse(&advertisement).unwrap();
    assert_eq!(read.preference, preference);
    assert!(!read.managed && !read.other && !read.home_agent);
}

#[test]
fn neighbours_are_discovered() {
    let target = address("2001:db8:a::100");
    let solicitation = NeighbourSolicitation { target, source_link_layer: Some(ROUTER) };
    check(golden::NEIGHBOUR_SOLICITATION, &Message::NeighbourSolicitation(solicitation));
    let detection = NeighbourSolicitation { target, source_link_layer: None };
    check(golden::NEIGHBOUR_SOLICITATION_DAD, &Message::NeighbourSolicitation(detection));
    let advertisement = NeighbourAdvertisement {
        router: true,
        solicited: true,
        overrides: true,
        target,
        target_link_layer: Some(ROUTER),
    };
    check(golden::NEIGHBOUR_ADVERTISEMENT, &Message::NeighbourAdvertisement(advertisement));
}

#[test]
fn flags_are_told_apart() {
    let whole = octets(golden::NEIGHBOUR_ADVERTISEMENT)[40..].to_vec();
    let seen = [0x80, 0x40, 0x20, 0x1f].map(|flags| {
        let mut message = whole.clone();
        message[4] = flags;
        let read = NeighbourAdvertisement::parse(&message).unwrap();
        [read.router, read.solicited, read.overrides]
    });
    let [t, f] = [true, false];
    assert_eq!(seen, [[t, f, f], [f, t, f], [f, f, t], [f, f, f]]);
}

#[test]
fn a_redirect_can_be_looked_at() {
    let octets = octets(golden::REDIRECT);
    let packet = Packet::parse(&octets).unwrap();
    let Ok(Message::Redirect(view)) = Message::parse(&packet) else { panic!("no Redirect") };
    assert_eq!(view.target, address("fe80::2"));
    assert_eq!(view.destination, address("2001:db8:a::7"));
    let option = NeighbourOption::TargetLinkLayer("02:00:00:00:00:02".parse().unwrap());
    assert_eq!(view.options().collect_all(), Ok(vec![option]));
}

#[test]
fn listeners_report_behind_a_router_alert() {
    let records = vec![
        MulticastRecord::joins(address("ff02::1:ff3c:4d5e")),
        MulticastRecord {
            kind: RecordKind::ModeIsInclude,
            group: address("ff02::99"),
            sources: vec![address("2001:db8::5"), address("2001:db8::6")],
        },
    ];
    let golden = octets(golden::MLD_REPORT);
    let source = address("fe80::1a:2bff:fe3c:4d5e");
    assert_eq!(mld_report_packet(source, records.clone()), golden);
    let packet = Packet::parse(&golden).unwrap();
    assert_eq!(packet.router_alert, Some(0));
    assert_eq!(Message::parse(&packet), Ok(Message::MldReport(MldReport { records })));
}

#[test]
fn auxiliary_data_of_a_record_is_skipped() {
    let mut report = octets(golden::MLD_REPORT)[48..].to_vec();
    report[9] = 1;
    report.splice(28..28, [0xde, 0xad, 0xbe, 0xef]);
    let read = MldReport::parse(&report).unwrap();
    assert_eq!(read, MldReport::parse(&octets(golden::MLD_REPORT)[48..]).unwrap());
}

#[test]
fn record_kinds_are_numbers() {
    for (octet, kind) in [
        (1, RecordKind::ModeIsInclude),
        (2, RecordKind::ModeIsExclude),
        (3, RecordKind::ChangeToInclude),
        (4, RecordKind::ChangeToExclude),
        (5, RecordKind::AllowNewSources),
        (6, RecordKind::BlockOldSources),
        (7, RecordKind::Other(7)),
    ] {
        let mut report = octets(golden::MLD_REPORT)[48..].to_vec();
        report[8] = octet;
        assert_eq!(MldReport::parse(&report).unwrap().records[0].kind, kind);
        assert_eq!(kind.octet(), octet);
    }
}

/// RFC 3810 §5.1.3: 0x9123 is (0x123 | 0x1000) << (1 + 3).
#[test]
fn queries_name_a_delay() {
    let octets = octets(golden::MLD_QUERY);
    let Ok(Message::MldQuery(query)) = Message::parse(&Packet::parse(&octets).unwrap()) else {
        panic!("no query")
    };
    assert!(query.is_version_2() && query.group.is_unspecified());
    assert_eq!(query.maximum_response_delay(), 70_192);
}

#[test]
fn home_agents_are_discovered() {
    let identifier = 0x1234;
    let request = HomeAgentDiscoveryRequest { identifier };
    check(golden::DISCOVERY_REQUEST, &Message::HomeAgentDiscoveryRequest(request));
    let home_agents = ["2001:db8:a::a", "2001:db8:a::b"].map(address).to_vec();
    let reply = HomeAgentDiscoveryReply { identifier, home_agents };
    check(golden::DISCOVERY_REPLY, &Message::HomeAgentDiscoveryReply(reply));
}

#[test]
fn prefixes_are_discovered() {
    let identifier = 0x1234;
    let solicitation = MobilePrefixSolicitation { identifier };
    check(golden::PREFIX_SOLICITATION, &Message::MobilePrefixSolicitation(solicitation));
    let advertisement = MobilePrefixAdvertisement {
        identifier,
        managed: true,
        other: true,
        options: vec![NeighbourOption::Prefix(home_prefix())],
    };
    assert_eq!(advertisement.prefixes().collect::<Vec<_>>(), [&home_prefix()]);
    check(golden::PREFIX_ADVERTISEMENT, &Message::MobilePrefixAdvertisement(advertisement));
}

/// Octets put into a golden packet whose checksum is then made right, and what comes of it.
#[rstest]
#[case::hop_limit(golden::NEIGHBOUR_SOLICITATION, &[(7, 254)], "IPv6 header: octet 7: 0xfe has no meaning here")]
#[case::code(golden::NEIGHBOUR_SOLICITATION, &[(41, 1)], "ICMPv6 message: octet 1: 0x01 has no meaning here")]
#[case::target_is_a_group(golden::NEIGHBOUR_SOLICITATION, &[(48, 0xff)], "Neighbor Solicitation: octet 8: 0xff has no meaning here")]
#[case::target_is_a_group_too(golden::NEIGHBOUR_ADVERTISEMENT, &[(48, 0xff)], "Neighbor Advertisement: octet 8: 0xff has no meaning here")]
#[case::option_of_no_length(golden::NEIGHBOUR_SOLICITATION, &[(65, 0)], "Neighbor Solicitation: octet 25: 0x00 has no meaning here")]
#[case::option_too_long(golden::NEIGHBOUR_ADVERTISEMENT, &[(65, 2)], "Neighbor Advertisement: octet 24: needs 16 octets, has 8")]
#[case::advertisement_option_of_no_length(golden::ROUTER_ADVERTISEMENT, &[(65, 0)], "Router Advertisement: octet 25: 0x00 has no meaning here")]
#[case::router_not_on_the_link(golden::ROUTER_ADVERTISEMENT, &[(8, 0x20)], "Router Advertisement: octet 0: expected addresses as RFC 4861 wants them")]
#[case::solicited_to_a_group(golden::NEIGHBOUR_ADVERTISEMENT, &[(24, 0xff)], "Neighbor Advertisement: octet 0: expected addresses as RFC 4861 wants them")]
#[case::detection_not_to_its_group(golden::NEIGHBOUR_SOLICITATION_DAD, &[(25, 0x05)], "Neighbor Solicitation: octet 0: expected addresses as RFC 4861 wants them")]
#[case::more_records_than_there_are(golden::MLD_REPORT, &[(55, 3)], "MLDv2 Report: octet 80: needs 1 octets, has 0")]
#[case::reply_cut_within_an_address(golden::DISCOVERY_REPLY, &[(5, 39)], "Home Agent Address Discovery Reply: octet 24: needs 16 octets, has 15")]
fn a_fault_is_named(#[case] golden: &str, #[case] edits: &[(usize, u8)], #[case] line: &str) {
    let mut octets = octets(golden);
    for (at, octet) in edits {
        octets[*at] = *octet;
    }
    assert_eq!(judged(&mut octets).unwrap_err(), line);
}

#[test]
fn detection_names_no_link_layer_address() {
    let mut octets = octets(golden::NEIGHBOUR_SOLICITATION);
    octets[8..24].fill(0);
    let line = "Neighbor Solicitation: octet 0: expected addresses as RFC 4861 wants them";
    assert_eq!(judged(&mut octets).unwrap_err(), line);
    let mut octets = golden::octets(golden::ROUTER_SOLICITATION);
    octets[8..24].fill(0);
    let line = "Router Solicitation: octet 0: expected addresses as RFC 4861 wants them";
    assert_eq!(judged(&mut octets).unwrap_err(), line);
}

/// NODE-10: reserved bits and options of no meaning there change nothing.
#[test]
fn what_means_nothing_is_skipped() {
    let mut solicitation = octets(golden::NEIGHBOUR_SOLICITATION);
    let expected = judged(&mut solicitation.clone());
    solicitation[44..48].fill(0xff);
    solicitation.extend(octets(
        "0701000000000fa0 0801000001020304 fd0100112233 4455".replace(' ', "").as_str(),
    ));
    solicitation[5] = 32 + 24;
    assert_eq!(judged(&mut solicitation), expected);
}

#[test]
fn a_bad_checksum_is_named() {
    let mut octets = octets(golden::ECHO_REPLY);
    octets[42..44].copy_from_slice(&[0x12, 0x34]);
    let error = Message::parse(&Packet::parse(&octets).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "ICMPv6 message: octet 2: checksum is 0x1234, should be 0xb9a0");
}

#[test]
fn every_truncation_of_a_message_is_refused_or_read() {
    for (name, hex) in golden::ALL {
        let golden = octets(hex);
        let packet = Packet::parse(&golden).unwrap();
        if packet.protocol != protocol::ICMPV6 {
            continue;
        }
        let fixed = match packet.payload[0] {
            133 | 134 | 137 | 130 | 143 => 8,
            135 | 136 => 24,
            _ => 8,
        };
        for cut in 0..fixed {
            assert!(Message::read(&packet.payload[..cut]).is_err(), "{name} cut at {cut}");
        }
        for cut in fixed..packet.payload.len() {
            let _ = Message::read(&packet.payload[..cut]);
        }
    }
}

#[test]
fn an_unknown_message_is_kept() {
    let body = [0xde, 0xad, 0xbe, 0xef, 0x01];
    let message = Message::Other { kind: 200, code: 7, body: &body };
    let outgoing = Outgoing::new(address("fe80::1"), address("fe80::2"), protocol::NONE);
    let packet = message.packet(&outgoing);
    assert_eq!(Message::parse(&Packet::parse(&packet).unwrap()), Ok(message));
}

/// RFC 4443 §2.4 c: as much of the packet as fits 1280 octets, headers included.
#[test]
fn an_error_quotes_what_fits() {
    let invoking = invoking("2001:db8:c::c", 1400);
    let outgoing = Outgoing {
        type_2_routing: Some(address("2001:db8:a::100")),
        ..Outgoing::new(address("2001:db8:a::a"), address("2001:db8:f1::1f"), protocol::ICMPV6)
    };
    let reason = Reason::PacketTooBig { mtu: 1400 };
    let error = ErrorMessage::quoting(reason, &invoking, &outgoing);
    assert_eq!(error.quoted, &invoking[..1280 - 40 - 24 - 8]);
    assert_eq!(Message::Error(error).packet(&outgoing).len(), 1280);
    let whole = answer(address("2001:db8:a::a"), &invoking, reason).unwrap();
    assert_eq!(whole.len(), 1280);
    let packet = Packet::parse(&whole).unwrap();
    let quoted = &invoking[..1280 - 48];
    assert_eq!(Message::parse(&packet), Ok(Message::Error(ErrorMessage { reason, quoted })));
    assert_eq!(packet.header.destination, address("2001:db8:f1::1f"));
}

const UNREACHABLE: Reason = Reason::DestinationUnreachable { code: 4 };
const TOO_BIG: Reason = Reason::PacketTooBig { mtu: 1280 };
const OPTION: Reason = Reason::ParameterProblem(Problem { code: 2, pointer: 42 });
const FIELD: Reason = Reason::ParameterProblem(Problem { code: 0, pointer: 42 });

/// RFC 4443 §2.4 e.
#[rstest]
#[case::a_datagram(invoking("2001:db8:c::c", 20), UNREACHABLE, true)]
#[case::an_echo(octets(golden::ECHO_REPLY), UNREACHABLE, true)]
#[case::an_error(octets(golden::TOO_BIG), UNREACHABLE, false)]
#[case::a_redirect(octets(golden::REDIRECT), UNREACHABLE, false)]
#[case::to_a_group(invoking("ff0e::1", 20), UNREACHABLE, false)]
#[case::too_big_to_a_group(invoking("ff0e::1", 20), TOO_BIG, true)]
#[case::option_to_a_group(invoking("ff0e::1", 20), OPTION, true)]
#[case::field_to_a_group(invoking("ff0e::1", 20), FIELD, false)]
#[case::from_nobody(octets(golden::NEIGHBOUR_SOLICITATION_DAD), TOO_BIG, false)]
#[case::from_a_group(from_a_group(), UNREACHABLE, false)]
#[case::no_packet(vec![0x60; 12], UNREACHABLE, false)]
fn some_packets_are_never_answered(
    #[case] invoking: Vec<u8>,
    #[case] reason: Reason,
    #[case] answered: bool,
) {
    assert_eq!(answer(address("2001:db8:a::a"), &invoking, reason).is_some(), answered);
}

/// Reads the golden packet, compares, and writes it back over both fills.
fn check(golden: &str, expected: &Message<'_>) {
    let octets = octets(golden);
    let packet = Packet::parse(&octets).expect("a golden packet can be read");
    assert_eq!(Message::parse(&packet).as_ref(), Ok(expected));
    let outgoing = Outgoing {
        hop_limit: packet.header.hop_limit,
        home_address: packet.home_address,
        type_2_routing: packet.routing.map(|routing| routing.home_address),
        ..Outgoing::new(packet.header.source, packet.header.destination, protocol::NONE)
    };
    assert_eq!(expected.packet(&outgoing), octets);
    for fill in [0x00, 0xff] {
        let mut buffer = vec![fill; expected.buffer_len()];
        expected.emit(packet.source(), packet.destination(), &mut buffer);
        assert_eq!(buffer, packet.payload);
    }
}

/// What comes of a packet once its checksum is right: the message's text form, or the fault's.
fn judged(octets: &mut [u8]) -> Result<String, String> {
    let packet = Packet::parse(octets).expect("the headers can be read");
    let (source, destination) = (packet.source(), packet.destination());
    let (start, end) = (packet.payload_offset, packet.octets.len());
    finish(source, destination, &mut octets[start..end]);
    let packet = Packet::parse(octets).expect("the headers can be read");
    match Message::parse(&packet) {
        Ok(message) => Ok(format!("{message:?}")),
        Err(error) => Err(error.to_string()),
    }
}

fn invoking(destination: &str, length: usize) -> Vec<u8> {
    let outgoing = Outgoing::new(address("2001:db8:f1::1f"), address(destination), 253);
    outgoing.to_vec(&vec![0x5a; length])
}

fn from_a_group() -> Vec<u8> {
    let outgoing = Outgoing::new(address("ff0e::1"), address("2001:db8:c::c"), 253);
    outgoing.to_vec(b"from a group")
}

fn home_prefix() -> PrefixInformation {
    PrefixInformation {
        prefix_length: 64,
        on_link: true,
        autonomous: true,
        router_address: true,
        valid_lifetime: 86_400,
        preferred_lifetime: 14_400,
        prefix: address("2001:db8:a::a"),
    }
}

const fn home_agent_information() -> HomeAgentInformation {
    HomeAgentInformation { preference: 0x0102, lifetime: 0x0304 }
}

fn address(text: &str) -> Ipv6Addr {
    text.parse().expect("an IPv6 address")
}
