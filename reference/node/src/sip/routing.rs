//! Where messages go: the next hop of a URI, and the way back by Via (RFC 3261 18.2, RFC 3581).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use roamproof_wire::sip::{
    DEFAULT_PORT, Fields, HeaderName, HostView, Message, Scheme, Transport, UriView, ViaView,
};

use super::Hop;

/// Names and the addresses they stand for, as a resolver would know them.
pub type Names = BTreeMap<String, Ipv6Addr>;

/// The hop that `uri` names, `None` where it names none that can be reached here: another scheme,
/// an unknown name, IPv4, a transport other than UDP and TCP.
pub fn hop_of_uri(uri: &UriView<'_>, names: &Names) -> Option<Hop> {
    if uri.scheme != Scheme::Sip {
        return None;
    }
    let host = uri.parameters.value("maddr").and_then(HostView::from_text).unwrap_or(uri.host);
    let transport = match uri.parameters.value("transport") {
        //= TP-16
        Some(name) => Transport::from_token(name)?,
        None => Transport::Udp,
    };
    Some(Hop { transport, address: resolve(host, names)?, port: uri.effective_port() })
}

/// The hops to which responses to `request`, which came from `from`, go: the first, and for TCP
/// the one to connect to if the connection is gone.
pub fn response_hops(request: &Message, from: Hop) -> (Hop, Option<Hop>) {
    let Ok(via) = request.via() else { return (from, None) };
    let port = via.effective_port();
    if from.transport.is_reliable() {
        //= TP-06
        return (from, Some(Hop { port, ..from }));
    }
    match (via.maddr().and_then(HostView::address), via.rport()) {
        //= TP-04
        (Some(IpAddr::V6(address)), _) if !address.is_multicast() => {
            (Hop { address, port, ..from }, None)
        }
        //= TP-02
        (_, Some(_)) => (from, None),
        //= TP-05
        (_, None) => (Hop { port, ..from }, None),
    }
}

/// Notes in the topmost Via of `request` where it came from, as whoever receives it must.
pub fn mark_received(request: &mut Message, from: Hop) {
    let Ok(via) = request.via() else { return };
    let same = via.host.address() == Some(IpAddr::V6(from.address));
    let asks = via.rport().is_some();
    //= TP-01
    if same && !asks && !via.parameters.has("received") {
        return;
    }
    let text = marked(&via, from, asks, !same || asks);
    request.replace_first(HeaderName::Via, text);
}

fn marked(via: &ViaView<'_>, from: Hop, rport: bool, received: bool) -> String {
    let mut text = format!("SIP/2.0/{} {}", via.transport, via.host);
    if let Some(port) = via.port {
        text.push_str(&format!(":{port}"));
    }
    let others = via.parameters.iter().filter(|(name, _)| {
        !name.eq_ignore_ascii_case("received") && !name.eq_ignore_ascii_case("rport")
    });
    for (name, value) in others {
        text.push(';');
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
    if received {
        //= PAR-27
        //# the address without brackets
        text.push_str(&format!(";received={}", from.address));
    }
    if rport {
        text.push_str(&format!(";rport={}", from.port));
    }
    text
}

/// The hop to which a response goes whose topmost Via is `via`: what a proxy knows of the way
/// back (RFC 3261 16.7, 18.2.2).
pub fn hop_of_via(via: &ViaView<'_>) -> Option<Hop> {
    let transport = Transport::from_token(via.transport)?;
    let received = via.received().or_else(|| via.host.address());
    let address = via.maddr().and_then(HostView::address).or(received);
    let port = via.rport().flatten().unwrap_or_else(|| via.effective_port());
    match address? {
        IpAddr::V6(address) => Some(Hop { transport, address, port }),
        IpAddr::V4(_) => None,
    }
}

fn resolve(host: HostView<'_>, names: &Names) -> Option<Ipv6Addr> {
    match host {
        HostView::Ipv6(address) => {
            Some(address).filter(|address| address.to_ipv4_mapped().is_none())
        }
        HostView::Ipv4(_) => None,
        HostView::Name(name) => names.get(&name.to_ascii_lowercase()).copied(),
    }
}

/// Whether `host` and `port` are those of an element at `address` and `own_port`.
pub fn is_own(
    host: HostView<'_>,
    port: Option<u16>,
    address: Ipv6Addr,
    own_port: u16,
    names: &Names,
) -> bool {
    resolve(host, names) == Some(address) && port.unwrap_or(DEFAULT_PORT) == own_port
}
