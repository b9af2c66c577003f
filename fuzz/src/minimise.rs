//! Makes a failing input smaller while it fails in the same way: operations first, then octets.

use crate::Target;
use crate::operations::operations;

/// The smallest input found that `fails` still; at most `tries` are tried.
///
/// Stretches are taken out, half of the input first and single operations or octets last; then
/// what is left is turned to zero, octet by octet.
pub fn minimise(
    target: &Target,
    octets: &[u8],
    tries: usize,
    mut fails: impl FnMut(&[u8]) -> bool,
) -> Vec<u8> {
    let mut smallest = octets.to_vec();
    let mut left = tries;
    let mut try_it = |candidate: &[u8]| {
        left = left.saturating_sub(1);
        left > 0 && fails(candidate)
    };
    if let Some(grammar) = target.shape.grammar() {
        take_out(&mut smallest, &mut try_it, |octets| {
            operations(grammar, octets).iter().map(|operation| operation.len()).collect()
        });
    }
    take_out(&mut smallest, &mut try_it, |octets| vec![1; octets.len()]);
    for at in 0..smallest.len() {
        if smallest[at] != 0 {
            let mut candidate = smallest.clone();
            candidate[at] = 0;
            if try_it(&candidate) {
                smallest = candidate;
            }
        }
    }
    smallest
}

/// Takes runs of pieces out for as long as that works; `pieces` gives their lengths in their order.
fn take_out(
    smallest: &mut Vec<u8>,
    fails: &mut impl FnMut(&[u8]) -> bool,
    pieces: impl Fn(&[u8]) -> Vec<usize>,
) {
    let mut run = (pieces(smallest).len() / 2).max(1);
    loop {
        let mut first = 0;
        let mut shrank = false;
        loop {
            let lengths = pieces(smallest);
            if first >= lengths.len() {
                break;
            }
            let last = (first + run).min(lengths.len());
            let start: usize = lengths[..first].iter().sum();
            let end = start + lengths[first..last].iter().sum::<usize>();
            let candidate = [&smallest[..start], &smallest[end..]].concat();
            if fails(&candidate) {
                *smallest = candidate;
                shrank = true;
            } else {
                first = last;
            }
        }
        if run == 1 && !shrank {
            return;
        }
        run = (run / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::NODE;
    use crate::target;

    #[test]
    fn what_does_not_matter_goes() {
        let octets: Vec<u8> = (1..200).collect();
        let fails = |octets: &[u8]| octets.contains(&77) && octets.contains(&150);
        assert_eq!(minimise(&target("sip"), &octets, 100_000, fails), [77, 150]);
        let values = |octets: &[u8]| octets.len() > 3 && octets.contains(&9);
        assert_eq!(minimise(&target("sip"), &octets, 100_000, values).len(), 4);
    }

    #[test]
    fn a_sequence_is_cut_by_operations() {
        let octets = [0, 0, 9, 0xe0, 18, 0xc0, 5, 0xe0, 19, 0, 1, 1];
        let fails = |octets: &[u8]| {
            operations(&NODE, octets).iter().any(|one| octets[one.clone()] == [0xe0, 19])
        };
        assert_eq!(minimise(&target("home_agent"), &octets, 1000, fails), [0xe0, 19]);
    }

    #[test]
    fn tries_are_bounded() {
        let mut tried = 0;
        minimise(&target("sip"), &[7; 500], 20, |_| {
            tried += 1;
            true
        });
        assert!(tried < 20, "{tried}");
    }
}
