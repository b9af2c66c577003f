//! Sequences of operations, cut into operations and edited one by one, by the grammar of their target.

use std::ops::Range;

use fastrand::Rng;
use roamproof_mutator::Family;
use roamproof_wire::ethernet::HEADER_LEN;

/// What operations are made of.
#[derive(Debug)]
pub(crate) struct Grammar {
    /// Octets of the first operation of these, where all of them are there.
    pub(crate) length: fn(&[u8]) -> usize,
    /// An operation of a kind that leads somewhere.
    pub(crate) make: fn(&mut Rng) -> Vec<u8>,
    /// Where much is promised only while no operation is wrong.
    pub(crate) right: Option<Right>,
    /// Where the length of an operation's packet stands in it, two octets, and where the packet
    /// begins; what stands between counts with it.
    pub(crate) packet_in: fn(&[u8]) -> Option<(usize, usize)>,
}

/// What no wrong operation is.
#[derive(Debug)]
pub(crate) struct Right {
    /// Whether the first of these is right.
    is: fn(&[u8]) -> bool,
    /// A right one.
    make: fn(&mut Rng) -> Vec<u8>,
}

/// Operations on one node.
pub(crate) const NODE: Grammar =
    Grammar { length, make, right: Some(Right { is: is_right, make: make_right }), packet_in };

/// Where the operations of an input lie, in their order; the last may be cut off.
pub(crate) fn operations(grammar: &Grammar, octets: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < octets.len() {
        let end = (at + (grammar.length)(&octets[at..])).min(octets.len());
        found.push(at..end);
        at = end;
    }
    found
}

/// Octets of the first operation, where all of them are there.
fn length(octets: &[u8]) -> usize {
    let u8_at = |at: usize| usize::from(octets.get(at).copied().unwrap_or_default());
    match octets[0] >> 5 {
        0 => 3,
        1 | 2 | 5 => 3 + (u8_at(1) << 8 | u8_at(2)),
        4 => 2 + u8_at(1),
        // A peer that acts, its packet edited: the last of an edit's six octets says how many
        // follow, where its kind has any.
        7 if u8_at(1) >= 0x80 => {
            let copies = matches!(octets.get(2).map(|kind| kind % 13), Some(2 | 3));
            8 + if copies { u8_at(7) } else { 0 }
        }
        _ => 2,
    }
}

/// One edit of a sequence: an operation more, less, twice, elsewhere or otherwise.
pub(crate) fn mutate(grammar: &Grammar, octets: &mut Vec<u8>, max: usize, seed: u64) {
    let random = &mut Rng::with_seed(seed);
    for _ in 0..=random.u8(..3) {
        edit(grammar, octets, random);
    }
    while octets.len() > max {
        let last = operations(grammar, octets).pop().map_or(0, |last| last.start);
        octets.truncate(last);
    }
}

fn edit(grammar: &Grammar, octets: &mut Vec<u8>, random: &mut Rng) {
    let all = operations(grammar, octets);
    // One wrong operation ends what is promised, so a sequence that is right mostly stays so.
    let right = grammar.right.as_ref().filter(|right| {
        all.iter().all(|one| (right.is)(&octets[one.clone()])) && random.u8(..16) > 0
    });
    let make = right.map_or(grammar.make, |right| right.make);
    let Some(chosen) = random.choice(&all).cloned() else {
        octets.extend(make(random));
        return;
    };
    match random.u8(..8) {
        0 | 1 => {
            octets.splice(chosen.start..chosen.start, make(random));
        }
        2 => octets.extend(make(random)),
        3 => drop(octets.drain(chosen)),
        6 | 7 if right.is_some() => drop(octets.splice(chosen, make(random))),
        4 => {
            let again = octets[chosen.clone()].to_vec();
            octets.splice(chosen.end..chosen.end, again);
        }
        5 => {
            let moved: Vec<u8> = octets.drain(chosen).collect();
            let places = operations(grammar, octets);
            let at = random.choice(&places).map_or(octets.len(), |place| place.start);
            octets.splice(at..at, moved);
        }
        6 => edit_packet(grammar, octets, chosen, random),
        _ => {
            let at = random.usize(chosen);
            octets[at] = random.u8(..);
        }
    }
}

/// Whether only time, a user, who goes from link to link, and peers that are right have a part in an operation.
pub(crate) fn is_right(operation: &[u8]) -> bool {
    match operation.first().map(|first| first >> 5) {
        Some(0 | 3 | 4 | 6) => true,
        Some(7) => operation.get(1).is_none_or(|number| *number < 0x80),
        Some(_) | None => false,
    }
}

/// What right peers do, often with the answer to what comes of it.
fn make_right(random: &mut Rng) -> Vec<u8> {
    match random.u8(..9) {
        0 => vec![0, random.u8(..4), random.u8(..)],
        1 => vec![0xc0, random.u8(..64)],
        2 => command(random),
        8 => random.choice(EXCHANGES).expect("there are some").to_vec(),
        3 => vec![0xe0, random.u8(16..32)],
        4 | 5 => vec![0xe0, random.u8(16..32), 0xe0, random.u8(..2)],
        _ => vec![0xe0, random.u8(..4)],
    }
}

fn command(random: &mut Rng) -> Vec<u8> {
    let text = random.choice(COMMANDS).expect("there are some").as_bytes();
    [&[0x80, u8::try_from(text.len()).unwrap_or(u8::MAX)], text].concat()
}

/// An operation of a kind that leads somewhere.
fn make(random: &mut Rng) -> Vec<u8> {
    let interface = random.u8(..2);
    match random.u8(..12) {
        0 => vec![0, 0, random.u8(1..)],
        1 => vec![0, random.u8(..16), random.u8(..)],
        2 => vec![0xc0, random.u8(..64)],
        3 => vec![0x60 | interface, random.u8(..2)],
        4 => command(random),
        5 => {
            let packet = Family::called("packet").expect("it is one").make(random.u64(..), 1200);
            let header = [0x02, 0, 0x5e, 0x10, 0, 0, 0x02, 0, 0x5e, 0x10, 0x11, 0, 0x86, 0xdd];
            let [high, low] = u16::try_from(packet.len() + HEADER_LEN).unwrap_or(0).to_be_bytes();
            [&[0x40 | interface, high, low][..], &header, &packet].concat()
        }
        6 => {
            // A peer acts, with one fault in what it sends.
            let mut operation = vec![0xe0 | interface, 0x80 | random.u8(..32), random.u8(..13)];
            operation.extend([0, random.u8(..), random.u8(..16), random.u8(..), 0]);
            operation
        }
        7 | 8 => vec![0xe0, random.u8(16..32)],
        _ => vec![0xe0 | interface, random.u8(..4)],
    }
}

/// Where a frame stands whose packet can be edited.
fn packet_in(operation: &[u8]) -> Option<(usize, usize)> {
    (matches!(operation[0] >> 5, 1 | 2) && operation.len() > 3 + HEADER_LEN)
        .then_some((1, 3 + HEADER_LEN))
}

/// Edits the packet in an operation by what packets are made of.
fn edit_packet(grammar: &Grammar, octets: &mut Vec<u8>, operation: Range<usize>, random: &mut Rng) {
    let Some((length, begins)) = (grammar.packet_in)(&octets[operation.clone()]) else { return };
    let mut packet = octets[operation.start + begins..operation.end].to_vec();
    Family::called("packet").expect("it is one").mutate(&mut packet, 1500, random.u64(..));
    let header = begins - length - 2;
    let counted = u16::try_from(packet.len() + header).unwrap_or(u16::MAX).to_be_bytes();
    let at = operation.start + length;
    octets[at..at + 2].copy_from_slice(&counted);
    octets.splice(operation.start + begins..operation.end, packet);
}

/// What right peers do one after the other, so that later steps have something to go on.
const EXCHANGES: &[&[u8]] = &[
    // A mobile node tests both ways to a correspondent and updates its binding.
    &[0xe0, 16, 0xe0, 0, 0xe0, 17, 0xe0, 0],
    // A terminal comes to a link and registers.
    &[0xe0, 26, 0xc0, 3, 0xe0, 0],
    &[0xe0, 27, 0xc0, 3, 0xe0, 0],
    // It goes from one link to another, and registers from there.
    &[0x60, 0, 0x60, 1, 0xe0, 26, 0xc0, 2, 0xe0, 0],
    &[0x60, 0, 0x60, 1, 0xe0, 27, 0xc0, 2, 0xe0, 0],
    // A call comes, the tests that it brings about are answered, and their update.
    &[0xe0, 21, 0xe0, 1, 0xe0, 1, 0x00, 4, 0, 0xe0, 0],
    // A terminal registers with the server and is called.
    &[0xe0, 23, 0xe0, 22, 0xe0, 0],
];

const COMMANDS: &[&str] = &[
    "call sip:mt@example.com",
    "call sip:cn@example.com",
    "answer",
    "hangup",
    "options sip:mt@example.com",
    "echo 2001:db8:c::c",
    "echo 2001:db8:a::100 1452",
    "optimize 2001:db8:c::c",
    "restart",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_cut_where_they_end() {
        let octets = [0, 1, 2, 0x41, 0, 1, 9, 0x60, 1, 0x80, 2, b'h', b'i', 0xe0, 3, 0xc0, 7];
        let cut: Vec<usize> =
            operations(&NODE, &octets).iter().map(ExactSizeIterator::len).collect();
        assert_eq!(cut, [3, 4, 2, 4, 2, 2]);
        let edited = [0xe0, 0x81, 2, 0, 0, 0, 0, 2, 7, 8, 0xc0, 1];
        let cut: Vec<usize> =
            operations(&NODE, &edited).iter().map(ExactSizeIterator::len).collect();
        assert_eq!(cut, [10, 2]);
    }

    #[test]
    fn any_sequence_has_a_neighbour() {
        let mut octets = Vec::new();
        for seed in 0..3000 {
            mutate(&NODE, &mut octets, 2000, seed);
            assert!(octets.len() <= 2000);
        }
        assert!(operations(&NODE, &octets).len() > 8, "{}", operations(&NODE, &octets).len());
    }
}
