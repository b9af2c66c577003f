//! Time stamps of replay protection, in the 64-bit format of NTP (RFC 4285 §6, RFC 5905 §6).

use std::fmt;
use std::time::Duration;

/// Seconds since 1900 in the upper 32 bits, their fraction in the lower.
///
/// The seconds begin again at zero in February 2036, so differences are taken modulo 2^64; two
/// time stamps are comparable while they lie less than 68 years apart. The order of the type is
/// that of the number, good for sets and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NtpTimestamp(pub u64);

/// From the beginning of 1900 to that of 1970, seconds.
const UNIX_EPOCH: u64 = 2_208_988_800;

impl NtpTimestamp {
    /// The time stamp of `unix`, the time since the beginning of 1970, rounded up to the next
    /// 2^-32 s, so that equal nanoseconds and none else make equal time stamps.
    pub fn from_unix(unix: Duration) -> Self {
        let seconds = unix.as_secs().wrapping_add(UNIX_EPOCH);
        let fraction = (u64::from(unix.subsec_nanos()) << 32).div_ceil(1_000_000_000);
        Self((seconds << 32).wrapping_add(fraction))
    }

    /// How far the time stamp is from `unix`, the time since the beginning of 1970, either way.
    pub fn distance(self, unix: Duration) -> Duration {
        let ahead = self.0.wrapping_sub(Self::from_unix(unix).0).cast_signed();
        let apart = ahead.unsigned_abs();
        let nanoseconds = ((apart & 0xffff_ffff) * 1_000_000_000) >> 32;
        Duration::new(apart >> 32, u32::try_from(nanoseconds).unwrap_or_default())
    }

    /// Whether the time stamp is later than `other`.
    pub const fn is_after(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }
}

/// Seconds and fraction, such as `ec9b2d00.80000000`.
impl fmt::Display for NtpTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}.{:08x}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The first three rows are those of RFC 5905 figure 4 (first day of 1970, last day of the
    /// first era); the others were counted by hand.
    #[rstest]
    #[case::unix_epoch(0, 0, 2_208_988_800 << 32)]
    #[case::last_second_of_the_era(2_085_978_495, 0, 0xffff_ffff_0000_0000)]
    #[case::first_second_of_the_next(2_085_978_496, 0, 0)]
    #[case::half_a_second(1, 500_000_000, (2_208_988_801 << 32) | 0x8000_0000)]
    #[case::a_nanosecond(0, 1, (2_208_988_800 << 32) | 5)]
    fn unix_time_becomes_ntp_time(#[case] seconds: u64, #[case] nanos: u32, #[case] ntp: u64) {
        assert_eq!(NtpTimestamp::from_unix(Duration::new(seconds, nanos)), NtpTimestamp(ntp));
    }

    #[rstest]
    #[case::same(1000, 1000, 0)]
    #[case::ahead(1_007_500, 1_000_000, 7_500)]
    #[case::behind(1_000_000, 1_007_500, 7_500)]
    #[case::over_the_end_of_the_era(2_085_978_499_000, 2_085_978_492_000, 7_000)]
    fn distance_counts_either_way(#[case] stamped: u64, #[case] now: u64, #[case] apart: u64) {
        let stamp = NtpTimestamp::from_unix(Duration::from_millis(stamped));
        assert_eq!(stamp.distance(Duration::from_millis(now)), Duration::from_millis(apart));
    }

    #[test]
    fn the_next_era_is_after_this_one() {
        let [old, new] = [2_085_978_495, 2_085_978_496]
            .map(|at| NtpTimestamp::from_unix(Duration::from_secs(at)));
        assert!(new.is_after(old));
        assert!(!old.is_after(new));
        assert!(!old.is_after(old));
    }
}
