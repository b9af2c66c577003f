//! Keys as the configuration of the claimed network writes them.

/// The octets of a key in hexadecimal digits.
pub(super) fn octets_of(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("keys are constants here"))
        .collect()
}
