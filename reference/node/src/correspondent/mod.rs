//! The correspondent: the other party of a call, with Mobile IPv6 or without (RFC 6275 §9, claim 6).

mod config;
mod local;
mod output;

use roamproof_wire::icmpv6;
use roamproof_wire::ipv6::{Packet, Problem, protocol};
use roamproof_wire::mobility::{self, Message};

use crate::build::{ConfigError, Start};
use crate::correspondence::Correspondence;
use crate::entropy::Entropy;
use crate::host::{Happening, Host, Received, echo_reply};
use crate::misdeed::{Misdeed, Misdeeds};
use crate::phone::{Ending, InviteWay, Phone, PhoneEvent};
use crate::sip::Early100;
use crate::{Command, Event, Held, Input, Instant, Interface, Node, Output, Wakeup};
pub(crate) use config::Config;
use config::CorrespondentConfig;

/// A correspondent on one link.
#[derive(Debug)]
pub(crate) struct Correspondent {
    host: Host,
    config: CorrespondentConfig,
    correspondence: Correspondence,
    phone: Option<Phone>,
    echoes: u16,
    media_sent: u32,
    misdeeds: Misdeeds,
}

impl Correspondent {
    /// The correspondent that `config` describes.
    pub(crate) fn new(config: &Config, start: &Start) -> Result<Self, ConfigError> {
        let own: Vec<_> = config
            .host
            .interfaces
            .iter()
            .flat_map(|one| one.addresses.iter().map(|prefix| prefix.address))
            .collect();
        let Config { correspondent, sip, .. } = config;
        for (key, address) in [
            ("correspondent.address", correspondent.address),
            ("correspondent.media_address", correspondent.media_address()),
        ] {
            if !own.contains(&address) {
                let why = format!("{address} is no address of its interfaces");
                return Err(ConfigError::Value { key, why });
            }
        }
        let mut host = Host::new(&config.host, start.seed, false);
        if !correspondent.mobile_ipv6 {
            host.forget_mobility();
        }
        let entropy = Entropy::new(host.entropy.next_u64());
        let phone = sip.clone().filter(|_| !correspondent.lends).map(|sip| {
            let (address, media) = (correspondent.address, correspondent.media_address());
            let entropy = Entropy::new(host.entropy.next_u64());
            let mut phone = Phone::new(sip, address, media, Early100::Allowed, entropy);
            phone.set_invite_way(invite_way(correspondent, &start.misdeeds));
            phone.set_ending(ending(&start.misdeeds));
            phone
        });
        Ok(Self {
            host,
            config: correspondent.clone(),
            correspondence: Correspondence::new(entropy, &start.misdeeds),
            phone,
            echoes: 0,
            media_sent: 0,
            misdeeds: start.misdeeds.clone(),
        })
    }

    fn on_frame(&mut self, now: Instant, interface: Interface, octets: &[u8]) {
        match self.host.receive(now, interface, octets) {
            Received::Mine(packet) => self.on_packet(now, &packet),
            Received::Transit(_) => self.host.discard("packet for somebody else"),
            Received::Nothing => {}
        }
        while let Some((_, whole)) = self.host.poll_reassembled() {
            match self.host.parse(&whole) {
                Ok(packet) => self.on_packet(now, &packet),
                Err(rejected) => {
                    self.host.malformed(rejected.error);
                    self.host.answer_problem(now, &whole, rejected.problem);
                }
            }
        }
    }

    fn on_packet(&mut self, now: Instant, packet: &Packet<'_>) {
        if packet.routing.is_some() && !self.misdeeds.does(Misdeed::TakesRoutingHeaders) {
            //= CN-RH2-05
            return self.host.discard("type 2 routing header to a node that is not mobile");
        }
        if !self.correspondence.admits(now, packet) {
            return;
        }
        match packet.protocol {
            protocol::MOBILITY => self.on_mobility(now, packet),
            protocol::ICMPV6 => self.on_icmp(now, packet),
            _ if self.config.lends => self.lend(packet),
            protocol::UDP | protocol::TCP => self.on_upper(now, packet),
            _ => self.host.answer_unknown_protocol(now, packet),
        }
    }

    fn on_mobility(&mut self, now: Instant, packet: &Packet<'_>) {
        if !self.config.mobile_ipv6 {
            //= NODE-01
            return self.host.answer_unknown_protocol(now, packet);
        }
        if let Err(error) = mobility::verify(packet.source(), packet.destination(), packet.payload)
        {
            return self.host.malformed(error);
        }
        match Message::parse(packet.payload) {
            Ok(message) => {
                if !self.correspondence.on_message(now, packet, &message) {
                    self.host.discard("mobility message that is not for a correspondent");
                }
            }
            Err(error) => {
                self.host.malformed(error);
                //= MH-IN-08
                //= MH-IN-10
                //# Payload Proto and Header Len are answered, what is behind them is not
                if error.offset <= 1 {
                    let at = packet.payload_offset + error.offset;
                    let problem = Problem::at(Problem::ERRONEOUS_FIELD, at);
                    self.host.answer_problem(now, packet.octets, Some(problem));
                }
            }
        }
    }

    fn on_icmp(&mut self, now: Instant, packet: &Packet<'_>) {
        let message = match icmpv6::Message::parse(packet) {
            Ok(message) => message,
            Err(error) => return self.host.malformed(error),
        };
        if let icmpv6::Message::Error(error) = &message {
            if let icmpv6::Reason::DestinationUnreachable { .. } = error.reason {
                self.correspondence.on_unreachable(now, error.quoted);
            }
            if !self.config.lends || !local::concerns_programs(error.quoted) {
                return;
            }
        }
        if self.config.lends {
            return self.lend(packet);
        }
        if let Some((mut outgoing, payload)) = echo_reply(packet) {
            if !self.misdeeds.does(Misdeed::AnswersEchoesPlainly) {
                self.correspondence.route(now, &mut outgoing);
            }
            return self.host.send(now, &outgoing, &payload);
        }
        if let icmpv6::Message::Echo(echo) = message {
            let note = format!("echo {} answered by {}", echo.sequence, packet.source());
            self.host.event(Event::Note(note));
        }
    }

    fn on_upper(&mut self, now: Instant, packet: &Packet<'_>) {
        let (source, destination) = (packet.source(), packet.destination());
        let taken = match &mut self.phone {
            Some(phone) => phone.receive(now, source, destination, packet.protocol, packet.payload),
            None => Ok(false),
        };
        match taken {
            Ok(true) => {}
            Ok(false) => {
                let reason = icmpv6::Reason::DestinationUnreachable { code: NO_PORT };
                self.host.answer_error(now, packet.octets, reason);
            }
            Err(error) => self.host.malformed(error),
        }
    }

    fn on_command(&mut self, now: Instant, command: &Command) {
        if let Command::Echo { to, octets } = command {
            return self.send_echo(now, *to, *octets);
        }
        let restarts = *command == Command::Restart;
        if restarts {
            let entropy = Entropy::new(self.host.entropy.next_u64());
            self.correspondence = Correspondence::new(entropy, &self.misdeeds);
        }
        let Some(phone) = &mut self.phone else {
            return self.host.discard("no telephone: programs use this address");
        };
        phone.command(now, command);
        if restarts {
            phone.register(now);
        }
    }

    fn on_link(&mut self, now: Instant, interface: Interface, up: bool) {
        self.host.link(interface, up);
        if let Some(phone) = self.phone.as_mut().filter(|_| up) {
            phone.register(now);
        }
    }

    /// Does what is due, and sends what came of it all.
    fn run(&mut self, now: Instant) {
        self.host.run(now);
        while let Some(happening) = self.host.poll_happening() {
            if let Happening::AddressTaken(address) = happening {
                self.host.event(Event::Note(format!("{address} is somebody else's too")));
            }
        }
        self.correspondence.run(now);
        if let Some(phone) = &mut self.phone {
            phone.run(now);
        }
        self.send_answers(now);
        self.send_calls(now);
    }

    fn on_phone(&mut self, now: Instant, event: PhoneEvent) {
        match event {
            // A correspondent has no reason to hold a response back.
            PhoneEvent::Incoming { call, .. } | PhoneEvent::Offer { call, .. } => {
                if let Some(phone) = &mut self.phone {
                    phone.release(now, call);
                }
            }
            PhoneEvent::Told(event) => self.host.event(event),
            PhoneEvent::Confirmed { .. }
            | PhoneEvent::Answered { .. }
            | PhoneEvent::Over { .. } => {}
        }
    }
}

impl Node for Correspondent {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Frame { interface, octets } => self.on_frame(now, interface, octets),
            Input::Link { interface, up } => self.on_link(now, interface, up),
            Input::Command(command) => self.on_command(now, command),
            Input::Local(packet) => self.on_local(now, packet),
            Input::Time => {}
        }
        self.run(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.host.poll_output()
    }

    fn poll_timeout(&self) -> Option<Wakeup> {
        let phone = self.phone.as_ref().and_then(Phone::poll_timeout);
        [self.host.poll_timeout(), self.correspondence.poll_timeout(), phone]
            .into_iter()
            .fold(None, Wakeup::sooner)
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        self.host.held(&mut held, 0);
        self.correspondence.held(&mut held);
        if let Some(phone) = &self.phone {
            phone.held(&mut held);
        }
        held
    }
}

fn ending(misdeeds: &Misdeeds) -> Ending {
    if misdeeds.does(Misdeed::TalksOn) {
        Ending::TalksOn
    } else if misdeeds.does(Misdeed::NeverEndsCalls) {
        Ending::Untold
    } else {
        Ending::Whole
    }
}

fn invite_way(config: &CorrespondentConfig, misdeeds: &Misdeeds) -> InviteWay {
    if misdeeds.does(Misdeed::CallsHomeAddress) {
        InviteWay::Instead(config.callee_home_address)
    } else if misdeeds.does(Misdeed::CallsHomeAgent) {
        InviteWay::Instead(config.callee_home_agent)
    } else if misdeeds.does(Misdeed::SecondInviteCopy) {
        InviteWay::Also(config.callee_home_address)
    } else {
        InviteWay::Server
    }
}

/// Code of Destination Unreachable: nobody listens on the port (RFC 4443 §3.1).
const NO_PORT: u8 = 4;

#[cfg(test)]
mod tests;
