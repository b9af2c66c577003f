//! Draws that all families share.

use std::net::Ipv6Addr;

use fastrand::Rng;

/// Addresses that stand in captures, and those that nobody should take.
const ADDRESSES: [Ipv6Addr; 10] = [
    Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100),
    Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa),
    Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc),
    Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x5),
    Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0x5eff, 0xfe10, 0xa100),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5eff, 0xfe10, 0x100),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::UNSPECIFIED,
    Ipv6Addr::LOCALHOST,
    Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201),
];

/// Numbers at which parsers go wrong.
const EDGES: [u64; 14] =
    [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0xffff_ffff];

/// One of the addresses above, or any.
pub(crate) fn address(random: &mut Rng) -> Ipv6Addr {
    match random.u8(..8) {
        0 => Ipv6Addr::from_bits(random.u128(..)),
        _ => random.choice(ADDRESSES).expect("there are some"),
    }
}

/// A number near an edge, or any.
pub(crate) fn number(random: &mut Rng) -> u64 {
    match random.u8(..4) {
        0 => random.u64(..),
        1 => random.choice(EDGES).expect("there are some").wrapping_add(random.u64(..3)),
        _ => random.choice(EDGES).expect("there are some"),
    }
}

/// The low octets of such a number.
pub(crate) fn octets<const N: usize>(random: &mut Rng) -> [u8; N] {
    let mut octets = [0; N];
    if random.bool() {
        random.fill(&mut octets);
    } else {
        let number = number(random).to_be_bytes();
        for (octet, value) in octets.iter_mut().rev().zip(number.iter().rev()) {
            *octet = *value;
        }
    }
    octets
}

/// At most `max` random octets.
pub(crate) fn some_octets(random: &mut Rng, max: usize) -> Vec<u8> {
    let mut octets = vec![0; random.usize(..=max)];
    random.fill(&mut octets);
    octets
}

/// Flips a bit, writes an octet, takes some out or doubles some: what any fuzzer does.
pub(crate) fn flip(octets: &mut Vec<u8>, random: &mut Rng) {
    if octets.is_empty() {
        octets.push(random.u8(..));
        return;
    }
    let at = random.usize(..octets.len());
    let length = random.usize(1..=(octets.len() - at).min(16));
    match random.u8(..5) {
        0 => octets[at] ^= 1 << random.u8(..8),
        1 => octets[at] = random.u8(..),
        2 => drop(octets.drain(at..at + length)),
        3 => {
            let again = octets[at..at + length].to_vec();
            octets.splice(at..at, again);
        }
        _ => {
            let written: [u8; 4] = self::octets(random);
            let length = written.len().min(octets.len() - at);
            octets[at..at + length].copy_from_slice(&written[..length]);
        }
    }
}
