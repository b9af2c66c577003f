//! What a home agent is configured with.

use std::net::Ipv6Addr;
use std::time::Duration;

use serde::Deserialize;

use crate::host::config::{HostConfig, Prefix};
use crate::key::Key;
use crate::lookup::LookupPeer;

/// A home agent's configuration.
///
/// ```toml
/// [home_agent]
/// address = "2001:db8:a::a"
/// prefixes = ["2001:db8:a::/64"]
/// authentication = "rfc4285"
///
/// [[mobile]]
/// home_address = "2001:db8:a::100"
/// spi = 1000
/// key = "000102030405060708090a0b0c0d0e0f10111213"
/// ```
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) host: HostConfig,
    pub(crate) home_agent: HomeAgentConfig,
    #[serde(default, rename = "mobile")]
    pub(crate) mobiles: Vec<MobileConfig>,
    #[serde(default, rename = "sip_server")]
    pub(crate) sip_servers: Vec<SipServerConfig>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HomeAgentConfig {
    /// Its address on the home link.
    pub(crate) address: Ipv6Addr,
    /// The home prefixes it serves.
    pub(crate) prefixes: Vec<Prefix>,
    /// How home registrations are authenticated.
    #[serde(default)]
    pub(crate) authentication: Authentication,
    /// The longest lifetime it grants, seconds.
    #[serde(default = "lifetime_max")]
    pub(crate) lifetime_max: u32,
    /// Probes of duplicate address detection for a home address; 0 = none.
    #[serde(default = "one")]
    pub(crate) dad_transmits: u8,
}

/// How a home registration is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Authentication {
    /// Not at all.
    None,
    /// By the MN-HA mobility message authentication option (RFC 4285).
    #[default]
    Rfc4285,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MobileConfig {
    pub(crate) home_address: Ipv6Addr,
    /// Security parameter index, above 255.
    pub(crate) spi: u32,
    pub(crate) key: Key,
}

/// A SIP server that may ask for care-of addresses (claims 10 and 11).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SipServerConfig {
    pub(crate) address: Ipv6Addr,
    pub(crate) spi: u32,
    pub(crate) key: Key,
}

impl SipServerConfig {
    /// It may ask for any home address, and speaks for none.
    pub(crate) fn peer(&self) -> LookupPeer {
        let Self { address, spi, key } = self.clone();
        LookupPeer { address, spi, key, prefixes: Vec::new() }
    }
}

impl HomeAgentConfig {
    pub(crate) const fn lifetime_max(&self) -> Duration {
        Duration::from_secs(self.lifetime_max as u64)
    }
}

const fn lifetime_max() -> u32 {
    3600
}

const fn one() -> u8 {
    1
}
