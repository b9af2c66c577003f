//! Templates of session control and media.

use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::rtp::{RtpHeader, RtpView};
use roamproof_wire::sip::{Fields, HeaderName, Message, Method, Uri};
use roamproof_wire::udp::Udp;

use super::{Template, innermost};

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
    /// Of which only those of the call that `message` is of are of the kind.
    #[must_use]
    pub fn of_call(self, message: &Message) -> Self {
        let call = message.call_id().unwrap_or_default().to_owned();
        self.that("of this call", move |packet| {
            sip_in(packet).is_some_and(|message| message.call_id().is_ok_and(|id| id == call))
        })
    }

    /// Whose Request-URI is equivalent to this one (RFC 3261 §19.1.4).
    #[must_use]
    pub fn requesting(self, uri: Uri) -> Self {
        self.with(format!("with Request-URI {}", uri.as_str()), move |packet| {
            sip_in(&innermost(packet))
                .is_some_and(|one| one.uri().is_ok_and(|one| one.is_equivalent(&uri.view())))
        })
    }

    /// Whose topmost Via has the branch of this request's.
    #[must_use]
    pub fn on_branch_of(self, request: &Message) -> Self {
        let branch = branch_of(request);
        let what = format!("with branch {}", branch.as_deref().unwrap_or("-"));
        self.with(what, move |packet| {
            sip_in(&innermost(packet)).is_some_and(|message| branch_of(&message) == branch)
        })
    }

    /// Whose status code is this.
    #[must_use]
    pub fn status_code(self, status: u16) -> Self {
        self.with(format!("with status code {status}"), move |packet| {
            sip_in(packet).is_some_and(|message| message.status() == Some(status))
        })
    }
}

/// The SIP message in a UDP datagram, if it can be read.
pub fn sip_in(packet: &Packet<'_>) -> Option<Message> {
    Message::parse(datagram_in(packet)?.payload).ok()
}

/// Whether `message` is a response to this SIP request.
pub(crate) fn answers(message: &Message, request: &Message) -> bool {
    message.status().is_some() && transaction_of(message) == transaction_of(request)
}

fn datagram_in<'a>(packet: &Packet<'a>) -> Option<Udp<'a>> {
    if packet.protocol != protocol::UDP {
        return None;
    }
    Udp::parse(packet.source(), packet.destination(), packet.payload).ok()
}

fn branch_of(message: &Message) -> Option<String> {
    message.via().ok()?.branch().map(str::to_owned)
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
