//! The tester in a dialog, as its caller: the requests that follow an answered INVITE.

use std::net::Ipv6Addr;

use roamproof_wire::sip::{BRANCH_COOKIE, Fields, HeaderName, HostView, Message, Method, Uri};

/// A dialog that an INVITE of the tester's began (RFC 3261 §12.1.2).
#[derive(Debug, Clone)]
pub struct Dialog {
    own: Ipv6Addr,
    target: Uri,
    routes: Vec<String>,
    from: String,
    to: String,
    call_id: String,
    contact: Option<String>,
    /// The number of the newest INVITE, and of the last request.
    invite: u32,
    last: u32,
}

impl Dialog {
    /// The dialog that `answer`, as its caller heard it, begins; `None` where it lacks what a
    /// dialog needs.
    pub fn begun(own: Ipv6Addr, invite: &Message, answer: &Message) -> Option<Self> {
        let text = |message: &Message, name| {
            let header = message.header(name)?;
            Some(String::from_utf8_lossy(header.value).into_owned())
        };
        let mut routes: Vec<String> = answer
            .elements(HeaderName::RecordRoute)
            .map(|route| String::from_utf8_lossy(route.value).into_owned())
            .collect();
        routes.reverse();
        let number = invite.cseq().ok()?.number;
        answer.to().ok()?.tag()?;
        Some(Self {
            own,
            target: answer.contact().ok()??.uri.to_owned(),
            routes,
            from: text(invite, HeaderName::From)?,
            to: text(answer, HeaderName::To)?,
            call_id: invite.call_id().ok()?.to_owned(),
            contact: text(invite, HeaderName::Contact),
            invite: number,
            last: number,
        })
    }

    /// Where requests of the dialog go first, where that is an IPv6 literal: the first proxy that
    /// stayed in the path, or the other party itself.
    pub fn next_hop(&self) -> Option<Ipv6Addr> {
        let route = self.routes.first().map(|route| route.trim());
        let first =
            route.and_then(|route| Uri::parse(route.split_once('<')?.1.split_once('>')?.0).ok());
        match first.as_ref().unwrap_or(&self.target).view().host {
            HostView::Ipv6(address) => Some(address),
            HostView::Name(_) | HostView::Ipv4(_) => None,
        }
    }

    /// The ACK to the answer (RFC 3261 §13.2.2.4).
    pub fn acknowledges(&self) -> Message {
        self.message(Method::Ack, self.invite)
    }

    /// A re-INVITE with the offer of `invite`; what [`acknowledges`](Self::acknowledges) makes is
    /// then about this one.
    pub fn offers(&mut self, invite: &Message) -> Message {
        let mut message = self.request(Method::Invite);
        message.set_body("application/sdp", invite.body().to_vec());
        self.invite = self.last;
        message
    }

    /// The next request of the dialog.
    pub fn request(&mut self, method: Method) -> Message {
        self.last += 1;
        self.message(method, self.last)
    }

    fn message(&self, method: Method, number: u32) -> Message {
        let (word, own) = (method.as_str().to_owned(), HostView::Ipv6(self.own));
        let mut message = Message::request(method, &self.target);
        let branch = format!("{BRANCH_COOKIE}-dialog-{number}-{word}");
        message.push(HeaderName::Via, format!("SIP/2.0/UDP {own};branch={branch}"));
        for route in &self.routes {
            message.push(HeaderName::Route, route);
        }
        message.push(HeaderName::MaxForwards, HOPS);
        message.push(HeaderName::From, &self.from);
        message.push(HeaderName::To, &self.to);
        message.push(HeaderName::CallId, &self.call_id);
        message.push(HeaderName::CSeq, format!("{number} {word}"));
        if let Some(contact) = self.contact.as_ref().filter(|_| word == "INVITE") {
            message.push(HeaderName::Contact, contact);
        }
        message
    }
}

const HOPS: u8 = 70;

#[cfg(test)]
mod tests {
    use roamproof_wire::ethernet::Mac;

    use super::super::sip::SipPeer;
    use super::*;
    use crate::plan::Plan;
    use crate::topology::claimed::{CN, HOA, SS};

    #[test]
    fn requests_of_a_dialog_visit_who_stayed_in_the_path() {
        let plan = Plan::claimed(Mac([2, 0, 0, 0, 0, 1]));
        let (caller, called) = (plan.cn(40_000), plan.mt(40_000));
        let identifier = Uri::parse(&called.identifier).unwrap();
        let invite = SipPeer::new(CN).invite(&caller, &called.identifier, &identifier);
        let mut heard = invite.clone();
        heard.push(HeaderName::RecordRoute, "<sip:[2001:db8:5::5];lr>");
        let answer = SipPeer::new(HOA).answer(&heard, &called).expect("audio can be had");
        let mut dialog = Dialog::begun(CN, &invite, &answer).expect("it has tag and contact");
        assert_eq!(dialog.next_hop(), Some(SS));
        let (ack, bye) = (dialog.acknowledges(), dialog.request(Method::Bye));
        for message in [&ack, &bye] {
            assert!(Message::parse(&message.to_vec()).is_ok(), "{message}");
        }
        assert_eq!((ack.cseq().unwrap().number, bye.cseq().unwrap().number), (1, 2));
        let text = String::from_utf8(bye.to_vec()).unwrap().replace('\r', "");
        insta::assert_snapshot!(text, @r"
        BYE sip:mt@[2001:db8:a::100] SIP/2.0
        Via: SIP/2.0/UDP [2001:db8:c::c];branch=z9hG4bK-dialog-2-BYE
        Route: <sip:[2001:db8:5::5];lr>
        Max-Forwards: 70
        From: <sip:cn@example.com>;tag=caller-1
        To: <sip:mt@example.com>;tag=called
        Call-ID: roamproof-1@[2001:db8:c::c]
        CSeq: 2 BYE
        Content-Length: 0
        ");
    }
}
