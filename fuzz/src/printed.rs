//! What must hold of anything that can be printed.

use std::fmt::{self, Write as _};

/// Prints `value` to nowhere, which asks for no memory.
///
/// # Panics
///
/// Where it cannot be printed, or not in a line of some length.
pub(crate) fn print(value: impl fmt::Display) {
    let mut line = Line { octets: 0 };
    write!(line, "{value}").expect("a value can be printed");
    assert!(line.octets <= OCTETS_MAX, "{} octets printed", line.octets);
}

/// Counts what is written.
struct Line {
    octets: usize,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.octets += text.len();
        Ok(())
    }
}

/// Of what is printed of one message.
const OCTETS_MAX: usize = 1 << 20;
