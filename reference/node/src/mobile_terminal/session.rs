//! The session controller (claims 1, 2 and 6; decisions D1 to D8): holds every response to an INVITE
//! until the route to the other party is optimized, or will not be.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::sip::{Fields, Message, Method};

use super::MobileTerminal;
use super::binding_update_list::Progress;
use super::config::OnFailure;
use super::movement::Place;
use super::optimization::Trigger;
use super::output::Route;
use super::peer::ToSend;
use super::targets::{Targets, description_in};
use crate::host::LINK_MTU;
use crate::misdeed::Misdeed;
use crate::phone::{MediaDatagram, PhoneEvent};
use crate::sip::CallHandle;
use crate::upper::UpperPacket;
use crate::{Command, Held, Instant, Wakeup};

/// What the controller keeps of the calls.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Calls, or offers within them, whose response waits.
    pending: BTreeMap<CallHandle, Pending>,
    /// Calls whose media waits for the routes to these peers.
    silent: BTreeMap<CallHandle, Pending>,
    /// The peers whose routes each call keeps alive.
    held: BTreeMap<CallHandle, Vec<Ipv6Addr>>,
}

/// A response that waits for the routes to these peers.
#[derive(Debug, Clone)]
struct Pending {
    peers: Vec<Ipv6Addr>,
    deadline: Instant,
}

/// An UPDATE is answered within this, whatever becomes of the route (RFC 3311 §5.2, CL-RO-26).
const UPDATE_BUDGET: Duration = Duration::from_millis(3500);
/// How long media waits for its direct route when the call is answered already.
const MEDIA_PATIENCE: Duration = Duration::from_secs(2);
/// What a call is refused with that may not go through the tunnel.
const TEMPORARILY_UNAVAILABLE: u16 = 480;
/// What a call is refused with whose media cannot get anywhere.
const NOT_ACCEPTABLE_HERE: u16 = 488;

impl Sessions {
    /// Whether any response waits.
    pub(super) fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Forgets the calls whose response waits for the route to `peer`: a misdeed.
    pub(super) fn never_answer(&mut self, peer: Ipv6Addr) {
        self.pending.retain(|_, one| !one.peers.contains(&peer));
    }

    /// Counts what is kept.
    pub(super) fn held(&self, held: &mut Held) {
        held.in_time("responses that wait", self.pending.len(), None);
        held.in_time("calls whose media waits", self.silent.len(), None);
        held.in_time("calls that hold a route", self.held.len(), None);
    }

    /// The peer of some call.
    pub(super) fn a_peer(&self) -> Option<Ipv6Addr> {
        self.held.values().flatten().next().copied()
    }
}

impl Sessions {
    /// Whether any response waits.
    pub(super) fn wait_for_routes(&self) -> bool {
        !self.pending.is_empty()
    }
}

impl MobileTerminal {
    /// Takes in a packet for the telephone; `false` where it is none.
    pub(super) fn on_phone_packet(&mut self, now: Instant, packet: &Packet<'_>) -> bool {
        if self.meddles_with_incoming(now, packet) {
            return true;
        }
        let Some(phone) = &mut self.phone else { return false };
        let (source, destination) = (packet.source(), packet.destination());
        match phone.receive(now, source, destination, packet.protocol, packet.payload) {
            Ok(taken) => taken,
            Err(error) => {
                self.host.malformed(error);
                true
            }
        }
    }

    /// Does what is due in sessions, and sends what comes of it.
    pub(super) fn run_sessions(&mut self, now: Instant) {
        let complete = self.home.is_complete();
        let Some(phone) = &mut self.phone else { return };
        //= CL-REG-03
        //# once the home registration is complete, and never again for a handover
        if complete {
            phone.register(now);
        }
        phone.run(now);
        self.let_detained_go(now);
        self.drain_events(now);
        self.release_what_is_ready(now);
        self.begin_media(now);
        self.drain_events(now);
        self.drain_packets(now);
    }

    pub(super) fn sessions_timeout(&self) -> Option<Wakeup> {
        let Sessions { pending, silent, .. } = &self.sessions;
        let deadline = pending.values().chain(silent.values()).map(|one| one.deadline).min();
        let deadline = deadline.map(|at| Wakeup { at, why: "optimization budget" });
        let phone = self.phone.as_ref().and_then(crate::phone::Phone::poll_timeout);
        Wakeup::sooner(deadline, phone)
    }

    fn drain_events(&mut self, now: Instant) {
        while let Some(event) = self.phone.as_mut().and_then(crate::phone::Phone::poll_event) {
            match event {
                PhoneEvent::Incoming { call, invite } => self.on_invite(now, call, &invite),
                PhoneEvent::Offer { call, request } => self.on_offer(now, call, &request),
                PhoneEvent::Confirmed { call, ack } => self.on_answer(now, call, &ack),
                PhoneEvent::Answered { call, response } => self.on_answer(now, call, &response),
                PhoneEvent::Over { call } => self.on_over(now, call),
                PhoneEvent::Told(event) => self.host.event(event),
            }
        }
    }

    fn on_invite(&mut self, now: Instant, call: CallHandle, invite: &Message) {
        let targets = Targets::of_invite(invite, &self.no_targets());
        let targets = self.mistaken_targets(invite, targets);
        //= CL-RO-18
        if targets.unreachable {
            return self.refuse(now, call, NOT_ACCEPTABLE_HERE);
        }
        let budget = match () {
            () if self.does(Misdeed::AnswersAfter1500Ms) => Duration::from_millis(1500),
            () if self.does(Misdeed::AnswersAfterTimerB) => Duration::from_secs(33),
            () => self.config.mobile.budget(),
        };
        let hasty = self.is_hasty(&targets.peers);
        if self.does(Misdeed::OptimizesAtHome) && self.place == Place::Home {
            for peer in &targets.peers {
                let cookie = self.host.entropy.octets();
                self.send_to_peer(now, &ToSend::HomeTestInit { peer: *peer, cookie });
            }
        }
        let whereabouts = self.whereabouts(now);
        let fresh =
            |peer: &Ipv6Addr| self.list.progress(now, *peer, &whereabouts) == Progress::Bound;
        if self.does(Misdeed::NeverAnswersOnFreshBinding) && targets.peers.iter().any(fresh) {
            return;
        }
        self.hold_back(now, call, targets.peers, budget);
        if hasty {
            self.release(now, call);
        }
    }

    /// Whether a misdeed answers a call for these peers before the time.
    fn is_hasty(&self, peers: &[Ipv6Addr]) -> bool {
        let by_tcp = self.config.sip.as_ref().is_some_and(|sip| sip.transport.is_reliable());
        let shared = self.sessions.pending.values().any(|one| one.peers == peers);
        let was_bound = |peer: &Ipv6Addr| self.list.get(*peer).is_some_and(|peer| peer.ever_bound);
        let stale = !peers.is_empty() && peers.iter().all(was_bound);
        self.does(Misdeed::RingsBeforeOptimization)
            || self.does(Misdeed::AnswersBeforeOptimization)
            || (self.does(Misdeed::RingsEarlyOnTcp) && by_tcp)
            || (self.does(Misdeed::AnswersSecondCallEarly) && shared)
            || (self.does(Misdeed::AnswersOnExpiredBinding) && stale)
    }

    fn on_offer(&mut self, now: Instant, call: CallHandle, request: &Message) {
        let targets = description_in(request)
            .map(|offer| Targets::of_description(&offer, &self.no_targets()))
            .unwrap_or_default();
        if targets.unreachable {
            return self.refuse(now, call, NOT_ACCEPTABLE_HERE);
        }
        //= CL-RO-26
        let budget = match request.method() {
            Some(Method::Update) if !self.does(Misdeed::AnswersUpdateLate) => {
                UPDATE_BUDGET.min(self.config.mobile.budget())
            }
            _ => self.config.mobile.budget(),
        };
        self.hold_back(now, call, targets.peers, budget);
        if self.does(Misdeed::AnswersOfferAtOnce) {
            self.release(now, call);
        }
    }

    /// The other side's answer is here: its address may be another than the one optimized before.
    fn on_answer(&mut self, now: Instant, call: CallHandle, message: &Message) {
        let answer = description_in(message);
        //= CL-RO-23
        let own = self.no_targets();
        let peers = answer.map(|answer| Targets::of_description(&answer, &own).peers);
        let mut peers = peers.unwrap_or_default();
        if message.method() == Some(Method::Ack) && self.does(Misdeed::IgnoresAnswerInAck) {
            peers.clear();
        }
        self.optimize_for(now, call, &peers, self.config.mobile.budget());
        //= CL-RO-05
        //# media begins on the direct route, or when there will be none
        self.sessions.silent.insert(call, Pending { peers, deadline: now + MEDIA_PATIENCE });
    }

    fn on_over(&mut self, now: Instant, call: CallHandle) {
        //= CL-RO-17
        let waited = self.sessions.pending.remove(&call).is_some();
        self.sessions.silent.remove(&call);
        if self.does(Misdeed::UpdatesForDeadCall)
            || (waited && self.does(Misdeed::KeepsRoutesOfDeadCalls))
        {
            return;
        }
        let abandons = self.does(Misdeed::AbandonsSharedRoute);
        for peer in self.sessions.held.remove(&call).unwrap_or_default() {
            if let Some(peer) = self.list.get_mut(peer).filter(|_| abandons) {
                peer.on(now, Trigger::Dropped);
            }
            self.list.release(now, peer);
        }
    }

    /// The budget of every call that waits begins anew: a misdeed.
    pub(super) fn restart_budgets(&mut self, now: Instant) {
        let deadline = now + self.config.mobile.budget();
        for pending in self.sessions.pending.values_mut() {
            pending.deadline = deadline;
            for peer in &pending.peers {
                self.list.want(now, *peer, Some(deadline), &mut self.host.entropy);
            }
        }
    }

    /// Lets no response out before the routes to `peers` are there.
    fn hold_back(
        &mut self,
        now: Instant,
        call: CallHandle,
        peers: Vec<Ipv6Addr>,
        budget: Duration,
    ) {
        self.optimize_for(now, call, &peers, budget);
        //= CL-RO-01
        self.sessions.pending.insert(call, Pending { peers, deadline: now + budget });
    }

    /// Wants the routes to `peers` for as long as `call` lasts.
    fn optimize_for(
        &mut self,
        now: Instant,
        call: CallHandle,
        peers: &[Ipv6Addr],
        budget: Duration,
    ) {
        if self.place == Place::Home {
            //= CL-RO-08
            return;
        }
        let whereabouts = self.whereabouts(now);
        for peer in peers {
            //= CL-RO-09
            //= CL-RO-20
            //# a fresh binding is used, a procedure under way is shared
            if self.list.progress(now, *peer, &whereabouts) != Progress::Bound {
                self.list.want(now, *peer, Some(now + budget), &mut self.host.entropy);
            }
            let held = self.sessions.held.entry(call).or_default();
            if !held.contains(peer) {
                held.push(*peer);
                self.list.hold(*peer);
            }
        }
    }

    fn release_what_is_ready(&mut self, now: Instant) {
        let whereabouts = self.whereabouts(now);
        let at_home = self.place == Place::Home;
        self.never_answer_some(at_home);
        let patient = !at_home && self.does(Misdeed::WaitsForBudget);
        let progress = |peer: &Ipv6Addr| {
            if whereabouts.complete && self.presumed.contains(peer) {
                return Progress::Bound;
            }
            self.list.progress(now, *peer, &whereabouts)
        };
        let at_once = if self.does(Misdeed::AnswersInOrder) { 1 } else { usize::MAX };
        let ready: Vec<(CallHandle, bool)> = self
            .sessions
            .pending
            .iter()
            .take(at_once)
            .filter_map(|(call, pending)| {
                let all = |wanted| pending.peers.iter().all(|peer| progress(peer) == wanted);
                let waits = pending.peers.iter().any(|peer| progress(peer) == Progress::UnderWay);
                let optimized = at_home || all(Progress::Bound);
                //= CL-RO-12
                let over = pending.deadline <= now || !waits;
                let over = if patient { pending.deadline <= now } else { optimized || over };
                over.then_some((*call, optimized))
            })
            .collect();
        for (call, optimized) in ready {
            self.sessions.pending.remove(&call);
            if !optimized && self.does(Misdeed::ForgetsUnacknowledgedBinding) {
                for peer in self.sessions.held.remove(&call).unwrap_or_default() {
                    self.list.remove(peer);
                }
            }
            if optimized || self.config.mobile.on_ro_failure == OnFailure::Tunnel {
                self.release(now, call);
            } else {
                self.refuse(now, call, TEMPORARILY_UNAVAILABLE);
            }
        }
    }

    /// Forgets calls that a misdeed never answers.
    fn never_answer_some(&mut self, at_home: bool) {
        if at_home && self.moves > 1 && self.does(Misdeed::NeverAnswersAfterReturn) {
            self.sessions.pending.clear();
        }
        if self.does(Misdeed::NeverAnswersWithoutMobility) {
            let list = &self.list;
            let incapable = |peer: &Ipv6Addr| {
                list.get(*peer).is_some_and(|peer| peer.incapable_until.is_some())
            };
            self.sessions.pending.retain(|_, one| !one.peers.iter().any(incapable));
        }
    }

    /// Lets media flow whose routes are there, or will not be in time.
    fn begin_media(&mut self, now: Instant) {
        let whereabouts = self.whereabouts(now);
        let waits =
            |peer: &Ipv6Addr| self.list.progress(now, *peer, &whereabouts) == Progress::UnderWay;
        let ready: Vec<CallHandle> = self
            .sessions
            .silent
            .iter()
            .filter(|(_, one)| one.deadline <= now || !one.peers.iter().any(waits))
            .map(|(call, _)| *call)
            .collect();
        for call in ready {
            self.sessions.silent.remove(&call);
            if let Some(phone) = &mut self.phone {
                phone.begin_media(now, call);
            }
        }
    }

    fn release(&mut self, now: Instant, call: CallHandle) {
        if self.does(Misdeed::AnswersBeforeOptimization)
            && let Some(phone) = &mut self.phone
        {
            phone.command(now, &Command::Answer);
        }
        self.sessions.pending.remove(&call);
        if let Some(phone) = &mut self.phone {
            phone.release(now, call);
        }
    }

    fn refuse(&mut self, now: Instant, call: CallHandle, status: u16) {
        if let Some(phone) = &mut self.phone {
            phone.refuse(now, call, status);
        }
    }

    /// Sends what the telephone has to send: SIP through the home agent, media by the best way.
    fn drain_packets(&mut self, now: Instant) {
        while let Some(upper) = self.phone.as_mut().and_then(crate::phone::Phone::poll_packet) {
            if let Some(upper) = self.meddles_with_outgoing(now, upper) {
                self.send_session_packet(now, upper);
            }
        }
        while let Some(MediaDatagram { source, destination, octets }) =
            self.phone.as_mut().and_then(|phone| phone.poll_media(now))
        {
            let octets = *octets;
            let route = self.media_route(now, destination);
            let outgoing = Outgoing::new(source, destination, protocol::UDP);
            self.dispatch(now, route, &outgoing, &octets);
        }
    }

    /// The way of media: the best there is, but nothing goes to a home agent that does not know
    /// the present care-of address yet.
    fn media_route(&mut self, now: Instant, peer: Ipv6Addr) -> Route {
        let route = self.route(now, peer);
        if let Some(care_of) = self.stubborn_care_of(peer) {
            return Route::Direct { care_of, mtu: LINK_MTU };
        }
        let Some(care_of) = self.home.care_of() else { return route };
        match route {
            //= CL-RO-27
            //# through the home agent only once it has acknowledged the care-of address
            Route::Tunnel { .. }
                if !self.home.is_acknowledged(care_of)
                    && !self.does(Misdeed::MediaBeforeHomeAcknowledgement) =>
            {
                Route::None
            }
            Route::Direct { .. } if self.does(Misdeed::MediaInTunnel) => Route::Tunnel { care_of },
            Route::Direct { .. }
                if self.does(Misdeed::FirstMediaInTunnel) && self.media_sent < 10 =>
            {
                self.media_sent += 1;
                Route::Tunnel { care_of }
            }
            Route::Direct { .. } if self.does(Misdeed::MediaPathSwitch) => {
                self.media_sent += 1;
                if (20..25).contains(&self.media_sent) { Route::Tunnel { care_of } } else { route }
            }
            Route::Native | Route::Direct { .. } | Route::Tunnel { .. } | Route::None => route,
        }
    }

    fn send_session_packet(&mut self, now: Instant, upper: UpperPacket) {
        let server = self.config.sip.as_ref().map(|sip| sip.server);
        //= CL-INT-09
        //# no route optimization with the server (decision D12)
        if Some(upper.destination) == server {
            return self.send_by_home_agent(now, upper);
        }
        self.send_upper(now, upper);
    }

    /// Addresses that the route is never optimized to (decision D4): the terminal's own and its
    /// home agent's.
    fn no_targets(&self) -> Vec<Ipv6Addr> {
        let own = [self.config.mobile.home(), self.config.mobile.home_agent];
        own.into_iter().chain(self.home.care_of()).collect()
    }
}
