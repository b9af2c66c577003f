//! What a host that moves asks of itself: doubts about a router, a link left behind (RFC 6275 §11.5).

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::RouterAdvertisement;

use super::Host;
use crate::{Instant, Interface};

impl Host {
    /// Asks a neighbour at once whether it is still there; [`Happening::Unreachable`] follows if
    /// not.
    ///
    /// [`Happening::Unreachable`]: super::Happening::Unreachable
    pub(crate) fn suspect(&mut self, now: Instant, interface: Interface, neighbour: Ipv6Addr) {
        self.neighbours.suspect(now, interface, neighbour);
        for wanted in self.neighbours.due(now) {
            self.on_wanted(now, wanted);
        }
    }

    /// Finds out at which link-layer address the home agent is that answers for `home`, by asking
    /// for `home` from nowhere, unless it is known (RFC 6275 §11.5.5). Packets to the home agent
    /// wait for the answer.
    pub(crate) fn ask_defender(
        &mut self,
        now: Instant,
        interface: Interface,
        home: Ipv6Addr,
        home_agent: Ipv6Addr,
    ) {
        if self.neighbours.expect(now, interface, home_agent) {
            self.defended = Some((home, home_agent));
            self.probe(interface, home);
        }
    }

    /// Somebody answers for `home`: where it was asked for, that is its home agent.
    pub(super) fn learn_defender(
        &mut self,
        interface: Interface,
        home: Ipv6Addr,
        mac: Mac,
    ) -> bool {
        let Some((defended, home_agent)) = self.defended else { return false };
        if defended != home {
            return false;
        }
        self.defended = None;
        self.learn(interface, home_agent, mac, Some(true));
        true
    }

    /// Forgets every route over an interface.
    pub(crate) fn clear_routes(&mut self, interface: Interface) {
        self.routes.retain(|route| route.interface != interface);
    }

    /// Learns from an advertisement with the R flag at which link-layer address the router's global
    /// address is (RFC 6275 §7.2, §11.5.5): the home agent is reached without asking for it.
    pub(crate) fn learn_global_address(
        &mut self,
        interface: Interface,
        advertisement: &RouterAdvertisement,
    ) {
        let Some(mac) = advertisement.source_link_layer() else { return };
        let global = advertisement.prefixes().find(|prefix| prefix.router_address);
        if let Some(prefix) = global {
            self.learn(interface, prefix.prefix, mac, Some(true));
        }
    }
}
