//! The Sequence # and Lifetime fields of Binding Updates and their answers (RFC 6275 §6.1.7).

use std::fmt;
use std::time::Duration;

/// A sequence number, compared modulo 2^16 (RFC 6275 §9.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sequence(pub u16);

/// A lifetime, in units of four seconds on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifetime(pub u16);

impl Sequence {
    /// Whether `self` comes after `last`.
    ///
    /// `last` itself and the 32768 numbers before it do not (RFC 6275 §9.5.1).
    pub const fn is_after(self, last: Self) -> bool {
        matches!(self.0.wrapping_sub(last.0), 1..=0x7fff)
    }

    /// The number after this one, modulo 2^16.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl Lifetime {
    /// Removes a binding.
    pub const ZERO: Self = Self(0);
    /// MAX_RR_BINDING_LIFETIME, 420 s: the longest a correspondent may grant (RFC 6275 §5.2.6).
    pub const MAX_RR_BINDING: Self = Self(105);

    /// The lifetime as time.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(4 * self.0 as u64)
    }

    /// The longest lifetime that is no longer than `duration`.
    pub fn from_duration(duration: Duration) -> Self {
        Self(u16::try_from(duration.as_secs() / 4).unwrap_or(u16::MAX))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As time, such as `600s`.
impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.duration().as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::next(11, 10, true)]
    #[case::equal(10, 10, false)]
    #[case::before(9, 10, false)]
    #[case::farthest_of_the_newer_half(10 + 0x7fff, 10, true)]
    #[case::farthest_of_the_older_half(10 + 0x8000, 10, false)]
    #[case::around_the_end(0, 65535, true)]
    #[case::zero_after_10000(0, 10000, false)]
    fn sequence_numbers_compare_modulo_2_16(
        #[case] one: u16,
        #[case] last: u16,
        #[case] after: bool,
    ) {
        assert_eq!(Sequence(one).is_after(Sequence(last)), after);
    }

    #[test]
    fn the_number_after_the_last_is_zero() {
        assert_eq!(Sequence(65535).next(), Sequence(0));
    }

    #[rstest]
    #[case::exact(600_000, 150)]
    #[case::rounded_down(603_999, 150)]
    #[case::below_a_unit(3_999, 0)]
    #[case::longer_than_the_field(1_000_000_000, 65535)]
    fn durations_round_down_to_units(#[case] milliseconds: u64, #[case] units: u16) {
        assert_eq!(Lifetime::from_duration(Duration::from_millis(milliseconds)), Lifetime(units));
    }

    #[test]
    fn a_unit_is_four_seconds() {
        assert_eq!(Lifetime(0xffff).duration(), Duration::from_secs(262_140));
        assert_eq!(Lifetime(150).to_string(), "600s");
    }
}
