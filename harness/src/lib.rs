//! The judge: `topology → link → subject → tester → purpose → verdict → evidence → report`.
//!
//! It shares `roamproof-wire` with the accused and nothing else: it never sees a node's state.

pub mod bench;
pub mod bundle;
pub mod catalogue;
pub mod compare;
pub mod coverage;
pub mod date;
pub mod evidence;
pub mod exit_code;
pub mod feature;
pub mod journal;
pub mod judge;
pub mod known_failure;
pub mod link;
pub mod plan;
pub mod probe;
pub mod profile;
pub mod purpose;
pub mod recording;
pub mod report;
pub mod requirement;
pub mod rules;
pub mod run;
pub mod sequence;
pub mod subject;
pub mod tester;
pub mod text;
pub mod topology;
pub mod trigger;
pub mod verdict;

pub use catalogue::Catalogue;
pub use exit_code::ExitCode;
pub use requirement::{Level, Requirement};
