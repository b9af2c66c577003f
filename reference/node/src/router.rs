//! A router: access routers of visited links, and the core router between all links.

use roamproof_wire::ipv6::{Packet, protocol};
use serde::Deserialize;

use crate::build::Start;
use crate::host::config::HostConfig;
use crate::host::{Advertiser, Happening, Host, Received, echo_reply};
use crate::{Held, Input, Instant, Interface, Node, Output, Wakeup};

/// A router's configuration: interfaces, what it advertises on them, routes.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) host: HostConfig,
}

/// A router.
#[derive(Debug)]
pub(crate) struct Router {
    host: Host,
    advertiser: Advertiser,
}

impl Router {
    /// The router that `config` describes.
    pub(crate) fn new(config: &Config, start: &Start) -> Self {
        let host = Host::new(&config.host, start.seed, true);
        Self { host, advertiser: Advertiser::new(&config.host) }
    }

    fn on_frame(&mut self, now: Instant, interface: Interface, octets: &[u8]) {
        match self.host.receive(now, interface, octets) {
            Received::Mine(packet) => self.on_packet(now, &packet),
            Received::Transit(packet) => self.host.forward(now, &packet),
            Received::Nothing => {}
        }
        while let Some((_, whole)) = self.host.poll_reassembled() {
            match Packet::parse(&whole) {
                Ok(packet) => self.on_packet(now, &packet),
                Err(rejected) => self.host.malformed(rejected.error),
            }
        }
    }

    fn on_packet(&mut self, now: Instant, packet: &Packet<'_>) {
        if packet.protocol == protocol::ICMPV6 {
            if let Some((outgoing, payload)) = echo_reply(packet) {
                self.host.send(now, &outgoing, &payload);
            }
            return;
        }
        if !packet.header.destination.is_multicast() {
            self.host.answer_unknown_protocol(now, packet);
        }
    }
}

impl Node for Router {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Frame { interface, octets } => self.on_frame(now, interface, octets),
            Input::Link { interface, up } => {
                self.host.link(interface, up);
                self.advertiser.link(now, interface, up);
            }
            Input::Command(_) => self.host.discard("a router takes no commands"),
            Input::Local(_) => self.host.discard("a router lends no address"),
            Input::Time => {}
        }
        self.host.run(now);
        while let Some(happening) = self.host.poll_happening() {
            if let Happening::RouterWanted(interface) = happening {
                self.advertiser.asked(now, interface);
            }
        }
        self.advertiser.run(now, &mut self.host);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.host.poll_output()
    }

    fn poll_timeout(&self) -> Option<Wakeup> {
        Wakeup::sooner(self.host.poll_timeout(), self.advertiser.poll_timeout())
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        self.host.held(&mut held, 0);
        held
    }
}
