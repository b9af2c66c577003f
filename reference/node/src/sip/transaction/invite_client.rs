//! The INVITE client transaction (RFC 3261 17.1.1, RFC 6026 7.2): the machine alone.

use super::{ClientAction, ClientTrigger};

/// Where an INVITE that was sent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteClient {
    /// Sent, nothing heard.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// It was refused; copies of the refusal are acknowledged.
    Completed,
    /// It was accepted; every 2xx goes to the user.
    Accepted,
    /// Over.
    Terminated,
}

impl InviteClient {
    /// Every state, for tables and tests.
    pub const ALL: [Self; 5] =
        [Self::Calling, Self::Proceeding, Self::Completed, Self::Accepted, Self::Terminated];

    /// The state after `trigger` and what to do, `None` where it means nothing in this one.
    #[must_use]
    pub const fn on(self, trigger: ClientTrigger) -> Option<(Self, ClientAction)> {
        use ClientAction::{Acknowledge, AcknowledgeAndTell, Nothing, Resend, Tell, TellFailure};
        use ClientTrigger::{Copy, Done, Provisional, Refusal, Success, Timeout, Unreachable};
        Some(match (self, trigger) {
            (Self::Calling, Copy) => (Self::Calling, Resend),
            (Self::Calling, Timeout | Unreachable) => (Self::Terminated, TellFailure),
            (Self::Calling | Self::Proceeding, Provisional) => (Self::Proceeding, Tell),
            (Self::Calling | Self::Proceeding, Success) => (Self::Accepted, Tell),
            (Self::Calling | Self::Proceeding, Refusal) => (Self::Completed, AcknowledgeAndTell),
            (Self::Completed, Refusal) => (Self::Completed, Acknowledge),
            (Self::Completed, Unreachable) => (Self::Terminated, TellFailure),
            (Self::Accepted, Success) => (Self::Accepted, Tell),
            (Self::Completed | Self::Accepted, Done) => (Self::Terminated, Nothing),
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
        let table = table(&InviteClient::ALL, &ClientTrigger::ALL, InviteClient::on);
        insta::assert_snapshot!(table, @"
        Calling + Provisional       → Proceeding  Tell
        Calling + Success           → Accepted    Tell
        Calling + Refusal           → Completed   AcknowledgeAndTell
        Calling + Copy              → Calling     Resend
        Calling + Timeout           → Terminated  TellFailure
        Calling + Unreachable       → Terminated  TellFailure
        Proceeding + Provisional    → Proceeding  Tell
        Proceeding + Success        → Accepted    Tell
        Proceeding + Refusal        → Completed   AcknowledgeAndTell
        Completed + Refusal         → Completed   Acknowledge
        Completed + Done            → Terminated  Nothing
        Completed + Unreachable     → Terminated  TellFailure
        Accepted + Success          → Accepted    Tell
        Accepted + Done             → Terminated  Nothing
        ");
    }
}
