//! Days and moments as people write them: `2026-11-24`, `2026-11-24T18:05:09Z`, always in UTC.

use std::fmt;
use std::time::Duration;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year of our era.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// The day on which the moment `unix` (since 1970) falls.
    ///
    /// # Panics
    ///
    /// Where the year has more than four digits and does not fit, some 63 thousand years from now.
    #[must_use]
    pub fn of_unix(unix: Duration) -> Self {
        // Counted from 1 March of the year 0, so that the leap day is the last of its year.
        let days = unix.as_secs() / SECONDS_A_DAY + DAYS_BEFORE_1970;
        let (era, day_of_era) = (days / DAYS_AN_ERA, days % DAYS_AN_ERA);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let (year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
        Self {
            year: u16::try_from(year_of_era + era * 400 + year).expect("no run lasts that long"),
            month: u8::try_from(month).expect("at most 12"),
            day: u8::try_from(day).expect("at most 31"),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The moment `unix` (since 1970) to the second, as RFC 3339 writes it.
#[must_use]
pub fn moment(unix: Duration) -> String {
    let second = unix.as_secs() % SECONDS_A_DAY;
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{}T{hour:02}:{minute:02}:{:02}Z", Date::of_unix(unix), second % 60)
}

const SECONDS_A_DAY: u64 = 86_400;
const DAYS_BEFORE_1970: u64 = 719_468;
/// Days in 400 years.
const DAYS_AN_ERA: u64 = 146_097;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The expected moments are those of `date --utc --date=@N +%FT%TZ`.
    #[rstest]
    #[case::zero(0, "1970-01-01T00:00:00Z")]
    #[case::a_leap_day(951_782_400, "2000-02-29T00:00:00Z")]
    #[case::the_day_after_it(951_868_799 + 1, "2000-03-01T00:00:00Z")]
    #[case::the_last_second_of_a_year(1_767_225_599, "2025-12-31T23:59:59Z")]
    #[case::a_day_of_this_year(1_795_543_509, "2026-11-24T18:05:09Z")]
    #[case::a_century_without_a_leap_day(4_107_542_400, "2100-03-01T00:00:00Z")]
    fn a_moment_reads_as_the_calendar_says(#[case] unix: u64, #[case] expected: &str) {
        assert_eq!(moment(Duration::from_secs(unix)), expected);
    }
}
