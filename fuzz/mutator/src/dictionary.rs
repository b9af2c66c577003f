//! Dictionaries in the form of libFuzzer and AFL++.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A line for each token, without doubles.
pub(crate) fn text(tokens: &[Vec<u8>]) -> String {
    let tokens: BTreeSet<&[u8]> =
        tokens.iter().map(Vec::as_slice).filter(|token| !token.is_empty()).collect();
    let mut text = String::new();
    for token in tokens {
        text.push('"');
        for octet in token {
            match octet {
                b'"' | b'\\' => text.extend(['\\', char::from(*octet)]),
                0x20..=0x7e => text.push(char::from(*octet)),
                _ => write!(text, "\\x{octet:02x}").expect("a String takes everything"),
            }
        }
        text.push_str("\"\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_octets_are_escaped() {
        let tokens = [vec![0, 0xff], b"a\"b".to_vec(), vec![0, 0xff], vec![]];
        assert_eq!(text(&tokens), "\"\\x00\\xff\"\n\"a\\\"b\"\n");
    }
}
