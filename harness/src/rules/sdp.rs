//! Session descriptions that a telephone writes (RFC 8866 section 5).

use roamproof_wire::sdp::SdpView;
use roamproof_wire::sip::Fields;

use super::{Finding, Past, Rule, Sent, TELEPHONE};

pub(super) const RULES: &[Rule] = &[Rule { row: "SDP-01", of: TELEPHONE, check: well_formed }];

/// The order of the lines of a session; those before the first m= line, and `m`.
const ORDER: &[u8] = b"vosiuepcbtrzkam";

fn well_formed(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let message = sent.sip().filter(|message| message.has_sdp())?;
    let body = message.body();
    let at = sent.payload_offset + sent.payload.len() - body.len();
    let fault = fault(body);
    let octet = at + fault.as_ref().map_or(0, |(offset, _)| *offset);
    Finding::unless(fault.is_none(), octet, || fault.map(|(_, what)| what).unwrap_or_default())
}

/// Where the first fault is, and what.
fn fault(body: &[u8]) -> Option<(usize, String)> {
    if let Some(at) = body.iter().position(|octet| *octet == b'\n')
        && (at == 0 || body[at - 1] != b'\r')
    {
        return Some((at, "a line does not end with CRLF".to_owned()));
    }
    if !body.ends_with(b"\r\n") {
        return Some((body.len(), "the last line has no end".to_owned()));
    }
    let view = SdpView::new(body);
    let mut last = 0;
    for line in view.lines().take_while(|line| line.letter != b'm') {
        let place = ORDER.iter().position(|letter| *letter == line.letter);
        let letter = char::from(line.letter);
        match place {
            Some(place) if place >= last => last = place,
            Some(_) => return Some((line.offset, format!("the line {letter}= is out of order"))),
            None => return Some((line.offset, format!("no session has a line {letter}="))),
        }
    }
    for letter in *b"vost" {
        if view.session_line(letter).is_none() {
            return Some((0, format!("there is no line {}=", char::from(letter))));
        }
    }
    let origin = view.session_line(b'o')?;
    let text = String::from_utf8_lossy(origin.value).into_owned();
    let words: Vec<&str> = text.split(' ').collect();
    let numeric = |word: &&str| word.bytes().all(|octet| octet.is_ascii_digit());
    let right = matches!(words.as_slice(), [_, id, version, "IN", "IP6", address]
        if numeric(id) && numeric(version) && !address.contains(['[', ']']));
    if !right {
        return Some((origin.offset, format!("o={text} is no origin over IPv6")));
    }
    let name = view.session_line(b's')?;
    name.value.is_empty().then(|| (name.offset, "s= is empty".to_owned()))
}
