//! Per-message rules in a report: by requirement, over all cases, beside the verdicts of purposes.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Case, Report};
use crate::Catalogue;
use crate::known_failure::KnownFailures;
use crate::rules::Held;
use crate::verdict::Verdict;

/// A row that messages of a case broke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokenRule {
    /// The row.
    pub row: String,
    /// FAIL, WARN or INFO, as its level says.
    pub verdict: Verdict,
    /// How many messages it was about.
    pub messages: usize,
    /// How many of them broke it.
    pub breaks: usize,
    /// The packets of the first of those, as tshark counts them in the capture.
    pub packets: Vec<usize>,
    /// The octet at fault in the first, from the start of the frame.
    pub octet: usize,
    /// What is wrong there.
    pub what: String,
}

impl BrokenRule {
    /// The rows that were broken.
    pub(super) fn all(held: &[Held]) -> Vec<Self> {
        let broken = |one: &Held| {
            let first = one.broken.first()?;
            Some(Self {
                row: one.row.to_owned(),
                verdict: one.verdict(),
                messages: one.messages,
                breaks: one.breaks,
                packets: one.broken.iter().map(|broken| broken.frame + 1).collect(),
                octet: first.octet,
                what: first.what.clone(),
            })
        };
        held.iter().filter_map(broken).collect()
    }
}

/// How many messages each row was about, by row.
pub(super) fn judged(held: &[Held]) -> BTreeMap<String, usize> {
    held.iter().map(|one| (one.row.to_owned(), one.messages)).collect()
}

impl Report {
    /// Adds a case for each row of the per-message rules that messages broke in some case, and for
    /// those that `list` names: what was seen where, and the case that shows it.
    pub fn add_rules(&mut self, list: Option<&KnownFailures>) {
        let mut rows: BTreeMap<&str, Vec<(&Case, &BrokenRule)>> = BTreeMap::new();
        for case in &self.cases {
            for broken in &case.broken {
                rows.entry(&broken.row).or_default().push((case, broken));
            }
        }
        let listed = list.into_iter().flat_map(|list| &list.entries).map(|entry| &entry.id.value);
        for row in listed {
            if self.cases.iter().any(|case| case.rules.contains_key(row)) {
                rows.entry(row).or_default();
            }
        }
        let heavy = |verdict| matches!(verdict, Verdict::Fail | Verdict::Warn | Verdict::Error);
        let added: Vec<Case> = rows
            .into_iter()
            .filter(|(_, broken)| broken.iter().all(|(_, broken)| heavy(broken.verdict)))
            .filter_map(|(row, broken)| self.case_of_rule(row, &broken))
            .collect();
        self.cases.extend(added);
    }

    fn case_of_rule(&self, row: &str, broken: &[(&Case, &BrokenRule)]) -> Option<Case> {
        let requirement = Catalogue::embedded().requirement(row).ok()?;
        let judged = self.cases.iter().filter(|case| case.rules.contains_key(row));
        let messages: usize = judged.clone().filter_map(|case| case.rules.get(row)).sum();
        let shown = broken.first().map(|(case, _)| *case);
        let of = shown.or_else(|| judged.clone().next())?;
        let breaks: usize = broken.iter().map(|(_, broken)| broken.breaks).sum();
        let seen = broken.first().map(|(case, first)| {
            let BrokenRule { octet, what, .. } = first;
            let packet = first.packets.first().copied().unwrap_or_default();
            format!(
                "packet {packet} of {}, octet {octet}: {what} ({breaks} of {messages} messages)",
                case.name()
            )
        });
        let reason = seen.clone();
        Some(Case {
            id: row.to_owned(),
            version: 1,
            title: requirement.expected.clone(),
            verifies: vec![row.to_owned()],
            level: requirement.level,
            round: 1,
            verdict: if broken.is_empty() {
                Verdict::Pass
            } else {
                Verdict::Fail.weighed(requirement.level)
            },
            reason,
            clause: None,
            expected: (!broken.is_empty()).then(|| requirement.expected.clone()),
            seen,
            known: None,
            complaint: None,
            clauses: Vec::new(),
            packets: broken.first().map(|(_, broken)| broken.packets.clone()).unwrap_or_default(),
            rules: BTreeMap::new(),
            broken: Vec::new(),
            ..of.clone()
        })
    }

    /// How many rows of the per-message rules were judged and broken by no message.
    pub(super) fn rules_kept(&self) -> usize {
        let rows: BTreeSet<&String> =
            self.cases.iter().flat_map(|case| case.rules.keys()).collect();
        let broken = self.cases.iter().flat_map(|case| &case.broken).map(|broken| &broken.row);
        rows.len() - broken.collect::<BTreeSet<_>>().len()
    }
}
