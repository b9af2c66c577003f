//! What was seen before a message, as far as a rule compares with it.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::mobility::mh_type::{CARE_OF_TEST_INIT, HOME_TEST_INIT};

use super::Sent;

/// What was seen before, whoever sent it.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The subject's home address, where it is a mobile terminal whose home address is known.
    home: Option<Ipv6Addr>,
    /// Where tests were asked from, by type and cookie.
    asked: BTreeMap<(u8, [u8; 8]), Ipv6Addr>,
}

impl Past {
    /// Nothing was seen yet; `home` is the home address of whom rules are judged for, if it has one.
    pub fn new(home: Option<Ipv6Addr>) -> Self {
        Self { home, ..Self::default() }
    }

    /// Takes notice of a packet.
    pub fn note(&mut self, sent: &Sent<'_>) {
        for kind in [HOME_TEST_INIT, CARE_OF_TEST_INIT] {
            if let Some(octets) = sent.mobility_of(kind, 16)
                && let Some(cookie) = octets[8..].first_chunk()
            {
                self.asked.insert((kind, *cookie), sent.header.source);
            }
        }
    }

    /// The home address of the mobile terminal that is judged.
    pub const fn home(&self) -> Option<Ipv6Addr> {
        self.home
    }

    /// Where the test with this cookie was last asked from, by the type of its Init.
    pub fn asked(&self, kind: u8, cookie: &[u8]) -> Option<Ipv6Addr> {
        self.asked.get(&(kind, cookie.try_into().ok()?)).copied()
    }
}
