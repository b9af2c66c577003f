//! Operations on the network: how long each is, what it says, and how a fuzzer makes one.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use roamproof_harness::topology::claimed::LINKS;
use roamproof_lab::Fate;
use roamproof_mutator::Family;
use roamproof_wire::edit::{Edit, mend_checksums};

use super::packet_class::PacketClass;
use crate::operations::Grammar;

/// Sequences of these operations.
pub(crate) const GRAMMAR: Grammar = Grammar { length, make, right: None, packet_in };

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    /// Time passes.
    Pass(Duration),
    /// The user of a node commands.
    User { node: &'static str, command: &'static str },
    /// The node of this number has its power cut and comes back.
    PowerCycle(usize),
    /// The terminal goes to a link, or nowhere.
    Move(Option<&'static str>),
    /// A link changes.
    Link { link: usize, state: LinkState },
    /// The next packet of a class, behind so many others, has a fate.
    Fate { class: PacketClass, skip: u8, fate: PacketFate },
    /// All faults end.
    Calm,
    /// An attacker sends an edited copy of such a packet, beside it or in its place.
    Edited { class: PacketClass, skip: u8, instead: bool, edit: Edit },
    /// An attacker sends a packet on a link, to a node's first interface or to all.
    Injected { link: usize, to: u8, packet: Vec<u8> },
    /// Nothing.
    Nothing,
}

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkState {
    /// Frames pass.
    Calm,
    /// Frames get lost, and nobody is told.
    Silent,
    /// Frames get lost, and the nodes know.
    Down,
}

/// What becomes of one packet, or of all of its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PacketFate {
    One(Fate),
    /// All are lost from here on.
    AllLost,
}

/// Who can be told what.
pub(super) const USERS: [(&str, &str); 16] = [
    ("cn", "call sip:mt@example.com"),
    ("mt", "call sip:cn@example.com"),
    ("mt", "answer"),
    ("cn", "answer"),
    ("mt", "hangup"),
    ("cn", "hangup"),
    ("mt", "optimize 2001:db8:c::c"),
    ("mt", "restart"),
    ("cn", "restart"),
    ("ss", "restart"),
    ("mt", "options sip:cn@example.com"),
    ("cn", "options sip:mt@example.com"),
    ("mt", "echo 2001:db8:c::c"),
    ("cn", "echo 2001:db8:a::100"),
    ("cn", "echo 2001:db8:a::100 1452"),
    ("ss", "echo 2001:db8:a::100"),
];

impl Operation {
    /// The operation in these octets, which may be cut off: what is missing is zero.
    pub(super) fn read(octets: &[u8]) -> Self {
        let u8_at = |at: usize| octets.get(at).copied().unwrap_or_default();
        let low = u8_at(0) & 0x0f;
        let (link, class) = (usize::from(low) % LINKS.len(), PacketClass(low));
        let skip = u8_at(1) & 0x0f;
        match u8_at(0) >> 4 {
            0 => Self::Pass(Duration::from_millis(u16::from_be_bytes([u8_at(1), u8_at(2)]).into())),
            1 => Self::Pass(Duration::from_secs((u8_at(1) & 0x3f).into())),
            2 => {
                let (node, command) = USERS[usize::from(low)];
                Self::User { node, command }
            }
            3 => Self::PowerCycle(low.into()),
            4 => Self::Move(
                [Some("home"), Some("visited-1"), Some("visited-2"), None][usize::from(low & 3)],
            ),
            5 => {
                let states = [LinkState::Calm, LinkState::Silent, LinkState::Down, LinkState::Calm];
                Self::Link { link, state: states[usize::from(u8_at(1) & 3)] }
            }
            6 => Self::Fate { class, skip, fate: FATES[usize::from(u8_at(1) >> 4 & 7)] },
            7 => Self::Calm,
            8 => match Edit::decode(octets.get(2..).unwrap_or_default()) {
                Some((edit, _)) => {
                    Self::Edited { class, skip, instead: u8_at(1) & 0x80 != 0, edit }
                }
                None => Self::Nothing,
            },
            9 => {
                let seed = u16::from_be_bytes([u8_at(2), u8_at(3)]);
                let packet = packets().make(seed.into(), PACKET_MAX);
                Self::Injected { link, to: u8_at(1), packet }
            }
            10 => {
                let mut packet = octets.get(4..).unwrap_or_default().to_vec();
                mend_checksums(&mut packet);
                Self::Injected { link, to: u8_at(1), packet }
            }
            12 => Self::Pass(Duration::from_millis(10) * u8_at(1).into()),
            _ => Self::Nothing,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass(time) => write!(f, "{time:?} pass"),
            Self::User { node, command } => write!(f, "user of {node}: {command}"),
            Self::PowerCycle(node) => write!(f, "power cycle of node {node}"),
            Self::Move(Some(link)) => write!(f, "the terminal goes to {link}"),
            Self::Move(None) => f.write_str("the terminal leaves its link"),
            Self::Link { link, state } => write!(f, "link {}: {state:?}", LINKS[*link].0),
            Self::Fate { class, skip, fate: PacketFate::One(fate) } => {
                let delays = fate.delays.iter().flatten().collect::<Vec<_>>();
                write!(f, "{class} after {skip} more: takes {delays:?}")
            }
            Self::Fate { class, fate: PacketFate::AllLost, .. } => {
                write!(f, "{class}: all lost from here on")
            }
            Self::Calm => f.write_str("all faults end"),
            Self::Edited { class, skip, instead, edit } => {
                let where_ = if *instead { "in place of" } else { "beside" };
                write!(f, "attacker: {edit} {where_} {class} after {skip} more")
            }
            Self::Injected { link, packet, .. } => {
                write!(f, "attacker: {} octets on {}", packet.len(), LINKS[*link].0)
            }
            Self::Nothing => f.write_str("nothing"),
        }
    }
}

/// Octets of the first operation, where all of them are there.
fn length(octets: &[u8]) -> usize {
    let u8_at = |at: usize| usize::from(octets.get(at).copied().unwrap_or_default());
    match octets[0] >> 4 {
        0 => 3,
        1 | 5 | 6 | 12 => 2,
        // The last of an edit's six octets says how many follow, where its kind has any.
        8 => {
            let copies = matches!(octets.get(2).map(|kind| kind % 13), Some(2 | 3));
            8 + if copies { u8_at(7) } else { 0 }
        }
        9 => 4,
        10 => 4 + (u8_at(2) << 8 | u8_at(3)),
        _ => 1,
    }
}

/// An operation of a kind that leads somewhere.
fn make(random: &mut Rng) -> Vec<u8> {
    match random.u8(..16) {
        0 => vec![0x00, random.u8(..16), random.u8(..)],
        1 | 2 => vec![0xc0, random.u8(1..)],
        3 => vec![0x10, random.u8(..64)],
        4..=6 => vec![0x20 | random.u8(..16)],
        7 => vec![0x30 | random.u8(..7)],
        8 | 9 => vec![0x40 | random.u8(..4)],
        10 => vec![0x50 | random.u8(..7), random.u8(..4)],
        11 | 12 => vec![0x60 | random.u8(..16), random.u8(..8) << 4 | random.u8(..4)],
        13 => {
            let mut operation = vec![0x80 | random.u8(..16), random.u8(..2) << 7 | random.u8(..4)];
            operation.extend([
                random.u8(..13),
                0,
                random.u8(..),
                random.u8(..16),
                random.u8(..),
                0,
            ]);
            operation
        }
        14 => vec![0x90 | random.u8(..7), random.u8(..8), random.u8(..), random.u8(..)],
        _ => {
            let packet = packets().make(random.u64(..), PACKET_MAX);
            let [high, low] = u16::try_from(packet.len()).unwrap_or(0).to_be_bytes();
            [&[0xa0 | random.u8(..7), random.u8(..8), high, low][..], &packet].concat()
        }
    }
}

/// Where the length of an operation's packet stands, and where the packet begins.
fn packet_in(operation: &[u8]) -> Option<(usize, usize)> {
    (operation[0] >> 4 == 10 && operation.len() > 4).then_some((2, 4))
}

fn packets() -> &'static Family {
    Family::called("packet").expect("it is one")
}

const fn takes(first: u64, second: Option<u64>) -> PacketFate {
    let second = match second {
        Some(ms) => Some(Duration::from_millis(ms)),
        None => None,
    };
    PacketFate::One(Fate { delays: [Some(Duration::from_millis(first)), second] })
}

const FATES: [PacketFate; 8] = [
    PacketFate::One(Fate::LOST),
    takes(1, Some(1)),
    takes(1, Some(1_000)),
    takes(1, Some(30_000)),
    takes(20, None),
    takes(1_000, None),
    takes(10_000, None),
    PacketFate::AllLost,
];
const PACKET_MAX: usize = 1200;
