//! The device as a subject: cables plugged for it, triggers run, its life watched.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use roamproof_harness::link::Port;
use roamproof_harness::link::clock::RealClock;
use roamproof_harness::profile::{Mode, Profile};
use roamproof_harness::subject::{Subject, SubjectError};
use roamproof_harness::topology::cleanup::Graveyard;
use roamproof_harness::topology::namespace::Namespace;
use roamproof_harness::topology::netlink::Netlink;
use roamproof_harness::trigger::Trigger;

use super::process::{Place, Process, Processes};
use super::trigger::{Ended, Running};
use super::{Device, Environment, Panel};

/// What a device as a subject is made of.
pub(crate) struct Parts {
    /// Its name in the topology.
    pub(crate) name: String,
    /// Its interface in the topology, and the port that it is.
    pub(crate) interface: (String, Port),
    /// The device.
    pub(crate) device: Device,
    /// What its command lines are told.
    pub(crate) environment: Environment,
    /// Its ways, and which is plugged in.
    pub(crate) panel: Arc<Mutex<Panel>>,
    /// Its namespace, where the harness made one.
    pub(crate) namespace: Option<Arc<Namespace>>,
    /// The far ends of its interfaces, where the harness made them.
    pub(crate) carriers: Option<Carriers>,
    /// Where its dead processes go.
    pub(crate) graveyard: Arc<Graveyard>,
}

/// The harness's ends of the interfaces that it made for a device.
#[derive(Debug)]
pub(crate) struct Carriers {
    /// The namespace of the harness.
    pub(crate) here: Netlink,
    /// The namespace of the device.
    pub(crate) there: Netlink,
    /// The socket's port, the name of the end here, and that of the end there.
    pub(crate) ends: Vec<(Port, String, String)>,
}

/// A device under test.
pub(crate) struct DeviceSubject {
    parts: Parts,
    folder: PathBuf,
    processes: Option<Processes>,
    doing: Doing,
    /// The link that it was plugged into last.
    link: Option<String>,
    /// What it printed before it was started anew, and what its triggers printed.
    notes: Vec<String>,
}

/// What a device is at, beside talking.
#[derive(Debug)]
enum Doing {
    /// Nothing.
    Nothing,
    /// It does what it was told.
    Trigger(Running),
    /// It is asked whether it is well; it counts as dead where it is not.
    Examined(Running),
    /// It is put back; then it boots.
    Reset(Running),
    /// It boots.
    Booting { since: RealClock, health: Option<Running>, again: Duration },
}

impl Carriers {
    /// Takes carriers up or down, and waits until frames pass where they are up.
    pub(crate) fn follow(&mut self, panel: &Panel) -> io::Result<()> {
        let mut up = (Vec::new(), Vec::new());
        let mut down = Vec::new();
        for (socket, here, there) in &self.ends {
            if panel.has_carrier(*socket) {
                up.0.push(here.as_str());
                up.1.push(there.as_str());
            } else {
                down.push(here.as_str());
            }
        }
        self.here.set_down(&down)?;
        self.here.set_up(&up.0)?;
        self.here.wait_until_usable(&up.0, CARRIER_LIMIT)?;
        self.there.wait_until_usable(&up.1, CARRIER_LIMIT)
    }
}

impl DeviceSubject {
    pub(crate) fn new(parts: Parts) -> Self {
        let folder = parts.device.profile.folder.clone();
        Self {
            parts,
            folder,
            processes: None,
            doing: Doing::Nothing,
            link: None,
            notes: Vec::new(),
        }
    }

    /// Starts it, or puts it back where it runs already, and waits until it is well.
    ///
    /// # Errors
    ///
    /// Where it does not start, or is not well in the time that its profile gives it.
    pub(crate) fn boot(&mut self) -> Result<(), SubjectError> {
        self.begin_boot()?;
        while self.busy()? {
            match (&self.doing, &self.processes) {
                (Doing::Booting { health: Some(running), .. } | Doing::Reset(running), _) => {
                    running.wait(STEP);
                }
                (_, Some(processes)) => processes.wait(STEP).map_err(|error| failed(&error))?,
                (_, None) => wait(STEP).map_err(|error| failed(&error))?,
            }
        }
        Ok(())
    }

    /// Whether the harness starts its processes.
    pub(crate) const fn is_started_here(&self) -> bool {
        self.parts.namespace.is_some()
    }

    fn begin_boot(&mut self) -> Result<(), SubjectError> {
        if let Some(old) = self.processes.take() {
            self.notes.extend(old.output());
            drop(old);
            // What it held, addresses of sockets above all, must be free again.
            self.parts.graveyard.wait();
        }
        self.doing = match (self.profile().attach.mode.clone(), &self.parts.namespace) {
            (Mode::Command { commands, .. }, Some(namespace)) => {
                let environment = &self.parts.environment;
                let processes = Processes::start(self.place(namespace), &commands, environment);
                self.processes = Some(processes.map_err(|error| failed(&error))?);
                booting()
            }
            (Mode::Command { .. }, None) | (Mode::Interface { .. }, _) => {
                match self.start(Trigger::Reset, &[])? {
                    Some(running) => Doing::Reset(running),
                    None => booting(),
                }
            }
        };
        Ok(())
    }

    fn place<'a>(&'a self, namespace: &'a Namespace) -> Place<'a> {
        let Parts { graveyard, device, .. } = &self.parts;
        Place { namespace, folder: &self.folder, graveyard, usher: &device.usher }
    }

    /// Starts a trigger, where the profile has it.
    fn start(
        &self,
        trigger: Trigger,
        more: &[(&str, &str)],
    ) -> Result<Option<Running>, SubjectError> {
        let Some(line) = self.parts.device.profile.triggers.get(&trigger) else { return Ok(None) };
        let mut environment = self.parts.environment.with("TRIGGER", trigger.name());
        environment.say("LINK", self.link.as_deref().unwrap_or_default());
        for (name, value) in more {
            environment.say(name, *value);
        }
        let running = match &self.parts.namespace {
            Some(namespace) => Process::start(self.place(namespace), &line.command, &environment)
                .map(|process| Running::child(trigger, line, process)),
            None => {
                let usher = &self.parts.device.usher;
                Running::by_usher(trigger, line, &self.folder, &environment, usher)
            }
        };
        running.map(Some).map_err(|error| failed(&error))
    }

    /// Asks for something by its trigger.
    fn ask(&mut self, trigger: Trigger, more: &[(&str, &str)]) -> Result<(), SubjectError> {
        let missing =
            || SubjectError::Cannot(format!("{trigger} (its profile has no such trigger)"));
        self.doing = Doing::Trigger(self.start(trigger, more)?.ok_or_else(missing)?);
        Ok(())
    }

    fn note(&mut self, ended: &Ended) {
        let Ended { trigger, how, printed, .. } = ended;
        let lines = printed.iter().map(|line| format!("trigger {trigger}: {line}"));
        self.notes.extend(lines.chain([format!("trigger {trigger}: {how}")]));
        let surplus = self.notes.len().saturating_sub(NOTES_MAX);
        self.notes.drain(..surplus);
    }

    /// One look at a device that boots: `Nothing` once it is well.
    fn boot_on(
        &mut self,
        since: RealClock,
        health: Option<Running>,
        again: Duration,
    ) -> Result<Doing, SubjectError> {
        self.check_processes()?;
        let timers = self.profile().timers;
        let now = since.now();
        if !self.profile().triggers.contains_key(&Trigger::Health) {
            let booted = now >= timers.settle;
            return Ok(if booted {
                Doing::Nothing
            } else {
                Doing::Booting { since, health, again }
            });
        }
        let Some(mut running) = health else {
            let health = if now >= again { self.start(Trigger::Health, &[])? } else { None };
            return Ok(Doing::Booting { since, health, again });
        };
        let Some(ended) = running.ended() else {
            return Ok(Doing::Booting { since, health: Some(running), again });
        };
        match &ended.outcome {
            Ok(()) => Ok(Doing::Nothing),
            Err(why) if now >= timers.boot => {
                self.note(&ended);
                let limit = timers.boot;
                Err(SubjectError::Failed(format!(
                    "it was not well {limit:?} after its start: {why}"
                )))
            }
            Err(_) => Ok(Doing::Booting { since, health: None, again: now + AGAIN }),
        }
    }

    fn check_processes(&mut self) -> Result<(), SubjectError> {
        let crash = self.processes.as_mut().and_then(Processes::crash);
        crash.map_or(Ok(()), |how| Err(SubjectError::Died(how)))
    }

    fn panel(&self) -> MutexGuard<'_, Panel> {
        self.parts.panel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn profile(&self) -> &Profile {
        &self.parts.device.profile
    }
}

impl Subject for DeviceSubject {
    fn name(&self) -> &str {
        &self.parts.name
    }

    fn tell(&mut self, command: &str) -> Result<(), SubjectError> {
        match command.split_once(' ').unwrap_or((command, "")) {
            ("call", called) => self.ask(Trigger::Call, &[("CALLED", called)]),
            ("answer", "") => self.ask(Trigger::Answer, &[]),
            ("hangup", "") => self.ask(Trigger::Hangup, &[]),
            ("restart", "") => match self.start(Trigger::Reset, &[])? {
                Some(running) => {
                    self.doing = Doing::Reset(running);
                    Ok(())
                }
                None if self.parts.namespace.is_some() => self.begin_boot(),
                None => {
                    Err(SubjectError::Cannot("reset (its profile has no such trigger)".to_owned()))
                }
            },
            _ => Err(SubjectError::Cannot(format!("{command} (no trigger is for that)"))),
        }
    }

    fn link(&mut self, interface: &str, link: Option<&str>) -> Result<(), SubjectError> {
        let (name, port) = &self.parts.interface;
        if name != interface {
            return Err(SubjectError::Cannot(format!("find its interface {interface}")));
        }
        let port = *port;
        if !self.panel().plug(port, link) {
            let link = link.unwrap_or_default();
            return Err(SubjectError::Cannot(format!(
                "attach to {link} (no interface of its profile can be plugged in there)"
            )));
        }
        if let Some(carriers) = &mut self.parts.carriers {
            let panel = self.parts.panel.lock().unwrap_or_else(PoisonError::into_inner);
            carriers.follow(&panel).map_err(|error| failed(&error))?;
        }
        let Some(link) = link else { return Ok(()) };
        let moved = self.link.as_ref().is_some_and(|last| last != link);
        self.link = Some(link.to_owned());
        let trigger = if moved { Trigger::Move } else { Trigger::Attach };
        if let Some(running) = self.start(trigger, &[])? {
            self.doing = Doing::Trigger(running);
        }
        Ok(())
    }

    fn busy(&mut self) -> Result<bool, SubjectError> {
        let next = match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Nothing => return Ok(false),
            Doing::Trigger(mut running) => match running.ended() {
                None => Doing::Trigger(running),
                Some(ended) => {
                    self.note(&ended);
                    ended.outcome?;
                    Doing::Nothing
                }
            },
            Doing::Examined(mut running) => match running.ended() {
                None => Doing::Examined(running),
                Some(ended) => {
                    self.note(&ended);
                    ended.outcome.map_err(|why| SubjectError::Died(format!("crash: {why}")))?;
                    Doing::Nothing
                }
            },
            Doing::Reset(mut running) => match running.ended() {
                None => Doing::Reset(running),
                Some(ended) => {
                    self.note(&ended);
                    ended.outcome?;
                    booting()
                }
            },
            Doing::Booting { since, health, again } => self.boot_on(since, health, again)?,
        };
        self.doing = next;
        Ok(!matches!(self.doing, Doing::Nothing))
    }

    fn examine(&mut self) -> Result<(), SubjectError> {
        self.check_processes()?;
        if let Some(running) = self.start(Trigger::Health, &[])? {
            self.doing = Doing::Examined(running);
        }
        Ok(())
    }

    fn alive(&mut self) -> Result<(), SubjectError> {
        self.check_processes()
    }

    fn output(&mut self) -> Vec<String> {
        let printed = self.processes.as_ref().map(Processes::output).unwrap_or_default();
        self.notes.iter().cloned().chain(printed).collect()
    }
}

fn booting() -> Doing {
    Doing::Booting { since: RealClock::start(), health: None, again: Duration::ZERO }
}

fn failed(error: &io::Error) -> SubjectError {
    SubjectError::Failed(error.to_string())
}

/// Lets a short time pass.
fn wait(time: Duration) -> io::Result<()> {
    let time = time.try_into().map_err(io::Error::other)?;
    match rustix::event::poll(&mut [], Some(&time)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// How long a carrier may take to come.
const CARRIER_LIMIT: Duration = Duration::from_secs(10);

/// How often a device that boots is looked at.
const STEP: Duration = Duration::from_millis(5);

/// How long after it was not well it is asked again.
const AGAIN: Duration = Duration::from_millis(100);

/// Lines of triggers and former lives that are kept.
const NOTES_MAX: usize = 2000;
