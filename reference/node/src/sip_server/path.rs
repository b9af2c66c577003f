//! What paths carry, and how packets are cut to it: outside the tunnel or inside (RFC 2473 §7.1,
//! RFC 8201).

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ipv6::{self, HEADER_LEN, MTU_MIN};

use crate::entropy::Entropy;
use crate::host::LINK_MTU;
use crate::{Held, Instant};

/// The path MTU to each destination of which a router has said that it is less than a link's.
#[derive(Debug, Default)]
pub(super) struct Paths {
    lowered: BTreeMap<Ipv6Addr, (usize, Instant)>,
}

/// After so long a larger packet is tried again (RFC 8201 §4).
const MEMORY: Duration = Duration::from_secs(600);
/// Destinations remembered.
const PATHS_MAX: usize = 4096;
/// The hop limit of outer headers.
const HOP_LIMIT: u8 = 64;

impl Paths {
    /// Takes in that the path to `destination` carries no more than `mtu` octets; whether that is
    /// news. Nobody is believed below what every link takes.
    pub(super) fn lower(&mut self, now: Instant, destination: Ipv6Addr, mtu: u32) -> bool {
        let mtu = usize::try_from(mtu).unwrap_or(usize::MAX).max(MTU_MIN);
        if mtu >= self.mtu(now, destination) {
            return false;
        }
        if self.lowered.len() >= PATHS_MAX {
            self.lowered.retain(|_, (_, until)| *until > now);
            if self.lowered.len() >= PATHS_MAX {
                self.lowered.pop_first();
            }
        }
        self.lowered.insert(destination, (mtu, now + MEMORY));
        true
    }

    /// A packet as it goes plainly to `destination`.
    pub(super) fn plain(
        &self,
        now: Instant,
        destination: Ipv6Addr,
        packet: &[u8],
        entropy: &mut Entropy,
    ) -> Vec<Vec<u8>> {
        cut(packet, self.mtu(now, destination), entropy)
    }

    /// A packet as it goes in a tunnel from `own` to `care_of`.
    //= CL-DST-14
    pub(super) fn tunnelled(
        &self,
        now: Instant,
        own: Ipv6Addr,
        care_of: Ipv6Addr,
        packet: &[u8],
        entropy: &mut Entropy,
    ) -> Vec<Vec<u8>> {
        let mtu = self.mtu(now, care_of);
        // What is larger than every link takes is cut inside, by its source, which is this node.
        let inner_mtu = mtu.saturating_sub(HEADER_LEN).max(MTU_MIN);
        let mut packets = Vec::new();
        for inner in cut(packet, inner_mtu, entropy) {
            let outer = ipv6::encapsulate(own, care_of, HOP_LIMIT, &inner);
            packets.extend(cut(&outer, mtu, entropy));
        }
        packets
    }

    /// Counts what is kept.
    pub(super) fn held(&self, held: &mut Held) {
        held.for_room("narrow paths", self.lowered.len(), PATHS_MAX);
    }

    fn mtu(&self, now: Instant, destination: Ipv6Addr) -> usize {
        let lowered = self.lowered.get(&destination).filter(|(_, until)| *until > now);
        lowered.map_or(LINK_MTU, |(mtu, _)| *mtu)
    }
}

fn cut(packet: &[u8], mtu: usize, entropy: &mut Entropy) -> Vec<Vec<u8>> {
    if packet.len() <= mtu {
        return vec![packet.to_vec()];
    }
    ipv6::fragment(packet, mtu, entropy.next_u32())
}

#[cfg(test)]
mod tests {
    use super::*;
    use roamproof_wire::ipv6::{Outgoing, protocol};
    use rstest::rstest;

    const SS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x5, 0, 0, 0, 0, 0x5);
    const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
    const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0xa1);

    /// Lengths of what leaves: an IPv6 header is 40 octets, a Fragment header 8, and every piece but
    /// the last a multiple of 8.
    #[rstest]
    #[case::fits(1500, 1460, &[1500])]
    #[case::cut_inside(1500, 1461, &[1456 + 40, 61 + 40])]
    #[case::fits_a_narrower_path(1400, 1360, &[1400])]
    #[case::cut_inside_a_narrower_path(1400, 1361, &[1360 + 40, 57 + 40])]
    #[case::cut_outside(1280, 1280, &[1280, 96])]
    #[case::cut_inside_and_outside(1280, 1300, &[1280, 96, 76 + 40])]
    #[case::nobody_is_believed_below_1280(600, 1280, &[1280, 96])]
    fn a_tunnel_carries_what_the_path_takes(
        #[case] mtu: u32,
        #[case] length: usize,
        #[case] lengths: &[usize],
    ) {
        let mut paths = Paths::default();
        paths.lower(Instant::ZERO, CARE_OF, mtu);
        let packet = Outgoing::new(SS, HOME, protocol::UDP).to_vec(&vec![0x5a; length - 40]);
        let mut entropy = Entropy::new(3);
        let cut = paths.tunnelled(Instant::ZERO, SS, CARE_OF, &packet, &mut entropy);
        let found: Vec<usize> = cut.iter().map(Vec::len).collect();
        assert_eq!(found, lengths);
    }

    #[test]
    fn a_path_is_lowered_only_and_tried_again_later() {
        let mut paths = Paths::default();
        assert!(!paths.lower(Instant::ZERO, HOME, 1500));
        assert!(paths.lower(Instant::ZERO, HOME, 1400));
        assert!(!paths.lower(Instant::ZERO, HOME, 1450));
        let packet = vec![0x60; 1450];
        let mut entropy = Entropy::new(3);
        assert!(paths.plain(Instant::ZERO, HOME, &packet, &mut entropy)[0].len() <= 1450);
        let later = Instant::at(Duration::from_secs(600));
        assert_eq!(paths.mtu(Instant::ZERO, HOME), 1400);
        assert_eq!(paths.mtu(later, HOME), 1500);
    }
}
