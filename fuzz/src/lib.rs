//! Oracles: what must hold of any octets whatever, and the one list of fuzz targets.
//!
//! A target is one line in `fuzz_targets/`; `tests/replay.rs` runs the same oracles over the
//! committed corpus under plain `cargo test`, so that a crash once found is a test for ever.

mod capture;
mod icmpv6;
mod media;
mod mobility;
mod node;
mod packet;
mod sip;

use std::process::ExitCode;

/// One fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of its file in `fuzz_targets/` and of its folder in `corpus/`.
    pub name: &'static str,
    /// Panics where something does not hold of these octets.
    pub oracle: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "capture", oracle: capture::file },
    Target { name: "dissect", oracle: packet::dissected },
    Target { name: "frame", oracle: packet::frame },
    Target { name: "packet", oracle: packet::packet },
    Target { name: "icmpv6", oracle: icmpv6::message },
    Target { name: "mobility", oracle: mobility::message },
    Target { name: "sip", oracle: sip::message },
    Target { name: "sip_stream", oracle: sip::stream },
    Target { name: "router", oracle: node::router },
    Target { name: "home_agent", oracle: node::home_agent },
    Target { name: "mobile_terminal", oracle: node::mobile_terminal },
    Target { name: "correspondent", oracle: node::correspondent },
    Target { name: "sip_server", oracle: node::sip_server },
    Target { name: "sdp", oracle: media::session_description },
    Target { name: "rtp", oracle: media::rtp },
];

/// The target called `name`.
///
/// # Panics
///
/// Where there is none, which the replay test rules out for every file in `fuzz_targets/`.
#[must_use]
pub fn target(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).expect("the list holds every target")
}

/// Runs a target over the files named on the command line: how a crash is looked at without libFuzzer.
#[must_use]
pub fn replay(target: Target) -> ExitCode {
    let mut outcome = ExitCode::from(NOTHING_REPLAYED);
    for path in std::env::args_os().skip(1) {
        eprintln!("{}", path.display()); // The last line before a panic names the input.
        match std::fs::read(&path) {
            Ok(octets) => (target.oracle)(&octets),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(UNREADABLE);
            }
        }
        outcome = ExitCode::SUCCESS;
    }
    outcome
}

/// The program of one target: a libFuzzer target in a fuzzing build, else a replay of files.
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|octets: &[u8]| ($crate::target($name).oracle)(octets));

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::replay($crate::target($name))
        }
    };
}

const UNREADABLE: u8 = 2;
const NOTHING_REPLAYED: u8 = 4;
