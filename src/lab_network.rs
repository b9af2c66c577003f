//! A topology as a network of values: nodes on shared simulated links, with nobody in between.
//!
//! The lab arm puts the harness between the nodes; here they meet on links that lose, delay,
//! reorder and double frames, for properties, for fuzzing, and for speed.

use roamproof_harness::topology::{LinkSpec, Topology};
use roamproof_lab::{Lab, LinkId, NodeId, Weather};
use roamproof_node::{Command, ConfigError, Interface};

use crate::lab_arm::LAB_EPOCH;

/// The nodes of a topology, each plugged into the link that its specification names.
#[derive(Debug)]
pub struct LabNetwork {
    /// The network.
    pub lab: Lab,
    topology: Topology,
    links: Vec<LinkId>,
    nodes: Vec<NodeId>,
}

impl LabNetwork {
    /// Builds the nodes and plugs them in.
    ///
    /// # Errors
    ///
    /// Where a node's configuration is wrong.
    pub fn new(
        topology: Topology,
        mut weather: impl FnMut(&LinkSpec) -> Weather,
    ) -> Result<Self, ConfigError> {
        let mut lab = Lab::new();
        let links: Vec<LinkId> =
            topology.links.iter().map(|link| lab.add_link(weather(link))).collect();
        let mut nodes = Vec::new();
        for (index, spec) in topology.nodes.iter().enumerate() {
            let seed = topology.seed.wrapping_add(index as u64 + 1);
            let role = spec.role.name();
            let node = roamproof_node::build(role, &spec.config, LAB_EPOCH, seed, &spec.misdeeds)?;
            nodes.push(lab.add_node(node));
        }
        for (spec, node) in topology.nodes.iter().zip(&nodes) {
            for (interface, number) in spec.interfaces.iter().zip(0_u8..) {
                if let Some(link) = interface.link {
                    lab.plug(*node, Interface(number), links[link.0]);
                }
            }
        }
        Ok(Self { lab, topology, links, nodes })
    }

    /// What it was made of.
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The link called `name`.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn link(&self, name: &str) -> LinkId {
        let link = self.topology.link(name);
        self.links[link.unwrap_or_else(|| panic!("the network has no link {name}")).0]
    }

    /// The node called `name`.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn node(&self, name: &str) -> NodeId {
        let node = self.topology.node(name);
        self.nodes[node.unwrap_or_else(|| panic!("the network has no node {name}"))]
    }

    /// The name of a node.
    pub fn name_of(&self, node: NodeId) -> &str {
        &self.topology.nodes[node.0].name
    }

    /// Plugs a node's first interface into a link.
    pub fn plug(&mut self, node: &str, link: &str) {
        let (node, link) = (self.node(node), self.link(link));
        self.lab.plug(node, Interface(0), link);
    }

    /// Asks a node for something, in the words of [`Command`].
    ///
    /// # Panics
    ///
    /// Where the words are no command.
    pub fn tell(&mut self, node: &str, command: &str) {
        let command: Command = command.parse().unwrap_or_else(|why| panic!("{why}"));
        self.lab.tell(self.node(node), &command);
    }

    /// Changes the weather of every link.
    pub fn set_weather(&mut self, mut weather: impl FnMut(&LinkSpec) -> Weather) {
        for (link, spec) in self.links.iter().zip(&self.topology.links) {
            self.lab.set_weather(*link, weather(spec));
        }
    }
}
