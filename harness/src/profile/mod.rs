//! The device profile (`device.toml`): what a vendor says of a device under test, read and checked.

mod addresses;
mod applicability;
mod check;
mod error;
mod key;
mod raw;
mod schema;
#[cfg(test)]
mod tests;
mod variables;

pub use addresses::Addresses;
pub use applicability::Exclusion;
pub use error::ProfileError;
pub use key::{Keys, Shared};
pub use schema::{schema, schema_text};
pub use variables::VARIABLES;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use roamproof_wire::ethernet::Mac;

use crate::feature::Features;
use crate::plan::Plan;
use crate::text;
use crate::topology::Role;
use crate::trigger::Trigger;

/// What a profile says of a device.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The device's name.
    pub name: String,
    /// Its version, where it is said.
    pub version: Option<String>,
    /// The SHA-256 of its text, hexadecimal.
    pub sha256: String,
    /// The folder of the profile, where the device's command lines run.
    pub folder: PathBuf,
    /// How the harness gets at it.
    pub attach: Attach,
    /// What it plays: at least one role, each once.
    pub roles: Vec<Role>,
    /// What it does where right devices differ.
    pub features: Features,
    /// Addresses and identifiers in place of the claimed network's.
    pub addresses: Addresses,
    /// Keys in place of the reference's.
    pub keys: Keys,
    /// How long it may take.
    pub timers: Timers,
    /// By what it is asked for what no packet can ask for.
    pub triggers: BTreeMap<Trigger, CommandLine>,
}

/// How the harness gets at a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// By which way.
    pub mode: Mode,
    /// Its interfaces, in the order of the profile.
    pub interfaces: Vec<Interface>,
}

/// The two ways to attach a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// The harness makes a namespace and interfaces and starts these shell lines in it.
    Command {
        /// The shell lines, each a process that stays in the foreground.
        commands: Vec<String>,
        /// Whether the kernel's IPv6 is on in the namespace.
        kernel_ipv6: bool,
        /// Whether several cases may run at once.
        parallel: bool,
    },
    /// The device is behind interfaces that exist.
    Interface {
        /// Their network namespace: a name of `ip netns`, or an absolute path; `None` = the caller's.
        namespace: Option<String>,
    },
}

/// One interface of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name: in the device's namespace, or of the interface behind which it is.
    pub name: String,
    /// The links that it can be plugged into, by name.
    pub links: Vec<String>,
    /// The device's link-layer address on it, where the profile says one.
    pub mac: Option<Mac>,
    /// Its VLAN (IEEE 802.1Q), 1 to 4094.
    pub vlan: Option<u16>,
}

/// A shell line and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// What the shell is given.
    pub command: String,
    /// How long it may take.
    pub limit: Duration,
}

/// How long a device may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// From its start or `reset` until its `health` first succeeds.
    pub boot: Duration,
    /// Between its start and the first packet, for one without `health`.
    pub settle: Duration,
}

/// The exit status by which a trigger says that the device cannot.
pub const CANNOT: i32 = 89;

/// How long a trigger may take that says nothing else.
pub const TRIGGER_LIMIT: Duration = Duration::from_secs(10);

/// How long a device may take to boot that says nothing else.
pub const BOOT_LIMIT: Duration = Duration::from_secs(30);

impl Profile {
    /// Reads the profile in `file`, and the keys that it names.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line and key.
    pub fn load(file: &Path) -> Result<Self, ProfileError> {
        let text = text::read(file, text::WRITTEN_OCTETS_MAX).map_err(|error| ProfileError {
            file: file.to_owned(),
            line: None,
            key: String::new(),
            what: error.to_string(),
            cure: "name a file that can be read; profiles/example.toml is one to start from"
                .to_owned(),
        })?;
        Self::parse(&text, file, &|name| std::env::var(name).ok())
    }

    /// Reads a profile's text as if it stood in `file`; `environment` looks a variable up.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn parse(
        text: &str,
        file: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ProfileError> {
        check::read(text, file, environment).map_err(|fault| fault.in_file(file.to_owned(), text))
    }

    /// Whether several cases may run at once.
    pub const fn is_parallel(&self) -> bool {
        matches!(self.attach.mode, Mode::Command { parallel: true, .. })
    }

    /// The interfaces over which the device plays `role`.
    pub fn interfaces_of(&self, role: Role) -> impl Iterator<Item = (usize, &Interface)> {
        let wanted = links_of(role);
        self.attach.interfaces.iter().enumerate().filter(move |(_, interface)| {
            interface.links.iter().any(|link| wanted.contains(&link.as_str()))
        })
    }

    /// `plan` with the addresses, identifiers and keys that the profile puts in place of others, and
    /// the device's link-layer address where it says one.
    #[must_use]
    pub fn plan(&self, role: Role, plan: Plan) -> Plan {
        let mut plan = plan;
        self.addresses.put_into(&mut plan);
        self.keys.put_into(&mut plan);
        let mac = self.interfaces_of(role).find_map(|(_, interface)| interface.mac);
        plan.subject = mac.unwrap_or(plan.subject);
        plan
    }
}

/// The links on which a role stands; a mobile terminal goes from one to the other.
pub const fn links_of(role: Role) -> &'static [&'static str] {
    match role {
        Role::MobileTerminal => &["home", "visited-1", "visited-2"],
        Role::HomeAgent => &["home"],
        Role::Correspondent => &["correspondent"],
        Role::SipServer => &["server"],
        Role::Router => &["home", "server", "correspondent", "backbone", "visited-1", "visited-2"],
    }
}
