//! Dialogs (RFC 3261 12): who talks to whom, by which way, in which order.

use roamproof_wire::WireError;
use roamproof_wire::sip::{AddressView, Fields, HeaderName, Message, Method, Uri, UriView};

use super::Hop;
use super::routing::{Names, hop_of_uri};

/// One side of a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    call_id: String,
    local_tag: String,
    remote_tag: String,
    /// From of what we send, tag included.
    local: String,
    /// To of what we send, tag included.
    remote: String,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    /// Each with angle brackets, the first hop first.
    route_set: Vec<String>,
    remote_target: Uri,
}

/// A request came whose CSeq is not above the last one's (RFC 3261 12.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfOrder;

impl Dialog {
    /// The dialog that answering `request` with `local_tag` makes (RFC 3261 12.1.1).
    ///
    /// # Errors
    ///
    /// Where `request` has no contact, or a field of it cannot be read.
    pub fn of_callee(request: &Message, local_tag: &str) -> Result<Self, WireError> {
        let remote_tag = request.from()?.tag().unwrap_or_default().to_owned();
        Ok(Self {
            call_id: request.call_id()?.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag,
            local: with_tag(field(request, HeaderName::To), &request.to()?, local_tag),
            remote: field(request, HeaderName::From),
            local_cseq: 0,
            remote_cseq: Some(request.cseq()?.number),
            route_set: record_routes(request)?,
            remote_target: target(request)?,
        })
    }

    /// The dialog that `response` to our `request` makes (RFC 3261 12.1.2).
    ///
    /// # Errors
    ///
    /// Where `response` has no contact or no To tag, or a field of it cannot be read.
    pub fn of_caller(request: &Message, response: &Message) -> Result<Self, WireError> {
        let missing = WireError::missing("To", 0, "a tag");
        let remote_tag = response.to()?.tag().ok_or(missing)?.to_owned();
        let mut route_set = record_routes(response)?;
        //= UAC-03
        route_set.reverse();
        Ok(Self {
            call_id: request.call_id()?.to_owned(),
            local_tag: request.from()?.tag().unwrap_or_default().to_owned(),
            remote_tag,
            local: field(request, HeaderName::From),
            remote: field(response, HeaderName::To),
            local_cseq: request.cseq()?.number,
            remote_cseq: None,
            route_set,
            remote_target: target(response)?,
        })
    }

    /// Whether `request`, which came in, belongs to this dialog.
    pub fn matches_request(&self, request: &Message) -> bool {
        let tag_is = |address: Result<AddressView<'_>, WireError>, tag: &str| {
            address.is_ok_and(|address| address.tag().unwrap_or_default() == tag)
        };
        request.call_id() == Ok(&self.call_id)
            && tag_is(request.to(), &self.local_tag)
            && tag_is(request.from(), &self.remote_tag)
    }

    /// The tag of the other side.
    pub fn remote_tag(&self) -> &str {
        &self.remote_tag
    }

    /// The tag of this side.
    pub fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// The Call-ID of its messages.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// The contact of the other side.
    pub const fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// Whether requests go by way of proxies that stay in the path.
    pub const fn has_route_set(&self) -> bool {
        !self.route_set.is_empty()
    }

    /// Takes in the order of a request that came in.
    ///
    /// # Errors
    ///
    /// Where it is not newer than the last: to be answered with 500.
    pub fn accept_order(&mut self, number: u32) -> Result<(), OutOfOrder> {
        //= UAS-21
        if self.remote_cseq.is_some_and(|last| number <= last) {
            return Err(OutOfOrder);
        }
        self.remote_cseq = Some(number);
        Ok(())
    }

    /// Takes over the contact of a request or response that refreshes the target.
    pub fn refresh_target(&mut self, message: &Message) {
        //= UAS-25
        if let Ok(target) = target(message) {
            self.remote_target = target;
        }
    }

    /// The next request of this side, complete but for Via and Contact (RFC 3261 12.2.1.1).
    pub fn request(&mut self, method: Method) -> Message {
        //= UAC-21
        self.local_cseq += 1;
        self.request_numbered(method, self.local_cseq)
    }

    /// The ACK for a 2xx to the INVITE numbered `number`, complete but for its Via.
    pub fn acknowledgement(&self, number: u32) -> Message {
        self.request_numbered(Method::Ack, number)
    }

    /// The number of the last request of this side.
    pub const fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// Where requests of this side go next.
    pub fn next_hop(&self, names: &Names) -> Option<Hop> {
        match self.route_set.first() {
            Some(route) => {
                let route = AddressView::parse("Route", route.as_bytes()).ok()?;
                hop_of_uri(&route.uri, names)
            }
            None => hop_of_uri(&self.remote_target.view(), names),
        }
    }

    fn request_numbered(&self, method: Method, number: u32) -> Message {
        let first_is_strict = self.route_set.first().and_then(|route| strict_uri(route));
        let mut routes: Vec<String> = self.route_set.clone();
        let uri = match first_is_strict {
            //= UAC-03
            //# a first hop without lr takes the place of the Request-URI, the target goes last
            Some(first) => {
                routes.remove(0);
                routes.push(format!("<{}>", self.remote_target));
                first
            }
            None => self.remote_target.clone(),
        };
        let mut request = Message::request(method.clone(), &uri.without_headers());
        request.push(HeaderName::MaxForwards, 70);
        for route in routes {
            request.push(HeaderName::Route, route);
        }
        request.push(HeaderName::From, &self.local);
        request.push(HeaderName::To, &self.remote);
        request.push(HeaderName::CallId, &self.call_id);
        request.push(HeaderName::CSeq, format_args!("{number} {method}"));
        request
    }
}

fn record_routes(message: &Message) -> Result<Vec<String>, WireError> {
    message.record_routes().try_for_each(|route| route.map(drop))?;
    let routes = message.elements(HeaderName::RecordRoute);
    Ok(routes.map(|route| String::from_utf8_lossy(route.value).into_owned()).collect())
}

fn target(message: &Message) -> Result<Uri, WireError> {
    let missing = WireError::missing("SIP message", 0, "Contact");
    Ok(message.contact()?.ok_or(missing)?.uri.to_owned())
}

fn field(message: &Message, name: HeaderName) -> String {
    message
        .header(name)
        .map(|header| String::from_utf8_lossy(header.value).into_owned())
        .unwrap_or_default()
}

fn with_tag(value: String, address: &AddressView<'_>, tag: &str) -> String {
    if address.tag().is_some() { value } else { format!("{value};tag={tag}") }
}

/// The URI of a route without lr.
fn strict_uri(route: &str) -> Option<Uri> {
    let route = AddressView::parse("Route", route.as_bytes()).ok()?;
    let strict = |uri: &UriView<'_>| !uri.is_loose_router();
    strict(&route.uri).then(|| route.uri.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message::parse(text.replace('\n', "\r\n").as_bytes()).unwrap()
    }

    fn invite() -> Message {
        message(
            "INVITE sip:mt@[2001:db8:a::100] SIP/2.0\n\
             Via: SIP/2.0/UDP [2001:db8:5::5];branch=z9hG4bK1\n\
             Record-Route: <sip:[2001:db8:5::5]:5061;lr>, <sip:[2001:db8:5::6];lr>\n\
             From: <sip:cn@example.com>;tag=f2\n\
             To: <sip:mt@example.com>\n\
             Call-ID: c3\n\
             CSeq: 41 INVITE\n\
             Contact: <sip:cn@[2001:db8:c::c]:5072>\n\n",
        )
    }

    fn answer(record_route: &str) -> Message {
        message(&format!(
            "SIP/2.0 200 OK\n\
             Via: SIP/2.0/UDP [2001:db8:c::c];branch=z9hG4bK1\n\
             Record-Route: {record_route}\n\
             From: <sip:cn@example.com>;tag=f2\n\
             To: <sip:mt@example.com>;tag=t5\n\
             Call-ID: c3\n\
             CSeq: 41 INVITE\n\
             Contact: <sip:mt@[2001:db8:a::100]:5073;transport=tcp?Subject=x>\n\n"
        ))
    }

    fn text(message: &Message) -> String {
        String::from_utf8(message.to_vec()).unwrap().replace('\r', "")
    }

    #[test]
    fn the_callee_takes_the_route_set_in_order() {
        let mut dialog = Dialog::of_callee(&invite(), "t4").unwrap();
        insta::assert_snapshot!(text(&dialog.request(Method::Bye)), @"
        BYE sip:cn@[2001:db8:c::c]:5072 SIP/2.0
        Max-Forwards: 70
        Route: <sip:[2001:db8:5::5]:5061;lr>
        Route: <sip:[2001:db8:5::6];lr>
        From: <sip:mt@example.com>;tag=t4
        To: <sip:cn@example.com>;tag=f2
        Call-ID: c3
        CSeq: 1 BYE
        Content-Length: 0
        ");
        assert_eq!(
            dialog.next_hop(&Names::new()),
            Some(Hop::udp("2001:db8:5::5".parse().unwrap(), 5061))
        );
    }

    #[test]
    fn the_caller_takes_it_reversed() {
        let response = answer("<sip:[2001:db8:5::5];lr>, <sip:[2001:db8:5::6];lr>");
        let dialog = Dialog::of_caller(&invite(), &response).unwrap();
        insta::assert_snapshot!(text(&dialog.acknowledgement(41)), @"
        ACK sip:mt@[2001:db8:a::100]:5073;transport=tcp SIP/2.0
        Max-Forwards: 70
        Route: <sip:[2001:db8:5::6];lr>
        Route: <sip:[2001:db8:5::5];lr>
        From: <sip:cn@example.com>;tag=f2
        To: <sip:mt@example.com>;tag=t5
        Call-ID: c3
        CSeq: 41 ACK
        Content-Length: 0
        ");
    }

    #[test]
    fn a_strict_router_takes_the_place_of_the_target() {
        let response = answer("<sip:[2001:db8:5::5];lr>, <sip:p@[2001:db8:5::6]>");
        let mut dialog = Dialog::of_caller(&invite(), &response).unwrap();
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri_text(), Some("sip:p@[2001:db8:5::6]"));
        let routes: Vec<_> = bye.routes().map(|route| route.unwrap().uri.text.to_owned()).collect();
        assert_eq!(
            routes,
            ["sip:[2001:db8:5::5];lr", "sip:mt@[2001:db8:a::100]:5073;transport=tcp?Subject=x"]
        );
        assert_eq!(bye.cseq().unwrap().number, 42);
    }

    #[test]
    fn only_a_newer_request_is_in_order() {
        let mut dialog = Dialog::of_callee(&invite(), "t4").unwrap();
        assert_eq!(dialog.accept_order(41), Err(OutOfOrder));
        assert_eq!(dialog.accept_order(45), Ok(()));
        assert_eq!(dialog.accept_order(44), Err(OutOfOrder));
    }
}
