//! ICMPv6 errors that come in: about tests and updates, and about packets too big (RFC 6275
//! §11.3.5, decision D5).

use std::net::Ipv6Addr;

use roamproof_wire::icmpv6::{ErrorMessage, Message, Reason};
use roamproof_wire::ipv6::header::PAYLOAD_LENGTH;
use roamproof_wire::ipv6::{HEADER_LEN, MTU_MIN, Packet, protocol};
use roamproof_wire::mobility::{BindingUpdateView, HeaderView, TestInitView, mh_type};

use super::MobileTerminal;
use super::binding_update_list::Quoted;
use super::movement::Place;
use crate::misdeed::Misdeed;
use crate::{Event, Instant};

impl MobileTerminal {
    /// Takes notice of an error that a program will get too.
    pub(super) fn note_icmp_error(&mut self, now: Instant, packet: &Packet<'_>) {
        if let Ok(Message::Error(error)) = Message::parse(packet) {
            self.on_icmp_error(now, packet, &error);
        }
    }

    pub(super) fn on_icmp_error(
        &mut self,
        now: Instant,
        _packet: &Packet<'_>,
        error: &ErrorMessage<'_>,
    ) {
        let Some(quoted) = whole(error.quoted) else {
            return self.host.discard("ICMPv6 error about nothing that can be read");
        };
        let Ok(quoted) = Packet::parse(&quoted) else {
            return self.host.discard("ICMPv6 error about nothing that can be read");
        };
        match error.reason {
            Reason::PacketTooBig { mtu } => self.on_too_big(&quoted, mtu),
            Reason::ParameterProblem(_) => self.on_parameter_problem(now, &quoted),
            //= MN-ICM-06
            //# tries go on: the network may come back within the budget
            Reason::DestinationUnreachable { .. } | Reason::TimeExceeded { .. } => {
                self.correspondence.on_unreachable(now, error.quoted);
            }
        }
    }

    /// A peer does not know one of our mobility messages: it will not do with Mobile IPv6.
    fn on_parameter_problem(&mut self, now: Instant, quoted: &Packet<'_>) {
        let peer = quoted.destination();
        if self.does(Misdeed::BelievesAnyError) {
            self.list.give_up(now);
        }
        //= CL-RO-11
        //= CL-RO-16
        let about = self.is_ours(quoted).then(|| outstanding(quoted)).flatten();
        if about.is_some_and(|about| self.list.incapable(now, peer, Some(about))) {
            let outcome = "knows no Mobile IPv6";
            return self.host.event(Event::RouteOptimization { peer, outcome });
        }
        self.host.discard("Parameter Problem about nothing outstanding");
    }

    /// A link on the way carries less than we sent.
    fn on_too_big(&mut self, quoted: &Packet<'_>, mtu: u32) {
        if !self.is_ours(quoted) {
            return self.host.discard("Packet Too Big about a packet of someone else");
        }
        let mtu = usize::try_from(mtu).unwrap_or(usize::MAX).max(MTU_MIN);
        let to = quoted.destination();
        if quoted.protocol == protocol::IPV6 && to == self.config.mobile.home_agent {
            //= MN-DAT-16
            self.home_agent_mtu = self.home_agent_mtu.min(mtu);
            let inner_mtu = mtu.saturating_sub(HEADER_LEN).max(MTU_MIN);
            if self.config.mobile.lends && quoted.payload.len() > inner_mtu {
                self.tell_local_too_big(quoted.payload, inner_mtu);
            }
            return;
        }
        if let Some(peer) = self.list.get_mut(to) {
            //= MN-DAT-17
            peer.path_mtu = peer.path_mtu.min(mtu);
        }
    }

    /// Whether a quoted packet is from one of the terminal's addresses.
    fn is_ours(&self, quoted: &Packet<'_>) -> bool {
        let source: Ipv6Addr = quoted.header.source;
        source == self.config.mobile.home() || self.place == Place::Away(source)
    }
}

/// Which outstanding message a quoted packet is.
fn outstanding(quoted: &Packet<'_>) -> Option<Quoted> {
    if quoted.protocol != protocol::MOBILITY {
        return None;
    }
    match HeaderView::new(quoted.payload).ok()?.mh_type() {
        mh_type::HOME_TEST_INIT => {
            Some(Quoted::HomeTestInit(TestInitView::new(quoted.payload).ok()?.cookie()))
        }
        mh_type::CARE_OF_TEST_INIT => {
            Some(Quoted::CareOfTestInit(TestInitView::new(quoted.payload).ok()?.cookie()))
        }
        mh_type::BINDING_UPDATE => {
            Some(Quoted::Update(BindingUpdateView::new(quoted.payload).ok()?.sequence()))
        }
        _ => None,
    }
}

/// What an error quotes, its Payload Length made that of the part that is there.
fn whole(quoted: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(quoted.len().checked_sub(HEADER_LEN)?).ok()?;
    let mut octets = quoted.to_vec();
    let field = octets.get_mut(PAYLOAD_LENGTH..PAYLOAD_LENGTH + 2)?;
    let promised = u16::from_be_bytes([field[0], field[1]]);
    field.copy_from_slice(&promised.min(length).to_be_bytes());
    Some(octets)
}
