//! What a process prints, kept line by line and bounded, so that it never blocks on its reader.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The lines that a process printed, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Output {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<Kept>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<String>,
    /// How many older ones were let go.
    gone: usize,
    ended: bool,
}

impl Output {
    /// Reads `pipe` to its end in a thread of its own, which ends with the process that prints.
    ///
    /// # Errors
    ///
    /// Where no thread can be started.
    pub fn of(name: &str, pipe: impl Read + Send + 'static) -> io::Result<Self> {
        let output = Self::default();
        let reader = output.clone();
        thread::Builder::new()
            .name(format!("output of {name}"))
            .spawn(move || reader.fill(pipe))?;
        Ok(output)
    }

    /// All lines that are kept; the first says how many were not.
    pub fn lines(&self) -> Vec<String> {
        let kept = self.kept();
        let gone = (kept.gone > 0).then(|| format!("({} older lines left out)", kept.gone));
        gone.into_iter().chain(kept.lines.iter().cloned()).collect()
    }

    /// The last lines, once the process has closed its output or `limit` has passed.
    pub fn last_words(&self, limit: Duration) -> Vec<String> {
        let waiting = self.shared.ended.wait_timeout_while(self.kept(), limit, |kept| !kept.ended);
        let (kept, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        let from = kept.lines.len().saturating_sub(LAST_WORDS);
        kept.lines.iter().skip(from).cloned().collect()
    }

    /// Whether the process has closed its output.
    pub fn has_ended(&self) -> bool {
        self.kept().ended
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, pipe: impl Read) {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = pipe.by_ref().take(LINE_OCTETS_MAX).read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) {
                break;
            }
            let mut kept = self.kept();
            if kept.lines.len() == LINES_MAX {
                kept.lines.pop_front();
                kept.gone += 1;
            }
            kept.lines.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        self.kept().ended = true;
        self.shared.ended.notify_all();
    }
}

/// Lines that are kept.
const LINES_MAX: usize = 2000;

/// Octets of a line; a longer one is cut in several.
const LINE_OCTETS_MAX: u64 = 4096;

/// Lines told of a process that died.
const LAST_WORDS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_up_to_a_bound_and_the_rest_is_counted() {
        let text: String = (0..LINES_MAX + 3).map(|number| format!("line {number}\n")).collect();
        let output = Output::of("a test", io::Cursor::new(text)).unwrap();
        let last = output.last_words(Duration::from_secs(10));
        assert_eq!(last.last().map(String::as_str), Some("line 2002"));
        let lines = output.lines();
        assert_eq!(lines[..2], ["(3 older lines left out)".to_owned(), "line 3".to_owned()]);
        assert_eq!(lines.len(), LINES_MAX + 1);
    }

    #[test]
    fn a_line_without_end_does_not_grow_without_end() {
        let output = Output::of("a test", io::repeat(b'x').take(10_000)).unwrap();
        let lengths: Vec<usize> =
            output.last_words(Duration::from_secs(10)).iter().map(String::len).collect();
        assert_eq!(lengths, [4096, 4096, 1808]);
    }
}
