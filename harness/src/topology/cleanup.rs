//! What ends when: children with the thread that started them, the rest with the sandbox.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError};

/// Makes the child that `command` starts die when the *calling thread* ends, be it by SIGKILL: the
/// kernel sees to it. So start it in the thread that keeps it.
#[expect(unsafe_code, reason = "only a hook between fork and exec can ask for it without a race")]
pub fn die_with_this_thread(command: &mut Command) {
    let parent = std::process::id();
    let hook = move || {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        let still = rustix::process::getppid()
            .is_some_and(|id| id.as_raw_nonzero().get().unsigned_abs() == parent);
        if still { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
    };
    // SAFETY: the hook makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(hook);
    }
}

/// Children that have been killed and not yet collected. A process that holds packet rings takes
/// tens of milliseconds to die, which nobody need wait for.
#[derive(Debug, Default)]
pub struct Graveyard {
    dying: Mutex<Vec<Child>>,
}

impl Graveyard {
    /// Kills a child, and collects those that have died meanwhile.
    pub fn bury(&self, mut child: Child) {
        if let Err(error) = child.kill() {
            tracing::warn!("process {}: {error}", child.id());
        }
        let mut dying = self.dying.lock().unwrap_or_else(PoisonError::into_inner);
        dying.push(child);
        dying.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }

    /// Waits until all of them are collected.
    pub fn wait(&self) {
        let mut dying = self.dying.lock().unwrap_or_else(PoisonError::into_inner);
        for mut child in dying.drain(..) {
            if let Err(error) = child.wait() {
                tracing::warn!("process {}: {error}", child.id());
            }
        }
    }
}

impl Drop for Graveyard {
    fn drop(&mut self) {
        self.wait();
    }
}
