//! What one frame is at a glance: from where to where, through which tunnels, of which kind.

use std::net::Ipv6Addr;

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
        let mut sight = Self {
            source_mac: mac(6),
            destination_mac: mac(0),
            headers: Vec::new(),
            home_source: None,
            home_destination: None,
            kind: Kind::Other,
            line: String::new(),
        };
        match octets.get(12..14) {
            Some([0x86, 0xdd]) => sight.look_at_packet(&octets[14..]),
            Some([high, low]) => sight.line = format!("EtherType {high:#04x}{low:02x}"),
            _ => "cut short".clone_into(&mut sight.line),
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

    fn look_at_packet(&mut self, octets: &[u8]) {
        let mut packet = octets;
        while let Some((header, rest)) = packet.split_at_checked(IPV6_HEADER) {
            if header[0] >> 4 != 6 || self.headers.len() == TUNNELS_MAX {
                break;
            }
            (self.home_source, self.home_destination) = (None, None);
            self.headers.push((address(header, 8), address(header, 24)));
            let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
            let rest = &rest[..length.min(rest.len())];
            let (next, rest) = self.look_past_extensions(header[6], rest);
            if next != IPV6 {
                (self.kind, self.line) = upper(next, rest);
                return;
            }
            packet = rest;
        }
        "no IPv6 header".clone_into(&mut self.line);
    }

    fn look_past_extensions<'a>(&mut self, next: u8, octets: &'a [u8]) -> (u8, &'a [u8]) {
        let (mut next, mut rest) = (next, octets);
        while matches!(next, HOP_BY_HOP | ROUTING | DESTINATION) {
            let Some(&[following, length, kind, ..]) = rest.first_chunk::<8>() else { break };
            let Some((header, after)) = rest.split_at_checked((usize::from(length) + 1) * 8) else {
                break;
            };
            match next {
                ROUTING if kind == 2 && header.len() == 24 => {
                    self.home_destination = Some(address(header, 8));
                }
                DESTINATION => self.home_source = home_address(&header[2..]).or(self.home_source),
                _ => {}
            }
            (next, rest) = (following, after);
        }
        (next, rest)
    }
}

/// The address of the Home Address option (RFC 6275 6.3) among destination options.
fn home_address(options: &[u8]) -> Option<Ipv6Addr> {
    let mut rest = options;
    while let [kind, after @ ..] = rest {
        if *kind == 0 {
            rest = after;
            continue;
        }
        let (length, after) = after.split_first()?;
        let (data, after) = after.split_at_checked(usize::from(*length))?;
        if *kind == HOME_ADDRESS && data.len() == 16 {
            return Some(address(data, 0));
        }
        rest = after;
    }
    None
}

fn upper(next: u8, octets: &[u8]) -> (Kind, String) {
    match next {
        MOBILITY => (Kind::Mobility, mobility(octets)),
        UDP => datagram(octets),
        TCP => segment(octets),
        ICMPV6 => icmpv6(octets),
        FRAGMENT => (Kind::Other, "fragment".to_owned()),
        NO_NEXT_HEADER => (Kind::Other, "no next header".to_owned()),
        other => (Kind::Other, format!("protocol {other}")),
    }
}

fn mobility(octets: &[u8]) -> String {
    let Some(&[_, _, kind, _, _, _, ..]) = octets.first_chunk::<6>() else {
        return "Mobility Header, cut short".to_owned();
    };
    let half = |at: usize| {
        let octets = octets.get(at..).and_then(<[u8]>::first_chunk::<2>);
        octets.map_or(0, |octets| u16::from_be_bytes(*octets))
    };
    match kind {
        0 => "BRR".to_owned(),
        1 => "HoTI".to_owned(),
        2 => "CoTI".to_owned(),
        3 => format!("HoT nonce={}", half(6)),
        4 => format!("CoT nonce={}", half(6)),
        5 => format!("BU seq={} {} s", half(6), u32::from(half(10)) * 4),
        6 => format!(
            "BA seq={} status={} {} s",
            half(8),
            octets.get(6).unwrap_or(&0),
            u32::from(half(10)) * 4
        ),
        7 => format!("BE status={}", octets.get(6).unwrap_or(&0)),
        other => format!("Mobility Header type {other}"),
    }
}

fn datagram(octets: &[u8]) -> (Kind, String) {
    let Some((header, payload)) = octets.split_at_checked(8) else {
        return (Kind::Other, "UDP, cut short".to_owned());
    };
    if let Some(line) = sip_line(payload) {
        return (Kind::Sip, line);
    }
    let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    match payload {
        [first, 200..=204, ..] if first >> 6 == 2 => (Kind::Media, "RTCP".to_owned()),
        [first, kind, ..] if first >> 6 == 2 && payload.len() >= 12 => {
            (Kind::Media, format!("RTP payload type {}", kind & 0x7f))
        }
        _ => (Kind::Other, format!("UDP {} → {}", port(0), port(2))),
    }
}

fn segment(octets: &[u8]) -> (Kind, String) {
    let offset = octets.get(12).map_or(20, |octet| usize::from(octet >> 4) * 4);
    let payload = octets.get(offset..).unwrap_or_default();
    if let Some(line) = sip_line(payload) {
        return (Kind::Sip, format!("{line} (TCP)"));
    }
    let kind = if payload.is_empty() { Kind::Noise } else { Kind::Other };
    (kind, format!("TCP, {} octets", payload.len()))
}

/// The start line of a SIP message, in the words that tell it from others.
fn sip_line(payload: &[u8]) -> Option<String> {
    let end = payload.iter().take(400).position(|octet| *octet == b'\r' || *octet == b'\n')?;
    let line = std::str::from_utf8(&payload[..end]).ok()?;
    if let Some(status) = line.strip_prefix("SIP/2.0 ") {
        return Some(status.to_owned());
    }
    line.strip_suffix(" SIP/2.0").map(ToOwned::to_owned)
}

fn icmpv6(octets: &[u8]) -> (Kind, String) {
    let (kind, code) = (octets.first().copied(), octets.get(1).copied().unwrap_or(0));
    let Some(kind) = kind else { return (Kind::Other, "ICMPv6, cut short".to_owned()) };
    match kind {
        1 => (Kind::Other, format!("Destination Unreachable code {code}")),
        2 => (Kind::Other, "Packet Too Big".to_owned()),
        3 => (Kind::Other, format!("Time Exceeded code {code}")),
        4 => (Kind::Other, format!("Parameter Problem code {code}")),
        128 => (Kind::Other, "Echo Request".to_owned()),
        129 => (Kind::Other, "Echo Reply".to_owned()),
        130..=132 | 143 => (Kind::Noise, format!("MLD type {kind}")),
        133..=137 => (Kind::Noise, format!("ND type {kind}")),
        144..=147 => (Kind::Mobility, format!("Home agent discovery, type {kind}")),
        other => (Kind::Other, format!("ICMPv6 type {other}")),
    }
}

fn address(octets: &[u8], at: usize) -> Ipv6Addr {
    let octets = octets.get(at..).and_then(<[u8]>::first_chunk::<16>);
    Ipv6Addr::from(octets.copied().unwrap_or_default())
}

const IPV6_HEADER: usize = 40;
const TUNNELS_MAX: usize = 8;
const HOME_ADDRESS: u8 = 0xc9;
const HOP_BY_HOP: u8 = 0;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const ICMPV6: u8 = 58;
const NO_NEXT_HEADER: u8 = 59;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
