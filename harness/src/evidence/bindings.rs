//! Values that vary from run to run: the first sight of one binds it, every later one must agree.

use std::collections::{BTreeMap, BTreeSet};

/// Which value of a run stands for which of the golden capture, per class of values.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    classes: BTreeMap<String, Class>,
    /// Whether the values come from a packet that is nobody's copy and no answer.
    new_times: bool,
}

#[derive(Debug, Default)]
struct Class {
    /// Golden value → value of the run and the number of its name.
    forth: BTreeMap<String, (String, usize)>,
    /// Further values of the run that stand for a golden one: times that are one in simulated time.
    further: BTreeSet<(String, String)>,
    /// Value of the run → golden value.
    back: BTreeMap<String, String>,
}

/// The class of values that say when their packet was made.
const TIMES: &str = "timestamp";

impl Bindings {
    /// Whether the values that follow are of a packet made there and then: in simulated time two such
    /// may bear the same time, which in real time are apart.
    pub(super) fn at_new_times(&mut self, new_times: bool) {
        self.new_times = new_times;
    }

    /// Binds the two values of a class, or holds them against what was bound before: (expected,
    /// seen) where they do not agree.
    pub(super) fn agree(
        &mut self,
        class: &str,
        golden: &str,
        seen: &str,
    ) -> Result<(), (String, String)> {
        let values = self.classes.entry(class.to_owned()).or_default();
        let known = (values.forth.get(golden), values.back.get(seen));
        match known {
            (Some((bound, _)), _) if bound == seen => Ok(()),
            (Some(_), None) if class == TIMES && self.new_times => {
                values.further.insert((golden.to_owned(), seen.to_owned()));
                values.back.insert(seen.to_owned(), golden.to_owned());
                Ok(())
            }
            (Some(_), Some(_))
                if values.further.contains(&(golden.to_owned(), seen.to_owned())) =>
            {
                Ok(())
            }
            (Some((bound, number)), _) => {
                Err((format!("{bound} ({class} {number} again)"), seen.to_owned()))
            }
            (None, Some(other)) => {
                let number = values.forth.get(other).map_or(0, |(_, number)| *number);
                Err((format!("a new {class}"), format!("{seen} ({class} {number} again)")))
            }
            (None, None) => {
                let number = values.forth.len() + 1;
                values.forth.insert(golden.to_owned(), (seen.to_owned(), number));
                values.back.insert(seen.to_owned(), golden.to_owned());
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_correspond_one_to_one_within_their_class() {
        let mut bindings = Bindings::default();
        assert_eq!(bindings.agree("tag", "g1", "l1"), Ok(()));
        assert_eq!(bindings.agree("tag", "g2", "l2"), Ok(()));
        assert_eq!(bindings.agree("tag", "g1", "l1"), Ok(()));
        assert_eq!(bindings.agree("branch", "g1", "l2"), Ok(()), "another class");
        let again = bindings.agree("tag", "g1", "l3").unwrap_err();
        assert_eq!(again, ("l1 (tag 1 again)".to_owned(), "l3".to_owned()));
        let stolen = bindings.agree("tag", "g3", "l2").unwrap_err();
        assert_eq!(stolen, ("a new tag".to_owned(), "l2 (tag 2 again)".to_owned()));
    }

    #[test]
    fn two_packets_made_at_one_simulated_time_have_times_of_their_own() {
        let mut bindings = Bindings::default();
        bindings.at_new_times(true);
        assert_eq!(bindings.agree(TIMES, "g1", "l1"), Ok(()));
        assert_eq!(bindings.agree(TIMES, "g1", "l2"), Ok(()));
        bindings.at_new_times(false);
        for known in ["l1", "l2"] {
            assert_eq!(bindings.agree(TIMES, "g1", known), Ok(()), "a copy or an answer");
        }
        assert!(bindings.agree(TIMES, "g1", "l3").is_err(), "a copy of no packet");
        assert!(bindings.agree(TIMES, "g2", "l2").is_err(), "of another packet");
    }
}
