//! A bench without links: elements that hand each other messages, ten milliseconds apart, and a
//! ladder of what passed.

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_node::entropy::Entropy;
use roamproof_node::sip::routing::Names;
use roamproof_node::sip::{Agent, AgentConfig, AgentEvent, Early100, Hop, Transmit, TransmitKind};
use roamproof_node::sip_server::{Proxy, ProxyConfig, ProxyEvent, RegistrarLimits};
use roamproof_node::{Instant, Wakeup};
use roamproof_wire::sdp::LocalMedia;
use roamproof_wire::sip::{Fields, Message, MessageView, Transport, Uri};

/// Who a message can come from and go to.
pub(crate) enum Element {
    Agent(Agent),
    Proxy(Proxy),
    /// The test itself: takes everything and says nothing.
    Tester,
}

pub(crate) struct Bench {
    pub(crate) now: Instant,
    elements: Vec<(&'static str, Ipv6Addr, Element)>,
    flying: VecDeque<Flight>,
    log: String,
    /// Tells whether a message (sender, receiver, line, how many like it before) is lost.
    pub(crate) lose: fn(&str, &str, &str) -> bool,
    /// What the tester has received.
    pub(crate) received: Vec<Message>,
    pub(crate) events: Vec<AgentEvent>,
}

struct Flight {
    at: Instant,
    from: &'static str,
    source: Hop,
    to: Hop,
    octets: Vec<u8>,
}

const DELAY: Duration = Duration::from_millis(10);

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::ZERO,
            elements: Vec::new(),
            flying: VecDeque::new(),
            log: String::new(),
            lose: |_, _, _| false,
            received: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A bench with the mobile terminal and the correspondent, registered with the SIP server.
    pub(crate) fn registered(transport: Transport, early_100: Early100) -> Self {
        let mut bench = Self::new();
        bench.add_proxy("ss", SS);
        bench.add_agent("mt", AgentConfig { early_100, ..config("mt", MT, transport) });
        bench.add_agent("cn", config("cn", CN, transport));
        bench.with("mt", |now, agent| agent.register(now));
        bench.with("cn", |now, agent| agent.register(now));
        bench.run_for(Duration::from_millis(500));
        bench.take_log();
        bench
    }

    pub(crate) fn add_agent(&mut self, name: &'static str, config: AgentConfig) {
        let seed = 7 + self.elements.len() as u64;
        let address = config.address;
        let agent = Agent::new(config, Entropy::new(seed));
        self.elements.push((name, address, Element::Agent(agent)));
    }

    pub(crate) fn add_proxy(&mut self, name: &'static str, address: Ipv6Addr) {
        let config = ProxyConfig {
            address,
            port: 5060,
            domain: "example.com".to_owned(),
            identifiers: ["mt@example.com", "cn@example.com", "away@example.com"]
                .map(str::to_owned)
                .to_vec(),
            limits: RegistrarLimits { default: 3600, least: 30, most: 7200 },
            names: names(),
        };
        self.elements.push((name, address, Element::Proxy(Proxy::new(config, Entropy::new(3)))));
    }

    pub(crate) fn add_tester(&mut self, name: &'static str, address: Ipv6Addr) {
        self.elements.push((name, address, Element::Tester));
    }

    /// Does something with an agent at the present time.
    pub(crate) fn with<T>(&mut self, name: &str, act: impl FnOnce(Instant, &mut Agent) -> T) -> T {
        let now = self.now;
        let result = match self.element(name) {
            Element::Agent(agent) => act(now, agent),
            Element::Proxy(_) | Element::Tester => panic!("{name} is no agent"),
        };
        self.drain();
        result
    }

    pub(crate) fn proxy(&mut self, name: &str) -> &mut Proxy {
        match self.element(name) {
            Element::Proxy(proxy) => proxy,
            Element::Agent(_) | Element::Tester => panic!("{name} is no proxy"),
        }
    }

    /// Sends `text`, its lines ending in CRLF, from the tester.
    pub(crate) fn send(
        &mut self,
        from: &'static str,
        to: Ipv6Addr,
        transport: Transport,
        text: &str,
    ) {
        let octets = text.replace('\n', "\r\n").into_bytes();
        let address =
            self.elements.iter().find(|(name, ..)| *name == from).map(|(_, address, _)| *address);
        let source = Hop { transport, address: address.expect("the tester is there"), port: 5060 };
        let to = Hop { transport, address: to, port: 5060 };
        self.flying.push_back(Flight { at: self.now + DELAY, from, source, to, octets });
    }

    /// Lets time pass until `duration` from now.
    pub(crate) fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let flight = self.flying.iter().map(|flight| flight.at).min();
            let clock = self
                .elements
                .iter()
                .filter_map(|(_, _, element)| element.wakeup())
                .map(|wakeup| wakeup.at)
                .min();
            let next = [flight, clock].into_iter().flatten().min().filter(|&at| at <= end);
            let Some(at) = next else { break };
            self.now = self.now.max(at);
            self.deliver();
            self.wake();
        }
        self.now = end;
    }

    /// The ladder since the last call.
    pub(crate) fn take_log(&mut self) -> String {
        std::mem::take(&mut self.log)
    }

    pub(crate) fn note(&mut self, who: &str, what: &str) {
        self.log.push_str(&format!("{}  {who}: {what}\n", self.now));
    }

    fn element(&mut self, name: &str) -> &mut Element {
        let found = self.elements.iter_mut().find(|(there, ..)| *there == name);
        &mut found.expect("the element is there").2
    }

    fn deliver(&mut self) {
        while let Some(at) = self.flying.iter().position(|flight| flight.at <= self.now) {
            let flight = self.flying.remove(at).expect("it was just found");
            let now = self.now;
            let found =
                self.elements.iter_mut().find(|(_, address, _)| *address == flight.to.address);
            match found.map(|(_, _, element)| element) {
                Some(Element::Agent(agent)) => agent.receive(now, flight.source, &flight.octets),
                Some(Element::Proxy(proxy)) => proxy.receive(now, flight.source, &flight.octets),
                Some(Element::Tester) => {
                    let view =
                        MessageView::datagram(&flight.octets).expect("elements send messages");
                    self.received.push(Message::from_view(&view));
                }
                None => self.unreachable(&flight),
            }
            self.drain();
        }
    }

    /// Nobody is there: a stream is refused, a datagram vanishes.
    fn unreachable(&mut self, flight: &Flight) {
        let now = self.now;
        if flight.to.transport == Transport::Tcp {
            match self.element(flight.from) {
                Element::Agent(agent) => agent.unreachable(now, flight.to),
                Element::Proxy(proxy) => proxy.unreachable(now, flight.to),
                Element::Tester => {}
            }
        }
    }

    fn wake(&mut self) {
        let now = self.now;
        for (_, _, element) in &mut self.elements {
            if element.wakeup().is_some_and(|wakeup| wakeup.at <= now) {
                match element {
                    Element::Agent(agent) => agent.handle_timeout(now),
                    Element::Proxy(proxy) => proxy.handle_timeout(now),
                    Element::Tester => {}
                }
                assert!(element.wakeup().is_none_or(|wakeup| wakeup.at > now), "time stands still");
            }
        }
        self.drain();
    }

    fn drain(&mut self) {
        let mut lines = Vec::new();
        for (name, address, element) in &mut self.elements {
            loop {
                let transmit = match element {
                    Element::Agent(agent) => agent.poll_transmit(),
                    Element::Proxy(proxy) => proxy.poll_transmit(),
                    Element::Tester => None,
                };
                let Some(transmit) = transmit else { break };
                lines.push((*name, *address, transmit));
            }
        }
        for (name, address, transmit) in lines {
            self.launch(name, address, transmit);
        }
        self.note_events();
    }

    fn launch(&mut self, name: &'static str, address: Ipv6Addr, transmit: Transmit) {
        let Transmit { to, octets, kind, .. } = transmit;
        let line = MessageView::datagram(&octets).expect("elements send messages").to_string();
        let receiver = self.elements.iter().find(|(_, there, _)| *there == to.address);
        let receiver = receiver.map_or("?", |(receiver, ..)| *receiver);
        let lost = (self.lose)(name, receiver, &line);
        let by = if to.transport == Transport::Tcp { " by TCP" } else { "" };
        let copy = match kind {
            TransmitKind::Request { copy, .. } if copy > 0 => format!(" #{copy}"),
            TransmitKind::Request { .. } | TransmitKind::Response => String::new(),
        };
        let fate = if lost { " ✗ lost" } else { "" };
        self.log.push_str(&format!("{}  {name} → {receiver}  {line}{copy}{by}{fate}\n", self.now));
        if !lost {
            let source = Hop { transport: to.transport, address, port: 5060 };
            self.flying.push_back(Flight { at: self.now + DELAY, from: name, source, to, octets });
        }
    }

    fn note_events(&mut self) {
        let mut notes = Vec::new();
        for (name, _, element) in &mut self.elements {
            match element {
                Element::Agent(agent) => {
                    while let Some(event) = agent.poll_event() {
                        notes.push((*name, describe(&event)));
                        self.events.push(event);
                    }
                }
                Element::Proxy(proxy) => {
                    while let Some(event) = proxy.poll_event() {
                        if !matches!(event, ProxyEvent::Forwarded { .. }) {
                            notes.push((*name, format!("{event:?}")));
                        }
                    }
                }
                Element::Tester => {}
            }
        }
        for (name, what) in notes {
            self.note(name, &what);
        }
    }
}

impl Element {
    fn wakeup(&self) -> Option<Wakeup> {
        match self {
            Self::Agent(agent) => agent.poll_timeout(),
            Self::Proxy(proxy) => proxy.poll_timeout(),
            Self::Tester => None,
        }
    }
}

fn describe(event: &AgentEvent) -> String {
    match event {
        AgentEvent::IncomingCall { call, invite } => format!("call {} comes in: {invite}", call.0),
        AgentEvent::IncomingOffer { call, request } => {
            format!("offer in call {}: {request}", call.0)
        }
        AgentEvent::Cancelled { call } => format!("call {} cancelled", call.0),
        AgentEvent::Confirmed { call, .. } => format!("call {} confirmed", call.0),
        AgentEvent::Progress { call, response } => format!("call {}: {response}", call.0),
        AgentEvent::Answered { call, response } => format!("call {} answered: {response}", call.0),
        AgentEvent::Refused { call, status } => format!("call {} refused: {status}", call.0),
        AgentEvent::OfferAnswered { call, status, .. } => {
            format!("offer in call {}: {status}", call.0)
        }
        AgentEvent::Ended { call, why } => format!("call {} ended: {why}", call.0),
        other @ (AgentEvent::OptionsAnswered { .. }
        | AgentEvent::Registered { .. }
        | AgentEvent::NotRegistered { .. }
        | AgentEvent::Malformed(_)
        | AgentEvent::Discarded { .. }) => format!("{other:?}"),
    }
}

pub(crate) const MT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
pub(crate) const CN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
pub(crate) const SS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 5);
pub(crate) const TESTER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 7, 0, 0, 0, 0, 7);

pub(crate) fn config(user: &str, address: Ipv6Addr, transport: Transport) -> AgentConfig {
    AgentConfig {
        identifier: Uri::parse(&format!("sip:{user}@example.com")).expect("an identifier"),
        address,
        port: 5060,
        transport,
        outbound: Some((SS, 5060)),
        registrar: Some(Uri::parse("sip:example.com").expect("a registrar")),
        expires: 3600,
        early_100: Early100::Never,
        names: names(),
    }
}

fn names() -> Names {
    Names::from([("example.com".to_owned(), SS)])
}

pub(crate) fn media(address: Ipv6Addr) -> LocalMedia {
    LocalMedia::audio(address, 4002, 77_001)
}

pub(crate) fn uri(text: &str) -> Uri {
    Uri::parse(text).expect("a URI")
}

/// The statuses that the tester has received.
pub(crate) fn statuses(messages: &[Message]) -> Vec<u16> {
    messages.iter().filter_map(Fields::status).collect()
}
