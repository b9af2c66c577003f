//! The claims, as invariants of the frames that enter the links: read from the frames alone, with no
//! knowledge of any node's state.
//!
//! What holds to the end: no care-of address stands in SIP. What holds until an attacker acts, for one on
//! the path can rightly break it (a forged ICMPv6 error or Binding Error ends an optimization, a forged
//! advertisement moves the terminal): no response to an INVITE leaves before the route to the caller is
//! optimized or its budget is spent, and no media goes by the home agent while a binding stands.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_harness::tester::template::{message_in, sip_in};
use roamproof_harness::topology::claimed::{CN, HA, HOA, mac};
use roamproof_lab::{Fate, LinkId, Sighting};
use roamproof_node::Instant;
use roamproof_wire::ethernet::HEADER_LEN;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::{Lifetime, Message, Sequence, Status};
use roamproof_wire::sip::{Fields, Method};

use super::packet_class::{PacketClass, contains, innermost};
use crate::claims::IN_TIME;

/// Watches the frames of one run.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Where the terminal's cable is.
    pub(super) plugged: Option<LinkId>,
    /// Whether that is its home link.
    pub(super) at_home: bool,
    /// Media packets between the parties, by their ways.
    pub(super) media: MediaCount,
    /// Whether the correspondent had a reason to let go of a binding that the terminal may count on.
    pub(super) doubted: bool,
    /// Whether a question whose the home address is, or its answer, was lost or came late: a terminal that
    /// is switched on at home then takes the address that its home agent still defends, and neighbours
    /// believe that it is where it was.
    pub(super) misled: bool,
    attacked: bool,
    /// What is under way to the terminal, by its time.
    arriving: VecDeque<(Instant, Arrival)>,
    /// The calls that reached the terminal, and when; the flag tells that it has responded.
    calls: BTreeMap<String, (Instant, bool)>,
    updates: VecDeque<Update>,
    /// What the terminal holds at the correspondent, and when it learnt that.
    held: Option<Binding>,
    /// What the correspondent has acknowledged.
    granted: Option<Binding>,
    refused_at: Option<Instant>,
}

/// Media packets as they came to whom they are for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct MediaCount {
    /// To the correspondent: from the care-of address, and otherwise.
    pub(super) sent: [u32; 2],
    /// To the terminal where it is: to its care-of address, and otherwise.
    pub(super) received: [u32; 2],
}

#[derive(Debug, Clone)]
enum Arrival {
    Invite(String),
    Acknowledgement {
        sequence: Sequence,
        lifetime: Lifetime,
        status: u8,
        care_of: Ipv6Addr,
    },
    /// A Binding Error: what the terminal holds is gone.
    BindingError,
    /// An ICMPv6 error about what it sent: it may fall back to its home agent.
    Error {
        refuses: bool,
    },
}

/// A Binding Update of the terminal to the correspondent.
#[derive(Debug, Clone, Copy)]
struct Update {
    sequence: Sequence,
    lifetime: Lifetime,
    care_of: Ipv6Addr,
    at: Instant,
    /// Whether an answer to it counts.
    is_open: bool,
}

#[derive(Debug, Clone, Copy)]
struct Binding {
    care_of: Ipv6Addr,
    from: Instant,
    until: Instant,
    /// Whether there is a reason not to use it: an ICMPv6 error, or an answer that came late.
    shaken: bool,
}

impl Watch {
    /// From here on an attacker may have broken what it rightly can.
    pub(super) fn attacked(&mut self) {
        self.attacked = true;
    }

    /// Whether an attacker has acted.
    pub(super) const fn is_attacked(&self) -> bool {
        self.attacked
    }

    /// The terminal's cable is pulled, or its link is down: what is under way never arrives.
    /// The correspondent keeps its binding, and back at the same place the terminal may answer on it.
    pub(super) fn detached(&mut self) {
        self.arriving.clear();
        self.close_exchange();
        if let Some(held) = &mut self.held {
            held.shaken = true;
        }
    }

    /// The terminal knows nothing any more.
    pub(super) fn terminal_restarted(&mut self) {
        self.detached();
        self.held = None;
        self.calls.clear();
        self.refused_at = None;
    }

    /// The correspondent knows nothing any more.
    pub(super) fn correspondent_restarted(&mut self) {
        self.granted = None;
    }

    /// Takes in a frame as it enters a link.
    ///
    /// # Panics
    ///
    /// Where it breaks a claim.
    pub(super) fn see(&mut self, sighting: Sighting<'_>, fate: Fate) {
        while let Some((at, arrival)) =
            self.arriving.pop_front_if(|(arrives, _)| *arrives <= sighting.at)
        {
            self.arrives(at, arrival);
        }
        let Some((addresses, octets)) = sighting.octets.split_at_checked(HEADER_LEN) else {
            return;
        };
        let (to, from) = (&addresses[..6], &addresses[6..12]);
        let late = fate.delays.into_iter().flatten().any(|delay| delay >= PROBE);
        self.misled |= (late || fate.is_lost())
            && PacketClass::of(sighting.octets) == PacketClass::NEIGHBOUR
            && contains(octets, &HOA.octets());
        if from == TERMINAL {
            self.terminal_sends(sighting.at, sighting.octets, octets);
        } else if from == CORRESPONDENT {
            self.correspondent_sends(sighting.at, sighting.octets, octets);
        }
        if to == TERMINAL && Some(sighting.link) == self.plugged {
            if !fate.is_lost() && PacketClass::of(sighting.octets) == PacketClass::MEDIA {
                let direct = Packet::parse(octets).is_ok_and(|packet| packet.routing.is_some());
                self.media.received[usize::from(!direct)] += 1;
            }
            for delay in fate.delays.into_iter().flatten() {
                self.expect(sighting.at + delay, sighting.octets, octets);
            }
        } else if to == CORRESPONDENT && !fate.is_lost() {
            self.correspondent_receives(sighting.octets, octets);
        }
    }

    fn terminal_sends(&mut self, at: Instant, frame: &[u8], octets: &[u8]) {
        let class = PacketClass::of(frame);
        match class {
            PacketClass::MEDIA => self.on_terminal_media(at, octets),
            PacketClass::UPDATE => self.on_update(at, octets),
            class if class.is_sip() => {
                //= CL-RO-25
                //# the care-of address appears nowhere in SIP or SDP
                let stands = VISITED.iter().any(|prefix| contains(octets, prefix.as_bytes()));
                assert!(!stands, "a care-of address stands in SIP");
                if class == PacketClass::INVITE_RESPONSE && !self.attacked {
                    self.on_response(at, octets);
                }
            }
            _ => {}
        }
    }

    fn correspondent_sends(&mut self, at: Instant, frame: &[u8], octets: &[u8]) {
        match PacketClass::of(frame) {
            PacketClass::MEDIA => self.on_correspondent_media(at, octets),
            PacketClass::ACKNOWLEDGEMENT => self.on_grant(at, octets),
            _ => {}
        }
    }

    fn correspondent_receives(&mut self, frame: &[u8], octets: &[u8]) {
        match PacketClass::of(frame) {
            PacketClass::MEDIA => {
                let by_binding = |packet: Packet<'_>| packet.home_address.is_some();
                let direct = Packet::parse(octets).is_ok_and(by_binding);
                self.media.sent[usize::from(!direct)] += 1;
            }
            // It may forget the binding (RFC 6275 §9.3.4); a new one is granted by a new update.
            PacketClass::OTHER_ICMP if is_unreachable(octets) => {
                self.granted = None;
                self.doubted = true;
            }
            _ => {}
        }
    }

    /// Notes what is under way to the terminal, if it matters.
    fn expect(&mut self, at: Instant, frame: &[u8], octets: &[u8]) {
        let Ok(outer) = Packet::parse(octets) else { return };
        let arrival = match PacketClass::of(frame) {
            PacketClass::INVITE => {
                let message = innermost(octets).and_then(|packet| sip_in(&packet));
                let begins = |message: &roamproof_wire::sip::Message| {
                    message.to().is_ok_and(|to| to.tag().is_none())
                };
                let Some(message) = message.filter(begins) else { return };
                let Ok(call) = message.call_id() else { return };
                Arrival::Invite(call.to_owned())
            }
            PacketClass::ACKNOWLEDGEMENT if outer.header.source == CN => {
                let Some(Message::BindingAcknowledgement(answer)) = message_in(&outer) else {
                    return;
                };
                Arrival::Acknowledgement {
                    sequence: answer.sequence,
                    lifetime: answer.lifetime,
                    status: answer.status.0,
                    care_of: outer.header.destination,
                }
            }
            PacketClass::OTHER_MOBILITY => Arrival::BindingError,
            PacketClass::OTHER_ICMP => {
                let Some(kind) =
                    innermost(octets).and_then(|packet| packet.payload.first().copied())
                else {
                    return;
                };
                if kind >= ICMP_INFORMATIONAL {
                    return;
                }
                Arrival::Error { refuses: kind == ICMP_PARAMETER_PROBLEM }
            }
            _ => return,
        };
        let place = self.arriving.partition_point(|(other, _)| *other <= at);
        self.arriving.insert(place, (at, arrival));
    }

    fn arrives(&mut self, at: Instant, arrival: Arrival) {
        match arrival {
            Arrival::Invite(call) => _ = self.calls.entry(call).or_insert((at, false)),
            Arrival::BindingError => {
                self.held = None;
                self.close_exchange();
                self.refused_at = Some(at);
            }
            Arrival::Error { refuses } => {
                if let Some(held) = &mut self.held {
                    held.shaken = true;
                }
                if refuses {
                    self.refused_at = Some(at);
                }
            }
            Arrival::Acknowledgement { sequence, lifetime, status, care_of } => {
                // Every unanswered update from here may be answered (RFC 6275 §11.7.3).
                let mut from_here =
                    self.updates.iter().rev().take_while(|one| one.care_of == care_of);
                let late = self.updates.back().is_some_and(|newest| at > newest.at + IN_TIME);
                let is_it = |one: &&Update| one.is_open && one.sequence == sequence;
                let Some(update) = from_here.find(is_it).copied() else { return };
                // One answer ends the exchange, unless it only sets the number.
                if status != Status::SEQUENCE_OUT_OF_WINDOW.0 {
                    self.close_exchange();
                }
                if status >= 128 {
                    // Nonces and sequence numbers are tried again.
                    if !matches!(status, 135..=138) {
                        self.refused_at = Some(at);
                    }
                } else if update.lifetime != Lifetime::ZERO {
                    let granted = lifetime.duration().min(update.lifetime.duration());
                    let until = update.at + granted;
                    self.held = Some(Binding { care_of, from: at, until, shaken: late });
                }
            }
        }
    }

    /// What was asked for until now needs no answer any more.
    fn close_exchange(&mut self) {
        self.updates.iter_mut().for_each(|one| one.is_open = false);
    }

    fn on_update(&mut self, at: Instant, octets: &[u8]) {
        let Ok(packet) = Packet::parse(octets) else { return };
        if packet.header.destination != CN {
            return;
        }
        let Some(Message::BindingUpdate(update)) = message_in(&packet) else { return };
        let care_of = packet.header.source;
        let lifetime = update.lifetime;
        self.updates.push_back(Update {
            sequence: update.sequence,
            lifetime,
            care_of,
            at,
            is_open: true,
        });
        if self.updates.len() > UPDATES_MAX {
            self.updates.pop_front();
        }
        for binding in [&mut self.held, &mut self.granted] {
            if lifetime == Lifetime::ZERO || binding.is_some_and(|one| one.care_of != care_of) {
                *binding = None;
            }
        }
    }

    /// The correspondent acknowledges: from here on it is bound.
    fn on_grant(&mut self, at: Instant, octets: &[u8]) {
        let Ok(packet) = Packet::parse(octets) else { return };
        let Some(Message::BindingAcknowledgement(answer)) = message_in(&packet) else { return };
        let Some(newest) = self.updates.back() else { return };
        let update = self.updates.iter().rev().find(|one| one.sequence == answer.sequence);
        let Some(update) = update.filter(|one| one.care_of == newest.care_of) else { return };
        if answer.status.0 < 128 && update.lifetime != Lifetime::ZERO {
            let granted = answer.lifetime.duration().min(update.lifetime.duration());
            let (care_of, until) = (update.care_of, update.at + granted);
            self.granted = Some(Binding { care_of, from: at, until, shaken: false });
        }
    }

    /// Claims 1, 2 and 6: before the first response the optimization has succeeded or failed for good.
    fn on_response(&mut self, at: Instant, octets: &[u8]) {
        let Ok(outer) = Packet::parse(octets) else { return };
        let Some(message) = innermost(octets).and_then(|packet| sip_in(&packet)) else { return };
        let Some(status) = message.status().filter(|status| *status < 300) else { return };
        let of_invite = message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        let call = message.call_id().unwrap_or_default();
        let Some((invited_at, responded)) = self.calls.get_mut(call).filter(|_| of_invite) else {
            return;
        };
        if std::mem::replace(responded, true) {
            return;
        }
        let tunnelled = outer.protocol == protocol::IPV6 && outer.header.destination == HA;
        if !tunnelled {
            //= CL-INT-09
            assert!(self.at_home, "{status} outside of the tunnel");
            return;
        }
        //= CL-RO-01
        //= CL-RO-09
        let bound = self.held.is_some_and(|held| {
            held.care_of == outer.header.source && held.from <= at && held.until >= at + FRESH
        });
        //= CL-RO-12
        let failed = at >= *invited_at + BUDGET || self.refused_at.is_some();
        assert!(bound || failed, "{status} before the route is optimized");
    }

    fn on_terminal_media(&self, at: Instant, octets: &[u8]) {
        let Ok(outer) = Packet::parse(octets) else { return };
        if self.attacked || outer.protocol != protocol::IPV6 {
            return;
        }
        let care_of = outer.header.source;
        //= CL-RO-05
        let stands = self.held.is_some_and(|held| {
            held.care_of == care_of && held.from < at && at < held.until && !held.shaken
        });
        assert!(!stands, "media in the tunnel while a binding stands");
    }

    fn on_correspondent_media(&self, at: Instant, octets: &[u8]) {
        let Ok(packet) = Packet::parse(octets) else { return };
        if self.attacked || packet.routing.is_some() || packet.header.destination != HOA {
            return;
        }
        //= CL-RO-06
        let stands = self.granted.is_some_and(|one| one.from < at && at < one.until);
        assert!(!stands, "the correspondent's media to the home address while a binding stands");
    }
}

fn is_unreachable(octets: &[u8]) -> bool {
    innermost(octets).is_some_and(|packet| {
        packet.protocol == protocol::ICMPV6 && packet.payload.first() == Some(&ICMP_UNREACHABLE)
    })
}

const TERMINAL: [u8; 6] = mac(0xa1, 0);
const CORRESPONDENT: [u8; 6] = mac(0x0c, 0);
/// How addresses of the visited links begin, as text.
const VISITED: [&str; 2] = ["2001:db8:f1:", "2001:db8:f2:"];
/// Decision D6.
const BUDGET: Duration = Duration::from_secs(7);
/// What is left of a binding on which a call may be answered (decision D7).
const FRESH: Duration = Duration::from_secs(10);
/// How long duplicate address detection waits for an answer (RFC 4861 §10, RetransTimer).
const PROBE: Duration = Duration::from_secs(1);
const UPDATES_MAX: usize = 64;
const ICMP_UNREACHABLE: u8 = 1;
const ICMP_PARAMETER_PROBLEM: u8 = 4;
/// Types from here on are no errors.
const ICMP_INFORMATIONAL: u8 = 128;
