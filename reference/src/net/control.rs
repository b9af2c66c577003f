//! Commands to a daemon over a Unix socket: a line in, a line out.
//!
//! Beside the words of [`Command`] there are `link NAME up|down`, `ready` (answered once all
//! interfaces are open) and, for a daemon that was started without an epoch, `start NANOSECONDS`:
//! the Unix time of the run's zero. The answer is `ok`, `cannot …` or `error …`.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use roamproof_node::Command;

/// Where commands come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlAt {
    /// A socket that the daemon listens on.
    Path(PathBuf),
    /// The connected socket that standard input is; when it closes the daemon ends.
    StandardInput,
}

/// What can be asked of a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// For the node.
    Command(Command),
    /// An interface was plugged in or out.
    Link {
        /// Its name at the node.
        name: String,
        /// In or out.
        up: bool,
    },
    /// Whether all interfaces are open.
    Ready,
    /// The run starts; its zero is at this Unix time.
    Start(Duration),
}

/// The control socket and who is connected to it.
#[derive(Debug)]
pub struct Control {
    listener: Option<(UnixListener, PathBuf)>,
    clients: Vec<Client>,
}

/// A line that came, and from whom.
#[derive(Debug)]
pub struct Line {
    client: usize,
    /// What it asks, or the line itself where it asks nothing that there is.
    pub request: Result<Request, String>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    unread: Vec<u8>,
    gone: bool,
}

impl Control {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// Where the path is taken or cannot be made, or standard input is no socket.
    pub fn open(at: &ControlAt) -> io::Result<Self> {
        match at {
            ControlAt::Path(path) => Self::listen(path),
            ControlAt::StandardInput => Self::standard_input(),
        }
    }

    /// Every descriptor on which something can come.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let listener = self.listener.iter().map(|(listener, _)| listener.as_fd());
        listener.chain(self.clients.iter().map(|client| client.stream.as_fd()))
    }

    /// The lines that have come, without waiting.
    ///
    /// # Errors
    ///
    /// Where nobody can connect any more.
    pub fn lines(&mut self) -> io::Result<Vec<Line>> {
        self.accept()?;
        let mut lines = Vec::new();
        for (place, client) in self.clients.iter_mut().enumerate() {
            for text in client.lines() {
                lines
                    .push(Line { client: place, request: text.parse().map_err(|_: Unknown| text) });
            }
        }
        Ok(lines)
    }

    /// Answers a line. Who has gone misses it.
    pub fn answer(&mut self, line: &Line, answer: &str) {
        if let Some(client) = self.clients.get_mut(line.client) {
            // An answer must stay one line, whatever is quoted in it.
            let mut octets = answer.replace(['\n', '\r'], " ").into_bytes();
            octets.push(b'\n');
            client.gone |= client.stream.write_all(&octets).is_err();
        }
    }

    /// Forgets who has gone. False once nobody can come any more.
    pub fn has_future(&mut self) -> bool {
        self.clients.retain(|client| !client.gone);
        self.listener.is_some() || !self.clients.is_empty()
    }

    fn listen(path: &Path) -> io::Result<Self> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let listener = UnixListener::bind(path).map_err(named)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener: Some((listener, path.to_owned())), clients: Vec::new() })
    }

    #[expect(unsafe_code, reason = "standard input is taken over as the socket that it is")]
    fn standard_input() -> io::Result<Self> {
        // SAFETY: nothing else in a daemon reads or closes standard input.
        let stream = UnixStream::from(unsafe { OwnedFd::from_raw_fd(0) });
        stream.local_addr().map_err(|error| {
            io::Error::new(error.kind(), format!("standard input is no Unix socket: {error}"))
        })?;
        stream.set_nonblocking(true)?;
        Ok(Self { listener: None, clients: vec![Client::new(stream)] })
    }

    fn accept(&mut self) -> io::Result<()> {
        let Some((listener, _)) = &self.listener else { return Ok(()) };
        loop {
            match listener.accept() {
                Ok((stream, _)) if self.clients.len() < CLIENTS_MAX => {
                    stream.set_nonblocking(true)?;
                    self.clients.push(Client::new(stream));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.listener
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!("{}: {error}", path.display());
        }
    }
}

impl Client {
    const fn new(stream: UnixStream) -> Self {
        Self { stream, unread: Vec::new(), gone: false }
    }

    fn lines(&mut self) -> Vec<String> {
        let mut room = [0; LINE_OCTETS_MAX];
        loop {
            match self.stream.read(&mut room) {
                Ok(0) => self.gone = true,
                Ok(count) => {
                    self.unread.extend_from_slice(&room[..count]);
                    if self.unread.len() <= LINE_OCTETS_MAX {
                        continue;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.gone = true,
            }
            break;
        }
        let mut lines = Vec::new();
        while let Some(end) = self.unread.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            lines.push(String::from_utf8_lossy(&line).trim().to_owned());
        }
        // A line without end is nobody's command.
        self.gone |= self.unread.len() > LINE_OCTETS_MAX;
        lines
    }
}

/// A line that asks nothing that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

impl FromStr for Request {
    type Err = Unknown;

    fn from_str(line: &str) -> Result<Self, Unknown> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(match words.as_slice() {
            ["link", name, "up"] => Self::Link { name: (*name).to_owned(), up: true },
            ["link", name, "down"] => Self::Link { name: (*name).to_owned(), up: false },
            ["ready"] => Self::Ready,
            ["start", nanoseconds] => {
                Self::Start(Duration::from_nanos(nanoseconds.parse().map_err(|_| Unknown)?))
            }
            _ => Self::Command(line.parse().map_err(|_| Unknown)?),
        })
    }
}

/// How many may be connected at once.
const CLIENTS_MAX: usize = 8;

/// Octets of the longest line.
const LINE_OCTETS_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_request() {
        let cases = [
            ("link eth0 up", Ok(Request::Link { name: "eth0".to_owned(), up: true })),
            ("link eth1 down", Ok(Request::Link { name: "eth1".to_owned(), up: false })),
            ("ready", Ok(Request::Ready)),
            (
                "start 1700000000123456789",
                Ok(Request::Start(Duration::new(1_700_000_000, 123_456_789))),
            ),
            ("answer", Ok(Request::Command(Command::Answer))),
            ("link eth0 sideways", Err(Unknown)),
            ("start soon", Err(Unknown)),
            ("", Err(Unknown)),
        ];
        for (line, expected) in cases {
            assert_eq!(line.parse::<Request>(), expected, "{line:?}");
        }
    }

    #[test]
    fn lines_come_from_whoever_is_connected_and_answers_go_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let mut control = Control::open(&ControlAt::Path(path.clone())).unwrap();
        let mut one = UnixStream::connect(&path).unwrap();
        let mut other = UnixStream::connect(&path).unwrap();
        one.write_all(b"answer\nhang").unwrap();
        other.write_all(b"dance\n").unwrap();

        let lines = control.lines().unwrap();
        let requests: Vec<_> = lines.iter().map(|line| line.request.clone()).collect();
        assert_eq!(requests, [Ok(Request::Command(Command::Answer)), Err("dance".to_owned())]);
        control.answer(&lines[1], "cannot dance\nnor sing");
        let mut room = [0; 64];
        let count = other.read(&mut room).unwrap();
        assert_eq!(&room[..count], b"cannot dance nor sing\n");

        one.write_all(b"up\n").unwrap();
        let lines = control.lines().unwrap();
        assert_eq!(lines[0].request, Ok(Request::Command(Command::Hangup)));
    }

    #[test]
    fn a_line_without_end_ends_the_connection() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let mut control = Control::open(&ControlAt::Path(path.clone())).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(&[b'x'; LINE_OCTETS_MAX + 1]).unwrap();
        assert!(control.lines().unwrap().is_empty());
        assert!(control.has_future(), "others may still come");
        assert!(control.clients.is_empty());
    }
}
