//! Coverage: which requirement is judged by what, and which is excused.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::slice;

use crate::catalogue::{Catalogue, Exception};
use crate::requirement::{Level, Requirement};
use crate::{judge, purpose, rules, sequence};

/// Something that judges requirements: a test purpose, a sequence, or a row of the sequence oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judge<'a> {
    /// Its name.
    pub name: &'a str,
    /// The requirements it decides.
    pub verifies: &'a [&'a str],
}

/// Everything that judges: the purposes, the sequences that exercise rows, `judge` for each row that the
/// sequence oracle decides in any capture, and the per-message rules.
#[must_use]
pub fn judges() -> Vec<Judge<'static>> {
    let purposes = purpose::ALL.iter().map(|one| Judge { name: one.id, verifies: one.verifies });
    let sequences = sequence::ALL
        .iter()
        .flat_map(|one| one.exercises.iter().map(|rows| Judge { name: one.id, verifies: rows }));
    let rows = judge::rows().map(|row| Judge { name: ORACLE, verifies: slice::from_ref(&row.id) });
    let rules =
        rules::all().map(|rule| Judge { name: RULES, verifies: slice::from_ref(&rule.row) });
    purposes.chain(sequences).chain(rows).chain(rules).collect()
}

/// A requirement and who judges it.
#[derive(Debug, Clone)]
pub struct Covered<'a> {
    /// The requirement.
    pub requirement: &'a Requirement,
    /// The names of its judges, in their order.
    pub judged_by: Vec<&'a str>,
    /// What excuses it from being judged.
    pub excused: Option<&'a Exception>,
}

impl Covered<'_> {
    /// Whether it binds a device and yet nobody judges it or says why not.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        self.requirement.level.is_binding() && self.judged_by.is_empty() && self.excused.is_none()
    }
}

/// Every requirement of the catalogue with its judges, in the catalogue's order.
#[must_use]
pub fn coverage<'a>(catalogue: &'a Catalogue, judges: &[Judge<'a>]) -> Vec<Covered<'a>> {
    let mut by_id: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for judge in judges {
        for id in judge.verifies {
            by_id.entry(id).or_default().push(judge.name);
        }
    }
    catalogue
        .requirements
        .iter()
        .map(|requirement| {
            let judged_by = by_id.get(requirement.id.as_str()).cloned().unwrap_or_default();
            let excused =
                if judged_by.is_empty() { catalogue.exception(&requirement.id) } else { None };
            Covered { requirement, judged_by, excused }
        })
        .collect()
}

/// The coverage as a table: a line per group and level, and how many of its rows are judged or excused.
#[must_use]
pub fn summary(rows: &[Covered<'_>]) -> String {
    let mut groups: BTreeMap<(&str, Level), [usize; 3]> = BTreeMap::new();
    let mut total = [0; 3];
    for row in rows {
        let id = row.requirement.id.as_str();
        let group = id.rsplit_once('-').map_or(id, |(group, _)| group);
        let counts = groups.entry((group, row.requirement.level)).or_default();
        for counts in [counts, &mut total] {
            counts[0] += 1;
            counts[1] += usize::from(!row.judged_by.is_empty());
            counts[2] += usize::from(row.excused.is_some());
        }
    }
    let mut text = String::from("group     level       rows  judged  excused\n");
    let lines = groups.iter().map(|((group, level), counts)| (*group, level.keyword(), *counts));
    for (group, level, [rows, judged, excused]) in lines.chain([("all", "", total)]) {
        writeln!(text, "{group:9} {level:10} {rows:5} {judged:7} {excused:8}")
            .expect("a string takes any text");
    }
    text
}

/// The name of the sequence oracle: the subcommand that runs it alone.
const ORACLE: &str = "judge";
/// The name of the per-message rules, which judge in every case and in any capture.
const RULES: &str = "every message";

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: (&str, &str) = (
        "x.toml",
        r#"
        document = "claims"
        [[requirement]]
        id = "X-A-01"
        level = "MUST"
        roles = ["HA"]
        stimulus = "a"
        expected = "b"
        [[requirement]]
        id = "X-A-02"
        level = "MUST"
        roles = ["HA"]
        stimulus = "a"
        expected = "b"
        [[requirement]]
        id = "X-B-01"
        level = "MUST NOT"
        roles = ["HA"]
        stimulus = "a"
        expected = "b"
        [[requirement]]
        id = "X-B-02"
        level = "MAY"
        roles = ["HA"]
        stimulus = "a"
        expected = "b"
        [[exception]]
        ids = "X-B-01"
        kind = "planned"
        reason = "it comes later"
        "#,
    );

    #[test]
    fn a_binding_row_nobody_judges_or_excuses_is_forgotten() {
        let catalogue = Catalogue::read(&[CATALOGUE]).unwrap();
        let judges = [
            Judge { name: "one", verifies: &["X-A-01"] },
            Judge { name: "two", verifies: &["X-A-01"] },
        ];
        let rows = coverage(&catalogue, &judges);
        assert_eq!(rows[0].judged_by, ["one", "two"]);
        let forgotten: Vec<&str> = rows
            .iter()
            .filter(|row| row.is_forgotten())
            .map(|row| row.requirement.id.as_str())
            .collect();
        assert_eq!(forgotten, ["X-A-02"], "X-B-01 is excused and X-B-02 binds nobody");
        insta::assert_snapshot!(summary(&rows), @r"
        group     level       rows  judged  excused
        X-A       MUST           2       1        0
        X-B       MUST NOT       1       0        1
        X-B       MAY            1       0        0
        all                      4       1        1
        ");
    }
}
