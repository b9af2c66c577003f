//! A user agent: places and takes calls, registers, answers whatever else is asked.
//!
//! An incoming INVITE, re-INVITE or UPDATE with an offer is handed to the owner and **nothing is
//! sent** until the owner says so with [`ring`](Agent::ring), [`answer`](Agent::answer) or
//! [`refuse`](Agent::refuse): that is what lets a mobile terminal optimize its route first.

mod call;
mod incoming;
mod outgoing;
mod registration;
mod requests;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;

use roamproof_wire::WireError;
use roamproof_wire::sdp::SessionDescription;
use roamproof_wire::sip::{Address, HeaderName, Host, Message, Method, Transport, Uri};

use super::routing::Names;
use super::{ClientKey, Hop, TransactionEvent, Transactions, Transmit, new_token};
use crate::entropy::Entropy;
use crate::{Held, Instant, Wakeup};

use call::Call;
pub use call::{CallState, CallTrigger};
use registration::Registration;

/// What a user agent is told when it is made.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// Under which it is called: `sip:mt@example.com`.
    pub identifier: Uri,
    /// Its own address: a mobile terminal's home address.
    pub address: Ipv6Addr,
    /// The port on which it takes messages.
    pub port: u16,
    /// By which it sends requests outside of dialogs and wants to be reached.
    pub transport: Transport,
    /// Where requests outside of dialogs go; without, to the host of their URI.
    pub outbound: Option<(Ipv6Addr, u16)>,
    /// Where it registers, `sip:example.com`; without, it does not.
    pub registrar: Option<Uri>,
    /// For how long it asks to be registered, in seconds.
    pub expires: u32,
    /// Whether an INVITE may be answered with 100 before the owner lets anything out (D1).
    pub early_100: Early100,
    /// Names it can resolve.
    pub names: Names,
}

/// When a 100 leaves for an INVITE that the owner has not let anything out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Early100 {
    /// Never: no response at all before the owner says so.
    #[default]
    Never,
    /// After 200 ms, as RFC 3261 17.2.1 asks.
    Allowed,
    /// At once.
    Required,
}

/// Names a call of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallHandle(pub u32);

/// What an agent tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentEvent {
    /// An INVITE came. Nothing was sent (but see [`Early100`]): ring, answer or refuse.
    IncomingCall {
        /// The new call.
        call: CallHandle,
        /// The INVITE.
        invite: Message,
    },
    /// A re-INVITE or UPDATE with an offer came. Nothing was sent: answer or refuse.
    IncomingOffer {
        /// Which call.
        call: CallHandle,
        /// The request.
        request: Message,
    },
    /// The other side gave up before an answer; it has been told 487.
    Cancelled {
        /// Which call.
        call: CallHandle,
    },
    /// An answer of ours was acknowledged. The ACK may carry the answer to an offer in our 2xx.
    Confirmed {
        /// Which call.
        call: CallHandle,
        /// The ACK.
        ack: Message,
    },
    /// A provisional response other than 100 came.
    Progress {
        /// Which call.
        call: CallHandle,
        /// The response.
        response: Message,
    },
    /// Our call was answered; the ACK has left.
    Answered {
        /// Which call.
        call: CallHandle,
        /// The 2xx.
        response: Message,
    },
    /// Our call ended without an answer.
    Refused {
        /// Which call.
        call: CallHandle,
        /// Why, 408 where nobody answered.
        status: u16,
    },
    /// An offer of ours within a call was answered, or refused with 300 and above.
    OfferAnswered {
        /// Which call.
        call: CallHandle,
        /// The status.
        status: u16,
        /// The final response, `None` where none came.
        response: Option<Message>,
    },
    /// A call that was answered is over.
    Ended {
        /// Which call.
        call: CallHandle,
        /// Why, in a few words.
        why: &'static str,
    },
    /// An OPTIONS of ours was answered, with 408 where nobody did.
    OptionsAnswered {
        /// The status.
        status: u16,
    },
    /// The registrar keeps our contact.
    Registered {
        /// For how many seconds.
        expires: u32,
    },
    /// The registrar does not keep our contact, or keeps it no more; tried again later unless
    /// that was wanted.
    NotRegistered {
        /// The status.
        status: u16,
    },
    /// Octets that are no message were dropped or refused.
    Malformed(WireError),
    /// A message was dropped.
    Discarded {
        /// Why, in a few words.
        why: &'static str,
    },
}

/// A user agent.
///
/// Inputs are [`receive`](Self::receive), [`unreachable`](Self::unreachable),
/// [`handle_timeout`](Self::handle_timeout) and the owner's verbs; after each, drain
/// [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event).
#[derive(Debug)]
pub struct Agent {
    config: AgentConfig,
    entropy: Entropy,
    transactions: Transactions,
    calls: BTreeMap<CallHandle, Call>,
    next_call: u32,
    registration: Registration,
    /// Requests outside of calls that wait for their answer: OPTIONS.
    options: Vec<ClientKey>,
    events: VecDeque<AgentEvent>,
}

impl Agent {
    /// An agent without calls, not registered.
    pub fn new(config: AgentConfig, mut entropy: Entropy) -> Self {
        let layer_entropy = Entropy::new(entropy.next_u64());
        let registration = Registration::new(new_token(&mut entropy), new_token(&mut entropy));
        Self {
            transactions: Transactions::new(config.address, config.port, layer_entropy)
                .of_user_agent(),
            config,
            entropy,
            calls: BTreeMap::new(),
            next_call: 1,
            registration,
            options: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// What it was told when it was made.
    pub const fn config(&self) -> &AgentConfig {
        &self.config
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
        self.run_call_clocks(now);
        self.run_registration_clock(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and why.
    pub fn poll_timeout(&self) -> Option<Wakeup> {
        let calls = self.calls.values().map(Call::wakeup).fold(None, Wakeup::sooner);
        let others = Wakeup::sooner(self.transactions.poll_timeout(), self.registration.wakeup());
        Wakeup::sooner(calls, others)
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        self.transactions.held(held);
        // Those that are over are kept for as long as copies of their requests may come.
        held.in_time("calls", self.calls.len(), None);
        held.in_time("calls that are not over", self.open_calls().count(), None);
        held.in_time("questions", self.options.len(), None);
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transactions.poll_transmit()
    }

    /// The next thing for the owner.
    pub fn poll_event(&mut self) -> Option<AgentEvent> {
        self.events.pop_front()
    }

    /// Where a call stands, `None` where there is none.
    pub fn call_state(&self, call: CallHandle) -> Option<CallState> {
        self.calls.get(&call).map(|call| call.state)
    }

    /// The calls that are not over, the oldest first.
    pub fn open_calls(&self) -> impl Iterator<Item = (CallHandle, CallState)> {
        let open = self.calls.iter().filter(|(_, call)| call.state != CallState::Over);
        open.map(|(handle, call)| (*handle, call.state))
    }

    /// Forgets calls, transactions and the registration, as a power cycle does.
    pub fn restart(&mut self) {
        self.transactions.clear();
        self.calls.clear();
        self.options.clear();
        self.registration =
            Registration::new(new_token(&mut self.entropy), new_token(&mut self.entropy));
    }

    /// Hands what the transactions have to say to whom it concerns.
    fn pump(&mut self, now: Instant) {
        while let Some(event) = self.transactions.poll_event() {
            match event {
                TransactionEvent::Request { key, request, .. } => {
                    self.on_request(now, &key, request)
                }
                TransactionEvent::Acknowledged { ack, .. } => self.on_acknowledged(now, ack),
                TransactionEvent::Response { key, response } => {
                    self.on_response(now, &key, response)
                }
                TransactionEvent::Failed { key, status } => self.on_failure(now, &key, status),
                TransactionEvent::Unacknowledged { .. } => {}
                TransactionEvent::Stray { .. } => {
                    self.events
                        .push_back(AgentEvent::Discarded { why: "response to no request of ours" });
                }
                TransactionEvent::Malformed(error) => {
                    self.events.push_back(AgentEvent::Malformed(error))
                }
            }
        }
    }

    fn on_response(&mut self, now: Instant, key: &ClientKey, response: Message) {
        use roamproof_wire::sip::Fields;
        let status = response.status().unwrap_or(0);
        if self.registration.is_waiting_for(key) {
            return self.on_register_response(now, status, Some(&response));
        }
        if let Some(at) = self.options.iter().position(|waiting| waiting == key) {
            if status >= 200 {
                self.options.remove(at);
                self.events.push_back(AgentEvent::OptionsAnswered { status });
            }
            return;
        }
        self.on_call_response(now, key, response);
    }

    fn on_failure(&mut self, now: Instant, key: &ClientKey, status: u16) {
        if self.registration.is_waiting_for(key) {
            return self.on_register_response(now, status, None);
        }
        if let Some(at) = self.options.iter().position(|waiting| waiting == key) {
            self.options.remove(at);
            return self.events.push_back(AgentEvent::OptionsAnswered { status });
        }
        self.on_call_failure(now, key, status);
    }

    /// A request outside of a dialog, complete but for Via and Contact.
    fn request_outside(&mut self, method: Method, uri: &Uri, to: &Uri) -> Message {
        let from_tag = new_token(&mut self.entropy);
        let call_id = new_token(&mut self.entropy);
        let cseq = self.entropy.below(1000) + 1;
        let mut request = Message::request(method.clone(), uri);
        //= UAC-01
        request.push(HeaderName::MaxForwards, 70);
        let from =
            Address::new(self.config.identifier.clone()).with_parameter("tag", Some(&from_tag));
        request.push(HeaderName::From, from);
        request.push(HeaderName::To, Address::new(to.clone()));
        request.push(HeaderName::CallId, call_id);
        request.push(HeaderName::CSeq, format_args!("{cseq} {method}"));
        request.push(HeaderName::UserAgent, SOFTWARE);
        request
    }

    /// Where a request outside of a dialog for `uri` goes.
    fn hop_outside(&self, uri: &Uri) -> Option<Hop> {
        let transport = self.config.transport;
        match self.config.outbound {
            //= UAC-02
            Some((address, port)) => Some(Hop { transport, address, port }),
            None => super::routing::hop_of_uri(&uri.view(), &self.config.names),
        }
    }

    /// The contact of this agent.
    fn contact(&self) -> Address {
        let identifier = self.config.identifier.view();
        let host = Host::from(self.config.address);
        let port = Some(self.config.port).filter(|&port| port != roamproof_wire::sip::DEFAULT_PORT);
        let uri = Uri::sip(identifier.user, &host, port);
        Address::new(match self.config.transport {
            Transport::Udp => uri,
            Transport::Tcp => uri.with_parameter("transport", Some("tcp")),
        })
    }
}

/// Puts a session description into a message, or says that there is none.
fn set_description(message: &mut Message, description: Option<&SessionDescription>) {
    match description {
        Some(description) => message.set_body(SDP, description.to_vec()),
        None => message.clear_body(),
    }
}

const SDP: &str = "application/sdp";
const SOFTWARE: &str = "roamproof";
/// What it does (RFC 3261 20.5).
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE";
