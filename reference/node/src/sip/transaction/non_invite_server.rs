//! The non-INVITE server transaction (RFC 3261 17.2.2): the machine alone.

use super::{ServerAction, ServerTrigger};

/// Where a request other than INVITE and ACK that was received stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonInviteServer {
    /// Not answered at all.
    Trying,
    /// Answered for now.
    Proceeding,
    /// Answered; copies draw the same answer.
    Completed,
    /// Over.
    Terminated,
}

impl NonInviteServer {
    /// Every state, for tables and tests.
    pub const ALL: [Self; 4] = [Self::Trying, Self::Proceeding, Self::Completed, Self::Terminated];

    /// The state after `trigger` and what to do, `None` where it means nothing in this one.
    #[must_use]
    pub const fn on(self, trigger: ServerTrigger) -> Option<(Self, ServerAction)> {
        use ServerAction::{Nothing, Resend, Send};
        use ServerTrigger::{Copy, Done, Provisional, Refusal, Success};
        Some(match (self, trigger) {
            (Self::Trying, Copy) => (Self::Trying, Nothing),
            (Self::Trying | Self::Proceeding, Provisional) => (Self::Proceeding, Send),
            (Self::Trying | Self::Proceeding, Success | Refusal) => (Self::Completed, Send),
            (Self::Proceeding | Self::Completed, Copy) => (self, Resend),
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
        let table = table(&NonInviteServer::ALL, &ServerTrigger::ALL, NonInviteServer::on);
        insta::assert_snapshot!(table, @"
        Trying + Copy               → Trying      Nothing
        Trying + Provisional        → Proceeding  Send
        Trying + Success            → Completed   Send
        Trying + Refusal            → Completed   Send
        Proceeding + Copy           → Proceeding  Resend
        Proceeding + Provisional    → Proceeding  Send
        Proceeding + Success        → Completed   Send
        Proceeding + Refusal        → Completed   Send
        Completed + Copy            → Completed   Resend
        Completed + Done            → Terminated  Nothing
        ");
    }
}
