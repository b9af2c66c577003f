//! The home agent's side of binding lookup: it tells SIP servers whom it serves, answers where they
//! are, and says when that no longer holds (claims 10 and 11).

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind, LookupStatus};

use super::HomeAgent;
use super::mischief::INVENTED;
use crate::lookup::Notices;
use crate::misdeed::Misdeed;
use crate::{Event, Held, Instant};

/// Who was told what, and until when it counts.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) notices: Notices,
    /// Servers that asked for a home address, until the binding told them runs out.
    asked: BTreeMap<(Ipv6Addr, Ipv6Addr), Instant>,
    transaction: u16,
}

/// Servers and home addresses remembered.
const ASKED_MAX: usize = 4096;

impl Told {
    /// Counts what is kept.
    pub(super) fn held(&self, held: &mut Held) {
        self.notices.held(held);
        held.for_room("servers that asked", self.asked.len(), ASKED_MAX);
    }
}

impl HomeAgent {
    pub(super) fn on_lookup(&mut self, now: Instant, packet: &Packet<'_>, message: &BindingLookup) {
        let unchecked = self.misdeeds.does(Misdeed::AnswersAnyQuery);
        if let Err(why) = self.peers.accept(now, packet, message)
            && !unchecked
        {
            return self.host.discard(why);
        }
        let from = packet.header.source;
        match message.kind {
            LookupKind::BindingQuery => self.on_query(now, from, message),
            LookupKind::HomeAgentNotificationAck | LookupKind::BindingChangeAck => {
                if !self.misdeeds.does(Misdeed::IgnoresAcknowledgements) {
                    let (transaction, home) = (message.transaction, message.home_address);
                    self.told.notices.acknowledged(from, transaction, home);
                }
            }
            LookupKind::HomeAgentNotification
            | LookupKind::BindingReply
            | LookupKind::BindingChange
            | LookupKind::Unknown(_) => {
                self.host.discard("binding lookup message that is not for a home agent");
            }
        }
    }

    pub(super) fn on_query(&mut self, now: Instant, from: Ipv6Addr, message: &BindingLookup) {
        let (transaction, home) = (message.transaction, message.home_address);
        if self.misdeeds.does(Misdeed::SilentToQueries) {
            return;
        }
        let mine = self.config.home_agent.prefixes.iter().any(|prefix| prefix.contains(home));
        let reply = match self.cache.get(home) {
            Some(binding) => {
                let remaining = if self.misdeeds.does(Misdeed::TellsTheFullLifetime) {
                    Lifetime::from_duration(binding.granted)
                } else {
                    binding.remaining(now)
                };
                let care_of = binding.care_of;
                if self.told.asked.len() < ASKED_MAX {
                    self.told.asked.insert((from, home), binding.expires_at);
                }
                BindingLookup::reply(transaction, home, care_of, remaining)
            }
            None if self.misdeeds.does(Misdeed::InventsACareOfAddress) => {
                BindingLookup::reply(transaction, home, INVENTED, Lifetime(15))
            }
            None if mine => {
                BindingLookup::reply_without(transaction, home, LookupStatus::NO_BINDING)
            }
            None => {
                BindingLookup::reply_without(transaction, home, LookupStatus::NOT_MY_HOME_ADDRESS)
            }
        };
        let reply = self.mistaken_reply(transaction, home).unwrap_or(reply);
        self.send_lookup(now, from, &reply);
    }

    /// Tells every SIP server that this home agent serves `home`, after a registration was
    /// acknowledged.
    //= CL-REG-06
    pub(super) fn notify(&mut self, now: Instant, home: Ipv6Addr, refresh: bool) {
        if refresh && self.misdeeds.does(Misdeed::NotifiesOnlyOnce) {
            return;
        }
        let Some(remaining) = self.cache.get(home).map(|binding| binding.remaining(now)) else {
            return;
        };
        let own = if self.misdeeds.does(Misdeed::NamesAnotherHomeAgent) {
            INVENTED
        } else {
            self.config.home_agent.address
        };
        for server in self.servers() {
            let transaction = self.next_transaction();
            let message = BindingLookup::notification(transaction, home, own, remaining);
            self.told.notices.begin(now, server, message);
        }
    }

    /// Tells the servers that asked for `home` that it is elsewhere since `since`, or gone.
    //= CL-REG-08
    pub(super) fn tell_change(&mut self, now: Instant, home: Ipv6Addr, since: Instant) {
        if self.misdeeds.does(Misdeed::KeepsChangesToItself) {
            return;
        }
        // What ended at that moment was believed there until then, however late it is noticed here.
        self.told.asked.retain(|_, until| *until >= since);
        let asked: Vec<Ipv6Addr> = self
            .told
            .asked
            .keys()
            .filter(|(_, about)| *about == home)
            .map(|(server, _)| *server)
            .collect();
        for server in asked {
            let transaction = self.next_transaction();
            let message = match self.cache.get(home) {
                Some(binding) => {
                    let (care_of, until) = (binding.care_of, binding.expires_at);
                    let remaining = binding.remaining(now);
                    self.told.asked.insert((server, home), until);
                    BindingLookup::change(transaction, home, care_of, remaining)
                }
                None => BindingLookup::change_gone(transaction, home),
            };
            self.told.notices.begin(now, server, message);
        }
    }

    pub(super) fn run_lookup(&mut self, now: Instant) {
        for (server, mut message) in self.told.notices.due(now) {
            // A notice sent again says what remains by then: nothing once the binding is gone.
            if message.told.is_some() {
                let binding = self.cache.get(message.home_address);
                message.lifetime = binding.map_or(Lifetime::ZERO, |one| one.remaining(now));
            }
            self.send_lookup(now, server, &message);
            let once = match message.kind {
                LookupKind::BindingChange => Misdeed::TellsChangesOnce,
                LookupKind::HomeAgentNotification
                | LookupKind::HomeAgentNotificationAck
                | LookupKind::BindingQuery
                | LookupKind::BindingReply
                | LookupKind::BindingChangeAck
                | LookupKind::Unknown(_) => Misdeed::NotifiesWithoutRetry,
            };
            if self.misdeeds.does(once) {
                self.told.notices.give_up(server);
            }
        }
    }

    /// A peer said that it does not understand: nothing is sent again until the next registration.
    pub(super) fn on_lookup_unknown(&mut self, from: Ipv6Addr) {
        if self.peers.find(from).is_some() {
            self.told.notices.give_up(from);
            self.host.event(Event::Note(format!("{from} does not know binding lookup")));
        }
    }

    fn send_lookup(&mut self, now: Instant, to: Ipv6Addr, message: &BindingLookup) {
        let notifies = message.kind == LookupKind::HomeAgentNotification;
        if notifies && self.misdeeds.does(Misdeed::NotifiesWithoutProof) {
            return self.send_wrongly(now, to, message);
        }
        match self.peers.packet(now, to, message) {
            Some((outgoing, octets)) => self.host.send(now, &outgoing, &octets),
            // Only who takes any query has an answer for a stranger.
            None => self.send_wrongly(now, to, message),
        }
    }

    fn servers(&self) -> Vec<Ipv6Addr> {
        self.peers.iter().map(|peer| peer.address).collect()
    }

    fn next_transaction(&mut self) -> u16 {
        self.told.transaction = self.told.transaction.wrapping_add(1);
        self.told.transaction
    }
}
