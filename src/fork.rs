//! A second process of this program, forked while there is one thread.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use roamproof_harness::topology::sandbox::thread_count;
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

/// Runs `body` in a forked child, which ends with the exit status that it returns, or 101 after a
/// panic. Nothing that the caller has open is closed there.
///
/// # Errors
///
/// Where this process has more than one thread already, or the kernel refuses.
#[expect(unsafe_code, reason = "there is no other fork")]
pub(crate) fn in_child(body: impl FnOnce() -> i32) -> io::Result<Pid> {
    if thread_count()? != 1 {
        return Err(io::Error::other(
            "a second process can only be forked before the first thread",
        ));
    }
    // SAFETY: the process has one thread, so the child is a whole copy in which anything may run;
    // it leaves by `_exit` only, so that nothing of the parent's is run down twice.
    unsafe {
        match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => libc::_exit(catch_unwind(AssertUnwindSafe(body)).unwrap_or(101)),
            id => Ok(Pid::from_raw(id).expect("fork returns the child's id")),
        }
    }
}

/// Waits for a child to end.
///
/// # Errors
///
/// Where there is no such child.
pub(crate) fn wait_for(child: Pid) -> io::Result<WaitStatus> {
    let ended = waitpid(Some(child), WaitOptions::empty())?;
    ended.map(|(_, status)| status).ok_or_else(|| io::Error::other("the child did not end"))
}
