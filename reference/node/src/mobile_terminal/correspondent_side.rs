//! The terminal as correspondent of another mobile node (RFC 6275 §9, §11.3.1).

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{BindingError, Message};

use super::MobileTerminal;
use crate::Instant;
use crate::upper::UpperPacket;

impl MobileTerminal {
    pub(super) fn on_correspondent_message(
        &mut self,
        _now: Instant,
        _packet: &Packet<'_>,
        _message: &Message,
    ) {
        self.host.discard("message for a correspondent");
    }

    /// Whether a Home Address option comes from a peer with a binding here.
    pub(super) fn confirms_home_address(&mut self, now: Instant, packet: &Packet<'_>) -> bool {
        let home = packet.home_address.unwrap_or(packet.header.source);
        self.send_binding_error(now, packet, BindingError::unknown_binding(home));
        false
    }

    /// Answers a packet with a Binding Error, to where it came from (RFC 6275 §9.3.3).
    pub(super) fn send_binding_error(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        error: BindingError,
    ) {
        let (from, to) = (packet.destination(), packet.header.source);
        let payload = Message::BindingError(error).to_vec(from, to);
        if from == self.config.mobile.home() {
            //= MN-M2M-05
            let protocol = protocol::MOBILITY;
            let upper = UpperPacket { source: from, destination: to, protocol, payload };
            return self.send_by_home_agent(now, upper);
        }
        self.host.send(now, &Outgoing::new(from, to, protocol::MOBILITY), &payload);
    }
}
