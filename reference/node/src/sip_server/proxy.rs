//! The proxy: stateful, in the path of every dialog it begins (RFC 3261 16).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv6Addr;

use roamproof_wire::WireError;
use roamproof_wire::sip::{Fields, HeaderName, Message, Method, Scheme, Uri, reason_phrase};

use super::context::{Branch, Cancel, Context, TIMER_C};
use super::forward;
use super::location::Location;
use super::registrar::{Registrar, RegistrarLimits};
use crate::entropy::Entropy;
use crate::misdeed::{Misdeed, Misdeeds};
use crate::sip::routing::Names;
use crate::sip::{
    ClientKey, Hop, ServerKey, TIMEOUT, TransactionEvent, Transactions, Transmit, new_token,
};
use crate::{Held, Instant, Wakeup};

/// What a proxy is told when it is made.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// Its address.
    pub address: Ipv6Addr,
    /// The port on which it takes messages, by UDP and by TCP.
    pub port: u16,
    /// The domain whose identifiers it serves: `example.com`.
    pub domain: String,
    /// The identifiers it serves, `mt@example.com`; with none, whoever registers.
    pub identifiers: Vec<String>,
    /// How long registrations last.
    pub limits: RegistrarLimits,
    /// Names it can resolve.
    pub names: Names,
}

/// What a proxy tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyEvent {
    /// A REGISTER was answered.
    Registered {
        /// Whose it was, as [`Location::key_of`] files it.
        identifier: String,
        /// The status of the answer.
        status: u16,
    },
    /// The last registration of a contact ended.
    Expired {
        /// Whose it was.
        identifier: String,
    },
    /// A request was sent on.
    Forwarded {
        /// One line: `INVITE sip:mt@[2001:db8:a::100]`.
        what: String,
        /// Where to.
        to: Hop,
        /// The branch of its topmost Via.
        branch: String,
    },
    /// Octets that are no message were dropped or refused.
    Malformed(WireError),
    /// A message was dropped.
    Discarded {
        /// Why, in a few words.
        why: &'static str,
    },
}

/// A registrar and stateful proxy.
///
/// Inputs are [`receive`](Self::receive), [`unreachable`](Self::unreachable) and
/// [`handle_timeout`](Self::handle_timeout); after each, drain
/// [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event).
#[derive(Debug)]
pub struct Proxy {
    config: ProxyConfig,
    entropy: Entropy,
    transactions: Transactions,
    registrar: Registrar,
    contexts: BTreeMap<ServerKey, Context>,
    /// Which context a copy belongs to.
    owners: BTreeMap<ClientKey, ServerKey>,
    events: VecDeque<ProxyEvent>,
    misdeeds: Misdeeds,
}

impl Proxy {
    /// A proxy that has not heard of anybody.
    pub fn new(config: ProxyConfig, mut entropy: Entropy) -> Self {
        let layer_entropy = Entropy::new(entropy.next_u64());
        Self {
            transactions: Transactions::new(config.address, config.port, layer_entropy),
            registrar: Registrar::new(config.limits, &config.identifiers),
            config,
            entropy,
            contexts: BTreeMap::new(),
            owners: BTreeMap::new(),
            events: VecDeque::new(),
            misdeeds: Misdeeds::default(),
        }
    }

    /// The same, doing what it is told to do wrong.
    #[must_use]
    pub fn with_misdeeds(self, misdeeds: &Misdeeds) -> Self {
        Self { misdeeds: misdeeds.clone(), ..self }
    }

    /// The contacts there are.
    pub const fn location(&self) -> &Location {
        self.registrar.location()
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        self.transactions.held(held);
        self.registrar.held(held);
        held.in_time("requests passed on", self.contexts.len(), None);
        held.in_time("copies of requests passed on", self.owners.len(), None);
    }

    /// Takes in one message: a datagram, or a message cut out of a stream.
    pub fn receive(&mut self, now: Instant, from: Hop, octets: &[u8]) {
        self.transactions.receive(now, from, octets);
        self.pump(now);
    }

    /// Takes in that nothing can be sent to `to`.
    pub fn unreachable(&mut self, now: Instant, to: Hop) {
        self.transactions.unreachable(now, to);
        self.pump(now);
    }

    /// Takes in that a message did not get to its hop.
    pub fn unsent(&mut self, now: Instant, transmit: &Transmit) {
        self.transactions.unsent(now, transmit);
        self.pump(now);
    }

    /// Does everything that is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        self.pump(now);
        self.run_timer_c(now);
        for identifier in self.registrar.location_mut().expire(now) {
            //= REG-17
            self.events.push_back(ProxyEvent::Expired { identifier });
        }
        self.forget_contexts();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and why.
    pub fn poll_timeout(&self) -> Option<Wakeup> {
        let contexts = self.contexts.values().map(Context::wakeup).fold(None, Wakeup::sooner);
        let others = Wakeup::sooner(self.transactions.poll_timeout(), self.location().wakeup());
        Wakeup::sooner(contexts, others)
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transactions.poll_transmit()
    }

    /// The next thing for the owner.
    pub fn poll_event(&mut self) -> Option<ProxyEvent> {
        self.events.pop_front()
    }

    /// Forgets registrations and transactions, as a power cycle does.
    pub fn restart(&mut self) {
        self.transactions.clear();
        self.contexts.clear();
        self.owners.clear();
        self.registrar.forget();
    }

    fn pump(&mut self, now: Instant) {
        while let Some(event) = self.transactions.poll_event() {
            match event {
                TransactionEvent::Request { key, request, from } => {
                    self.on_request(now, key, request, from)
                }
                TransactionEvent::Acknowledged { ack, from } => {
                    self.on_acknowledged(now, ack, from)
                }
                TransactionEvent::Response { key, response } => {
                    self.on_response(now, &key, response)
                }
                TransactionEvent::Failed { key, status } => self.on_failure(now, &key, status),
                TransactionEvent::Unacknowledged { .. } => {}
                //= PRX-32
                TransactionEvent::Stray { .. } => {
                    self.events.push_back(ProxyEvent::Discarded {
                        why: "response to no request forwarded",
                    });
                }
                TransactionEvent::Malformed(error) => {
                    self.events.push_back(ProxyEvent::Malformed(error))
                }
            }
        }
        self.forget_contexts();
    }

    fn on_request(&mut self, now: Instant, key: ServerKey, mut request: Message, from: Hop) {
        if *key.method() == Method::Cancel {
            return self.on_cancel(now, &key, &request);
        }
        if *key.method() == Method::Invite {
            //= CL-INT-13
            //= PRX-19
            //# the caller hears at once that somebody cares
            let trying = Message::response_to(&request, 100, reason_phrase(100));
            self.transactions.respond(now, &key, &trying);
        }
        let mark = forward::mark(&request);
        if let Some(refusal) = self.refusal(&request) {
            return self.respond(now, &key, refusal);
        }
        let routed_here = forward::take_own_routes(&mut request, &self.config);
        let Ok(uri) = request.uri().map(|uri| uri.to_owned()) else { return };
        if request.routes().next().is_none() && forward::is_own_domain(&uri.view(), &self.config) {
            return self.serve(now, key, request, from, mark);
        }
        if !routed_here && !self.may_relay(now, from) {
            //= PRX-36
            return self.refuse(now, &key, &request, 403);
        }
        self.forward(now, key, request, from, mark, VecDeque::from([vec![uri]]));
    }

    /// What RFC 3261 16.3 refuses.
    fn refusal(&self, request: &Message) -> Option<Message> {
        let refuse = |status| Message::response_to(request, status, reason_phrase(status));
        let uri = request.uri().ok()?;
        if uri.scheme == Scheme::Other {
            //= PRX-02
            return Some(refuse(416));
        }
        if request.max_forwards() == Ok(Some(0)) {
            //= PRX-03
            return Some(refuse(483));
        }
        if forward::runs_in_a_loop(request, &self.config) {
            return Some(refuse(482));
        }
        let required: BTreeSet<String> = request.tokens(HeaderName::ProxyRequire);
        if !required.is_empty() {
            //= PRX-06
            let mut response = refuse(420);
            response
                .push(HeaderName::Unsupported, required.into_iter().collect::<Vec<_>>().join(", "));
            return Some(response);
        }
        None
    }

    /// A request for this domain: registered here, answered here, or sent to contacts.
    fn serve(&mut self, now: Instant, key: ServerKey, request: Message, from: Hop, mark: u64) {
        let Ok(uri) = request.uri() else { return };
        if uri.user.is_none() && *key.method() == Method::Register {
            let response = self.registrar.register(now, &request);
            let identifier =
                request.to().ok().and_then(|to| Location::key_of(&to.uri)).unwrap_or_default();
            let status = response.status().unwrap_or(0);
            self.events.push_back(ProxyEvent::Registered { identifier, status });
            return self.respond(now, &key, response);
        }
        if uri.user.is_none() {
            let answers = *key.method() == Method::Options;
            return self.refuse(now, &key, &request, if answers { 200 } else { 404 });
        }
        let identifier = self.identifier_of(&request);
        let contacts = self.location().contacts(now, &identifier);
        let mut groups: VecDeque<Vec<Uri>> = VecDeque::new();
        let mut last_q = None;
        for binding in contacts {
            //= PRX-31
            //= REG-24
            if last_q != Some(binding.q) {
                groups.push_back(Vec::new());
            }
            last_q = Some(binding.q);
            groups.back_mut().expect("one was just pushed").push(binding.contact.clone());
        }
        if groups.is_empty() {
            //= PRX-18
            let status = if self.location().knows(&identifier) { 480 } else { 404 };
            return self.refuse(now, &key, &request, status);
        }
        self.forward(now, key, request, from, mark, groups);
    }

    /// The identifier a request is for; one by this proxy's address is one of its domain.
    fn identifier_of(&self, request: &Message) -> String {
        let Ok(uri) = request.uri() else { return String::new() };
        let key = Location::key_of(&uri).unwrap_or_default();
        match key.split_once('@') {
            Some((user, _)) if forward::is_own_address(&uri, &self.config) => {
                format!("{user}@{}", self.config.domain.to_ascii_lowercase())
            }
            Some(_) | None => key,
        }
    }

    /// Whether a request for another domain may be sent on: only for those who are registered.
    fn may_relay(&self, now: Instant, from: Hop) -> bool {
        self.location().has_contact_at(now, from.address.into())
    }

    fn forward(
        &mut self,
        now: Instant,
        key: ServerKey,
        request: Message,
        from: Hop,
        mark: u64,
        untried: VecDeque<Vec<Uri>>,
    ) {
        let context = Context {
            request,
            from,
            mark,
            branches: Vec::new(),
            untried,
            answered: false,
            cancelled: false,
        };
        self.contexts.insert(key.clone(), context);
        self.try_next(now, &key);
    }

    /// Sends the request to the next group of targets, or answers with the best there is.
    fn try_next(&mut self, now: Instant, key: &ServerKey) {
        let Some(context) = self.contexts.get_mut(key) else { return };
        while let Some(targets) = context.untried.pop_front().filter(|_| !context.cancelled) {
            for target in targets {
                let Some((copy, to)) =
                    forward::copy_for(&context.request, &target, context.from, &self.config)
                else {
                    continue;
                };
                let what = copy.to_string();
                let branch = forward::branch(&mut self.entropy, context.mark);
                let is_invite = *key.method() == Method::Invite;
                let client = self.transactions.request(now, copy, to, branch.clone());
                context
                    .branches
                    .push(Branch::new(client.clone(), is_invite.then(|| now + TIMER_C)));
                self.owners.insert(client, key.clone());
                self.events.push_back(ProxyEvent::Forwarded { what, to, branch });
            }
            if !context.is_settled() {
                return;
            }
        }
        let best = context.best();
        match best {
            Some(best) => self.answer(now, key, best),
            None => {
                let request = context.request.clone();
                self.refuse(now, key, &request, 480);
            }
        }
    }

    fn on_response(&mut self, now: Instant, client: &ClientKey, mut response: Message) {
        let Some(key) = self.owners.get(client).cloned() else { return };
        let Some(context) = self.contexts.get_mut(&key) else { return };
        let was_cancelled = context.cancelled;
        let Some(branch) = context.branch_mut(client) else { return };
        let status = response.status().unwrap_or(0);
        //= CL-INT-10
        //= PRX-21
        response.remove_first(HeaderName::Via);
        if response.via().is_err() {
            return self
                .events
                .push_back(ProxyEvent::Discarded { why: "response with no Via but ours" });
        }
        match status {
            ..200 => {
                branch.provisional = true;
                if branch.patience.is_some() && status > 100 && branch.cancel != Cancel::Sent {
                    branch.patience = Some(now + TIMER_C);
                }
                let keeps = self.misdeeds.does(Misdeed::KeepsTheCancel);
                let cancels =
                    !keeps && branch.cancel == Cancel::Wanted && branch.wants_cancel_now();
                let passes = status > 100 && !context.answered;
                if cancels {
                    self.cancel(now, client);
                }
                //= PRX-20
                if passes {
                    self.transactions.respond(now, &key, &response);
                }
            }
            200..300 if was_cancelled && self.misdeeds.does(Misdeed::SwallowsLateAnswers) => {}
            200..300 => {
                branch.outcome = Some(response.clone());
                branch.patience = None;
                //= PRX-22
                //= TX-25
                self.answer(now, &key, response);
                self.cancel_others(now, &key);
            }
            300.. => self.settle(now, &key, client, response),
        }
    }

    fn on_failure(&mut self, now: Instant, client: &ClientKey, status: u16) {
        let Some(key) = self.owners.get(client).cloned() else { return };
        let Some(context) = self.contexts.get(&key) else { return };
        if client.method == Method::Cancel {
            return;
        }
        if status == 408 && *key.method() != Method::Invite {
            //= TX-20
            //# nobody upstream waits any more
            self.contexts.remove(&key);
            return self.transactions.forget(&key);
        }
        //= PRX-37
        let status = if status == 408 && context.cancelled { 487 } else { status };
        let mut response = Message::response_to(&context.request, status, reason_phrase(status));
        response.set_to_tag(&new_token(&mut self.entropy));
        self.settle(now, &key, client, response);
    }

    /// Notes that a copy failed; when all have, tries other targets or answers.
    fn settle(&mut self, now: Instant, key: &ServerKey, client: &ClientKey, response: Message) {
        let Some(context) = self.contexts.get_mut(key) else { return };
        let declined = response.status().is_some_and(|status| status >= 600);
        if let Some(branch) = context.branch_mut(client) {
            branch.outcome = Some(response);
            branch.patience = None;
        }
        if declined {
            context.untried.clear();
            self.cancel_others(now, key);
        }
        let Some(context) = self.contexts.get(key) else { return };
        if context.is_settled() && !context.answered {
            self.try_next(now, key);
        }
    }

    fn on_cancel(&mut self, now: Instant, key: &ServerKey, cancel: &Message) {
        let invite = key.of_cancelled_invite();
        let Some(context) = self.contexts.get_mut(&invite) else {
            let status = if self.transactions.knows(&invite) { 200 } else { 481 };
            return self.refuse(now, key, cancel, status);
        };
        //= PRX-28
        context.cancelled |= !context.answered;
        context.untried.clear();
        self.refuse(now, key, cancel, 200);
        self.cancel_others(now, &invite);
    }

    /// Cancels every copy of an INVITE that has no final response, as soon as each allows it.
    fn cancel_others(&mut self, now: Instant, key: &ServerKey) {
        //= PRX-23
        if *key.method() != Method::Invite || self.misdeeds.does(Misdeed::KeepsTheCancel) {
            return;
        }
        let Some(context) = self.contexts.get_mut(key) else { return };
        let early = self.misdeeds.does(Misdeed::CancelsIntoSilence);
        let ready: Vec<ClientKey> = context
            .branches
            .iter_mut()
            .filter_map(|branch| {
                branch.provisional |= early;
                branch.wants_cancel_now().then(|| branch.key.clone())
            })
            .collect();
        ready.iter().for_each(|client| self.cancel(now, client));
    }

    fn cancel(&mut self, now: Instant, client: &ClientKey) {
        self.transactions.cancel(now, client);
        let owner = self.owners.get(client).and_then(|key| self.contexts.get_mut(key));
        if let Some(branch) = owner.and_then(|context| context.branch_mut(client)) {
            branch.patience = Some(now + TIMEOUT);
        }
    }

    fn run_timer_c(&mut self, now: Instant) {
        let due = |branch: &&Branch| {
            branch.outcome.is_none() && branch.patience.is_some_and(|at| at <= now)
        };
        let clients: Vec<ClientKey> = self
            .contexts
            .values()
            .flat_map(|context| context.branches.iter().filter(due))
            .map(|branch| branch.key.clone())
            .collect();
        for client in clients {
            let owner = self.owners.get(&client).and_then(|key| self.contexts.get_mut(key));
            let Some(branch) = owner.and_then(|context| context.branch_mut(&client)) else {
                continue;
            };
            branch.patience = None;
            //= PRX-27
            if branch.wants_cancel_now() {
                self.cancel(now, &client);
            } else {
                self.on_failure(now, &client, 408);
            }
        }
    }

    /// An ACK for a 2xx: sent on without state (RFC 3261 16.7, last part).
    fn on_acknowledged(&mut self, now: Instant, mut ack: Message, from: Hop) {
        //= PRX-29
        if ack.max_forwards() == Ok(Some(0)) || forward::runs_in_a_loop(&ack, &self.config) {
            return self.events.push_back(ProxyEvent::Discarded { why: "ACK without hops left" });
        }
        let branch = forward::stateless_branch(&ack);
        let routed_here = forward::take_own_routes(&mut ack, &self.config);
        let Ok(mut uri) = ack.uri().map(|uri| uri.to_owned()) else { return };
        if ack.routes().next().is_none() && forward::is_own_domain(&uri.view(), &self.config) {
            let identifier = self.identifier_of(&ack);
            let contact = self
                .location()
                .contacts(now, &identifier)
                .first()
                .map(|binding| binding.contact.clone());
            let Some(contact) = contact else {
                return self.events.push_back(ProxyEvent::Discarded { why: "ACK for nobody" });
            };
            uri = contact;
        } else if !routed_here && !self.may_relay(now, from) {
            return self.events.push_back(ProxyEvent::Discarded { why: "ACK for a stranger" });
        }
        if let Some((copy, to)) = forward::copy_for(&ack, &uri, from, &self.config) {
            self.transactions.send_acknowledgement(copy, to, &branch);
        }
    }

    /// Sends a final response upstream.
    fn answer(&mut self, now: Instant, key: &ServerKey, response: Message) {
        if let Some(context) = self.contexts.get_mut(key) {
            context.answered = true;
        }
        self.transactions.respond(now, key, &response);
    }

    /// Answers with a response of our own.
    fn respond(&mut self, now: Instant, key: &ServerKey, mut response: Message) {
        response.set_to_tag(&new_token(&mut self.entropy));
        self.transactions.respond(now, key, &response);
    }

    fn refuse(&mut self, now: Instant, key: &ServerKey, request: &Message, status: u16) {
        let mut response = Message::response_to(request, status, reason_phrase(status));
        response.set_to_tag(&new_token(&mut self.entropy));
        self.answer(now, key, response);
    }

    /// Lets go of contexts whose transaction with the caller is over.
    fn forget_contexts(&mut self) {
        let transactions = &self.transactions;
        let hoards = self.misdeeds.does(Misdeed::KeepsCancelledRequests);
        self.contexts
            .retain(|key, context| transactions.knows(key) || (hoards && context.cancelled));
        let contexts = &self.contexts;
        self.owners.retain(|_, key| contexts.contains_key(key));
    }
}
