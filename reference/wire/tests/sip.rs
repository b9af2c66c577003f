//! SIP messages as a whole: read, judged, edited, cut out of streams.

use proptest::prelude::*;
use roamproof_wire::sip::{
    Fields, Header, HeaderName, HostView, Message, MessageView, Method, StreamItem, StreamReader,
    Transport, Uri, Via,
};
use roamproof_wire::{Fault, WireError};
use rstest::rstest;

/// An INVITE as it reaches a mobile terminal, written by hand for this test: no two values alike.
const INVITE: &str = "INVITE sip:mt@[2001:db8:a::100]:5061 SIP/2.0\r\n\
    Via: SIP/2.0/UDP [2001:db8:5::5];branch=z9hG4bKss41, SIP/2.0/TCP cn.example.com:5071;branch=z9hG4bKcn42\r\n\
    \t;received=2001:db8:c::c\r\n\
    v: SIP/2.0/UDP [2001:db8:c::9]:5072;branch=z9hG4bKcn43\r\n\
    Record-Route: <sip:[2001:db8:5::5];lr>\r\n\
    Max-Forwards: 69\r\n\
    f: \"C. N.\" <sip:cn@example.com>;tag=fr51\r\n\
    TO : <sip:mt@example.com>\r\n\
    i: 7f3a@2001:db8:c::c\r\n\
    CSeq: 314 INVITE\r\n\
    m: <sip:cn@[2001:db8:c::c]:5073>\r\n\
    X-Unknown;junk=[: \x01 anything\r\n\
    Subject:\r\n  folded\r\n  text \r\n\
    c: application/sdp;charset=utf-8\r\n\
    l: 22\r\n\
    \r\n\
    v=0\r\nc=IN IP6 2001:db8";

fn invite() -> String {
    INVITE.replace("X-Unknown;junk=[: \x01", "X-Unknown: ;junk=[: \x01")
}

#[test]
fn everything_in_a_message_can_be_read() {
    let text = invite();
    let view = MessageView::datagram(text.as_bytes()).unwrap();
    assert_eq!(view.check(), Ok(()));
    let message = Message::parse(text.as_bytes()).unwrap();
    check_reading(&view);
    check_reading(&message);
    assert_eq!(view.uri().unwrap().port, Some(5061));
    assert_eq!(message.uri().unwrap().port, Some(5061));
    assert_eq!(view.to_string(), "INVITE sip:mt@[2001:db8:a::100]:5061");
}

#[expect(clippy::unwrap_used, reason = "a helper of the test above")]
fn check_reading(message: &impl Fields) {
    assert_eq!(message.method(), Some(Method::Invite));
    let branches: Vec<_> =
        message.vias().map(|via| via.unwrap().branch().unwrap().to_owned()).collect();
    assert_eq!(branches, ["z9hG4bKss41", "z9hG4bKcn42", "z9hG4bKcn43"]);
    assert_eq!(
        message.vias().nth(1).unwrap().unwrap().received(),
        Some("2001:db8:c::c".parse().unwrap())
    );
    assert_eq!(message.via().unwrap().host, HostView::from_text("2001:db8:5::5").unwrap());
    assert_eq!(message.from().unwrap().tag(), Some("fr51"));
    assert_eq!(message.from().unwrap().display_name, Some("\"C. N.\""));
    assert_eq!(
        (message.to().unwrap().uri.text, message.to().unwrap().tag()),
        ("sip:mt@example.com", None)
    );
    assert_eq!(message.call_id(), Ok("7f3a@2001:db8:c::c"));
    assert_eq!(message.cseq().unwrap().to_string(), "314 INVITE");
    assert_eq!(message.contact().unwrap().unwrap().uri.port, Some(5073));
    assert!(message.record_routes().next().unwrap().unwrap().uri.is_loose_router());
    assert_eq!(message.max_forwards(), Ok(Some(69)));
    assert_eq!(message.expires(), Ok(None));
    assert_eq!(message.content_length(), Ok(Some(22)));
    assert_eq!(message.content_type(), Some("application/sdp"));
    assert!(message.has_sdp());
    assert_eq!(message.body(), b"v=0\r\nc=IN IP6 2001:db8");
    assert_eq!(message.headers().count(), 13);
}

#[test]
fn what_is_not_edited_is_written_as_it_was() {
    let text = invite();
    assert_eq!(Message::parse(text.as_bytes()).unwrap().to_vec(), text.as_bytes());
    let bare_line_feeds = text.replace("\r\n", "\n").replace("l: 22", "l: 21");
    assert_eq!(
        Message::parse(bare_line_feeds.as_bytes()).unwrap().to_vec(),
        bare_line_feeds.as_bytes()
    );
    let implied = text.replace("l: 22\r\n", "");
    assert_eq!(Message::parse(implied.as_bytes()).unwrap().to_vec(), implied.as_bytes());
}

#[test]
fn an_edit_changes_its_line_alone() {
    let text = invite();
    let mut message = Message::parse(text.as_bytes()).unwrap();
    let via = Via {
        transport: Transport::Udp,
        host: "2001:db8:5::5".parse::<std::net::Ipv6Addr>().unwrap().into(),
        port: None,
        branch: "z9hG4bKnew".to_owned(),
        rport: false,
    };
    message.insert_first(HeaderName::Via, &via);
    message.replace(HeaderName::MaxForwards, 68);
    message.set_uri(&Uri::parse("sip:mt@example.net").unwrap());
    message.set_to_tag("to61");
    message.set_body("application/sdp", b"v=0\r\n".to_vec());
    let edited = text
        .replace("mt@[2001:db8:a::100]:5061 ", "mt@example.net ")
        .replace("Via: SIP", "Via: SIP/2.0/UDP [2001:db8:5::5];branch=z9hG4bKnew\r\nVia: SIP")
        .replace("Max-Forwards: 69", "Max-Forwards: 68")
        .replace("TO : <sip:mt@example.com>", "TO : <sip:mt@example.com>;tag=to61")
        .replace("c: application/sdp;charset=utf-8", "Content-Type: application/sdp")
        .replace("l: 22", "Content-Length: 5")
        .replace("c=IN IP6 2001:db8", "");
    assert_eq!(String::from_utf8(message.to_vec()).unwrap(), edited);

    assert_eq!(message.remove_first(HeaderName::Via), Some(via.to_string().into_bytes()));
    assert_eq!(
        message.remove_first(HeaderName::Via).unwrap(),
        b"SIP/2.0/UDP [2001:db8:5::5];branch=z9hG4bKss41"
    );
    assert_eq!(message.via().unwrap().branch(), Some("z9hG4bKcn42"));
    message.replace_first(HeaderName::Via, "SIP/2.0/UDP a;branch=z9hG4bKother");
    assert_eq!(message.vias().count(), 2);
}

#[test]
fn a_response_copies_what_it_must() {
    let request = Message::parse(invite().as_bytes()).unwrap();
    let mut response = Message::response_to(&request, 180, "Ringing");
    response.set_to_tag("to62");
    response.set_to_tag("never");
    let expected = "SIP/2.0 180 Ringing\r\n\
        Via: SIP/2.0/UDP [2001:db8:5::5];branch=z9hG4bKss41, SIP/2.0/TCP cn.example.com:5071;branch=z9hG4bKcn42\r\n\
        \t;received=2001:db8:c::c\r\n\
        v: SIP/2.0/UDP [2001:db8:c::9]:5072;branch=z9hG4bKcn43\r\n\
        f: \"C. N.\" <sip:cn@example.com>;tag=fr51\r\n\
        TO : <sip:mt@example.com>;tag=to62\r\n\
        i: 7f3a@2001:db8:c::c\r\n\
        CSeq: 314 INVITE\r\n\
        Content-Length: 0\r\n\r\n";
    assert_eq!(String::from_utf8(response.to_vec()).unwrap(), expected);
    assert_eq!(response.to_string(), "180 Ringing (INVITE)");
    assert_eq!(Message::parse(&response.to_vec()).unwrap().status(), Some(180));
}

const MINIMAL: &str = "OPTIONS sip:a@b SIP/2.0\r\n\
    Via: SIP/2.0/UDP c;branch=z9hG4bK7\r\n\
    From: <sip:d@e>;tag=8\r\n\
    To: <sip:f@g>\r\n\
    Call-ID: h9\r\n\
    CSeq: 10 OPTIONS\r\n\
    Content-Length: 0\r\n\r\n";

#[rstest]
#[case::no_via(
    "Via: SIP/2.0/UDP c;branch=z9hG4bK7\r\n",
    "",
    WireError::missing("SIP message", 0, "Via")
)]
#[case::no_from("From: <sip:d@e>;tag=8\r\n", "", WireError::missing("SIP message", 0, "From"))]
#[case::no_to("To: <sip:f@g>\r\n", "", WireError::missing("SIP message", 0, "To"))]
#[case::no_call_id("Call-ID: h9\r\n", "", WireError::missing("SIP message", 0, "Call-ID"))]
#[case::no_cseq("CSeq: 10 OPTIONS\r\n", "", WireError::missing("SIP message", 0, "CSeq"))]
#[case::other_method(
    "10 OPTIONS",
    "10 INVITE",
    WireError::grammar("CSeq", 118, "the method of the request")
)]
#[case::large_cseq(
    "10 OPTIONS",
    "2147483648 OPTIONS",
    WireError::grammar("CSeq", 118, "a number below 2^31")
)]
#[case::two_froms("To: <sip:f@g>", "To: <sip:f@g>\r\nf: <sip:d@e>", WireError { within: "From", offset: 102, fault: Fault::TooMany { bound: 1 } })]
#[case::bad_via("UDP c;", "UDP [c];", WireError::grammar("Via", 42, "an IPv6 address"))]
#[case::bad_from(
    "<sip:d@e>",
    "<sip:d@e",
    WireError::grammar("From", 81, "a closing angle bracket")
)]
#[case::bad_to("<sip:f@g>", "\"f <sip:f@g>", WireError::grammar("To", 88, "a closing quote"))]
#[case::bad_call_id("h9", "h 9", WireError::grammar("Call-ID", 109, "a word"))]
#[case::bad_uri("sip:a@b", "sip:a@2001:db8::1", WireError::grammar("Request-URI", 19, "a port"))]
#[case::bracketed_uri(
    "sip:a@b",
    "<sip:a@b>",
    WireError::grammar("SIP start line", 8, "a URI between single spaces")
)]
#[case::two_spaces(
    " SIP/2.0",
    "  SIP/2.0",
    WireError::grammar("SIP start line", 8, "a URI between single spaces")
)]
#[case::trailing_space(
    "SIP/2.0\r\nVia",
    "SIP/2.0 \r\nVia",
    WireError::grammar("SIP start line", 23, "the end of the line")
)]
#[case::no_version(
    " SIP/2.0",
    "",
    WireError::grammar("SIP start line", 15, "method, URI and version")
)]
#[case::other_protocol(
    "sip:a@b SIP/2.0",
    "sip:a@b HTTP/1.1",
    WireError::grammar("SIP start line", 16, "SIP/2.0")
)]
#[case::bad_method(
    "OPTIONS sip:a",
    "OPT(ONS sip:a",
    WireError::grammar("SIP start line", 0, "a method")
)]
#[case::unfolded(
    "From: <sip:d@e>;tag=8",
    "From: <sip:d@e>\r\n;tag=8",
    WireError::grammar("SIP header", 78, "a header name")
)]
#[case::no_colon("Call-ID: h9", "Call-ID h9", WireError::grammar("SIP header", 107, "a colon"))]
#[case::negative_length(
    "Length: 0",
    "Length: -999",
    WireError::grammar("Content-Length", 146, "a number of octets")
)]
#[case::two_lengths(
    "Content-Length: 0",
    "Content-Length: 0\r\nl: 1",
    WireError::grammar("Content-Length", 152, "the same length again")
)]
#[case::short_body("Length: 0", "Length: 3", WireError::truncated("SIP body", 151, 3, 0))]
#[case::max_forwards(
    "To: ",
    "Max-Forwards: 256\r\nTo: ",
    WireError::grammar("Max-Forwards", 98, "a number up to 255")
)]
#[case::route(
    "To: ",
    "Route: <sip:a@b>, <sip:>\r\nTo: ",
    WireError::grammar("Route", 107, "a host")
)]
#[case::contact(
    "To: ",
    "Contact: sip:a@b?c=d\r\nTo: ",
    WireError::grammar("Contact", 100, "a semicolon or the end")
)]
#[case::no_end(
    "\r\n\r\n",
    "\r\n",
    WireError::missing("SIP message", 149, "the empty line after its header")
)]
fn what_must_be_refused_says_where_and_why(
    #[case] from: &str,
    #[case] to: &str,
    #[case] error: WireError,
) {
    assert_eq!(Message::parse(MINIMAL.as_bytes()).map(drop), Ok(()));
    let text = MINIMAL.replacen(from, to, 1);
    assert_ne!(text, MINIMAL);
    assert_eq!(Message::parse(text.as_bytes()).map(|message| message.to_string()), Err(error));
}

#[rstest]
#[case::lower_case_version("SIP/2.0\r\n", "sip/2.0\r\n")]
#[case::other_version("SIP/2.0\r\n", "SIP/7.0\r\n")]
#[case::repeated_length("Content-Length: 0", "Content-Length: 0\r\nl: 0")]
#[case::strange_method("OPTIONS", "!interesting-Method0123456789_*+`.%indeed'~")]
#[case::other_scheme("sip:a@b", "nobodyKnowsThis:totallyopaquecontent")]
#[case::leading_line_ends("OPTIONS sip", "\r\n\r\nOPTIONS sip")]
#[case::binary_in_unknown("To:", "X: \u{7f}\u{0}\u{1}\r\nTo:")]
#[case::broken_but_unneeded("To:", "Date: yesterday\r\nWarning: overture\r\nTo:")]
fn what_must_be_accepted_is(#[case] from: &str, #[case] to: &str) {
    let text = MINIMAL.replace(from, to);
    assert_ne!(text, MINIMAL);
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(message.to_vec(), text.trim_start().as_bytes());
}

#[rstest]
#[case::ok("SIP/2.0 200 OK", Ok((200, "OK")))]
#[case::empty_reason("SIP/2.0 100 ", Ok((100, "")))]
#[case::no_reason("SIP/2.0 100", Ok((100, "")))]
#[case::utf8("SIP/2.0 200 = 2**3 * 5**2 но сто девяносто", Ok((200, "= 2**3 * 5**2 но сто девяносто")))]
#[case::large(
    "SIP/2.0 4294967301 better not break",
    Err(WireError::grammar("SIP start line", 8, "a status of three digits"))
)]
#[case::out_of_class("SIP/2.0 999 none", Err(WireError::illegal("SIP start line", 8, 999)))]
#[case::letters(
    "SIP/2.0 2x0 OK",
    Err(WireError::grammar("SIP start line", 8, "a status of three digits"))
)]
fn a_status_line_is_three_digits_and_a_phrase(
    #[case] line: &str,
    #[case] expected: Result<(u16, &str), WireError>,
) {
    let text = MINIMAL.replace("OPTIONS sip:a@b SIP/2.0", line);
    let read = Message::parse(text.as_bytes());
    let read = read.as_ref().map(|read| (read.status().unwrap(), read.reason().unwrap()));
    assert_eq!(read, expected.as_ref().map(|&expected| expected));
}

#[test]
fn octets_behind_the_body_are_cut_and_a_view_keeps_what_is_wrong() {
    let text = MINIMAL.replace("Length: 0", "Length: 2") + "abINVITE";
    assert_eq!(Message::parse(text.as_bytes()).unwrap().body(), b"ab");
    let broken = MINIMAL.replace("To: <sip:f@g>", "To <sip:f@g>");
    let view = MessageView::read(broken.as_bytes()).unwrap();
    assert_eq!(view.fault(), Some(WireError::grammar("SIP header", 87, "a colon")));
    assert_eq!(view.from().unwrap().tag(), Some("8"), "the rest can still be read");
    assert_eq!(Message::from_view(&view).to_vec(), broken.as_bytes());
}

#[test]
fn every_cut_of_a_message_is_refused() {
    let text = invite();
    for len in 0..text.len() {
        assert!(Message::parse(&text.as_bytes()[..len]).is_err(), "cut at {len}");
    }
}

#[rstest]
#[case::headers("X: 1\r\n".repeat(1024), "SIP message", 1024)]
#[case::line(format!("X: {}\r\n", "y".repeat(8192)), "SIP message", 8192)]
#[case::message("X: 1234567890123456789\r\n".repeat(3000), "SIP message", 65_535)]
fn what_passes_a_bound_is_refused(
    #[case] headers: String,
    #[case] within: &str,
    #[case] bound: usize,
) {
    let text = MINIMAL.replace("To:", &format!("{headers}To:"));
    let error = MessageView::read(text.as_bytes()).map(drop).unwrap_err();
    assert_eq!((error.within, error.fault), (within, Fault::TooMany { bound }));
}

#[test]
fn a_header_cannot_be_smuggled_in() {
    let header = Header::with_name("X-Note", "a\r\n\r\nb");
    assert_eq!(header.line(), b"X-Note: a    b\r\n");
    let response = Message::response(400, "Bad\r\nVia: x");
    assert_eq!(response.to_vec(), b"SIP/2.0 400 Bad  Via: x\r\nContent-Length: 0\r\n\r\n");
}

fn items(reader: &mut StreamReader) -> Vec<StreamItem> {
    std::iter::from_fn(|| reader.next_item()).collect()
}

#[test]
fn a_stream_is_cut_by_content_length_however_it_is_split() {
    let first = invite();
    let stream = format!("\r\n{first}{MINIMAL}\r\n\r\n{first}");
    let expected = [
        StreamItem::Message(first.clone().into_bytes()),
        StreamItem::Message(MINIMAL.as_bytes().to_vec()),
        StreamItem::KeepAlive,
        StreamItem::Message(first.into_bytes()),
    ];
    for size in [1, 2, 3, 7, 100, 100_000] {
        let mut reader = StreamReader::new();
        let mut found = Vec::new();
        for chunk in stream.as_bytes().chunks(size) {
            reader.push(chunk);
            found.extend(items(&mut reader));
        }
        assert_eq!(found, expected, "in pieces of {size}");
        assert_eq!(reader.pending(), 0);
    }
}

#[test]
fn a_message_without_a_length_has_no_body_on_a_stream() {
    let text = MINIMAL.replace("Content-Length: 0\r\n", "");
    let mut reader = StreamReader::new();
    reader.push(format!("{text}{MINIMAL}").as_bytes());
    let expected = [text.into_bytes(), MINIMAL.as_bytes().to_vec()].map(StreamItem::Message);
    assert_eq!(items(&mut reader), expected);
}

#[rstest]
#[case::bad_length(MINIMAL.replace("Length: 0", "Length: x"), WireError::grammar("Content-Length", 146, "a number of octets"))]
#[case::huge_length(MINIMAL.replace("Length: 0", "Length: 70000"), WireError { within: "SIP stream", offset: 65_535, fault: Fault::TooMany { bound: 65_535 } })]
#[case::no_start_line("what\r\n\r\n".to_owned(), WireError::grammar("SIP start line", 4, "method, URI and version"))]
#[case::no_end("X: 1234567890\r\n".repeat(5000), WireError { within: "SIP stream", offset: 65_535, fault: Fault::TooMany { bound: 65_535 } })]
fn a_stream_whose_messages_have_no_end_is_given_up(
    #[case] text: String,
    #[case] expected: WireError,
) {
    let mut reader = StreamReader::new();
    reader.push(text.as_bytes());
    let found = items(&mut reader);
    let [StreamItem::Broken { error, head }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(*error, expected);
    assert!(text.as_bytes().starts_with(head));
    reader.push(MINIMAL.as_bytes());
    assert_eq!((reader.next_item(), reader.pending()), (None, 0));
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(octets: Vec<u8>) {
        read_everything(&octets);
    }

    #[test]
    fn no_edit_of_a_message_makes_it_panic(edits in prop::collection::vec((0_usize..700, any::<u8>()), 1..6), cut in 0_usize..900) {
        let mut octets = invite().into_bytes();
        for (at, octet) in edits {
            if let Some(there) = octets.get_mut(at) {
                *there = octet;
            }
        }
        octets.truncate(cut);
        read_everything(&octets);
    }

    #[test]
    fn a_view_is_written_back_as_it_was(edits in prop::collection::vec((0_usize..700, any::<u8>()), 1..4)) {
        let mut octets = invite().into_bytes();
        for (at, octet) in edits {
            if let Some(there) = octets.get_mut(at) {
                *there = octet;
            }
        }
        if let Ok(view) = MessageView::read(&octets) {
            let written = Message::from_view(&view).to_vec();
            prop_assert_eq!(&written[..], &octets[view.start()..]);
        }
    }
}

fn read_everything(octets: &[u8]) {
    let mut reader = StreamReader::new();
    reader.push(octets);
    while reader.next_item().is_some() {}
    let Ok(view) = MessageView::read(octets) else { return };
    let _ = (view.check(), view.uri().map(drop), view.to_string(), view.with_body_cut().map(drop));
    let _ = (view.contact().map(drop), view.expires(), view.has_star_contact(), view.has_sdp());
    let mut message = Message::from_view(&view);
    let _ = (message.check(), message.uri().map(drop), message.version().len());
    message.set_to_tag("x");
    message.remove_first(HeaderName::Via);
    message.replace_first(HeaderName::Route, "<sip:a>");
    message.set_body("text/plain", Vec::new());
    let _ = message.to_vec();
}
