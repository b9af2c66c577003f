//! Oracles: what must hold of any octets whatever, and the one list of fuzz targets.
//!
//! A target is one line in `fuzz_targets/`; `tests/replay.rs` runs the same oracles over the
//! committed corpus under plain `cargo test`, so that a crash once found is a test for ever.

mod amplification;
mod campaign;
mod capture;
mod claims;
#[cfg(feature = "misdeeds")]
pub mod defect;
mod edits;
mod fragments;
mod icmpv6;
mod media;
mod memory;
mod minimise;
mod mobility;
mod network;
mod node;
mod operations;
mod option;
mod outcome;
mod packet;
mod peers;
mod printed;
mod reader;
mod reading;
mod rest;
mod routes;
mod rules;
mod sip;
pub mod tally;
mod trace;
mod tunnel;
mod watches;

pub use memory::Counting;
pub use minimise::minimise;
pub use outcome::Signature;
pub use trace::Trace;

use std::process::ExitCode;

use operations::Grammar;
use roamproof_mutator::{Family, edit_text, flip};

/// One fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of its file in `fuzz_targets/` and of its folder in `corpus/`.
    pub name: &'static str,
    /// Panics where something does not hold of these octets.
    pub oracle: fn(&[u8]),
    /// What its octets are, so that a mutator knows.
    pub shape: Shape,
    /// The file or folder whose lines it is there to reach, from the workspace's root.
    pub module: &'static str,
}

/// What the octets of a target are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A message of this family of [`roamproof_mutator::FAMILIES`].
    Family(&'static str),
    /// One octet of the target's own, and a message of this family.
    Prefixed(&'static str),
    /// An Ethernet header, and a message of this family.
    Framed(&'static str),
    /// Operations on one node.
    Operations,
    /// Operations on the whole network.
    NetworkOperations,
    /// A text that people write, TOML or JSON.
    Text,
    /// One octet of the target's own, and such a text.
    PrefixedText,
    /// Anything else: octets flipped.
    Octets,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "mobility",
        oracle: mobility::message,
        shape: Shape::Family("mobility"),
        module: "reference/wire/src/mobility",
    },
    Target {
        name: "mobility_option",
        oracle: option::options,
        shape: Shape::Family("mobility"),
        module: "reference/wire/src/mobility/options.rs",
    },
    Target {
        name: "packet",
        oracle: packet::packet,
        shape: Shape::Family("packet"),
        module: "reference/wire/src/ipv6",
    },
    Target {
        name: "tunnel",
        oracle: tunnel::chain,
        shape: Shape::Prefixed("packet"),
        module: "reference/wire/src/ipv6/tunnel.rs",
    },
    Target {
        name: "fragments",
        oracle: fragments::sequences,
        shape: Shape::Octets,
        module: "reference/wire/src/ipv6/reassembly.rs",
    },
    Target {
        name: "edits",
        oracle: edits::packet,
        shape: Shape::Family("packet"),
        module: "reference/wire/src/edit.rs",
    },
    Target {
        name: "rules",
        oracle: rules::packet,
        shape: Shape::Family("packet"),
        module: "harness/src/rules",
    },
    Target {
        name: "frame",
        oracle: packet::frame,
        shape: Shape::Framed("packet"),
        module: "reference/wire/src/ethernet.rs",
    },
    Target {
        name: "dissect",
        oracle: packet::dissected,
        shape: Shape::Framed("packet"),
        module: "reference/wire/src/dissect",
    },
    Target {
        name: "icmpv6",
        oracle: icmpv6::message,
        shape: Shape::Family("icmpv6"),
        module: "reference/wire/src/icmpv6",
    },
    Target {
        name: "sip",
        oracle: sip::message,
        shape: Shape::Family("sip"),
        module: "reference/wire/src/sip",
    },
    Target {
        name: "sip_stream",
        oracle: sip::stream,
        shape: Shape::Prefixed("sip"),
        module: "reference/wire/src/sip/stream.rs",
    },
    Target {
        name: "sdp",
        oracle: media::session_description,
        shape: Shape::Family("sdp"),
        module: "reference/wire/src/sdp",
    },
    Target {
        name: "rtp",
        oracle: media::rtp,
        shape: Shape::Family("rtp"),
        module: "reference/wire/src/rtp.rs",
    },
    Target {
        name: "capture",
        oracle: capture::file,
        shape: Shape::Octets,
        module: "harness/src/evidence/foreign.rs",
    },
    Target {
        name: "profile",
        oracle: reader::profile,
        shape: Shape::Text,
        module: "harness/src/profile",
    },
    Target {
        name: "known_failures",
        oracle: reader::known_failures,
        shape: Shape::Text,
        module: "harness/src/known_failure/list.rs",
    },
    Target {
        name: "configuration",
        oracle: reader::configuration,
        shape: Shape::PrefixedText,
        module: "reference/node/src/build.rs",
    },
    Target {
        name: "records",
        oracle: reader::records,
        shape: Shape::PrefixedText,
        module: "harness/src/recording/note.rs",
    },
    Target {
        name: "router",
        oracle: node::router,
        shape: Shape::Operations,
        module: "reference/node/src/router.rs",
    },
    Target {
        name: "home_agent",
        oracle: node::home_agent,
        shape: Shape::Operations,
        module: "reference/node/src/home_agent",
    },
    Target {
        name: "mobile_terminal",
        oracle: node::mobile_terminal,
        shape: Shape::Operations,
        module: "reference/node/src/mobile_terminal",
    },
    Target {
        name: "correspondent",
        oracle: node::correspondent,
        shape: Shape::Operations,
        module: "reference/node/src/correspondent",
    },
    Target {
        name: "sip_server",
        oracle: node::sip_server,
        shape: Shape::Operations,
        module: "reference/node/src/sip_server",
    },
    Target {
        name: "network",
        oracle: network::network,
        shape: Shape::NetworkOperations,
        module: "reference/node/src",
    },
];

impl Shape {
    /// What its operations are made of, where it has any.
    pub(crate) const fn grammar(self) -> Option<&'static Grammar> {
        match self {
            Self::Operations => Some(&operations::NODE),
            Self::NetworkOperations => Some(&network::GRAMMAR),
            Self::Family(_)
            | Self::Prefixed(_)
            | Self::Framed(_)
            | Self::Text
            | Self::PrefixedText
            | Self::Octets => None,
        }
    }
}

impl Target {
    /// Turns `octets` into a neighbour of at most `max` octets.
    pub fn mutate(&self, octets: &mut Vec<u8>, max: usize, seed: u64) {
        let (prefix, family) = match self.shape {
            Shape::Family(family) => (0, family),
            Shape::Prefixed(family) => (1, family),
            Shape::Framed(family) => (ETHERNET_HEADER_LEN, family),
            Shape::Octets => return flip(octets, max, seed),
            Shape::Text => return edit_text(octets, max, seed),
            Shape::PrefixedText => {
                let Some((kind, text)) = octets.split_first() else { return octets.push(0) };
                let (kind, mut text) = (*kind, text.to_vec());
                edit_text(&mut text, max.saturating_sub(1), seed);
                octets.truncate(1);
                octets[0] = kind;
                octets.append(&mut text);
                return;
            }
            Shape::Operations | Shape::NetworkOperations => {
                let grammar = self.shape.grammar().expect("these have one");
                return operations::mutate(grammar, octets, max, seed);
            }
        };
        let family = Family::called(family).expect("targets name families that there are");
        if octets.len() < prefix {
            octets.resize(prefix, 0x86);
        }
        let mut message = octets.split_off(prefix);
        family.mutate(&mut message, max.saturating_sub(prefix), seed);
        octets.append(&mut message);
        octets.truncate(max);
    }

    /// How many operations an input holds; `None` where it is one message.
    #[must_use]
    pub fn operations(&self, octets: &[u8]) -> Option<usize> {
        self.shape.grammar().map(|grammar| operations::operations(grammar, octets).len())
    }

    /// The dictionary of its family, in the form of libFuzzer; `None` where it has none.
    #[must_use]
    pub fn dictionary(&self) -> Option<String> {
        match self.shape {
            Shape::Family(family) | Shape::Prefixed(family) | Shape::Framed(family) => {
                Family::called(family).map(Family::dictionary)
            }
            Shape::Operations
            | Shape::NetworkOperations
            | Shape::Text
            | Shape::PrefixedText
            | Shape::Octets => None,
        }
    }
}

/// The target called `name`; as a constant, so that a program holds the code of its own target only.
///
/// # Panics
///
/// Where there is none, which the replay test rules out for every file in `fuzz_targets/`.
#[must_use]
pub const fn target(name: &str) -> Target {
    let mut at = 0;
    while !are_equal(TARGETS[at].name.as_bytes(), name.as_bytes()) {
        at += 1;
    }
    TARGETS[at]
}

/// Whether two names are the same: `==` is none that a constant may ask.
const fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// What a target's program says in a build without libFuzzer.
#[must_use]
pub fn without_fuzzer(name: &str) -> ExitCode {
    eprintln!("this build has no libFuzzer: cargo fuzz run {name}, or roamproof fuzz {name}");
    ExitCode::from(USAGE)
}

/// The program of one target: a libFuzzer target in a fuzzing build, else one that says so.
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        #[cfg(fuzzing)]
        const TARGET: $crate::Target = $crate::target($name);

        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
            $crate::tally::count(octets, TARGET.operations(octets));
            if !$crate::tally::is_idle() {
                (TARGET.oracle)(octets)
            }
        });

        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutated(TARGET, data, size, max_size, seed)
        });

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::without_fuzzer($name)
        }
    };
}

/// What libFuzzer asks of a mutator: it writes the neighbour over `data` and returns its length.
///
/// Every other time libFuzzer's own mutations come first, which know what it has seen compared; a
/// target with a shape then has the lengths and checksums of theirs put right by its family.
#[cfg(fuzzing)]
pub fn mutated(target: Target, data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let size = if seed & 1 == 0 || target.shape == Shape::Octets {
        libfuzzer_sys::fuzzer_mutate(data, size, max_size)
    } else {
        size
    };
    if seed & 2 == 0 && seed & 1 == 0 {
        return size;
    }
    let mut octets = data[..size].to_vec();
    target.mutate(&mut octets, max_size, u64::from(seed >> 2));
    data[..octets.len()].copy_from_slice(&octets);
    octets.len()
}

const ETHERNET_HEADER_LEN: usize = roamproof_wire::ethernet::HEADER_LEN;
const USAGE: u8 = 2;
