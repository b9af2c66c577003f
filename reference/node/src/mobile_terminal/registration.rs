//! The home registration as a machine of states (RFC 6275 §11.5.5, §11.7.1): one total function.
//!
//! What is sent and which deadline runs hangs on the state it names; `home.rs` does both.

/// How far the home registration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Registration {
    /// No address on any link yet.
    #[default]
    Nowhere,
    /// Away; the home agent was asked and has no binding of ours.
    Registering,
    /// Away, and the home agent has a binding for the present care-of address.
    Registered,
    /// Away; a binding lives, and the home agent was asked to renew or to move it.
    Updating,
    /// At home; the home agent was asked to forget the binding.
    Returning,
    /// At home, the home address is being probed: nobody has defended it for us.
    Probing,
    /// At home, without a binding.
    AtHome,
    /// Away, and the home agent refused for good.
    Refused,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A care-of address is ready; the home agent has no binding of ours.
    AwayUnbound,
    /// A care-of address is ready; a binding at the home agent may live.
    AwayBound,
    /// The home link was recognised; the home agent has no binding of ours.
    HomeUnbound,
    /// The home link was recognised; a binding at the home agent may live.
    HomeBound,
    /// The link or the address was lost.
    Lost,
    /// The home agent acknowledged the newest update.
    Accepted,
    /// The home agent refused it for good.
    Refused,
    /// The home address is nobody else's.
    HomeAddressFree,
    /// The binding is to be renewed.
    RefreshDue,
    /// The binding ran out, or the home agent says that it has none.
    BindingLost,
}

impl Registration {
    /// Where it stands after `trigger`; `None` where the trigger means nothing to this state.
    pub(super) const fn on(self, trigger: Trigger) -> Option<Self> {
        use Trigger as T;
        Some(match (self, trigger) {
            (_, T::Lost) => Self::Nowhere,
            (_, T::AwayUnbound) => Self::Registering,
            (_, T::AwayBound) => Self::Updating,
            (_, T::HomeUnbound) => Self::Probing,
            (_, T::HomeBound) => Self::Returning,
            (Self::Registering | Self::Updating, T::Accepted) => Self::Registered,
            (Self::Registering | Self::Updating, T::Refused) => Self::Refused,
            // Refused or not, the home agent holds nothing any more that could be in the way.
            (Self::Returning, T::Accepted | T::Refused | T::BindingLost) => Self::AtHome,
            (Self::Probing, T::HomeAddressFree) => Self::AtHome,
            (Self::Registered, T::RefreshDue) => Self::Updating,
            (Self::Registered | Self::Updating, T::BindingLost) => Self::Registering,
            (Self::Refused, T::RefreshDue) => Self::Registering,
            (
                Self::Nowhere | Self::Registered | Self::Probing | Self::AtHome | Self::Refused,
                T::Accepted | T::Refused,
            )
            | (
                Self::Nowhere
                | Self::Registering
                | Self::Registered
                | Self::Updating
                | Self::Returning
                | Self::AtHome
                | Self::Refused,
                T::HomeAddressFree,
            )
            | (
                Self::Nowhere
                | Self::Registering
                | Self::Updating
                | Self::Returning
                | Self::Probing
                | Self::AtHome,
                T::RefreshDue,
            )
            | (
                Self::Nowhere | Self::Registering | Self::Probing | Self::AtHome | Self::Refused,
                T::BindingLost,
            ) => return None,
        })
    }

    /// Whether an update to the home agent is unanswered.
    pub(super) const fn is_asking(self) -> bool {
        matches!(self, Self::Registering | Self::Updating | Self::Returning)
    }

    /// Whether sessions can be set up: the home agent forwards to the present place, or none has to.
    pub(super) const fn is_complete(self) -> bool {
        matches!(self, Self::Registered | Self::AtHome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const STATES: [Registration; 8] = [
        Registration::Nowhere,
        Registration::Registering,
        Registration::Registered,
        Registration::Updating,
        Registration::Returning,
        Registration::Probing,
        Registration::AtHome,
        Registration::Refused,
    ];

    const TRIGGERS: [Trigger; 10] = [
        Trigger::AwayUnbound,
        Trigger::AwayBound,
        Trigger::HomeUnbound,
        Trigger::HomeBound,
        Trigger::Lost,
        Trigger::Accepted,
        Trigger::Refused,
        Trigger::HomeAddressFree,
        Trigger::RefreshDue,
        Trigger::BindingLost,
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
