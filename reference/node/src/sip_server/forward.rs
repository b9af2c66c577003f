//! What a proxy changes in a request on its way (RFC 3261 16.4, 16.6): routes, hops left, the
//! Request-URI; and the mark by which it knows a request again.

use std::net::Ipv6Addr;

use roamproof_wire::WireError;
use roamproof_wire::sip::{
    Address, AddressView, BRANCH_COOKIE, DEFAULT_PORT, Fields, HeaderName, Host, Message, Method,
    Transport, Uri, UriView,
};

use super::proxy::ProxyConfig;
use crate::entropy::Entropy;
use crate::sip::{Hop, routing};

/// Undoes what a strict router did, and takes away the routes that lead here; whether one did.
pub(super) fn take_own_routes(request: &mut Message, config: &ProxyConfig) -> bool {
    let mut took = false;
    let strict = request.uri().is_ok_and(|uri| {
        uri.user.is_none() && uri.is_loose_router() && is_own_address(&uri, config)
    });
    if strict {
        //= PRX-11
        let routes: Vec<Vec<u8>> =
            request.elements(HeaderName::Route).map(|route| route.value.to_vec()).collect();
        if let Some((last, others)) = routes.split_last()
            && let Ok(target) = AddressView::parse("Route", last)
        {
            request.set_uri(&target.uri.to_owned());
            request.remove(HeaderName::Route);
            for route in others {
                request.push(HeaderName::Route, String::from_utf8_lossy(route));
            }
            took = true;
        }
    }
    //= PRX-10
    //# one record-route for each side may lead here twice
    while first_route(request).is_some_and(|route| is_own_address(&route.view(), config)) {
        request.remove_first(HeaderName::Route);
        took = true;
    }
    took
}

/// Whether `uri` names this proxy itself.
pub(super) fn is_own_address(uri: &UriView<'_>, config: &ProxyConfig) -> bool {
    routing::is_own(uri.host, uri.port, config.address, config.port, &config.names)
}

/// Whether `uri` is in the domain this proxy serves.
pub(super) fn is_own_domain(uri: &UriView<'_>, config: &ProxyConfig) -> bool {
    uri.host.to_string().eq_ignore_ascii_case(&config.domain) || is_own_address(uri, config)
}

/// The copy of `request` that is sent to `target`, complete but for its Via, and the hop it goes
/// to; `None` where that is unknown.
pub(super) fn copy_for(
    request: &Message,
    target: &Uri,
    from: Hop,
    config: &ProxyConfig,
) -> Option<(Message, Hop)> {
    let mut copy = request.clone();
    //= PRX-17
    let uri = target.clone().without_headers();
    if copy.uri_text() != Some(uri.as_str()) {
        copy.set_uri(&uri);
    }
    //= PRX-04
    match copy.max_forwards() {
        Ok(Some(hops)) => copy.replace(HeaderName::MaxForwards, hops.saturating_sub(1)),
        Ok(None) | Err(_) => copy.push(HeaderName::MaxForwards, 70),
    }
    let to = next_hop(&mut copy, config)?;
    let begins_dialog =
        copy.method() == Some(Method::Invite) && copy.to().is_ok_and(|to| to.tag().is_none());
    if begins_dialog {
        //= PRX-13
        //= PRX-14
        if to.transport != from.transport {
            copy.insert_first(
                HeaderName::RecordRoute,
                record_route(config.address, config.port, from.transport),
            );
        }
        copy.insert_first(
            HeaderName::RecordRoute,
            record_route(config.address, config.port, to.transport),
        );
    }
    Some((copy, to))
}

/// The branch under which a copy is sent: new, and marked with what decided on its way.
pub(super) fn branch(entropy: &mut Entropy, mark: u64) -> String {
    format!("{BRANCH_COOKIE}{:016x}.{mark:016x}", entropy.next_u64())
}

/// The branch of an ACK that is forwarded without state: the same for each copy of it.
pub(super) fn stateless_branch(ack: &Message) -> String {
    let via = ack.via().map(|via| via.to_string()).unwrap_or_default();
    format!("{BRANCH_COOKIE}{:016x}.{:016x}", fold(&[via.as_bytes()]), mark(ack))
}

/// A number made of all that decides on the way of `request` as it came in: when it comes again
/// with the same, it runs in a loop (RFC 3261 16.6 item 8, RFC 5393 4.2).
pub(super) fn mark(request: &Message) -> u64 {
    let tag = |address: Result<AddressView<'_>, WireError>| {
        address.ok().and_then(|address| address.tag().map(str::to_owned)).unwrap_or_default()
    };
    let routes: Vec<u8> =
        request.elements(HeaderName::Route).flat_map(|route| route.value.to_vec()).collect();
    let cseq = request.cseq().map(|cseq| cseq.to_string()).unwrap_or_default();
    fold(&[
        request.uri_text().unwrap_or_default().as_bytes(),
        &routes,
        tag(request.from()).as_bytes(),
        tag(request.to()).as_bytes(),
        request.call_id().unwrap_or_default().as_bytes(),
        cseq.as_bytes(),
    ])
}

/// Whether `request` came by here with the same mark before.
pub(super) fn runs_in_a_loop(request: &Message, config: &ProxyConfig) -> bool {
    //= PRX-05
    let has_mark = |branch: &str| branch.ends_with(&format!(".{:016x}", mark(request)));
    request.vias().filter_map(Result::ok).any(|via| {
        routing::is_own(via.host, via.port, config.address, config.port, &config.names)
            && via.branch().is_some_and(has_mark)
    })
}

/// Where `copy` goes: its first route, or its Request-URI. A first route without lr changes
/// places with the Request-URI.
pub(super) fn next_hop(copy: &mut Message, config: &ProxyConfig) -> Option<Hop> {
    let Some(route) = first_route(copy) else {
        return routing::hop_of_uri(&copy.uri().ok()?, &config.names);
    };
    let hop = routing::hop_of_uri(&route.view(), &config.names)?;
    if !route.view().is_loose_router() {
        //= PRX-12
        let target = copy.uri().ok()?.to_owned();
        copy.remove_first(HeaderName::Route);
        copy.push(HeaderName::Route, Address::new(target));
        copy.set_uri(&route);
    }
    Some(hop)
}

fn record_route(address: Ipv6Addr, port: u16, transport: Transport) -> Address {
    let uri = Uri::sip(None, &Host::from(address), Some(port).filter(|&port| port != DEFAULT_PORT));
    let uri = match transport {
        Transport::Udp => uri,
        Transport::Tcp => uri.with_parameter("transport", Some("tcp")),
    };
    Address::new(uri.with_parameter("lr", None))
}

fn first_route(request: &Message) -> Option<Uri> {
    request.routes().next()?.ok().map(|route| route.uri.to_owned())
}

/// FNV-1a over the parts, each closed by a zero octet.
fn fold(parts: &[&[u8]]) -> u64 {
    let octets = parts.iter().flat_map(|part| part.iter().chain(std::iter::once(&0)));
    octets.fold(0xcbf2_9ce4_8422_2325, |sum: u64, &octet| {
        (sum ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    })
}
