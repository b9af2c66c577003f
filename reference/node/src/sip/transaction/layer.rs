//! All transactions of one element: matches messages to them and keeps their clocks.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;

use roamproof_wire::WireError;
use roamproof_wire::sip::{Fields, Host, Message, MessageView, Method, Via, reason_phrase};

use super::client::{Client, cancellation};
use super::key::{ClientKey, ServerKey};
use super::server::Server;
use crate::entropy::Entropy;
use crate::sip::{Hop, Transmit, TransmitKind, new_token, routing};
use crate::{Held, Instant, Wakeup};

/// The transactions of one element.
///
/// Messages and time go in by [`receive`](Self::receive) and
/// [`handle_timeout`](Self::handle_timeout), what concerns the user comes out of
/// [`poll_event`](Self::poll_event), what is to be sent out of
/// [`poll_transmit`](Self::poll_transmit).
#[derive(Debug)]
pub struct Transactions {
    address: Ipv6Addr,
    port: u16,
    /// Whether responses end here, and are not passed on.
    ends_here: bool,
    entropy: Entropy,
    clients: BTreeMap<ClientKey, Client>,
    servers: BTreeMap<ServerKey, Server>,
    sent: Vec<Transmit>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<TransactionEvent>,
}

/// What a user of transactions hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionEvent {
    /// A request came for the first time; its topmost Via says where it came from.
    Request {
        /// To be answered under this key.
        key: ServerKey,
        /// The request.
        request: Message,
        /// Where it came from.
        from: Hop,
    },
    /// An ACK that no transaction absorbs: for a 2xx, or for nothing.
    Acknowledged {
        /// The ACK.
        ack: Message,
        /// Where it came from.
        from: Hop,
    },
    /// A response to a request of ours.
    Response {
        /// Which request.
        key: ClientKey,
        /// The response, our Via on top.
        response: Message,
    },
    /// A request of ours got no final response: to be treated as 408 where nobody answered, as
    /// 503 where nobody could be reached.
    Failed {
        /// Which request.
        key: ClientKey,
        /// 408 or 503.
        status: u16,
    },
    /// A refusal of ours was never acknowledged.
    Unacknowledged {
        /// Which request.
        key: ServerKey,
    },
    /// A response that answers no request of ours.
    Stray {
        /// The response.
        response: Message,
    },
    /// Octets that are no message; a request among them was refused with 400.
    Malformed(WireError),
}

impl Transactions {
    /// No transactions, of an element that can be reached at `address` and `port`.
    pub const fn new(address: Ipv6Addr, port: u16, entropy: Entropy) -> Self {
        Self {
            address,
            port,
            ends_here: false,
            entropy,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            sent: Vec::new(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Those of a user agent: a response that somebody else is to have too answers none of them.
    pub const fn of_user_agent(mut self) -> Self {
        self.ends_here = true;
        self
    }

    /// Takes in one message: a datagram, or what a
    /// [`StreamReader`](roamproof_wire::sip::StreamReader) cut out of a stream, broken heads
    /// included.
    pub fn receive(&mut self, now: Instant, from: Hop, octets: &[u8]) {
        match Message::parse(octets) {
            Ok(message) if message.is_request() => self.receive_request(now, from, message),
            Ok(message) => self.receive_response(now, message),
            Err(error) => self.refuse_malformed(from, octets, error),
        }
        self.flush();
    }

    /// Sends `request`, which has no Via of ours yet, to `to` under `branch`.
    pub fn request(
        &mut self,
        now: Instant,
        request: Message,
        to: Hop,
        branch: String,
    ) -> ClientKey {
        let via = self.via(to, branch);
        let (key, client) = Client::start(now, request, to, via, &mut self.sent);
        self.clients.insert(key.clone(), client);
        self.flush();
        key
    }

    /// Sends a CANCEL for the INVITE under `key`, on the same way and branch; `None` where that
    /// is over. Only after a provisional response (RFC 3261 9.1), which is for the caller to see.
    pub fn cancel(&mut self, now: Instant, key: &ClientKey) -> Option<ClientKey> {
        let invite = self.clients.get(key).filter(|invite| invite.is_open())?;
        let cancel = cancellation(invite.request());
        let (via, to) = (invite.via().clone(), invite.to());
        let (key, client) = Client::start(now, cancel, to, via, &mut self.sent);
        self.clients.insert(key.clone(), client);
        self.flush();
        Some(key)
    }

    /// Sends a request that has no transaction: an ACK for a 2xx. The Via is added here.
    pub fn send_acknowledgement(&mut self, mut ack: Message, to: Hop, branch: &str) -> Transmit {
        let via = self.via(to, branch.to_owned());
        ack.insert_first(roamproof_wire::sip::HeaderName::Via, &via);
        ack.set_content_length();
        let kind = TransmitKind::Request { branch: branch.to_owned(), copy: 0 };
        let transmit = Transmit { to, fallback: None, kind, octets: ack.to_vec() };
        self.transmits.push_back(transmit.clone());
        transmit
    }

    /// Sends again what was sent before.
    pub fn send_again(&mut self, transmit: Transmit) {
        self.transmits.push_back(transmit);
    }

    /// Answers the request under `key`; whether it could still be answered so.
    pub fn respond(&mut self, now: Instant, key: &ServerKey, response: &Message) -> bool {
        let Some(server) = self.servers.get_mut(key) else { return false };
        let answered = server.respond(now, response, &mut self.sent);
        self.flush();
        answered
    }

    /// Lets go of the request under `key`, which will never be answered.
    pub fn forget(&mut self, key: &ServerKey) {
        self.servers.remove(key);
    }

    /// Whether the request under `key` is known and has no final response yet.
    pub fn is_open(&self, key: &ServerKey) -> bool {
        self.servers.get(key).is_some_and(Server::is_open)
    }

    /// Whether the request under `key` is known.
    pub fn knows(&self, key: &ServerKey) -> bool {
        self.servers.contains_key(key)
    }

    /// The request of ours under `key` as it was sent, and where.
    pub fn sent_request(&self, key: &ClientKey) -> Option<(&Message, Hop)> {
        self.clients.get(key).map(|client| (client.request(), client.to()))
    }

    /// Takes in that nothing can be sent to `to`: an ICMPv6 error.
    pub fn unreachable(&mut self, now: Instant, to: Hop) {
        self.fail(now, |_, client| client.to() == to);
    }

    /// Takes in that a message did not get to its hop: a refused connection.
    pub fn unsent(&mut self, now: Instant, transmit: &Transmit) {
        let TransmitKind::Request { branch, .. } = &transmit.kind else { return };
        self.fail(now, |key, client| key.branch == *branch && client.to() == transmit.to);
    }

    fn fail(&mut self, now: Instant, concerns: impl Fn(&ClientKey, &Client) -> bool) {
        //= TP-14
        let concerned = self.clients.iter_mut().filter(|(key, client)| concerns(key, client));
        for (key, client) in concerned {
            if client.unreachable(now, &mut self.sent) {
                self.events.push_back(TransactionEvent::Failed { key: key.clone(), status: 503 });
            }
        }
        self.flush();
    }

    /// Does everything that is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        for (key, client) in &mut self.clients {
            if client.timeout(now, &mut self.sent) {
                self.events.push_back(TransactionEvent::Failed { key: key.clone(), status: 408 });
            }
        }
        for (key, server) in &mut self.servers {
            if server.timeout(now, &mut self.sent) {
                self.events.push_back(TransactionEvent::Unacknowledged { key: key.clone() });
            }
        }
        self.flush();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and why.
    pub fn poll_timeout(&self) -> Option<Wakeup> {
        let clients = self.clients.values().map(Client::wakeup);
        clients.chain(self.servers.values().map(Server::wakeup)).fold(None, Wakeup::sooner)
    }

    /// The next thing to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next thing for the user.
    pub fn poll_event(&mut self) -> Option<TransactionEvent> {
        self.events.pop_front()
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        // Requests of its own are as many as its user makes.
        held.in_time("client transactions", self.clients.len(), None);
        held.in_time("server transactions", self.servers.len(), SERVERS_MAX);
    }

    /// How many transactions are kept.
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Whether no transaction is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything, as a power cycle does.
    pub fn clear(&mut self) {
        self.clients.clear();
        self.servers.clear();
        self.events.clear();
    }

    fn receive_request(&mut self, now: Instant, from: Hop, mut request: Message) {
        routing::mark_received(&mut request, from);
        let Ok(key) = ServerKey::of_request(&request) else { return };
        let is_ack = request.method() == Some(Method::Ack);
        let full = self.servers.len() >= SERVERS_MAX;
        match self.servers.get_mut(&key) {
            Some(server) if is_ack => {
                if server.acknowledged(now, &mut self.sent) {
                    self.events.push_back(TransactionEvent::Acknowledged { ack: request, from });
                }
            }
            Some(server) => server.copy(now, &mut self.sent),
            None if is_ack => {
                self.events.push_back(TransactionEvent::Acknowledged { ack: request, from })
            }
            None if !request.version().eq_ignore_ascii_case(b"SIP/2.0") => {
                //= PAR-07
                self.refuse(from, &request, 505);
            }
            None if full => self.refuse(from, &request, 503),
            None => {
                self.servers.insert(key.clone(), Server::new(&request, from));
                self.events.push_back(TransactionEvent::Request { key, request, from });
            }
        }
    }

    fn receive_response(&mut self, now: Instant, response: Message) {
        let Ok(key) = ClientKey::of_response(&response) else { return };
        //= TP-08
        //# a response whose topmost Via is not ours is dropped
        let ours = response.via().is_ok_and(|via| {
            via.host.address() == Some(self.address.into()) && via.effective_port() == self.port
        });
        //= TP-09
        //# before its transaction takes it for an answer, which would leave the user without one
        let for_us = ours && !(self.ends_here && response.vias().count() > 1);
        match self.clients.get_mut(&key) {
            Some(client) if for_us => {
                if client.response(now, &response, &mut self.sent) {
                    self.events.push_back(TransactionEvent::Response { key, response });
                }
            }
            Some(_) | None => self.events.push_back(TransactionEvent::Stray { response }),
        }
    }

    /// Refuses a request that cannot be read, where enough of it can be to answer.
    fn refuse_malformed(&mut self, from: Hop, octets: &[u8], error: WireError) {
        self.events.push_back(TransactionEvent::Malformed(error));
        let Ok(view) = MessageView::read(octets) else { return };
        let answerable = view.is_request()
            && view.method() != Some(Method::Ack)
            && view.via().is_ok()
            && view.header(roamproof_wire::sip::HeaderName::From).is_some()
            && view.header(roamproof_wire::sip::HeaderName::CallId).is_some();
        if answerable {
            //= PAR-08
            let mut request = Message::from_view(&view);
            routing::mark_received(&mut request, from);
            self.refuse(from, &request, 400);
        }
    }

    fn refuse(&mut self, from: Hop, request: &Message, status: u16) {
        let mut response = Message::response_to(request, status, reason_phrase(status));
        response.set_to_tag(&new_token(&mut self.entropy));
        let (to, fallback) = routing::response_hops(request, from);
        let octets = response.to_vec();
        self.transmits.push_back(Transmit { to, fallback, kind: TransmitKind::Response, octets });
    }

    fn via(&self, to: Hop, branch: String) -> Via {
        let host = Host::from(self.address);
        let port = Some(self.port).filter(|&port| port != roamproof_wire::sip::DEFAULT_PORT);
        //= TP-03
        Via { transport: to.transport, host, port, branch, rport: !to.transport.is_reliable() }
    }

    fn flush(&mut self) {
        self.transmits.extend(self.sent.drain(..));
        self.clients.retain(|_, client| !client.is_over());
        self.servers.retain(|_, server| !server.is_over());
    }
}

/// The most requests kept at a time; more are refused with 503.
const SERVERS_MAX: usize = 20_000;
