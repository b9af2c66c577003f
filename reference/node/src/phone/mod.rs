//! A terminal's telephone: its SIP user agent with its transport, and the media of its calls.
//!
//! It knows nothing of mobility. Before any response to an INVITE, or to an offer within a call,
//! leaves, the owner is asked ([`PhoneEvent::Incoming`], [`PhoneEvent::Offer`]) and lets it out by
//! [`release`](Phone::release): a correspondent at once, a mobile terminal once its route is
//! optimized.

mod calls;
pub mod config;
mod talk;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;

use roamproof_wire::WireError;
use roamproof_wire::ipv6::protocol;
use roamproof_wire::sip::{Message, Uri};
use roamproof_wire::udp::Udp;

use crate::entropy::Entropy;
use crate::media::{DATAGRAM_LEN, MediaCount};
use crate::sip::agent::CallState;
use crate::sip::{Agent, AgentConfig, CallHandle, Early100, Hop};
use crate::sip_transport::{SipReceived, SipTransport};
use crate::upper::UpperPacket;
use crate::{Command, Event, Held, Instant, Wakeup};
use config::SipConfig;
use talk::Talk;

/// A terminal's telephone.
///
/// Inputs are [`receive`](Self::receive), [`run`](Self::run), [`command`](Self::command) and
/// [`release`](Self::release); after each, drain [`poll_event`](Self::poll_event),
/// [`poll_packet`](Self::poll_packet) and [`poll_media`](Self::poll_media).
#[derive(Debug)]
pub struct Phone {
    config: SipConfig,
    address: Ipv6Addr,
    media_address: Ipv6Addr,
    agent: Agent,
    transport: SipTransport,
    talks: BTreeMap<CallHandle, Talk>,
    events: VecDeque<PhoneEvent>,
    entropy: Entropy,
    invite_way: InviteWay,
    registering: bool,
    /// When the agent has something to do: only [`pump`](Self::pump) and restart touch it, while
    /// media comes and goes fifty times a second.
    agent_due: Option<Wakeup>,
    media_waits: bool,
    ending: Ending,
}

/// What a telephone tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneEvent {
    /// An INVITE came that can be answered. Nothing was sent: release it.
    Incoming {
        /// The call.
        call: CallHandle,
        /// The INVITE.
        invite: Message,
    },
    /// A new offer came within a call. Nothing was sent: release it.
    Offer {
        /// The call.
        call: CallHandle,
        /// The re-INVITE or UPDATE.
        request: Message,
    },
    /// Our answer was acknowledged, media flows.
    Confirmed {
        /// The call.
        call: CallHandle,
        /// The ACK: it holds the answer where our 200 held the offer.
        ack: Message,
    },
    /// Our call was answered, media flows.
    Answered {
        /// The call.
        call: CallHandle,
        /// The 200.
        response: Message,
    },
    /// A call is over, however it ended.
    Over {
        /// The call.
        call: CallHandle,
    },
    /// Something worth a line.
    Told(Event),
}

/// Media to send.
#[derive(Debug)]
pub struct MediaDatagram<'a> {
    /// This terminal's media address.
    pub source: Ipv6Addr,
    /// The other side's.
    pub destination: Ipv6Addr,
    /// The UDP datagram, its checksum made.
    pub octets: &'a [u8; DATAGRAM_LEN],
}

/// By which way INVITEs leave: anything but the server is a misdeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InviteWay {
    /// To the server.
    #[default]
    Server,
    /// To this address instead.
    Instead(Ipv6Addr),
    /// To the server, and a copy to this address.
    Also(Ipv6Addr),
}

/// What becomes of a call that is over: anything but the first is a misdeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// Nothing is left of it.
    #[default]
    Whole,
    /// Its media goes on.
    TalksOn,
    /// It is not told to anybody.
    Untold,
}

/// Ports of calls repeat after so many.
const MEDIA_PORTS: u32 = 4096;

impl Phone {
    /// A telephone at `address` whose media comes from `media_address`.
    pub fn new(
        config: SipConfig,
        address: Ipv6Addr,
        media_address: Ipv6Addr,
        early_100: Early100,
        mut entropy: Entropy,
    ) -> Self {
        let agent_config = AgentConfig {
            identifier: config.identifier.clone(),
            address,
            port: config.port,
            transport: config.transport,
            outbound: Some((config.server, config.server_port)),
            registrar: Some(config.registrar()),
            expires: config.expires,
            early_100,
            names: config.names.clone(),
        };
        let agent = Agent::new(agent_config, Entropy::new(entropy.next_u64()));
        let transport = SipTransport::new(address, config.port, entropy.next_u64());
        Self {
            config,
            address,
            media_address,
            agent,
            transport,
            talks: BTreeMap::new(),
            events: VecDeque::new(),
            entropy,
            invite_way: InviteWay::Server,
            registering: false,
            agent_due: None,
            media_waits: false,
            ending: Ending::Whole,
        }
    }

    /// From now on media of a call begins when the owner says so, by
    /// [`begin_media`](Self::begin_media), and not with its ACK.
    pub const fn hold_media(&mut self) {
        self.media_waits = true;
    }

    /// Lets the media of a call flow.
    pub fn begin_media(&mut self, now: Instant, call: CallHandle) {
        if let Some(talk) = self.talks.get_mut(&call) {
            talk.flow(now);
            talk.plan_end(now);
        }
    }

    /// Sends INVITEs by another way: a misdeed.
    pub const fn set_invite_way(&mut self, way: InviteWay) {
        self.invite_way = way;
    }

    /// Ends calls in another way: a misdeed.
    pub const fn set_ending(&mut self, ending: Ending) {
        self.ending = ending;
    }

    /// Registers, and keeps registered from now on; does nothing where it does so already.
    pub fn register(&mut self, now: Instant) {
        if !self.registering {
            self.registering = true;
            self.agent.register(now);
            self.pump(now);
        }
    }

    /// Does what a user asks; `false` where it is nothing for a telephone.
    pub fn command(&mut self, now: Instant, command: &Command) -> bool {
        match command {
            Command::Call { to } => match Uri::parse(to) {
                Ok(to) => self.call(now, &to),
                Err(error) => self.told(Event::Note(format!("cannot call {to}: {error}"))),
            },
            Command::Options { to } => match Uri::parse(to) {
                Ok(to) => {
                    self.agent.options(now, &to);
                }
                Err(error) => self.told(Event::Note(format!("cannot ask {to}: {error}"))),
            },
            Command::Answer => self.answer_any(now),
            Command::Hangup => self.hang_up_any(now),
            Command::Restart => self.restart(),
            Command::Echo { .. } | Command::Optimize { .. } => return false,
        }
        self.pump(now);
        true
    }

    /// Lets responses to an INVITE or an offer out: rings and answers as configured, or answers.
    pub fn release(&mut self, now: Instant, call: CallHandle) {
        self.let_out(now, call);
        self.pump(now);
    }

    /// Refuses a call, or an offer within it, with `status`.
    pub fn refuse(&mut self, now: Instant, call: CallHandle, status: u16) {
        self.agent.refuse(now, call, status);
        if self.agent.call_state(call).is_none_or(|state| state == CallState::Over) {
            self.end(call, &format!("refused {status}"));
        }
        self.pump(now);
    }

    /// Takes in an upper-layer packet, its addresses as upper layers see them; `false` where it is
    /// nothing for a telephone.
    ///
    /// # Errors
    ///
    /// Where it is UDP or RTP and its octets are not what they should be.
    pub fn receive(
        &mut self,
        now: Instant,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        next_header: u8,
        payload: &[u8],
    ) -> Result<bool, WireError> {
        let taken = match next_header {
            protocol::UDP => {
                let datagram = Udp::parse(source, destination, payload)?;
                if self.is_media_port(destination, datagram.destination_port) {
                    return self.receive_media(now, &datagram).map(|()| true);
                }
                destination == self.address
                    && self.transport.receive_datagram(source, destination, &datagram)
            }
            protocol::TCP => {
                self.transport.receive(now, source, destination, next_header, payload)?
            }
            _ => return Ok(false),
        };
        self.pump(now);
        Ok(taken)
    }

    /// Takes in that nothing can be sent to `hop`.
    pub fn unreachable(&mut self, now: Instant, hop: Hop) {
        self.agent.unreachable(now, hop);
        self.pump(now);
    }

    /// The next thing for the owner.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front()
    }

    /// The next packet of SIP to send.
    pub fn poll_packet(&mut self) -> Option<UpperPacket> {
        self.transport.poll_packet()
    }

    /// The next media that is due by now.
    pub fn poll_media(&mut self, now: Instant) -> Option<MediaDatagram<'_>> {
        let talk = self.talks.values_mut().find(|talk| talk.media.is_due(now))?;
        let (source, destination) = (talk.media.local().0, talk.media.remote().0);
        talk.media.poll_datagram(now)?;
        talk.plan_end(now);
        Some(MediaDatagram { source, destination, octets: talk.media.datagram() })
    }

    /// Does what is due by now.
    pub fn run(&mut self, now: Instant) {
        let due = |wakeup: Option<Wakeup>| wakeup.is_some_and(|wakeup| wakeup.at <= now);
        let (agent, transport) = (due(self.agent_due), due(self.transport.poll_timeout()));
        if transport {
            self.transport.run(now);
        }
        if agent {
            self.agent.handle_timeout(now);
        }
        let talks = self.run_talks(now);
        if agent || transport || talks {
            self.pump(now);
        }
    }

    /// When [`run`](Self::run) or [`poll_media`](Self::poll_media) has something to do.
    pub fn poll_timeout(&self) -> Option<Wakeup> {
        let talks = self.talks.values().map(Talk::wakeup).fold(None, Wakeup::sooner);
        let others = Wakeup::sooner(self.agent_due, self.transport.poll_timeout());
        Wakeup::sooner(talks, others)
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        self.agent.held(held);
        self.transport.held(held);
        // Those that its user begins are his affair.
        held.in_time("talks", self.talks.len(), None);
    }

    /// Whether any call is open.
    pub fn is_talking(&self) -> bool {
        !self.talks.is_empty()
    }

    /// The media of a call so far.
    pub fn media_count(&self, call: CallHandle) -> Option<MediaCount> {
        self.talks.get(&call).map(|talk| talk.media.count())
    }

    /// Forgets calls, connections and the registration, as a power cycle does.
    pub fn restart(&mut self) {
        self.agent.restart();
        self.transport = SipTransport::new(self.address, self.config.port, self.entropy.next_u64());
        for call in std::mem::take(&mut self.talks).into_keys() {
            self.events.push_back(PhoneEvent::Over { call });
        }
        self.registering = false;
        self.agent_due = self.agent.poll_timeout();
    }

    /// Moves messages between transport and agent until both are quiet.
    fn pump(&mut self, now: Instant) {
        self.exchange(now);
        self.agent_due = self.agent.poll_timeout();
    }

    fn exchange(&mut self, now: Instant) {
        loop {
            self.send_all(now);
            while let Some(event) = self.agent.poll_event() {
                self.on_event(now, event);
                self.send_all(now);
            }
            match self.transport.poll_received() {
                Some(SipReceived::Message { from, octets, .. }) => {
                    self.agent.receive(now, from, &octets);
                }
                Some(SipReceived::Unsent(transmit)) => self.agent.unsent(now, &transmit),
                Some(SipReceived::Broken { from, error }) => {
                    self.transport.close(now, from);
                    self.told(Event::Malformed(error));
                }
                None => return,
            }
        }
    }

    fn send_all(&mut self, now: Instant) {
        while let Some(mut transmit) = self.agent.poll_transmit() {
            let is_invite = transmit.octets.starts_with(b"INVITE ");
            match self.invite_way {
                InviteWay::Instead(address) if is_invite => transmit.to.address = address,
                InviteWay::Also(address) if is_invite => {
                    let mut copy = transmit.clone();
                    copy.to.address = address;
                    self.transport.send(now, &copy);
                }
                InviteWay::Server | InviteWay::Instead(_) | InviteWay::Also(_) => {}
            }
            self.transport.send(now, &transmit);
        }
    }

    fn told(&mut self, event: Event) {
        self.events.push_back(PhoneEvent::Told(event));
    }
}

#[cfg(test)]
mod tests;
