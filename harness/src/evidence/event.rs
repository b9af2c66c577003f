//! One frame as two runs of a sequence are compared by: its shape, its fields, what it answers.

use std::fmt::Write as _;

use roamproof_wire::WireError;

use super::capture::{Capture, Frame};
use super::fields::{self, Dissection};
use super::layer::Layer;
use super::sight::{Kind, Sight};

/// A frame, dissected for comparison.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// Its number in its capture.
    pub number: usize,
    /// The name of its link.
    pub link: String,
    /// The link-layer address it was sent from.
    pub sender: [u8; 6],
    /// What of it counts.
    pub presence: Presence,
    /// What kind of message from whom to whom: equal in two runs.
    pub shape: String,
    /// Its IPv6 packet with the hop limit zeroed: equal on every link it crosses.
    pub packet: Vec<u8>,
    /// Its layers.
    pub layers: Vec<Layer>,
    /// What is wrong with it.
    pub error: Option<WireError>,
    /// What it asks, so that an answer can be told.
    pub asks: Option<String>,
    /// What it answers.
    pub answers: Option<String>,
}

/// What of a frame counts in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Its fields and its place among the others.
    Ordered,
    /// That media takes this path in these headers.
    Media,
    /// That it is there.
    Noise,
}

impl Event {
    /// Every frame of a capture.
    pub(super) fn all(capture: &Capture) -> Vec<Self> {
        capture.frames.iter().map(|frame| Self::of(capture, frame)).collect()
    }

    fn of(capture: &Capture, frame: &Frame) -> Self {
        let sight = Sight::of(&frame.octets);
        let Dissection { layers, error, .. } = fields::of(&frame.octets);
        let mut packet = frame.octets.get(14..).unwrap_or_default().to_vec();
        if let Some(hop_limit) = packet.get_mut(7) {
            *hop_limit = 0;
        }
        let (asks, answers) = layers.last().map_or((None, None), asked_and_answered);
        let lost = if frame.lost { ", lost" } else { "" };
        Self {
            number: frame.number,
            link: capture.link_name(frame.link).to_owned(),
            sender: sight.source_mac,
            presence: match sight.kind {
                Kind::Noise => Presence::Noise,
                Kind::Media => Presence::Media,
                Kind::Mobility | Kind::Sip | Kind::Other => Presence::Ordered,
            },
            shape: format!("{}{lost}", shape(&layers)),
            packet,
            layers,
            error,
            asks,
            answers,
        }
    }

    /// Whether this is why `effect` is there: the same packet a link earlier, or the question.
    pub(super) fn causes(&self, effect: &Self) -> bool {
        if self.packet == effect.packet {
            return self.link != effect.link;
        }
        self.link == effect.link && self.asks.is_some() && self.asks == effect.answers
    }
}

/// `2001:db8:f1::1 → 2001:db8:a::a [2001:db8:a::100 → 2001:db8:5::5] 180 Ringing`
fn shape(layers: &[Layer]) -> String {
    let mut shape = String::new();
    for layer in layers.iter().filter(|layer| !["ethernet", "udp", "sdp"].contains(&layer.name)) {
        if let (Some(source), Some(destination)) = (layer.str("source"), layer.str("destination")) {
            // Writing to a String cannot fail.
            let _ = write!(shape, "{source} → {destination} ");
        } else if let Some(message) = layer.str("message") {
            let _ = write!(shape, "{message} ");
        } else {
            let _ = write!(shape, "({}) ", layer.name);
        }
    }
    shape.trim_end().to_owned()
}

fn asked_and_answered(layer: &Layer) -> (Option<String>, Option<String>) {
    let text = |name: &str| layer.value(name).map(ToString::to_string).unwrap_or_default();
    match (layer.name, layer.str("message")) {
        ("mobility", Some("Home Test Init")) => (Some(format!("home {}", text("cookie"))), None),
        ("mobility", Some("Home Test")) => (None, Some(format!("home {}", text("cookie")))),
        ("mobility", Some("Care-of Test Init")) => {
            (Some(format!("care-of {}", text("cookie"))), None)
        }
        ("mobility", Some("Care-of Test")) => (None, Some(format!("care-of {}", text("cookie")))),
        ("mobility", Some("Binding Update")) => {
            (Some(format!("binding {}", text("sequence"))), None)
        }
        ("mobility", Some("Binding Acknowledgement")) => {
            (None, Some(format!("binding {}", text("sequence"))))
        }
        ("sip", _) => {
            let transaction = format!("{} {}", text("Call-ID"), text("CSeq"));
            if layer.value("status").is_some() {
                (None, Some(transaction))
            } else {
                (Some(transaction), None)
            }
        }
        _ => (None, None),
    }
}
