//! Two mobile terminals, both away, each with a home agent of its own: each is the other's
//! correspondent (RFC 6275 §11.3.1, CL-RO-29).

use std::cell::RefCell;
use std::net::Ipv6Addr;
use std::rc::Rc;
use std::time::Duration;

use roamproof_lab::{Lab, LinkId, NodeId, Weather};
use roamproof_node::{Command, Event, Interface, build};
use roamproof_wire::ethernet::Ethernet;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::Message;

const ONE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 0x100);
const RTP_LEN: usize = 180;
const KEY: &str = "6d6f62696c652d686f6d652d6167656e742d6b31";

#[test]
fn both_optimize_before_the_first_response_and_the_first_packet() {
    let mut network = Network::new();
    network.tell_other("call sip:one@example.com");
    network.run(Duration::from_secs(3));
    assert_eq!(network.media(), ["both addresses"], "{}", network.told.join("\n"));
    let order = network.order();
    let at = |what: &str| order.iter().position(|seen| seen == what);
    assert!(at("one bound").is_some() && at("one bound") < at("180"), "{order:?}");
    assert!(at("other bound").is_some() && at("other bound") < at("200"), "{order:?}");
}

#[test]
fn a_handover_of_one_comes_back_to_the_direct_way() {
    let mut network = Network::new();
    network.tell_other("call sip:one@example.com");
    network.run(Duration::from_secs(2));
    network.attach(network.one, network.visited[1]);
    network.seen.borrow_mut().clear();
    network.run(Duration::from_secs(2));
    assert_eq!(network.media(), ["both addresses"], "{}", network.told.join("\n"));
}

#[test]
fn both_move_at_the_same_moment_and_find_each_other() {
    let mut network = Network::new();
    network.tell_other("call sip:one@example.com");
    network.run(Duration::from_secs(2));
    let [first, second] = network.visited;
    network.plug(network.one, second);
    network.plug(network.other, first);
    network.run(Duration::from_secs(10));
    network.seen.borrow_mut().clear();
    network.run(Duration::from_secs(2));
    assert_eq!(network.media(), ["both addresses"], "{}", network.told.join("\n"));
}

type Seen = Rc<RefCell<Vec<Vec<u8>>>>;

struct Network {
    lab: Lab,
    one: NodeId,
    other: NodeId,
    visited: [LinkId; 2],
    seen: Seen,
    told: Vec<String>,
}

impl Network {
    /// Both terminals registered from visited links.
    fn new() -> Self {
        let mut lab = Lab::new();
        let links: [LinkId; 4] = std::array::from_fn(|_| lab.add_link(Weather::CALM));
        let [home_one, home_other, visited_1, visited_2] = links;
        let seen: Seen = Rc::default();
        let noted = Rc::clone(&seen);
        lab.watch(move |sighting| noted.borrow_mut().push(sighting.octets.to_vec()));
        let mut add = |role: &str, seed: u64, config: &str, links: &[LinkId]| {
            let epoch = Duration::from_secs(1_767_225_600);
            let node = build(role, config, epoch, seed, &[])
                .unwrap_or_else(|why| panic!("{role}: {why}\n{config}"));
            let id = lab.add_node(node);
            for (link, index) in links.iter().zip(0_u8..) {
                lab.plug(id, Interface(index), *link);
            }
            id
        };
        add("router", 1, &core(), &links);
        add("home-agent", 2, &home_agent("a", ONE, 0), &[home_one]);
        add("home-agent", 3, &home_agent("b", OTHER, 1), &[home_other]);
        // Each sends its requests straight to the other: no server is in the way.
        let one = add("mobile-terminal", 4, &mobile("one", "a", ONE, OTHER), &[]);
        let other = add("mobile-terminal", 5, &mobile("other", "b", OTHER, ONE), &[]);
        let visited = [visited_1, visited_2];
        let mut network = Self { lab, one, other, visited, seen, told: Vec::new() };
        network.plug(one, visited_1);
        network.plug(other, visited_2);
        network.run(Duration::from_secs(6));
        network.seen.borrow_mut().clear();
        network
    }

    fn plug(&mut self, node: NodeId, link: LinkId) {
        self.lab.unplug(node, Interface(0));
        self.lab.plug(node, Interface(0), link);
    }

    fn attach(&mut self, node: NodeId, link: LinkId) {
        self.plug(node, link);
        self.run(Duration::from_secs(5));
    }

    fn tell_other(&mut self, line: &str) {
        let command: Command = line.parse().expect("a command");
        self.lab.tell(self.other, &command);
    }

    fn run(&mut self, time: Duration) {
        self.lab.run_for(time);
        while let Some((_, node, event)) = self.lab.poll_event() {
            if !matches!(event, Event::Discarded { .. }) {
                self.told.push(format!("{}: {event}", node.0));
            }
        }
    }

    /// How media travelled, each way once.
    fn media(&self) -> Vec<&'static str> {
        let seen = self.seen.borrow();
        let mut ways: Vec<&str> = seen
            .iter()
            .filter_map(|frame| packet_in(frame))
            .filter_map(|packet| match packet.protocol {
                protocol::IPV6 => {
                    let inner = Packet::parse(packet.payload).ok()?;
                    is_media(&inner).then_some("tunnel")
                }
                _ if !is_media(&packet) => None,
                _ if packet.routing.is_some() && packet.home_address.is_some() => {
                    Some("both addresses")
                }
                _ => Some("half"),
            })
            .collect();
        ways.sort_unstable();
        ways.dedup();
        ways
    }

    /// Acknowledged bindings and SIP responses as they were first seen, in order.
    fn order(&self) -> Vec<String> {
        let mut order = Vec::new();
        for frame in self.seen.borrow().iter() {
            let Some(packet) = packet_in(frame) else { continue };
            let Some(what) = event_in(&packet) else { continue };
            if !order.contains(&what) {
                order.push(what);
            }
        }
        order
    }
}

fn event_in(packet: &Packet<'_>) -> Option<String> {
    if packet.protocol == protocol::IPV6 {
        return event_in(&Packet::parse(packet.payload).ok()?);
    }
    if packet.protocol == protocol::UDP {
        let text = packet.payload.get(8..)?.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
        return String::from_utf8(text.to_vec()).ok();
    }
    if packet.protocol != protocol::MOBILITY {
        return None;
    }
    let Ok(Message::BindingAcknowledgement(_)) = Message::parse(packet.payload) else {
        return None;
    };
    match (packet.source(), packet.destination()) {
        (OTHER, ONE) => Some("one bound".to_owned()),
        (ONE, OTHER) => Some("other bound".to_owned()),
        _ => None,
    }
}

fn packet_in(frame: &[u8]) -> Option<Packet<'_>> {
    Packet::parse(Ethernet::parse(frame).ok()?.1).ok()
}

fn is_media(packet: &Packet<'_>) -> bool {
    packet.protocol == protocol::UDP && packet.payload.len() == RTP_LEN
}

fn core() -> String {
    let mut text = String::new();
    for (network, index) in [("a", 0), ("b", 1), ("f1", 2), ("f2", 3)] {
        text.push_str(&format!(
            "[[interface]]\nname = \"eth{index}\"\nmac = \"02:00:5e:10:01:0{index}\"\n\
             addresses = [\"2001:db8:{network}::1/64\"]\n"
        ));
        if index > 1 {
            text.push_str(&format!("advertise = {{ prefix = \"2001:db8:{network}::1/64\" }}\n"));
        }
    }
    text
}

fn home_agent(network: &str, home: Ipv6Addr, interface_of_core: u8) -> String {
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"02:00:5e:10:0{network}:00\"\n\
         addresses = [\"2001:db8:{network}::a/64\"]\n\
         advertise = {{ prefix = \"2001:db8:{network}::a/64\", home_agent = true }}\n\n\
         [[route]]\nprefix = \"::/0\"\nvia = \"fe80::5eff:fe10:10{interface_of_core}\"\n\
         interface = \"eth0\"\n\n\
         [home_agent]\naddress = \"2001:db8:{network}::a\"\nprefixes = [\"2001:db8:{network}::/64\"]\n\n\
         [[mobile]]\nhome_address = \"{home}\"\nspi = 1000\nkey = \"{KEY}\"\n"
    )
}

fn mobile(user: &str, network: &str, home: Ipv6Addr, server: Ipv6Addr) -> String {
    let number = if user == "one" { "a1" } else { "a2" };
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"02:00:5e:10:{number}:00\"\n\n\
         [mobile]\nhome_address = \"{home}/64\"\nhome_agent = \"2001:db8:{network}::a\"\n\
         spi = 1000\nkey = \"{KEY}\"\n\n\
         [sip]\nidentifier = \"sip:{user}@example.com\"\nserver = \"{server}\"\n\
         answer_after_ms = 200\n"
    )
}
