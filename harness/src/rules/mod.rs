//! Per-message rules: rows of the catalogue that any single message decides, whatever the case is about.
//!
//! They are judged on every message that a subject sends in any case, and on every message of a
//! capture from elsewhere. A rule looks at one message, and where its row compares two, at what was
//! seen before.

mod binding;
mod mobility_header;
mod over;
mod past;
mod router;
mod routing;
mod sdp;
mod sent;
mod sip;

pub use over::{BROKEN_MAX, Broken, Held, of_capture, of_subject};
pub use past::Past;
pub use sent::{Sent, options_start};

use crate::topology::Role;

#[cfg(test)]
mod tests;

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The row that it decides.
    pub row: &'static str,
    /// Whose messages it is about; of anybody's where none is named.
    pub of: &'static [Role],
    /// Judges a message; `None` where the row says nothing about it.
    pub check: fn(&Sent<'_>, &Past) -> Option<Finding>,
}

/// What a rule says of a message that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is as the row wants it.
    Fits,
    /// It is not.
    Breaks {
        /// The octet at fault, from the start of the IPv6 header.
        octet: usize,
        /// What is wrong there.
        what: String,
    },
}

/// Every rule, the one list.
pub const ALL: &[&[Rule]] = &[
    mobility_header::RULES,
    binding::RULES,
    routing::RULES,
    router::RULES,
    sip::RULES,
    sdp::RULES,
];

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    ALL.iter().flat_map(|rules| rules.iter())
}

impl Finding {
    /// That a message breaks the row at `octet`, unless `fits`.
    fn unless(fits: bool, octet: usize, what: impl FnOnce() -> String) -> Option<Self> {
        Some(if fits { Self::Fits } else { Self::Breaks { octet, what: what() } })
    }
}

/// A mobile terminal's messages.
const TERMINAL: &[Role] = &[Role::MobileTerminal];
/// A home agent's messages.
const AGENT: &[Role] = &[Role::HomeAgent];
/// A correspondent's messages; a mobile terminal is one, too, for others.
const CORRESPONDENT: &[Role] = &[Role::Correspondent];
/// A telephone's messages.
const TELEPHONE: &[Role] = &[Role::MobileTerminal, Role::Correspondent];
/// A SIP server's messages.
const SERVER: &[Role] = &[Role::SipServer];
/// The messages of whoever speaks SIP.
const TALKERS: &[Role] = &[Role::MobileTerminal, Role::Correspondent, Role::SipServer];
/// Anybody's messages.
const ANYBODY: &[Role] = &[];
