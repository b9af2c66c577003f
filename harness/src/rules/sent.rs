//! A message as a rule sees it: one IPv6 packet on the link or in a tunnel, read as far as it can be.

use std::cell::OnceCell;
use std::net::Ipv6Addr;

use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::extension::{Chain, Extension};
use roamproof_wire::ipv6::option::{HOME_ADDRESS, Options, RawOption};
use roamproof_wire::ipv6::{HEADER_LEN, Header, Packet, protocol};
use roamproof_wire::mobility::{HeaderView, RawOptions, mh_type};
use roamproof_wire::sip::{Fields, HeaderName, Message as SipMessage, MessageView};
use roamproof_wire::udp::Udp;

use crate::topology::Role;

/// One packet that somebody sent.
#[derive(Debug, Clone)]
pub struct Sent<'a> {
    /// Who sent it, where that is known.
    pub role: Option<Role>,
    /// From the IPv6 header on, as long as its Payload Length says.
    pub octets: &'a [u8],
    /// Where it begins, from the start of the outermost IPv6 header.
    pub offset: usize,
    /// How many tunnels it is in.
    pub depth: usize,
    /// Its header.
    pub header: Header,
    /// Its extension headers, in their order.
    pub extensions: Vec<Extension<'a>>,
    /// What `payload` is.
    pub protocol: u8,
    /// What follows the last extension header.
    pub payload: &'a [u8],
    /// Where that begins, from the start of this packet.
    pub payload_offset: usize,
    /// Whether it is a fragment of a larger packet: what is in it can not be judged.
    pub piece: bool,
    sip: OnceCell<Option<SipMessage>>,
}

impl<'a> Sent<'a> {
    /// The packet at the front of `octets`, and those in it where it is a tunnel packet, the outermost
    /// first; `None` where it is no IPv6 packet or its chain of headers is broken.
    pub fn all(octets: &'a [u8]) -> Vec<Self> {
        let mut packets = Vec::new();
        let (mut rest, mut offset) = (octets, 0);
        while packets.len() < DEPTH_MAX {
            let Some(sent) = Self::read(rest, offset, packets.len()) else { break };
            let inner = sent.protocol == protocol::IPV6 && !sent.piece;
            offset += sent.payload_offset;
            rest = sent.payload;
            packets.push(sent);
            if !inner {
                break;
            }
        }
        packets
    }

    fn read(octets: &'a [u8], offset: usize, depth: usize) -> Option<Self> {
        let header = Header::parse(octets).ok()?;
        let octets = octets.get(..HEADER_LEN + usize::from(header.payload_length))?;
        let mut chain = Chain::new(octets, header.next_header);
        let mut extensions = Vec::new();
        while let Some(extension) = chain.step().ok()? {
            extensions.push(extension);
        }
        let piece = Packet::parse(octets).is_ok_and(|packet| packet.piece().is_some());
        Some(Self {
            role: None,
            octets,
            offset,
            depth,
            header,
            extensions,
            protocol: chain.protocol,
            payload: octets.get(chain.position..)?,
            payload_offset: chain.position,
            piece,
            sip: OnceCell::new(),
        })
    }

    /// The Home Address option: where its address stands, and the address.
    pub fn home_address(&self) -> Option<(usize, Ipv6Addr)> {
        self.home_address_options().next()
    }

    /// Every Home Address option.
    pub fn home_address_options(&self) -> impl Iterator<Item = (usize, Ipv6Addr)> {
        let headers = self.extensions.iter().filter(|one| one.kind == protocol::DESTINATION);
        headers.flat_map(options).filter_map(|option| {
            let address = <[u8; 16]>::try_from(option.data).ok()?;
            (option.kind == HOME_ADDRESS).then_some((option.offset + 2, address.into()))
        })
    }

    /// The type 2 routing header.
    pub fn type_2_routing(&self) -> Option<&Extension<'a>> {
        self.extensions
            .iter()
            .find(|one| one.kind == protocol::ROUTING && one.octets.get(2) == Some(&2))
    }

    /// The source under checksums: the home address where the packet has one.
    pub fn source(&self) -> Ipv6Addr {
        self.home_address().map_or(self.header.source, |(_, home)| home)
    }

    /// The destination under checksums: that of a type 2 routing header with a segment left.
    pub fn destination(&self) -> Ipv6Addr {
        let routing = self.type_2_routing().filter(|one| one.octets.get(3) == Some(&1));
        let home = routing.and_then(|one| one.octets.get(8..24)?.try_into().ok());
        home.map_or(self.header.destination, |home: [u8; 16]| home.into())
    }

    /// The Mobility Header, where this is one that has its first eight octets.
    pub fn mobility(&self) -> Option<HeaderView<&'a [u8]>> {
        if self.protocol != protocol::MOBILITY || self.piece {
            return None;
        }
        HeaderView::new(self.payload).ok()
    }

    /// The Mobility Header, where it is of this type and has at least `length` octets.
    pub fn mobility_of(&self, kind: u8, length: usize) -> Option<&'a [u8]> {
        self.mobility().filter(|view| view.mh_type() == kind && self.payload.len() >= length)?;
        Some(self.payload)
    }

    /// The mobility options of a message that RFC 6275 defines, each as far as it can be read.
    pub fn mobility_options(&self) -> Option<RawOptions<'a>> {
        let start = options_start(self.mobility()?.mh_type())?;
        (self.payload.len() >= start).then(|| RawOptions::new("message", self.payload, start))
    }

    /// The mobility option of this kind: where it begins in the message, and its data.
    pub fn mobility_option(&self, kind: u8) -> Option<(usize, &'a [u8])> {
        let mut options = self.mobility_options()?.filter_map(Result::ok);
        options.find(|option| option.kind == kind).map(|option| (option.offset, option.data))
    }

    /// The SIP message in a datagram, where it is one that can be read.
    pub fn sip(&self) -> Option<&SipMessage> {
        let read = || {
            let datagram =
                Udp::parse(self.source(), self.destination(), self.sip_octets()?).ok()?;
            SipMessage::parse(datagram.payload).ok()
        };
        self.sip.get_or_init(read).as_ref()
    }

    /// Where a SIP message begins, from the start of this packet.
    pub const fn sip_offset(&self) -> usize {
        self.payload_offset + UDP_HEADER_LEN
    }

    /// Where the value of its first header field of this name begins; the message, where it has none.
    pub fn sip_header(&self, name: HeaderName) -> usize {
        let octets = self.payload.get(UDP_HEADER_LEN..).unwrap_or_default();
        let offset = MessageView::read(octets).ok();
        let offset = offset.and_then(|view| view.header(name).map(|header| header.offset));
        self.sip_offset() + offset.unwrap_or_default()
    }

    /// A datagram whose payload begins like a SIP message.
    fn sip_octets(&self) -> Option<&'a [u8]> {
        if self.protocol != protocol::UDP || self.piece {
            return None;
        }
        let line = self.payload.get(UDP_HEADER_LEN..)?.split(|octet| *octet == b'\n').next()?;
        let is_sip = line.starts_with(b"SIP/2.0 ") || line.trim_ascii_end().ends_with(b" SIP/2.0");
        is_sip.then_some(self.payload)
    }

    /// The ICMPv6 message, where it is one that can be read.
    pub fn icmpv6(&self) -> Option<(Packet<'a>, IcmpMessage<'a>)> {
        if self.protocol != protocol::ICMPV6 || self.piece {
            return None;
        }
        let packet = Packet::parse(self.octets).ok()?;
        let message = IcmpMessage::parse(&packet).ok()?;
        Some((packet, message))
    }
}

/// Where the mobility options of a message begin (RFC 6275 §6.1.2 to 6.1.9).
#[must_use]
pub const fn options_start(kind: u8) -> Option<usize> {
    Some(match kind {
        mh_type::BINDING_REFRESH_REQUEST => 8,
        mh_type::HOME_TEST_INIT | mh_type::CARE_OF_TEST_INIT => 16,
        mh_type::BINDING_UPDATE | mh_type::BINDING_ACKNOWLEDGEMENT => 12,
        mh_type::HOME_TEST | mh_type::CARE_OF_TEST | mh_type::BINDING_ERROR => 24,
        _ => return None,
    })
}

fn options<'a>(extension: &Extension<'a>) -> Vec<RawOption<'a>> {
    let mut options = Options::new(extension);
    let mut read = Vec::new();
    while let Ok(Some(option)) = options.step() {
        read.push(option);
    }
    read
}

const UDP_HEADER_LEN: usize = 8;

/// Tunnels in tunnels that are looked into.
const DEPTH_MAX: usize = 4;
