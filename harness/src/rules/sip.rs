//! SIP messages of telephones and servers, as far as one of them tells, or one beside what it answers
//! or passes on (RFC 3261, RFC 3581, RFC 5952). Datagrams only: a stream has no messages of its own.

use std::net::{IpAddr, Ipv6Addr};

use roamproof_wire::sip::{Fields, HeaderName, Message, Method, Scheme};

use super::{Finding, Past, Rule, SERVER, Sent, TALKERS, TELEPHONE};

pub(super) const RULES: &[Rule] = &[
    Rule { row: "UAC-01", of: TELEPHONE, check: calls },
    Rule { row: "UAC-08", of: TELEPHONE, check: cancels },
    Rule { row: "TX-23", of: TELEPHONE, check: branches },
    Rule { row: "TP-13", of: TELEPHONE, check: sent_by },
    Rule { row: "TP-03", of: TELEPHONE, check: response_port },
    Rule { row: "TP-10", of: TALKERS, check: not_too_large },
    Rule { row: "PAR-30", of: TELEPHONE, check: addresses_as_text },
    Rule { row: "UAS-01", of: TELEPHONE, check: copies_the_request },
    Rule { row: "UAS-02", of: TELEPHONE, check: keeps_its_tag },
    Rule { row: "UAS-09", of: TELEPHONE, check: keeps_the_route },
    Rule { row: "PRX-04", of: SERVER, check: counts_down },
    Rule { row: "PRX-13", of: SERVER, check: stays_on_the_route },
    Rule { row: "PRX-15", of: SERVER, check: own_via },
    Rule { row: "PRX-16", of: SERVER, check: passes_on_unchanged },
    Rule { row: "REG-16", of: SERVER, check: says_how_long },
];

/// A request over UDP is no longer (RFC 3261 §18.1.1).
const DATAGRAM_MAX: usize = 1300;

fn request<'a>(sent: &'a Sent<'_>) -> Option<&'a Message> {
    sent.sip().filter(|message| message.is_request())
}

fn response<'a>(sent: &'a Sent<'_>) -> Option<&'a Message> {
    sent.sip().filter(|message| !message.is_request())
}

fn calls(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let invite = request(sent).filter(|one| one.method() == Some(Method::Invite))?;
    if invite.to().ok()?.tag().is_some() {
        return None;
    }
    let from = invite.from().ok().and_then(|from| from.tag()).is_some();
    if !from {
        return breaks(sent, HeaderName::From, "From has no tag");
    }
    if invite.max_forwards().ok().flatten().is_none() {
        return breaks(sent, HeaderName::From, "there is no Max-Forwards");
    }
    let contacts: Vec<_> = invite.contacts().collect();
    let [Ok(contact)] = contacts.as_slice() else {
        return breaks(sent, HeaderName::Contact, "there is not exactly one Contact");
    };
    let sip = matches!(contact.uri.scheme, Scheme::Sip | Scheme::Sips);
    unless(sip, sent, HeaderName::Contact, || "Contact is no SIP URI".to_owned())
}

fn cancels(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let cancel = request(sent).filter(|one| one.method() == Some(Method::Cancel))?;
    let invite = past.request(branch(cancel)?, &Method::Invite)?;
    if cancel.uri_text() != invite.uri_text() {
        return Some(Finding::Breaks {
            octet: sent.sip_offset(),
            what: "the Request-URI is not that of the INVITE".to_owned(),
        });
    }
    if cancel.vias().count() != 1 {
        return breaks(sent, HeaderName::Via, "there is more than one Via");
    }
    if cancel.header(HeaderName::Require).is_some() {
        return breaks(sent, HeaderName::Require, "Require in a CANCEL");
    }
    let names = [HeaderName::Via, HeaderName::To, HeaderName::From, HeaderName::CallId];
    for name in names.into_iter().chain([HeaderName::Route]) {
        if values(cancel, name) != values(invite, name) {
            return breaks(sent, name, "it is not that of the INVITE");
        }
    }
    let number = |message: &Message| message.cseq().ok().map(|cseq| cseq.number);
    unless(number(cancel) == number(invite), sent, HeaderName::CSeq, || {
        "the number is not that of the INVITE".to_owned()
    })
}

fn branches(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let request = request(sent)?;
    let via = request.via().ok()?;
    if !via.has_magic_cookie() {
        return breaks(sent, HeaderName::Via, "the branch does not begin with z9hG4bK");
    }
    let number = |message: &Message| Some((message.call_id().ok()?.to_owned(), cseq(message)?));
    let other = past
        .requests(via.branch()?)
        .find(|other| number(other) != number(request) && is_of(other, sent.source()));
    unless(other.is_none(), sent, HeaderName::Via, || {
        "the branch was that of another request".to_owned()
    })
}

fn sent_by(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    own_top_via(sent, request(sent)?)
}

fn response_port(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let via = request(sent)?.via().ok()?;
    unless(via.rport() == Some(None), sent, HeaderName::Via, || {
        "the topmost Via has no empty rport".to_owned()
    })
}

fn not_too_large(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    request(sent)?;
    let length = sent.payload.len().saturating_sub(UDP_HEADER_LEN);
    Finding::unless(length <= DATAGRAM_MAX, sent.payload_offset + 4, || {
        format!("a request of {length} octets goes by UDP")
    })
}

/// Of what a telephone writes itself: its Via and its Contact.
fn addresses_as_text(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let request = request(sent)?;
    let mut any = false;
    for name in [HeaderName::Via, HeaderName::Contact] {
        let Some(header) = request.header(name) else { continue };
        for text in String::from_utf8_lossy(header.value).split('[').skip(1) {
            let Some((text, _)) = text.split_once(']') else { continue };
            let Ok(address) = text.parse::<Ipv6Addr>() else { continue };
            any = true;
            if text != address.to_string() {
                return breaks(sent, name, &format!("{text} is not written as {address}"));
            }
        }
    }
    any.then_some(Finding::Fits)
}

fn copies_the_request(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let response = response(sent)?;
    let asked = past.request(branch(response)?, &response.cseq().ok()?.method)?;
    for name in [HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
        if values(response, name) != values(asked, name) {
            return breaks(sent, name, "it is not that of the request");
        }
    }
    let hops = |message: &Message| -> Vec<String> {
        let hop = |via: roamproof_wire::sip::ViaView<'_>| {
            format!("{} {}", via.host, via.branch().unwrap_or_default())
        };
        message.vias().filter_map(Result::ok).map(hop).collect()
    };
    if hops(response) != hops(asked) {
        return breaks(sent, HeaderName::Via, "the Vias are not those of the request");
    }
    let (to, wanted) = (response.to().ok()?, asked.to().ok()?);
    if to.uri.to_owned() != wanted.uri.to_owned() {
        return breaks(sent, HeaderName::To, "it is not that of the request");
    }
    let tagged = match wanted.tag() {
        Some(tag) => to.tag() == Some(tag),
        None => to.tag().is_some() || response.status() == Some(100),
    };
    unless(tagged, sent, HeaderName::To, || "the tag is not there, or another".to_owned())
}

fn keeps_its_tag(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let response = response(sent)?;
    if response.status()? <= 100 || response.cseq().ok()?.method != Method::Invite {
        return None;
    }
    let tag = response.to().ok()?.tag()?;
    let first = past.tag(sent.source(), response)?;
    unless(first == tag, sent, HeaderName::To, || {
        format!("the tag is {tag}, it was {first} in an earlier response")
    })
}

fn keeps_the_route(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let response = response(sent)?;
    let status = response.status()?;
    if !(101..300).contains(&status) || response.cseq().ok()?.method != Method::Invite {
        return None;
    }
    let asked = past.request(branch(response)?, &Method::Invite)?;
    let routes = |message: &Message| -> Vec<Vec<u8>> {
        let elements = message.elements(HeaderName::RecordRoute);
        elements.map(|element| element.value.to_vec()).collect()
    };
    if routes(response) != routes(asked) {
        return breaks(sent, HeaderName::RecordRoute, "Record-Route is not that of the request");
    }
    unless(response.header(HeaderName::Contact).is_some(), sent, HeaderName::To, || {
        "there is no Contact".to_owned()
    })
}

fn counts_down(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let (request, came) = passed_on(sent, past)?;
    let now = request.max_forwards().ok().flatten();
    let right = match came.max_forwards().ok().flatten() {
        Some(hops) => now == hops.checked_sub(1),
        None => now.is_some(),
    };
    unless(right, sent, HeaderName::MaxForwards, || {
        format!("Max-Forwards is {now:?} after {:?}", came.max_forwards().ok().flatten())
    })
}

fn stays_on_the_route(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let (request, _) = passed_on(sent, past)?;
    if request.method() != Some(Method::Invite) || request.to().ok()?.tag().is_some() {
        return None;
    }
    let Some(Ok(first)) = request.record_routes().next() else {
        return breaks(sent, HeaderName::Via, "there is no Record-Route");
    };
    let own = first.uri.host.address().is_none_or(|address| address == IpAddr::V6(sent.source()));
    if !own {
        return breaks(sent, HeaderName::RecordRoute, "the first Record-Route is another's");
    }
    unless(first.uri.is_loose_router(), sent, HeaderName::RecordRoute, || {
        "the Record-Route has no lr".to_owned()
    })
}

fn own_via(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let (request, _) = passed_on(sent, past)?;
    if !request.via().ok()?.has_magic_cookie() {
        return breaks(sent, HeaderName::Via, "the branch does not begin with z9hG4bK");
    }
    own_top_via(sent, request)
}

fn passes_on_unchanged(sent: &Sent<'_>, past: &Past) -> Option<Finding> {
    let (request, came) = passed_on(sent, past)?;
    let names = [HeaderName::To, HeaderName::From, HeaderName::CallId, HeaderName::CSeq];
    for name in names {
        if values(request, name) != values(came, name) {
            return breaks(sent, name, "it is not as it came");
        }
    }
    unless(request.body() == came.body(), sent, HeaderName::ContentLength, || {
        "the body is not as it came".to_owned()
    })
}

fn says_how_long(sent: &Sent<'_>, _: &Past) -> Option<Finding> {
    let response = response(sent)?;
    if response.status() != Some(200) || response.cseq().ok()?.method != Method::Register {
        return None;
    }
    let silent =
        |contact: &roamproof_wire::sip::AddressView<'_>| contact.expires().flatten().is_none();
    let contacts: Vec<_> = response.contacts().filter_map(Result::ok).collect();
    if contacts.is_empty() {
        return None;
    }
    unless(!contacts.iter().any(silent), sent, HeaderName::Contact, || {
        "a binding without expires".to_owned()
    })
}

/// A request that a server passes on, and as it came: the one whose topmost Via is now the second.
fn passed_on<'a>(sent: &'a Sent<'_>, past: &'a Past) -> Option<(&'a Message, &'a Message)> {
    let request = request(sent)?;
    let second = request.vias().nth(1)?.ok()?;
    let came = past.request(second.branch()?, &request.method()?)?;
    Some((request, came))
}

fn own_top_via(sent: &Sent<'_>, request: &Message) -> Option<Finding> {
    let via = request.via().ok()?;
    if !via.transport.eq_ignore_ascii_case("UDP") {
        return breaks(sent, HeaderName::Via, &format!("{} in a datagram", via.transport));
    }
    let own = via.host.address().is_none_or(|address| address == IpAddr::V6(sent.source()));
    unless(own, sent, HeaderName::Via, || {
        format!("sent-by is {}, it comes from {}", via.host, sent.source())
    })
}

fn is_of(request: &Message, address: Ipv6Addr) -> bool {
    let host = request.via().ok().and_then(|via| via.host.address());
    host == Some(IpAddr::V6(address))
}

fn branch(message: &Message) -> Option<&str> {
    message.via().ok()?.branch()
}

fn cseq(message: &Message) -> Option<u32> {
    message.cseq().ok().map(|cseq| cseq.number)
}

fn values(message: &Message, name: HeaderName) -> Vec<Vec<u8>> {
    let headers = message.headers().filter(|header| header.name == name);
    headers.map(|header| header.value.to_vec()).collect()
}

fn unless(
    fits: bool,
    sent: &Sent<'_>,
    name: HeaderName,
    what: impl FnOnce() -> String,
) -> Option<Finding> {
    Finding::unless(fits, sent.sip_header(name), || format!("{}: {}", name.as_str(), what()))
}

fn breaks(sent: &Sent<'_>, name: HeaderName, what: &str) -> Option<Finding> {
    unless(false, sent, name, || what.to_owned())
}

const UDP_HEADER_LEN: usize = 8;
