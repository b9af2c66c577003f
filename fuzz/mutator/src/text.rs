//! Texts that people write, TOML and JSON: edited by line, by word, by octet.

use fastrand::Rng;

use crate::{random, sip};

/// A few edits of lines, words or octets.
pub(crate) fn edit(octets: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..=random.u8(..3) {
        match random.u8(..8) {
            0 | 1 => sip::edit_lines(octets, random),
            2 => exchange(octets, random),
            3..7 => sip::edit_word(octets, WORDS, random),
            _ => random::flip(octets, random),
        }
    }
}

/// Puts one stretch of the text in another's place: a value under another key, a table in a table.
fn exchange(octets: &mut Vec<u8>, random: &mut Rng) {
    let mut stretch = || {
        let start = random.usize(..=octets.len());
        start..start + random.usize(..=(octets.len() - start).min(STRETCH_MAX))
    };
    let (from, to) = (stretch(), stretch());
    let copied = octets[from].to_vec();
    octets.splice(to, copied);
}

const STRETCH_MAX: usize = 80;

/// Values of every type, numbers past every width, and what opens and does not close.
const WORDS: &[&str] = &[
    "0",
    "-1",
    "1e400",
    "nan",
    "0x",
    "256",
    "65536",
    "4294967296",
    "18446744073709551616",
    "true",
    "null",
    "2027-02-30",
    "0000-01-01",
    "::",
    "ff02::1",
    "2001:db8::1/64",
    "2001:db8::/129",
    "02:00:5e:10:a1:00",
    "ff:ff:ff:ff:ff:ff",
    "\u{fe0f}",
    "\\ud800",
    "\\u0000",
    "\"\"\"",
    "'''",
    "[",
    "[[",
    "[[a]]\na",
    "{",
    "{}",
    "[]",
    "=",
    "#",
    ".",
    ",",
    "\n",
    "\"\"",
];
