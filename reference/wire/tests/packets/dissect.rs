//! Every golden packet as one line, and what is said of broken ones.

use roamproof_wire::dissect::{Layers, Value, dissect, dissect_packet};
use roamproof_wire::ethernet::{self, Mac};

use crate::golden::{self, octets};

#[test]
fn every_packet_is_a_line() {
    let lines: String = golden::ALL
        .iter()
        .map(|(name, hex)| format!("{name:27}{}\n", dissect_packet(&octets(hex))))
        .collect();
    insta::assert_snapshot!(lines, @"
    UDP_PLAIN                  2001:db8:c::c > 2001:db8:a::100  UDP 5060 > 5062  INVITE sip:mt@example.com SIP/2.0
    UDP_HOME_ADDRESS           2001:db8:f1::1f > 2001:db8:c::c  HAO 2001:db8:a::100  UDP 40002 > 40000  RTP pt=0 seq=4660 ts=352 ssrc=0xdeadbeef M
    UDP_TYPE_2                 2001:db8:c::c > 2001:db8:f1::1f  RH2 2001:db8:a::100  UDP 40000 > 40002  5 octets
    UDP_BOTH                   2001:db8:f1::1f > 2001:db8:f2::2f  RH2 2001:db8:b::100  HAO 2001:db8:a::100  UDP 40002 > 40004  4 octets
    UDP_SUM_FFFF               2001:db8:c::c > 2001:db8:5::5  UDP 1234 > 5678  2 octets
    BINDING_UPDATE             2001:db8:f1::1f > 2001:db8:a::a  HAO 2001:db8:a::100  BU seq=4660 AH life=600s alt=2001:db8:f1::1f
    BINDING_ACK                2001:db8:a::a > 2001:db8:f1::1f  RH2 2001:db8:a::100  BA seq=4660 status=1 life=596s
    TUNNEL                     2001:db8:a::a > 2001:db8:f1::1f | 2001:db8:c::c > 2001:db8:a::100  Echo Request id=4660 seq=22136
    TUNNEL_LIMIT               2001:db8:a::a > 2001:db8:f1::1f  tunnel limit 4 | 2001:db8:c::c > 2001:db8:a::100  UDP 9 > 7  1 octets
    ECHO_REPLY                 2001:db8:a::100 > 2001:db8:c::c  Echo Reply id=4660 seq=22136
    UNREACHABLE                2001:db8:c::1 > 2001:db8:a::100  Destination Unreachable code=4 about 2001:db8:a::100 > 2001:db8:c::c UDP
    TOO_BIG                    2001:db8:c::1 > 2001:db8:a::100  Packet Too Big mtu=1400 about 2001:db8:a::100 > 2001:db8:c::c UDP
    TIME_EXCEEDED              2001:db8:c::1 > 2001:db8:a::100  Time Exceeded code=1 about 2001:db8:a::100 > 2001:db8:c::c UDP
    PARAMETER_PROBLEM          2001:db8:c::c > 2001:db8:f1::1f  Parameter Problem code=2 pointer=46 about 2001:db8:f1::1f > 2001:db8:c::c UDP
    ROUTER_SOLICITATION        fe80::1a:2bff:fe3c:4d5e > ff02::2  Router Solicitation
    ROUTER_ADVERTISEMENT       fe80::a > ff02::1  Router Advertisement OH life=1800s 2001:db8:a::a/64 LAR
    NEIGHBOUR_SOLICITATION     fe80::a > ff02::1:ff00:100  Neighbor Solicitation target=2001:db8:a::100
    NEIGHBOUR_SOLICITATION_DAD :: > ff02::1:ff00:100  Neighbor Solicitation target=2001:db8:a::100
    NEIGHBOUR_ADVERTISEMENT    2001:db8:a::a > 2001:db8:a::1  Neighbor Advertisement RSO target=2001:db8:a::100
    REDIRECT                   fe80::1 > 2001:db8:a::100  Redirect 2001:db8:a::7 by fe80::2
    MLD_REPORT                 fe80::1a:2bff:fe3c:4d5e > ff02::16  router alert 0  MLDv2 Report 4:ff02::1:ff3c:4d5e 1:ff02::99
    MLD_QUERY                  fe80::1 > ff02::1  router alert 0  MLD Query group=::
    DISCOVERY_REQUEST          2001:db8:f1::1f > 2001:db8:a:0:fdff:ffff:ffff:fffe  Home Agent Address Discovery Request id=4660
    DISCOVERY_REPLY            2001:db8:a::a > 2001:db8:f1::1f  Home Agent Address Discovery Reply id=4660 2001:db8:a::a 2001:db8:a::b
    PREFIX_SOLICITATION        2001:db8:f1::1f > 2001:db8:a::a  HAO 2001:db8:a::100  Mobile Prefix Solicitation id=4660
    PREFIX_ADVERTISEMENT       2001:db8:a::a > 2001:db8:f1::1f  RH2 2001:db8:a::100  Mobile Prefix Advertisement id=4660 2001:db8:a::a/64 LAR
    TCP_SYN                    2001:db8:c::c > 2001:db8:5::5  TCP 40001 > 5060 SYN,PSH,ACK seq=287454020 ack=1432778632  SIP/2.0 200 OK
    AH_PACKET                  2001:db8:c::c > 2001:db8:5::5  AH spi=0x11223344 seq=5  UDP 1234 > 5678  9 octets
    ");
}

/// Reading goes on behind a fault as far as it can, and the first fault stands at the end.
#[test]
fn a_broken_packet_is_read_as_far_as_it_goes() {
    let mut lines = String::new();
    for (name, golden, length, edits) in BROKEN {
        let mut octets = octets(golden);
        octets.truncate(*length);
        for (at, octet) in *edits {
            octets[*at] = *octet;
        }
        lines += &format!("{name:22}{}\n", dissect_packet(&octets));
    }
    insta::assert_snapshot!(lines, @"
    UDP checksum          2001:db8:f1::1f > 2001:db8:c::c  HAO 2001:db8:a::100  UDP 40002 > 40000  RTP pt=0 seq=4660 ts=352 ssrc=0xdeadbeef M  ✗ UDP datagram: octet 6: checksum is 0x1214, should be 0xec14
    UDP length            2001:db8:c::c > 2001:db8:a::100  UDP 5060 > 5062  INVITE sip:mt@example.com SIP/2.0  ✗ UDP datagram: octet 4: needs 200 octets, has 45
    SIP of no meaning     2001:db8:c::c > 2001:db8:a::100  UDP 5060 > 5062  �NVITE sip:mt@example.com SIP/2.0  ✗ UDP datagram: octet 6: checksum is 0xc836, should be 0x0a37
    no IPv6 header        ✗ IPv6 header: octet 0: needs 40 octets, has 39
    version 4             ✗ IPv6 header: octet 0: 0x04 has no meaning here
    unknown protocol      2001:db8:c::c > 2001:db8:a::100  protocol 253  45 octets
    payload cut           2001:db8:f1::1f > 2001:db8:c::c  HAO 2001:db8:a::100  UDP 40002 > 40000  8 octets  ✗ IPv6 packet: octet 40: needs 49 octets, has 40
    options cut           2001:db8:f1::1f > 2001:db8:c::c  ✗ IPv6 packet: octet 40: needs 49 octets, has 10
    option too long       2001:db8:f1::1f > 2001:db8:c::c  UDP 40002 > 40000  RTP pt=0 seq=4660 ts=352 ssrc=0xdeadbeef M  ✗ IPv6 option: octet 47: needs 17 octets, has 16
    unknown option        2001:db8:f1::1f > 2001:db8:c::c  option 0xca of 16 octets  UDP 40002 > 40000  RTP pt=0 seq=4660 ts=352 ssrc=0xdeadbeef M  ✗ UDP datagram: octet 6: checksum is 0xec14, should be 0xec0e
    hop-by-hop misplaced  2001:db8:f1::1f > 2001:db8:c::c  HAO 2001:db8:a::100  hop-by-hop options  25 octets
    no next header        2001:db8:f1::1f > 2001:db8:c::c  HAO 2001:db8:a::100  nothing
    ESP                   2001:db8:f1::1f > 2001:db8:c::c  HAO 2001:db8:a::100  ESP spi=0x9c429c40 seq=1698836
    ESP cut               2001:db8:f1::1f > 2001:db8:c::c  HAO 2001:db8:a::100  ✗ ESP: octet 4: needs 4 octets, has 2
    AH in AH              2001:db8:c::c > 2001:db8:5::5  AH spi=0x11223344 seq=5
    AH too long           2001:db8:c::c > 2001:db8:5::5  ✗ AH: octet 12: needs 796 octets, has 29
    two segments left     2001:db8:c::c > 2001:db8:f1::1f  RH type=2 left=2  UDP 40000 > 40002  5 octets  ✗ type 2 routing header: octet 43: 0x02 has no meaning here
    no segment left       2001:db8:c::c > 2001:db8:f1::1f  RH2 2001:db8:a::100 left=0  UDP 40000 > 40002  5 octets  ✗ UDP datagram: octet 6: checksum is 0x61b7, should be 0x61b1
    routing type 4        2001:db8:c::c > 2001:db8:f1::1f  RH type=4 left=1  UDP 40000 > 40002  5 octets
    first fragment        2001:db8:c::c > 2001:db8:f1::1f  fragment id=0x00000000 offset=0 more  UDP 8193 > 3512  2 octets
    later fragment        2001:db8:c::c > 2001:db8:f1::1f  fragment id=0x00000000 offset=8 more  29 octets of a fragment
    MH cut                2001:db8:f1::1f > 2001:db8:a::a  HAO 2001:db8:a::100  BU  ✗ Mobility Header: octet 1: needs 32 octets, has 6
    MH length             2001:db8:f1::1f > 2001:db8:a::a  HAO 2001:db8:a::100  BU seq=4660 AH life=600s alt=2001:db8:f1::1f  ✗ Mobility Header: octet 1: needs 80 octets, has 32
    MH checksum           2001:db8:f1::1f > 2001:db8:a::a  HAO 2001:db8:a::100  BU seq=4660 AH life=600s alt=2001:db8:f1::1f  ✗ Mobility Header: octet 4: checksum is 0x1221, should be 0x5d21
    MH type 200           2001:db8:a::a > 2001:db8:f1::1f  RH2 2001:db8:a::100  MH type 200  ✗ Mobility Header: octet 4: checksum is 0x4c8c, should be 0x8a8b
    TCP data offset       2001:db8:c::c > 2001:db8:5::5  ✗ TCP segment: octet 12: 0x04 has no meaning here
    ICMPv6 code           2001:db8:a::100 > 2001:db8:c::c  Echo Reply code=9 id=4660 seq=22136  ✗ ICMPv6 message: octet 2: checksum is 0xb9a0, should be 0xb997
    ICMPv6 type           2001:db8:a::100 > 2001:db8:c::c  ICMPv6 type 200  ✗ ICMPv6 message: octet 2: checksum is 0xb9a0, should be 0x72a0
    option of no length   fe80::a > ff02::1:ff00:100  Neighbor Solicitation  ✗ Neighbor Solicitation: octet 25: 0x00 has no meaning here
    error about nothing   2001:db8:c::1 > 2001:db8:a::100  Packet Too Big mtu=1400 about octets that are no packet  ✗ ICMPv6 message: octet 2: checksum is 0x2a60, should be 0xfcb1
    inner version 4       2001:db8:a::a > 2001:db8:f1::1f  ✗ IPv6 header: octet 0: 0x04 has no meaning here
    ");
}

#[test]
fn frames_are_lines_too() {
    let [to, from] = [Mac([0x33, 0x33, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 0x0a])];
    let frame = ethernet::frame(to, from, &octets(golden::ECHO_REPLY));
    let mut arp = frame[..20].to_vec();
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    let tagged = [&frame[..12], &[0x81, 0x00, 0x01, 0x23], &frame[12..]].concat();
    let lines = [&frame[..], &arp, &tagged, &frame[..13], &tagged[..15]].map(dissect).join("\n");
    insta::assert_snapshot!(lines, @"
    2001:db8:a::100 > 2001:db8:c::c  Echo Reply id=4660 seq=22136
    02:00:00:00:00:0a > 33:33:00:00:00:01  type 0x0806  6 octets
    2001:db8:a::100 > 2001:db8:c::c  Echo Reply id=4660 seq=22136
    ✗ Ethernet frame: octet 0: needs 14 octets, has 13
    ✗ VLAN tag: octet 14: needs 4 octets, has 1
    ");
}

#[test]
fn layers_have_fields() {
    let octets = octets(golden::UDP_BOTH);
    let frame = ethernet::frame(Mac::BROADCAST, Mac([2, 0, 0, 0, 0, 0x0a]), &octets);
    let layers = Layers::of_frame(&frame);
    let text: String = layers
        .layers
        .iter()
        .map(|layer| {
            let fields: Vec<_> = layer
                .fields
                .iter()
                .map(|field| format!("{}={:?}", field.name, field.value))
                .collect();
            format!("{}: {}\n", layer.name, fields.join(", "))
        })
        .collect();
    insta::assert_snapshot!(text, @r#"
    ethernet: destination=Text("ff:ff:ff:ff:ff:ff"), source=Text("02:00:00:00:00:0a"), type=Number(34525)
    ipv6: traffic class=Number(0), flow label=Number(0), payload length=Number(60), next header=Number(43), hop limit=Number(64), source=Address(2001:db8:f1::1f), destination=Address(2001:db8:f2::2f)
    routing (type 2): segments left=Number(1), home address=Address(2001:db8:b::100)
    destination options: home address=Address(2001:db8:a::100)
    udp: source port=Number(40002), destination port=Number(40004), length=Number(12), checksum=Number(37616)
    payload: length=Number(4)
    "#);
    assert_eq!(layers.stopped, None);
    let routing = &layers.layers[2];
    let home = "2001:db8:b::100".parse().map(Value::Address);
    assert_eq!(routing.field("home address"), home.as_ref().ok());
    assert_eq!(routing.field("care-of address"), None);
}

/// Nothing that a packet says makes reading it go on for ever.
#[test]
fn tunnels_in_tunnels_are_opened_up_to_a_bound() {
    let mut packet = octets(golden::UDP_SUM_FFFF);
    for _ in 0..9 {
        let [entry, exit] = ["fe80::1", "fe80::2"].map(|text| text.parse().unwrap());
        packet = roamproof_wire::ipv6::encapsulate(entry, exit, 64, &packet);
    }
    let line = dissect_packet(&packet);
    assert!(line.ends_with("fe80::1 > fe80::2  ✗ IPv6 tunnels: octet 0: more than 8"), "{line}");
    assert_eq!(line.matches('|').count(), 7);
}

#[test]
fn mobility_messages_have_fields() {
    let fields = |hex| {
        let layers = Layers::of_packet(&octets(hex));
        assert_eq!(layers.stopped, None);
        let layer = layers.layers.into_iter().next_back().expect("a mobility message");
        let fields: Vec<_> = layer
            .fields
            .into_iter()
            .map(|field| format!("{}: {:?}", field.name, field.value))
            .collect();
        fields.join("\n")
    };
    insta::assert_snapshot!(fields(golden::BINDING_UPDATE), @r#"
    message: Text("Binding Update")
    payload protocol: Number(59)
    header length: Number(3)
    type: Number(5)
    checksum: Number(23841)
    sequence: Number(4660)
    acknowledge: Flag(true)
    home registration: Flag(true)
    link-local compatibility: Flag(false)
    key management: Flag(false)
    lifetime: Number(150)
    lifetime seconds: Number(600)
    alternate care-of address: Address(2001:db8:f1::1f)
    "#);
    insta::assert_snapshot!(fields(golden::BINDING_ACK), @r#"
    message: Text("Binding Acknowledgement")
    payload protocol: Number(59)
    header length: Number(1)
    type: Number(6)
    checksum: Number(19596)
    status: Number(1)
    key management: Flag(true)
    sequence: Number(4660)
    lifetime: Number(149)
    lifetime seconds: Number(596)
    "#);
}

type Broken = (&'static str, &'static str, usize, &'static [(usize, u8)]);

/// What it is called, the packet, how much of it there is, and the octets put into it.
const BROKEN: &[Broken] = &[
    ("UDP checksum", golden::UDP_HOME_ADDRESS, 89, &[(70, 0x12)]),
    ("UDP length", golden::UDP_PLAIN, 85, &[(45, 200)]),
    ("SIP of no meaning", golden::UDP_PLAIN, 85, &[(48, 0x07)]),
    ("no IPv6 header", golden::UDP_PLAIN, 39, &[]),
    ("version 4", golden::UDP_PLAIN, 85, &[(0, 0x45)]),
    ("unknown protocol", golden::UDP_PLAIN, 85, &[(6, 253)]),
    ("payload cut", golden::UDP_HOME_ADDRESS, 80, &[]),
    ("options cut", golden::UDP_HOME_ADDRESS, 50, &[]),
    ("option too long", golden::UDP_HOME_ADDRESS, 89, &[(47, 17)]),
    ("unknown option", golden::UDP_HOME_ADDRESS, 89, &[(46, 0xca)]),
    ("hop-by-hop misplaced", golden::UDP_HOME_ADDRESS, 89, &[(40, 0)]),
    ("no next header", golden::UDP_HOME_ADDRESS, 89, &[(40, 59)]),
    ("ESP", golden::UDP_HOME_ADDRESS, 89, &[(40, 50)]),
    ("ESP cut", golden::UDP_HOME_ADDRESS, 70, &[(5, 30), (40, 50)]),
    ("AH in AH", golden::AH_PACKET, 81, &[(40, 51)]),
    ("AH too long", golden::AH_PACKET, 81, &[(41, 200)]),
    ("two segments left", golden::UDP_TYPE_2, 77, &[(43, 2)]),
    ("no segment left", golden::UDP_TYPE_2, 77, &[(43, 0)]),
    ("routing type 4", golden::UDP_TYPE_2, 77, &[(42, 4)]),
    ("first fragment", golden::UDP_TYPE_2, 77, &[(6, 44), (40, 17), (42, 0), (43, 1)]),
    ("later fragment", golden::UDP_TYPE_2, 77, &[(6, 44), (40, 17), (42, 0), (43, 9)]),
    ("MH cut", golden::BINDING_UPDATE, 70, &[(5, 30)]),
    ("MH length", golden::BINDING_UPDATE, 96, &[(65, 9)]),
    ("MH checksum", golden::BINDING_UPDATE, 96, &[(68, 0x12)]),
    ("MH type 200", golden::BINDING_ACK, 80, &[(66, 200)]),
    ("TCP data offset", golden::TCP_SYN, 82, &[(52, 0x40)]),
    ("ICMPv6 code", golden::ECHO_REPLY, 53, &[(41, 9)]),
    ("ICMPv6 type", golden::ECHO_REPLY, 53, &[(40, 200)]),
    ("option of no length", golden::NEIGHBOUR_SOLICITATION, 72, &[(43, 0x48), (65, 0)]),
    ("error about nothing", golden::TOO_BIG, 60, &[(5, 20)]),
    ("inner version 4", golden::TUNNEL, 92, &[(40, 0x45)]),
];
