//! The Kind and Status fields of binding lookup.

use std::fmt;

/// The Kind field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupKind {
    /// A home agent tells which home address it serves.
    HomeAgentNotification,
    /// The SIP server has noted it.
    HomeAgentNotificationAck,
    /// The SIP server asks for a care-of address.
    BindingQuery,
    /// The home agent answers.
    BindingReply,
    /// The home agent tells that an answer no longer holds.
    BindingChange,
    /// The SIP server has noted it.
    BindingChangeAck,
    /// None of these: dropped and counted once it authenticates.
    Unknown(u8),
}

/// The Status field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupStatus(pub u8);

impl LookupKind {
    /// The kind that `number` stands for.
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::HomeAgentNotification,
            2 => Self::HomeAgentNotificationAck,
            3 => Self::BindingQuery,
            4 => Self::BindingReply,
            5 => Self::BindingChange,
            6 => Self::BindingChangeAck,
            other => Self::Unknown(other),
        }
    }

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::HomeAgentNotification => 1,
            Self::HomeAgentNotificationAck => 2,
            Self::BindingQuery => 3,
            Self::BindingReply => 4,
            Self::BindingChange => 5,
            Self::BindingChangeAck => 6,
            Self::Unknown(number) => number,
        }
    }

    /// The name of the message.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HomeAgentNotification => "Home Agent Notification",
            Self::HomeAgentNotificationAck => "Home Agent Notification Ack",
            Self::BindingQuery => "Binding Query",
            Self::BindingReply => "Binding Reply",
            Self::BindingChange => "Binding Change",
            Self::BindingChangeAck => "Binding Change Ack",
            Self::Unknown(_) => "binding lookup of unknown kind",
        }
    }

    const fn letters(self) -> &'static str {
        match self {
            Self::HomeAgentNotification => "HAN",
            Self::HomeAgentNotificationAck => "HAA",
            Self::BindingQuery => "BQ",
            Self::BindingReply => "BR",
            Self::BindingChange => "BC",
            Self::BindingChangeAck => "BCA",
            Self::Unknown(_) => "BL",
        }
    }

    pub(super) const fn is_answer(self) -> bool {
        !matches!(self, Self::HomeAgentNotification | Self::BindingQuery)
    }
}

impl LookupStatus {
    /// The home address is bound, or the notification or change was noted.
    pub const BOUND: Self = Self(0);
    /// There is no binding.
    pub const NO_BINDING: Self = Self(1);
    /// The home agent does not serve this home address.
    pub const NOT_MY_HOME_ADDRESS: Self = Self(2);
    /// Refused.
    pub const REFUSED: Self = Self(128);
}

pub(super) fn write_letters(
    f: &mut fmt::Formatter<'_>,
    kind: LookupKind,
    transaction: u16,
) -> fmt::Result {
    f.write_str(kind.letters())?;
    if let LookupKind::Unknown(number) = kind {
        write!(f, " kind={number}")?;
    }
    write!(f, " tid={transaction}")
}
