//! What must hold of a right packet with one fault in it: it is read, or refused at one of its octets.

use fastrand::Rng;
use roamproof_wire::WireError;
use roamproof_wire::edit::{Edit, mend_checksums, mend_lengths};
use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{self, Message};
use roamproof_wire::rtp::{RtpHeader, RtpView};
use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Fields, Message as SipMessage};
use roamproof_wire::udp::Udp;

/// A packet that can be read is edited by named edits, each with and without lengths and checksums put
/// right behind it, and read again down to its innermost message.
pub(crate) fn packet(octets: &[u8]) {
    if Packet::parse(octets).is_err() {
        return;
    }
    let random = &mut Rng::with_seed(fingerprint(octets));
    for _ in 0..EDITS {
        let Some(edit) = edit(octets.len(), random) else { continue };
        let mut edited = octets.to_vec();
        let changed = edit.apply(&mut edited);
        assert_eq!(changed, edited != octets, "an edit is told otherwise\n{edit}");
        read(&edited);
        mend_lengths(&mut edited);
        mend_checksums(&mut edited);
        read(&edited);
    }
}

/// Reads a packet, the packets in it and their messages.
fn read(octets: &[u8]) {
    let mut rest = octets;
    loop {
        let packet = match Packet::parse(rest) {
            Ok(packet) => packet,
            Err(refused) => {
                lies_within(&refused.error, rest);
                let pointer = refused.problem.map_or(0, |problem| problem.pointer);
                assert!(
                    usize::try_from(pointer).is_ok_and(|pointer| pointer <= rest.len()),
                    "a Parameter Problem points behind the packet\n{pointer}: {}",
                    refused.error
                );
                return;
            }
        };
        assert!(packet.payload.len() < rest.len(), "a packet that is all payload");
        match packet.decapsulated() {
            Some(inner) => rest = inner,
            None => return message(&packet),
        }
    }
}

fn message(packet: &Packet<'_>) {
    if packet.piece().is_some() {
        return;
    }
    let (source, destination, payload) = (packet.source(), packet.destination(), packet.payload);
    match packet.protocol {
        protocol::MOBILITY => {
            check(mobility::verify(source, destination, payload), payload);
            if let Err(error) = Message::parse(payload) {
                lies_within(&error, payload);
            }
        }
        // It may point at the IPv6 header.
        protocol::ICMPV6 => check(IcmpMessage::parse(packet).map(drop), packet.octets),
        protocol::UDP => match Udp::parse(source, destination, payload) {
            Ok(udp) => datagram(udp.payload),
            Err(error) => lies_within(&error, payload),
        },
        _ => {}
    }
}

fn datagram(octets: &[u8]) {
    if let Ok(view) = RtpView::new(octets) {
        check(RtpHeader::parse(view).map(drop), octets);
        check(view.payload().map(drop), octets);
    }
    match SipMessage::parse(octets) {
        Ok(message) if message.has_sdp() => {
            check(SessionDescription::parse(message.body()).map(drop), message.body());
        }
        Ok(_) => {}
        Err(error) => lies_within(&error, octets),
    }
}

fn check(read: Result<(), WireError>, octets: &[u8]) {
    if let Err(error) = read {
        lies_within(&error, octets);
    }
}

/// An error points at an octet of what was read, or right behind its end.
pub(crate) fn lies_within(error: &WireError, octets: &[u8]) {
    assert!(
        error.offset <= octets.len(),
        "an error behind the end\n{error}: {} octets",
        octets.len()
    );
}

/// Any named edit somewhere in the packet.
fn edit(length: usize, random: &mut Rng) -> Option<Edit> {
    let [.., high, low] = random.usize(..=length).to_be_bytes();
    let mut input =
        vec![random.u8(..13), high, low, random.u8(..32), random.u8(..), random.u8(..16)];
    input.extend(std::iter::repeat_with(|| random.u8(..)).take(16));
    Edit::decode(&input).map(|(edit, _)| edit)
}

/// The same packet is edited in the same way.
fn fingerprint(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Edits of one packet.
const EDITS: usize = 16;
