//! Mobility messages that come in (RFC 6275 §11.2, §11.6.2, §11.7.3, §11.7.4).

use std::time::Duration;

use roamproof_wire::WireError;
use roamproof_wire::ipv6::{Packet, Problem};
use roamproof_wire::mobility::{
    self, BindingAcknowledgement, BindingError, BindingErrorStatus, CareOfTest, HomeTest, Lifetime,
    Message, Status,
};

use super::MobileTerminal;
use super::binding_update_list::{Outcome, PeerAnswer, TestAnswer};
use super::home::Answer;
use super::input::Arrival;
use super::movement::Place;
use crate::misdeed::Misdeed;
use crate::{Event, Instant};

/// How soon a misdeed renews its registration.
const HASTE: Duration = Duration::from_millis(250);

impl MobileTerminal {
    pub(super) fn on_mobility(&mut self, now: Instant, packet: &Packet<'_>, arrival: Arrival) {
        let (source, destination) = (packet.source(), packet.destination());
        //= MH-IN-01
        if let Err(error) = mobility::verify(source, destination, packet.payload) {
            return self.host.malformed(error);
        }
        let message = match Message::parse(packet.payload) {
            Ok(message) => message,
            Err(error) => return self.on_malformed_mobility(now, packet, error),
        };
        match message {
            Message::HomeTest(test) => self.on_home_test(now, packet, arrival, &test),
            Message::CareOfTest(test) => self.on_care_of_test(now, packet, arrival, &test),
            Message::BindingAcknowledgement(answer) => {
                self.on_acknowledgement(now, packet, arrival, &answer);
            }
            Message::BindingRefreshRequest(_) => self.on_refresh_request(now, packet),
            Message::BindingError(error) => self.on_binding_error(now, packet, &error),
            Message::HomeTestInit(_)
            | Message::CareOfTestInit(_)
            | Message::BindingUpdate(_)
            | Message::BindingLookup(_)
            | Message::Unknown { .. } => self.on_correspondent_message(now, packet, &message),
        }
    }

    /// Payload Proto and Header Len are told about, all else is dropped (RFC 6275 §9.2).
    fn on_malformed_mobility(&mut self, now: Instant, packet: &Packet<'_>, error: WireError) {
        self.host.malformed(error);
        //= MH-IN-08
        //= MH-IN-10
        if error.offset <= 1 {
            let at = packet.payload_offset + error.offset;
            self.answer_problem(now, packet, Some(Problem::at(Problem::ERRONEOUS_FIELD, at)));
        }
    }

    fn on_home_test(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        arrival: Arrival,
        test: &HomeTest,
    ) {
        let HomeTest { cookie, token, nonce_index, .. } = *test;
        //= MN-RR-21
        let way = match self.place {
            Place::Home => Arrival::Link,
            Place::Away(_) | Place::Nowhere => Arrival::HomeTunnel,
        };
        let right = arrival == way && packet.destination() == self.config.mobile.home();
        let mut answer = TestAnswer { cookie, token, nonce_index };
        if self.does(Misdeed::AcceptsAnyToken) {
            let outstanding = self.list.get(packet.source()).and_then(|one| one.home_test.cookie);
            answer.cookie = outstanding.unwrap_or(cookie);
        }
        //= MN-RR-19
        //= MN-RR-20
        if !right || !self.list.home_test(now, packet.source(), &answer) {
            self.host.discard("Home Test that nobody asked for");
        }
    }

    fn on_care_of_test(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        arrival: Arrival,
        test: &CareOfTest,
    ) {
        let CareOfTest { cookie, token, nonce_index, .. } = *test;
        //= MN-RR-22
        let current = self.place == Place::Away(packet.destination());
        let right = arrival == Arrival::Link && current;
        let answer = TestAnswer { cookie, token, nonce_index };
        if !right || !self.list.care_of_test(now, packet.source(), &answer) {
            self.host.discard("Care-of Test that nobody asked for");
        }
    }

    fn on_acknowledgement(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        arrival: Arrival,
        answer: &BindingAcknowledgement,
    ) {
        //= MN-BA-12
        if packet.destination() != self.config.mobile.home() {
            return self.host.discard("acknowledgement that is not for the home address");
        }
        if packet.source() == self.config.mobile.home_agent {
            return self.on_home_acknowledgement(now, packet, arrival, answer);
        }
        let from = packet.source();
        let (home, payload) = (self.config.mobile.home(), packet.payload);
        let trusting = self.does(Misdeed::AcceptsAnyAcknowledgement);
        let deaf = self.does(Misdeed::TakesRefusalForAcceptance) && answer.status.is_refusal();
        let mut peer_answer = PeerAnswer {
            status: answer.status,
            sequence: answer.sequence,
            lifetime: answer.lifetime,
        };
        if deaf {
            peer_answer.status = Status::ACCEPTED;
            peer_answer.lifetime = Lifetime::MAX_RR_BINDING;
        }
        let newest = self.list.get(from).and_then(|peer| peer.asked.back());
        if trusting && let Some(newest) = newest {
            peer_answer.sequence = newest.sequence;
        }
        //= MN-CR-12
        let outcome = self.list.acknowledged(now, from, &peer_answer, |asked| {
            let care_of = asked.care_of;
            debug_assert!(asked.care_of_token.is_some() || care_of == home);
            mobility::verify_binding_authorization(&asked.key(), care_of, from, payload)
                || trusting
                || deaf
        });
        self.on_peer_outcome(from, outcome);
    }

    fn on_home_acknowledgement(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        arrival: Arrival,
        answer: &BindingAcknowledgement,
    ) {
        let home = self.config.mobile.home();
        let (right, care_of) = match self.place {
            Place::Away(care_of) => (packet.routing.is_some(), care_of),
            Place::Home => (arrival == Arrival::Link, home),
            Place::Nowhere => (false, home),
        };
        if !right {
            return self.host.discard("acknowledgement without a type 2 routing header");
        }
        let mut stamp = None;
        if self.is_authenticated() {
            let key = self.config.mobile.key.as_ref().map_or(&[][..], |key| key.octets());
            let named = answer.mn_ha_authentication();
            let ours = named.is_some_and(|option| option.spi == self.config.mobile.spi);
            //= MN-BA-06
            //= MN-BA-08
            if !ours || !mobility::verify_mn_ha(key, care_of, home, packet.payload) {
                return self.host.discard("acknowledgement with a wrong authenticator");
            }
            stamp = answer.replay_protection();
            if stamp.is_none() {
                return self.host.discard("acknowledgement without a time stamp");
            }
        }
        let hasty = self.does(Misdeed::RenewsAllTheTime).then_some(HASTE);
        let refresh = hasty.or(answer.refresh_advice().map(|advice| advice.duration()));
        let outcome = self.home.answered(
            now,
            &Answer {
                status: answer.status,
                sequence: answer.sequence,
                lifetime: answer.lifetime,
                stamp,
                refresh,
            },
        );
        self.on_outcome(now, outcome);
    }

    fn on_peer_outcome(&mut self, peer: std::net::Ipv6Addr, outcome: Outcome) {
        if matches!(outcome, Outcome::Refused(_)) && self.does(Misdeed::NeverAnswersWhereRefused) {
            self.sessions.never_answer(peer);
        }
        let outcome = match outcome {
            Outcome::Bound => "bound",
            Outcome::Forgotten => "forgotten",
            Outcome::Refused(_) => "refused",
            Outcome::GoesOn => return,
            Outcome::Ignored(why) => return self.host.discard(why),
        };
        self.host.event(Event::RouteOptimization { peer, outcome });
    }

    //= MN-BRR-01
    fn on_refresh_request(&mut self, now: Instant, packet: &Packet<'_>) {
        let peer = packet.source();
        if self.does(Misdeed::NeverRefreshes) {
            return;
        }
        if packet.destination() != self.config.mobile.home() {
            return self.host.discard("refresh request that is not for the home address");
        }
        match self.list.get_mut(peer).filter(|peer| peer.may_be_bound(now)) {
            Some(peer) => peer.want(now, None),
            None => self.host.discard("refresh request from a node without a binding"),
        }
    }

    fn on_binding_error(&mut self, now: Instant, packet: &Packet<'_>, error: &BindingError) {
        let (peer, home) = (packet.source(), self.config.mobile.home());
        //= MN-BE-06
        let ours = error.home_address == home || error.home_address.is_unspecified();
        if !ours {
            return self.host.discard("Binding Error about another home address");
        }
        match error.status {
            BindingErrorStatus::UNKNOWN_BINDING if peer == self.config.mobile.home_agent => {
                //= MN-BE-03
                self.home.binding_lost(now);
            }
            BindingErrorStatus::UNKNOWN_BINDING if error.home_address == home => {
                //= MN-BE-02
                let careless = self.does(Misdeed::AnswersAfterBindingLost);
                match self.list.get_mut(peer) {
                    Some(_) if careless => {}
                    Some(peer) => peer.lost(now),
                    //= MN-BE-01
                    None => self.host.discard("Binding Error from a node without a binding"),
                }
            }
            BindingErrorStatus::UNRECOGNISED_MH_TYPE => {
                //= MN-BE-04
                //= MN-BE-05
                if self.list.incapable(now, peer, None) {
                    let outcome = "knows no Mobile IPv6";
                    self.host.event(Event::RouteOptimization { peer, outcome });
                } else {
                    self.host.discard("Binding Error about nothing outstanding");
                }
            }
            BindingErrorStatus(_) => self.host.discard("Binding Error of an unknown status"),
        }
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.config.mobile.authentication == super::config::Authentication::Rfc4285
    }
}
