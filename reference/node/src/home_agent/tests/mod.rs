//! The home agent behind a scripted router: peers are made of octets, the clock jumps.

mod flood;
mod lookup;
mod passing_on;

use std::fmt::Write as _;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::{Message as IcmpMessage, NeighbourAdvertisement, Reason};
use roamproof_wire::ipv6::address::link_local;
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingUpdate, Lifetime, Message, MnHaAuthentication, MobilityOption,
    NtpTimestamp, Sequence,
};

use crate::{Input, Instant, Interface, Node, Output, build};

const HA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);
const HOA: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0x5eff, 0xfe10, 0xa100);
const OTHER_CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf2, 0, 0, 0x5eff, 0xfe10, 0xa100);
const CN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
const OWN_MAC: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0x0a, 0x00]);
const ROUTER_MAC: Mac = Mac([0x02, 0x00, 0x5e, 0x10, 0x01, 0x00]);
const EPOCH: Duration = Duration::from_secs(1_700_000_000);
const MN_HA_KEY: &[u8] = b"mobile-home-agent-k1";
const MN_HA_SPI: u32 = 1000;

/// The home agent, the home link and the time.
struct Bench {
    node: Box<dyn Node>,
    now: Instant,
    sent: Vec<Sent>,
    log: String,
    sequence: Sequence,
}

/// A packet of the home agent's.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    at: Duration,
    destination: Ipv6Addr,
    protocol: u8,
    payload: Vec<u8>,
    octets: Vec<u8>,
}

impl Bench {
    /// A home agent with these lines after its own configuration, plugged in.
    fn plugged(lines: &str, misdeeds: &[&str]) -> Self {
        let misdeeds: Vec<String> = misdeeds.iter().map(|name| (*name).to_owned()).collect();
        let node = build("home-agent", &config(lines), EPOCH, 5, &misdeeds).unwrap();
        let mut bench = Self {
            node,
            now: Instant::at(Duration::from_secs(10)),
            sent: Vec::new(),
            log: String::new(),
            sequence: Sequence(40),
        };
        bench.input(Input::Link { interface: Interface(0), up: true });
        bench
    }

    fn input(&mut self, input: Input<'_>) {
        self.node.handle_input(self.now, input);
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Frame { octets, .. } => self.on_frame(&octets),
                Output::Local(_) => panic!("a home agent lends no address"),
                Output::Event(event) => writeln!(self.log, "{event}").unwrap(),
            }
        }
    }

    /// The router answers for itself; what is beyond the link is noted.
    fn on_frame(&mut self, frame: &[u8]) {
        let (_, octets) = Ethernet::parse(frame).unwrap();
        let packet = Packet::parse(octets).unwrap();
        if packet.protocol != protocol::ICMPV6 || packet.payload.first() < Some(&130) {
            return self.sent.push(Sent {
                at: self.now.since_start(),
                destination: packet.header.destination,
                protocol: packet.protocol,
                payload: packet.payload.to_vec(),
                octets: octets.to_vec(),
            });
        }
        let Ok(IcmpMessage::NeighbourSolicitation(asked)) = IcmpMessage::parse(&packet) else {
            return;
        };
        if packet.header.source.is_unspecified() || asked.target != link_local(ROUTER_MAC) {
            return;
        }
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

    fn drain(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    fn wait(&mut self, milliseconds: u64) {
        let until = self.now + Duration::from_millis(milliseconds);
        while let Some(wakeup) = self.node.poll_timeout().filter(|wakeup| wakeup.at <= until) {
            self.now = self.now.max(wakeup.at);
            self.input(Input::Time);
        }
        self.now = until;
    }

    /// The mobile node's home registration for `units` of four seconds.
    fn update(&mut self, care_of: Ipv6Addr, units: u16) {
        self.sequence = self.sequence.next();
        let mut update = BindingUpdate::new(self.sequence, Lifetime(units));
        (update.acknowledge, update.home_registration) = (true, true);
        update.options =
            update.options.clone().with(MobilityOption::AlternateCareOfAddress(care_of));
        let timestamp = NtpTimestamp::from_unix(EPOCH + self.now.since_start());
        let proof = MnHaAuthentication { spi: MN_HA_SPI, key: MN_HA_KEY, timestamp };
        let octets = update.to_vec_authorized(HOA, HA, care_of, Authorization::MnHa(proof));
        let outgoing = Outgoing::new(care_of, HA, protocol::MOBILITY);
        self.receive(&Outgoing { home_address: Some(HOA), ..outgoing }.to_vec(&octets));
    }

    /// An ICMPv6 error from `from` about a packet of the home agent's.
    fn complain(&mut self, from: Ipv6Addr, about: &[u8], reason: Reason) {
        let error = roamproof_wire::icmpv6::answer(from, about, reason).unwrap();
        self.receive(&error);
    }

    /// Whether a packet to the home address leaves in a tunnel, and where to.
    fn probe(&mut self) -> Option<Ipv6Addr> {
        self.drain();
        let octets = Outgoing::new(CN, HOA, protocol::UDP).to_vec(b"8 octets");
        self.receive(&octets);
        let tunnelled = self.drain().into_iter().find(|sent| sent.protocol == protocol::IPV6);
        tunnelled.map(|sent| sent.destination)
    }
}

fn config(lines: &str) -> String {
    format!(
        "[[interface]]\nname = \"eth0\"\nmac = \"02:00:5e:10:0a:00\"\naddresses = [\"{HA}/64\"]\n\
         [[route]]\nprefix = \"::/0\"\nvia = \"{}\"\ninterface = \"eth0\"\n\
         [home_agent]\naddress = \"{HA}\"\nprefixes = [\"{HA}/64\"]\n\
         [[mobile]]\nhome_address = \"{HOA}\"\nspi = {MN_HA_SPI}\nkey = \"{}\"\n{lines}",
        link_local(ROUTER_MAC),
        hex(MN_HA_KEY)
    )
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
