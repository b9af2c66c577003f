//! Link types of foreign captures, brought to Ethernet (numbers: the tcpdump.org registry).

use std::borrow::Cow;

use pcap_file::DataLink;

/// The frame as Ethernet; `None` for a link type that carries no IP frames we can read.
///
/// What a link type does not say (a destination address) is zero.
pub(super) fn to_ethernet(link_type: DataLink, data: &[u8]) -> Option<Cow<'_, [u8]>> {
    match u32::from(link_type) {
        ETHERNET => Some(Cow::Borrowed(data)),
        RAW | RAW_BSD | RAW_OPENBSD | IPV6 => Some(Cow::Owned(framed([0; 6], ip_type(data), data))),
        NULL | LOOP => {
            let data = data.get(4..).unwrap_or_default();
            Some(Cow::Owned(framed([0; 6], ip_type(data), data)))
        }
        LINUX_SLL => Some(Cow::Owned(cooked(data, 6, 14, 16))),
        LINUX_SLL2 => Some(Cow::Owned(cooked(data, 12, 0, 20))),
        _ => None,
    }
}

/// A Linux cooked packet: the sender's address and the protocol stand at these octets.
fn cooked(data: &[u8], address: usize, protocol: usize, header: usize) -> Vec<u8> {
    let mut source = [0; 6];
    if let Some(octets) = data.get(address..address + 6) {
        source.copy_from_slice(octets);
    }
    let kind = data.get(protocol..protocol + 2).map_or([0, 0], |octets| [octets[0], octets[1]]);
    framed(source, kind, data.get(header..).unwrap_or_default())
}

fn framed(source: [u8; 6], kind: [u8; 2], packet: &[u8]) -> Vec<u8> {
    [&[0; 6][..], &source, &kind, packet].concat()
}

/// The EtherType of an IP packet, by its version.
fn ip_type(packet: &[u8]) -> [u8; 2] {
    match packet.first().map(|octet| octet >> 4) {
        Some(4) => [0x08, 0x00],
        _ => [0x86, 0xdd],
    }
}

const NULL: u32 = 0;
const ETHERNET: u32 = 1;
const RAW_BSD: u32 = 12;
const RAW_OPENBSD: u32 = 14;
const RAW: u32 = 101;
const LOOP: u32 = 108;
const LINUX_SLL: u32 = 113;
const IPV6: u32 = 229;
const LINUX_SLL2: u32 = 276;

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const PACKET: [u8; 3] = [0x60, 0xb1, 0xb2];

    #[rstest]
    #[case::ethernet(1, &[0xa1, 0xa2], &[0xa1, 0xa2])]
    #[case::raw(101, &PACKET, &framed([0; 6], [0x86, 0xdd], &PACKET))]
    #[case::raw_version_4(101, &[0x45], &framed([0; 6], [0x08, 0x00], &[0x45]))]
    #[case::null(0, &[2, 0, 0, 0, 0x60, 0xb1, 0xb2], &framed([0; 6], [0x86, 0xdd], &PACKET))]
    #[case::cooked(113, &[0, 4, 0, 1, 0, 6, 2, 3, 4, 5, 6, 7, 0, 0, 0x86, 0xdd, 0x60, 0xb1, 0xb2],
                   &framed([2, 3, 4, 5, 6, 7], [0x86, 0xdd], &PACKET))]
    #[case::cooked_2(276, &[0x86, 0xdd, 0, 0, 0, 0, 0, 9, 0, 1, 4, 6, 2, 3, 4, 5, 6, 7, 0, 0, 0x60, 0xb1, 0xb2],
                     &framed([2, 3, 4, 5, 6, 7], [0x86, 0xdd], &PACKET))]
    #[case::cooked_cut_short(113, &[0, 4, 0, 1], &framed([0; 6], [0, 0], &[]))]
    fn frames_become_ethernet(#[case] number: u32, #[case] data: &[u8], #[case] frame: &[u8]) {
        assert_eq!(to_ethernet(DataLink::from(number), data).as_deref(), Some(frame));
    }

    #[test]
    fn others_are_refused() {
        assert_eq!(to_ethernet(DataLink::from(189), &PACKET), None);
    }
}
