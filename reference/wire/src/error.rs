//! Why octets are not the message they should be.

use std::fmt;

/// Where a message broke, and how.
///
/// `offset` counts octets from the start of the message named in `within`, so that a report can
/// point at the octet and an ICMPv6 Parameter Problem can carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireError {
    /// The message or option being read, in the words of its RFC.
    pub within: &'static str,
    /// Octets from the start of the message to the field at fault.
    pub offset: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `need` octets were promised and `have` are left.
    Truncated {
        /// Octets promised.
        need: usize,
        /// Octets left.
        have: usize,
    },
    /// The field holds a value that the specification gives no meaning.
    Illegal {
        /// The value found.
        value: u32,
    },
    /// The checksum over the message is not the one it carries.
    Checksum {
        /// The checksum carried.
        carried: u16,
        /// The checksum that belongs there.
        right: u16,
    },
    /// Octets are left where the message should have ended.
    Trailing {
        /// How many.
        octets: usize,
    },
    /// More of something than a bound of ours allows.
    TooMany {
        /// The bound.
        bound: usize,
    },
    /// Text that does not follow the grammar; `expected` says what should stand there.
    Grammar {
        /// What should stand there, in two or three words.
        expected: &'static str,
    },
    /// Something that must be there is not.
    Missing {
        /// What is missing.
        what: &'static str,
    },
}

impl WireError {
    /// `need` octets were promised at `offset` and `have` are left.
    pub const fn truncated(within: &'static str, offset: usize, need: usize, have: usize) -> Self {
        Self { within, offset, fault: Fault::Truncated { need, have } }
    }

    /// The field at `offset` holds `value`, which has no meaning there.
    pub const fn illegal(within: &'static str, offset: usize, value: u32) -> Self {
        Self { within, offset, fault: Fault::Illegal { value } }
    }

    /// The text at `offset` should be `expected`.
    pub const fn grammar(within: &'static str, offset: usize, expected: &'static str) -> Self {
        Self { within, offset, fault: Fault::Grammar { expected } }
    }

    /// `what` should be in the message and is not.
    pub const fn missing(within: &'static str, offset: usize, what: &'static str) -> Self {
        Self { within, offset, fault: Fault::Missing { what } }
    }

    /// The same error seen from a message that begins `octets` earlier.
    #[must_use]
    pub const fn shifted(self, octets: usize) -> Self {
        Self { offset: self.offset + octets, ..self }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { within, offset, fault } = self;
        write!(f, "{within}: octet {offset}: ")?;
        match fault {
            Fault::Truncated { need, have } => write!(f, "needs {need} octets, has {have}"),
            Fault::Illegal { value } => write!(f, "{value:#04x} has no meaning here"),
            Fault::Checksum { carried, right } => {
                write!(f, "checksum is {carried:#06x}, should be {right:#06x}")
            }
            Fault::Trailing { octets } => write!(f, "{octets} octets too many"),
            Fault::TooMany { bound } => write!(f, "more than {bound}"),
            Fault::Grammar { expected } => write!(f, "expected {expected}"),
            Fault::Missing { what } => write!(f, "{what} is missing"),
        }
    }
}

impl std::error::Error for WireError {}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        WireError::truncated("Binding Update", 1, 16, 15),
        "Binding Update: octet 1: needs 16 octets, has 15"
    )]
    #[case(
        WireError::illegal("Mobility Header", 0, 58),
        "Mobility Header: octet 0: 0x3a has no meaning here"
    )]
    #[case(WireError::grammar("Via", 9, "a slash"), "Via: octet 9: expected a slash")]
    #[case(
        WireError::missing("SIP request", 40, "Call-ID"),
        "SIP request: octet 40: Call-ID is missing"
    )]
    fn an_error_is_one_line(#[case] error: WireError, #[case] line: &str) {
        assert_eq!(error.to_string(), line);
    }
}
