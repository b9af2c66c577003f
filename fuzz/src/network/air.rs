//! What lies between the nodes: faults that wait for their packet, attackers' frames, and the bounds of
//! what may pass.

use std::collections::VecDeque;
use std::time::Duration;

use roamproof_harness::topology::claimed::LINKS;
use roamproof_lab::{Fate, LinkId, Sighting};
use roamproof_node::Instant;
use roamproof_wire::edit::{Edit, mend_checksums};
use roamproof_wire::ethernet::HEADER_LEN;

use super::operation::{LinkState, PacketFate};
use super::packet_class::PacketClass;
use super::watch::Watch;
use crate::trace;

/// All links together.
#[derive(Debug)]
pub(super) struct Air {
    pub(super) watch: Watch,
    /// Frames that attackers are about to send.
    pub(super) forged: VecDeque<(LinkId, Vec<u8>)>,
    /// Whether the frame that comes next is an attacker's.
    pub(super) forging: bool,
    /// Frames so far that are no media, and those that are.
    pub(super) signalling: u64,
    pub(super) media: u64,
    links: [LinkState; LINKS.len()],
    pending: Vec<Pending>,
    /// Classes of which every packet gets lost.
    lost: Vec<PacketClass>,
    /// Octets that may still be sent before it is called a storm, and when that was so.
    allowance: u64,
    reckoned: Instant,
    /// Octets that may be sent each second.
    rate: u64,
}

/// What waits for its packet.
#[derive(Debug)]
struct Pending {
    class: PacketClass,
    /// Packets of the class that go before.
    skip: u8,
    what: What,
}

#[derive(Debug)]
enum What {
    Fate(Fate),
    Edited { instead: bool, edit: Edit },
}

impl Air {
    pub(super) fn new() -> Self {
        Self {
            watch: Watch::default(),
            forged: VecDeque::new(),
            forging: false,
            signalling: 0,
            media: 0,
            links: [LinkState::Calm; LINKS.len()],
            pending: Vec::new(),
            lost: Vec::new(),
            allowance: ALLOWANCE,
            reckoned: Instant::ZERO,
            rate: RATE,
        }
    }

    /// A packet of this class is to have this fate.
    pub(super) fn plan(&mut self, class: PacketClass, skip: u8, fate: PacketFate) {
        match fate {
            PacketFate::One(fate) => {
                self.pending.push(Pending { class, skip, what: What::Fate(fate) });
            }
            PacketFate::AllLost => self.lost.push(class),
        }
    }

    /// A packet of this class is to be copied and edited.
    pub(super) fn plan_edit(&mut self, class: PacketClass, skip: u8, instead: bool, edit: Edit) {
        self.pending.push(Pending { class, skip, what: What::Edited { instead, edit } });
    }

    /// A link changes.
    pub(super) fn set(&mut self, link: usize, state: LinkState) {
        self.links[link] = state;
    }

    /// What a link does.
    pub(super) const fn state(&self, link: usize) -> LinkState {
        self.links[link]
    }

    /// No fault is left.
    pub(super) fn calm(&mut self) {
        self.links = [LinkState::Calm; LINKS.len()];
        self.pending.clear();
        self.lost.clear();
        self.forged.clear();
    }

    /// A call more may be under way from here on.
    pub(super) fn expect_call(&mut self) {
        self.rate += RATE_OF_CALL;
    }

    /// Somebody acts: what comes of it passes on top of all else, however many act at one moment.
    pub(super) const fn expect_act(&mut self) {
        self.allowance += OCTETS_OF_ACT;
    }

    /// Decides about a frame as it enters a link.
    ///
    /// # Panics
    ///
    /// Where it breaks a claim, or is one of a storm.
    pub(super) fn rule(&mut self, sighting: Sighting<'_>, fate: Fate) -> Fate {
        self.reckon(sighting);
        let fate = self.fate(sighting, fate);
        trace::passing(sighting.at.since_start(), sighting.link.0, sighting.octets, fate.is_lost());
        if !self.forging {
            self.watch.see(sighting, fate);
        }
        fate
    }

    fn fate(&mut self, sighting: Sighting<'_>, calm: Fate) -> Fate {
        if self.links[sighting.link.0] != LinkState::Calm {
            return Fate::LOST;
        }
        if self.forging || self.pending.is_empty() && self.lost.is_empty() {
            return calm;
        }
        let class = PacketClass::of(sighting.octets);
        if self.lost.iter().any(|lost| lost.holds(class)) {
            return Fate::LOST;
        }
        let Some(index) = self.pending.iter().position(|pending| pending.class.holds(class)) else {
            return calm;
        };
        if self.pending[index].skip > 0 {
            self.pending[index].skip -= 1;
            return calm;
        }
        match self.pending.remove(index).what {
            What::Fate(fate) => fate,
            What::Edited { instead, edit } => {
                self.forge(sighting, &edit);
                if instead { Fate::LOST } else { calm }
            }
        }
    }

    fn forge(&mut self, sighting: Sighting<'_>, edit: &Edit) {
        let Some((header, packet)) = sighting.octets.split_at_checked(HEADER_LEN) else { return };
        let mut packet = packet.to_vec();
        edit.apply(&mut packet);
        mend_checksums(&mut packet);
        packet.truncate(MTU);
        self.forged.push_back((sighting.link, [header, &packet].concat()));
        self.watch.attacked();
    }

    /// Packets that breed packets soon spend what their time allows.
    fn reckon(&mut self, sighting: Sighting<'_>) {
        let passed = sighting.at - self.reckoned;
        self.reckoned = sighting.at;
        let micros = u64::try_from(passed.min(DAY).as_micros()).unwrap_or(0);
        let grown = (self.allowance + micros * self.rate / 1_000_000).min(ALLOWANCE);
        self.allowance = self.allowance.max(grown);
        let len = sighting.octets.len() as u64;
        assert!(self.allowance >= len, "packets breed packets");
        self.allowance -= len;
        if PacketClass::of(sighting.octets) == PacketClass::MEDIA {
            self.media += 1;
        } else {
            self.signalling += 1;
        }
    }
}

/// Octets that may be sent on all links at once: of 300 sequences of a campaign the longest burst without
/// attackers took 32,000.
const ALLOWANCE: u64 = 300_000;
/// Octets on all links that one act leads to at once: the longest echo, tunnelled in pieces on ten links, and its answer.
const OCTETS_OF_ACT: u64 = 40_000;
/// Octets a second without any call, and for each call: media both ways by the longest way.
const RATE: u64 = 100_000;
const RATE_OF_CALL: u64 = 200_000;
const DAY: Duration = Duration::from_secs(86_400);
/// Octets of the longest packet that a link takes.
const MTU: usize = 1500;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::catch;

    /// Whether this many of the longest frames may pass at once.
    fn allows(frames: u64) -> bool {
        let mut air = Air::new();
        let frame = [0; HEADER_LEN + MTU];
        let sighting = Sighting { at: Instant::ZERO, link: LinkId(0), lost: false, octets: &frame };
        catch(|| (0..frames).for_each(|_| air.reckon(sighting))).is_ok()
    }

    #[test]
    fn a_burst_is_no_storm_and_a_storm_is_one() {
        let most = ALLOWANCE / (HEADER_LEN + MTU) as u64;
        assert!(allows(most));
        assert!(!allows(most + 1));
    }

    #[test]
    fn who_acts_may_send_on_top() {
        let mut air = Air::new();
        let before = air.allowance;
        (0..100).for_each(|_| air.expect_act());
        assert_eq!(air.allowance, before + 100 * OCTETS_OF_ACT);
        let frame = [0; HEADER_LEN + MTU];
        air.reckon(Sighting { at: Instant::ZERO, link: LinkId(0), lost: false, octets: &frame });
        assert!(air.allowance > ALLOWANCE, "what was not used is kept");
    }
}
