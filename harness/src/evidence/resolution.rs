//! Time stamps finer than a nanosecond, which the parser refuses and other tools write.

use std::time::Duration;

/// Units of time finer than nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finer {
    /// 10^-`0` s, more than 9.
    Decimal(u8),
    /// 2^-`0` s, more than 29.
    Binary(u8),
}

impl Finer {
    /// The time that `units` since 1970 are.
    fn time(self, units: u128) -> Duration {
        let nanoseconds = match self {
            Self::Decimal(digits) => {
                let divisor = 10_u128.checked_pow(u32::from(digits.saturating_sub(9)));
                divisor.map_or(0, |divisor| units / divisor)
            }
            Self::Binary(digits) => {
                let product = units.saturating_mul(1_000_000_000);
                product.checked_shr(digits.into()).unwrap_or_default()
            }
        };
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// The time behind what the parser read as nanoseconds, to which it added `offset` seconds.
    pub(super) fn reread(self, read: Duration, offset: i64) -> Duration {
        let shift = Duration::from_secs(offset.unsigned_abs());
        if offset < 0 {
            self.time(read.saturating_add(shift).as_nanos()).saturating_sub(shift)
        } else {
            self.time(read.saturating_sub(shift).as_nanos()).saturating_add(shift)
        }
    }
}

/// Where `rest` begins with an Interface Description Block whose time stamps are finer than the
/// parser takes: that block with nanoseconds in their place, and the true unit.
pub(super) fn patched(rest: &[u8], big: bool) -> Option<(Vec<u8>, Finer)> {
    let word = |at: usize| {
        let octets = *rest.get(at..)?.first_chunk::<4>()?;
        Some(if big { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
    };
    let half = |at: usize| {
        let octets = *rest.get(at..)?.first_chunk::<2>()?;
        Some(if big { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) })
    };
    if word(0)? != INTERFACE_DESCRIPTION {
        return None;
    }
    let block = rest.get(..usize::try_from(word(4)?).ok()?)?;
    let mut at = FIRST_OPTION;
    while at + 8 <= block.len() {
        let (code, length) = (half(at)?, usize::from(half(at + 2)?));
        if code == END_OF_OPTIONS {
            return None;
        }
        if code == IF_TSRESOL && length == 1 {
            let octet = *block.get(at + 4)?;
            let finer = match (octet & 0x80 != 0, octet & 0x7f) {
                (false, digits) if digits > 9 => Finer::Decimal(digits),
                (true, digits) if digits > 29 => Finer::Binary(digits),
                _ => return None,
            };
            let mut block = block.to_vec();
            block[at + 4] = NANOSECONDS;
            return Some((block, finer));
        }
        at += 4 + length.next_multiple_of(4);
    }
    None
}

const INTERFACE_DESCRIPTION: u32 = 1;
const FIRST_OPTION: usize = 16;
const END_OF_OPTIONS: u16 = 0;
const IF_TSRESOL: u16 = 9;
const NANOSECONDS: u8 = 9;

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::picoseconds(Finer::Decimal(12), 1_234_567_891_234, 0, 1_234_567_891)]
    #[case::femtoseconds_with_offset(Finer::Decimal(15), 7_654_321, 3, 3_000_000_007)]
    #[case::two_to_the_minus_32(Finer::Binary(32), 3 << 31, 0, 1_500_000_000)]
    #[case::earlier_than_the_offset(Finer::Binary(40), 9 << 40, -2, 7_000_000_000)]
    #[case::beyond_all_sense(Finer::Decimal(127), u64::MAX, 0, 0)]
    #[case::beyond_all_sense_in_binary(Finer::Binary(127), u64::MAX, 0, 0)]
    fn units_become_nanoseconds(
        #[case] finer: Finer,
        #[case] units: u64,
        #[case] offset: i64,
        #[case] nanoseconds: u64,
    ) {
        let shift = Duration::from_secs(offset.unsigned_abs());
        let units = Duration::from_nanos(units);
        let read = if offset < 0 { units - shift.min(units) } else { units + shift };
        assert_eq!(finer.reread(read, offset), Duration::from_nanos(nanoseconds));
    }
}
