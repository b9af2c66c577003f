//! The way of each TCP connection to a home address, beneath TCP: segments that nobody acknowledges
//! make it ask again, then give the tunnel up (D11).

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::ipv6::protocol;
use roamproof_wire::tcp::{Flags, TcpView};

use super::direct::Answer;
use super::way::{Asked, Way};
use crate::Held;
use crate::sip::Hop;
use crate::upper::UpperPacket;

/// The ways of all connections that requests to home addresses go by.
#[derive(Debug, Default)]
pub(super) struct StreamWays {
    streams: BTreeMap<Hop, Stream>,
}

/// What a segment is to the connection it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tracked {
    /// Nothing but a segment.
    On(Way),
    /// The first retransmission in a tunnel since something was acknowledged.
    FirstCopy(Hop, Way),
    /// A later one, and the home agent has not confirmed the tunnel.
    LaterCopy(Hop, Way),
}

#[derive(Debug)]
struct Stream {
    way: Way,
    /// This side's port, once a segment has left.
    port: Option<u16>,
    /// The sequence number after the last octet sent.
    next: u32,
    copies: u32,
    asked: Asked,
    /// Segments sent and not acknowledged, with the sequence number after each.
    unanswered: Vec<(u32, UpperPacket)>,
}

/// Connections remembered.
const STREAMS_MAX: usize = 1024;
/// Unacknowledged segments kept to be sent by another way at once; TCP repeats the rest itself.
const UNANSWERED_MAX: usize = 16;

impl StreamWays {
    /// Sets the way of the connection to `hop`, for what is sent on it from now on.
    pub(super) fn set(&mut self, hop: Hop, way: Way) {
        if self.streams.len() >= STREAMS_MAX && !self.streams.contains_key(&hop) {
            self.streams.pop_first();
        }
        let stream = self.streams.entry(hop).or_insert(Stream {
            way,
            port: None,
            next: 0,
            copies: 0,
            asked: Asked::No,
            unanswered: Vec::new(),
        });
        if stream.way != way {
            stream.turn(way);
        }
    }

    /// The way of the connection to `hop`.
    pub(super) fn way(&self, hop: Hop) -> Option<Way> {
        self.streams.get(&hop).map(|stream| stream.way)
    }

    /// Whether the connection from `port` to `hop` goes by `way`.
    pub(super) fn is_on(&self, hop: Hop, port: u16, way: Way) -> bool {
        let stream = self.streams.get(&hop);
        stream.is_some_and(|stream| stream.port == Some(port) && stream.way == way)
    }

    /// Sends a connection by another way; whether it went by another before.
    pub(super) fn turn(&mut self, hop: Hop, way: Way) -> bool {
        let Some(stream) = self.streams.get_mut(&hop).filter(|stream| stream.way != way) else {
            return false;
        };
        stream.turn(way);
        true
    }

    /// What the home agent said about a connection that is not answered; whether it goes another
    /// way now.
    pub(super) fn on_answer(&mut self, hop: Hop, answer: Answer) -> bool {
        let Some(stream) = self.streams.get_mut(&hop) else { return false };
        if stream.way == Way::Plain {
            return false;
        }
        let way = match answer {
            Answer::At(care_of) => Way::Tunnel(care_of),
            Answer::Nowhere => Way::Plain,
            Answer::Silence => return false,
        };
        let turned = stream.way != way;
        if turned {
            stream.turn(way);
        }
        stream.asked = Asked::Answered;
        turned
    }

    /// Turns every tunnelled connection to `home`; what is to be sent again.
    pub(super) fn on_change(&mut self, home: Ipv6Addr, way: Way) -> Vec<(UpperPacket, Way)> {
        let mut again = Vec::new();
        for (hop, stream) in &mut self.streams {
            if hop.address == home && stream.way != Way::Plain && stream.way != way {
                stream.turn(way);
                again.extend(stream.unanswered.iter().map(|(_, packet)| (packet.clone(), way)));
            }
        }
        again
    }

    /// What nobody has acknowledged on the connection to `hop`, and its way.
    pub(super) fn unanswered(&self, hop: Hop) -> Vec<(UpperPacket, Way)> {
        let stream = self.streams.get(&hop).into_iter();
        stream
            .flat_map(|stream| stream.unanswered.iter().map(|(_, one)| (one.clone(), stream.way)))
            .collect()
    }

    /// Takes in a segment that is about to leave.
    pub(super) fn track(&mut self, packet: &UpperPacket) -> Tracked {
        let Ok(segment) = TcpView::new(&packet.payload) else { return Tracked::On(Way::Plain) };
        let hop = Hop::tcp(packet.destination, segment.destination_port());
        let stream = self.streams.get_mut(&hop);
        let Some(stream) = stream.filter(|_| packet.protocol == protocol::TCP) else {
            return Tracked::On(Way::Plain);
        };
        if stream.port != Some(segment.source_port()) {
            *stream = Stream {
                way: stream.way,
                port: Some(segment.source_port()),
                next: segment.sequence(),
                copies: 0,
                asked: Asked::No,
                unanswered: Vec::new(),
            };
        }
        stream.track(hop, &segment, packet)
    }

    /// Counts what is kept.
    pub(super) fn held(&self, held: &mut Held) {
        held.for_room("connections to home addresses", self.streams.len(), STREAMS_MAX);
    }

    /// Takes in a segment from the other side: what it acknowledges has arrived.
    pub(super) fn hear(&mut self, source: Ipv6Addr, segment: &[u8]) {
        let Ok(segment) = TcpView::new(segment) else { return };
        let hop = Hop::tcp(source, segment.source_port());
        let Some(stream) = self.streams.get_mut(&hop) else { return };
        if stream.port != Some(segment.destination_port()) || !segment.flags().has(Flags::ACK) {
            return;
        }
        let acknowledged = segment.acknowledgment();
        let before = stream.unanswered.len();
        stream.unanswered.retain(|(end, _)| is_after(*end, acknowledged));
        if stream.unanswered.len() < before {
            (stream.copies, stream.asked) = (0, Asked::No);
        }
    }
}

impl Stream {
    fn turn(&mut self, way: Way) {
        (self.way, self.copies, self.asked) = (way, 0, Asked::No);
    }

    fn track(&mut self, hop: Hop, segment: &TcpView<'_>, packet: &UpperPacket) -> Tracked {
        let flags = segment.flags();
        let marks = u32::from(flags.has(Flags::SYN)) + u32::from(flags.has(Flags::FIN));
        let length = u32::try_from(segment.payload().len()).unwrap_or(u32::MAX) + marks;
        if length == 0 {
            return Tracked::On(self.way);
        }
        let end = segment.sequence().wrapping_add(length);
        if is_after(end, self.next) {
            self.next = end;
            if self.unanswered.len() < UNANSWERED_MAX {
                self.unanswered.push((end, packet.clone()));
            }
            return Tracked::On(self.way);
        }
        if self.way == Way::Plain {
            return Tracked::On(self.way);
        }
        self.copies += 1;
        if self.copies == 1 {
            self.asked = Asked::Unanswered;
            return Tracked::FirstCopy(hop, self.way);
        }
        if self.asked == Asked::Answered {
            return Tracked::On(self.way);
        }
        Tracked::LaterCopy(hop, self.way)
    }
}

/// Whether a sequence number lies after another (RFC 9293 §3.4).
const fn is_after(one: u32, other: u32) -> bool {
    one.wrapping_sub(other).cast_signed() > 0
}
