//! Session descriptions: edited line by line.

use fastrand::Rng;
use roamproof_wire::sdp::LocalMedia;

use crate::{random, sip};

/// An offer of audio, with some lines more.
pub(crate) fn make(random: &mut Rng) -> Vec<u8> {
    let (address, port) = (random::address(random), random.u16(1024..));
    let mut octets = LocalMedia::audio(address, port, random.u64(..)).offer().to_vec();
    for _ in 0..random.u8(..4) {
        let line = random.choice(ATTRIBUTES).expect("there are some");
        octets.extend([line.as_bytes(), b"\r\n"].concat());
    }
    octets
}

/// One edit of a line, a word, a number or an octet.
pub(crate) fn edit(octets: &mut Vec<u8>, random: &mut Rng) {
    match random.u8(..4) {
        0 => sip::insert_line(octets, LINES, random),
        1..3 => sip::edit_lines(octets, random),
        _ => sip::edit_word(octets, WORDS, random),
    }
}

/// Lines and words that readers look for.
pub(crate) fn tokens() -> Vec<Vec<u8>> {
    [LINES, ATTRIBUTES, WORDS].concat().iter().map(|token| token.as_bytes().to_vec()).collect()
}

const ATTRIBUTES: &[&str] = &[
    "a=sendrecv",
    "a=sendonly",
    "a=recvonly",
    "a=inactive",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-15",
    "a=ptime:20",
    "a=rtcp:40001",
    "a=rtcp-mux",
    "a=x",
];

const LINES: &[&str] = &[
    "v=0",
    "v=1",
    "o=- 1 1 IN IP6 2001:db8:c::c",
    "o=- 99999999999999999999 1 IN IP4 192.0.2.1",
    "s=-",
    "i=call",
    "u=http://example.com/",
    "e=mt@example.com",
    "p=+1",
    "c=IN IP6 2001:db8:c::bb",
    "c=IN IP6 ff15::1/3",
    "c=IN IP4 192.0.2.1/127/3",
    "c=IN IP6 ::",
    "b=AS:64",
    "t=0 0",
    "r=7d 1h 0 25h",
    "z=0 -1h",
    "k=prompt",
    "m=audio 40000 RTP/AVP 0 8",
    "m=audio 0 RTP/AVP 0",
    "m=audio 40000/2 RTP/AVP 0",
    "m=video 40002 RTP/SAVPF 96 97",
    "m=image 9 udptl t38",
    "m=audio 65536 RTP/AVP 128",
];

const WORDS: &[&str] = &[
    "IN",
    "IP6",
    "IP4",
    "RTP/AVP",
    "audio",
    "video",
    "0",
    "-1",
    "65535",
    "65536",
    "4294967296",
    "18446744073709551616",
    "2001:db8::1",
    "::ffff:192.0.2.1",
    "fe80::1%eth0",
    "a",
    "=",
    ":",
    "/",
];
