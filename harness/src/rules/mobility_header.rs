//! MH-OUT: what is right of every Mobility Header that anybody sends (RFC 6275 section 6.1 and 6.2).

use roamproof_wire::ipv6::protocol;
use roamproof_wire::mobility::option::kind;
use roamproof_wire::mobility::{self, NO_NEXT_HEADER, RawOption, mh_type};

use super::sent::options_start;
use super::{ANYBODY, Finding, Past, Rule, Sent};
use crate::topology::Role;

pub(super) const RULES: &[Rule] = &[
    Rule { row: "MH-OUT-01", of: ANYBODY, check: nothing_follows },
    Rule { row: "MH-OUT-02", of: ANYBODY, check: length },
    Rule { row: "MH-OUT-03", of: ANYBODY, check: reserved_octet },
    Rule { row: "MH-OUT-04", of: ANYBODY, check: reserved_fields },
    Rule { row: "MH-OUT-05", of: ANYBODY, check: checksum },
    Rule { row: "MH-OUT-06", of: ANYBODY, check: boundary },
    Rule { row: "MH-OUT-07", of: ANYBODY, check: alignment },
    Rule { row: "MH-OUT-08", of: ANYBODY, check: padding },
    Rule { row: "MH-OUT-09", of: ANYBODY, check: authorization_last },
    Rule { row: "MH-OUT-10", of: ANYBODY, check: no_routing_header },
    Rule { row: "MH-OUT-11", of: ANYBODY, check: no_home_address },
    Rule { row: "MH-OUT-12", of: ANYBODY, check: answers_go_where_they_were_asked },
    Rule { row: "MH-OUT-13", of: ANYBODY, check: no_longer_than_needed },
    Rule { row: "MH-OUT-14", of: ANYBODY, check: options_in_their_messages },
];

fn nothing_follows(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let proto = sent.mobility()?.payload_proto();
    Finding::unless(proto == NO_NEXT_HEADER, sent.payload_offset, || {
        format!("Payload Proto is {proto}, not 59")
    })
}

fn length(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    if sent.protocol != protocol::MOBILITY || sent.piece {
        return None;
    }
    let have = sent.payload.len();
    let promised = sent.mobility().map(|view| view.promised_len());
    // There is no length field in a header that is not there.
    let field = sent.payload_offset + have.min(1);
    Finding::unless(promised == Some(have), field, || match promised {
        Some(promised) => format!("Header Len says {promised} octets, {have} are there"),
        None => format!("a Mobility Header of {have} octets"),
    })
}

fn reserved_octet(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let reserved = sent.mobility()?.reserved();
    Finding::unless(reserved == 0, sent.payload_offset + 3, || {
        format!("Reserved is {reserved:#04x}, not 0")
    })
}

/// Where each message has reserved bits, and which.
fn reserved_fields(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let masks: &[(usize, u8)] = match sent.mobility()?.mh_type() {
        mh_type::BINDING_REFRESH_REQUEST | mh_type::HOME_TEST_INIT | mh_type::CARE_OF_TEST_INIT => {
            &[(6, 0xff), (7, 0xff)]
        }
        mh_type::BINDING_UPDATE => &[(8, 0x0f), (9, 0xff)],
        mh_type::BINDING_ACKNOWLEDGEMENT => &[(7, 0x7f)],
        mh_type::BINDING_ERROR => &[(7, 0xff)],
        _ => return None,
    };
    let set = |(at, mask): &&(usize, u8)| sent.payload.get(*at).is_some_and(|one| one & mask != 0);
    let wrong = masks.iter().find(set).map(|(at, _)| *at);
    Finding::unless(wrong.is_none(), sent.payload_offset + wrong.unwrap_or_default(), || {
        "reserved bits are set".to_owned()
    })
}

fn checksum(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    sent.mobility()?;
    let verified = mobility::verify(sent.source(), sent.destination(), sent.payload);
    Finding::unless(verified.is_ok(), sent.payload_offset + 4, || {
        verified.err().map(|error| error.to_string()).unwrap_or_default()
    })
}

fn boundary(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    sent.mobility()?;
    let at = sent.payload_offset;
    Finding::unless(at.is_multiple_of(8), at, || {
        format!("the Mobility Header begins {at} octets behind the IPv6 header's start")
    })
}

/// The kinds of options whose place is prescribed: (kind, modulus, remainder).
const ALIGNMENTS: [(u8, usize, usize); 4] = [
    (kind::BINDING_REFRESH_ADVICE, 2, 0),
    (kind::ALTERNATE_CARE_OF_ADDRESS, 8, 6),
    (kind::NONCE_INDICES, 2, 0),
    (kind::BINDING_AUTHORIZATION_DATA, 8, 2),
];

fn alignment(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let mut any = false;
    for option in sent.mobility_options()?.filter_map(Result::ok) {
        let wanted = ALIGNMENTS.iter().find(|(kind, ..)| *kind == option.kind);
        let Some((kind, modulus, remainder)) = wanted else { continue };
        any = true;
        if option.offset % modulus != *remainder {
            let (octet, at) = (sent.payload_offset + option.offset, option.offset);
            let what = format!("option {kind} stands at {at}, not at {modulus}n+{remainder}");
            return Some(Finding::Breaks { octet, what });
        }
    }
    any.then_some(Finding::Fits)
}

fn padding(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let mut pads = 0;
    let mut any = false;
    for option in sent.mobility_options()? {
        any = true;
        let (octet, what) = match option {
            Err(error) => (error.offset, "no option goes on beyond the message".to_owned()),
            Ok(RawOption { offset, kind: kind::PAD1, .. }) if pads > 0 => {
                (offset, "a run of Pad1 in place of PadN".to_owned())
            }
            Ok(RawOption { kind: kind::PAD1, .. }) => {
                pads += 1;
                continue;
            }
            Ok(RawOption { offset, kind: kind::PADN, data })
                if data.iter().any(|octet| *octet != 0) =>
            {
                (offset, "the octets of PadN are not 0".to_owned())
            }
            Ok(_) => {
                pads = 0;
                continue;
            }
        };
        return Some(Finding::Breaks { octet: sent.payload_offset + octet, what });
    }
    any.then_some(Finding::Fits)
}

fn authorization_last(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let (offset, data) = sent.mobility_option(kind::BINDING_AUTHORIZATION_DATA)?;
    let end = offset + 2 + data.len();
    let beyond = sent.payload.len().saturating_sub(end);
    Finding::unless(beyond == 0, sent.payload_offset + end, || {
        format!("{beyond} octets follow Binding Authorization Data")
    })
}

fn no_routing_header(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let kind = sent.mobility()?.mh_type();
    if kind == mh_type::BINDING_ACKNOWLEDGEMENT {
        return None;
    }
    let routing = sent.type_2_routing().map(|one| one.offset);
    Finding::unless(routing.is_none(), routing.unwrap_or_default(), || {
        format!("a type 2 routing header before a message of type {kind}")
    })
}

fn no_home_address(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let kind = sent.mobility()?.mh_type();
    if kind == mh_type::BINDING_UPDATE {
        return None;
    }
    let option = sent.home_address().map(|(at, _)| at - 2);
    Finding::unless(option.is_none(), option.unwrap_or_default(), || {
        format!("a Home Address option before a message of type {kind}")
    })
}

/// Of the tests: a Home Test or Care-of Test goes to the address that its Init came from.
fn answers_go_where_they_were_asked(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let kind = sent.mobility()?.mh_type();
    let init = match kind {
        mh_type::HOME_TEST => mh_type::HOME_TEST_INIT,
        mh_type::CARE_OF_TEST => mh_type::CARE_OF_TEST_INIT,
        _ => return None,
    };
    let asked = past.asked(init, sent.mobility_of(kind, 24)?.get(8..16)?)?;
    let to = sent.header.destination;
    Finding::unless(to == asked, 24, || format!("it goes to {to}, asked was from {asked}"))
}

/// Octets of each message without options (RFC 6275 §6.1.2 to 6.1.9), padded to eight.
fn no_longer_than_needed(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let view = sent.mobility()?;
    let start = options_start(view.mh_type())?;
    let mut options = sent.mobility_options()?;
    if options.any(|option| option.is_ok_and(|option| !option.is_padding())) {
        return None;
    }
    let (wanted, length) = (start.div_ceil(8) - 1, view.header_len());
    Finding::unless(usize::from(length) == wanted, sent.payload_offset + 1, || {
        format!("Header Len is {length} without options, {wanted} is enough")
    })
}

fn options_in_their_messages(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let message = sent.mobility()?.mh_type();
    let authorized = sent.mobility_option(kind::BINDING_AUTHORIZATION_DATA).is_some();
    let mut any = false;
    for option in sent.mobility_options()?.filter_map(Result::ok) {
        let (right, name) = match option.kind {
            kind::BINDING_REFRESH_ADVICE => {
                let agent = sent.role.map_or(!authorized, |role| role == Role::HomeAgent);
                (message == mh_type::BINDING_ACKNOWLEDGEMENT && agent, "Binding Refresh Advice")
            }
            kind::ALTERNATE_CARE_OF_ADDRESS => {
                (message == mh_type::BINDING_UPDATE, "Alternate Care-of Address")
            }
            kind::NONCE_INDICES => {
                (message == mh_type::BINDING_UPDATE && authorized, "Nonce Indices")
            }
            _ => continue,
        };
        any = true;
        if !right {
            let what = format!("{name} in a message of type {message} that has no place for it");
            return Some(Finding::Breaks { octet: sent.payload_offset + option.offset, what });
        }
    }
    any.then_some(Finding::Fits)
}
