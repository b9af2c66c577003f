//! The links: routers that advertise, neighbours that answer, a path that carries less.

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{
    Message as Icmp, NeighbourAdvertisement, NeighbourOption, PrefixInformation,
    RouterAdvertisement, kind,
};
use roamproof_wire::ipv6::address::{ALL_NODES, link_local};
use roamproof_wire::ipv6::{self, Outgoing, Packet, protocol};

use super::{AGENT, HOME, On, PEER, SERVER, World};

impl World {
    /// The router advertises unasked.
    pub(crate) fn advertise(&mut self) {
        let on = self.on.unwrap();
        self.advertise_as(router_mac(on).0[4], on);
    }

    /// A router whose link-layer address ends in `mac` advertises the prefix of a link.
    pub(crate) fn advertise_as(&mut self, mac: u8, on: On) {
        let mut address = router_mac(on);
        address.0[4] = mac;
        let mut message = advertisement(on, self.interval_ms);
        message.options[0] = NeighbourOption::SourceLinkLayer(address);
        let outgoing = discovery(link_local(address), ALL_NODES);
        self.deliver(&Icmp::RouterAdvertisement(message).packet(&outgoing));
    }

    /// A router on the way to the home agent carries only `mtu` octets.
    pub(crate) fn too_big(&mut self, mtu: u32) {
        let inner = Outgoing::new(HOME, PEER, protocol::UDP).to_vec(&[7; 1420]);
        let outer = ipv6::encapsulate(self.care_of(), AGENT, 64, &inner);
        let reason = roamproof_wire::icmpv6::Reason::PacketTooBig { mtu };
        let answer = roamproof_wire::icmpv6::answer(SERVER, &outer, reason).unwrap();
        self.deliver(&answer);
    }

    pub(super) fn on_discovery(&mut self, on: On, packet: &Packet<'_>) {
        let answer = match Icmp::parse(packet).unwrap() {
            Icmp::RouterSolicitation(_) => {
                self.note("RS");
                let from = link_local(router_mac(on));
                let outgoing = discovery(from, ALL_NODES);
                let mut message = advertisement(on, self.interval_ms);
                if !self.names_agent {
                    message.options.remove(0);
                }
                Icmp::RouterAdvertisement(message).packet(&outgoing)
            }
            Icmp::NeighbourSolicitation(message) if packet.header.source.is_unspecified() => {
                if !message.target.is_unicast_link_local() {
                    self.note(&format!("probe {}", message.target));
                }
                let claimed = message.target == self.care_of() && self.claims_first_address;
                let defended = message.target == HOME
                    && (self.agent_bound.is_some() || self.claims_home_address);
                if !claimed && !defended {
                    return;
                }
                let answer = NeighbourAdvertisement {
                    router: false,
                    solicited: false,
                    overrides: true,
                    target: message.target,
                    target_link_layer: Some(router_mac(on)),
                };
                let outgoing = discovery(message.target, ALL_NODES);
                Icmp::NeighbourAdvertisement(answer).packet(&outgoing)
            }
            // The router of a link that was left does not answer.
            Icmp::NeighbourSolicitation(message)
                if message.target.is_unicast_link_local()
                    && message.target != link_local(router_mac(on)) =>
            {
                return;
            }
            Icmp::NeighbourSolicitation(message) => {
                let answer = NeighbourAdvertisement {
                    router: true,
                    solicited: true,
                    overrides: true,
                    target: message.target,
                    target_link_layer: Some(router_mac(on)),
                };
                let outgoing = discovery(message.target, packet.header.source);
                Icmp::NeighbourAdvertisement(answer).packet(&outgoing)
            }
            Icmp::NeighbourAdvertisement(message) if message.target == HOME => {
                return self.note("NA");
            }
            Icmp::MldReport(_) | Icmp::NeighbourAdvertisement(_) => return,
            other @ (Icmp::Error(_)
            | Icmp::Echo(_)
            | Icmp::MldQuery(_)
            | Icmp::RouterAdvertisement(_)
            | Icmp::Redirect(_)
            | Icmp::HomeAgentDiscoveryRequest(_)
            | Icmp::HomeAgentDiscoveryReply(_)
            | Icmp::MobilePrefixSolicitation(_)
            | Icmp::MobilePrefixAdvertisement(_)
            | Icmp::Other { .. }) => panic!("{other:?} from a terminal"),
        };
        self.deliver(&answer);
    }
}

pub(super) fn prefix(on: On) -> Ipv6Addr {
    match on {
        On::Home => Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0),
        On::Visited1 => Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0),
        On::Visited2 => Ipv6Addr::new(0x2001, 0xdb8, 0xf2, 0, 0, 0, 0, 0),
    }
}

/// The link-layer address of a link's router.
pub(super) const fn router_mac(on: On) -> Mac {
    Mac([0x02, 0x00, 0x5e, 0x10, 0x10 + on as u8, 0x00])
}

fn advertisement(on: On, interval_ms: u32) -> RouterAdvertisement {
    let interval = (interval_ms > 0).then_some(NeighbourOption::AdvertisementInterval(interval_ms));
    let mut message = RouterAdvertisement {
        hop_limit: 64,
        managed: false,
        other: false,
        home_agent: on == On::Home,
        preference: roamproof_wire::icmpv6::Preference::Medium,
        router_lifetime: 1800,
        reachable_time: 0,
        retrans_timer: 0,
        options: vec![
            NeighbourOption::SourceLinkLayer(router_mac(on)),
            NeighbourOption::Prefix(PrefixInformation {
                prefix_length: 64,
                on_link: true,
                autonomous: true,
                router_address: on == On::Home,
                valid_lifetime: 86_400,
                preferred_lifetime: 86_400,
                prefix: if on == On::Home { AGENT } else { prefix(on) },
            }),
        ],
    };
    message.options.extend(interval);
    message
}

fn discovery(from: Ipv6Addr, to: Ipv6Addr) -> Outgoing {
    Outgoing { hop_limit: 255, ..Outgoing::new(from, to, protocol::ICMPV6) }
}

pub(super) fn is_discovery(packet: &Packet<'_>) -> bool {
    matches!(packet.payload[0], kind::ROUTER_SOLICITATION..=kind::REDIRECT | kind::MLD_REPORT)
}
