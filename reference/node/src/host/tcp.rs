//! TCP inside a node (RFC 9293), by smoltcp: packets in, packets and events out, no operating system.
//!
//! A role gives it every TCP segment for its addresses and sends what comes out: how a packet
//! travels, plainly, in a tunnel or through a routing header, is beneath TCP and the role's affair.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant as SmoltcpInstant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint};

use crate::entropy::Entropy;
use crate::{Instant, Wakeup};

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
    /// The other side has said its last; this side has been closed too.
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
        let connection = Connection {
            handle: self.sockets.add(socket),
            local: (from, port),
            peer: to,
            asked_by_us: true,
            phase: Phase::Opening,
            unsent: VecDeque::new(),
        };
        self.connections.insert(id, connection);
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
            let accepted = self.take_accepted();
            if !self.sweep() && !accepted {
                break;
            }
        }
        self.wakeup = self
            .interface
            .poll_at(at, &self.sockets)
            .map(|due| Wakeup { at: from_smoltcp(due).max(now), why: "TCP timer" });
    }

    /// Gives every listening socket that took a connection a name and a successor.
    fn take_accepted(&mut self) -> bool {
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
            let connection = Connection {
                handle: *handle,
                local: *local,
                peer: *peer,
                asked_by_us: false,
                phase: Phase::Opening,
                unsent: VecDeque::new(),
            };
            self.connections.insert(ConnectionId(self.last_id), connection);
            if self.connections.len() > CONNECTIONS_MAX {
                self.sockets.get_mut::<Socket<'_>>(*handle).abort();
            }
        }
        !taken.is_empty()
    }

    /// Tells what happened to each connection, and moves what waits; whether anything did.
    fn sweep(&mut self) -> bool {
        let mut moved = false;
        let mut over = Vec::new();
        for (id, connection) in &mut self.connections {
            let socket = self.sockets.get_mut::<Socket<'_>>(connection.handle);
            moved |= connection.sweep(*id, socket, &mut self.events);
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
    fn sweep(
        &mut self,
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
        moved
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

/// The packets between smoltcp and the role.
#[derive(Debug, Default)]
struct Packets {
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

/// A packet to smoltcp.
struct Incoming(Vec<u8>);

/// Room for a packet from smoltcp.
struct Room<'a>(&'a mut VecDeque<Vec<u8>>);

impl RxToken for Incoming {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut packet = vec![0; length];
        let result = f(&mut packet);
        self.0.push_back(packet);
        result
    }
}

impl Device for Packets {
    type RxToken<'a> = Incoming;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _: SmoltcpInstant) -> Option<(Incoming, Room<'_>)> {
        let packet = self.incoming.pop_front()?;
        Some((Incoming(packet), Room(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: SmoltcpInstant) -> Option<Room<'_>> {
        Some(Room(&mut self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = PACKET_MAX;
        capabilities
    }
}

fn socket() -> Socket<'static> {
    let mut socket = Socket::new(
        SocketBuffer::new(vec![0; RECEIVE_BUFFER]),
        SocketBuffer::new(vec![0; SEND_BUFFER]),
    );
    socket.set_timeout(Some(to_smoltcp_duration(UNANSWERED_MAX)));
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

fn to_smoltcp_duration(duration: Duration) -> smoltcp::time::Duration {
    smoltcp::time::Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// Connections at once, those that end included; more are reset.
const CONNECTIONS_MAX: usize = 256;
/// Octets that wait for one connection's send buffer.
const UNSENT_MAX: usize = 256 * 1024;
/// Octets: a SIP message over TCP is rarely longer.
const RECEIVE_BUFFER: usize = 16 * 1024;
const SEND_BUFFER: usize = 16 * 1024;
/// A packet with a tunnel's header, or with a routing header and a Home Address option, around it
/// still fits a link of 1500 octets.
const PACKET_MAX: usize = 1400;
/// How long the other side may be silent while something is unacknowledged: longer than SIP's
/// Timer B (32 s), so that the transaction decides.
const UNANSWERED_MAX: Duration = Duration::from_secs(60);
const IPV6_HEADER_LEN: usize = 40;
const HOP_LIMIT: u8 = 64;
const TCP: u8 = 6;
const FIRST_EPHEMERAL_PORT: u16 = 49152;
const EPHEMERAL_PORTS: u16 = 16384;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
    const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
    const PORT: u16 = 5060;

    #[test]
    fn a_connection_carries_octets_both_ways_and_ends() {
        let mut pair = Pair::new(7);
        let id = pair.client.connect(pair.now, ONE, (OTHER, PORT));
        pair.client.send(pair.now, id, b"OPTIONS");
        pair.settle();
        let [accepted, data] = &pair.events(Side::Server)[..] else { panic!("not accepted") };
        let TcpEvent::Accepted { id: at_server, peer, local } = accepted else {
            panic!("{accepted:?}")
        };
        assert_eq!(*peer, pair.client.local(id).unwrap());
        assert_eq!(*local, (OTHER, PORT));
        assert_eq!(data, &TcpEvent::Data { id: *at_server, octets: b"OPTIONS".to_vec() });
        pair.server.send(pair.now, *at_server, b"200 OK");
        pair.settle();
        pair.server.close(pair.now, *at_server);
        pair.settle();
        let expected = [
            TcpEvent::Connected { id },
            TcpEvent::Data { id, octets: b"200 OK".to_vec() },
            TcpEvent::Closed { id },
        ];
        assert_eq!(pair.events(Side::Client), expected);
        assert_eq!(pair.events(Side::Server), []);
        pair.wait(Duration::from_secs(11));
        assert_eq!((pair.client.connections.len(), pair.server.connections.len()), (0, 0));
        assert_eq!(pair.client.poll_timeout(), None);
    }

    #[test]
    fn a_port_that_nobody_listens_on_resets() {
        let mut pair = Pair::new(8);
        let id = pair.client.connect(pair.now, ONE, (OTHER, PORT + 1));
        pair.settle();
        assert_eq!(pair.events(Side::Client), [TcpEvent::Reset { id }]);
        assert!(!pair.client.send(pair.now, id, b"late"));
    }

    #[test]
    fn an_address_that_is_not_ours_resets() {
        let mut pair = Pair::new(8);
        let id = pair.client.connect(pair.now, OTHER, (ONE, PORT));
        assert_eq!(pair.events(Side::Client), [TcpEvent::Reset { id }]);
    }

    #[test]
    fn a_lost_segment_is_sent_again_after_a_second() {
        let mut pair = Pair::new(9);
        let id = pair.client.connect(pair.now, ONE, (OTHER, PORT));
        let lost = pair.client.poll_packet().expect("a SYN");
        let wakeup = pair.client.poll_timeout().expect("a timer");
        assert_eq!(wakeup.at, pair.now + Duration::from_secs(1));
        pair.wait(Duration::from_secs(1));
        assert_eq!(pair.events(Side::Client), [TcpEvent::Connected { id }]);
        assert_eq!(lost[6..8], [6, 64]);
    }

    #[test]
    fn nobody_there_is_a_reset_after_a_minute() {
        let mut stack = TcpStack::new(&[ONE], 10);
        let id = stack.connect(Instant::ZERO, ONE, (OTHER, PORT));
        let mut syns = 0;
        let mut now = Instant::ZERO;
        while let Some(wakeup) = stack.poll_timeout() {
            syns += std::iter::from_fn(|| stack.poll_packet()).count();
            now = wakeup.at;
            stack.run(now);
        }
        assert_eq!(stack.poll_event(), Some(TcpEvent::Reset { id }));
        assert!(now >= Instant::at(UNANSWERED_MAX), "gave up at {now}");
        // At 0, 1, 3, 7, 15, 31 s: each time the wait doubles.
        assert_eq!(syns, 6);
    }

    #[test]
    fn much_is_carried_in_packets_that_fit() {
        let mut pair = Pair::new(11);
        let id = pair.client.connect(pair.now, ONE, (OTHER, PORT));
        let much: Vec<u8> = (0..100_000_u32).map(|one| one.to_be_bytes()[3]).collect();
        assert!(pair.client.send(pair.now, id, &much));
        pair.settle();
        let heard: Vec<u8> = pair
            .events(Side::Server)
            .into_iter()
            .flat_map(|event| {
                let TcpEvent::Data { octets, .. } = event else { return Vec::new() };
                octets
            })
            .collect();
        assert_eq!(heard, much);
        assert!(pair.longest <= PACKET_MAX);
        assert!(!pair.client.send(pair.now, id, &vec![1; UNSENT_MAX + 1]));
        assert_eq!(pair.events(Side::Client)[1], TcpEvent::Reset { id });
    }

    #[test]
    fn the_same_inputs_give_the_same_octets() {
        let trace = |seed| {
            let mut pair = Pair::new(seed);
            let id = pair.client.connect(pair.now, ONE, (OTHER, PORT));
            pair.client.send(pair.now, id, b"INVITE");
            pair.settle();
            pair.client.close(pair.now, id);
            pair.wait(Duration::from_secs(30));
            pair.trace
        };
        assert_eq!(trace(12), trace(12));
        assert_ne!(trace(12), trace(13));
    }

    #[test]
    fn connections_are_bounded() {
        let mut server = TcpStack::new(&[OTHER], 14);
        server.listen(PORT);
        let mut clients = TcpStack::new(&[ONE], 15);
        let mut others = TcpStack::new(&[ONE], 16);
        for stack in [&mut clients, &mut others] {
            for _ in 0..CONNECTIONS_MAX {
                stack.connect(Instant::ZERO, ONE, (OTHER, PORT));
                while let Some(packet) = stack.poll_packet() {
                    server.receive_packet(Instant::ZERO, &packet);
                }
            }
        }
        assert_eq!(server.connections.len(), CONNECTIONS_MAX);
    }

    proptest! {
        #[test]
        fn no_segment_makes_it_panic(segments: Vec<Vec<u8>>, fields in any::<[u8; 20]>()) {
            let mut stack = TcpStack::new(&[ONE], 17);
            stack.listen(PORT);
            stack.receive_segment(Instant::ZERO, OTHER, ONE, &fields);
            for segment in &segments {
                stack.receive_segment(Instant::ZERO, OTHER, ONE, segment);
                stack.receive_packet(Instant::ZERO, segment);
            }
        }
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Side {
        Client,
        Server,
    }

    /// Two nodes and a wire that takes no time.
    struct Pair {
        client: TcpStack,
        server: TcpStack,
        now: Instant,
        trace: Vec<Vec<u8>>,
        longest: usize,
    }

    impl Pair {
        fn new(seed: u64) -> Self {
            let mut server = TcpStack::new(&[OTHER], seed + 1000);
            server.listen(PORT);
            let client = TcpStack::new(&[ONE], seed);
            let now = Instant::at(Duration::from_millis(250));
            Self { client, server, now, trace: Vec::new(), longest: 0 }
        }

        fn settle(&mut self) {
            loop {
                let (packet, to) = if let Some(packet) = self.client.poll_packet() {
                    (packet, &mut self.server)
                } else if let Some(packet) = self.server.poll_packet() {
                    (packet, &mut self.client)
                } else {
                    return;
                };
                to.receive_packet(self.now, &packet);
                self.longest = self.longest.max(packet.len());
                self.trace.push(packet);
            }
        }

        fn wait(&mut self, time: Duration) {
            let until = self.now + time;
            loop {
                self.settle();
                let due = [self.client.poll_timeout(), self.server.poll_timeout()];
                match due.into_iter().flatten().map(|wakeup| wakeup.at).min() {
                    Some(at) if at <= until => self.now = at,
                    _ => break,
                }
                self.client.run(self.now);
                self.server.run(self.now);
            }
            self.now = until;
        }

        fn events(&mut self, side: Side) -> Vec<TcpEvent> {
            let stack = match side {
                Side::Client => &mut self.client,
                Side::Server => &mut self.server,
            };
            std::iter::from_fn(|| stack.poll_event()).collect()
        }
    }
}
