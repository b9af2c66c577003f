//! What a user of a node can ask for, and the words for it.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// What a user asks of a node.
///
/// Each has one line of text, the form in which a daemon takes it over its control socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `call IDENTIFIER`: calls a SIP identifier such as `sip:mt@example.com`.
    Call {
        /// Whom.
        to: String,
    },
    /// `answer`: answers the call that rings.
    Answer,
    /// `hangup`: ends the call, cancels it where it is not answered yet, refuses one that rings.
    Hangup,
    /// `options IDENTIFIER`: asks what the other party can do.
    Options {
        /// Whom.
        to: String,
    },
    /// `echo ADDRESS [OCTETS]`: sends one ICMPv6 Echo Request.
    Echo {
        /// Where to.
        to: Ipv6Addr,
        /// How many octets of data it carries.
        octets: u16,
    },
    /// `optimize ADDRESS`: makes the route to a peer direct, and keeps it so.
    Optimize {
        /// Whom to.
        to: Ipv6Addr,
    },
    /// `restart`: forgets everything that a power cycle would make it forget.
    Restart,
}

/// Octets of data in an Echo Request where the command does not say.
pub const ECHO_OCTETS: u16 = 32;

/// The data of an Echo Request, every octet told from its neighbours.
pub(crate) fn echo_data(octets: u16) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(usize::from(octets)).collect()
}

/// Text that is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no command: {0:?}; known are: call IDENTIFIER, answer, hangup, options IDENTIFIER, echo ADDRESS [OCTETS], optimize ADDRESS, restart"
)]
pub struct UnknownCommand(pub String);

impl FromStr for Command {
    type Err = UnknownCommand;

    fn from_str(text: &str) -> Result<Self, UnknownCommand> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let unknown = || UnknownCommand(text.to_owned());
        Ok(match words.as_slice() {
            ["call", to] => Self::Call { to: (*to).to_owned() },
            ["answer"] => Self::Answer,
            ["hangup"] => Self::Hangup,
            ["options", to] => Self::Options { to: (*to).to_owned() },
            ["echo", to] => {
                Self::Echo { to: to.parse().map_err(|_| unknown())?, octets: ECHO_OCTETS }
            }
            ["echo", to, octets] => Self::Echo {
                to: to.parse().map_err(|_| unknown())?,
                octets: octets.parse().map_err(|_| unknown())?,
            },
            ["optimize", to] => Self::Optimize { to: to.parse().map_err(|_| unknown())? },
            ["restart"] => Self::Restart,
            _ => return Err(unknown()),
        })
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { to } => write!(f, "call {to}"),
            Self::Answer => f.write_str("answer"),
            Self::Hangup => f.write_str("hangup"),
            Self::Options { to } => write!(f, "options {to}"),
            Self::Echo { to, octets: ECHO_OCTETS } => write!(f, "echo {to}"),
            Self::Echo { to, octets } => write!(f, "echo {to} {octets}"),
            Self::Optimize { to } => write!(f, "optimize {to}"),
            Self::Restart => f.write_str("restart"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("call sip:mt@example.com")]
    #[case("answer")]
    #[case("hangup")]
    #[case("options sip:mt@example.com")]
    #[case("echo 2001:db8:c::10")]
    #[case("echo 2001:db8:c::10 1452")]
    #[case("optimize 2001:db8:c::10")]
    #[case("restart")]
    fn a_command_is_one_line(#[case] line: &str) {
        assert_eq!(line.parse::<Command>().unwrap().to_string(), line);
    }

    #[rstest]
    #[case("")]
    #[case("call")]
    #[case("echo nowhere")]
    #[case("echo 2001:db8:c::10 many")]
    #[case("answer twice")]
    fn anything_else_is_refused(#[case] line: &str) {
        assert_eq!(line.parse::<Command>(), Err(UnknownCommand(line.to_owned())));
    }
}
