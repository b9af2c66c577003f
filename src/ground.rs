//! What a live network stands on: namespaces, pairs of interfaces, files, all gone with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use roamproof_harness::link::Port;
use roamproof_harness::link::packet_socket::PacketSocketLink;
use roamproof_harness::profile::{Mode, Profile};
use roamproof_harness::topology::Topology;
use roamproof_harness::topology::addressing::blackholes;
use roamproof_harness::topology::namespace::{Namespace, set};
use roamproof_harness::topology::netlink::Netlink;
use roamproof_harness::topology::sandbox::{PRIVATE, Sandbox};
use roamproof_harness::topology::veth::{End, pair, turn_offload_off};

use crate::device::{Carriers, Panel, Way};

/// The namespaces and files of one network.
#[derive(Debug)]
pub(crate) struct Ground {
    harness: Namespace,
    nodes: Vec<Node>,
    cables: Vec<Cable>,
    /// Files that only this process and its children see.
    pub(crate) folder: PathBuf,
}

#[derive(Debug)]
struct Node {
    name: String,
    /// Its network namespace; a device behind an existing interface has its own.
    grounds: Option<(Arc<Namespace>, Netlink)>,
}

/// A pair of interfaces: one in the harness's hand, one at a node.
#[derive(Debug)]
struct Cable {
    port: Port,
    node: usize,
    there: String,
    mac: [u8; 6],
}

impl Ground {
    /// Makes the namespaces and the interfaces of a network, on their way up; `device` stands in the
    /// place of the node of that index.
    pub(crate) fn lay(
        sandbox: Sandbox,
        topology: &Topology,
        device: Option<(usize, &Profile)>,
    ) -> io::Result<Self> {
        let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(PRIVATE).join(number.to_string());
        fs::create_dir(&folder)?;
        let harness = Namespace::create(sandbox, &format!("{number}-harness"))?;
        let cables = cables(topology, device);
        let mut ground = Self { harness, nodes: Vec::new(), cables, folder };
        for (index, spec) in topology.nodes.iter().enumerate() {
            let mode = device.filter(|(place, _)| *place == index).map(|(_, one)| &one.attach.mode);
            let mut grounds = None;
            if !matches!(mode, Some(Mode::Interface { .. })) {
                let namespace = Namespace::create(sandbox, &format!("{number}-{}", spec.name))?;
                let with_ipv6 = matches!(mode, Some(Mode::Command { kernel_ipv6: true, .. }));
                if with_ipv6 {
                    namespace.run(|| set("net/ipv6/conf/default/disable_ipv6", "0"))?;
                }
                let netlink = namespace.run(Netlink::open)?;
                grounds = Some((Arc::new(namespace), netlink));
            }
            ground.nodes.push(Node { name: spec.name.clone(), grounds });
        }
        ground.wire()?;
        Ok(ground)
    }

    /// Joins each interface of each node to the harness.
    fn wire(&mut self) -> io::Result<()> {
        let mut requests = blackholes().to_vec();
        for Cable { port, node, there, mac } in &self.cables {
            let name = port_name(*port);
            let here = End { name, mac: harness_mac(*port), index: Some(index_of(*port)?) };
            let there = End { name: there.clone(), mac: *mac, index: None };
            let home = self.nodes[*node].grounds.as_ref().map(|(namespace, _)| namespace.file());
            requests.push(pair(&here, &there, home));
        }
        let ports: Vec<Port> = self.cables.iter().map(|cable| cable.port).collect();
        self.harness.run(|| {
            Netlink::open()?.ask(requests)?;
            ports.iter().try_for_each(|port| turn_offload_off(&port_name(*port)))
        })?;
        for (index, node) in self.nodes.iter_mut().enumerate() {
            let Some((namespace, netlink)) = &mut node.grounds else { continue };
            let names = names_at(&self.cables, index);
            namespace.run(|| names.iter().try_for_each(|name| turn_offload_off(name)))?;
            netlink.set_up(&names)?;
        }
        Ok(())
    }

    /// Opens the ports, once frames pass through all of them both ways.
    pub(crate) fn open_link(&mut self) -> io::Result<PacketSocketLink> {
        let ports: Vec<Port> = self.cables.iter().map(|cable| cable.port).collect();
        let link = self.harness.run(|| {
            let mut netlink = Netlink::open()?;
            let names: Vec<String> = ports.iter().map(|port| port_name(*port)).collect();
            let all: Vec<&str> = names.iter().map(String::as_str).collect();
            netlink.wait_until_usable(&all, LINK_LIMIT)?;
            let ports = ports.iter().map(|port| Ok((index_of(*port)?, *port)));
            PacketSocketLink::open(&ports.collect::<io::Result<Vec<_>>>()?)
        })?;
        for (index, node) in self.nodes.iter_mut().enumerate() {
            let Some((_, netlink)) = &mut node.grounds else { continue };
            netlink.wait_until_usable(&names_at(&self.cables, index), LINK_LIMIT)?;
        }
        Ok(link)
    }

    /// The harness's ends of the interfaces made for the node of this index.
    pub(crate) fn carriers(&self, node: usize) -> io::Result<Option<Carriers>> {
        let Some((namespace, _)) = &self.nodes[node].grounds else { return Ok(None) };
        let ends = self.cables.iter().filter(|cable| cable.node == node);
        let ends = ends.map(|one| (one.port, port_name(one.port), one.there.clone())).collect();
        let here = self.harness.run(Netlink::open)?;
        Ok(Some(Carriers { here, there: namespace.run(Netlink::open)?, ends }))
    }

    /// Every namespace with the name of whose it is: the nodes', then the harness's own.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = (&str, &Namespace)> {
        let nodes = self.nodes.iter().filter_map(|node| {
            let (namespace, _) = node.grounds.as_ref()?;
            Some((node.name.as_str(), &**namespace))
        });
        nodes.chain([("harness", &self.harness)])
    }

    /// The namespace made for a node.
    pub(crate) fn namespace(&self, node: &str) -> Option<&Arc<Namespace>> {
        let node = self.nodes.iter().find(|known| known.name == node)?;
        node.grounds.as_ref().map(|(namespace, _)| namespace)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!("{}: {error}", self.folder.display());
        }
    }
}

/// The ways to a device that stands in the place of a node: those of its interfaces over which it
/// plays that role.
pub(crate) fn ways(topology: &Topology, node: usize, profile: &Profile) -> Panel {
    let mut panel = Panel::default();
    let Some((port, _, at_start)) = topology.ports().find(|(_, owner, _)| *owner == node) else {
        return panel;
    };
    let names = distinct_names(profile);
    for (_, interface) in profile.interfaces_of(topology.nodes[node].role) {
        let place = names.iter().position(|name| *name == interface.name);
        panel.ways.push(Way {
            port,
            links: interface.links.clone(),
            socket: socket_port(topology, place.unwrap_or_default()),
            vlan: interface.vlan,
            plugged: false,
        });
    }
    let link = at_start.link.and_then(|link| topology.links.get(link.0));
    panel.plug(port, link.map(|link| link.name.as_str()));
    panel
}

/// The names of a device's interfaces, each once: VLANs share one.
pub(crate) fn distinct_names(profile: &Profile) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for interface in &profile.attach.interfaces {
        if !names.contains(&interface.name.as_str()) {
            names.push(&interface.name);
        }
    }
    names
}

/// The packet socket's port of the device's interface whose name is at `place` among the distinct.
pub(crate) fn socket_port(topology: &Topology, place: usize) -> Port {
    Port(topology.ports().count() + place)
}

/// The pairs that a network needs: a node's interfaces, or those that a device's profile names.
fn cables(topology: &Topology, device: Option<(usize, &Profile)>) -> Vec<Cable> {
    let replaced = device.map(|(place, _)| place);
    let mut cables: Vec<Cable> = topology
        .ports()
        .filter(|(_, node, _)| Some(*node) != replaced)
        .map(|(port, node, interface)| Cable {
            port,
            node,
            there: interface.name.clone(),
            mac: interface.mac,
        })
        .collect();
    let Some((node, profile)) = device else { return cables };
    if let Mode::Interface { .. } = profile.attach.mode {
        return cables;
    }
    let role = topology.nodes[node].role;
    let given = topology.nodes[node].interfaces.first().map(|interface| interface.mac);
    for (place, name) in distinct_names(profile).into_iter().enumerate() {
        let all = || profile.attach.interfaces.iter().filter(|one| one.name == name);
        let plays = profile.interfaces_of(role).any(|(_, one)| one.name == name);
        let port = socket_port(topology, place);
        let mac = all().find_map(|one| one.mac.map(|mac| mac.0));
        let mac = mac.or(given.filter(|_| plays)).unwrap_or(idle_mac(port));
        cables.push(Cable { port, node, there: name.to_owned(), mac });
    }
    cables
}

fn names_at(cables: &[Cable], node: usize) -> Vec<&str> {
    cables.iter().filter(|cable| cable.node == node).map(|cable| cable.there.as_str()).collect()
}

fn port_name(port: Port) -> String {
    format!("port{}", port.0)
}

/// Its index in the harness's namespace: far from those that the kernel gives out in a node's.
fn index_of(port: Port) -> io::Result<u32> {
    u32::try_from(port.0 + 1000).map_err(io::Error::other)
}

/// A locally administered address; no frame of a tester bears it unless it wants to.
const fn harness_mac(port: Port) -> [u8; 6] {
    let [.., high, low] = port.0.to_be_bytes();
    [0x02, 0xfe, 0x00, 0x00, high, low]
}

/// The address of a device's interface that is not used.
const fn idle_mac(port: Port) -> [u8; 6] {
    let [.., high, low] = port.0.to_be_bytes();
    [0x02, 0xfe, 0x00, 0x02, high, low]
}

/// How many networks this process has set up: a part of their names.
static NETWORKS: AtomicUsize = AtomicUsize::new(0);

/// How long a virtual link may take to come up.
const LINK_LIMIT: Duration = Duration::from_secs(10);
