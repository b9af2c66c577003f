//! What happened in a capture, as the rows ask for it: at the terminal's link, at the server, in
//! the order of the links.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::address::prefixes_agree;
use roamproof_wire::mobility::{BindingError, BindingErrorStatus, Message as MobilityMessage};
use roamproof_wire::sip::{Fields, Message as SipMessage, Method};

use super::cast::{Cast, Terminal};
use super::reading::Reading;
use crate::evidence::Capture;
use crate::link::LinkId;

/// A capture with its cast.
pub(crate) struct Story<'a> {
    /// The capture.
    pub(crate) capture: &'a Capture,
    /// Its frames, understood, in order.
    pub(crate) readings: Vec<Reading<'a>>,
    /// Who plays what.
    pub(crate) cast: Cast,
    /// Prefixes advertised, by link: prefix, length, whether a home agent says so.
    pub(crate) prefixes: Vec<(LinkId, Ipv6Addr, u8, bool)>,
    /// What each terminal of the cast sent, lost or not, by index.
    sent: Vec<Vec<usize>>,
    /// What reached each.
    heard: Vec<Vec<usize>>,
    /// What home agents and correspondents acknowledged to terminals.
    acknowledged: Vec<Acknowledged>,
}

/// A Binding Acknowledgement: what holds from then on.
struct Acknowledged {
    home: Ipv6Addr,
    peer: Ipv6Addr,
    at: Duration,
    /// When the update that it answers was sent.
    begun: Duration,
    /// The care-of address bound and until when; `None` where the binding was taken back.
    bound: Option<(Ipv6Addr, Duration)>,
}

/// An INVITE that opens a dialog, as a terminal sees it.
pub(crate) struct Attempt<'s, 'a> {
    /// The terminal.
    pub(crate) terminal: &'s Terminal,
    /// Its first arrival at the terminal.
    pub(crate) invite: &'s Reading<'a>,
    /// The same, as SIP.
    pub(crate) message: &'s SipMessage,
    /// What the terminal answered to it, in order.
    pub(crate) responses: Vec<&'s Reading<'a>>,
    /// Whether the terminal was away from home.
    pub(crate) away: bool,
}

/// How route optimization with one target went, at the terminal's link, after a moment.
#[derive(Default)]
pub(crate) struct Optimization<'s, 'a> {
    pub(crate) home_test_init: Option<&'s Reading<'a>>,
    pub(crate) care_of_test_init: Option<&'s Reading<'a>>,
    pub(crate) home_test: Option<&'s Reading<'a>>,
    pub(crate) care_of_test: Option<&'s Reading<'a>>,
    pub(crate) update: Option<&'s Reading<'a>>,
    pub(crate) acknowledgement: Option<&'s Reading<'a>>,
    /// What said that the target cannot: ICMPv6 Parameter Problem, Binding Error status 2, BA ≥ 128.
    pub(crate) refusal: Option<&'s Reading<'a>>,
}

impl<'a> Story<'a> {
    pub(crate) fn new(capture: &'a Capture, cast: Option<Cast>) -> Self {
        let readings = super::reading::read(capture);
        let mut cast = cast.unwrap_or_default();
        if cast.is_empty() {
            cast = Cast::infer(&readings);
        } else {
            cast.complete(&readings);
        }
        let prefixes = advertised(&readings);
        let of_each = |fits: &dyn Fn(&Terminal, &Reading<'_>) -> bool| {
            let indices = |terminal: &Terminal| {
                let all = readings.iter().enumerate();
                all.filter(|(_, one)| fits(terminal, one)).map(|(index, _)| index).collect()
            };
            cast.terminals.iter().map(indices).collect::<Vec<Vec<usize>>>()
        };
        let sent = of_each(&|terminal, one| terminal.is_at(one.from_mac));
        let heard = of_each(&|terminal, one| !one.lost && terminal.is_at(one.to_mac));
        let mut story =
            Self { capture, readings, cast, prefixes, sent, heard, acknowledged: Vec::new() };
        story.acknowledged = story.acknowledgements();
        story
    }

    fn number(&self, terminal: &Terminal) -> Option<usize> {
        self.cast.terminals.iter().position(|one| one.home == terminal.home)
    }

    fn at_indices<'s>(
        &'s self,
        lists: &'s [Vec<usize>],
        terminal: &Terminal,
    ) -> impl DoubleEndedIterator<Item = &'s Reading<'a>> + use<'s, 'a> {
        let list = self.number(terminal).and_then(|number| lists.get(number));
        list.into_iter().flatten().filter_map(|index| self.readings.get(*index))
    }

    /// What a terminal sent, lost or not, in order.
    pub(crate) fn sent_by<'s>(
        &'s self,
        terminal: &Terminal,
    ) -> impl DoubleEndedIterator<Item = &'s Reading<'a>> + use<'s, 'a> {
        self.at_indices(&self.sent, terminal)
    }

    /// What reached a terminal, in order.
    pub(crate) fn heard_by<'s>(
        &'s self,
        terminal: &Terminal,
    ) -> impl DoubleEndedIterator<Item = &'s Reading<'a>> + use<'s, 'a> {
        self.at_indices(&self.heard, terminal)
    }

    /// What the node with this address put on a link first, as far as the capture shows: packets
    /// from the address that no frame before carried.
    pub(crate) fn sent_from(&self, address: Ipv6Addr) -> impl Iterator<Item = &Reading<'a>> {
        let mac = self.mac_of(address);
        self.readings.iter().filter(move |reading| Some(reading.from_mac) == mac)
    }

    /// What reached the node with this address.
    pub(crate) fn heard_at(&self, address: Ipv6Addr) -> impl Iterator<Item = &Reading<'a>> {
        let mac = self.mac_of(address);
        self.readings.iter().filter(move |reading| !reading.lost && Some(reading.to_mac) == mac)
    }

    /// The link-layer address of the node with this address: the one that Neighbour Advertisements
    /// for it name, else the first that sent from it.
    pub(crate) fn mac_of(&self, address: Ipv6Addr) -> Option<Mac> {
        let advertised = self.readings.iter().find_map(|reading| match reading.icmp() {
            Some(IcmpMessage::NeighbourAdvertisement(message)) => {
                let own = message.target == address && reading.packet.header.source == address;
                own.then_some(reading.from_mac)
            }
            _ => None,
        });
        advertised.or_else(|| {
            let outermost = |reading: &&Reading<'_>| match reading.tunnels.first() {
                Some((source, _)) => *source == address,
                None => reading.packet.header.source == address,
            };
            self.readings.iter().find(outermost).map(|reading| reading.from_mac)
        })
    }

    /// The link that is a terminal's home.
    pub(crate) fn home_link(&self, terminal: &Terminal) -> Option<LinkId> {
        self.prefixes
            .iter()
            .find(|(_, prefix, length, home)| {
                *home && prefixes_agree(*prefix, terminal.home, *length)
            })
            .map(|(link, ..)| *link)
    }

    /// Where a terminal is at `at`: the link of the last frame it sent.
    pub(crate) fn whereabouts(&self, terminal: &Terminal, at: Duration) -> Option<LinkId> {
        self.sent_until(terminal, at).next_back().map(|one| one.link)
    }

    /// Whether a terminal is away from home at `at`.
    pub(crate) fn is_away(&self, terminal: &Terminal, at: Duration) -> bool {
        let home = self.home_link(terminal);
        self.whereabouts(terminal, at).is_some_and(|link| Some(link) != home)
    }

    /// Whether a terminal was on more than one link between `span` before `at` and `at`.
    pub(crate) fn whereabouts_changed(
        &self,
        terminal: &Terminal,
        at: Duration,
        span: Duration,
    ) -> bool {
        let from = at.saturating_sub(span);
        let mut links = self
            .sent_until(terminal, at)
            .rev()
            .take_while(|one| one.at >= from)
            .map(|one| one.link);
        let last = links.next();
        links.any(|link| Some(link) != last)
    }

    /// What a terminal sent up to `at`.
    fn sent_until<'s>(
        &'s self,
        terminal: &Terminal,
        at: Duration,
    ) -> impl DoubleEndedIterator<Item = &'s Reading<'a>> + use<'s, 'a> {
        let list = self.number(terminal).map_or(&[][..], |number| self.sent[number].as_slice());
        let end = list.partition_point(|index| self.readings[*index].at <= at);
        list[..end].iter().map(|index| &self.readings[*index])
    }

    /// Whether `address` belongs to a prefix advertised on `link`.
    pub(crate) fn is_on(&self, link: LinkId, address: Ipv6Addr) -> bool {
        self.prefixes
            .iter()
            .any(|(on, prefix, length, _)| *on == link && prefixes_agree(*prefix, address, *length))
    }

    /// Every INVITE that opens a dialog with a terminal.
    pub(crate) fn attempts(&self) -> Vec<Attempt<'_, 'a>> {
        self.cast.terminals.iter().flat_map(|terminal| self.attempts_of(terminal)).collect()
    }

    /// Every INVITE that opens a dialog with this terminal.
    pub(crate) fn attempts_of<'s>(&'s self, terminal: &'s Terminal) -> Vec<Attempt<'s, 'a>> {
        let mut attempts: Vec<Attempt<'s, 'a>> = Vec::new();
        for reading in self.heard_by(terminal) {
            let Some(message) = reading.sip() else { continue };
            if message.method() != Some(Method::Invite) || has_tag(message) {
                continue;
            }
            if attempts.iter().any(|attempt| same_transaction(attempt.message, message)) {
                continue;
            }
            let responses = self
                .sent_by(terminal)
                .filter(|sent| sent.at >= reading.at)
                .filter(|sent| sent.sip().is_some_and(|answer| answers(answer, message)))
                .collect();
            let away = self.is_away(terminal, reading.at);
            attempts.push(Attempt { terminal, invite: reading, message, responses, away });
        }
        attempts
    }

    /// How route optimization between a terminal and `target` went from `from` on.
    pub(crate) fn optimization<'s>(
        &'s self,
        terminal: &'s Terminal,
        target: Ipv6Addr,
        from: Duration,
    ) -> Optimization<'s, 'a> {
        let mut seen = Optimization::default();
        let later = |reading: &&&'s Reading<'a>| reading.at >= from;
        let sent: Vec<&'s Reading<'a>> = self.sent_by(terminal).collect();
        for reading in sent.iter().filter(later) {
            if reading.packet.header.destination != target {
                continue;
            }
            match reading.mobility() {
                Some(MobilityMessage::HomeTestInit(_)) => first(&mut seen.home_test_init, reading),
                Some(MobilityMessage::CareOfTestInit(_)) => {
                    first(&mut seen.care_of_test_init, reading);
                }
                Some(MobilityMessage::BindingUpdate(_)) => first(&mut seen.update, reading),
                _ => {}
            }
        }
        let heard: Vec<&'s Reading<'a>> = self.heard_by(terminal).collect();
        for reading in heard.iter().filter(later) {
            let from_target = reading.packet.header.source == target;
            if !from_target {
                continue;
            }
            if let Some(IcmpMessage::Error(_)) = reading.icmp() {
                first(&mut seen.refusal, reading);
            }
            match reading.mobility() {
                Some(MobilityMessage::HomeTest(_)) => first(&mut seen.home_test, reading),
                Some(MobilityMessage::CareOfTest(_)) => first(&mut seen.care_of_test, reading),
                Some(MobilityMessage::BindingAcknowledgement(message)) => {
                    if message.status.is_refusal() {
                        first(&mut seen.refusal, reading);
                    } else {
                        first(&mut seen.acknowledgement, reading);
                    }
                }
                Some(MobilityMessage::BindingError(message)) if message.status.0 == 2 => {
                    first(&mut seen.refusal, reading);
                }
                _ => {}
            }
        }
        seen
    }

    /// Whether `peer` had acknowledged a binding to a terminal before `before` that, but for being
    /// lost, would hold at `at`.
    pub(crate) fn had_binding(
        &self,
        terminal: &Terminal,
        peer: Ipv6Addr,
        before: Duration,
        at: Duration,
    ) -> bool {
        self.acknowledged.iter().any(|one| {
            (one.home, one.peer) == (terminal.home, peer)
                && one.at <= before
                && one.bound.is_some_and(|(_, until)| until > at)
        })
    }

    /// When the binding that holds at `at` was acknowledged to a terminal by `peer`.
    pub(crate) fn bound_since(
        &self,
        terminal: &Terminal,
        peer: Ipv6Addr,
        at: Duration,
    ) -> Option<Duration> {
        self.acknowledged_at(terminal, peer, at).map(|one| one.at)
    }

    /// The care-of address that a terminal's home agent acknowledged and that holds at `at`.
    pub(crate) fn registration(&self, terminal: &Terminal, at: Duration) -> Option<Ipv6Addr> {
        self.binding(terminal, terminal.home_agent, at).map(|(care_of, _)| care_of)
    }

    /// Until when the home registration that holds at `at` does.
    pub(crate) fn registered_until(&self, terminal: &Terminal, at: Duration) -> Option<Duration> {
        self.binding(terminal, terminal.home_agent, at).map(|(_, until)| until)
    }

    /// The care-of address of the binding that `peer` acknowledged to a terminal and that holds at
    /// `at`, and when it runs out.
    pub(crate) fn binding(
        &self,
        terminal: &Terminal,
        peer: Ipv6Addr,
        at: Duration,
    ) -> Option<(Ipv6Addr, Duration)> {
        let bound = self.acknowledged_at(terminal, peer, at)?.bound;
        bound.filter(|(_, until)| *until > at)
    }

    /// When a terminal's home agent accepted its registrations.
    pub(crate) fn registrations(&self, terminal: &Terminal) -> impl Iterator<Item = Duration> {
        let (home, agent) = (terminal.home, terminal.home_agent);
        let accepted = self
            .acknowledged
            .iter()
            .filter(move |one| (one.home, one.peer) == (home, agent) && one.bound.is_some());
        let mut last: Option<(Ipv6Addr, Duration)> = None;
        // One acknowledgement crosses several links: the first sight of each counts.
        accepted.filter_map(move |one| {
            let fresh = last != one.bound.map(|(care_of, _)| (care_of, one.begun));
            last = one.bound.map(|(care_of, _)| (care_of, one.begun));
            fresh.then_some(one.at)
        })
    }

    /// The last acknowledgement of `peer` to a terminal up to `at`.
    fn acknowledged_at(
        &self,
        terminal: &Terminal,
        peer: Ipv6Addr,
        at: Duration,
    ) -> Option<&Acknowledged> {
        self.acknowledged
            .iter()
            .rev()
            .find(|one| one.at <= at && (one.home, one.peer) == (terminal.home, peer))
    }

    /// A Binding Error with status 1 that reached a terminal: the peer has no binding for it.
    fn lost_binding(&self, reading: &Reading<'_>, error: &BindingError) -> Option<Acknowledged> {
        let unknown = error.status == BindingErrorStatus::UNKNOWN_BINDING && !reading.lost;
        let terminal = self.cast.terminals.iter().find(|terminal| {
            unknown && terminal.is_at(reading.to_mac) && terminal.home == error.home_address
        })?;
        let peer = reading.packet.header.source;
        let (home, at) = (terminal.home, reading.at);
        Some(Acknowledged { home, peer, at, begun: at, bound: None })
    }

    /// Every acceptance of a Binding Update of a terminal: a home agent's counts from when it sent
    /// it, a correspondent's from when the terminal heard it.
    fn acknowledgements(&self) -> Vec<Acknowledged> {
        let mut all = Vec::new();
        for reading in &self.readings {
            let message = match reading.mobility() {
                Some(MobilityMessage::BindingAcknowledgement(message)) => message,
                Some(MobilityMessage::BindingError(error)) => {
                    all.extend(self.lost_binding(reading, error));
                    continue;
                }
                _ => continue,
            };
            let home = reading.packet.destination();
            let terminal = self.cast.terminals.iter().find(|terminal| terminal.home == home);
            let Some(terminal) = terminal.filter(|_| !message.status.is_refusal()) else {
                continue;
            };
            let peer = reading.packet.header.source;
            let heard = !reading.lost && terminal.is_at(reading.to_mac);
            if peer != terminal.home_agent && !heard {
                continue;
            }
            let update = self.sent_until(terminal, reading.at).rfind(|sent| {
                matches!(sent.mobility(), Some(MobilityMessage::BindingUpdate(update))
                    if sent.packet.header.destination == peer && update.sequence == message.sequence)
            });
            let Some(update) = update else { continue };
            let lifetime = message.lifetime.duration();
            let begun = if peer == terminal.home_agent { reading.at } else { update.at };
            let bound = (!lifetime.is_zero()).then(|| (care_of(update), begun + lifetime));
            all.push(Acknowledged { home, peer, at: reading.at, begun: update.at, bound });
        }
        all
    }
}

/// The care-of address that a Binding Update names.
pub(crate) fn care_of(update: &Reading<'_>) -> Ipv6Addr {
    let alternate = match update.mobility() {
        Some(MobilityMessage::BindingUpdate(message)) => message.alternate_care_of(),
        _ => None,
    };
    alternate.unwrap_or(update.packet.header.source)
}

/// Whether a request belongs to a dialog.
pub(crate) fn has_tag(message: &SipMessage) -> bool {
    message.to().is_ok_and(|to| to.tag().is_some())
}

/// Whether a response answers a request: Call-ID, CSeq number and method.
pub(crate) fn answers(response: &SipMessage, request: &SipMessage) -> bool {
    !response.is_request()
        && response.call_id().ok() == request.call_id().ok()
        && response.cseq().ok() == request.cseq().ok()
}

/// Whether two requests are copies of one: Call-ID and CSeq.
pub(crate) fn same_transaction(one: &SipMessage, other: &SipMessage) -> bool {
    one.call_id().ok() == other.call_id().ok() && one.cseq().ok() == other.cseq().ok()
}

fn first<'s, 'a>(place: &mut Option<&'s Reading<'a>>, reading: &'s Reading<'a>) {
    if place.is_none() {
        *place = Some(reading);
    }
}

fn advertised(readings: &[Reading<'_>]) -> Vec<(LinkId, Ipv6Addr, u8, bool)> {
    let mut prefixes = Vec::new();
    for reading in readings {
        let Some(IcmpMessage::RouterAdvertisement(message)) = reading.icmp() else { continue };
        for prefix in message.prefixes() {
            let entry = (reading.link, prefix.prefix, prefix.prefix_length, message.home_agent);
            if !prefixes.contains(&entry) {
                prefixes.push(entry);
            }
        }
    }
    prefixes
}
