//! The address lent to ordinary programs: their packets go out and come in by the bindings beneath,
//! and they see none of it.

use roamproof_wire::ipv6::{HEADER_LEN, Header, Outgoing, Packet, protocol};

use super::Correspondent;
use crate::Instant;

impl Correspondent {
    /// A program on this node's host sent a packet.
    pub(super) fn on_local(&mut self, now: Instant, packet: &[u8]) {
        if !self.config.lends {
            return self.host.discard("this correspondent lends no address");
        }
        let header = match Header::parse(packet) {
            Ok(header) => header,
            Err(error) => return self.host.malformed(error),
        };
        let length = HEADER_LEN + usize::from(header.payload_length);
        let Some(payload) = packet.get(HEADER_LEN..length) else {
            return self.host.discard("packet of a program that is cut short");
        };
        let own = [self.config.address, self.config.media_address()].contains(&header.source);
        let far = !header.destination.is_multicast()
            && !header.destination.is_unicast_link_local()
            && !header.destination.is_unspecified();
        if !own || !far {
            // The kernel's own neighbour discovery and group reports on the lent device, mostly.
            return self.host.discard("packet of a program that does not leave its host");
        }
        let mut outgoing = Outgoing {
            traffic_class: header.traffic_class,
            flow_label: header.flow_label,
            hop_limit: header.hop_limit,
            ..Outgoing::new(header.source, header.destination, header.next_header)
        };
        // Hop-by-hop options must stay in front (RFC 8200 §4.1): such a packet goes by home.
        if header.next_header != protocol::HOP_BY_HOP {
            self.correspondence.route(now, &mut outgoing);
        }
        self.host.send(now, &outgoing, payload);
    }

    /// Hands a packet to the programs as if it had come from the home address.
    pub(super) fn lend(&mut self, packet: &Packet<'_>) {
        if packet.destination().is_multicast() {
            return;
        }
        let outgoing = Outgoing {
            traffic_class: packet.header.traffic_class,
            flow_label: packet.header.flow_label,
            hop_limit: packet.header.hop_limit,
            ..Outgoing::new(packet.source(), packet.destination(), packet.protocol)
        };
        self.host.deliver(outgoing.to_vec(packet.payload));
    }
}

/// Whether an ICMPv6 error about this packet is for the programs: not about mobility messages, and
/// not about packets that they would not recognize.
pub(super) fn concerns_programs(quoted: &[u8]) -> bool {
    Header::parse(quoted).is_ok_and(|header| {
        !matches!(header.next_header, protocol::MOBILITY | protocol::ROUTING | protocol::IPV6)
    })
}
