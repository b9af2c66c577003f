//! Binding lookup between home agent and SIP server: who may speak, what is a replay, what is sent
//! again until it is acknowledged (specs/binding-lookup.md).

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{self, BindingLookup, NtpTimestamp};

use crate::host::config::Prefix;
use crate::key::Key;
use crate::{Held, Instant, Wakeup};

/// The other ends of binding lookup that this node shares a key with.
#[derive(Debug)]
pub(crate) struct LookupPeers {
    own: Ipv6Addr,
    peers: Vec<LookupPeer>,
    /// What was taken lately: the same again is a replay.
    seen: VecDeque<(Ipv6Addr, u16, NtpTimestamp)>,
    epoch: Duration,
}

/// One other end.
#[derive(Debug, Clone)]
pub(crate) struct LookupPeer {
    pub(crate) address: Ipv6Addr,
    pub(crate) spi: u32,
    pub(crate) key: Key,
    /// The home prefixes that it may speak for; empty where it only asks.
    pub(crate) prefixes: Vec<Prefix>,
}

/// Messages that go on being sent until they are acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    entries: Vec<Notice>,
}

#[derive(Debug)]
struct Notice {
    to: Ipv6Addr,
    message: BindingLookup,
    begun_at: Instant,
    sent: usize,
}

/// How far a time stamp may be off, either way.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(7);
/// Messages remembered against replay: more than any peer sends within the clock skew allowed.
const SEEN_MAX: usize = 4096;
/// When a notice is sent, seconds after its first time.
const SCHEDULE: [u64; 6] = [0, 1, 3, 7, 15, 31];
/// Notices outstanding at once; the oldest goes first.
const NOTICES_MAX: usize = 4096;

impl LookupPeers {
    pub(crate) fn new(own: Ipv6Addr, peers: Vec<LookupPeer>, epoch: Duration) -> Self {
        Self { own, peers, seen: VecDeque::new(), epoch }
    }

    /// The peers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LookupPeer> {
        self.peers.iter()
    }

    /// The peer with this address.
    pub(crate) fn find(&self, address: Ipv6Addr) -> Option<&LookupPeer> {
        self.peers.iter().find(|peer| peer.address == address)
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        held.for_room("lookup messages seen", self.seen.len(), SEEN_MAX);
    }

    /// Whether a message is genuine, fresh and new, and its sender may speak for its home address.
    ///
    /// # Errors
    ///
    /// Why not: such a message is dropped in silence and counted.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        message: &BindingLookup,
    ) -> Result<(), &'static str> {
        let (source, destination) = (packet.header.source, packet.header.destination);
        if packet.home_address.is_some() || packet.routing.is_some() {
            return Err("binding lookup by way of a care-of address");
        }
        let peer = self.find(source).ok_or("binding lookup from a stranger")?;
        let genuine = message.spi == peer.spi
            && mobility::verify_lookup(peer.key.octets(), source, destination, packet.payload);
        if !genuine {
            return Err("binding lookup with a wrong authenticator");
        }
        let home = message.home_address;
        let outside =
            !peer.prefixes.is_empty() && !peer.prefixes.iter().any(|prefix| prefix.contains(home));
        if outside {
            return Err("binding lookup about a foreign home address");
        }
        let wall = self.epoch + now.since_start();
        if message.timestamp.distance(wall) > CLOCK_SKEW_MAX {
            return Err("binding lookup with an old time stamp");
        }
        let key = (source, message.transaction, message.timestamp);
        if self.seen.contains(&key) {
            return Err("binding lookup replayed");
        }
        if self.seen.len() == SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(key);
        Ok(())
    }

    /// The packet that carries `message` to the peer with this address, stamped and proved.
    pub(crate) fn packet(
        &self,
        now: Instant,
        to: Ipv6Addr,
        message: &BindingLookup,
    ) -> Option<(Outgoing, Vec<u8>)> {
        let peer = self.find(to)?;
        let timestamp = NtpTimestamp::from_unix(self.epoch + now.since_start());
        let octets =
            message.to_vec_authorized(self.own, to, peer.spi, peer.key.octets(), timestamp);
        Some((Outgoing::new(self.own, to, protocol::MOBILITY), octets))
    }
}

impl Notices {
    /// Begins to send a message; one of the same kind about the same home address to the same peer
    /// is no longer sent.
    pub(crate) fn begin(&mut self, now: Instant, to: Ipv6Addr, message: BindingLookup) {
        self.entries.retain(|notice| {
            (notice.to, notice.message.kind, notice.message.home_address)
                != (to, message.kind, message.home_address)
        });
        if self.entries.len() == NOTICES_MAX {
            self.entries.remove(0);
        }
        self.entries.push(Notice { to, message, begun_at: now, sent: 0 });
    }

    /// Ends what an acknowledgement from `from` about `home` answers.
    pub(crate) fn acknowledged(&mut self, from: Ipv6Addr, transaction: u16, home: Ipv6Addr) {
        self.entries.retain(|notice| {
            (notice.to, notice.message.transaction, notice.message.home_address)
                != (from, transaction, home)
        });
    }

    /// Ends everything to a peer, because it does not understand.
    pub(crate) fn give_up(&mut self, to: Ipv6Addr) {
        self.entries.retain(|notice| notice.to != to);
    }

    /// What is to be sent now, and to whom.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(Ipv6Addr, BindingLookup)> {
        let mut due = Vec::new();
        for notice in &mut self.entries {
            if notice.next_at().is_some_and(|at| at <= now) {
                notice.sent += 1;
                due.push((notice.to, notice.message.clone()));
            }
        }
        self.entries.retain(|notice| notice.next_at().is_some());
        due
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        held.in_time("notices", self.entries.len(), NOTICES_MAX);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Wakeup> {
        let at = self.entries.iter().filter_map(Notice::next_at).min()?;
        Some(Wakeup { at, why: "notice unacknowledged" })
    }
}

impl Notice {
    fn next_at(&self) -> Option<Instant> {
        SCHEDULE.get(self.sent).map(|after| self.begun_at + Duration::from_secs(*after))
    }
}
