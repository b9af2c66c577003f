//! The lab arm: the reference as values, in simulated time, with every interface in the harness's
//! hand.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use roamproof_harness::link::{Arrival, Clock, Link, Port};
use roamproof_harness::subject::{Subject, SubjectError};
use roamproof_harness::topology::{Arm, ArmError, Network, Topology};
use roamproof_lab::{Lab, LinkId, NodeId, Weather};
use roamproof_node::{Command, Instant, Interface};

/// The Unix time of the zero of every lab run: 2026-01-01 00:00:00 UTC.
pub const LAB_EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// Runs topologies in simulated time.
#[derive(Debug, Clone, Copy, Default)]
pub struct LabArm;

/// A lab that its ports and its subjects share.
struct Shared {
    lab: Lab,
    ports: Vec<LinkId>,
    output: BTreeMap<usize, VecDeque<String>>,
}

struct LabLink {
    shared: Rc<RefCell<Shared>>,
}

struct LabSubject {
    shared: Rc<RefCell<Shared>>,
    name: String,
    node: NodeId,
    interfaces: Vec<String>,
}

/// Lines of output kept for each node; the oldest go first.
const OUTPUT_MAX: usize = 1000;

impl Arm for LabArm {
    fn name(&self) -> &'static str {
        "lab"
    }

    fn set_up(&mut self, topology: &Topology) -> Result<Network, ArmError> {
        let mut lab = Lab::new();
        let mut ports = Vec::new();
        let mut nodes = Vec::new();
        for (index, spec) in topology.nodes.iter().enumerate() {
            let seed = topology.seed.wrapping_add(index as u64 + 1);
            let role = spec.role.name();
            let node = roamproof_node::build(role, &spec.config, LAB_EPOCH, seed, &spec.misdeeds)
                .map_err(|why| ArmError::Start {
                name: spec.name.clone(),
                why: why.to_string(),
            })?;
            nodes.push(lab.add_node(node));
        }
        for (port, node, spec) in topology.ports() {
            let link = lab.add_link(Weather::CALM);
            lab.add_outside(port.0, link);
            let interface = interface_at(topology, node, port);
            lab.connect(nodes[node], interface, link);
            if spec.link.is_some() {
                lab.set_up(nodes[node], interface, true);
            }
            ports.push(link);
        }
        let shared = Rc::new(RefCell::new(Shared { lab, ports, output: BTreeMap::new() }));
        let subjects = topology.nodes.iter().zip(&nodes).map(|(spec, node)| {
            let interfaces = spec.interfaces.iter().map(|one| one.name.clone()).collect();
            let (shared, name) = (Rc::clone(&shared), spec.name.clone());
            Box::new(LabSubject { shared, name, node: *node, interfaces }) as Box<dyn Subject>
        });
        Ok(Network {
            subjects: subjects.collect(),
            link: Box::new(LabLink { shared }),
            epoch: LAB_EPOCH,
        })
    }
}

/// Which of its node's interfaces a port is.
fn interface_at(topology: &Topology, node: usize, port: Port) -> Interface {
    let before = topology.ports().filter(|(other, owner, _)| *owner == node && other.0 < port.0);
    Interface(u8::try_from(before.count()).expect("a node has fewer than 256 interfaces"))
}

impl Clock for LabLink {
    fn now(&self) -> Duration {
        self.shared.borrow().lab.now().since_start()
    }
}

impl Link for LabLink {
    fn send(&mut self, port: Port, octets: &[u8]) -> io::Result<()> {
        let shared = &mut *self.shared.borrow_mut();
        shared.lab.send_from_outside(port.0, shared.ports[port.0], octets.to_vec());
        Ok(())
    }

    fn receive(&mut self, until: Duration) -> io::Result<Option<Arrival>> {
        let shared = &mut *self.shared.borrow_mut();
        let until = Instant::at(until);
        loop {
            if let Some(emerged) = shared.lab.poll_outside() {
                let at = emerged.at.since_start();
                return Ok(Some(Arrival {
                    at,
                    port: Port(emerged.outside),
                    octets: emerged.octets,
                }));
            }
            if !shared.lab.step(until) {
                shared.lab.run_until(until);
                return Ok(None);
            }
        }
    }
}

impl Subject for LabSubject {
    fn name(&self) -> &str {
        &self.name
    }

    fn tell(&mut self, command: &str) -> Result<(), SubjectError> {
        let command: Command =
            command.parse().map_err(|why: roamproof_node::command::UnknownCommand| {
                SubjectError::Cannot(why.to_string())
            })?;
        self.shared.borrow_mut().lab.tell(self.node, &command);
        Ok(())
    }

    fn link(&mut self, interface: &str, link: Option<&str>) -> Result<(), SubjectError> {
        let index = self.interfaces.iter().position(|name| name == interface);
        let Some(index) = index.and_then(|index| u8::try_from(index).ok()) else {
            return Err(SubjectError::Cannot(format!("find its interface {interface}")));
        };
        self.shared.borrow_mut().lab.set_up(self.node, Interface(index), link.is_some());
        Ok(())
    }

    fn alive(&mut self) -> Result<(), SubjectError> {
        Ok(())
    }

    fn output(&mut self) -> Vec<String> {
        let shared = &mut *self.shared.borrow_mut();
        while let Some((at, node, event)) = shared.lab.poll_event() {
            let lines = shared.output.entry(node.0).or_default();
            if lines.len() == OUTPUT_MAX {
                lines.pop_front();
            }
            lines.push_back(format!("{at} {event}"));
        }
        shared
            .output
            .get(&self.node.0)
            .map(|lines| lines.iter().cloned().collect())
            .unwrap_or_default()
    }
}
