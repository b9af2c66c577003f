//! SIP over TCP as the oracle reads it: octets in their order, messages cut out of them.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::sip::{Message, StreamItem, StreamReader};
use roamproof_wire::tcp::{Flags, TcpView};

use crate::link::LinkId;

/// One direction of one connection, on one link.
type Key = (LinkId, Ipv6Addr, u16, Ipv6Addr, u16);

/// The streams that cross the links.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    streams: BTreeMap<Key, Stream>,
}

#[derive(Debug)]
struct Stream {
    /// The sequence number of the next octet.
    next: u32,
    reader: StreamReader,
    /// Segments that came before their time.
    early: BTreeMap<u32, Vec<u8>>,
}

/// Streams followed at once, and segments kept for each.
const STREAMS_MAX: usize = 4096;
const EARLY_MAX: usize = 64;

impl Streams {
    /// Takes a segment; returns the message that it completes.
    pub(crate) fn take(&mut self, link: LinkId, packet: &Packet<'_>) -> Option<Message> {
        let segment = TcpView::new(packet.payload).ok()?;
        let (source, destination) = (packet.source(), packet.destination());
        let key = (link, source, segment.source_port(), destination, segment.destination_port());
        let sequence = segment.sequence();
        if segment.flags().has(Flags::SYN) {
            if self.streams.len() < STREAMS_MAX {
                let next = sequence.wrapping_add(1);
                let (reader, early) = (StreamReader::new(), BTreeMap::new());
                self.streams.insert(key, Stream { next, reader, early });
            }
            return None;
        }
        let payload = segment.payload();
        if payload.is_empty() {
            return None;
        }
        self.streams.get_mut(&key)?.take(sequence, payload)
    }
}

impl Stream {
    fn take(&mut self, sequence: u32, payload: &[u8]) -> Option<Message> {
        if self.early.len() < EARLY_MAX {
            self.early.insert(sequence, payload.to_vec());
        }
        while let Some((sequence, payload)) = self.pop_ready() {
            let seen = usize::try_from(self.next.wrapping_sub(sequence)).ok()?;
            if let Some(fresh) = payload.get(seen..).filter(|fresh| !fresh.is_empty()) {
                self.reader.push(fresh);
                self.next = self.next.wrapping_add(u32::try_from(fresh.len()).ok()?);
            }
        }
        loop {
            match self.reader.next_item()? {
                StreamItem::Message(octets) => return Message::parse(&octets).ok(),
                StreamItem::KeepAlive | StreamItem::Broken { .. } => {}
            }
        }
    }

    /// A kept segment that begins at or before the next octet.
    fn pop_ready(&mut self) -> Option<(u32, Vec<u8>)> {
        let next = self.next;
        let ready = self.early.keys().copied().find(|at| next.wrapping_sub(*at) < 1 << 31)?;
        self.early.remove(&ready).map(|payload| (ready, payload))
    }
}
