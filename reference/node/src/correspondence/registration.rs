//! Binding Updates at a correspondent (RFC 6275 §9.5): judged, answered, acted on.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::address::is_unicast_routable;
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    Authorization, BindingAcknowledgement, BindingManagementKey, BindingUpdate, Lifetime,
    NonceIndices, Sequence, Status, verify_binding_authorization,
};

use super::binding_cache::{BindingCache, Ends};
use super::{Answer, Correspondence, CorrespondenceEvent};
use crate::Instant;
use crate::misdeed::Misdeed;

/// How often the flaw refuses an update.
const REFUSALS: usize = 12;
/// How long the misdeed keeps a binding.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// What an update asks for.
#[derive(Debug, Clone, Copy)]
struct Request {
    ends: Ends,
    /// The address to be registered; the home address where a binding is removed.
    care_of: Ipv6Addr,
    sequence: Sequence,
    lifetime: Lifetime,
    acknowledge: bool,
    nonces: NonceIndices,
}

/// What becomes of an update.
#[derive(Debug, Clone, Copy)]
enum Judgement {
    /// Nothing, not even an answer.
    Silence(&'static str),
    /// It is refused; the key proves the answer where the update was proved.
    Refused { status: Status, sequence: Sequence, key: Option<BindingManagementKey> },
    /// It is done.
    Granted { request: Request, key: BindingManagementKey },
}

impl Correspondence {
    pub(super) fn on_update(&mut self, now: Instant, packet: &Packet<'_>, update: &BindingUpdate) {
        match self.judge(now, packet, update) {
            Judgement::Silence(why) => self.discard(why),
            Judgement::Refused { status, sequence, key } => {
                let acknowledgement = BindingAcknowledgement::new(status, sequence, Lifetime::ZERO);
                let care_of = care_of(packet, update);
                let again = key.is_none() && self.misdeeds.does(Misdeed::RepeatsRefusals);
                for _ in 0..if again { REFUSALS } else { 1 } {
                    self.acknowledge(packet, care_of, &acknowledgement, key.as_ref());
                }
            }
            Judgement::Granted { request, key } => self.grant(now, packet, request, &key),
        }
    }

    /// The tests of RFC 6275 §9.5.1, in the order that reveals nothing to whom it does not concern.
    fn judge(&self, now: Instant, packet: &Packet<'_>, update: &BindingUpdate) -> Judgement {
        let ends = Ends { local: packet.destination(), home: packet.source() };
        let care_of = care_of(packet, update);
        //= CN-BU-24
        //= CN-BU-25
        //= CN-BU-26
        let addresses = [ends.home, care_of, packet.header.source];
        if !addresses.into_iter().all(is_unicast_routable) {
            return Judgement::Silence("Binding Update with an address that cannot be bound");
        }
        let Some(nonces) = update.nonce_indices() else {
            if self.misdeeds.does(Misdeed::AnswersWithoutNonces) {
                let (status, sequence) = (Status::EXPIRED_NONCES, update.sequence);
                return Judgement::Refused { status, sequence, key: None };
            }
            return self.judge_without_nonces(now, ends, update);
        };
        if update.home_registration {
            //= CN-BU-19
            return Judgement::Silence("home registration with nonce indices");
        }
        let unproved = update.authorization_data().is_none();
        let trusted = unproved && self.misdeeds.does(Misdeed::BindsWithoutAuthorization);
        if unproved && !trusted {
            //= CN-BU-15
            return Judgement::Silence("Binding Update without authorization");
        }
        let request = Request {
            ends,
            care_of,
            sequence: update.sequence,
            lifetime: update.lifetime,
            acknowledge: update.acknowledge,
            nonces,
        };
        let key = if care_of == ends.home {
            self.routability.key_for_deletion(now, ends.home, nonces)
        } else {
            self.routability.key(now, ends.home, care_of, nonces)
        };
        let key = match key {
            Ok(key) => key,
            //= CN-RR-22
            //= CN-RR-23
            //# whose nonces are unknown cannot be proved, so neither is the answer; A says nothing
            Err(_) if self.misdeeds.does(Misdeed::SilentToUnknownNonces) => {
                return Judgement::Silence("Binding Update with unknown nonces");
            }
            Err(status) => {
                return Judgement::Refused { status, sequence: update.sequence, key: None };
            }
        };
        //= CN-RR-12
        //= CN-BU-13
        let believed = trusted || self.misdeeds.does(Misdeed::SkipsTheAuthenticator);
        if !believed && !verify_binding_authorization(&key, care_of, ends.local, packet.payload) {
            return Judgement::Silence("Binding Update with a wrong authenticator");
        }
        self.judge_proved(now, request, key)
    }

    /// An update without nonces can only be meant for a home agent, which this is not.
    fn judge_without_nonces(&self, now: Instant, ends: Ends, update: &BindingUpdate) -> Judgement {
        if !update.home_registration {
            //= CN-BU-14
            return Judgement::Silence("Binding Update without nonce indices");
        }
        //= CN-BU-17
        //= CN-BU-18
        if self.misdeeds.does(Misdeed::SilentToHomeRegistrations) {
            return Judgement::Silence("home registration with a correspondent");
        }
        let status = match self.cache.find(now, ends) {
            Some(_) => Status::REGISTRATION_TYPE_CHANGE_DISALLOWED,
            None => Status::HOME_REGISTRATION_NOT_SUPPORTED,
        };
        Judgement::Refused { status, sequence: update.sequence, key: None }
    }

    fn judge_proved(&self, now: Instant, request: Request, key: BindingManagementKey) -> Judgement {
        let Request { ends, sequence, .. } = request;
        let known = self.cache.find(now, ends).map(|binding| binding.sequence);
        let gone = self
            .cache
            .gone(now, ends)
            .filter(|_| !self.misdeeds.does(Misdeed::ForgetsRemovedBindings))
            .filter(|gone| self.routability.are_from_before(now, gone.gone_at, request.nonces));
        let last = known.or(gone.map(|gone| gone.sequence));
        //= CN-BU-10
        //= CN-BU-11
        //= CN-BU-12
        //= CN-RR-28
        if let Some(last) = last.filter(|last| !self.is_newer(sequence, *last)) {
            let status = Status::SEQUENCE_OUT_OF_WINDOW;
            return Judgement::Refused { status, sequence: last, key: Some(key) };
        }
        //= CN-RR-29
        //# the nonces and addresses of a binding that was removed make no other
        if gone.is_some_and(|gone| (gone.nonces, gone.care_of) == (request.nonces, request.care_of))
        {
            let status = Status::EXPIRED_NONCES;
            return Judgement::Refused { status, sequence, key: Some(key) };
        }
        //= CN-BU-40
        if known.is_none() && !request.removes() && self.cache.is_full() {
            let status = Status::INSUFFICIENT_RESOURCES;
            return Judgement::Refused { status, sequence, key: Some(key) };
        }
        Judgement::Granted { request, key }
    }

    fn grant(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        request: Request,
        key: &BindingManagementKey,
    ) {
        let Request { ends, care_of, sequence, nonces, .. } = request;
        let lifetime = if request.removes() {
            self.routability.spend();
            //= CN-BU-31
            let keeps = self.misdeeds.does(Misdeed::KeepsRemovedBindings);
            if !keeps && self.cache.unbind(now, ends, Some(sequence)) {
                self.event(CorrespondenceEvent::Unbound { local: ends.local, home: ends.home });
                if self.misdeeds.does(Misdeed::ForgetsOtherBindings) {
                    self.cache = BindingCache::default();
                }
            }
            Lifetime::ZERO
        } else {
            //= CN-BU-03
            //= CN-BU-04
            let lifetime = if self.misdeeds.does(Misdeed::GrantsAnyLifetime) {
                request.lifetime
            } else {
                request.lifetime.min(Lifetime::MAX_RR_BINDING)
            };
            self.bind(now, ends, (care_of, sequence, nonces), lifetime.duration());
            lifetime
        };
        //= CN-BU-02
        if request.acknowledge {
            let acknowledgement = BindingAcknowledgement::new(Status::ACCEPTED, sequence, lifetime);
            let proof = (!self.misdeeds.does(Misdeed::AcknowledgesWithoutProof)).then_some(key);
            self.acknowledge(packet, care_of, &acknowledgement, proof);
        }
    }

    /// Sequence numbers compare modulo 2^16 (RFC 6275 §9.5.1).
    fn is_newer(&self, sequence: Sequence, last: Sequence) -> bool {
        if self.misdeeds.does(Misdeed::TakesAnySequence) {
            return true;
        }
        if self.misdeeds.does(Misdeed::ComparesSequencesPlainly) {
            return sequence.0 > last.0;
        }
        sequence.is_after(last)
    }

    fn bind(
        &mut self,
        now: Instant,
        ends: Ends,
        (care_of, sequence, nonces): (Ipv6Addr, Sequence, NonceIndices),
        lifetime: Duration,
    ) {
        let known = self.cache.find(now, ends).copied();
        let mut kept = (care_of, lifetime);
        if self.misdeeds.does(Misdeed::KeepsBindingsForEver) {
            kept.1 = FOR_EVER;
        }
        if let Some(known) = known {
            if self.misdeeds.does(Misdeed::KeepsOldCareOf) {
                kept.0 = known.care_of;
            }
            if self.misdeeds.does(Misdeed::RefreshWithoutEffect) {
                kept.1 = known.expires_at - now;
            }
        }
        self.cache.bind(now, ends, (kept.0, sequence, nonces), kept.1);
        self.event(CorrespondenceEvent::Bound {
            local: ends.local,
            home: ends.home,
            care_of,
            lifetime,
            fresh: known.is_none(),
        });
    }

    /// Sends a Binding Acknowledgement to where the update came from: through a type 2 routing
    /// header to a mobile node that is away, plainly to one that is at home (RFC 6275 §9.5.4).
    fn acknowledge(
        &mut self,
        packet: &Packet<'_>,
        care_of: Ipv6Addr,
        acknowledgement: &BindingAcknowledgement,
        key: Option<&BindingManagementKey>,
    ) {
        let (local, home, to) = (packet.destination(), packet.source(), packet.header.source);
        let octets = match key {
            Some(key) => {
                let authorization = Authorization::ReturnRoutability(key);
                acknowledgement.to_vec_authorized(local, home, care_of, authorization)
            }
            None => acknowledgement.to_vec(local, home),
        };
        //= CN-BU-01
        //= CN-BU-23
        //= CN-BU-27
        let outgoing = Outgoing {
            type_2_routing: (to != home).then_some(home),
            ..Outgoing::new(local, to, protocol::MOBILITY)
        };
        self.answers.push_back(Answer { outgoing, payload: octets });
    }
}

impl Request {
    /// Whether it removes a binding. RFC 6275 §6.1.7 says so by lifetime zero; a care-of address
    /// that is the home address would make a binding that leads to itself.
    fn removes(&self) -> bool {
        self.lifetime == Lifetime::ZERO || self.care_of == self.ends.home
    }
}

/// The address that the authenticator covers and that is registered (RFC 6275 §6.2.7): the home
/// address where a binding is removed.
fn care_of(packet: &Packet<'_>, update: &BindingUpdate) -> Ipv6Addr {
    //= CN-BU-22
    //= CN-BU-29
    if update.lifetime == Lifetime::ZERO {
        return packet.source();
    }
    update.alternate_care_of().unwrap_or(packet.header.source)
}
