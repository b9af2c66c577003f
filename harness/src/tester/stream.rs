//! The tester as a SIP element over TCP (RFC 3261 §18), its TCP by smoltcp: segments in, segments
//! and messages out.

use std::collections::VecDeque;
use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::sip::{DEFAULT_PORT, Message, StreamItem, StreamReader};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint};

/// The streams of one SIP element: it takes connections to its port, and makes others.
pub struct Streams {
    interface: Interface,
    packets: Packets,
    sockets: SocketSet<'static>,
    address: Ipv6Addr,
    streams: Vec<Stream>,
    last_port: u16,
}

/// A stream of an element, for as long as the element is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamId(usize);

/// A message that came on a stream.
#[derive(Debug, Clone)]
pub struct Said {
    /// On which.
    pub stream: StreamId,
    /// It.
    pub message: Message,
    /// The frame with its last octet, by index in the capture.
    pub frame: usize,
}

struct Stream {
    handle: SocketHandle,
    reader: StreamReader,
    unsent: VecDeque<u8>,
}

impl Streams {
    /// The element at `address`, port 5060; `seed` fixes sequence numbers.
    ///
    /// # Panics
    ///
    /// Where `address` is no unicast address.
    pub fn new(address: Ipv6Addr, seed: u64) -> Self {
        let mut packets = Packets::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut packets, Instant::ZERO);
        interface.update_ip_addrs(|list| {
            // A prefix of no bits: everyone is reached, whoever sends the packets finds the way.
            list.push(IpCidr::new(IpAddress::Ipv6(address), 0)).expect("there is room for one");
        });
        let sockets = SocketSet::new(Vec::new());
        let mut streams =
            Self { interface, packets, sockets, address, streams: Vec::new(), last_port: 0 };
        streams.listen();
        streams
    }

    /// Takes in a TCP segment to this element, plain or out of its tunnel; returns the messages
    /// that it completed.
    pub fn take(&mut self, now: Duration, frame: usize, packet: &Packet<'_>) -> Vec<Said> {
        if packet.protocol != protocol::TCP || packet.destination() != self.address {
            return Vec::new();
        }
        // TCP sees home addresses where the packet carried them.
        let plain = Outgoing::new(packet.source(), packet.destination(), protocol::TCP);
        self.packets.incoming.push_back(plain.to_vec(packet.payload));
        self.run(now);
        let mut said = Vec::new();
        for (index, stream) in self.streams.iter_mut().enumerate() {
            let socket = self.sockets.get_mut::<Socket<'_>>(stream.handle);
            while socket.can_recv() {
                let octets =
                    socket.recv(|octets| (octets.len(), octets.to_vec())).unwrap_or_default();
                stream.reader.push(&octets);
                while let Some(item) = stream.reader.next_item() {
                    let StreamItem::Message(octets) = item else { continue };
                    let Ok(message) = Message::parse(&octets) else { continue };
                    said.push(Said { stream: StreamId(index), message, frame });
                }
            }
        }
        self.run(now);
        said
    }

    /// Says `message` on a stream.
    pub fn say(&mut self, now: Duration, stream: StreamId, message: &Message) {
        self.streams[stream.0].unsent.extend(message.to_vec());
        self.run(now);
    }

    /// A new stream to port 5060 of `to`; what is said on it waits until it is open.
    pub fn connect(&mut self, now: Duration, to: Ipv6Addr) -> StreamId {
        self.last_port += 1;
        let mut socket = socket();
        let remote = IpEndpoint::new(IpAddress::Ipv6(to), DEFAULT_PORT);
        let local = IpListenEndpoint {
            addr: Some(IpAddress::Ipv6(self.address)),
            port: FIRST_PORT + self.last_port,
        };
        socket
            .connect(self.interface.context(), remote, local)
            .expect("a fresh socket connects to a unicast address");
        let id = self.add(socket);
        self.run(now);
        id
    }

    /// Resets every stream (RFC 9293 §3.10.5).
    pub fn abort(&mut self, now: Duration) {
        for stream in &self.streams {
            self.sockets.get_mut::<Socket<'_>>(stream.handle).abort();
        }
        self.run(now);
    }

    /// The packets to send, plain, from this element.
    pub fn packets(&mut self) -> Vec<Vec<u8>> {
        self.packets.outgoing.drain(..).collect()
    }

    fn run(&mut self, now: Duration) {
        let micros = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        let at = Instant::from_micros(micros);
        self.interface.poll(at, &mut self.packets, &mut self.sockets);
        for stream in &mut self.streams {
            let socket = self.sockets.get_mut::<Socket<'_>>(stream.handle);
            while socket.can_send() && !stream.unsent.is_empty() {
                let sent = socket.send_slice(stream.unsent.as_slices().0).unwrap_or(0);
                stream.unsent.drain(..sent);
            }
            if socket.state() == State::CloseWait {
                socket.close();
            }
        }
        self.interface.poll(at, &mut self.packets, &mut self.sockets);
        // The one that listened has a peer: another takes its place.
        let listens = |stream: &Stream| {
            let socket = self.sockets.get::<Socket<'_>>(stream.handle);
            socket.state() == State::Listen
        };
        if !self.streams.iter().any(listens) {
            self.listen();
        }
    }

    fn listen(&mut self) {
        let mut socket = socket();
        socket.listen(DEFAULT_PORT).expect("a fresh socket listens on every port but zero");
        self.add(socket);
    }

    fn add(&mut self, socket: Socket<'static>) -> StreamId {
        let handle = self.sockets.add(socket);
        let (reader, unsent) = (StreamReader::new(), VecDeque::new());
        self.streams.push(Stream { handle, reader, unsent });
        StreamId(self.streams.len() - 1)
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("address", &self.address)
            .field("streams", &self.streams.len())
            .finish_non_exhaustive()
    }
}

/// The packets between smoltcp and the element: what smoltcp calls a device.
#[derive(Debug, Default)]
struct Packets {
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

struct Incoming(Vec<u8>);

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

    fn receive(&mut self, _: Instant) -> Option<(Incoming, Room<'_>)> {
        let packet = self.incoming.pop_front()?;
        Some((Incoming(packet), Room(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
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
    let buffer = || SocketBuffer::new(vec![0; BUFFER_LEN]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket
}

/// With two headers around it a packet still fits a link of 1500 octets.
const PACKET_MAX: usize = 1400;
const BUFFER_LEN: usize = 16 * 1024;
/// Before the first port that the element connects from (RFC 6335 §6: the dynamic ones).
const FIRST_PORT: u16 = 49_151;

#[cfg(test)]
mod tests {
    use super::super::sip::SipPeer;
    use super::super::stimulus::check;
    use super::*;
    use crate::plan::Plan;
    use crate::topology::claimed::{HOA, SS};
    use roamproof_wire::ethernet::Mac;
    use roamproof_wire::sip::{Method, Uri};

    #[test]
    fn what_one_element_says_the_other_hears() {
        let (mut one, mut other) = (Streams::new(SS, 1), Streams::new(HOA, 2));
        let contact = Uri::parse("sip:mt@[2001:db8:a::100]").unwrap();
        let mut server = SipPeer::new(SS);
        let caller = Plan::claimed(Mac([2, 0, 0, 0, 0, 1])).cn(40_000);
        let options = server.request(Method::Options, &caller, "sip:mt@example.com", &contact);
        let stream = one.connect(Duration::ZERO, HOA);
        one.say(Duration::ZERO, stream, &options);
        let (_, heard) = exchange(&mut one, &mut other);
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].message.to_vec(), options.to_vec());

        let answer = server.response(&options, &caller, 200, "OK");
        other.say(Duration::ZERO, heard[0].stream, &answer);
        let (heard, _) = exchange(&mut one, &mut other);
        assert_eq!((heard.len(), heard[0].stream), (1, stream));
        assert_eq!(heard[0].message.to_vec(), answer.to_vec());
    }

    fn exchange(one: &mut Streams, other: &mut Streams) -> (Vec<Said>, Vec<Said>) {
        let (mut to_one, mut to_other) = (Vec::new(), Vec::new());
        for _ in 0..8 {
            deliver(one, other, &mut to_other);
            deliver(other, one, &mut to_one);
        }
        (to_one, to_other)
    }

    fn deliver(from: &mut Streams, to: &mut Streams, said: &mut Vec<Said>) {
        for octets in from.packets() {
            assert_eq!(check(&octets), Ok(()));
            said.extend(to.take(Duration::ZERO, 0, &Packet::parse(&octets).unwrap()));
        }
    }
}
