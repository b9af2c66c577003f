//! What a SIP server does to messages when it is told to do wrong (misdeeds of CL-REG-04, CL-INT-*
//! and CL-DST-01).

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::sip::{Fields, HeaderName, Message, MessageView, Method};

use super::way::Way;
use crate::misdeed::{Misdeed, Misdeeds};
use crate::sip::{Hop, Transmit, TransmitKind};

/// A server's misdeeds on messages. Without any it changes nothing.
#[derive(Debug)]
pub(super) struct Misconduct {
    misdeeds: Misdeeds,
    /// The topmost Via of the last response of each call.
    vias: BTreeMap<String, String>,
}

impl Misconduct {
    pub(super) fn new(misdeeds: &Misdeeds) -> Self {
        Self { misdeeds: misdeeds.clone(), vias: BTreeMap::new() }
    }

    /// A message that came from `from`, as the proxy is to see it.
    pub(super) fn received(&mut self, from: Hop, octets: Vec<u8>) -> Vec<u8> {
        let by_source = self.misdeeds.does(Misdeed::BindsThePacketSource);
        let by_via = self.misdeeds.does(Misdeed::BindsTheVia);
        let keeps_via = self.misdeeds.does(Misdeed::KeepsItsVia);
        if !(by_source || by_via || keeps_via) {
            return octets;
        }
        let Ok(mut message) = Message::parse(&octets) else { return octets };
        if keeps_via && !message.is_request() {
            if let (Ok(call), Ok(via)) = (message.call_id(), message.via()) {
                self.vias.insert(call.to_owned(), via.to_string());
            }
            return octets;
        }
        let via = message.via().map(|via| via.host.to_string()).ok();
        let host = if by_source { Some(format!("[{}]", from.address)) } else { via };
        let host = host.filter(|_| by_source || by_via);
        let Some(host) = host.filter(|_| message.method() == Some(Method::Register)) else {
            return octets;
        };
        let user = message.to().ok().and_then(|to| to.uri.user.map(str::to_owned));
        let contact = format!("<sip:{}@{host}>", user.unwrap_or_default());
        message.replace(HeaderName::Contact, contact);
        message.to_vec()
    }

    /// A message that is to leave, as it does leave; `None` where it does not.
    pub(super) fn leaving(&self, mut transmit: Transmit) -> Option<Transmit> {
        if !self.misdeeds.any() {
            return Some(transmit);
        }
        let is_response = transmit.kind == TransmitKind::Response;
        let Ok(view) = MessageView::read(&transmit.octets) else { return Some(transmit) };
        let to_invite = view.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        if !is_response || !to_invite {
            return Some(transmit);
        }
        if view.status() == Some(100) {
            return (!self.misdeeds.does(Misdeed::SaysNoTrying)).then_some(transmit);
        }
        let length = view.body().len();
        if self.misdeeds.does(Misdeed::AltersTheBody) && length > 0 {
            let at = transmit.octets.len() - length;
            alter(&mut transmit.octets[at..]);
        }
        if self.misdeeds.does(Misdeed::KeepsItsVia)
            && let Ok(mut message) = Message::parse(&transmit.octets)
        {
            let call = message.call_id().unwrap_or_default().to_owned();
            if let Some(via) = self.vias.get(&call) {
                message.insert_first(HeaderName::Via, via);
            }
            transmit.octets = message.to_vec();
        }
        Some(transmit)
    }

    /// Where a message and its second copy go, instead of where they should.
    pub(super) fn astray(&self, mut transmit: Transmit, way: Way) -> Vec<(Transmit, Way)> {
        if !self.misdeeds.any() {
            return vec![(transmit, way)];
        }
        let opens = opens_dialog(&transmit);
        let elsewhere = Ipv6Addr::from(u128::from(transmit.to.address) ^ 1);
        let mut copies = Vec::new();
        if self.misdeeds.does(Misdeed::SendsASecondCopy) && opens {
            let mut copy = transmit.clone();
            copy.to.address = elsewhere;
            copies.push((copy, Way::Plain));
        }
        if self.misdeeds.does(Misdeed::SendsToTheCareOfAddressPlainly) && opens {
            transmit.to.address = match way {
                Way::Plain => elsewhere,
                Way::Tunnel(care_of) => care_of,
            };
            copies.push((transmit, Way::Plain));
        } else {
            copies.push((transmit, way));
        }
        copies
    }

    /// The way of a packet to `home`, instead of the right one.
    pub(super) fn misled(&self, home: Ipv6Addr, way: Way) -> Way {
        match way {
            Way::Tunnel(_) if self.misdeeds.does(Misdeed::IgnoresBindings) => Way::Plain,
            Way::Tunnel(_) if self.misdeeds.does(Misdeed::TunnelsToTheHomeAddress) => {
                Way::Tunnel(home)
            }
            Way::Tunnel(_) | Way::Plain => way,
        }
    }
}

fn opens_dialog(transmit: &Transmit) -> bool {
    MessageView::read(&transmit.octets).is_ok_and(|view| {
        view.method() == Some(Method::Invite) && view.to().is_ok_and(|to| to.tag().is_none())
    })
}

/// Changes the session name of a body, its length kept; without one, the first octet.
fn alter(body: &mut [u8]) {
    const NAME: &[u8] = b"\ns=";
    let name = body.windows(NAME.len()).position(|window| window == NAME);
    let at = name.map_or(0, |at| at + NAME.len());
    if let Some(octet) = body.get_mut(at) {
        *octet = if *octet == b'x' { b'y' } else { b'x' };
    }
}
