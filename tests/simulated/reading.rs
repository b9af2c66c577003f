//! What a watcher reads of a frame, by `wire` alone: the packet inside its tunnel, and SIP in it.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Ethernet;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::tcp::TcpView;
use roamproof_wire::udp::UdpView;

/// The packet inside all tunnels.
pub(crate) struct Reading<'a> {
    /// Source and destination of the innermost tunnel around it.
    pub(crate) tunnel: Option<(Ipv6Addr, Ipv6Addr)>,
    pub(crate) packet: Packet<'a>,
}

/// What an upper layer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    Mobility(&'a [u8]),
    /// SIP in a datagram.
    Sip(&'a [u8]),
    /// SIP in a segment of a stream, or a piece of it, and where it stands there.
    SipStream(&'a [u8], Place),
    Media,
    Icmp {
        kind: u8,
    },
    Other,
}

/// Where a segment stands in which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    ports: (u16, u16),
    sequence: u32,
}

const SIP_PORT: u16 = 5060;

/// Reads a frame; `None` where it is no IPv6 packet that a node could read.
pub(crate) fn read(frame: &[u8]) -> Option<Reading<'_>> {
    let (_, octets) = Ethernet::parse(frame).ok()?;
    let mut packet = Packet::parse(octets).ok()?;
    let mut tunnel = None;
    while packet.protocol == protocol::IPV6 {
        tunnel = Some((packet.header.source, packet.header.destination));
        packet = Packet::parse(packet.payload).ok()?;
    }
    Some(Reading { tunnel, packet })
}

impl<'a> Reading<'a> {
    pub(crate) fn content(&self) -> Content<'a> {
        let payload = self.packet.payload;
        match self.packet.protocol {
            protocol::MOBILITY => Content::Mobility(payload),
            protocol::UDP => match UdpView::new(payload) {
                Ok(udp) if [udp.source_port(), udp.destination_port()].contains(&SIP_PORT) => {
                    Content::Sip(udp.payload())
                }
                Ok(_) => Content::Media,
                Err(_) => Content::Other,
            },
            protocol::TCP => match TcpView::new(payload) {
                Ok(tcp) if !tcp.payload().is_empty() => {
                    let ports = (tcp.source_port(), tcp.destination_port());
                    Content::SipStream(tcp.payload(), Place { ports, sequence: tcp.sequence() })
                }
                Ok(_) | Err(_) => Content::Other,
            },
            protocol::ICMPV6 => {
                payload.first().map_or(Content::Other, |kind| Content::Icmp { kind: *kind })
            }
            _ => Content::Other,
        }
    }
}

impl<'a> Content<'a> {
    /// The octets of SIP.
    pub(crate) const fn sip(self) -> Option<&'a [u8]> {
        match self {
            Content::Sip(octets) | Content::SipStream(octets, _) => Some(octets),
            Content::Mobility(_) | Content::Media | Content::Icmp { .. } | Content::Other => None,
        }
    }
}

/// Streams of SIP in one direction, put together from segments in whatever order they come.
#[derive(Debug, Default)]
pub(crate) struct Streams(BTreeMap<(u16, u16), Stream>);

#[derive(Debug)]
struct Stream {
    /// The sequence number of the octet behind `octets`.
    next: u32,
    /// What has come and is not read yet.
    octets: Vec<u8>,
    ahead: BTreeMap<u32, Vec<u8>>,
}

impl Streams {
    /// Takes in a segment, and reads the heads that are whole now.
    pub(crate) fn push(&mut self, place: Place, octets: &[u8]) -> Vec<Head> {
        let Place { ports, sequence } = place;
        let stream = self.0.entry(ports).or_insert_with(|| Stream {
            next: sequence,
            octets: Vec::new(),
            ahead: BTreeMap::new(),
        });
        let ahead = stream.ahead.entry(sequence).or_default();
        if ahead.len() < octets.len() {
            *ahead = octets.to_vec();
        }
        // Segments that begin at or before the next octet, and end behind it.
        loop {
            let next = stream.next;
            let known = |(at, octets): (&u32, &Vec<u8>)| {
                let from = usize::try_from(next.wrapping_sub(*at)).ok()?;
                (from < octets.len()).then_some((*at, from))
            };
            let Some((at, from)) = stream.ahead.iter().find_map(known) else { break };
            let octets = stream.ahead.remove(&at).unwrap_or_default();
            stream.octets.extend_from_slice(&octets[from..]);
            let len = u32::try_from(octets.len() - from).unwrap_or(0);
            stream.next = next.wrapping_add(len);
        }
        let whole = stream.octets.windows(4).rposition(|end| end == b"\r\n\r\n");
        let read: Vec<u8> = stream.octets.drain(..whole.map_or(0, |at| at + 4)).collect();
        messages(&read)
    }
}

/// The SIP messages that begin in `octets`: each as its first line, Call-ID and CSeq.
pub(crate) fn messages(octets: &[u8]) -> Vec<Head> {
    let text = String::from_utf8_lossy(octets);
    let mut heads: Vec<Head> = Vec::new();
    for line in text.split("\r\n") {
        if line.starts_with("SIP/2.0 ") || line.ends_with(" SIP/2.0") {
            heads.push(Head { first_line: line.to_owned(), ..Head::default() });
        }
        let Some(head) = heads.last_mut() else { continue };
        if let Some(call_id) = line.strip_prefix("Call-ID: ") {
            head.call_id = call_id.to_owned();
        } else if let Some(cseq) = line.strip_prefix("CSeq: ") {
            head.cseq = cseq.to_owned();
        } else if let Some(to) = line.strip_prefix("To: ") {
            head.in_dialog = to.contains(";tag=");
        }
    }
    heads
}

/// The beginning of a SIP message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) first_line: String,
    pub(crate) call_id: String,
    pub(crate) cseq: String,
    pub(crate) in_dialog: bool,
}

impl Head {
    /// The status of a response to an INVITE.
    pub(crate) fn status_to_invite(&self) -> Option<u16> {
        let status = self.first_line.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()?;
        self.cseq.ends_with(" INVITE").then_some(status)
    }

    /// Whether this is a request of a call, of a party's own accord: no ACK.
    pub(crate) fn is_request_of_call(&self) -> bool {
        ["INVITE ", "CANCEL ", "BYE "].iter().any(|method| self.first_line.starts_with(method))
    }

    /// Whether this is the INVITE that begins a call.
    pub(crate) fn begins_call(&self) -> bool {
        self.first_line.starts_with("INVITE ") && !self.in_dialog
    }
}

/// Every IPv6 address that stands in `octets` in a textual form.
pub(crate) fn addresses_in(octets: &[u8]) -> impl Iterator<Item = Ipv6Addr> {
    let part_of_address = |octet: &u8| octet.is_ascii_hexdigit() || *octet == b':';
    octets
        .split(move |octet| !part_of_address(octet))
        .filter(|word| word.iter().filter(|octet| **octet == b':').count() >= 2)
        .filter_map(|word| std::str::from_utf8(word).ok()?.trim_end_matches(':').parse().ok())
}
