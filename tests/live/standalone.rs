//! A node by itself: commands over a socket at a path, and a clean end.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use roamproof::live_arm::Live;
use roamproof_harness::topology::cleanup::die_with_this_thread;
use roamproof_harness::topology::namespace::Namespace;
use roamproof_harness::topology::netlink::Netlink;
use roamproof_harness::topology::sandbox::PRIVATE;
use roamproof_harness::topology::veth::{End, pair};
use rustix::process::{Pid, Signal, kill_process};

use crate::Test;

pub(crate) const TESTS: &[Test] = &[
    ("a_node_by_itself_is_told_over_a_socket", a_node_by_itself_is_told_over_a_socket),
    ("a_node_by_itself_refuses_what_it_cannot_use", a_node_by_itself_refuses_what_it_cannot_use),
];

fn a_node_by_itself_is_told_over_a_socket(live: &Live) {
    let place = Place::new(live, "by-itself", "echo");
    let socket = place.folder.join("control");
    let mut child =
        place.start(&["--control", socket.to_str().unwrap(), "--epoch", "1767225600000000000"]);
    // The first event says that the socket is there, for it comes after.
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    assert!(line.trim_end().ends_with("interface 0 up: true"), "{line}");

    let mut control = UnixStream::connect(&socket).unwrap();
    control.write_all(b"ready\nanswer\nstart 5\nlink eth0 down\n").unwrap();
    let answers: Vec<String> =
        BufReader::new(&control).lines().take(4).map(Result::unwrap).collect();
    assert_eq!(answers, ["ok", "ok", "error the run has started already", "ok"]);
    // Others come and go, and it stays.
    drop(control);
    UnixStream::connect(&socket).unwrap();

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(!socket.exists(), "the socket is taken away");
}

fn a_node_by_itself_refuses_what_it_cannot_use(live: &Live) {
    for (config, words, code, said) in [
        ("fly", &[][..], 2, "node.toml: no node can fly"),
        ("echo", &["--interface", "eth1=nosuch0"], 3, "nosuch0"),
        ("echo", &["--control", "/nowhere/at/all"], 3, "/nowhere/at/all"),
        ("echo", &["--control", "-"], 3, "standard input is no Unix socket"),
        ("echo", &["--seed", "many"], 2, "many"),
    ] {
        let place = Place::new(live, "refuses", config);
        let output = place.start(words).wait_with_output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {printed}");
        assert!(printed.contains(said), "{words:?}: {printed}");
    }
}

/// A namespace with one usable interface, and a folder with a configuration.
struct Place {
    namespace: Namespace,
    folder: std::path::PathBuf,
}

impl Place {
    fn new(live: &Live, name: &str, config: &str) -> Self {
        let namespace = Namespace::create(live.sandbox(), name).unwrap();
        let mut netlink = namespace.run(Netlink::open).unwrap();
        let end = |name: &str, last| End {
            name: name.to_owned(),
            mac: [2, 0, 0, 0, 8, last],
            index: None,
        };
        netlink.ask(vec![pair(&end("eth0", 1), &end("far0", 2), None)]).unwrap();
        netlink.set_up(&["far0"]).unwrap();
        let folder = Path::new(PRIVATE).join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("node.toml"), config).unwrap();
        Self { namespace, folder }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the node is started as a user would, not by the live arm"
    )]
    fn start(&self, words: &[&str]) -> Child {
        let mut command = Command::new("/proc/self/exe");
        command.args(["node", "router", "--interface", "eth0=eth0", "--config"]);
        command.arg(self.folder.join("node.toml")).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        die_with_this_thread(&mut command);
        self.namespace.run(|| command.spawn()).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}
