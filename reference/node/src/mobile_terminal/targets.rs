//! Who "the other party's IP address" is (claim 2; decisions D3 and D4): the addresses that an
//! INVITE, an offer or an answer asks to optimize the route to.

use std::net::{IpAddr, Ipv6Addr};

use roamproof_wire::ipv6::address::is_unicast_routable;
use roamproof_wire::sdp::{ConnectionAddress, SessionDescription};
use roamproof_wire::sip::{Fields, Message};

/// What a message says about where media goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Targets {
    /// To whom the route is to be optimized, in order, each once.
    pub(super) peers: Vec<Ipv6Addr>,
    /// Media is wanted, and none of it can get there.
    pub(super) unreachable: bool,
}

/// Addresses at once: the streams of one description that a terminal deals with.
const PEERS_MAX: usize = 8;

impl Targets {
    /// The targets of an INVITE: its offer's, or without an offer its contact's (decision D3).
    pub(super) fn of_invite(invite: &Message, own: &[Ipv6Addr]) -> Self {
        match description_in(invite) {
            Some(offer) => Self::of_description(&offer, own),
            //= CL-RO-23
            None => Self::of_contact(invite, own),
        }
    }

    /// The targets of a description: each address to which media will go.
    pub(super) fn of_description(description: &SessionDescription, own: &[Ipv6Addr]) -> Self {
        let addresses = description.media_addresses();
        //= CL-RO-02
        //# never a Via value, never the contact where there is an offer
        let peers = addresses.iter().filter_map(ConnectionAddress::ipv6);
        let cannot = |address: &ConnectionAddress| match address {
            ConnectionAddress::Ipv6(address) => !is_unicast_routable(*address),
            ConnectionAddress::Ipv4(_)
            | ConnectionAddress::Mapped(_)
            | ConnectionAddress::Name(_) => true,
            // On hold: nothing is to get anywhere.
            ConnectionAddress::Unspecified => false,
        };
        Self {
            peers: suitable(peers, own),
            unreachable: !addresses.is_empty() && addresses.iter().all(cannot),
        }
    }

    fn of_contact(invite: &Message, own: &[Ipv6Addr]) -> Self {
        let contact = invite.contact().ok().flatten();
        let literal = contact.and_then(|contact| match contact.uri.host.address() {
            Some(IpAddr::V6(address)) => Some(address),
            Some(IpAddr::V4(_)) | None => None,
        });
        Self { peers: suitable(literal.into_iter(), own), unreachable: false }
    }
}

/// The session description of a message, if it has one that can be read.
pub(super) fn description_in(message: &Message) -> Option<SessionDescription> {
    message.has_sdp().then(|| SessionDescription::parse(message.body()).ok()).flatten()
}

/// Those that route optimization makes sense with (decision D4), each once.
fn suitable(addresses: impl Iterator<Item = Ipv6Addr>, own: &[Ipv6Addr]) -> Vec<Ipv6Addr> {
    let mut peers = Vec::new();
    //= CL-RO-22
    for address in addresses.filter(|one| is_unicast_routable(*one) && !own.contains(one)) {
        if !peers.contains(&address) && peers.len() < PEERS_MAX {
            peers.push(address);
        }
    }
    peers
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const OWN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);

    #[rstest]
    #[case::session_address(
        "c=IN IP6 2001:db8:c::c\nt=0 0\nm=audio 4000 RTP/AVP 0",
        "2001:db8:c::c"
    )]
    #[case::media_over_session(
        "c=IN IP6 2001:db8:c::c\nt=0 0\nm=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8:c::bb",
        "2001:db8:c::bb"
    )]
    #[case::each_stream_once(
        "t=0 0\nm=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8:c::bb\nm=video 4002 RTP/AVP 31\n\
         c=IN IP6 2001:db8:c::aa\nm=audio 4004 RTP/AVP 0\nc=IN IP6 2001:db8:c::bb",
        "2001:db8:c::bb 2001:db8:c::aa"
    )]
    #[case::refused_stream_does_not_count(
        "c=IN IP6 2001:db8:c::c\nt=0 0\nm=audio 0 RTP/AVP 0\nc=IN IP6 2001:db8:c::1\n\
         m=audio 4000 RTP/AVP 0",
        "2001:db8:c::c"
    )]
    #[case::own_address("c=IN IP6 2001:db8:a::100\nt=0 0\nm=audio 4000 RTP/AVP 0", "")]
    #[case::hold("c=IN IP6 ::\nt=0 0\nm=audio 4000 RTP/AVP 0", "")]
    #[case::ipv4("c=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 0", "unreachable")]
    #[case::mapped("c=IN IP6 ::ffff:192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 0", "unreachable")]
    #[case::group("c=IN IP6 ff0e::1/1\nt=0 0\nm=audio 4000 RTP/AVP 0", "unreachable")]
    #[case::link_local("c=IN IP6 fe80::1\nt=0 0\nm=audio 4000 RTP/AVP 0", "unreachable")]
    #[case::loopback("c=IN IP6 ::1\nt=0 0\nm=audio 4000 RTP/AVP 0", "unreachable")]
    fn an_offer_names_its_targets(#[case] lines: &str, #[case] expected: &str) {
        let text = format!("v=0\no=- 7 1 IN IP6 2001:db8:c::c\ns=-\n{lines}\n");
        check(&invite(&text), expected);
    }

    #[rstest]
    #[case::literal("<sip:cn@[2001:db8:c::c]:5070>", "2001:db8:c::c")]
    #[case::name("<sip:cn@cn.example.com>", "")]
    #[case::ipv4("<sip:cn@192.0.2.1>", "")]
    fn without_an_offer_the_contact_is_the_target(#[case] contact: &str, #[case] expected: &str) {
        let text = invite("").replace("<sip:cn@[2001:db8:c::1]>", contact);
        check(&text, expected);
    }

    fn invite(body: &str) -> String {
        let body = body.replace('\n', "\r\n");
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "INVITE sip:mt@[2001:db8:a::100] SIP/2.0\r\n\
             Via: SIP/2.0/UDP [2001:db8:5::5];branch=z9hG4bKa1\r\n\
             Via: SIP/2.0/UDP [2001:db8:c::99];branch=z9hG4bKa0\r\n\
             From: <sip:cn@example.com>;tag=f2\r\nTo: <sip:mt@example.com>\r\n\
             Call-ID: c3\r\nCSeq: 41 INVITE\r\nMax-Forwards: 70\r\n\
             Contact: <sip:cn@[2001:db8:c::1]>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len(),
        )
    }

    #[track_caller]
    fn check(invite: &str, expected: &str) {
        let invite = Message::parse(invite.as_bytes()).unwrap();
        let Targets { peers, unreachable } = Targets::of_invite(&invite, &[OWN]);
        let mut seen: Vec<String> = peers.iter().map(Ipv6Addr::to_string).collect();
        seen.extend(unreachable.then(|| "unreachable".to_owned()));
        assert_eq!(seen.join(" "), expected);
    }
}
