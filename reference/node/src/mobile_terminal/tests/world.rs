//! A scripted world around one mobile terminal: routers, a home agent, correspondents and a SIP
//! server that answer by the book, and can each be told not to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::{
    Message as Icmp, NeighbourAdvertisement, NeighbourOption, PrefixInformation,
    RouterAdvertisement, kind,
};
use roamproof_wire::ipv6::address::{ALL_NODES, link_local};
use roamproof_wire::ipv6::{self, Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingAcknowledgement, BindingManagementKey, BindingUpdate, CareOfTest,
    HomeTest, Lifetime, Message as Mobility, MnHaAuthentication, NtpTimestamp, Sequence, Status,
    verify_binding_authorization, verify_mn_ha,
};
use roamproof_wire::sip::{Fields, Message, Method};
use roamproof_wire::udp::{self, Udp};

use crate::build::Start;
use crate::misdeed::Misdeeds;
use crate::mobile_terminal::MobileTerminal;
use crate::{Command, Input, Instant, Interface, Node, Output};

pub(super) const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
pub(super) const AGENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);
pub(super) const SERVER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x5);
pub(super) const PEER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
pub(super) const KEY: [u8; 20] = *b"mobile-home-agent-k1";
const EPOCH: Duration = Duration::from_secs(1_700_000_000);
const LATENCY: Duration = Duration::from_millis(5);
const MAC: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0xa1, 0x00]);
const PORT: u16 = 5060;

/// A link that the terminal can be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Home,
    Visited1,
    Visited2,
}

/// What a correspondent leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loses {
    HomeTest,
    CareOfTest,
    Acknowledgement,
}

/// A correspondent.
#[derive(Debug, Default)]
pub(super) struct Correspondent {
    pub(super) loses: BTreeSet<Loses>,
    /// Answers mobility messages with ICMPv6 Parameter Problem.
    pub(super) knows_no_mobility: bool,
    /// What the next Binding Updates are answered with instead of 0.
    pub(super) statuses: VecDeque<Status>,
    pub(super) bound: Option<Ipv6Addr>,
    pub(super) updates: Vec<BindingUpdate>,
    pub(super) last_cookie: [u8; 8],
    /// Refuses the next Binding Update with 135 and a number this much higher.
    pub(super) last_sequence_ahead: Option<u16>,
}

/// The world.
pub(super) struct World {
    pub(super) mt: MobileTerminal,
    pub(super) now: Instant,
    pub(super) on: Option<On>,
    /// Whether the home agent answers.
    pub(super) agent_answers: bool,
    pub(super) agent_status: Status,
    pub(super) agent_bound: Option<Ipv6Addr>,
    pub(super) agent_updates: Vec<BindingUpdate>,
    /// The home agent binds, but its answers get lost.
    pub(super) agent_silent_but_bound: bool,
    /// What the home agent's clock is ahead.
    pub(super) agent_clock_ahead: Option<Duration>,
    /// The number that the home agent says it had last, once.
    pub(super) agent_last: Option<Sequence>,
    /// Whether updates to the home agent have to be authenticated.
    pub(super) authenticated: bool,
    /// Somebody on the link has the address that the terminal probes first.
    pub(super) claims_first_address: bool,
    /// Whose tunnel INVITEs come by.
    pub(super) invite_tunnel: Ipv6Addr,
    /// The interval that routers announce; they advertise only when asked all the same.
    pub(super) interval_ms: u32,
    /// Whether the terminal is expected to go by the book.
    pub(super) strict: bool,
    /// Packets for programs.
    pub(super) locals: Vec<Vec<u8>>,
    pub(super) peers: BTreeMap<Ipv6Addr, Correspondent>,
    /// SIP messages of the terminal.
    pub(super) sip: Vec<Message>,
    pub(super) story: Vec<(Instant, String)>,
    wire: VecDeque<(Instant, Vec<u8>)>,
}

impl World {
    pub(super) fn new(lines: &str) -> Self {
        Self::doing(lines, &[])
    }

    /// A world whose terminal does `misdeeds`.
    pub(super) fn doing(lines: &str, misdeeds: &[&str]) -> Self {
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
            invite_tunnel: AGENT,
            interval_ms: 0,
            strict: true,
            locals: Vec::new(),
            peers: BTreeMap::new(),
            sip: Vec::new(),
            story: Vec::new(),
            wire: VecDeque::new(),
        }
    }

    /// A world in which the terminal is registered from the first visited link, its story empty.
    pub(super) fn registered(lines: &str, misdeeds: &[&str]) -> Self {
        let mut world = Self::doing(lines, misdeeds);
        world.peers.insert(PEER, Correspondent::default());
        world.plug(On::Visited1);
        world.run_for(Duration::from_secs(5));
        assert!(world.agent_bound.is_some(), "{}", world.tell());
        world.story.clear();
        world.sip.clear();
        world
    }

    pub(super) fn plug(&mut self, on: On) {
        if self.on.take().is_some() {
            self.input(Input::Link { interface: Interface(0), up: false });
        }
        self.on = Some(on);
        self.input(Input::Link { interface: Interface(0), up: true });
    }

    pub(super) fn command(&mut self, line: &str) {
        let command: Command = line.parse().unwrap();
        self.input(Input::Command(&command));
    }

    pub(super) fn run_for(&mut self, time: Duration) {
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

    pub(super) fn run_ms(&mut self, ms: u64) {
        self.run_for(Duration::from_millis(ms));
    }

    /// What happened so far, one line each, with the time in milliseconds.
    pub(super) fn tell(&self) -> String {
        let start = self.story.first().map_or(Instant::ZERO, |(at, _)| *at);
        let line =
            |(at, what): &(Instant, String)| format!("{:>5} {what}\n", (*at - start).as_millis());
        self.story.iter().map(line).collect()
    }

    /// What happened, without times.
    pub(super) fn order(&self) -> String {
        let lines: Vec<&str> = self.story.iter().map(|(_, what)| what.as_str()).collect();
        lines.join(", ")
    }

    /// What happened, without times and media.
    pub(super) fn signalling(&self) -> String {
        let lines = self.story.iter().map(|(_, what)| what.as_str());
        let lines: Vec<&str> = lines.filter(|what| !what.starts_with("media")).collect();
        lines.join(", ")
    }

    /// Notes a line of the test's own, at which times begin.
    pub(super) fn note(&mut self, what: &str) {
        self.story.push((self.now, what.to_owned()));
    }

    /// The care-of address on the present link.
    pub(super) fn care_of(&self) -> Ipv6Addr {
        ipv6::address::with_interface_identifier(prefix(self.on.unwrap()), MAC)
    }

    /// A packet into the home agent's tunnel.
    pub(super) fn tunnel(&mut self, inner: &[u8]) {
        self.tunnel_from(AGENT, inner);
    }

    pub(super) fn tunnel_from(&mut self, from: Ipv6Addr, inner: &[u8]) {
        let outer = ipv6::encapsulate(from, self.care_of(), 64, inner);
        self.deliver(&outer);
    }

    /// A packet to the terminal, as the last router sends it.
    pub(super) fn deliver(&mut self, packet: &[u8]) {
        let mut frame = vec![0; ethernet::HEADER_LEN];
        let ether_type = ethernet::IPV6;
        Ethernet { destination: MAC, source: router_mac(On::Home), ether_type }
            .emit(&mut frame[..14]);
        frame.extend_from_slice(packet);
        self.wire.push_back((self.now + LATENCY, frame));
    }

    /// An INVITE from the server, by the home agent's tunnel; its call is `call`.
    pub(super) fn invite(&mut self, call: &str, media: Ipv6Addr) {
        let body = description(media);
        self.invite_with(call, &body);
    }

    pub(super) fn invite_with(&mut self, call: &str, body: &str) {
        self.note(&format!("INVITE {call}"));
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
        let text = format!(
            "INVITE sip:mt@[{HOME}] SIP/2.0\nVia: SIP/2.0/UDP [{SERVER}];branch=z9hG4bKs{call}\n\
             Via: SIP/2.0/UDP [2001:db8:c::99];branch=z9hG4bKc{call}\n\
             Record-Route: <sip:[{SERVER}];lr>\nMax-Forwards: 69\n\
             From: <sip:cn@example.com>;tag=f{call}\nTo: <sip:mt@example.com>\nCall-ID: {call}\n\
             CSeq: 1 INVITE\nContact: <sip:cn@[{PEER}]>\n{kind}"
        );
        self.sip_to_terminal(&text, body);
    }

    /// A request within the call that the last 200 answered.
    pub(super) fn request_within(&mut self, call: &str, number: u32, method: &str, body: &str) {
        let ok = self
            .sip
            .iter()
            .rev()
            .find(|message| message.status() == Some(200) && message.call_id() == Ok(call))
            .expect("answered");
        let tag = ok.to().unwrap().tag().unwrap().to_owned();
        self.note(&format!("{method} {call}"));
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
        let text = format!(
            "{method} sip:mt@[{HOME}] SIP/2.0\n\
             Via: SIP/2.0/UDP [{SERVER}];branch=z9hG4bKs{call}{method}{number}\n\
             Via: SIP/2.0/UDP [{PEER}];branch=z9hG4bKc{call}{method}{number}\nMax-Forwards: 69\n\
             From: <sip:cn@example.com>;tag=f{call}\nTo: <sip:mt@example.com>;tag={tag}\n\
             Call-ID: {call}\nCSeq: {number} {method}\nContact: <sip:cn@[{PEER}]>\n{kind}"
        );
        self.sip_to_terminal(&text, body);
    }

    /// A CANCEL of the pending INVITE of `call`.
    pub(super) fn cancel(&mut self, call: &str) {
        self.note(&format!("CANCEL {call}"));
        let text = format!(
            "CANCEL sip:mt@[{HOME}] SIP/2.0\nVia: SIP/2.0/UDP [{SERVER}];branch=z9hG4bKs{call}\n\
             Max-Forwards: 69\nFrom: <sip:cn@example.com>;tag=f{call}\nTo: <sip:mt@example.com>\n\
             Call-ID: {call}\nCSeq: 1 CANCEL\n"
        );
        self.sip_to_terminal(&text, "");
    }

    pub(super) fn options(&mut self, call: &str) {
        self.note(&format!("OPTIONS {call}"));
        let text = format!(
            "OPTIONS sip:mt@[{HOME}] SIP/2.0\nVia: SIP/2.0/UDP [{SERVER}];branch=z9hG4bKo{call}\n\
             Max-Forwards: 69\nFrom: <sip:cn@example.com>;tag=f{call}\nTo: <sip:mt@example.com>\n\
             Call-ID: {call}\nCSeq: 1 OPTIONS\n"
        );
        self.sip_to_terminal(&text, "");
    }

    fn sip_to_terminal(&mut self, head: &str, body: &str) {
        let body = body.replace('\n', "\r\n");
        let text = format!("{head}Content-Length: {}\n\n", body.len()).replace('\n', "\r\n");
        let octets = [text.as_bytes(), body.as_bytes()].concat();
        let payload = udp::datagram(SERVER, HOME, PORT, PORT, &octets);
        let packet = Outgoing::new(SERVER, HOME, protocol::UDP).to_vec(&payload);
        if self.on == Some(On::Home) {
            return self.deliver(&packet);
        }
        self.tunnel_from(self.invite_tunnel, &packet);
    }

    /// A 200 to the terminal's last INVITE.
    pub(super) fn answer_call(&mut self, body: &str) {
        let invite = self.sip.iter().rev().find(|one| one.method() == Some(Method::Invite));
        let mut answer = Message::response_to(invite.expect("called"), 200, "OK");
        answer.set_to_tag("t9");
        answer.push(roamproof_wire::sip::HeaderName::Contact, format!("<sip:cn@[{PEER}]>"));
        answer.set_body("application/sdp", body.replace('\n', "\r\n").into_bytes());
        self.note("200");
        let payload = udp::datagram(SERVER, HOME, PORT, PORT, &answer.to_vec());
        self.tunnel(&Outgoing::new(SERVER, HOME, protocol::UDP).to_vec(&payload));
    }

    /// The router advertises unasked.
    pub(super) fn advertise(&mut self) {
        let on = self.on.unwrap();
        self.advertise_as(router_mac(on).0[4], on);
    }

    /// A router whose link-layer address ends in `mac` advertises the prefix of a link.
    pub(super) fn advertise_as(&mut self, mac: u8, on: On) {
        let mut address = router_mac(on);
        address.0[4] = mac;
        let mut message = advertisement(on, self.interval_ms);
        message.options[0] = NeighbourOption::SourceLinkLayer(address);
        let outgoing = discovery(link_local(address), ALL_NODES);
        self.deliver(&Icmp::RouterAdvertisement(message).packet(&outgoing));
    }

    /// A router on the way to the home agent carries only `mtu` octets.
    pub(super) fn too_big(&mut self, mtu: u32) {
        let inner = Outgoing::new(HOME, PEER, protocol::UDP).to_vec(&[7; 1420]);
        let outer = ipv6::encapsulate(self.care_of(), AGENT, 64, &inner);
        let reason = roamproof_wire::icmpv6::Reason::PacketTooBig { mtu };
        let answer = roamproof_wire::icmpv6::answer(SERVER, &outer, reason).unwrap();
        self.deliver(&answer);
    }

    /// An input whose outputs nobody looks at.
    pub(super) fn mt_only(&mut self, input: Input<'_>) {
        self.mt.handle_input(self.now, input);
        while self.mt.poll_output().is_some() {}
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
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

    fn on_discovery(&mut self, on: On, packet: &Packet<'_>) {
        let answer = match Icmp::parse(packet).unwrap() {
            Icmp::RouterSolicitation(_) => {
                self.note("RS");
                let from = link_local(router_mac(on));
                let outgoing = discovery(from, ALL_NODES);
                let message = advertisement(on, self.interval_ms);
                Icmp::RouterAdvertisement(message).packet(&outgoing)
            }
            Icmp::NeighbourSolicitation(message) if packet.header.source.is_unspecified() => {
                if !message.target.is_unicast_link_local() {
                    self.note(&format!("probe {}", message.target));
                }
                if message.target != self.care_of() || !self.claims_first_address {
                    return;
                }
                let answer = NeighbourAdvertisement {
                    router: false,
                    solicited: false,
                    overrides: true,
                    target: message.target,
                    target_link_layer: Some(router_mac(on)),
                };
                let outgoing = discovery(message.target, ALL_NODES);
                Icmp::NeighbourAdvertisement(answer).packet(&outgoing)
            }
            // The router of a link that was left does not answer.
            Icmp::NeighbourSolicitation(message)
                if message.target.is_unicast_link_local()
                    && message.target != link_local(router_mac(on)) =>
            {
                return;
            }
            Icmp::NeighbourSolicitation(message) => {
                let answer = NeighbourAdvertisement {
                    router: true,
                    solicited: true,
                    overrides: true,
                    target: message.target,
                    target_link_layer: Some(router_mac(on)),
                };
                let outgoing = discovery(message.target, packet.header.source);
                Icmp::NeighbourAdvertisement(answer).packet(&outgoing)
            }
            Icmp::NeighbourAdvertisement(message) if message.target == HOME => {
                return self.note("NA");
            }
            other => {
                let seen = matches!(other, Icmp::MldReport(_) | Icmp::NeighbourAdvertisement(_));
                assert!(seen, "{other:?} from a terminal");
                return;
            }
        };
        self.deliver(&answer);
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

    fn on_agent_message(&mut self, packet: &Packet<'_>) {
        let message = Mobility::parse(packet.payload).unwrap();
        let Mobility::BindingUpdate(update) = message else {
            assert!(!self.strict, "{} to the home agent", message.name());
            return self.note(&format!("{} to the home agent", short(message.name())));
        };
        if packet.source() != HOME {
            assert!(!self.strict, "an update for {}", packet.source());
            return self.note("home BU for another home address");
        }
        assert!(update.home_registration && update.acknowledge);
        let source = packet.header.source;
        let care_of = update.alternate_care_of().unwrap_or(source);
        let genuine = verify_mn_ha(&KEY, care_of, HOME, packet.payload);
        assert_eq!(genuine, self.authenticated);
        let gone = update.lifetime == Lifetime::ZERO;
        self.note(if gone { "home BU 0" } else { "home BU" });
        self.agent_updates.push(update.clone());
        if !self.agent_answers {
            return;
        }
        let (mut status, mut sequence) = (self.agent_status, update.sequence);
        let clock = NtpTimestamp::from_unix(
            EPOCH + self.now.since_start() + self.agent_clock_ahead.unwrap_or_default(),
        );
        let mut timestamp = update.replay_protection().unwrap_or(clock);
        if timestamp
            .distance(EPOCH + self.now.since_start() + self.agent_clock_ahead.unwrap_or_default())
            > Duration::from_secs(7)
        {
            (status, timestamp) = (Status::MIPV6_ID_MISMATCH, clock);
        }
        if let Some(last) = self.agent_last.take() {
            (status, sequence) = (Status::SEQUENCE_OUT_OF_WINDOW, last);
        }
        if !status.is_refusal() {
            self.agent_bound = (!gone).then_some(care_of);
        }
        if self.agent_silent_but_bound {
            return;
        }
        let answer = BindingAcknowledgement::new(status, sequence, update.lifetime);
        let authentication = MnHaAuthentication { spi: 1000, key: &KEY, timestamp };
        let authorization = Authorization::MnHa(authentication);
        let octets = if self.authenticated {
            answer.to_vec_authorized(AGENT, HOME, care_of, authorization)
        } else {
            answer.to_vec(AGENT, HOME)
        };
        let type_2_routing = (source != HOME).then_some(HOME);
        let outgoing =
            Outgoing { type_2_routing, ..Outgoing::new(AGENT, source, protocol::MOBILITY) };
        self.note("home BA");
        self.deliver(&outgoing.to_vec(&octets));
    }

    fn on_peer_message(&mut self, packet: &Packet<'_>, way: &str) {
        let (to, source) = (packet.header.destination, packet.header.source);
        let message = Mobility::parse(packet.payload).unwrap();
        let name = message.name();
        self.note(&format!("{} {way}", short(name)));
        let Some(peer) = self.peers.get_mut(&to) else { return };
        if peer.knows_no_mobility {
            let reason = packet.unrecognized().problem.unwrap();
            let reason = roamproof_wire::icmpv6::Reason::ParameterProblem(reason);
            let answer = roamproof_wire::icmpv6::answer(to, packet.octets, reason).unwrap();
            return if way == "tunnel" { self.tunnel(&answer) } else { self.deliver(&answer) };
        }
        match message {
            Mobility::HomeTestInit(init) => {
                peer.last_cookie = init.cookie;
                if peer.loses.contains(&Loses::HomeTest) {
                    return;
                }
                let test = Mobility::HomeTest(HomeTest::new(11, init.cookie, HOME_TOKEN));
                let octets = test.to_vec(to, HOME);
                let packet = Outgoing::new(to, HOME, protocol::MOBILITY).to_vec(&octets);
                if way == "tunnel" { self.tunnel(&packet) } else { self.deliver(&packet) }
            }
            Mobility::CareOfTestInit(init) if !peer.loses.contains(&Loses::CareOfTest) => {
                let test = CareOfTest::new(22, init.cookie, care_of_token(source));
                let octets = Mobility::CareOfTest(test).to_vec(to, source);
                self.deliver(&Outgoing::new(to, source, protocol::MOBILITY).to_vec(&octets));
            }
            Mobility::BindingUpdate(update) => self.on_peer_update(packet, update),
            other => {
                let lost = matches!(other, Mobility::CareOfTestInit(_) | Mobility::BindingError(_));
                assert!(lost, "{} to a correspondent", short(other.name()));
            }
        }
    }

    fn on_peer_update(&mut self, packet: &Packet<'_>, update: BindingUpdate) {
        let (to, source) = (packet.header.destination, packet.header.source);
        let gone = update.lifetime == Lifetime::ZERO;
        let key = key(source, gone);
        let genuine = verify_binding_authorization(&key, source, to, packet.payload);
        if !genuine || packet.source() != HOME || update.alternate_care_of().is_some() {
            assert!(!self.strict, "a Binding Update that proves nothing");
            return self.note("BU not taken");
        }
        let sequence = update.sequence;
        let peer = self.peers.get_mut(&to).unwrap();
        peer.updates.push(update.clone());
        let mut status = peer.statuses.pop_front().unwrap_or(Status::ACCEPTED);
        let mut sequence = sequence;
        if let Some(ahead) = peer.last_sequence_ahead.take() {
            status = Status::SEQUENCE_OUT_OF_WINDOW;
            sequence = Sequence(sequence.0.wrapping_add(ahead));
        }
        if !status.is_refusal() {
            peer.bound = (!gone).then_some(source);
        }
        if peer.loses.contains(&Loses::Acknowledgement) {
            return;
        }
        self.acknowledge(to, source, status, sequence, update.lifetime);
    }

    /// A Binding Acknowledgement from a peer to `care_of`.
    pub(super) fn acknowledge(
        &mut self,
        peer: Ipv6Addr,
        care_of: Ipv6Addr,
        status: Status,
        sequence: Sequence,
        lifetime: Lifetime,
    ) {
        let key = key(care_of, lifetime == Lifetime::ZERO);
        self.acknowledge_with(peer, care_of, status, sequence, lifetime, &key);
    }

    pub(super) fn acknowledge_with(
        &mut self,
        peer: Ipv6Addr,
        care_of: Ipv6Addr,
        status: Status,
        sequence: Sequence,
        lifetime: Lifetime,
        key: &BindingManagementKey,
    ) {
        self.note(&format!("BA {}", status.0));
        let answer = BindingAcknowledgement::new(status, sequence, lifetime);
        let unproved = matches!(status.0, 136..=138);
        let octets = if unproved {
            answer.to_vec(peer, HOME)
        } else {
            let authorization = Authorization::ReturnRoutability(key);
            answer.to_vec_authorized(peer, HOME, care_of, authorization)
        };
        let type_2_routing = (care_of != HOME).then_some(HOME);
        let outgoing =
            Outgoing { type_2_routing, ..Outgoing::new(peer, care_of, protocol::MOBILITY) };
        self.deliver(&outgoing.to_vec(&octets));
    }

    fn on_sip(&mut self, packet: &Packet<'_>, datagram: &Udp<'_>, way: &str) {
        let message = Message::parse(datagram.payload).unwrap();
        let what = match (message.method(), message.status()) {
            (Some(method), _) => method.to_string(),
            (None, status) => status.unwrap().to_string(),
        };
        // Names of the terminal's own calls are random.
        let call = match message.method() {
            Some(_) => String::new(),
            None => format!(" {}", message.call_id().unwrap()),
        };
        let text = String::from_utf8_lossy(datagram.payload).into_owned();
        let told = if text.contains(&self.care_of().to_string()) { " tells where" } else { "" };
        self.note(&format!("{what}{call} {way}{told}"));
        if message.method() == Some(Method::Register) {
            assert!(!self.strict || packet.source() == HOME);
            let mut answer = Message::response_to(&message, 200, "OK");
            let contact = message.contact().unwrap().unwrap().uri.to_owned();
            answer.push(
                roamproof_wire::sip::HeaderName::Contact,
                format!("<{contact}>;expires=3600"),
            );
            let payload = udp::datagram(SERVER, HOME, PORT, PORT, &answer.to_vec());
            let packet = Outgoing::new(SERVER, HOME, protocol::UDP).to_vec(&payload);
            if way == "native" { self.deliver(&packet) } else { self.tunnel(&packet) }
        }
        self.sip.push(message);
    }
}

pub(super) const HOME_TOKEN: [u8; 8] = [0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8];

/// The care-of keygen token for an address.
pub(super) fn care_of_token(care_of: Ipv6Addr) -> [u8; 8] {
    let [.., a, b] = care_of.segments();
    let link = care_of.segments()[2].to_be_bytes();
    let ([c, d], [e, f]) = (a.to_be_bytes(), b.to_be_bytes());
    [0xb1, 0xb2, link[0], link[1], c, d, e, f]
}

/// Kbm as the correspondents make it.
pub(super) fn key(care_of: Ipv6Addr, gone: bool) -> BindingManagementKey {
    if gone {
        return BindingManagementKey::for_deletion(HOME_TOKEN);
    }
    BindingManagementKey::new(HOME_TOKEN, care_of_token(care_of))
}

/// An offer of PCMU at `address`.
pub(super) fn description(address: Ipv6Addr) -> String {
    format!(
        "v=0\no=cn 7 1 IN IP6 {address}\ns=-\nc=IN IP6 {address}\nt=0 0\n\
         m=audio 4000 RTP/AVP 0\n"
    )
}

fn prefix(on: On) -> Ipv6Addr {
    match on {
        On::Home => Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0),
        On::Visited1 => Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0),
        On::Visited2 => Ipv6Addr::new(0x2001, 0xdb8, 0xf2, 0, 0, 0, 0, 0),
    }
}

/// The link-layer address of a link's router.
const fn router_mac(on: On) -> Mac {
    Mac([0x02, 0x00, 0x5e, 0x10, 0x10 + on as u8, 0x00])
}

fn advertisement(on: On, interval_ms: u32) -> RouterAdvertisement {
    let interval = (interval_ms > 0).then_some(NeighbourOption::AdvertisementInterval(interval_ms));
    let mut message = RouterAdvertisement {
        hop_limit: 64,
        managed: false,
        other: false,
        home_agent: on == On::Home,
        preference: roamproof_wire::icmpv6::Preference::Medium,
        router_lifetime: 1800,
        reachable_time: 0,
        retrans_timer: 0,
        options: vec![
            NeighbourOption::SourceLinkLayer(router_mac(on)),
            NeighbourOption::Prefix(PrefixInformation {
                prefix_length: 64,
                on_link: true,
                autonomous: true,
                router_address: on == On::Home,
                valid_lifetime: 86_400,
                preferred_lifetime: 86_400,
                prefix: if on == On::Home { AGENT } else { prefix(on) },
            }),
        ],
    };
    message.options.extend(interval);
    message
}

fn discovery(from: Ipv6Addr, to: Ipv6Addr) -> Outgoing {
    Outgoing { hop_limit: 255, ..Outgoing::new(from, to, protocol::ICMPV6) }
}

fn is_discovery(packet: &Packet<'_>) -> bool {
    matches!(packet.payload[0], kind::ROUTER_SOLICITATION..=kind::REDIRECT | kind::MLD_REPORT)
}

fn short(name: &str) -> &str {
    match name {
        "Home Test Init" => "HoTI",
        "Care-of Test Init" => "CoTI",
        "Binding Update" => "BU",
        "Binding Error" => "BE",
        "Binding Acknowledgement" => "BA",
        "Home Test" => "HoT",
        "Care-of Test" => "CoT",
        other => other,
    }
}
