//! The terminal as correspondent of another mobile node (RFC 6275 §9, §11.3.1; CL-RO-29).

use std::net::Ipv6Addr;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::mobility::Message;

use super::MobileTerminal;
use super::binding_update_list::Progress;
use crate::Instant;
use crate::correspondence::{Answer, CorrespondenceEvent};
use crate::misdeed::Misdeed;

impl MobileTerminal {
    /// A message that is none of a mobile node's: a peer is mobile too, or nobody knows the type.
    pub(super) fn on_correspondent_message(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        message: &Message,
    ) {
        //= CL-RO-29
        //# a call that waits holds back SIP, never mobility messages
        if self.does(Misdeed::GatesMobilityByCalls) && self.sessions.is_pending() {
            return;
        }
        if !self.correspondence.on_message(now, packet, message) {
            self.host.discard("mobility message that is not for a terminal");
        }
    }

    /// Whether a packet may be taken as coming from the home address that it names.
    pub(super) fn confirms_home_address(&mut self, now: Instant, packet: &Packet<'_>) -> bool {
        self.correspondence.admits(now, packet)
    }

    /// Does what is due as a correspondent, and sends what comes of it.
    pub(super) fn run_correspondence(&mut self, now: Instant) {
        self.correspondence.run(now);
        while let Some(Answer { outgoing, payload }) = self.correspondence.poll_answer() {
            if outgoing.source != self.config.mobile.home() {
                self.host.send(now, &outgoing, &payload);
                continue;
            }
            //= MN-M2M-01
            //= MN-M2M-02
            //= MN-M2M-03
            //= MN-M2M-05
            //# whatever a mobile correspondent answers goes through its home agent
            let route = self.route_by_home_agent();
            self.carry(now, route, &outgoing, &payload);
        }
        while let Some(event) = self.correspondence.poll_event() {
            if let CorrespondenceEvent::Bound { home, fresh: true, .. } = event {
                self.on_peer_bound(now, home);
            }
            self.host.event(event.into());
        }
    }

    /// A peer has optimized its route to us: where we talk, we do the same.
    fn on_peer_bound(&mut self, now: Instant, peer: Ipv6Addr) {
        let talking = self.phone.as_ref().is_some_and(crate::phone::Phone::is_talking);
        let whereabouts = self.whereabouts(now);
        let bound = self.list.progress(now, peer, &whereabouts) == Progress::Bound;
        //= CL-RO-29
        let lazy = self.does(Misdeed::NeverOptimizesBack);
        if talking && !bound && whereabouts.care_of.is_some() && !lazy {
            let deadline = now + self.config.mobile.budget();
            self.list.want(now, peer, Some(deadline), &mut self.host.entropy);
        }
    }
}
