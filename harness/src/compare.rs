//! Compares two reports: what fails newly, what passes newly, what came and what went.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::ExitCode;
use crate::report::{Case, Report};
use crate::verdict::Verdict;

/// What changed from one report to another, each list in the order of the newer one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Comparison {
    /// What both are of, where they differ: arm, version, device, seed, options.
    pub differs: Vec<String>,
    /// FAIL, and was not.
    pub newly_failing: Vec<Change>,
    /// PASS, and was not.
    pub newly_passing: Vec<Change>,
    /// Heavier than before, and no FAIL.
    pub worse: Vec<Change>,
    /// Lighter than before, and no PASS.
    pub better: Vec<Change>,
    /// The verdict of before, for another reason.
    pub changed_reason: Vec<Change>,
    /// Ran only in the newer.
    pub appeared: Vec<Change>,
    /// Ran only in the older.
    pub vanished: Vec<Change>,
    /// How many are as before.
    pub unchanged: usize,
}

/// A case in both reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The purpose, with its round where that is not the first.
    pub id: String,
    /// Before; `None` where it did not run.
    pub old: Option<Verdict>,
    /// Now; `None` where it did not run.
    pub new: Option<Verdict>,
    /// Why before.
    pub old_reason: Option<String>,
    /// Why now; of one that vanished, why it was left out, if the newer report says.
    pub new_reason: Option<String>,
}

impl Comparison {
    /// Compares `old` with `new`.
    #[must_use]
    pub fn of(old: &Report, new: &Report) -> Self {
        let mut comparison = Self { differs: differences(old, new), ..Self::default() };
        let before = by_name(old);
        let now: BTreeSet<String> = new.cases.iter().map(Case::name).collect();
        for case in &new.cases {
            match before.get(&case.name()) {
                Some(old) => comparison.compare(old, case),
                None => comparison.appeared.push(change(None, Some(case))),
            }
        }
        for case in old.cases.iter().filter(|case| !now.contains(&case.name())) {
            let left_out = new.excluded.iter().find(|one| one.id == case.id);
            let new_reason = left_out.map(|one| format!("{}: {}", one.verdict, one.reason));
            comparison.vanished.push(Change { new_reason, ..change(Some(case), None) });
        }
        comparison
    }

    fn compare(&mut self, old: &Case, new: &Case) {
        let list = if old.verdict == new.verdict {
            if old.reason == new.reason {
                self.unchanged += 1;
                return;
            }
            &mut self.changed_reason
        } else if new.verdict == Verdict::Fail {
            &mut self.newly_failing
        } else if new.verdict == Verdict::Pass {
            &mut self.newly_passing
        } else if weight(new.verdict) > weight(old.verdict) {
            &mut self.worse
        } else {
            &mut self.better
        };
        list.push(change(Some(old), Some(new)));
    }

    /// Whether something got worse: fails newly or weighs more; came and is worse than a warning;
    /// was fine and is not run any more.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let bad = |verdict: Option<Verdict>| verdict.is_some_and(|one| weight(one) > WARNING);
        let came_bad = self.appeared.iter().any(|change| bad(change.new));
        let went_good = self.vanished.iter().any(|change| !bad(change.old));
        !self.newly_failing.is_empty() || !self.worse.is_empty() || came_bad || went_good
    }

    /// What the shell is told: 0 nothing got worse, 1 something did, 4 there was nothing to compare.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let lists = self.lists();
        if self.unchanged == 0 && lists.iter().all(|(_, list)| list.is_empty()) {
            return ExitCode::Nothing;
        }
        if self.is_worse() { ExitCode::Failed } else { ExitCode::Success }
    }

    /// What people read: the lists that are not empty, the counts last.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut tell = |line: &str| writeln!(text, "{line}").expect("a string takes any text");
        for difference in &self.differs {
            tell(difference);
        }
        let mut counts = Vec::new();
        for (name, list) in self.lists() {
            if list.is_empty() {
                continue;
            }
            counts.push(format!("{} {name}", list.len()));
            for change in list {
                let word = |verdict: Option<Verdict>| verdict.map_or("-", Verdict::word);
                let (old, new) = (word(change.old), word(change.new));
                tell(&format!("{name:14}  {:6} → {new:6}  {}", old, change.id));
                for (mark, reason) in [("-", &change.old_reason), ("+", &change.new_reason)] {
                    if let Some(reason) = reason {
                        tell(&format!("                {mark} {reason}"));
                    }
                }
            }
        }
        counts.push(format!("{} unchanged", self.unchanged));
        let worse = if self.is_worse() { "something got worse" } else { "nothing got worse" };
        tell(&format!("{}: {worse}", counts.join(", ")));
        text
    }

    const fn lists(&self) -> [(&'static str, &Vec<Change>); 7] {
        [
            ("newly failing", &self.newly_failing),
            ("worse", &self.worse),
            ("changed reason", &self.changed_reason),
            ("better", &self.better),
            ("newly passing", &self.newly_passing),
            ("appeared", &self.appeared),
            ("vanished", &self.vanished),
        ]
    }
}

fn by_name(report: &Report) -> BTreeMap<String, &Case> {
    report.cases.iter().map(|case| (case.name(), case)).collect()
}

fn change(old: Option<&Case>, new: Option<&Case>) -> Change {
    Change {
        id: new.or(old).map(Case::name).unwrap_or_default(),
        old: old.map(|case| case.verdict),
        new: new.map(|case| case.verdict),
        old_reason: old.and_then(|case| case.reason.clone()),
        new_reason: new.and_then(|case| case.reason.clone()),
    }
}

/// How bad a verdict is. What was observed of a MAY is as good as a pass.
const fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NotApplicable | Verdict::Skip | Verdict::Info | Verdict::Pass => 0,
        Verdict::Warn => WARNING,
        Verdict::Inconc => 2,
        Verdict::Error => 3,
        Verdict::Fail => 4,
    }
}

/// What a reader should know before a change is laid to the device.
fn differences(old: &Report, new: &Report) -> Vec<String> {
    let device = |report: &Report| match &report.device {
        None => "the reference".to_owned(),
        Some(device) => format!("{} {}", device.name, device.version),
    };
    let profile = |report: &Report| {
        report.device.as_ref().map_or("none".to_owned(), |device| device.profile_sha256.clone())
    };
    let facts = [
        ("roamproof", old.version.clone(), new.version.clone()),
        ("arm", old.arm.clone(), new.arm.clone()),
        ("device", device(old), device(new)),
        ("profile", profile(old), profile(new)),
        ("seed", old.seed.to_string(), new.seed.to_string()),
        ("misdeeds", old.misdeeds.join(" "), new.misdeeds.join(" ")),
    ];
    let differing = facts.into_iter().filter(|(_, old, new)| old != new);
    differing.map(|(name, old, new)| format!("{name}: {old} → {new}")).collect()
}

const WARNING: u8 = 1;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::report::sample::{case, report};

    #[rstest]
    #[case::the_same(Verdict::Pass, Verdict::Pass, "", 0)]
    #[case::still_failing(Verdict::Fail, Verdict::Fail, "", 0)]
    #[case::fails(Verdict::Pass, Verdict::Fail, "newly failing", 1)]
    #[case::fails_after_a_warning(Verdict::Warn, Verdict::Fail, "newly failing", 1)]
    #[case::passes(Verdict::Fail, Verdict::Pass, "newly passing", 0)]
    #[case::warns(Verdict::Pass, Verdict::Warn, "worse", 1)]
    #[case::cannot_tell_any_more(Verdict::Pass, Verdict::Inconc, "worse", 1)]
    #[case::the_harness_fails(Verdict::Inconc, Verdict::Error, "worse", 1)]
    #[case::no_failure_any_more(Verdict::Fail, Verdict::Inconc, "better", 0)]
    #[case::only_observed(Verdict::Pass, Verdict::Info, "better", 0)]
    fn a_change_of_verdict(
        #[case] old: Verdict,
        #[case] new: Verdict,
        #[case] list: &str,
        #[case] code: u8,
    ) {
        let comparison = Comparison::of(&report(vec![case(old)]), &report(vec![case(new)]));
        let found = comparison.lists().into_iter().find(|(_, list)| !list.is_empty());
        assert_eq!(found.map_or("", |(name, _)| name), list);
        assert_eq!(comparison.exit_code().number(), code);
    }

    #[rstest]
    #[case::a_pass_came(None, Some(Verdict::Pass), 0)]
    #[case::a_failure_came(None, Some(Verdict::Fail), 1)]
    #[case::a_pass_went(Some(Verdict::Pass), None, 1)]
    #[case::a_warning_went(Some(Verdict::Warn), None, 1)]
    #[case::a_failure_went(Some(Verdict::Fail), None, 0)]
    #[case::nothing_at_all(None, None, 4)]
    fn what_came_and_what_went(
        #[case] old: Option<Verdict>,
        #[case] new: Option<Verdict>,
        #[case] code: u8,
    ) {
        let of = |verdict: Option<Verdict>| report(verdict.into_iter().map(case).collect());
        assert_eq!(Comparison::of(&of(old), &of(new)).exit_code().number(), code);
    }

    #[test]
    fn a_comparison_is_read_from_top_to_bottom() {
        let named = |id: &str, verdict| Case { id: id.to_owned(), round: 1, ..case(verdict) };
        let old = report(vec![
            named("A", Verdict::Pass),
            named("B", Verdict::Fail),
            named("C", Verdict::Fail),
            named("D", Verdict::Pass),
        ]);
        let other = Case { reason: Some("it died".to_owned()), ..named("C", Verdict::Fail) };
        let fails = named("A", Verdict::Fail);
        let mut new =
            report(vec![fails, named("B", Verdict::Pass), other, named("E", Verdict::Pass)]);
        new.seed = 8;
        insta::assert_snapshot!(Comparison::of(&old, &new).text(), @r"
        seed: 7 → 8
        newly failing   PASS   → FAIL    A
                        + not so: then it leaves in no tunnel; seen: a tunnelled packet
        changed reason  FAIL   → FAIL    C
                        - not so: then it leaves in no tunnel; seen: a tunnelled packet
                        + it died
        newly passing   FAIL   → PASS    B
                        - not so: then it leaves in no tunnel; seen: a tunnelled packet
        appeared        -      → PASS    E
        vanished        PASS   → -       D
        1 newly failing, 1 changed reason, 1 newly passing, 1 appeared, 1 vanished, 0 unchanged: something got worse
        ");
    }
}
