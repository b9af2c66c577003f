//! The tester as a home agent: it acknowledges a home registration and tunnels both ways.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Outgoing, Packet, encapsulate, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingAcknowledgement, BindingError, BindingLookup, BindingUpdate, Lifetime,
    Message, MnHaAuthentication, Status,
};

use super::{lookup, template};
use crate::plan::{Key, Plan};

/// A home agent of one mobile node.
#[derive(Debug, Clone)]
pub struct HomeAgent {
    /// Its address.
    pub address: Ipv6Addr,
    /// The mobile node's home address, once it has registered.
    pub home: Option<Ipv6Addr>,
    /// The mobile node's care-of address, once it has registered.
    pub care_of: Option<Ipv6Addr>,
    transaction: u16,
    mn_ha: Key,
    ha_ss: Key,
}

impl HomeAgent {
    /// The plan's home agent, with nobody registered.
    pub fn new(plan: &Plan) -> Self {
        Self::at(plan.ha, plan)
    }

    /// A home agent at this address, with the plan's keys and nobody registered.
    pub fn at(address: Ipv6Addr, plan: &Plan) -> Self {
        let (mn_ha, ha_ss) = (plan.mn_ha.clone(), plan.ha_ss.clone());
        Self { address, home: None, care_of: None, transaction: 0x6000, mn_ha, ha_ss }
    }

    /// Takes a home registration, or its end, and accepts it; `None` where the packet is none.
    pub fn acknowledges(&mut self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let update = home_registration_in(packet)?;
        let home = packet.source();
        let care_of = update.alternate_care_of().unwrap_or(packet.header.source);
        let answer =
            BindingAcknowledgement::new(Status::ACCEPTED, update.sequence, update.lifetime);
        let octets = match update.replay_protection() {
            Some(timestamp) => {
                let Key { spi, octets: key } = &self.mn_ha;
                let proof = Authorization::MnHa(MnHaAuthentication { spi: *spi, key, timestamp });
                answer.to_vec_authorized(self.address, home, care_of, proof)
            }
            // Whoever does not authenticate registrations gets no authenticator back.
            None => Message::from(answer).to_vec(self.address, home),
        };
        self.home = Some(home);
        self.care_of = (update.lifetime != Lifetime::ZERO && care_of != home).then_some(care_of);
        let to = packet.header.source;
        let plain = Outgoing::new(self.address, to, protocol::MOBILITY);
        // RFC 6275 §9.5.4: no routing header where the update came from the home address itself.
        Some(Outgoing { type_2_routing: (to != home).then_some(home), ..plain }.to_vec(&octets))
    }

    /// A packet for the mobile node, in the tunnel to where it is; `None` before it registered.
    pub fn tunnels(&self, inner: &[u8]) -> Option<Vec<u8>> {
        Some(encapsulate(self.address, self.care_of?, HOP_LIMIT, inner))
    }

    /// A binding lookup message to `server`, stamped with `unix` and proved by the key shared.
    pub fn tells(&self, server: Ipv6Addr, message: &BindingLookup, unix: Duration) -> Vec<u8> {
        lookup::packet(self.address, server, message, unix, &self.ha_ss)
    }

    /// The same from somebody who has not the key.
    pub fn forges(&self, server: Ipv6Addr, message: &BindingLookup, unix: Duration) -> Vec<u8> {
        let mut key = self.ha_ss.clone();
        key.octets.reverse();
        lookup::packet(self.address, server, message, unix, &key)
    }

    /// That it does not understand what `server` sent: Binding Error, status 2 (RFC 6275 §9.2).
    pub fn complains(&self, server: Ipv6Addr) -> Vec<u8> {
        let error = Message::from(BindingError::unrecognised_mh_type(None));
        let octets = error.to_vec(self.address, server);
        Outgoing::new(self.address, server, protocol::MOBILITY).to_vec(&octets)
    }

    /// A number for the next message that asks for an acknowledgement.
    pub const fn next_transaction(&mut self) -> u16 {
        self.transaction = self.transaction.wrapping_add(1);
        self.transaction
    }
}

const HOP_LIMIT: u8 = 64;

fn home_registration_in(packet: &Packet<'_>) -> Option<BindingUpdate> {
    match template::message_in(packet) {
        Some(Message::BindingUpdate(update)) if update.home_registration => Some(update),
        Some(_) | None => None,
    }
}
