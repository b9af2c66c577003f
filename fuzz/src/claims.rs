//! What a mobile terminal must not do whatever its right peers do: the claims, as invariants of a
//! sequence of operations.
//!
//! They hold while all peers are right: frames of a fuzzer's own, faults and lost links may make an
//! early response right, so they end the watch.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_harness::tester::template::{innermost, message_in, sip_in};
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::Message;
use roamproof_wire::sip::{Fields, Method};

/// Follows the packets of a terminal, and panics where a claim is broken.
#[derive(Debug)]
pub(crate) struct Watch {
    holds: bool,
    home: Ipv6Addr,
    correspondent: Ipv6Addr,
    /// When the first copy of each INVITE came, by Call-ID.
    invites: BTreeMap<String, Duration>,
    /// Until when the correspondent knows each care-of address.
    bound: BTreeMap<Ipv6Addr, Duration>,
}

impl Watch {
    /// A watch over the terminal with this home address, called by this correspondent.
    pub(crate) fn new(home: Ipv6Addr, correspondent: Ipv6Addr) -> Self {
        Self { holds: true, home, correspondent, invites: BTreeMap::new(), bound: BTreeMap::new() }
    }

    /// From here on nothing is promised.
    pub(crate) const fn end(&mut self) {
        self.holds = false;
    }

    /// A packet reaches the terminal.
    pub(crate) fn comes(&mut self, at: Duration, octets: &[u8]) {
        let Some(packet) = self.packet(octets) else { return };
        if let Some(Message::BindingAcknowledgement(answer)) = message_in(&packet)
            && packet.header.source == self.correspondent
            && answer.status.0 < 128
        {
            let until = at + answer.lifetime.duration();
            self.bound.insert(packet.header.destination, until);
        }
        let Some(message) = sip_in(&innermost(&packet)) else { return };
        if message.method() == Some(Method::Invite)
            && let Ok(call) = message.call_id()
        {
            self.invites.entry(call.to_owned()).or_insert(at);
        }
    }

    /// A packet leaves the terminal.
    ///
    /// # Panics
    ///
    /// Where it breaks a claim.
    pub(crate) fn leaves(&self, at: Duration, octets: &[u8]) {
        let Some(packet) = self.packet(octets) else { return };
        let inner = innermost(&packet);
        let Some(message) = sip_in(&inner) else { return };
        assert_eq!(inner.source(), self.home, "SIP leaves from another address than home");
        if packet.protocol != protocol::IPV6 {
            return;
        }
        let care_of = packet.header.source;
        let text = String::from_utf8_lossy(&message.to_vec()).into_owned();
        assert!(!text.contains(&care_of.to_string()), "the care-of address stands in SIP");
        let is_of_invite = message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        let Some(status) = message.status().filter(|status| is_of_invite && *status < 300) else {
            return;
        };
        let came = message.call_id().ok().and_then(|call| self.invites.get(call));
        let pending = came.is_some_and(|came| at.saturating_sub(*came) < BUDGET);
        let bound = self.bound.get(&care_of).is_some_and(|until| *until > at);
        assert!(!pending || bound, "{status} before the route is optimized");
    }

    fn packet<'a>(&self, octets: &'a [u8]) -> Option<Packet<'a>> {
        if self.holds { Packet::parse(octets).ok() } else { None }
    }
}

/// Decision D6: at 7 s a terminal may respond without optimization, less what a sequence's time is coarse.
const BUDGET: Duration = Duration::from_millis(6900);
