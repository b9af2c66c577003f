//! Probing: what a device does where right devices differ, asked of itself rather than of its vendor.
//!
//! A question is put like a purpose, by a tester that plays everyone else, but nothing in it is right
//! or wrong: what was seen becomes a line of the device's profile.

mod correspondent;
mod hands;
mod home_agent;
mod mobile_terminal;
mod sip_server;
mod text;

pub use text::{Difference, differences, section, splice};

use roamproof_wire::ethernet::Mac;

use crate::bench::Bench;
use crate::feature::Features;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::tester::Tester;
use crate::topology::claimed::{self, Wanted};
use crate::topology::{Arm, ArmError, Role};
use crate::verdict::Stop;

/// A question to a device.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Its name: `home-registration`.
    pub id: &'static str,
    /// Whom it is put to.
    pub role: Role,
    /// What is asked, as one sentence.
    pub what: &'static str,
    /// The features that the answer tells.
    pub tells: &'static [&'static str],
    /// The network that it wants.
    pub wants: fn() -> Wanted,
    /// Asks it.
    pub asks: fn(&mut Tester<'_>) -> Result<Vec<Seen>, Stop>,
}

/// To whom a question is put.
pub struct Asking<'a> {
    /// Fixes every random draw of the reference.
    pub seed: u64,
    /// Misdeeds of the reference, by name.
    pub misdeeds: &'a [String],
    /// The profile of the device, where it is no reference node; its features are not believed.
    pub profile: Option<&'a Profile>,
    /// What the reference's network has otherwise than the question wants.
    pub change: &'a dyn Fn(&mut Wanted),
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The feature that it tells, and its value; `None` for what is only worth a remark.
    pub feature: Option<(&'static str, String)>,
    /// What was seen, as one sentence without a full stop.
    pub words: String,
}

/// What came of a question.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked.
    pub question: &'static Question,
    /// What was seen.
    pub seen: Vec<Seen>,
    /// Why nothing was found out, where that is so.
    pub why_not: Option<String>,
}

/// Every question, the one list, in the order in which they are put.
pub const ALL: &[Question] = &[
    mobile_terminal::REGISTRATION,
    mobile_terminal::CALL,
    mobile_terminal::SILENT_CALLER,
    mobile_terminal::SIP_TCP,
    home_agent::REGISTRATION,
    home_agent::BINDING_LOOKUP,
    correspondent::RETURN_ROUTABILITY,
    correspondent::CALLED,
    correspondent::SIP_TCP,
    sip_server::REGISTRAR,
    sip_server::BINDING_LOOKUP,
    sip_server::SIP_TCP,
];

impl Question {
    /// The questions to a role.
    pub fn of(role: Role) -> impl Iterator<Item = &'static Self> {
        ALL.iter().filter(move |question| question.role == role)
    }

    /// Puts it to the subject that `arm` sets up; once more where this host was too late to tell.
    ///
    /// # Errors
    ///
    /// Where the network cannot be set up.
    pub fn put(&'static self, arm: &mut dyn Arm, asking: &Asking<'_>) -> Result<Answer, ArmError> {
        let mut asked = self.put_once(arm, asking)?;
        if asked.as_ref().is_err_and(|stop| stop.late) {
            asked = self.put_once(arm, asking)?;
        }
        let (seen, why_not) = match asked {
            Ok(seen) => (seen, None),
            Err(stop) => (Vec::new(), Some(stop.to_string())),
        };
        Ok(Answer { question: self, seen, why_not })
    }

    fn put_once(
        &self,
        arm: &mut dyn Arm,
        asking: &Asking<'_>,
    ) -> Result<Result<Vec<Seen>, Stop>, ArmError> {
        let mut wanted = (self.wants)();
        wanted.seed = asking.seed;
        let subject = wanted.nodes.first().copied().unwrap_or_default();
        let misdeeds = asking.misdeeds.iter();
        wanted.misdeeds = misdeeds.map(|name| (subject.to_owned(), name.clone())).collect();
        (asking.change)(&mut wanted);
        let topology = claimed::topology(&wanted);
        let first = topology.nodes.first().and_then(|node| node.interfaces.first());
        let mac = Mac(first.map_or([0; 6], |interface| interface.mac));
        let plan = Plan::claimed(mac);
        let plan = match asking.profile {
            Some(profile) => profile.plan(self.role, plan),
            None => plan,
        };
        let mut bench = Bench::set_up(arm, topology)?;
        // What a profile says of the device is what is asked here: nothing of it is believed.
        let mut tester = Tester::new(&mut bench, plan, Features::default());
        let (seen, stop) = match (self.asks)(&mut tester) {
            Ok(seen) => (seen, None),
            Err(stop) => (Vec::new(), Some(stop)),
        };
        Ok(tester.ends(stop).map_or(Ok(seen), Err))
    }
}

impl Seen {
    /// That a feature has this value, and by what that was seen.
    fn value(feature: &'static str, value: impl Into<String>, words: impl Into<String>) -> Self {
        Self { feature: Some((feature, value.into())), words: words.into() }
    }

    /// A remark.
    fn remark(words: impl Into<String>) -> Self {
        Self { feature: None, words: words.into() }
    }
}

impl Answer {
    /// The value of a feature that it tells.
    pub fn tells(&self, feature: &str) -> Option<&Seen> {
        self.seen
            .iter()
            .find(|seen| seen.feature.as_ref().is_some_and(|(name, _)| *name == feature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::Feature;

    #[test]
    fn questions_tell_features_that_there_are() {
        for question in ALL {
            for feature in question.tells {
                assert!(Feature::called(feature).is_some(), "{}: {feature}", question.id);
            }
        }
    }

    #[test]
    fn every_feature_can_be_asked_for() {
        let asked = |feature: &Feature| ALL.iter().any(|one| one.tells.contains(&feature.name));
        let unasked: Vec<&str> =
            crate::feature::ALL.iter().filter(|one| !asked(one)).map(|one| one.name).collect();
        assert_eq!(unasked, [""; 0], "a feature that nobody can observe has no place in a profile");
    }
}
