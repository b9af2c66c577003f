//! Two TCPs on a wire that takes no time.

use super::packets::PACKET_MAX;
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
fn an_idle_connection_ends_by_a_last_word_after_four_minutes() {
    let mut pair = Pair::new(18);
    let id = pair.client.connect(pair.now, ONE, (OTHER, PORT));
    pair.client.send(pair.now, id, b"OPTIONS");
    pair.wait(IDLE_MAX - Duration::from_secs(1));
    assert!(pair.client.takes(id) && pair.client.has_delivered(id));
    assert_eq!(pair.events(Side::Server).len(), 2);
    pair.wait(Duration::from_secs(12));
    assert_eq!(pair.events(Side::Client), [TcpEvent::Connected { id }, TcpEvent::Closed { id }]);
    assert_eq!(pair.events(Side::Server).len(), 1);
    assert!(pair.trace.iter().all(|packet| packet[FLAGS_AT] & RST == 0), "no reset");
    assert_eq!((pair.client.connections.len(), pair.server.connections.len()), (0, 0));
}

#[test]
fn what_comes_while_an_idle_connection_ends_is_heard() {
    let mut pair = Pair::new(19);
    let id = pair.client.connect(pair.now, ONE, (OTHER, PORT));
    pair.client.send(pair.now, id, b"OPTIONS");
    pair.wait(Duration::from_secs(1));
    let TcpEvent::Accepted { id: at_server, .. } = pair.events(Side::Server)[0] else { panic!() };
    pair.events(Side::Client);
    pair.now = pair.client.poll_timeout().expect("it is still").at;
    pair.client.run(pair.now);
    assert!(!pair.client.takes(id));
    assert!(pair.server.send(pair.now, at_server, b"200 OK"));
    pair.settle();
    let heard = TcpEvent::Data { id, octets: b"200 OK".to_vec() };
    assert_eq!(pair.events(Side::Client), [heard]);
    pair.wait(Duration::from_secs(11));
    assert_eq!(pair.events(Side::Client), [TcpEvent::Closed { id }]);
}

#[test]
fn more_to_say_does_not_prolong_the_wait() {
    let mut stack = TcpStack::new(&[ONE], 21);
    let id = stack.connect(Instant::ZERO, ONE, (OTHER, PORT));
    let mut now = Instant::ZERO;
    while stack.takes(id) {
        while stack.poll_packet().is_some() {}
        now = stack.poll_timeout().expect("it waits for an answer").at;
        stack.send(now, id, b"OPTIONS");
    }
    assert_eq!(now, Instant::at(UNANSWERED_MAX));
}

#[test]
fn silence_on_an_open_connection_is_a_reset_after_a_minute() {
    let mut pair = Pair::new(20);
    let id = pair.client.connect(pair.now, ONE, (OTHER, PORT));
    pair.wait(Duration::from_secs(100));
    pair.events(Side::Client);
    let said_at = pair.now;
    assert!(pair.client.send(pair.now, id, b"OPTIONS"));
    while pair.client.takes(id) {
        while pair.client.poll_packet().is_some() {}
        pair.now = pair.client.poll_timeout().expect("it waits for an answer").at;
        pair.client.run(pair.now);
    }
    assert_eq!(pair.now, said_at + UNANSWERED_MAX);
    assert_eq!(pair.events(Side::Client), [TcpEvent::Reset { id }]);
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

/// Where the flags of a segment stand behind an IPv6 header, and which says that a connection is no more.
const FLAGS_AT: usize = IPV6_HEADER_LEN + 13;
const RST: u8 = 0x04;

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
