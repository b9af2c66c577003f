//! The Home Address option and the type 2 routing header, in whatever packet (RFC 6275 §6.3, §6.4).

use std::net::Ipv6Addr;

use roamproof_wire::checksum::upper_layer;
use roamproof_wire::ipv6::protocol;

use super::{ANYBODY, Finding, Past, Rule, Sent, TERMINAL};

pub(super) const RULES: &[Rule] = &[
    Rule { row: "CN-RH2-01", of: ANYBODY, check: routing_header },
    Rule { row: "CN-RH2-02", of: ANYBODY, check: no_routing_of_discovery },
    Rule { row: "CN-RH2-03", of: ANYBODY, check: checksum_over_routed_home },
    Rule { row: "MN-DAT-02", of: TERMINAL, check: home_address_option },
    Rule { row: "MN-DAT-05", of: TERMINAL, check: no_home_address_on_the_link },
    Rule { row: "MN-DAT-18", of: TERMINAL, check: no_home_address_to_groups },
    Rule { row: "MN-M2M-04", of: ANYBODY, check: routing_before_home_address },
];

/// Octets of a type 2 routing header.
const ROUTING_LEN: usize = 24;

fn routing_header(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let routing = sent.type_2_routing()?;
    let wrong = if routing.octets.len() != ROUTING_LEN {
        Some((1, "Hdr Ext Len is not 2".to_owned()))
    } else if routing.octets[3] != 1 {
        Some((3, format!("Segments Left is {}, not 1", routing.octets[3])))
    } else if routing.octets[4..8] != [0; 4] {
        Some((4, "Reserved is not 0".to_owned()))
    } else {
        let home = sent.destination();
        (!is_routable(home)).then(|| (8, format!("the home address is {home}")))
    };
    let octet = routing.offset + wrong.as_ref().map_or(0, |(at, _)| *at);
    Finding::unless(wrong.is_none(), octet, || wrong.map(|(_, what)| what).unwrap_or_default())
}

fn no_routing_of_discovery(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    is_neighbour_discovery(sent).then_some(())?;
    let routing = sent.type_2_routing().map(|one| one.offset);
    Finding::unless(routing.is_none(), routing.unwrap_or_default(), || {
        "a type 2 routing header before Neighbor Discovery".to_owned()
    })
}

fn checksum_over_routed_home(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    sent.type_2_routing()?;
    upper_checksum(sent)
}

fn home_address_option(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let (at, home) = sent.home_address()?;
    let care_of = sent.header.source;
    if sent.home_address_options().count() > 1 {
        return Some(Finding::Breaks { octet: at, what: "two Home Address options".to_owned() });
    }
    if !is_routable(home) {
        return Some(Finding::Breaks { octet: at, what: format!("the home address is {home}") });
    }
    if !is_routable(care_of) {
        return Some(Finding::Breaks { octet: 8, what: format!("the source is {care_of}") });
    }
    if past.home().is_some_and(|own| own != home) {
        let what = format!("the Home Address option says {home}, which is not its home address");
        return Some(Finding::Breaks { octet: at, what });
    }
    upper_checksum(sent).or(Some(Finding::Fits))
}

/// To link-local peers, and Neighbor Discovery.
fn no_home_address_on_the_link(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let on_link = is_link_local(sent.header.destination) || is_neighbour_discovery(sent);
    if on_link { none_with_home_address(sent, "a packet that stays on the link") } else { None }
}

fn no_home_address_to_groups(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    if !sent.header.destination.is_multicast() || sent.depth > 0 {
        return None;
    }
    none_with_home_address(sent, "a packet to a group")
}

fn routing_before_home_address(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let (routing, (option, _)) = (sent.type_2_routing()?, sent.home_address()?);
    Finding::unless(routing.offset < option, option, || {
        "the Home Address option stands before the routing header".to_owned()
    })
}

fn none_with_home_address(sent: &Sent<'_>, whose: &str) -> Option<Finding> {
    let option = sent.home_address().map(|(at, _)| at - 2);
    Finding::unless(option.is_none(), option.unwrap_or_default(), || {
        format!("a Home Address option in {whose}")
    })
}

/// The checksum of UDP, TCP or ICMPv6 over the addresses that receivers see; another upper layer is
/// not judged here.
fn upper_checksum(sent: &Sent<'_>) -> Option<Finding> {
    let at = match sent.protocol {
        protocol::UDP => 6,
        protocol::TCP => 16,
        protocol::ICMPV6 => 2,
        _ => return None,
    };
    if sent.piece {
        return None;
    }
    let (source, destination) = (sent.source(), sent.destination());
    let right = upper_layer(source, destination, sent.protocol, sent.payload) == 0;
    // One that is cut short has its fault where it ends.
    Finding::unless(right, sent.payload_offset + at.min(sent.payload.len()), || {
        format!("the checksum is not right between {source} and {destination}")
    })
}

/// Types 133 to 137.
fn is_neighbour_discovery(sent: &Sent<'_>) -> bool {
    let kind = sent.payload.first().filter(|_| sent.protocol == protocol::ICMPV6 && !sent.piece);
    kind.is_some_and(|kind| (133..=137).contains(kind))
}

fn is_link_local(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

fn is_routable(address: Ipv6Addr) -> bool {
    !(address.is_multicast()
        || address.is_unspecified()
        || address.is_loopback()
        || is_link_local(address))
}
