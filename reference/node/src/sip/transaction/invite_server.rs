//! The INVITE server transaction (RFC 3261 17.2.1, RFC 6026 7.1): the machine alone.
//!
//! It sends no 100 of its own accord: whether a response may leave is its user's decision.

use super::{ServerAction, ServerTrigger};

/// Where an INVITE that was received stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteServer {
    /// Not answered for good; perhaps not at all.
    Proceeding,
    /// Refused; waits for the ACK.
    Completed,
    /// Refused and acknowledged; late ACKs are absorbed.
    Confirmed,
    /// Accepted; late copies are absorbed, ACKs go to the user.
    Accepted,
    /// Over.
    Terminated,
}

impl InviteServer {
    /// Every state, for tables and tests.
    pub const ALL: [Self; 5] =
        [Self::Proceeding, Self::Completed, Self::Confirmed, Self::Accepted, Self::Terminated];

    /// The state after `trigger` and what to do, `None` where it means nothing in this one.
    #[must_use]
    pub const fn on(self, trigger: ServerTrigger) -> Option<(Self, ServerAction)> {
        use ServerAction::{Nothing, Resend, Send, Tell, TellFailure};
        use ServerTrigger::{
            Acknowledged, Copy, Done, Provisional, Refusal, Repeat, Success, Timeout,
        };
        Some(match (self, trigger) {
            (Self::Proceeding, Copy) => (Self::Proceeding, Resend),
            (Self::Proceeding, Provisional) => (Self::Proceeding, Send),
            (Self::Proceeding, Success) => (Self::Accepted, Send),
            (Self::Proceeding, Refusal) => (Self::Completed, Send),
            (Self::Completed, Copy | Repeat) => (Self::Completed, Resend),
            (Self::Completed, Acknowledged) => (Self::Confirmed, Nothing),
            (Self::Completed, Timeout) => (Self::Terminated, TellFailure),
            (Self::Confirmed, Copy | Acknowledged) => (Self::Confirmed, Nothing),
            (Self::Accepted, Copy) => (Self::Accepted, Nothing),
            (Self::Accepted, Acknowledged) => (Self::Accepted, Tell),
            (Self::Accepted, Success) => (Self::Accepted, Send),
            (Self::Confirmed | Self::Accepted, Done) => (Self::Terminated, Nothing),
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
        let table = table(&InviteServer::ALL, &ServerTrigger::ALL, InviteServer::on);
        insta::assert_snapshot!(table, @"
        Proceeding + Copy           → Proceeding  Resend
        Proceeding + Provisional    → Proceeding  Send
        Proceeding + Success        → Accepted    Send
        Proceeding + Refusal        → Completed   Send
        Completed + Copy            → Completed   Resend
        Completed + Acknowledged    → Confirmed   Nothing
        Completed + Repeat          → Completed   Resend
        Completed + Timeout         → Terminated  TellFailure
        Confirmed + Copy            → Confirmed   Nothing
        Confirmed + Acknowledged    → Confirmed   Nothing
        Confirmed + Done            → Terminated  Nothing
        Accepted + Copy             → Accepted    Nothing
        Accepted + Acknowledged     → Accepted    Tell
        Accepted + Success          → Accepted    Send
        Accepted + Done             → Terminated  Nothing
        ");
    }
}
