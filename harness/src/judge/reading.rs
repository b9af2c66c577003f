//! Frames as the oracle reads them: tunnels taken off, the innermost message understood.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::Message as IcmpMessage;
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::mobility::Message as MobilityMessage;
use roamproof_wire::rtp::RtpView;
use roamproof_wire::sip::Message as SipMessage;
use roamproof_wire::udp::Udp;

use super::streams::Streams;
use crate::evidence::Capture;
use crate::link::LinkId;

/// One captured frame, understood as far as it can be.
#[derive(Debug, Clone)]
pub(crate) struct Reading<'a> {
    /// Its index in the capture.
    pub(crate) frame: usize,
    /// When it entered the link.
    pub(crate) at: Duration,
    /// The link.
    pub(crate) link: LinkId,
    /// Whether the link lost it.
    pub(crate) lost: bool,
    /// The link-layer source.
    pub(crate) from_mac: Mac,
    /// The link-layer destination.
    pub(crate) to_mac: Mac,
    /// Source and destination of each tunnel around it, the outermost first.
    pub(crate) tunnels: Vec<(Ipv6Addr, Ipv6Addr)>,
    /// The packet inside all tunnels.
    pub(crate) packet: Packet<'a>,
    /// What it carries.
    pub(crate) content: Content<'a>,
}

/// What a packet carries.
#[derive(Debug, Clone)]
pub(crate) enum Content<'a> {
    Mobility(Box<MobilityMessage>),
    Sip(Box<SipMessage>),
    Media(RtpView<'a>),
    Icmp(IcmpMessage<'a>),
    Other,
}

/// Tunnels within tunnels deeper than this are not followed.
const TUNNELS_MAX: usize = 4;
/// The port of SIP (RFC 3261 §18).
const SIP_PORT: u16 = 5060;

/// Reads every frame of a capture that holds an IPv6 packet.
pub(crate) fn read(capture: &Capture) -> Vec<Reading<'_>> {
    let mut streams = Streams::default();
    let mut readings = Vec::new();
    for (index, frame) in capture.frames.iter().enumerate() {
        let Ok((ethernet, octets)) = Ethernet::parse(&frame.octets) else { continue };
        if ethernet.ether_type != ethernet::IPV6 {
            continue;
        }
        let Ok(mut packet) = Packet::parse(octets) else { continue };
        let mut tunnels = Vec::new();
        while let Some(inner) = packet.decapsulated() {
            let Ok(inner) = Packet::parse(inner) else { break };
            if tunnels.len() == TUNNELS_MAX {
                break;
            }
            tunnels.push((packet.header.source, packet.header.destination));
            packet = inner;
        }
        let content = content(&packet, frame.link, frame.lost, &mut streams);
        readings.push(Reading {
            frame: index,
            at: frame.at,
            link: frame.link,
            lost: frame.lost,
            from_mac: ethernet.source,
            to_mac: ethernet.destination,
            tunnels,
            packet,
            content,
        });
    }
    readings
}

fn content<'a>(
    packet: &Packet<'a>,
    link: LinkId,
    lost: bool,
    streams: &mut Streams,
) -> Content<'a> {
    let (source, destination) = (packet.source(), packet.destination());
    match packet.protocol {
        protocol::MOBILITY => MobilityMessage::parse(packet.payload)
            .map_or(Content::Other, |message| Content::Mobility(Box::new(message))),
        protocol::UDP => Udp::parse(source, destination, packet.payload)
            .map_or(Content::Other, |datagram| datagram_content(&datagram)),
        protocol::TCP if !lost => streams
            .take(link, packet)
            .map_or(Content::Other, |message| Content::Sip(Box::new(message))),
        protocol::ICMPV6 => IcmpMessage::parse(packet).map_or(Content::Other, Content::Icmp),
        _ => Content::Other,
    }
}

fn datagram_content<'a>(datagram: &Udp<'a>) -> Content<'a> {
    if datagram.source_port == SIP_PORT || datagram.destination_port == SIP_PORT {
        return SipMessage::parse(datagram.payload)
            .map_or(Content::Other, |message| Content::Sip(Box::new(message)));
    }
    match RtpView::new(datagram.payload) {
        Ok(view) if view.version() == 2 => Content::Media(view),
        Ok(_) | Err(_) => Content::Other,
    }
}

impl<'a> Reading<'a> {
    /// The mobility message, if it carries one.
    pub(crate) fn mobility(&self) -> Option<&MobilityMessage> {
        match &self.content {
            Content::Mobility(message) => Some(message),
            Content::Sip(_) | Content::Media(_) | Content::Icmp(_) | Content::Other => None,
        }
    }

    /// The SIP message, if it carries one.
    pub(crate) fn sip(&self) -> Option<&SipMessage> {
        match &self.content {
            Content::Sip(message) => Some(message),
            Content::Mobility(_) | Content::Media(_) | Content::Icmp(_) | Content::Other => None,
        }
    }

    /// Whether it is between neighbours on a link only, never to be passed on.
    pub(crate) const fn is_discovery(&self) -> bool {
        matches!(
            self.icmp(),
            Some(IcmpMessage::NeighbourSolicitation(_) | IcmpMessage::NeighbourAdvertisement(_))
        )
    }

    /// Whether it carries RTP.
    pub(crate) const fn is_media(&self) -> bool {
        matches!(self.content, Content::Media(_))
    }

    /// The ICMPv6 message, if it carries one.
    pub(crate) const fn icmp(&self) -> Option<&IcmpMessage<'a>> {
        match &self.content {
            Content::Icmp(message) => Some(message),
            Content::Mobility(_) | Content::Sip(_) | Content::Media(_) | Content::Other => None,
        }
    }
}
