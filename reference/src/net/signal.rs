//! Signals as something to poll: SIGTERM and SIGINT end a daemon cleanly.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

/// Holds SIGTERM and SIGINT back from the whole process; readable once one has come.
#[derive(Debug)]
pub struct EndSignals {
    descriptor: OwnedFd,
}

impl EndSignals {
    /// Holds them back. Call it before the first thread.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses it.
    #[expect(unsafe_code, reason = "rustix has no signals")]
    pub fn hold() -> io::Result<Self> {
        // SAFETY: the set is plain data that sigemptyset initialises, and the descriptor is new and
        // owned by nobody else.
        unsafe {
            let mut set: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGTERM);
            libc::sigaddset(&raw mut set, libc::SIGINT);
            if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) < 0 {
                return Err(io::Error::last_os_error());
            }
            let descriptor =
                libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
            if descriptor < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self { descriptor: OwnedFd::from_raw_fd(descriptor) })
        }
    }
}

impl AsFd for EndSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
