//! The lexical level of RFC 3261 25.1: classes of octets, white space, lists, decimal numbers.

use crate::WireError;

/// Whether `octet` may stand in a token.
pub(super) const fn is_token(octet: u8) -> bool {
    CLASSES[octet as usize].token
}

/// Whether `octet` may stand in the name or value of a parameter: the union of what tokens, hosts
/// and URI parameters may hold.
pub(super) const fn is_parameter(octet: u8) -> bool {
    CLASSES[octet as usize].parameter
}

/// Whether `octet` may stand in a host name.
pub(super) const fn is_name(octet: u8) -> bool {
    CLASSES[octet as usize].name
}

/// Whether `octet` may stand between the brackets of an address.
pub(super) const fn is_address(octet: u8) -> bool {
    CLASSES[octet as usize].address
}

/// Whether `octet` may stand in the user part of a URI: unreserved, or allowed there besides.
pub(super) const fn is_user(octet: u8) -> bool {
    CLASSES[octet as usize].user
}

/// Whether `octets` are a token: at least one, all of the class.
pub(super) fn is_token_text(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(|&octet| is_token(octet))
}

/// Whether `octet` is linear white space; CR and LF inside a field value can only be a fold.
pub(super) const fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// `octets` without white space at either end, and how many were cut in front.
pub(super) fn trimmed(octets: &[u8]) -> (&[u8], usize) {
    let front = octets.iter().take_while(|&&octet| is_space(octet)).count();
    let rest = &octets[front..];
    let back = rest.iter().rev().take_while(|&&octet| is_space(octet)).count();
    (&rest[..rest.len() - back], front)
}

/// Where the next line feed at or after `from` stands.
///
/// Eight octets at a time: header lines are where a message's octets are.
pub(crate) fn line_feed(octets: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const LINE_FEEDS: u64 = u64::from_ne_bytes([b'\n'; 8]);
    let tail = octets.get(from..)?;
    let mut at = from;
    let (chunks, rest) = tail.as_chunks::<8>();
    for chunk in chunks {
        let zero_where_found = u64::from_le_bytes(*chunk) ^ LINE_FEEDS;
        let found = zero_where_found.wrapping_sub(ONES) & !zero_where_found & HIGH;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    rest.iter().position(|&octet| octet == b'\n').map(|found| at + found)
}

/// A decimal number of digits alone, `None` where it is none or does not fit.
pub(super) fn decimal(octets: &[u8]) -> Option<u32> {
    if octets.is_empty() {
        return None;
    }
    octets.iter().try_fold(0_u32, |value, &octet| {
        let digit = octet.is_ascii_digit().then(|| u32::from(octet - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Where the element that starts at the front of `octets` ends: at a comma outside quotes and
/// angle brackets, or with the octets.
pub(super) fn element_end(octets: &[u8]) -> usize {
    if !octets.contains(&b',') {
        return octets.len();
    }
    let mut quoted = false;
    let mut bracketed = false;
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        match octet {
            b'\\' if quoted => at += 1,
            b'"' if !bracketed => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => return at,
            _ => {}
        }
        at += 1;
    }
    octets.len()
}

/// Cuts text from the front of a field value and remembers where it stands in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    within: &'static str,
    octets: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(within: &'static str, octets: &'a [u8]) -> Self {
        Self { within, octets, at: 0 }
    }

    pub(super) const fn position(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.octets[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.octets.len()
    }

    /// The next `n` octets, which the caller has seen in [`rest`](Self::rest).
    pub(super) fn take(&mut self, n: usize) -> &'a [u8] {
        let taken = &self.octets[self.at..self.at + n];
        self.at += n;
        taken
    }

    pub(super) fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a [u8] {
        let n = self.rest().iter().take_while(|&&octet| keep(octet)).count();
        self.take(n)
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Takes `octet` if it comes next.
    pub(super) fn takes(&mut self, octet: u8) -> bool {
        let comes = self.peek() == Some(octet);
        self.at += usize::from(comes);
        comes
    }

    pub(super) fn expect(&mut self, octet: u8, expected: &'static str) -> Result<(), WireError> {
        if self.takes(octet) { Ok(()) } else { Err(self.error(expected)) }
    }

    pub(super) fn token(&mut self, expected: &'static str) -> Result<&'a str, WireError> {
        let token = self.token_octets(expected)?;
        Ok(std::str::from_utf8(token).expect("token characters are ASCII"))
    }

    pub(super) fn token_octets(&mut self, expected: &'static str) -> Result<&'a [u8], WireError> {
        let token = self.take_while(is_token);
        if token.is_empty() { Err(self.error(expected)) } else { Ok(token) }
    }

    /// A quoted string, quotes included, if one comes next.
    pub(super) fn quoted(&mut self) -> Result<Option<&'a str>, WireError> {
        if self.peek() != Some(b'"') {
            return Ok(None);
        }
        let rest = self.rest();
        let mut n = 1;
        loop {
            match rest.get(n) {
                Some(b'\\') => n += 2,
                Some(b'"') => break,
                Some(_) => n += 1,
                None => return Err(self.error("a closing quote")),
            }
        }
        let start = *self;
        let text = self.take(n + 1);
        std::str::from_utf8(text).map(Some).map_err(|_| start.error("UTF-8"))
    }

    /// Refuses a value that goes on where it should have ended.
    pub(super) fn end(&self, expected: &'static str) -> Result<(), WireError> {
        if self.is_empty() { Ok(()) } else { Err(self.error(expected)) }
    }

    pub(super) const fn error(&self, expected: &'static str) -> WireError {
        WireError::grammar(self.within, self.at, expected)
    }
}

/// What an octet may stand in.
#[derive(Clone, Copy)]
struct Classes {
    token: bool,
    parameter: bool,
    name: bool,
    address: bool,
    user: bool,
}

const CLASSES: [Classes; 256] = {
    let none = Classes { token: false, parameter: false, name: false, address: false, user: false };
    let mut table = [none; 256];
    let mut octet = 0;
    while octet < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let character = octet as u8;
        table[octet].token = character.is_ascii_alphanumeric()
            || matches!(
                character,
                b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
            );
        table[octet].parameter = character.is_ascii_graphic()
            && !matches!(character, b';' | b',' | b'?' | b'<' | b'>' | b'"' | b'=' | b'\\' | b'@');
        table[octet].name =
            character.is_ascii_alphanumeric() || matches!(character, b'-' | b'.' | b'_');
        table[octet].address = character.is_ascii_hexdigit() || matches!(character, b':' | b'.');
        table[octet].user = character.is_ascii_alphanumeric()
            || matches!(character, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
            || matches!(character, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/');
        octet += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    proptest! {
        #[test]
        fn a_line_feed_is_found_where_a_plain_search_finds_it(octets: Vec<u8>, from in 0_usize..40) {
            let plain = octets.iter().enumerate().position(|(at, &octet)| at >= from && octet == b'\n');
            prop_assert_eq!(line_feed(&octets, from), plain);
        }
    }

    #[rstest]
    #[case::plain("a, b", 1)]
    #[case::quoted("\"a, b\" <sip:c>, d", 14)]
    #[case::escaped_quote("\"a\\\", b\" <sip:c>, d", 16)]
    #[case::bracketed("<sip:a,b@c>, d", 11)]
    #[case::alone("<sip:a>", 7)]
    #[case::never_closed("\"a, b", 5)]
    fn an_element_ends_at_its_comma(#[case] value: &str, #[case] end: usize) {
        assert_eq!(element_end(value.as_bytes()), end);
    }

    #[rstest]
    #[case("4294967295", Some(u32::MAX))]
    #[case("4294967296", None)]
    #[case("", None)]
    #[case("-1", None)]
    #[case("1 ", None)]
    fn a_decimal_number_is_digits_that_fit(#[case] text: &str, #[case] value: Option<u32>) {
        assert_eq!(decimal(text.as_bytes()), value);
    }
}
