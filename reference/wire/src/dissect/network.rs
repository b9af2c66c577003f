//! IPv6 headers, their chain and their tunnels, for the eye.

use std::net::Ipv6Addr;

use crate::ipv6::extension::{Chain, Extension};
use crate::ipv6::option::{self, Options, RawOption};
use crate::ipv6::{Fragment, HEADER_LEN, Header, Type2Routing, protocol, routing};
use crate::{Fault, WireError};

use super::{IPV6, Layer, Layers};

/// The addresses under an upper layer's checksum; `None` once they cannot be known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) source: Ipv6Addr,
    pub(super) destination: Ipv6Addr,
    /// The upper layer is whole and the destination known, so that its checksum can be judged.
    pub(super) whole: bool,
}

impl Layers {
    /// Reads a packet, and whatever lies in its tunnels.
    pub(super) fn network(&mut self, octets: &[u8]) {
        let mut next = Some(octets);
        for _ in 0..TUNNELS_MAX {
            let Some(octets) = next else { return };
            next = self.packet(octets);
        }
        if next.is_some() {
            let fault = Fault::TooMany { bound: TUNNELS_MAX };
            self.note(Err(WireError { within: "IPv6 tunnels", offset: 0, fault }));
        }
    }

    /// Reads one packet; the packet inside, where it is a tunnel's.
    fn packet<'a>(&mut self, octets: &'a [u8]) -> Option<&'a [u8]> {
        let header = self.keep(Header::parse(octets))?;
        self.push(fixed(&header));
        let length = HEADER_LEN + usize::from(header.payload_length);
        let whole = length <= octets.len();
        if !whole {
            let have = octets.len() - HEADER_LEN;
            let need = usize::from(header.payload_length);
            self.note(Err(WireError::truncated("IPv6 packet", HEADER_LEN, need, have)));
        }
        let mut ends = Ends { source: header.source, destination: header.destination, whole };
        let mut chain = Chain::new(&octets[..length.min(octets.len())], header.next_header);
        loop {
            let extension = match chain.step() {
                Ok(Some(extension)) => extension,
                Ok(None) => break,
                Err(error) => {
                    self.note(Err(error));
                    return None;
                }
            };
            if !self.extension(&extension, &mut ends) {
                let length = chain.rest().len();
                self.push(Layer::new("fragment data", format!("{length} octets of a fragment")));
                return None;
            }
        }
        if chain.protocol == protocol::IPV6 {
            return Some(chain.rest());
        }
        self.upper(chain.protocol, chain.rest(), ends);
        None
    }

    /// Reads one extension header; `false` where what follows is a piece from the middle.
    fn extension(&mut self, extension: &Extension<'_>, ends: &mut Ends) -> bool {
        match extension.kind {
            protocol::HOP_BY_HOP => self.options("hop-by-hop options", extension, ends),
            protocol::DESTINATION => self.options("destination options", extension, ends),
            protocol::ROUTING => self.routing(extension, ends),
            _ => return self.fragment(extension, ends),
        }
        true
    }

    fn options(&mut self, name: &'static str, extension: &Extension<'_>, ends: &mut Ends) {
        let mut layer = Layer::new(name, String::new());
        let mut options = Options::new(extension);
        loop {
            match options.step() {
                Ok(Some(option)) => layer = option_field(layer, extension.kind, &option, ends),
                Ok(None) => break,
                Err(error) => {
                    self.note(Err(error));
                    break;
                }
            }
        }
        self.push(layer);
    }

    fn routing(&mut self, extension: &Extension<'_>, ends: &mut Ends) {
        let octets = extension.octets;
        let (kind, left) = (octets[routing::ROUTING_TYPE], octets[routing::SEGMENTS_LEFT]);
        if kind == routing::TYPE_2 {
            let read = Type2Routing::parse(octets).map_err(|error| error.shifted(extension.offset));
            if let Some(routing) = self.keep(read) {
                let home = routing.home_address;
                let mut layer = Layer::new("routing (type 2)", format!("RH2 {home}"))
                    .with("segments left", u64::from(left))
                    .with("home address", home);
                if left == 1 {
                    ends.destination = home;
                } else {
                    layer.summary.push_str(&format!(" left={left}"));
                }
                return self.push(layer);
            }
        }
        // Only the type's own rules say where the final destination stands.
        ends.whole &= left == 0;
        let layer = Layer::new("routing", format!("RH type={kind} left={left}"))
            .with("type", u64::from(kind))
            .with("segments left", u64::from(left));
        self.push(layer);
    }

    /// Reads a Fragment header; `false` where it begins the middle of something.
    fn fragment(&mut self, extension: &Extension<'_>, ends: &mut Ends) -> bool {
        let Some(fragment) = self.keep(Fragment::parse(extension.octets)) else {
            return false;
        };
        let Fragment { offset, more, identification } = fragment;
        let more_follow = if more { " more" } else { "" };
        let summary = format!("fragment id={identification:#010x} offset={offset}{more_follow}");
        let layer = Layer::new("fragment", summary)
            .with("offset", u64::from(offset))
            .with("more", more)
            .with("identification", u64::from(identification));
        self.push(layer);
        ends.whole &= fragment.is_atomic();
        offset == 0
    }
}

fn fixed(header: &Header) -> Layer {
    Layer::new(IPV6, format!("{} > {}", header.source, header.destination))
        .with("traffic class", u64::from(header.traffic_class))
        .with("flow label", u64::from(header.flow_label))
        .with("payload length", u64::from(header.payload_length))
        .with("next header", u64::from(header.next_header))
        .with("hop limit", u64::from(header.hop_limit))
        .with("source", header.source)
        .with("destination", header.destination)
}

/// Adds what `option` says to the layer of its header; padding says nothing.
fn option_field(layer: Layer, header: u8, option: &RawOption<'_>, ends: &mut Ends) -> Layer {
    let destination = header == protocol::DESTINATION;
    match (option.kind, option.data) {
        (option::PAD1 | option::PADN, _) => layer,
        (option::HOME_ADDRESS, data) if destination && data.len() == 16 => {
            let home = <[u8; 16]>::try_from(data).map_or(ends.source, Ipv6Addr::from);
            ends.source = home;
            say(layer, &format!("HAO {home}")).with("home address", home)
        }
        (option::TUNNEL_ENCAPSULATION_LIMIT, &[limit]) if destination => {
            say(layer, &format!("tunnel limit {limit}"))
                .with("tunnel encapsulation limit", u64::from(limit))
        }
        (option::ROUTER_ALERT, &[high, low]) => {
            let value = u16::from_be_bytes([high, low]);
            say(layer, &format!("router alert {value}")).with("router alert", u64::from(value))
        }
        (kind, data) => say(layer, &format!("option {kind:#04x} of {} octets", data.len()))
            .with("option type", u64::from(kind)),
    }
}

/// Adds `text` to the summary of `layer`.
fn say(mut layer: Layer, text: &str) -> Layer {
    if !layer.summary.is_empty() {
        layer.summary.push_str("  ");
    }
    layer.summary.push_str(text);
    layer
}

/// More packets within packets than this are not opened.
const TUNNELS_MAX: usize = 8;
