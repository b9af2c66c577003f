//! What of a packet of this server's an ICMPv6 error quotes: the tunnel, the transport, the branch.

use std::net::Ipv6Addr;

use roamproof_wire::ipv6::{self, Header, Packet, protocol};

/// A quoted packet, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quoted {
    /// The outer destination, where the packet was in a tunnel of this server's.
    pub(super) care_of: Option<Ipv6Addr>,
    /// Where the packet, or the one inside, went.
    pub(super) destination: Ipv6Addr,
    /// What it carried.
    pub(super) protocol: u8,
    /// The SIP datagram in it, where it is one.
    pub(super) message: Option<QuotedMessage>,
    /// Its ports where it is a TCP segment: this server's and the other side's.
    pub(super) ports: Option<(u16, u16)>,
    /// What follows the last header.
    pub(super) payload: Vec<u8>,
}

/// A SIP datagram of which at least the UDP header is quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QuotedMessage {
    pub(super) to: Ipv6Addr,
    pub(super) port: u16,
    /// The branch of its topmost Via, where that much is quoted.
    pub(super) branch: Option<String>,
    /// Its first word: the method, where it is a request.
    pub(super) method: Option<String>,
}

/// Reads what is quoted of a packet that the server at `own` and `port` sent; `None` where it is
/// no packet of its own.
pub(super) fn read(octets: &[u8], own: Ipv6Addr, port: u16) -> Option<Quoted> {
    let (outer, inner) = packet(octets, own)?;
    let (care_of, header, payload) = match inner {
        Some((header, payload)) => (Some(outer.destination), header, payload),
        None => (None, outer, rest(octets, own)?),
    };
    let ports = payload.first_chunk::<4>().map(|ports| {
        let [a, b, c, d] = *ports;
        (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
    });
    let message = ports.filter(|(from, _)| header.protocol == protocol::UDP && *from == port);
    let message = message.map(|(_, to_port)| {
        let text = payload.get(UDP_HEADER_LEN..).unwrap_or_default();
        QuotedMessage {
            to: header.destination,
            port: to_port,
            branch: branch(text),
            method: method(text),
        }
    });
    let ports = ports.filter(|_| header.protocol == protocol::TCP);
    let Ends { destination, protocol } = header;
    Some(Quoted { care_of, destination, protocol, message, ports, payload })
}

struct Ends {
    destination: Ipv6Addr,
    protocol: u8,
}

type Inner = (Ends, Vec<u8>);

/// The outer addresses, and the packet inside where it is a tunnel.
fn packet(octets: &[u8], own: Ipv6Addr) -> Option<(Ends, Option<Inner>)> {
    let (ends, payload) = opened(octets, own)?;
    if ends.protocol != protocol::IPV6 {
        return Some((ends, None));
    }
    let inner = opened(&payload, own)?;
    Some((ends, Some(inner)))
}

fn rest(octets: &[u8], own: Ipv6Addr) -> Option<Vec<u8>> {
    opened(octets, own).map(|(_, payload)| payload)
}

/// A packet from `own` of which only the beginning may be there. Of a fragment only the first
/// tells more than its addresses.
fn opened(octets: &[u8], own: Ipv6Addr) -> Option<Inner> {
    let header = Header::parse(octets).ok()?;
    if header.source != own {
        return None;
    }
    // A router quotes as much as fits: what is left of it is read as a whole packet.
    let mut whole = octets.to_vec();
    let length = u16::try_from(octets.len().checked_sub(ipv6::HEADER_LEN)?).ok()?;
    whole[PAYLOAD_LENGTH..PAYLOAD_LENGTH + 2].copy_from_slice(&length.to_be_bytes());
    let packet = Packet::parse(&whole).ok()?;
    let ends = Ends { destination: packet.header.destination, protocol: packet.protocol };
    let first = packet.piece().is_none_or(|piece| piece.offset == 0);
    Some((ends, if first { packet.payload.to_vec() } else { Vec::new() }))
}

/// The branch of the first Via in the beginning of a message.
fn branch(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let via = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("via").then(|| value.to_owned())
    })?;
    let (_, after) = via.split_once("branch=")?;
    let end = after.find([';', ',', ' ', '\r']).unwrap_or(after.len());
    Some(after[..end].to_owned())
}

fn method(text: &[u8]) -> Option<String> {
    let end = text.iter().position(|&octet| octet == b' ')?;
    let word = std::str::from_utf8(&text[..end]).ok()?;
    word.bytes().all(|octet| octet.is_ascii_uppercase()).then(|| word.to_owned())
}

/// Where the Payload Length stands in an IPv6 header.
const PAYLOAD_LENGTH: usize = 4;
const UDP_HEADER_LEN: usize = roamproof_wire::udp::HEADER_LEN;
