//! A received packet, its chain of headers walked: what a node works on (RFC 8200 §4).

use std::net::Ipv6Addr;

use crate::WireError;

use super::extension::{Chain, Extension};
use super::fragment::Fragment;
use super::header::{HEADER_LEN, Header, NEXT_HEADER, SOURCE};
use super::option::{self, Action, Options, RawOption};
use super::routing::{self, Type2Routing};
use super::{protocol, tunnel};

/// An IPv6 packet whose extension headers were read and judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed header.
    pub header: Header,
    /// The Home Address option's address: whom the packet is from, if a binding confirms it.
    pub home_address: Option<Ipv6Addr>,
    /// The type 2 routing header.
    pub routing: Option<Type2Routing>,
    /// The Fragment header. Unless it is atomic, `payload` is a piece that [`Reassembly`] wants.
    ///
    /// [`Reassembly`]: super::Reassembly
    pub fragment: Option<Fragment>,
    /// How many more tunnels the packet may enter (RFC 2473 §4.1.1).
    pub tunnel_limit: Option<u8>,
    /// Value of the Router Alert option (RFC 2711).
    pub router_alert: Option<u16>,
    /// What `payload` is: a number of [`protocol`].
    pub protocol: u8,
    /// Where the Next Header field stands that named `protocol`, from the start of the packet.
    pub named_at: usize,
    /// What follows the last extension header.
    pub payload: &'a [u8],
    /// Where `payload` begins, from the start of the packet.
    pub payload_offset: usize,
    /// The whole packet, from the version on, without what was behind its payload length.
    pub octets: &'a [u8],
    /// Where the Fragment header begins, and where the field stands that named it.
    pub(super) fragment_place: Option<(usize, usize)>,
    /// Where the Tunnel Encapsulation Limit's value stands.
    pub(super) tunnel_limit_at: usize,
}

/// Why a packet goes no further, and what its sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong.
    pub error: WireError,
    /// The ICMPv6 Parameter Problem that RFC 8200 wants sent; without one the packet is dropped
    /// silently.
    pub problem: Option<Problem>,
}

/// The code and pointer of an ICMPv6 Parameter Problem (RFC 4443 §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// One of the constants below.
    pub code: u8,
    /// Octets from the start of the offending packet to the field at fault.
    pub pointer: u32,
}

impl Problem {
    /// Code 0: a header field has a value it must not have.
    pub const ERRONEOUS_FIELD: u8 = 0;
    /// Code 1: a Next Header field names something this node does not know.
    pub const UNRECOGNIZED_NEXT_HEADER: u8 = 1;
    /// Code 2: an option that this node does not know and that must not be skipped.
    pub const UNRECOGNIZED_OPTION: u8 = 2;
    /// Code 3: the first fragment ends before the headers do (RFC 7112).
    pub const INCOMPLETE_CHAIN: u8 = 3;

    /// The problem with `code` at `offset`.
    pub fn at(code: u8, offset: usize) -> Self {
        Self { code, pointer: u32::try_from(offset).unwrap_or(u32::MAX) }
    }
}

impl From<WireError> for Rejected {
    /// A silent drop.
    fn from(error: WireError) -> Self {
        Self { error, problem: None }
    }
}

impl<'a> Packet<'a> {
    /// Reads a packet as a node with Mobile IPv6 does.
    ///
    /// Octets behind the payload length are link-layer padding and cut off. A fragment that is a
    /// piece of a larger packet is read up to its Fragment header.
    ///
    /// # Errors
    ///
    /// [`Rejected`] where a header is cut short, must be known and is not, or holds a forbidden
    /// value. A routing header that is a malformed type 2 is dropped silently (RFC 6275 §11.3.3).
    pub fn parse(octets: &'a [u8]) -> Result<Self, Rejected> {
        Self::read(octets, true)
    }

    /// Reads a packet as a node without Mobile IPv6 does: it does not know the Home Address option
    /// and the type 2 routing header, and answers as RFC 8200 §4.2 and §4.4 say.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and for those two.
    pub fn parse_without_mobility(octets: &'a [u8]) -> Result<Self, Rejected> {
        Self::read(octets, false)
    }

    /// The address that upper layers and their checksums see as source: the home address where the
    /// packet carries one (RFC 6275 §6.3, §6.1.1).
    pub fn source(&self) -> Ipv6Addr {
        self.home_address.unwrap_or(self.header.source)
    }

    /// The address that upper layers and their checksums see as destination: that of a type 2
    /// routing header with a segment left (RFC 6275 §6.4).
    pub fn destination(&self) -> Ipv6Addr {
        match self.routing {
            Some(Type2Routing { segments_left: 1, home_address }) => home_address,
            Some(_) | None => self.header.destination,
        }
    }

    /// The fragment header, where the payload is only a piece.
    pub fn piece(&self) -> Option<Fragment> {
        self.fragment.filter(|fragment| !fragment.is_atomic())
    }

    /// What a node answers that does not know `protocol` (RFC 8200 §4): Parameter Problem code 1 at
    /// the field that named it, and nothing to a group.
    pub fn unrecognized(&self) -> Rejected {
        let error = WireError::illegal("IPv6 packet", self.named_at, self.protocol.into());
        reject(&self.header, error, Problem::UNRECOGNIZED_NEXT_HEADER, self.named_at)
    }

    /// The packet that lies in this one (RFC 2473), where this is a tunnel packet.
    pub fn decapsulated(&self) -> Option<&'a [u8]> {
        tunnel::decapsulated(self)
    }

    fn read(octets: &'a [u8], mobility: bool) -> Result<Self, Rejected> {
        let header = Header::parse(octets)?;
        let length = HEADER_LEN + usize::from(header.payload_length);
        let Some(octets) = octets.get(..length) else {
            let (need, have) = (usize::from(header.payload_length), octets.len() - HEADER_LEN);
            return Err(WireError::truncated("IPv6 packet", HEADER_LEN, need, have).into());
        };
        // RFC 4291 §2.7: a group sends nothing, and whoever answered would answer all of it.
        if header.source.is_multicast() {
            let first = u32::from(header.source.octets()[0]);
            return Err(WireError::illegal("IPv6 header", SOURCE, first).into());
        }
        let mut chain = Chain::new(octets, header.next_header);
        let mut packet = Self::unread(header, octets);
        while packet.piece().is_none()
            && let Some(extension) = chain.step()?
        {
            packet.take(&extension, mobility)?;
        }
        packet.protocol = chain.protocol;
        packet.named_at = chain.named_at;
        packet.payload = chain.rest();
        packet.payload_offset = chain.position;
        // Hop-by-Hop Options that are not first are a next header nobody knows (RFC 8200 §4).
        if packet.protocol == protocol::HOP_BY_HOP && packet.piece().is_none() {
            return Err(packet.unrecognized());
        }
        Ok(packet)
    }

    /// A packet of which only the fixed header has been read.
    const fn unread(header: Header, octets: &'a [u8]) -> Self {
        Self {
            header,
            home_address: None,
            routing: None,
            fragment: None,
            tunnel_limit: None,
            router_alert: None,
            protocol: header.next_header,
            named_at: NEXT_HEADER,
            payload: &[],
            payload_offset: HEADER_LEN,
            octets,
            fragment_place: None,
            tunnel_limit_at: 0,
        }
    }

    fn take(&mut self, extension: &Extension<'a>, mobility: bool) -> Result<(), Rejected> {
        match extension.kind {
            protocol::HOP_BY_HOP => self.take_options(extension, |_, _| Ok(false)),
            protocol::DESTINATION => self.take_options(extension, |packet, option| {
                if mobility { packet.take_home_address(option) } else { Ok(false) }
            }),
            protocol::ROUTING => self.take_routing(extension, mobility),
            _ => {
                let fragment = Fragment::parse(extension.octets)
                    .map_err(|error| error.shifted(extension.offset))?;
                self.fragment = Some(fragment);
                self.fragment_place = Some((extension.offset, extension.named_at));
                Ok(())
            }
        }
    }

    /// Reads the options of one header; those it does not know itself it offers to `known`.
    fn take_options(
        &mut self,
        extension: &Extension<'a>,
        known: impl Fn(&mut Self, &RawOption<'a>) -> Result<bool, Rejected>,
    ) -> Result<(), Rejected> {
        let mut options = Options::new(extension);
        while let Some(option) = options.step()? {
            match (option.kind, option.data) {
                (option::PAD1 | option::PADN, _) => {}
                (option::ROUTER_ALERT, &[high, low]) => {
                    self.router_alert = Some(u16::from_be_bytes([high, low]));
                }
                (option::TUNNEL_ENCAPSULATION_LIMIT, &[limit])
                    if extension.kind == protocol::DESTINATION =>
                {
                    self.tunnel_limit = Some(limit);
                    self.tunnel_limit_at = option.offset + 2;
                }
                _ if known(self, &option)? => {}
                _ => self.refuse(&option)?,
            }
        }
        Ok(())
    }

    /// Takes the Home Address option; `false` where `option` is another.
    fn take_home_address(&mut self, option: &RawOption<'a>) -> Result<bool, Rejected> {
        const WITHIN: &str = "Home Address option";
        if option.kind != option::HOME_ADDRESS {
            return Ok(false);
        }
        let Ok(octets) = <[u8; 16]>::try_from(option.data) else {
            let length = u32::try_from(option.data.len()).unwrap_or(u32::MAX);
            let error = WireError::illegal(WITHIN, option.offset + 1, length);
            return Err(reject(&self.header, error, Problem::ERRONEOUS_FIELD, option.offset + 1));
        };
        // RFC 6275 §6.3 allows one per packet; whose packet a second would make it, nobody can say.
        if self.home_address.is_some() {
            return Err(WireError::illegal(WITHIN, option.offset, option.kind.into()).into());
        }
        self.home_address = Some(Ipv6Addr::from(octets));
        Ok(true)
    }

    /// Does with an unknown option what its two high bits say (RFC 8200 §4.2).
    fn refuse(&self, option: &RawOption<'a>) -> Result<(), Rejected> {
        let error = WireError::illegal("IPv6 option", option.offset, option.kind.into());
        let problem = Some(Problem::at(Problem::UNRECOGNIZED_OPTION, option.offset));
        match option.action() {
            Action::Skip => Ok(()),
            Action::Discard => Err(error.into()),
            Action::ReportUnicast if self.header.destination.is_multicast() => Err(error.into()),
            Action::Report | Action::ReportUnicast => Err(Rejected { error, problem }),
        }
    }

    fn take_routing(&mut self, extension: &Extension<'a>, mobility: bool) -> Result<(), Rejected> {
        let [_, _, kind, segments_left, ..] = *extension.octets else {
            return Ok(());
        };
        let at = extension.offset + routing::ROUTING_TYPE;
        if mobility && kind == routing::TYPE_2 {
            let routing = Type2Routing::parse(extension.octets)
                .map_err(|error| error.shifted(extension.offset))?;
            // RFC 6275 §11.3.3: anything but one segment left is dropped silently, and so is a
            // second such header, of which §6.4 knows nothing.
            if segments_left != 1 || self.routing.is_some() {
                let at = extension.offset + routing::SEGMENTS_LEFT;
                let error = WireError::illegal("type 2 routing header", at, segments_left.into());
                return Err(error.into());
            }
            self.routing = Some(routing);
            return Ok(());
        }
        // RFC 8200 §4.4: with no segment left it is ignored, whatever its type.
        if segments_left == 0 {
            return Ok(());
        }
        let error = WireError::illegal("Routing header", at, kind.into());
        Err(reject(&self.header, error, Problem::ERRONEOUS_FIELD, at))
    }
}

/// A rejection with Parameter Problem `code` at `offset`, silent where the packet went to a group:
/// only code 2 answers one (RFC 4443 §2.4 e.3).
pub(super) fn reject(header: &Header, error: WireError, code: u8, offset: usize) -> Rejected {
    let tell = !header.destination.is_multicast();
    Rejected { error, problem: tell.then(|| Problem::at(code, offset)) }
}
