//! Route optimization with one peer as a machine of states (RFC 6275 §11.6, §11.7.2): one total
//! function.
//!
//! Whether a binding is in force at the peer meanwhile is not part of it: a refresh goes through
//! the same states while the old binding is used on.

/// How far the procedure with one peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Optimization {
    /// Nothing is wanted, or what was wanted is there.
    #[default]
    Resting,
    /// Wanted, and the home registration is not complete.
    Waiting,
    /// Home and care-of tests are under way.
    Testing,
    /// The tests are passed, a Binding Update is unanswered.
    Updating,
    /// It failed for good; the tunnel stays.
    Failed,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// Somebody wants the present route in force at the peer, or no route at all any more.
    Wanted,
    /// The home registration is complete.
    HomeReady,
    /// The terminal is somewhere else now.
    Moved,
    /// Every token that is needed is there and fresh.
    TokensComplete,
    /// The peer says that a token is too old (status 136, 137, 138).
    TokensExpired,
    /// The peer acknowledged.
    Acknowledged,
    /// The peer cannot or will not, or the time is over.
    Hopeless,
    /// Nobody wants anything of this peer any more.
    Dropped,
}

impl Optimization {
    /// Where it stands after `trigger`; `None` where the trigger means nothing to this state.
    pub(super) const fn on(self, trigger: Trigger) -> Option<Self> {
        use Trigger as T;
        Some(match (self, trigger) {
            (Self::Resting | Self::Failed, T::Wanted) => Self::Waiting,
            (Self::Waiting, T::HomeReady) => Self::Testing,
            (Self::Testing, T::TokensComplete) => Self::Updating,
            (Self::Updating, T::TokensExpired) => Self::Testing,
            (Self::Updating, T::Acknowledged) => Self::Resting,
            //= CL-RO-19
            //# after a handover the home registration comes first again
            (Self::Testing | Self::Updating, T::Moved) => Self::Waiting,
            (Self::Waiting | Self::Testing | Self::Updating, T::Hopeless) => Self::Failed,
            (Self::Waiting | Self::Testing | Self::Updating | Self::Failed, T::Dropped) => {
                Self::Resting
            }
            (Self::Waiting | Self::Testing | Self::Updating, T::Wanted)
            | (Self::Resting | Self::Testing | Self::Updating | Self::Failed, T::HomeReady)
            | (Self::Resting | Self::Waiting | Self::Failed, T::Moved)
            | (Self::Resting | Self::Waiting | Self::Updating | Self::Failed, T::TokensComplete)
            | (Self::Resting | Self::Waiting | Self::Testing | Self::Failed, T::TokensExpired)
            | (Self::Resting | Self::Waiting | Self::Testing | Self::Failed, T::Acknowledged)
            | (Self::Resting | Self::Failed, T::Hopeless)
            | (Self::Resting, T::Dropped) => return None,
        })
    }

    /// Whether the end is still open.
    pub(super) const fn is_under_way(self) -> bool {
        matches!(self, Self::Waiting | Self::Testing | Self::Updating)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const STATES: [Optimization; 5] = [
        Optimization::Resting,
        Optimization::Waiting,
        Optimization::Testing,
        Optimization::Updating,
        Optimization::Failed,
    ];

    const TRIGGERS: [Trigger; 8] = [
        Trigger::Wanted,
        Trigger::HomeReady,
        Trigger::Moved,
        Trigger::TokensComplete,
        Trigger::TokensExpired,
        Trigger::Acknowledged,
        Trigger::Hopeless,
        Trigger::Dropped,
    ];

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for state in STATES {
            for trigger in TRIGGERS {
                if let Some(next) = state.on(trigger) {
                    writeln!(table, "{state:?} | {trigger:?} => {next:?}").unwrap();
                }
            }
        }
        insta::assert_snapshot!(table);
    }
}
