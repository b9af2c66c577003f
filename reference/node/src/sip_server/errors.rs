//! What the server hears of its own packets: ICMPv6 errors, and mobility messages.

use roamproof_wire::icmpv6::{ErrorMessage, Message as IcmpMessage, Reason};
use roamproof_wire::ipv6::{Outgoing, Packet, Problem, protocol};
use roamproof_wire::mobility::{
    self, BindingError, BindingErrorStatus, BindingLookupView, Message,
};

use super::quoted::{self, Quoted};
use super::server::SipServer;
use crate::Instant;
use crate::host::echo_reply;
use crate::misdeed::Misdeed;
use crate::sip::Hop;

impl SipServer {
    pub(super) fn on_icmp(&mut self, now: Instant, packet: &Packet<'_>) {
        if let Some((outgoing, payload)) = echo_reply(packet) {
            return self.host.send(now, &outgoing, &payload);
        }
        match IcmpMessage::parse(packet) {
            Ok(IcmpMessage::Error(error)) => self.on_icmp_error(now, packet, &error),
            Ok(_) => self.host.discard("ICMPv6 message that needs no answer"),
            Err(error) => self.host.malformed(error),
        }
    }

    /// An ICMPv6 error about a packet of this server's.
    fn on_icmp_error(&mut self, now: Instant, packet: &Packet<'_>, error: &ErrorMessage<'_>) {
        let Some(quoted) = quoted::read(error.quoted, self.address, self.port) else {
            return self.host.discard("ICMPv6 error about nothing that was sent");
        };
        match error.reason {
            Reason::ParameterProblem(problem) if quoted.protocol == protocol::MOBILITY => {
                // The node itself answers so, nobody on the way.
                let known = problem.code == Problem::UNRECOGNIZED_NEXT_HEADER
                    && packet.header.source == quoted.destination;
                if known {
                    let view = BindingLookupView::new(quoted.payload.as_slice()).ok();
                    let transaction = view.map(|view| view.transaction());
                    self.direct.on_not_understood(now, quoted.destination, transaction);
                }
            }
            Reason::DestinationUnreachable { .. } | Reason::ParameterProblem(_) => {
                self.on_undelivered(now, &quoted);
            }
            Reason::PacketTooBig { mtu } => {
                let to = quoted.care_of.unwrap_or(quoted.destination);
                if self.paths.lower(now, to, mtu) {
                    self.ways.on_path_lowered(&quoted);
                }
            }
            Reason::TimeExceeded { .. } => self.host.discard("packet that was too long on its way"),
        }
    }

    fn on_undelivered(&mut self, now: Instant, quoted: &Quoted) {
        let Some(care_of) = quoted.care_of else {
            let Some(message) = &quoted.message else { return };
            let branch = message.branch.as_deref().unwrap_or_default();
            if !self.ways.is_tunnelled(branch) {
                //= TP-14
                self.proxy.unreachable(now, Hop::udp(message.to, message.port));
            }
            return;
        };
        //= CL-DST-11
        //# at once to the home address
        if !self.ways.on_tunnel_error(care_of, quoted) {
            return self.host.discard("ICMPv6 error about nothing on its way");
        }
        if !self.misdeeds.does(Misdeed::NeverFallsBack) {
            self.direct.distrust(quoted.destination, care_of);
        }
    }

    pub(super) fn on_mobility(&mut self, now: Instant, packet: &Packet<'_>) {
        if let Err(error) = mobility::verify(packet.source(), packet.destination(), packet.payload)
        {
            return self.host.malformed(error);
        }
        match Message::parse(packet.payload) {
            Ok(Message::BindingLookup(lookup)) => {
                let home = lookup.home_address.into();
                let registered = self.proxy.location().has_contact_at(now, home);
                self.direct.on_lookup(now, packet, &lookup, registered);
            }
            Ok(Message::BindingError(BindingError { status, .. })) => {
                if status == BindingErrorStatus::UNRECOGNISED_MH_TYPE {
                    self.direct.on_not_understood(now, packet.header.source, None);
                }
            }
            Ok(_) => self.answer_unrecognised(now, packet),
            Err(error) => self.host.malformed(error),
        }
    }

    /// Binding Error, status 2: of the Mobility Header it knows binding lookup alone.
    fn answer_unrecognised(&mut self, now: Instant, packet: &Packet<'_>) {
        let (from, to) = (packet.destination(), packet.header.source);
        if to.is_multicast() || to.is_unspecified() || !self.error_limit.allows(now) {
            return;
        }
        let error = BindingError::unrecognised_mh_type(packet.home_address);
        let octets = Message::BindingError(error).to_vec(from, to);
        self.host.send(now, &Outgoing::new(from, to, protocol::MOBILITY), &octets);
    }
}
