//! SIP messages: edited by line, by parameter, by word; Content-Length put right.

use std::ops::Range;

use fastrand::Rng;
use roamproof_wire::sdp::LocalMedia;
use roamproof_wire::sip::{HeaderName, Method};

use crate::random;

/// A request or a response, with a session description where its kind has one.
pub(crate) fn make(random: &mut Rng) -> Vec<u8> {
    let method = random.choice(METHODS).expect("there are some");
    let start = if random.bool() {
        format!("{method} sip:mt@[2001:db8:a::100] SIP/2.0")
    } else {
        format!("SIP/2.0 {}", random.choice(STATUS).expect("there are some"))
    };
    let number = random.u32(..);
    let mut text = format!(
        "{start}\r\n\
         Via: SIP/2.0/UDP [2001:db8:5::5]:5060;branch=z9hG4bK-{number}\r\n\
         Via: SIP/2.0/UDP [2001:db8:c::c];branch=z9hG4bK-{};received=2001:db8:c::c\r\n\
         Max-Forwards: 70\r\n\
         From: \"Caller\" <sip:cn@example.com>;tag=a{number}\r\n\
         To: <sip:mt@example.com>\r\n\
         Call-ID: {number}@[2001:db8:c::c]\r\n\
         CSeq: {} {method}\r\n\
         Contact: <sip:cn@[2001:db8:c::c]:5060;transport=udp>\r\n",
        random.u16(..),
        random.u32(1..0x8000_0000),
    );
    // Each at most once: no header of these may stand twice with two values.
    for header in RIGHT_HEADERS.iter().filter(|_| random.u8(..4) == 0) {
        text.push_str(header);
        text.push_str("\r\n");
    }
    let body = match random.u8(..3) {
        0 => Vec::new(),
        _ => LocalMedia::audio(random::address(random), 40_000, random.u64(..)).offer().to_vec(),
    };
    if !body.is_empty() {
        text.push_str("Content-Type: application/sdp\r\n");
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    [text.into_bytes(), body].concat()
}

/// One edit of a header line, a word, a number or an octet.
pub(crate) fn edit(octets: &mut Vec<u8>, random: &mut Rng) {
    if octets.len() > LONG && random.bool() {
        thin(octets, random);
    }
    match random.u8(..8) {
        0 | 1 => insert_line(octets, HEADERS, random),
        2 | 3 => edit_lines(octets, random),
        4 | 5 => edit_word(octets, WORDS, random),
        6 => nest(octets, random),
        _ => random::flip(octets, random),
    }
}

/// Content-Length says how long the body is, where both are there.
pub(crate) fn mend(octets: &mut Vec<u8>) {
    let Some(end) = blank_line(octets) else { return };
    let body = octets.len() - end - 4;
    let is_length = |line: &Range<usize>| {
        let name = octets[line.clone()].get(..CONTENT_LENGTH.len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(CONTENT_LENGTH))
    };
    let Some(line) = lines(&octets[..end + 2]).find(is_length) else { return };
    octets.splice(line, format!("Content-Length: {body}\r\n").into_bytes());
}

/// Names, whole headers and words that readers look for.
pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let texts = [HEADERS, METHODS, STATUS, WORDS].concat();
    let names = HeaderName::ALL.map(|name| format!("{}:", name.as_str()));
    let methods = Method::KNOWN.map(|method| method.as_str().to_owned());
    let texts = texts.into_iter().map(str::to_owned).chain(names).chain(methods);
    texts.map(String::into_bytes).collect()
}

/// Writes one of these between two lines, before the body where there is one.
pub(crate) fn insert_line(octets: &mut Vec<u8>, from: &[&str], random: &mut Rng) {
    let end = blank_line(octets).map_or(octets.len(), |end| end + 2);
    let starts: Vec<usize> = lines(&octets[..end]).map(|line| line.end).collect();
    let line = random.choice(from).expect("there are some");
    if let Some(at) = random.choice(starts) {
        octets.splice(at..at, [line.as_bytes(), b"\r\n"].concat());
    }
}

/// Takes a line out, doubles it, many times too, moves it, folds it or ends it otherwise.
pub(crate) fn edit_lines(octets: &mut Vec<u8>, random: &mut Rng) {
    let all: Vec<Range<usize>> = lines(octets).collect();
    let Some(line) = random.choice(&all).cloned() else { return };
    let text = octets[line.clone()].to_vec();
    match random.u8(..7) {
        0 => drop(octets.drain(line)),
        1 => drop(octets.splice(line.end..line.end, text)),
        2 => {
            let times = random.choice([8, 64, 300]).expect("there are some");
            if text.len() * times < MANY_MAX {
                octets.splice(line.end..line.end, text.repeat(times));
            }
        }
        3 => {
            let to = random.choice(&all).map_or(0, |line| line.start);
            octets.drain(line.clone());
            let to = if to > line.start { to - text.len().min(to) } else { to };
            octets.splice(to..to, text);
        }
        4 => {
            let middle = line.start + text.len() / 2;
            octets.splice(middle..middle, *b"\r\n ");
        }
        5 => {
            let ends = [&b"\n"[..], b"\r", b"", b" \r\n", b"\r\n\r\n", b"\0\r\n"];
            let at = line.end.saturating_sub(2).max(line.start);
            octets
                .splice(at..line.end, random.choice(ends).expect("there are some").iter().copied());
        }
        _ => octets.truncate(line.start + random.usize(..=text.len())),
    }
}

/// Takes out up to half of the lines, those next to each other: what is found is kept, and would grow for ever.
fn thin(octets: &mut Vec<u8>, random: &mut Rng) {
    let all: Vec<Range<usize>> = lines(octets).collect();
    let count = random.usize(..=all.len() / 2);
    let first = random.usize(..=all.len() - count);
    if let Some(gone) = all.get(first..first + count).filter(|gone| !gone.is_empty()) {
        octets.drain(gone[0].start..gone[count - 1].end);
    }
}

/// Writes another word, number or octet over a word.
pub(crate) fn edit_word(octets: &mut Vec<u8>, from: &[&str], random: &mut Rng) {
    let words = words(octets);
    let Some(word) = random.choice(&words).cloned() else { return };
    let text: Vec<u8> = match random.u8(..6) {
        0 => random::number(random).to_string().into_bytes(),
        1 => octets[random.choice(&words).cloned().unwrap_or(0..0)].to_vec(),
        2 => vec![b'a'; random.choice([0, 1, 255, 1000]).expect("there are some")],
        3 => vec![random.u8(..)],
        _ => random.choice(from).expect("there are some").as_bytes().to_vec(),
    };
    octets.splice(word, text);
}

/// Quotes, brackets and escapes that do not end, or go deep.
fn nest(octets: &mut Vec<u8>, random: &mut Rng) {
    let at = random.usize(..=octets.len());
    let piece = random.choice(NESTING).expect("there are some");
    let times = random.choice([1, 1, 3, 100]).expect("there are some");
    octets.splice(at..at, piece.as_bytes().repeat(times));
}

/// Each line with its end.
fn lines(octets: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    octets.split_inclusive(|octet| *octet == b'\n').map(move |piece| {
        let line = start..start + piece.len();
        start = line.end;
        line
    })
}

/// What stands between separators.
fn words(octets: &[u8]) -> Vec<Range<usize>> {
    let mut start = 0;
    let pieces = octets.split(|octet| IS_SEPARATOR[usize::from(*octet)]);
    let words = pieces.map(|piece| {
        let word = start..start + piece.len();
        start = word.end + 1;
        word
    });
    words.filter(|word| !word.is_empty()).collect()
}

/// Where the end of the last header line and the empty line begin.
fn blank_line(octets: &[u8]) -> Option<usize> {
    octets.array_windows().position(|window| window == b"\r\n\r\n")
}

const CONTENT_LENGTH: &[u8] = b"content-length:";

/// By octet, for every octet of every message is looked up.
const IS_SEPARATOR: [bool; 256] = {
    let separators = b" ;,=:<>\"@/\r\n[]()?&";
    let (mut table, mut at) = ([false; 256], 0);
    while at < separators.len() {
        table[separators[at] as usize] = true;
        at += 1;
    }
    table
};

/// Octets of a message that is longer than most.
const LONG: usize = 700;
/// Octets that a doubled line may take.
const MANY_MAX: usize = 30_000;

const METHODS: &[&str] = &[
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "UPDATE",
    "PRACK",
    "INFO",
    "MESSAGE",
    "SUBSCRIBE",
    "NOTIFY",
    "REFER",
    "PUBLISH",
    "FOO",
];

const STATUS: &[&str] = &[
    "100 Trying",
    "180 Ringing",
    "183 Session Progress",
    "200 OK",
    "202 Accepted",
    "302 Moved",
    "401 Unauthorized",
    "404 Not Found",
    "407 Proxy Authentication Required",
    "420 Bad Extension",
    "481 Gone",
    "486 Busy Here",
    "487 Request Terminated",
    "488 Not Acceptable Here",
    "500 ",
    "603 Decline",
    "699 x",
];

const HEADERS: &[&str] = &[
    "Via: SIP/2.0/TCP [2001:db8:f1::1]:5061;branch=z9hG4bKx;rport;ttl=255;maddr=ff02::1",
    "v: SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;branch=z9hG4bKa7c6a8dlze",
    "Route: <sip:[2001:db8:5::5];lr>,<sip:example.com;lr>",
    "Record-Route: <sip:[2001:db8:5::5];lr>",
    "m: <sip:mt@[2001:db8:a::100]>;expires=0, *",
    "Contact: *",
    "Contact: \"\\\"\" <sips:a@b;x=%00?h=v&h=w>;q=0.5;expires=4294967296",
    "t: sip:mt@example.com;tag=",
    "f: Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8",
    "i: 1@1",
    "CSeq: 4294967295 INVITE",
    "CSeq: 0 ACK",
    "Max-Forwards: 0",
    "Max-Forwards: 256",
    "Expires: 4294967296",
    "Min-Expires: 60",
    "l: 99999",
    "Content-Length: -1",
    "c: multipart/mixed;boundary=x",
    "k: 100rel,timer",
    "Require: precondition",
    "Proxy-Require: foo, bar",
    "Supported:",
    "Authorization: Digest username=\"mt\",realm=\"example.com\",nonce=\"\",uri=\"sip:\",response=\"0\"",
    "WWW-Authenticate: Digest realm=\"x\",nonce=\"y\",algorithm=MD5,qop=\"auth,auth-int\"",
    "Proxy-Authenticate: Digest realm=\"x\",nonce=\"y\",stale=TRUE",
    "RAck: 1 1 INVITE",
    "RSeq: 0",
    "Session-Expires: 90;refresher=uac",
    "Warning: 399 [2001:db8::1] \"x\"",
    "Date: Sat, 13 Nov 2010 23:29:00 GMT",
    "Subject:\r\n folded\r\n\tagain",
    ":",
    "NoColon",
];

/// Headers that may stand beside those that every message has.
const RIGHT_HEADERS: &[&str] = &[
    "Route: <sip:[2001:db8:5::5];lr>",
    "Record-Route: <sip:[2001:db8:5::5];lr>",
    "Expires: 3600",
    "k: 100rel,timer",
    "Supported:",
    "Session-Expires: 90;refresher=uac",
    "Warning: 399 [2001:db8::1] \"x\"",
    "Date: Sat, 13 Nov 2010 23:29:00 GMT",
    "Subject: folded\r\n\tagain",
    "User-Agent: x",
];

const WORDS: &[&str] = &[
    "sip:",
    "sips:",
    "tel:",
    "[",
    "]",
    "[::1]",
    "[fe80::1%25eth0]",
    "[2001:db8:f1::5eff:fe10:a100]",
    "::ffff:192.0.2.1",
    "256.1.1.1",
    "lr",
    "branch",
    "z9hG4bK",
    "tag",
    "received",
    "rport",
    "ttl",
    "maddr",
    "transport",
    "UDP",
    "TCP",
    "SCTP",
    "SIP/2.0",
    "SIP/2.00",
    "INVITE",
    "%00",
    "%0d%0a",
    "\\\"",
    "\u{fe0f}",
    "*",
    "0",
    "700",
    "099",
    "-1",
    "65536",
    "4294967296",
    "99999999999999999999",
];

const NESTING: &[&str] =
    &["\"", "<", "<sip:", "(", "[", "\\", ";", ",", "%", "sip:a@", "?h=", "\r\n "];
