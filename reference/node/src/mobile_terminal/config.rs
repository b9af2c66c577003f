//! What a mobile terminal is configured with.

use std::net::Ipv6Addr;
use std::time::Duration;

use serde::Deserialize;

use crate::host::config::{HostConfig, Prefix};
use crate::key::Key;
use crate::phone::config::SipConfig;
use crate::sip;

/// A mobile terminal's configuration; `[sip]` is the user agent's and described there.
///
/// ```toml
/// [mobile]
/// home_address = "2001:db8:a::100/64"
/// home_agent = "2001:db8:a::a"
/// spi = 1000
/// key = "000102030405060708090a0b0c0d0e0f10111213"
/// ```
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) host: HostConfig,
    pub(crate) mobile: MobileConfig,
    /// The telephone's; without, the terminal has none.
    pub(crate) sip: Option<SipConfig>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MobileConfig {
    /// The home address, with the length of the home prefix.
    pub(crate) home_address: Prefix,
    pub(crate) home_agent: Ipv6Addr,
    /// How home registrations are authenticated.
    #[serde(default)]
    pub(crate) authentication: Authentication,
    /// Security parameter index of the key shared with the home agent, above 255.
    #[serde(default)]
    pub(crate) spi: u32,
    pub(crate) key: Option<Key>,
    /// Further nodes whose tunnels are accepted, for packets of their own only (decision D9): the
    /// SIP server.
    #[serde(default)]
    pub(crate) tunnels_from: Vec<Ipv6Addr>,
    /// Probes of duplicate address detection for each new address; 0 = none.
    #[serde(default = "one")]
    pub(crate) dad_transmits: u8,
    /// The lifetime asked of the home agent, seconds.
    #[serde(default = "lifetime")]
    lifetime: u32,
    /// The lifetime asked of correspondents, seconds; 420 at most (MAX_RR_BINDING_LIFETIME).
    #[serde(default = "correspondent_lifetime")]
    correspondent_lifetime: u32,
    /// InitialBindackTimeoutFirstReg (RFC 6275 §12), milliseconds.
    #[serde(default = "first_registration_timeout_ms")]
    first_registration_timeout_ms: u64,
    /// The time from an INVITE to the decision without optimization (decision D6), milliseconds.
    #[serde(default = "budget_ms")]
    route_optimization_budget_ms: u64,
    /// What becomes of a call that cannot be optimized (decision D5).
    #[serde(default)]
    pub(crate) on_ro_failure: OnFailure,
    /// Whether a 100 Trying may go before the optimization (decision D1).
    #[serde(default)]
    pub(crate) early_100: Early100,
    /// Whether ordinary programs use the home address: the node's own session agent is off then.
    #[serde(default)]
    pub(crate) lends: bool,
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

/// What becomes of a call when route optimization failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnFailure {
    /// It is answered, and its media go through the home agent.
    #[default]
    Tunnel,
    /// It is refused with 480.
    Refuse,
}

/// Whether a 100 Trying goes out before the optimization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Early100 {
    /// Never: the claims to the letter.
    #[default]
    Never,
    /// After 200 ms, as RFC 3261 17.2.1 wants it.
    Allowed,
    /// At once.
    Required,
}

impl From<Early100> for sip::Early100 {
    fn from(early: Early100) -> Self {
        match early {
            Early100::Never => Self::Never,
            Early100::Allowed => Self::Allowed,
            Early100::Required => Self::Required,
        }
    }
}

impl Config {
    /// The network access identifier in Binding Updates (RFC 4283): the telephone's, without scheme.
    pub(crate) fn nai(&self) -> Option<String> {
        let identifier = self.sip.as_ref()?.identifier.view();
        Some(format!("{}@{}", identifier.user?, identifier.host))
    }
}

impl MobileConfig {
    pub(crate) const fn home(&self) -> Ipv6Addr {
        self.home_address.address
    }

    pub(crate) const fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime as u64)
    }

    pub(crate) fn correspondent_lifetime(&self) -> Duration {
        Duration::from_secs(self.correspondent_lifetime.into()).min(MAX_RR_BINDING_LIFETIME)
    }

    pub(crate) const fn first_registration_timeout(&self) -> Duration {
        Duration::from_millis(self.first_registration_timeout_ms)
    }

    pub(crate) const fn budget(&self) -> Duration {
        Duration::from_millis(self.route_optimization_budget_ms)
    }
}

/// The longest life of a binding made by return routability (RFC 6275 §12).
const MAX_RR_BINDING_LIFETIME: Duration = Duration::from_secs(420);

const fn lifetime() -> u32 {
    3600
}

const fn correspondent_lifetime() -> u32 {
    420
}

const fn first_registration_timeout_ms() -> u64 {
    1500
}

const fn budget_ms() -> u64 {
    7000
}

const fn one() -> u8 {
    1
}
