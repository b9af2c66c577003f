//! The sandbox: user, network and mount namespaces of our own, entered before the first thread.
//!
//! Everything that a live run makes (namespaces, interfaces, files for its nodes) lives in here and
//! nowhere else, so that nothing is left when the process ends, however it ends. As root no user
//! namespace is needed; as anyone else the user becomes root of the sandbox, and of nothing else.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::UnshareFlags;

use crate::topology::ArmError;

/// Where named network namespaces stand, in the sandbox only.
pub const NAMESPACES: &str = "/run/netns";

/// A folder that only this process and its children see.
pub const PRIVATE: &str = "/run/roamproof";

/// Proof that the process is in its sandbox: what makes namespaces and interfaces asks for one.
#[derive(Debug, Clone, Copy)]
pub struct Sandbox {
    privilege: Privilege,
}

/// Who entered the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// Root: no user namespace was needed.
    Root,
    /// An ordinary user, root in a user namespace of their own.
    User,
}

impl Sandbox {
    /// Moves the whole process into a sandbox.
    ///
    /// # Errors
    ///
    /// [`ArmError::Environment`] with the fix where the system does not allow it;
    /// [`ArmError::System`] where the process has more than one thread already.
    pub fn enter() -> Result<Self, ArmError> {
        if thread_count()? != 1 {
            return Err(ArmError::System(io::Error::other(
                "the sandbox can only be entered before the first thread",
            )));
        }
        let privilege = own_namespaces()?;
        private_mounts()
            .map_err(|error| refused("cannot mount in a namespace of our own", error))?;
        writable_sysctl()?;
        Ok(Self { privilege })
    }

    /// Who entered it.
    pub const fn privilege(self) -> Privilege {
        self.privilege
    }
}

/// How many threads this process has.
///
/// # Errors
///
/// Where `/proc` cannot be read.
pub fn thread_count() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/task")?.count())
}

/// What keeps an ordinary user out of namespaces on this system, and the fix, as far as its
/// settings tell.
pub fn obstacle() -> Option<(&'static str, &'static str)> {
    let setting = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    OBSTACLES
        .iter()
        .find(|(path, bad, ..)| setting(path).as_deref() == Some(*bad))
        .map(|(.., what, fix)| (*what, *fix))
}

fn own_namespaces() -> Result<Privilege, ArmError> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let wanted = UnshareFlags::NEWNS | UnshareFlags::NEWNET;
    if user.is_root() && unshare(wanted).is_ok() {
        return Ok(Privilege::Root);
    }
    unshare(wanted | UnshareFlags::NEWUSER)
        .map_err(|error| refused("cannot make user, network and mount namespaces", error.into()))?;
    let map = |id: u32| format!("0 {id} 1\n");
    let write = |path: &str, text: &str| {
        fs::write(path, text)
            .map_err(|error| refused("cannot become root of a user namespace", error))
    };
    write("/proc/self/uid_map", &map(user.as_raw()))?;
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/gid_map", &map(group.as_raw()))?;
    Ok(Privilege::User)
}

#[expect(unsafe_code, reason = "rustix marks unshare unsafe for the sake of one flag")]
fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: only UnshareFlags::FILES is dangerous, and it is never among the flags here.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// A tmpfs on `/run` with the folders that were there bound back, but for the named namespaces of
/// the rest of the system; nothing mounted from here on is seen outside.
fn private_mounts() -> io::Result<()> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let kept = folders_of(Path::new("/run"))?;
    rustix::mount::mount(
        "tmpfs",
        "/run",
        "tmpfs",
        MountFlags::NOSUID | MountFlags::NODEV,
        Some(c"mode=0755"),
    )?;
    for (name, folder) in kept {
        let target = Path::new("/run").join(name);
        fs::create_dir(&target)?;
        let source = format!("/proc/self/fd/{}", folder.as_raw_fd());
        if rustix::mount::mount_bind_recursive(source, &target).is_err() {
            // Gone is better than empty: who writes there is told.
            fs::remove_dir(&target)?;
        }
    }
    fs::create_dir(NAMESPACES)?;
    fs::create_dir(PRIVATE)
}

/// The folders in `parent` that are to stay visible, each held open.
fn folders_of(parent: &Path) -> io::Result<Vec<(std::ffi::OsString, OwnedFd)>> {
    let ours = [Path::new(NAMESPACES), Path::new(PRIVATE)];
    let mut folders = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let path = entry.path();
        if !entry.file_type()?.is_dir() || ours.contains(&path.as_path()) {
            continue;
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if let Ok(folder) = rustix::fs::open(&path, flags, Mode::empty()) {
            folders.push((entry.file_name(), folder));
        }
    }
    Ok(folders)
}

/// Sees to it that `/proc/sys/net` can be written, and turns the kernel's IPv6 off on what is made
/// in the harness's own namespace. Containers mount `/proc/sys` read-only; root may undo that in a
/// mount namespace of its own.
fn writable_sysctl() -> Result<(), ArmError> {
    let write = || fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    let error = match write() {
        Ok(()) => return Ok(()),
        // A kernel without IPv6 has none to turn off.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => error,
    };
    let undone = rustix::mount::mount_remount("/proc/sys", MountFlags::BIND, "").is_ok();
    if undone && write().is_ok() {
        return Ok(());
    }
    Err(ArmError::Environment {
        what: format!("/proc/sys/net cannot be written ({error}), so the kernel's own IPv6 stays in the way"),
        fix: "in a container: run it with --privileged, or as root with --cap-add SYS_ADMIN,NET_ADMIN \
              --security-opt systempaths=unconfined"
            .to_owned(),
    })
}

fn refused(what: &str, error: io::Error) -> ArmError {
    let (because, fix) = obstacle().unwrap_or((
        "this system forbids it",
        "run as root, or in a container with --privileged (or --security-opt seccomp=unconfined \
         --security-opt apparmor=unconfined)",
    ));
    ArmError::Environment { what: format!("{what} ({error}): {because}"), fix: fix.to_owned() }
}

/// Setting, the value that shuts ordinary users out, what it means, what to do.
const OBSTACLES: [(&str, &str, &str, &str); 4] = [
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user namespaces are turned off (user.max_user_namespaces = 0)",
        "sudo sysctl -w user.max_user_namespaces=15000",
    ),
    (
        "/proc/sys/user/max_net_namespaces",
        "0",
        "network namespaces are turned off (user.max_net_namespaces = 0)",
        "sudo sysctl -w user.max_net_namespaces=15000",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are kept for root (kernel.unprivileged_userns_clone = 0)",
        "sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps user namespaces from ordinary users (Ubuntu 23.10 and later)",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
];
