//! Any octets whatever: nothing panics, and what is read is written back.

use std::net::Ipv6Addr;
use std::time::Duration;

use proptest::prelude::*;
use roamproof_wire::dissect::{dissect, dissect_packet};
use roamproof_wire::icmpv6::Message;
use roamproof_wire::ipv6::{Outgoing, Packet, Reassembly, fragment};
use roamproof_wire::tcp::TcpView;
use roamproof_wire::udp::{Udp, UdpView};

use crate::golden::{self, octets};

proptest! {
    #[test]
    fn any_octets_can_be_read(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&octets);
    }

    /// Random octets stop at the first check; edits of real packets go on.
    #[test]
    fn any_edit_of_a_packet_can_be_read(
        which in 0..golden::ALL.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut packet = octets(golden::ALL[which].1);
        for (at, octet) in edits {
            let at = at.index(packet.len());
            packet[at] = octet;
        }
        if cuts {
            let length = cut.index(packet.len());
            packet.truncate(length);
            if let Some(payload) = length.checked_sub(40).and_then(|n| u8::try_from(n).ok()) {
                packet[4..6].copy_from_slice(&[0, payload]);
            }
        }
        read_all(&packet);
    }

    #[test]
    fn an_outgoing_packet_is_read_back(outgoing in outgoing(), payload in prop::collection::vec(any::<u8>(), 0..64)) {
        let octets = outgoing.to_vec(&payload);
        let packet = Packet::parse(&octets).expect("our own packet can be read");
        prop_assert_eq!(packet.payload, &payload[..]);
        prop_assert_eq!(packet.home_address, outgoing.home_address);
        prop_assert_eq!(packet.routing.map(|routing| routing.home_address), outgoing.type_2_routing);
        prop_assert_eq!(packet.header.source, outgoing.source);
        prop_assert_eq!(packet.header.destination, outgoing.destination);
        prop_assert_eq!(packet.header.flow_label, outgoing.flow_label);
        prop_assert_eq!(packet.header.traffic_class, outgoing.traffic_class);
        prop_assert_eq!(packet.header.hop_limit, outgoing.hop_limit);
        prop_assert_eq!(packet.protocol, outgoing.protocol);
        for fill in [0x00, 0xff] {
            let mut buffer = vec![fill; outgoing.buffer_len(payload.len())];
            outgoing.emit(&mut buffer, &payload);
            prop_assert_eq!(&buffer, &octets);
        }
    }

    /// Cut to any MTU and shuffled, a packet comes together again, once.
    #[test]
    fn fragments_make_the_packet_again(
        outgoing in outgoing(),
        payload in prop::collection::vec(any::<u8>(), 1..3000),
        mtu in 120_usize..1500,
        turns in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let whole = outgoing.to_vec(&payload);
        let mut pieces = fragment(&whole, mtu, 0x1234_5678);
        prop_assert!(pieces.iter().all(|piece| piece.len() <= mtu));
        for (place, turn) in turns.iter().enumerate().take(pieces.len()) {
            let other = turn.index(pieces.len());
            pieces.swap(place, other);
        }
        let mut reassembly = Reassembly::default();
        let (last, others) = pieces.split_last().expect("a packet is at least one piece");
        for piece in others {
            let packet = Packet::parse(piece).expect("a fragment can be read");
            prop_assert_eq!(reassembly.push(Duration::ZERO, &packet), Ok(None));
            prop_assert_eq!(reassembly.push(Duration::ZERO, &packet), Ok(None), "twice is as once");
        }
        let packet = Packet::parse(last).expect("a fragment can be read");
        prop_assert_eq!(reassembly.push(Duration::ZERO, &packet), Ok(Some(whole)));
        prop_assert_eq!(reassembly, Reassembly::default());
    }
}

/// Everything that reads, over the same octets.
fn read_all(octets: &[u8]) {
    let _ = (dissect(octets), dissect_packet(octets));
    let _ = (UdpView::new(octets), TcpView::new(octets).map(|tcp| tcp.flags().to_string()));
    if let Ok(message) = Message::read(octets) {
        read_back(&message);
    }
    let _ = fragment(octets, 100, 1);
    let _ = Packet::parse_without_mobility(octets);
    let Ok(packet) = Packet::parse(octets) else { return };
    let _ = Reassembly::default().push(Duration::ZERO, &packet);
    let _ = Udp::parse(packet.source(), packet.destination(), packet.payload);
    if let Ok(message) = Message::read(packet.payload) {
        read_back(&message);
    }
}

/// What a message says it says again when written, whatever was in the buffer.
fn read_back(message: &Message<'_>) {
    let (source, destination) = (Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
    let [clean, dirty] = [0x00, 0xff].map(|fill| {
        let mut buffer = vec![fill; message.buffer_len()];
        message.emit(source, destination, &mut buffer);
        buffer
    });
    assert_eq!(clean, dirty, "octets left as they were");
    // A Redirect and a query are kept as octets, in which the checksum is another now.
    if matches!(message, Message::Redirect(_) | Message::MldQuery(_)) {
        return;
    }
    assert_eq!(Message::read(&clean).as_ref(), Ok(message));
}

fn outgoing() -> impl Strategy<Value = Outgoing> {
    let address = || any::<u128>().prop_map(Ipv6Addr::from);
    // The first bit cleared: no group, which sends nothing.
    let source = any::<u128>().prop_map(|bits| Ipv6Addr::from(bits >> 1));
    let maybe = || prop::option::of(any::<u128>().prop_map(Ipv6Addr::from));
    (source, address(), any::<u8>(), any::<u8>(), 0..0x0010_0000_u32, maybe(), maybe()).prop_map(
        |(
            source,
            destination,
            hop_limit,
            traffic_class,
            flow_label,
            home_address,
            type_2_routing,
        )| {
            Outgoing {
                source,
                destination,
                hop_limit,
                traffic_class,
                flow_label,
                home_address,
                type_2_routing,
                // Of no meaning to anybody, so that no rule about its header applies.
                protocol: 253,
            }
        },
    )
}
