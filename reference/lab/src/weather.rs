//! What a simulated link does to frames, fixed by a seed.

use std::time::Duration;

use roamproof_node::entropy::Entropy;

/// What a link does to frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Fixes every draw below.
    pub seed: u64,
    /// Frames lost, of a thousand.
    pub lost_permille: u16,
    /// Frames doubled, of a thousand.
    pub doubled_permille: u16,
    /// How long every frame takes.
    pub delay: Duration,
    /// How much longer it may take; each frame draws its own, so that frames overtake each other.
    pub jitter_max: Duration,
}

impl Weather {
    /// Nothing is lost, and every frame takes 100 µs.
    pub const CALM: Self = Self {
        seed: 0,
        lost_permille: 0,
        doubled_permille: 0,
        delay: Duration::from_micros(100),
        jitter_max: Duration::ZERO,
    };

    /// Nothing gets through.
    pub const STORM: Self = Self { lost_permille: 1000, ..Self::CALM };
}

/// How often and how late one frame arrives: no entry where it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// How long its copies take.
    pub delays: [Option<Duration>; 2],
}

impl Fate {
    /// It never arrives.
    pub const LOST: Self = Self { delays: [None; 2] };

    /// Whether no copy arrives.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        *self == Self::LOST
    }
}

/// A weather at work.
#[derive(Debug)]
pub(crate) struct Sky {
    weather: Weather,
    entropy: Entropy,
}

impl Sky {
    pub(crate) const fn new(weather: Weather) -> Self {
        Self { weather, entropy: Entropy::new(weather.seed) }
    }

    /// Decides about one frame.
    pub(crate) fn decide(&mut self) -> Fate {
        let Weather { lost_permille, doubled_permille, .. } = self.weather;
        if self.happens(lost_permille) {
            return Fate::LOST;
        }
        let first = Some(self.delay());
        let second = self.happens(doubled_permille).then(|| self.delay());
        Fate { delays: [first, second] }
    }

    fn happens(&mut self, permille: u16) -> bool {
        permille > 0 && self.entropy.below(1000) < u64::from(permille)
    }

    fn delay(&mut self) -> Duration {
        let Weather { delay, jitter_max, .. } = self.weather;
        if jitter_max.is_zero() {
            return delay;
        }
        let nanos = u64::try_from(jitter_max.as_nanos()).unwrap_or(u64::MAX);
        delay + Duration::from_nanos(self.entropy.below(nanos.saturating_add(1)))
    }
}
