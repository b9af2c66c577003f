//! How fast an INVITE of 1 KiB with an offer is read, by us and by others, in one run.
//!
//! The bar is twice the fastest of the others. Each reads start line, Via, From, To, Call-ID, CSeq,
//! Contact, c= and m=, the last two by hand where a codec knows no SDP. Everybody must find the same
//! facts. Rounds go in turn, and the best round of each counts: what else the machine does slows all
//! of them, and none for ever.

mod facts;
mod invite;
mod readers;

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use facts::{FACTS, Facts};
use invite::INVITE;

type Reader = fn(&Bytes) -> Option<Facts>;

/// Ours first.
const READERS: [(&str, Reader); 5] = [
    ("roamproof-wire", readers::roamproof),
    ("rsipstack 0.7", readers::rsipstack),
    ("ezk-sip-types 0.6", readers::ezk),
    ("sipx-sip 1.0", readers::sipx),
    ("rvoip-sip-core 0.4", readers::rvoip),
];
/// Short enough that many rounds go uninterrupted on a busy machine.
const MESSAGES_A_ROUND: u32 = 50;
const ROUNDS: usize = 2_000;

fn main() {
    let octets = Bytes::from_static(INVITE);
    assert_eq!(octets.len(), 1024, "the bar speaks of 1 KiB");
    for (name, reader) in READERS {
        let read = reader(&octets).unwrap_or_else(|| panic!("{name} cannot read the INVITE"));
        assert_eq!(read, FACTS, "{name} reads what is there");
    }
    let mut best = [f64::INFINITY; READERS.len()];
    for _ in 0..ROUNDS {
        for ((_, reader), best) in READERS.iter().zip(&mut best) {
            *best = best.min(nanoseconds_each(*reader, &octets));
        }
    }
    let ours = best[0];
    for ((name, _), best) in READERS.iter().zip(best) {
        println!("{name:20} {best:8.0} ns a message, {:6.2} times ours", best / ours);
    }
}

fn nanoseconds_each(reader: Reader, octets: &Bytes) -> f64 {
    let start = Instant::now();
    for _ in 0..MESSAGES_A_ROUND {
        black_box(reader(black_box(octets)));
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(MESSAGES_A_ROUND)
}
