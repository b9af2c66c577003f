//! Triggers: what a harness asks of a device beside the wire.

use std::fmt;

/// What can be asked of a device. A profile gives a command line for each that the device can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// Attach to the link at hand, from nowhere.
    Attach,
    /// Attach to another link in place of the one at hand.
    Move,
    /// Call an identifier.
    Call,
    /// Answer the call that rings.
    Answer,
    /// End the call, or refuse the one that rings.
    Hangup,
    /// Forget everything that a power cycle makes it forget.
    Reset,
    /// Say whether it is well.
    Health,
}

impl Trigger {
    /// Every trigger, the one list.
    pub const ALL: [Self; 7] = [
        Self::Attach,
        Self::Move,
        Self::Call,
        Self::Answer,
        Self::Hangup,
        Self::Reset,
        Self::Health,
    ];

    /// Its key in a profile's `[triggers]`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attach => "attach",
            Self::Move => "move",
            Self::Call => "call",
            Self::Answer => "answer",
            Self::Hangup => "hangup",
            Self::Reset => "reset",
            Self::Health => "health",
        }
    }

    /// The trigger called `name`.
    pub fn called(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.name() == name)
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
