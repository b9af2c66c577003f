//! Rules over a capture: every message of a subject in a case, or everybody's in a capture from elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use roamproof_wire::ethernet::{self, FrameView};
use roamproof_wire::ipv6::header::HOP_LIMIT;

use super::{Finding, Past, Rule, Sent, all};
use crate::Catalogue;
use crate::evidence::Capture;
use crate::judge::Cast;
use crate::plan::Plan;
use crate::topology::Role;
use crate::verdict::Verdict;

/// What came of a rule that had something to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The row.
    pub row: &'static str,
    /// How many messages it was about.
    pub messages: usize,
    /// How many of them broke it.
    pub breaks: usize,
    /// The first of those.
    pub broken: Vec<Broken>,
}

/// A message that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The captured frame that it is in, by index.
    pub frame: usize,
    /// The octet at fault, from the start of the frame.
    pub octet: usize,
    /// The address that it came from.
    pub from: Ipv6Addr,
    /// What is wrong there.
    pub what: String,
}

/// Broken messages told of one rule.
pub const BROKEN_MAX: usize = 10;

impl Held {
    /// What follows from it, by the level of its row.
    pub fn verdict(&self) -> Verdict {
        if self.breaks == 0 {
            return Verdict::Pass;
        }
        Catalogue::embedded()
            .requirement(self.row)
            .map_or(Verdict::Error, |row| Verdict::Fail.weighed(row.level))
    }
}

/// Judges the messages of a case that its subject sent, which are `frames` of the capture, by index.
pub fn of_subject(
    capture: &Capture,
    frames: &BTreeSet<usize>,
    role: Role,
    plan: &Plan,
) -> Vec<Held> {
    let home = (role == Role::MobileTerminal).then_some(plan.hoa);
    let agents = [plan.ha, plan.ha2];
    judge(capture, home, |frame, sent| {
        // What a home agent passes on is others'.
        let own = role != Role::HomeAgent
            || agents.contains(&sent.header.source)
            || sent.depth == 0 && is_of_the_link(sent.header.source);
        (frames.contains(&frame) && own).then_some(Some(role))
    })
}

/// Judges everybody's messages in a capture, each once, where it is first seen; by role where `cast`
/// tells who plays what.
pub fn of_capture(capture: &Capture, cast: &Cast) -> Vec<Held> {
    let mut seen = BTreeSet::new();
    // Where terminals were when they said so; before, their messages are nobody's in particular.
    let mut away = BTreeSet::new();
    judge(capture, None, |_, sent| {
        let mut packet = sent.octets.to_vec();
        packet[HOP_LIMIT] = 0;
        if sent.home_address().is_some() && cast.is_home(sent.source()) {
            away.insert(sent.header.source);
        }
        let role = role_of(cast, sent)
            .or_else(|| away.contains(&sent.source()).then_some(Role::MobileTerminal));
        seen.insert(packet).then_some(role)
    })
}

/// Who plays the source of a packet: by its home address, or its own.
fn role_of(cast: &Cast, sent: &Sent<'_>) -> Option<Role> {
    let source = sent.source();
    let terminals = &cast.terminals;
    if cast.is_home(source) {
        Some(Role::MobileTerminal)
    } else if terminals.iter().any(|one| one.home_agent == source) {
        Some(Role::HomeAgent)
    } else if cast.server == Some(source) {
        Some(Role::SipServer)
    } else if cast.correspondents.contains(&source) {
        Some(Role::Correspondent)
    } else {
        None
    }
}

/// `author` says whether a packet is judged, and whose it is where that is known.
pub(super) fn judge(
    capture: &Capture,
    home: Option<Ipv6Addr>,
    mut author: impl FnMut(usize, &Sent<'_>) -> Option<Option<Role>>,
) -> Vec<Held> {
    let mut past = Past::new(home);
    let mut held: BTreeMap<&str, Held> = BTreeMap::new();
    for (index, frame) in capture.frames.iter().enumerate() {
        let Ok(view) = FrameView::new(&frame.octets) else { continue };
        if view.ether_type != ethernet::IPV6 || frame.missing > 0 {
            continue;
        }
        let behind = frame.octets.len() - view.payload.len();
        for mut sent in Sent::all(view.payload) {
            if let Some(role) = author(index, &sent) {
                sent.role = role;
                for rule in all().filter(|rule| concerns(rule, role)) {
                    let Some(finding) = (rule.check)(&sent, &past) else { continue };
                    let fresh =
                        || Held { row: rule.row, messages: 0, breaks: 0, broken: Vec::new() };
                    let place = (index, behind + sent.offset, sent.source());
                    held.entry(rule.row).or_insert_with(fresh).add(place, finding);
                }
            }
            past.note(&sent);
        }
    }
    all().filter_map(|rule| held.remove(rule.row)).collect()
}

impl Held {
    fn add(&mut self, (frame, begins, from): (usize, usize, Ipv6Addr), finding: Finding) {
        self.messages += 1;
        if let Finding::Breaks { octet, what } = finding {
            self.breaks += 1;
            if self.broken.len() < BROKEN_MAX {
                self.broken.push(Broken { frame, octet: begins + octet, from, what });
            }
        }
    }
}

fn concerns(rule: &Rule, role: Option<Role>) -> bool {
    rule.of.is_empty() || role.is_some_and(|role| rule.of.contains(&role))
}

fn is_of_the_link(address: Ipv6Addr) -> bool {
    address.is_unspecified() || address.segments()[0] & 0xffc0 == 0xfe80
}
