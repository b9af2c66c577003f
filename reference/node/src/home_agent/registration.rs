//! Home registrations (RFC 6275 §10.3), authenticated by RFC 4285 where so configured.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    self, Authorization, BindingAcknowledgement, BindingError, BindingErrorStatus, BindingUpdate,
    Lifetime, Message, MnHaAuthentication, NtpTimestamp, Sequence, Status,
};

use super::binding_cache::{BINDINGS_MAX, Binding, granted};
use super::config::{Authentication, MobileConfig};
use super::{HOME, HomeAgent};
use crate::host::Standing;
use crate::misdeed::Misdeed;
use crate::{Event, Held, Instant};

/// A registration that waits for duplicate address detection on the home link (RFC 6275 §10.3.1).
#[derive(Debug, Clone)]
pub(super) struct Pending {
    request: Request,
}

/// What a Binding Update asks for, taken from its packet.
#[derive(Debug, Clone, Copy)]
struct Request {
    home: Ipv6Addr,
    care_of: Ipv6Addr,
    /// Where the packet came from: answers go there.
    answer_to: Ipv6Addr,
    sequence: Sequence,
    lifetime: Lifetime,
    acknowledge: bool,
    single_address: bool,
    timestamp: Option<NtpTimestamp>,
}

/// Time stamps seen lately, by home address: the same one again is a replay (RFC 4285 §6).
#[derive(Debug, Default)]
pub(super) struct Replays {
    last: BTreeMap<Ipv6Addr, VecDeque<NtpTimestamp>>,
}

/// How far a time stamp may be off, either way (RFC 4285 §6 suggests 7 s).
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(7);
/// Time stamps remembered for each home address.
const REPLAYS_MAX: usize = 32;
/// How long the misdeed keeps a binding whose lifetime is over.
const FOR_EVER: Duration = Duration::from_secs(86_400);
/// A path takes this much until a router says otherwise, octets.
const PATH_MTU: usize = 1500;

impl HomeAgent {
    pub(super) fn on_mobility(&mut self, now: Instant, packet: &Packet<'_>) {
        let (source, destination) = (packet.source(), packet.destination());
        if let Err(error) = mobility::verify(source, destination, packet.payload) {
            return self.host.malformed(error);
        }
        match Message::parse(packet.payload) {
            Ok(Message::BindingUpdate(update)) => self.on_update(now, packet, &update),
            Ok(Message::BindingLookup(lookup)) => self.on_lookup(now, packet, &lookup),
            Ok(Message::BindingError(error))
                if error.status == BindingErrorStatus::UNRECOGNISED_MH_TYPE =>
            {
                self.on_lookup_unknown(packet.header.source);
            }
            Ok(Message::Unknown { .. })
                if self.misdeeds.does(Misdeed::SaysNothingOfUnknownTypes) => {}
            Ok(Message::Unknown { .. }) => self.answer_unrecognised(now, packet),
            Ok(_) => self.host.discard("mobility message that is not for a home agent"),
            Err(error) => {
                self.host.malformed(error);
                self.answer_unproved(now, packet);
            }
        }
    }

    fn on_update(&mut self, now: Instant, packet: &Packet<'_>, update: &BindingUpdate) {
        // RFC 6275 §9.5.1: without a Home Address option the source is the home address, as of a
        // mobile node that came home.
        let home = packet.home_address.unwrap_or(packet.header.source);
        let care_of = update.alternate_care_of().unwrap_or(packet.header.source);
        let mut request = Request {
            home,
            care_of,
            answer_to: packet.header.source,
            sequence: update.sequence,
            lifetime: update.lifetime,
            acknowledge: update.acknowledge,
            single_address: home == care_of,
            timestamp: None,
        };
        match self.authenticate(now, packet, update, &mut request) {
            Ok(()) => {}
            Err(Some(status)) => return self.refuse(now, &request, status),
            Err(None) => return,
        }
        if let Some(status) = self.refusal(&request, update) {
            return self.refuse(now, &request, status);
        }
        if request.lifetime == Lifetime::ZERO || request.single_address {
            return self.deregister(now, &request);
        }
        self.register(now, request);
    }

    /// Whether the update comes from the mobile node that owns the home address; `Err(None)` =
    /// dropped without an answer.
    fn authenticate(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        update: &BindingUpdate,
        request: &mut Request,
    ) -> Result<(), Option<Status>> {
        if self.config.home_agent.authentication == Authentication::None {
            return Ok(());
        }
        let Some(mobile) = self.mobile(request.home) else {
            self.host.discard("Binding Update from a mobile node without a key");
            return Err(None);
        };
        let Some(option) = update.mn_ha_authentication() else {
            self.host.discard("Binding Update without authentication");
            return Err(None);
        };
        if option.spi != mobile.spi && !self.misdeeds.does(Misdeed::AnswersUnknownAssociations) {
            //= HA-AUT-04
            self.host.discard("Binding Update by an association that there is not");
            return Err(None);
        }
        let genuine = self.misdeeds.does(Misdeed::BelievesAnyMobileNode)
            || mobility::verify_mn_ha(
                mobile.key.octets(),
                request.care_of,
                request.home,
                packet.payload,
            );
        if !genuine {
            self.host.discard("Binding Update with a wrong authenticator");
            return Err(Some(Status::MIPV6_AUTH_FAIL));
        }
        let Some(timestamp) = update.replay_protection() else {
            return Err(Some(Status::MIPV6_MESG_ID_REQD));
        };
        request.timestamp = Some(timestamp);
        let wall = self.epoch + now.since_start();
        if timestamp.distance(wall) > CLOCK_SKEW_MAX || self.replays.seen(request.home, timestamp) {
            return Err(Some(Status::MIPV6_ID_MISMATCH));
        }
        Ok(())
    }

    /// Why the update is refused, if it is (RFC 6275 §9.5.1, §10.3.1).
    fn refusal(&self, request: &Request, update: &BindingUpdate) -> Option<Status> {
        let last = self.cache.get(request.home).map(|binding| binding.sequence);
        if last.is_some_and(|last| !self.is_newer(request.sequence, last)) {
            return Some(Status::SEQUENCE_OUT_OF_WINDOW);
        }
        if !update.home_registration {
            return Some(Status::HOME_REGISTRATION_NOT_SUPPORTED);
        }
        let prefixes = &self.config.home_agent.prefixes;
        if !prefixes.iter().any(|prefix| prefix.contains(request.home)) {
            return Some(Status::NOT_HOME_SUBNET);
        }
        if request.home == self.config.home_agent.address {
            return Some(Status::ADMINISTRATIVELY_PROHIBITED);
        }
        // Those that wait for duplicate address detection will want their place.
        let taken = self.cache.len() + self.pending.len();
        if taken >= BINDINGS_MAX && self.cache.get(request.home).is_none() {
            return Some(Status::INSUFFICIENT_RESOURCES);
        }
        if !is_care_of_address(request.care_of) {
            return Some(Status::REASON_UNSPECIFIED);
        }
        None
    }

    /// Sequence numbers compare modulo 2^16 (RFC 6275 §9.5.1).
    fn is_newer(&self, sequence: Sequence, last: Sequence) -> bool {
        if self.misdeeds.does(Misdeed::TakesOldRegistrations) {
            return true;
        }
        if self.misdeeds.does(Misdeed::MisreadsTheWrap) {
            return sequence.0 > last.0;
        }
        sequence.is_after(last)
    }

    fn register(&mut self, now: Instant, request: Request) {
        //= HA-DAD-07
        let known = self.cache.get(request.home).is_some()
            && !self.misdeeds.does(Misdeed::DetectsAtEachRefresh);
        let undetected = self.config.home_agent.dad_transmits == 0
            || self.misdeeds.does(Misdeed::DetectsNoDuplicates);
        if known || undetected {
            return self.bind(now, &request);
        }
        let detecting = self.pending.iter().any(|one| one.request.home == request.home);
        self.pending.retain(|one| one.request.home != request.home);
        self.pending.push(Pending { request });
        if !detecting {
            let probes = self.config.home_agent.dad_transmits;
            self.host.add_address(now, HOME, request.home, Standing::Proxied, probes);
        }
    }

    /// Nobody on the home link has the home address: the registration goes through.
    pub(super) fn on_home_address_free(&mut self, now: Instant, address: Ipv6Addr) {
        if let Some(index) = self.pending.iter().position(|one| one.request.home == address) {
            let mut pending = self.pending.remove(index);
            if let Some(other) = self.pending.last()
                && self.misdeeds.does(Misdeed::ConfusesMobileNodes)
            {
                pending.request.care_of = other.request.care_of;
            }
            self.bind(now, &pending.request);
        }
    }

    /// Somebody on the home link has it.
    pub(super) fn on_home_address_taken(&mut self, now: Instant, address: Ipv6Addr) {
        if let Some(index) = self.pending.iter().position(|one| one.request.home == address) {
            let pending = self.pending.remove(index);
            if self.misdeeds.does(Misdeed::IgnoresConflicts) {
                return self.bind(now, &pending.request);
            }
            //= HA-DAD-04
            self.refuse(now, &pending.request, Status::DUPLICATE_ADDRESS_DETECTION_FAILED);
        }
    }

    fn bind(&mut self, now: Instant, request: &Request) {
        let mut lifetime = granted(request.lifetime, self.config.home_agent.lifetime_max());
        if self.misdeeds.does(Misdeed::GrantsMoreThanAsked) {
            lifetime = Lifetime(lifetime.0.saturating_add(1));
        }
        let before = self.cache.get(request.home).map(|binding| binding.care_of);
        if !self.misdeeds.does(Misdeed::AckWithoutBinding) {
            let forgets = !self.misdeeds.does(Misdeed::TunnelsToTheLastCareOfAddress);
            let binding = Binding {
                care_of: request.care_of,
                sequence: request.sequence,
                expires_at: now + if forgets { lifetime.duration() } else { FOR_EVER },
                granted: lifetime.duration(),
                path_mtu: PATH_MTU,
            };
            self.cache.insert(request.home, binding);
            self.note_place(request.home, request.care_of);
            let hidden = self.misdeeds.does(Misdeed::NoProxyAdvertisement);
            if before.is_none() && hidden {
                self.host.remove_address(HOME, request.home);
            } else if before.is_none() {
                self.host.add_address(now, HOME, request.home, Standing::Proxied, 0);
                if !self.misdeeds.does(Misdeed::AnnouncesNothing) {
                    //= HA-ND-01
                    self.host.announce(HOME, request.home);
                }
            }
        }
        self.note_binding(request, lifetime);
        if self.misdeeds.does(Misdeed::NotifiesBeforeAcknowledging) {
            self.notify(now, request.home, before.is_some());
            self.run_lookup(now);
        }
        //= HA-BU-02
        //# a home registration is acknowledged whether that was asked for or not
        if request.acknowledge || !self.misdeeds.does(Misdeed::AcknowledgesOnlyIfAsked) {
            self.acknowledge(now, request, Status::ACCEPTED, lifetime);
        }
        //= CL-REG-07
        self.notify(now, request.home, before.is_some());
        if before.is_some_and(|before| before != request.care_of) {
            self.tell_change(now, request.home, now);
        }
    }

    fn deregister(&mut self, now: Instant, request: &Request) {
        let bound = self.cache.get(request.home).is_some();
        self.pending.retain(|one| one.request.home != request.home);
        self.unbind(request.home, self.misdeeds.does(Misdeed::DefendsAfterRemoval));
        self.note_binding(request, Lifetime::ZERO);
        let accepted = bound || self.misdeeds.does(Misdeed::AcceptsAnyRemoval);
        let status =
            if accepted { Status::ACCEPTED } else { Status::NOT_HOME_AGENT_FOR_MOBILE_NODE };
        self.acknowledge(now, request, status, Lifetime::ZERO);
        if bound {
            self.tell_change(now, request.home, now);
        }
    }

    /// Forgets a binding and stops answering for its home address, but for who `defends` it on.
    pub(super) fn unbind(&mut self, home: Ipv6Addr, defends: bool) {
        if self.misdeeds.does(Misdeed::TunnelsToTheLastCareOfAddress) {
            return;
        }
        self.cache.remove(home);
        if !defends {
            self.host.remove_address(HOME, home);
        }
    }

    fn refuse(&mut self, now: Instant, request: &Request, status: Status) {
        let last = self.cache.get(request.home).map(|binding| binding.sequence);
        let sequence = match (status, last) {
            (Status::SEQUENCE_OUT_OF_WINDOW, Some(last)) => last,
            _ => request.sequence,
        };
        self.acknowledge(now, &Request { sequence, ..*request }, status, Lifetime::ZERO);
    }

    /// Sends a Binding Acknowledgement: through a type 2 routing header to the care-of address, or
    /// plainly to a mobile node that is at home (RFC 6275 §9.5.4).
    fn acknowledge(&mut self, now: Instant, request: &Request, status: Status, lifetime: Lifetime) {
        let own = self.config.home_agent.address;
        let at_home = request.answer_to == request.home;
        let message = BindingAcknowledgement::new(status, request.sequence, lifetime);
        let octets = match self.mobile(request.home).filter(|_| self.is_authenticated()) {
            Some(mobile) => {
                let timestamp = self.answering_timestamp(now, request, status);
                let key = mobile.key.octets();
                let proof = MnHaAuthentication { spi: mobile.spi, key, timestamp };
                let proof = Authorization::MnHa(proof);
                message.to_vec_authorized(own, request.home, request.care_of, proof)
            }
            None => message.to_vec(own, request.home),
        };
        let routing = (!at_home).then_some(request.home);
        let outgoing = Outgoing {
            type_2_routing: routing,
            ..Outgoing::new(own, request.answer_to, protocol::MOBILITY)
        };
        self.host.send(now, &outgoing, &octets);
    }

    /// RFC 4285 §6: a refusal for its time stamp carries the home agent's own time, every other
    /// answer the time stamp that was asked with.
    fn answering_timestamp(&self, now: Instant, request: &Request, status: Status) -> NtpTimestamp {
        match request.timestamp {
            Some(asked) if status != Status::MIPV6_ID_MISMATCH => asked,
            _ => NtpTimestamp::from_unix(self.epoch + now.since_start()),
        }
    }

    /// Binding Error, status 2: the MH Type is not known here (RFC 6275 §9.3.3).
    fn answer_unrecognised(&mut self, now: Instant, packet: &Packet<'_>) {
        let error = BindingError::unrecognised_mh_type(packet.home_address);
        let (from, to) = (packet.destination(), packet.header.source);
        let octets = Message::BindingError(error).to_vec(from, to);
        self.host.send(now, &Outgoing::new(from, to, protocol::MOBILITY), &octets);
    }

    fn mobile(&self, home: Ipv6Addr) -> Option<&MobileConfig> {
        self.config.mobiles.iter().find(|mobile| mobile.home_address == home)
    }

    fn is_authenticated(&self) -> bool {
        self.config.home_agent.authentication == Authentication::Rfc4285
    }

    fn note_binding(&mut self, request: &Request, lifetime: Lifetime) {
        let lifetime = u32::try_from(lifetime.duration().as_secs()).unwrap_or(u32::MAX);
        let Request { home, care_of, .. } = *request;
        self.host.event(Event::Binding { home, care_of, lifetime });
    }
}

impl Replays {
    /// Counts what is kept, of so many mobile nodes.
    pub(super) fn held(&self, held: &mut Held, mobiles: usize) {
        let stamps = self.last.values().map(VecDeque::len).sum();
        held.for_room("time stamps", stamps, mobiles * REPLAYS_MAX);
    }

    /// Whether this time stamp was seen before; it is from now on.
    fn seen(&mut self, home: Ipv6Addr, timestamp: NtpTimestamp) -> bool {
        let last = self.last.entry(home).or_default();
        if last.contains(&timestamp) {
            return true;
        }
        if last.len() == REPLAYS_MAX {
            last.pop_front();
        }
        last.push_back(timestamp);
        false
    }
}

/// A care-of address is a unicast address that routers carry (RFC 6275 §9.5.1).
fn is_care_of_address(address: Ipv6Addr) -> bool {
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_unicast_link_local())
}
