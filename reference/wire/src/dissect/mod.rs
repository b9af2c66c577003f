//! Any packet as layers of fields and as one line, as far as it can be read; it never fails.
//!
//! ```text
//! 2001:db8:f1::1 > 2001:db8:a::a  HAO 2001:db8:a::100  BU seq=1 AH life=600s
//! 2001:db8:a::a > 2001:db8:f1::1 | 2001:db8:c::c > 2001:db8:a::100  UDP 5060 > 5060  INVITE …
//! ```

mod icmpv6;
mod mobility;
mod network;
mod session;
mod upper;

use std::fmt;
use std::net::Ipv6Addr;

use crate::WireError;
use crate::ethernet::{self, FrameView};

/// What was read of some octets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers {
    /// The headers and messages, the outermost first.
    pub layers: Vec<Layer>,
    /// The first thing found wrong; what could be read behind it was read.
    pub stopped: Option<WireError>,
}

/// One header or message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// `ethernet`, `ipv6`, `destination options`, `udp`, `sip` …
    pub name: &'static str,
    /// What the line says of it; empty where it says nothing.
    pub summary: String,
    /// Its fields, in wire order.
    pub fields: Vec<Field>,
}

/// One field of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// In the words of its RFC.
    pub name: &'static str,
    /// What it holds.
    pub value: Value,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number, in the unit of its RFC.
    Number(u64),
    /// A flag.
    Flag(bool),
    /// An IPv6 address.
    Address(Ipv6Addr),
    /// Anything else.
    Text(String),
}

/// An Ethernet frame as one line.
pub fn dissect(frame: &[u8]) -> String {
    Layers::of_frame(frame).to_string()
}

/// An IPv6 packet as one line.
pub fn dissect_packet(packet: &[u8]) -> String {
    Layers::of_packet(packet).to_string()
}

impl Layers {
    /// Reads an Ethernet frame.
    pub fn of_frame(frame: &[u8]) -> Self {
        let mut layers = Self::default();
        let Some(view) = layers.keep(FrameView::new(frame)) else {
            return layers;
        };
        let header = &view.header;
        let mut layer = Layer::new("ethernet", String::new())
            .with("destination", header.destination.to_string())
            .with("source", header.source.to_string())
            .with("type", u64::from(view.ether_type));
        if let Some(vlan) = view.vlan {
            layer = layer.with("vlan", u64::from(vlan));
        }
        // The addresses of an IPv6 packet say more than those of its frame.
        if view.ether_type != ethernet::IPV6 {
            layer.summary = format!(
                "{} > {}  type {:#06x}  {} octets",
                header.source,
                header.destination,
                view.ether_type,
                view.payload.len()
            );
            layers.push(layer);
            return layers;
        }
        layers.push(layer);
        layers.network(view.payload);
        layers
    }

    /// Reads an IPv6 packet.
    pub fn of_packet(packet: &[u8]) -> Self {
        let mut layers = Self::default();
        layers.network(packet);
        layers
    }

    /// Reads a Mobility Header by itself: no addresses are known to verify its checksum with.
    pub fn of_mobility_header(octets: &[u8]) -> Self {
        let mut layers = Self::default();
        layers.mobility(octets, None);
        layers
    }

    /// Reads a SIP message, as a datagram holds it.
    pub fn of_sip(octets: &[u8]) -> Self {
        let mut layers = Self::default();
        layers.sip(octets, true);
        layers
    }

    /// Reads a session description.
    pub fn of_sdp(octets: &[u8]) -> Self {
        let mut layers = Self::default();
        layers.sdp(octets);
        layers
    }

    /// Reads an RTP packet.
    pub fn of_rtp(octets: &[u8]) -> Self {
        let mut layers = Self::default();
        layers.rtp(octets);
        layers
    }

    fn push(&mut self, layer: Layer) {
        self.layers.push(layer);
    }

    /// Keeps the first error of all.
    fn note(&mut self, outcome: Result<(), WireError>) {
        if let (None, Err(error)) = (self.stopped, outcome) {
            self.stopped = Some(error);
        }
    }

    /// The value, or nothing and the error kept.
    fn keep<T>(&mut self, outcome: Result<T, WireError>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                self.note(Err(error));
                None
            }
        }
    }
}

impl fmt::Display for Layers {
    /// The summaries in one line, a bar before each inner packet, at last what is wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = false;
        for layer in self.layers.iter().filter(|layer| !layer.summary.is_empty()) {
            if said {
                f.write_str(if layer.name == IPV6 { " | " } else { "  " })?;
            }
            f.write_str(&layer.summary)?;
            said = true;
        }
        if let Some(error) = &self.stopped {
            write!(f, "{}✗ {error}", if said { "  " } else { "" })?;
        }
        Ok(())
    }
}

impl Layer {
    fn new(name: &'static str, summary: String) -> Self {
        Self { name, summary, fields: Vec::new() }
    }

    #[must_use]
    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push(Field { name, value: value.into() });
        self
    }

    /// The first field called `name`.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Ipv6Addr> for Value {
    fn from(address: Ipv6Addr) -> Self {
        Self::Address(address)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// The name of the layers that begin a packet.
const IPV6: &str = "ipv6";
