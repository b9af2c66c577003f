//! RTP packets: the fixed header, sources, an extension, padding.

use fastrand::Rng;
use roamproof_wire::rtp::RtpHeader;

use crate::random;

/// A packet of any kind of payload.
pub(crate) fn make(random: &mut Rng) -> Vec<u8> {
    let header = RtpHeader {
        marker: random.bool(),
        payload_type: random.u8(..128),
        sequence: u16::from_be_bytes(random::octets(random)),
        timestamp: u32::from_be_bytes(random::octets(random)),
        ssrc: u32::from_be_bytes(random::octets(random)),
    };
    header.packet(&random::some_octets(random, 160))
}

/// One edit of what says how long the parts are, or of any octet.
pub(crate) fn edit(octets: &mut Vec<u8>, random: &mut Rng) {
    if octets.len() < RtpHeader::LEN {
        return random::flip(octets, random);
    }
    match random.u8(..5) {
        0 => {
            let sources = random.u8(..16);
            octets[0] = octets[0] & 0xf0 | sources;
            let source: [u8; 4] = random::octets(random);
            // The count may say more or fewer than there are.
            for _ in 0..sources.saturating_sub(random.u8(..3)) {
                octets.splice(RtpHeader::LEN..RtpHeader::LEN, source);
            }
        }
        1 => {
            octets[0] |= 0x10;
            let at = RtpHeader::LEN + 4 * usize::from(octets[0] & 0x0f);
            let words = random.u8(..4);
            let said = words.wrapping_add(random.u8(..3)).wrapping_sub(1);
            let extension =
                [vec![0xbe, 0xde, 0, said], vec![0x10; usize::from(words) * 4]].concat();
            if at <= octets.len() {
                octets.splice(at..at, extension);
            }
        }
        2 => {
            octets[0] |= 0x20;
            let count = random.u8(..9);
            octets.extend(vec![0; usize::from(count.saturating_sub(1))]);
            octets.push(count.wrapping_add(random.u8(..3)).wrapping_sub(1));
        }
        3 => octets[0] = octets[0] & 0x3f | random.u8(..4) << 6,
        _ => random::flip(octets, random),
    }
}

/// First octets, and the profile of an extension.
pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let mut tokens = vec![vec![0xbe, 0xde, 0, 1], vec![0x10, 0, 0, 2]];
    tokens.extend([0x80_u8, 0x90, 0xa0, 0xb0, 0x8f, 0xbf].map(|first| vec![first, 0]));
    tokens
}
