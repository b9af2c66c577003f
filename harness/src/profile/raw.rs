//! `device.toml` as it is written: every key, its type and what it says. The JSON Schema is made of this.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A device under test: how it is attached, what it plays, what it can do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Profile", title = "Roamproof device profile")]
pub(super) struct RawProfile {
    /// What the device is.
    pub(super) device: RawDevice,
    /// How the harness gets at it.
    pub(super) attach: RawAttach,
    /// What it plays; the harness plays everyone else.
    pub(super) roles: RawRoles,
    /// What it does where right devices differ: a value for each that is known. What is not said, or
    /// said to be "unknown", lets every purpose be run.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(super) features: BTreeMap<Spanned<String>, Spanned<RawFeature>>,
    /// Addresses and identifiers that it keeps in place of the claimed network's.
    #[serde(default)]
    pub(super) addresses: RawAddresses,
    /// Keys that it shares with others, each in a file or an environment variable.
    #[serde(default)]
    pub(super) keys: RawKeys,
    /// How long it may take.
    #[serde(default)]
    pub(super) timers: RawTimers,
    /// Command lines by which it is asked for what no packet can ask for. One that exits with 89 says
    /// that the device cannot; one that is not given says so too.
    #[serde(default)]
    pub(super) triggers: RawTriggers,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Device")]
pub(super) struct RawDevice {
    /// Its name, as reports call it.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// Its version, as reports tell it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) version: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Attach")]
pub(super) struct RawAttach {
    /// `command`: the harness makes a network namespace and interfaces for each case and starts the
    /// device's processes in it. `interface`: the device runs already, behind an interface that
    /// exists.
    #[schemars(with = "RawMode")]
    pub(super) mode: Spanned<RawMode>,
    /// Only with `command`: the shell lines that start it, each a process that stays in the
    /// foreground for as long as the device runs.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) commands: Option<Spanned<Vec<Spanned<String>>>>,
    /// Only with `command`: whether the kernel's IPv6 is on in the device's namespace, as a device
    /// that uses the kernel's sockets wants it. False unless said.
    #[serde(default)]
    #[schemars(with = "Option<bool>")]
    pub(super) kernel_ipv6: Option<Spanned<bool>>,
    /// Only with `command`: whether several cases may run at once, each with a device of its own.
    /// True unless said.
    #[serde(default)]
    #[schemars(with = "Option<bool>")]
    pub(super) parallel: Option<Spanned<bool>>,
    /// Only with `interface`: the network namespace of the interfaces, by its name (`ip netns`) or
    /// by an absolute path; the caller's own unless said.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) namespace: Option<Spanned<String>>,
    /// The device's interfaces.
    #[schemars(with = "Vec<RawInterface>", length(min = 1))]
    pub(super) interface: Spanned<Vec<RawInterface>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Mode")]
pub(super) enum RawMode {
    Command,
    Interface,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Interface")]
pub(super) struct RawInterface {
    /// With `command` the interface's name in the device's namespace, with `interface` that of the
    /// existing interface behind which the device is.
    #[schemars(with = "String", length(min = 1, max = 15))]
    pub(super) name: Spanned<String>,
    /// The links of the claimed network that it can be plugged into: home, home-2, visited-1,
    /// visited-2, server, correspondent, backbone.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub(super) links: Spanned<Vec<Spanned<String>>>,
    /// The device's link-layer address on it, such as 02:00:5e:10:0a:00. With `interface` it must be
    /// said; with `command` the harness gives one.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) mac: Option<Spanned<String>>,
    /// The VLAN (IEEE 802.1Q) in which the device speaks on it; untagged unless said. Several
    /// interfaces may share a name when their VLANs differ.
    #[serde(default)]
    #[schemars(with = "Option<u16>", range(min = 1, max = 4094))]
    pub(super) vlan: Option<Spanned<u16>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Roles")]
pub(super) struct RawRoles {
    /// One or several of mobile-terminal, home-agent, correspondent, sip-server.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub(super) plays: Spanned<Vec<Spanned<String>>>,
}

/// A feature's value: a word, a number, or true and false for yes and no.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RawFeature {
    Word(String),
    Flag(bool),
    Whole(u32),
    Number(f64),
}

/// Keys of `[addresses]`: each takes the place of the claimed network's.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Addresses")]
pub(super) struct RawAddresses {
    /// The home agent's IPv6 address.
    #[schemars(with = "Option<String>")]
    pub(super) home_agent: Option<Spanned<String>>,
    /// The SIP server's IPv6 address.
    #[schemars(with = "Option<String>")]
    pub(super) sip_server: Option<Spanned<String>>,
    /// The correspondent's IPv6 address.
    #[schemars(with = "Option<String>")]
    pub(super) correspondent: Option<Spanned<String>>,
    /// The address from which the correspondent sends media where that is another.
    #[schemars(with = "Option<String>")]
    pub(super) correspondent_media: Option<Spanned<String>>,
    /// The mobile terminal's home address.
    #[schemars(with = "Option<String>")]
    pub(super) home_address: Option<Spanned<String>>,
    /// The mobile terminal's identifier, such as sip:mt@example.com.
    #[schemars(with = "Option<String>")]
    pub(super) identifier: Option<Spanned<String>>,
    /// The correspondent's identifier, such as sip:cn@example.com.
    #[schemars(with = "Option<String>")]
    pub(super) correspondent_identifier: Option<Spanned<String>>,
    /// The SIP domain, such as example.com.
    #[schemars(with = "Option<String>")]
    pub(super) domain: Option<Spanned<String>>,
}

/// Keys of `[keys]`: each takes the place of the reference's.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Keys")]
pub(super) struct RawKeys {
    /// Between the mobile terminal and its home agent (RFC 4285).
    #[schemars(with = "Option<RawKey>")]
    pub(super) mn_ha: Option<Spanned<RawKey>>,
    /// Between home agents and the SIP server (binding lookup).
    #[schemars(with = "Option<RawKey>")]
    pub(super) ha_ss: Option<Spanned<RawKey>>,
    /// The password of every identifier, for a SIP server that challenges whoever registers or calls
    /// (RFC 7616); the user is that of the identifier.
    #[schemars(with = "Option<RawPassword>")]
    pub(super) sip_password: Option<Spanned<RawPassword>>,
}

/// A password: where it is, never the password itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPassword {
    /// A file with the password on its one line; a relative path starts at the profile's folder.
    #[schemars(with = "Option<String>")]
    pub(super) file: Option<Spanned<String>>,
    /// An environment variable with the password.
    #[schemars(with = "Option<String>")]
    pub(super) environment: Option<Spanned<String>>,
}

/// A shared key: where its hexadecimal digits are, never the digits themselves.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Key")]
pub(super) struct RawKey {
    /// The security parameter index.
    #[schemars(with = "Option<u32>")]
    pub(super) spi: Option<Spanned<u32>>,
    /// A file with the key in hexadecimal digits; a relative path starts at the profile's folder.
    #[schemars(with = "Option<String>")]
    pub(super) file: Option<Spanned<String>>,
    /// An environment variable with the key in hexadecimal digits.
    #[schemars(with = "Option<String>")]
    pub(super) environment: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Timers")]
pub(super) struct RawTimers {
    /// Seconds that the device may take from its start, or from the trigger `reset`, until the
    /// trigger `health` first succeeds; 30 unless said.
    #[schemars(with = "Option<f64>")]
    pub(super) boot_s: Option<Spanned<f64>>,
    /// Seconds that the device is left alone between its start and the first packet, for one without
    /// the trigger `health`; 0 unless said.
    #[schemars(with = "Option<f64>")]
    pub(super) settle_s: Option<Spanned<f64>>,
}

/// Keys of `[triggers]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Triggers")]
pub(super) struct RawTriggers {
    /// The device was plugged into ROAMPROOF_LINK, out of nowhere.
    #[schemars(with = "Option<RawTrigger>")]
    pub(super) attach: Option<Spanned<RawTrigger>>,
    /// The device was plugged into ROAMPROOF_LINK, out of another link.
    #[serde(rename = "move")]
    #[schemars(with = "Option<RawTrigger>")]
    pub(super) moves: Option<Spanned<RawTrigger>>,
    /// Call ROAMPROOF_CALLED.
    #[schemars(with = "Option<RawTrigger>")]
    pub(super) call: Option<Spanned<RawTrigger>>,
    /// Answer the call that rings.
    #[schemars(with = "Option<RawTrigger>")]
    pub(super) answer: Option<Spanned<RawTrigger>>,
    /// End the call, or refuse the one that rings.
    #[schemars(with = "Option<RawTrigger>")]
    pub(super) hangup: Option<Spanned<RawTrigger>>,
    /// Forget what a power cycle makes it forget; before every case, and where a purpose wants it.
    #[schemars(with = "Option<RawTrigger>")]
    pub(super) reset: Option<Spanned<RawTrigger>>,
    /// Exit with 0 where the device is well.
    #[schemars(with = "Option<RawTrigger>")]
    pub(super) health: Option<Spanned<RawTrigger>>,
}

/// A shell line, or a table with one and its time limit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Trigger")]
pub(super) enum RawTrigger {
    /// A shell line; it may take 10 s.
    Line(String),
    /// A shell line with a time limit of its own.
    Limited(RawLimited),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Limited")]
pub(super) struct RawLimited {
    /// The shell line.
    pub(super) command: String,
    /// Seconds that it may take; 10 unless said.
    pub(super) limit_s: Option<f64>,
}
