//! The SIP server as values: a registrar and a stateful proxy that stays in the path.
//!
//! [`Proxy`] takes in messages and time and gives out messages for hops. It knows nothing of
//! tunnels: what is sent to a registered contact is marked with its branch and the number of its
//! copy, so that whoever owns the proxy may choose another way for it (D11).

mod config;
mod context;
mod direct;
mod errors;
mod forward;
mod location;
mod misconduct;
mod path;
mod proxy;
mod quoted;
mod registrar;
mod server;
mod stream_way;
mod way;

pub(crate) use config::Config;
pub use location::{Binding, Location};
pub use proxy::{Proxy, ProxyConfig, ProxyEvent};
pub use registrar::{Registrar, RegistrarLimits};
pub(crate) use server::SipServer;

#[cfg(test)]
mod tests;
