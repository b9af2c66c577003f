//! The home agent (RFC 6275 §10): registrations, interception, tunnels both ways.

mod binding_cache;
mod config;
mod lookup;
mod mischief;
mod registration;
mod tunnel;

use std::time::Duration;

use roamproof_wire::ipv6::{Packet, protocol};

use crate::build::{ConfigError, Start};
use crate::host::{Advertiser, Happening, Host, Received, echo_reply};
use crate::lookup::LookupPeers;
use crate::misdeed::{Misdeed, Misdeeds};
use crate::{Held, Input, Instant, Interface, Node, Output, Wakeup};
use binding_cache::{BINDINGS_MAX, BindingCache};
pub(crate) use config::Config;
use config::SipServerConfig;
use registration::Pending;

/// A home agent on one home link.
#[derive(Debug)]
pub(crate) struct HomeAgent {
    host: Host,
    advertiser: Advertiser,
    config: Config,
    cache: BindingCache,
    pending: Vec<Pending>,
    replays: registration::Replays,
    peers: LookupPeers,
    told: lookup::Told,
    epoch: Duration,
    /// Only a home agent that does misdeeds remembers them.
    places: mischief::Memory,
    misdeeds: Misdeeds,
}

/// The home link is the first interface.
const HOME: Interface = Interface(0);

impl HomeAgent {
    /// The home agent that `config` describes.
    pub(crate) fn new(config: Config, start: &Start) -> Result<Self, ConfigError> {
        if config.host.interfaces.is_empty() {
            let why = "a home agent needs one, the home link's".to_owned();
            return Err(ConfigError::Value { key: "interface", why });
        }
        let peers = config.sip_servers.iter().map(SipServerConfig::peer).collect();
        Ok(Self {
            host: Host::new(&config.host, start.seed, true),
            advertiser: Advertiser::new(&config.host),
            cache: BindingCache::default(),
            pending: Vec::new(),
            replays: registration::Replays::default(),
            peers: LookupPeers::new(config.home_agent.address, peers, start.epoch),
            told: lookup::Told::default(),
            epoch: start.epoch,
            places: mischief::Memory::new(),
            misdeeds: start.misdeeds.clone(),
            config,
        })
    }

    fn on_frame(&mut self, now: Instant, interface: Interface, octets: &[u8]) {
        if self.overhears(octets) {
            return;
        }
        match self.host.receive(now, interface, octets) {
            Received::Mine(packet) => self.on_packet(now, &packet),
            Received::Transit(packet) => self.on_transit(now, &packet),
            Received::Nothing => {}
        }
        while let Some((_, whole)) = self.host.poll_reassembled() {
            match Packet::parse(&whole) {
                Ok(packet) => self.on_packet(now, &packet),
                Err(rejected) => self.host.malformed(rejected.error),
            }
        }
    }

    /// A packet to one of the home agent's own addresses.
    fn on_packet(&mut self, now: Instant, packet: &Packet<'_>) {
        match packet.protocol {
            protocol::MOBILITY => self.on_mobility(now, packet),
            protocol::IPV6 => self.on_reverse_tunnel(now, packet),
            protocol::ICMPV6 => self.on_icmp(now, packet),
            _ => self.host.answer_unknown_protocol(now, packet),
        }
    }

    /// A packet to somebody else: for a mobile node that is away, or to be passed on.
    fn on_transit(&mut self, now: Instant, packet: &Packet<'_>) {
        if self.cache.get(packet.header.destination).is_some() {
            return self.tunnel(now, packet);
        }
        self.host.forward(now, packet);
    }

    fn on_icmp(&mut self, now: Instant, packet: &Packet<'_>) {
        if let Some((mut outgoing, payload)) = echo_reply(packet) {
            self.route(&mut outgoing);
            return self.host.send(now, &outgoing, &payload);
        }
        self.on_icmp_error(now, packet);
    }

    fn on_happening(&mut self, now: Instant, happening: Happening) {
        match happening {
            Happening::AddressReady(address) => self.on_home_address_free(now, address),
            Happening::AddressTaken(address) => self.on_home_address_taken(now, address),
            Happening::RouterWanted(interface) => self.advertiser.asked(now, interface),
            Happening::Router(..) | Happening::Unreachable(..) => {}
        }
    }

    /// What has run out is gone before anything else is looked at.
    fn expire(&mut self, now: Instant) {
        for (home, at) in self.cache.expire(now) {
            self.unbind(home, self.misdeeds.does(Misdeed::DefendsAfterTheEnd));
            self.tell_change(now, home, at);
        }
    }

    fn run(&mut self, now: Instant) {
        self.host.run(now);
        while let Some(happening) = self.host.poll_happening() {
            self.on_happening(now, happening);
        }
        self.run_lookup(now);
        self.advertiser.run(now, &mut self.host);
    }
}

impl Node for HomeAgent {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.expire(now);
        match input {
            Input::Frame { interface, octets } => self.on_frame(now, interface, octets),
            Input::Link { interface, up } => {
                self.host.link(interface, up);
                self.advertiser.link(now, interface, up);
            }
            Input::Command(_) => self.host.discard("a home agent takes no commands"),
            Input::Local(_) => self.host.discard("a home agent lends no address"),
            Input::Time => {}
        }
        self.run(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.host.poll_output()
    }

    fn poll_timeout(&self) -> Option<Wakeup> {
        [
            self.host.poll_timeout(),
            self.advertiser.poll_timeout(),
            self.cache.poll_timeout(),
            self.told.notices.poll_timeout(),
        ]
        .into_iter()
        .fold(None, Wakeup::sooner)
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        self.host.held(&mut held, BINDINGS_MAX);
        held.in_time("bindings", self.cache.len(), BINDINGS_MAX);
        held.in_time("registrations under test", self.pending.len(), BINDINGS_MAX);
        self.replays.held(&mut held, self.config.mobiles.len());
        self.peers.held(&mut held);
        self.told.held(&mut held);
        held
    }
}

#[cfg(test)]
mod tests;
