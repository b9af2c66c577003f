//! The scene around a mobile terminal: its home agent, the SIP server and every correspondent, who
//! answer as they should but for what a purpose takes into its own hands.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Packet, encapsulate, protocol};
use roamproof_wire::mobility::{BindingUpdate, Lifetime, Message};
use roamproof_wire::sip::{Fields, Message as SipMessage, Method, Transport, Uri};

use super::actor::{Actor, Sent};
use super::correspondent::Correspondent;
use super::home_agent::HomeAgent;
use super::sip::{SipPeer, packet};
use super::stream::{Said, StreamId, Streams};
use super::template::{answers, innermost, inside, message_in, sip_in};
use crate::plan::Plan;

/// Everyone around the terminal.
#[derive(Debug)]
pub struct Scene {
    /// The home agent.
    pub agent: HomeAgent,
    /// The SIP server.
    pub server: SipPeer,
    /// Whether home registrations are acknowledged.
    pub acknowledges_home: bool,
    /// Whether what the server says goes in a tunnel of its own (claims 10 and 11).
    pub direct: bool,
    /// Where the terminal registered with the server.
    pub contact: Option<Uri>,
    /// Every SIP message of the terminal, in order.
    pub said: Vec<Heard>,
    correspondents: BTreeMap<Ipv6Addr, Manners>,
    /// The newest update to each, by index in the capture: whoever acknowledges another may be
    /// right or not, by RFC 6275.
    updates: BTreeMap<Ipv6Addr, usize>,
    streams: Streams,
    to_terminal: Option<StreamId>,
}

/// A SIP message of the terminal.
#[derive(Debug, Clone)]
pub struct Heard {
    /// It.
    pub message: SipMessage,
    /// The frame that it came in, by index in the capture.
    pub frame: usize,
}

/// What a correspondent answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Home Test Inits.
    pub home_tests: Answers,
    /// Care-of Test Inits.
    pub care_of_tests: Answers,
    /// Binding Updates.
    pub updates: Answers,
    /// The longest lifetime that it grants.
    pub lifetime: Lifetime,
}

/// Which of them are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Every one.
    All,
    /// Every one but so many at the beginning.
    AllBut(u32),
    /// None.
    None,
}

impl Manners {
    /// One that knows Mobile IPv6.
    pub const CAPABLE: Self = Self {
        home_tests: Answers::All,
        care_of_tests: Answers::All,
        updates: Answers::All,
        lifetime: Lifetime::MAX_RR_BINDING,
    };
    /// One whose answers to updates the purpose gives.
    pub const WITHHOLDING: Self = Self { updates: Answers::None, ..Self::CAPABLE };
    /// One that never answers.
    pub const SILENT: Self =
        Self { home_tests: Answers::None, care_of_tests: Answers::None, ..Self::WITHHOLDING };
}

impl Answers {
    fn next(&mut self) -> bool {
        match self {
            Self::All | Self::AllBut(0) => true,
            Self::AllBut(left) => {
                *left -= 1;
                false
            }
            Self::None => false,
        }
    }
}

impl Scene {
    /// The plan's home agent and SIP server, no correspondent yet; it is `unix`, the Unix time.
    pub fn new(plan: &Plan, unix: Duration) -> Self {
        Self {
            agent: HomeAgent::new(plan),
            server: SipPeer::since(plan.ss, unix),
            acknowledges_home: true,
            direct: false,
            contact: None,
            said: Vec::new(),
            correspondents: BTreeMap::new(),
            updates: BTreeMap::new(),
            streams: Streams::new(plan.ss, SEED),
            to_terminal: None,
        }
    }

    /// From now on the correspondent at `address` behaves like this.
    pub fn behaves(&mut self, address: Ipv6Addr, manners: Manners) {
        self.correspondents.insert(address, manners);
    }

    /// The packets that carry a message of the server's to the terminal, by the way that is in use:
    /// the home agent's tunnel, the server's own, or none at home.
    pub fn says(&mut self, now: Duration, message: &SipMessage) -> Vec<Vec<u8>> {
        let Some(home) = self.agent.home else { return Vec::new() };
        let plain = match self.server.transport {
            Transport::Udp => vec![self.server.packet(home, message)],
            Transport::Tcp => {
                let streams = &mut self.streams;
                let stream = *self.to_terminal.get_or_insert_with(|| streams.connect(now, home));
                streams.say(now, stream, message);
                streams.packets()
            }
        };
        plain.iter().map(|packet| self.carries(packet)).collect()
    }

    /// A packet to the terminal's home address as it travels now: the home agent takes what is not
    /// the server's own.
    pub fn carries(&self, plain: &[u8]) -> Vec<u8> {
        let Some(care_of) = self.agent.care_of else { return plain.to_vec() };
        let servers = |packet: Packet<'_>| packet.source() == self.server.address;
        let own = self.direct && Packet::parse(plain).is_ok_and(servers);
        let entry = if own { self.server.address } else { self.agent.address };
        encapsulate(entry, care_of, HOP_LIMIT, plain)
    }

    /// The newest Binding Update to a node, the home agent or a correspondent, by index in the
    /// capture.
    pub fn newest_update(&self, to: Ipv6Addr) -> Option<usize> {
        self.updates.get(&to).copied()
    }

    /// The terminal's responses to a request, in order.
    pub fn responses_to(&self, request: &SipMessage) -> impl Iterator<Item = &Heard> {
        self.said.iter().filter(|heard| answers(&heard.message, request))
    }

    fn hear_mobility(&mut self, sent: &Sent<'_>) -> Option<Vec<u8>> {
        let inner = innermost(&sent.packet);
        let tunnelled = inside(&sent.packet).is_some();
        let to = inner.header.destination;
        let message = message_in(&inner)?;
        if matches!(message, Message::BindingUpdate(_)) {
            self.updates.insert(to, sent.frame);
        }
        if let Message::BindingUpdate(BindingUpdate { home_registration: true, .. }) = message {
            let own = to == self.agent.address && self.acknowledges_home;
            return own.then(|| self.agent.acknowledges(&inner)).flatten();
        }
        let manners = self.correspondents.get_mut(&to)?;
        let script = Correspondent::new(to);
        if matches!(message, Message::BindingUpdate(_)) {
            return manners.updates.next().then(|| script.grants(&inner, manners.lifetime))?;
        }
        let of_home = matches!(message, Message::HomeTestInit(_));
        let answers = if of_home { &mut manners.home_tests } else { &mut manners.care_of_tests };
        let answer = script.answers_test(&inner).filter(|_| answers.next())?;
        Some(if tunnelled { self.carries(&answer) } else { answer })
    }

    /// Takes in the terminal's SIP; REGISTER is answered.
    fn hear_sip(&mut self, sent: &Sent<'_>) -> Vec<Vec<u8>> {
        let inner = innermost(&sent.packet);
        if inner.protocol == protocol::TCP {
            return self.hear_stream(sent.now, sent.frame, &inner);
        }
        let Some(message) = sip_in(&inner) else { return Vec::new() };
        let answer = self.takes_register(&message);
        let source = inner.source();
        let answer = answer.map(|answer| packet(self.server.address, source, &answer));
        self.said.push(Heard { message, frame: sent.frame });
        answer.iter().map(|answer| self.carries(answer)).collect()
    }

    fn hear_stream(&mut self, now: Duration, frame: usize, inner: &Packet<'_>) -> Vec<Vec<u8>> {
        for Said { stream, message, frame } in self.streams.take(now, frame, inner) {
            if let Some(answer) = self.takes_register(&message) {
                self.streams.say(now, stream, &answer);
            }
            self.said.push(Heard { message, frame });
        }
        let packets = self.streams.packets();
        packets.iter().map(|packet| self.carries(packet)).collect()
    }

    fn takes_register(&mut self, message: &SipMessage) -> Option<SipMessage> {
        if message.method() != Some(Method::Register) {
            return None;
        }
        self.contact = message.contact().ok()?.map(|contact| contact.uri.to_owned());
        self.server.registers(message)
    }
}

impl Actor for Scene {
    fn hear(&mut self, sent: &Sent<'_>) -> Vec<Vec<u8>> {
        let mut answers = self.hear_sip(sent);
        answers.extend(self.hear_mobility(sent));
        answers
    }
}

const HOP_LIMIT: u8 = 64;
/// Fixes the sequence numbers of the server's streams.
const SEED: u64 = 0x7e57;
