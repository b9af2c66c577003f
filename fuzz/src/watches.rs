//! All who watch a node under fuzzing, asked as one.

use std::time::Duration;

use roamproof_harness::topology::{NodeSpec, Role, claimed};
use roamproof_wire::ipv6::Header;

use crate::amplification::{Ledger, addresses_in};
use crate::claims::Watch;
use crate::reading::Reading;
use crate::routes::Routes;

/// Who watches a node.
#[derive(Debug, Clone)]
pub(crate) struct Watches {
    claims: Option<Watch>,
    routes: Option<Routes>,
    ledger: Ledger,
}

impl Watches {
    /// Those over this node of the claimed network.
    pub(crate) fn over(spec: &NodeSpec) -> Self {
        let role = spec.role;
        let claims = (role == Role::MobileTerminal).then(|| Watch::new(claimed::HOA, claimed::CN));
        let routes = match role {
            Role::HomeAgent => Some(Routes::new(claimed::HA)),
            Role::Correspondent => Some(Routes::new(claimed::CN)),
            Role::MobileTerminal | Role::SipServer | Role::Router => None,
        };
        Self { claims, routes, ledger: Ledger::new(spec) }
    }

    /// A user says this.
    pub(crate) fn asked(&mut self, text: &[u8]) {
        self.ledger.trust(addresses_in(text));
    }

    /// A program on the node's host sends this.
    pub(crate) fn sent_by_program(&mut self, packet: &[u8]) {
        self.ledger.trust(Header::parse(packet).map(|header| header.destination));
    }

    /// Peers are no longer right: what they alone make hold is not promised from here on.
    pub(crate) const fn end(&mut self) {
        if let Some(claims) = &mut self.claims {
            claims.end();
        }
        if let Some(routes) = &mut self.routes {
            routes.end();
        }
    }

    /// One of its links comes or goes.
    pub(crate) fn detached(&mut self) {
        if let Some(claims) = &mut self.claims {
            claims.detached();
        }
    }

    /// A packet reaches the node.
    pub(crate) fn comes(&mut self, at: Duration, octets: &[u8]) {
        let reading = Reading::of(octets);
        if let (Some(claims), Some(reading)) = (&mut self.claims, &reading) {
            claims.comes(at, reading);
        }
        if let (Some(routes), Some(reading)) = (&mut self.routes, &reading) {
            routes.comes(reading);
        }
        self.ledger.comes(octets, reading.as_ref());
    }

    /// A packet leaves the node.
    ///
    /// # Panics
    ///
    /// Where it should not, or not so.
    pub(crate) fn leaves(&mut self, at: Duration, reading: &Reading<'_>) {
        if let Some(claims) = &mut self.claims {
            claims.leaves(at, reading);
        }
        if let Some(routes) = &mut self.routes {
            routes.leaves(at, reading);
        }
        self.ledger.leaves(reading);
    }
}
