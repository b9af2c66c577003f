//! The tester as SIP server, caller and called party: messages over UDP, complete and right.

use std::net::Ipv6Addr;

use roamproof_wire::ipv6::{Outgoing, protocol};
use roamproof_wire::sdp::LocalMedia;
use roamproof_wire::sip::{
    BRANCH_COOKIE, DEFAULT_PORT, Fields, HeaderName, HostView, Message, Method, Transport, Uri,
};
use roamproof_wire::udp;

/// A SIP element that the tester plays.
#[derive(Debug, Clone)]
pub struct SipPeer {
    /// Its address.
    pub address: Ipv6Addr,
    /// By which transport its messages go, as their Via says.
    pub transport: Transport,
    count: u32,
}

/// Someone whom a message names, and where its media goes.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its identifier: `sip:cn@example.com`.
    pub identifier: String,
    /// Its address, in Via and Contact.
    pub address: Ipv6Addr,
    /// Where it takes media.
    pub media: (Ipv6Addr, u16),
}

/// Hops that a request of ours may take, one of them behind it.
const HOPS: u8 = 69;
/// Seconds for which it registers whoever asks.
const EXPIRES: u32 = 3600;
/// Names the sessions of the tester's descriptions.
pub(super) const SESSION: u64 = 0x7e57;

impl SipPeer {
    /// An element at this address, port 5060.
    pub const fn new(address: Ipv6Addr) -> Self {
        Self { address, transport: Transport::Udp, count: 0 }
    }

    /// The same, whose messages a subject that outlives this case takes for none that it knows:
    /// they are numbered from `unix`, the Unix time.
    pub fn since(address: Ipv6Addr, unix: std::time::Duration) -> Self {
        // RFC 3261 §8.1.1.5 wants numbers below 2^31.
        let millis = unix.as_millis() % (1 << 31);
        Self { count: u32::try_from(millis).unwrap_or_default(), ..Self::new(address) }
    }

    /// The INVITE that it passes on for `caller`, as the server that stays in the path, or sends as
    /// the caller: for the called `identifier` to `contact`, with an offer of audio.
    pub fn invite(&mut self, caller: &Party, identifier: &str, contact: &Uri) -> Message {
        let mut message = self.request(Method::Invite, caller, identifier, contact);
        if self.address != caller.address {
            let own = HostView::Ipv6(self.address);
            let transport = match self.transport {
                Transport::Udp => "",
                Transport::Tcp => ";transport=tcp",
            };
            message.push(HeaderName::RecordRoute, format!("<sip:{own}{transport};lr>"));
        }
        message.push(HeaderName::Contact, format!("<{}>", caller.contact()));
        let (address, port) = caller.media;
        let offer = LocalMedia::audio(address, port, SESSION).offer();
        message.set_body("application/sdp", offer.to_vec());
        message
    }

    /// A request without a dialog or a body, passed on for `caller`, or the caller's own.
    pub fn request(
        &mut self,
        method: Method,
        caller: &Party,
        identifier: &str,
        contact: &Uri,
    ) -> Message {
        self.count += 1;
        let (count, own) = (self.count, HostView::Ipv6(self.address));
        let (word, from) = (method.as_str().to_owned(), HostView::Ipv6(caller.address));
        let mut message = Message::request(method, contact);
        let server = (self.address != caller.address).then_some((&own, "server"));
        for (host, who) in server.into_iter().chain([(&from, "caller")]) {
            let branch = format!("{BRANCH_COOKIE}-{who}-{count}");
            let transport = self.transport.as_str();
            message.push(HeaderName::Via, format!("SIP/2.0/{transport} {host};branch={branch}"));
        }
        message.push(HeaderName::MaxForwards, HOPS);
        message.push(HeaderName::From, format!("<{}>;tag=caller-{count}", caller.identifier));
        message.push(HeaderName::To, format!("<{identifier}>"));
        message.push(HeaderName::CallId, format!("roamproof-{count}@{from}"));
        message.push(HeaderName::CSeq, format!("{count} {word}"));
        message
    }

    /// The REGISTER of `party` with its registrar, this element's own.
    pub fn register(&mut self, party: &Party, registrar: &Uri) -> Message {
        let mut message = self.request(Method::Register, party, &party.identifier, registrar);
        message.push(HeaderName::Contact, format!("<{}>", party.contact()));
        message.push(HeaderName::Expires, EXPIRES);
        message
    }

    /// The same request once more, as one of its own: with another branch and the next number
    /// (RFC 3261 §22.2).
    pub fn again(&mut self, request: &Message) -> Message {
        self.count += 1;
        let mut message = request.clone();
        let via = request.via().map(|via| via.host.to_string()).unwrap_or_default();
        let branch = format!("{BRANCH_COOKIE}-again-{}", self.count);
        message.replace_first(HeaderName::Via, format!("SIP/2.0/UDP {via};branch={branch}"));
        if let Ok(cseq) = request.cseq() {
            let (number, method) = (cseq.number.wrapping_add(1), cseq.method.as_str());
            message.replace(HeaderName::CSeq, format!("{number} {method}"));
        }
        message
    }

    /// The ACK to a response that refuses `invite` (RFC 3261 17.1.1.3).
    pub fn acknowledgement(&self, invite: &Message, refusal: &Message) -> Option<Message> {
        let uri = invite.uri().ok()?.to_owned();
        let mut message = Message::request(Method::Ack, &uri);
        let value = |from: &Message, name| {
            from.header(name).map(|header| String::from_utf8_lossy(header.value).into_owned())
        };
        message.push(HeaderName::Via, value(invite, HeaderName::Via)?);
        message.push(HeaderName::MaxForwards, HOPS);
        message.push(HeaderName::From, value(invite, HeaderName::From)?);
        message.push(HeaderName::To, value(refusal, HeaderName::To)?);
        message.push(HeaderName::CallId, invite.call_id().ok()?);
        message.push(HeaderName::CSeq, format!("{} ACK", invite.cseq().ok()?.number));
        Some(message)
    }

    /// The response of `party` to a request, with its tag and contact.
    pub fn response(&self, request: &Message, party: &Party, status: u16, reason: &str) -> Message {
        let mut message = Message::response_to(request, status, reason);
        if status > 100 {
            message.set_to_tag("called");
        }
        for route in request.headers().filter(|header| header.name == HeaderName::RecordRoute) {
            message.push(HeaderName::RecordRoute, String::from_utf8_lossy(route.value));
        }
        message.push(HeaderName::Contact, format!("<{}>", party.contact()));
        message
    }

    /// The 200 to an INVITE by which `party` answers, with where it takes media; `None` where the
    /// INVITE offers nothing that can be had.
    pub fn answer(&self, invite: &Message, party: &Party) -> Option<Message> {
        let offer = roamproof_wire::sdp::SessionDescription::parse(invite.body()).ok()?;
        let (address, port) = party.media;
        let answer = LocalMedia::audio(address, port, SESSION).answer(&offer).ok()?;
        let mut message = self.response(invite, party, 200, "OK");
        message.set_body("application/sdp", answer.to_vec());
        Some(message)
    }

    /// The 200 to a REGISTER, which takes its contact; `None` where it has none.
    pub fn registers(&self, request: &Message) -> Option<Message> {
        let contact = request.contact().ok()??.uri.to_owned();
        let mut message = Message::response_to(request, 200, "OK");
        message.set_to_tag("registrar");
        message.push(HeaderName::Contact, format!("<{}>;expires={EXPIRES}", contact.as_str()));
        Some(message)
    }

    /// A number that no message of this element has had.
    pub(super) const fn next_count(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    /// The packet that carries `message` from this element to another.
    pub fn packet(&self, to: Ipv6Addr, message: &Message) -> Vec<u8> {
        packet(self.address, to, message)
    }
}

impl Party {
    /// `sip:user@[address]`, the user that of its identifier.
    pub fn contact(&self) -> String {
        format!("sip:{}@{}", self.user(), HostView::Ipv6(self.address))
    }

    /// The user that its identifier names.
    pub fn user(&self) -> &str {
        self.identifier.trim_start_matches("sip:").split('@').next().unwrap_or_default()
    }
}

/// The packet that carries `message` between two elements, both at port 5060.
pub fn packet(from: Ipv6Addr, to: Ipv6Addr, message: &Message) -> Vec<u8> {
    let outgoing = Outgoing::new(from, to, protocol::UDP);
    udp::packet(&outgoing, DEFAULT_PORT, DEFAULT_PORT, &message.to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::stimulus::check;
    use super::*;
    use crate::topology::claimed::{CN, HOA, SS};

    fn caller() -> Party {
        Party { identifier: "sip:cn@example.com".to_owned(), address: CN, media: (CN, 40_000) }
    }

    #[test]
    fn an_invite_reads_as_a_server_passes_it_on() {
        let mut server = SipPeer::new(SS);
        let contact = Uri::parse("sip:mt@[2001:db8:a::100]").unwrap();
        let invite = server.invite(&caller(), "sip:mt@example.com", &contact);
        assert_eq!(Message::parse(&invite.to_vec()).unwrap().to_vec(), invite.to_vec());
        assert_eq!(check(&server.packet(HOA, &invite)), Ok(()));
        let text = String::from_utf8(invite.to_vec()).unwrap().replace('\r', "");
        insta::assert_snapshot!(text, @r"
        INVITE sip:mt@[2001:db8:a::100] SIP/2.0
        Via: SIP/2.0/UDP [2001:db8:5::5];branch=z9hG4bK-server-1
        Via: SIP/2.0/UDP [2001:db8:c::c];branch=z9hG4bK-caller-1
        Max-Forwards: 69
        From: <sip:cn@example.com>;tag=caller-1
        To: <sip:mt@example.com>
        Call-ID: roamproof-1@[2001:db8:c::c]
        CSeq: 1 INVITE
        Record-Route: <sip:[2001:db8:5::5];lr>
        Contact: <sip:cn@[2001:db8:c::c]>
        Content-Type: application/sdp
        Content-Length: 158

        v=0
        o=- 32343 1 IN IP6 2001:db8:c::c
        s=-
        c=IN IP6 2001:db8:c::c
        t=0 0
        m=audio 40000 RTP/AVP 0 8
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=sendrecv
        ");
    }

    #[test]
    fn answers_fit_what_was_asked() {
        let mut server = SipPeer::new(SS);
        let contact = Uri::parse("sip:mt@[2001:db8:a::100]").unwrap();
        let invite = server.invite(&caller(), "sip:mt@example.com", &contact);
        let identifier = "sip:mt@example.com".to_owned();
        let called = Party { identifier, address: HOA, media: (HOA, 40_000) };
        let answer = server.answer(&invite, &called).expect("audio can be had");
        assert!(answer.has_sdp() && answer.to().unwrap().tag().is_some());
        assert_eq!(answer.record_routes().count(), 1);
        assert!(server.registers(&invite).is_some(), "an INVITE has a contact too");
        let bare = server.request(Method::Options, &caller(), "sip:mt@example.com", &contact);
        assert_eq!((server.answer(&bare, &called), server.registers(&bare)), (None, None));
    }
}
