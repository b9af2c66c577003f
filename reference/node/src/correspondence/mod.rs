//! What every node does as a correspondent of mobile nodes (RFC 6275 §9): return routability,
//! bindings, and the way of packets to and from bound home addresses.
//!
//! It sends nothing itself: a node that is mobile too sends the answers by its own ways.

mod binding_cache;
mod registration;
mod return_routability;

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::address::is_unicast_routable;
use roamproof_wire::ipv6::{HEADER_LEN, Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    BindingError, BindingRefreshRequest, CareOfTest, HomeTest, Message,
};

use crate::entropy::Entropy;
use crate::misdeed::{Misdeed, Misdeeds};
use crate::{Event, Held, Instant, Wakeup};
use binding_cache::{BindingCache, Due, Ends};
use return_routability::ReturnRoutability;

/// The correspondent in a node.
///
/// Inputs are [`on_message`](Self::on_message), [`admits`](Self::admits),
/// [`on_unreachable`](Self::on_unreachable) and [`run`](Self::run); after each, drain
/// [`poll_answer`](Self::poll_answer) and [`poll_event`](Self::poll_event).
#[derive(Debug)]
pub struct Correspondence {
    cache: BindingCache,
    routability: ReturnRoutability,
    errors_left: u32,
    errors_filled_at: Instant,
    answers: VecDeque<Answer>,
    events: VecDeque<CorrespondenceEvent>,
    /// The home address tested last, for who confuses the tests.
    tested: Option<Ipv6Addr>,
    misdeeds: Misdeeds,
}

/// A packet to send. Its addresses are final: no binding changes its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its headers.
    pub outgoing: Outgoing,
    /// The mobility message.
    pub payload: Vec<u8>,
}

/// What happened to a binding, or to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrespondenceEvent {
    /// A binding was made or renewed.
    Bound {
        /// The address of this node that it is for.
        local: Ipv6Addr,
        /// Whose.
        home: Ipv6Addr,
        /// Where packets go now.
        care_of: Ipv6Addr,
        /// For how long.
        lifetime: Duration,
        /// Whether there was none before.
        fresh: bool,
    },
    /// A binding was removed, ran out, or leads nowhere.
    Unbound {
        /// The address of this node that it was for.
        local: Ipv6Addr,
        /// Whose.
        home: Ipv6Addr,
    },
    /// A packet was dropped without an answer.
    Discarded(&'static str),
}

/// Binding Errors at once, and how soon another may follow (RFC 6275 §9.3.3: rate limited).
const ERRORS_MAX: u32 = 10;
const ERROR_EVERY: Duration = Duration::from_millis(100);

impl Correspondence {
    /// A correspondent without bindings, its node key drawn from `entropy`.
    pub fn new(entropy: Entropy, misdeeds: &Misdeeds) -> Self {
        Self {
            cache: BindingCache::default(),
            routability: ReturnRoutability::new(entropy),
            errors_left: ERRORS_MAX,
            errors_filled_at: Instant::ZERO,
            answers: VecDeque::new(),
            events: VecDeque::new(),
            tested: None,
            misdeeds: misdeeds.clone(),
        }
    }

    /// Takes in a mobility message whose checksum is right; `false` where it is none of a
    /// correspondent's. A message of a type that nobody knows is answered here.
    pub fn on_message(&mut self, now: Instant, packet: &Packet<'_>, message: &Message) -> bool {
        match message {
            Message::HomeTestInit(init) => {
                if self.may_be_tested(packet) {
                    let home = packet.header.source;
                    let (index, token) = self.routability.home_token(now, home);
                    self.tested = Some(home);
                    let test = HomeTest::new(index, self.cookie(init.cookie), token);
                    self.answer_test(packet, &Message::HomeTest(test));
                }
            }
            Message::CareOfTestInit(init) => {
                if self.may_be_tested(packet) {
                    let care_of = packet.header.source;
                    let confused = self.misdeeds.does(Misdeed::OneTokenForBothTests)
                        && self.tested == Some(care_of);
                    let (index, token) = if confused {
                        self.routability.home_token(now, care_of)
                    } else {
                        self.routability.care_of_token(now, care_of)
                    };
                    let test = CareOfTest::new(index, self.cookie(init.cookie), token);
                    self.answer_test(packet, &Message::CareOfTest(test));
                }
            }
            Message::BindingUpdate(update) => self.on_update(now, packet, update),
            Message::Unknown { .. } => {
                //= MH-IN-02
                //= MH-IN-04
                if !self.misdeeds.does(Misdeed::SilentToUnknownTypes) {
                    let error = BindingError::unrecognised_mh_type(packet.home_address);
                    self.answer_error(now, packet, error);
                }
            }
            Message::BindingRefreshRequest(_)
            | Message::HomeTest(_)
            | Message::CareOfTest(_)
            | Message::BindingAcknowledgement(_)
            | Message::BindingError(_)
            | Message::BindingLookup(_) => return false,
        }
        true
    }

    /// Whether a packet may be taken as coming from the home address that its Home Address option
    /// names (RFC 6275 §9.3.1); where not, it must be dropped, and its sender is told.
    pub fn admits(&mut self, now: Instant, packet: &Packet<'_>) -> bool {
        let Some(home) = packet.home_address else { return true };
        //= CN-HAO-06
        let proved_by_itself = [protocol::MOBILITY, protocol::ESP, protocol::AH];
        if proved_by_itself.contains(&packet.protocol) {
            return true;
        }
        let ends = Ends { local: packet.destination(), home };
        let bound = self.cache.find(now, ends).map(|binding| binding.care_of);
        let anywhere = self.misdeeds.does(Misdeed::TakesHomeAddressesFromAnywhere);
        if bound == Some(packet.header.source) || (anywhere && bound.is_some()) {
            self.cache.heard(now, ends);
            return true;
        }
        //= CN-HAO-01
        //= CN-HAO-03
        self.answer_error(now, packet, BindingError::unknown_binding(home));
        self.discard("Home Address option without a binding");
        self.misdeeds.does(Misdeed::TakesUnboundHomeAddresses)
    }

    /// Sends a packet on its way: by the care-of address where its destination is bound (RFC 6275
    /// §9.3.2).
    pub fn route(&mut self, now: Instant, outgoing: &mut Outgoing) {
        let ends = Ends { local: outgoing.upper_source(), home: outgoing.destination };
        if let Some(care_of) = self.cache.way(now, ends) {
            //= CN-RH2-01
            outgoing.type_2_routing = Some(ends.home);
            outgoing.destination = care_of;
        }
    }

    /// Where packets between this node's address and a home address go, if it is bound.
    pub fn care_of(&self, now: Instant, local: Ipv6Addr, home: Ipv6Addr) -> Option<Ipv6Addr> {
        self.cache.find(now, Ends { local, home }).map(|binding| binding.care_of)
    }

    /// Takes in that a router could not deliver a packet of this node, quoted from its IPv6 header
    /// on. Persistent failures end a binding (RFC 6275 §9.3.4).
    pub fn on_unreachable(&mut self, now: Instant, quoted: &[u8]) {
        //= CN-RH2-09
        //= CN-RH2-10
        let Some((local, care_of, home)) = quoted_way(quoted) else { return };
        let ends = Ends { local, home };
        if self.cache.complain(now, ends, care_of) && self.cache.unbind(now, ends, None) {
            self.event(CorrespondenceEvent::Unbound { local, home });
        }
    }

    /// Does what is due by now: bindings run out, or are about to and their renewal is asked for.
    pub fn run(&mut self, now: Instant) {
        for due in self.cache.due(now) {
            match due {
                Due::Expired(Ends { local, home }, _) => {
                    self.event(CorrespondenceEvent::Unbound { local, home });
                }
                Due::Ask(Ends { local, home }) => {
                    //= CN-BRR-01
                    let message = Message::BindingRefreshRequest(BindingRefreshRequest::default());
                    let outgoing = Outgoing::new(local, home, protocol::MOBILITY);
                    let payload = message.to_vec(local, home);
                    self.answers.push_back(Answer { outgoing, payload });
                }
            }
        }
    }

    /// When [`run`](Self::run) has something to do.
    pub fn poll_timeout(&self) -> Option<Wakeup> {
        self.cache.poll_timeout()
    }

    /// Counts what is kept.
    pub(crate) fn held(&self, held: &mut Held) {
        self.cache.held(held);
        self.routability.held(held);
    }

    /// The next packet to send.
    pub fn poll_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<CorrespondenceEvent> {
        self.events.pop_front()
    }

    /// Whether a test may be answered: RFC 6275 §9.4.1 and §9.4.2 forbid a Home Address option.
    fn may_be_tested(&mut self, packet: &Packet<'_>) -> bool {
        //= CN-RR-03
        //= CN-RR-04
        //= CN-RR-33
        let from = packet.header.source;
        let by_binding =
            packet.home_address.is_some() && !self.misdeeds.does(Misdeed::AnswersTestsByBinding);
        let plain = !by_binding && is_unicast_routable(from);
        if !plain || packet.destination().is_multicast() {
            self.discard("test init that must not be answered");
            return false;
        }
        true
    }

    /// What of a cookie goes back.
    fn cookie(&self, mut cookie: [u8; 8]) -> [u8; 8] {
        if self.misdeeds.does(Misdeed::AltersCookies) {
            cookie[0] ^= 0x01;
        }
        cookie
    }

    fn answer_test(&mut self, packet: &Packet<'_>, message: &Message) {
        //= CN-RR-01
        //= CN-RR-02
        //= CN-RR-32
        let (from, to) = (packet.destination(), packet.header.source);
        let outgoing = Outgoing::new(from, to, protocol::MOBILITY);
        self.answers.push_back(Answer { outgoing, payload: message.to_vec(from, to) });
    }

    fn answer_error(&mut self, now: Instant, packet: &Packet<'_>, error: BindingError) {
        let (from, to) = (packet.destination(), packet.header.source);
        //= CN-HAO-05
        //= MH-IN-05
        if to.is_multicast() || to.is_unspecified() || from.is_multicast() {
            return;
        }
        //= CN-HAO-10
        //= MH-IN-06
        if !self.may_send_error(now) {
            return;
        }
        let message = Message::BindingError(error);
        let outgoing = Outgoing::new(from, to, protocol::MOBILITY);
        self.answers.push_back(Answer { outgoing, payload: message.to_vec(from, to) });
    }

    fn may_send_error(&mut self, now: Instant) -> bool {
        let earned = (now - self.errors_filled_at).as_nanos() / ERROR_EVERY.as_nanos();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            self.errors_left = self.errors_left.saturating_add(earned).min(ERRORS_MAX);
            self.errors_filled_at = now;
        }
        let may = self.errors_left > 0;
        self.errors_left = self.errors_left.saturating_sub(1);
        may
    }

    fn event(&mut self, event: CorrespondenceEvent) {
        self.events.push_back(event);
    }

    fn discard(&mut self, why: &'static str) {
        self.event(CorrespondenceEvent::Discarded(why));
    }
}

impl From<CorrespondenceEvent> for Event {
    fn from(event: CorrespondenceEvent) -> Self {
        match event {
            CorrespondenceEvent::Bound { home, care_of, lifetime, .. } => {
                let lifetime = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
                Self::Binding { home, care_of, lifetime }
            }
            CorrespondenceEvent::Unbound { home, .. } => {
                Self::Binding { home, care_of: home, lifetime: 0 }
            }
            CorrespondenceEvent::Discarded(why) => Self::Discarded { why },
        }
    }
}

/// From where, to which care-of address and for which home address a quoted packet went; `None`
/// where it went by no type 2 routing header.
fn quoted_way(quoted: &[u8]) -> Option<(Ipv6Addr, Ipv6Addr, Ipv6Addr)> {
    // A router quotes as much as fits: what is left of it is read as a whole packet.
    let mut whole = quoted.to_vec();
    let length = u16::try_from(quoted.len().checked_sub(HEADER_LEN)?).ok()?;
    whole[PAYLOAD_LENGTH..PAYLOAD_LENGTH + 2].copy_from_slice(&length.to_be_bytes());
    let packet = Packet::parse(&whole).ok()?;
    let home = packet.routing?.home_address;
    Some((packet.source(), packet.header.destination, home))
}

/// Where the Payload Length stands in an IPv6 header.
const PAYLOAD_LENGTH: usize = 4;

#[cfg(test)]
mod tests;
