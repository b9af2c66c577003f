//! The mobile terminal (RFC 6275 §11; claims 1 to 6): it roams, stays reachable at its home address,
//! and optimizes the route to a caller before it sends any response.
//!
//! [`movement`] finds out where it is, [`home`] tells the home agent, [`binding_update_list`] and
//! [`peer`] deal with correspondents, [`output`] and [`input`] carry packets of the home address,
//! [`session`] joins it all with SIP.

mod binding_update_list;
mod config;
mod correspondent;
mod errors;
mod home;
mod input;
mod messages;
mod mischief;
mod mobility;
mod movement;
mod optimization;
mod output;
mod peer;
mod registration;
mod session;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::Reassembly;
use roamproof_wire::mobility::Sequence;

use crate::build::{ConfigError, Start};
use crate::correspondence::Correspondence;
use crate::entropy::Entropy;
use crate::host::{Happening, Host, LINK_MTU, Standing};
use crate::misdeed::{Misdeed, Misdeeds};
use crate::phone::Phone;
use crate::sip::Early100;
use crate::upper::UpperPacket;
use crate::{Command, Event, Held, Input, Instant, Interface, Node, Output, Wakeup};
use binding_update_list::BindingUpdateList;
use config::Authentication;
pub(crate) use config::Config;
use home::{HomeRegistration, Outcome, Settings};
use mischief::Detained;
use movement::{Movement, Place};
use peer::{Habits, Whereabouts};
use registration::Registration;
use session::Sessions;

/// A mobile terminal with one interface and one home address.
#[derive(Debug)]
pub(crate) struct MobileTerminal {
    host: Host,
    config: Config,
    movement: Movement,
    place: Place,
    home: HomeRegistration,
    list: BindingUpdateList,
    correspondence: Correspondence,
    /// None where the home address is lent to ordinary programs, or nothing is said of SIP.
    phone: Option<Phone>,
    sessions: Sessions,
    /// Peers that a user wants the route optimized to.
    wishes: BTreeSet<Ipv6Addr>,
    /// Pieces of packets that came through the tunnel.
    inner: Reassembly,
    /// The largest packet that reaches the home agent, octets.
    home_agent_mtu: usize,
    epoch: Duration,
    /// How often the place changed, and the care-of address before the present one.
    moves: u32,
    care_of_before: Option<Ipv6Addr>,
    misdeeds: Misdeeds,
    /// What misdeeds keep.
    detained: Vec<Detained>,
    invites_seen: Vec<String>,
    last_register: Option<UpperPacket>,
    invited_directly: bool,
    media_sent: u32,
    waits_for_home: bool,
    /// Peers that a flaw takes for bound.
    presumed: Vec<Ipv6Addr>,
}

/// The one that moves.
const ROAMING: Interface = Interface(0);

impl MobileTerminal {
    /// The mobile terminal that `config` describes.
    pub(crate) fn new(config: Config, start: &Start) -> Result<Self, ConfigError> {
        let wrong = |key, why: &str| Err(ConfigError::Value { key, why: why.to_owned() });
        if config.host.interfaces.is_empty() {
            return wrong("interface", "a mobile terminal needs one, the one that moves");
        }
        let keyed = config.mobile.key.is_some() && config.mobile.spi > 255;
        if config.mobile.authentication == Authentication::Rfc4285 && !keyed {
            return wrong("mobile.key", "RFC 4285 needs a key and an spi above 255");
        }
        let mut host = Host::new(&config.host, start.seed, false);
        let home = Self::unregistered(&config, start.epoch, Instant::ZERO);
        let mobile = &config.mobile;
        let entropy = Entropy::new(host.entropy.next_u64());
        let correspondence = Correspondence::new(entropy, &start.misdeeds);
        let entropy = Entropy::new(host.entropy.next_u64());
        let sip = config.sip.clone().filter(|_| !mobile.lends);
        let early_100 = if start.misdeeds.does(Misdeed::TriesBeforeOptimization) {
            Early100::Required
        } else {
            mobile.early_100.into()
        };
        let phone = sip.map(|sip| {
            let mut phone = Phone::new(sip, mobile.home(), mobile.home(), early_100, entropy);
            phone.hold_media();
            phone
        });
        Ok(Self {
            movement: Movement::new(ROAMING, mobile.home_address, mobile.dad_transmits),
            host,
            place: Place::Nowhere,
            home,
            list: BindingUpdateList::default(),
            correspondence,
            phone,
            sessions: Sessions::default(),
            wishes: BTreeSet::new(),
            inner: Reassembly::default(),
            home_agent_mtu: LINK_MTU,
            epoch: start.epoch,
            moves: 0,
            care_of_before: None,
            misdeeds: start.misdeeds.clone(),
            detained: Vec::new(),
            invites_seen: Vec::new(),
            last_register: None,
            invited_directly: false,
            media_sent: 0,
            waits_for_home: false,
            presumed: Vec::new(),
            config,
        })
    }

    fn unregistered(config: &Config, epoch: Duration, now: Instant) -> HomeRegistration {
        let settings = Settings {
            home: config.mobile.home(),
            lifetime: config.mobile.lifetime(),
            first_timeout: config.mobile.first_registration_timeout(),
            epoch,
        };
        HomeRegistration::new(settings, sequence_by_clock(epoch + now.since_start()))
    }

    fn on_link(&mut self, now: Instant, interface: Interface, up: bool) {
        self.host.link(interface, up);
        if interface == ROAMING {
            self.movement.on_link(now, &mut self.host, up);
        }
    }

    fn on_command(&mut self, now: Instant, command: &Command) {
        match command {
            Command::Restart => self.restart(now),
            Command::Echo { to, octets } => self.send_echo_request(now, *to, *octets),
            Command::Optimize { to } => self.optimize(now, *to),
            Command::Call { .. } | Command::Answer | Command::Hangup | Command::Options { .. } => {
                match &mut self.phone {
                    Some(phone) => _ = phone.command(now, command),
                    None => self.host.discard("no telephone: the home address is lent"),
                }
            }
        }
    }

    /// Optimizes the route to `peer` and keeps it so.
    fn optimize(&mut self, now: Instant, peer: Ipv6Addr) {
        if self.list.want(now, peer, None, &mut self.host.entropy) && self.wishes.insert(peer) {
            self.list.hold(peer);
        }
    }

    /// Forgets everything but the configuration (CL-REG-10).
    fn restart(&mut self, now: Instant) {
        let up = self.host.is_up(ROAMING);
        self.on_link(now, ROAMING, false);
        self.host.remove_address(ROAMING, self.config.mobile.home());
        self.place = Place::Nowhere;
        self.home = Self::unregistered(&self.config, self.epoch, now);
        self.list = BindingUpdateList::default();
        if let Some(phone) = &mut self.phone {
            phone.restart();
        }
        self.waits_for_home = self.does(Misdeed::WaitsForHome);
        if self.does(Misdeed::ChangesIdentifier) {
            self.change_identifier();
        }
        let entropy = Entropy::new(self.host.entropy.next_u64());
        self.correspondence = Correspondence::new(entropy, &self.misdeeds);
        self.sessions = Sessions::default();
        self.wishes.clear();
        self.inner = Reassembly::default();
        self.home_agent_mtu = LINK_MTU;
        if up {
            self.on_link(now, ROAMING, true);
        }
    }

    fn on_happening(&mut self, now: Instant, happening: Happening) {
        match happening {
            Happening::AddressReady(address) if address == self.config.mobile.home() => {
                // It may have been given up, and be probed anew, since this was noted.
                if self.host.is_mine(address) {
                    let outcome = self.home.home_address_free(now);
                    self.on_outcome(now, outcome);
                }
            }
            Happening::AddressReady(address) => self.movement.on_address_ready(address),
            Happening::AddressTaken(address) if address == self.config.mobile.home() => {
                self.home.home_address_taken(now);
            }
            Happening::AddressTaken(address) => {
                self.movement.on_address_taken(now, &mut self.host, address);
            }
            Happening::Router(ROAMING, from, advertisement) => {
                self.host.learn_global_address(ROAMING, &advertisement);
                self.movement.on_advertisement(now, &mut self.host, from, &advertisement);
            }
            Happening::Unreachable(ROAMING, neighbour) => {
                self.movement.on_unreachable(now, &mut self.host, neighbour);
            }
            Happening::Router(..) | Happening::Unreachable(..) | Happening::RouterWanted(..) => {}
        }
    }

    /// Does what follows from being somewhere else.
    fn on_moved(&mut self, now: Instant, place: Place) {
        self.care_of_before = self.home.care_of().or(self.care_of_before);
        self.place = place;
        self.moves += u32::from(place != Place::Nowhere);
        self.host.remove_address(ROAMING, self.config.mobile.home());
        self.home_agent_mtu = LINK_MTU;
        self.home.moved(now, place);
        if self.moves > 1 && self.does(Misdeed::RestartsBudget) {
            self.restart_budgets(now);
        }
        if self.does(Misdeed::PresumesBindingAfterHandover) {
            self.presumed.extend(self.list.updating());
        }
        let keeps = (place == Place::Home && self.does(Misdeed::KeepsBindingAtHome))
            || self.does(Misdeed::MediaFromOldCareOfAddress);
        if place != Place::Nowhere && !keeps {
            self.list.moved(now);
        }
        self.probe_home_address(now);
        let note = match place {
            Place::Nowhere => "place: nowhere".to_owned(),
            Place::Home => "place: home".to_owned(),
            Place::Away(care_of) => format!("place: away at {care_of}"),
        };
        self.host.event(Event::Note(note));
    }

    /// Asks, where it is to be asked, whether somebody has the home address.
    fn probe_home_address(&mut self, now: Instant) {
        if self.home.state() == Registration::Probing {
            //= MN-RET-04
            let (home, probes) = (self.config.mobile.home(), self.config.mobile.dad_transmits);
            self.host.add_address(now, ROAMING, home, Standing::Own, probes);
        }
    }

    /// Does what follows from an answer of the home agent.
    fn on_outcome(&mut self, now: Instant, outcome: Outcome) {
        let home = self.config.mobile.home();
        match outcome {
            Outcome::Unchanged => {}
            Outcome::Bound(care_of, lifetime) => {
                self.host.event(Event::Binding { home, care_of, lifetime });
                if self.moves > 1 && self.does(Misdeed::RegistersAgainAfterHandover) {
                    self.register_again(now, care_of);
                }
            }
            Outcome::Unbound => {
                //= MN-RET-07
                self.host.announce(ROAMING, home);
                self.host.event(Event::Binding { home, care_of: home, lifetime: 0 });
                if self.does(Misdeed::UpdatesAtHome) {
                    self.update_at_home(now);
                }
            }
            Outcome::Refused(status) => {
                self.host.event(Event::Note(format!("home registration refused: {status}")));
                self.host.remove_address(ROAMING, home);
                self.probe_home_address(now);
            }
            Outcome::Ignored(why) => self.host.discard(why),
        }
    }

    fn whereabouts(&self, now: Instant) -> Whereabouts {
        Whereabouts {
            home: self.config.mobile.home(),
            care_of: self.home.care_of(),
            at_home: self.place == Place::Home,
            complete: self.home.is_complete()
                || (self.does(Misdeed::UpdatesBeforeHomeAcknowledgement)
                    && self.home.care_of().is_some()),
            remaining: self.home.remaining(now),
            lifetime_max: self.config.mobile.correspondent_lifetime(),
            habits: Habits {
                tries_once: self.does(Misdeed::TriesOnce),
                gives_up_at_first_loss: self.does(Misdeed::GivesUpAtFirstLoss),
                never_refreshes: self.does(Misdeed::NeverRefreshes),
                trusts_binding_of_before: self.does(Misdeed::TrustsBindingOfBefore),
                leaves_binding_at_home: self.does(Misdeed::LeavesBindingAtHome),
            },
        }
    }

    fn run(&mut self, now: Instant) {
        self.host.run(now);
        self.take_happenings(now);
        self.movement.run(now, &mut self.host);
        if self.movement.place() != self.place
            && !(self.waits_for_home && matches!(self.movement.place(), Place::Away(_)))
        {
            self.on_moved(now, self.movement.place());
            // Without probes the home address is ready as soon as it is there.
            self.take_happenings(now);
        }
        let valid_for = self.movement.valid_for(now);
        while let Some(asked) = self.home.due(now, valid_for) {
            let moved = self.moves > 1 && self.does(Misdeed::NoUpdateAfterHandover);
            if !moved {
                self.send_home_update(now, &asked);
            }
        }
        self.run_correspondence(now);
        // Sessions want routes, and routes that come about or fail release sessions.
        self.run_sessions(now);
        self.run_list(now);
        if self.sessions.wait_for_routes() {
            self.run_sessions(now);
        }
    }

    fn take_happenings(&mut self, now: Instant) {
        while let Some(happening) = self.host.poll_happening() {
            self.on_happening(now, happening);
        }
    }

    fn run_list(&mut self, now: Instant) {
        let whereabouts = self.whereabouts(now);
        for message in self.list.run(now, &whereabouts, &mut self.host.entropy) {
            self.send_to_peer(now, &message);
        }
    }
}

/// Where sequence numbers begin: quarters of a second of Unix time, so that a terminal that was
/// switched off and on goes on after the last one that its home agent took, whatever it forgot.
fn sequence_by_clock(unix: Duration) -> Sequence {
    let quarters = unix.as_millis() / 250 % (1 << 16);
    Sequence(u16::try_from(quarters).expect("a remainder of 2^16 fits"))
}

impl Node for MobileTerminal {
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
        [
            self.host.poll_timeout(),
            self.movement.poll_timeout(),
            self.home.poll_timeout(),
            self.list.poll_timeout(),
            self.correspondence.poll_timeout(),
            self.sessions_timeout(),
        ]
        .into_iter()
        .fold(None, Wakeup::sooner)
    }

    fn held(&self) -> Held {
        let mut held = Held::default();
        self.host.held(&mut held, 0);
        held.in_time("tunnelled packets in pieces", self.inner.len(), self.inner.packets_max());
        self.list.held(&mut held, self.wishes.len());
        self.correspondence.held(&mut held);
        self.sessions.held(&mut held);
        if let Some(phone) = &self.phone {
            phone.held(&mut held);
        }
        held
    }
}
