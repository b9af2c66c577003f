//! The journal: notes what a body is told by the clock, the links and the subjects, while it runs.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::Note;
use crate::link::{Arrival, Clock, Link, Port};
use crate::subject::{Subject, SubjectError};
use crate::topology::Network;

/// Notes in the order in which they were asked for, shared by whoever answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Rc<RefCell<Vec<Note>>>);

impl Journal {
    /// The same network, whose answers are noted from here on. Frames that came are noted by whoever
    /// records them, with [`note`](Self::note): a frame that nobody could see stands nowhere.
    pub(crate) fn over(&self, network: Network) -> Network {
        let Network { link, subjects, epoch } = network;
        let noted = |subject| Box::new(NotedSubject { subject, journal: self.clone() });
        let subjects = subjects.into_iter().map(|one| noted(one) as Box<dyn Subject>).collect();
        Network { link: Box::new(NotedLink { link, journal: self.clone() }), subjects, epoch }
    }

    pub(crate) fn note(&self, note: Note) {
        self.0.borrow_mut().push(note);
    }

    /// All notes so far; there are none after this.
    pub(crate) fn take(&self) -> Vec<Note> {
        self.0.take()
    }

    fn broken<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        if let Err(why) = &outcome {
            self.note(Note::Broken(why.to_string()));
        }
        outcome
    }

    fn answered(&self, answer: Result<(), SubjectError>) -> Result<(), SubjectError> {
        self.note(match &answer {
            Ok(()) => Note::Done,
            Err(why) => Note::Refused(why.clone()),
        });
        answer
    }
}

struct NotedLink {
    link: Box<dyn Link>,
    journal: Journal,
}

impl Clock for NotedLink {
    fn now(&self) -> Duration {
        let now = self.link.now();
        self.journal.note(Note::Now(now));
        now
    }
}

impl Link for NotedLink {
    fn send(&mut self, port: Port, octets: &[u8]) -> io::Result<()> {
        let sent = self.link.send(port, octets);
        self.journal.broken(sent)
    }

    fn receive(&mut self, until: Duration) -> io::Result<Option<Arrival>> {
        let received = self.link.receive(until);
        let arrival = self.journal.broken(received)?;
        if arrival.is_none() {
            self.journal.note(Note::Nothing);
        }
        Ok(arrival)
    }

    fn lateness(&mut self) -> Duration {
        let late = self.link.lateness();
        self.journal.note(Note::Late(late));
        late
    }
}

struct NotedSubject {
    subject: Box<dyn Subject>,
    journal: Journal,
}

impl Subject for NotedSubject {
    fn name(&self) -> &str {
        self.subject.name()
    }

    fn tell(&mut self, command: &str) -> Result<(), SubjectError> {
        let answer = self.subject.tell(command);
        self.journal.answered(answer)
    }

    fn link(&mut self, interface: &str, link: Option<&str>) -> Result<(), SubjectError> {
        let answer = self.subject.link(interface, link);
        self.journal.answered(answer)
    }

    fn alive(&mut self) -> Result<(), SubjectError> {
        let answer = self.subject.alive();
        self.journal.answered(answer)
    }

    fn busy(&mut self) -> Result<bool, SubjectError> {
        let answer = self.subject.busy();
        self.journal.note(match &answer {
            Ok(true) => Note::Busy,
            Ok(false) => Note::Done,
            Err(why) => Note::Refused(why.clone()),
        });
        answer
    }

    fn examine(&mut self) -> Result<(), SubjectError> {
        let answer = self.subject.examine();
        self.journal.answered(answer)
    }

    fn output(&mut self) -> Vec<String> {
        self.subject.output()
    }
}
