//! What must hold of any octets read as a frame or an IPv6 packet.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::dissect::{Layers, dissect, dissect_packet};
use roamproof_wire::ethernet::{Ethernet, FrameView};
use roamproof_wire::ipv6::{Packet, Reassembly, encapsulate, fragment, protocol};
use roamproof_wire::tcp::TcpView;
use roamproof_wire::udp::{Udp, UdpView};

/// Any octets can be looked at; a header that is read is written as it was.
pub(crate) fn frame(octets: &[u8]) {
    if let Ok(view) = FrameView::new(octets) {
        assert_eq!(
            &octets[view.payload_offset..],
            view.payload,
            "a payload lies behind its header"
        );
    }
    let Ok((header, payload)) = Ethernet::parse(octets) else { return };
    assert_eq!([&header.octets()[..], payload].concat(), octets, "not written back as it came");
    packet(payload);
}

/// Any octets can be printed, in one line that is not much longer than they are.
pub(crate) fn dissected(octets: &[u8]) {
    for line in [dissect(octets), dissect_packet(octets)] {
        assert!(!line.contains('\n'), "one line: {line:?}");
        assert!(
            line.len() <= LINE_MAX + OCTET_PRINTED_MAX * octets.len(),
            "{} octets: {line}",
            line.len()
        );
    }
    let _ = Layers::of_frame(octets);
}

/// What a node without Mobile IPv6 accepts one with it accepts too; a packet survives a tunnel, and
/// being cut into fragments.
pub(crate) fn packet(octets: &[u8]) {
    let plain = Packet::parse_without_mobility(octets);
    let Ok(packet) = Packet::parse(octets) else { return };
    if let Ok(plain) = plain {
        assert_eq!(plain.payload_offset, packet.payload_offset, "read to another end");
    }
    assert!(octets.starts_with(packet.octets), "a packet lies within what it was given");
    assert_eq!(&packet.octets[packet.payload_offset..], packet.payload);
    upper_layer(&packet);
    tunnelled(&packet);
    fragmented(&packet);
}

fn upper_layer(packet: &Packet<'_>) {
    let (source, destination) = (packet.source(), packet.destination());
    if packet.protocol == protocol::UDP {
        if let Ok(view) = UdpView::new(packet.payload) {
            let _ = (view.verify(source, destination), view.payload());
        }
        let Ok(udp) = Udp::parse(source, destination, packet.payload) else { return };
        let [clean, dirty] = [0x00, 0xff].map(|fill| {
            let mut buffer = vec![fill; udp.buffer_len()];
            udp.emit(source, destination, &mut buffer);
            buffer
        });
        assert_eq!(clean, dirty, "octets left as they were");
        assert_eq!(
            Udp::parse(source, destination, &clean),
            Ok(udp),
            "not read back as it was written"
        );
    } else if packet.protocol == protocol::TCP
        && let Ok(view) = TcpView::new(packet.payload)
    {
        let _ = view.verify(source, destination);
        assert_eq!(view.header_len() + view.payload().len(), packet.payload.len());
    }
}

fn tunnelled(packet: &Packet<'_>) {
    if packet.octets.len() > usize::from(u16::MAX) {
        return;
    }
    let outer = encapsulate(ENTRY, EXIT, HOP_LIMIT, packet.octets);
    let outer = Packet::parse(&outer).expect("our own tunnel packet can be read");
    assert_eq!(outer.decapsulated(), Some(packet.octets), "not the packet that was put in");
}

fn fragmented(packet: &Packet<'_>) {
    if packet.fragment.is_some() {
        return;
    }
    let mut reassembly = Reassembly::default();
    let mut whole = None;
    for piece in fragment(packet.octets, MTU, IDENTIFICATION) {
        assert!(piece.len() <= MTU || piece == packet.octets, "a fragment fits the link");
        // A first fragment that cuts the header chain is refused (RFC 7112): nothing more to see.
        let Ok(piece) = Packet::parse(&piece) else { return };
        let Ok(pushed) = reassembly.push(Duration::ZERO, &piece) else { return };
        assert_eq!(whole, None, "whole before the last piece");
        whole = pushed;
    }
    assert_eq!(whole.as_deref(), Some(packet.octets), "not the packet that was cut");
}

const LINE_MAX: usize = 400;
const OCTET_PRINTED_MAX: usize = 12;
const ENTRY: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);
const EXIT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0xf1);
const HOP_LIMIT: u8 = 61;
const IDENTIFICATION: u32 = 0x1234_5678;
/// Below what IPv6 allows, so that small inputs are cut too.
const MTU: usize = 136;
