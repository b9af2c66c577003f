//! The one real clock of the harness: time since the start of a run, and the wall clock beside it.

use std::time::{Duration, Instant, SystemTime};

/// Time since the start of a run, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct RealClock {
    zero: Instant,
    /// The wall clock's time at zero, since the Unix epoch.
    epoch: Duration,
}

impl RealClock {
    /// The clock of a run that starts now.
    pub fn start() -> Self {
        let mut clock = Self { zero: monotonic(), epoch: Duration::ZERO };
        clock.epoch = clock.epoch_by_now();
        clock
    }

    /// The time since the start of the run.
    pub fn now(&self) -> Duration {
        monotonic().saturating_duration_since(self.zero)
    }

    /// The time since the start of the run at the wall clock's `wall` (since the Unix epoch); zero
    /// where it was before the start. The order of two such times is never turned round.
    pub const fn at_wall(&self, wall: Duration) -> Duration {
        wall.saturating_sub(self.epoch)
    }

    /// Looks whether the wall clock was set since the start, and counts from there if it was.
    pub fn follow_wall(&mut self) {
        let epoch = self.epoch_by_now();
        if epoch.abs_diff(self.epoch) > STEP {
            self.epoch = epoch;
        }
    }

    /// The Unix time of the start of the run.
    pub const fn epoch(&self) -> Duration {
        self.epoch
    }

    /// Reads both clocks as at one moment. Where the host turns to something else between the two
    /// they are read again.
    fn epoch_by_now(&self) -> Duration {
        let mut before = self.now();
        let mut wall = unix_time();
        for _ in 0..READINGS_MAX {
            let after = self.now();
            if after.saturating_sub(before) <= READING_LIMIT {
                break;
            }
            before = after;
            wall = unix_time();
        }
        wall.saturating_sub(before)
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

/// By how much the clocks differ after a step; less is the inexactness of reading two.
const STEP: Duration = Duration::from_millis(1);

/// How far two readings that count as one may be apart.
const READING_LIMIT: Duration = Duration::from_micros(5);

/// How often they are taken again.
const READINGS_MAX: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_converts_to_time_since_the_start() {
        let clock = RealClock::start();
        let later = clock.epoch() + Duration::from_secs(5);
        assert_eq!(clock.at_wall(later), Duration::from_secs(5));
        let off = clock.at_wall(unix_time()).abs_diff(clock.now());
        assert!(off < Duration::from_millis(50), "the two clocks are {off:?} apart");
    }

    #[test]
    fn what_was_before_the_start_is_at_zero() {
        let clock = RealClock::start();
        let before = clock.epoch().saturating_sub(Duration::from_secs(9));
        assert_eq!(clock.at_wall(before), Duration::ZERO);
    }

    #[test]
    fn a_wall_clock_that_was_set_is_followed() {
        let mut clock = RealClock::start();
        let epoch = clock.epoch();
        clock.follow_wall();
        assert_eq!(clock.epoch(), epoch, "nobody has set it");
        clock.epoch += Duration::from_secs(3600);
        clock.follow_wall();
        assert!(clock.epoch().abs_diff(epoch) < Duration::from_millis(50));
    }
}
