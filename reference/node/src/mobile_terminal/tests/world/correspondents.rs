//! The home agent and the correspondents: what they make of the terminal's mobility messages.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingAcknowledgement, BindingManagementKey, BindingUpdate, CareOfTest,
    HomeTest, Lifetime, Message as Mobility, MnHaAuthentication, NtpTimestamp, Sequence, Status,
    verify_binding_authorization, verify_mn_ha,
};

use super::{AGENT, EPOCH, HOME, HOME_TOKEN, KEY, Loses, World};

impl World {
    pub(super) fn on_agent_message(&mut self, packet: &Packet<'_>) {
        let message = Mobility::parse(packet.payload).unwrap();
        let Mobility::BindingUpdate(update) = message else {
            assert!(!self.strict, "{} to the home agent", message.name());
            return self.note(&format!("{} to the home agent", short(message.name())));
        };
        if packet.source() != HOME {
            assert!(!self.strict, "an update for {}", packet.source());
            return self.note("home BU for another home address");
        }
        assert!(update.home_registration && update.acknowledge);
        let source = packet.header.source;
        let care_of = update.alternate_care_of().unwrap_or(source);
        let genuine = verify_mn_ha(&KEY, care_of, HOME, packet.payload);
        assert_eq!(genuine, self.authenticated);
        let gone = update.lifetime == Lifetime::ZERO;
        self.note(if gone { "home BU 0" } else { "home BU" });
        self.agent_updates.push(update.clone());
        if !self.agent_answers {
            return;
        }
        let (mut status, mut sequence) = (self.agent_status, update.sequence);
        let clock = NtpTimestamp::from_unix(
            EPOCH + self.now.since_start() + self.agent_clock_ahead.unwrap_or_default(),
        );
        let mut timestamp = update.replay_protection().unwrap_or(clock);
        if timestamp
            .distance(EPOCH + self.now.since_start() + self.agent_clock_ahead.unwrap_or_default())
            > Duration::from_secs(7)
        {
            (status, timestamp) = (Status::MIPV6_ID_MISMATCH, clock);
        }
        if let Some(last) = self.agent_last.take() {
            (status, sequence) = (Status::SEQUENCE_OUT_OF_WINDOW, last);
        }
        if !status.is_refusal() {
            self.agent_bound = (!gone).then_some(care_of);
        }
        if self.agent_silent_but_bound {
            return;
        }
        let answer = BindingAcknowledgement::new(status, sequence, update.lifetime);
        let authentication = MnHaAuthentication { spi: 1000, key: &KEY, timestamp };
        let authorization = Authorization::MnHa(authentication);
        let octets = if self.authenticated {
            answer.to_vec_authorized(AGENT, HOME, care_of, authorization)
        } else {
            answer.to_vec(AGENT, HOME)
        };
        let type_2_routing = (source != HOME).then_some(HOME);
        let outgoing =
            Outgoing { type_2_routing, ..Outgoing::new(AGENT, source, protocol::MOBILITY) };
        self.note("home BA");
        self.deliver(&outgoing.to_vec(&octets));
    }

    pub(super) fn on_peer_message(&mut self, packet: &Packet<'_>, way: &str) {
        let (to, source) = (packet.header.destination, packet.header.source);
        let message = Mobility::parse(packet.payload).unwrap();
        let name = message.name();
        self.note(&format!("{} {way}", short(name)));
        let Some(peer) = self.peers.get_mut(&to) else { return };
        if peer.knows_no_mobility {
            let reason = packet.unrecognized().problem.unwrap();
            let reason = roamproof_wire::icmpv6::Reason::ParameterProblem(reason);
            let answer = roamproof_wire::icmpv6::answer(to, packet.octets, reason).unwrap();
            return if way == "tunnel" { self.tunnel(&answer) } else { self.deliver(&answer) };
        }
        match message {
            Mobility::HomeTestInit(init) => {
                peer.last_cookie = init.cookie;
                if peer.loses.contains(&Loses::HomeTest) {
                    return;
                }
                let test = Mobility::HomeTest(HomeTest::new(11, init.cookie, HOME_TOKEN));
                let octets = test.to_vec(to, HOME);
                let packet = Outgoing::new(to, HOME, protocol::MOBILITY).to_vec(&octets);
                if way == "tunnel" { self.tunnel(&packet) } else { self.deliver(&packet) }
            }
            Mobility::CareOfTestInit(init) if !peer.loses.contains(&Loses::CareOfTest) => {
                let test = CareOfTest::new(22, init.cookie, care_of_token(source));
                let octets = Mobility::CareOfTest(test).to_vec(to, source);
                self.deliver(&Outgoing::new(to, source, protocol::MOBILITY).to_vec(&octets));
            }
            Mobility::BindingUpdate(update) => self.on_peer_update(packet, update),
            Mobility::CareOfTestInit(_) | Mobility::BindingError(_) => {}
            other @ (Mobility::BindingRefreshRequest(_)
            | Mobility::HomeTest(_)
            | Mobility::CareOfTest(_)
            | Mobility::BindingAcknowledgement(_)
            | Mobility::BindingLookup(_)
            | Mobility::Unknown { .. }) => panic!("{} to a correspondent", other.name()),
        }
    }

    fn on_peer_update(&mut self, packet: &Packet<'_>, update: BindingUpdate) {
        let (to, source) = (packet.header.destination, packet.header.source);
        let gone = update.lifetime == Lifetime::ZERO;
        let key = key(source, gone);
        let genuine = verify_binding_authorization(&key, source, to, packet.payload);
        if !genuine || packet.source() != HOME || update.alternate_care_of().is_some() {
            assert!(!self.strict, "a Binding Update that proves nothing");
            return self.note("BU not taken");
        }
        let sequence = update.sequence;
        let peer = self.peers.get_mut(&to).unwrap();
        peer.updates.push(update.clone());
        let mut status = peer.statuses.pop_front().unwrap_or(Status::ACCEPTED);
        let mut sequence = sequence;
        if let Some(ahead) = peer.last_sequence_ahead.take() {
            status = Status::SEQUENCE_OUT_OF_WINDOW;
            sequence = Sequence(sequence.0.wrapping_add(ahead));
        }
        if !status.is_refusal() {
            peer.bound = (!gone).then_some(source);
        }
        if peer.loses.contains(&Loses::Acknowledgement) {
            return;
        }
        self.acknowledge(to, source, status, sequence, update.lifetime);
    }

    /// A Binding Acknowledgement from a peer to `care_of`.
    pub(crate) fn acknowledge(
        &mut self,
        peer: Ipv6Addr,
        care_of: Ipv6Addr,
        status: Status,
        sequence: Sequence,
        lifetime: Lifetime,
    ) {
        let key = key(care_of, lifetime == Lifetime::ZERO);
        self.acknowledge_with(peer, care_of, status, sequence, lifetime, &key);
    }

    pub(crate) fn acknowledge_with(
        &mut self,
        peer: Ipv6Addr,
        care_of: Ipv6Addr,
        status: Status,
        sequence: Sequence,
        lifetime: Lifetime,
        key: &BindingManagementKey,
    ) {
        self.note(&format!("BA {}", status.0));
        let answer = BindingAcknowledgement::new(status, sequence, lifetime);
        let unproved = matches!(status.0, 136..=138);
        let octets = if unproved {
            answer.to_vec(peer, HOME)
        } else {
            let authorization = Authorization::ReturnRoutability(key);
            answer.to_vec_authorized(peer, HOME, care_of, authorization)
        };
        let type_2_routing = (care_of != HOME).then_some(HOME);
        let outgoing =
            Outgoing { type_2_routing, ..Outgoing::new(peer, care_of, protocol::MOBILITY) };
        self.deliver(&outgoing.to_vec(&octets));
    }
}

/// The care-of keygen token for an address.
pub(crate) fn care_of_token(care_of: Ipv6Addr) -> [u8; 8] {
    let [.., a, b] = care_of.segments();
    let link = care_of.segments()[2].to_be_bytes();
    let ([c, d], [e, f]) = (a.to_be_bytes(), b.to_be_bytes());
    [0xb1, 0xb2, link[0], link[1], c, d, e, f]
}

/// Kbm as the correspondents make it.
pub(crate) fn key(care_of: Ipv6Addr, gone: bool) -> BindingManagementKey {
    if gone {
        return BindingManagementKey::for_deletion(HOME_TOKEN);
    }
    BindingManagementKey::new(HOME_TOKEN, care_of_token(care_of))
}

fn short(name: &str) -> &str {
    match name {
        "Home Test Init" => "HoTI",
        "Care-of Test Init" => "CoTI",
        "Binding Update" => "BU",
        "Binding Error" => "BE",
        "Binding Acknowledgement" => "BA",
        "Home Test" => "HoT",
        "Care-of Test" => "CoT",
        other => other,
    }
}
