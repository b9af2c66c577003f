//! How many Binding Updates a second go through the codec: read, checksum verified, written again.
//!
//! The bar is 5 million messages a second on one core, with Home Address option, Alternate Care-of
//! Address, Nonce Indices and Binding Authorization Data: 80 octets behind the IPv6 header.

use std::hint::black_box;
use std::net::Ipv6Addr;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::{
    self, Authorization, BindingManagementKey, BindingUpdate, Lifetime, Message, MobilityOption,
    NonceIndices, Options, Sequence,
};

const HOME: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x100);
const CARE_OF: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf1, 0, 0, 0, 0, 0x1f2e);
const CORRESPONDENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xc);
const KEY: BindingManagementKey = BindingManagementKey([0x5a; 20]);

fn binding_update(criterion: &mut Criterion) {
    let message = update();
    let packet = Outgoing {
        home_address: Some(HOME),
        ..Outgoing::new(CARE_OF, CORRESPONDENT, protocol::MOBILITY)
    }
    .to_vec(&message);
    assert!(packet.len() - 40 >= 72, "as long as the bar asks for");

    let mut group = criterion.benchmark_group("binding update");
    group.throughput(Throughput::Elements(1));
    let mut buffer = [0; 128];
    group.bench_function("message: verify, parse, emit", |bencher| {
        bencher.iter(|| again(black_box(&message), black_box(&mut buffer)));
    });
    assert_eq!(buffer[..message.len()], message[..], "the message went round");

    let mut buffer = [0; 256];
    group.bench_function("packet: parse, verify, parse message, emit both", |bencher| {
        bencher.iter(|| packet_again(black_box(&packet), black_box(&mut buffer)));
    });
    assert_eq!(buffer[..packet.len()], packet[..], "the packet went round");

    group.bench_function("authenticator: verify", |bencher| {
        bencher.iter(|| {
            let octets = black_box(&message);
            assert!(mobility::verify_binding_authorization(&KEY, CARE_OF, CORRESPONDENT, octets));
        });
    });
    group.finish();
}

fn again(octets: &[u8], buffer: &mut [u8]) -> usize {
    mobility::verify(HOME, CORRESPONDENT, octets).expect("the checksum is right");
    let message = Message::parse(octets).expect("the message is well-formed");
    let len = message.buffer_len();
    message.emit(HOME, CORRESPONDENT, &mut buffer[..len]);
    len
}

fn packet_again(octets: &[u8], buffer: &mut [u8]) -> usize {
    let packet = Packet::parse(octets).expect("the packet is well-formed");
    let (source, destination) = (packet.source(), packet.destination());
    mobility::verify(source, destination, packet.payload).expect("the checksum is right");
    let message = Message::parse(packet.payload).expect("the message is well-formed");
    let outgoing = Outgoing {
        home_address: packet.home_address,
        ..Outgoing::new(packet.header.source, packet.header.destination, packet.protocol)
    };
    let (headers, len) = (outgoing.headers_len(), message.buffer_len());
    outgoing.emit_headers(&mut buffer[..headers], len);
    message.emit(source, destination, &mut buffer[headers..headers + len]);
    headers + len
}

fn update() -> Vec<u8> {
    let options = Options::new()
        .with(MobilityOption::AlternateCareOfAddress(CARE_OF))
        .with(MobilityOption::NonceIndices(NonceIndices { home: 0x0708, care_of: 0x090a }));
    let update = BindingUpdate {
        acknowledge: true,
        options,
        ..BindingUpdate::new(Sequence(0x3456), Lifetime::MAX_RR_BINDING)
    };
    let authorization = Authorization::ReturnRoutability(&KEY);
    update.to_vec_authorized(HOME, CORRESPONDENT, CARE_OF, authorization)
}

criterion_group!(benches, binding_update);
criterion_main!(benches);
