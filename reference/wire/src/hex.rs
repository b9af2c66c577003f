//! Octets as hexadecimal digits, two for each.

use std::fmt::{self, Write as _};

/// Prints octets as hexadecimal digits without anything between them.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| {
            f.write_char(DIGITS[usize::from(octet >> 4)])?;
            f.write_char(DIGITS[usize::from(octet & 0x0f)])
        })
    }
}

const DIGITS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
