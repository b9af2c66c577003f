//! Shared keys, as configuration writes them; never printed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// The octets of a shared key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a key is an even number of hexadecimal digits, at least 32".to_owned();
        if text.len() < 32 || !text.len().is_multiple_of(2) || !text.is_ascii() {
            return Err(wrong());
        }
        let octet = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong());
        (0..text.len()).step_by(2).map(octet).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} octets)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_key_is_never_printed() {
        let key: Key = "00112233445566778899aabbccddeeff".parse().unwrap();
        assert_eq!(format!("{key:?}"), "Key(16 octets)");
        assert_eq!(key.octets()[..3], [0x00, 0x11, 0x22]);
    }

    #[rstest]
    #[case::odd("00112233445566778899aabbccddeeff0")]
    #[case::short("0011")]
    #[case::no_digits("zz112233445566778899aabbccddeeff")]
    fn anything_else_is_no_key(#[case] text: &str) {
        assert!(text.parse::<Key>().is_err());
    }
}
