//! What every IPv6 node does: frames, neighbours, addresses, routes, fragments, ICMPv6.
//!
//! A role keeps one [`Host`] and gives it every frame; what is for the role comes back, everything
//! of the link layer has been dealt with. What the role sends goes out through the host, which finds
//! the way, the neighbour and the frame.

mod address;
mod advertise;
pub mod config;
mod icmp;
mod movement;
mod neighbour;
mod output;
mod solicitation;
pub mod tcp;

pub use address::Standing;
pub(crate) use advertise::Advertiser;
pub(crate) use icmp::{ErrorLimit, echo_reply};

use std::collections::VecDeque;
use std::net::Ipv6Addr;

use roamproof_wire::WireError;
use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::{Reason, RouterAdvertisement};
use roamproof_wire::ipv6::address::{ALL_NODES, ALL_ROUTERS, link_local, solicited_node};
use roamproof_wire::ipv6::{Packet, Reassembly, Rejected, protocol};

use crate::entropy::Entropy;
use crate::{Event, Held, Instant, Interface, Output, Wakeup};
use address::{Addresses, Due};
use config::{HostConfig, Prefix};
use neighbour::Neighbours;

/// The host part of a node.
#[derive(Debug)]
pub struct Host {
    nics: Vec<Nic>,
    addresses: Addresses,
    neighbours: Neighbours,
    routes: Vec<Route>,
    reassembly: Reassembly,
    reassembled: VecDeque<(Interface, Vec<u8>)>,
    happenings: VecDeque<Happening>,
    outbox: VecDeque<Output>,
    error_limit: ErrorLimit,
    forwards: bool,
    /// A home address that its home agent answers for, and the home agent's own address.
    defended: Option<(Ipv6Addr, Ipv6Addr)>,
    knows_mobility: bool,
    pub(crate) entropy: Entropy,
}

/// One interface.
#[derive(Debug)]
struct Nic {
    name: String,
    mac: Mac,
    up: bool,
}

/// One route; the longest prefix that fits wins.
#[derive(Debug, Clone, Copy)]
struct Route {
    prefix: Prefix,
    via: Option<Ipv6Addr>,
    interface: Interface,
}

/// What came in for the role.
#[derive(Debug)]
pub(crate) enum Received<'a> {
    /// For an address of this node, or a group it listens to.
    Mine(Packet<'a>),
    /// For someone else, given to this node's link-layer address to pass on.
    Transit(Packet<'a>),
    /// Nothing that the role has to deal with.
    Nothing,
}

/// What the host noticed and a role may want to know.
#[derive(Debug)]
pub(crate) enum Happening {
    /// An address may be used from now on: nobody else has it.
    AddressReady(Ipv6Addr),
    /// Somebody else has an address that was being probed or used.
    AddressTaken(Ipv6Addr),
    /// A router advertised itself.
    Router(Interface, Ipv6Addr, RouterAdvertisement),
    /// A neighbour does not answer.
    Unreachable(Interface, Ipv6Addr),
    /// Somebody on the link asks for a router.
    RouterWanted(Interface),
}

/// The largest packet that a link takes, octets (RFC 2464).
pub const LINK_MTU: usize = 1500;

impl Host {
    /// The host that `config` describes; `forwards` where it is a router.
    pub(crate) fn new(config: &HostConfig, seed: u64, forwards: bool) -> Self {
        let mut host = Self {
            nics: Vec::new(),
            addresses: Addresses::default(),
            neighbours: Neighbours::default(),
            routes: Vec::new(),
            reassembly: Reassembly::default(),
            reassembled: VecDeque::new(),
            happenings: VecDeque::new(),
            outbox: VecDeque::new(),
            error_limit: ErrorLimit::default(),
            forwards,
            defended: None,
            knows_mobility: true,
            entropy: Entropy::new(seed),
        };
        for (index, one) in config.interfaces.iter().enumerate() {
            let interface = Interface(u8::try_from(index).unwrap_or(u8::MAX));
            host.nics.push(Nic { name: one.name.clone(), mac: one.mac, up: false });
            let own = Standing::Own;
            host.addresses.add(Instant::ZERO, interface, link_local(one.mac), own, 0);
            for prefix in &one.addresses {
                host.addresses.add(Instant::ZERO, interface, prefix.address, own, 0);
                host.add_route(Prefix { address: prefix.network(), ..*prefix }, None, interface);
            }
        }
        for route in &config.routes {
            if let Some(interface) = host.interface_named(&route.interface) {
                host.add_route(route.prefix, route.via, interface);
            }
        }
        host
    }

    /// Makes it a node that knows neither the Home Address option nor the type 2 routing header.
    pub(crate) const fn forget_mobility(&mut self) {
        self.knows_mobility = false;
    }

    /// Reads a packet as this node does.
    pub(crate) fn parse<'a>(&self, octets: &'a [u8]) -> Result<Packet<'a>, Rejected> {
        if self.knows_mobility {
            Packet::parse(octets)
        } else {
            //= NODE-02
            //= NODE-03
            //= NODE-04
            Packet::parse_without_mobility(octets)
        }
    }

    /// The interface called `name`.
    pub(crate) fn interface_named(&self, name: &str) -> Option<Interface> {
        let index = self.nics.iter().position(|nic| nic.name == name)?;
        u8::try_from(index).ok().map(Interface)
    }

    /// The link-layer address of an interface.
    pub(crate) fn mac(&self, interface: Interface) -> Mac {
        self.nic(interface).mac
    }

    /// The link-local address of an interface.
    pub(crate) fn link_local(&self, interface: Interface) -> Ipv6Addr {
        link_local(self.mac(interface))
    }

    /// Whether frames can pass.
    pub(crate) fn is_up(&self, interface: Interface) -> bool {
        self.nic(interface).up
    }

    /// Notes that an interface was plugged in or out; out, and its neighbours are forgotten.
    pub(crate) fn link(&mut self, interface: Interface, up: bool) {
        if let Some(nic) = self.nics.get_mut(usize::from(interface.0)) {
            nic.up = up;
        }
        self.neighbours.forget(interface);
        self.defended = None;
        if up {
            self.report_groups(interface);
        }
    }

    /// Adds a route; an equal prefix on the same interface is replaced.
    pub(crate) fn add_route(&mut self, prefix: Prefix, via: Option<Ipv6Addr>, on: Interface) {
        self.remove_route(prefix, on);
        self.routes.push(Route { prefix, via, interface: on });
        self.routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.length));
    }

    /// Removes a route.
    pub(crate) fn remove_route(&mut self, prefix: Prefix, interface: Interface) {
        self.routes.retain(|route| (route.prefix, route.interface) != (prefix, interface));
    }

    /// Adds an address of this node's own, or one it defends for another; it may be used once
    /// [`Happening::AddressReady`] says so, at once where `probes` is zero.
    pub(crate) fn add_address(
        &mut self,
        now: Instant,
        interface: Interface,
        address: Ipv6Addr,
        standing: Standing,
        probes: u8,
    ) {
        self.addresses.add(now, interface, address, standing, probes);
        if self.is_up(interface) {
            self.report_group(interface, solicited_node(address));
        }
        if probes == 0 {
            self.note(Happening::AddressReady(address));
        }
    }

    /// Gives an address up.
    pub(crate) fn remove_address(&mut self, interface: Interface, address: Ipv6Addr) {
        self.addresses.remove(interface, address);
    }

    /// Whether packets to `address` are this node's.
    pub(crate) fn is_mine(&self, address: Ipv6Addr) -> bool {
        self.addresses.is_mine(address)
    }

    /// Takes in a frame.
    pub(crate) fn receive<'a>(
        &mut self,
        now: Instant,
        interface: Interface,
        frame: &'a [u8],
    ) -> Received<'a> {
        if usize::from(interface.0) >= self.nics.len() {
            return Received::Nothing;
        }
        let Ok((ethernet, octets)) = Ethernet::parse(frame) else {
            self.discard("frame shorter than its header");
            return Received::Nothing;
        };
        let to_me = ethernet.destination == self.mac(interface);
        if !to_me && !ethernet.destination.is_multicast() {
            return Received::Nothing;
        }
        if ethernet.ether_type != ethernet::IPV6 {
            return Received::Nothing;
        }
        let packet = match self.parse(octets) {
            Ok(packet) => packet,
            Err(rejected) => {
                self.malformed(rejected.error);
                self.answer_problem(now, octets, rejected.problem);
                return Received::Nothing;
            }
        };
        let destination = packet.header.destination;
        if destination.is_multicast() {
            if !self.listens(interface, destination) {
                return Received::Nothing;
            }
        } else if !self.is_local(interface, destination) {
            // A neighbour that checks whether a proxied address is still reachable asks it alone.
            let about_proxied = self.addresses.is_proxied(destination)
                && packet.protocol == protocol::ICMPV6
                && packet.piece().is_none()
                && Self::is_neighbour_discovery(&packet);
            if to_me && about_proxied {
                //= CL-INT-02
                self.on_neighbour_discovery(now, interface, &packet);
                return Received::Nothing;
            }
            if to_me {
                return Received::Transit(packet);
            }
            return Received::Nothing;
        }
        self.accept(now, interface, packet)
    }

    /// Sorts a packet for this node: fragments and neighbour discovery stay here.
    fn accept<'a>(
        &mut self,
        now: Instant,
        interface: Interface,
        packet: Packet<'a>,
    ) -> Received<'a> {
        if packet.fragment.is_some() {
            match self.reassembly.push(now.since_start(), &packet) {
                Ok(Some(whole)) => self.reassembled.push_back((interface, whole)),
                Ok(None) => {}
                Err(rejected) => {
                    self.malformed(rejected.error);
                    self.answer_problem(now, packet.octets, rejected.problem);
                }
            }
            return Received::Nothing;
        }
        if packet.protocol == protocol::ICMPV6 && Self::is_neighbour_discovery(&packet) {
            self.on_neighbour_discovery(now, interface, &packet);
            return Received::Nothing;
        }
        Received::Mine(packet)
    }

    /// The next packet put together from fragments, to be handled as if it had come whole.
    pub(crate) fn poll_reassembled(&mut self) -> Option<(Interface, Vec<u8>)> {
        self.reassembled.pop_front()
    }

    /// The next thing noticed.
    pub(crate) fn poll_happening(&mut self) -> Option<Happening> {
        self.happenings.pop_front()
    }

    /// The next thing for the driver.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// Does what is due by now.
    pub(crate) fn run(&mut self, now: Instant) {
        if self.addresses.poll_timeout().is_some_and(|wakeup| wakeup.at <= now) {
            for due in self.addresses.due(now) {
                match due {
                    Due::Probe { interface, address } => self.probe(interface, address),
                    Due::Ready { address } => {
                        self.event(Event::AddressReady(address));
                        self.note(Happening::AddressReady(address));
                    }
                }
            }
        }
        for wanted in self.neighbours.due(now) {
            self.on_wanted(now, wanted);
        }
        if self.reassembly.deadline().is_some_and(|deadline| deadline <= now.since_start()) {
            for expired in self.reassembly.expire(now.since_start()) {
                if let Some(first) = expired.first_fragment {
                    self.answer_error(now, &first, Reason::TimeExceeded { code: 1 });
                }
            }
        }
    }

    /// When [`run`](Self::run) has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Wakeup> {
        let reassembly = self
            .reassembly
            .deadline()
            .map(|at| Wakeup { at: Instant::at(at), why: "fragments missing" });
        [self.addresses.poll_timeout(), self.neighbours.poll_timeout(), reassembly]
            .into_iter()
            .fold(None, Wakeup::sooner)
    }

    /// Counts what is kept; `proxied_max` is how many addresses it may answer for.
    pub(crate) fn held(&self, held: &mut Held, proxied_max: usize) {
        self.neighbours.held(held);
        held.in_time("packets in pieces", self.reassembly.len(), self.reassembly.packets_max());
        held.in_time("addresses answered for", self.addresses.proxied(), proxied_max);
        held.in_time("packets put together", self.reassembled.len(), 0);
    }

    /// Hands a packet to the programs on this node's host.
    pub(crate) fn deliver(&mut self, packet: Vec<u8>) {
        self.outbox.push_back(Output::Local(packet));
    }

    /// Notes a decision.
    pub(crate) fn event(&mut self, event: Event) {
        self.outbox.push_back(Output::Event(event));
    }

    /// Notes a packet dropped without an answer.
    pub(crate) fn discard(&mut self, why: &'static str) {
        self.event(Event::Discarded { why });
    }

    /// Notes octets that are not what they should be.
    pub(crate) fn malformed(&mut self, error: WireError) {
        self.event(Event::Malformed(error));
    }

    /// The role drains it after every input, and one input brings about no more than there are
    /// addresses and neighbours: none is lost, or whoever waits for it waits for ever.
    fn note(&mut self, happening: Happening) {
        self.happenings.push_back(happening);
    }

    /// Whether a unicast packet that came in on `interface` is for this node or taken by it.
    fn is_local(&self, interface: Interface, destination: Ipv6Addr) -> bool {
        if destination.is_unicast_link_local() {
            return self.addresses.find(interface, destination).is_some();
        }
        self.addresses.is_mine(destination)
    }

    fn listens(&self, interface: Interface, group: Ipv6Addr) -> bool {
        group == ALL_NODES
            || (self.forwards && group == ALL_ROUTERS)
            || self.addresses.on(interface).any(|entry| solicited_node(entry.address) == group)
    }

    fn nic(&self, interface: Interface) -> &Nic {
        self.nics
            .get(usize::from(interface.0))
            .expect("interfaces are counted by the configuration that made them")
    }
}
