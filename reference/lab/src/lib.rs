//! A network of values: nodes on simulated links, and a clock that jumps.
//!
//! One seed fixes every loss and delay; the clock jumps from deadline to deadline, so that an hour
//! of protocol time costs milliseconds. A link joins interfaces of nodes and *outside ends*: what
//! reaches an outside end is handed to whoever drives the lab, and whoever drives it can send from
//! there. A judge holds every link by giving each interface a link of its own with one outside end.
#![forbid(unsafe_code)]

mod weather;

pub use weather::{Fate, Weather};

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::time::Duration;

use roamproof_node::{Command, Event, Input, Instant, Interface, Node, Output, Wakeup};
use weather::Sky;

/// A node of the lab, in the order of [`Lab::add_node`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub usize);

/// A link of the lab, in the order of [`Lab::add_link`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub usize);

/// What a link's end belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// An interface of a node.
    Node(NodeId, Interface),
    /// Whoever drives the lab; the number is the caller's.
    Outside(usize),
}

/// A frame that reached an outside end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emerged {
    /// When it was sent.
    pub at: Instant,
    /// The number of the outside end.
    pub outside: usize,
    /// The Ethernet frame.
    pub octets: Vec<u8>,
}

/// Something that happens on a link, for whoever watches.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// When the frame entered the link.
    pub at: Instant,
    /// Which link.
    pub link: LinkId,
    /// Whether it got lost there.
    pub lost: bool,
    /// The Ethernet frame.
    pub octets: &'a [u8],
}

type Watcher = Box<dyn FnMut(Sighting<'_>)>;
type Ruler = Box<dyn FnMut(Sighting<'_>, Fate) -> Fate>;

/// Nodes, the links between them, and the time.
pub struct Lab {
    now: Instant,
    nodes: Vec<Slot>,
    links: Vec<Link>,
    in_flight: BinaryHeap<Reverse<Flight>>,
    emerged: VecDeque<Emerged>,
    events: VecDeque<(Instant, NodeId, Event)>,
    locals: VecDeque<(NodeId, Vec<u8>)>,
    watcher: Option<Watcher>,
    ruler: Option<Ruler>,
    sent: u64,
    flights: u64,
    inputs: u64,
    inputs_at_now: u32,
}

struct Slot {
    node: Box<dyn Node>,
    links: Vec<Option<LinkId>>,
    wakeup: Option<Wakeup>,
}

struct Link {
    sky: Sky,
    ends: Vec<End>,
}

struct Flight {
    at: Instant,
    order: u64,
    sent_at: Instant,
    end: End,
    link: LinkId,
    octets: Vec<u8>,
}

/// How many inputs may happen at one moment before a run is called endless.
const INPUTS_AT_ONE_MOMENT_MAX: u32 = 1_000_000;
/// How many events are kept for whoever asks; the oldest go first.
const EVENTS_MAX: usize = 4096;

impl Lab {
    /// An empty lab at time zero.
    pub fn new() -> Self {
        Self {
            now: Instant::ZERO,
            nodes: Vec::new(),
            links: Vec::new(),
            in_flight: BinaryHeap::new(),
            emerged: VecDeque::new(),
            events: VecDeque::new(),
            locals: VecDeque::new(),
            watcher: None,
            ruler: None,
            sent: 0,
            flights: 0,
            inputs: 0,
            inputs_at_now: 0,
        }
    }

    /// What time it is.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How many inputs the nodes have handled.
    pub const fn inputs(&self) -> u64 {
        self.inputs
    }

    /// How many frames entered a link.
    pub const fn frames(&self) -> u64 {
        self.sent
    }

    /// Shows every frame that enters a link to `watcher`.
    pub fn watch(&mut self, watcher: impl FnMut(Sighting<'_>) + 'static) {
        self.watcher = Some(Box::new(watcher));
    }

    /// Lets `ruler` decide what becomes of every frame, knowing what the weather would do to it.
    pub fn overrule(&mut self, ruler: impl FnMut(Sighting<'_>, Fate) -> Fate + 'static) {
        self.ruler = Some(Box::new(ruler));
    }

    /// Adds a link under `weather`.
    pub fn add_link(&mut self, weather: Weather) -> LinkId {
        self.links.push(Link { sky: Sky::new(weather), ends: Vec::new() });
        LinkId(self.links.len() - 1)
    }

    /// Changes what becomes of the frames sent from now on.
    pub fn set_weather(&mut self, link: LinkId, weather: Weather) {
        self.links[link.0].sky = Sky::new(weather);
    }

    /// Adds a node with nothing plugged in, and drains what it has to say.
    pub fn add_node(&mut self, node: Box<dyn Node>) -> NodeId {
        self.nodes.push(Slot { node, links: Vec::new(), wakeup: None });
        let id = NodeId(self.nodes.len() - 1);
        self.drain(id);
        id
    }

    /// Puts another node in the place of one, as a power cycle does: it has the same cables, and knows
    /// nothing.
    pub fn replace_node(&mut self, id: NodeId, node: Box<dyn Node>) {
        let slot = &mut self.nodes[id.0];
        slot.node = node;
        let plugged: Vec<Interface> = (0..)
            .zip(&slot.links)
            .filter_map(|(number, link)| link.map(|_| Interface(number)))
            .collect();
        self.drain(id);
        for interface in plugged {
            self.set_up(id, interface, true);
        }
    }

    /// Joins an outside end, `number`, to a link.
    pub fn add_outside(&mut self, number: usize, link: LinkId) {
        self.links[link.0].ends.push(End::Outside(number));
    }

    /// Plugs an interface into a link, out of the one it was in, and tells the node.
    pub fn plug(&mut self, node: NodeId, interface: Interface, link: LinkId) {
        self.connect(node, interface, link);
        self.set_up(node, interface, true);
    }

    /// Plugs an interface into a link, out of the one it was in, without telling the node.
    pub fn connect(&mut self, node: NodeId, interface: Interface, link: LinkId) {
        self.unplug(node, interface);
        let links = &mut self.nodes[node.0].links;
        let index = usize::from(interface.0);
        if links.len() <= index {
            links.resize(index + 1, None);
        }
        links[index] = Some(link);
        self.links[link.0].ends.push(End::Node(node, interface));
    }

    /// Plugs an interface out, and tells the node if it was in.
    pub fn unplug(&mut self, node: NodeId, interface: Interface) {
        let Some(place) = self.nodes[node.0].links.get_mut(usize::from(interface.0)) else {
            return;
        };
        let Some(link) = place.take() else { return };
        self.links[link.0].ends.retain(|end| *end != End::Node(node, interface));
        self.input(node, Input::Link { interface, up: false });
    }

    /// Tells a node that its interface went up or down, with the cable where it is.
    pub fn set_up(&mut self, node: NodeId, interface: Interface, up: bool) {
        self.input(node, Input::Link { interface, up });
    }

    /// Asks a node for something.
    pub fn tell(&mut self, node: NodeId, command: &Command) {
        self.input(node, Input::Command(command));
    }

    /// Gives a node a packet from a program on its host.
    pub fn local(&mut self, node: NodeId, packet: &[u8]) {
        self.input(node, Input::Local(packet));
    }

    /// Sends a frame into `link` from the outside end `number`.
    pub fn send_from_outside(&mut self, number: usize, link: LinkId, octets: Vec<u8>) {
        self.transmit(link, End::Outside(number), octets);
    }

    /// The next frame that reached an outside end.
    pub fn poll_outside(&mut self) -> Option<Emerged> {
        self.emerged.pop_front()
    }

    /// The next event of a node.
    pub fn poll_event(&mut self) -> Option<(Instant, NodeId, Event)> {
        self.events.pop_front()
    }

    /// The next packet for a program on a node's host.
    pub fn poll_local(&mut self) -> Option<(NodeId, Vec<u8>)> {
        self.locals.pop_front()
    }

    /// Lets one thing happen, if any is due by `until`; the clock stands at it afterwards.
    ///
    /// # Panics
    ///
    /// If the nodes keep each other busy without time passing.
    pub fn step(&mut self, until: Instant) -> bool {
        let flight = self.in_flight.peek().map(|Reverse(flight)| flight.at);
        let timer = self.soonest_timer();
        let at = match (flight, timer) {
            (Some(flight), Some((timer, _))) => flight.min(timer),
            (Some(at), None) | (None, Some((at, _))) => at,
            (None, None) => return false,
        };
        if at > until {
            return false;
        }
        self.advance(at);
        match timer {
            Some((due, node)) if flight.is_none_or(|flight| due < flight) => {
                self.input(node, Input::Time);
            }
            _ => self.deliver(),
        }
        true
    }

    /// Lets time pass until `until`.
    pub fn run_until(&mut self, until: Instant) {
        while self.step(until) {}
        self.advance(until);
    }

    /// Lets `duration` pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    fn advance(&mut self, at: Instant) {
        if at > self.now {
            self.now = at;
            self.inputs_at_now = 0;
        }
    }

    fn soonest_timer(&self) -> Option<(Instant, NodeId)> {
        let mut soonest: Option<(Instant, NodeId)> = None;
        for (index, slot) in self.nodes.iter().enumerate() {
            if let Some(wakeup) = slot.wakeup
                && soonest.is_none_or(|(at, _)| wakeup.at < at)
            {
                soonest = Some((wakeup.at, NodeId(index)));
            }
        }
        soonest
    }

    fn deliver(&mut self) {
        let Some(Reverse(flight)) = self.in_flight.pop() else { return };
        match flight.end {
            End::Outside(outside) => {
                let Flight { sent_at: at, octets, .. } = flight;
                self.emerged.push_back(Emerged { at, outside, octets });
            }
            End::Node(node, interface) => {
                let plugged = self.nodes[node.0].links.get(usize::from(interface.0));
                // What was under way when the cable was pulled never arrives.
                if plugged == Some(&Some(flight.link)) {
                    self.input(node, Input::Frame { interface, octets: &flight.octets });
                }
            }
        }
    }

    fn input(&mut self, id: NodeId, input: Input<'_>) {
        self.inputs += 1;
        self.inputs_at_now += 1;
        let (now, busy) = (self.now, self.inputs_at_now);
        assert!(
            busy < INPUTS_AT_ONE_MOMENT_MAX,
            "time stands still at {now}: node {} woken for {:?}",
            id.0,
            self.nodes[id.0].wakeup
        );
        self.nodes[id.0].node.handle_input(now, input);
        self.drain(id);
    }

    fn drain(&mut self, id: NodeId) {
        while let Some(output) = self.nodes[id.0].node.poll_output() {
            match output {
                Output::Frame { interface, octets } => {
                    let link = self.nodes[id.0].links.get(usize::from(interface.0)).copied();
                    if let Some(Some(link)) = link {
                        self.transmit(link, End::Node(id, interface), octets);
                    }
                }
                Output::Local(packet) => self.locals.push_back((id, packet)),
                Output::Event(event) => {
                    if self.events.len() == EVENTS_MAX {
                        self.events.pop_front();
                    }
                    self.events.push_back((self.now, id, event));
                }
            }
        }
        let slot = &mut self.nodes[id.0];
        slot.wakeup = slot.node.poll_timeout();
    }

    fn transmit(&mut self, id: LinkId, from: End, octets: Vec<u8>) {
        self.sent += 1;
        let link = &mut self.links[id.0];
        let mut fate = link.sky.decide();
        let mut sighting =
            Sighting { at: self.now, link: id, lost: fate.is_lost(), octets: &octets };
        if let Some(ruler) = &mut self.ruler {
            fate = ruler(sighting, fate);
            sighting.lost = fate.is_lost();
        }
        if let Some(watcher) = &mut self.watcher {
            watcher(sighting);
        }
        let mut octets = Some(octets);
        let copies = fate.delays.iter().flatten().count();
        for (copy, delay) in fate.delays.into_iter().flatten().enumerate() {
            let last = link.ends.iter().rposition(|end| *end != from);
            for (index, end) in link.ends.iter().enumerate().filter(|(_, end)| **end != from) {
                // The last receiver gets the octets themselves: most links have two ends.
                let octets = if copy + 1 == copies && Some(index) == last {
                    octets.take().unwrap_or_default()
                } else {
                    octets.clone().unwrap_or_default()
                };
                self.flights += 1;
                self.in_flight.push(Reverse(Flight {
                    at: self.now + delay,
                    order: self.flights,
                    sent_at: self.now,
                    end: *end,
                    link: id,
                    octets,
                }));
            }
        }
    }
}

impl Default for Lab {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab")
            .field("now", &self.now)
            .field("nodes", &self.nodes.len())
            .field("in_flight", &self.in_flight.len())
            .finish_non_exhaustive()
    }
}

impl Flight {
    const fn key(&self) -> (Instant, u64) {
        (self.at, self.order)
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Flight {}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
