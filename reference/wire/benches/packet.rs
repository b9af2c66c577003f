//! What one packet costs a node: headers, checksum, frame. A simulated call has some 400 ns for
//! each input of a node altogether.

use std::hint::black_box;
use std::net::Ipv6Addr;

use criterion::{Criterion, criterion_group, criterion_main};
use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::{Message, NeighbourSolicitation};
use roamproof_wire::ipv6::{Outgoing, Packet, encapsulate, protocol};
use roamproof_wire::udp::{self, Udp};

const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0x1f);
const CORRESPONDENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
/// RTP header and 20 ms of G.711.
const MEDIA_LEN: usize = 172;

fn packets(c: &mut Criterion) {
    let outgoing = Outgoing {
        home_address: Some(HOME),
        ..Outgoing::new(CARE_OF, CORRESPONDENT, protocol::UDP)
    };
    let media = [0x5a; MEDIA_LEN];
    let [to, from] = [Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2])];
    c.bench_function("write media with a Home Address option, framed", |b| {
        b.iter(|| {
            let packet = udp::packet(black_box(&outgoing), 40002, 40000, black_box(&media));
            ethernet::frame(to, from, &packet)
        });
    });

    let packet = udp::packet(&outgoing, 40002, 40000, &media);
    let frame = ethernet::frame(to, from, &packet);
    c.bench_function("read media with a Home Address option, framed", |b| {
        b.iter(|| {
            let (_, packet) = Ethernet::parse(black_box(&frame)).expect("a frame");
            let packet = Packet::parse(packet).expect("a packet");
            let udp = Udp::parse(packet.source(), packet.destination(), packet.payload);
            udp.expect("a datagram").payload.len()
        });
    });

    c.bench_function("tunnel", |b| {
        b.iter(|| encapsulate(CARE_OF, CORRESPONDENT, 64, black_box(&packet)));
    });

    let target = HOME;
    let solicitation = NeighbourSolicitation { target, source_link_layer: Some(from) };
    let outgoing = Outgoing { hop_limit: 255, ..Outgoing::new(CARE_OF, HOME, protocol::ICMPV6) };
    let packet = Message::NeighbourSolicitation(solicitation).packet(&outgoing);
    c.bench_function("read a Neighbor Solicitation", |b| {
        b.iter(|| {
            let packet = Packet::parse(black_box(&packet)).expect("a packet");
            Message::parse(&packet).expect("a message").buffer_len()
        });
    });
}

criterion_group!(benches, packets);
criterion_main!(benches);
