//! What the server knows of home addresses: which home agent to ask, where the terminal is, and
//! the questions that are open (claims 10 and 11; specs/binding-lookup.md).

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::address::is_unicast_routable;
use roamproof_wire::ipv6::{Outgoing, Packet};
use roamproof_wire::mobility::{BindingLookup, Lifetime, LookupKind, LookupStatus, NtpTimestamp};

use super::way::Asker;
use crate::lookup::{LookupPeer, LookupPeers};
use crate::misdeed::{Misdeed, Misdeeds};
use crate::{Event, Held, Instant, Wakeup};

/// The server's side of binding lookup.
///
/// Inputs are [`on_lookup`](Self::on_lookup), [`on_not_understood`](Self::on_not_understood),
/// [`ask`](Self::ask) and [`run`](Self::run); after each, drain
/// [`poll_packet`](Self::poll_packet) and [`poll_news`](Self::poll_news).
#[derive(Debug)]
pub(super) struct Direct {
    peers: LookupPeers,
    homes: BTreeMap<Ipv6Addr, Home>,
    queries: BTreeMap<u16, Query>,
    standings: BTreeMap<Ipv6Addr, Standing>,
    transaction: u16,
    packets: VecDeque<(Outgoing, Vec<u8>)>,
    news: VecDeque<News>,
    /// Whether a misdeed has ended it for good.
    ended: bool,
    /// What a flaw waits for in vain.
    forgotten_timer: Option<Instant>,
    misdeeds: Misdeeds,
}

/// What came of a question, or came by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// A question has its end.
    Answered {
        /// Who asked.
        asker: Asker,
        /// What is known now.
        answer: Answer,
    },
    /// A home agent told that a terminal is elsewhere now, or gone.
    Changed {
        /// Whose.
        home: Ipv6Addr,
        /// Where.
        care_of: Option<Ipv6Addr>,
    },
    /// Worth a line.
    Told(Event),
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The terminal is at this care-of address.
    At(Ipv6Addr),
    /// There is no care-of address, or none is told: the home address has to do.
    Nowhere,
    /// Nobody answered in time.
    Silence,
}

/// A home address that a home agent has notified.
#[derive(Debug, Clone)]
struct Home {
    agent: Ipv6Addr,
    /// Until when the notification counts.
    until: Instant,
    /// When the newest notification was made.
    notified: NtpTimestamp,
    /// When the newest reply or change was made.
    told: Option<NtpTimestamp>,
    binding: Option<Binding>,
}

#[derive(Debug, Clone, Copy)]
struct Binding {
    care_of: Ipv6Addr,
    until: Instant,
}

/// A question to a home agent.
#[derive(Debug, Clone)]
struct Query {
    asker: Asker,
    agent: Ipv6Addr,
    home: Ipv6Addr,
    begun_at: Instant,
    sent: usize,
}

/// Whether a home agent can be asked.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    /// How often in a row it did not understand.
    refusals: u8,
    held_until: Option<Instant>,
}

/// When a query is sent, after the question.
const SCHEDULE: [Duration; 2] = [Duration::ZERO, Duration::from_millis(250)];
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(500);
/// So often in a row may a home agent not understand …
const REFUSALS_MAX: u8 = 3;
/// … before it is not asked for this long.
const HOLD: Duration = Duration::from_secs(60);
/// Home addresses remembered.
const HOMES_MAX: usize = 10_000;
/// Questions open at a time.
const QUERIES_MAX: usize = 4096;
/// What is gone is remembered so long, so that nothing older brings it back: twice the clock skew
/// that a message may have.
const MEMORY: Duration = Duration::from_secs(14);

impl Direct {
    /// A server at `own` that shares keys with `peers`; without any, it asks nobody.
    pub(super) fn new(
        own: Ipv6Addr,
        mut peers: Vec<LookupPeer>,
        epoch: Duration,
        transaction: u16,
        misdeeds: &Misdeeds,
    ) -> Self {
        if misdeeds.does(Misdeed::TrustsForeignHomeAgents) {
            peers.iter_mut().for_each(|peer| peer.prefixes.clear());
        }
        Self {
            peers: LookupPeers::new(own, peers, epoch),
            homes: BTreeMap::new(),
            queries: BTreeMap::new(),
            standings: BTreeMap::new(),
            transaction,
            packets: VecDeque::new(),
            news: VecDeque::new(),
            ended: false,
            forgotten_timer: None,
            misdeeds: misdeeds.clone(),
        }
    }

    /// Whether there is any home agent to ask.
    pub(super) fn is_on(&self) -> bool {
        self.peers.iter().next().is_some()
    }

    /// Whether some home agent may speak for `address`.
    pub(super) fn covers(&self, address: Ipv6Addr) -> bool {
        self.peers.iter().any(|peer| speaks_for(peer, address))
    }

    /// Whether a home agent has notified `home` and can be asked.
    pub(super) fn is_notified(&self, now: Instant, home: Ipv6Addr) -> bool {
        self.agent_of(now, home).is_some()
    }

    /// Where `home` is, as far as a home agent has told and it still counts.
    pub(super) fn care_of(&self, now: Instant, home: Ipv6Addr) -> Option<Ipv6Addr> {
        self.agent_of(now, home)?;
        let binding = self.homes.get(&home)?.binding?;
        let expired = self.misdeeds.does(Misdeed::UsesExpiredBindings)
            || self.misdeeds.does(Misdeed::UsesBindingsOfNoLifetime);
        (binding.until > now || expired).then_some(binding.care_of)
    }

    /// Asks where `home` is; `false` where nobody can be asked.
    pub(super) fn ask(&mut self, now: Instant, home: Ipv6Addr, asker: Asker) -> bool {
        let Some(agent) = self.agent_of(now, home) else {
            //= CL-DST-04
            if self.misdeeds.does(Misdeed::AsksEverybody) {
                self.ask_everybody(now, home);
            }
            return false;
        };
        if self.queries.len() >= QUERIES_MAX {
            return false;
        }
        //= CL-DST-03
        let first = self.peers.iter().next().map(|peer| peer.address);
        let agent =
            first.filter(|_| self.misdeeds.does(Misdeed::AsksTheFirstHomeAgent)).unwrap_or(agent);
        let transaction = self.next_transaction();
        let query = Query { asker, agent, home, begun_at: now, sent: 0 };
        self.queries.insert(transaction, query);
        self.run(now);
        true
    }

    /// Forgets that `home` is at `care_of`: a router said that nobody is there.
    pub(super) fn distrust(&mut self, home: Ipv6Addr, care_of: Ipv6Addr) {
        if let Some(known) = self.homes.get_mut(&home)
            && known.binding.is_some_and(|binding| binding.care_of == care_of)
        {
            known.binding = None;
        }
    }

    /// Forgets everything but the keys, as a power cycle does.
    pub(super) fn restart(&mut self) {
        self.homes.clear();
        self.queries.clear();
        self.standings.clear();
        self.news.clear();
        self.ended = self.misdeeds.does(Misdeed::NeverDirectAfterRestart);
    }

    /// Takes in a message of binding lookup whose checksum is right. `registered`: whether its home
    /// address is the contact of an identifier.
    pub(super) fn on_lookup(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        message: &BindingLookup,
        registered: bool,
    ) {
        //= CL-DST-08
        //= CL-DST-16
        //# dropped in silence and counted
        if let Err(why) = self.peers.accept(now, packet, message)
            && !self.misdeeds.does(Misdeed::BelievesForgedLookups)
        {
            return self.discard(why);
        }
        let from = packet.header.source;
        match message.kind {
            LookupKind::HomeAgentNotification => {
                let early = self.misdeeds.does(Misdeed::ForgetsEarlyNotifications) && !registered;
                let status = if early || self.ended {
                    LookupStatus::BOUND
                } else {
                    self.on_notification(now, message)
                };
                let (transaction, home) = (message.transaction, message.home_address);
                let answer = BindingLookup::notification_ack(transaction, home, status);
                self.send(now, from, &answer);
            }
            LookupKind::BindingReply => self.on_reply(now, from, message),
            LookupKind::BindingChange => {
                let status = self.on_change(now, from, message);
                let (transaction, home) = (message.transaction, message.home_address);
                self.send(now, from, &BindingLookup::change_ack(transaction, home, status));
            }
            LookupKind::HomeAgentNotificationAck
            | LookupKind::BindingQuery
            | LookupKind::BindingChangeAck
            | LookupKind::Unknown(_) => {
                self.discard("binding lookup message that is not for a SIP server");
            }
        }
    }

    /// Takes in that `from` did not understand a query, the one of `transaction` where that is
    /// known. It counts only while one is open.
    pub(super) fn on_not_understood(
        &mut self,
        now: Instant,
        from: Ipv6Addr,
        transaction: Option<u16>,
    ) {
        let open = self.queries.iter().filter(|(number, query)| {
            query.agent == from && transaction.is_none_or(|one| one == **number)
        });
        let oldest = open.min_by_key(|(number, query)| (query.begun_at, **number));
        let Some(number) = oldest.map(|(number, _)| *number) else {
            if self.misdeeds.does(Misdeed::SwitchedOffByStrangers) {
                self.refused(now, from);
            }
            return self.discard("complaint about a query that was not sent");
        };
        let query = self.queries.remove(&number).expect("it was just found");
        self.refused(now, from);
        self.answered(query.asker, Answer::Nowhere);
    }

    /// Does what is due by now: queries are sent again, or given up.
    pub(super) fn run(&mut self, now: Instant) {
        let mut due = Vec::new();
        for (number, query) in &mut self.queries {
            while query.next_at().is_some_and(|at| at <= now) {
                query.sent += 1;
                due.push((query.agent, BindingLookup::query(*number, query.home)));
            }
        }
        for (agent, message) in due {
            self.send(now, agent, &message);
        }
        if self.misdeeds.does(Misdeed::WaitsForTheHomeAgent) {
            return;
        }
        //= CL-DST-12
        let over: Vec<u16> = self
            .queries
            .iter()
            .filter(|(_, query)| query.begun_at + PATIENCE <= now)
            .map(|(number, _)| *number)
            .collect();
        for number in over {
            let query = self.queries.remove(&number).expect("it was just found");
            self.tell(format!("{} did not say where {} is", query.agent, query.home));
            self.answered(query.asker, Answer::Silence);
        }
    }

    /// When [`run`](Self::run) has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Wakeup> {
        let again = self.queries.values().filter_map(Query::next_at).min();
        let end = self.queries.values().map(|query| query.begun_at + PATIENCE).min();
        let end = end.filter(|_| !self.misdeeds.does(Misdeed::WaitsForTheHomeAgent));
        let wakeup = |at| Wakeup { at, why: "binding query unanswered" };
        let forgotten = self.forgotten_timer;
        [again, end, forgotten].into_iter().flatten().min().map(wakeup)
    }

    /// Counts what is kept.
    pub(super) fn held(&self, held: &mut Held) {
        self.peers.held(held);
        held.for_room("home addresses notified", self.homes.len(), HOMES_MAX);
        held.in_time("binding queries", self.queries.len(), QUERIES_MAX);
    }

    /// The next packet to send.
    pub(super) fn poll_packet(&mut self) -> Option<(Outgoing, Vec<u8>)> {
        self.packets.pop_front()
    }

    /// The next thing that came out.
    pub(super) fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    fn on_notification(&mut self, now: Instant, message: &BindingLookup) -> LookupStatus {
        let Some(agent) = message.home_agent() else { return LookupStatus::REFUSED };
        let home = message.home_address;
        let known = self.peers.find(agent).is_some_and(|peer| speaks_for(peer, home));
        if !known {
            self.discard("notification that names a home agent without a key for it");
            return LookupStatus::REFUSED;
        }
        let before = self.homes.get(&home).cloned();
        if before.as_ref().is_some_and(|before| before.notified.is_after(message.timestamp)) {
            // An older one, overtaken on the way: it is acknowledged, and says nothing new.
            return LookupStatus::BOUND;
        }
        if before.is_none() && !self.has_room(now) {
            self.discard("notification without room for it");
            return LookupStatus::REFUSED;
        }
        //= CL-REG-11
        //# kept, whether or not an identifier is bound to the home address yet
        let mut entry = before.filter(|before| before.agent == agent).unwrap_or(Home {
            agent,
            until: now,
            notified: message.timestamp,
            told: None,
            binding: None,
        });
        entry.notified = message.timestamp;
        entry.until = now + message.lifetime.duration();
        if message.lifetime == Lifetime::ZERO {
            entry.binding = None;
            entry.told = Some(message.timestamp);
        }
        self.homes.insert(home, entry);
        self.tell(format!("{agent} serves {home} for {}", message.lifetime));
        LookupStatus::BOUND
    }

    fn on_reply(&mut self, now: Instant, from: Ipv6Addr, message: &BindingLookup) {
        let query = self.queries.get(&message.transaction);
        let asked =
            query.is_some_and(|query| query.agent == from && query.home == message.home_address);
        let forged = self.misdeeds.does(Misdeed::BelievesForgedLookups);
        if !asked {
            if forged {
                self.note(now, message);
            }
            return self.discard("reply to no query");
        }
        let query = self.queries.remove(&message.transaction).expect("it was just found");
        if query.sent > 1 && self.misdeeds.does(Misdeed::NeverCancelsQueryTimer) {
            self.forgotten_timer = Some(query.begun_at + PATIENCE);
        }
        self.standings.entry(from).or_default().refusals = 0;
        self.note(now, message);
        //= CL-DST-06
        //# the home address where there is no binding
        let answer = self.care_of(now, query.home).map_or(Answer::Nowhere, Answer::At);
        self.answered(query.asker, answer);
    }

    fn on_change(&mut self, now: Instant, from: Ipv6Addr, message: &BindingLookup) -> LookupStatus {
        let home = message.home_address;
        let forged = self.misdeeds.does(Misdeed::BelievesForgedLookups);
        let known = self.homes.get(&home).filter(|known| known.until > now);
        if known.map(|known| known.agent) != Some(from) && !forged {
            self.discard("change of a home address that this home agent has not notified");
            return LookupStatus::REFUSED;
        }
        if self.note(now, message) {
            //= CL-DST-15
            let care_of = self.care_of(now, home);
            self.news.push_back(News::Changed { home, care_of });
        }
        LookupStatus::BOUND
    }

    /// Takes over what a reply or change says, unless something newer was said already; whether
    /// it did.
    fn note(&mut self, now: Instant, message: &BindingLookup) -> bool {
        let home = message.home_address;
        let keeps_first = self.misdeeds.does(Misdeed::KeepsTheFirstCareOfAddress);
        let Some(known) = self.homes.get_mut(&home) else { return false };
        if known.told.is_some_and(|told| told.is_after(message.timestamp)) {
            return false;
        }
        known.told = Some(message.timestamp);
        let lifetime = message.lifetime.duration();
        let usable = |care_of: &Ipv6Addr| is_unicast_routable(*care_of) && *care_of != home;
        let told = message.care_of().filter(usable);
        let ends = lifetime.is_zero() && !self.misdeeds.does(Misdeed::UsesBindingsOfNoLifetime);
        let told = told.filter(|_| message.status == LookupStatus::BOUND && !ends);
        //= CL-DST-02
        let mut binding = told.map(|care_of| Binding { care_of, until: now + lifetime });
        if keeps_first && known.binding.is_some() {
            binding = known.binding;
        }
        known.binding = binding;
        let (care_of, seconds) = binding.map_or((home, 0), |binding| {
            (binding.care_of, u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX))
        });
        self.news.push_back(News::Told(Event::Binding { home, care_of, lifetime: seconds }));
        true
    }

    /// A home agent did not understand; three times in a row, and it is left alone for a while.
    fn refused(&mut self, now: Instant, agent: Ipv6Addr) {
        let standing = self.standings.entry(agent).or_default();
        standing.refusals += 1;
        if standing.refusals >= REFUSALS_MAX {
            *standing = Standing { refusals: 0, held_until: Some(now + HOLD) };
            self.tell(format!("{agent} does not know binding lookup: not asked for a minute"));
        }
    }

    /// The home agent to ask about `home`.
    fn agent_of(&self, now: Instant, home: Ipv6Addr) -> Option<Ipv6Addr> {
        let known = self.homes.get(&home).filter(|known| known.until > now)?;
        let held = self.standings.get(&known.agent).and_then(|standing| standing.held_until);
        held.is_none_or(|until| until <= now).then_some(known.agent)
    }

    fn has_room(&mut self, now: Instant) -> bool {
        if self.homes.len() >= HOMES_MAX {
            self.homes.retain(|_, home| home.until + MEMORY > now);
        }
        self.homes.len() < HOMES_MAX
    }

    fn ask_everybody(&mut self, now: Instant, home: Ipv6Addr) {
        let agents: Vec<Ipv6Addr> = self.peers.iter().map(|peer| peer.address).collect();
        for agent in agents {
            let transaction = self.next_transaction();
            self.send(now, agent, &BindingLookup::query(transaction, home));
        }
    }

    fn send(&mut self, now: Instant, to: Ipv6Addr, message: &BindingLookup) {
        self.packets.extend(self.peers.packet(now, to, message));
    }

    /// A number that no open query has.
    fn next_transaction(&mut self) -> u16 {
        // There are more numbers than queries, so one is free.
        loop {
            self.transaction = self.transaction.wrapping_add(1);
            if !self.queries.contains_key(&self.transaction) {
                return self.transaction;
            }
        }
    }

    fn answered(&mut self, asker: Asker, answer: Answer) {
        self.news.push_back(News::Answered { asker, answer });
    }

    fn tell(&mut self, note: String) {
        self.news.push_back(News::Told(Event::Note(note)));
    }

    fn discard(&mut self, why: &'static str) {
        self.news.push_back(News::Told(Event::Discarded { why }));
    }
}

impl Query {
    fn next_at(&self) -> Option<Instant> {
        SCHEDULE.get(self.sent).map(|after| self.begun_at + *after)
    }
}

/// Whether a peer may speak for a home address; one without prefixes may for any.
fn speaks_for(peer: &LookupPeer, home: Ipv6Addr) -> bool {
    peer.prefixes.is_empty() || peer.prefixes.iter().any(|prefix| prefix.contains(home))
}
