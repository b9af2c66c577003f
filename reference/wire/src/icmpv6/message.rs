//! Any ICMPv6 message: read out of its packet and judged with it, written back behind its headers.

use std::net::Ipv6Addr;

use crate::WireError;
use crate::ipv6::header::HOP_LIMIT;
use crate::ipv6::{Outgoing, Packet, protocol};

use super::header::{HEADER_LEN, Icmpv6View, finish, kind};
use super::{
    Echo, ErrorMessage, HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest, MldQueryView,
    MldReport, MobilePrefixAdvertisement, MobilePrefixSolicitation, NeighbourAdvertisement,
    NeighbourSolicitation, RedirectView, RouterAdvertisement, RouterSolicitation,
};

/// One ICMPv6 message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// Types 1 to 4.
    Error(ErrorMessage<'a>),
    /// Types 128 and 129.
    Echo(Echo<'a>),
    /// Type 130.
    MldQuery(MldQueryView<'a>),
    /// Type 133.
    RouterSolicitation(RouterSolicitation),
    /// Type 134.
    RouterAdvertisement(RouterAdvertisement),
    /// Type 135.
    NeighbourSolicitation(NeighbourSolicitation),
    /// Type 136.
    NeighbourAdvertisement(NeighbourAdvertisement),
    /// Type 137.
    Redirect(RedirectView<'a>),
    /// Type 143.
    MldReport(MldReport),
    /// Type 144.
    HomeAgentDiscoveryRequest(HomeAgentDiscoveryRequest),
    /// Type 145.
    HomeAgentDiscoveryReply(HomeAgentDiscoveryReply),
    /// Type 146.
    MobilePrefixSolicitation(MobilePrefixSolicitation),
    /// Type 147.
    MobilePrefixAdvertisement(MobilePrefixAdvertisement),
    /// Anything else.
    Other {
        /// The Type field; below 128 it is an error.
        kind: u8,
        /// The Code field.
        code: u8,
        /// What follows the checksum.
        body: &'a [u8],
    },
}

impl<'a> Message<'a> {
    /// Reads the message in `packet` and judges it as a receiver has to: its checksum, and for
    /// Neighbor Discovery hop limit 255, code 0 and what RFC 4861 §6.1 and §7.1 ask of addresses.
    ///
    /// # Errors
    ///
    /// [`WireError`], its offset counted from the start of the ICMPv6 message (from the start of
    /// the packet where it names the IPv6 header). Such messages are dropped silently.
    pub fn parse(packet: &Packet<'a>) -> Result<Self, WireError> {
        let view = Icmpv6View::new(packet.payload)?;
        view.verify(packet.source(), packet.destination())?;
        let message = Self::read(packet.payload)?;
        message.judge(packet, &view)?;
        Ok(message)
    }

    /// Reads a message by itself, without its checksum.
    ///
    /// # Errors
    ///
    /// Those of the message's own `parse`.
    pub fn read(octets: &'a [u8]) -> Result<Self, WireError> {
        let view = Icmpv6View::new(octets)?;
        Ok(match view.kind() {
            kind::DESTINATION_UNREACHABLE..=kind::PARAMETER_PROBLEM => {
                Self::Error(ErrorMessage::parse(octets)?)
            }
            kind::ECHO_REQUEST | kind::ECHO_REPLY => Self::Echo(Echo::parse(octets)?),
            kind::MLD_QUERY => Self::MldQuery(MldQueryView::new(octets)?),
            kind::ROUTER_SOLICITATION => {
                Self::RouterSolicitation(RouterSolicitation::parse(octets)?)
            }
            kind::ROUTER_ADVERTISEMENT => {
                Self::RouterAdvertisement(RouterAdvertisement::parse(octets)?)
            }
            kind::NEIGHBOUR_SOLICITATION => {
                Self::NeighbourSolicitation(NeighbourSolicitation::parse(octets)?)
            }
            kind::NEIGHBOUR_ADVERTISEMENT => {
                Self::NeighbourAdvertisement(NeighbourAdvertisement::parse(octets)?)
            }
            kind::REDIRECT => Self::Redirect(RedirectView::new(octets)?),
            kind::MLD_REPORT => Self::MldReport(MldReport::parse(octets)?),
            kind::HOME_AGENT_DISCOVERY_REQUEST => {
                Self::HomeAgentDiscoveryRequest(HomeAgentDiscoveryRequest::parse(octets)?)
            }
            kind::HOME_AGENT_DISCOVERY_REPLY => {
                Self::HomeAgentDiscoveryReply(HomeAgentDiscoveryReply::parse(octets)?)
            }
            kind::MOBILE_PREFIX_SOLICITATION => {
                Self::MobilePrefixSolicitation(MobilePrefixSolicitation::parse(octets)?)
            }
            kind::MOBILE_PREFIX_ADVERTISEMENT => {
                Self::MobilePrefixAdvertisement(MobilePrefixAdvertisement::parse(octets)?)
            }
            kind => Self::Other { kind, code: view.code(), body: view.body() },
        })
    }

    /// The octets that [`emit`](Self::emit) writes.
    pub fn buffer_len(&self) -> usize {
        match self {
            Self::Error(message) => message.buffer_len(),
            Self::Echo(message) => message.buffer_len(),
            Self::MldQuery(message) => message.octets().len(),
            Self::RouterSolicitation(message) => message.buffer_len(),
            Self::RouterAdvertisement(message) => message.buffer_len(),
            Self::NeighbourSolicitation(message) => message.buffer_len(),
            Self::NeighbourAdvertisement(message) => message.buffer_len(),
            Self::Redirect(message) => message.octets().len(),
            Self::MldReport(message) => message.buffer_len(),
            Self::HomeAgentDiscoveryRequest(message) => message.buffer_len(),
            Self::HomeAgentDiscoveryReply(message) => message.buffer_len(),
            Self::MobilePrefixSolicitation(message) => message.buffer_len(),
            Self::MobilePrefixAdvertisement(message) => message.buffer_len(),
            Self::Other { body, .. } => HEADER_LEN + body.len(),
        }
    }

    /// Writes the message with its checksum between two addresses into `buffer`, every octet of it.
    ///
    /// # Panics
    ///
    /// Unless `buffer` is exactly [`buffer_len`](Self::buffer_len) octets long.
    pub fn emit(&self, source: Ipv6Addr, destination: Ipv6Addr, buffer: &mut [u8]) {
        match self {
            Self::Error(message) => message.emit(buffer),
            Self::Echo(message) => message.emit(buffer),
            Self::MldQuery(message) => buffer.copy_from_slice(message.octets()),
            Self::RouterSolicitation(message) => message.emit(buffer),
            Self::RouterAdvertisement(message) => message.emit(buffer),
            Self::NeighbourSolicitation(message) => message.emit(buffer),
            Self::NeighbourAdvertisement(message) => message.emit(buffer),
            Self::Redirect(message) => buffer.copy_from_slice(message.octets()),
            Self::MldReport(message) => message.emit(buffer),
            Self::HomeAgentDiscoveryRequest(message) => message.emit(buffer),
            Self::HomeAgentDiscoveryReply(message) => message.emit(buffer),
            Self::MobilePrefixSolicitation(message) => message.emit(buffer),
            Self::MobilePrefixAdvertisement(message) => message.emit(buffer),
            Self::Other { kind, code, body } => {
                let (head, rest) = buffer.split_at_mut(HEADER_LEN);
                head.copy_from_slice(&[*kind, *code, 0, 0]);
                rest.copy_from_slice(body);
            }
        }
        finish(source, destination, buffer);
    }

    /// The whole packet: the message behind the headers of `outgoing`, whose protocol becomes
    /// ICMPv6. The hop limit is the caller's: 255 for Neighbor Discovery, 1 for MLD.
    pub fn packet(&self, outgoing: &Outgoing) -> Vec<u8> {
        let outgoing = Outgoing { protocol: protocol::ICMPV6, ..*outgoing };
        outgoing.build(self.buffer_len(), |payload| {
            self.emit(outgoing.upper_source(), outgoing.upper_destination(), payload);
        })
    }

    /// What RFC 4861 §6.1 and §7.1 ask of the packet around a message of Neighbor Discovery.
    fn judge(&self, packet: &Packet<'_>, view: &Icmpv6View<'_>) -> Result<(), WireError> {
        if !matches!(view.kind(), kind::ROUTER_SOLICITATION..=kind::REDIRECT) {
            return Ok(());
        }
        let header = &packet.header;
        // A router on the way would have lowered it: only neighbours can say such things.
        if header.hop_limit != 255 {
            return Err(WireError::illegal("IPv6 header", HOP_LIMIT, header.hop_limit.into()));
        }
        if view.code() != 0 {
            return Err(WireError::illegal("ICMPv6 message", 1, view.code().into()));
        }
        let unspecified = header.source.is_unspecified();
        let fault = match self {
            Self::RouterSolicitation(message) => unspecified && message.source_link_layer.is_some(),
            Self::RouterAdvertisement(_) | Self::Redirect(_) => {
                !header.source.is_unicast_link_local()
            }
            Self::NeighbourSolicitation(message) => {
                unspecified
                    && (message.source_link_layer.is_some()
                        || !is_solicited_node(header.destination))
            }
            Self::NeighbourAdvertisement(message) => {
                header.destination.is_multicast() && message.solicited
            }
            Self::Error(_)
            | Self::Echo(_)
            | Self::MldQuery(_)
            | Self::MldReport(_)
            | Self::HomeAgentDiscoveryRequest(_)
            | Self::HomeAgentDiscoveryReply(_)
            | Self::MobilePrefixSolicitation(_)
            | Self::MobilePrefixAdvertisement(_)
            | Self::Other { .. } => false,
        };
        if fault {
            let within = super::header::title(view.kind()).unwrap_or("ICMPv6 message");
            let expected = "addresses as RFC 4861 wants them";
            return Err(WireError::grammar(within, 0, expected));
        }
        Ok(())
    }
}

/// Whether `address` is a solicited-node group (RFC 4291 §2.7.1).
fn is_solicited_node(address: Ipv6Addr) -> bool {
    crate::ipv6::address::solicited_node(address) == address
}
