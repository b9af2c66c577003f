//! What a simulated call costs: all of S4 with two routers in the path and 50 media packets each
//! way, without a capture. The bar is 5,000 calls a second on one core.
//!
//! Two numbers: a call of a terminal that is registered, with the optimization before the response;
//! and the same with everything before it: movement, address, home registration, SIP registration.
//! Building the nodes from their configuration is not part of either.

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use roamproof::lab_network::LabNetwork;
use roamproof_harness::topology::claimed::{Wanted, topology};
use roamproof_lab::Weather;
use roamproof_node::Event;

/// Media packets each way.
const PACKETS: u32 = 50;
/// Longer than a terminal takes to register.
const REGISTRATION: Duration = Duration::from_secs(3);
/// The answer after 200 ms, a second of media, and the end.
const CALL: Duration = Duration::from_millis(1600);

fn calls(c: &mut Criterion) {
    let mut registered = network();
    register(&mut registered);
    let before = (registered.lab.frames(), registered.lab.inputs());
    call(&mut registered);
    let frames = registered.lab.frames() - before.0;
    let inputs = registered.lab.inputs() - before.1;
    check(&mut registered);
    eprintln!("a call of a registered terminal: {frames} packets on links, {inputs} node inputs");
    let (frames, inputs) = (registered.lab.frames(), registered.lab.inputs());
    eprintln!("the registrations and the call: {frames} packets on links, {inputs} node inputs");

    let mut group = c.benchmark_group("S4");
    group.throughput(Throughput::Elements(1));
    group.bench_function("a call of a registered terminal", |b| {
        let given = || {
            let mut network = network();
            register(&mut network);
            network
        };
        b.iter_batched_ref(given, call, BatchSize::PerIteration);
    });
    group.bench_function("registration and call", |b| {
        let whole = |network: &mut LabNetwork| {
            register(network);
            call(network);
        };
        b.iter_batched_ref(network, whole, BatchSize::PerIteration);
    });
    group.finish();
}

/// The nodes of S4, each side of whose calls sends a given number of packets.
fn network() -> LabNetwork {
    let nodes = vec!["core", "ar1", "ha", "ss", "cn", "mt"];
    let mut topology = topology(&Wanted { nodes, ..Wanted::default() });
    for node in topology.nodes.iter_mut().filter(|node| node.config.contains("[sip]")) {
        node.config.push_str(&format!("talk_packets = {PACKETS}\n"));
    }
    LabNetwork::new(topology, |_| Weather::CALM).expect("the claimed network is right")
}

fn register(network: &mut LabNetwork) {
    network.plug("mt", "visited-1");
    network.lab.run_for(REGISTRATION);
}

/// The caller hangs up once all packets are sent.
fn call(network: &mut LabNetwork) {
    network.tell("cn", "call sip:mt@example.com");
    network.lab.run_for(CALL);
}

/// A bench of calls that fail would be fast.
fn check(network: &mut LabNetwork) {
    let media = format!("media: {PACKETS} sent, {PACKETS} received, 0 lost");
    let mut told = 0;
    while let Some((_, _, event)) = network.lab.poll_event() {
        told += u32::from(matches!(&event, Event::Note(note) if note.starts_with(&media)));
    }
    assert_eq!(told, 2, "both sides have sent and heard {PACKETS} packets");
}

criterion_group!(benches, calls);
criterion_main!(benches);
