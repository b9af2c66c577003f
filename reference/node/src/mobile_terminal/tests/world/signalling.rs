//! SIP to and from the terminal: requests of a caller, answers of a server.

use std::net::Ipv6Addr;

use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::sip::{Fields, HeaderName, Message, Method};
use roamproof_wire::udp::{self, Udp};

use super::{HOME, On, PEER, PORT, SERVER, World};

impl World {
    /// An INVITE from the server, by the home agent's tunnel; its call is `call`.
    pub(crate) fn invite(&mut self, call: &str, media: Ipv6Addr) {
        let body = description(media);
        self.invite_with(call, &body);
    }

    pub(crate) fn invite_with(&mut self, call: &str, body: &str) {
        self.note(&format!("INVITE {call}"));
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
        let text = format!(
            "INVITE sip:mt@[{HOME}] SIP/2.0\nVia: SIP/2.0/UDP [{SERVER}];branch=z9hG4bKs{call}\n\
             Via: SIP/2.0/UDP [2001:db8:c::99];branch=z9hG4bKc{call}\n\
             Record-Route: <sip:[{SERVER}];lr>\nMax-Forwards: 69\n\
             From: <sip:cn@example.com>;tag=f{call}\nTo: <sip:mt@example.com>\nCall-ID: {call}\n\
             CSeq: 1 INVITE\nContact: <sip:cn@[{PEER}]>\n{kind}"
        );
        self.sip_to_terminal(&text, body);
    }

    /// A request within the call that the last 200 answered.
    pub(crate) fn request_within(&mut self, call: &str, number: u32, method: &str, body: &str) {
        let ok = self
            .sip
            .iter()
            .rev()
            .find(|message| message.status() == Some(200) && message.call_id() == Ok(call))
            .expect("answered");
        let tag = ok.to().unwrap().tag().unwrap().to_owned();
        self.note(&format!("{method} {call}"));
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
        let text = format!(
            "{method} sip:mt@[{HOME}] SIP/2.0\n\
             Via: SIP/2.0/UDP [{SERVER}];branch=z9hG4bKs{call}{method}{number}\n\
             Via: SIP/2.0/UDP [{PEER}];branch=z9hG4bKc{call}{method}{number}\nMax-Forwards: 69\n\
             From: <sip:cn@example.com>;tag=f{call}\nTo: <sip:mt@example.com>;tag={tag}\n\
             Call-ID: {call}\nCSeq: {number} {method}\nContact: <sip:cn@[{PEER}]>\n{kind}"
        );
        self.sip_to_terminal(&text, body);
    }

    /// A CANCEL of the pending INVITE of `call`.
    pub(crate) fn cancel(&mut self, call: &str) {
        self.note(&format!("CANCEL {call}"));
        let text = format!(
            "CANCEL sip:mt@[{HOME}] SIP/2.0\nVia: SIP/2.0/UDP [{SERVER}];branch=z9hG4bKs{call}\n\
             Max-Forwards: 69\nFrom: <sip:cn@example.com>;tag=f{call}\nTo: <sip:mt@example.com>\n\
             Call-ID: {call}\nCSeq: 1 CANCEL\n"
        );
        self.sip_to_terminal(&text, "");
    }

    pub(crate) fn options(&mut self, call: &str) {
        self.note(&format!("OPTIONS {call}"));
        let text = format!(
            "OPTIONS sip:mt@[{HOME}] SIP/2.0\nVia: SIP/2.0/UDP [{SERVER}];branch=z9hG4bKo{call}\n\
             Max-Forwards: 69\nFrom: <sip:cn@example.com>;tag=f{call}\nTo: <sip:mt@example.com>\n\
             Call-ID: {call}\nCSeq: 1 OPTIONS\n"
        );
        self.sip_to_terminal(&text, "");
    }

    /// A 200 to the terminal's last INVITE.
    pub(crate) fn answer_call(&mut self, body: &str) {
        let invite = self.sip.iter().rev().find(|one| one.method() == Some(Method::Invite));
        let mut answer = Message::response_to(invite.expect("called"), 200, "OK");
        answer.set_to_tag("t9");
        answer.push(HeaderName::Contact, format!("<sip:cn@[{PEER}]>"));
        answer.set_body("application/sdp", body.replace('\n', "\r\n").into_bytes());
        self.note("200");
        let payload = udp::datagram(SERVER, HOME, PORT, PORT, &answer.to_vec());
        self.tunnel(&Outgoing::new(SERVER, HOME, protocol::UDP).to_vec(&payload));
    }

    fn sip_to_terminal(&mut self, head: &str, body: &str) {
        let body = body.replace('\n', "\r\n");
        let text = format!("{head}Content-Length: {}\n\n", body.len()).replace('\n', "\r\n");
        let octets = [text.as_bytes(), body.as_bytes()].concat();
        let payload = udp::datagram(SERVER, HOME, PORT, PORT, &octets);
        let packet = Outgoing::new(SERVER, HOME, protocol::UDP).to_vec(&payload);
        if self.on == Some(On::Home) {
            return self.deliver(&packet);
        }
        self.tunnel_from(self.invite_tunnel, &packet);
    }

    pub(super) fn on_sip(&mut self, packet: &Packet<'_>, datagram: &Udp<'_>, way: &str) {
        let message = Message::parse(datagram.payload).unwrap();
        let what = match (message.method(), message.status()) {
            (Some(method), _) => method.to_string(),
            (None, status) => status.unwrap().to_string(),
        };
        // Names of the terminal's own calls are random.
        let call = match message.method() {
            Some(_) => String::new(),
            None => format!(" {}", message.call_id().unwrap()),
        };
        let text = String::from_utf8_lossy(datagram.payload).into_owned();
        let told = if text.contains(&self.care_of().to_string()) { " tells where" } else { "" };
        self.note(&format!("{what}{call} {way}{told}"));
        if message.method() == Some(Method::Register) {
            assert!(!self.strict || packet.source() == HOME);
            let mut answer = Message::response_to(&message, 200, "OK");
            let contact = message.contact().unwrap().unwrap().uri.to_owned();
            answer.push(HeaderName::Contact, format!("<{contact}>;expires=3600"));
            let payload = udp::datagram(SERVER, HOME, PORT, PORT, &answer.to_vec());
            let packet = Outgoing::new(SERVER, HOME, protocol::UDP).to_vec(&payload);
            if way == "native" { self.deliver(&packet) } else { self.tunnel(&packet) }
        }
        self.sip.push(message);
    }
}

/// An offer of PCMU at `address`.
pub(crate) fn description(address: Ipv6Addr) -> String {
    format!(
        "v=0\no=cn 7 1 IN IP6 {address}\ns=-\nc=IN IP6 {address}\nt=0 0\n\
         m=audio 4000 RTP/AVP 0\n"
    )
}
