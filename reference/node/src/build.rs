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

/// A role and its configuration, read: nodes are built of it as often as wanted.
#[derive(Debug, Clone)]
pub struct Blueprint(Plan);

#[derive(Debug, Clone)]
enum Plan {
    HomeAgent(Box<crate::home_agent::Config>),
    MobileTerminal(Box<crate::mobile_terminal::Config>),
    Correspondent(Box<crate::correspondent::Config>),
    Router(Box<crate::router::Config>),
    SipServer(Box<crate::sip_server::Config>),
}

impl Blueprint {
    /// Reads the configuration, TOML, of the node that plays `role`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], which names the key at fault.
    pub fn read(role: &str, config: &str) -> Result<Self, ConfigError> {
        Ok(Self(match role {
            "home-agent" => Plan::HomeAgent(toml::from_str(config)?),
            "mobile-terminal" => Plan::MobileTerminal(toml::from_str(config)?),
            "correspondent" => Plan::Correspondent(toml::from_str(config)?),
            "router" => Plan::Router(toml::from_str(config)?),
            "sip-server" => Plan::SipServer(toml::from_str(config)?),
            other => return Err(ConfigError::Role(other.to_owned())),
        }))
    }

    /// Builds the node.
    ///
    /// `epoch` is the Unix time of [`Instant::ZERO`](crate::Instant::ZERO); `seed` fixes every
    /// random draw; `misdeeds` are names of what it is to do wrong.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], where a value cannot be, or no such misdeed is known.
    pub fn build(
        &self,
        epoch: Duration,
        seed: u64,
        misdeeds: &[String],
    ) -> Result<Box<dyn Node>, ConfigError> {
        let misdeeds = crate::misdeed::Misdeeds::named(self.role(), misdeeds)?;
        let start = Start { epoch, seed, misdeeds };
        Ok(match &self.0 {
            Plan::HomeAgent(config) => Box::new(HomeAgent::new((**config).clone(), &start)?),
            Plan::MobileTerminal(config) => {
                Box::new(MobileTerminal::new((**config).clone(), &start)?)
            }
            Plan::Correspondent(config) => Box::new(Correspondent::new(config, &start)?),
            Plan::Router(config) => Box::new(Router::new(config, &start)),
            Plan::SipServer(config) => Box::new(SipServer::new(config, &start)?),
        })
    }

    /// The role that its nodes play.
    pub const fn role(&self) -> &'static str {
        match &self.0 {
            Plan::HomeAgent(_) => "home-agent",
            Plan::MobileTerminal(_) => "mobile-terminal",
            Plan::Correspondent(_) => "correspondent",
            Plan::Router(_) => "router",
            Plan::SipServer(_) => "sip-server",
        }
    }
}

/// Builds the node that plays `role` by its configuration, TOML: [`Blueprint::read`] and
/// [`Blueprint::build`] in one.
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
    Blueprint::read(role, config)?.build(epoch, seed, misdeeds)
}
