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
        let media = packet(CN, CARE_OF, UDP, &media(&rtp));
        step(&mut capture, 3, (4, 0x13), &media, 0);
        step(&mut capture, 4, (0x14, 0x21), &media, 1);
        step(&mut capture, 1, (0x20, 1), &media, 2);
    }
    let unanswered = packet(CN, "2001:db8:a::77", 58, &[128, 0, 0xc5, 0xc6, 0, 7, 0, 8]);
    step(&mut capture, 3, (4, 0x13), &unanswered, 0);
    capture
}

/// A capture of the sample's links without frames.
pub(super) fn empty() -> Capture {
    Capture::new(LINKS, Duration::from_secs(1_000_000_000))
}

/// A packet in a frame from one link-layer address, by its last octet, to another.
pub(super) fn framed(hop: (u8, u8), packet: &[u8]) -> Vec<u8> {
    [&mac(hop.1)[..], &mac(hop.0), &[0x86, 0xdd], packet].concat()
}

/// An echo request from the correspondent to the care-of address, and the reply.
pub(super) fn echo() -> (Vec<u8>, Vec<u8>) {
    (
        packet(CN, CARE_OF, 58, &[128, 0, 0, 0, 0, 7, 0, 8]),
        packet(CARE_OF, CN, 58, &[129, 0, 0, 0, 0, 7, 0, 8]),
    )
}

/// The same request, and one the other way.
pub(super) fn echo_requests() -> (Vec<u8>, Vec<u8>) {
    (echo().0, packet(CARE_OF, CN, 58, &[128, 0, 0, 0, 0, 9, 0, 8]))
}

/// The packet in a tunnel, which took one hop from it.
pub(super) fn tunnelled(inner: &[u8]) -> Vec<u8> {
    let mut inner = inner.to_vec();
    inner[7] -= 1;
    packet(CARE_OF, CN, 41, &inner)
}

/// What varies between two runs of the exchange, and what must not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub cookie: u8,
    pub returned_cookie: u8,
    pub sequence: u8,
    pub acknowledged: u8,
    pub tag: &'static str,
    pub branch: &'static str,
    pub port: u8,
    pub lifetime: u8,
}

impl Run {
    pub(super) const GOLDEN: Self = Self {
        cookie: 0xb1,
        returned_cookie: 0xb1,
        sequence: 0x11,
        acknowledged: 0x11,
        tag: "g7",
        branch: "z9hG4bKg",
        port: 0xc4,
        lifetime: 105,
    };
    pub(super) const LIVE: Self = Self {
        cookie: 0xc2,
        returned_cookie: 0xc2,
        sequence: 0x22,
        acknowledged: 0x22,
        tag: "l7",
        branch: "z9hG4bKl",
        port: 0xd5,
        lifetime: 105,
    };
}

/// A solicitation, a home test, a binding, an answer in two steps, media: frame by frame.
pub(super) fn exchange(run: &Run) -> Capture {
    let epoch = Duration::from_secs(1_000_000_000 + u64::from(run.cookie));
    let mut capture = Capture::new(LINKS, epoch);
    let mut clock = u64::from(run.cookie);
    let mut steps = run.home_test();
    steps.extend(run.binding());
    steps.extend(run.answers_and_media());
    for Step { link, hop, packet, hops } in steps {
        clock += u64::from(run.port);
        let mut packet = packet;
        packet[7] -= hops;
        let frame = [&mac(hop.1)[..], &mac(hop.0), &[0x86, 0xdd], &packet].concat();
        capture.record(Duration::from_micros(clock), LinkId(link), frame);
    }
    capture
}

/// A packet on a link: from which to which link-layer address, after how many hops.
struct Step {
    link: usize,
    hop: (u8, u8),
    packet: Vec<u8>,
    hops: u8,
}

fn step(link: usize, hop: (u8, u8), packet: &[u8], hops: u8) -> Step {
    Step { link, hop, packet: packet.to_vec(), hops }
}

impl Run {
    fn home_test(&self) -> Vec<Step> {
        let solicitation = [&[135, 0, 0xc3, 0xc4, 0, 0, 0, 0], &address(HOME).octets()[..]];
        let init = [&[59, 1, 1, 0, 0xc1, 0xc2, 0, 0][..], &[self.cookie; 8]];
        let init = packet(HOME, CN, 135, &init.concat());
        let head = [59, 2, 3, 0, 0xc3, 0xc4, 0, self.port];
        let test = [&head[..], &[self.returned_cookie; 8], &[self.cookie ^ 0xff; 8]];
        let test = packet(CN, HOME, 135, &test.concat());
        vec![
            step(1, (1, 0x33), &packet(CARE_OF, "ff02::1:ff00:1", 58, &solicitation.concat()), 0),
            step(1, (1, 0x20), &init, 0),
            step(4, (0x21, 0x14), &init, 1),
            step(3, (0x13, 4), &init, 2),
            step(3, (4, 0x13), &test, 0),
            step(4, (0x14, 0x21), &test, 1),
        ]
    }

    fn binding(&self) -> Vec<Step> {
        let home = address(HOME).octets();
        let update = [
            &[135, 2, 1, 2, 0, 0, 0xc9, 16][..],
            &home,
            &[59, 2, 5, 0, 0xc5, 0xc6, self.sequence, self.sequence],
            &[0x80, 0, 0, self.lifetime, 4, 4, 0, self.port],
            &[0, self.port ^ 1, 1, 4, 0, 0, 0, 0],
        ];
        let accepted = [
            &[135, 2, 2, 1, 0, 0, 0, 0][..],
            &home,
            &[59, 1, 6, 0, 0xc7, 0xc8, 0, 0],
            &[self.acknowledged, self.acknowledged, 0, self.lifetime, 1, 2, 0, 0],
        ];
        let accepted = packet(CN, CARE_OF, 43, &accepted.concat());
        vec![
            step(1, (1, 0x20), &packet(CARE_OF, CN, 60, &update.concat()), 0),
            step(3, (4, 0x13), &accepted, 0),
            step(1, (0x20, 1), &accepted, 2),
        ]
    }

    fn answers_and_media(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (status, tag) in [("180 Ringing", self.answered_tag()), ("200 OK", self.tag)] {
            let answer = format!(
                "SIP/2.0 {status}\r\nVia: SIP/2.0/UDP [2001:db8:5::5]:5060;branch={}\r\n\
                 To: <sip:mt@example.com>;tag={tag}\r\nFrom: <sip:cn@example.com>;tag=cn{}\r\n\
                 Call-ID: {}@cn\r\nCSeq: {} INVITE\r\nContent-Length: 0\r\n\r\n",
                self.branch, self.cookie, self.port, self.sequence
            );
            let mut datagram = udp(answer.as_bytes());
            datagram[1] = self.port;
            steps.push(step(1, (1, 0x20), &packet(HOME, "2001:db8:5::5", UDP, &datagram), 0));
        }
        for sequence in [self.sequence, self.sequence + 1] {
            let rtp =
                [0x80, 0, 0, sequence, 0, 0, 0, 160, self.cookie, 2, 3, 4, 0xd5, 0xd5, 0xd5, 0xd5];
            steps.push(step(3, (4, 0x13), &packet(CN, CARE_OF, UDP, &media(&rtp)), 0));
        }
        steps
    }

    /// The tag of the first answer: what the last one must have again.
    fn answered_tag(self) -> &'static str {
        if self.tag == "other" { Self::LIVE.tag } else { self.tag }
    }
}

fn packet(source: &str, destination: &str, next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], next, 64];
    packet.extend(address(source).octets());
    packet.extend(address(destination).octets());
    packet.extend(payload);
    seal(&mut packet);
    packet
}

/// Puts the checksum in, over the home addresses where a header carries one.
fn seal(packet: &mut [u8]) {
    let (mut next, mut at) = (packet[6], 40);
    let field = |packet: &[u8], at: usize| {
        Ipv6Addr::from(<[u8; 16]>::try_from(&packet[at..at + 16]).unwrap())
    };
    let (mut source, mut destination) = (field(packet, 8), field(packet, 24));
    while next == 60 || next == 43 {
        let home = field(packet, at + 8);
        if next == 60 {
            source = home
        } else {
            destination = home
        }
        (next, at) = (packet[at], at + 24);
    }
    let Some(place) = [(135, 4), (17, 6), (58, 2)].iter().find(|(kind, _)| *kind == next) else {
        return;
    };
    let place = at + place.1;
    packet[place..place + 2].fill(0);
    let right = roamproof_wire::checksum::upper_layer(source, destination, next, &packet[at..]);
    packet[place..place + 2].copy_from_slice(&right.to_be_bytes());
}

/// A datagram between two ports of media.
fn media(payload: &[u8]) -> Vec<u8> {
    let mut datagram = udp(payload);
    datagram[..4].copy_from_slice(&[0xc0, 0x12, 0xc0, 0x14]);
    datagram
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
