//! The doctor: what this machine can run, what is missing, what that means, and the exact fix.
//!
//! Every check does the thing itself, in a process that is thrown away: to look at settings would
//! miss what a container or a security module forbids.

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Ipv6Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use roamproof_harness::ExitCode;
use roamproof_harness::link::packet_socket::{self, PacketSocketLink};
use roamproof_harness::link::{Clock, Link, Port};
use roamproof_harness::topology::ArmError;
use roamproof_harness::topology::namespace::Namespace;
use roamproof_harness::topology::netlink::Netlink;
use roamproof_harness::topology::sandbox::{Privilege, Sandbox};
use roamproof_harness::topology::veth::{End, pair, turn_offload_off};
use roamproof_reference::net::local::Local;
use roamproof_reference::net::pcap;
use rustix::event::{PollFd, PollFlags, poll};
use serde::{Deserialize, Serialize};

use crate::{fork, usher};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// In the order in which they were tried.
    pub checks: Vec<Check>,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// How it went.
    pub state: State,
    /// Who needs it.
    pub need: Need,
    /// What it is for, and what goes without it.
    pub meaning: String,
    /// What was seen.
    pub found: String,
    /// What to do, where something is missing.
    pub fix: Option<String>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is there and works.
    Ok,
    /// It is not there, or does not work.
    Missing,
    /// Something that it needs is missing.
    NotTried,
}

/// Who needs what a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// The live arm does not run without it.
    LiveArm,
    /// Something else takes its place, or one test stays out.
    Optional,
}

impl Report {
    /// Whether the live arm can run here.
    pub fn can_run_live(&self) -> bool {
        self.checks.iter().all(|check| check.need != Need::LiveArm || check.state == State::Ok)
    }

    /// What the shell is told.
    pub fn exit_code(&self) -> ExitCode {
        if self.can_run_live() { ExitCode::Success } else { ExitCode::Environment }
    }
}

/// Tries everything. Call it before the first thread; this process stays as it is.
///
/// # Errors
///
/// Where no process can be forked for it.
pub fn examine() -> io::Result<Report> {
    let (mut reader, mut writer) = io::pipe()?;
    let child = fork::in_child(|| {
        let checks = in_sandbox();
        let told = serde_json::to_vec(&checks).map(|octets| writer.write_all(&octets));
        i32::from(!matches!(told, Ok(Ok(()))))
    })?;
    drop(writer);
    let mut octets = Vec::new();
    reader.read_to_end(&mut octets)?;
    fork::wait_for(child)?;
    let mut checks: Vec<Check> = serde_json::from_slice(&octets).unwrap_or_else(|_| {
        let found = "the process that tried the live arm died of it".to_owned();
        vec![LIVE[0].missing(found, "report this as a fault of roamproof".to_owned())]
    });
    checks.push(match packet_socket::open_socket(Some("lo")) {
        Ok(_) => EXISTING.ok("opened one on lo"),
        Err(error) => EXISTING.missing(error.to_string(), usher::AS_ROOT.to_owned()),
    });
    checks.extend(PROGRAMS.iter().map(Program::check));
    Ok(Report { checks })
}

/// What a check of the live arm is called and means.
struct Subject {
    name: &'static str,
    need: Need,
    meaning: &'static str,
}

impl Subject {
    fn check(&self, state: State, found: String, fix: Option<String>) -> Check {
        let (name, meaning) = (self.name.to_owned(), self.meaning.to_owned());
        Check { name, state, need: self.need, meaning, found, fix }
    }

    fn ok(&self, found: impl Into<String>) -> Check {
        self.check(State::Ok, found.into(), None)
    }

    fn missing(&self, found: String, fix: String) -> Check {
        self.check(State::Missing, found, Some(fix))
    }
}

/// The checks of the live arm, each on the ground of those before it.
fn in_sandbox() -> Vec<Check> {
    let mut checks = Vec::new();
    let failed = run(&mut checks).err();
    let done = checks.len();
    if let Some(failed) = &failed {
        let (found, fix) = match failed {
            ArmError::Environment { what, fix } => (what.clone(), fix.clone()),
            ArmError::Start { .. } | ArmError::System(_) => {
                (failed.to_string(), FIXES[done].to_owned())
            }
        };
        checks.push(LIVE[done].missing(found, fix));
    }
    for subject in LIVE.iter().skip(checks.len()) {
        checks.push(subject.check(
            State::NotTried,
            "what it stands on is missing".to_owned(),
            None,
        ));
    }
    checks
}

fn run(checks: &mut Vec<Check>) -> Result<(), ArmError> {
    let sandbox = Sandbox::enter()?;
    checks.push(LIVE[0].ok(match sandbox.privilege() {
        Privilege::Root => "entered as root",
        Privilege::User => "entered as an ordinary user",
    }));
    let here = Namespace::create(sandbox, "doctor-harness")?;
    let there = Namespace::create(sandbox, "doctor-node")?;
    checks.push(LIVE[1].ok("made two of them"));
    wire(&here, &there)?;
    checks.push(LIVE[2].ok("a pair came up across two namespaces"));
    let mut link = here.run(|| PacketSocketLink::open(&[(HARNESS_INDEX, Port(0))]))?;
    checks.push(LIVE[3].ok("opened"));
    let mut port = there.run(|| pcap::Port::open("eth0"))?;
    checks.push(LIVE[4].ok("opened"));
    frames_pass(&mut link, &mut port)?;
    checks.push(LIVE[5].ok("one each way, whole"));
    checks.push(match there.run(|| Local::tun("lent0", Ipv6Addr::LOCALHOST)) {
        Ok(_) => LIVE[6].ok("opened"),
        Err(error) => LIVE[6].missing(error.to_string(), FIXES[6].to_owned()),
    });
    Ok(())
}

fn wire(here: &Namespace, there: &Namespace) -> io::Result<()> {
    let near =
        End { name: "port0".to_owned(), mac: [0x02, 0xfe, 0, 0, 0, 1], index: Some(HARNESS_INDEX) };
    let far = End { name: "eth0".to_owned(), mac: [0x02, 0, 0, 0, 0, 1], index: None };
    let mut ours = here.run(Netlink::open)?;
    let mut theirs = there.run(Netlink::open)?;
    ours.ask(vec![pair(&near, &far, Some(there.file()))])?;
    here.run(|| turn_offload_off(&near.name))?;
    theirs.set_up(&[&far.name])?;
    ours.wait_until_usable(&[&near.name], LIMIT)?;
    theirs.wait_until_usable(&[&far.name], LIMIT)
}

/// One frame through libpcap to the harness, one back.
fn frames_pass(link: &mut PacketSocketLink, port: &mut pcap::Port) -> io::Result<()> {
    let mut frame = vec![0xff; 60];
    // An EtherType for local experiments (IEEE 802).
    frame[12..14].copy_from_slice(&[0x88, 0xb5]);
    port.send(&frame)?;
    let until = link.now() + LIMIT;
    match link.receive(until)? {
        Some(arrival) if arrival.octets == frame => {}
        Some(arrival) => {
            return Err(io::Error::other(format!("another frame came: {:02x?}", arrival.octets)));
        }
        None => return Err(io::Error::other("no frame came from libpcap to the packet socket")),
    }
    frame[14] = 0;
    link.send(Port(0), &frame)?;
    let limit = LIMIT.try_into().map_err(io::Error::other)?;
    poll(&mut [PollFd::new(port, PollFlags::IN)], Some(&limit))?;
    port.next_stamp()?;
    match port.take() {
        Some(octets) if octets == frame => Ok(()),
        Some(octets) => Err(io::Error::other(format!("another frame came: {octets:02x?}"))),
        None => Err(io::Error::other("no frame came from the packet socket to libpcap")),
    }
}

struct Program {
    name: &'static str,
    meaning: &'static str,
    package: &'static str,
}

impl Program {
    fn check(&self) -> Check {
        let subject = Subject { name: self.name, need: Need::Optional, meaning: self.meaning };
        let path = env::var_os("PATH").unwrap_or_default();
        // A server's folder is not in the path of every user.
        let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        let found = folders.map(|folder| folder.join(self.name)).find(|file| {
            let metadata = File::open(file).and_then(|file| file.metadata());
            metadata.is_ok_and(|metadata| {
                metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
            })
        });
        match found {
            Some(file) => subject.ok(file.display().to_string()),
            None => {
                let fix = format!(
                    "sudo apt-get install {} (Debian, Ubuntu), or your system's package of {}",
                    self.package, self.name
                );
                subject.missing("not in PATH".to_owned(), fix)
            }
        }
    }
}

/// In the order in which they are tried.
const LIVE: [Subject; 7] = [
    Subject {
        name: "sandbox",
        need: Need::LiveArm,
        meaning: "user, network and mount namespaces and a writable /proc/sys/net, in which the live arm runs \
                  without touching the system",
    },
    Subject {
        name: "network namespaces",
        need: Need::LiveArm,
        meaning: "each node of the live arm has one of its own",
    },
    Subject {
        name: "veth",
        need: Need::LiveArm,
        meaning: "virtual Ethernet pairs are the links of the live arm",
    },
    Subject {
        name: "packet sockets",
        need: Need::LiveArm,
        meaning: "the harness holds the far end of every link by them",
    },
    Subject {
        name: "libpcap",
        need: Need::LiveArm,
        meaning: "the reference nodes send and receive by it",
    },
    Subject {
        name: "frames",
        need: Need::LiveArm,
        meaning: "what one end of a link sends must reach the other as it is",
    },
    Subject {
        name: "/dev/net/tun",
        need: Need::Optional,
        meaning: "lends a node's address to ordinary programs (--tun); without it a veth pair does the same",
    },
];

/// Tried where the caller is, outside of any sandbox.
const EXISTING: Subject = Subject {
    name: "existing interfaces",
    need: Need::Optional,
    meaning: "a device that runs already is reached through one of this machine (attach.mode = \"interface\")",
};

/// What to do where the check of the same place fails for a reason that says nothing itself.
const FIXES: [&str; 7] = [
    "end the other threads of this process",
    "sudo sysctl -w user.max_net_namespaces=15000",
    "sudo modprobe veth, or a kernel with CONFIG_VETH",
    "a kernel with CONFIG_PACKET, and a container that allows packet sockets (--cap-add NET_RAW, or --privileged)",
    "sudo apt-get install libpcap0.8 (Debian, Ubuntu), or your system's package of libpcap",
    "look for a firewall or a security module that drops frames between virtual interfaces",
    "sudo chmod 0666 /dev/net/tun, and in a container --device /dev/net/tun",
];

const PROGRAMS: [Program; 4] = [
    Program {
        name: "tshark",
        meaning: "a second reader of every capture; without it its tests stay out",
        package: "tshark",
    },
    Program {
        name: "sipp",
        meaning: "a SIP caller of other people's making; without it its test stays out",
        package: "sip-tester",
    },
    Program {
        name: "kamailio",
        meaning: "a SIP server of other people's making; without it its tests stay out",
        package: "kamailio",
    },
    Program {
        name: "ping",
        meaning: "an ordinary program on a lent address; without it its test stays out",
        package: "iputils-ping",
    },
];

/// Unlike the index of the far end, which is the first in its namespace.
const HARNESS_INDEX: u32 = 1000;

/// How long anything here may take.
const LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn report(state: State, need: Need) -> Report {
        let subject = Subject { name: "veth", need, meaning: "links" };
        Report {
            checks: vec![LIVE[0].ok("entered"), subject.check(state, "seen".to_owned(), None)],
        }
    }

    #[test]
    fn what_the_live_arm_needs_decides_the_exit_code() {
        let code = |state, need| report(state, need).exit_code().number();
        assert_eq!(code(State::Ok, Need::LiveArm), 0);
        assert_eq!(code(State::Missing, Need::LiveArm), 3);
        assert_eq!(code(State::NotTried, Need::LiveArm), 3);
        assert_eq!(code(State::Missing, Need::Optional), 0);
    }

    #[test]
    fn a_report_is_json() {
        let report = report(State::NotTried, Need::Optional);
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.contains(r#""state":"not-tried","need":"optional""#), "{text}");
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}
