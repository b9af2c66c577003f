//! One thing that a body was told beside the capture, as a line of JSON.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::link::Port;
use crate::subject::SubjectError;

/// What a body was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// What time it was, since the start of the run.
    Now(Duration),
    /// A frame came, which stands in the capture at this index.
    Arrival {
        /// When it was sent, as its port stamped it.
        at: Duration,
        /// The port that it came from.
        port: Port,
        /// Its index in the capture.
        frame: usize,
    },
    /// No frame came until the time asked for.
    Nothing,
    /// How late the host was.
    Late(Duration),
    /// A subject did as it was told, or runs.
    Done,
    /// A subject is still at what it was told.
    Busy,
    /// A subject did not, or runs no more.
    Refused(SubjectError),
    /// A link failed.
    Broken(String),
}

/// Why a line is no note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteError {
    /// What stands there.
    pub found: String,
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no note of a run", self.found)
    }
}

impl std::error::Error for NoteError {}

impl Note {
    /// One line of JSON: `{"now":1500000}`, times in nanoseconds, packets as tshark counts them.
    pub fn to_line(&self) -> String {
        let value = match self {
            Self::Now(at) => json!({ "now": nanoseconds(*at) }),
            Self::Arrival { at, port, frame } => {
                json!({ "packet": frame + 1, "port": port.0, "sent": nanoseconds(*at) })
            }
            Self::Nothing => json!("nothing"),
            Self::Late(by) => json!({ "late": nanoseconds(*by) }),
            Self::Done => json!("done"),
            Self::Busy => json!("busy"),
            Self::Refused(SubjectError::Cannot(what)) => json!({ "cannot": what }),
            Self::Refused(SubjectError::Failed(why)) => json!({ "failed": why }),
            Self::Refused(SubjectError::Died(how)) => json!({ "died": how }),
            Self::Broken(why) => json!({ "broken": why }),
        };
        value.to_string()
    }

    /// The note in a line.
    ///
    /// # Errors
    ///
    /// Where it is none.
    pub fn from_line(line: &str) -> Result<Self, NoteError> {
        let wrong = || NoteError { found: line.chars().take(80).collect() };
        let value: Value = serde_json::from_str(line).map_err(|_| wrong())?;
        let time = |key: &str| Some(Duration::from_nanos(value.get(key)?.as_u64()?));
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let number = |key: &str| usize::try_from(value.get(key)?.as_u64()?).ok();
        let note = match value.as_str() {
            Some("nothing") => Some(Self::Nothing),
            Some("done") => Some(Self::Done),
            Some("busy") => Some(Self::Busy),
            Some(_) => None,
            None => None
                .or_else(|| time("now").map(Self::Now))
                .or_else(|| time("late").map(Self::Late))
                .or_else(|| text("cannot").map(SubjectError::Cannot).map(Self::Refused))
                .or_else(|| text("failed").map(SubjectError::Failed).map(Self::Refused))
                .or_else(|| text("died").map(SubjectError::Died).map(Self::Refused))
                .or_else(|| text("broken").map(Self::Broken))
                .or_else(|| {
                    let frame = number("packet")?.checked_sub(1)?;
                    let (at, port) = (time("sent")?, Port(number("port")?));
                    Some(Self::Arrival { at, port, frame })
                }),
        };
        note.ok_or_else(wrong)
    }
}

/// A time in whole nanoseconds; 584 years fit.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::clock(Note::Now(Duration::from_nanos(1_500)), r#"{"now":1500}"#)]
    #[case::frame(
        Note::Arrival { at: Duration::from_nanos(7), port: Port(2), frame: 11 },
        r#"{"packet":12,"port":2,"sent":7}"#
    )]
    #[case::silence(Note::Nothing, r#""nothing""#)]
    #[case::lateness(Note::Late(Duration::from_millis(60)), r#"{"late":60000000}"#)]
    #[case::done(Note::Done, r#""done""#)]
    #[case::busy(Note::Busy, r#""busy""#)]
    #[case::unable(Note::Refused(SubjectError::Cannot("call".to_owned())), r#"{"cannot":"call"}"#)]
    #[case::unwilling(Note::Refused(SubjectError::Failed("why".to_owned())), r#"{"failed":"why"}"#)]
    #[case::dead(
        Note::Refused(SubjectError::Died("signal 9".to_owned())),
        r#"{"died":"signal 9"}"#
    )]
    #[case::broken(Note::Broken("gone".to_owned()), r#"{"broken":"gone"}"#)]
    fn a_note_is_a_line_and_back(#[case] note: Note, #[case] line: &str) {
        assert_eq!(note.to_line(), line);
        assert_eq!(Note::from_line(line), Ok(note));
    }

    #[rstest]
    #[case::no_json("now: 3")]
    #[case::unknown_word("\"something\"")]
    #[case::unknown_key("{\"then\":3}")]
    #[case::negative("{\"now\":-3}")]
    #[case::packet_zero("{\"packet\":0,\"port\":0,\"sent\":0}")]
    #[case::half_a_packet("{\"packet\":1,\"port\":0}")]
    fn what_is_no_note_is_refused(#[case] line: &str) {
        assert_eq!(Note::from_line(line).unwrap_err().found, line);
    }
}
