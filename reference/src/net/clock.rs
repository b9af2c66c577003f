//! The one real clock of the nodes: time since the start of a run whose Unix time is known.

use std::time::{Duration, Instant, SystemTime};

use roamproof_node as node;

/// Time since the start of the run, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// A moment on the monotonic clock and the time of the run then.
    known: (Instant, Duration),
}

impl Clock {
    /// The clock of a run whose time zero was at the Unix time `epoch`. The wall clock is read here
    /// and never again.
    pub fn of_run(epoch: Duration) -> Self {
        let mut before = monotonic();
        let mut wall = unix_time();
        // Where the host turns to something else between the readings they are taken again.
        for _ in 0..READINGS_MAX {
            let after = monotonic();
            if after.saturating_duration_since(before) <= READING_LIMIT {
                break;
            }
            before = after;
            wall = unix_time();
        }
        Self { known: (before, wall.saturating_sub(epoch)) }
    }

    /// What time it is; zero until the start of the run.
    pub fn now(&self) -> node::Instant {
        let (then, time) = self.known;
        node::Instant::at(time + monotonic().saturating_duration_since(then))
    }
}

/// The time since the Unix epoch by the wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the nodes' one real clock")]
pub fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "this is the nodes' one real clock")]
fn monotonic() -> Instant {
    Instant::now()
}

/// How far two readings that count as one may be apart.
const READING_LIMIT: Duration = Duration::from_micros(20);

/// How often they are taken again.
const READINGS_MAX: u32 = 10;
