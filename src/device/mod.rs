//! A vendor's device in a node's place: what it stands on, how it is started, asked and watched.

mod environment;
mod panel;
mod process;
mod subject;
mod trigger;

pub(crate) use environment::Environment;
pub(crate) use panel::{Panel, Way};

pub(crate) use subject::{Carriers, DeviceSubject, Parts};

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use roamproof_harness::plan::Plan;
use roamproof_harness::profile::Profile;
use roamproof_harness::topology::{NodeSpec, Topology};
use roamproof_wire::ethernet::Mac;

use crate::usher::Usher;

/// A device under test, as an arm needs it.
#[derive(Debug, Clone)]
pub struct Device {
    /// What its vendor says of it.
    pub profile: Arc<Profile>,
    /// This program, for command lines that want it.
    pub(crate) program: PathBuf,
    /// Who acts in the caller's namespaces.
    pub(crate) usher: Arc<Mutex<Usher>>,
}

impl Device {
    /// The node of a topology in whose place the device stands: the first whose role it plays.
    pub(crate) fn place_in(&self, topology: &Topology) -> Option<usize> {
        topology.nodes.iter().position(|node| self.profile.roles.contains(&node.role))
    }

    /// Who has which address where the device stands in the place of `node`.
    pub(crate) fn plan(&self, node: &NodeSpec) -> Plan {
        let mac = node.interfaces.first().map_or([0; 6], |interface| interface.mac);
        self.profile.plan(node.role, Plan::claimed(Mac(mac)))
    }
}
