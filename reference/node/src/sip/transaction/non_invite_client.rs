//! The non-INVITE client transaction (RFC 3261 17.1.2): the machine alone.

use super::{ClientAction, ClientTrigger};

/// Where a request other than INVITE that was sent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonInviteClient {
    /// Sent, nothing heard.
    Trying,
    /// A provisional response came; copies go on, less often.
    Proceeding,
    /// It was answered; copies of the answer are absorbed.
    Completed,
    /// Over.
    Terminated,
}

impl NonInviteClient {
    /// Every state, for tables and tests.
    pub const ALL: [Self; 4] = [Self::Trying, Self::Proceeding, Self::Completed, Self::Terminated];

    /// The state after `trigger` and what to do, `None` where it means nothing in this one.
    #[must_use]
    pub const fn on(self, trigger: ClientTrigger) -> Option<(Self, ClientAction)> {
        use ClientAction::{Nothing, Resend, Tell, TellFailure};
        use ClientTrigger::{Copy, Done, Provisional, Refusal, Success, Timeout, Unreachable};
        Some(match (self, trigger) {
            (Self::Trying | Self::Proceeding, Copy) => (self, Resend),
            (Self::Trying | Self::Proceeding, Timeout | Unreachable) => {
                (Self::Terminated, TellFailure)
            }
            (Self::Trying | Self::Proceeding, Provisional) => (Self::Proceeding, Tell),
            (Self::Trying | Self::Proceeding, Success | Refusal) => (Self::Completed, Tell),
            (Self::Completed, Done) => (Self::Terminated, Nothing),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    #[test]
    fn the_whole_table() {
        let table = table(&NonInviteClient::ALL, &ClientTrigger::ALL, NonInviteClient::on);
        insta::assert_snapshot!(table, @"
        Trying + Provisional        → Proceeding  Tell
        Trying + Success            → Completed   Tell
        Trying + Refusal            → Completed   Tell
        Trying + Copy               → Trying      Resend
        Trying + Timeout            → Terminated  TellFailure
        Trying + Unreachable        → Terminated  TellFailure
        Proceeding + Provisional    → Proceeding  Tell
        Proceeding + Success        → Completed   Tell
        Proceeding + Refusal        → Completed   Tell
        Proceeding + Copy           → Proceeding  Resend
        Proceeding + Timeout        → Terminated  TellFailure
        Proceeding + Unreachable    → Terminated  TellFailure
        Completed + Done            → Terminated  Nothing
        ");
    }
}
