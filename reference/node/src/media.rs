//! The media of a call: RTP with PCMU, one packet of 20 ms at a time, both directions counted
//! (RFC 3550, RFC 3551 §4.5.14).

use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::WireError;
use roamproof_wire::rtp::{RtpHeader, RtpView};
use roamproof_wire::udp::{self, Udp};

use crate::entropy::Entropy;
use crate::{Instant, Wakeup};

/// The media between this node and one other, while a call lasts.
#[derive(Debug, Clone)]
pub struct Media {
    local: Endpoint,
    remote: Endpoint,
    header: RtpHeader,
    next_at: Option<Instant>,
    left: Option<u32>,
    source: Option<Source>,
    count: MediaCount,
    rtp: [u8; RTP_LEN],
    datagram: [u8; DATAGRAM_LEN],
}

/// An address and a UDP port.
pub type Endpoint = (Ipv6Addr, u16);

/// What went out and came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MediaCount {
    /// Packets sent.
    pub sent: u32,
    /// Packets that arrived, each once.
    pub received: u32,
    /// Packets of the other side that have not arrived, between the first and the latest that did.
    pub lost: u32,
    /// Packets that arrived behind a later one.
    pub reordered: u32,
    /// Packets that arrived again.
    pub repeated: u32,
}

/// Whom media comes from, and how far it is.
#[derive(Debug, Clone, Copy)]
struct Source {
    ssrc: u32,
    latest: u16,
    /// Which of the 64 packets up to `latest` have arrived; bit 0 is `latest` itself.
    arrived: u64,
}

/// PCMU (RFC 3551 §6).
pub const PCMU: u8 = 0;
/// Octets of a packet's payload: 20 ms at 8000 samples a second, one octet each.
pub const PAYLOAD_LEN: usize = 160;
/// The time between two packets.
pub const PACKET_TIME: Duration = Duration::from_millis(20);
/// Octets of a datagram with its UDP header.
pub const DATAGRAM_LEN: usize = udp::HEADER_LEN + RTP_LEN;
const RTP_LEN: usize = RtpHeader::LEN + PAYLOAD_LEN;
const SAMPLES: u32 = 160;
/// A driver later than this has lost the packets in between: speech is not sent in a burst.
const LATENESS_MAX: Duration = Duration::from_millis(200);

impl Media {
    /// Media that comes to `local` is counted from now on; nothing is sent yet.
    pub fn listen(local: Endpoint, entropy: &mut Entropy) -> Self {
        let header = RtpHeader {
            marker: true,
            payload_type: PCMU,
            sequence: entropy.next_u16(),
            timestamp: entropy.next_u32(),
            ssrc: entropy.next_u32(),
        };
        let mut rtp = [0; RTP_LEN];
        for (octet, place) in (0_u8..).zip(&mut rtp[RtpHeader::LEN..]) {
            // A rising tone in samples of its own: recognizable in a capture, never silence.
            *place = octet | 0x80;
        }
        Self {
            local,
            remote: (Ipv6Addr::UNSPECIFIED, 0),
            header,
            next_at: None,
            left: None,
            source: None,
            count: MediaCount::default(),
            rtp,
            datagram: [0; DATAGRAM_LEN],
        }
    }

    /// Sends to `remote` from `now` on, `packets_max` packets where that is given.
    pub fn begin(
        &mut self,
        now: Instant,
        remote: Endpoint,
        payload_type: u8,
        packets_max: Option<u32>,
    ) {
        self.remote = remote;
        self.header.payload_type = payload_type;
        self.left = packets_max;
        self.next_at = (packets_max != Some(0)).then_some(now);
    }

    /// Where this side sends from and listens.
    pub const fn local(&self) -> Endpoint {
        self.local
    }

    /// Where this side sends to.
    pub const fn remote(&self) -> Endpoint {
        self.remote
    }

    /// Sends elsewhere from the next packet on, where it sends at all: a new offer or answer named
    /// another address.
    pub const fn redirect(&mut self, remote: Endpoint) {
        self.remote = remote;
    }

    /// Whether a packet is due by now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.next_at.is_some_and(|due| due <= now)
    }

    /// Sends nothing more; what arrives is still counted.
    pub const fn stop(&mut self) {
        self.next_at = None;
    }

    /// Whether all packets that were asked for have been sent.
    pub fn is_done(&self) -> bool {
        self.left == Some(0)
    }

    /// The datagram that [`poll_datagram`](Self::poll_datagram) made last.
    pub const fn datagram(&self) -> &[u8; DATAGRAM_LEN] {
        &self.datagram
    }

    /// What went out and came in so far.
    pub const fn count(&self) -> MediaCount {
        self.count
    }

    /// The UDP datagram that is due by now, its checksum made for [`local`](Self::local) and
    /// [`remote`](Self::remote): call it until there is none.
    pub fn poll_datagram(&mut self, now: Instant) -> Option<&[u8; DATAGRAM_LEN]> {
        let due = self.next_at.filter(|due| *due <= now)?;
        let late = now - due;
        if late > LATENESS_MAX {
            let missed = u32::try_from(late.as_millis() / PACKET_TIME.as_millis()).unwrap_or(0);
            self.header.timestamp =
                self.header.timestamp.wrapping_add(missed.wrapping_mul(SAMPLES));
            self.next_at = Some(due + PACKET_TIME * missed);
        }
        self.rtp[..RtpHeader::LEN].copy_from_slice(&self.header.to_octets());
        let datagram =
            Udp { source_port: self.local.1, destination_port: self.remote.1, payload: &self.rtp };
        datagram.emit(self.local.0, self.remote.0, &mut self.datagram);
        self.advance();
        Some(&self.datagram)
    }

    fn advance(&mut self) {
        self.header.marker = false;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(SAMPLES);
        self.count.sent += 1;
        self.left = self.left.map(|left| left - 1);
        self.next_at = if self.is_done() { None } else { self.next_at.map(|at| at + PACKET_TIME) };
    }

    /// Takes in the payload of a datagram that came to [`local`](Self::local).
    ///
    /// # Errors
    ///
    /// Where it is no RTP packet.
    pub fn receive(&mut self, payload: &[u8]) -> Result<(), WireError> {
        let header = RtpHeader::parse(RtpView::new(payload)?)?;
        let known = self.source.filter(|source| source.ssrc == header.ssrc);
        let Some(mut source) = known else {
            let source = Source { ssrc: header.ssrc, latest: header.sequence, arrived: 1 };
            self.source = Some(source);
            self.count.received += 1;
            return Ok(());
        };
        let ahead = header.sequence.wrapping_sub(source.latest);
        if ahead != 0 && ahead < 0x8000 {
            source.arrived = source.arrived.checked_shl(ahead.into()).unwrap_or(0) | 1;
            source.latest = header.sequence;
            self.count.received += 1;
            self.count.lost += u32::from(ahead - 1);
        } else {
            self.count_late(&mut source, ahead.wrapping_neg());
        }
        self.source = Some(source);
        Ok(())
    }

    /// Counts a packet `behind` the latest one by so many.
    fn count_late(&mut self, source: &mut Source, behind: u16) {
        // What is too old to be remembered counts as a repetition: it was given up long ago.
        let bit = 1_u64.checked_shl(behind.into()).unwrap_or(0);
        if bit == 0 || source.arrived & bit != 0 {
            self.count.repeated += 1;
            return;
        }
        source.arrived |= bit;
        self.count.received += 1;
        self.count.reordered += 1;
        // One from before the first that arrived was never counted as lost.
        self.count.lost = self.count.lost.saturating_sub(1);
    }

    /// When the next packet is due.
    pub fn poll_timeout(&self) -> Option<Wakeup> {
        self.next_at.map(|at| Wakeup { at, why: "media packet" })
    }
}

impl fmt::Display for MediaCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, received, lost, reordered, repeated } = self;
        write!(
            f,
            "{sent} sent, {received} received, {lost} lost, {reordered} reordered, {repeated} repeated"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const LOCAL: Endpoint = (Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100), 40_000);
    const REMOTE: Endpoint = (Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xbb), 50_002);

    #[test]
    fn packets_come_every_20_ms_and_stop() {
        let mut media = started(Some(3));
        let mut seen = Vec::new();
        while let Some(wakeup) = media.poll_timeout() {
            let datagram = *media.poll_datagram(wakeup.at).expect("due");
            assert!(media.poll_datagram(wakeup.at).is_none());
            let udp = Udp::parse(LOCAL.0, REMOTE.0, &datagram).unwrap();
            assert_eq!((udp.source_port, udp.destination_port), (LOCAL.1, REMOTE.1));
            let rtp = RtpView::new(udp.payload).unwrap();
            assert_eq!(rtp.payload().unwrap().len(), PAYLOAD_LEN);
            seen.push((wakeup.at.since_start().as_millis(), RtpHeader::parse(rtp).unwrap()));
        }
        let first = seen[0].1;
        assert!(first.marker);
        let next = |count: u16| RtpHeader {
            marker: false,
            sequence: first.sequence.wrapping_add(count),
            timestamp: first.timestamp.wrapping_add(u32::from(count) * 160),
            ..first
        };
        assert_eq!(seen, [(0, first), (20, next(1)), (40, next(2))]);
        assert!(media.is_done());
        assert_eq!(media.count().sent, 3);
    }

    #[test]
    fn a_late_driver_skips_what_nobody_would_hear() {
        let mut media = started(None);
        assert!(media.poll_datagram(Instant::ZERO).is_some());
        let late = Instant::at(Duration::from_millis(20 + 1000));
        let timestamp = media.header.timestamp;
        assert!(media.poll_datagram(late).is_some());
        assert_eq!(media.poll_timeout().unwrap().at, late + PACKET_TIME);
        assert_eq!(media.header.timestamp, timestamp.wrapping_add(51 * 160));
    }

    #[test]
    fn whoever_only_listens_sends_nothing() {
        let mut media = Media::listen(LOCAL, &mut Entropy::new(3));
        assert!(!media.is_due(Instant::at(Duration::from_secs(9))));
        media.receive(&packet(7, 1)).unwrap();
        assert_eq!(media.count().received, 1);
    }

    #[test]
    fn no_packets_at_all_can_be_asked_for() {
        assert_eq!(started(Some(0)).poll_timeout(), None);
    }

    #[rstest]
    #[case::in_order(&[65534, 65535, 0, 1], [4, 0, 0, 0])]
    #[case::one_lost(&[7, 8, 10], [3, 1, 0, 0])]
    #[case::reordered(&[7, 9, 8, 10], [4, 0, 1, 0])]
    #[case::repeated(&[7, 8, 8, 7, 9], [3, 0, 0, 2])]
    #[case::before_the_first(&[7, 6, 8], [3, 0, 1, 0])]
    #[case::far_ahead(&[7, 207], [2, 199, 0, 0])]
    #[case::far_behind(&[207, 7], [1, 0, 0, 1])]
    fn arrivals_are_counted(#[case] sequences: &[u16], #[case] expected: [u32; 4]) {
        let mut media = started(None);
        for sequence in sequences {
            media.receive(&packet(*sequence, 0x1234_5678)).unwrap();
        }
        let MediaCount { received, lost, reordered, repeated, .. } = media.count();
        assert_eq!([received, lost, reordered, repeated], expected);
    }

    #[test]
    fn another_source_begins_anew() {
        let mut media = started(None);
        media.receive(&packet(7, 0x1234_5678)).unwrap();
        media.receive(&packet(4000, 0x8765_4321)).unwrap();
        assert_eq!((media.count().received, media.count().lost), (2, 0));
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(packets: Vec<Vec<u8>>, sequences: Vec<u16>) {
            let mut media = started(None);
            for packet in &packets {
                let _ = media.receive(packet);
            }
            for sequence in sequences {
                media.receive(&packet(sequence, 1)).unwrap();
            }
        }
    }

    fn started(packets_max: Option<u32>) -> Media {
        let mut media = Media::listen(LOCAL, &mut Entropy::new(3));
        media.begin(Instant::ZERO, REMOTE, PCMU, packets_max);
        media
    }

    fn packet(sequence: u16, ssrc: u32) -> Vec<u8> {
        let header =
            RtpHeader { marker: false, payload_type: 0, sequence, timestamp: 0x0102_0304, ssrc };
        header.packet(&[0xd5; PAYLOAD_LEN])
    }
}
