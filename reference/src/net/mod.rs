//! A node on real interfaces: one frame, packet, command or deadline in, then drained.

pub mod clock;
pub mod control;
pub mod local;
pub mod pcap;
pub mod signal;

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use roamproof_node::{Input, Instant, Interface, Node, Output};
use rustix::event::{PollFd, PollFlags, poll};

use crate::net::clock::Clock;
use crate::net::control::{Control, ControlAt, Line, Request};
use crate::net::local::Local;
use crate::net::pcap::Port;
use crate::net::signal::EndSignals;

/// What a daemon runs on.
pub struct Settings {
    /// The node's interfaces in its order: its name for each, and the device.
    pub interfaces: Vec<(String, String)>,
    /// Where commands come from.
    pub control: Option<ControlAt>,
    /// The Unix time of the run's zero. Without it the run starts at the command `start`, or at
    /// once where no command can come.
    pub epoch: Option<Duration>,
    /// The way to the programs of this host, where the node lends its address.
    pub local: Option<Local>,
}

/// How a daemon came to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// SIGTERM, SIGINT, or the control socket that it lived by was closed.
    Asked,
    /// The node could not be built.
    Unbuilt(String),
}

/// Runs the node that `build` makes, told the Unix time of the run's zero, until it is asked to
/// end. Its events go to `notes`, a line each.
///
/// # Errors
///
/// Where a device cannot be opened or is lost.
pub fn run(
    settings: Settings,
    build: impl FnOnce(Duration) -> Result<Box<dyn Node>, String>,
    notes: &mut dyn Write,
) -> io::Result<End> {
    let signals = EndSignals::hold()?;
    let ports = open_ports(&settings.interfaces)?;
    let names: Vec<String> = settings.interfaces.into_iter().map(|(name, _)| name).collect();
    let control = settings.control.as_ref().map(Control::open).transpose()?;
    let plugged = vec![true; ports.len()];
    let mut devices = Devices { signals, ports, names, plugged, control, local: settings.local };

    let mut starting = None;
    let epoch = match settings.epoch {
        Some(epoch) => epoch,
        None if devices.control.is_none() => clock::unix_time(),
        None => {
            let Some((epoch, line)) = devices.wait_for_start()? else { return Ok(End::Asked) };
            starting = Some(line);
            epoch
        }
    };
    let built = build(epoch);
    if let (Some(line), Some(control)) = (starting, &mut devices.control) {
        control.answer(
            &line,
            &built.as_ref().map_or_else(|why| format!("error {why}"), |_| "ok".to_owned()),
        );
    }
    match built {
        Ok(node) => Daemon { node, clock: Clock::of_run(epoch), devices, notes }.run(),
        Err(why) => Ok(End::Unbuilt(why)),
    }
}

struct Devices {
    signals: EndSignals,
    ports: Vec<Port>,
    names: Vec<String>,
    plugged: Vec<bool>,
    control: Option<Control>,
    local: Option<Local>,
}

struct Daemon<'a> {
    node: Box<dyn Node>,
    clock: Clock,
    devices: Devices,
    notes: &'a mut dyn Write,
}

/// A handle costs some ten milliseconds to open, of which most is waiting: so all at once.
fn open_ports(interfaces: &[(String, String)]) -> io::Result<Vec<Port>> {
    if let [(_, device)] = interfaces {
        return Ok(vec![Port::open(device)?]);
    }
    thread::scope(|scope| {
        let opening: Vec<_> =
            interfaces.iter().map(|(_, device)| scope.spawn(|| Port::open(device))).collect();
        opening
            .into_iter()
            .map(|port| port.join().expect("opening a port does not panic"))
            .collect()
    })
}

impl Devices {
    /// Serves what can be served before the start. `None` where the daemon is to end instead.
    fn wait_for_start(&mut self) -> io::Result<Option<(Duration, Line)>> {
        loop {
            if self.wait(None)? {
                return Ok(None);
            }
            let Some(control) = &mut self.control else { return Ok(None) };
            for line in control.lines()? {
                let answer = match &line.request {
                    Ok(Request::Start(epoch)) => return Ok(Some((*epoch, line))),
                    Ok(Request::Ready) => "ok".to_owned(),
                    Ok(Request::Link { name, up }) => {
                        match self.names.iter().position(|known| known == name) {
                            Some(place) => {
                                self.plugged[place] = *up;
                                "ok".to_owned()
                            }
                            None => no_interface(name),
                        }
                    }
                    Ok(Request::Command(_)) => "error the run has not started".to_owned(),
                    Err(text) => format!("cannot {text}"),
                };
                control.answer(&line, &answer);
            }
            if !control.has_future() {
                return Ok(None);
            }
        }
    }

    /// Waits until something can be read or `limit` has passed. True where it is a signal to end.
    fn wait(&self, limit: Option<Duration>) -> io::Result<bool> {
        let mut descriptors = vec![PollFd::new(&self.signals, PollFlags::IN)];
        descriptors.extend(self.ports.iter().map(|port| PollFd::new(port, PollFlags::IN)));
        descriptors.extend(self.local.iter().map(|local| PollFd::new(local, PollFlags::IN)));
        let control = self.control.iter().flat_map(Control::descriptors);
        descriptors
            .extend(control.map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN)));
        let limit = limit
            .map(|limit| limit.min(LONGEST_WAIT).try_into())
            .transpose()
            .map_err(io::Error::other)?;
        match poll(&mut descriptors, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(descriptors.first().is_some_and(|signals| signals.revents().contains(PollFlags::IN)))
    }

    /// The port with the oldest frame, so that frames of several interfaces keep their order.
    fn oldest(&mut self) -> io::Result<Option<usize>> {
        let mut oldest = None;
        for (place, port) in self.ports.iter_mut().enumerate() {
            if let Some(stamp) = port.next_stamp()?
                && oldest.is_none_or(|(earlier, _)| stamp < earlier)
            {
                oldest = Some((stamp, place));
            }
        }
        Ok(oldest.map(|(_, place)| place))
    }
}

impl Daemon<'_> {
    fn run(mut self) -> io::Result<End> {
        for place in 0..self.devices.ports.len() {
            if self.devices.plugged[place] {
                self.feed(Input::Link { interface: interface(place)?, up: true })?;
            }
        }
        self.feed(Input::Time)?;
        loop {
            let worked = self.take_frames()? | self.take_local_packets()?;
            let limit = if worked { Duration::ZERO } else { self.until_deadline()? };
            self.notes.flush()?;
            if self.devices.wait(Some(limit))? || !self.take_commands()? {
                return Ok(End::Asked);
            }
        }
    }

    /// One input, then everything that comes of it.
    fn feed(&mut self, input: Input<'_>) -> io::Result<()> {
        let now = self.clock.now();
        self.node.handle_input(now, input);
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Frame { interface, octets } => self.send(now, interface, &octets)?,
                Output::Local(packet) => self.hand_over(now, &packet)?,
                Output::Event(event) => writeln!(self.notes, "{now} {event}")?,
            }
        }
        Ok(())
    }

    fn send(&mut self, now: Instant, interface: Interface, octets: &[u8]) -> io::Result<()> {
        let place = usize::from(interface.0);
        if !self.devices.plugged.get(place).is_some_and(|plugged| *plugged) {
            return Ok(());
        }
        match self.devices.ports[place].send(octets) {
            Ok(()) => Ok(()),
            // The node sees what every sender sees: nothing comes back.
            Err(error) => writeln!(
                self.notes,
                "{now} a frame of {} octets was not sent: {error}",
                octets.len()
            ),
        }
    }

    fn hand_over(&mut self, now: Instant, packet: &[u8]) -> io::Result<()> {
        let Some(local) = &mut self.devices.local else { return Ok(()) };
        match local.send(packet) {
            Ok(()) => Ok(()),
            Err(error) => writeln!(self.notes, "{now} a local packet was not handed over: {error}"),
        }
    }

    /// Tells the node that a deadline has come, where one has.
    fn keep_deadlines(&mut self) -> io::Result<()> {
        if self.node.poll_timeout().is_some_and(|wakeup| wakeup.at <= self.clock.now()) {
            self.feed(Input::Time)?;
        }
        Ok(())
    }

    /// How long the node can be left alone.
    fn until_deadline(&mut self) -> io::Result<Duration> {
        self.keep_deadlines()?;
        let Some(wakeup) = self.node.poll_timeout() else { return Ok(LONGEST_WAIT) };
        let now = self.clock.now();
        if wakeup.at > now {
            return Ok(wakeup.at - now);
        }
        // A deadline that stays in the past is a fault of the node; it must not burn the host.
        Ok(OVERDUE_WAIT)
    }

    fn take_frames(&mut self) -> io::Result<bool> {
        for count in 0..INPUTS_A_TURN {
            self.keep_deadlines()?;
            let Some(place) = self.devices.oldest()? else { return Ok(count > 0) };
            let port = &mut self.devices.ports[place];
            let octets = port.take().unwrap_or_default();
            if port.is_due_for_count() {
                let (lost, device) = (port.newly_dropped(), port.device());
                if lost > 0 {
                    writeln!(
                        self.notes,
                        "{} {device}: {lost} frames lost unread",
                        self.clock.now()
                    )?;
                }
            }
            if self.devices.plugged[place] {
                self.feed(Input::Frame { interface: interface(place)?, octets: &octets })?;
            }
        }
        Ok(true)
    }

    fn take_local_packets(&mut self) -> io::Result<bool> {
        for count in 0..INPUTS_A_TURN {
            self.keep_deadlines()?;
            let packet = self.devices.local.as_mut().map(Local::receive).transpose()?.flatten();
            let Some(packet) = packet else { return Ok(count > 0) };
            self.feed(Input::Local(&packet))?;
        }
        Ok(true)
    }

    /// False where the daemon is to end because nobody can command it any more.
    fn take_commands(&mut self) -> io::Result<bool> {
        let Some(control) = &mut self.devices.control else { return Ok(true) };
        for line in control.lines()? {
            let answer = self.obey(&line)?;
            if let Some(control) = &mut self.devices.control {
                control.answer(&line, &answer);
            }
        }
        Ok(self.devices.control.as_mut().is_none_or(Control::has_future))
    }

    fn obey(&mut self, line: &Line) -> io::Result<String> {
        match &line.request {
            Ok(Request::Command(command)) => self.feed(Input::Command(command))?,
            Ok(Request::Link { name, up }) => {
                let Some(place) = self.devices.names.iter().position(|known| known == name) else {
                    return Ok(no_interface(name));
                };
                self.plug(place, *up)?;
            }
            Ok(Request::Ready) => {}
            Ok(Request::Start(_)) => return Ok("error the run has started already".to_owned()),
            Err(text) => return Ok(format!("cannot {text}")),
        }
        Ok("ok".to_owned())
    }

    fn plug(&mut self, place: usize, up: bool) -> io::Result<()> {
        if up && !self.devices.plugged[place] {
            // What came while it was out never reached the node.
            while self.devices.ports[place].next_stamp()?.is_some() {
                self.devices.ports[place].take();
            }
        }
        self.devices.plugged[place] = up;
        self.feed(Input::Link { interface: interface(place)?, up })
    }
}

fn interface(place: usize) -> io::Result<Interface> {
    u8::try_from(place).map(Interface).map_err(io::Error::other)
}

fn no_interface(name: &str) -> String {
    format!("cannot find its interface {name}")
}

/// Frames or local packets taken before other things get their turn.
const INPUTS_A_TURN: u32 = 64;

/// `poll` takes no longer.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// How long a node is left alone that wants to be woken in the past.
const OVERDUE_WAIT: Duration = Duration::from_millis(1);
