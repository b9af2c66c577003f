//! The live arm: each node a process in a namespace of its own, with every interface in the
//! harness's hand.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use roamproof_harness::link::packet_socket::PacketSocketLink;
use roamproof_harness::link::{Arrival, Clock, Link, Port};
use roamproof_harness::subject::daemon::Daemon;
use roamproof_harness::subject::output::Output;
use roamproof_harness::subject::{Subject, SubjectError};
use roamproof_harness::topology::addressing::blackholes;
use roamproof_harness::topology::cleanup::{Graveyard, die_with_this_thread};
use roamproof_harness::topology::namespace::Namespace;
use roamproof_harness::topology::netlink::Netlink;
use roamproof_harness::topology::sandbox::{PRIVATE, Sandbox};
use roamproof_harness::topology::veth::{End, pair, turn_offload_off};
use roamproof_harness::topology::{Arm, ArmError, Network, NodeSpec, Topology};

use crate::usher::Usher;

/// This process, in its sandbox, with an usher outside.
#[derive(Debug)]
pub struct Live {
    sandbox: Sandbox,
    usher: Mutex<Usher>,
}

/// Runs topologies in network namespaces and real time. Each thread has an arm of its own, and the
/// networks that it sets up end with it.
#[derive(Debug)]
pub struct LiveArm {
    sandbox: Sandbox,
    program: PathBuf,
    graveyard: Arc<Graveyard>,
    /// The network set up last, while it lives.
    ground: Weak<Ground>,
}

impl Live {
    /// Forks the usher and moves this process into its sandbox. Call it first in `main`: before any
    /// thread, and before anything is opened that must not be shared with the usher.
    ///
    /// # Errors
    ///
    /// [`ArmError::Environment`] with the fix where the system does not allow it;
    /// [`ArmError::System`] where there are threads already.
    pub fn enter() -> Result<Self, ArmError> {
        let usher = Mutex::new(Usher::fork()?);
        Ok(Self { sandbox: Sandbox::enter()?, usher })
    }

    /// An arm, for one thread.
    pub fn arm(&self) -> LiveArm {
        LiveArm {
            sandbox: self.sandbox,
            program: PathBuf::from("/proc/self/exe"),
            graveyard: Arc::default(),
            ground: Weak::new(),
        }
    }

    /// The process that stayed outside.
    pub fn usher(&self) -> MutexGuard<'_, Usher> {
        self.usher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sandbox itself.
    pub const fn sandbox(&self) -> Sandbox {
        self.sandbox
    }
}

impl LiveArm {
    /// Starts nodes by this program in place of the running one: it must take the words of
    /// `roamproof node`.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// Starts an ordinary program in the namespace of a node of the network set up last, so that it
    /// uses the address that the node lends. Its output is piped; it dies with the calling thread.
    ///
    /// # Errors
    ///
    /// Where that network is gone, has no such node, or the program cannot be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "the live arm is one of the two that start processes"
    )]
    pub fn command_in(&self, node: &str, program: &str, arguments: &[&str]) -> io::Result<Child> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("no node {node} runs"));
        let ground = self.ground.upgrade().ok_or_else(missing)?;
        let namespace = ground.namespace(node).ok_or_else(missing)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0);
        die_with_this_thread(&mut command);
        namespace.run(|| command.spawn())
    }

    /// Starts the process of one node.
    #[expect(
        clippy::disallowed_methods,
        reason = "the live arm is one of the two that start processes"
    )]
    fn start(&self, ground: &Ground, node: &NodeSpec, seed: u64) -> Result<Daemon, ArmError> {
        let config = ground.folder.join(format!("{}.toml", node.name));
        fs::write(&config, &node.config)?;
        let (control, its_control) = UnixStream::pair()?;
        let (printed, printing) = io::pipe()?;
        let mut command = Command::new(&self.program);
        command.args(words_for(node, &config, seed));
        command.stdin(OwnedFd::from(its_control)).stdout(printing.try_clone()?).stderr(printing);
        command.process_group(0);
        die_with_this_thread(&mut command);
        let namespace = ground
            .namespace(&node.name)
            .ok_or_else(|| io::Error::other("every node of a topology has a namespace"))?;
        let child = namespace.run(|| command.spawn())?;
        // The command holds the child's end of the pipe; it must close with the child alone.
        drop(command);
        let output = Output::of(&node.name, printed)?;
        Ok(Daemon::new(&node.name, child, control, output, Arc::clone(&self.graveyard))?)
    }
}

impl Arm for LiveArm {
    fn name(&self) -> &'static str {
        "live"
    }

    fn set_up(&mut self, topology: &Topology) -> Result<Network, ArmError> {
        let mut ground = Ground::lay(self.sandbox, topology)?;
        let mut daemons = Vec::new();
        for (node, seed) in topology.nodes.iter().zip(1..) {
            daemons.push(self.start(&ground, node, topology.seed.wrapping_add(seed))?);
        }
        // While the daemons open their devices, the links come up.
        let mut link = ground.open_link(topology)?;
        ask_all(&mut daemons, "ready")?;
        for (node, daemon) in topology.nodes.iter().zip(&mut daemons) {
            for interface in node.interfaces.iter().filter(|interface| interface.link.is_none()) {
                daemon
                    .link(&interface.name, None)
                    .map_err(|why| not_started(daemon.name(), &why))?;
            }
        }
        let epoch = link.restart()?;
        ask_all(&mut daemons, &format!("start {}", epoch.as_nanos()))?;
        let ground = Arc::new(ground);
        self.ground = Arc::downgrade(&ground);
        let subjects =
            daemons.into_iter().map(|daemon| Box::new(daemon) as Box<dyn Subject>).collect();
        Ok(Network { link: Box::new(LiveLink { link, _ground: ground }), subjects, epoch })
    }
}

/// The namespaces and files of one network.
#[derive(Debug)]
struct Ground {
    harness: Namespace,
    nodes: Vec<Node>,
    folder: PathBuf,
}

#[derive(Debug)]
struct Node {
    name: String,
    namespace: Namespace,
    netlink: Netlink,
    interfaces: Vec<String>,
}

/// The ports, and what they stand on for as long as they are used.
struct LiveLink {
    link: PacketSocketLink,
    _ground: Arc<Ground>,
}

impl Ground {
    /// Makes the namespaces and the interfaces of a network, on their way up.
    fn lay(sandbox: Sandbox, topology: &Topology) -> io::Result<Self> {
        let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(PRIVATE).join(number.to_string());
        fs::create_dir(&folder)?;
        let harness = Namespace::create(sandbox, &format!("{number}-harness"))?;
        let mut ground = Self { harness, nodes: Vec::new(), folder };
        for spec in &topology.nodes {
            let namespace = Namespace::create(sandbox, &format!("{number}-{}", spec.name))?;
            let netlink = namespace.run(Netlink::open)?;
            let interfaces =
                spec.interfaces.iter().map(|interface| interface.name.clone()).collect();
            ground.nodes.push(Node { name: spec.name.clone(), namespace, netlink, interfaces });
        }
        ground.wire(topology)?;
        Ok(ground)
    }

    /// Joins each interface of each node to the harness.
    fn wire(&mut self, topology: &Topology) -> io::Result<()> {
        let mut requests = blackholes().to_vec();
        for (port, node, interface) in topology.ports() {
            let here =
                End { name: port_name(port), mac: harness_mac(port), index: Some(index_of(port)?) };
            let there = End { name: interface.name.clone(), mac: interface.mac, index: None };
            requests.push(pair(&here, &there, Some(self.nodes[node].namespace.file())));
        }
        self.harness.run(|| {
            Netlink::open()?.ask(requests)?;
            topology.ports().try_for_each(|(port, ..)| turn_offload_off(&port_name(port)))
        })?;
        for node in &mut self.nodes {
            let names: Vec<&str> = node.interfaces.iter().map(String::as_str).collect();
            node.namespace.run(|| names.iter().try_for_each(|name| turn_offload_off(name)))?;
            node.netlink.set_up(&names)?;
        }
        Ok(())
    }

    /// Opens the ports, once frames pass through all of them both ways.
    fn open_link(&mut self, topology: &Topology) -> io::Result<PacketSocketLink> {
        let names: Vec<(Port, String)> =
            topology.ports().map(|(port, ..)| (port, port_name(port))).collect();
        let link = self.harness.run(|| {
            let mut netlink = Netlink::open()?;
            let all: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
            netlink.wait_until_usable(&all, LINK_LIMIT)?;
            let ports = names.iter().map(|(port, _)| Ok((index_of(*port)?, *port)));
            PacketSocketLink::open(&ports.collect::<io::Result<Vec<_>>>()?)
        })?;
        for node in &mut self.nodes {
            let names: Vec<&str> = node.interfaces.iter().map(String::as_str).collect();
            node.netlink.wait_until_usable(&names, LINK_LIMIT)?;
        }
        Ok(link)
    }

    fn namespace(&self, node: &str) -> Option<&Namespace> {
        self.nodes.iter().find(|known| known.name == node).map(|known| &known.namespace)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!("{}: {error}", self.folder.display());
        }
    }
}

impl Clock for LiveLink {
    fn now(&self) -> Duration {
        self.link.now()
    }
}

impl Link for LiveLink {
    fn send(&mut self, port: Port, octets: &[u8]) -> io::Result<()> {
        self.link.send(port, octets)
    }

    fn receive(&mut self, until: Duration) -> io::Result<Option<Arrival>> {
        self.link.receive(until)
    }

    fn lateness(&mut self) -> Duration {
        self.link.lateness()
    }
}

/// The words after `roamproof` that start a node.
fn words_for(node: &NodeSpec, config: &Path, seed: u64) -> Vec<String> {
    let mut words = vec!["node".to_owned(), node.role.name().to_owned()];
    let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    option("config", config.display().to_string());
    for interface in &node.interfaces {
        option("interface", format!("{0}={0}", interface.name));
    }
    option("control", "-".to_owned());
    option("seed", seed.to_string());
    if let Some(address) = node.lends {
        option("tun", format!("{LENT_DEVICE}={address}"));
    }
    for misdeed in &node.misdeeds {
        option("misdeed", misdeed.clone());
    }
    words
}

/// Asks every daemon the same and waits for all answers.
fn ask_all(daemons: &mut [Daemon], line: &str) -> Result<(), ArmError> {
    for daemon in &mut *daemons {
        daemon.ask(line).map_err(|why| not_started(daemon.name(), &why))?;
    }
    for daemon in daemons {
        daemon.answered().map_err(|why| not_started(daemon.name(), &why))?;
    }
    Ok(())
}

fn not_started(name: &str, why: &SubjectError) -> ArmError {
    ArmError::Start { name: name.to_owned(), why: why.to_string() }
}

fn port_name(port: Port) -> String {
    format!("port{}", port.0)
}

/// Its index in the harness's namespace: far from those that the kernel gives out in a node's.
fn index_of(port: Port) -> io::Result<u32> {
    u32::try_from(port.0 + 1000).map_err(io::Error::other)
}

/// A locally administered address; no frame of a tester bears it unless it wants to.
fn harness_mac(port: Port) -> [u8; 6] {
    let [.., high, low] = port.0.to_be_bytes();
    [0x02, 0xfe, 0x00, 0x00, high, low]
}

/// How many networks this process has set up: a part of their names.
static NETWORKS: AtomicUsize = AtomicUsize::new(0);

/// The device through which a node lends its address.
const LENT_DEVICE: &str = "lent0";

/// How long a virtual link may take to come up.
const LINK_LIMIT: Duration = Duration::from_secs(10);
