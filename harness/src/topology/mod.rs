//! Topologies: links, nodes on them, and the arm that makes them run.

#[cfg(feature = "live")]
pub mod addressing;
pub mod claimed;
#[cfg(feature = "live")]
pub mod cleanup;
#[cfg(feature = "live")]
pub mod namespace;
#[cfg(feature = "live")]
pub mod netlink;
#[cfg(feature = "live")]
pub mod sandbox;
#[cfg(feature = "live")]
pub mod veth;

use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

use crate::link::{Link, LinkId, Port};
use crate::subject::Subject;

/// A network to set up.
#[derive(Debug, Clone)]
pub struct Topology {
    /// Its links.
    pub links: Vec<LinkSpec>,
    /// The nodes that run as subjects; what a tester plays is not among them.
    pub nodes: Vec<NodeSpec>,
    /// Fixes every random draw of a simulated run.
    pub seed: u64,
}

/// One link.
#[derive(Debug, Clone)]
pub struct LinkSpec {
    /// Its name in captures and ladders: `home`, `visited-1` …
    pub name: String,
    /// Its /64 prefix.
    pub prefix: Ipv6Addr,
}

/// One node.
#[derive(Debug, Clone)]
pub struct NodeSpec {
    /// Its name in captures and ladders: `mt`, `ha`, `cn`, `ss`, `ar1`, `core` …
    pub name: String,
    /// What it plays.
    pub role: Role,
    /// Its configuration, TOML.
    pub config: String,
    /// Its interfaces, in order.
    pub interfaces: Vec<InterfaceSpec>,
    /// What it is to do wrong, by name.
    pub misdeeds: Vec<String>,
    /// The address it lends to ordinary programs on its host, if any.
    pub lends: Option<Ipv6Addr>,
}

/// One interface of a node.
#[derive(Debug, Clone)]
pub struct InterfaceSpec {
    /// Its name at the node: `eth0`.
    pub name: String,
    /// Its link-layer address.
    pub mac: [u8; 6],
    /// The link it is plugged into at the start; `None` = plugged out.
    pub link: Option<LinkId>,
}

/// What a node plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The mobile terminal (mobile node and SIP user agent).
    MobileTerminal,
    /// The home agent.
    HomeAgent,
    /// The correspondent (correspondent node and SIP user agent).
    Correspondent,
    /// The SIP server (registrar and proxy).
    SipServer,
    /// An access router or core router.
    Router,
}

/// A network that runs.
pub struct Network {
    /// All its ports and its clock.
    pub link: Box<dyn Link>,
    /// Its nodes, in the order of the topology.
    pub subjects: Vec<Box<dyn Subject>>,
    /// The Unix time of the clock's zero: a constant in the lab.
    pub epoch: Duration,
}

/// Something that makes a topology run: simulated, or in namespaces.
pub trait Arm {
    /// `lab` or `live`.
    fn name(&self) -> &'static str;

    /// Sets it up and starts its nodes. The clock starts at zero when this returns.
    ///
    /// # Errors
    ///
    /// Where the environment cannot run it, or a node does not come up.
    fn set_up(&mut self, topology: &Topology) -> Result<Network, ArmError>;
}

/// Why a topology does not run.
#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    /// The environment lacks something: `doctor` says what.
    #[error("{what}; {fix}")]
    Environment {
        /// What is missing.
        what: String,
        /// What to do.
        fix: String,
    },
    /// A node did not come up.
    #[error("{name} did not start: {why}")]
    Start {
        /// Its name.
        name: String,
        /// What it said.
        why: String,
    },
    /// The operating system refused something that it should not.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

impl Topology {
    /// The ports in order: node, interface, and the link it is plugged into at the start.
    pub fn ports(&self) -> impl Iterator<Item = (Port, usize, &InterfaceSpec)> {
        self.nodes
            .iter()
            .enumerate()
            .flat_map(|(node, spec)| spec.interfaces.iter().map(move |interface| (node, interface)))
            .enumerate()
            .map(|(port, (node, interface))| (Port(port), node, interface))
    }

    /// The link called `name`.
    pub fn link(&self, name: &str) -> Option<LinkId> {
        self.links.iter().position(|link| link.name == name).map(LinkId)
    }

    /// The index of the node called `name`.
    pub fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] =
        [Self::MobileTerminal, Self::HomeAgent, Self::Correspondent, Self::SipServer, Self::Router];

    /// Its name on the command line and in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MobileTerminal => "mobile-terminal",
            Self::HomeAgent => "home-agent",
            Self::Correspondent => "correspondent",
            Self::SipServer => "sip-server",
            Self::Router => "router",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
