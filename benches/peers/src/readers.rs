//! Each codec, used as its documentation says to read a datagram.

use std::net::{IpAddr, Ipv6Addr};

use bytes::Bytes;

use crate::facts::Facts;

/// Ours, where the message lies: what the nodes and the judge do first.
pub fn roamproof(octets: &Bytes) -> Option<Facts> {
    use roamproof_wire::sdp::SdpView;
    use roamproof_wire::sip::{Fields, MessageView, Method};

    let invite = MessageView::datagram(octets).ok()?;
    if invite.method()? != Method::Invite {
        return None;
    }
    let (via, from, to) = (invite.via().ok()?, invite.from().ok()?, invite.to().ok()?);
    let cseq = invite.cseq().ok().filter(|cseq| cseq.method == Method::Invite)?;
    let contact = invite.contact().ok()??;
    let media = SdpView::new(invite.body()).media().next()?.ok()?;
    to.tag().is_none().then_some(Facts {
        target_len: invite.uri().ok()?.user?.len(),
        via: (ipv6(via.host.address()?)?, via.port?),
        branch_len: via.branch()?.len(),
        from_len: (from.uri.user?.len(), from.tag()?.len()),
        to_len: to.uri.user?.len(),
        call_id_len: invite.call_id().ok()?.len(),
        cseq: cseq.number,
        contact: (ipv6(contact.uri.host.address()?)?, contact.uri.port?),
        media: (media.connection().ok()?.ipv6()?, media.port),
    })
}

/// rsipstack: the message and its headers as text, each header read on demand.
pub fn rsipstack(octets: &Bytes) -> Option<Facts> {
    use rsipstack::sip::{HeadersExt as _, Host, Method, SipMessage, ToTypedHeader as _, Uri};

    let place = |uri: &Uri| match uri.host() {
        Host::IpAddr(address) => Some((ipv6(*address)?, uri.host_with_port.port.as_ref()?.0)),
        Host::Domain(_) => None,
    };
    let SipMessage::Request(invite) = SipMessage::try_from(&octets[..]).ok()? else { return None };
    if *invite.method() != Method::Invite {
        return None;
    }
    let via = invite.via_header().ok()?.typed().ok()?;
    let from = invite.from_header().ok()?.typed().ok()?;
    let to = invite.to_header().ok()?.typed().ok()?;
    let cseq = invite.cseq_header().ok()?.typed().ok()?;
    let contact = invite.contact_header().ok()?.typed().ok()?;
    (to.tag().is_none() && cseq.method == Method::Invite).then_some(Facts {
        target_len: invite.uri().user()?.len(),
        via: place(&via.uri)?,
        branch_len: via.branch()?.value().len(),
        from_len: (from.uri.user()?.len(), from.tag()?.value().len()),
        to_len: to.uri.user()?.len(),
        call_id_len: invite.call_id_header().ok()?.value().len(),
        cseq: cseq.seq,
        contact: place(&contact.uri)?,
        media: media_by_hand(invite.body())?,
    })
}

/// ezk: lines pulled out, headers kept as text, each read on demand.
pub fn ezk(octets: &Bytes) -> Option<Facts> {
    use ezk_sip_types::header::typed::{CSeq, CallID, Contact, FromTo, Via};
    use ezk_sip_types::host::{Host, HostPort};
    use ezk_sip_types::msg::{Line, MessageLine, PullParser};
    use ezk_sip_types::parse::Parse as _;
    use ezk_sip_types::uri::SipUriUserPart;
    use ezk_sip_types::{Headers, Method, Name};

    let place = |place: &HostPort| match place.host {
        Host::IP6(address) => Some((address, place.port?)),
        Host::IP4(_) | Host::Name(_) => None,
    };
    let user_len = |user: &SipUriUserPart| match user {
        SipUriUserPart::User(user) => Some(user.len()),
        SipUriUserPart::Empty | SipUriUserPart::UserPw(_) => None,
    };
    let mut lines = PullParser::new(octets, 0);
    let first = std::str::from_utf8(lines.next()?.ok()?).ok()?;
    let (_, first) = MessageLine::parse(octets)(first).ok()?;
    let mut headers = Headers::new();
    for line in &mut lines {
        let line = std::str::from_utf8(line.ok()?).ok()?;
        let (_, line) = Line::parse(octets, line).ok()?;
        headers.insert(line.name, line.value);
    }
    let MessageLine::Request(first) = first else { return None };
    let via: Via = headers.get_named().ok()?;
    let from: FromTo = headers.get(Name::FROM).ok()?;
    let to: FromTo = headers.get(Name::TO).ok()?;
    let CallID(call_id) = headers.get_named().ok()?;
    let cseq: CSeq = headers.get_named().ok()?;
    let contact: Contact = headers.get_named().ok()?;
    let invite = first.method == Method::INVITE && cseq.method == Method::INVITE;
    (to.tag.is_none() && invite).then_some(Facts {
        target_len: user_len(&first.uri.user_part)?,
        via: place(&via.sent_by)?,
        branch_len: via.params.get_val("branch")?.len(),
        from_len: (user_len(&from.uri.uri.user_part)?, from.tag?.len()),
        to_len: user_len(&to.uri.uri.user_part)?,
        call_id_len: call_id.len(),
        cseq: cseq.cseq,
        contact: place(&contact.uri.uri.host_port)?,
        media: media_by_hand(&octets[lines.head_end()..])?,
    })
}

/// sipx: a message of slices, each header decoded on demand.
pub fn sipx(octets: &Bytes) -> Option<Facts> {
    use sipx_sip::headers::{CSeq, CallId, Contact, From, To, Via};
    use sipx_sip::{Host, Limits, Message, Method, parse_datagram};

    let address = |host: &Host| match host {
        Host::Ip(address) => ipv6(*address),
        Host::Name(_) => None,
    };
    let Message::Request(invite) = parse_datagram(octets.clone(), &Limits::datagram()).ok()? else {
        return None;
    };
    let headers = &invite.headers;
    let via: Via = headers.typed()?.ok()?;
    let From(from) = headers.typed()?.ok()?;
    let To(to) = headers.typed()?.ok()?;
    let CallId(call_id) = headers.typed()?.ok()?;
    let cseq: CSeq = headers.typed()?.ok()?;
    let Contact(contact) = headers.typed()?.ok()?;
    let is_invite = invite.method == Method::Invite && cseq.method == Method::Invite;
    (to.tag().is_none() && is_invite).then_some(Facts {
        target_len: invite.uri.user()?.len(),
        via: (address(&via.host)?, via.port?),
        branch_len: via.branch()?.len(),
        from_len: (from.uri.user()?.len(), from.tag()?.len()),
        to_len: to.uri.user()?.len(),
        call_id_len: call_id.len(),
        cseq: cseq.sequence,
        contact: (address(contact.uri.host()?)?, contact.uri.port()?),
        media: media_by_hand(invite.body())?,
    })
}

/// rvoip: everything read at once, the session description on demand.
pub fn rvoip(octets: &Bytes) -> Option<Facts> {
    use rvoip_sip_core::sdp::parser::parse_sdp;
    use rvoip_sip_core::types::headers::HeaderName;
    use rvoip_sip_core::types::headers::TypedHeader;
    use rvoip_sip_core::{Host, Message, Method, parse_message};

    let address = |host: &Host| match host {
        Host::Address(address) => ipv6(*address),
        Host::Domain(_) => None,
    };
    let Message::Request(invite) = parse_message(octets).ok()? else { return None };
    let Some(TypedHeader::Via(via)) = invite.header(&HeaderName::Via) else { return None };
    let via = via.0.first()?;
    let (from, to, cseq) = (invite.from()?, invite.to()?, invite.cseq()?);
    let Some(TypedHeader::Contact(contact)) = invite.header(&HeaderName::Contact) else {
        return None;
    };
    let contact = &contact.address()?.uri;
    let session = parse_sdp(invite.body_bytes()).ok()?;
    let media = session.connection_info.as_ref()?.connection_address.parse().ok()?;
    let is_invite = invite.method() == Method::Invite && *cseq.method() == Method::Invite;
    (to.tag().is_none() && is_invite).then_some(Facts {
        target_len: invite.uri().user.as_ref()?.len(),
        via: (address(&via.sent_by_host)?, via.sent_by_port?),
        branch_len: via.branch()?.len(),
        from_len: (from.address().uri.user.as_ref()?.len(), from.tag()?.len()),
        to_len: to.address().uri.user.as_ref()?.len(),
        call_id_len: invite.call_id()?.as_str().len(),
        cseq: cseq.sequence(),
        contact: (address(&contact.host)?, contact.port?),
        media: (media, session.media_descriptions.first()?.port),
    })
}

/// c= and m= as whoever has no codec for SDP reads them.
fn media_by_hand(body: &[u8]) -> Option<(Ipv6Addr, u16)> {
    let body = std::str::from_utf8(body).ok()?;
    let line = |start: &str| body.lines().find_map(|line| line.strip_prefix(start));
    let (_, port) = line("m=")?.split_once(' ')?;
    Some((line("c=IN IP6 ")?.parse().ok()?, port.split(' ').next()?.parse().ok()?))
}

fn ipv6(address: IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    }
}
