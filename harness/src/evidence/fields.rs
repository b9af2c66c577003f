//! A frame as layers of named fields, each with what two runs have to do with each other in it.
//!
//! The wire package reads; here its fields get the names that programs see and their [`Meaning`].

use std::net::Ipv6Addr;

use roamproof_wire::WireError;
use roamproof_wire::dissect::{self, Layers};

use super::layer::{Field, Layer, Meaning};

/// A dissected frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Dissection {
    /// Its layers, the outermost first.
    pub layers: Vec<Layer>,
    /// The first thing that is wrong with it. What could be read behind it was read.
    pub error: Option<WireError>,
    /// It in one line, without the error.
    pub line: String,
}

/// What octets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OctetsKind {
    /// An Ethernet frame.
    Ethernet,
    /// An IPv6 packet.
    Ipv6,
    /// A Mobility Header, whose checksum cannot be verified without addresses.
    Mobility,
    /// A SIP message.
    Sip,
    /// A session description.
    Sdp,
    /// An RTP packet.
    Rtp,
}

impl OctetsKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Ethernet, Self::Ipv6, Self::Mobility, Self::Sip, Self::Sdp, Self::Rtp];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::Ipv6 => "ipv6",
            Self::Mobility => "mobility",
            Self::Sip => "sip",
            Self::Sdp => "sdp",
            Self::Rtp => "rtp",
        }
    }

    /// The kind called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Dissects an Ethernet frame.
pub fn of(octets: &[u8]) -> Dissection {
    of_kind(OctetsKind::Ethernet, octets)
}

/// Dissects octets that are of this kind.
pub fn of_kind(kind: OctetsKind, octets: &[u8]) -> Dissection {
    let mut read = match kind {
        OctetsKind::Ethernet => Layers::of_frame(octets),
        OctetsKind::Ipv6 => Layers::of_packet(octets),
        OctetsKind::Mobility => Layers::of_mobility_header(octets),
        OctetsKind::Sip => Layers::of_sip(octets),
        OctetsKind::Sdp => Layers::of_sdp(octets),
        OctetsKind::Rtp => Layers::of_rtp(octets),
    };
    let error = read.stopped.take();
    let line = read.to_string();
    let mut ends = Ends::default();
    let layers = read.layers.into_iter().map(|layer| named(layer, &mut ends)).collect();
    Dissection { layers, error, line }
}

/// The addresses that upper layers see.
#[derive(Debug, Default)]
struct Ends {
    source: Option<Ipv6Addr>,
    destination: Option<Ipv6Addr>,
}

impl Ends {
    fn note(&mut self, layer: &dissect::Layer) {
        let address = |name: &str| match layer.field(name) {
            Some(dissect::Value::Address(address)) => Some(*address),
            Some(dissect::Value::Number(_) | dissect::Value::Flag(_) | dissect::Value::Text(_))
            | None => None,
        };
        match layer.name {
            "ipv6" => {
                *self = Self { source: address("source"), destination: address("destination") };
            }
            "destination options" => self.source = address("home address").or(self.source),
            "routing (type 2)" => {
                self.destination = address("home address").or(self.destination);
            }
            _ => {}
        }
    }

    fn source(&self) -> String {
        self.source.map_or(String::new(), |address| address.to_string())
    }

    fn destination(&self) -> String {
        self.destination.map_or(String::new(), |address| address.to_string())
    }

    /// Both, in an order that an answer does not turn round.
    fn peers(&self) -> String {
        let (one, other) = (self.source.min(self.destination), self.source.max(self.destination));
        let told = |address: Option<Ipv6Addr>| address.map_or(String::new(), |a| a.to_string());
        format!("{} ↔ {}", told(one), told(other))
    }
}

fn named(layer: dissect::Layer, ends: &mut Ends) -> Layer {
    ends.note(&layer);
    let name = match layer.name {
        "mobility header" => "mobility",
        "routing (type 2)" => "routing",
        "destination options" => "destination-options",
        "hop-by-hop options" => "hop-by-hop-options",
        "fragment data" => "fragment-data",
        "no next header" => "no-next-header",
        name => name,
    };
    let is_lookup = layer.field("lookup").is_some();
    let fields = layer.fields.into_iter().map(|field| {
        // What remains of a time hangs on when it is told.
        let remains = is_lookup && field.name.starts_with("lifetime");
        let meaning = if remains { Meaning::Verified } else { meaning(name, field.name, ends) };
        Field { name: field.name.replace(' ', "-"), value: json(field.value), meaning }
    });
    Layer { name, summary: layer.summary, fields: fields.collect() }
}

fn meaning(layer: &str, field: &str, ends: &Ends) -> Meaning {
    let varies = |class: String| Meaning::Varies(class);
    match (layer, field) {
        (
            _,
            "checksum"
            | "payload length"
            | "header length"
            | "length"
            | "body length"
            | "authenticator"
            | "message authenticator",
        )
        | ("tcp", "window" | "acknowledgment") => Meaning::Verified,
        ("udp" | "tcp", "source port") => varies(format!("port {}", ends.source())),
        ("udp" | "tcp", "destination port") => varies(format!("port {}", ends.destination())),
        ("tcp", "sequence") => {
            varies(format!("TCP sequence {} → {}", ends.source(), ends.destination()))
        }
        ("fragment", "identification") => varies("identification".to_owned()),
        ("icmpv6", "identifier") => varies("ICMPv6 identifier".to_owned()),
        ("mobility", "cookie") => varies("cookie".to_owned()),
        ("mobility", "keygen token") => varies("token".to_owned()),
        // Nonces are the correspondent's, so are their indices.
        ("mobility", "nonce index") => varies(format!("nonce index of {}", ends.source())),
        ("mobility", "home nonce index" | "care-of nonce index") => {
            varies(format!("nonce index of {}", ends.destination()))
        }
        ("mobility", "sequence") => varies(format!("sequence {}", ends.peers())),
        ("mobility", "replay protection") => varies("timestamp".to_owned()),
        ("mobility", "transaction") => varies("transaction".to_owned()),
        ("rtp", "sequence" | "timestamp" | "ssrc") => varies(format!("RTP {field}")),
        ("sip", "message" | "status") => Meaning::Fixed,
        ("sip" | "sdp", _) => Meaning::Text,
        _ => Meaning::Fixed,
    }
}

fn json(value: dissect::Value) -> serde_json::Value {
    match value {
        dissect::Value::Number(number) => number.into(),
        dissect::Value::Flag(flag) => flag.into(),
        dissect::Value::Address(address) => address.to_string().into(),
        dissect::Value::Text(text) => text.into(),
    }
}
