//! What must hold of fragments in any order: cut, altered, doubled, mixed with others', too late.
//!
//! Two receivers take the same fragments. A roomy one is held against a receiver of a few lines that
//! writes octets into a row; a narrow one, which is also flooded, may forget, but never gives out an
//! octet that was not sent there, and holds no more than its bounds.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::fragment::FRAGMENT_LEN;
use roamproof_wire::ipv6::{
    Fragment, HEADER_LEN, Outgoing, Packet, Reassembly, fragment, protocol,
};

use crate::memory;

/// The first octet chooses the link, each five octets after it send a piece, or let time pass.
pub(crate) fn sequences(octets: &[u8]) {
    let Some((link, steps)) = octets.split_first() else { return };
    let originals = originals(MTUS[usize::from(*link) % MTUS.len()]);
    let mut now = Duration::ZERO;
    let mut sent = Vec::new();
    for step in steps.chunks_exact(5).take(STEPS_MAX) {
        let [what, of, place, one, other] = *step else { continue };
        let original = &originals[usize::from(of) % originals.len()];
        let piece = || &original.pieces[usize::from(place) % original.pieces.len()];
        match what % 8 {
            0..=3 => sent.push((now, piece().clone())),
            4 => sent.push((now, altered(piece(), one, other))),
            5 => sent.push((now, free(original, what, one, other, original.identification))),
            6 => sent.push((now, free(original, what, one, other, FLOOD | u32::from(place)))),
            _ => now += Duration::from_secs(u64::from(one & 0x3f)),
        }
    }
    roomy(&originals, &sent);
    narrow(&sent);
}

/// What was sent, when.
type Sent = [(Duration, Vec<u8>)];

/// All but the flood, to a receiver with room for it.
fn roomy(originals: &[Original], sent: &Sent) {
    let mut reassembly = Reassembly::default();
    let mut rows: BTreeMap<u32, Row> = BTreeMap::new();
    for (now, octets) in sent {
        let packet = Packet::parse(octets).expect("our own fragments can be read");
        let piece = packet.fragment.expect("it is one");
        if piece.identification & FLOOD != 0 {
            continue;
        }
        let pushed = reassembly.push(*now, &packet);
        let row = rows.entry(piece.identification).or_default();
        let headers = packet.payload_offset - FRAGMENT_LEN - HEADER_LEN;
        let taken = row.take(*now, piece, headers, packet.payload);
        let is = |original: &&Original| original.identification == piece.identification;
        let original = originals.iter().find(is).expect("every piece is of one");
        match (pushed, taken) {
            (Ok(Some(whole)), Ok(Some(data))) => {
                let wanted = original.outgoing.to_vec(&data);
                assert_eq!(whole, wanted, "not the packet whose pieces came");
            }
            (Ok(None), Ok(None)) | (Err(_), Err(())) => {}
            (pushed, taken) => panic!(
                "a piece is taken otherwise than expected\n{piece:?}: {pushed:?}, not {taken:?}"
            ),
        }
    }
    let waiting = rows.values().filter(|row| row.since.is_some() && !row.spoilt).count();
    let late = sent.last().map_or(Duration::ZERO, |(now, _)| *now) + LIFETIME;
    let expired = reassembly.expire(late);
    assert_eq!(expired.len(), waiting, "waits for others than expected");
    assert_eq!(reassembly.deadline(), None, "something stays for ever");
}

/// Everything, to a receiver with room for a packet or two.
fn narrow(sent: &Sent) {
    let before = memory::live();
    let mut reassembly = Reassembly::new(NARROW_PACKETS, NARROW_OCTETS);
    for (index, (now, octets)) in sent.iter().enumerate() {
        let packet = Packet::parse(octets).expect("our own fragments can be read");
        if let Ok(Some(whole)) = reassembly.push(*now, &packet) {
            let of = packet.fragment.expect("it is one").identification;
            let data = &whole[packet.payload_offset - FRAGMENT_LEN..];
            was_sent(data, of, &sent[..=index], *now);
        }
        let held = memory::live().saturating_sub(before);
        assert!(held <= NARROW_HELD_MAX, "holds more than its bounds\n{held} octets");
    }
}

/// Every octet of a packet came in a piece of it, at its place, not long ago.
fn was_sent(data: &[u8], of: u32, sent: &Sent, now: Duration) {
    let mut seen = vec![false; data.len()];
    for (at, octets) in sent {
        let packet = Packet::parse(octets).expect("our own fragments can be read");
        let piece = packet.fragment.expect("it is one");
        if piece.identification != of || now >= *at + LIFETIME {
            continue;
        }
        for (place, octet) in (usize::from(piece.offset)..).zip(packet.payload) {
            if data.get(place) == Some(octet) {
                seen[place] = true;
            }
        }
    }
    assert!(seen.iter().all(|seen| *seen), "octets that nobody sent");
}

/// The pieces of a packet as they came: RFC 8200 §4.5 and RFC 5722 in a few lines.
#[derive(Debug, Default)]
struct Row {
    since: Option<Duration>,
    /// Where each begins, and what it holds.
    pieces: Vec<(usize, Vec<u8>)>,
    end: Option<usize>,
    spoilt: bool,
}

impl Row {
    /// The packet's data where this was the last piece missing.
    fn take(
        &mut self,
        now: Duration,
        piece: Fragment,
        headers: usize,
        data: &[u8],
    ) -> Result<Option<Vec<u8>>, ()> {
        let (start, end) = (usize::from(piece.offset), usize::from(piece.offset) + data.len());
        let no_piece = data.is_empty() || piece.more && !data.len().is_multiple_of(8);
        let too_long = headers + end > usize::from(u16::MAX);
        let ends_in_its_headers = start == 0 && data.len() < UDP_HEADER_LEN;
        if no_piece || too_long || ends_in_its_headers {
            return Err(());
        }
        if self.since.is_some_and(|since| now >= since + LIFETIME) {
            *self = Self::default();
        }
        let since = *self.since.get_or_insert(now);
        if self.spoilt {
            return Err(());
        }
        if self.pieces.iter().any(|(at, there)| (*at, &there[..]) == (start, data)) {
            return Ok(None);
        }
        let overlaps = self.pieces.iter().any(|(at, there)| *at < end && start < at + there.len());
        let last_twice = !piece.more && self.end.is_some();
        let behind_last = self.end.is_some_and(|last| end > last);
        let last_too_early = !piece.more && self.pieces.iter().any(|(at, _)| *at >= end);
        if overlaps || last_twice || behind_last || last_too_early {
            *self = Self { since: Some(since), spoilt: true, ..Self::default() };
            return Err(());
        }
        self.pieces.push((start, data.to_vec()));
        self.pieces.sort();
        if !piece.more {
            self.end = Some(end);
        }
        // No two overlap, so those that are all there leave no gap.
        let whole: Vec<u8> = self.pieces.iter().flat_map(|(_, data)| data).copied().collect();
        if self.end != Some(whole.len()) {
            return Ok(None);
        }
        *self = Self::default();
        Ok(Some(whole))
    }
}

/// A packet and what a sender cuts it into.
struct Original {
    outgoing: Outgoing,
    identification: u32,
    pieces: Vec<Vec<u8>>,
}

/// Three packets, and a second one under the name of the third.
fn originals(mtu: usize) -> Vec<Original> {
    let plain = Outgoing::new(SOURCE, DESTINATION, protocol::UDP);
    let mobile = Outgoing { home_address: Some(HOME), type_2_routing: Some(PEER), ..plain };
    [(plain, 1, 300), (mobile, 2, 700), (plain, 3, 400), (plain, 3, 440)]
        .into_iter()
        .map(|(outgoing, identification, length)| {
            let data: Vec<u8> = (0_u8..=250).cycle().skip(length).take(length).collect();
            let pieces = fragment(&outgoing.to_vec(&data), mtu, identification);
            assert!(pieces.len() > 1, "a packet that is not cut");
            Original { outgoing, identification, pieces }
        })
        .collect()
}

/// The piece with one octet of its data changed, or one that says that it is the last, or is not.
fn altered(piece: &[u8], at: u8, by: u8) -> Vec<u8> {
    let mut piece = piece.to_vec();
    let packet = Packet::parse(&piece).expect("our own fragments can be read");
    let (header, data) = (packet.payload_offset - FRAGMENT_LEN, packet.payload_offset);
    // The first would be whole by itself.
    if by == 0 && packet.fragment.is_some_and(|fragment| fragment.offset > 0) {
        piece[header + 3] ^= 1;
    } else {
        let place = data + usize::from(at) % (piece.len() - data);
        piece[place] ^= by;
    }
    piece
}

/// A piece of any place and length.
fn free(original: &Original, what: u8, place: u8, length: u8, identification: u32) -> Vec<u8> {
    let more = what & 8 != 0;
    let far = if what & 16 == 0 { 8 } else { 256 };
    let offset = u16::from(place).saturating_mul(far) & 0xfff8;
    let header = Fragment { offset, more: more || offset == 0, identification };
    let data = vec![length ^ 0x5a; usize::from(length)];
    let payload = [&header.octets(original.outgoing.protocol)[..], &data].concat();
    // The headers that every piece repeats stand before the Fragment header.
    let mut octets = original.outgoing.to_vec(&payload);
    let named_at = Packet::parse(&octets).expect("our own packet can be read").named_at;
    octets[named_at] = protocol::FRAGMENT;
    octets
}

const MTUS: [usize; 3] = [136, 184, 264];
const STEPS_MAX: usize = 200;
const LIFETIME: Duration = Duration::from_secs(60);
/// Names of the flood begin here: each is a packet of its own.
const FLOOD: u32 = 0x8000_0000;
const NARROW_PACKETS: usize = 3;
const NARROW_OCTETS: usize = 1500;
/// What is counted is held twice where a first fragment is kept to be quoted; trees have a node each.
const NARROW_HELD_MAX: usize = 8 << 10;
const UDP_HEADER_LEN: usize = 8;
const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0xf1);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const PEER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 0x200);
