//! The tester as a mobile node: what its home agent and its correspondents get from it.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::icmpv6::{Echo, Message as IcmpMessage};
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingManagementKey, BindingUpdate, CareOfTestInit, HomeTestInit, Lifetime,
    Message, MnHaAuthentication, MobilityOption, NonceIndices, NtpTimestamp, Sequence,
    verify_binding_authorization,
};
use roamproof_wire::udp;

use super::template;
use crate::plan::{Key, Plan};

/// A mobile node, complete and right in all that it sends.
#[derive(Debug, Clone)]
pub struct MobileNode {
    /// Its home address.
    pub home: Ipv6Addr,
    /// Its home agent.
    pub home_agent: Ipv6Addr,
    /// Its care-of address.
    pub care_of: Ipv6Addr,
    sequence: Sequence,
    home_token: Option<Token>,
    care_of_token: Option<Token>,
    mn_ha: Key,
}

/// A Binding Update to a correspondent before it is made: what is in it, and what proves it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// It, without nonce indices and proof.
    pub update: BindingUpdate,
    /// Which nonces it names.
    pub indices: Option<NonceIndices>,
    /// By which key it is proved.
    pub key: Option<BindingManagementKey>,
}

/// A home registration before it is made.
#[derive(Debug, Clone)]
pub struct HomeDraft {
    /// It, without proof.
    pub update: BindingUpdate,
    /// By which key it is proved.
    pub key: Key,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    octets: [u8; 8],
    nonce_index: u16,
}

/// The cookies of its tests.
const HOME_COOKIE: [u8; 8] = *b"hm-cooki";
const CARE_OF_COOKIE: [u8; 8] = *b"co-cooki";

impl MobileNode {
    /// The plan's mobile node at this care-of address, whose first update bears the sequence number
    /// after `last`.
    pub fn new(plan: &Plan, care_of: Ipv6Addr, last: Sequence) -> Self {
        let (home, home_agent, mn_ha) = (plan.hoa, plan.ha, plan.mn_ha.clone());
        let (home_token, care_of_token) = (None, None);
        Self { home, home_agent, care_of, sequence: last, home_token, care_of_token, mn_ha }
    }

    /// The sequence number of its last update.
    pub const fn sequence(&self) -> u16 {
        self.sequence.0
    }

    /// Its home registration (RFC 6275 §6.1.7): A and H set, Home Address option, alternate care-of
    /// address, authenticated by RFC 4285; `unix` is the time that its time stamp says.
    pub fn registers(&mut self, lifetime: Duration, unix: Duration) -> Vec<u8> {
        self.updates_home(Lifetime::from_duration(lifetime), unix)
    }

    /// The same with nothing that authenticates it.
    pub fn registers_unproved(&mut self, lifetime: Duration) -> Vec<u8> {
        let update = self.next_home_update(Lifetime::from_duration(lifetime));
        let octets = update.to_vec(self.home, self.home_agent);
        self.outgoing(self.home_agent).to_vec(&octets)
    }

    /// Takes its home registration back, from where it is (RFC 6275 §10.3.2: lifetime zero).
    pub fn deregisters(&mut self, unix: Duration) -> Vec<u8> {
        self.updates_home(Lifetime::ZERO, unix)
    }

    /// Its Home Test Init, as its home agent passes it on.
    pub fn tests_home(&self, correspondent: Ipv6Addr) -> Vec<u8> {
        let octets = Message::from(HomeTestInit::new(HOME_COOKIE)).to_vec(self.home, correspondent);
        Outgoing::new(self.home, correspondent, protocol::MOBILITY).to_vec(&octets)
    }

    /// Its Care-of Test Init.
    pub fn tests_care_of(&self, correspondent: Ipv6Addr) -> Vec<u8> {
        let octets =
            Message::from(CareOfTestInit::new(CARE_OF_COOKIE)).to_vec(self.care_of, correspondent);
        Outgoing::new(self.care_of, correspondent, protocol::MOBILITY).to_vec(&octets)
    }

    /// Takes the token out of the answer to one of its tests; false where it is none.
    pub fn takes_test(&mut self, answer: &Packet<'_>) -> bool {
        match template::message_in(answer) {
            Some(Message::HomeTest(test)) if test.cookie == HOME_COOKIE => {
                self.home_token = Some(Token { octets: test.token, nonce_index: test.nonce_index });
                true
            }
            Some(Message::CareOfTest(test)) if test.cookie == CARE_OF_COOKIE => {
                self.care_of_token =
                    Some(Token { octets: test.token, nonce_index: test.nonce_index });
                true
            }
            Some(_) | None => false,
        }
    }

    /// Its Binding Update to a correspondent, proved by the tokens of both tests; `None` before it
    /// has them.
    pub fn updates(&mut self, correspondent: Ipv6Addr, lifetime: Duration) -> Option<Vec<u8>> {
        self.updates_but(correspondent, lifetime, |_| {})
    }

    /// The same, but for what `change` changes in it.
    pub fn updates_but(
        &mut self,
        correspondent: Ipv6Addr,
        lifetime: Duration,
        change: impl FnOnce(&mut Draft),
    ) -> Option<Vec<u8>> {
        let (home_token, care_of_token) = (self.home_token?, self.care_of_token?);
        let (home, care_of) = (home_token.nonce_index, care_of_token.nonce_index);
        let removes = lifetime.is_zero();
        let mut draft = Draft {
            update: self.next_update(Lifetime::from_duration(lifetime)),
            indices: Some(NonceIndices { home, care_of }),
            key: Some(if removes {
                BindingManagementKey::for_deletion(home_token.octets)
            } else {
                BindingManagementKey::new(home_token.octets, care_of_token.octets)
            }),
        };
        change(&mut draft);
        let Draft { mut update, indices, key } = draft;
        if let Some(indices) = indices {
            update.options = update.options.with(MobilityOption::NonceIndices(indices));
        }
        let bound = if removes { self.home } else { self.care_of };
        let octets = match &key {
            Some(key) => {
                let proof = Authorization::ReturnRoutability(key);
                update.to_vec_authorized(self.home, correspondent, bound, proof)
            }
            None => update.to_vec(self.home, correspondent),
        };
        Some(self.outgoing(correspondent).to_vec(&octets))
    }

    /// Whether an acknowledgement of a correspondent is proved by the tokens of the last tests.
    pub fn proves(&self, acknowledgement: &Packet<'_>) -> bool {
        let (Some(home), Some(care_of)) = (self.home_token, self.care_of_token) else {
            return false;
        };
        let key = BindingManagementKey::new(home.octets, care_of.octets);
        let own = acknowledgement.header.source;
        verify_binding_authorization(&key, self.care_of, own, acknowledgement.payload)
    }

    /// The token of the last Home Test, and that of the last Care-of Test.
    pub fn tokens(&self) -> (Option<[u8; 8]>, Option<[u8; 8]>) {
        (self.home_token.map(|one| one.octets), self.care_of_token.map(|one| one.octets))
    }

    /// An Echo Request to a correspondent as from its home address: the answer says whether that is
    /// bound there to the care-of address.
    pub fn asks_echo(&self, to: Ipv6Addr, sequence: u16) -> Vec<u8> {
        let echo = Echo { reply: false, identifier: 0x4d4e, sequence, data: b"is it bound?" };
        let outgoing = Outgoing { protocol: protocol::ICMPV6, ..self.outgoing(to) };
        IcmpMessage::Echo(echo).packet(&outgoing)
    }

    /// A message to a correspondent as from its home address.
    pub fn says(&self, to: Ipv6Addr, message: &Message) -> Vec<u8> {
        self.outgoing(to).to_vec(&message.to_vec(self.home, to))
    }

    /// Goes to another place: what it sends from now on comes from there, and the token for the place
    /// before is worth nothing any more.
    pub const fn moves(&mut self, care_of: Ipv6Addr) {
        self.care_of = care_of;
        self.care_of_token = None;
    }

    /// A datagram to a correspondent by its binding there (RFC 6275 §11.3.1): from the care-of
    /// address, with the Home Address option.
    pub fn speaks(&self, to: Ipv6Addr, ports: (u16, u16), octets: &[u8]) -> Vec<u8> {
        udp::packet(&self.outgoing(to), ports.0, ports.1, octets)
    }

    /// A packet through the reverse tunnel (RFC 6275 §11.3.1).
    pub fn tunnels(&self, inner: &[u8]) -> Vec<u8> {
        roamproof_wire::ipv6::encapsulate(self.care_of, self.home_agent, HOP_LIMIT, inner)
    }

    fn updates_home(&mut self, lifetime: Lifetime, unix: Duration) -> Vec<u8> {
        self.updates_home_but(lifetime, unix, |_| {})
    }

    /// Its home registration, but for what `change` changes in it.
    pub fn updates_home_but(
        &mut self,
        lifetime: Lifetime,
        unix: Duration,
        change: impl FnOnce(&mut HomeDraft),
    ) -> Vec<u8> {
        let update = self.next_home_update(lifetime);
        let mut draft = HomeDraft { update, key: self.mn_ha.clone() };
        change(&mut draft);
        let HomeDraft { update, key: Key { spi, octets: key } } = &draft;
        let timestamp = NtpTimestamp::from_unix(unix);
        let proof = Authorization::MnHa(MnHaAuthentication { spi: *spi, key, timestamp });
        let octets = update.to_vec_authorized(self.home, self.home_agent, self.care_of, proof);
        self.outgoing(self.home_agent).to_vec(&octets)
    }

    fn next_home_update(&mut self, lifetime: Lifetime) -> BindingUpdate {
        let mut update = BindingUpdate { home_registration: true, ..self.next_update(lifetime) };
        update.options = update.options.with(MobilityOption::AlternateCareOfAddress(self.care_of));
        update
    }

    fn next_update(&mut self, lifetime: Lifetime) -> BindingUpdate {
        self.sequence = self.sequence.next();
        BindingUpdate { acknowledge: true, ..BindingUpdate::new(self.sequence, lifetime) }
    }

    fn outgoing(&self, to: Ipv6Addr) -> Outgoing {
        let plain = Outgoing::new(self.care_of, to, protocol::MOBILITY);
        Outgoing { home_address: Some(self.home), ..plain }
    }
}

const HOP_LIMIT: u8 = 64;

#[cfg(test)]
mod tests {
    use super::super::correspondent::Correspondent;
    use super::super::home_agent::HomeAgent;
    use super::super::stimulus::check;
    use super::*;
    use crate::topology::claimed::{CN, HOA};
    use roamproof_wire::ethernet::Mac;
    use roamproof_wire::mobility::verify_mn_ha;

    const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0x1234, 0x5678);

    #[test]
    fn what_one_script_asks_the_other_answers() {
        let mut mobile = MobileNode::new(&plan(), CARE_OF, Sequence(10));
        let cn = Correspondent::new(CN);
        assert_eq!(mobile.updates(CN, MINUTES), None, "no token, no update");
        for init in [mobile.tests_home(CN), mobile.tests_care_of(CN)] {
            assert_eq!(check(&init), Ok(()));
            let answer = cn.answers_test(&Packet::parse(&init).unwrap()).expect("a test");
            assert_eq!(check(&answer), Ok(()));
            assert!(mobile.takes_test(&Packet::parse(&answer).unwrap()));
        }
        let update = mobile.updates(CN, MINUTES).expect("it has both tokens");
        assert_eq!((check(&update), mobile.sequence()), (Ok(()), 11));
        let packet = Packet::parse(&update).unwrap();
        for answer in [cn.acknowledges(&packet), cn.forges_acknowledgement(&packet)] {
            assert_eq!(check(&answer.expect("an update that its tokens prove")), Ok(()));
        }
    }

    #[test]
    fn its_home_registration_is_proved_and_answered() {
        let mut mobile = MobileNode::new(&plan(), CARE_OF, Sequence(0xffff));
        let update = mobile.registers(MINUTES, MINUTES);
        assert_eq!((check(&update), mobile.sequence()), (Ok(()), 0));
        let packet = Packet::parse(&update).unwrap();
        assert!(verify_mn_ha(&plan().mn_ha.octets, CARE_OF, HOA, packet.payload));
        let mut agent = HomeAgent::new(&plan());
        let answer = agent.acknowledges(&packet).expect("a home registration");
        assert_eq!((check(&answer), agent.care_of), (Ok(()), Some(CARE_OF)));
    }

    fn plan() -> Plan {
        Plan::claimed(Mac([2, 0, 0, 0, 0, 1]))
    }

    const MINUTES: Duration = Duration::from_secs(420);
}
