//! From frames to arrows: one packet over several links is one arrow, a run of media one line.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::capture::Frame;
use super::names::Names;
use super::sight::{Kind, Sight};
use crate::link::LinkId;

/// One packet, end to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrow {
    /// The numbers of its frames, one per link.
    pub frames: Vec<usize>,
    /// The links it crossed, in order.
    pub links: Vec<LinkId>,
    /// When it left.
    pub sent: Duration,
    /// When it entered the last link.
    pub seen: Duration,
    /// The node it left.
    pub from: usize,
    /// The node it was for.
    pub to: usize,
    /// How it ended.
    pub end: End,
    /// What it is.
    pub sight: Sight,
    /// How many packets this stands for: more than one in a run of media.
    pub count: usize,
    /// The remarks on its frames.
    pub comments: Vec<String>,
}

/// How a packet ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It reached the node it was for.
    Arrived,
    /// Its last link lost it.
    Lost,
    /// It was passed to a router and not seen again.
    Unseen,
}

/// Joins frames to arrows, in the order in which things happened.
///
/// That order is the focus's: a packet that the focus sends counts when it leaves, one that it gets
/// when it arrives, any other when it leaves. So "the answer came before the question left" can
/// be told from the opposite, whatever the links' delay.
#[derive(Debug)]
pub(super) struct Journeys {
    names: Names,
    focus: Option<usize>,
    noise: bool,
    open: VecDeque<Open>,
    done: BTreeMap<(Duration, usize), Arrow>,
    runs: Vec<Arrow>,
}

#[derive(Debug)]
struct Open {
    packet: Vec<u8>,
    /// The router that has it, where known.
    at: Option<usize>,
    arrow: Arrow,
}

impl Journeys {
    pub(super) fn new(names: Names, focus: Option<&str>, noise: bool) -> Self {
        let focus = focus.and_then(|name| names.find(name));
        let (open, done, runs) = (VecDeque::new(), BTreeMap::new(), Vec::new());
        Self { names, focus, noise, open, done, runs }
    }

    /// The nodes, with those that were added for strangers.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Takes the next frame; returns what is known to come next.
    pub(super) fn push(&mut self, frame: &Frame) -> Vec<Arrow> {
        let sight = Sight::of(&frame.octets);
        if let (Some(home), Some((care_of, _))) = (sight.home_source, sight.innermost()) {
            self.names.learn(home, care_of);
        }
        if !sight.headers.is_empty() && (self.noise || sight.kind != Kind::Noise) {
            self.take(frame, sight);
        }
        self.give_up(frame.at);
        self.release()
    }

    /// There are no more frames.
    pub(super) fn finish(&mut self) -> Vec<Arrow> {
        self.give_up(Duration::MAX);
        let mut arrows = self.release();
        arrows.append(&mut self.runs);
        arrows
    }

    fn take(&mut self, frame: &Frame, sight: Sight) {
        let source = self.names.by_mac(sight.source_mac);
        let packet = without_hop_limit(&frame.octets[14..]);
        let mut open = match self.continued(frame, source, &packet) {
            Some(open) => open,
            None => self.begun(frame, source, packet, sight.clone()),
        };
        open.arrow.frames.push(frame.number);
        open.arrow.links.push(frame.link);
        open.arrow.seen = frame.at;
        open.arrow.comments.extend(frame.comments.iter().cloned());
        let destination = self.names.by_mac(sight.destination_mac);
        if frame.lost {
            open.arrow.end = End::Lost;
        }
        match destination {
            Some(node) if !self.names.passes_on(node) => {
                open.arrow.to = node;
                self.arrived(open.arrow);
            }
            _ if frame.lost || sight.destination_mac[0] & 1 == 1 => self.arrived(open.arrow),
            router => {
                open.at = router;
                self.open.push_back(open);
            }
        }
        if self.open.len() > OPEN_MAX
            && let Some(oldest) = self.open.pop_front()
        {
            self.gone(oldest);
        }
    }

    /// The packet that this frame carries on: it lies at the router that sends the frame, or at
    /// another where the capture does not hold the link between them.
    fn continued(&mut self, frame: &Frame, source: Option<usize>, packet: &[u8]) -> Option<Open> {
        let origin = source.is_some_and(|node| !self.names.passes_on(node));
        let same = |open: &Open| {
            open.packet == packet && open.arrow.links.last() != Some(&frame.link) && !origin
        };
        let at_sender = |open: &Open| same(open) && open.at == source;
        let index =
            self.open.iter().position(at_sender).or_else(|| self.open.iter().position(same));
        index.and_then(|index| self.open.remove(index))
    }

    fn begun(
        &mut self,
        frame: &Frame,
        source: Option<usize>,
        packet: Vec<u8>,
        sight: Sight,
    ) -> Open {
        let (from, to) = sight.headers[0];
        // What a router sends without having got it here came from beyond: its source tells.
        let known = source.filter(|node| !self.names.passes_on(*node));
        let from = known.unwrap_or_else(|| self.names.by_address_or_new(from));
        let to = self.names.by_address_or_new(to);
        Open {
            packet,
            at: None,
            arrow: Arrow {
                frames: Vec::new(),
                links: Vec::new(),
                sent: frame.at,
                seen: frame.at,
                from,
                to,
                end: End::Arrived,
                sight,
                count: 1,
                comments: Vec::new(),
            },
        }
    }

    fn arrived(&mut self, arrow: Arrow) {
        let at = if Some(arrow.to) == self.focus { arrow.seen } else { arrow.sent };
        let number = arrow.frames.first().copied().unwrap_or_default();
        self.done.insert((at, number), arrow);
    }

    /// Packets that were not seen for a while will not be seen again.
    fn give_up(&mut self, now: Duration) {
        while let Some(open) = self.open.front() {
            if open.arrow.seen.saturating_add(PATIENCE) > now {
                return;
            }
            if let Some(open) = self.open.pop_front() {
                self.gone(open);
            }
        }
    }

    fn gone(&mut self, mut open: Open) {
        if open.at.is_some() {
            open.arrow.end = End::Unseen;
        }
        self.arrived(open.arrow);
    }

    /// What can no longer be preceded by anything under way.
    fn release(&mut self) -> Vec<Arrow> {
        let horizon = self.open.iter().map(|open| open.arrow.sent).min();
        let mut arrows = Vec::new();
        while let Some(entry) = self.done.first_entry() {
            if horizon.is_some_and(|horizon| entry.key().0 >= horizon) {
                break;
            }
            let arrow = entry.remove();
            self.join(arrow, &mut arrows);
        }
        arrows
    }

    /// Joins a packet of media to the run it belongs to; anything else ends all runs.
    fn join(&mut self, arrow: Arrow, arrows: &mut Vec<Arrow>) {
        if arrow.sight.kind != Kind::Media
            || !arrow.comments.is_empty()
            || arrow.end != End::Arrived
        {
            arrows.append(&mut self.runs);
            arrows.push(arrow);
            return;
        }
        let same = |run: &&mut Arrow| {
            (run.from, run.to, &run.links) == (arrow.from, arrow.to, &arrow.links)
                && run.sight.headers == arrow.sight.headers
                && run.sight.line == arrow.sight.line
        };
        if let Some(run) = self.runs.iter_mut().find(same) {
            run.count += 1;
            run.seen = arrow.seen;
        } else if self.runs.len() == RUNS_MAX {
            arrows.append(&mut self.runs);
            self.runs.push(arrow);
        } else {
            self.runs.push(arrow);
        }
    }
}

/// The octets of a packet that stay the same on its way.
fn without_hop_limit(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    if let Some(hop_limit) = packet.get_mut(7) {
        *hop_limit = 0;
    }
    packet
}

/// A packet is passed on sooner than this, or not at all.
const PATIENCE: Duration = Duration::from_millis(500);

/// More packets are not under way at a time.
const OPEN_MAX: usize = 4096;

/// More flows of media are not followed at a time.
const RUNS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::sample;
    use rstest::rstest;

    /// The terminal sends an answer at 10 ms, which arrives at 30 ms; what the correspondent sent
    /// at 1 ms arrives at the terminal before or after that.
    #[rstest]
    #[case::arrives_before_the_answer_leaves(8, &["Echo Request", "Echo Reply"])]
    #[case::arrives_after_the_answer_left(20, &["Echo Reply", "Echo Request"])]
    fn the_order_is_the_one_that_the_focus_saw(#[case] arrives_ms: u64, #[case] order: &[&str]) {
        let (request, reply) = sample::echo();
        let mut frames = vec![
            (1, 3, (4, 0x13), &request),
            (arrives_ms, 1, (0x20, 1), &request),
            (10, 1, (1, 0x20), &reply),
            (30, 3, (0x13, 4), &reply),
        ];
        frames.sort_by_key(|(at, ..)| *at);
        let mut capture = sample::empty();
        for (at, link, hop, packet) in frames {
            let frame = sample::framed(hop, packet);
            capture.record(Duration::from_millis(at), LinkId(link), frame);
        }
        let mut journeys = Journeys::new(sample::names(), Some("mt"), false);
        let mut arrows: Vec<Arrow> =
            capture.frames.iter().flat_map(|frame| journeys.push(frame)).collect();
        arrows.extend(journeys.finish());
        let told: Vec<String> = arrows
            .iter()
            .map(|arrow| arrow.sight.line.split(" id").next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(told, order);
        assert!(arrows.iter().all(|arrow| arrow.links.len() == 2 && arrow.end == End::Arrived));
    }

    #[test]
    fn a_retransmission_is_a_packet_of_its_own() {
        let (request, _) = sample::echo();
        let mut capture = sample::empty();
        for at in [0, 1] {
            capture.record(
                Duration::from_millis(at),
                LinkId(3),
                sample::framed((4, 0x13), &request),
            );
        }
        for at in [2, 3] {
            capture.record(
                Duration::from_millis(at),
                LinkId(1),
                sample::framed((0x20, 1), &request),
            );
        }
        let mut journeys = Journeys::new(sample::names(), None, false);
        for frame in &capture.frames[..3] {
            journeys.push(frame);
        }
        let mut arrows = journeys.push(&capture.frames[3]);
        arrows.extend(journeys.finish());
        assert!(arrows.iter().all(|arrow| arrow.frames.len() == 2), "{arrows:?}");
    }
}
