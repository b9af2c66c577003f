//! What a SIP peer of the tester says once its INVITE was sent or answered: CANCEL, ACK, offers
//! within the call, BYE.

use roamproof_wire::sdp::LocalMedia;
use roamproof_wire::sip::{BRANCH_COOKIE, Fields, HeaderName, Message, Method};

use super::sip::{Party, SESSION, SipPeer};

impl SipPeer {
    /// The CANCEL of an INVITE of this element (RFC 3261 9.1): the topmost Via and no other.
    pub fn cancels(&self, invite: &Message) -> Option<Message> {
        let via = invite.elements(HeaderName::Via).next()?;
        let via = String::from_utf8_lossy(via.value).into_owned();
        self.follows(Method::Cancel, invite, invite, &[via], 0)
    }

    /// The ACK to the 200 by which `invite` was answered: a transaction of its own (RFC 3261
    /// 13.2.2.4).
    pub fn confirms(&mut self, invite: &Message, answer: &Message) -> Option<Message> {
        let vias = self.next_vias(invite);
        self.follows(Method::Ack, invite, answer, &vias, 0)
    }

    /// The caller's BYE in the dialog that `answer` made.
    pub fn ends(&mut self, invite: &Message, answer: &Message) -> Option<Message> {
        let vias = self.next_vias(invite);
        self.follows(Method::Bye, invite, answer, &vias, 1)
    }

    /// The next INVITE or UPDATE in the dialog that `answer` made: `caller` wants media elsewhere.
    pub fn offers(
        &mut self,
        method: Method,
        caller: &Party,
        invite: &Message,
        answer: &Message,
    ) -> Option<Message> {
        let vias = self.next_vias(invite);
        let mut message = self.follows(method, invite, answer, &vias, 1)?;
        message.push(HeaderName::Contact, format!("<{}>", caller.contact()));
        let (address, port) = caller.media;
        let version = u64::from(message.cseq().ok()?.number);
        let media =
            LocalMedia { session_version: version, ..LocalMedia::audio(address, port, SESSION) };
        message.set_body("application/sdp", media.offer().to_vec());
        Some(message)
    }

    /// A request that follows `invite`: to the contact and with the To of `answer`, its number
    /// `later` than the INVITE's.
    fn follows(
        &self,
        method: Method,
        invite: &Message,
        answer: &Message,
        vias: &[String],
        later: u32,
    ) -> Option<Message> {
        let contact = answer.contact().ok().flatten().map(|contact| contact.uri.to_owned());
        let cancels = method == Method::Cancel;
        let uri = if cancels { invite.uri().ok()?.to_owned() } else { contact? };
        let (word, number) = (method.as_str().to_owned(), invite.cseq().ok()?.number + later);
        let value = |from: &Message, name| {
            from.header(name).map(|header| String::from_utf8_lossy(header.value).into_owned())
        };
        let mut message = Message::request(method, &uri);
        for via in vias {
            message.push(HeaderName::Via, via);
        }
        message.push(HeaderName::MaxForwards, HOPS);
        message.push(HeaderName::From, value(invite, HeaderName::From)?);
        message.push(HeaderName::To, value(answer, HeaderName::To)?);
        message.push(HeaderName::CallId, invite.call_id().ok()?);
        message.push(HeaderName::CSeq, format!("{number} {word}"));
        Some(message)
    }

    /// The hops of `invite`, each with a branch that is new.
    fn next_vias(&mut self, invite: &Message) -> Vec<String> {
        let count = self.next_count();
        let hops = invite.vias().filter_map(Result::ok).enumerate();
        hops.map(|(hop, via)| {
            let transport = self.transport.as_str();
            format!("SIP/2.0/{transport} {};branch={BRANCH_COOKIE}-hop-{hop}-{count}", via.host)
        })
        .collect()
    }
}

/// Hops that a request of ours may take, one of them behind it.
const HOPS: u8 = 69;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::claimed::{CN, CN2, HOA, SS};
    use roamproof_wire::sip::Uri;

    #[test]
    fn what_follows_an_invite_belongs_to_its_call() {
        let mut server = SipPeer::new(SS);
        let contact = Uri::parse("sip:mt@[2001:db8:a::100]").unwrap();
        let party = |user: &str, address| Party {
            identifier: format!("sip:{user}@example.com"),
            address,
            media: (address, 40_000),
        };
        let invite = server.invite(&party("cn", CN), "sip:mt@example.com", &contact);
        let answer = server.answer(&invite, &party("mt", HOA)).unwrap();
        let cancel = server.cancels(&invite).unwrap();
        assert_eq!(cancel.vias().count(), 1);
        assert_eq!(cancel.via().unwrap().branch(), invite.via().unwrap().branch());
        for message in [server.confirms(&invite, &answer), server.ends(&invite, &answer)] {
            let message = message.expect("an answer has a contact");
            message.check().unwrap();
            assert_eq!(message.call_id(), invite.call_id());
            assert_eq!(message.to().unwrap().tag(), answer.to().unwrap().tag());
            assert_ne!(message.via().unwrap().branch(), invite.via().unwrap().branch());
        }
        let moved = Party { media: (CN2, 40_002), ..party("cn", CN) };
        let offer = server.offers(Method::Update, &moved, &invite, &answer).unwrap();
        offer.check().unwrap();
        assert!(String::from_utf8_lossy(offer.body()).contains("c=IN IP6 2001:db8:c::c2"));
        let next = server.ends(&offer, &answer).unwrap();
        assert_eq!((offer.cseq().unwrap().number, next.cseq().unwrap().number), (2, 3));
    }
}
