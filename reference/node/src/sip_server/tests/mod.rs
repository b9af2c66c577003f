//! The SIP server behind a scripted router: peers are made of octets, the clock jumps.

mod direct;
mod interception;
mod misdeeds;
mod peers;
mod stale;
mod storm;
mod stream;

use std::fmt::Write as _;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::{Message as IcmpMessage, NeighbourAdvertisement, Reason};
use roamproof_wire::ipv6::address::link_local;
use roamproof_wire::ipv6::{Outgoing, Packet, Reassembly, protocol};
use roamproof_wire::sip::{Fields, Message as Sip, Method};
use roamproof_wire::tcp::TcpView;
use roamproof_wire::udp::{self, Udp};

use crate::{Command, Input, Instant, Interface, Node, Output, build};

const SS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x5);
const HOA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const CN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
const OWN_MAC: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0x05, 0x00]);
const ROUTER_MAC: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0x01, 0x02]);
const EPOCH: Duration = Duration::from_secs(1_700_000_000);
const PORT: u16 = 5060;

/// The server, the link before it and the time.
struct Bench {
    node: Box<dyn Node>,
    now: Instant,
    sent: Vec<Sent>,
    log: String,
    outer: Reassembly,
    inner: Reassembly,
    /// The length of each packet that left, fragments by themselves.
    lengths: Vec<usize>,
}

/// A packet of the server's, put together and taken out of its tunnel.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    at: Duration,
    /// The outer addresses.
    tunnel: Option<(Ipv6Addr, Ipv6Addr)>,
    source: Ipv6Addr,
    destination: Ipv6Addr,
    protocol: u8,
    payload: Vec<u8>,
    /// As it left, whole.
    octets: Vec<u8>,
}

impl Bench {
    /// A server with these lines after its own configuration, plugged in.
    fn plugged(lines: &str, misdeeds: &[&str]) -> Self {
        let misdeeds: Vec<String> = misdeeds.iter().map(|name| (*name).to_owned()).collect();
        let node = build("sip-server", &config(lines), EPOCH, 5, &misdeeds).unwrap();
        let mut bench = Self {
            node,
            now: Instant::at(Duration::from_secs(1)),
            sent: Vec::new(),
            log: String::new(),
            outer: Reassembly::default(),
            inner: Reassembly::default(),
            lengths: Vec::new(),
        };
        bench.input(Input::Link { interface: Interface(0), up: true });
        bench
    }

    fn input(&mut self, input: Input<'_>) {
        self.node.handle_input(self.now, input);
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Frame { octets, .. } => self.on_frame(&octets),
                Output::Local(_) => panic!("a server lends no address"),
                Output::Event(event) => writeln!(self.log, "{event}").unwrap(),
            }
        }
    }

    fn on_frame(&mut self, frame: &[u8]) {
        let (_, octets) = Ethernet::parse(frame).unwrap();
        let packet = Packet::parse(octets).unwrap();
        if packet.protocol == protocol::ICMPV6 && packet.payload.first() >= Some(&130) {
            return self.answer_solicitation(&packet);
        }
        self.lengths.push(octets.len());
        let at = self.now.since_start();
        let Some(whole) = whole(&mut self.outer, at, octets) else { return };
        let packet = Packet::parse(&whole).unwrap();
        if packet.protocol != protocol::IPV6 {
            return self.note(None, &whole, &whole);
        }
        let tunnel = (packet.header.source, packet.header.destination);
        if let Some(inner) = self::whole(&mut self.inner, at, packet.payload) {
            self.note(Some(tunnel), &inner, &whole);
        }
    }

    fn note(&mut self, tunnel: Option<(Ipv6Addr, Ipv6Addr)>, inner: &[u8], octets: &[u8]) {
        let packet = Packet::parse(inner).unwrap();
        self.sent.push(Sent {
            at: self.now.since_start(),
            tunnel,
            source: packet.header.source,
            destination: packet.header.destination,
            protocol: packet.protocol,
            payload: packet.payload.to_vec(),
            octets: octets.to_vec(),
        });
    }

    /// The router answers for itself.
    fn answer_solicitation(&mut self, packet: &Packet<'_>) {
        let Ok(IcmpMessage::NeighbourSolicitation(asked)) = IcmpMessage::parse(packet) else {
            return;
        };
        let answer = IcmpMessage::NeighbourAdvertisement(NeighbourAdvertisement {
            router: true,
            solicited: true,
            overrides: true,
            target: asked.target,
            target_link_layer: Some(ROUTER_MAC),
        });
        let (from, to) = (link_local(ROUTER_MAC), packet.header.source);
        let mut payload = vec![0; answer.buffer_len()];
        answer.emit(from, to, &mut payload);
        let outgoing = Outgoing { hop_limit: 255, ..Outgoing::new(from, to, protocol::ICMPV6) };
        self.receive(&outgoing.to_vec(&payload));
    }

    fn receive(&mut self, packet: &[u8]) {
        let frame = ethernet::frame(OWN_MAC, ROUTER_MAC, packet);
        self.input(Input::Frame { interface: Interface(0), octets: &frame });
    }

    /// A SIP message by UDP, from `from` to the server.
    fn hear(&mut self, from: Ipv6Addr, message: &[u8]) {
        let payload = udp::datagram(from, SS, PORT, PORT, message);
        self.receive(&Outgoing::new(from, SS, protocol::UDP).to_vec(&payload));
    }

    fn command(&mut self, line: &str) {
        let command: Command = line.parse().unwrap();
        self.input(Input::Command(&command));
    }

    /// What left since the last time.
    fn drain(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// The SIP messages that left since the last time.
    fn drain_sip(&mut self) -> Vec<(Sent, Sip)> {
        self.drain().into_iter().filter_map(|sent| Some((sent.clone(), sent.sip()?))).collect()
    }

    fn wait(&mut self, milliseconds: u64) {
        let until = self.now + Duration::from_millis(milliseconds);
        while let Some(wakeup) = self.node.poll_timeout().filter(|wakeup| wakeup.at <= until) {
            self.now = self.now.max(wakeup.at);
            self.input(Input::Time);
        }
        self.now = until;
    }

    /// A terminal registers its home address.
    fn register(&mut self, user: &str, home: Ipv6Addr) {
        let number = self.now.since_start().as_millis();
        let text = register(user, home, &format!("<sip:{user}@[{home}]>"));
        let text = String::from_utf8(text).unwrap();
        // Later ones are requests of their own.
        let text = text.replace("CSeq: 1", &format!("CSeq: {number}"));
        let text = text.replace("Kregister", &format!("K{number}register"));
        self.hear(home, text.as_bytes());
        let answers = self.drain_sip();
        assert_eq!(answers.last().and_then(|(_, one)| one.status()), Some(200), "{}", self.log);
    }

    /// The caller's INVITE for `mt`; call and branch are named after `name`.
    fn call(&mut self, name: &str) {
        self.hear(CN, &invite(name, "mt", CN));
    }

    /// An ICMPv6 error from `from` about a packet of the server's.
    fn complain(&mut self, from: Ipv6Addr, about: &[u8], reason: Reason) {
        let error = roamproof_wire::icmpv6::answer(from, about, reason).unwrap();
        self.receive(&error);
    }

    /// Each SIP request of a method that left since the last time: when, and by which way.
    fn ways(&mut self, method: Method) -> Vec<(u128, String)> {
        let requests = self.drain_sip().into_iter();
        let requests = requests.filter(|(_, message)| message.method() == Some(method.clone()));
        requests.map(|(sent, _)| (sent.at.as_millis(), sent.way())).collect()
    }
}

impl Sent {
    fn sip(&self) -> Option<Sip> {
        match self.protocol {
            protocol::UDP => {
                let datagram = Udp::parse(self.source, self.destination, &self.payload).ok()?;
                Sip::parse(datagram.payload).ok()
            }
            protocol::TCP => Sip::parse(TcpView::new(&self.payload).ok()?.payload()).ok(),
            _ => None,
        }
    }

    /// `home` for a plain packet, otherwise where the tunnel ends.
    fn way(&self) -> String {
        match self.tunnel {
            None => self.destination.to_string(),
            Some((source, destination)) => {
                assert_eq!((source, self.source), (SS, SS), "a tunnel of the server's");
                format!("{} in {destination}", self.destination)
            }
        }
    }
}

/// The packet once all its pieces are there.
fn whole(reassembly: &mut Reassembly, at: Duration, octets: &[u8]) -> Option<Vec<u8>> {
    let packet = Packet::parse(octets).unwrap();
    match packet.piece() {
        None => Some(packet.octets.to_vec()),
        Some(_) => reassembly.push(at, &packet).unwrap(),
    }
}

fn config(lines: &str) -> String {
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"02:00:5e:10:05:00\"\naddresses = [\"{SS}/64\"]\n\
         [[route]]\nprefix = \"::/0\"\nvia = \"{}\"\ninterface = \"eth0\"\n\
         [sip_server]\naddress = \"{SS}\"\ndomain = \"example.com\"\n{lines}",
        link_local(ROUTER_MAC)
    )
}

fn register(user: &str, home: Ipv6Addr, contact: &str) -> Vec<u8> {
    format!(
        "REGISTER sip:example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP [{home}];branch=z9hG4bKregister{user}\r\nMax-Forwards: 70\r\n\
         From: <sip:{user}@example.com>;tag=r1\r\nTo: <sip:{user}@example.com>\r\n\
         Call-ID: register-{user}\r\nCSeq: 1 REGISTER\r\nContact: {contact}\r\n\
         Expires: 3600\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn invite(name: &str, user: &str, caller: Ipv6Addr) -> Vec<u8> {
    invite_with_body(name, user, caller, "")
}

fn invite_with_body(name: &str, user: &str, caller: Ipv6Addr, body: &str) -> Vec<u8> {
    format!(
        "INVITE sip:{user}@example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP [{caller}];branch=z9hG4bK{name}\r\nMax-Forwards: 70\r\n\
         From: <sip:cn@example.com>;tag=c1\r\nTo: <sip:{user}@example.com>\r\n\
         Call-ID: {name}\r\nCSeq: 1 INVITE\r\nContact: <sip:cn@[{caller}]>\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A response to a request as the server sent it.
fn response(request: &Sip, status: u16) -> Vec<u8> {
    let mut response = Sip::response_to(request, status, "As Scripted");
    if status > 100 {
        response.set_to_tag("t1");
    }
    response.to_vec()
}
