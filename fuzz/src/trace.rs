//! One input told to people: its dissection, what happened step by step, the ladder.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use roamproof_harness::evidence::decode::Decoded;
use roamproof_harness::evidence::fields::OctetsKind;
use roamproof_harness::evidence::{Capture, LadderStyle, Names, ladder};
use roamproof_harness::link::LinkId;

use crate::outcome::catch;
use crate::{Shape, Signature, Target};

/// One input, told to people.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Its octets, field by field; for operations, the frames that passed.
    pub dissection: String,
    /// The operations in their order, with the time at which each was done.
    pub steps: Vec<String>,
    /// The frames as a ladder, where the target is a node.
    pub ladder: Option<String>,
    /// What came of it.
    pub ended: Result<(), Signature>,
}

impl Target {
    /// Runs the oracle over `octets` and tells all of it, as far as it came.
    #[must_use]
    pub fn trace(&self, octets: &[u8]) -> Trace {
        let kind = match self.shape {
            Shape::Operations | Shape::NetworkOperations => {
                return self.trace_operations(octets);
            }
            Shape::Family("packet") => Some(OctetsKind::Ipv6),
            Shape::Family("mobility") => Some(OctetsKind::Mobility),
            Shape::Family("sip") => Some(OctetsKind::Sip),
            Shape::Family("sdp") => Some(OctetsKind::Sdp),
            Shape::Family("rtp") => Some(OctetsKind::Rtp),
            Shape::Framed(_) => Some(OctetsKind::Ethernet),
            Shape::Family(_)
            | Shape::Prefixed(_)
            | Shape::Text
            | Shape::PrefixedText
            | Shape::Octets => None,
        };
        let dissection = match kind {
            Some(kind) => Decoded::of_octets(octets, Some(kind)).text(true),
            None => format!("{}\n", octets.escape_ascii()),
        };
        Trace { dissection, steps: Vec::new(), ladder: None, ended: self.run(octets) }
    }

    fn trace_operations(&self, octets: &[u8]) -> Trace {
        RECORD.with_borrow_mut(|record| *record = Some(Record::default()));
        let ended = catch(|| self.judge(octets));
        let record = RECORD.with_borrow_mut(Option::take).unwrap_or_default();
        let Record { steps, capture, names, focus } = record;
        let style = LadderStyle { noise: true, path: false, focus, ..LadderStyle::default() };
        let told = capture.as_ref().zip(names.as_ref());
        Trace {
            dissection: capture
                .as_ref()
                .map(|capture| Decoded::of_capture(capture).text(false))
                .unwrap_or_default(),
            steps,
            ladder: told.map(|(capture, names)| ladder(capture, names, &style)),
            ended,
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dissection)?;
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        if let Some(ladder) = &self.ladder {
            write!(f, "\n{ladder}")?;
        }
        match &self.ended {
            Ok(()) => writeln!(f, "\nholds"),
            Err(signature) => writeln!(f, "\nfails at {signature}"),
        }
    }
}

/// What passed a node while it is traced.
#[derive(Debug, Default)]
struct Record {
    steps: Vec<String>,
    capture: Option<Capture>,
    names: Option<Names>,
    focus: Option<String>,
}

thread_local! {
    /// Outlives a panic of the oracle, which is what it is for. None where nobody traces.
    static RECORD: RefCell<Option<Record>> = const { RefCell::new(None) };
}

/// A node begins to be driven, or a network: its interfaces, or its links, and who is who; `focus` is
/// the node whose order of events is shown.
pub(crate) fn begin(
    links: impl Iterator<Item = String>,
    epoch: Duration,
    names: impl FnOnce() -> Names,
    focus: Option<&str>,
) {
    with(|record| {
        record.capture = Some(Capture::new(links, epoch));
        record.names = Some(names());
        record.focus = focus.map(str::to_owned);
    });
}

/// An operation is done.
pub(crate) fn step(at: Duration, text: impl FnOnce() -> String) {
    with(|record| record.steps.push(format!("{:>10.3} s  {}", at.as_secs_f64(), text())));
}

/// A frame passes an interface, either way.
pub(crate) fn frame(at: Duration, interface: u8, octets: &[u8]) {
    with(|record| {
        if let Some(capture) = &mut record.capture {
            capture.record(at, LinkId(interface.into()), octets);
        }
    });
}

/// A frame enters a link, where it may get lost.
pub(crate) fn passing(at: Duration, link: usize, octets: &[u8], lost: bool) {
    with(|record| {
        if let Some(capture) = &mut record.capture {
            let index = capture.record(at, LinkId(link), octets);
            capture.frames[index].lost = lost;
        }
    });
}

fn with(note: impl FnOnce(&mut Record)) {
    RECORD.with_borrow_mut(|record| {
        if let Some(record) = record {
            note(record);
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::target;

    #[test]
    fn a_sequence_is_told_with_its_ladder() {
        let trace = target("mobile_terminal").trace(&[0xe0, 26, 0xc0, 3, 0xe0, 0, 0, 0, 100]);
        assert_eq!(trace.ended, Ok(()));
        assert!(trace.dissection.contains("BU seq="), "{}", trace.dissection);
        assert_eq!(trace.steps.len(), 5, "{:?}", trace.steps);
        let ladder = trace.ladder.unwrap_or_default();
        assert!(ladder.contains("Binding Update") || ladder.contains("BU "), "{ladder}");
    }

    #[test]
    fn a_message_is_told_by_field() {
        let octets = target("sip").input(1, true);
        let trace = target("sip").trace(&octets);
        assert!(trace.to_string().ends_with("holds\n"), "{trace}");
    }
}
