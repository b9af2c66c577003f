//! Named network namespaces in the sandbox, each gone when its value is.

use std::fs;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

use netns_rs::{Env, NetNs};

use crate::topology::netlink::Netlink;
use crate::topology::sandbox::{NAMESPACES, Sandbox};

/// A network namespace with `lo` up, in which new interfaces have the kernel's IPv6 off.
#[derive(Debug)]
pub struct Namespace {
    /// `None` only while it is dropped.
    net: Option<NetNs<InSandbox>>,
    name: String,
}

/// Where the sandbox keeps them; it has made that folder a mount of its own already.
#[derive(Debug, Clone, Copy)]
struct InSandbox;

impl Namespace {
    /// Makes the namespace `name`, which `ip netns` inside the sandbox knows by that name.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses it, or `name` is taken.
    pub fn create(_: Sandbox, name: &str) -> io::Result<Self> {
        let net = NetNs::new_with_env(name, InSandbox).map_err(io::Error::other)?;
        let namespace = Self { net: Some(net), name: name.to_owned() };
        namespace.run(|| {
            set("net/ipv6/conf/default/disable_ipv6", "1")?;
            Netlink::open()?.set_up(&["lo"])
        })?;
        Ok(namespace)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a veth end is born into it by.
    pub fn file(&self) -> &File {
        self.net().file()
    }

    /// Runs `action` with the calling thread in this namespace. Sockets opened and processes
    /// started there stay there; the thread comes back, also from a panic.
    ///
    /// # Errors
    ///
    /// Those of `action`, and where the kernel refuses to enter.
    pub fn run<T>(&self, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let outcome =
            self.net().run(|_| catch_unwind(AssertUnwindSafe(action))).map_err(io::Error::other)?;
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn net(&self) -> &NetNs<InSandbox> {
        self.net.as_ref().expect("only Drop takes it")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some(net) = self.net.take()
            && let Err(error) = net.remove()
        {
            tracing::warn!("namespace {}: {error}", self.name);
        }
    }
}

impl Env for InSandbox {
    fn persist_dir(&self) -> PathBuf {
        PathBuf::from(NAMESPACES)
    }

    fn init(&self) -> netns_rs::Result<()> {
        Ok(())
    }
}

/// Sets a kernel parameter of the calling thread's namespace, by its path below `/proc/sys`; a
/// kernel without that parameter has nothing to set.
///
/// # Errors
///
/// Where it cannot be written.
pub fn set(parameter: &str, value: &str) -> io::Result<()> {
    match fs::write(format!("/proc/sys/{parameter}"), value) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io::Error::new(error.kind(), format!("{parameter}: {error}")))
        }
        _ => Ok(()),
    }
}
