//! Fields of what sessions send: SIP, session descriptions, RTP.

use roamproof_wire::rtp::RtpView;
use roamproof_wire::sdp::SdpView;
use roamproof_wire::sip::{Fields, HeaderName, MessageView};

use super::Dissection;
use crate::evidence::layer::Layer;

impl Dissection {
    /// The payload of a UDP datagram.
    pub(super) fn datagram(&mut self, octets: &[u8]) {
        if looks_like_sip(octets) {
            self.sip(octets);
        } else if octets.first().is_some_and(|first| first >> 6 == 2) && octets.len() >= 8 {
            match octets[1] {
                200..=204 => self.push(Layer::new("rtcp").fixed("type", octets[1])),
                _ => self.rtp(octets),
            }
        } else if !octets.is_empty() {
            self.push(Layer::new("data").verified("octets", octets.len()));
        }
    }

    /// The payload of a TCP segment: a message is read where one begins.
    pub(super) fn stream(&mut self, octets: &[u8]) {
        if looks_like_sip(octets) {
            self.sip_of(octets, false);
        } else if !octets.is_empty() {
            self.push(Layer::new("data").verified("octets", octets.len()));
        }
    }

    pub(super) fn sip(&mut self, octets: &[u8]) {
        self.sip_of(octets, true);
    }

    fn sip_of(&mut self, octets: &[u8], whole: bool) {
        let Some(view) = self.keep(MessageView::read(octets)) else { return };
        let checked = if whole { MessageView::datagram(octets) } else { Ok(view) };
        let view = self.keep(checked).unwrap_or(view);
        self.note(view.fault().map_or(Ok(()), Err));
        let mut layer = Layer::new("sip");
        let method = view.cseq().map(|cseq| cseq.method.as_str().to_owned()).unwrap_or_default();
        if let Some(status) = view.status() {
            layer = layer.fixed("message", format!("{status} {method}")).fixed("status", status);
        } else if let Some(asked) = view.method() {
            layer = layer.fixed("message", asked.as_str());
        }
        layer = layer.text("start-line", lossy(view.start_line_octets().trim_ascii_end()));
        for header in view.headers() {
            let known = header.name.as_str();
            let name = if known.is_empty() { lossy(header.written) } else { known.to_owned() };
            layer = layer.text(&name, lossy(header.value));
        }
        let described = view
            .header(HeaderName::ContentType)
            .is_some_and(|header| header.value.eq_ignore_ascii_case(b"application/sdp"));
        let body = view.body();
        self.push(layer);
        if described {
            self.sdp(body);
        } else if !body.is_empty() {
            self.push(Layer::new("data").text("body", lossy(body)));
        }
    }

    pub(super) fn sdp(&mut self, octets: &[u8]) {
        let mut layer = Layer::new("sdp");
        let description = SdpView::new(octets);
        let address = |value: &str| value.rsplit(' ').next().unwrap_or_default().to_owned();
        let mut owner = String::new();
        if let Some(line) = description.session_line(b'c') {
            owner = address(&lossy(line.value));
        }
        for line in description.lines() {
            let (name, value) = (char::from(line.letter).to_string(), lossy(line.value));
            let mut words = value.splitn(3, ' ');
            match (line.letter, words.next(), words.next(), words.next()) {
                (b'm', Some(kind), Some(port), Some(rest)) => {
                    layer = layer.fixed("m", format!("{kind} {rest}")).varies(
                        "m-port",
                        port,
                        format!("port {owner}"),
                    );
                }
                (0, ..) => layer = layer.fixed("line", value.as_str()),
                _ => layer = layer.text(&name, value.as_str()),
            }
        }
        for media in description.media() {
            self.note(media.map(|_| ()));
        }
        self.push(layer);
    }

    pub(super) fn rtp(&mut self, octets: &[u8]) {
        let Some(rtp) = self.keep(RtpView::new(octets)) else { return };
        self.push(
            Layer::new("rtp")
                .fixed("payload-type", rtp.payload_type())
                .verified("marker", rtp.marker())
                .varies("sequence-number", rtp.sequence(), "RTP sequence")
                .varies("timestamp", rtp.timestamp(), "RTP timestamp")
                .varies("ssrc", format!("0x{:08x}", rtp.ssrc()), "SSRC"),
        );
        let payload = rtp.payload().map(|_| ());
        self.note(payload);
    }
}

/// Whether octets begin with a start line of SIP: a method or a version, as far as that goes.
fn looks_like_sip(octets: &[u8]) -> bool {
    let start = octets.trim_ascii_start();
    let Some(end) = start.iter().position(|octet| matches!(octet, b'\r' | b'\n')) else {
        return false;
    };
    let line = &start[..end];
    line.starts_with(b"SIP/2.0 ") || line.ends_with(b" SIP/2.0")
}

fn lossy(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
