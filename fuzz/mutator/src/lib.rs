//! Structure-aware mutation: octets of one family of messages in, a hostile neighbour of them out.
//!
//! ```text
//! octets ─┬─ a value of the family, made anew and written          (one time in eight)
//!         ├─ the fields, options, headers or lines of it edited    (six times)
//!         └─ octets flipped                                        (one time)
//!            └─ lengths and checksums put right again, mostly, so that a parser gets to the fault
//! ```
//!
//! Everything follows from the seed: the same octets and seed give the same result. What a vendor's
//! harness gets of it, in C, is in `capi/`.

mod dictionary;
mod icmpv6;
mod mobility;
mod packet;
mod random;
mod rtp;
mod sdp;
mod sip;
mod text;

use fastrand::Rng;

/// One family of messages: what a parser of them is fed.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name: of the fuzz target, of the folder of its seeds, and in the C interface.
    pub name: &'static str,
    /// What its octets are, as one sentence.
    pub what: &'static str,
    /// A right message, made anew.
    make: fn(&mut Rng) -> Vec<u8>,
    /// One edit of octets that may be anything.
    edit: fn(&mut Vec<u8>, &mut Rng),
    /// What puts lengths and checksums right, as far as there are any.
    mend: fn(&mut Vec<u8>),
    /// Short octets that parsers of this family look for.
    tokens: fn() -> Vec<Vec<u8>>,
}

/// Every family, the one list.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "mobility",
        what: "One Mobility Header of RFC 6275, RFC 4285 or binding lookup, from Payload Proto on",
        make: mobility::make,
        edit: mobility::edit,
        mend: mobility::mend,
        tokens: mobility::tokens,
    },
    Family {
        name: "packet",
        what: "One IPv6 packet: extension headers, tunnels, fragments, and any message below in it",
        make: packet::make,
        edit: packet::edit,
        mend: |octets| packet::mend(octets),
        tokens: packet::tokens,
    },
    Family {
        name: "icmpv6",
        what: "One ICMPv6 message: neighbour and listener discovery, errors, home agent discovery",
        make: icmpv6::make,
        edit: icmpv6::edit,
        mend: |octets| icmpv6::mend(octets),
        tokens: icmpv6::tokens,
    },
    Family {
        name: "sip",
        what: "One SIP message with its body, as a datagram carries it",
        make: sip::make,
        edit: sip::edit,
        mend: sip::mend,
        tokens: sip::tokens,
    },
    Family {
        name: "sdp",
        what: "One session description",
        make: sdp::make,
        edit: sdp::edit,
        mend: |_| {},
        tokens: sdp::tokens,
    },
    Family {
        name: "rtp",
        what: "One RTP packet, from its version on",
        make: rtp::make,
        edit: rtp::edit,
        mend: |_| {},
        tokens: rtp::tokens,
    },
];

/// Flips, writes, takes out or doubles octets once, whatever they are: what any fuzzer does.
pub fn flip(octets: &mut Vec<u8>, max: usize, seed: u64) {
    random::flip(octets, &mut Rng::with_seed(seed));
    octets.truncate(max);
}

/// Edits lines, words and octets of a text that people write, TOML or JSON.
pub fn edit_text(octets: &mut Vec<u8>, max: usize, seed: u64) {
    text::edit(octets, &mut Rng::with_seed(seed));
    octets.truncate(max);
}

impl Family {
    /// The family called `name`.
    #[must_use]
    pub fn called(name: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.name == name)
    }

    /// A right message of this family, of at most `max` octets where that leaves one.
    #[must_use]
    pub fn make(&self, seed: u64, max: usize) -> Vec<u8> {
        let mut octets = (self.make)(&mut Rng::with_seed(seed));
        octets.truncate(max);
        octets
    }

    /// Turns `octets` into a neighbour of at most `max` octets.
    pub fn mutate(&self, octets: &mut Vec<u8>, max: usize, seed: u64) {
        let random = &mut Rng::with_seed(seed);
        match random.u8(..8) {
            0 => *octets = (self.make)(random),
            1 => random::flip(octets, random),
            _ => {
                for _ in 0..=random.u8(..4) {
                    (self.edit)(octets, random);
                }
            }
        }
        if random.u8(..8) != 0 {
            (self.mend)(octets);
        }
        octets.truncate(max);
    }

    /// Joins the front of one message and the back of another, mended.
    #[must_use]
    pub fn cross(&self, one: &[u8], other: &[u8], max: usize, seed: u64) -> Vec<u8> {
        let random = &mut Rng::with_seed(seed);
        let front = random.usize(..=one.len());
        let back = random.usize(..=other.len());
        let mut octets = [&one[..front], &other[back..]].concat();
        (self.mend)(&mut octets);
        octets.truncate(max);
        octets
    }

    /// What parsers of this family look for, as a dictionary of libFuzzer and AFL++ has it: a line
    /// each, `"\x00…"`.
    #[must_use]
    pub fn dictionary(&self) -> String {
        dictionary::text(&(self.tokens)())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roamproof_wire::icmpv6::Message as IcmpMessage;
    use roamproof_wire::ipv6::Packet;
    use roamproof_wire::mobility;
    use roamproof_wire::rtp::{RtpHeader, RtpView};
    use roamproof_wire::sdp::SessionDescription;
    use roamproof_wire::sip::Message as SipMessage;

    /// Whether the parser of the family takes these octets.
    fn is_read(family: &str, octets: &[u8]) -> bool {
        match family {
            "mobility" => mobility::Message::parse(octets).is_ok(),
            "packet" => Packet::parse(octets).is_ok(),
            "icmpv6" => IcmpMessage::read(octets).is_ok(),
            "sip" => SipMessage::parse(octets).is_ok(),
            "sdp" => SessionDescription::parse(octets).is_ok(),
            "rtp" => RtpView::new(octets)
                .is_ok_and(|view| view.payload().is_ok() && RtpHeader::parse(view).is_ok()),
            other => panic!("no parser for {other}"),
        }
    }

    #[test]
    fn what_is_made_is_read() {
        for family in FAMILIES {
            for seed in 0..500 {
                let octets = family.make(seed, 65_535);
                assert!(
                    is_read(family.name, &octets),
                    "{} {seed}: {}",
                    family.name,
                    octets.escape_ascii()
                );
            }
        }
    }

    /// Most neighbours must get past the outer checks, and not all of them may be right: else the
    /// mutator is no better than random octets, or finds nothing.
    #[test]
    fn neighbours_are_read_often_and_not_always() {
        for family in FAMILIES {
            let mut octets = family.make(7, 4096);
            let mut read = 0;
            for seed in 0..2000 {
                let before = octets.clone();
                family.mutate(&mut octets, 4096, seed);
                if is_read(family.name, &octets) {
                    read += 1;
                } else {
                    octets = before;
                }
            }
            assert!((400..1960).contains(&read), "{}: {read} of 2000", family.name);
        }
    }

    #[test]
    fn the_seed_fixes_the_neighbour() {
        for family in FAMILIES {
            let run = || {
                let mut octets = family.make(3, 2048);
                for seed in 0..100 {
                    family.mutate(&mut octets, 2048, seed);
                }
                octets
            };
            assert_eq!(run(), run(), "{}", family.name);
        }
    }

    /// Whatever is given, of whatever length: no panic, and never longer than asked for.
    #[test]
    fn any_octets_have_a_neighbour() {
        for family in FAMILIES {
            for length in 0..80_usize {
                for seed in 0..50 {
                    let fill = u8::try_from(seed * 5 + 1).expect("below 256");
                    let mut octets = vec![fill; length];
                    family.mutate(&mut octets, 64, seed);
                    assert!(octets.len() <= 64, "{}", family.name);
                    let crossed = family.cross(&octets, &[fill; 40], 64, seed);
                    assert!(crossed.len() <= 64, "{}", family.name);
                }
            }
        }
    }

    #[test]
    fn a_dictionary_is_lines_in_quotes() {
        for family in FAMILIES {
            let text = family.dictionary();
            assert!(text.lines().count() > 5, "{}", family.name);
            for line in text.lines() {
                assert!(line.starts_with('"') && line.ends_with('"') && line.is_ascii(), "{line}");
            }
        }
    }
}
