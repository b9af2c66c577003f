//! The recorded arm: a network whose frames, clock and answers come from a run that is over.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use super::{Note, Recording};
use crate::link::{Arrival, Clock, Link, Port};
use crate::subject::{Subject, SubjectError};
use crate::topology::{Arm, ArmError, Network, Topology};

/// Runs a body on a recording, without privileges and without any device.
#[derive(Debug)]
pub struct RecordedArm {
    tape: Rc<RefCell<Tape>>,
}

/// A recording and how far it was read.
#[derive(Debug)]
struct Tape {
    recording: Recording,
    /// The next note.
    next: usize,
    /// The last reading of the clock.
    now: Duration,
    /// Where the body asked for something else than it had asked for, or the recording is not whole.
    parted: Option<String>,
}

impl RecordedArm {
    /// An arm that plays `recording`, once.
    pub fn new(recording: Recording) -> Self {
        let tape = Tape { recording, next: 0, now: Duration::ZERO, parted: None };
        Self { tape: Rc::new(RefCell::new(tape)) }
    }

    /// Where the body that ran here parted from the one that was recorded, if it did.
    pub fn parting(&self) -> Option<String> {
        self.tape.borrow().parted.clone()
    }
}

impl Arm for RecordedArm {
    fn name(&self) -> &'static str {
        "recorded"
    }

    fn set_up(&mut self, topology: &Topology) -> Result<Network, ArmError> {
        let subjects = topology.nodes.iter().map(|spec| {
            let (name, tape) = (spec.name.clone(), Rc::clone(&self.tape));
            Box::new(RecordedSubject { name, tape }) as Box<dyn Subject>
        });
        Ok(Network {
            link: Box::new(RecordedLink { tape: Rc::clone(&self.tape) }),
            subjects: subjects.collect(),
            epoch: self.tape.borrow().recording.capture.epoch,
        })
    }
}

impl Tape {
    fn take(&mut self, asked: &str) -> Option<Note> {
        let note =
            self.recording.notes.get_mut(self.next).map(|note| mem::replace(note, Note::Done));
        self.next += 1;
        if note.is_none() {
            self.part(asked, "nothing more");
        }
        note
    }

    fn part(&mut self, asked: &str, found: &str) {
        let number = self.next;
        self.parted.get_or_insert_with(|| {
            format!("note {number}: {asked} was asked for, {found} follows")
        });
    }

    /// Where the next note says that a link failed, takes it.
    fn failure(&mut self) -> Option<String> {
        let Some(Note::Broken(why)) = self.recording.notes.get(self.next) else { return None };
        let why = why.clone();
        self.next += 1;
        Some(why)
    }

    fn is_parted(&self) -> io::Result<()> {
        self.parted.as_ref().map_or(Ok(()), |parted| Err(io::Error::other(parted.clone())))
    }

    fn answer(&mut self, asked: &str) -> Result<(), SubjectError> {
        match self.take(asked) {
            Some(Note::Done) => Ok(()),
            Some(Note::Refused(why)) => Err(why),
            Some(other) => {
                self.part(asked, &other.to_line());
                Err(SubjectError::Failed("it was not asked in the recording".to_owned()))
            }
            None => Err(SubjectError::Failed("the recording is over".to_owned())),
        }
    }
}

struct RecordedLink {
    tape: Rc<RefCell<Tape>>,
}

impl Clock for RecordedLink {
    fn now(&self) -> Duration {
        let tape = &mut *self.tape.borrow_mut();
        match tape.take(TIME) {
            Some(Note::Now(now)) => tape.now = now,
            Some(other) => tape.part(TIME, &other.to_line()),
            None => {}
        }
        tape.now
    }
}

impl Link for RecordedLink {
    fn send(&mut self, _port: Port, _octets: &[u8]) -> io::Result<()> {
        let tape = &mut *self.tape.borrow_mut();
        tape.is_parted()?;
        tape.failure().map_or(Ok(()), |why| Err(io::Error::other(why)))
    }

    fn receive(&mut self, _until: Duration) -> io::Result<Option<Arrival>> {
        let tape = &mut *self.tape.borrow_mut();
        tape.is_parted()?;
        if let Some(why) = tape.failure() {
            return Err(io::Error::other(why));
        }
        match tape.take(FRAME) {
            Some(Note::Nothing) => return Ok(None),
            Some(Note::Arrival { at, port, frame }) => {
                if let Some(frame) = tape.recording.capture.frames.get(frame) {
                    return Ok(Some(Arrival { at, port, octets: frame.octets.clone() }));
                }
                tape.part(FRAME, &format!("packet {} of a shorter capture", frame + 1));
            }
            Some(other) => tape.part(FRAME, &other.to_line()),
            None => {}
        }
        tape.is_parted()?;
        Ok(None)
    }

    fn lateness(&mut self) -> Duration {
        let tape = &mut *self.tape.borrow_mut();
        match tape.take(LATENESS) {
            Some(Note::Late(late)) => return late,
            Some(other) => tape.part(LATENESS, &other.to_line()),
            None => {}
        }
        Duration::ZERO
    }
}

struct RecordedSubject {
    name: String,
    tape: Rc<RefCell<Tape>>,
}

impl Subject for RecordedSubject {
    fn name(&self) -> &str {
        &self.name
    }

    fn tell(&mut self, command: &str) -> Result<(), SubjectError> {
        self.tape.borrow_mut().answer(&format!("the answer of {} to `{command}`", self.name))
    }

    fn link(&mut self, interface: &str, _link: Option<&str>) -> Result<(), SubjectError> {
        let asked = format!("the answer of {} about its interface {interface}", self.name);
        self.tape.borrow_mut().answer(&asked)
    }

    fn alive(&mut self) -> Result<(), SubjectError> {
        self.tape.borrow_mut().answer(&format!("whether {} runs", self.name))
    }

    fn busy(&mut self) -> Result<bool, SubjectError> {
        let asked = format!("whether {} is done", self.name);
        let tape = &mut *self.tape.borrow_mut();
        if let Some(Note::Busy) = tape.recording.notes.get(tape.next) {
            tape.next += 1;
            return Ok(true);
        }
        tape.answer(&asked).map(|()| false)
    }

    fn examine(&mut self) -> Result<(), SubjectError> {
        self.tape.borrow_mut().answer(&format!("whether {} is well", self.name))
    }

    fn output(&mut self) -> Vec<String> {
        let tape = self.tape.borrow();
        let said = tape.recording.output.iter().find(|(name, _)| *name == self.name);
        said.map(|(_, lines)| lines.clone()).unwrap_or_default()
    }
}

const TIME: &str = "the time";
const FRAME: &str = "a frame";
const LATENESS: &str = "the host's lateness";
