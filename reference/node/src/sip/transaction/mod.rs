//! The transaction layer (RFC 3261 17, RFC 6026): copies, answers and the end of waiting.
//!
//! Four machines, each one total function on one page, decide; [`Transactions`] matches messages
//! to them, keeps their clocks and does what they say.

mod client;
mod invite_client;
mod invite_server;
mod key;
mod layer;
mod non_invite_client;
mod non_invite_server;
mod server;

pub use invite_client::InviteClient;
pub use invite_server::InviteServer;
pub use key::{ClientKey, ServerKey};
pub use layer::{TransactionEvent, Transactions};
pub use non_invite_client::NonInviteClient;
pub use non_invite_server::NonInviteServer;

/// What moves a client transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientTrigger {
    /// A response 1xx.
    Provisional,
    /// A response 2xx.
    Success,
    /// A response 3xx to 6xx.
    Refusal,
    /// Timer A or E: time for a copy.
    Copy,
    /// Timer B or F: nobody answers.
    Timeout,
    /// Timer D, K or M: nothing more is expected.
    Done,
    /// The next hop cannot be reached.
    Unreachable,
}

/// What a client transaction does on its way to the next state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAction {
    /// Nothing.
    Nothing,
    /// Sends the request again.
    Resend,
    /// Hands the response to its user.
    Tell,
    /// Acknowledges the refusal.
    Acknowledge,
    /// Acknowledges the refusal and hands it to its user.
    AcknowledgeAndTell,
    /// Tells its user that nobody answers, or that nobody can be reached.
    TellFailure,
}

/// What moves a server transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerTrigger {
    /// The request came again.
    Copy,
    /// An ACK came.
    Acknowledged,
    /// Its user answers 1xx.
    Provisional,
    /// Its user answers 2xx.
    Success,
    /// Its user answers 3xx to 6xx.
    Refusal,
    /// Timer G: time to send the final response again.
    Repeat,
    /// Timer H: nobody acknowledges.
    Timeout,
    /// Timer I, J or L: nothing more is expected.
    Done,
}

/// What a server transaction does on its way to the next state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerAction {
    /// Nothing.
    Nothing,
    /// Sends the response its user gave.
    Send,
    /// Sends its last response again, if there was one.
    Resend,
    /// Hands the ACK to its user.
    Tell,
    /// Tells its user that nobody acknowledged.
    TellFailure,
}

impl ClientTrigger {
    /// Every trigger, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::Provisional,
        Self::Success,
        Self::Refusal,
        Self::Copy,
        Self::Timeout,
        Self::Done,
        Self::Unreachable,
    ];

    /// The trigger that a response with `status` is.
    pub const fn response(status: u16) -> Self {
        match status {
            0..200 => Self::Provisional,
            200..300 => Self::Success,
            300.. => Self::Refusal,
        }
    }
}

impl ServerTrigger {
    /// Every trigger, for tables and tests.
    pub const ALL: [Self; 8] = [
        Self::Copy,
        Self::Acknowledged,
        Self::Provisional,
        Self::Success,
        Self::Refusal,
        Self::Repeat,
        Self::Timeout,
        Self::Done,
    ];

    /// The trigger that answering with `status` is.
    pub const fn response(status: u16) -> Self {
        match status {
            0..200 => Self::Provisional,
            200..300 => Self::Success,
            300.. => Self::Refusal,
        }
    }
}

/// The whole table of a machine as text: one line for each state and trigger that mean something.
#[cfg(test)]
fn table<
    State: Copy + std::fmt::Debug,
    Trigger: Copy + std::fmt::Debug,
    Action: std::fmt::Debug,
>(
    states: &[State],
    triggers: &[Trigger],
    on: impl Fn(State, Trigger) -> Option<(State, Action)>,
) -> String {
    let mut text = String::new();
    for &state in states {
        for &trigger in triggers {
            if let Some((next, action)) = on(state, trigger) {
                let from = format!("{state:?} + {trigger:?}");
                text.push_str(&format!("{from:<27} → {:<11} {action:?}\n", format!("{next:?}")));
            }
        }
    }
    text
}
