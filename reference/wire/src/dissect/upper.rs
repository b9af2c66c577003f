//! What a packet carries, for the eye: UDP, TCP, SIP, RTP, Mobility Header, ESP and AH.

use std::fmt::Write as _;

use crate::ipv6::protocol;
use crate::rtp::{RtpHeader, RtpView};
use crate::sip::{self, Fields, HeaderName, MessageView};
use crate::tcp::{Flags, TcpView};
use crate::udp::UdpView;
use crate::{Fault, Reader, WireError, checksum};

use super::network::Ends;
use super::{Layer, Layers};

impl Layers {
    /// Reads what lies behind the chain of headers.
    pub(super) fn upper(&mut self, protocol: u8, octets: &[u8], ends: Ends) {
        match protocol {
            protocol::UDP => self.udp(octets, ends),
            protocol::TCP => self.tcp(octets, ends),
            protocol::ICMPV6 => self.icmpv6(octets, ends),
            protocol::MOBILITY => self.mobility(octets, ends),
            protocol::ESP => {
                let _ = self.esp(octets);
            }
            protocol::AH => self.authentication(octets, ends),
            protocol::NONE => self.push(Layer::new("no next header", "nothing".to_owned())),
            other => {
                let summary = match protocol::name(other) {
                    Some(name) => format!("{name}  {} octets", octets.len()),
                    None => format!("protocol {other}  {} octets", octets.len()),
                };
                self.push(Layer::new("unknown", summary).with("protocol", u64::from(other)));
            }
        }
    }

    fn udp(&mut self, octets: &[u8], ends: Ends) {
        let Some(udp) = self.keep(UdpView::new(octets)) else { return };
        let (from, to) = (udp.source_port(), udp.destination_port());
        let layer = Layer::new("udp", format!("UDP {from} > {to}"))
            .with("source port", u64::from(from))
            .with("destination port", u64::from(to))
            .with("length", u64::from(udp.length()))
            .with("checksum", u64::from(udp.checksum()));
        self.push(layer);
        if ends.whole {
            if usize::from(udp.length()) > octets.len() {
                let need = usize::from(udp.length());
                self.note(Err(WireError::truncated("UDP datagram", 4, need, octets.len())));
            } else {
                self.note(udp.verify(ends.source, ends.destination));
            }
        }
        let payload = udp.payload();
        if from == sip::DEFAULT_PORT || to == sip::DEFAULT_PORT {
            self.sip(payload);
        } else if let Ok(rtp) = RtpView::new(payload).and_then(RtpHeader::parse)
            && from.min(to) >= UNPRIVILEGED
        {
            self.rtp(&rtp);
        } else {
            self.payload(payload);
        }
    }

    fn tcp(&mut self, octets: &[u8], ends: Ends) {
        let Some(tcp) = self.keep(TcpView::new(octets)) else { return };
        let (from, to) = (tcp.source_port(), tcp.destination_port());
        let (flags, sequence) = (tcp.flags(), tcp.sequence());
        let mut summary = format!("TCP {from} > {to} {flags} seq={sequence}");
        if flags.has(Flags::ACK) {
            let _ = write!(summary, " ack={}", tcp.acknowledgment());
        }
        let layer = Layer::new("tcp", summary)
            .with("source port", u64::from(from))
            .with("destination port", u64::from(to))
            .with("sequence", u64::from(sequence))
            .with("acknowledgment", u64::from(tcp.acknowledgment()))
            .with("flags", flags.to_string())
            .with("window", u64::from(tcp.window()))
            .with("checksum", u64::from(tcp.checksum()));
        self.push(layer);
        if ends.whole {
            self.note(tcp.verify(ends.source, ends.destination));
        }
        let payload = tcp.payload();
        if payload.is_empty() {
            return;
        }
        if from == sip::DEFAULT_PORT || to == sip::DEFAULT_PORT {
            self.sip(payload);
        } else {
            self.payload(payload);
        }
    }

    /// A SIP message by its start line; a piece of one, as TCP brings them, by its length.
    fn sip(&mut self, octets: &[u8]) {
        let Ok(view) = MessageView::read(octets) else {
            return self.payload(octets);
        };
        let start_line = one_line(view.start_line_octets());
        let mut layer = Layer::new("sip", start_line.clone()).with("start line", start_line);
        for (name, header) in [
            ("from", HeaderName::From),
            ("to", HeaderName::To),
            ("call-id", HeaderName::CallId),
            ("cseq", HeaderName::CSeq),
        ] {
            if let Some(header) = view.header(header) {
                layer = layer.with(name, one_line(header.value));
            }
        }
        self.push(layer.with("body length", length(view.body())));
    }

    fn rtp(&mut self, rtp: &RtpHeader) {
        let layer = Layer::new("rtp", rtp.to_string())
            .with("marker", rtp.marker)
            .with("payload type", u64::from(rtp.payload_type))
            .with("sequence", u64::from(rtp.sequence))
            .with("timestamp", u64::from(rtp.timestamp))
            .with("ssrc", u64::from(rtp.ssrc));
        self.push(layer);
    }

    fn payload(&mut self, octets: &[u8]) {
        let layer = Layer::new("payload", format!("{} octets", octets.len()));
        self.push(layer.with("length", length(octets)));
    }

    fn mobility(&mut self, octets: &[u8], ends: Ends) {
        let mut reader = Reader::new("Mobility Header", octets);
        let read = |reader: &mut Reader<'_>| {
            let payload_protocol = reader.u8()?;
            let header_length = reader.u8()?;
            let kind = reader.u8()?;
            reader.u8()?;
            Ok((payload_protocol, header_length, kind, reader.u16()?))
        };
        let Some((payload_protocol, header_length, kind, carried)) = self.keep(read(&mut reader))
        else {
            return;
        };
        let layer = Layer::new("mobility header", format!("MH type {kind}"))
            .with("payload protocol", u64::from(payload_protocol))
            .with("header length", u64::from(header_length))
            .with("type", u64::from(kind))
            .with("checksum", u64::from(carried));
        self.push(layer);
        let whole = (usize::from(header_length) + 1) * 8;
        let Some(message) = octets.get(..whole) else {
            let error = WireError::truncated("Mobility Header", 1, whole, octets.len());
            return self.note(Err(error));
        };
        let (source, destination) = (ends.source, ends.destination);
        let left = checksum::upper_layer(source, destination, protocol::MOBILITY, message);
        if ends.whole && left != 0 {
            let right = crate::udp::without(carried, left);
            let fault = Fault::Checksum { carried, right };
            self.note(Err(WireError { within: "Mobility Header", offset: 4, fault }));
        }
    }

    fn esp(&mut self, octets: &[u8]) -> Option<()> {
        let mut reader = Reader::new("ESP", octets);
        let spi = self.keep(reader.u32())?;
        let sequence = self.keep(reader.u32())?;
        let layer = Layer::new("esp", format!("ESP spi={spi:#010x} seq={sequence}"))
            .with("spi", u64::from(spi))
            .with("sequence", u64::from(sequence));
        self.push(layer);
        Some(())
    }

    /// An Authentication Header (RFC 4302 §2), which is not verified, and what lies behind it.
    fn authentication(&mut self, octets: &[u8], ends: Ends) {
        let mut reader = Reader::new("AH", octets);
        let read = |reader: &mut Reader<'_>| {
            let next = reader.u8()?;
            let length = (usize::from(reader.u8()?) + 2) * 4;
            reader.u16()?;
            let (spi, sequence) = (reader.u32()?, reader.u32()?);
            reader.take(length.saturating_sub(12))?;
            Ok((next, spi, sequence))
        };
        let Some((next, spi, sequence)) = self.keep(read(&mut reader)) else { return };
        let layer = Layer::new("ah", format!("AH spi={spi:#010x} seq={sequence}"))
            .with("spi", u64::from(spi))
            .with("sequence", u64::from(sequence));
        self.push(layer);
        // A second one within would only be a way to nest without end.
        if next != protocol::AH {
            self.upper(next, reader.rest(), ends);
        }
    }
}

fn length(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}

/// Octets as text without line ends and other controls, of bounded length.
fn one_line(octets: &[u8]) -> String {
    let shown = &octets[..octets.len().min(TEXT_MAX)];
    let text = String::from_utf8_lossy(shown);
    let mut line: String =
        text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if octets.len() > TEXT_MAX {
        line.push('…');
    }
    line
}

/// Octets of text that are shown.
const TEXT_MAX: usize = 200;
/// RTP uses ports from here on.
const UNPRIVILEGED: u16 = 1024;
