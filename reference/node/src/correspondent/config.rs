//! What a correspondent is configured with.

use std::net::Ipv6Addr;

use serde::Deserialize;

use crate::host::config::HostConfig;
use crate::phone::config::SipConfig;

/// A correspondent's configuration.
///
/// ```toml
/// [correspondent]
/// address = "2001:db8:c::c"
/// mobile_ipv6 = true
///
/// [sip]
/// identifier = "sip:cn@example.com"
/// server = "2001:db8:5::5"
/// ```
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) host: HostConfig,
    pub(crate) correspondent: CorrespondentConfig,
    /// Without it there is no telephone.
    pub(crate) sip: Option<SipConfig>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorrespondentConfig {
    /// Its address: of SIP, echoes, and of programs where it is lent.
    pub(crate) address: Ipv6Addr,
    /// The address of its media, where that is another.
    pub(crate) media_address: Option<Ipv6Addr>,
    /// Whether it knows Mobile IPv6; without, it answers as any IPv6 node does.
    #[serde(default = "yes")]
    pub(crate) mobile_ipv6: bool,
    /// Whether ordinary programs use its address: its own telephone is off then.
    #[serde(default)]
    pub(crate) lends: bool,
    /// Where the misdeeds that pass the SIP server by send INVITEs: the callee's home address.
    #[serde(default = "callee_home_address")]
    pub(crate) callee_home_address: Ipv6Addr,
    /// The callee's home agent, for the same.
    #[serde(default = "callee_home_agent")]
    pub(crate) callee_home_agent: Ipv6Addr,
}

impl CorrespondentConfig {
    pub(crate) fn media_address(&self) -> Ipv6Addr {
        self.media_address.unwrap_or(self.address)
    }
}

const fn yes() -> bool {
    true
}

const fn callee_home_address() -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100)
}

const fn callee_home_agent() -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa)
}
