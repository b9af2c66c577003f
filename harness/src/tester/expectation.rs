//! What a purpose specified packet by packet, beside its sentences: what it waited for, what it wanted
//! not to hear, and what came.

use super::{Template, Tester};

/// A packet that a purpose wanted, or one that it wanted not to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The packet, in words; one that must not come begins with `no`.
    pub text: String,
    /// How many frames were captured when it was waited for.
    pub frames_before: usize,
    /// The captured frame that was taken for it, by index.
    pub frame: Option<usize>,
    /// Whether it is missed: it was wanted and did not come.
    pub missed: bool,
}

impl Tester<'_> {
    /// The packets that were waited for so far, in that order.
    pub fn expectations(&self) -> Vec<Expectation> {
        self.expectations.borrow().clone()
    }

    /// A packet came that was waited for.
    pub(super) fn expected(&self, wanted: &Template, frame: usize) {
        self.expect(wanted.to_string(), Some(frame), false);
    }

    /// A packet did not come that was waited for.
    pub(super) fn missed(&self, wanted: &Template) {
        self.expect(wanted.to_string(), None, true);
    }

    /// A packet is wanted not to come.
    pub(super) fn unwanted(&self, unwanted: &Template) {
        self.expect(format!("no {unwanted}"), None, false);
    }

    fn expect(&self, text: String, frame: Option<usize>, missed: bool) {
        let frames_before = frame.unwrap_or_else(|| self.bench.capture().frames.len());
        let expectation = Expectation { text, frames_before, frame, missed };
        self.expectations.borrow_mut().push(expectation);
    }
}
