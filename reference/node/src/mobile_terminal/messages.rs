//! The mobility messages that the terminal sends, each in its packet (RFC 6275 §11.6.1, §11.7).

use std::net::Ipv6Addr;

use roamproof_wire::ipv6::address::link_local;
use roamproof_wire::ipv6::{Outgoing, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingManagementKey, BindingUpdate, CareOfTestInit, HomeTestInit, Lifetime,
    Message, MnHaAuthentication, MobilityOption, NonceIndices,
};

use super::MobileTerminal;
use super::home::Asked as HomeAsked;
use super::movement::Place;
use super::peer::{Asked, ToSend};
use crate::host::Standing;
use crate::misdeed::Misdeed;
use crate::upper::UpperPacket;
use crate::{Event, Instant};

impl MobileTerminal {
    /// The Binding Update to the home agent (RFC 6275 §11.7.1).
    pub(super) fn send_home_update(&mut self, now: Instant, asked: &HomeAsked) {
        let (mut home, agent) = (self.config.mobile.home(), self.config.mobile.home_agent);
        if self.does(Misdeed::UpdatesForAnotherHomeAddress) {
            home = Ipv6Addr::from(u128::from(home) ^ 1);
        }
        let away = self.place != Place::Home;
        let mut update = BindingUpdate::new(asked.sequence, asked.lifetime);
        //= MN-HR-01
        update.acknowledge = true;
        update.home_registration = true;
        //= MN-HR-03
        update.link_local_compatibility = self.has_link_local_identifier();
        if away {
            //= MN-HR-02
            let alternate = MobilityOption::AlternateCareOfAddress(asked.care_of);
            update.options = update.options.with(alternate);
        }
        let omits = away && self.does(Misdeed::OmitsHomeAddressOption);
        let claimed = if omits { asked.care_of } else { home };
        let octets = match &self.config.mobile.key {
            Some(key) if self.is_authenticated() => {
                if let Some(nai) = self.config.nai() {
                    //= MN-AUT-01
                    update.options = update.options.with(MobilityOption::nai(&nai));
                }
                let authentication = MnHaAuthentication {
                    spi: self.config.mobile.spi,
                    key: key.octets(),
                    timestamp: asked.stamp,
                };
                let authorization = Authorization::MnHa(authentication);
                update.to_vec_authorized(claimed, agent, asked.care_of, authorization)
            }
            Some(_) | None => update.to_vec(claimed, agent),
        };
        //= MN-RET-01
        //# at home the home address is the source, without a Home Address option
        let source = if away { asked.care_of } else { home };
        let outgoing = Outgoing {
            home_address: (away && !omits).then_some(home),
            ..Outgoing::new(source, agent, protocol::MOBILITY)
        };
        if !away {
            //= MN-RET-05
            self.host.ask_defender(now, super::ROAMING, self.config.mobile.home(), agent);
        }
        self.host.send(now, &outgoing, &octets);
        if !away {
            //= MN-RET-02
            //= MN-RET-03
            //# from here on, and not before, the terminal answers for its home address itself
            self.host.add_address(now, super::ROAMING, home, Standing::Own, 0);
        }
    }

    /// What is due to a correspondent.
    pub(super) fn send_to_peer(&mut self, now: Instant, message: &ToSend) {
        match *message {
            ToSend::HomeTestInit { peer, cookie } => self.send_home_test_init(now, peer, cookie),
            ToSend::CareOfTestInit { peer, cookie } => {
                self.send_care_of_test_init(now, peer, cookie);
            }
            ToSend::Update { peer, asked } => self.send_peer_update(now, peer, &asked),
        }
    }

    //= MN-RR-02
    fn send_home_test_init(&mut self, now: Instant, peer: Ipv6Addr, cookie: [u8; 8]) {
        let home = self.config.mobile.home();
        let message = Message::HomeTestInit(HomeTestInit::new(cookie));
        self.send_by_home_agent(
            now,
            UpperPacket {
                source: home,
                destination: peer,
                protocol: protocol::MOBILITY,
                payload: message.to_vec(home, peer),
            },
        );
    }

    //= MN-RR-03
    fn send_care_of_test_init(&mut self, now: Instant, peer: Ipv6Addr, cookie: [u8; 8]) {
        let Some(care_of) = self.home.care_of() else { return };
        let message = Message::CareOfTestInit(CareOfTestInit::new(cookie));
        let outgoing = Outgoing::new(care_of, peer, protocol::MOBILITY);
        self.host.send(now, &outgoing, &message.to_vec(care_of, peer));
    }

    /// The Binding Update to a correspondent (RFC 6275 §11.7.2).
    fn send_peer_update(&mut self, now: Instant, peer: Ipv6Addr, asked: &Asked) {
        let home = self.config.mobile.home();
        let mut update = BindingUpdate::new(asked.sequence, asked.lifetime);
        update.acknowledge = true;
        //= MN-CR-01
        let indices = NonceIndices {
            home: asked.home_token.nonce_index,
            //= MN-RET-14
            care_of: asked.care_of_token.map_or(0, |token| token.nonce_index),
        };
        update.options = update.options.with(MobilityOption::NonceIndices(indices));
        if self.does(Misdeed::UpdatesWithOldCareOfAddress)
            && let Some(before) = self.care_of_before
        {
            let alternate = MobilityOption::AlternateCareOfAddress(before);
            update.options = update.options.with(alternate);
        }
        let key = asked.key();
        let authorization = Authorization::ReturnRoutability(&key);
        let octets = update.to_vec_authorized(home, peer, asked.care_of, authorization);
        let outgoing = Outgoing {
            home_address: (asked.care_of != home).then_some(home),
            ..Outgoing::new(asked.care_of, peer, protocol::MOBILITY)
        };
        self.host.send(now, &outgoing, &octets);
        if asked.lifetime == Lifetime::ZERO {
            self.host.event(Event::Note(format!("binding at {peer} to be forgotten")));
        }
    }

    fn has_link_local_identifier(&self) -> bool {
        let mac = self.host.mac(super::ROAMING);
        let low = |address: Ipv6Addr| u128::from(address) & u128::from(u64::MAX);
        low(self.config.mobile.home()) == low(link_local(mac))
    }
}

impl Asked {
    /// Kbm for this update (RFC 6275 §5.2.5): of the home token alone where nothing but the home
    /// address is left.
    pub(super) fn key(&self) -> BindingManagementKey {
        match self.care_of_token {
            Some(care_of) => BindingManagementKey::new(self.home_token.octets, care_of.octets),
            None => BindingManagementKey::for_deletion(self.home_token.octets),
        }
    }
}
