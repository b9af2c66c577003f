//! What becomes of a frame on a link: passed on, lost, late, twice.

use std::time::Duration;

use super::LinkId;

/// A frame as it enters a link.
#[derive(Debug, Clone, Copy)]
pub struct Passing<'a> {
    /// When, since the start of the run.
    pub at: Duration,
    /// Which link.
    pub link: LinkId,
    /// The Ethernet frame.
    pub octets: &'a [u8],
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Arrives,
    /// It is lost.
    Lost,
    /// It arrives that much later.
    Late(Duration),
    /// It arrives twice, the second time that much later.
    Twice(Duration),
}

/// Decides about frames.
pub trait Weather {
    /// What becomes of this one.
    fn decide(&mut self, passing: Passing<'_>) -> Fate;
}

impl<F: FnMut(Passing<'_>) -> Fate> Weather for F {
    fn decide(&mut self, passing: Passing<'_>) -> Fate {
        self(passing)
    }
}

/// Loss, delay, reordering and duplication, fixed by a seed.
#[derive(Debug, Clone, Copy)]
pub struct Seeded {
    state: u64,
    /// Frames lost, of a thousand.
    pub lost_permille: u64,
    /// Frames doubled, of a thousand.
    pub doubled_permille: u64,
    /// The longest extra delay; each frame draws its own, so that frames overtake each other.
    pub late_max: Duration,
}

impl Seeded {
    /// A weather that loses, doubles and delays as told.
    pub const fn new(
        seed: u64,
        lost_permille: u64,
        doubled_permille: u64,
        late_max: Duration,
    ) -> Self {
        Self { state: seed, lost_permille, doubled_permille, late_max }
    }

    /// A number below `bound`: splitmix64.
    fn draw(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(bound).unwrap_or(0)
    }

    fn delay(&mut self) -> Duration {
        let nanos = u64::try_from(self.late_max.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.draw(nanos.saturating_add(1)))
    }
}

impl Weather for Seeded {
    fn decide(&mut self, _: Passing<'_>) -> Fate {
        if self.draw(1000) < self.lost_permille {
            return Fate::Lost;
        }
        let delay = self.delay();
        if self.draw(1000) < self.doubled_permille {
            return Fate::Twice(delay);
        }
        if delay.is_zero() { Fate::Arrives } else { Fate::Late(delay) }
    }
}
