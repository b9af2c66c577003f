//! SIP messages, session descriptions and RTP, for the eye.

use crate::rtp::{RtpHeader, RtpView};
use crate::sdp::SdpView;
use crate::sip::{Fields, HeaderName, MessageView};

use super::upper::length;
use super::{Layer, Layers};

impl Layers {
    /// A SIP message with every header field; a piece of one, as TCP brings them, by its length.
    pub(super) fn sip(&mut self, octets: &[u8], datagram: bool) {
        let view = match MessageView::read(octets) {
            Ok(view) => view,
            Err(error) => {
                // Keep-alives and pieces of a stream are no messages, and no fault.
                if datagram && !octets.trim_ascii().is_empty() {
                    self.note(Err(error));
                }
                return self.payload(octets);
            }
        };
        self.note(view.fault().map_or(Ok(()), Err));
        let view = match MessageView::datagram(octets) {
            Ok(cut) => cut,
            Err(error) if datagram => {
                self.note(Err(error));
                view
            }
            Err(_) => view,
        };
        let start_line = text(view.start_line_octets().trim_ascii_end());
        let mut layer = Layer::new("sip", shown(&start_line)).with("message", message(&view));
        if let Some(status) = view.status() {
            layer = layer.with("status", u64::from(status));
        }
        layer = layer.with("start line", start_line);
        for header in view.headers() {
            layer = match header.name.as_str() {
                "" => {
                    let line = format!("{}: {}", text(header.written), text(header.value));
                    layer.with("other", line)
                }
                name => layer.with(name, text(header.value)),
            };
        }
        let body = view.body();
        self.push(layer.with("body length", length(body)));
        let described = view
            .header(HeaderName::ContentType)
            .is_some_and(|header| header.value.eq_ignore_ascii_case(b"application/sdp"));
        if described {
            self.sdp(body);
        }
    }

    /// A session description line by line; the line of the packet says nothing of it.
    pub(super) fn sdp(&mut self, octets: &[u8]) {
        let description = SdpView::new(octets);
        let mut layer = Layer::new("sdp", String::new());
        for line in description.lines() {
            let name = match line.letter {
                b'v' => "v",
                b'o' => "o",
                b's' => "s",
                b'i' => "i",
                b'u' => "u",
                b'c' => "c",
                b'b' => "b",
                b't' => "t",
                b'a' => "a",
                b'm' => "m",
                _ => "line",
            };
            layer = layer.with(name, text(line.value));
        }
        self.push(layer);
        for media in description.media() {
            self.note(media.map(|_| ()));
        }
    }

    pub(super) fn rtp(&mut self, octets: &[u8]) {
        let Some(view) = self.keep(RtpView::new(octets)) else { return };
        if let Some(header) = self.keep(RtpHeader::parse(view)) {
            self.rtp_header(&header);
        }
    }

    pub(super) fn rtp_header(&mut self, rtp: &RtpHeader) {
        let layer = Layer::new("rtp", rtp.to_string())
            .with("marker", rtp.marker)
            .with("payload type", u64::from(rtp.payload_type))
            .with("sequence", u64::from(rtp.sequence))
            .with("timestamp", u64::from(rtp.timestamp))
            .with("ssrc", u64::from(rtp.ssrc));
        self.push(layer);
    }
}

/// Whether octets begin with a line that only SIP begins with, whatever the ports are.
pub(super) fn looks_like_sip(octets: &[u8]) -> bool {
    let start = octets.trim_ascii_start();
    let line = start.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    line.len() < start.len() && (line.starts_with(b"SIP/2.0 ") || line.ends_with(b" SIP/2.0"))
}

/// `INVITE`, or `180 INVITE` for an answer to one.
fn message(view: &MessageView<'_>) -> String {
    let method = view.cseq().map(|cseq| cseq.method.as_str().to_owned());
    match (view.status(), view.method()) {
        (Some(status), _) => format!("{status} {}", method.unwrap_or_default()).trim().to_owned(),
        (None, method) => method.map_or(String::new(), |method| method.as_str().to_owned()),
    }
}

/// Octets as text, what is no character and every control replaced.
fn text(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// As much of a text as a line holds.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(CHARACTERS_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Characters of a start line that are shown.
const CHARACTERS_SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::super::{Layers, Value};
    use super::*;

    const RINGING: &[u8] =
        b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP [2001:db8::5];branch=z9hG4bK7\r\n\
        X-Odd: 1\r\nCSeq: 7 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: 32\r\n\r\n\
        v=0\r\nm=audio 49170 RTP/AVP 0\r\n?\r\n";

    #[test]
    fn a_message_has_all_its_fields_and_its_description() {
        let layers = Layers::of_sip(RINGING);
        assert_eq!(layers.to_string(), "SIP/2.0 180 Ringing");
        let [sip, sdp] = &layers.layers[..] else { panic!("{layers:?}") };
        let text = |layer: &Layer, name: &str| match layer.field(name) {
            Some(Value::Text(text)) => text.clone(),
            other => format!("{other:?}"),
        };
        assert_eq!(text(sip, "message"), "180 INVITE");
        assert_eq!(text(sip, "Via"), "SIP/2.0/UDP [2001:db8::5];branch=z9hG4bK7");
        assert_eq!(text(sip, "other"), "X-Odd: 1");
        assert_eq!(text(sdp, "m"), "audio 49170 RTP/AVP 0");
        assert_eq!(text(sdp, "line"), "?");
    }

    #[test]
    fn a_body_cut_short_is_told_and_the_rest_is_read() {
        let layers = Layers::of_sip(&RINGING[..RINGING.len() - 3]);
        assert!(layers.stopped.is_some());
        assert_eq!(layers.layers[0].field("status"), Some(&Value::Number(180)));
    }

    #[test]
    fn sip_is_known_by_its_first_line() {
        for (octets, is_sip) in [
            (RINGING, true),
            (b"\r\nOPTIONS sip:a SIP/2.0\r\n", true),
            (b"OPTIONS sip:a SIP/2.0", false),
            (b"\r\n\r\n", false),
            (b"\x80\x00\x00\x01", false),
        ] {
            assert_eq!(looks_like_sip(octets), is_sip, "{octets:?}");
        }
    }
}
