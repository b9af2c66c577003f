//! Storms of odd messages: nothing panics, time goes on, and afterwards a clean request is answered.

use std::time::Duration;

use proptest::prelude::*;
use roamproof_node::Instant;
use roamproof_node::entropy::Entropy;
use roamproof_node::sip::{Agent, CallHandle, Hop};
use roamproof_node::sip_server::{Proxy, ProxyConfig, RegistrarLimits};
use roamproof_wire::sip::{Fields, Message, Method, Transport};

use crate::bench::{CN, MT, SS, TESTER, config, media, uri};

/// One thing that happens to an element.
#[derive(Debug, Clone)]
enum Step {
    /// A message comes, its octets edited.
    Message { kind: usize, edits: Vec<(usize, u8)>, by_tcp: bool },
    /// What the element sent is answered with a status by the one it was sent to.
    Answer { which: usize, status: u16, tag: u8 },
    /// What the element sent comes back to it.
    Echo { which: usize },
    /// Time passes.
    Wait { ms: u64 },
    /// The owner does something with a call.
    Owner { verb: u8, call: u32 },
    /// A hop is gone.
    Unreachable { by_tcp: bool },
}

const LINES: [&str; 8] = [
    "INVITE sip:mt@example.com",
    "ACK sip:mt@[2001:db8:a::100]",
    "BYE sip:mt@[2001:db8:a::100]",
    "CANCEL sip:mt@example.com",
    "OPTIONS sip:mt@example.com",
    "UPDATE sip:mt@example.com",
    "REGISTER sip:example.com",
    "REFER sip:[2001:db8:5::5];lr",
];

fn message(kind: usize) -> Vec<u8> {
    let line = LINES[kind % LINES.len()];
    let method = line.split(' ').next().expect("a line has a method");
    let body = String::from_utf8(media(TESTER).offer().to_vec()).expect("text");
    format!(
        "{line} SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8:7::7]:5070;rport;branch=z9hG4bK7\r\nMax-Forwards: 9\r\n\
         Route: <sip:[2001:db8:5::5];lr>\r\nFrom: <sip:t@example.com>;tag=1\r\nTo: <sip:mt@example.com>\r\n\
         Call-ID: c\r\nCSeq: 3 {method}\r\nContact: <sip:t@[2001:db8:7::7]>;expires=77\r\nExpires: 5\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn step() -> impl Strategy<Value = Step> {
    let edits = prop::collection::vec((0_usize..700, any::<u8>()), 0..3);
    prop_oneof![
        4 => (0_usize..8, edits, any::<bool>()).prop_map(|(kind, edits, by_tcp)| Step::Message { kind, edits, by_tcp }),
        4 => (any::<usize>(), 100_u16..700, 0_u8..3).prop_map(|(which, status, tag)| Step::Answer { which, status, tag }),
        1 => any::<usize>().prop_map(|which| Step::Echo { which }),
        3 => (0_u64..40_000).prop_map(|ms| Step::Wait { ms }),
        4 => (0_u8..11, 0_u32..4).prop_map(|(verb, call)| Step::Owner { verb, call }),
        1 => any::<bool>().prop_map(|by_tcp| Step::Unreachable { by_tcp }),
    ]
}

enum Element {
    Agent(Box<Agent>),
    Proxy(Box<Proxy>),
}

struct Storm {
    now: Instant,
    element: Element,
    sent: Vec<Vec<u8>>,
}

impl Storm {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Message { kind, edits, by_tcp } => {
                let mut octets = message(*kind);
                for (at, octet) in edits {
                    if let Some(there) = octets.get_mut(*at) {
                        *there = *octet;
                    }
                }
                let transport = if *by_tcp { Transport::Tcp } else { Transport::Udp };
                self.receive(Hop { transport, address: TESTER, port: 5070 }, &octets);
            }
            Step::Answer { which, status, tag } => self.answer(*which, *status, *tag),
            Step::Echo { which } => {
                if !self.sent.is_empty() {
                    let octets = self.sent[which % self.sent.len()].clone();
                    self.receive(Hop::udp(CN, 5060), &octets);
                }
            }
            Step::Wait { ms } => self.wait(Duration::from_millis(*ms)),
            Step::Owner { verb, call } => self.act(*verb, CallHandle(*call)),
            Step::Unreachable { by_tcp } => {
                let hop = if *by_tcp { Hop::tcp(SS, 5060) } else { Hop::udp(SS, 5060) };
                match &mut self.element {
                    Element::Agent(agent) => agent.unreachable(self.now, hop),
                    Element::Proxy(proxy) => proxy.unreachable(self.now, hop),
                }
            }
        }
        self.drain();
    }

    fn receive(&mut self, from: Hop, octets: &[u8]) {
        match &mut self.element {
            Element::Agent(agent) => agent.receive(self.now, from, octets),
            Element::Proxy(proxy) => proxy.receive(self.now, from, octets),
        }
    }

    fn answer(&mut self, which: usize, status: u16, tag: u8) {
        let requests: Vec<&Vec<u8>> =
            self.sent.iter().filter(|octets| !octets.starts_with(b"SIP/")).collect();
        if requests.is_empty() {
            return;
        }
        let request =
            Message::parse(requests[which % requests.len()]).expect("what is sent can be read");
        let mut response = Message::response_to(&request, status, "Whatever");
        response.set_to_tag(&format!("t{tag}"));
        response
            .push(roamproof_wire::sip::HeaderName::Contact, "<sip:cn@[2001:db8:c::c]>;expires=9");
        self.receive(Hop::udp(CN, 5060), &response.to_vec());
    }

    fn act(&mut self, verb: u8, call: CallHandle) {
        let Element::Agent(agent) = &mut self.element else { return };
        let now = self.now;
        let offer = media(MT).offer();
        let _ = match verb {
            0 => agent.call(now, &uri("sip:cn@example.com"), &offer).is_some(),
            1 => agent.ring(now, call),
            2 => agent.answer(now, call, Some(&offer)),
            3 => agent.refuse(now, call, 486),
            4 => agent.hang_up(now, call),
            5 => agent.offer(now, call, Method::Invite, &offer),
            6 => agent.offer(now, call, Method::Update, &offer),
            7 => agent.options(now, &uri("sip:cn@example.com")),
            8 => agent.trying(now, call),
            9 => {
                agent.register(now);
                true
            }
            _ => {
                agent.unregister(now);
                true
            }
        };
    }

    fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        for _ in 0..10_000 {
            let wakeup = match &self.element {
                Element::Agent(agent) => agent.poll_timeout(),
                Element::Proxy(proxy) => proxy.poll_timeout(),
            };
            let Some(wakeup) = wakeup.filter(|wakeup| wakeup.at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(wakeup.at);
            match &mut self.element {
                Element::Agent(agent) => agent.handle_timeout(self.now),
                Element::Proxy(proxy) => proxy.handle_timeout(self.now),
            }
            self.drain();
        }
        panic!("time stands still at {}", self.now);
    }

    fn drain(&mut self) {
        loop {
            let transmit = match &mut self.element {
                Element::Agent(agent) => agent.poll_transmit(),
                Element::Proxy(proxy) => proxy.poll_transmit(),
            };
            let Some(transmit) = transmit else { break };
            self.sent.push(transmit.octets);
        }
        match &mut self.element {
            Element::Agent(agent) => while agent.poll_event().is_some() {},
            Element::Proxy(proxy) => while proxy.poll_event().is_some() {},
        }
    }

    /// Ten quiet minutes, then an OPTIONS.
    fn is_alive(&mut self, target: &str) {
        self.take(&Step::Owner { verb: 10, call: 0 });
        self.wait(Duration::from_secs(600));
        self.sent.clear();
        let octets = String::from_utf8(message(4)).expect("text");
        let octets = octets
            .replace("Route: <sip:[2001:db8:5::5];lr>\r\n", "")
            .replace("sip:mt@example.com SIP", &format!("{target} SIP"))
            .replace("bK7", "bKalive");
        self.receive(Hop::udp(TESTER, 5070), octets.as_bytes());
        self.drain();
        let answers: Vec<u16> =
            self.sent.iter().filter_map(|octets| Message::parse(octets).ok()?.status()).collect();
        assert_eq!(answers, [200]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_agent_survives(steps in prop::collection::vec(step(), 1..40)) {
        let agent = Agent::new(config("mt", MT, Transport::Udp), Entropy::new(1));
        let element = Element::Agent(Box::new(agent));
        let mut storm = Storm { now: Instant::ZERO, element, sent: Vec::new() };
        steps.iter().for_each(|step| storm.take(step));
        storm.is_alive("sip:mt@[2001:db8:a::100]");
    }

    #[test]
    fn a_proxy_survives(steps in prop::collection::vec(step(), 1..40)) {
        let config = ProxyConfig {
            address: SS,
            port: 5060,
            domain: "example.com".to_owned(),
            identifiers: Vec::new(),
            limits: RegistrarLimits { default: 3600, least: 3, most: 7200 },
            names: config("mt", MT, Transport::Udp).names,
        };
        let element = Element::Proxy(Box::new(Proxy::new(config, Entropy::new(1))));
        let mut storm = Storm { now: Instant::ZERO, element, sent: Vec::new() };
        steps.iter().for_each(|step| storm.take(step));
        storm.is_alive("sip:example.com");
    }
}
