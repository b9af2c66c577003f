//! What a SIP server is configured with.

use std::net::Ipv6Addr;

use serde::Deserialize;

use super::{ProxyConfig, RegistrarLimits};
use crate::build::ConfigError;
use crate::host::config::{HostConfig, Prefix};
use crate::key::Key;
use crate::lookup::LookupPeer;
use crate::sip::routing::Names;

/// A SIP server's configuration.
///
/// ```toml
/// [sip_server]
/// address = "2001:db8:5::5"
/// domain = "example.com"
///
/// [[home_agent]]
/// address = "2001:db8:a::a"
/// prefixes = ["2001:db8:a::/64"]
/// spi = 2000
/// key = "686f6d652d6167656e742d736572766572206b31"
///
/// [names]
/// "proxy.example.net" = "2001:db8:c::5060"
/// ```
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) host: HostConfig,
    pub(crate) sip_server: SipServerConfig,
    /// Home agents that it asks where terminals are; without any it sends to home addresses.
    #[serde(default, rename = "home_agent")]
    home_agents: Vec<HomeAgentConfig>,
    /// Names it can resolve.
    #[serde(default)]
    names: Names,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SipServerConfig {
    /// Its address.
    pub(crate) address: Ipv6Addr,
    /// The domain whose identifiers it serves.
    domain: String,
    /// Where it takes messages, by UDP and by TCP.
    #[serde(default = "port")]
    pub(crate) port: u16,
    /// The identifiers it serves, `mt@example.com`; with none, whoever registers.
    #[serde(default)]
    identifiers: Vec<String>,
    /// Seconds granted where none are asked for.
    #[serde(default = "expires_default")]
    expires_default: u32,
    /// Seconds below which a registration is refused.
    #[serde(default = "expires_least")]
    expires_least: u32,
    /// Seconds granted at most.
    #[serde(default = "expires_most")]
    expires_most: u32,
}

/// A home agent that shares a key with this server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct HomeAgentConfig {
    address: Ipv6Addr,
    /// The home prefixes that it may speak for.
    prefixes: Vec<Prefix>,
    /// Security parameter index, above 255.
    spi: u32,
    key: Key,
}

impl Config {
    /// Refuses what cannot be.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, why: String| Err(ConfigError::Value { key, why });
        let SipServerConfig { address, port, domain, .. } = &self.sip_server;
        let interfaces = self.host.interfaces.iter();
        let mut own = interfaces.flat_map(|one| one.addresses.iter().map(|prefix| prefix.address));
        if !own.any(|one| one == *address) {
            let why = format!("{address} is no address of its interfaces");
            return refuse("sip_server.address", why);
        }
        if *port == 0 {
            return refuse("sip_server.port", "0 is no port that anybody can send to".to_owned());
        }
        if domain.is_empty() {
            return refuse("sip_server.domain", "a domain has at least one letter".to_owned());
        }
        if self.sip_server.expires_least > LEAST_MAX {
            let why = format!("RFC 3261 §10.3 wants at most {LEAST_MAX} s");
            return refuse("sip_server.expires_least", why);
        }
        for HomeAgentConfig { address, prefixes, spi, .. } in &self.home_agents {
            if prefixes.is_empty() {
                let why = format!("{address} needs at least one prefix to speak for");
                return refuse("home_agent.prefixes", why);
            }
            if *spi <= SPI_RESERVED {
                let why = format!("{spi} is reserved, take one above {SPI_RESERVED}");
                return refuse("home_agent.spi", why);
            }
        }
        Ok(())
    }

    /// The home agents it shares keys with.
    pub(crate) fn peers(&self) -> Vec<LookupPeer> {
        let peer = |agent: HomeAgentConfig| {
            let HomeAgentConfig { address, prefixes, spi, key } = agent;
            LookupPeer { address, spi, key, prefixes }
        };
        self.home_agents.iter().cloned().map(peer).collect()
    }

    pub(crate) fn proxy(&self) -> ProxyConfig {
        let SipServerConfig { address, port, domain, identifiers, .. } = self.sip_server.clone();
        let limits = RegistrarLimits {
            default: self.sip_server.expires_default,
            least: self.sip_server.expires_least,
            most: self.sip_server.expires_most,
        };
        ProxyConfig { address, port, domain, identifiers, limits, names: self.names.clone() }
    }
}

/// A registrar may call at most this too brief, seconds (RFC 3261 §10.3).
const LEAST_MAX: u32 = 3600;

/// Security parameter indices up to this are reserved (RFC 4285 §5).
const SPI_RESERVED: u32 = 255;

const fn port() -> u16 {
    roamproof_wire::sip::DEFAULT_PORT
}

const fn expires_default() -> u32 {
    3600
}

const fn expires_least() -> u32 {
    30
}

const fn expires_most() -> u32 {
    7200
}
