//! What an input may cost in memory: counted by an allocator, where a program installs it.
//!
//! A codec that believes a length field takes memory that its input does not pay for; one that copies
//! again and again is given more than it holds at once. Both are bounded by the octets that came.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crate::{Shape, Target};

/// The system's allocator, which counts what each thread holds: a program installs it as
/// `#[global_allocator]`. Without it nothing is bounded here.
#[derive(Debug, Clone, Copy)]
pub struct Counting;

/// Octets that a target may take for an input of no octets, and for each octet more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    base: usize,
    each: usize,
}

/// At once. An oracle keeps what it was given in several forms, and a line told of it.
const HELD: Bound = Bound { base: 64 << 10, each: 256 };
/// All in all: what was held and given back, too.
const GIVEN: Bound = Bound { base: 1 << 20, each: 1 << 10 };

impl Bound {
    const fn of(self, octets: usize) -> usize {
        self.base + self.each * octets
    }
}

impl Target {
    /// The oracle over `octets`; where memory is counted and this is no node, within bounds.
    ///
    /// # Panics
    ///
    /// Where something does not hold.
    pub fn hold(&self, octets: &[u8]) {
        let before = LIVE.get();
        PEAK.set(before);
        GIVEN_OUT.set(0);
        (self.oracle)(octets);
        // What nodes remember is their own bounds' affair.
        if !self.is_codec() {
            return;
        }
        let held = PEAK.get().saturating_sub(before);
        assert!(
            held <= HELD.of(octets.len()),
            "memory held at once is out of bounds\n{held} octets for {}",
            octets.len()
        );
        let given = GIVEN_OUT.get();
        assert!(
            given <= GIVEN.of(octets.len()),
            "memory asked for is out of bounds\n{given} octets for {}",
            octets.len()
        );
    }
}

impl Target {
    const fn is_codec(&self) -> bool {
        matches!(
            self.shape,
            Shape::Family(_)
                | Shape::Prefixed(_)
                | Shape::Framed(_)
                | Shape::Text
                | Shape::PrefixedText
                | Shape::Octets
        )
    }
}

/// Octets that this thread holds; 0 for ever where nothing counts.
pub(crate) fn live() -> usize {
    LIVE.get()
}

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static GIVEN_OUT: Cell<usize> = const { Cell::new(0) };
}

fn take(octets: usize) {
    let live = LIVE.get().wrapping_add(octets);
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
    GIVEN_OUT.set(GIVEN_OUT.get().wrapping_add(octets));
}

/// What another thread took may be given back here.
fn give_back(octets: usize) {
    LIVE.set(LIVE.get().saturating_sub(octets));
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write; it hands everything on")]
// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing, for the
// cells have no destructor and are made before the thread runs.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        give_back(layout.size());
        take(size);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(place, layout, size) }
    }
}
