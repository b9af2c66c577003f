//! What a libFuzzer program was fed, told when it ends: `tools/fuzz-bars` reads it.

use std::cell::Cell;
use std::sync::OnceLock;

/// Counts an input of a libFuzzer program, which holds so many operations.
pub fn count(octets: &[u8], operations: Option<usize>) {
    TALLY.with(|tally| {
        tally.inputs.set(tally.inputs.get() + 1);
        tally.octets.set(tally.octets.get() + octets.len());
        tally.operations.set(tally.operations.get() + operations.unwrap_or_default());
    });
}

/// Counts what nodes were given: frames, deadlines, commands.
pub(crate) fn count_events(events: usize) {
    TALLY.with(|tally| tally.events.set(tally.events.get() + events));
}

/// Whether the oracle is left out, so that mutator and libFuzzer are measured alone.
#[must_use]
pub fn is_idle() -> bool {
    static IDLE: OnceLock<bool> = OnceLock::new();
    *IDLE.get_or_init(|| std::env::var_os("ROAMPROOF_IDLE").is_some())
}

struct Tally {
    inputs: Cell<usize>,
    octets: Cell<usize>,
    operations: Cell<usize>,
    events: Cell<usize>,
}

thread_local! {
    static TALLY: Tally = const {
        Tally {
            inputs: Cell::new(0),
            octets: Cell::new(0),
            operations: Cell::new(0),
            events: Cell::new(0),
        }
    };
}

impl Drop for Tally {
    fn drop(&mut self) {
        // The runner and the tests count too, and nobody asks them.
        if self.inputs.get() == 0 {
            return;
        }
        let [inputs, octets, operations, events] =
            [&self.inputs, &self.octets, &self.operations, &self.events].map(Cell::get);
        eprintln!(
            "fed: {inputs} inputs, {octets} octets, {operations} operations, {events} events"
        );
    }
}
