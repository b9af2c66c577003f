//! What a libFuzzer program was fed, told when it ends: `tools/fuzz-bars` reads it.

use std::cell::Cell;

/// Counts an input of a libFuzzer program, which holds so many operations.
pub fn count(octets: &[u8], operations: Option<usize>) {
    TALLY.with(|tally| {
        tally.inputs.set(tally.inputs.get() + 1);
        tally.octets.set(tally.octets.get() + octets.len());
        tally.operations.set(tally.operations.get() + operations.unwrap_or_default());
    });
}

struct Tally {
    inputs: Cell<usize>,
    octets: Cell<usize>,
    operations: Cell<usize>,
}

thread_local! {
    static TALLY: Tally =
        const { Tally { inputs: Cell::new(0), octets: Cell::new(0), operations: Cell::new(0) } };
}

impl Drop for Tally {
    fn drop(&mut self) {
        let [inputs, octets, operations] =
            [&self.inputs, &self.octets, &self.operations].map(Cell::get);
        eprintln!("fed: {inputs} inputs, {octets} octets, {operations} operations");
    }
}
