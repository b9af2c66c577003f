//! The tester as a correspondent with Mobile IPv6: it answers tests and updates, rightly or not.

use std::net::Ipv6Addr;

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingAcknowledgement, BindingManagementKey, BindingUpdate, CareOfTest,
    HomeTest, Message, Sequence, Status, care_of_keygen_token, home_keygen_token,
    verify_binding_authorization,
};

use super::template;

/// A correspondent with one nonce of each kind.
#[derive(Debug, Clone)]
pub struct Correspondent {
    /// Its address.
    pub address: Ipv6Addr,
}

const NODE_KEY: [u8; 20] = *b"the tester's own Kcn";
const HOME_NONCE: (u16, [u8; 8]) = (0x0a1b, *b"homnonce");
const CARE_OF_NONCE: (u16, [u8; 8]) = (0x0c2d, *b"coanonce");
/// As far from the sequence numbers in use as a number can be.
const FAR: u16 = 0x4000;

impl Correspondent {
    /// A correspondent at this address.
    pub const fn new(address: Ipv6Addr) -> Self {
        Self { address }
    }

    /// The Home Test or Care-of Test that answers `packet`; `None` where it is no test.
    pub fn answers_test(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let asked = packet.header.source;
        let message = template::message_in(packet)?;
        let answer: Message = if let Message::HomeTestInit(init) = message {
            let (index, nonce) = HOME_NONCE;
            let token = home_keygen_token(&NODE_KEY, asked, nonce);
            HomeTest::new(index, init.cookie, token).into()
        } else if let Message::CareOfTestInit(init) = message {
            let (index, nonce) = CARE_OF_NONCE;
            let token = care_of_keygen_token(&NODE_KEY, asked, nonce);
            CareOfTest::new(index, init.cookie, token).into()
        } else {
            return None;
        };
        let octets = answer.to_vec(self.address, asked);
        Some(Outgoing::new(self.address, asked, protocol::MOBILITY).to_vec(&octets))
    }

    /// Accepts an update; `None` where the packet is none, or its tokens do not prove it.
    pub fn acknowledges(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let (update, key) = self.proved(packet)?;
        Some(self.acknowledgement(packet, &update, update.sequence, &key))
    }

    /// As [`acknowledges`](Self::acknowledges), the authenticator made by a key that nobody has.
    pub fn forges_acknowledgement(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let (update, BindingManagementKey(mut key)) = self.proved(packet)?;
        key[7] ^= 0x5a;
        let key = BindingManagementKey(key);
        Some(self.acknowledgement(packet, &update, update.sequence, &key))
    }

    /// As [`acknowledges`](Self::acknowledges) and rightly proved, for a sequence number that was
    /// never sent.
    pub fn acknowledges_another(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let (update, key) = self.proved(packet)?;
        let Sequence(sequence) = update.sequence;
        Some(self.acknowledgement(packet, &update, Sequence(sequence.wrapping_add(FAR)), &key))
    }

    /// The update in a packet and the key that proves it, if it does.
    fn proved(&self, packet: &Packet<'_>) -> Option<(BindingUpdate, BindingManagementKey)> {
        let Some(Message::BindingUpdate(update)) = template::message_in(packet) else {
            return None;
        };
        let care_of = update.alternate_care_of().unwrap_or(packet.header.source);
        let home_token = home_keygen_token(&NODE_KEY, packet.source(), HOME_NONCE.1);
        let care_of_token = care_of_keygen_token(&NODE_KEY, care_of, CARE_OF_NONCE.1);
        let key = BindingManagementKey::new(home_token, care_of_token);
        verify_binding_authorization(&key, care_of, self.address, packet.payload)
            .then_some((update, key))
    }

    fn acknowledgement(
        &self,
        packet: &Packet<'_>,
        update: &BindingUpdate,
        sequence: Sequence,
        key: &BindingManagementKey,
    ) -> Vec<u8> {
        let (home, care_of) = (packet.source(), packet.header.source);
        let answer = BindingAcknowledgement::new(Status::ACCEPTED, sequence, update.lifetime);
        let proof = Authorization::ReturnRoutability(key);
        let octets = answer.to_vec_authorized(self.address, home, care_of, proof);
        let plain = Outgoing::new(self.address, care_of, protocol::MOBILITY);
        Outgoing { type_2_routing: Some(home), ..plain }.to_vec(&octets)
    }
}
