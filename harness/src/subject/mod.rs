//! Subjects: the implementations under test, and how to talk to them beside the wire.

#[cfg(feature = "live")]
pub mod daemon;
#[cfg(feature = "live")]
pub mod output;

use std::fmt;

/// One running implementation, by whatever means it runs.
pub trait Subject {
    /// Its name in the topology.
    fn name(&self) -> &str;

    /// Asks it something: `call sip:mt@example.com`, `answer`, `hangup` …
    ///
    /// # Errors
    ///
    /// [`SubjectError::Cannot`] where it has no way to do that, [`SubjectError::Died`] where it runs
    /// no more.
    fn tell(&mut self, command: &str) -> Result<(), SubjectError>;

    /// Tells it that one of its interfaces was plugged into the link of this name, or plugged out.
    ///
    /// # Errors
    ///
    /// As [`tell`](Self::tell).
    fn link(&mut self, interface: &str, link: Option<&str>) -> Result<(), SubjectError>;

    /// Whether it still runs.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Died`], with what it said last.
    fn alive(&mut self) -> Result<(), SubjectError>;

    /// Whether it is still at what it was told last, as a device whose trigger runs.
    ///
    /// # Errors
    ///
    /// Once: how that ended, where it did not end well.
    fn busy(&mut self) -> Result<bool, SubjectError> {
        Ok(false)
    }

    /// Has it say whether it is well, where it can be asked; [`busy`](Self::busy) tells how that ends.
    ///
    /// # Errors
    ///
    /// As [`alive`](Self::alive).
    fn examine(&mut self) -> Result<(), SubjectError> {
        self.alive()
    }

    /// What it printed or noted so far, one line each, oldest first; bounded.
    fn output(&mut self) -> Vec<String>;
}

/// Why a subject did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectError {
    /// It has no way to do that (exit code 89 of a trigger).
    Cannot(String),
    /// It should have been able to, and was not.
    Failed(String),
    /// It runs no more.
    Died(String),
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cannot(what) => write!(f, "cannot {what}"),
            Self::Failed(why) => f.write_str(why),
            Self::Died(how) => write!(f, "died: {how}"),
        }
    }
}

impl std::error::Error for SubjectError {}
