//! TCP inside a node (RFC 9293), by smoltcp: packets in, packets and events out, no operating system.
//!
//! A role gives it every TCP segment for its addresses and sends what comes out: how a packet
//! travels, plainly, in a tunnel or through a routing header, is beneath TCP and the role's affair.

mod packets;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant as SmoltcpInstant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint};

use crate::entropy::Entropy;
use crate::{Instant, Wakeup};
use packets::Packets;

/// The TCP of one node.
pub struct TcpStack {
    interface: Interface,
    packets: Packets,
    sockets: SocketSet<'static>,
    connections: BTreeMap<ConnectionId, Connection>,
    listeners: BTreeMap<u16, SocketHandle>,
    addresses: Vec<Ipv6Addr>,
    events: VecDeque<TcpEvent>,
    last_id: u64,
    last_port: u16,
    wakeup: Option<Wakeup>,
}

/// One connection of a node; never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What happened to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TcpEvent {
    /// The other side took the connection that was asked for.
    Connected {
        /// Which.
        id: ConnectionId,
    },
    /// Somebody connected to a port that is listened on.
    Accepted {
        /// Which.
        id: ConnectionId,
        /// From where.
        peer: (Ipv6Addr, u16),
        /// To which of this node's addresses and ports.
        local: (Ipv6Addr, u16),
    },
    /// Octets arrived, in order.
    Data {
        /// Where.
        id: ConnectionId,
        /// They.
        octets: Vec<u8>,
    },
    /// The other side has said its last, and this side has or will; or this side had, for it was idle, and
    /// the connection is no more.
    Closed {
        /// Which.
        id: ConnectionId,
    },
    /// The connection is no more, or never came to be: refused, reset, unanswered.
    Reset {
        /// Which.
        id: ConnectionId,
    },
}

#[derive(Debug)]
struct Connection {
    handle: SocketHandle,
    local: (Ipv6Addr, u16),
    peer: (Ipv6Addr, u16),
    asked_by_us: bool,
    phase: Phase,
    /// What waits for room in the send buffer.
    unsent: VecDeque<u8>,
    /// Since when nothing has moved.
    still_since: Instant,
    seen: Seen,
}

/// What shows that a connection moves.
#[derive(Debug, Clone, Copy)]
struct Seen {
    state: State,
    /// Octets that the other side has not acknowledged.
    outstanding: usize,
}

/// How far a connection is, as its user sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Open,
    /// This side wants to end it once all is sent.
    Closing,
    /// The user has been told, or asked for it.
    Over,
    /// This side has said its last, for nobody said anything for long; the user still hears what the
    /// other side was about to say.
    Idle,
}

impl TcpStack {
    /// TCP for the first two of `addresses`, its sequence numbers and ports fixed by `seed`.
    ///
    /// # Panics
    ///
    /// Where an address is no unicast address: it comes from configuration, which is checked.
    pub fn new(addresses: &[Ipv6Addr], seed: u64) -> Self {
        let mut entropy = Entropy::new(seed);
        let mut packets = Packets::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = entropy.next_u64();
        let mut interface = Interface::new(config, &mut packets, SmoltcpInstant::ZERO);
        interface.update_ip_addrs(|list| {
            for address in addresses {
                // A prefix of no bits: every destination is reached, the role finds the way.
                if list.push(IpCidr::new(IpAddress::Ipv6(*address), 0)).is_err() {
                    break;
                }
            }
        });
        Self {
            interface,
            packets,
            sockets: SocketSet::new(Vec::new()),
            connections: BTreeMap::new(),
            listeners: BTreeMap::new(),
            addresses: addresses.to_vec(),
            events: VecDeque::new(),
            last_id: 0,
            last_port: entropy.next_u16() % EPHEMERAL_PORTS,
            wakeup: None,
        }
    }

    /// Takes connections to `port` from now on.
    pub fn listen(&mut self, port: u16) {
        if port != 0 && !self.listeners.contains_key(&port) {
            let handle = self.listening(port);
            self.listeners.insert(port, handle);
        }
    }

    /// Asks for a connection to `to` from this node's address `from`; what comes of it is an event.
    pub fn connect(&mut self, now: Instant, from: Ipv6Addr, to: (Ipv6Addr, u16)) -> ConnectionId {
        self.last_id += 1;
        let id = ConnectionId(self.last_id);
        let port = self.free_port();
        let mut socket = socket();
        let remote = IpEndpoint::new(IpAddress::Ipv6(to.0), to.1);
        let local = IpListenEndpoint { addr: Some(IpAddress::Ipv6(from)), port };
        let possible = self.connections.len() < CONNECTIONS_MAX
            && self.addresses.contains(&from)
            && !to.0.is_multicast();
        if !possible || socket.connect(self.interface.context(), remote, local).is_err() {
            self.events.push_back(TcpEvent::Reset { id });
            return id;
        }
        let handle = self.sockets.add(socket);
        self.connections.insert(id, Connection::new(now, handle, (from, port), to, true));
        self.run(now);
        id
    }

    /// Sends octets over a connection, also before it is taken; `false` where there is none.
    ///
    /// More than 256 KiB that the other side does not take reset it.
    pub fn send(&mut self, now: Instant, id: ConnectionId, octets: &[u8]) -> bool {
        let Some(connection) = self.connections.get_mut(&id) else { return false };
        if !matches!(connection.phase, Phase::Opening | Phase::Open) {
            return false;
        }
        if connection.unsent.len() + octets.len() > UNSENT_MAX {
            self.abort(now, id);
            return false;
        }
        connection.unsent.extend(octets);
        self.run(now);
        true
    }

    /// Ends a connection once all that was given to [`send`](Self::send) is sent.
    pub fn close(&mut self, now: Instant, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id)
            && connection.phase != Phase::Over
        {
            connection.phase = Phase::Closing;
            self.run(now);
        }
    }

    /// Ends a connection at once, by a reset.
    pub fn abort(&mut self, now: Instant, id: ConnectionId) {
        if let Some(connection) = self.connections.get(&id) {
            self.sockets.get_mut::<Socket<'_>>(connection.handle).abort();
            self.run(now);
        }
    }

    /// Whether octets can be sent over a connection, or will be once it is taken.
    pub fn takes(&self, id: ConnectionId) -> bool {
        let phase = self.connections.get(&id).map(|connection| connection.phase);
        matches!(phase, Some(Phase::Opening | Phase::Open))
    }

    /// Whether the other side has acknowledged all that was given to [`send`](Self::send); `false`
    /// where the connection is no more.
    pub fn has_delivered(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_some_and(|connection| {
            let socket = self.sockets.get::<Socket<'_>>(connection.handle);
            connection.outstanding(socket) == 0
        })
    }

    /// The other side's address and port.
    pub fn peer(&self, id: ConnectionId) -> Option<(Ipv6Addr, u16)> {
        self.connections.get(&id).map(|connection| connection.peer)
    }

    /// This side's address and port.
    pub fn local(&self, id: ConnectionId) -> Option<(Ipv6Addr, u16)> {
        self.connections.get(&id).map(|connection| connection.local)
    }

    /// Whether connections to `port` are taken, or one uses it.
    pub fn uses(&self, port: u16) -> bool {
        self.listeners.contains_key(&port)
            || self.connections.values().any(|connection| connection.local.1 == port)
    }

    /// Takes in an IPv6 packet to one of the node's addresses that carries a TCP segment and no
    /// extension header.
    pub fn receive_packet(&mut self, now: Instant, packet: &[u8]) {
        self.packets.incoming.push_back(packet.to_vec());
        self.run(now);
    }

    /// Takes in a TCP segment between the addresses that TCP sees: home addresses where the packet
    /// carried them.
    pub fn receive_segment(
        &mut self,
        now: Instant,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        segment: &[u8],
    ) {
        let Ok(length) = u16::try_from(segment.len()) else { return };
        let mut packet = Vec::with_capacity(IPV6_HEADER_LEN + segment.len());
        packet.extend_from_slice(&[0x60, 0, 0, 0]);
        packet.extend_from_slice(&length.to_be_bytes());
        packet.extend_from_slice(&[TCP, HOP_LIMIT]);
        packet.extend_from_slice(&source.octets());
        packet.extend_from_slice(&destination.octets());
        packet.extend_from_slice(segment);
        self.packets.incoming.push_back(packet);
        self.run(now);
    }

    /// Connections that there are, those that end included, and how many there may be.
    pub fn connections(&self) -> (usize, usize) {
        // One more is taken to be reset.
        (self.connections.len(), CONNECTIONS_MAX + 1)
    }

    /// The next IPv6 packet to send, without extension headers.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.packets.outgoing.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<TcpEvent> {
        self.events.pop_front()
    }

    /// When [`run`](Self::run) has something to do.
    pub fn poll_timeout(&self) -> Option<Wakeup> {
        self.wakeup
    }

    /// Does what is due by now: acknowledgements, retransmissions, ends.
    pub fn run(&mut self, now: Instant) {
        let at = to_smoltcp(now);
        // What happened to a socket may make it send, and that may end it.
        loop {
            self.interface.poll(at, &mut self.packets, &mut self.sockets);
            let accepted = self.take_accepted(now);
            if !self.sweep(now) && !accepted {
                break;
            }
        }
        let timer = self.interface.poll_at(at, &self.sockets);
        let timer = timer.map(|due| Wakeup { at: from_smoltcp(due).max(now), why: "TCP timer" });
        let still = self.connections.values().map(Connection::patience).min();
        let still = still.map(|at| Wakeup { at, why: "TCP connection still" });
        self.wakeup = Wakeup::sooner(timer, still);
    }

    /// Gives every listening socket that took a connection a name and a successor.
    fn take_accepted(&mut self, now: Instant) -> bool {
        let mut taken = Vec::new();
        for (port, handle) in &self.listeners {
            let socket = self.sockets.get::<Socket<'_>>(*handle);
            if let (Some(local), Some(peer)) = (socket.local_endpoint(), socket.remote_endpoint()) {
                taken.push((*port, *handle, endpoint(local), endpoint(peer)));
            }
        }
        for (port, handle, local, peer) in &taken {
            let successor = self.listening(*port);
            self.listeners.insert(*port, successor);
            self.last_id += 1;
            let connection = Connection::new(now, *handle, *local, *peer, false);
            self.connections.insert(ConnectionId(self.last_id), connection);
            if self.connections.len() > CONNECTIONS_MAX {
                self.sockets.get_mut::<Socket<'_>>(*handle).abort();
            }
        }
        !taken.is_empty()
    }

    /// Tells what happened to each connection, and moves what waits; whether anything did.
    fn sweep(&mut self, now: Instant) -> bool {
        let mut moved = false;
        let mut over = Vec::new();
        for (id, connection) in &mut self.connections {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.handle);
            moved |= connection.sweep(now, *id, socket, &mut self.events);
            if matches!(socket.state(), State::Closed | State::Listen) && !socket.can_recv() {
                over.push(*id);
            }
        }
        for id in over {
            let Some(connection) = self.connections.remove(&id) else { continue };
            self.sockets.remove(connection.handle);
            let unheard_of = connection.phase == Phase::Opening && !connection.asked_by_us;
            match connection.phase {
                Phase::Opening | Phase::Open if !unheard_of => {
                    self.events.push_back(TcpEvent::Reset { id });
                }
                Phase::Idle => self.events.push_back(TcpEvent::Closed { id }),
                Phase::Opening | Phase::Open | Phase::Closing | Phase::Over => {}
            }
            moved = true;
        }
        moved
    }

    fn listening(&mut self, port: u16) -> SocketHandle {
        let mut socket = socket();
        socket.listen(port).expect("a fresh socket listens on every port but zero");
        self.sockets.add(socket)
    }

    /// A port of the dynamic range (RFC 6335 §6) that nothing uses.
    fn free_port(&mut self) -> u16 {
        loop {
            self.last_port = (self.last_port + 1) % EPHEMERAL_PORTS;
            let port = FIRST_EPHEMERAL_PORT + self.last_port;
            // There are more ports than connections, so one is free.
            if !self.uses(port) {
                return port;
            }
        }
    }
}

impl Connection {
    const fn new(
        now: Instant,
        handle: SocketHandle,
        local: (Ipv6Addr, u16),
        peer: (Ipv6Addr, u16),
        asked_by_us: bool,
    ) -> Self {
        Self {
            handle,
            local,
            peer,
            asked_by_us,
            phase: Phase::Opening,
            unsent: VecDeque::new(),
            still_since: now,
            seen: Seen { state: State::Closed, outstanding: 0 },
        }
    }

    fn sweep(
        &mut self,
        now: Instant,
        id: ConnectionId,
        socket: &mut Socket<'_>,
        events: &mut VecDeque<TcpEvent>,
    ) -> bool {
        let mut moved = false;
        let synchronized = !matches!(
            socket.state(),
            State::Closed | State::Listen | State::SynSent | State::SynReceived
        );
        if self.phase == Phase::Opening && synchronized {
            self.phase = Phase::Open;
            events.push_back(if self.asked_by_us {
                TcpEvent::Connected { id }
            } else {
                TcpEvent::Accepted { id, peer: self.peer, local: self.local }
            });
        }
        while socket.can_recv() {
            self.still_since = now;
            let octets = socket.recv(|octets| (octets.len(), octets.to_vec())).unwrap_or_default();
            events.push_back(TcpEvent::Data { id, octets });
            moved = true;
        }
        while socket.can_send() && !self.unsent.is_empty() {
            let sent = socket.send_slice(self.unsent.as_slices().0).unwrap_or(0);
            self.unsent.drain(..sent);
            moved = true;
        }
        let heard_all = socket.state() == State::CloseWait;
        if self.phase == Phase::Open && heard_all {
            self.phase = Phase::Closing;
            events.push_back(TcpEvent::Closed { id });
        }
        if self.phase == Phase::Closing && self.unsent.is_empty() {
            self.phase = Phase::Over;
            socket.close();
            moved = true;
        }
        moved |= self.lose_patience(now, socket);
        moved
    }

    /// Ends the connection where nothing has moved for too long; whether it does.
    fn lose_patience(&mut self, now: Instant, socket: &mut Socket<'_>) -> bool {
        let (before, seen) =
            (self.seen, Seen { state: socket.state(), outstanding: self.outstanding(socket) });
        self.seen = seen;
        let moves = seen.state != before.state || seen.outstanding < before.outstanding;
        // More to say does not move it, but wakes one that was idle.
        let wakes = self.phase == Phase::Open && before.outstanding == 0 && seen.outstanding > 0;
        if moves || wakes {
            self.still_since = now;
        }
        if now < self.patience() || seen.state == State::Closed {
            return false;
        }
        if self.is_idle() {
            self.phase = Phase::Idle;
            socket.close();
        } else {
            socket.abort();
        }
        true
    }

    /// When the connection ends if nothing moves.
    fn patience(&self) -> Instant {
        self.still_since + if self.is_idle() { IDLE_MAX } else { UNANSWERED_MAX }
    }

    /// Whether nobody waits for anything.
    fn is_idle(&self) -> bool {
        self.phase == Phase::Open && self.seen.outstanding == 0
    }

    fn outstanding(&self, socket: &Socket<'_>) -> usize {
        self.unsent.len() + socket.send_queue()
    }
}

impl fmt::Debug for TcpStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStack")
            .field("connections", &self.connections)
            .field("listeners", &self.listeners.keys())
            .field("wakeup", &self.wakeup)
            .finish_non_exhaustive()
    }
}

fn socket() -> Socket<'static> {
    let mut socket = Socket::new(
        SocketBuffer::new(vec![0; RECEIVE_BUFFER]),
        SocketBuffer::new(vec![0; SEND_BUFFER]),
    );
    // A SIP message is written whole: nothing is gained by waiting for more of it.
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket.set_hop_limit(Some(HOP_LIMIT));
    socket
}

fn endpoint(endpoint: IpEndpoint) -> (Ipv6Addr, u16) {
    let IpAddress::Ipv6(address) = endpoint.addr;
    (address, endpoint.port)
}

fn to_smoltcp(now: Instant) -> SmoltcpInstant {
    SmoltcpInstant::from_micros(i64::try_from(now.since_start().as_micros()).unwrap_or(i64::MAX))
}

fn from_smoltcp(at: SmoltcpInstant) -> Instant {
    Instant::at(Duration::from_micros(u64::try_from(at.total_micros()).unwrap_or(0)))
}

/// Connections at once, those that end included; more are reset.
const CONNECTIONS_MAX: usize = 256;
/// Octets that wait for one connection's send buffer.
const UNSENT_MAX: usize = 256 * 1024;
/// Octets: a SIP message over TCP is rarely longer.
const RECEIVE_BUFFER: usize = 16 * 1024;
const SEND_BUFFER: usize = 16 * 1024;
/// How long nothing may move while something is unacknowledged: longer than SIP's Timer B (32 s), so
/// that the transaction decides.
const UNANSWERED_MAX: Duration = Duration::from_secs(60);
/// How long nothing may be said on an open connection: longer than a proxy's Timer C (180 s), so that
/// a call that rings is answered on it.
const IDLE_MAX: Duration = Duration::from_secs(240);
const IPV6_HEADER_LEN: usize = 40;
const HOP_LIMIT: u8 = 64;
const TCP: u8 = 6;
const FIRST_EPHEMERAL_PORT: u16 = 49152;
const EPHEMERAL_PORTS: u16 = 16384;

#[cfg(test)]
mod tests;
