//! What must hold of any octets read as SDP or RTP.

use std::net::Ipv6Addr;

use roamproof_wire::rtp::{RtpHeader, RtpView};
use roamproof_wire::sdp::{LocalMedia, SdpView, SessionDescription};

use crate::edits::lies_within;
use crate::printed::print;

/// Any octets can be looked at; an offer that is accepted has an answer with as many streams, or none.
pub(crate) fn session_description(octets: &[u8]) {
    let view = SdpView::new(octets);
    let _ = (view.connection(), view.direction(), view.lines().count());
    for media in view.media().flatten() {
        let _ = (media.connection(), media.direction(), media.attributes().count());
    }
    let offer = match SessionDescription::parse(octets) {
        Ok(offer) => offer,
        Err(error) => return lies_within(&error, octets),
    };
    assert_eq!(offer.to_vec(), octets, "not written back as it came");
    print(&offer);
    let _ = (offer.origin(), offer.media_addresses());
    let Ok(answer) = local().answer(&offer) else { return };
    assert_eq!(
        answer.streams().len(),
        offer.streams().len(),
        "an answer has a stream for each offered"
    );
    let read = SessionDescription::parse(answer.as_octets());
    assert_eq!(read, Ok(answer), "our own answer cannot be read");
}

/// Any octets can be looked at; a header that is accepted is written and read back.
pub(crate) fn rtp(octets: &[u8]) {
    let Ok(view) = RtpView::new(octets) else { return };
    let payload = view.payload();
    let header = match RtpHeader::parse(view) {
        Ok(header) => header,
        Err(error) => return lies_within(&error, octets),
    };
    let payload = payload.expect("a header is accepted with its payload");
    assert!(payload.len() <= octets.len() - RtpHeader::LEN, "a payload lies within the packet");
    print(header);
    let written = header.packet(payload);
    let view = RtpView::new(&written).expect("the fixed header is there");
    assert_eq!((RtpHeader::parse(view), view.payload()), (Ok(header), Ok(payload)));
}

fn local() -> LocalMedia {
    LocalMedia::audio(Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100), 4100, 9007)
}
