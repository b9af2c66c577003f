//! From a role's name and its configuration to a node.

use std::time::Duration;

use crate::Node;
use crate::correspondent::Correspondent;
use crate::home_agent::HomeAgent;
use crate::mobile_terminal::MobileTerminal;
use crate::router::Router;
use crate::sip_server::SipServer;

/// What every node is told at the start, beside its configuration.
#[derive(Debug, Clone)]
pub struct Start {
    /// The Unix time of the zero of [`Instant`](crate::Instant).
    pub epoch: Duration,
    /// Fixes every random draw.
    pub seed: u64,
    /// What it is to do wrong.
    pub misdeeds: crate::misdeed::Misdeeds,
}

/// A configuration that makes no node.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The role is none of ours.
    #[error(
        "no role {0:?}; known are: mobile-terminal, home-agent, correspondent, sip-server, router"
    )]
    Role(String),
    /// The text is not what the role's configuration should be; names line and key.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A value cannot be.
    #[error("{key}: {why}")]
    Value {
        /// The key at fault.
        key: &'static str,
        /// What is wrong, and what was expected.
        why: String,
    },
    /// No such misdeed, or this build has none.
    #[error("{0}")]
    Misdeed(String),
}

/// Builds the node that plays `role` by its configuration, TOML.
///
/// `epoch` is the Unix time of [`Instant::ZERO`](crate::Instant::ZERO); `seed` fixes every random
/// draw; `misdeeds` are names of what it is to do wrong.
///
/// # Errors
///
/// [`ConfigError`], which names the key at fault.
pub fn build(
    role: &str,
    config: &str,
    epoch: Duration,
    seed: u64,
    misdeeds: &[String],
) -> Result<Box<dyn Node>, ConfigError> {
    let misdeeds = crate::misdeed::Misdeeds::named(role, misdeeds)?;
    let start = Start { epoch, seed, misdeeds };
    Ok(match role {
        "home-agent" => Box::new(HomeAgent::new(toml::from_str(config)?, &start)?),
        "mobile-terminal" => Box::new(MobileTerminal::new(toml::from_str(config)?, &start)?),
        "correspondent" => Box::new(Correspondent::new(&toml::from_str(config)?, &start)?),
        "router" => Box::new(Router::new(&toml::from_str(config)?, &start)),
        "sip-server" => Box::new(SipServer::new(&toml::from_str(config)?, &start)?),
        other => return Err(ConfigError::Role(other.to_owned())),
    })
}
