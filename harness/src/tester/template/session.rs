//! Templates of session control and media.

use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::rtp::{RtpHeader, RtpView};
use roamproof_wire::sip::{Fields, HeaderName, Message, Method};
use roamproof_wire::udp::Udp;

use super::Template;

/// A SIP request.
pub fn sip_request(method: Method) -> Template {
    Template::new(method.as_str().to_owned(), move |packet| {
        sip_in(packet).is_some_and(|message| message.method().as_ref() == Some(&method))
    })
}

/// A response to this SIP request: the branch and method of its transaction, whatever the status.
pub fn sip_response(request: &Message) -> Template {
    let transaction = transaction_of(request);
    let kind = match request.method() {
        Some(method) => format!("response to {}", method.as_str()),
        None => "response to no request".to_owned(),
    };
    Template::new(kind, move |packet| {
        sip_in(packet).is_some_and(|message| {
            message.status().is_some() && transaction_of(&message) == transaction
        })
    })
}

/// A final response to this SIP request.
pub fn sip_final_response(request: &Message) -> Template {
    sip_response(request).that("that is final", |packet| {
        sip_in(packet).and_then(|message| message.status()).is_some_and(|status| status >= 200)
    })
}

/// An RTP packet to this port.
pub fn media(port: u16) -> Template {
    Template::new("media packet", move |packet| {
        let Some(datagram) = datagram_in(packet) else { return false };
        datagram.destination_port == port && is_rtp(datagram.payload)
    })
}

impl Template {
    /// Whose status code is this.
    #[must_use]
    pub fn status_code(self, status: u16) -> Self {
        self.with(format!("with status code {status}"), move |packet| {
            sip_in(packet).is_some_and(|message| message.status() == Some(status))
        })
    }
}

/// The SIP message in a UDP datagram, if it can be read.
pub(crate) fn sip_in(packet: &Packet<'_>) -> Option<Message> {
    Message::parse(datagram_in(packet)?.payload).ok()
}

fn datagram_in<'a>(packet: &Packet<'a>) -> Option<Udp<'a>> {
    if packet.protocol != protocol::UDP {
        return None;
    }
    Udp::parse(packet.source(), packet.destination(), packet.payload).ok()
}

/// Call-ID, topmost branch, and number and method in CSeq.
fn transaction_of(message: &Message) -> Option<(String, String, Vec<u8>)> {
    let via = message.via().ok()?;
    let cseq = message.header(HeaderName::CSeq)?.value.to_vec();
    Some((message.call_id().ok()?.to_owned(), via.branch()?.to_owned(), cseq))
}

fn is_rtp(octets: &[u8]) -> bool {
    RtpView::new(octets).and_then(RtpHeader::parse).is_ok()
}
