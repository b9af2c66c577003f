//! The usher: a small process that stays where the user is when the harness enters its sandbox.
//!
//! A sandboxed process cannot go back. What must happen in the caller's own namespaces, a vendor's
//! trigger or a packet socket on a real interface, the usher does for it, asked over a socket pair
//! and one thing at a time. It ends when its parent does, because the socket then closes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use roamproof_harness::link::clock::RealClock;
use roamproof_harness::link::packet_socket;
use roamproof_harness::topology::ArmError;
use roamproof_harness::topology::cleanup::die_with_this_thread;
use roamproof_harness::topology::sandbox::NAMESPACES;
use roamproof_harness::topology::veth::is_up;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use serde::{Deserialize, Serialize};

use crate::fork;

/// The harness's end of the usher.
#[derive(Debug)]
pub struct Usher {
    socket: OwnedFd,
    process: Pid,
}

/// A command line to run in the caller's namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// What the shell is given.
    pub command: String,
    /// How long it may take.
    pub limit: Duration,
    /// Variables beside those of the caller.
    pub environment: BTreeMap<String, String>,
    /// Where it runs; the caller's folder unless said.
    pub folder: Option<PathBuf>,
}

/// How a trigger ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its exit status, where it ended by itself.
    pub status: Option<i32>,
    /// The signal that ended it, where one did.
    pub signal: Option<i32>,
    /// Whether it was ended because its time was up.
    pub late: bool,
    /// What it printed, both streams, the last 16 KiB.
    pub output: String,
}

#[derive(Debug, Serialize, Deserialize)]
enum Request {
    Run(Trigger),
    Open { interface: String, namespace: Option<PathBuf> },
    Mind { group: i32, on: bool },
}

#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Ran(Outcome),
    Minded,
    /// The descriptor comes with it.
    Opened,
    /// What is missing, and what to do.
    Unfit(String, String),
    Failed(String),
}

impl Usher {
    /// Forks it. Call it before the sandbox and before the first thread.
    ///
    /// # Errors
    ///
    /// Where there are threads already, or the kernel refuses.
    pub fn fork() -> io::Result<Self> {
        let (ours, its) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let mut ours = Some(ours);
        let process = fork::in_child(|| {
            // Held here too, it would never be seen to close.
            ours = None;
            serve(&its)
        })?;
        let socket = ours.take().ok_or_else(|| io::Error::other("the socket is the child's"))?;
        Ok(Self { socket, process })
    }

    /// Runs a trigger and waits for its end.
    ///
    /// # Errors
    ///
    /// Where it cannot be started, or the usher is gone.
    pub fn run(&mut self, trigger: &Trigger) -> io::Result<Outcome> {
        match self.ask(&Request::Run(trigger.clone()))? {
            (Reply::Ran(outcome), _) => Ok(outcome),
            (reply @ (Reply::Opened | Reply::Minded | Reply::Unfit(..) | Reply::Failed(_)), _) => {
                Err(unexpected(reply))
            }
        }
    }

    /// Opens a packet socket on an interface of the caller's namespace, or of the one that is named as
    /// `ip netns` names it or by an absolute path, for
    /// [`PacketSocketLink::attach`](packet_socket::PacketSocketLink::attach).
    ///
    /// # Errors
    ///
    /// [`ArmError::Environment`] with the fix where there is no such namespace or interface, the caller
    /// may not open packet sockets there, or the kernel would speak on it too.
    pub fn open_packet_socket(
        &mut self,
        interface: &str,
        namespace: Option<&str>,
    ) -> Result<OwnedFd, ArmError> {
        let namespace = namespace.map(|name| Path::new(NAMESPACES).join(name));
        match self.ask(&Request::Open { interface: interface.to_owned(), namespace })? {
            (Reply::Opened, Some(descriptor)) => Ok(descriptor),
            (Reply::Unfit(what, fix), _) => Err(ArmError::Environment { what, fix }),
            (reply @ (Reply::Opened | Reply::Minded | Reply::Failed(_) | Reply::Ran(_)), _) => {
                Err(unexpected(reply).into())
            }
        }
    }

    /// From now on the usher ends a process group when the harness is gone, however it ended; or no
    /// more. A shell dies with whoever started it, but not what the shell has started.
    ///
    /// # Errors
    ///
    /// Where the usher is gone.
    pub fn mind(&self, group: Pid, on: bool) -> io::Result<()> {
        match self.ask(&Request::Mind { group: group.as_raw_nonzero().get(), on })? {
            (Reply::Minded, _) => Ok(()),
            (reply @ (Reply::Opened | Reply::Unfit(..) | Reply::Failed(_) | Reply::Ran(_)), _) => {
                Err(unexpected(reply))
            }
        }
    }

    fn ask(&self, request: &Request) -> io::Result<(Reply, Option<OwnedFd>)> {
        send(&self.socket, request, None)?;
        receive(&self.socket)?.ok_or_else(|| io::Error::other("the usher is gone"))
    }
}

impl Drop for Usher {
    fn drop(&mut self) {
        // It ends when the socket closes; a shut one is as good, and comes before the wait.
        let shut = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        if let Err(error) =
            shut.map_err(io::Error::from).and_then(|()| fork::wait_for(self.process))
        {
            tracing::warn!("usher: {error}");
        }
    }
}

fn unexpected(reply: Reply) -> io::Error {
    match reply {
        Reply::Failed(why) => io::Error::other(why),
        Reply::Unfit(what, _) => io::Error::other(what),
        Reply::Ran(_) | Reply::Opened | Reply::Minded => {
            io::Error::other("the usher answered something else")
        }
    }
}

/// The usher's life: requests until the harness is gone. Returns its exit status.
fn serve(socket: &OwnedFd) -> i32 {
    let mut minded = BTreeSet::new();
    let status = serve_on(socket, &mut minded);
    for group in minded.into_iter().filter_map(Pid::from_raw) {
        // Most have ended before; nobody is left to be told of the others.
        let _ = kill_process_group(group, Signal::KILL);
    }
    status
}

fn serve_on(socket: &OwnedFd, minded: &mut BTreeSet<i32>) -> i32 {
    // What interrupts the harness from the terminal is not for the usher: a trigger may still have
    // to put a device back.
    let grouped = rustix::process::setpgid(None, None);
    if let Err(error) = grouped {
        tracing::debug!("usher: {error}");
    }
    loop {
        let request: Request = match receive(socket) {
            Ok(Some((request, _))) => request,
            Ok(None) => return 0,
            Err(_) => return 1,
        };
        let (reply, descriptor) = match request {
            Request::Run(trigger) => match run(&trigger, socket) {
                Ok(Some(outcome)) => (Reply::Ran(outcome), None),
                Ok(None) => return 0,
                Err(error) => (Reply::Failed(format!("{}: {error}", trigger.command)), None),
            },
            Request::Mind { group, on } => {
                if on {
                    minded.insert(group);
                } else {
                    minded.remove(&group);
                }
                (Reply::Minded, None)
            }
            Request::Open { interface, namespace } => {
                match open(&interface, namespace.as_deref()) {
                    Ok(descriptor) => (Reply::Opened, Some(descriptor)),
                    Err(Unfit { what, fix }) => (Reply::Unfit(what, fix), None),
                }
            }
        };
        if send(socket, &reply, descriptor.as_ref()).is_err() {
            return 0;
        }
    }
}

/// Why no packet socket is opened, and what to do.
struct Unfit {
    what: String,
    fix: String,
}

/// Opens a packet socket on an interface, in a namespace of its own where one is said.
fn open(interface: &str, namespace: Option<&Path>) -> Result<OwnedFd, Unfit> {
    let Some(path) = namespace else { return open_here(interface) };
    let unfit = |error: io::Error| Unfit {
        what: format!("network namespace {}: {error}", path.display()),
        fix: if error.kind() == io::ErrorKind::PermissionDenied {
            AS_ROOT
        } else {
            "name one that `ip netns list` shows, or a path, in attach.namespace"
        }
        .to_owned(),
    };
    let home = File::open("/proc/self/ns/net").map_err(unfit)?;
    let there = File::open(path).map_err(unfit)?;
    enter(&there).map_err(unfit)?;
    let opened = open_here(interface);
    enter(&home).map_err(unfit)?;
    opened
}

fn enter(namespace: &File) -> io::Result<()> {
    let kind = rustix::thread::LinkNameSpaceType::Network;
    Ok(rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(kind))?)
}

/// Opens a packet socket on an interface of this process's namespace that is fit for a device under
/// test: up, and with nobody but the device and the harness on it.
fn open_here(interface: &str) -> Result<OwnedFd, Unfit> {
    let unfit =
        |what: String, fix: String| Unfit { what: format!("interface {interface}: {what}"), fix };
    match is_up(interface) {
        Ok(true) => {}
        Ok(false) => {
            return Err(unfit("it is down".to_owned(), format!("ip link set {interface} up")));
        }
        Err(error) => {
            let fix = "name one that `ip link` shows in that namespace".to_owned();
            return Err(unfit(error.to_string(), fix));
        }
    }
    let setting = format!("net.ipv6.conf.{interface}.disable_ipv6");
    // Another process's kernel IPv6 would answer the device beside the testers.
    let path = format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6");
    if fs::read_to_string(path).is_ok_and(|value| value.trim() != "1") {
        let what = "the kernel's own IPv6 would speak to the device on it".to_owned();
        return Err(unfit(what, format!("sysctl -w {setting}=1")));
    }
    packet_socket::open_socket(Some(interface)).map_err(|error| {
        let fix = if error.kind() == io::ErrorKind::PermissionDenied {
            AS_ROOT
        } else {
            "`roamproof doctor` says what this machine can run"
        }
        .to_owned();
        unfit(error.to_string(), fix)
    })
}

/// Runs a trigger in a process group of its own. `None` where the harness went meanwhile.
#[expect(clippy::disallowed_methods, reason = "the usher is one of the two that start processes")]
fn run(trigger: &Trigger, harness: &OwnedFd) -> io::Result<Option<Outcome>> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new("sh");
    command
        .args(["-c", &trigger.command])
        .envs(&trigger.environment)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0);
    if let Some(folder) = &trigger.folder {
        command.current_dir(folder);
    }
    die_with_this_thread(&mut command);
    let mut child = command.spawn()?;
    // The command still holds its copies of the writing end.
    drop(command);
    let mut output = Vec::new();
    let mut pipe = File::from(OwnedFd::from(reader));
    rustix::io::ioctl_fionbio(&pipe, true)?;
    let end = watch(&child, &mut pipe, &mut output, harness, trigger.limit);
    let group = Pid::from_child(&child);
    if !matches!(end, Ok(Watched::Ended)) {
        kill_process_group(group, Signal::KILL)?;
    }
    let status = child.wait()?;
    let late = match end? {
        Watched::HarnessGone => return Ok(None),
        Watched::Late => true,
        Watched::Ended => false,
    };
    drain(&mut pipe, &mut output)?;
    let output = String::from_utf8_lossy(&output).into_owned();
    Ok(Some(Outcome { status: status.code(), signal: status.signal(), late, output }))
}

enum Watched {
    Ended,
    Late,
    HarnessGone,
}

/// Waits for the first of: the child's end, the time limit, the end of the harness.
fn watch(
    child: &Child,
    pipe: &mut File,
    output: &mut Vec<u8>,
    harness: &OwnedFd,
    limit: Duration,
) -> io::Result<Watched> {
    let clock = RealClock::start();
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let mut open = true;
    loop {
        let left = limit.saturating_sub(clock.now());
        if left.is_zero() {
            return Ok(Watched::Late);
        }
        let left = left.try_into().map_err(io::Error::other)?;
        let wanted = |descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN);
        let mut descriptors = vec![wanted(process.as_fd()), wanted(harness.as_fd())];
        if open {
            descriptors.push(wanted(pipe.as_fd()));
        }
        poll(&mut descriptors, Some(&left))?;
        let happened: Vec<bool> =
            descriptors.iter().map(|descriptor| !descriptor.revents().is_empty()).collect();
        if happened.get(2) == Some(&true) {
            open = drain(pipe, output)?;
        }
        if happened[1] {
            // Nothing is asked while an answer is due: it can only be the end.
            return Ok(Watched::HarnessGone);
        }
        if happened[0] {
            return Ok(Watched::Ended);
        }
    }
}

/// Reads what there is, keeping the last of it. False at the end of the pipe.
fn drain(pipe: &mut File, output: &mut Vec<u8>) -> io::Result<bool> {
    let mut room = [0; 4096];
    loop {
        match pipe.read(&mut room) {
            Ok(0) => return Ok(false),
            Ok(count) => {
                output.extend_from_slice(&room[..count]);
                let surplus = output.len().saturating_sub(OUTPUT_OCTETS_MAX);
                output.drain(..surplus);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}

fn send<T: Serialize>(
    socket: &OwnedFd,
    message: &T,
    descriptor: Option<&OwnedFd>,
) -> io::Result<()> {
    let octets = serde_json::to_vec(message)?;
    let descriptors: Vec<BorrowedFd<'_>> = descriptor.iter().map(|one| one.as_fd()).collect();
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("no room for a descriptor"));
    }
    sendmsg(socket, &[IoSlice::new(&octets)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// One message, and the descriptor that came with it; `None` where the other side is gone.
fn receive<T: for<'a> Deserialize<'a>>(
    socket: &OwnedFd,
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let mut octets = vec![0; MESSAGE_OCTETS_MAX];
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut room);
    let received = loop {
        let vectors = &mut [IoSliceMut::new(&mut octets)];
        match recvmsg(socket, vectors, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            other => break other?,
        }
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut descriptor = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptor = descriptors.last().or(descriptor);
        }
    }
    Ok(Some((serde_json::from_slice(&octets[..received.bytes])?, descriptor)))
}

/// The fix where an ordinary user asks for what is not theirs.
pub(crate) const AS_ROOT: &str =
    "run roamproof as root: packet sockets on existing interfaces are root's";

/// Octets of a trigger's output that are kept.
const OUTPUT_OCTETS_MAX: usize = 16 << 10;

/// Octets of the longest message: output as JSON may take six octets for one.
const MESSAGE_OCTETS_MAX: usize = 128 << 10;
