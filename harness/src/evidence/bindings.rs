//! Values that vary from run to run: the first sight of one binds it, every later one must agree.

use std::collections::BTreeMap;

/// Which value of a run stands for which of the golden capture, per class of values.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    classes: BTreeMap<String, Class>,
}

#[derive(Debug, Default)]
struct Class {
    /// Golden value → value of the run and the number of its name.
    forth: BTreeMap<String, (String, usize)>,
    /// Value of the run → golden value.
    back: BTreeMap<String, String>,
}

impl Bindings {
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
}
