//! A host of the tester's that takes in what is for it, however it comes: in pieces, in tunnels, by
//! UDP or on a TCP connection that it accepts.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Packet, Reassembly, protocol};
use roamproof_wire::sip::Message;

use super::stream::Streams;
use super::template::{inside, sip_in};

/// What a host has taken in.
#[derive(Debug)]
pub struct Inbox {
    pieces: Reassembly,
    streams: Streams,
}

impl Inbox {
    /// The inbox of the host at this address, port 5060.
    pub fn of(address: Ipv6Addr) -> Self {
        Self { pieces: Reassembly::default(), streams: Streams::new(address, SEED) }
    }

    /// Takes in a packet that came at `now` in a captured frame; the SIP message that is whole with
    /// it, if one is.
    pub fn takes(&mut self, now: Duration, frame: usize, packet: &Packet<'_>) -> Option<Message> {
        let whole = self.pieces.push(now, packet).ok()??;
        let packet = Packet::parse(&whole).ok()?;
        if let Some(inner) = inside(&packet) {
            return self.takes(now, frame, &inner);
        }
        if packet.protocol == protocol::TCP {
            let said = self.streams.take(now, frame, &packet);
            return said.into_iter().next().map(|said| said.message);
        }
        sip_in(&packet)
    }

    /// The packets that this host sends by itself: it accepts a connection or acknowledges what came
    /// on it.
    pub fn answers(&mut self) -> Vec<Vec<u8>> {
        self.streams.packets()
    }

    /// Ends every connection at once; the packets that say so.
    pub fn leaves(&mut self, now: Duration) -> Vec<Vec<u8>> {
        self.streams.abort(now);
        self.streams.packets()
    }
}

/// Fixes sequence numbers.
const SEED: u64 = 0x7e57_1b0e;
