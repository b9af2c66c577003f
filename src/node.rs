//! A reference node as a daemon: what `roamproof node` does.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::iter;
use std::net::Ipv6Addr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use clap::Parser;
use roamproof_harness::ExitCode;
use roamproof_harness::text;
use roamproof_harness::topology::addressing::{address, default_route, without_neighbours};
use roamproof_harness::topology::namespace;
use roamproof_harness::topology::netlink::Netlink;
use roamproof_harness::topology::veth::{End, pair, turn_offload_off};
use roamproof_node::Node;
use roamproof_reference::net::control::ControlAt;
use roamproof_reference::net::local::Local;
use roamproof_reference::net::{self, Settings};

/// Run a reference node as a daemon on real interfaces.
///
/// Its events go to standard output, a line each. SIGTERM and SIGINT end it.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// What it plays: mobile-terminal, home-agent, correspondent, sip-server or router. With --tell
    /// the first word of what it is told.
    #[arg(value_name = "ROLE")]
    pub role: String,

    /// With --tell the other words.
    #[arg(value_name = "WORD", requires = "tell")]
    pub words: Vec<String>,

    /// Run no node, but tell the one that listens on this socket (--control) what to do: `call
    /// IDENTIFIER`, `answer`, `hangup`, `restart`, `link NAME up|down`, `ready` …
    #[arg(long, value_name = "SOCKET", conflicts_with_all = ["config", "interfaces", "control", "tun"])]
    pub tell: Option<PathBuf>,

    /// Its configuration, TOML.
    #[arg(long, value_name = "FILE", required_unless_present = "tell")]
    pub config: Option<PathBuf>,

    /// One of its interfaces and the device that carries it; repeated in the order of the
    /// configuration. The kernel's IPv6 should be off there (disable_ipv6).
    #[arg(long = "interface", value_name = "NAME=DEVICE", required_unless_present = "tell", value_parser = halves)]
    pub interfaces: Vec<(String, String)>,

    /// Take commands over this Unix socket, a line each; `-` for a socket that is standard input,
    /// by which the daemon then lives.
    #[arg(long, value_name = "SOCKET")]
    pub control: Option<PathBuf>,

    /// The Unix time of the run's zero, in nanoseconds. Without it the run starts at the command
    /// `start NANOSECONDS` where there is a control socket, at once otherwise.
    #[arg(long, value_name = "NANOSECONDS")]
    pub epoch: Option<u64>,

    /// Fixes every random draw; from the clock and the process id without it.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Lend the node's address to ordinary programs through this device: a TUN device, or a veth pair
    /// where /dev/net/tun is closed. It takes the default route of its network namespace, which
    /// should therefore be one of its own.
    #[arg(long, value_name = "DEVICE=ADDRESS", value_parser = lent)]
    pub tun: Option<(String, Ipv6Addr)>,

    /// What it is to do wrong (only in a build with the feature `misdeeds`); may be repeated.
    #[arg(long = "misdeed", value_name = "NAME")]
    pub misdeeds: Vec<String>,
}

/// Why a daemon did not run, or ended.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The configuration or an option makes no node.
    #[error("{0}")]
    Usage(String),
    /// A device or a file could not be used.
    #[error("{0}")]
    System(#[from] io::Error),
    /// A node that was told something does not do it.
    #[error("{0}")]
    Refused(String),
}

/// How a node is made: role, configuration, Unix time of the run's zero, seed, misdeeds.
pub type Build = fn(&str, &str, Duration, u64, &[String]) -> Result<Box<dyn Node>, String>;

/// Makes a reference node.
///
/// # Errors
///
/// What is wrong with the configuration, or that there is no such role or misdeed.
pub fn build(
    role: &str,
    config: &str,
    epoch: Duration,
    seed: u64,
    misdeeds: &[String],
) -> Result<Box<dyn Node>, String> {
    roamproof_node::build(role, config, epoch, seed, misdeeds).map_err(|why| why.to_string())
}

/// Runs the node that the options describe and `build` makes until it is asked to end.
///
/// # Errors
///
/// [`NodeError`].
pub fn run(options: &Options, build: Build) -> Result<(), NodeError> {
    if let Some(socket) = &options.tell {
        let words: Vec<&str> =
            iter::once(&options.role).chain(&options.words).map(String::as_str).collect();
        return tell_node(socket, &words.join(" "));
    }
    let path = options.config.clone().unwrap_or_default();
    let file = path.display();
    let config = text::read(&path, text::WRITTEN_OCTETS_MAX)
        .map_err(|error| NodeError::Usage(format!("{file}: {error}")))?;
    let local = options.tun.as_ref().map(|(device, address)| lend(device, *address)).transpose()?;
    let settings = Settings {
        interfaces: options.interfaces.clone(),
        control: options.control.as_ref().map(|path| match path.as_os_str() == "-" {
            true => ControlAt::StandardInput,
            false => ControlAt::Path(path.clone()),
        }),
        epoch: options.epoch.map(Duration::from_nanos),
        local,
    };
    let seed = options.seed.unwrap_or_else(arbitrary_seed);
    let made = |epoch| {
        build(&options.role, &config, epoch, seed, &options.misdeeds)
            .map_err(|why| format!("{file}: {why}"))
    };
    match net::run(settings, made, &mut io::BufWriter::new(io::stdout()))? {
        net::End::Asked => Ok(()),
        net::End::Unbuilt(why) => Err(NodeError::Usage(why)),
    }
}

/// Where the program was called as `… node ROLE …`, runs that node and returns how it ended: the
/// live arm starts the nodes of a test from the test's own program so. Call it first in `main`, most
/// often with [`build`].
pub fn run_if_asked(build: Build) -> Option<process::ExitCode> {
    let mut words = std::env::args_os();
    let program = words.next()?;
    if words.next()? != "node" {
        return None;
    }
    let code = match Words::try_parse_from(iter::once(program).chain(words)) {
        Ok(Words { options }) => match run(&options, build) {
            Ok(()) => ExitCode::Success,
            Err(error) => {
                tell(&error.to_string());
                error.exit_code()
            }
        },
        Err(error) => {
            tell(&error.to_string());
            ExitCode::Usage
        }
    };
    Some(code.into())
}

impl NodeError {
    /// What the shell is told.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::Usage,
            Self::System(_) => ExitCode::Environment,
            Self::Refused(_) => ExitCode::Failed,
        }
    }
}

#[derive(Debug, Parser)]
struct Words {
    #[command(flatten)]
    options: Options,
}

/// Tells the node that listens on `socket` one line, and reads its answer.
fn tell_node(socket: &Path, line: &str) -> Result<(), NodeError> {
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("no node answers on {}: {error}", socket.display()))
    };
    let mut stream = UnixStream::connect(socket).map_err(named)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.write_all(format!("{line}\n").as_bytes()).map_err(named)?;
    let mut answer = String::new();
    BufReader::new(stream).take(ANSWER_OCTETS_MAX).read_line(&mut answer).map_err(named)?;
    match answer.trim_end() {
        "ok" => Ok(()),
        "" => Err(named(io::ErrorKind::UnexpectedEof.into()).into()),
        other => Err(NodeError::Refused(other.to_owned())),
    }
}

fn tell(text: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(io::stderr(), "error: {text}");
}

/// Makes the device through which programs use `lent`, and opens the node's side of it.
fn lend(device: &str, lent: Ipv6Addr) -> io::Result<Local> {
    let mut netlink = Netlink::open()?;
    let local = match Local::tun(device, lent) {
        Ok(local) => local,
        Err(closed) => lend_by_veth(&mut netlink, device, lent).map_err(|error| {
            let why = format!(
                "{device}: no TUN device ({closed}) and no veth pair in its place: {error}"
            );
            io::Error::new(error.kind(), why)
        })?,
    };
    namespace::set(&format!("net/ipv6/conf/{device}/disable_ipv6"), "0")?;
    let index = netlink.index(device)?;
    netlink.ask(vec![
        without_neighbours(device, LENT_MTU),
        address(index, lent),
        default_route(index),
    ])?;
    netlink.wait_until_local(lent, DEVICE_LIMIT)?;
    Ok(local)
}

fn lend_by_veth(netlink: &mut Netlink, device: &str, lent: Ipv6Addr) -> io::Result<Local> {
    let near = End { name: device.to_owned(), mac: NEAR_MAC, index: None };
    let far = End { name: format!("{device}-node"), mac: FAR_MAC, index: None };
    netlink.ask(vec![pair(&near, &far, None)])?;
    for end in [&near.name, &far.name] {
        turn_offload_off(end)?;
        namespace::set(&format!("net/ipv6/conf/{end}/disable_ipv6"), "1")?;
    }
    netlink.set_up(&[&far.name])?;
    netlink.wait_until_usable(&[&near.name, &far.name], DEVICE_LIMIT)?;
    Local::veth(&far.name, NEAR_MAC, FAR_MAC, lent)
}

fn halves(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((one, other)) if !one.is_empty() && !other.is_empty() => {
            Ok((one.to_owned(), other.to_owned()))
        }
        _ => Err("expected NAME=DEVICE, such as eth0=veth1".to_owned()),
    }
}

fn lent(text: &str) -> Result<(String, Ipv6Addr), String> {
    let expected = |_| "expected DEVICE=ADDRESS, such as mt0=2001:db8:a::100".to_owned();
    let (device, address) = halves(text).map_err(expected)?;
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    Ok((device, address))
}

fn arbitrary_seed() -> u64 {
    let nanoseconds =
        net::clock::unix_time().as_nanos() ^ u128::from(process::id()).rotate_left(40);
    u64::try_from(nanoseconds & u128::from(u64::MAX)).unwrap_or_default()
}

/// Octets of the largest packet from a program: any link and any tunnel on the way carries it.
const LENT_MTU: u32 = 1280;

/// The link-layer addresses of a pair that nobody else sees.
const NEAR_MAC: [u8; 6] = [0x02, 0xfe, 0x00, 0x01, 0x00, 0x01];
const FAR_MAC: [u8; 6] = [0x02, 0xfe, 0x00, 0x01, 0x00, 0x02];

/// How long a node may take to answer; it answers between two frames.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Octets of the longest answer.
const ANSWER_OCTETS_MAX: u64 = 65_536;

/// How long a device may take to be usable.
const DEVICE_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Result<Options, String> {
        Words::try_parse_from([&["node"], words].concat())
            .map(|words| words.options)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_words_of_the_live_arm_are_understood() {
        let options = options(&[
            "home-agent",
            "--config",
            "ha.toml",
            "--interface",
            "eth0=veth3",
            "--interface",
            "eth1=veth4",
            "--control",
            "-",
            "--seed",
            "7",
            "--tun",
            "ha0=2001:db8:a::a",
            "--misdeed",
            "one",
            "--misdeed",
            "two",
        ])
        .unwrap();
        let interface = |name: &str, device: &str| (name.to_owned(), device.to_owned());
        assert_eq!(options.interfaces, [interface("eth0", "veth3"), interface("eth1", "veth4")]);
        assert_eq!(options.tun, Some(("ha0".to_owned(), "2001:db8:a::a".parse().unwrap())));
        assert_eq!((options.seed, options.epoch), (Some(7), None));
        assert_eq!(options.misdeeds, ["one", "two"]);
    }

    #[test]
    fn halves_that_are_missing_are_named() {
        let error = options(&["router", "--config", "r.toml", "--interface", "eth0"]).unwrap_err();
        assert!(error.contains("expected NAME=DEVICE"), "{error}");
        let error = options(&[
            "router",
            "--config",
            "r.toml",
            "--interface",
            "a=b",
            "--tun",
            "mt0=nowhere",
        ])
        .unwrap_err();
        assert!(error.contains("nowhere"), "{error}");
    }
}
