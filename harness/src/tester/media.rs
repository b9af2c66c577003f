//! The tester's voice: RTP packets of 20 ms from one party to another (RFC 3550, RFC 3551).

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{Outgoing, protocol};
use roamproof_wire::rtp::RtpHeader;
use roamproof_wire::udp;

/// Whoever talks to a mobile terminal.
#[derive(Debug, Clone)]
pub struct Voice {
    from: (Ipv6Addr, u16),
    /// The home address and the port that the terminal named.
    to: (Ipv6Addr, u16),
    header: RtpHeader,
}

impl Voice {
    /// The time between two packets.
    pub const PACKET_TIME: Duration = Duration::from_millis(20);

    /// A voice that has not said anything yet, in PCMU.
    pub const fn new(from: (Ipv6Addr, u16), to: (Ipv6Addr, u16)) -> Self {
        let header = RtpHeader {
            marker: true,
            payload_type: 0,
            sequence: 0x7e01,
            timestamp: 0x0007_e500,
            ssrc: 0x7e57_0ce5,
        };
        Self { from, to, header }
    }

    /// The next packet, straight to a care-of address with a type 2 routing header.
    pub fn next_to(&mut self, care_of: Ipv6Addr) -> Vec<u8> {
        let plain = Outgoing::new(self.from.0, care_of, protocol::UDP);
        self.next(&Outgoing { type_2_routing: Some(self.to.0), ..plain })
    }

    /// The next packet to the home address.
    pub fn next_home(&mut self) -> Vec<u8> {
        self.next(&Outgoing::new(self.from.0, self.to.0, protocol::UDP))
    }

    fn next(&mut self, outgoing: &Outgoing) -> Vec<u8> {
        let packet =
            udp::packet(outgoing, self.from.1, self.to.1, &self.header.packet(&[0xd5; SAMPLES]));
        self.header.marker = false;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(160);
        packet
    }
}

/// Octets of 20 ms: 8000 samples a second, one octet each.
const SAMPLES: usize = 160;

#[cfg(test)]
mod tests {
    use super::super::stimulus::check;
    use super::*;
    use crate::topology::claimed::{CN, HOA};
    use roamproof_wire::ipv6::Packet;

    #[test]
    fn it_reaches_the_home_address_by_both_ways() {
        let care_of = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0x1234, 0x5678);
        let mut voice = Voice::new((CN, 40_000), (HOA, 40_002));
        for (packet, to) in [(voice.next_to(care_of), care_of), (voice.next_home(), HOA)] {
            assert_eq!(check(&packet), Ok(()));
            let packet = Packet::parse(&packet).unwrap();
            assert_eq!((packet.header.destination, packet.destination()), (to, HOA));
        }
    }
}
