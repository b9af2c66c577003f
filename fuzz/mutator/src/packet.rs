//! Whole IPv6 packets: any family inside extension headers, tunnels and fragments, edited by the
//! named hostile edits, lengths and checksums put right.

use std::net::Ipv6Addr;

use fastrand::Rng;
use roamproof_wire::edit::{Edit, mend_checksums, mend_lengths};
use roamproof_wire::ipv6::{Outgoing, encapsulate, fragment, protocol};
use roamproof_wire::sip::DEFAULT_PORT;
use roamproof_wire::udp;

use crate::{icmpv6, mobility, random, rtp, sip};

/// Any packet of the claimed system.
pub(crate) fn make(random: &mut Rng) -> Vec<u8> {
    let mut packet = plain(random);
    if random.u8(..3) == 0 {
        let ends = (unicast(random), random::address(random));
        packet = encapsulate(ends.0, ends.1, random.u8(1..), &packet);
    }
    if random.u8(..6) == 0 && packet.len() > FRAGMENT_MTU {
        let pieces = fragment(&packet, FRAGMENT_MTU, random.u32(..));
        packet = random.choice(pieces).unwrap_or(packet);
    }
    packet
}

/// One of the named edits, or what any fuzzer does.
pub(crate) fn edit(octets: &mut Vec<u8>, random: &mut Rng) {
    let at = random.usize(..=octets.len());
    let [.., high, low] = at.to_be_bytes();
    let mut input =
        vec![random.u8(..14), high, low, random.u8(..24), random.u8(..), random.u8(..24)];
    if input[0] == 13 {
        return insert_header(octets, random);
    }
    input.extend(random::some_octets(random, 24));
    match Edit::decode(&input) {
        Some((edit, _)) => {
            edit.apply(octets);
        }
        None => random::flip(octets, random),
    }
}

/// Lengths, Header Len and checksums say what is there.
pub(crate) fn mend(octets: &mut [u8]) {
    mend_lengths(octets);
    mend_checksums(octets);
}

/// Extension headers and options, as they stand in a packet, and the tokens of what lies in it.
pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let home_address = [&[0xc9, 16][..], &mobility::SOURCE.octets()].concat();
    let type_2 = [&[59, 2, 2, 1, 0, 0, 0, 0][..], &mobility::SOURCE.octets()].concat();
    let mut tokens = vec![
        home_address,
        type_2,
        vec![0x05, 2, 0, 0],
        vec![0x04, 1, 4],
        vec![0xc2, 4, 0, 1, 0, 0],
        vec![44, 0, 0, 1],
        vec![0x60, 0, 0, 0],
    ];
    tokens.extend([0, 6, 17, 41, 43, 44, 50, 51, 58, 59, 60, 135].map(|kind| vec![kind, 0]));
    tokens.extend(mobility::tokens());
    tokens.extend(icmpv6::tokens());
    tokens
}

fn plain(random: &mut Rng) -> Vec<u8> {
    let optional = |random: &mut Rng| (random.u8(..3) == 0).then(|| unicast(random));
    let (source, destination) = (unicast(random), random::address(random));
    let outgoing = Outgoing {
        hop_limit: random.choice([255, 64, 1]).expect("there are some"),
        home_address: optional(random),
        type_2_routing: optional(random),
        ..Outgoing::new(source, destination, protocol::MOBILITY)
    };
    let ends = (outgoing.upper_source(), outgoing.upper_destination());
    match random.u8(..6) {
        0 | 1 => outgoing.to_vec(&mobility::message(random).to_vec(ends.0, ends.1)),
        2 | 3 => {
            let mut message = icmpv6::make(random);
            icmpv6::sum(&mut message, ends.0, ends.1);
            Outgoing { protocol: protocol::ICMPV6, ..outgoing }.to_vec(&message)
        }
        4 => {
            let outgoing = Outgoing { protocol: protocol::UDP, ..outgoing };
            udp::packet(&outgoing, DEFAULT_PORT, DEFAULT_PORT, &sip::make(random))
        }
        _ => {
            let outgoing = Outgoing { protocol: protocol::UDP, ..outgoing };
            udp::packet(&outgoing, 40_000, 40_002, &rtp::make(random))
        }
    }
}

/// What may stand in a Home Address option and in a type 2 routing header.
fn unicast(random: &mut Rng) -> Ipv6Addr {
    random
        .choice([
            mobility::SOURCE,
            mobility::DESTINATION,
            Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 7),
        ])
        .expect("there are some")
}

/// Writes an extension header behind the IPv6 header, in the chain.
fn insert_header(octets: &mut Vec<u8>, random: &mut Rng) {
    const NEXT_HEADER: usize = 6;
    const HEADER: usize = 40;
    if octets.len() < HEADER {
        return;
    }
    let next = octets[NEXT_HEADER];
    let (kind, rest): (u8, Vec<u8>) = match random.u8(..5) {
        0 => (protocol::HOP_BY_HOP, vec![0, 1, 4, 0, 0, 0, 0]),
        1 => (protocol::DESTINATION, vec![0, random.u8(..), 4, 0, 0, 0, 0]),
        2 => (protocol::FRAGMENT, vec![0, 0, random.u8(..2), 1, 2, 3, 4]),
        3 => {
            let option = [&[2, 1, 2, 0, 0, 0xc9, 16][..], &unicast(random).octets()].concat();
            (protocol::DESTINATION, option)
        }
        _ => {
            let routing = [&[2, 2, 1, 0, 0, 0, 0][..], &unicast(random).octets()].concat();
            (protocol::ROUTING, routing)
        }
    };
    octets[NEXT_HEADER] = kind;
    octets.splice(HEADER..HEADER, [vec![next], rest].concat());
}

/// A link so small that most packets are cut.
const FRAGMENT_MTU: usize = 136;
