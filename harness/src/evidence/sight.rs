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
        let last = layers.iter().rev().find(|layer| layer.name != "sdp");
        if let Some(layer) = last {
            (sight.kind, sight.line) = glance(layer);
        }
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

    /// The line with the addresses before it:
    /// `[2001:db8:f1::1 → 2001:db8:a::a] 2001:db8:a::100 → 2001:db8:5::5 180 Ringing`.
    pub fn told(&self) -> String {
        let mut told = String::new();
        for (source, destination) in self.tunnels() {
            told.push_str(&format!("[{source} → {destination}] "));
        }
        if let Some((source, destination)) = self.innermost() {
            let home = |address: Option<Ipv6Addr>| {
                address.map_or(String::new(), |address| format!(" (home {address})"))
            };
            let (from, to) = (home(self.home_source), home(self.home_destination));
            told.push_str(&format!("{source}{from} → {destination}{to} "));
        }
        told + &self.line
    }
}

/// Kind and line of the innermost layer.
fn glance(layer: &Layer) -> (Kind, String) {
    let value = |name: &str| layer.value(name).map(ToString::to_string).unwrap_or_default();
    let number = |name: &str| layer.value(name).and_then(serde_json::Value::as_u64);
    match layer.name {
        "mobility" => (Kind::Mobility, mobility(layer)),
        "sip" => {
            let line = layer.str("start-line").unwrap_or_default();
            let line = line.strip_prefix("SIP/2.0 ").unwrap_or(line);
            (Kind::Sip, line.strip_suffix(" SIP/2.0").unwrap_or(line).to_owned())
        }
        "rtp" => (Kind::Media, format!("RTP payload type {}", value("payload-type"))),
        "rtcp" => (Kind::Media, format!("RTCP type {}", value("type"))),
        "icmpv6" => {
            let kind = match number("type") {
                Some(130..=137 | 143) => Kind::Noise,
                Some(144..=147) => Kind::Mobility,
                _ => Kind::Other,
            };
            let code = number("code").filter(|code| *code > 0);
            let code = code.map_or(String::new(), |code| format!(" code {code}"));
            (kind, format!("{}{code}", layer.str("message").unwrap_or_default()))
        }
        "tcp" => (Kind::Noise, format!("TCP flags {}", layer.str("flags").unwrap_or_default())),
        "data" => (Kind::Other, format!("data, {} octets", value("octets"))),
        "ethernet" => (Kind::Other, format!("EtherType {}", layer.str("type").unwrap_or_default())),
        other => (Kind::Other, other.to_owned()),
    }
}

/// A Mobility Header in the abbreviations of the trade.
fn mobility(layer: &Layer) -> String {
    let value = |name: &str| layer.value(name).map(ToString::to_string).unwrap_or_default();
    let message = layer.str("message").unwrap_or_default();
    let flag = |name: &str| layer.value(name).and_then(serde_json::Value::as_bool) == Some(true);
    match message {
        "Home Test Init" => "HoTI".to_owned(),
        "Care-of Test Init" => "CoTI".to_owned(),
        "Home Test" => format!("HoT nonce={}", value("nonce-index")),
        "Care-of Test" => format!("CoT nonce={}", value("nonce-index")),
        "Binding Update" => {
            let flags: String =
                [("acknowledge", 'A'), ("home-registration", 'H'), ("key-management", 'K')]
                    .into_iter()
                    .filter_map(|(name, letter)| flag(name).then_some(letter))
                    .collect();
            format!("BU seq={} {flags} life={}s", value("sequence"), value("lifetime-seconds"))
        }
        "Binding Acknowledgement" => {
            let (sequence, status) = (value("sequence"), value("status"));
            format!("BA seq={sequence} status={status} life={}s", value("lifetime-seconds"))
        }
        "Binding Error" => format!("BE status={}", value("status")),
        "Binding Refresh Request" => "BRR".to_owned(),
        "Experimental" => match layer.str("lookup") {
            Some(lookup) => format!(
                "{lookup} {} status={}",
                layer.str("home-address").unwrap_or_default(),
                value("status")
            ),
            None => format!("Experimental, magic {}", layer.str("magic").unwrap_or_default()),
        },
        other => other.to_owned(),
    }
}
