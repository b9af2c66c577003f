//! What a mobile terminal must not do whatever its right peers do: the claims, as invariants of a
//! sequence of operations.
//!
//! They hold while all peers are right: frames of a fuzzer's own and faults in those of peers may make an
//! early response right, so they end the watch.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{
    BindingAcknowledgement, BindingUpdate, Lifetime, Message, Sequence,
};
use roamproof_wire::rtp::{RtpHeader, RtpView};
use roamproof_wire::sip::{DEFAULT_PORT, Fields, Message as SipMessage, Method};
use roamproof_wire::udp::Udp;

use crate::reading::Reading;

/// Follows the packets of a terminal, and panics where a claim is broken.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    holds: bool,
    home: Ipv6Addr,
    correspondent: Ipv6Addr,
    /// When the first copy of each INVITE came that has no response yet, by Call-ID.
    invites: BTreeMap<String, Duration>,
    /// Calls whose INVITE came.
    calls: BTreeSet<String>,
    /// Updates to the correspondent that it has not acknowledged.
    asked: Vec<Asked>,
    /// The care-of address that the correspondent knows for certain, and until when.
    bound: Option<(Ipv6Addr, Duration)>,
    /// Whether something has happened since: it may answer on that binding, and need not trust it.
    shaken: bool,
}

/// A Binding Update to the correspondent.
#[derive(Debug, Clone)]
struct Asked {
    at: Duration,
    care_of: Ipv6Addr,
    sequence: Sequence,
    lifetime: Lifetime,
    /// Whether a Binding Error came since: the terminal may let go of it, or know that it is newer.
    shaken: bool,
}

impl Watch {
    /// A watch over the terminal with this home address, called by this correspondent.
    pub(crate) const fn new(home: Ipv6Addr, correspondent: Ipv6Addr) -> Self {
        Self {
            holds: true,
            home,
            correspondent,
            invites: BTreeMap::new(),
            calls: BTreeSet::new(),
            asked: Vec::new(),
            bound: None,
            shaken: false,
        }
    }

    /// The terminal's link comes or goes: what is under way does not arrive any more.
    pub(crate) fn detached(&mut self) {
        self.asked.clear();
        self.shaken = true;
    }

    /// From here on nothing is promised.
    pub(crate) const fn end(&mut self) {
        self.holds = false;
    }

    /// A packet reaches the terminal.
    pub(crate) fn comes(&mut self, at: Duration, reading: &Reading<'_>) {
        if !self.holds {
            return;
        }
        let packet = &reading.packet;
        if packet.header.source == self.correspondent {
            match reading.message() {
                Some(Message::BindingAcknowledgement(answer)) => {
                    self.acknowledged(at, packet.header.destination, answer);
                }
                Some(Message::BindingError(_)) => {
                    self.bound = None;
                    self.asked.iter_mut().for_each(|one| one.shaken = true);
                }
                Some(_) | None => {}
            }
        }
        if reading.may_say(b"INVITE ")
            && let Some(message) = reading.sip()
            && message.method() == Some(Method::Invite)
            && let Ok(call) = message.call_id()
            && self.calls.insert(call.to_owned())
        {
            self.invites.insert(call.to_owned(), at);
        }
    }

    /// A packet leaves the terminal.
    ///
    /// # Panics
    ///
    /// Where it breaks a claim.
    pub(crate) fn leaves(&mut self, at: Duration, reading: &Reading<'_>) {
        if !self.holds {
            return;
        }
        let Reading { packet, inner, .. } = reading;
        if packet.header.destination == self.correspondent
            && let Some(Message::BindingUpdate(update)) = reading.message()
        {
            return self.asks(at, packet.header.source, update);
        }
        let tunnelled = packet.protocol == protocol::IPV6;
        if tunnelled && inner.destination() == self.correspondent && is_media(inner) {
            let by_home_agent = !self.shaken && self.is_bound(at, packet.header.source);
            assert!(!by_home_agent, "media through the home agent while a binding stands");
        }
        if let Some(message) = reading.sip() {
            assert_eq!(inner.source(), self.home, "SIP leaves from another address than home");
            if packet.header.source != self.home {
                self.responds(at, packet.header.source, message);
            }
        }
    }

    fn asks(&mut self, at: Duration, care_of: Ipv6Addr, update: &BindingUpdate) {
        let BindingUpdate { sequence, lifetime, .. } = *update;
        // Whether the correspondent takes it or not, nobody knows until it answers.
        self.bound = self.bound.filter(|one| lifetime != Lifetime::ZERO && one.0 == care_of);
        // Nor does an answer count to what was asked from another place.
        self.asked.retain(|one| one.care_of == care_of);
        self.asked.push(Asked { at, care_of, sequence, lifetime, shaken: false });
    }

    fn acknowledged(&mut self, at: Duration, care_of: Ipv6Addr, answer: &BindingAcknowledgement) {
        let late = self.asked.last().is_some_and(|newest| at > newest.at + IN_TIME);
        let answers = |asked: &Asked| (asked.care_of, asked.sequence) == (care_of, answer.sequence);
        let Some(Asked { at: asked_at, lifetime, shaken, .. }) =
            self.asked.iter().find(|one| answers(one))
        else {
            return;
        };
        if answer.status.is_refusal() {
            self.bound = self.bound.filter(|one| one.0 != care_of);
        } else {
            let granted = answer.lifetime.min(*lifetime).duration();
            self.bound = Some((care_of, *asked_at + granted));
            self.shaken = *shaken || late;
        }
        self.asked.clear();
    }

    /// A SIP message leaves from `care_of`, in the tunnel or by the binding.
    fn responds(&mut self, at: Duration, care_of: Ipv6Addr, message: &SipMessage) {
        let text = String::from_utf8_lossy(&message.to_vec()).into_owned();
        assert!(!text.contains(&care_of.to_string()), "the care-of address stands in SIP");
        let is_of_invite = message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        let Some(status) = message.status().filter(|status| is_of_invite && *status < 300) else {
            return;
        };
        // The first response is what waits; later ones may come from a place that is not optimized yet.
        let came = message.call_id().ok().and_then(|call| self.invites.remove(call));
        let pending = came.is_some_and(|came| at.saturating_sub(came) < BUDGET);
        assert!(!pending || self.is_bound(at, care_of), "{status} before the route is optimized");
    }

    fn is_bound(&self, at: Duration, care_of: Ipv6Addr) -> bool {
        self.bound.is_some_and(|(bound, until)| bound == care_of && until > at)
    }
}

/// Whether a packet carries media: RTP on no port of SIP's.
pub(crate) fn is_media(packet: &Packet<'_>) -> bool {
    if packet.protocol != protocol::UDP || packet.piece().is_some() {
        return false;
    }
    let Ok(datagram) = Udp::parse(packet.source(), packet.destination(), packet.payload) else {
        return false;
    };
    let by_sip = [datagram.source_port, datagram.destination_port].contains(&DEFAULT_PORT);
    !by_sip && RtpView::new(datagram.payload).is_ok_and(|view| RtpHeader::parse(view).is_ok())
}

/// How soon after its last update a terminal certainly waits for the answer (RFC 6275 §12,
/// INITIAL_BINDACK_TIMEOUT): later it may have given up, or have lost the tokens.
pub(crate) const IN_TIME: Duration = Duration::from_secs(1);
/// Decision D6: at 7 s a terminal may respond without optimization, less what a sequence's time is coarse.
const BUDGET: Duration = Duration::from_millis(6900);
