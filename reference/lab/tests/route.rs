//! Mobile terminal, home agent, correspondent and routers among themselves: a call without a SIP
//! server in the way, its media direct from the first packet, through a handover and to its end.

use std::cell::RefCell;
use std::net::Ipv6Addr;
use std::rc::Rc;
use std::time::Duration;

use roamproof_lab::{Lab, LinkId, NodeId, Weather};
use roamproof_node::{Command, Event, Interface, build};
use roamproof_wire::ethernet::Ethernet;
use roamproof_wire::ipv6::{Packet, protocol};
use rstest::rstest;

const CN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
/// A media datagram's octets: 8 of UDP, 12 of RTP, 160 of speech.
const MEDIA_LEN: usize = 180;

#[rstest]
#[case::udp("udp")]
#[case::tcp("tcp")]
fn a_call_is_direct_from_the_first_packet(#[case] transport: &'static str) {
    let mut network = Network::new(&Setting { transport, ..Setting::default() });
    network.attach(network.visited_1);
    network.tell_cn("call sip:mt@example.com");
    network.run(Duration::from_secs(8));
    let ways = network.ways();
    assert_eq!(ways, ["direct to CN", "direct to MT"], "{}", network.story());
    let counts = network.notes("media:");
    let count = "media: 50 sent, 50 received, 0 lost, 0 reordered, 0 repeated";
    assert_eq!(counts, [count, count], "{}", network.story());
}

#[test]
fn media_comes_back_to_the_direct_way_after_a_handover() {
    let mut network = Network::new(&Setting { talk: None, ..Setting::default() });
    network.attach(network.visited_1);
    network.tell_cn("call sip:mt@example.com");
    network.run(Duration::from_secs(6));
    network.attach(network.visited_2);
    network.run(Duration::from_secs(10));
    network.seen.borrow_mut().clear();
    network.run(Duration::from_secs(2));
    assert_eq!(network.ways(), ["direct to CN", "direct to MT"], "{}", network.story());
    assert!(network.care_of().starts_with("2001:db8:f2:"), "{}", network.care_of());
}

#[test]
fn a_call_longer_than_the_binding_stays_direct() {
    let mut network = Network::new(&Setting { talk: None, ..Setting::default() });
    network.attach(network.visited_1);
    network.tell_cn("call sip:mt@example.com");
    network.run(Duration::from_secs(900));
    assert_eq!(network.ways(), ["direct to CN", "direct to MT"], "{}", network.story());
}

#[test]
fn a_correspondent_without_mobile_ipv6_is_called_through_the_tunnel() {
    let mut network = Network::new(&Setting { mobile_ipv6: false, ..Setting::default() });
    network.attach(network.visited_1);
    network.tell_cn("call sip:mt@example.com");
    network.run(Duration::from_secs(20));
    let ways = ["plain to CN", "plain to MT", "tunnel to CN", "tunnel to MT"];
    assert_eq!(network.ways(), ways, "{}", network.story());
}

#[test]
fn the_same_seeds_make_the_same_call() {
    let trace = || {
        let mut network = Network::new(&Setting::default());
        network.attach(network.visited_1);
        network.tell_cn("call sip:mt@example.com");
        network.run(Duration::from_secs(8));
        let seen = network.seen.borrow();
        seen.iter().map(|(link, octets)| (*link, octets.clone())).collect::<Vec<_>>()
    };
    assert_eq!(trace(), trace());
}

struct Setting {
    transport: &'static str,
    mobile_ipv6: bool,
    talk: Option<u32>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { transport: "udp", mobile_ipv6: true, talk: Some(50) }
    }
}

type Seen = Rc<RefCell<Vec<(LinkId, Vec<u8>)>>>;

struct Network {
    lab: Lab,
    mt: NodeId,
    cn: NodeId,
    visited_1: LinkId,
    visited_2: LinkId,
    seen: Seen,
    told: Vec<(NodeId, String)>,
}

impl Network {
    fn new(setting: &Setting) -> Self {
        let mut lab = Lab::new();
        let [home, visited_1, visited_2, correspondent, backbone] =
            std::array::from_fn(|_| lab.add_link(Weather::CALM));
        let seen: Seen = Rc::default();
        let noted = Rc::clone(&seen);
        lab.watch(move |sighting| {
            noted.borrow_mut().push((sighting.link, sighting.octets.to_vec()));
        });
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
        add("router", 1, &core(), &[home, correspondent, backbone]);
        add("router", 2, &access(0x11, "f1"), &[visited_1, backbone]);
        add("router", 3, &access(0x12, "f2"), &[visited_2, backbone]);
        add("home-agent", 4, HOME_AGENT, &[home]);
        let cn = add("correspondent", 5, &correspondent_config(setting), &[correspondent]);
        let mt = add("mobile-terminal", 6, &mobile_config(setting), &[]);
        Self { lab, mt, cn, visited_1, visited_2, seen, told: Vec::new() }
    }

    /// Plugs the mobile terminal in and waits until it is registered at home.
    fn attach(&mut self, link: LinkId) {
        self.lab.unplug(self.mt, Interface(0));
        self.lab.plug(self.mt, Interface(0), link);
        self.run(Duration::from_secs(5));
    }

    fn tell_cn(&mut self, line: &str) {
        let command: Command = line.parse().expect("a command");
        self.lab.tell(self.cn, &command);
    }

    fn run(&mut self, time: Duration) {
        self.lab.run_for(time);
        while let Some((_, node, event)) = self.lab.poll_event() {
            if !matches!(event, Event::Discarded { .. }) {
                self.told.push((node, event.to_string()));
            }
        }
    }

    fn notes(&self, beginning: &str) -> Vec<&str> {
        let texts = self.told.iter().map(|(_, text)| text.as_str());
        texts.filter(|text| text.starts_with(beginning)).collect()
    }

    fn story(&self) -> String {
        let lines = self.told.iter().map(|(node, text)| format!("{}: {text}", node.0));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// By which ways media went, each once.
    fn ways(&self) -> Vec<String> {
        let seen = self.seen.borrow();
        let mut ways: Vec<String> =
            seen.iter().filter_map(|(_, frame)| way(packet_in(frame)?, "plain")).collect();
        ways.sort();
        ways.dedup();
        ways
    }

    /// Where the last direct packet to the mobile terminal went.
    fn care_of(&self) -> String {
        let seen = self.seen.borrow();
        let to_mt = seen.iter().filter_map(|(_, frame)| packet_in(frame));
        let last = to_mt.rev().find(|packet| packet.routing.is_some());
        last.map(|packet| packet.header.destination.to_string()).unwrap_or_default()
    }
}

fn packet_in(frame: &[u8]) -> Option<Packet<'_>> {
    Packet::parse(Ethernet::parse(frame).ok()?.1).ok()
}

fn way(packet: Packet<'_>, without_tunnel: &str) -> Option<String> {
    if packet.protocol == protocol::IPV6 {
        return way(Packet::parse(packet.payload).ok()?, "tunnel");
    }
    if packet.protocol != protocol::UDP || packet.payload.len() != MEDIA_LEN {
        return None;
    }
    let direct = packet.routing.is_some() || packet.home_address.is_some();
    let to = match packet.destination() {
        CN => "CN",
        HOME => "MT",
        other => panic!("media to {other}"),
    };
    Some(format!("{} to {to}", if direct { "direct" } else { without_tunnel }))
}

fn core() -> String {
    let mut text = String::new();
    for (index, network) in [(0, "a"), (1, "c"), (2, "0")] {
        text.push_str(&format!(
            "[[interface]]\nname = \"eth{index}\"\nmac = \"02:00:5e:10:01:0{index}\"\n\
             addresses = [\"2001:db8:{network}::1/64\"]\n\n"
        ));
    }
    for (network, number) in [("f1", 0x11), ("f2", 0x12)] {
        text.push_str(&format!(
            "[[route]]\nprefix = \"2001:db8:{network}::/64\"\n\
             via = \"fe80::5eff:fe10:{number}01\"\ninterface = \"eth2\"\n\n",
            number = format_args!("{number:x}")
        ));
    }
    text
}

fn access(number: u8, network: &str) -> String {
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"02:00:5e:10:{number:02x}:00\"\n\
         addresses = [\"2001:db8:{network}::1/64\"]\n\
         advertise = {{ prefix = \"2001:db8:{network}::1/64\" }}\n\n\
         [[interface]]\nname = \"eth1\"\nmac = \"02:00:5e:10:{number:02x}:01\"\n\
         addresses = [\"2001:db8:0::{network}/64\"]\n\n\
         [[route]]\nprefix = \"::/0\"\nvia = \"fe80::5eff:fe10:102\"\ninterface = \"eth1\"\n"
    )
}

const HOME_AGENT: &str = "\
[[interface]]
name = \"eth0\"
mac = \"02:00:5e:10:0a:00\"
addresses = [\"2001:db8:a::a/64\"]
advertise = { prefix = \"2001:db8:a::a/64\", home_agent = true }

[[route]]
prefix = \"::/0\"
via = \"fe80::5eff:fe10:100\"
interface = \"eth0\"

[home_agent]
address = \"2001:db8:a::a\"
prefixes = [\"2001:db8:a::/64\"]

[[mobile]]
home_address = \"2001:db8:a::100\"
spi = 1000
key = \"6d6f62696c652d686f6d652d6167656e742d6b31\"
";

/// Its telephone sends requests straight to the home address.
fn correspondent_config(setting: &Setting) -> String {
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"02:00:5e:10:0c:00\"\naddresses = [\"{CN}/64\"]\n\n\
         [[route]]\nprefix = \"::/0\"\nvia = \"fe80::5eff:fe10:101\"\ninterface = \"eth0\"\n\n\
         [correspondent]\naddress = \"{CN}\"\nmobile_ipv6 = {}\n\n{}",
        setting.mobile_ipv6,
        sip_config("cn", HOME, setting),
    )
}

/// Its SIP server does not exist: it is called all the same.
fn mobile_config(setting: &Setting) -> String {
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"02:00:5e:10:a1:00\"\n\n\
         [mobile]\nhome_address = \"{HOME}/64\"\nhome_agent = \"2001:db8:a::a\"\nspi = 1000\n\
         key = \"6d6f62696c652d686f6d652d6167656e742d6b31\"\n\n{}",
        sip_config("mt", Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 5), setting),
    )
}

fn sip_config(user: &str, server: Ipv6Addr, setting: &Setting) -> String {
    let talk = setting.talk.map(|packets| format!("talk_packets = {packets}\n"));
    format!(
        "[sip]\nidentifier = \"sip:{user}@example.com\"\nserver = \"{server}\"\n\
         transport = \"{}\"\nanswer_after_ms = 200\n{}",
        setting.transport,
        talk.unwrap_or_default(),
    )
}
