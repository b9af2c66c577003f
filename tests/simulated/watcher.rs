//! What must hold of every frame as it enters a link, whatever the links lose, delay, reorder and
//! double: read from the frames alone, with no knowledge of the nodes' state.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_harness::topology::claimed::{CN, HA, HOA, mac};
use roamproof_lab::{LinkId, Sighting};
use roamproof_node::Instant;
use roamproof_wire::ethernet::Mac;
use roamproof_wire::mobility::{Lifetime, Message, Sequence, Status};

use super::reading::{Content, Head, Reading, Streams, addresses_in, messages, read};

/// The only correspondent of these runs: target of every call (decision D3).
const TARGET: Ipv6Addr = CN;
/// The budget of decision D6.
const BUDGET: Duration = Duration::from_secs(7);
/// What is left of a binding on which a call may be answered (decision D7).
const FRESH: Duration = Duration::from_secs(10);
/// Updates to the correspondent that are remembered.
const UPDATES_MAX: usize = 64;

/// Watches the frames of one run.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// Where the terminal's cable is.
    pub(crate) plugged: Option<LinkId>,
    /// Whether that is its home link.
    pub(crate) at_home: bool,
    /// How long a frame is under way on a link at least and at most.
    delay: (Duration, Duration),
    /// The first thing that must not be.
    pub(crate) violation: Option<String>,
    /// When media last left a party, and a request of each call in a datagram last did: streams
    /// repeat octets by clocks of their own.
    pub(crate) media_seen: Option<Instant>,
    pub(crate) sip_seen: BTreeMap<String, Instant>,
    /// Calls whose first response left on a binding, and after the budget or a refusal.
    pub(crate) optimized: u32,
    pub(crate) given_up: u32,
    pub(crate) counts: Counts,
    calls: BTreeMap<String, Call>,
    /// SIP over TCP to the terminal, and from it.
    streams: [Streams; 2],
    updates: VecDeque<Update>,
    /// What the terminal holds at the correspondent.
    held: Option<Held>,
    /// What the correspondent has acknowledged.
    granted: Option<Held>,
    refused_at: Option<Instant>,
}

/// Media packets by their ways.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) direct: u32,
    pub(crate) tunnelled: u32,
    pub(crate) native: u32,
}

#[derive(Debug, Default)]
struct Call {
    invited_at: Option<Instant>,
    responded: bool,
}

/// A Binding Update of the terminal to the correspondent.
#[derive(Debug, Clone, Copy)]
struct Update {
    sequence: Sequence,
    lifetime: Lifetime,
    care_of: Ipv6Addr,
    at: Instant,
}

/// A binding at the correspondent.
#[derive(Debug, Clone, Copy)]
struct Held {
    care_of: Ipv6Addr,
    /// When it may be known, and when it must be: a frame's time on the link lies between.
    from: (Instant, Instant),
    until: Instant,
}

impl Watcher {
    pub(crate) fn new(delay: (Duration, Duration)) -> Self {
        Self {
            plugged: None,
            at_home: false,
            delay,
            violation: None,
            media_seen: None,
            sip_seen: BTreeMap::new(),
            optimized: 0,
            given_up: 0,
            counts: Counts::default(),
            calls: BTreeMap::new(),
            streams: Default::default(),
            updates: VecDeque::new(),
            held: None,
            granted: None,
            refused_at: None,
        }
    }

    /// Takes in a frame as it enters a link.
    pub(crate) fn see(&mut self, sighting: Sighting<'_>) {
        let Some((destination, source)) = macs(sighting.octets) else { return };
        let (from_terminal, from_correspondent) = (source == TERMINAL, source == CORRESPONDENT);
        let to_terminal = destination == TERMINAL && Some(sighting.link) == self.plugged;
        let to_correspondent = destination == CORRESPONDENT;
        let matters = from_terminal || from_correspondent || to_terminal || to_correspondent;
        if !matters && source != SERVER {
            return;
        }
        let Some(reading) = read(sighting.octets) else { return };
        if reading.packet.piece().is_some() {
            self.wrong("a fragment: nothing here is large enough for one");
        }
        let at = sighting.at;
        if from_terminal {
            self.terminal_sends(at, &reading);
        } else if from_correspondent {
            self.correspondent_sends(at, &reading);
        } else if source == SERVER {
            self.no_care_of_address(&reading);
        }
        if to_terminal && !sighting.lost {
            self.terminal_receives(at, &reading);
        }
        if to_correspondent && reading.content() == UNREACHABLE {
            // It may forget the binding (RFC 6275 §9.3.2); a new one is granted by a new update.
            self.granted = None;
        }
    }

    /// Whether a request of any call was seen since `at`, and of which.
    pub(crate) fn sip_since(&self, at: Instant) -> Option<&str> {
        self.sip_seen.iter().find(|(_, seen)| **seen > at).map(|(call, _)| call.as_str())
    }

    fn terminal_sends(&mut self, at: Instant, reading: &Reading<'_>) {
        match reading.content() {
            Content::Mobility(octets) => self.on_update(at, reading, octets),
            Content::Sip(_) | Content::SipStream(..) => {
                for head in self.sip(at, reading, true) {
                    if head.status_to_invite().is_some_and(|status| status < 300) {
                        self.on_response(at, reading, &head);
                    }
                }
            }
            Content::Media => self.on_terminal_media(at, reading),
            Content::Icmp { .. } | Content::Other => {}
        }
    }

    fn correspondent_sends(&mut self, at: Instant, reading: &Reading<'_>) {
        match reading.content() {
            Content::Mobility(octets) => self.on_grant(at, octets),
            Content::Sip(_) | Content::SipStream(..) => _ = self.sip(at, reading, false),
            Content::Media => self.on_correspondent_media(at, reading),
            Content::Icmp { .. } | Content::Other => {}
        }
    }

    fn terminal_receives(&mut self, at: Instant, reading: &Reading<'_>) {
        match reading.content() {
            Content::Mobility(octets) => self.on_acknowledgement(at, reading, octets),
            Content::Sip(octets) => self.invited(at, &messages(octets)),
            Content::SipStream(octets, place) => {
                let heads = self.streams[0].push(place, octets);
                self.invited(at, &heads);
            }
            //= CL-INT-02
            //# whoever answers for the home address on the home link answers every question there
            Content::Icmp { kind: 133..=137 } if reading.tunnel.is_some() => {
                self.wrong("neighbour discovery in a tunnel");
            }
            Content::Media | Content::Icmp { .. } | Content::Other => {}
        }
    }

    fn invited(&mut self, at: Instant, heads: &[Head]) {
        for head in heads.iter().filter(|head| head.begins_call()) {
            let call = self.calls.entry(head.call_id.clone()).or_default();
            call.invited_at = call.invited_at.or(Some(at));
        }
    }

    /// Notes the SIP messages of a frame that leaves the terminal or the correspondent.
    fn sip(&mut self, at: Instant, reading: &Reading<'_>, from_terminal: bool) -> Vec<Head> {
        self.no_care_of_address(reading);
        match reading.content() {
            Content::Sip(octets) => {
                let heads = messages(octets);
                for head in heads.iter().filter(|head| head.is_request_of_call()) {
                    self.sip_seen.insert(head.call_id.clone(), at);
                }
                heads
            }
            Content::SipStream(octets, place) if from_terminal => {
                self.streams[1].push(place, octets)
            }
            Content::SipStream(..)
            | Content::Mobility(_)
            | Content::Media
            | Content::Icmp { .. }
            | Content::Other => Vec::new(),
        }
    }

    //= CL-RO-25
    //# the care-of address appears nowhere in SIP or SDP
    fn no_care_of_address(&mut self, reading: &Reading<'_>) {
        let Some(octets) = reading.content().sip() else { return };
        if let Some(address) = addresses_in(octets).find(|one| is_visited(*one)) {
            self.wrong(&format!("the care-of address {address} stands in SIP"));
        }
    }

    fn on_update(&mut self, at: Instant, reading: &Reading<'_>, octets: &[u8]) {
        let packet = &reading.packet;
        if packet.header.destination != TARGET {
            return;
        }
        let Ok(Message::BindingUpdate(update)) = Message::parse(octets) else { return };
        let care_of = packet.header.source;
        if self.updates.len() == UPDATES_MAX {
            self.updates.pop_front();
        }
        let lifetime = update.lifetime;
        self.updates.push_back(Update { sequence: update.sequence, lifetime, care_of, at });
        if lifetime == Lifetime::ZERO || self.held.is_some_and(|held| held.care_of != care_of) {
            self.held = None;
        }
        if lifetime == Lifetime::ZERO || self.granted.is_some_and(|one| one.care_of != care_of) {
            self.granted = None;
        }
    }

    /// The correspondent acknowledges: from here on it is bound.
    fn on_grant(&mut self, at: Instant, octets: &[u8]) {
        let Some((update, until, status)) = self.answered(octets) else { return };
        let newest = self.updates.back().is_some_and(|newest| newest.care_of == update.care_of);
        if !status.is_refusal() && newest && update.lifetime != Lifetime::ZERO {
            self.granted = Some(Held { care_of: update.care_of, from: (at, at), until });
        }
    }

    fn on_acknowledgement(&mut self, at: Instant, reading: &Reading<'_>, octets: &[u8]) {
        let packet = &reading.packet;
        if packet.header.source != TARGET || packet.destination() != HOA {
            return;
        }
        let Some((update, until, status)) = self.answered(octets) else { return };
        if update.care_of != packet.header.destination {
            return;
        }
        if status.is_refusal() {
            if !matches!(status.0, 135..=138) {
                self.refused_at = Some(at);
            }
        } else if update.lifetime != Lifetime::ZERO {
            let newest = self.updates.back().is_some_and(|one| one.care_of == update.care_of);
            let from = (at + self.delay.0, at + self.delay.1);
            match &mut self.held {
                Some(held) if held.care_of == update.care_of => held.until = held.until.max(until),
                held if newest => *held = Some(Held { care_of: update.care_of, from, until }),
                _ => {}
            }
        }
    }

    /// The update that an acknowledgement answers, how long the binding lasts, and the status.
    fn answered(&self, octets: &[u8]) -> Option<(Update, Instant, Status)> {
        let Ok(Message::BindingAcknowledgement(answer)) = Message::parse(octets) else {
            return None;
        };
        let update = self.updates.iter().rev().find(|one| one.sequence == answer.sequence)?;
        let granted = answer.lifetime.duration().min(update.lifetime.duration());
        Some((*update, update.at + granted, answer.status))
    }

    /// Claims 1, 2 and 6: before the first response the optimization has succeeded or failed for
    /// good.
    fn on_response(&mut self, at: Instant, reading: &Reading<'_>, head: &Head) {
        let call = self.calls.entry(head.call_id.clone()).or_default();
        if call.responded {
            return;
        }
        call.responded = true;
        let Some(invited_at) = call.invited_at else {
            return self.wrong(&format!("{} to an INVITE that never came", head.first_line));
        };
        let care_of = match reading.tunnel {
            Some((care_of, HA)) => care_of,
            _ if self.at_home => return,
            //= CL-INT-09
            _ => return self.wrong(&format!("{} outside of the tunnel", head.first_line)),
        };
        //= CL-RO-01
        //= CL-RO-09
        let bound = self.held.is_some_and(|held| {
            held.care_of == care_of && held.from.0 <= at && held.until >= at + FRESH
        });
        //= CL-RO-12
        let failed = at >= invited_at + BUDGET || self.refused_at.is_some_and(|t| t >= invited_at);
        self.optimized += u32::from(bound);
        self.given_up += u32::from(failed && !bound);
        if !bound && !failed {
            let (first, waited) = (&head.first_line, at - invited_at);
            let held = self.held;
            self.wrong(&format!(
                "{first} {waited:?} after the INVITE, from {care_of}, on {held:?}: the optimization has neither succeeded nor failed for good"
            ));
        }
    }

    fn on_terminal_media(&mut self, at: Instant, reading: &Reading<'_>) {
        self.media_seen = Some(at);
        match reading.tunnel {
            Some((care_of, HA)) => {
                self.counts.tunnelled += 1;
                let held = self.held.filter(|held| held.care_of == care_of);
                //= CL-RO-05
                if let Some(held) = held.filter(|held| held.from.1 <= at && at < held.until) {
                    self.wrong(&format!("media in the tunnel, while bound: {held:?}"));
                }
            }
            Some(tunnel) => self.wrong(&format!("media in a strange tunnel {tunnel:?}")),
            None if reading.packet.home_address.is_some() => self.counts.direct += 1,
            None => self.counts.native += 1,
        }
    }

    fn on_correspondent_media(&mut self, at: Instant, reading: &Reading<'_>) {
        self.media_seen = Some(at);
        if reading.packet.routing.is_some() {
            self.counts.direct += 1;
            return;
        }
        if !self.at_home {
            self.counts.tunnelled += 1;
        }
        //= CL-RO-06
        if let Some(granted) = self.granted.filter(|one| at < one.until) {
            self.wrong(&format!("the correspondent's media to the home address: {granted:?}"));
        }
    }

    fn wrong(&mut self, what: &str) {
        self.violation.get_or_insert_with(|| what.to_owned());
    }
}

const UNREACHABLE: Content<'_> = Content::Icmp { kind: 1 };
const TERMINAL: Mac = mac_of(0xa1);
const CORRESPONDENT: Mac = mac_of(0x0c);
const SERVER: Mac = mac_of(0x05);

const fn mac_of(node: u8) -> Mac {
    Mac(mac(node, 0))
}

/// Destination and source of a frame.
fn macs(frame: &[u8]) -> Option<(Mac, Mac)> {
    let (destination, rest) = frame.split_first_chunk::<6>()?;
    let source = rest.first_chunk::<6>()?;
    Some((Mac(*destination), Mac(*source)))
}

fn is_visited(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    (a, b) == (0x2001, 0xdb8) && matches!(c, 0xf1 | 0xf2)
}
