//! What the terminal does wrong with SIP when it is told to (see [`crate::misdeed`]): the deeds that
//! are more than one condition in the right place.

use std::net::{IpAddr, Ipv6Addr};

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::sdp::ConnectionAddress;
use roamproof_wire::sip::{Fields, HeaderName, Message, Method, Uri};
use roamproof_wire::udp::{self, Udp};

use super::MobileTerminal;
use super::optimization::{Optimization, Trigger};
use super::targets::{Targets, description_in};
use crate::Instant;
use crate::entropy::Entropy;
use crate::misdeed::Misdeed;
use crate::phone::Phone;
use crate::upper::UpperPacket;

/// A request kept from the telephone for a while.
#[derive(Debug)]
pub(super) struct Detained {
    upper: UpperPacket,
    peers: Vec<Ipv6Addr>,
    until: Instant,
}

impl MobileTerminal {
    pub(super) fn does(&self, misdeed: Misdeed) -> bool {
        self.misdeeds.does(misdeed)
    }

    /// What an INVITE's targets are to a terminal that picks them wrongly.
    pub(super) fn mistaken_targets(&self, invite: &Message, targets: Targets) -> Targets {
        if !self.misdeeds.any() {
            return targets;
        }
        let literal = |host: roamproof_wire::sip::HostView<'_>| match host.address() {
            Some(IpAddr::V6(address)) => Some(address),
            Some(IpAddr::V4(_)) | None => None,
        };
        let contact = || {
            let contact = invite.contact().ok().flatten();
            contact.and_then(|contact| literal(contact.uri.host)).into_iter().collect()
        };
        let via = || {
            let last = invite.vias().filter_map(Result::ok).last();
            last.and_then(|via| literal(via.host)).into_iter().collect()
        };
        let with = |peers| Targets { peers, unreachable: targets.unreachable };
        match description_in(invite) {
            _ if self.does(Misdeed::NeverOptimizes) => with(Vec::new()),
            Some(_) if self.does(Misdeed::OptimizesContact) => with(contact()),
            Some(_) if self.does(Misdeed::OptimizesVia) => with(via()),
            Some(offer) if self.does(Misdeed::OptimizesSessionAddress) => {
                let session = offer.view().connection().ok().flatten();
                with(session.and_then(|address| address.ipv6()).into_iter().collect())
            }
            Some(_) if self.does(Misdeed::OptimizesFirstAddressOnly) => {
                with(targets.peers.into_iter().take(1).collect())
            }
            None if self.does(Misdeed::NoOptimizationWithoutOffer) => with(Vec::new()),
            None if self.does(Misdeed::OptimizesViaWithoutOffer) => with(via()),
            Some(_) | None => targets,
        }
    }

    /// Interferes with a packet for the telephone; true where the telephone does not get it.
    pub(super) fn meddles_with_incoming(&mut self, now: Instant, packet: &Packet<'_>) -> bool {
        if packet.protocol != protocol::UDP || !self.misdeeds.any() {
            return false;
        }
        let (source, destination) = (packet.source(), packet.destination());
        let Ok(datagram) = Udp::parse(source, destination, packet.payload) else { return false };
        let Ok(request) = Message::parse(datagram.payload) else { return false };
        let upper = || UpperPacket {
            source,
            destination,
            protocol: protocol::UDP,
            payload: packet.payload.to_vec(),
        };
        let begins = request.to().is_ok_and(|to| to.tag().is_none());
        match request.method() {
            Some(Method::Invite) if begins => self.meddles_with_invite(now, &request, upper()),
            Some(Method::Cancel) => self.does(Misdeed::AnswersCancelledCall),
            Some(Method::Options | Method::Bye) if self.sessions.is_pending() => {
                if self.does(Misdeed::AbortsOptimizationOnOptions) {
                    self.list.give_up(now);
                }
                let late = self.does(Misdeed::AnswersOptionsLate);
                if late {
                    let until = now + self.config.mobile.budget();
                    self.detained.push(Detained { upper: upper(), peers: Vec::new(), until });
                }
                late
            }
            _ => false,
        }
    }

    fn meddles_with_invite(&mut self, now: Instant, invite: &Message, upper: UpperPacket) -> bool {
        let call_id = invite.call_id().unwrap_or_default().to_owned();
        let copy = self.invites_seen.contains(&call_id);
        if !copy {
            self.invites_seen.push(call_id);
        }
        if copy && self.does(Misdeed::RepeatsReturnRoutability) {
            self.list.begin_again(now);
        }
        if copy && self.does(Misdeed::RefusesCopy) {
            let mut response = Message::response_to(invite, 482, "Loop Detected");
            response.set_to_tag("c0ffee");
            self.send_message(now, &response, upper.source);
        }
        if copy && self.does(Misdeed::MakesTwoCalls) {
            let twin = edited(&upper, |invite| {
                let from = invite.header(HeaderName::From).map(|from| from.value.to_vec());
                let from = String::from_utf8(from.unwrap_or_default()).unwrap_or_default();
                invite.replace(HeaderName::From, from.replace("tag=", "tag=2"));
                let via = invite.header(HeaderName::Via).map(|via| via.value.to_vec());
                let via = String::from_utf8(via.unwrap_or_default()).unwrap_or_default();
                invite.replace_first(
                    HeaderName::Via,
                    via.replace("branch=z9hG4bK", "branch=z9hG4bK2"),
                );
            });
            self.give_to_phone(now, &twin);
        }
        if self.does(Misdeed::OptimizesAnyAddress) {
            self.want_any_address(now, invite);
        }
        if self.does(Misdeed::DropsEarlyInvite) && !self.home.is_complete() {
            return true;
        }
        if self.does(Misdeed::OptimizesBeforeRefusing) && !copy {
            let peers = Targets::of_invite(invite, &[]).peers;
            let until = now + self.config.mobile.budget();
            for peer in &peers {
                self.list.want(now, *peer, Some(until), &mut self.host.entropy);
            }
            self.detained.push(Detained { upper, peers, until });
            return true;
        }
        false
    }

    /// Wants the route to each address of an offer, whatever it is: IPv4 by its mapped form.
    fn want_any_address(&mut self, now: Instant, invite: &Message) {
        let offer = description_in(invite);
        let addresses = offer.map(|offer| offer.media_addresses()).unwrap_or_default();
        let until = now + self.config.mobile.budget();
        for address in addresses {
            let peer = match address {
                ConnectionAddress::Ipv6(address) => address,
                ConnectionAddress::Ipv4(address) | ConnectionAddress::Mapped(address) => {
                    address.to_ipv6_mapped()
                }
                ConnectionAddress::Unspecified => Ipv6Addr::UNSPECIFIED,
                ConnectionAddress::Name(_) => continue,
            };
            self.list.want(now, peer, Some(until), &mut self.host.entropy);
        }
    }

    /// Lets go of what was detained once it has been late enough.
    pub(super) fn let_detained_go(&mut self, now: Instant) {
        if self.detained.is_empty() {
            return;
        }
        let waits_for_calls = self.sessions.is_pending();
        let list = &self.list;
        let due = |one: &Detained| {
            let under_way =
                |peer: &Ipv6Addr| list.get(*peer).is_some_and(|peer| peer.state.is_under_way());
            let waits = if one.peers.is_empty() {
                waits_for_calls
            } else {
                one.peers.iter().any(under_way)
            };
            one.until <= now || !waits
        };
        let (go, stay) = std::mem::take(&mut self.detained).into_iter().partition(due);
        self.detained = stay;
        let go: Vec<Detained> = go;
        for one in go {
            self.give_to_phone(now, &one.upper);
        }
    }

    fn give_to_phone(&mut self, now: Instant, upper: &UpperPacket) {
        let UpperPacket { source, destination, protocol, payload } = upper;
        if let Some(phone) = &mut self.phone {
            let taken = phone.receive(now, *source, *destination, *protocol, payload);
            debug_assert!(taken.is_ok(), "it was parsed before");
        }
    }

    /// Interferes with a packet of the telephone; `None` where it has been dealt with.
    pub(super) fn meddles_with_outgoing(
        &mut self,
        now: Instant,
        upper: UpperPacket,
    ) -> Option<UpperPacket> {
        if !self.misdeeds.any() {
            return Some(upper);
        }
        let Ok(datagram) = Udp::parse(upper.source, upper.destination, &upper.payload) else {
            return Some(upper);
        };
        let Ok(message) = Message::parse(datagram.payload) else { return Some(upper) };
        if message.method() == Some(Method::Register) {
            return self.meddles_with_register(now, upper);
        }
        let to_invite = message.status().is_some()
            && message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        if to_invite {
            return self.meddles_with_response(now, &message, upper);
        }
        Some(upper)
    }

    fn meddles_with_register(&mut self, now: Instant, upper: UpperPacket) -> Option<UpperPacket> {
        let Some(care_of) = self.home.care_of() else { return Some(upper) };
        let home = self.config.mobile.home();
        self.last_register = Some(upper.clone());
        if self.does(Misdeed::RegistersCareOfAddress) {
            return Some(edited(&upper, |register| replace_contact(register, home, care_of)));
        }
        if self.does(Misdeed::RegistersOutsideTunnel) {
            self.send_from_care_of(now, care_of, &upper);
            return None;
        }
        Some(upper)
    }

    /// A REGISTER for the new care-of address: a terminal without Mobile IPv6 would do so.
    pub(super) fn register_again(&mut self, now: Instant, care_of: Ipv6Addr) {
        let home = self.config.mobile.home();
        let Some(last) = self.last_register.clone() else { return };
        let again = edited(&last, |register| {
            replace_contact(register, home, care_of);
            let number = register.cseq().map_or(1, |cseq| cseq.number);
            register.replace(HeaderName::CSeq, format!("{} REGISTER", number + 1));
            let via = register.header(HeaderName::Via).map(|via| via.value.to_vec());
            let via = String::from_utf8(via.unwrap_or_default()).unwrap_or_default();
            register.replace(HeaderName::Via, via.replace("branch=z9hG4bK", "branch=z9hG4bK9"));
        });
        self.send_by_home_agent(now, again);
    }

    fn meddles_with_response(
        &mut self,
        now: Instant,
        response: &Message,
        upper: UpperPacket,
    ) -> Option<UpperPacket> {
        let home = self.config.mobile.home();
        let care_of = self.home.care_of();
        if self.does(Misdeed::RespondsToCaller)
            && let Some(caller) = self.sessions.a_peer()
        {
            self.send_message(now, response, caller);
            return None;
        }
        if self.does(Misdeed::SecondResponseCopy)
            && let Some(caller) = self.sessions.a_peer()
        {
            self.send_message(now, response, caller);
        }
        if self.invited_directly && self.does(Misdeed::LosesDirectResponses) {
            return None;
        }
        if let Some(care_of) = care_of {
            if self.does(Misdeed::RespondsFromCareOfAddress) {
                self.send_from_care_of(now, care_of, &upper);
                return None;
            }
            if self.does(Misdeed::CareOfAddressInSdp) {
                let (old, new) = (home.to_string(), care_of.to_string());
                return Some(edited(&upper, |response| {
                    let body = String::from_utf8_lossy(response.body()).into_owned();
                    if !body.is_empty() {
                        response
                            .set_body("application/sdp", body.replacen(&old, &new, 1).into_bytes());
                    }
                }));
            }
        }
        if self.does(Misdeed::RespondsTwice) && self.moves > 1 {
            let twin = edited(&upper, |response| {
                let to = response.header(HeaderName::To).map(|to| to.value.to_vec());
                let to = String::from_utf8(to.unwrap_or_default()).unwrap_or_default();
                response.replace(HeaderName::To, to.replace("tag=", "tag=2"));
            });
            self.send_by_home_agent(now, twin);
        }
        Some(upper)
    }

    /// The care-of address that a peer was told before a handover that it is not told of.
    pub(super) fn stubborn_care_of(&self, peer: Ipv6Addr) -> Option<Ipv6Addr> {
        let stubborn = self.does(Misdeed::MediaFromOldCareOfAddress);
        let binding = self.list.get(peer).and_then(|peer| peer.binding);
        binding.filter(|_| stubborn).map(|binding| binding.care_of)
    }

    /// A registration of the home address as its own care-of address.
    pub(super) fn update_at_home(&mut self, now: Instant) {
        let asked = self.home.ask_wrongly(now, self.config.mobile.home());
        self.send_home_update(now, &asked);
    }

    /// Another identifier than the one that was configured.
    pub(super) fn change_identifier(&mut self) {
        let Some(mut sip) = self.config.sip.clone() else { return };
        sip.identifier = Uri::parse("sip:stranger@example.com").expect("a SIP URI");
        let home = self.config.mobile.home();
        let entropy = Entropy::new(self.host.entropy.next_u64());
        let early_100 = self.config.mobile.early_100.into();
        let mut phone = Phone::new(sip, home, home, early_100, entropy);
        phone.hold_media();
        self.phone = Some(phone);
    }

    fn send_from_care_of(&mut self, now: Instant, care_of: Ipv6Addr, upper: &UpperPacket) {
        let Ok(datagram) = Udp::parse(upper.source, upper.destination, &upper.payload) else {
            return;
        };
        let Udp { source_port, destination_port, payload } = datagram;
        let to = upper.destination;
        let payload = udp::datagram(care_of, to, source_port, destination_port, payload);
        self.host.send(now, &Outgoing::new(care_of, to, protocol::UDP), &payload);
    }

    fn send_message(&mut self, now: Instant, message: &Message, to: Ipv6Addr) {
        let home = self.config.mobile.home();
        let payload = udp::datagram(home, to, SIP_PORT, SIP_PORT, &message.to_vec());
        let upper = UpperPacket { source: home, destination: to, protocol: protocol::UDP, payload };
        self.send_upper(now, upper);
    }
}

const SIP_PORT: u16 = roamproof_wire::sip::DEFAULT_PORT;

fn replace_contact(register: &mut Message, home: Ipv6Addr, care_of: Ipv6Addr) {
    let contact = register.header(HeaderName::Contact).map(|contact| contact.value.to_vec());
    let contact = String::from_utf8(contact.unwrap_or_default()).unwrap_or_default();
    register.replace(HeaderName::Contact, contact.replace(&home.to_string(), &care_of.to_string()));
}

/// The datagram with its SIP message edited.
fn edited(upper: &UpperPacket, edit: impl FnOnce(&mut Message)) -> UpperPacket {
    let (source, destination) = (upper.source, upper.destination);
    let Ok(datagram) = Udp::parse(source, destination, &upper.payload) else {
        return upper.clone();
    };
    let Ok(mut message) = Message::parse(datagram.payload) else { return upper.clone() };
    edit(&mut message);
    let Udp { source_port, destination_port, .. } = datagram;
    let octets = message.to_vec();
    let payload = udp::datagram(source, destination, source_port, destination_port, &octets);
    UpperPacket { payload, ..upper.clone() }
}

impl super::binding_update_list::BindingUpdateList {
    /// The peers whose acknowledgement is awaited.
    pub(super) fn updating(&self) -> impl Iterator<Item = Ipv6Addr> {
        let peers = self.peers();
        peers.filter(|peer| peer.state == Optimization::Updating).map(|peer| peer.address)
    }

    /// Ends every procedure without success.
    pub(super) fn give_up(&mut self, now: Instant) {
        for peer in self.peers_mut() {
            peer.on(now, Trigger::Hopeless);
        }
    }

    /// Begins every procedure under way anew.
    pub(super) fn begin_again(&mut self, now: Instant) {
        for peer in self.peers_mut() {
            peer.begin_again(now);
        }
    }
}
