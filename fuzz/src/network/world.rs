//! The network under way: nodes in a lab, the air between them, and what operations do to both.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use roamproof_harness::evidence::Names;
use roamproof_harness::topology::claimed::LINKS;
use roamproof_lab::{Lab, LinkId, NodeId, Weather};
use roamproof_node::{Command, Event, Instant, Interface, Node};
use roamproof_wire::ethernet::{self, Mac};

use super::air::Air;
use super::operation::{LinkState, Operation};
use super::plan::{Plan, Variant};
use crate::trace;

/// A network.
pub(super) struct World {
    pub(super) variant: Variant,
    pub(super) air: Rc<RefCell<Air>>,
    /// What terminal and correspondent have said.
    pub(super) terminal: Party,
    pub(super) correspondent: Party,
    /// Whether the SIP server, or the home agent, has forgotten what the terminal told it.
    pub(super) forgotten: bool,
    /// Whether terminal or correspondent has forgotten a binding that the other may count on.
    pub(super) forgot_binding: bool,
    lab: Lab,
    plan: &'static Plan,
    links: Vec<LinkId>,
    nodes: Vec<NodeId>,
    /// Where the interfaces of the nodes are plugged in.
    plugs: Vec<Plug>,
    power_cycles: u64,
    /// Calls that users have begun.
    calls: u32,
}

/// What a party has said of its calls.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Party {
    pub(super) begun: u32,
    pub(super) over: u32,
    pub(super) answered: u32,
    /// Whether its registration with the SIP server stands.
    pub(super) registered: bool,
}

#[derive(Debug, Clone, Copy)]
struct Plug {
    node: usize,
    interface: Interface,
    link: usize,
}

impl World {
    /// The network of this variant, its nodes plugged in.
    pub(super) fn new(variant: Variant) -> Self {
        let plan = variant.plan();
        let air = Rc::new(RefCell::new(Air::new()));
        let names = plan.topology.links.iter().map(|link| link.name.clone());
        trace::begin(names, EPOCH, || Names::of_claimed(&plan.topology), None);
        let mut lab = Lab::new();
        let ruler = Rc::clone(&air);
        lab.overrule(move |sighting, fate| ruler.borrow_mut().rule(sighting, fate));
        let links = LINKS.iter().map(|_| lab.add_link(Weather::CALM)).collect();
        let nodes =
            (0..plan.blueprints.len()).map(|node| lab.add_node(build(plan, node, 0))).collect();
        let mut world = Self {
            variant,
            air,
            terminal: Party::default(),
            correspondent: Party::default(),
            forgotten: false,
            forgot_binding: false,
            lab,
            plan,
            links,
            nodes,
            plugs: Vec::new(),
            power_cycles: 0,
            calls: 0,
        };
        for (node, spec) in plan.topology.nodes.iter().enumerate() {
            for (number, interface) in (0..).zip(&spec.interfaces) {
                if let Some(link) = interface.link {
                    world.plug(Plug { node, interface: Interface(number), link: link.0 });
                }
            }
        }
        world
    }

    /// How much time has passed.
    pub(super) fn now(&self) -> Duration {
        self.lab.now().since_start()
    }

    /// Inputs that the nodes have handled.
    pub(super) fn inputs(&self) -> usize {
        usize::try_from(self.lab.inputs()).expect("no sequence has more")
    }

    /// Does an operation.
    pub(super) fn apply(&mut self, operation: &Operation) {
        if !matches!(operation, Operation::Pass(_) | Operation::Nothing) {
            self.air.borrow_mut().expect_act();
        }
        match operation {
            Operation::Pass(time) => self.pass(*time),
            Operation::User { command, .. }
                if command.starts_with("call") && self.calls == CALLS_MAX => {}
            Operation::User { node, command } => {
                self.calls += u32::from(command.starts_with("call"));
                self.tell(node, command);
            }
            Operation::PowerCycle(node) => self.power_cycle(node % self.nodes.len()),
            Operation::Move(link) => self.go(link.and_then(link_called)),
            Operation::Link { link, state } => self.set_link(*link, *state),
            Operation::Fate { class, skip, fate } => {
                self.air.borrow_mut().plan(*class, *skip, *fate);
            }
            Operation::Calm => self.calm(),
            Operation::Edited { class, skip, instead, edit } => {
                self.air.borrow_mut().plan_edit(*class, *skip, *instead, edit.clone());
            }
            Operation::Injected { link, to, packet } => self.inject(*link, *to, packet),
            Operation::Nothing => {}
        }
        self.settle();
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.lab.now() + time;
        self.until(until, |_| false);
    }

    /// Lets time pass until something is so, at most until then; whether it is.
    pub(super) fn until(&mut self, until: Instant, done: impl Fn(&Self) -> bool) -> bool {
        loop {
            self.settle();
            if done(self) {
                return true;
            }
            if !self.lab.step(until) {
                self.lab.run_until(until);
                return false;
            }
        }
    }

    /// The time in a while.
    pub(super) fn after(&self, while_: Duration) -> Instant {
        self.lab.now() + while_
    }

    /// The user of a node commands.
    pub(super) fn tell(&mut self, node: &str, command: &str) {
        if command.starts_with("call") {
            self.air.borrow_mut().expect_call();
        }
        let index = self.node(node);
        if command == "restart" {
            self.forgets(index);
        }
        let command: Command = command.parse().expect("the table holds commands");
        self.lab.tell(self.nodes[index], &command);
    }

    /// The node forgets everything, and its power comes back at once.
    pub(super) fn power_cycle(&mut self, node: usize) {
        self.power_cycles += 1;
        self.forgets(node);
        self.lab.replace_node(self.nodes[node], build(self.plan, node, self.power_cycles));
        if node == self.node("mt") {
            // Its sequence numbers begin by the clock, which it has not seen when it is built.
            self.lab.tell(self.nodes[node], &Command::Restart);
        }
    }

    /// The terminal goes to a link.
    pub(super) fn go(&mut self, link: Option<usize>) {
        let node = self.node("mt");
        let interface = Interface(0);
        self.air.borrow_mut().watch.detached();
        self.plugs.retain(|plug| plug.node != node);
        self.lab.unplug(self.nodes[node], interface);
        match link {
            Some(link) => self.plug(Plug { node, interface, link }),
            None => self.tell_watch(None),
        }
    }

    /// Where the terminal is.
    pub(super) fn place(&self) -> Option<&'static str> {
        let node = self.node("mt");
        let plug = self.plugs.iter().find(|plug| plug.node == node)?;
        Some(LINKS[plug.link].0)
    }

    /// All faults end.
    pub(super) fn calm(&mut self) {
        for link in 0..LINKS.len() {
            self.set_link(link, LinkState::Calm);
        }
        self.air.borrow_mut().calm();
    }

    /// The index of the node called so.
    pub(super) fn node(&self, name: &str) -> usize {
        self.plan.topology.node(name).expect("the claimed network has it")
    }

    fn plug(&mut self, plug: Plug) {
        if plug.node == self.node("mt") {
            self.tell_watch(Some(plug.link));
        }
        self.plugs.push(plug);
        let (node, link) = (self.nodes[plug.node], self.links[plug.link]);
        if self.air.borrow().state(plug.link) == LinkState::Down {
            self.lab.connect(node, plug.interface, link);
        } else {
            self.lab.plug(node, plug.interface, link);
        }
    }

    fn tell_watch(&self, link: Option<usize>) {
        let watch = &mut self.air.borrow_mut().watch;
        watch.plugged = link.map(|link| self.links[link]);
        watch.at_home = link == link_called("home");
    }

    fn set_link(&mut self, link: usize, state: LinkState) {
        let before = self.air.borrow().state(link);
        self.air.borrow_mut().set(link, state);
        if (before == LinkState::Down) == (state == LinkState::Down) {
            return;
        }
        for plug in self.plugs.clone().into_iter().filter(|plug| plug.link == link) {
            if plug.node == self.node("mt") {
                self.air.borrow_mut().watch.detached();
            }
            self.lab.set_up(self.nodes[plug.node], plug.interface, state != LinkState::Down);
        }
    }

    fn forgets(&mut self, node: usize) {
        let name = self.plan.topology.nodes[node].name.as_str();
        let watch = &mut self.air.borrow_mut().watch;
        match name {
            "mt" => {
                watch.terminal_restarted();
                self.forgot_binding = true;
                self.terminal = Party { answered: self.terminal.answered, ..Party::default() };
            }
            "cn" => {
                watch.correspondent_restarted();
                self.forgot_binding = true;
                self.correspondent =
                    Party { answered: self.correspondent.answered, ..Party::default() };
            }
            "ss" | "ha" => self.forgotten = true,
            _ => {}
        }
    }

    /// An attacker sends a packet on a link: to everybody there, or to the first interface of a node.
    fn inject(&self, link: usize, to: u8, packet: &[u8]) {
        let node = &self.plan.topology.nodes[usize::from(to) % self.nodes.len()];
        let here = node.interfaces.iter().find(|one| one.link.is_some_and(|one| one.0 == link));
        let mac = here.map_or(EVERYBODY, |interface| Mac(interface.mac));
        let mac = if node.name == "mt" { Mac(node.interfaces[0].mac) } else { mac };
        let frame = ethernet::frame(mac, ATTACKER, &packet[..packet.len().min(MTU)]);
        let mut air = self.air.borrow_mut();
        air.watch.attacked();
        air.forged.push_back((self.links[link], frame));
    }

    /// Hears what the nodes say, and sends what attackers have made.
    fn settle(&mut self) {
        while let Some((_, node, event)) = self.lab.poll_event() {
            let name = self.plan.topology.nodes[node.0].name.as_str();
            match name {
                "mt" => self.terminal.on(&event),
                "cn" => self.correspondent.on(&event),
                _ => {}
            }
        }
        loop {
            let forged = self.air.borrow_mut().forged.pop_front();
            let Some((link, frame)) = forged else { return };
            self.air.borrow_mut().forging = true;
            self.lab.send_from_outside(0, link, frame);
            self.air.borrow_mut().forging = false;
        }
    }
}

impl Party {
    /// Whether a call is left.
    pub(super) const fn is_talking(&self) -> bool {
        self.begun > self.over
    }

    fn on(&mut self, event: &Event) {
        if let Event::Note(note) = event {
            self.registered |= note.starts_with("registered for");
        }
        let Event::Call { state } = event else { return };
        match state.split([' ', ':']).next() {
            Some("calling" | "incoming") => self.begun += 1,
            Some("refused" | "cancelled" | "ended") => self.over += 1,
            Some("answered") => self.answered += 1,
            _ => {}
        }
    }
}

pub(super) fn link_called(name: &str) -> Option<usize> {
    LINKS.iter().position(|(link, _)| *link == name)
}

/// A node as it is after so many power cycles in the network: no two draw the same numbers.
fn build(plan: &Plan, node: usize, power_cycles: u64) -> Box<dyn Node> {
    let spec = &plan.topology.nodes[node];
    let seed = plan.topology.seed.wrapping_add(node as u64 + 1) + power_cycles * 1000;
    plan.blueprints[node]
        .build(EPOCH, seed, &misdeeds(spec.role.name()))
        .expect("the claimed network's own configuration is right")
}

/// What a node of this role is to do wrong, where a defect is planted.
#[cfg_attr(not(feature = "misdeeds"), expect(unused_variables, reason = "it does nothing wrong"))]
fn misdeeds(role: &str) -> Vec<String> {
    #[cfg(feature = "misdeeds")]
    return crate::defect::misdeeds_of(role);
    #[cfg(not(feature = "misdeeds"))]
    Vec::new()
}

/// Calls that users begin in one sequence: the media of each take time.
const CALLS_MAX: u32 = 8;
const EPOCH: Duration = Duration::from_secs(1_700_000_000);
const ATTACKER: Mac = Mac([0x02, 0, 0x5e, 0x10, 0xee, 0]);
/// All nodes (RFC 2464 §7).
const EVERYBODY: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);
const MTU: usize = 1500;
