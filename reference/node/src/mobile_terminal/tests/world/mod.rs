//! A scripted world around one mobile terminal: routers, a home agent, correspondents and a SIP
//! server that answer by the book, and can each be told not to.

mod correspondents;
mod links;
mod signalling;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::ipv6::{self, Packet, protocol};
use roamproof_wire::mobility::{BindingUpdate, Sequence, Status};
use roamproof_wire::sip::Message;
use roamproof_wire::udp::Udp;

use crate::build::Start;
use crate::misdeed::Misdeeds;
use crate::mobile_terminal::MobileTerminal;
use crate::{Command, Input, Instant, Interface, Node, Output};

use links::{is_discovery, prefix, router_mac};
pub(crate) use signalling::description;

pub(crate) const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
pub(crate) const AGENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);
pub(crate) const SERVER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x5);
pub(crate) const PEER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
pub(crate) const KEY: [u8; 20] = *b"mobile-home-agent-k1";
const EPOCH: Duration = Duration::from_secs(1_700_000_000);
const LATENCY: Duration = Duration::from_millis(5);
const MAC: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0xa1, 0x00]);
const PORT: u16 = 5060;

/// A link that the terminal can be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Home,
    Visited1,
    Visited2,
}

/// What a correspondent leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loses {
    HomeTest,
    CareOfTest,
    Acknowledgement,
}

/// A correspondent.
#[derive(Debug, Default)]
pub(crate) struct Correspondent {
    pub(crate) loses: BTreeSet<Loses>,
    /// Answers mobility messages with ICMPv6 Parameter Problem.
    pub(crate) knows_no_mobility: bool,
    /// What the next Binding Updates are answered with instead of 0.
    pub(crate) statuses: VecDeque<Status>,
    pub(crate) bound: Option<Ipv6Addr>,
    pub(crate) updates: Vec<BindingUpdate>,
    pub(crate) last_cookie: [u8; 8],
    /// Refuses the next Binding Update with 135 and a number this much higher.
    pub(crate) last_sequence_ahead: Option<u16>,
}

/// The world.
pub(crate) struct World {
    pub(crate) mt: MobileTerminal,
    pub(crate) now: Instant,
    pub(crate) on: Option<On>,
    /// Whether the home agent answers.
    pub(crate) agent_answers: bool,
    pub(crate) agent_status: Status,
    pub(crate) agent_bound: Option<Ipv6Addr>,
    pub(crate) agent_updates: Vec<BindingUpdate>,
    /// The home agent binds, but its answers get lost.
    pub(crate) agent_silent_but_bound: bool,
    /// What the home agent's clock is ahead.
    pub(crate) agent_clock_ahead: Option<Duration>,
    /// The number that the home agent says it had last, once.
    pub(crate) agent_last: Option<Sequence>,
    /// Whether updates to the home agent have to be authenticated.
    pub(crate) authenticated: bool,
    /// Somebody on the link has the address that the terminal probes first.
    pub(crate) claims_first_address: bool,
    /// A stranger on the home link has the home address.
    pub(crate) claims_home_address: bool,
    /// Whose tunnel INVITEs come by.
    pub(crate) invite_tunnel: Ipv6Addr,
    /// The interval that routers announce; they advertise only when asked all the same.
    pub(crate) interval_ms: u32,
    /// Whether the terminal is expected to go by the book.
    pub(crate) strict: bool,
    /// Whether routers say their link-layer address.
    pub(crate) names_agent: bool,
    /// Packets for programs.
    pub(crate) locals: Vec<Vec<u8>>,
    pub(crate) peers: BTreeMap<Ipv6Addr, Correspondent>,
    /// SIP messages of the terminal.
    pub(crate) sip: Vec<Message>,
    pub(crate) story: Vec<(Instant, String)>,
    wire: VecDeque<(Instant, Vec<u8>)>,
}

impl World {
    /// The correspondent that calls.
    pub(crate) fn peer(&mut self) -> &mut Correspondent {
        self.peers.get_mut(&PEER).expect("every world has it")
    }

    pub(crate) fn new(lines: &str) -> Self {
        Self::doing(lines, &[])
    }

    /// A world whose terminal does `misdeeds`.
    pub(crate) fn doing(lines: &str, misdeeds: &[&str]) -> Self {
        let text = format!(
            "[[interface]]\nname = \"eth0\"\nmac = \"02:00:5e:10:a1:00\"\n\
             [mobile]\nhome_address = \"{HOME}/64\"\nhome_agent = \"{AGENT}\"\nspi = 1000\n\
             key = \"{}\"\ntunnels_from = [\"{SERVER}\"]\n{lines}\n\
             [sip]\nidentifier = \"sip:mt@example.com\"\nserver = \"{SERVER}\"\n\
             answer_after_ms = 200\nsilence_max_s = 0\n",
            KEY.map(|octet| format!("{octet:02x}")).concat(),
        );
        let names: Vec<String> = misdeeds.iter().map(|name| (*name).to_owned()).collect();
        let misdeeds = Misdeeds::named("mobile-terminal", &names).unwrap();
        let start = Start { epoch: EPOCH, seed: 7, misdeeds };
        Self {
            mt: MobileTerminal::new(toml::from_str(&text).unwrap(), &start).unwrap(),
            now: Instant::ZERO,
            on: None,
            agent_answers: true,
            agent_status: Status::ACCEPTED,
            agent_bound: None,
            agent_updates: Vec::new(),
            agent_silent_but_bound: false,
            agent_clock_ahead: None,
            agent_last: None,
            authenticated: true,
            claims_first_address: false,
            claims_home_address: false,
            invite_tunnel: AGENT,
            interval_ms: 0,
            strict: true,
            names_agent: true,
            locals: Vec::new(),
            peers: BTreeMap::new(),
            sip: Vec::new(),
            story: Vec::new(),
            wire: VecDeque::new(),
        }
    }

    /// A world in which the terminal is registered from the first visited link, its story empty.
    pub(crate) fn registered(lines: &str, misdeeds: &[&str]) -> Self {
        let mut world = Self::doing(lines, misdeeds);
        world.peers.insert(PEER, Correspondent::default());
        world.plug(On::Visited1);
        world.run_for(Duration::from_secs(5));
        assert!(world.agent_bound.is_some(), "{}", world.tell());
        world.story.clear();
        world.sip.clear();
        world
    }

    pub(crate) fn plug(&mut self, on: On) {
        if self.on.take().is_some() {
            self.input(Input::Link { interface: Interface(0), up: false });
        }
        self.on = Some(on);
        self.input(Input::Link { interface: Interface(0), up: true });
    }

    pub(crate) fn command(&mut self, line: &str) {
        let command: Command = line.parse().unwrap();
        self.input(Input::Command(&command));
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        let mut inputs_at_now = 0;
        loop {
            let wire = self.wire.front().map(|(at, _)| *at);
            let due = self.mt.poll_timeout().map(|wakeup| wakeup.at);
            let Some(next) = [wire, due].into_iter().flatten().min().filter(|at| *at <= until)
            else {
                break;
            };
            let waited = next > self.now;
            inputs_at_now = if waited { 0 } else { inputs_at_now + 1 };
            assert!(inputs_at_now < 10_000, "endless: {:?}", self.mt.poll_timeout());
            self.now = self.now.max(next);
            match self.wire.front() {
                Some((at, _)) if *at <= self.now => {
                    let (_, frame) = self.wire.pop_front().unwrap();
                    let interface = Interface(0);
                    self.input(Input::Frame { interface, octets: &frame });
                }
                Some(_) | None => self.input(Input::Time),
            }
        }
        self.now = until;
    }

    pub(crate) fn run_ms(&mut self, ms: u64) {
        self.run_for(Duration::from_millis(ms));
    }

    /// What happened so far, one line each, with the time in milliseconds.
    pub(crate) fn tell(&self) -> String {
        let start = self.story.first().map_or(Instant::ZERO, |(at, _)| *at);
        let line =
            |(at, what): &(Instant, String)| format!("{:>5} {what}\n", (*at - start).as_millis());
        self.story.iter().map(line).collect()
    }

    /// What happened, without times.
    pub(crate) fn order(&self) -> String {
        let lines: Vec<&str> = self.story.iter().map(|(_, what)| what.as_str()).collect();
        lines.join(", ")
    }

    /// What happened, without times and media.
    pub(crate) fn signalling(&self) -> String {
        let lines = self.story.iter().map(|(_, what)| what.as_str());
        let lines: Vec<&str> = lines.filter(|what| !what.starts_with("media")).collect();
        lines.join(", ")
    }

    /// Notes a line of the test's own, at which times begin.
    pub(crate) fn note(&mut self, what: &str) {
        self.story.push((self.now, what.to_owned()));
    }

    /// The care-of address on the present link.
    pub(crate) fn care_of(&self) -> Ipv6Addr {
        ipv6::address::with_interface_identifier(prefix(self.on.unwrap()), MAC)
    }

    /// A packet into the home agent's tunnel.
    pub(crate) fn tunnel(&mut self, inner: &[u8]) {
        self.tunnel_from(AGENT, inner);
    }

    pub(crate) fn tunnel_from(&mut self, from: Ipv6Addr, inner: &[u8]) {
        let outer = ipv6::encapsulate(from, self.care_of(), 64, inner);
        self.deliver(&outer);
    }

    /// A packet to the terminal, as the last router sends it.
    pub(crate) fn deliver(&mut self, packet: &[u8]) {
        let mut frame = vec![0; ethernet::HEADER_LEN];
        let ether_type = ethernet::IPV6;
        Ethernet { destination: MAC, source: router_mac(On::Home), ether_type }
            .emit(&mut frame[..14]);
        frame.extend_from_slice(packet);
        self.wire.push_back((self.now + LATENCY, frame));
    }

    /// An input whose outputs nobody looks at.
    pub(crate) fn mt_only(&mut self, input: Input<'_>) {
        self.mt.handle_input(self.now, input);
        while self.mt.poll_output().is_some() {}
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.mt.handle_input(self.now, input);
        while let Some(output) = self.mt.poll_output() {
            match output {
                Output::Frame { octets, .. } => self.on_frame(&octets),
                Output::Local(packet) => self.locals.push(packet),
                Output::Event(_) => {}
            }
        }
    }

    fn on_frame(&mut self, frame: &[u8]) {
        let (_, octets) = Ethernet::parse(frame).unwrap();
        let packet = Packet::parse(octets).unwrap();
        let Some(on) = self.on else { return };
        if packet.piece().is_some() {
            return self.note("fragment");
        }
        if packet.protocol == protocol::ICMPV6 && is_discovery(&packet) {
            return self.on_discovery(on, &packet);
        }
        if packet.protocol == protocol::IPV6 {
            assert_eq!(packet.header.destination, AGENT);
            let inner = Packet::parse(packet.payload).unwrap();
            assert!(!self.strict || inner.header.source == HOME);
            if self.agent_bound == Some(packet.header.source) {
                self.on_packet(&inner, "tunnel");
            }
            return;
        }
        let way = match packet.home_address {
            Some(_) if packet.header.source != self.care_of() => "from another address",
            Some(_) => "direct",
            None => "native",
        };
        self.on_packet(&packet, way);
    }

    fn on_packet(&mut self, packet: &Packet<'_>, way: &str) {
        let to = packet.header.destination;
        match packet.protocol {
            protocol::MOBILITY if to == AGENT => self.on_agent_message(packet),
            protocol::MOBILITY => self.on_peer_message(packet, way),
            protocol::UDP => {
                let Ok(datagram) = Udp::parse(packet.source(), to, packet.payload) else {
                    return self.note(&format!("protocol 17 {way}"));
                };
                if datagram.destination_port == PORT {
                    return self.on_sip(packet, &datagram, way);
                }
                let line = format!("media {way}");
                if self.story.last().is_none_or(|(_, last)| *last != line) {
                    self.note(&line);
                }
            }
            protocol::ICMPV6 => self.note(&format!("ICMPv6 {} {way}", packet.payload[0])),
            other => self.note(&format!("protocol {other} {way}")),
        }
    }
}

pub(crate) const HOME_TOKEN: [u8; 8] = [0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8];
