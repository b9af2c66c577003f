//! A campaign's inputs: each follows from the target and a number alone, so that a number is all that
//! must be kept of it.

use fastrand::Rng;

use crate::Target;

/// The committed corpus, by target and name.
const CORPUS: &[(&str, &str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/corpus.rs"));

impl Target {
    /// Its committed inputs, in the order of their names.
    pub fn corpus(&self) -> impl Iterator<Item = (&'static str, &'static [u8])> {
        let name = self.name;
        CORPUS
            .iter()
            .filter(move |(target, ..)| *target == name)
            .map(|(_, name, octets)| (*name, *octets))
    }

    /// The input of this number: one of the corpus, and neighbours of neighbours of it; by octets
    /// alone where the target's structure is not to be used.
    #[must_use]
    pub fn input(&self, number: u64, structured: bool) -> Vec<u8> {
        let random = &mut Rng::with_seed(number);
        let seeds: Vec<&[u8]> = self.corpus().map(|(_, octets)| octets).collect();
        let mut octets = random.choice(&seeds).map_or_else(Vec::new, |octets| octets.to_vec());
        for _ in 0..random.u8(1..12) {
            let seed = random.u64(..);
            if structured {
                self.mutate(&mut octets, INPUT_MAX, seed);
            } else {
                roamproof_mutator::flip(&mut octets, INPUT_MAX, seed);
            }
        }
        octets
    }
}

/// Octets of the longest input.
const INPUT_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use crate::TARGETS;

    #[test]
    fn a_number_is_an_input() {
        for target in TARGETS {
            assert!(target.corpus().count() > 0, "{} has no corpus", target.name);
            assert_eq!(target.input(11, true), target.input(11, true), "{}", target.name);
            let different: std::collections::BTreeSet<_> =
                (0..50).map(|n| target.input(n, true)).collect();
            assert!(different.len() > 40, "{}: {}", target.name, different.len());
        }
    }
}
