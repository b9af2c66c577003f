//! The tester as a correspondent with Mobile IPv6: it answers tests and updates, rightly or not.

use std::net::Ipv6Addr;

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingAcknowledgement, BindingError, BindingManagementKey, BindingUpdate,
    CareOfTest, HomeTest, Lifetime, Message, Sequence, Status, care_of_keygen_token,
    home_keygen_token, verify_binding_authorization,
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
        Some(self.accepts(packet, &update, update.sequence, &key))
    }

    /// As [`acknowledges`](Self::acknowledges), for no longer than `lifetime`.
    pub fn grants(&self, packet: &Packet<'_>, lifetime: Lifetime) -> Option<Vec<u8>> {
        let (update, key) = self.proved(packet)?;
        let lifetime = Lifetime(update.lifetime.0.min(lifetime.0));
        let answer = BindingAcknowledgement::new(Status::ACCEPTED, update.sequence, lifetime);
        Some(self.acknowledgement(packet, &answer, &key))
    }

    /// Refuses an update, proved where RFC 6275 §9.5.4 wants it proved; `None` where the packet is
    /// none.
    pub fn refuses(&self, packet: &Packet<'_>, status: Status) -> Option<Vec<u8>> {
        let (update, key) = self.proved(packet)?;
        let answer = BindingAcknowledgement::new(status, update.sequence, Lifetime::ZERO);
        if !matches!(
            status,
            Status::EXPIRED_HOME_NONCE_INDEX
                | Status::EXPIRED_CARE_OF_NONCE_INDEX
                | Status::EXPIRED_NONCES
        ) {
            return Some(self.acknowledgement(packet, &answer, &key));
        }
        // Without the nonce there is no key: these refusals bear no authenticator.
        let octets = Message::from(answer).to_vec(self.address, packet.source());
        Some(to_care_of(self.address, packet).to_vec(&octets))
    }

    /// A Home Test that answers nobody: its cookie is another.
    pub fn forges_home_test(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let Some(Message::HomeTestInit(init)) = template::message_in(packet) else { return None };
        let asked = packet.header.source;
        let cookie = init.cookie.map(|octet| octet ^ 0xa5);
        let answer = Message::from(HomeTest::new(HOME_NONCE.0, cookie, *b"forgery!"));
        let octets = answer.to_vec(self.address, asked);
        Some(Outgoing::new(self.address, asked, protocol::MOBILITY).to_vec(&octets))
    }

    /// As [`acknowledges`](Self::acknowledges), the authenticator made by a key that nobody has.
    pub fn forges_acknowledgement(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let (update, BindingManagementKey(mut key)) = self.proved(packet)?;
        key[7] ^= 0x5a;
        let key = BindingManagementKey(key);
        Some(self.accepts(packet, &update, update.sequence, &key))
    }

    /// As [`acknowledges`](Self::acknowledges) and rightly proved, for a sequence number that was
    /// never sent.
    pub fn acknowledges_another(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let (update, key) = self.proved(packet)?;
        let Sequence(sequence) = update.sequence;
        Some(self.accepts(packet, &update, Sequence(sequence.wrapping_add(FAR)), &key))
    }

    /// That it does not know the type of a message: Binding Error, status 2 (RFC 6275 §9.2).
    pub fn does_not_know(&self, packet: &Packet<'_>) -> Vec<u8> {
        let asked = packet.header.source;
        let error = Message::from(BindingError::unrecognised_mh_type(packet.home_address));
        let octets = error.to_vec(self.address, asked);
        Outgoing::new(self.address, asked, protocol::MOBILITY).to_vec(&octets)
    }

    /// That it has no binding for `home`: Binding Error, status 1 (RFC 6275 §9.3.3).
    pub fn has_no_binding(&self, home: Ipv6Addr, care_of: Ipv6Addr) -> Vec<u8> {
        let error = Message::from(BindingError::unknown_binding(home));
        let octets = error.to_vec(self.address, care_of);
        Outgoing::new(self.address, care_of, protocol::MOBILITY).to_vec(&octets)
    }

    /// The update in a packet and the key that proves it, if it does.
    fn proved(&self, packet: &Packet<'_>) -> Option<(BindingUpdate, BindingManagementKey)> {
        let Some(Message::BindingUpdate(update)) = template::message_in(packet) else {
            return None;
        };
        let care_of = update.alternate_care_of().unwrap_or(packet.header.source);
        let home_token = home_keygen_token(&NODE_KEY, packet.source(), HOME_NONCE.1);
        let care_of_token = care_of_keygen_token(&NODE_KEY, care_of, CARE_OF_NONCE.1);
        let key = if care_of == packet.source() {
            // From home, to be forgotten: there is no care-of address to test (RFC 6275 §5.2.5).
            BindingManagementKey::for_deletion(home_token)
        } else {
            BindingManagementKey::new(home_token, care_of_token)
        };
        verify_binding_authorization(&key, care_of, self.address, packet.payload)
            .then_some((update, key))
    }

    fn accepts(
        &self,
        packet: &Packet<'_>,
        update: &BindingUpdate,
        sequence: Sequence,
        key: &BindingManagementKey,
    ) -> Vec<u8> {
        let answer = BindingAcknowledgement::new(Status::ACCEPTED, sequence, update.lifetime);
        self.acknowledgement(packet, &answer, key)
    }

    fn acknowledgement(
        &self,
        packet: &Packet<'_>,
        answer: &BindingAcknowledgement,
        key: &BindingManagementKey,
    ) -> Vec<u8> {
        let (home, care_of) = (packet.source(), packet.header.source);
        let proof = Authorization::ReturnRoutability(key);
        let octets = answer.to_vec_authorized(self.address, home, care_of, proof);
        to_care_of(self.address, packet).to_vec(&octets)
    }
}

/// Back to where an update came from, by the home address that it names.
fn to_care_of(own: Ipv6Addr, update: &Packet<'_>) -> Outgoing {
    let (home, care_of) = (update.source(), update.header.source);
    let plain = Outgoing::new(own, care_of, protocol::MOBILITY);
    Outgoing { type_2_routing: (care_of != home).then_some(home), ..plain }
}
