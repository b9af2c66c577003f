//! Interruption: the first Ctrl-C ends a run after the case under way, the second at once.

use std::sync::atomic::{AtomicBool, Ordering};

static CAME: AtomicBool = AtomicBool::new(false);

/// From now on the first interrupt is noticed only; the next one ends the process as ever.
#[cfg(feature = "live")]
#[expect(unsafe_code, reason = "there is no other way to a signal")]
pub fn notice() {
    extern "C" fn on_interrupt(_: libc::c_int) {
        CAME.store(true, Ordering::Relaxed);
    }
    // SAFETY: an all-zero `sigaction` is a valid one (no flags, an empty mask); the handler does
    // nothing but store to an atomic, which is async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_interrupt as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESETHAND | libc::SA_RESTART;
        libc::sigaction(libc::SIGINT, &raw const action, std::ptr::null_mut());
    }
}

/// Without the live arm nothing takes long: the first interrupt ends the process.
#[cfg(not(feature = "live"))]
pub const fn notice() {}

/// Whether an interrupt came.
pub fn came() -> bool {
    CAME.load(Ordering::Relaxed)
}
