//! A small capture for tests: octets laid out by hand, so that no codec of ours vouches for itself.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::capture::Capture;
use super::names::Names;
use crate::link::LinkId;

/// The links of the sample.
const LINKS: [&str; 5] = ["home", "visited-1", "server", "correspondent", "backbone"];

/// The nodes of the sample.
pub(super) fn names() -> Names {
    let mut names = Names::new();
    names.node("mt").node("ha").node("ss").node("cn").router("core").router("ar1");
    for (name, last) in [("mt", 1), ("ha", 2), ("ss", 3), ("cn", 4)] {
        names.mac(name, mac(last));
    }
    for last in 0x10..0x15 {
        names.mac("core", mac(last));
    }
    for last in 0x20..0x22 {
        names.mac("ar1", mac(last));
    }
    for (name, text, label) in [
        ("mt", HOME, "hoa"),
        ("ha", "2001:db8:a::a", "ha"),
        ("ss", "2001:db8:5::5", "ss"),
        ("cn", CN, "cn"),
    ] {
        names.address(name, address(text), label);
    }
    names
}

/// An INVITE by way of the home agent, an answer through the reverse tunnel, a lost frame, media.
pub(super) fn capture() -> Capture {
    let mut capture = Capture::new(LINKS, Duration::from_secs(1_000_000_000));
    let mut clock = 2_000_000;
    let mut step = |capture: &mut Capture, link: usize, hop: (u8, u8), packet: &[u8], hops: u8| {
        clock += 100;
        let mut packet = packet.to_vec();
        packet[7] -= hops;
        let frame = [&mac(hop.1)[..], &mac(hop.0), &[0x86, 0xdd], &packet].concat();
        capture.record(Duration::from_micros(clock), LinkId(link), frame)
    };
    let invite =
        packet("2001:db8:5::5", HOME, UDP, &udp(b"INVITE sip:mt@example.com SIP/2.0\r\n\r\n"));
    step(&mut capture, 2, (3, 0x12), &invite, 0);
    step(&mut capture, 0, (0x10, 2), &invite, 1);
    let tunnelled = packet("2001:db8:a::a", CARE_OF, 41, &invite);
    step(&mut capture, 0, (2, 0x10), &tunnelled, 0);
    step(&mut capture, 4, (0x14, 0x21), &tunnelled, 1);
    step(&mut capture, 1, (0x20, 1), &tunnelled, 2);
    let update = packet(
        CARE_OF,
        CN,
        135,
        &[59, 1, 5, 0, 0xc1, 0xc2, 0x12, 0x34, 0x80, 0, 0, 105, 1, 2, 0, 0],
    );
    let update = step(&mut capture, 1, (1, 0x20), &update, 0);
    capture.frames[update].lost = true;
    let ringing = packet(HOME, "2001:db8:5::5", UDP, &udp(b"SIP/2.0 180 Ringing\r\n\r\n"));
    let back = packet(CARE_OF, "2001:db8:a::a", 41, &ringing);
    let first = step(&mut capture, 1, (1, 0x20), &back, 0);
    capture.comment(first, "FAIL CL-RO-01: 180 before BA");
    step(&mut capture, 4, (0x21, 0x14), &back, 1);
    step(&mut capture, 0, (0x10, 2), &back, 2);
    let solicitation = packet(CARE_OF, "ff02::1:ff00:1", 58, &[135, 0, 0xc3, 0xc4, 0, 0, 0, 0]);
    step(&mut capture, 1, (1, 0x33), &solicitation, 0);
    for sequence in 1..=3 {
        let rtp = [0x80, 0, 0, sequence, 0, 0, 0, 160, 1, 2, 3, 4, 0xd5, 0xd5];
        let media = packet(CN, CARE_OF, UDP, &udp(&rtp));
        step(&mut capture, 3, (4, 0x13), &media, 0);
        step(&mut capture, 4, (0x14, 0x21), &media, 1);
        step(&mut capture, 1, (0x20, 1), &media, 2);
    }
    let unanswered = packet(CN, "2001:db8:a::77", 58, &[128, 0, 0xc5, 0xc6, 0, 7, 0, 8]);
    step(&mut capture, 3, (4, 0x13), &unanswered, 0);
    capture
}

fn packet(source: &str, destination: &str, next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], next, 64];
    packet.extend(address(source).octets());
    packet.extend(address(destination).octets());
    packet.extend(payload);
    packet
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
    [&[0x13, 0xc4, 0x13, 0xc5, length[0], length[1], 0xc7, 0xc8], payload].concat()
}

fn address(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn mac(last: u8) -> [u8; 6] {
    if last == 0x33 { [0x33, 0x33, 0xff, 0, 0, 1] } else { [0x02, 0, 0, 0, 0, last] }
}

const UDP: u8 = 17;
const HOME: &str = "2001:db8:a::100";
const CARE_OF: &str = "2001:db8:f1::ff:fe00:1";
const CN: &str = "2001:db8:c::c";
