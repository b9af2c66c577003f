//! A frame as layers of named fields, as far as it can be read; the wire package does the reading.

mod icmpv6;
mod mobility;
mod session;

use std::net::Ipv6Addr;

use roamproof_wire::ethernet::FrameView;
use roamproof_wire::ipv6::extension::{Chain, Extension};
use roamproof_wire::ipv6::option::{self, Options};
use roamproof_wire::ipv6::{Fragment, Header, Type2Routing, protocol};
use roamproof_wire::tcp::TcpView;
use roamproof_wire::udp::UdpView;
use roamproof_wire::{WireError, ethernet};

use super::layer::Layer;

/// A dissected frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dissection {
    /// Its layers, the outermost first.
    pub layers: Vec<Layer>,
    /// The first thing that is wrong with it. What could be read behind it was read.
    pub error: Option<WireError>,
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
    let mut dissection = Dissection::default();
    match kind {
        OctetsKind::Ethernet => dissection.ethernet(octets),
        OctetsKind::Ipv6 => dissection.ipv6(octets),
        OctetsKind::Mobility => dissection.mobility(None, octets),
        OctetsKind::Sip => dissection.sip(octets),
        OctetsKind::Sdp => dissection.sdp(octets),
        OctetsKind::Rtp => dissection.rtp(octets),
    }
    dissection
}

/// The addresses that upper layers see, which their checksums cover.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
}

impl Dissection {
    pub(super) fn push(&mut self, layer: Layer) {
        self.layers.push(layer);
    }

    /// Keeps the first error.
    pub(super) fn note(&mut self, outcome: Result<(), WireError>) {
        if let (None, Err(error)) = (self.error, outcome) {
            self.error = Some(error);
        }
    }

    /// The value, or nothing and the error kept.
    pub(super) fn keep<T>(&mut self, outcome: Result<T, WireError>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                self.note(Err(error));
                None
            }
        }
    }

    fn ethernet(&mut self, octets: &[u8]) {
        let Some(frame) = self.keep(FrameView::new(octets)) else { return };
        let mut layer = Layer::new("ethernet")
            .fixed("to", frame.header.destination.to_string())
            .fixed("from", frame.header.source.to_string())
            .fixed("type", format!("0x{:04x}", frame.ether_type));
        if let Some(vlan) = frame.vlan {
            layer = layer.fixed("vlan", vlan);
        }
        self.push(layer);
        if frame.ether_type == ethernet::IPV6 {
            self.ipv6(frame.payload);
        }
    }

    /// A packet and, in a loop, whatever lies in its tunnels.
    fn ipv6(&mut self, octets: &[u8]) {
        let mut inner = Some(octets);
        let mut depth = 0;
        while let Some(octets) = inner {
            depth += 1;
            if depth > PACKETS_MAX {
                let fault = roamproof_wire::Fault::TooMany { bound: PACKETS_MAX };
                self.note(Err(WireError { within: "IPv6 tunnels", offset: 0, fault }));
                return;
            }
            inner = self.packet(octets);
        }
    }

    /// One packet; returns the packet inside, if it is a tunnel's.
    fn packet<'a>(&mut self, octets: &'a [u8]) -> Option<&'a [u8]> {
        let header = self.keep(Header::parse(octets))?;
        self.push(
            Layer::new("ipv6")
                .fixed("source", header.source.to_string())
                .fixed("destination", header.destination.to_string())
                .fixed("hop-limit", header.hop_limit)
                .fixed("next-header", header.next_header)
                .fixed("traffic-class", header.traffic_class)
                .fixed("flow-label", header.flow_label)
                .verified("payload-length", header.payload_length),
        );
        let end = roamproof_wire::ipv6::HEADER_LEN + usize::from(header.payload_length);
        if end > octets.len() {
            let have = octets.len() - roamproof_wire::ipv6::HEADER_LEN;
            let need = header.payload_length.into();
            self.note(Err(WireError::truncated("IPv6 packet", 4, need, have)));
        }
        let octets = &octets[..end.min(octets.len())];
        let mut ends = Ends { source: header.source, destination: header.destination };
        let mut chain = Chain::new(octets, header.next_header);
        loop {
            match chain.step() {
                Ok(Some(extension)) => {
                    if !self.extension(&extension, &mut ends) {
                        return None;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    self.note(Err(error));
                    return None;
                }
            }
        }
        if chain.protocol == protocol::IPV6 {
            return Some(chain.rest());
        }
        self.upper(chain.protocol, ends, chain.rest());
        None
    }

    /// One extension header; false where what follows is only a piece.
    fn extension(&mut self, extension: &Extension<'_>, ends: &mut Ends) -> bool {
        match extension.kind {
            protocol::HOP_BY_HOP => self.options("hop-by-hop-options", extension, ends),
            protocol::DESTINATION => self.options("destination-options", extension, ends),
            protocol::ROUTING => self.routing(extension, ends),
            protocol::FRAGMENT => return self.fragment(extension),
            _ => {}
        }
        true
    }

    fn options(&mut self, name: &'static str, extension: &Extension<'_>, ends: &mut Ends) {
        let mut layer = Layer::new(name);
        let mut options = Options::new(extension);
        loop {
            let step = options.step();
            let option = match step {
                Ok(Some(option)) => option,
                Ok(None) => break,
                Err(error) => {
                    self.note(Err(error));
                    break;
                }
            };
            match (option.kind, option.data) {
                (option::PAD1 | option::PADN, _) => {}
                (option::HOME_ADDRESS, data) if data.len() == 16 => {
                    let home = <[u8; 16]>::try_from(data).map(Ipv6Addr::from);
                    if let Ok(home) = home {
                        ends.source = home;
                        layer = layer.fixed("home-address", home.to_string());
                    }
                }
                (option::TUNNEL_ENCAPSULATION_LIMIT, [limit]) => {
                    layer = layer.fixed("tunnel-encapsulation-limit", *limit);
                }
                (option::ROUTER_ALERT, [high, low]) => {
                    layer = layer.fixed("router-alert", u16::from_be_bytes([*high, *low]));
                }
                (kind, data) => {
                    layer = layer.fixed(&format!("option-{kind}"), hex(data));
                }
            }
        }
        self.push(layer);
    }

    fn routing(&mut self, extension: &Extension<'_>, ends: &mut Ends) {
        let kind = extension.octets[roamproof_wire::ipv6::routing::ROUTING_TYPE];
        let left = extension.octets[roamproof_wire::ipv6::routing::SEGMENTS_LEFT];
        let mut layer = Layer::new("routing").fixed("type", kind).fixed("segments-left", left);
        if kind == roamproof_wire::ipv6::routing::TYPE_2 {
            let parsed = Type2Routing::parse(extension.octets);
            if let Some(routing) = self.keep(parsed.map_err(|e| e.shifted(extension.offset))) {
                layer = layer.fixed("home-address", routing.home_address.to_string());
                if routing.segments_left == 1 {
                    ends.destination = routing.home_address;
                }
            }
        }
        self.push(layer);
    }

    fn fragment(&mut self, extension: &Extension<'_>) -> bool {
        let Some(fragment) = self.keep(Fragment::parse(extension.octets)) else { return false };
        self.push(
            Layer::new("fragment")
                .fixed("offset", fragment.offset)
                .fixed("more", fragment.more)
                .varies("identification", fragment.identification, "identification"),
        );
        fragment.is_atomic()
    }

    fn upper(&mut self, kind: u8, ends: Ends, octets: &[u8]) {
        match kind {
            protocol::MOBILITY => self.mobility(Some(ends), octets),
            protocol::ICMPV6 => self.icmpv6(ends, octets),
            protocol::UDP => self.udp(ends, octets),
            protocol::TCP => self.tcp(ends, octets),
            protocol::NONE => {}
            other => self
                .push(Layer::new("data").fixed("protocol", other).verified("octets", octets.len())),
        }
    }

    fn udp(&mut self, ends: Ends, octets: &[u8]) {
        let Some(udp) = self.keep(UdpView::new(octets)) else { return };
        self.push(
            Layer::new("udp")
                .varies("source-port", udp.source_port(), format!("port {}", ends.source))
                .varies(
                    "destination-port",
                    udp.destination_port(),
                    format!("port {}", ends.destination),
                )
                .verified("length", udp.length())
                .verified("checksum", format!("0x{:04x}", udp.checksum())),
        );
        if usize::from(udp.length()) > octets.len() {
            let need = udp.length().into();
            self.note(Err(WireError::truncated("UDP datagram", 4, need, octets.len())));
            return;
        }
        self.note(udp.verify(ends.source, ends.destination));
        self.datagram(udp.payload());
    }

    fn tcp(&mut self, ends: Ends, octets: &[u8]) {
        let Some(tcp) = self.keep(TcpView::new(octets)) else { return };
        let flow = format!("{} → {}", ends.source, ends.destination);
        self.push(
            Layer::new("tcp")
                .varies("source-port", tcp.source_port(), format!("port {}", ends.source))
                .varies(
                    "destination-port",
                    tcp.destination_port(),
                    format!("port {}", ends.destination),
                )
                .varies("sequence-number", tcp.sequence(), format!("TCP sequence {flow}"))
                .verified("acknowledgment-number", tcp.acknowledgment())
                .fixed("flags", format!("0x{:02x}", tcp.flags().0))
                .verified("window", tcp.window())
                .verified("checksum", format!("0x{:04x}", tcp.checksum())),
        );
        self.note(tcp.verify(ends.source, ends.destination));
        self.stream(tcp.payload());
    }
}

/// Octets as hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Deeper tunnels are not opened.
const PACKETS_MAX: usize = 8;
