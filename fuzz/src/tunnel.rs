//! What must hold of tunnels in tunnels: any packet that can be read, put into some.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_harness::rules::Sent;
use roamproof_wire::dissect::Layers;
use roamproof_wire::edit::Upper;
use roamproof_wire::ipv6::tunnel::limit_at_entry;
use roamproof_wire::ipv6::{Packet, Reassembly, encapsulate, encapsulate_with_limit, fragment};

/// The packet behind the first octet goes into as many tunnels as that says, the first with a limit
/// where its highest bit is set: each comes out again as it went in, everyone who looks through the
/// tunnels finds the same in them, and no packet enters more tunnels than its limit allows.
pub(crate) fn chain(octets: &[u8]) {
    let Some((how, inner)) = octets.split_first() else { return };
    let Ok(inner) = Packet::parse(inner) else { return };
    let limit = (how & 0x80 != 0).then_some(how >> 3 & 0x0f);
    let packets = tunnelled(inner.octets, usize::from(how & 7) + 1, limit);
    for pair in packets.windows(2) {
        let outer = Packet::parse(&pair[1]).expect("our own tunnel packet can be read");
        assert_eq!(outer.decapsulated(), Some(&pair[0][..]), "not the packet that was put in");
    }
    let outermost = packets.last().expect("the packet itself is there");
    survives_fragments(outermost);
    same_upper_layer(inner.octets, outermost);
    same_layers(inner.octets, outermost, packets.len() - 1);
}

/// The packet, and it in one tunnel after the other, the innermost first.
fn tunnelled(inner: &[u8], levels: usize, limit: Option<u8>) -> Vec<Vec<u8>> {
    let mut packets = vec![inner.to_vec()];
    for level in 0..levels {
        let last = packets.last().expect("the packet itself is there");
        if last.len() > OCTETS_MAX {
            break;
        }
        let packet = Packet::parse(last).expect("it was read, or is our own");
        let hops = u8::try_from(level).unwrap_or_default() + HOP_LIMIT;
        let outer = match limit_at_entry(&packet) {
            Err(refused) => {
                assert_eq!(packet.tunnel_limit, Some(0), "refused with tunnels left\n{refused:?}");
                let pointer = refused.problem.map_or(0, |problem| problem.pointer);
                let pointer = usize::try_from(pointer).expect("it fits");
                assert!(pointer < last.len(), "points behind the end");
                assert!(pointer == 0 || last[pointer] == 0, "points at another octet");
                break;
            }
            Ok(Some(left)) => {
                assert_eq!(packet.tunnel_limit, Some(left + 1), "a limit that does not fall");
                encapsulate_with_limit(ENTRY, EXIT, hops, left, last)
            }
            Ok(None) => {
                assert_eq!(packet.tunnel_limit, None, "a limit is lost");
                match limit.filter(|_| level == 0) {
                    Some(limit) => encapsulate_with_limit(ENTRY, EXIT, hops, limit, last),
                    None => encapsulate(ENTRY, EXIT, hops, last),
                }
            }
        };
        packets.push(outer);
    }
    packets
}

/// The outermost is cut for a small link and put together: what is in it is what was. What is a piece itself, and may
/// enter no tunnel, nobody cuts once more.
fn survives_fragments(outermost: &[u8]) {
    if Packet::parse(outermost).is_ok_and(|packet| packet.fragment.is_some()) {
        return;
    }
    let mut reassembly = Reassembly::default();
    let mut whole = None;
    // The last first.
    for piece in fragment(outermost, MTU, IDENTIFICATION).iter().rev() {
        let Ok(piece) = Packet::parse(piece) else { return };
        let Ok(pushed) = reassembly.push(Duration::ZERO, &piece) else { return };
        whole = pushed;
    }
    assert_eq!(whole.as_deref(), Some(outermost), "not the packet that was cut");
}

/// What edits find behind the headers is what the inner packet leads to, as far behind as the tunnels
/// are long.
fn same_upper_layer(inner: &[u8], outermost: &[u8]) {
    let behind = outermost.len() - inner.len();
    let wanted = Upper::of(inner).map(|upper| Upper {
        offset: upper.offset + behind,
        end: upper.end + behind,
        ..upper
    });
    assert_eq!(Upper::of(outermost), wanted, "another upper layer through tunnels");
}

/// The layers of the inner packet are the last of the outer one, for people and for rules.
fn same_layers(inner: &[u8], outermost: &[u8], levels: usize) {
    let (within, whole) = (Layers::of_packet(inner), Layers::of_packet(outermost));
    let depth = within.layers.iter().filter(|layer| layer.name == "ipv6").count();
    // One more may be named by the last, and not be there.
    if depth + levels < TUNNELS_TOLD_MAX {
        assert!(whole.layers.ends_with(&within.layers), "other layers through tunnels");
        assert_eq!(whole.stopped, within.stopped, "another fault through tunnels");
    }
    let (within, whole) = (Sent::all(inner), Sent::all(outermost));
    if let (Some(within), Some(whole)) = (within.first(), whole.get(levels)) {
        assert_eq!(whole.octets, within.octets, "a rule sees another packet through tunnels");
        assert_eq!((whole.depth, whole.offset), (levels, outermost.len() - inner.len()));
    }
}

const ENTRY: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0xa);
const EXIT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0xf1);
const HOP_LIMIT: u8 = 61;
const IDENTIFICATION: u32 = 0x1234_5678;
/// Octets of a packet that still fits into a tunnel.
const OCTETS_MAX: usize = 60_000;
/// Below what IPv6 allows, so that small inputs are cut too.
const MTU: usize = 136;
/// Packets in one another that a dissection tells.
const TUNNELS_TOLD_MAX: usize = 8;
