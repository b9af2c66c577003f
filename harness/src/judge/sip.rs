//! What all rows ask of SIP messages.

use std::net::{IpAddr, Ipv6Addr};

use roamproof_wire::sip::{Fields, HeaderName, Message as SipMessage};

/// The Via chain, without what each hop adds about where the message came from (RFC 3261 §18.2.1,
/// RFC 3581 §4).
pub(super) fn vias_of(message: &SipMessage) -> Vec<String> {
    let added = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or_default().trim();
        !name.eq_ignore_ascii_case("received") && !name.eq_ignore_ascii_case("rport")
    };
    let chain = texts_of(message, HeaderName::Via).into_iter();
    chain.map(|via| via.split(';').filter(added).collect::<Vec<_>>().join(";")).collect()
}

/// The values of a header, in order, as text.
pub(super) fn texts_of(message: &SipMessage, name: HeaderName) -> Vec<String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    message.elements(name).map(|element| text(element.value)).collect()
}

/// The first value of a header, as text; empty without one.
pub(super) fn text_of(message: &SipMessage, name: HeaderName) -> String {
    texts_of(message, name).into_iter().next().unwrap_or_default()
}

/// The host of the Contact where it is an IPv6 literal.
pub(super) fn contact_host(message: &SipMessage) -> Option<Ipv6Addr> {
    match message.contact().ok()??.uri.host.address()? {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    }
}
