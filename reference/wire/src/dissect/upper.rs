//! What a packet carries, for the eye: UDP, TCP, ESP and AH.

use std::fmt::Write as _;

use crate::ipv6::protocol;
use crate::rtp::{RtpHeader, RtpView};
use crate::sip;
use crate::tcp::{Flags, TcpView};
use crate::udp::UdpView;
use crate::{Reader, WireError};

use super::network::Ends;
use super::session::looks_like_sip;
use super::{Layer, Layers};

impl Layers {
    /// Reads what lies behind the chain of headers.
    pub(super) fn upper(&mut self, protocol: u8, octets: &[u8], ends: Ends) {
        match protocol {
            protocol::UDP => self.udp(octets, ends),
            protocol::TCP => self.tcp(octets, ends),
            protocol::ICMPV6 => self.icmpv6(octets, ends),
            protocol::MOBILITY => self.mobility(octets, Some(ends)),
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
        if from == sip::DEFAULT_PORT || to == sip::DEFAULT_PORT || looks_like_sip(payload) {
            self.sip(payload, true);
        } else if let Ok(rtp) = RtpView::new(payload).and_then(RtpHeader::parse)
            && from.min(to) >= UNPRIVILEGED
        {
            self.rtp_header(&rtp);
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
        if from == sip::DEFAULT_PORT || to == sip::DEFAULT_PORT || looks_like_sip(payload) {
            self.sip(payload, false);
        } else {
            self.payload(payload);
        }
    }

    pub(super) fn payload(&mut self, octets: &[u8]) {
        let layer = Layer::new("payload", format!("{} octets", octets.len()));
        self.push(layer.with("length", length(octets)));
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

pub(super) fn length(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}

/// RTP uses ports from here on.
const UNPRIVILEGED: u16 = 1024;
