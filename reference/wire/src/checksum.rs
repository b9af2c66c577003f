//! The Internet checksum (RFC 1071) and the IPv6 pseudo-header under it (RFC 8200 §8.1).

use std::net::Ipv6Addr;

/// The one's complement sum of `octets` and `initial`, folded to 16 bits but not complemented.
///
/// An odd octet at the end counts as the high half of a last 16-bit word.
pub fn sum(initial: u32, octets: &[u8]) -> u32 {
    let mut total = u64::from(initial);
    let mut chunks = octets.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        let word = u64::from_be_bytes(word);
        total += (word >> 32) + (word & 0xffff_ffff);
    }
    let mut rest = chunks.remainder();
    while let [high, low, after @ ..] = rest {
        total += u64::from(u16::from_be_bytes([*high, *low]));
        rest = after;
    }
    if let [high] = rest {
        total += u64::from(*high) << 8;
    }
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    u32::try_from(total).unwrap_or_default()
}

/// The sum over the IPv6 pseudo-header: addresses, upper-layer length in octets, protocol number.
pub fn pseudo_header(source: Ipv6Addr, destination: Ipv6Addr, length: usize, protocol: u8) -> u32 {
    let mut addresses = [0; 32];
    addresses[..16].copy_from_slice(&source.octets());
    addresses[16..].copy_from_slice(&destination.octets());
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    sum((length >> 16) + (length & 0xffff) + u32::from(protocol), &addresses)
}

/// The checksum field that belongs into `octets`, whose own checksum field counts as it stands:
/// zero it to compute one, leave it in place and expect zero to verify one.
pub fn upper_layer(source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, octets: &[u8]) -> u16 {
    let folded = sum(pseudo_header(source, destination, octets.len(), protocol), octets);
    !u16::try_from(folded).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The worked example of RFC 1071 §3: 0001 f203 f4f5 f6f7 sums to ddf2.
    #[rstest]
    #[case::even(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 0xddf2)]
    #[case::odd(&[0x12], 0x1200)]
    #[case::empty(&[], 0)]
    fn sums(#[case] octets: &[u8], #[case] folded: u32) {
        assert_eq!(sum(0, octets), folded);
    }
}
