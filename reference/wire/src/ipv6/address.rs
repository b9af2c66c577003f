//! Addresses with a meaning of their own, and what can be said of an address (RFC 4291).

use std::net::Ipv6Addr;

use crate::ethernet::Mac;

/// All nodes on the link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// All routers on the link.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// All routers that listen to MLDv2 reports (RFC 3810 §5.2.14).
pub const ALL_MLDV2_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// The group that Neighbor Solicitations for `address` go to (RFC 4291 §2.7.1).
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from_octets([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// The link-local address made of `mac` (RFC 2464 §5).
pub fn link_local(mac: Mac) -> Ipv6Addr {
    with_interface_identifier(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), mac)
}

/// The address in the /64 of `prefix` with the interface identifier made of `mac` (RFC 4862 §5.5.3).
pub fn with_interface_identifier(prefix: Ipv6Addr, mac: Mac) -> Ipv6Addr {
    let mut octets = prefix.octets();
    octets[8..].copy_from_slice(&mac.interface_identifier());
    Ipv6Addr::from(octets)
}

/// The anycast address of the home agents of `prefix`, a /64: anycast identifier 126 behind ones,
/// but for the universal/local bit (RFC 2526 §2, §3).
pub fn home_agents_anycast(prefix: Ipv6Addr) -> Ipv6Addr {
    let mut octets = prefix.octets();
    octets[8..].copy_from_slice(&[0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
    Ipv6Addr::from(octets)
}

/// Whether the first `length` bits of the two addresses agree; all of them where it exceeds 128.
pub fn prefixes_agree(one: Ipv6Addr, other: Ipv6Addr, length: u8) -> bool {
    let kept = u32::from(length).min(128);
    let difference = one.to_bits() ^ other.to_bits();
    kept == 0 || difference >> (128 - kept) == 0
}

/// Whether `address` can be a home or care-of address (RFC 6275 §9.3.1, §9.5.1): unicast, and
/// meant to be routed, so neither `::`, loopback, link-local nor IPv4 in disguise.
pub fn is_unicast_routable(address: Ipv6Addr) -> bool {
    !(address.is_multicast()
        || address.is_unspecified()
        || address.is_loopback()
        || address.is_unicast_link_local()
        || address.to_ipv4_mapped().is_some())
}

/// Reads an address of hexadecimal groups alone, `None` for any other text. A message of SIP has many
/// of them, and the standard library tries each group as a dotted quad first.
pub(crate) fn from_groups(text: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0_u16; 8];
    let (mut count, mut gap, mut rest) = (0, None, text);
    if let Some(after) = rest.strip_prefix(b"::") {
        (gap, rest) = (Some(0), after);
    }
    while !rest.is_empty() {
        let (mut value, mut digits) = (0, 0);
        while let Some(digit) = rest.get(digits).and_then(|octet| char::from(*octet).to_digit(16)) {
            value = value << 4 | digit;
            digits += 1;
            if digits > 4 {
                return None;
            }
        }
        *groups.get_mut(count).filter(|_| digits > 0)? = u16::try_from(value).ok()?;
        count += 1;
        rest = match &rest[digits..] {
            [b':', b':', after @ ..] if gap.is_none() => {
                gap = Some(count);
                after
            }
            [b':', after @ ..] if !after.is_empty() => after,
            [] => &[],
            _ => return None,
        };
    }
    match (gap, groups.len() - count) {
        (Some(gap), missing @ 1..) => groups[gap..].rotate_right(missing),
        (None, 0) => {}
        (Some(_) | None, _) => return None,
    }
    Some(Ipv6Addr::from(groups))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    proptest! {
        #[test]
        fn groups_are_read_as_the_standard_library_reads_them(
            text in "[0-9a-fF:]{0,12}(::)?[0-9a-f:]{0,24}",
        ) {
            prop_assert_eq!(from_groups(text.as_bytes()), text.parse().ok());
        }

        #[test]
        fn every_address_is_read_as_it_is_written(groups: [u16; 8], zeros in 0_usize..9) {
            let mut groups = groups;
            groups[..zeros].fill(0);
            groups.rotate_right(zeros / 2);
            let address = Ipv6Addr::from(groups);
            // A dotted quad is left to the standard library.
            let text = address.to_string();
            let expected = Some(address).filter(|_| !text.contains('.'));
            prop_assert_eq!(from_groups(text.as_bytes()), expected);
        }
    }

    const MAC: Mac = Mac([0x02, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e]);

    #[test]
    fn addresses_are_made_of_prefix_and_mac() {
        assert_eq!(link_local(MAC).to_string(), "fe80::1a:2bff:fe3c:4d5e");
        let visited = "2001:db8:f1::".parse().unwrap();
        let made = with_interface_identifier(visited, MAC);
        assert_eq!(made.to_string(), "2001:db8:f1:0:1a:2bff:fe3c:4d5e");
        assert_eq!(solicited_node(made).to_string(), "ff02::1:ff3c:4d5e");
    }

    #[test]
    fn home_agents_have_an_anycast_address() {
        let home = "2001:db8:a::".parse().unwrap();
        assert_eq!(home_agents_anycast(home).to_string(), "2001:db8:a:0:fdff:ffff:ffff:fffe");
    }

    #[rstest]
    #[case::same("2001:db8:a::1", "2001:db8:a::ffff", 64, true)]
    #[case::other_bit_64("2001:db8:a:0::1", "2001:db8:a:1::1", 64, false)]
    #[case::outside_the_prefix("2001:db8:a:0::1", "2001:db8:a:1::1", 63, true)]
    #[case::whole("2001:db8::1", "2001:db8::2", 128, false)]
    #[case::beyond_whole("2001:db8::1", "2001:db8::1", 200, true)]
    #[case::nothing("::1", "ff02::1", 0, true)]
    fn prefixes(#[case] one: &str, #[case] other: &str, #[case] length: u8, #[case] agree: bool) {
        assert_eq!(prefixes_agree(one.parse().unwrap(), other.parse().unwrap(), length), agree);
    }

    #[rstest]
    #[case::global("2001:db8::1", true)]
    #[case::unique_local("fd00::1", true)]
    #[case::group("ff0e::1", false)]
    #[case::unspecified("::", false)]
    #[case::loopback("::1", false)]
    #[case::link_local("fe80::1", false)]
    #[case::mapped("::ffff:192.0.2.1", false)]
    fn what_can_be_routed(#[case] address: &str, #[case] routable: bool) {
        assert_eq!(is_unicast_routable(address.parse().unwrap()), routable);
    }
}
