//! What reads strictly and what judges message by message agree; `README.md` says in what.

use std::net::Ipv6Addr;

use roamproof_harness::rules::{Finding, Past, Sent, all, options_start};
use roamproof_harness::topology::Role;
use roamproof_wire::dissect::{Layer, Layers, Value};
use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{HeaderView, Message, RawOptions, mh_type};

/// Any packet can be judged by every rule, whoever sent it.
pub(crate) fn packet(octets: &[u8]) {
    let mut past = Past::new(Some(HOME));
    for mut sent in Sent::all(octets) {
        for role in ROLES {
            sent.role = role;
            every_rule(&sent, &past);
        }
        past.note(&sent);
        // Answers and what is passed on are compared with what came before: with themselves, here.
        every_rule(&sent, &past);
        same_packet(&sent);
        if let Some(view) = sent.mobility() {
            same_mobility_header(&sent, &view);
        }
    }
}

/// No rule fails on it, and what breaks one is an octet of the packet.
fn every_rule(sent: &Sent<'_>, past: &Past) {
    for rule in all() {
        if let Some(Finding::Breaks { octet, what }) = (rule.check)(sent, past) {
            assert!(octet <= sent.octets.len(), "{} points behind the end\n{octet}", rule.row);
            assert!(!what.is_empty() && !what.contains('\n'), "{} says\n{what:?}", rule.row);
        }
    }
}

/// A packet that a node accepts has the same ends and the same payload for rules, and people are told
/// the same message. Of a piece a node reads nothing behind its Fragment header.
fn same_packet(sent: &Sent<'_>) {
    let Ok(packet) = Packet::parse(sent.octets) else { return };
    assert_eq!(packet.piece().is_some(), sent.piece, "a piece for one of them");
    if sent.piece {
        return;
    }
    let home = sent.home_address().map(|(_, home)| home);
    assert_eq!(packet.home_address, home, "another home address");
    assert_eq!(packet.source(), sent.source(), "another source under checksums");
    assert_eq!(packet.destination(), sent.destination(), "another destination under checksums");
    assert_eq!(packet.protocol, sent.protocol, "another upper layer");
    assert_eq!(packet.payload_offset, sent.payload_offset, "another payload");
    let layers = Layers::of_packet(sent.octets);
    let told = |name: &str| layers.layers.iter().rev().find(|layer| layer.name == name);
    if let Some((_, message)) = sent.icmpv6() {
        let layer = told("icmpv6").expect("what a rule judges is told");
        assert_eq!(number(layer, "type"), Some(kind_of(&message).into()), "another ICMPv6 message");
    }
    if sent.sip().is_some() {
        assert!(told("sip").is_some(), "a rule judges SIP, and none is told");
    }
}

/// The rules that say how a Mobility Header is written, and its strict reader.
fn same_mobility_header(sent: &Sent<'_>, view: &HeaderView<&[u8]>) {
    let whole = sent.payload.len() == view.promised_len();
    assert_eq!(breaks(sent, "MH-OUT-02"), !whole, "two opinions of the length");
    if let Some(layer) = Layers::of_packet(sent.octets).layers.last()
        && layer.name == "mobility header"
    {
        assert_eq!(number(layer, "type"), Some(view.mh_type().into()), "another message");
    }
    let parsed = Message::parse(sent.payload);
    if let Ok(message) = &parsed {
        assert_eq!(message.mh_type(), view.mh_type(), "read as another message");
        what_is_written_keeps_the_rules(message);
    }
    let Some(start) =
        options_start(view.mh_type()).filter(|start| whole && sent.payload.len() >= *start)
    else {
        return;
    };
    // A header that names another protocol, and options that run over the end: both or neither.
    let proto = parsed.as_ref().is_err_and(|error| error.offset == 0);
    assert_eq!(breaks(sent, "MH-OUT-01"), proto, "two opinions of Payload Proto");
    let overrun = RawOptions::new("message", sent.payload, start).any(|option| option.is_err());
    if overrun {
        assert!(breaks(sent, "MH-OUT-08") && parsed.is_err(), "an option over the end is accepted");
    }
    let update =
        matches!(view.mh_type(), mh_type::BINDING_UPDATE | mh_type::BINDING_ACKNOWLEDGEMENT);
    if update && breaks(sent, "MH-OUT-09") {
        assert!(parsed.is_err(), "options behind the authenticator are accepted");
    }
    if let Ok(message) = parsed
        && ["MH-OUT-03", "MH-OUT-04"].iter().all(|row| !breaks(sent, row))
    {
        nothing_is_lost(sent, start, &message);
    }
}

/// A message that is read, and whose reserved fields are as they must be, is written with the same
/// fields and the same options; padding and checksum are the writer's.
fn nothing_is_lost(sent: &Sent<'_>, start: usize, message: &Message) {
    let written = message.to_vec(sent.source(), sent.destination());
    assert_eq!(written[DATA..start], sent.payload[DATA..start], "a field is written otherwise");
    let options = |octets: &[u8]| -> Vec<(u8, Vec<u8>)> {
        let options = RawOptions::new("message", octets, start).filter_map(Result::ok);
        let options = options.filter(|option| !option.is_padding());
        options.map(|option| (option.kind, option.data.to_vec())).collect()
    };
    let (came, went) = (options(sent.payload), options(&written));
    // Of a flood of options that are skipped not all are kept.
    let flood = went.len() >= FLOOD || went.iter().map(|(_, data)| data.len()).sum::<usize>() > 600;
    if !flood {
        assert_eq!(went, came, "options are written otherwise");
    }
}

/// What our own writer makes of any message breaks no rule of how messages are written.
fn what_is_written_keeps_the_rules(message: &Message) {
    let packet = Outgoing::new(HOME, PEER, protocol::MOBILITY).to_vec(&message.to_vec(HOME, PEER));
    let sent = Sent::all(&packet);
    let sent = sent.first().expect("our own packet can be read");
    for row in FORM {
        assert!(!breaks(sent, row), "{row} is broken by our own writer");
    }
}

/// Whether the packet breaks the rule of this row, whatever was before.
pub(crate) fn breaks(sent: &Sent<'_>, row: &str) -> bool {
    let rule = all().find(|rule| rule.row == row).expect("a rule of ours");
    matches!((rule.check)(sent, &Past::new(None)), Some(Finding::Breaks { .. }))
}

fn number(layer: &Layer, name: &str) -> Option<u64> {
    match layer.field(name) {
        Some(Value::Number(number)) => Some(*number),
        Some(Value::Flag(_) | Value::Address(_) | Value::Text(_)) | None => None,
    }
}

/// The Type field that the message is written with.
fn kind_of(message: &IcmpMessage<'_>) -> u8 {
    let mut octets = vec![0; message.buffer_len()];
    message.emit(HOME, PEER, &mut octets);
    octets[0]
}

/// How a message is written, whatever it says: fields, length, checksum, alignment, padding.
pub(crate) const FORM: [&str; 9] = [
    "MH-OUT-01",
    "MH-OUT-02",
    "MH-OUT-03",
    "MH-OUT-04",
    "MH-OUT-05",
    "MH-OUT-06",
    "MH-OUT-07",
    "MH-OUT-08",
    "MH-OUT-13",
];
/// Where Message Data begins.
const DATA: usize = 6;
const FLOOD: usize = 6;
const ROLES: [Option<Role>; 5] = [
    Some(Role::MobileTerminal),
    Some(Role::HomeAgent),
    Some(Role::Correspondent),
    Some(Role::SipServer),
    None,
];
const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const PEER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);

#[cfg(test)]
mod tests {
    use super::*;
    use roamproof_mutator::Family;

    /// What the mutator makes anew is right: it breaks no rule of how messages are written, in
    /// whatever packet it goes.
    #[test]
    fn made_packets_keep_the_rules_of_form() {
        let family = Family::called("packet").expect("there is one");
        let routing = ["CN-RH2-01", "CN-RH2-03"];
        let mut judged = 0;
        for seed in 0..3000 {
            let packet = family.make(seed, 65_535);
            for sent in Sent::all(&packet) {
                for row in FORM.iter().chain(&routing) {
                    let rule = all().find(|rule| rule.row == *row).expect("a rule of ours");
                    let found = (rule.check)(&sent, &Past::new(None));
                    judged += usize::from(found.is_some());
                    let right = !matches!(found, Some(Finding::Breaks { .. }));
                    assert!(right, "{seed}: {row}: {found:?}");
                }
            }
        }
        assert!(judged > 5000, "{judged}");
    }
}
