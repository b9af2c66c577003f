//! The live arm: each node a process in a namespace of its own, with every interface in the
//! harness's hand.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use roamproof_harness::link::packet_socket::PacketSocketLink;
use roamproof_harness::link::{Arrival, Clock, Link, Port};
use roamproof_harness::profile::{Mode, Profile};
use roamproof_harness::subject::daemon::Daemon;
use roamproof_harness::subject::output::Output;
use roamproof_harness::subject::{Subject, SubjectError};
use roamproof_harness::topology::cleanup::{Graveyard, die_with_this_thread};
use roamproof_harness::topology::sandbox::Sandbox;
use roamproof_harness::topology::{Arm, ArmError, Network, NodeSpec, Topology};

use crate::device::{Device, DeviceSubject, Environment, Panel, Parts};
use crate::ground::{self, Ground};
use crate::inside::Inside;
use crate::usher::Usher;

/// This process, in its sandbox, with an usher outside.
#[derive(Debug)]
pub struct Live {
    sandbox: Sandbox,
    usher: Arc<Mutex<Usher>>,
}

/// Runs topologies in network namespaces and real time. Each thread has an arm of its own, and the
/// networks that it sets up end with it.
#[derive(Debug)]
pub struct LiveArm {
    sandbox: Sandbox,
    program: PathBuf,
    graveyard: Arc<Graveyard>,
    /// The network set up last, while it lives.
    ground: Arc<Mutex<Weak<Ground>>>,
    /// A vendor's device, in the place of a node.
    device: Option<Device>,
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
        let usher = Arc::new(Mutex::new(Usher::fork()?));
        Ok(Self { sandbox: Sandbox::enter()?, usher })
    }

    /// An arm, for one thread.
    pub fn arm(&self) -> LiveArm {
        LiveArm {
            sandbox: self.sandbox,
            program: PathBuf::from("/proc/self/exe"),
            graveyard: Arc::default(),
            ground: Arc::default(),
            device: None,
        }
    }

    /// A device, for arms of this process to put in a node's place.
    ///
    /// # Errors
    ///
    /// Where this program cannot be found.
    pub fn device(&self, profile: Profile) -> io::Result<Device> {
        let program = std::env::current_exe()?;
        Ok(Device { profile: Arc::new(profile), program, usher: Arc::clone(&self.usher) })
    }

    /// The process that stayed outside.
    pub fn usher(&self) -> MutexGuard<'_, Usher> {
        lock(&self.usher)
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

    /// Puts a vendor's device in the place of the first node whose role it plays.
    #[must_use]
    pub fn with_device(self, device: Device) -> Self {
        Self { device: Some(device), ..self }
    }

    /// The ways into the network that this arm sets up last.
    pub fn inside(&self) -> Inside {
        Inside { ground: Arc::clone(&self.ground), privilege: self.sandbox.privilege() }
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
        let ground = lock(&self.ground).upgrade().ok_or_else(missing)?;
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
        let device = self.device.clone();
        let place = device.as_ref().and_then(|device| device.place_in(topology));
        let device = device.zip(place);
        let profile = device.as_ref().map(|(device, place)| (*place, &*device.profile));
        let mut ground = Ground::lay(self.sandbox, topology, profile)?;
        let mut subjects = Subjects::default();
        for (index, node) in topology.nodes.iter().enumerate() {
            if Some(index) != place {
                let seed = topology.seed.wrapping_add(u64::try_from(index + 1).unwrap_or_default());
                subjects.daemons.push((index, self.start(&ground, node, seed)?));
            }
        }
        // While the daemons open their devices, the links come up.
        let mut link = ground.open_link()?;
        let mut panel = Panel::default();
        if let Some((device, place)) = &device {
            panel = ground::ways(topology, *place, &device.profile);
            open_found(device, topology, &mut link)?;
        }
        let panel = Arc::new(Mutex::new(panel));
        subjects.ask_all("ready")?;
        subjects.plug_out(topology)?;
        let ground = Arc::new(ground);
        *lock(&self.ground) = Arc::downgrade(&ground);
        if let Some((device, place)) = &device {
            let mut parts = self.parts(device, topology, *place, &ground, &panel)?;
            if let Some(carriers) = &mut parts.carriers {
                carriers.follow(&lock(&panel))?;
            }
            subjects.device = Some((*place, DeviceSubject::new(parts)));
        }
        let epoch = subjects.start(&mut link)?;
        link.be_punctual();
        Ok(Network {
            link: Box::new(LiveLink { link, panel, _ground: ground }),
            subjects: subjects.in_order(),
            epoch,
        })
    }
}

impl LiveArm {
    /// What a device in a node's place is made of, its files written.
    fn parts(
        &self,
        device: &Device,
        topology: &Topology,
        place: usize,
        ground: &Arc<Ground>,
        panel: &Arc<Mutex<Panel>>,
    ) -> Result<Parts, ArmError> {
        let node = &topology.nodes[place];
        let plan = device.plan(node);
        let mut environment = Environment::of(&device.profile, node, &plan);
        let folder = ground.folder.join("device");
        fs::create_dir(&folder)?;
        let config = folder.join("node.toml");
        fs::write(&config, &node.config)?;
        // Who is outside of the sandbox finds its files by this process alone.
        let root = PathBuf::from(format!("/proc/{}/root", std::process::id()));
        let seen = |path: &Path| match device.profile.attach.mode {
            Mode::Command { .. } => path.to_owned(),
            Mode::Interface { .. } => root.join(path.strip_prefix("/").unwrap_or(path)),
        };
        environment.say_folder(&seen(&folder), &seen(&config));
        environment.say("PROGRAM", device.program.display().to_string());
        environment.say("SEED", topology.seed.to_string());
        let interface = topology.ports().find(|(_, owner, _)| *owner == place);
        let (port, _, interface) = interface.ok_or_else(|| {
            io::Error::other("a node whose place a device takes has an interface")
        })?;
        Ok(Parts {
            name: node.name.clone(),
            interface: (interface.name.clone(), port),
            device: device.clone(),
            environment,
            panel: Arc::clone(panel),
            namespace: ground.namespace(&node.name).cloned(),
            carriers: ground.carriers(place)?,
            graveyard: Arc::clone(&self.graveyard),
        })
    }
}

/// Everyone who is under test, with their places in the topology.
#[derive(Default)]
struct Subjects {
    daemons: Vec<(usize, Daemon)>,
    device: Option<(usize, DeviceSubject)>,
}

impl Subjects {
    /// Asks every daemon the same and waits for all answers.
    fn ask_all(&mut self, line: &str) -> Result<(), ArmError> {
        for (_, daemon) in &mut self.daemons {
            daemon.ask(line).map_err(|why| not_started(daemon.name(), &why))?;
        }
        for (_, daemon) in &mut self.daemons {
            daemon.answered().map_err(|why| not_started(daemon.name(), &why))?;
        }
        Ok(())
    }

    /// Tells daemons which of their interfaces are plugged out from the start.
    fn plug_out(&mut self, topology: &Topology) -> Result<(), ArmError> {
        for (place, daemon) in &mut self.daemons {
            let interfaces = topology.nodes[*place].interfaces.iter();
            for interface in interfaces.filter(|interface| interface.link.is_none()) {
                daemon
                    .link(&interface.name, None)
                    .map_err(|why| not_started(daemon.name(), &why))?;
            }
        }
        Ok(())
    }

    /// Starts the run, and returns its zero. A device that the harness starts is heard from its first
    /// frame on; of one that runs already everything before is history.
    fn start(&mut self, link: &mut PacketSocketLink) -> Result<Duration, ArmError> {
        let mut epoch = link.restart()?;
        if let Some((_, device)) = &mut self.device {
            device.boot().map_err(|why| not_started(device.name(), &why))?;
            if !device.is_started_here() {
                epoch = link.restart()?;
            }
        }
        self.ask_all(&format!("start {}", epoch.as_nanos()))?;
        Ok(epoch)
    }

    fn in_order(self) -> Vec<Box<dyn Subject>> {
        let mut all: Vec<(usize, Box<dyn Subject>)> = Vec::new();
        for (place, daemon) in self.daemons {
            all.push((place, Box::new(daemon)));
        }
        if let Some((place, device)) = self.device {
            all.push((place, Box::new(device)));
        }
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, subject)| subject).collect()
    }
}

/// Opens the interfaces behind which a device is.
fn open_found(
    device: &Device,
    topology: &Topology,
    link: &mut PacketSocketLink,
) -> Result<(), ArmError> {
    let Mode::Interface { namespace } = &device.profile.attach.mode else { return Ok(()) };
    for (place, name) in ground::distinct_names(&device.profile).into_iter().enumerate() {
        let socket = lock(&device.usher).open_packet_socket(name, namespace.as_deref())?;
        link.attach(socket, ground::socket_port(topology, place))?;
    }
    Ok(())
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The ports, and what they stand on for as long as they are used.
struct LiveLink {
    link: PacketSocketLink,
    /// The ways to a device under test.
    panel: Arc<Mutex<Panel>>,
    _ground: Arc<Ground>,
}

impl Clock for LiveLink {
    fn now(&self) -> Duration {
        self.link.now()
    }
}

impl Link for LiveLink {
    fn send(&mut self, port: Port, octets: &[u8]) -> io::Result<()> {
        match lock(&self.panel).outward(port, octets) {
            None => self.link.send(port, octets),
            Some(None) => Ok(()),
            Some(Some((port, octets))) => self.link.send(port, &octets),
        }
    }

    fn receive(&mut self, until: Duration) -> io::Result<Option<Arrival>> {
        while let Some(arrival) = self.link.receive(until)? {
            if let Some(arrival) = lock(&self.panel).inward(arrival) {
                return Ok(Some(arrival));
            }
        }
        Ok(None)
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

fn not_started(name: &str, why: &SubjectError) -> ArmError {
    ArmError::Start { name: name.to_owned(), why: why.to_string() }
}

/// The device through which a node lends its address.
const LENT_DEVICE: &str = "lent0";
