//! ICMPv6 messages, for the eye.

use std::fmt::Write as _;

use crate::icmpv6::header::title;
use crate::icmpv6::{
    Echo, ErrorMessage, Icmpv6View, Message, MldReport, NeighbourAdvertisement, NeighbourOption,
    NeighbourSolicitation, PrefixInformation, Reason, RouterAdvertisement,
};
use crate::ipv6::{Header, protocol};

use super::network::Ends;
use super::{Layer, Layers};

impl Layers {
    pub(super) fn icmpv6(&mut self, octets: &[u8], ends: Ends) {
        let Some(view) = self.keep(Icmpv6View::new(octets)) else { return };
        let (kind, code) = (view.kind(), view.code());
        let name = title(kind).map_or_else(|| format!("ICMPv6 type {kind}"), str::to_owned);
        let mut layer = Layer::new("icmpv6", name.clone())
            .with("message", name)
            .with("type", u64::from(kind))
            .with("code", u64::from(code))
            .with("checksum", u64::from(view.checksum()));
        if code != 0 {
            let _ = write!(layer.summary, " code={code}");
        }
        if ends.whole {
            self.note(view.verify(ends.source, ends.destination));
        }
        if let Some(message) = self.keep(Message::read(octets)) {
            layer = with_message(layer, &message);
        }
        self.push(layer);
    }
}

fn with_message(layer: Layer, message: &Message<'_>) -> Layer {
    match message {
        Message::Error(error) => with_error(layer, error),
        Message::Echo(Echo { identifier, sequence, .. }) => {
            said(layer, &format!("id={identifier} seq={sequence}"))
                .with("identifier", u64::from(*identifier))
                .with("sequence", u64::from(*sequence))
        }
        Message::MldQuery(query) => {
            said(layer, &format!("group={}", query.group)).with("group", query.group)
        }
        Message::RouterSolicitation(message) => {
            with_mac(layer, "source link-layer", message.source_link_layer)
        }
        Message::RouterAdvertisement(message) => with_router(layer, message),
        Message::NeighbourSolicitation(NeighbourSolicitation { target, source_link_layer }) => {
            let layer = said(layer, &format!("target={target}")).with("target", *target);
            with_mac(layer, "source link-layer", *source_link_layer)
        }
        Message::NeighbourAdvertisement(message) => with_advertisement(layer, message),
        Message::Redirect(message) => {
            said(layer, &format!("{} by {}", message.destination, message.target))
                .with("target", message.target)
                .with("destination", message.destination)
        }
        Message::MldReport(report) => with_report(layer, report),
        Message::HomeAgentDiscoveryRequest(message) => with_identifier(layer, message.identifier),
        Message::HomeAgentDiscoveryReply(message) => {
            let mut layer = with_identifier(layer, message.identifier);
            for address in &message.home_agents {
                layer = said(layer, &address.to_string()).with("home agent", *address);
            }
            layer
        }
        Message::MobilePrefixSolicitation(message) => with_identifier(layer, message.identifier),
        Message::MobilePrefixAdvertisement(message) => {
            let layer = with_identifier(layer, message.identifier)
                .with("managed", message.managed)
                .with("other", message.other);
            with_options(layer, &message.options)
        }
        Message::Other { .. } => layer,
    }
}

fn with_error(layer: Layer, error: &ErrorMessage<'_>) -> Layer {
    let layer = match error.reason {
        Reason::PacketTooBig { mtu } => {
            said(layer, &format!("mtu={mtu}")).with("mtu", u64::from(mtu))
        }
        Reason::ParameterProblem(problem) => said(layer, &format!("pointer={}", problem.pointer))
            .with("pointer", u64::from(problem.pointer)),
        Reason::DestinationUnreachable { .. } | Reason::TimeExceeded { .. } => layer,
    };
    let Ok(header) = Header::parse(error.quoted) else {
        return said(layer, "about octets that are no packet");
    };
    let (source, destination, next) = (header.source, header.destination, header.next_header);
    let what = protocol::name(next).map_or_else(|| format!("protocol {next}"), str::to_owned);
    said(layer, &format!("about {source} > {destination} {what}"))
        .with("quoted source", source)
        .with("quoted destination", destination)
        .with("quoted next header", u64::from(next))
}

fn with_router(layer: Layer, message: &RouterAdvertisement) -> Layer {
    let flags = letters(&[('M', message.managed), ('O', message.other), ('H', message.home_agent)]);
    let layer = said(layer, &format!("{flags}life={}s", message.router_lifetime))
        .with("hop limit", u64::from(message.hop_limit))
        .with("managed", message.managed)
        .with("other", message.other)
        .with("home agent", message.home_agent)
        .with("preference", format!("{:?}", message.preference).to_lowercase())
        .with("router lifetime", u64::from(message.router_lifetime))
        .with("reachable time", u64::from(message.reachable_time))
        .with("retrans timer", u64::from(message.retrans_timer));
    with_options(layer, &message.options)
}

fn with_advertisement(layer: Layer, message: &NeighbourAdvertisement) -> Layer {
    let NeighbourAdvertisement { router, solicited, overrides, target, target_link_layer } =
        *message;
    let flags = letters(&[('R', router), ('S', solicited), ('O', overrides)]);
    let layer = said(layer, &format!("{flags}target={target}"))
        .with("router", router)
        .with("solicited", solicited)
        .with("override", overrides)
        .with("target", target);
    with_mac(layer, "target link-layer", target_link_layer)
}

fn with_report(mut layer: Layer, report: &MldReport) -> Layer {
    for record in report.records.iter().take(RECORDS_SHOWN) {
        let kind = record.kind.octet();
        layer = said(layer, &format!("{kind}:{}", record.group))
            .with("record type", u64::from(kind))
            .with("group", record.group);
    }
    let more = report.records.len().saturating_sub(RECORDS_SHOWN);
    if more > 0 { said(layer, &format!("and {more} more")) } else { layer }
}

fn with_options(mut layer: Layer, options: &[NeighbourOption]) -> Layer {
    for option in options {
        layer = match option {
            NeighbourOption::SourceLinkLayer(mac) => {
                layer.with("source link-layer", mac.to_string())
            }
            NeighbourOption::TargetLinkLayer(mac) => {
                layer.with("target link-layer", mac.to_string())
            }
            NeighbourOption::Prefix(prefix) => with_prefix(layer, prefix),
            NeighbourOption::Mtu(mtu) => layer.with("mtu", u64::from(*mtu)),
            NeighbourOption::AdvertisementInterval(milliseconds) => {
                layer.with("advertisement interval", u64::from(*milliseconds))
            }
            NeighbourOption::HomeAgent(information) => layer
                .with("home agent preference", u64::from(information.preference))
                .with("home agent lifetime", u64::from(information.lifetime)),
            NeighbourOption::Other { kind, .. } => layer.with("option type", u64::from(*kind)),
        };
    }
    layer
}

fn with_prefix(layer: Layer, prefix: &PrefixInformation) -> Layer {
    let flags =
        letters(&[('L', prefix.on_link), ('A', prefix.autonomous), ('R', prefix.router_address)]);
    let text = format!("{}/{} {flags}", prefix.prefix, prefix.prefix_length);
    said(layer, text.trim_end())
        .with("prefix", prefix.prefix)
        .with("prefix length", u64::from(prefix.prefix_length))
        .with("on link", prefix.on_link)
        .with("autonomous", prefix.autonomous)
        .with("router address", prefix.router_address)
        .with("valid lifetime", u64::from(prefix.valid_lifetime))
        .with("preferred lifetime", u64::from(prefix.preferred_lifetime))
}

fn with_identifier(layer: Layer, identifier: u16) -> Layer {
    said(layer, &format!("id={identifier}")).with("identifier", u64::from(identifier))
}

fn with_mac(layer: Layer, name: &'static str, mac: Option<crate::ethernet::Mac>) -> Layer {
    match mac {
        Some(mac) => layer.with(name, mac.to_string()),
        None => layer,
    }
}

/// The letters of the flags that are set, and a space behind them if there are any.
fn letters(flags: &[(char, bool)]) -> String {
    let mut letters: String =
        flags.iter().filter(|(_, set)| *set).map(|(letter, _)| *letter).collect();
    if !letters.is_empty() {
        letters.push(' ');
    }
    letters
}

/// Adds `text` to the summary of `layer`.
fn said(mut layer: Layer, text: &str) -> Layer {
    layer.summary.push(' ');
    layer.summary.push_str(text);
    layer
}

/// Records of a report that are shown; the others are counted.
const RECORDS_SHOWN: usize = 16;
