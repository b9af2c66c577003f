//! SIP messages to and from hops: datagrams, and messages cut out of TCP connections (RFC 3261 §18).
//!
//! It sits between an agent or a proxy, which names hops, and the node, which finds the way of a
//! packet.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;

use roamproof_wire::WireError;
use roamproof_wire::ipv6::protocol;
use roamproof_wire::sip::{StreamItem, StreamReader, Transport};
use roamproof_wire::udp::{self, Udp};

use crate::host::tcp::{ConnectionId, TcpEvent, TcpStack};
use crate::sip::{Hop, TIMEOUT, Transmit};
use crate::upper::UpperPacket;
use crate::{Held, Instant, Wakeup};

/// The SIP transport of one address.
#[derive(Debug)]
pub struct SipTransport {
    address: Ipv6Addr,
    port: u16,
    tcp: TcpStack,
    streams: BTreeMap<ConnectionId, Stream>,
    packets: VecDeque<UpperPacket>,
    received: VecDeque<SipReceived>,
}

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SipReceived {
    /// A whole message, not yet judged.
    Message {
        /// From where; a response to it goes there.
        from: Hop,
        /// To which of the node's addresses.
        to: Ipv6Addr,
        /// It.
        octets: Vec<u8>,
    },
    /// A message that does not get to its hop: it is too large for a datagram, no connection comes
    /// about, or that broke before the other side had all of it.
    Unsent(Transmit),
    /// A stream in which no end of a message can be found. What could be read of that message came
    /// before, so that it can be refused; then the stream is to be [closed](SipTransport::close).
    Broken {
        /// Whose stream.
        from: Hop,
        /// What is wrong.
        error: WireError,
    },
}

#[derive(Debug)]
struct Stream {
    peer: Hop,
    local: Ipv6Addr,
    reader: StreamReader,
    /// Whether something has got over it.
    is_proven: bool,
    /// What the other side has not acknowledged, and when it was first sent.
    undelivered: Vec<(Instant, Transmit)>,
}

impl Stream {
    const fn new(peer: Hop, local: Ipv6Addr) -> Self {
        let reader = StreamReader::new();
        Self { peer, local, reader, is_proven: false, undelivered: Vec::new() }
    }
}

impl SipTransport {
    /// The transport of `address` and `port`, UDP and TCP; `seed` fixes what TCP draws.
    pub fn new(address: Ipv6Addr, port: u16, seed: u64) -> Self {
        let mut tcp = TcpStack::new(&[address], seed);
        tcp.listen(port);
        Self {
            address,
            port,
            tcp,
            streams: BTreeMap::new(),
            packets: VecDeque::new(),
            received: VecDeque::new(),
        }
    }

    /// Sends a message to its hop. A response by TCP goes on the connection that its request came
    /// on, or on a new one to the fallback if that is gone (RFC 3261 §18.2.2).
    pub fn send(&mut self, now: Instant, transmit: &Transmit) {
        match transmit.to.transport {
            Transport::Udp => self.send_datagram(transmit),
            Transport::Tcp => {
                self.send_on_stream(now, now, transmit.clone());
                self.pump(now);
            }
        }
    }

    /// Closes the stream to `hop`, if there is one, once all is sent.
    pub fn close(&mut self, now: Instant, hop: Hop) {
        if let Some(id) = self.stream_to(hop) {
            self.streams.remove(&id);
            self.tcp.close(now, id);
        }
    }

    /// Takes in an upper-layer packet, its addresses as upper layers see them; `false` where it is
    /// none of SIP's.
    ///
    /// # Errors
    ///
    /// Where it is UDP and cut short, or its checksum is wrong.
    pub fn receive(
        &mut self,
        now: Instant,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        next_header: u8,
        payload: &[u8],
    ) -> Result<bool, WireError> {
        match next_header {
            protocol::UDP => {
                let datagram = Udp::parse(source, destination, payload)?;
                Ok(self.receive_datagram(source, destination, &datagram))
            }
            protocol::TCP => {
                self.tcp.receive_segment(now, source, destination, payload);
                self.pump(now);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Takes in a datagram that is parsed already; `false` where it is for another port.
    pub fn receive_datagram(
        &mut self,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        datagram: &Udp<'_>,
    ) -> bool {
        if datagram.destination_port != self.port {
            return false;
        }
        self.received.push_back(SipReceived::Message {
            from: Hop::udp(source, datagram.source_port),
            to: destination,
            octets: datagram.payload.to_vec(),
        });
        true
    }

    /// The next thing that came in.
    pub fn poll_received(&mut self) -> Option<SipReceived> {
        self.received.pop_front()
    }

    /// The next packet to send.
    pub fn poll_packet(&mut self) -> Option<UpperPacket> {
        if let Some(packet) = self.packets.pop_front() {
            return Some(packet);
        }
        let packet = self.tcp.poll_packet()?;
        Some(UpperPacket {
            source: address_at(&packet, 8),
            destination: address_at(&packet, 24),
            protocol: protocol::TCP,
            payload: packet[IPV6_HEADER_LEN..].to_vec(),
        })
    }

    /// Does what is due by now.
    pub fn run(&mut self, now: Instant) {
        if self.tcp.poll_timeout().is_some_and(|wakeup| wakeup.at <= now) {
            self.tcp.run(now);
            self.pump(now);
        }
    }

    /// When [`run`](Self::run) has something to do.
    pub fn poll_timeout(&self) -> Option<Wakeup> {
        self.tcp.poll_timeout()
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        let (connections, connections_max) = self.tcp.connections();
        held.in_time("connections", connections, connections_max);
        held.in_time("streams", self.streams.len(), connections_max);
    }

    fn send_datagram(&mut self, transmit: &Transmit) {
        let Transmit { to, octets, .. } = transmit;
        let fits = octets.len() <= usize::from(u16::MAX) - udp::HEADER_LEN - IPV6_HEADER_LEN;
        if !fits {
            return self.received.push_back(SipReceived::Unsent(transmit.clone()));
        }
        self.packets.push_back(UpperPacket {
            source: self.address,
            destination: to.address,
            protocol: protocol::UDP,
            payload: udp::datagram(self.address, to.address, self.port, to.port, octets),
        });
    }

    fn send_on_stream(&mut self, now: Instant, first_at: Instant, transmit: Transmit) {
        let target = transmit.fallback.unwrap_or(transmit.to);
        let known = self.stream_to(transmit.to).or_else(|| self.stream_to(target));
        let id = known.unwrap_or_else(|| {
            let id = self.tcp.connect(now, self.address, (target.address, target.port));
            self.streams.insert(id, Stream::new(target, self.address));
            id
        });
        self.tcp.send(now, id, &transmit.octets);
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.undelivered.push((first_at, transmit));
        }
    }

    /// The stream to `hop` that takes messages.
    fn stream_to(&self, hop: Hop) -> Option<ConnectionId> {
        let takes = |id: &ConnectionId| self.tcp.takes(*id);
        self.streams.iter().find(|(id, one)| one.peer == hop && takes(id)).map(|(id, _)| *id)
    }

    /// Lets go of what has arrived.
    fn note_deliveries(&mut self) {
        for (id, stream) in &mut self.streams {
            if !stream.undelivered.is_empty() && self.tcp.has_delivered(*id) {
                stream.undelivered.clear();
                stream.is_proven = true;
            }
        }
    }

    /// What a connection that broke had not delivered goes on a new one, unless it never delivered
    /// anything: who ends an idle connection does not refuse what is just being sent on it. What is older
    /// than any transaction waits would begin a call that nobody makes any more.
    fn on_reset(&mut self, now: Instant, stream: Stream) {
        for (first_at, transmit) in stream.undelivered {
            if stream.is_proven && now - first_at < TIMEOUT {
                self.send_on_stream(now, first_at, transmit);
            } else {
                self.received.push_back(SipReceived::Unsent(transmit));
            }
        }
    }

    /// Takes what TCP has to say.
    fn pump(&mut self, now: Instant) {
        self.note_deliveries();
        while let Some(event) = self.tcp.poll_event() {
            match event {
                TcpEvent::Connected { .. } => {}
                TcpEvent::Accepted { id, peer, local } => {
                    let peer = Hop::tcp(peer.0, peer.1);
                    self.streams.insert(id, Stream::new(peer, local.0));
                }
                TcpEvent::Data { id, octets } => self.on_data(now, id, &octets),
                TcpEvent::Closed { id } => {
                    self.streams.remove(&id);
                }
                TcpEvent::Reset { id } => {
                    if let Some(stream) = self.streams.remove(&id) {
                        self.on_reset(now, stream);
                    }
                }
            }
        }
    }

    fn on_data(&mut self, now: Instant, id: ConnectionId, octets: &[u8]) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let (from, to) = (stream.peer, stream.local);
        stream.is_proven = true;
        stream.reader.push(octets);
        let mut answer_keep_alive = false;
        while let Some(item) = stream.reader.next_item() {
            match item {
                StreamItem::Message(octets) => {
                    self.received.push_back(SipReceived::Message { from, to, octets });
                }
                StreamItem::KeepAlive => answer_keep_alive = true,
                StreamItem::Broken { error, head } => {
                    self.received.push_back(SipReceived::Message { from, to, octets: head });
                    self.received.push_back(SipReceived::Broken { from, error });
                }
            }
        }
        if answer_keep_alive {
            self.tcp.send(now, id, KEEP_ALIVE_ANSWER);
        }
    }
}

fn address_at(packet: &[u8], at: usize) -> Ipv6Addr {
    let octets: [u8; 16] = packet[at..at + 16].try_into().expect("smoltcp writes whole headers");
    Ipv6Addr::from(octets)
}

const IPV6_HEADER_LEN: usize = roamproof_wire::ipv6::HEADER_LEN;
/// One line end answers a ping of two (RFC 5626 §4.4.1).
const KEEP_ALIVE_ANSWER: &[u8] = b"\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::TransmitKind;

    const ONE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
    const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x5);
    const PORT: u16 = 5060;
    const OPTIONS: &[u8] = b"OPTIONS sip:ss@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";
    const OK: &[u8] = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn a_datagram_carries_a_message() {
        let mut pair = Pair::new();
        pair.one.send(NOW, &message(Hop::udp(OTHER, PORT), OPTIONS));
        pair.settle();
        let from = Hop::udp(ONE, PORT);
        let expected = SipReceived::Message { from, to: OTHER, octets: OPTIONS.to_vec() };
        assert_eq!(pair.other.poll_received(), Some(expected));
    }

    #[test]
    fn a_response_by_tcp_comes_back_on_the_connection_of_its_request() {
        let mut pair = Pair::new();
        let twice = [OPTIONS, OPTIONS].concat();
        pair.one.send(NOW, &message(Hop::tcp(OTHER, PORT), &twice));
        pair.settle();
        let Some(SipReceived::Message { from, octets, .. }) = pair.other.poll_received() else {
            panic!("nothing came")
        };
        assert_eq!(octets, OPTIONS);
        assert!(pair.other.poll_received().is_some());
        pair.other.send(NOW, &message(from, OK));
        pair.settle();
        let from = Hop::tcp(OTHER, PORT);
        let expected = SipReceived::Message { from, to: ONE, octets: OK.to_vec() };
        assert_eq!(pair.one.poll_received(), Some(expected));
        assert_eq!(pair.one.streams.len(), 1);
    }

    #[test]
    fn a_response_whose_connection_is_gone_goes_to_the_fallback() {
        let mut pair = Pair::new();
        let to = Hop::tcp(ONE, 49_999);
        let fallback = Some(Hop::tcp(ONE, PORT));
        let transmit = Transmit { fallback, ..message(to, OK) };
        pair.other.send(NOW, &transmit);
        pair.settle();
        let Some(SipReceived::Message { octets, .. }) = pair.one.poll_received() else {
            panic!("nothing came")
        };
        assert_eq!(octets, OK);
    }

    #[test]
    fn nobody_listening_is_told() {
        let mut pair = Pair::new();
        let to = Hop::tcp(OTHER, PORT + 1);
        pair.one.send(NOW, &message(to, OPTIONS));
        pair.settle();
        let expected = SipReceived::Unsent(message(to, OPTIONS));
        assert_eq!(pair.one.poll_received(), Some(expected));
    }

    #[test]
    fn what_a_reused_connection_loses_goes_on_a_new_one() {
        let (mut pair, to) = Pair::connected();
        // It has forgotten everything, and the first side cannot know.
        pair.other = SipTransport::new(OTHER, PORT, 3);
        pair.one.send(NOW, &message(to, OK));
        pair.settle();
        assert_eq!(pair.one.poll_received(), None);
        let Some(SipReceived::Message { octets, .. }) = pair.other.poll_received() else {
            panic!("nothing came")
        };
        assert_eq!(octets, OK);
        pair.other = SipTransport::new(OTHER, PORT + 1, 4);
        pair.one.send(NOW, &message(to, OK));
        pair.settle();
        assert_eq!(pair.one.poll_received(), Some(SipReceived::Unsent(message(to, OK))));
        assert_eq!(pair.one.poll_received(), None);
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_sent_again() {
        let (mut pair, to) = Pair::connected();
        pair.one.send(NOW, &message(to, OK));
        let unsent = loop {
            while pair.one.poll_packet().is_some() {}
            let due = pair.one.poll_timeout().expect("it waits for an answer").at;
            pair.one.run(due);
            if let Some(received) = pair.one.poll_received() {
                break received;
            }
        };
        assert_eq!(unsent, SipReceived::Unsent(message(to, OK)));
        assert!(pair.one.streams.is_empty());
    }

    #[test]
    fn a_connection_that_ends_while_nothing_is_sent_is_nobodys_failure() {
        let (mut pair, _) = Pair::connected();
        let from = Hop::tcp(ONE, pair.one.tcp.local(ConnectionId(1)).expect("it is open").1);
        pair.other.tcp.abort(NOW, pair.other.stream_to(from).expect("it is open"));
        pair.settle();
        assert_eq!(pair.one.poll_received(), None);
        assert!(pair.one.streams.is_empty());
    }

    #[test]
    fn a_ping_is_answered_and_a_broken_stream_is_closed() {
        let mut pair = Pair::new();
        let to = Hop::tcp(OTHER, PORT);
        pair.one.send(NOW, &message(to, b"\r\n\r\n"));
        pair.settle();
        assert_eq!(pair.other.poll_received(), None);
        let broken = b"OPTIONS sip:ss@example.com SIP/2.0\r\nContent-Length: none\r\n\r\n";
        pair.one.send(NOW, &message(to, broken));
        pair.settle();
        assert!(matches!(pair.other.poll_received(), Some(SipReceived::Message { .. })));
        let Some(SipReceived::Broken { from, .. }) = pair.other.poll_received() else {
            panic!("not broken")
        };
        pair.other.close(NOW, from);
        pair.settle();
        assert_eq!(pair.one.streams.len(), 0);
    }

    const NOW: Instant = Instant::ZERO;

    struct Pair {
        one: SipTransport,
        other: SipTransport,
    }

    impl Pair {
        fn new() -> Self {
            Self { one: SipTransport::new(ONE, PORT, 1), other: SipTransport::new(OTHER, PORT, 2) }
        }

        /// A message has got over a connection to this hop.
        fn connected() -> (Self, Hop) {
            let (mut pair, to) = (Self::new(), Hop::tcp(OTHER, PORT));
            pair.one.send(NOW, &message(to, OPTIONS));
            pair.settle();
            (pair, to)
        }

        fn settle(&mut self) {
            loop {
                let (packet, to) = if let Some(packet) = self.one.poll_packet() {
                    (packet, &mut self.other)
                } else if let Some(packet) = self.other.poll_packet() {
                    (packet, &mut self.one)
                } else {
                    return;
                };
                let UpperPacket { source, destination, protocol, payload } = packet;
                assert!(to.receive(NOW, source, destination, protocol, &payload).unwrap());
            }
        }
    }

    fn message(to: Hop, octets: &[u8]) -> Transmit {
        Transmit { to, fallback: None, kind: TransmitKind::Response, octets: octets.to_vec() }
    }
}
