//! What one frame is at a glance: from where to where, through which tunnels, of which kind.

use std::net::Ipv6Addr;

use super::fields;
use super::layer::Layer;

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A Mobility Header, or an ICMPv6 message of home agent or prefix discovery.
    Mobility,
    /// A SIP message.
    Sip,
    /// RTP or RTCP.
    Media,
    /// Neighbour discovery, multicast listener discovery, bare TCP segments: what links are full of.
    Noise,
    /// Anything else.
    Other,
}

/// A frame at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The link-layer source.
    pub source_mac: [u8; 6],
    /// The link-layer destination.
    pub destination_mac: [u8; 6],
    /// The outermost IPv6 header first: source and destination as they stand in each header; the
    /// last is that of the packet inside all tunnels. Empty where this is no IPv6.
    pub headers: Vec<(Ipv6Addr, Ipv6Addr)>,
    /// The address in the innermost packet's Home Address option.
    pub home_source: Option<Ipv6Addr>,
    /// The address in the innermost packet's type 2 routing header.
    pub home_destination: Option<Ipv6Addr>,
    /// Its kind.
    pub kind: Kind,
    /// What it says, in one line.
    pub line: String,
}

impl Sight {
    /// Looks at an Ethernet frame. Never fails: what cannot be read is of kind [`Kind::Other`].
    pub fn of(octets: &[u8]) -> Self {
        let mac = |at: usize| {
            let octets = octets.get(at..).and_then(<[u8]>::first_chunk::<6>);
            octets.copied().unwrap_or_default()
        };
        let sight = Self::of_layers(&fields::of(octets).layers);
        Self { source_mac: mac(6), destination_mac: mac(0), ..sight }
    }

    /// Looks at a dissected frame, whose link-layer addresses are not known.
    pub fn of_layers(layers: &[Layer]) -> Self {
        let mut sight = Self {
            source_mac: [0; 6],
            destination_mac: [0; 6],
            headers: Vec::new(),
            home_source: None,
            home_destination: None,
            kind: Kind::Other,
            line: String::new(),
        };
        for layer in layers {
            let address = |name: &str| layer.str(name).and_then(|text| text.parse().ok());
            match layer.name {
                "ipv6" => {
                    let (source, destination) = (address("source"), address("destination"));
                    sight.headers.extend(source.zip(destination));
                    (sight.home_source, sight.home_destination) = (None, None);
                }
                "destination-options" => sight.home_source = address("home-address"),
                "routing" => sight.home_destination = address("home-address"),
                _ => {}
            }
        }
        let inner = layers.iter().rposition(|layer| layer.name == "ipv6").map_or(0, |at| at + 1);
        (sight.kind, sight.line) = glance(&layers[inner..]);
        sight
    }

    /// Source and destination of the packet inside all tunnels.
    pub fn innermost(&self) -> Option<(Ipv6Addr, Ipv6Addr)> {
        self.headers.last().copied()
    }

    /// Source and destination of each tunnel around it, the outermost first.
    pub fn tunnels(&self) -> &[(Ipv6Addr, Ipv6Addr)] {
        self.headers.split_last().map_or(&[], |(_, tunnels)| tunnels)
    }
}

/// Kind and line of what lies in the innermost packet.
fn glance(layers: &[Layer]) -> (Kind, String) {
    let layer = |name: &str| layers.iter().find(|layer| layer.name == name);
    if let Some(sip) = layer("sip") {
        if let Some(status) = sip.summary.strip_prefix("SIP/2.0 ") {
            // `200 OK` alone does not say what it answers.
            let method = sip.str("message").and_then(|message| message.split(' ').nth(1));
            let method = method.map_or(String::new(), |method| format!(" ({method})"));
            return (Kind::Sip, format!("{status}{method}"));
        }
        let line = sip.summary.strip_suffix(" SIP/2.0").unwrap_or(&sip.summary);
        return (Kind::Sip, line.to_owned());
    }
    if let Some(rtp) = layer("rtp") {
        let kind = rtp.value("payload-type").map(ToString::to_string).unwrap_or_default();
        return (Kind::Media, format!("RTP payload type {kind}"));
    }
    let said = layers
        .iter()
        .filter(|layer| {
            !["destination-options", "hop-by-hop-options", "routing"].contains(&layer.name)
        })
        .filter(|layer| !layer.summary.is_empty());
    let line: Vec<&str> = said.map(|layer| layer.summary.as_str()).collect();
    (kind(layers), line.join("  "))
}

fn kind(layers: &[Layer]) -> Kind {
    let Some(layer) = layers.last() else { return Kind::Other };
    match (layer.name, layer.value("type").and_then(serde_json::Value::as_u64)) {
        ("mobility", _) | ("icmpv6", Some(144..=147)) => Kind::Mobility,
        ("icmpv6", Some(130..=137 | 143)) | ("tcp", _) => Kind::Noise,
        _ => Kind::Other,
    }
}
