//! The ways into a live network while it runs: what a person types to look around in it.

use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use roamproof_harness::topology::cleanup::die_with_this_thread;
use roamproof_harness::topology::namespace::Namespace;
use roamproof_harness::topology::sandbox::{NAMESPACES, Privilege};

use crate::ground::Ground;

/// The network that an arm set up last, while it lives, seen by whoever wants to look around in it.
#[derive(Debug, Clone)]
pub struct Inside {
    /// Filled by the arm.
    pub(crate) ground: Arc<Mutex<Weak<Ground>>>,
    pub(crate) privilege: Privilege,
}

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayIn {
    /// Whose namespace it is.
    pub name: String,
    /// What a shell outside is given to be inside; without more words a shell, with more a command.
    pub command: String,
}

impl Inside {
    /// The ways into every namespace of the network: its nodes', then the harness's own, in which all
    /// links end. A device behind an existing interface is where it was.
    pub fn ways_in(&self) -> Vec<WayIn> {
        let Some(ground) = self.ground() else { return Vec::new() };
        let way = |(name, namespace): (&str, &Namespace)| WayIn {
            name: name.to_owned(),
            command: command_into(self.privilege, namespace.name()),
        };
        ground.namespaces().map(way).collect()
    }

    /// Starts a program in the namespace of a node, or in the harness's where the node has none, with
    /// the terminal of this process. It dies with the calling thread.
    ///
    /// # Errors
    ///
    /// Where the network is gone, or the program cannot be started.
    #[expect(
        clippy::disallowed_methods,
        reason = "the live arm is one of the two that start processes"
    )]
    pub fn start(&self, node: &str, program: &Path) -> io::Result<Child> {
        let gone = || io::Error::new(io::ErrorKind::NotFound, "the network is gone");
        let ground = self.ground().ok_or_else(gone)?;
        let mut command = Command::new(program);
        die_with_this_thread(&mut command);
        let all: Vec<(&str, &Namespace)> = ground.namespaces().collect();
        let of_node = all.iter().find(|(name, _)| *name == node);
        let (_, namespace) = of_node.or_else(|| all.last()).ok_or_else(gone)?;
        namespace.run(|| command.spawn())
    }

    fn ground(&self) -> Option<Arc<Ground>> {
        self.ground.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

/// Through the namespaces of this process, in which alone that one has a name.
fn command_into(privilege: Privilege, namespace: &str) -> String {
    let process = std::process::id();
    let user = match privilege {
        Privilege::Root => "",
        Privilege::User => " --user --preserve-credentials",
    };
    format!("nsenter --target {process}{user} --mount nsenter --net={NAMESPACES}/{namespace}")
}
