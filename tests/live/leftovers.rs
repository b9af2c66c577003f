//! What a run leaves behind: its processes, and what a caller sees of namespaces and interfaces.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

use roamproof_harness::link::clock::RealClock;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// A process that is expected to end.
pub(crate) struct Mortal {
    id: i32,
    handle: OwnedFd,
}

impl Mortal {
    fn new(id: i32) -> Self {
        let pid = Pid::from_raw(id).expect("a process id");
        let handle = pidfd_open(pid, PidfdFlags::empty()).expect("a process that runs");
        Self { id, handle }
    }

    /// The process and all that it started, and those started by them.
    pub(crate) fn with_children(id: i32) -> Vec<Self> {
        let mut all = vec![Self::new(id)];
        let tasks = fs::read_dir(format!("/proc/{id}/task")).expect("a process that runs");
        for task in tasks {
            let children = task.expect("a task").path().join("children");
            let children = fs::read_to_string(children).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|word| word.parse().ok());
            all.extend(children.flat_map(Self::with_children));
        }
        all
    }
}

/// Waits until all of them have ended.
pub(crate) fn wait_for_the_end_of(processes: &[Mortal]) {
    let clock = RealClock::start();
    for process in processes {
        let left = LIMIT.saturating_sub(clock.now()).try_into().expect("a short time");
        let ended = poll(&mut [PollFd::new(&process.handle, PollFlags::IN)], Some(&left));
        assert_eq!(ended, Ok(1), "process {} outlived its parent", process.id);
    }
}

/// Interfaces, named namespaces and mounts, as the caller sees them.
pub(crate) fn surroundings() -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for file in ["/proc/net/dev", "/proc/self/mountinfo"] {
        for line in fs::read_to_string(file).expect("a file of the kernel").lines() {
            let name = if file == "/proc/net/dev" { line.split(':').next() } else { Some(line) };
            seen.insert(format!("{file} {}", name.unwrap_or_default()));
        }
    }
    for folder in ["/run/netns", "/run/roamproof"] {
        let entries = fs::read_dir(folder).into_iter().flatten();
        seen.extend(entries.map(|entry| format!("{:?}", entry.expect("an entry").path())));
    }
    seen
}

/// How long the kernel may take to end what it must end.
const LIMIT: Duration = Duration::from_secs(20);
