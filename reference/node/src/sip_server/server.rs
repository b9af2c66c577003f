//! The SIP server as a node: frames, UDP and TCP around the proxy, and the ways of what it sends.

use std::net::Ipv6Addr;

use roamproof_wire::icmpv6::Reason;
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::sip::{Fields, MessageView};

use super::config::Config;
use super::direct::Direct;
use super::misconduct::Misconduct;
use super::path::Paths;
use super::way::{Departure, Way, Ways};
use super::{Proxy, ProxyConfig, ProxyEvent};
use crate::build::{ConfigError, Start};
use crate::entropy::Entropy;
use crate::host::{ErrorLimit, Happening, Host, Received};
use crate::misdeed::{Misdeed, Misdeeds};
use crate::sip::{Transmit, TransmitKind, UDP_REQUEST_MAX};
use crate::sip_transport::{SipReceived, SipTransport};
use crate::upper::UpperPacket;
use crate::{Command, Event, Held, Input, Instant, Interface, Node, Output, Wakeup};

/// A SIP server on one link.
#[derive(Debug)]
pub(crate) struct SipServer {
    pub(super) host: Host,
    pub(super) address: Ipv6Addr,
    pub(super) port: u16,
    pub(super) proxy: Proxy,
    transport: SipTransport,
    pub(super) direct: Direct,
    pub(super) ways: Ways,
    pub(super) paths: Paths,
    pub(super) error_limit: ErrorLimit,
    pub(super) misdeeds: Misdeeds,
    misconduct: Misconduct,
}

impl SipServer {
    /// The SIP server that `config` describes.
    pub(crate) fn new(config: &Config, start: &Start) -> Result<Self, ConfigError> {
        config.check()?;
        let Start { epoch, seed, misdeeds } = start;
        let ProxyConfig { address, port, .. } = config.proxy();
        let mut host = Host::new(&config.host, *seed, false);
        let entropy = Entropy::new(host.entropy.next_u64());
        let transport = SipTransport::new(address, port, host.entropy.next_u64());
        let transaction = host.entropy.next_u16();
        Ok(Self {
            address,
            port,
            proxy: Proxy::new(config.proxy(), entropy).with_misdeeds(misdeeds),
            transport,
            direct: Direct::new(address, config.peers(), *epoch, transaction, misdeeds),
            ways: Ways::new(misdeeds),
            paths: Paths::default(),
            error_limit: ErrorLimit::default(),
            misdeeds: misdeeds.clone(),
            misconduct: Misconduct::new(misdeeds),
            host,
        })
    }

    fn on_frame(&mut self, now: Instant, interface: Interface, octets: &[u8]) {
        match self.host.receive(now, interface, octets) {
            Received::Mine(packet) => self.on_packet(now, &packet),
            Received::Transit(_) => self.host.discard("packet for somebody else"),
            Received::Nothing => {}
        }
        while let Some((_, whole)) = self.host.poll_reassembled() {
            match Packet::parse(&whole) {
                Ok(packet) => self.on_packet(now, &packet),
                Err(rejected) => {
                    self.host.malformed(rejected.error);
                    self.host.answer_problem(now, &whole, rejected.problem);
                }
            }
        }
    }

    fn on_packet(&mut self, now: Instant, packet: &Packet<'_>) {
        if packet.protocol == protocol::MOBILITY && self.direct.is_on() {
            return self.on_mobility(now, packet);
        }
        // It keeps no bindings of its own, so it is to mobile nodes what any IPv6 node is.
        if let Err(rejected) = Packet::parse_without_mobility(packet.octets) {
            self.host.malformed(rejected.error);
            return self.host.answer_problem(now, packet.octets, rejected.problem);
        }
        match packet.protocol {
            protocol::UDP | protocol::TCP => self.on_upper(now, packet),
            protocol::ICMPV6 => self.on_icmp(now, packet),
            _ => self.host.answer_unknown_protocol(now, packet),
        }
    }

    fn on_upper(&mut self, now: Instant, packet: &Packet<'_>) {
        let (source, destination) = (packet.source(), packet.destination());
        let protocol = packet.protocol;
        if protocol == protocol::TCP {
            self.ways.hear_segment(source, packet.payload);
        }
        match self.transport.receive(now, source, destination, protocol, packet.payload) {
            Ok(true) => {}
            Ok(false) => {
                let reason = Reason::DestinationUnreachable { code: NO_PORT };
                self.host.answer_error(now, packet.octets, reason);
            }
            Err(error) => self.host.malformed(error),
        }
    }

    fn on_command(&mut self, command: &Command) {
        match command {
            Command::Restart => self.restart(),
            Command::Call { .. }
            | Command::Answer
            | Command::Hangup
            | Command::Options { .. }
            | Command::Echo { .. }
            | Command::Optimize { .. } => self.host.discard("a SIP server makes no calls"),
        }
    }

    //= CL-DST-17
    //# the home address until the next notification
    fn restart(&mut self) {
        self.proxy.restart();
        let seed = self.host.entropy.next_u64();
        self.transport = SipTransport::new(self.address, self.port, seed);
        self.direct.restart();
        self.ways.restart();
        self.paths = Paths::default();
        self.host.event(Event::Note("restarted".to_owned()));
    }

    /// Does what is due, and sends what came of it all.
    fn run(&mut self, now: Instant) {
        self.host.run(now);
        while let Some(happening) = self.host.poll_happening() {
            if let Happening::AddressTaken(address) = happening {
                self.host.event(Event::Note(format!("{address} is somebody else's too")));
            }
        }
        self.direct.run(now);
        self.transport.run(now);
        // An answer that is late for the last time settles a way before a copy asks for it.
        self.settle(now);
        if self.proxy.poll_timeout().is_some_and(|wakeup| wakeup.at <= now) {
            self.proxy.handle_timeout(now);
        }
        self.exchange(now);
    }

    /// Passes messages between transport and proxy until neither has one.
    fn exchange(&mut self, now: Instant) {
        loop {
            let mut broken = None;
            match self.transport.poll_received() {
                Some(SipReceived::Message { octets, .. }) if self.is_dropped(&octets) => {}
                Some(SipReceived::Message { from, octets, .. }) => {
                    self.ways.hear(now, &octets);
                    let octets = self.misconduct.received(from, octets);
                    self.proxy.receive(now, from, &octets);
                }
                Some(SipReceived::Unsent(transmit)) => self.proxy.unsent(now, &transmit),
                Some(SipReceived::Broken { from, error }) => {
                    self.host.malformed(error);
                    broken = Some(from);
                }
                None => {
                    if !self.send(now) {
                        return;
                    }
                }
            }
            self.send(now);
            if let Some(from) = broken {
                self.transport.close(now, from);
            }
        }
    }

    /// Whether a misdeed drops what a terminal answered to an INVITE in the tunnel.
    fn is_dropped(&self, octets: &[u8]) -> bool {
        if !self.misdeeds.does(Misdeed::DropsDirectResponses) {
            return false;
        }
        let Ok(view) = MessageView::read(octets) else { return false };
        let branch = view.via().ok().and_then(|via| via.branch().map(str::to_owned));
        view.status().is_some_and(|status| (101..300).contains(&status))
            && branch.is_some_and(|branch| self.ways.is_tunnelled(&branch))
    }

    /// Whether a misdeed withholds a response from a terminal.
    fn is_withheld(&self, now: Instant, transmit: &Transmit) -> bool {
        self.misdeeds.does(Misdeed::AnswersNoBoundTerminal)
            && transmit.kind == TransmitKind::Response
            && self.direct.care_of(now, transmit.to.address).is_some()
    }

    /// Sends what the proxy has to send; whether there was anything.
    fn send(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(transmit) = self.proxy.poll_transmit() {
            any = true;
            if self.is_withheld(now, &transmit) {
                continue;
            }
            if let Some(transmit) = self.misconduct.leaving(transmit) {
                self.ways.take(now, &mut self.direct, transmit);
            }
            self.settle(now);
        }
        while let Some(event) = self.proxy.poll_event() {
            self.host.event(told(event));
        }
        self.settle(now);
        any
    }

    /// Sends what has its way, and asks and answers what that takes.
    fn settle(&mut self, now: Instant) {
        loop {
            while let Some((outgoing, payload)) = self.direct.poll_packet() {
                self.host.send(now, &outgoing, &payload);
            }
            self.send_packets(now, None);
            if let Some(news) = self.direct.poll_news() {
                self.ways.on_news(now, news);
            } else if let Some(departure) = self.ways.poll_departure() {
                self.depart(now, departure);
            } else {
                return;
            }
        }
    }

    fn depart(&mut self, now: Instant, departure: Departure) {
        match departure {
            Departure::Message(transmit, way) => {
                for (transmit, way) in self.misconduct.astray(transmit, way) {
                    self.depart_message(now, &transmit, way);
                }
            }
            Departure::Packet(packet, way) => self.dispatch(now, &packet, way),
            Departure::Told(event) => self.host.event(event),
        }
    }

    fn depart_message(&mut self, now: Instant, transmit: &Transmit, way: Way) {
        if let Way::Tunnel(care_of) = way {
            let large = transmit.octets.len() > UDP_REQUEST_MAX;
            if large && self.misdeeds.does(Misdeed::LosesLargeInvites) {
                return;
            }
            let note = format!("to {} by {care_of}", transmit.to);
            self.host.event(Event::Note(note));
        }
        self.transport.send(now, transmit);
        self.send_packets(now, Some(way));
    }

    /// Sends what the transport has to send: datagrams, all of one message, by `way`; segments by
    /// the way of their connection.
    fn send_packets(&mut self, now: Instant, way: Option<Way>) {
        while let Some(packet) = self.transport.poll_packet() {
            let way = match way.filter(|_| packet.protocol == protocol::UDP) {
                Some(way) => way,
                None => self.ways.of_segment(now, &mut self.direct, &packet),
            };
            self.dispatch(now, &packet, way);
        }
    }

    fn dispatch(&mut self, now: Instant, packet: &UpperPacket, way: Way) {
        let UpperPacket { source, destination, protocol, payload } = packet;
        let octets = Outgoing::new(*source, *destination, *protocol).to_vec(payload);
        let entropy = &mut self.host.entropy;
        //= CL-DST-01
        //= CL-INT-01
        let packets = match self.misconduct.misled(*destination, way) {
            Way::Plain => self.paths.plain(now, *destination, &octets, entropy),
            Way::Tunnel(care_of) => {
                self.paths.tunnelled(now, self.address, care_of, &octets, entropy)
            }
        };
        if packets.len() > 1 && self.misdeeds.does(Misdeed::LosesLargePackets) {
            return;
        }
        for packet in packets {
            self.host.send_packet(now, &packet);
        }
    }
}

impl Node for SipServer {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Frame { interface, octets } => self.on_frame(now, interface, octets),
            Input::Link { interface, up } => self.host.link(interface, up),
            Input::Command(command) => self.on_command(command),
            Input::Local(_) => self.host.discard("a SIP server lends no address"),
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
            self.transport.poll_timeout(),
            self.proxy.poll_timeout(),
            self.direct.poll_timeout(),
        ]
        .into_iter()
        .fold(None, Wakeup::sooner)
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        self.host.held(&mut held, 0);
        self.transport.held(&mut held);
        self.proxy.held(&mut held);
        self.direct.held(&mut held);
        self.ways.held(&mut held);
        self.paths.held(&mut held);
        held
    }
}

/// What the proxy did, as an event of the node.
fn told(event: ProxyEvent) -> Event {
    match event {
        ProxyEvent::Registered { identifier, status } => {
            Event::Note(format!("registration of {identifier}: {status}"))
        }
        ProxyEvent::Expired { identifier } => {
            Event::Note(format!("registration of {identifier} ended"))
        }
        ProxyEvent::Forwarded { what, to, .. } => Event::Note(format!("{what} to {to}")),
        ProxyEvent::Malformed(error) => Event::Malformed(error),
        ProxyEvent::Discarded { why } => Event::Discarded { why },
    }
}

/// Code of Destination Unreachable: nobody listens on the port (RFC 4443 §3.1).
const NO_PORT: u8 = 4;
