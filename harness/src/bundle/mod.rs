//! A bundle: the folder that one case leaves. It can be forwarded, read by a person, judged again
//! without privileges, and sent again to a device.
//!
//! ```text
//! case.json        which purpose, how it was run, the verdict and its reason
//! capture.pcapng   what crossed the links; sentences and verdict are packet comments
//! events.jsonl     sentences, packets and verdict in the order of time
//! ladder.txt .svg  what was specified beside what was observed
//! stimuli/NN.*     what the tester sent on purpose: octets, and what they say
//! output/NAME.txt  what each subject printed
//! clock.jsonl      what the body was told by clock, links and subjects, in the order of its asking
//! rerun.sh         the command that runs it again
//! ```

mod case;
mod error;
mod events;
mod plan;
mod read;
mod rejudge;
mod replay;
mod stimuli;
mod write;

pub use case::CaseFile;
pub use error::BundleError;
pub use plan::PlanFile;
pub use read::{Bundle, is_bundle};
pub use rejudge::{Rejudged, purpose_of, rejudge};
pub use replay::{Beside, Came, beside, replay, settle};
pub use write::{About, keep};

/// What the case is.
pub const CASE: &str = "case.json";
/// What crossed the links.
pub const CAPTURE: &str = "capture.pcapng";
const EVENTS: &str = "events.jsonl";
const CLOCK: &str = "clock.jsonl";
const STIMULI: &str = "stimuli";
const OUTPUT: &str = "output";
const RERUN: &str = "rerun.sh";
