//! Stations: link-layer addresses that the tester speaks from, and what they answer by themselves.

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::{
    Echo, Message, NeighbourAdvertisement, NeighbourOption, Preference, PrefixInformation,
    RouterAdvertisement,
};
use roamproof_wire::ipv6::address::ALL_NODES;
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};

use crate::link::LinkId;

/// A link-layer address on a link, and the IPv6 addresses behind it.
///
/// It answers Neighbour Solicitations for its addresses, Echo Requests to them and, where it
/// advertises a prefix, Router Solicitations; everything else is the purpose's.
#[derive(Debug, Clone)]
pub struct Station {
    /// The link it stands on.
    pub link: LinkId,
    /// Its link-layer address.
    pub mac: Mac,
    /// The addresses that it answers for.
    pub addresses: Vec<Ipv6Addr>,
    /// Whether it says that it is a router.
    pub router: bool,
    /// The /64 prefix that it advertises, if it does.
    pub prefix: Option<Ipv6Addr>,
    /// Whether it says that it is a home agent; the prefix is then its own address (RFC 6275 §7).
    pub home_agent: bool,
}

/// A station of a tester.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StationId(pub(super) usize);

impl Station {
    /// A host.
    pub fn host(mac: Mac, addresses: impl Into<Vec<Ipv6Addr>>) -> Self {
        let addresses = addresses.into();
        Self { link: LinkId(0), mac, addresses, router: false, prefix: None, home_agent: false }
    }

    /// A router.
    pub fn router(mac: Mac, addresses: impl Into<Vec<Ipv6Addr>>) -> Self {
        Self { router: true, ..Self::host(mac, addresses) }
    }

    /// A router that is the default router of its link and advertises a /64 prefix there; the first
    /// of its addresses is its link-local one.
    #[must_use]
    pub fn advertising(self, prefix: Ipv6Addr) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    /// A home agent at `address` that is the default router of its link; the first of its addresses
    /// is its link-local one.
    #[must_use]
    pub fn serving(self, address: Ipv6Addr) -> Self {
        Self { home_agent: true, ..self.advertising(address) }
    }

    /// The frame that this station sends by itself when it hears `frame`.
    pub(super) fn answer(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let (ethernet, octets) = Ethernet::parse(frame).ok()?;
        if ethernet.ether_type != ethernet::IPV6 {
            return None;
        }
        let packet = Packet::parse(octets).ok()?;
        if packet.protocol != protocol::ICMPV6 {
            return None;
        }
        if let Some(answer) = self.router_advertisement(&packet) {
            return Some(ethernet::frame(Mac::multicast(ALL_NODES), self.mac, &answer));
        }
        let answer = self.advertisement(&packet).or_else(|| self.echo_reply(&packet))?;
        Some(ethernet::frame(ethernet.source, self.mac, &answer))
    }

    /// RFC 4861 §6.2.6: to all nodes, whoever asked.
    fn router_advertisement(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let prefix = self.prefix?;
        let Ok(Message::RouterSolicitation(_)) = Message::parse(packet) else { return None };
        let information = PrefixInformation {
            prefix_length: 64,
            on_link: true,
            autonomous: true,
            router_address: self.home_agent,
            valid_lifetime: LIFETIME.into(),
            preferred_lifetime: LIFETIME.into(),
            prefix,
        };
        let answer = RouterAdvertisement {
            hop_limit: 64,
            managed: false,
            other: false,
            home_agent: self.home_agent,
            preference: Preference::Medium,
            router_lifetime: LIFETIME,
            reachable_time: 0,
            retrans_timer: 0,
            options: vec![
                NeighbourOption::SourceLinkLayer(self.mac),
                NeighbourOption::Prefix(information),
            ],
        };
        let own = self.addresses.first().copied()?;
        let outgoing =
            Outgoing { hop_limit: 255, ..Outgoing::new(own, ALL_NODES, protocol::ICMPV6) };
        Some(Message::RouterAdvertisement(answer).packet(&outgoing))
    }

    fn advertisement(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let Ok(Message::NeighbourSolicitation(solicitation)) = Message::parse(packet) else {
            return None;
        };
        let (source, target) = (packet.header.source, solicitation.target);
        if source.is_unspecified() || !self.addresses.contains(&target) {
            return None;
        }
        let answer = NeighbourAdvertisement {
            router: self.router,
            solicited: true,
            overrides: true,
            target,
            target_link_layer: Some(self.mac),
        };
        let outgoing =
            Outgoing { hop_limit: 255, ..Outgoing::new(target, source, protocol::ICMPV6) };
        Some(Message::NeighbourAdvertisement(answer).packet(&outgoing))
    }

    fn echo_reply(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let (source, destination) = (packet.source(), packet.destination());
        let Ok(Message::Echo(echo)) = Message::parse(packet) else { return None };
        if echo.reply || !self.addresses.contains(&destination) {
            return None;
        }
        let outgoing = Outgoing::new(destination, source, protocol::ICMPV6);
        Some(Message::Echo(Echo { reply: true, ..echo }).packet(&outgoing))
    }
}

/// For how long a router and its prefix are good, seconds: longer than any purpose takes.
const LIFETIME: u16 = 1800;
