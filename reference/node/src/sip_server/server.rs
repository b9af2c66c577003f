//! The SIP server as a node: frames, UDP and TCP around the proxy.

use std::net::Ipv6Addr;

use roamproof_wire::icmpv6::{ErrorMessage, Message as IcmpMessage, Reason};
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};

use super::config::Config;
use super::quoted::{self, Quoted};
use super::{Proxy, ProxyConfig, ProxyEvent};
use crate::build::{ConfigError, Start};
use crate::entropy::Entropy;
use crate::host::{Happening, Host, Received, echo_reply};
use crate::sip::Hop;
use crate::sip_transport::{SipReceived, SipTransport};
use crate::upper::UpperPacket;
use crate::{Command, Event, Input, Instant, Interface, Node, Output, Wakeup};

/// A SIP server on one link.
#[derive(Debug)]
pub(crate) struct SipServer {
    host: Host,
    address: Ipv6Addr,
    port: u16,
    proxy: Proxy,
    transport: SipTransport,
}

impl SipServer {
    /// The SIP server that `config` describes.
    pub(crate) fn new(config: &Config, start: &Start) -> Result<Self, ConfigError> {
        config.check()?;
        let ProxyConfig { address, port, .. } = config.proxy();
        let mut host = Host::new(&config.host, start.seed, false);
        let entropy = Entropy::new(host.entropy.next_u64());
        let transport = SipTransport::new(address, port, host.entropy.next_u64());
        Ok(Self { address, port, proxy: Proxy::new(config.proxy(), entropy), transport, host })
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
        match self.transport.receive(now, source, destination, protocol, packet.payload) {
            Ok(true) => {}
            Ok(false) => {
                let reason = Reason::DestinationUnreachable { code: NO_PORT };
                self.host.answer_error(now, packet.octets, reason);
            }
            Err(error) => self.host.malformed(error),
        }
    }

    fn on_icmp(&mut self, now: Instant, packet: &Packet<'_>) {
        if let Some((outgoing, payload)) = echo_reply(packet) {
            return self.host.send(now, &outgoing, &payload);
        }
        match IcmpMessage::parse(packet) {
            Ok(IcmpMessage::Error(error)) => self.on_icmp_error(now, &error),
            Ok(_) => self.host.discard("ICMPv6 message that needs no answer"),
            Err(error) => self.host.malformed(error),
        }
    }

    /// An ICMPv6 error about a packet of this server's (RFC 3261 §18.4).
    fn on_icmp_error(&mut self, now: Instant, error: &ErrorMessage<'_>) {
        let Some(quoted) = quoted::read(error.quoted, self.address, self.port) else {
            return self.host.discard("ICMPv6 error about nothing that was sent");
        };
        match error.reason {
            Reason::DestinationUnreachable { .. } | Reason::ParameterProblem(_) => {
                if let Quoted { care_of: None, message: Some(message), .. } = quoted {
                    //= TP-14
                    self.proxy.unreachable(now, Hop::udp(message.to, message.port));
                }
            }
            Reason::PacketTooBig { .. } | Reason::TimeExceeded { .. } => {}
        }
    }

    fn on_command(&mut self, command: &Command) {
        match command {
            Command::Restart => {
                self.proxy.restart();
                let seed = self.host.entropy.next_u64();
                self.transport = SipTransport::new(self.address, self.port, seed);
                self.host.event(Event::Note("restarted".to_owned()));
            }
            Command::Call { .. }
            | Command::Answer
            | Command::Hangup
            | Command::Options { .. }
            | Command::Echo { .. }
            | Command::Optimize { .. } => self.host.discard("a SIP server makes no calls"),
        }
    }

    /// Does what is due, and sends what came of it all.
    fn run(&mut self, now: Instant) {
        self.host.run(now);
        while let Some(happening) = self.host.poll_happening() {
            if let Happening::AddressTaken(_, address) = happening {
                self.host.event(Event::Note(format!("{address} is somebody else's too")));
            }
        }
        self.transport.run(now);
        if self.proxy.poll_timeout().is_some_and(|wakeup| wakeup.at <= now) {
            self.proxy.handle_timeout(now);
        }
        self.exchange(now);
        while let Some(packet) = self.transport.poll_packet() {
            let UpperPacket { source, destination, protocol, payload } = packet;
            self.host.send(now, &Outgoing::new(source, destination, protocol), &payload);
        }
    }

    /// Passes messages between transport and proxy until neither has one.
    fn exchange(&mut self, now: Instant) {
        loop {
            let mut broken = None;
            match self.transport.poll_received() {
                Some(SipReceived::Message { from, octets, .. }) => {
                    self.proxy.receive(now, from, &octets);
                }
                Some(SipReceived::Unreachable(hop)) => self.proxy.unreachable(now, hop),
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

    /// Sends what the proxy has to send; whether there was anything.
    fn send(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(transmit) = self.proxy.poll_transmit() {
            self.transport.send(now, &transmit);
            any = true;
        }
        while let Some(event) = self.proxy.poll_event() {
            self.host.event(told(event));
        }
        any
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
        [self.host.poll_timeout(), self.transport.poll_timeout(), self.proxy.poll_timeout()]
            .into_iter()
            .fold(None, Wakeup::sooner)
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
