//! Every truncation and every flipped bit of the distinct packets of the captures, before the
//! oracles of the codecs that read them: an error or a value, never a panic.

use std::collections::BTreeMap;
use std::path::Path;

use roamproof_fuzz::target;
use roamproof_harness::evidence::{Capture, Frame, pcapng};
use roamproof_wire::ipv6::{Packet, protocol};
use roamproof_wire::udp::UdpView;

#[test]
fn every_codec_holds_over_every_cut_and_flipped_bit_of_the_captures() {
    let mut pieces = BTreeMap::new();
    for capture in captures() {
        for frame in &capture.frames {
            take_apart(frame, &mut pieces);
        }
    }
    for name in ["frame", "dissect", "packet", "mobility", "icmpv6"] {
        assert!(pieces.keys().any(|(piece, ..)| *piece == name), "no capture has a {name}");
    }
    for ((name, ..), octets) in &pieces {
        let oracle = target(name).oracle;
        for end in 0..=octets.len() {
            oracle(&octets[..end]);
        }
        let mut flipped = octets.clone();
        for bit in 0..octets.len() * 8 {
            flipped[bit / 8] ^= 1 << (bit % 8);
            oracle(&flipped);
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// What a piece is read by, and what tells it from others: packets that differ in numbers alone are
/// not distinct, those of another kind, length or first octets are.
type Piece = (&'static str, usize, Vec<u8>);

fn take_apart(frame: &Frame, pieces: &mut BTreeMap<Piece, Vec<u8>>) {
    let octets = frame.octets.as_slice();
    let kind = kind_of(octets);
    let mut add = |name, octets: &[u8]| {
        pieces.entry((name, octets.len(), kind.clone())).or_insert_with(|| octets.to_vec());
    };
    add("frame", octets);
    add("dissect", octets);
    let mut packet = octets.get(14..).unwrap_or_default();
    add("packet", packet);
    while let Ok(read) = Packet::parse(packet) {
        match read.protocol {
            protocol::IPV6 => {
                packet = read.payload;
                continue;
            }
            protocol::MOBILITY => add("mobility", read.payload),
            protocol::ICMPV6 => add("icmpv6", read.payload),
            protocol::UDP => {
                if let Ok(udp) = UdpView::new(read.payload) {
                    add(if udp.source_port() == SIP { "sip" } else { "rtp" }, udp.payload());
                }
            }
            protocol::TCP if read.payload.len() > 20 => add("sip_stream", &read.payload[20..]),
            _ => {}
        }
        break;
    }
}

/// The names of a frame's layers and the first word of its line.
fn kind_of(octets: &[u8]) -> Vec<u8> {
    let layers = roamproof_wire::dissect::Layers::of_frame(octets).layers;
    let mut kind = Vec::new();
    for layer in layers {
        kind.extend(layer.name.as_bytes());
        if !["ipv6", "udp", "tcp", "rtp"].contains(&layer.name) {
            kind.extend(layer.summary.split(' ').next().unwrap_or_default().as_bytes());
        }
    }
    kind
}

fn captures() -> Vec<Capture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../captures");
    let entries = folder.read_dir().expect("the folder of captures");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pcapng"))
        .map(|path| pcapng::read_file(&path).expect("a capture"))
        .collect()
}

const SIP: u16 = 5060;
