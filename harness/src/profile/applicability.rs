//! Which purposes make sense for a device: its roles, its features, its triggers.

use std::fmt;

use super::Profile;
use crate::feature::Condition;
use crate::purpose::Purpose;
use crate::topology::Role;
use crate::trigger::Trigger;

/// Why a purpose is N-A for a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusion {
    /// The device does not play the role.
    Role(Role),
    /// The profile says that this is not so.
    Feature(Condition),
    /// The profile gives no such trigger.
    Trigger(Trigger),
}

impl Profile {
    /// Why `purpose` is N-A for this device; `None` where it applies.
    pub fn excludes(&self, purpose: &Purpose) -> Option<Exclusion> {
        if !self.roles.contains(&purpose.role) {
            return Some(Exclusion::Role(purpose.role));
        }
        let unmet = purpose.applies.iter().find(|condition| !condition.may_hold(&self.features));
        let missing = purpose.triggers.iter().find(|trigger| !self.has(**trigger));
        unmet
            .map(|condition| Exclusion::Feature(*condition))
            .or(missing.map(|trigger| Exclusion::Trigger(*trigger)))
    }

    /// Whether the device can be asked so. A cable is pulled and plugged without its help, and a
    /// device that the harness starts can be started again.
    fn has(&self, trigger: Trigger) -> bool {
        let without = match trigger {
            Trigger::Attach | Trigger::Move => true,
            Trigger::Reset => matches!(self.attach.mode, super::Mode::Command { .. }),
            Trigger::Call | Trigger::Answer | Trigger::Hangup | Trigger::Health => false,
        };
        without || self.triggers.contains_key(&trigger)
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "role = {role}"),
            Self::Feature(condition) => condition.fmt(f),
            Self::Trigger(trigger) => write!(f, "triggers.{trigger} is given"),
        }
    }
}
