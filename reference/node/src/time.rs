//! Time as a value: nodes are told what time it is and never ask.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in time, counted from the start of the run.
///
/// Unlike [`std::time::Instant`] it has a zero and can be written down, so that a trace, a
/// snapshot and a fuzz input mean the same on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The start of the run.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The point `since_start` after the start of the run.
    pub const fn at(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// The time that has passed since the start of the run.
    pub const fn since_start(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// Zero where `rhs` is later.
    fn sub(self, rhs: Self) -> Duration {
        self.0.saturating_sub(rhs.0)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.3}", self.0.as_secs_f64())
    }
}
