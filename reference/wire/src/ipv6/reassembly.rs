//! Putting fragments together (RFC 8200 §4.5), within bounds; overlaps spoil the packet (RFC 5722).

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use crate::{Fault, WireError};

use super::extension::Chain;
use super::fragment::{Fragment, set_payload_length};
use super::header::PAYLOAD_LENGTH;
use super::packet::{Packet, Problem, Rejected, reject};
use super::protocol;

/// The packets of which only some pieces have come.
///
/// It holds at most a given number of packets and octets; the oldest give way. Time is counted from
/// any one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reassembly {
    packets_max: usize,
    octets_max: usize,
    octets: usize,
    packets: BTreeMap<Key, Pieces>,
}

/// A packet whose pieces did not all come in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Who sent it.
    pub source: Ipv6Addr,
    /// Whom it was for.
    pub destination: Ipv6Addr,
    /// Its first fragment, to be quoted in a Time Exceeded code 1; without it none is sent.
    pub first_fragment: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: Ipv6Addr,
    destination: Ipv6Addr,
    identification: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pieces {
    since: Duration,
    /// The first fragment: its headers are those of the whole.
    first: Option<First>,
    /// By offset, without overlap.
    data: BTreeMap<u16, Vec<u8>>,
    /// Octets in `data`.
    received: usize,
    /// Octets of the whole, once the last piece is here.
    end: Option<usize>,
    /// What it counts towards the bound on octets.
    cost: usize,
    /// Pieces overlapped: whatever else comes of the packet is dropped.
    spoilt: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct First {
    packet: Vec<u8>,
    /// Octets before the Fragment header.
    headers_len: usize,
    /// Where the field stands that named the Fragment header.
    named_at: usize,
    /// What the Fragment header names.
    next_header: u8,
}

impl Default for Reassembly {
    /// 64 packets, 1 MiB.
    fn default() -> Self {
        Self::new(64, 1 << 20)
    }
}

impl Reassembly {
    /// Holds at most `packets_max` packets and `octets_max` octets of them.
    pub const fn new(packets_max: usize, octets_max: usize) -> Self {
        Self { packets_max, octets_max, octets: 0, packets: BTreeMap::new() }
    }

    /// Takes in `packet`; the whole packet, without Fragment header, where it was the last piece
    /// missing or was no piece at all.
    ///
    /// # Errors
    ///
    /// [`Rejected`] where the fragment breaks RFC 8200 §4.5, overlaps another, or is larger than
    /// all bounds.
    pub fn push(
        &mut self,
        now: Duration,
        packet: &Packet<'_>,
    ) -> Result<Option<Vec<u8>>, Rejected> {
        let (Some(fragment), Some((headers_len, named_at))) =
            (packet.piece(), packet.fragment_place)
        else {
            return Ok(Some(packet.octets.to_vec()));
        };
        check(packet, fragment, headers_len)?;
        let key = Key {
            source: packet.header.source,
            destination: packet.header.destination,
            identification: fragment.identification,
        };
        if self.packets.get(&key).is_some_and(|pieces| now >= pieces.since + LIFETIME) {
            self.forget(key);
        }
        self.make_room(key, cost(packet, fragment), headers_len)?;
        let pieces =
            self.packets.entry(key).or_insert_with(|| Pieces { since: now, ..Pieces::default() });
        self.octets -= pieces.cost;
        let added = pieces.add(packet, fragment, headers_len, named_at);
        self.octets += pieces.cost;
        added?;
        let whole = pieces.whole();
        if whole.is_some() {
            self.forget(key);
        }
        Ok(whole)
    }

    /// Packets of which some pieces are here.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether no piece is here.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Packets of which pieces may be here at once.
    pub const fn packets_max(&self) -> usize {
        self.packets_max
    }

    /// When [`expire`](Self::expire) has something to do.
    pub fn deadline(&self) -> Option<Duration> {
        self.packets.values().map(|pieces| pieces.since + LIFETIME).min()
    }

    /// Forgets the packets whose first piece to arrive is 60 s old, and tells of them; of those
    /// that were spoilt nothing is told (RFC 5722 §4).
    pub fn expire(&mut self, now: Duration) -> Vec<Expired> {
        let late = |pieces: &Pieces| now >= pieces.since + LIFETIME;
        let keys: Vec<_> =
            self.packets.iter().filter(|(_, pieces)| late(pieces)).map(|(key, _)| *key).collect();
        let mut expired = Vec::new();
        for key in keys {
            let Some(pieces) = self.forget(key).filter(|pieces| !pieces.spoilt) else {
                continue;
            };
            expired.push(Expired {
                source: key.source,
                destination: key.destination,
                first_fragment: pieces.first.map(|first| first.packet),
            });
        }
        expired
    }

    fn forget(&mut self, key: Key) -> Option<Pieces> {
        let pieces = self.packets.remove(&key)?;
        self.octets -= pieces.cost;
        Some(pieces)
    }

    /// Makes the oldest give way until another `cost` octets and the packet `key` fit the bounds.
    fn make_room(&mut self, key: Key, cost: usize, headers_len: usize) -> Result<(), Rejected> {
        let new = usize::from(!self.packets.contains_key(&key));
        while self.packets.len() + new > self.packets_max || self.octets + cost > self.octets_max {
            let others = self.packets.iter().filter(|(other, _)| **other != key);
            let Some((oldest, _)) = others.min_by_key(|(_, pieces)| pieces.since) else {
                self.forget(key);
                let fault = Fault::TooMany { bound: self.octets_max };
                return Err(WireError { within: WITHIN, offset: headers_len, fault }.into());
            };
            let oldest = *oldest;
            self.forget(oldest);
        }
        Ok(())
    }
}

impl Pieces {
    fn add(
        &mut self,
        packet: &Packet<'_>,
        fragment: Fragment,
        headers_len: usize,
        named_at: usize,
    ) -> Result<(), Rejected> {
        let overlap = WireError::illegal(WITHIN, headers_len + OFFSET, fragment.offset.into());
        if self.spoilt {
            return Err(overlap.into());
        }
        if self.data.get(&fragment.offset).is_some_and(|data| *data == packet.payload) {
            return Ok(());
        }
        let end = usize::from(fragment.offset) + packet.payload.len();
        if self.overlaps(fragment, end) {
            *self = Self { since: self.since, spoilt: true, ..Self::default() };
            return Err(overlap.into());
        }
        if fragment.offset == 0 {
            self.first = Some(First {
                packet: packet.octets.to_vec(),
                headers_len,
                named_at,
                next_header: packet.protocol,
            });
        }
        if !fragment.more {
            self.end = Some(end);
        }
        self.received += packet.payload.len();
        self.cost += cost(packet, fragment);
        self.data.insert(fragment.offset, packet.payload.to_vec());
        Ok(())
    }

    /// Whether a piece from the fragment's offset to `end` runs into another, or beyond the last.
    fn overlaps(&self, fragment: Fragment, end: usize) -> bool {
        let before = self.data.range(..=fragment.offset).next_back();
        let runs_into_it = before.is_some_and(|(offset, data)| {
            usize::from(*offset) + data.len() > usize::from(fragment.offset)
        });
        let after = self.data.range(fragment.offset..).next();
        let is_run_into = after.is_some_and(|(offset, _)| end > usize::from(*offset));
        let beyond_the_last = self.end.is_some_and(|last| end > last || !fragment.more);
        let last_too_early = !fragment.more && after.is_some();
        runs_into_it || is_run_into || beyond_the_last || last_too_early
    }

    /// The whole packet, if every piece is here.
    fn whole(&self) -> Option<Vec<u8>> {
        let first = self.first.as_ref()?;
        if self.end != Some(self.received) {
            return None;
        }
        let headers = &first.packet[..first.headers_len];
        let mut whole = Vec::with_capacity(headers.len() + self.received);
        whole.extend_from_slice(headers);
        for data in self.data.values() {
            whole.extend_from_slice(data);
        }
        whole[first.named_at] = first.next_header;
        set_payload_length(&mut whole);
        Some(whole)
    }
}

/// Refuses fragments that cannot belong to any packet.
fn check(packet: &Packet<'_>, fragment: Fragment, headers_len: usize) -> Result<(), Rejected> {
    let length = packet.payload.len();
    let length_field = u32::from(packet.header.payload_length);
    if fragment.more && !length.is_multiple_of(8) {
        let error = WireError::illegal("IPv6 header", PAYLOAD_LENGTH, length_field);
        let code = Problem::ERRONEOUS_FIELD;
        return Err(reject(&packet.header, error, code, PAYLOAD_LENGTH));
    }
    if length == 0 {
        return Err(WireError::truncated(WITHIN, packet.payload_offset, 1, 0).into());
    }
    let extensions = headers_len - super::HEADER_LEN;
    if extensions + usize::from(fragment.offset) + length > usize::from(u16::MAX) {
        let at = headers_len + OFFSET;
        let error = WireError::illegal(WITHIN, at, fragment.offset.into());
        return Err(reject(&packet.header, error, Problem::ERRONEOUS_FIELD, at));
    }
    if fragment.offset == 0 && !holds_all_headers(packet) {
        let error = WireError::missing(WITHIN, packet.payload_offset, "the upper-layer header");
        return Err(reject(&packet.header, error, Problem::INCOMPLETE_CHAIN, 0));
    }
    Ok(())
}

/// Whether a first fragment goes as far as the header of the upper layer (RFC 7112 §5).
fn holds_all_headers(packet: &Packet<'_>) -> bool {
    let mut chain = Chain::behind_fragment(packet);
    loop {
        match chain.step() {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => return false,
        }
    }
    let need = match chain.protocol {
        protocol::TCP => 20,
        protocol::UDP | protocol::MOBILITY | protocol::ICMPV6 => 8,
        protocol::IPV6 => super::HEADER_LEN,
        protocol::NONE => 0,
        _ => 1,
    };
    chain.rest().len() >= need
}

/// What a piece counts towards the bound on octets: its own, once more where it is kept to be
/// quoted, and something for keeping account of it.
const fn cost(packet: &Packet<'_>, fragment: Fragment) -> usize {
    let kept = if fragment.offset == 0 { packet.octets.len() } else { 0 };
    PIECE_COST + packet.payload.len() + kept
}

/// How long pieces wait for the rest of their packet.
const LIFETIME: Duration = Duration::from_secs(60);
const WITHIN: &str = "IPv6 fragment";
/// Where the Fragment Offset field stands in a Fragment header.
const OFFSET: usize = 2;
const PIECE_COST: usize = 64;
