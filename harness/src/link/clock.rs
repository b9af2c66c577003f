//! The one real clock of the harness: time since the start of a run, and the wall clock beside it.

use std::time::{Duration, Instant, SystemTime};

/// Time since the start of a run, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct RealClock {
    zero: Instant,
}

impl RealClock {
    /// The clock of a run that starts now.
    pub fn start() -> Self {
        Self { zero: monotonic() }
    }

    /// The time since the start of the run.
    pub fn now(&self) -> Duration {
        monotonic().saturating_duration_since(self.zero)
    }

    /// The time since the start of the run at the wall clock's `wall` (since the Unix epoch); zero
    /// where it was before the start.
    ///
    /// Both clocks are read for each conversion, so that a step of the wall clock spoils no more
    /// than what was in flight.
    pub fn at_wall(&self, wall: Duration) -> Duration {
        let (now, wall_now) = self.both();
        match wall_now.checked_sub(wall) {
            Some(ago) => now.saturating_sub(ago),
            None => now + wall.saturating_sub(wall_now),
        }
    }

    /// The Unix time of the start of the run.
    pub fn epoch(&self) -> Duration {
        let (now, wall_now) = self.both();
        wall_now.saturating_sub(now)
    }

    /// Both clocks at one moment. Where the host turns to something else between the readings they
    /// are taken again.
    fn both(&self) -> (Duration, Duration) {
        let mut before = self.now();
        let mut wall = unix_time();
        let mut after = self.now();
        for _ in 0..READINGS_MAX {
            if after.saturating_sub(before) <= READING_LIMIT {
                break;
            }
            before = after;
            wall = unix_time();
            after = self.now();
        }
        (before, wall)
    }
}

/// The time since the Unix epoch by the wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the harness's one real clock")]
pub fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "this is the harness's one real clock")]
fn monotonic() -> Instant {
    Instant::now()
}

/// How far two readings that count as one may be apart.
const READING_LIMIT: Duration = Duration::from_micros(20);

/// How often they are taken again.
const READINGS_MAX: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_converts_to_time_since_the_start() {
        let clock = RealClock::start();
        let later = clock.epoch() + Duration::from_secs(5);
        let at = clock.at_wall(later);
        let off = at.abs_diff(Duration::from_secs(5));
        assert!(off < Duration::from_millis(50), "5 s after the epoch came out as {at:?}");
    }

    #[test]
    fn what_was_before_the_start_is_at_zero() {
        let clock = RealClock::start();
        assert_eq!(
            clock.at_wall(clock.epoch().saturating_sub(Duration::from_secs(9))),
            Duration::ZERO
        );
    }
}
