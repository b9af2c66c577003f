//! Which way each request takes: plainly to the home address, or in a tunnel to the care-of address
//! (claim 10; decisions D11, D13, D14). What changes is beneath SIP: a copy keeps its branch.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::sip::{Fields, MessageView, Method, Transport};

use super::direct::{Answer, Direct, News};
use super::quoted::Quoted;
use super::stream_way::{StreamWays, Tracked};
use crate::misdeed::{Misdeed, Misdeeds};
use crate::sip::{Hop, Transmit, TransmitKind};
use crate::upper::UpperPacket;
use crate::{Event, Held, Instant};

/// How a packet leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the address that it is for.
    Plain,
    /// In a tunnel from the server to this care-of address.
    Tunnel(Ipv6Addr),
}

/// Who asked where a home address is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asker {
    /// The request with this branch.
    Request(String),
    /// The TCP connection to this hop.
    Stream(Hop),
}

/// What is to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Departure {
    /// A message.
    Message(Transmit, Way),
    /// A packet that went out before, to go by another way.
    Packet(UpperPacket, Way),
    /// Not to leave at all: worth a line.
    Told(Event),
}

/// How far a question about a request or connection that gets no answer has come (D11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Not asked since it last went well.
    No,
    /// Asked; no answer so far, or none at all.
    Unanswered,
    /// The home agent has said where the terminal is.
    Answered,
}

/// The ways of all requests to home addresses.
#[derive(Debug)]
pub(super) struct Ways {
    flights: BTreeMap<String, Flight>,
    streams: StreamWays,
    departures: VecDeque<Departure>,
    swept_at: Instant,
    misdeeds: Misdeeds,
}

/// The requests that share a branch: an INVITE, its CANCEL, the ACK of its refusal; or one other.
#[derive(Debug)]
struct Flight {
    hop: Hop,
    way: Way,
    asked: Asked,
    /// What waits for the first answer of the home agent.
    waiting: Option<Vec<Transmit>>,
    sent: BTreeMap<Method, Sent>,
    forget_at: Instant,
}

#[derive(Debug)]
struct Sent {
    transmit: Transmit,
    /// 0 for the first, 1 for the first retransmission, and so on.
    copies: u32,
    first_at: Instant,
    heard: bool,
}

/// A copy that follows the first sooner than this is none: the first one had to wait.
const TOO_SOON: Duration = Duration::from_millis(250);
/// A branch is remembered this long after the last message: longer than Timer C (RFC 3261 §16.6).
const MEMORY: Duration = Duration::from_secs(200);
/// How often old branches are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Branches remembered; a request beyond them goes plainly.
const FLIGHTS_MAX: usize = 20_000;

impl Ways {
    pub(super) fn new(misdeeds: &Misdeeds) -> Self {
        Self {
            flights: BTreeMap::new(),
            streams: StreamWays::default(),
            departures: VecDeque::new(),
            swept_at: Instant::ZERO,
            misdeeds: misdeeds.clone(),
        }
    }

    /// Forgets everything, as a power cycle does.
    pub(super) fn restart(&mut self) {
        *self = Self::new(&self.misdeeds);
    }

    /// Takes a message to be sent; it leaves at once or once its way is known.
    pub(super) fn take(&mut self, now: Instant, direct: &mut Direct, transmit: Transmit) {
        let TransmitKind::Request { branch, .. } = &transmit.kind else {
            return self.depart(transmit, Way::Plain);
        };
        let home = transmit.to.address;
        let Some(request) = Request::read(&transmit.octets).filter(|_| direct.covers(home)) else {
            return self.depart(transmit, Way::Plain);
        };
        self.sweep(now);
        let branch = branch.clone();
        if self.flights.contains_key(&branch) {
            return self.take_again(now, direct, &branch, request.method, transmit);
        }
        if self.flights.len() >= FLIGHTS_MAX {
            return self.depart(transmit, Way::Plain);
        }
        self.begin(now, direct, branch, request, transmit);
    }

    /// The first request with its branch.
    fn begin(
        &mut self,
        now: Instant,
        direct: &mut Direct,
        branch: String,
        request: Request,
        transmit: Transmit,
    ) {
        let home = transmit.to.address;
        let mut flight = Flight::new(now, transmit.to);
        if self.misdeeds.does(Misdeed::GuessesCareOfAddresses) && direct.is_notified(now, home) {
            flight.way = Way::Tunnel(GUESSED);
        } else if request.opens_dialog {
            //= CL-DST-02
            //# asked anew for each call; the INVITE waits for the answer
            let asks = direct.ask(now, home, Asker::Request(branch.clone()));
            if !asks && self.misdeeds.does(Misdeed::FailsWithoutNotification) {
                return;
            }
            flight.waiting = asks.then(|| vec![transmit.clone()]);
        } else if !self.misdeeds.does(Misdeed::SendsDialogsHome) {
            //= CL-DST-18
            //# in a dialog the way that is known now
            flight.way = direct.care_of(now, home).map_or(Way::Plain, Way::Tunnel);
        }
        self.flights.insert(branch.clone(), flight);
        self.leave(now, &branch, request.method, transmit);
    }

    /// Another request with a branch that is known: a copy, a CANCEL, an ACK.
    fn take_again(
        &mut self,
        now: Instant,
        direct: &mut Direct,
        branch: &str,
        method: Method,
        transmit: Transmit,
    ) {
        let Some(flight) = self.flights.get_mut(branch) else { return };
        if let Some(waiting) = &mut flight.waiting {
            let copy = waiting.iter().any(|one| one.octets == transmit.octets);
            if !copy {
                waiting.push(transmit);
            }
            return;
        }
        if transmit.to != flight.hop {
            // The same request by UDP, because TCP did not come about: it begins anew.
            flight.hop = transmit.to;
            flight.sent.clear();
        }
        if let Some(sent) = flight.sent.get_mut(&method) {
            if now - sent.first_at < TOO_SOON {
                return;
            }
            sent.copies += 1;
            let copies = sent.copies;
            self.on_unanswered(now, direct, branch, copies);
        }
        self.leave(now, branch, method, transmit);
    }

    /// D11: at the first retransmission ask again, at the second give the tunnel up unless the home
    /// agent has confirmed it.
    fn on_unanswered(&mut self, now: Instant, direct: &mut Direct, branch: &str, copies: u32) {
        let Some(flight) = self.flights.get_mut(branch) else { return };
        if flight.way == Way::Plain || self.misdeeds.does(Misdeed::NeverFallsBack) {
            return;
        }
        //= CL-DST-11
        if copies == 1 {
            flight.asked = Asked::Unanswered;
            if !direct.ask(now, flight.hop.address, Asker::Request(branch.to_owned())) {
                flight.way = Way::Plain;
            }
        } else if flight.asked != Asked::Answered || self.misdeeds.does(Misdeed::DoubtsTheHomeAgent)
        {
            flight.way = Way::Plain;
        }
    }

    /// Sends a request by the way of its branch, unless it has to wait.
    fn leave(&mut self, now: Instant, branch: &str, method: Method, transmit: Transmit) {
        let Some(flight) = self.flights.get_mut(branch) else { return };
        if flight.waiting.is_some() {
            return;
        }
        flight.forget_at = now + MEMORY;
        let ends_invite = matches!(method, Method::Cancel | Method::Ack);
        flight.sent.entry(method).or_insert_with(|| Sent {
            transmit: transmit.clone(),
            copies: 0,
            first_at: now,
            heard: false,
        });
        let astray = ends_invite && self.misdeeds.does(Misdeed::CancelsByAnotherWay);
        let way = if astray { Way::Plain } else { flight.way };
        self.depart(transmit, way);
    }

    /// Takes in what came of a question, or what a home agent told by itself.
    pub(super) fn on_news(&mut self, now: Instant, news: News) {
        match news {
            News::Answered { asker: Asker::Request(branch), answer } => {
                self.on_answer(now, &branch, answer);
            }
            News::Answered { asker: Asker::Stream(hop), answer } => {
                if self.streams.on_answer(hop, answer) {
                    self.follow_stream(hop);
                }
            }
            News::Changed { home, care_of } => self.on_change(home, care_of),
            News::Told(event) => self.departures.push_back(Departure::Told(event)),
        }
    }

    fn on_answer(&mut self, now: Instant, branch: &str, answer: Answer) {
        let Some(flight) = self.flights.get_mut(branch) else { return };
        let way = match answer {
            Answer::At(care_of) => Some(Way::Tunnel(care_of)),
            Answer::Nowhere => Some(Way::Plain),
            Answer::Silence => None,
        };
        if let Some(waiting) = flight.waiting.take() {
            //= CL-DST-12
            //# no answer in time: the home address
            flight.way = way.unwrap_or(Way::Plain);
            for transmit in waiting {
                if let Some(request) = Request::read(&transmit.octets) {
                    self.leave(now, branch, request.method, transmit);
                }
            }
            return;
        }
        let Some(way) = way else { return };
        if flight.way == Way::Plain || self.misdeeds.does(Misdeed::NeverFallsBack) {
            return;
        }
        flight.asked = Asked::Answered;
        if flight.way != way {
            flight.way = way;
            self.resend(branch, None);
        }
    }

    /// A terminal is elsewhere: what is on its way to the old care-of address goes to the new one.
    fn on_change(&mut self, home: Ipv6Addr, care_of: Option<Ipv6Addr>) {
        let keeps = [Misdeed::KeepsTheFirstCareOfAddress, Misdeed::NeverFallsBack];
        if keeps.into_iter().any(|misdeed| self.misdeeds.does(misdeed)) {
            return;
        }
        let way = care_of.map_or(Way::Plain, Way::Tunnel);
        let moved = self.flights.iter_mut().filter(|(_, flight)| {
            flight.hop.address == home && flight.way != Way::Plain && flight.way != way
        });
        let mut branches = Vec::new();
        for (branch, flight) in moved {
            flight.way = way;
            branches.push(branch.clone());
        }
        branches.iter().for_each(|branch| self.resend(branch, None));
        for (packet, way) in self.streams.on_change(home, way) {
            self.departures.push_back(Departure::Packet(packet, way));
        }
    }

    /// A router says that nobody takes packets at the end of a tunnel: what was quoted goes to the
    /// home address, at once. Whether anything was on its way there.
    pub(super) fn on_tunnel_error(&mut self, care_of: Ipv6Addr, quoted: &Quoted) -> bool {
        let way = Way::Tunnel(care_of);
        let home = quoted.destination;
        if let Some((port, to_port)) = quoted.ports {
            let hop = Hop::tcp(home, to_port);
            if !self.streams.is_on(hop, port, way) {
                return false;
            }
            if !self.misdeeds.does(Misdeed::NeverFallsBack) {
                self.streams.turn(hop, Way::Plain);
                self.follow_stream(hop);
            }
            return true;
        }
        let branches = self.quoted_flights(way, quoted);
        if self.misdeeds.does(Misdeed::NeverFallsBack) {
            return !branches.is_empty();
        }
        for branch in &branches {
            if let Some(flight) = self.flights.get_mut(branch) {
                flight.way = Way::Plain;
            }
            self.resend(branch, quoted_method(quoted));
        }
        !branches.is_empty()
    }

    /// A path carries less than was thought: what was quoted is sent again by the same way.
    pub(super) fn on_path_lowered(&mut self, quoted: &Quoted) {
        let way = quoted.care_of.map_or(Way::Plain, Way::Tunnel);
        if let Some((port, to_port)) = quoted.ports {
            let hop = Hop::tcp(quoted.destination, to_port);
            if self.streams.is_on(hop, port, way) {
                self.resend_stream(hop);
            }
            return;
        }
        for branch in self.quoted_flights(way, quoted) {
            self.resend(&branch, quoted_method(quoted));
        }
    }

    /// Whether the request with this branch is in a tunnel.
    pub(super) fn is_tunnelled(&self, branch: &str) -> bool {
        self.flights.get(branch).is_some_and(|flight| flight.way != Way::Plain)
    }

    /// Takes in a message from outside: a response says that its request arrived.
    pub(super) fn hear(&mut self, now: Instant, octets: &[u8]) {
        if self.flights.is_empty() {
            return;
        }
        let Ok(view) = MessageView::read(octets) else { return };
        let (Some(_), Ok(via), Ok(cseq)) = (view.status(), view.via(), view.cseq()) else { return };
        let Some(flight) = via.branch().and_then(|branch| self.flights.get_mut(branch)) else {
            return;
        };
        if let Some(sent) = flight.sent.get_mut(&cseq.method) {
            sent.heard = true;
            flight.forget_at = now + MEMORY;
        }
    }

    /// The way of a TCP segment that is about to leave.
    pub(super) fn of_segment(
        &mut self,
        now: Instant,
        direct: &mut Direct,
        packet: &UpperPacket,
    ) -> Way {
        match self.streams.track(packet) {
            Tracked::On(way) => way,
            Tracked::FirstCopy(hop, way) => {
                if self.misdeeds.does(Misdeed::NeverFallsBack) {
                    return way;
                }
                if direct.ask(now, hop.address, Asker::Stream(hop)) {
                    return way;
                }
                self.streams.turn(hop, Way::Plain);
                self.follow_flights(hop, Way::Plain);
                Way::Plain
            }
            Tracked::LaterCopy(hop, way) => {
                if self.misdeeds.does(Misdeed::NeverFallsBack) {
                    return way;
                }
                //= CL-DST-11
                //# over TCP the same connection goes on by the home address
                self.streams.turn(hop, Way::Plain);
                self.follow_flights(hop, Way::Plain);
                Way::Plain
            }
        }
    }

    /// Takes in a TCP segment from outside.
    pub(super) fn hear_segment(&mut self, source: Ipv6Addr, segment: &[u8]) {
        self.streams.hear(source, segment);
    }

    /// The next thing to leave.
    pub(super) fn poll_departure(&mut self) -> Option<Departure> {
        self.departures.pop_front()
    }

    /// Sends again, by the present way, the requests of a branch that nobody has answered, or the
    /// one that is named.
    fn resend(&mut self, branch: &str, only: Option<Method>) {
        let Some(flight) = self.flights.get(branch) else { return };
        let way = flight.way;
        let again: Vec<Transmit> = flight
            .sent
            .iter()
            .filter(|(method, sent)| match &only {
                Some(only) => *method == only && !sent.heard,
                // An acknowledgement is sent again when its response is.
                None => **method != Method::Ack && !sent.heard,
            })
            .map(|(_, sent)| sent.transmit.clone())
            .collect();
        if flight.hop.transport == Transport::Tcp {
            let hop = flight.hop;
            if self.streams.turn(hop, way) {
                self.resend_stream(hop);
            }
            return;
        }
        for transmit in again {
            self.depart(transmit, way);
        }
    }

    /// A connection goes another way now: so do the requests on it, and what is unanswered.
    fn follow_stream(&mut self, hop: Hop) {
        if let Some(way) = self.streams.way(hop) {
            self.follow_flights(hop, way);
        }
        self.resend_stream(hop);
    }

    fn follow_flights(&mut self, hop: Hop, way: Way) {
        self.flights
            .values_mut()
            .filter(|flight| flight.hop == hop && flight.waiting.is_none())
            .for_each(|flight| flight.way = way);
    }

    fn resend_stream(&mut self, hop: Hop) {
        for (packet, way) in self.streams.unanswered(hop) {
            self.departures.push_back(Departure::Packet(packet, way));
        }
    }

    /// The branches on `way` that a quoted packet can be of.
    fn quoted_flights(&self, way: Way, quoted: &Quoted) -> Vec<String> {
        let branch = quoted.message.as_ref().and_then(|message| message.branch.as_deref());
        self.flights
            .iter()
            .filter(|(known, flight)| {
                flight.hop.address == quoted.destination
                    && flight.hop.transport == Transport::Udp
                    && flight.way == way
                    && flight.waiting.is_none()
                    && branch.is_none_or(|branch| branch == known.as_str())
            })
            .map(|(known, _)| known.clone())
            .collect()
    }

    fn depart(&mut self, transmit: Transmit, way: Way) {
        if transmit.to.transport == Transport::Tcp
            && matches!(transmit.kind, TransmitKind::Request { .. })
        {
            self.streams.set(transmit.to, way);
        }
        self.departures.push_back(Departure::Message(transmit, way));
    }

    /// Counts what is kept.
    pub(super) fn held(&self, held: &mut Held) {
        held.for_room("branches", self.flights.len(), FLIGHTS_MAX);
        self.streams.held(held);
    }

    fn sweep(&mut self, now: Instant) {
        if now - self.swept_at >= SWEEP_EVERY {
            self.swept_at = now;
            self.flights.retain(|_, flight| flight.forget_at > now);
        }
    }
}

impl Flight {
    fn new(now: Instant, hop: Hop) -> Self {
        Self {
            hop,
            way: Way::Plain,
            asked: Asked::No,
            waiting: None,
            sent: BTreeMap::new(),
            forget_at: now + MEMORY,
        }
    }
}

/// What a request's way depends on.
struct Request {
    method: Method,
    /// Whether it is an INVITE outside a dialog.
    opens_dialog: bool,
}

impl Request {
    fn read(octets: &[u8]) -> Option<Self> {
        let view = MessageView::read(octets).ok()?;
        let method = view.method()?;
        let opens_dialog = method == Method::Invite && view.to().is_ok_and(|to| to.tag().is_none());
        Some(Self { method, opens_dialog })
    }
}

fn quoted_method(quoted: &Quoted) -> Option<Method> {
    let word = quoted.message.as_ref()?.method.as_deref()?;
    Some(Method::from_token(word))
}

/// Where nobody is: what a misdeed makes up.
const GUESSED: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xdead, 0, 0, 0, 0, 0xbeef);
