//! One frame as two runs of a sequence are compared by: its shape, its fields, what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use roamproof_wire::WireError;
use roamproof_wire::edit::Upper;
use roamproof_wire::ethernet;
use roamproof_wire::ipv6::{Packet, protocol};

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
    /// The packet inside all tunnels with its hop limit zeroed: equal in a tunnel and out of it.
    carried: Vec<u8>,
    /// Its layers.
    pub layers: Vec<Layer>,
    /// What is wrong with it.
    pub error: Option<WireError>,
    /// What it asks, so that an answer can be told.
    pub asks: Option<String>,
    /// What it answers.
    pub answers: Option<String>,
    /// The packet that it quotes with its hop limit zeroed, where it is an ICMPv6 error.
    quotes: Option<Vec<u8>>,
    /// Why it is where it is among the others.
    pub origin: Origin,
}

/// Why a frame is where it is among those of its link and sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Its sender decided to send it then.
    Own,
    /// Its sender answers something, at a time of its own.
    Answer,
    /// It follows at once from a packet that came to its sender: a router's copy of one, one put
    /// into a tunnel or taken out of it, a Home Test or Care-of Test, an echo, an acknowledgement of
    /// binding lookup, an ICMPv6 error. Packets that came by different ways may have overtaken one
    /// another, so that its place is fixed among those of its own way only: between these addresses,
    /// the outermost first.
    Reaction(String),
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
        let mut events: Vec<Self> =
            capture.frames.iter().map(|frame| Self::of(capture, frame)).collect();
        let mut seen = Seen::default();
        for event in &mut events {
            event.origin = seen.origin_of(event);
            seen.note(event);
        }
        events
    }

    fn of(capture: &Capture, frame: &Frame) -> Self {
        let sight = Sight::of(&frame.octets);
        let Dissection { layers, error, .. } = fields::of(&frame.octets);
        let packet = without_hop_limit(frame.octets.get(ethernet::HEADER_LEN..));
        let carried = carried(&packet);
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
            carried,
            layers,
            error,
            asks,
            answers,
            quotes: quoted(&frame.octets),
            origin: Origin::Own,
        }
    }

    /// Whether this is why `effect` is there: the same packet a link earlier, in a tunnel or out of
    /// it, or the question.
    pub(super) fn causes(&self, effect: &Self) -> bool {
        if self.carried == effect.carried {
            return self.link != effect.link || self.packet != effect.packet;
        }
        self.link == effect.link
            && (self.asks.is_some() && self.asks == effect.answers || effect.is_error_about(self))
    }

    fn is_error_about(&self, other: &Self) -> bool {
        self.quotes.as_ref().is_some_and(|quoted| other.packet.starts_with(quoted))
    }

    /// Its packet on its link.
    fn place(&self) -> (String, Vec<u8>) {
        (self.link.clone(), self.packet.clone())
    }

    /// From where to where, through which tunnels.
    fn way(&self) -> String {
        let ends = self.layers.iter().filter_map(|layer| {
            Some(format!("{} → {}", layer.str("source")?, layer.str("destination")?))
        });
        ends.collect::<Vec<_>>().join(", ")
    }
}

/// The frames before one, as far as they may be what it comes from.
#[derive(Default)]
struct Seen {
    /// What was seen on any link, in a tunnel or out of it: by what is inside all tunnels.
    packets: BTreeSet<Vec<u8>>,
    /// Why a packet was where it was first seen on a link: one that is sent again is there for that.
    origins: BTreeMap<(String, Vec<u8>), Origin>,
    /// What was asked on which link.
    questions: BTreeSet<(String, String)>,
}

impl Seen {
    fn origin_of(&self, event: &Event) -> Origin {
        if let Some(origin) = self.origins.get(&event.place()) {
            return origin.clone();
        }
        let is_copy = self.packets.contains(&event.carried);
        let message = event.layers.last().and_then(|layer| layer.str("message"));
        let is_reply = matches!(
            message,
            Some(
                "Home Test"
                    | "Care-of Test"
                    | "Echo Reply"
                    | "Home Agent Notification Ack"
                    | "Binding Reply"
                    | "Binding Change Ack"
            )
        );
        if is_copy || is_reply || event.quotes.is_some() {
            return Origin::Reaction(event.way());
        }
        let is_known =
            |question: &String| self.questions.contains(&(event.link.clone(), question.clone()));
        if event.answers.iter().any(is_known) { Origin::Answer } else { Origin::Own }
    }

    fn note(&mut self, event: &Event) {
        self.origins.entry(event.place()).or_insert_with(|| event.origin.clone());
        self.packets.insert(event.carried.clone());
        self.questions.extend(event.asks.iter().map(|asked| (event.link.clone(), asked.clone())));
    }
}

/// A packet as it stands on every link.
fn without_hop_limit(packet: Option<&[u8]>) -> Vec<u8> {
    let mut packet = packet.unwrap_or_default().to_vec();
    if let Some(hop_limit) = packet.get_mut(7) {
        *hop_limit = 0;
    }
    packet
}

/// What is inside all tunnels of a packet (RFC 2473: a router that tunnels takes one from the hop
/// limit of what it tunnels).
fn carried(packet: &[u8]) -> Vec<u8> {
    let inner = Packet::parse(packet).ok().filter(|packet| packet.protocol == protocol::IPV6);
    match inner {
        Some(outer) => carried(&without_hop_limit(Some(outer.payload))),
        None => packet.to_vec(),
    }
}

/// What an ICMPv6 error quotes (RFC 4443 §2.1: types below 128, the packet behind eight octets), its
/// hop limit zeroed.
fn quoted(frame: &[u8]) -> Option<Vec<u8>> {
    let packet = frame.get(ethernet::HEADER_LEN..)?;
    let upper = Upper::of(packet).filter(|upper| upper.protocol == protocol::ICMPV6)?;
    let message = packet.get(upper.offset..upper.end)?;
    let (kind, mut quoted) = (message.first()?, message.get(8..)?.to_vec());
    *quoted.get_mut(7)? = 0;
    (*kind < 128).then_some(quoted)
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
