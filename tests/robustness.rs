//! Nodes that are fed mutated frames keep serving: 100,000 edits of golden frames, half of them with
//! their checksums mended, into the links of the reference network, with the SIP server in either
//! mode; then a call completes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use roamproof::lab_network::LabNetwork;
use roamproof_harness::evidence::{Frame, pcapng};
use roamproof_harness::topology::claimed::{Wanted, topology};
use roamproof_lab::Weather;
use roamproof_node::Event;
use roamproof_node::entropy::Entropy;
use roamproof_wire::edit::{Edit, mend_checksums, mend_lengths};
use roamproof_wire::ethernet;

/// Hostile frames, over all links.
const FRAMES: u64 = 100_000;
/// Frames that come at once.
const BURST: u64 = 20;
/// What the nodes may grow by in the second half of the storm, pages of 4 KiB.
const GROWTH_MAX: u64 = 16 * 256;
/// Longer than a home registration lasts: the golden updates are genuine, their keys and the time of
/// their run are this network's too, so that one to forget the binding holds until the next refresh.
const CALM: Duration = Duration::from_secs(4000);

#[test]
fn nodes_outlive_hostile_frames() {
    // One after the other: they share the memory that is measured.
    storm("s4-optimization.pcapng", false);
    storm("s5-direct.pcapng", true);
}

fn storm(file: &str, direct: bool) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(file);
    let capture = pcapng::read_file(&golden).expect("a golden capture");
    let mut network = network(direct);
    let mut draws = Entropy::new(20_260_101);
    let (mut half_way, mut complaints) = (0, 0);
    for number in 0..FRAMES {
        let frame = &capture.frames[below(&mut draws, capture.frames.len())];
        let link = network.link(capture.link_name(frame.link));
        network.lab.send_from_outside(0, link, mutated(frame, &mut draws));
        if number % BURST == 0 {
            network.lab.run_for(Duration::from_millis(1));
            while network.lab.poll_outside().is_some() {}
            while let Some((.., event)) = network.lab.poll_event() {
                let complains = matches!(event, Event::Malformed(_) | Event::Discarded { .. });
                complaints += u64::from(complains);
            }
        }
        if number == FRAMES / 2 {
            half_way = pages();
        }
    }
    assert!(complaints > FRAMES / 10, "the frames reach no node: {complaints} complaints");
    let grown = pages().saturating_sub(half_way);
    assert!(grown < GROWTH_MAX, "the nodes have grown by {grown} pages");
    network.lab.run_for(CALM);
    call(&mut network);
}

/// The network of the golden captures, a seed apart: their cookies and nonces are worth nothing in
/// it.
fn network(direct: bool) -> LabNetwork {
    let wanted = Wanted { direct, seed: 77, ..Wanted::default() };
    let mut network =
        LabNetwork::new(topology(&wanted), |_| Weather::CALM).expect("the claimed network");
    let names: Vec<String> =
        network.topology().links.iter().map(|link| link.name.clone()).collect();
    for name in names {
        let link = network.link(&name);
        network.lab.add_outside(0, link);
    }
    network.plug("mt", "visited-1");
    network.lab.run_for(Duration::from_secs(5));
    network
}

/// The frame with one to three edits of its packet.
fn mutated(frame: &Frame, draws: &mut Entropy) -> Vec<u8> {
    let (header, packet) = frame.octets.split_at(ethernet::HEADER_LEN);
    let mut packet = packet.to_vec();
    for _ in 0..=draws.below(3) {
        let input: [u8; 8] = draws.octets();
        let edit = match draws.below(2) {
            0 => Edit::Flip { bit: below(draws, packet.len().max(1) * 8) },
            _ => Edit::decode(&input).expect("six octets are an edit").0,
        };
        edit.apply(&mut packet);
    }
    if draws.below(2) == 0 {
        mend_lengths(&mut packet);
        mend_checksums(&mut packet);
    }
    [header, &packet].concat()
}

/// The terminal is called, answers, and both hear each other.
fn call(network: &mut LabNetwork) {
    while network.lab.poll_outside().is_some() || network.lab.poll_event().is_some() {}
    network.tell("cn", "call sip:mt@example.com");
    network.lab.run_for(Duration::from_secs(12));
    network.tell("cn", "hangup");
    network.lab.run_for(Duration::from_secs(2));
    let mut story = String::new();
    let mut heard = 0;
    while let Some((at, node, event)) = network.lab.poll_event() {
        let ours = ["mt", "cn"].contains(&network.name_of(node));
        if let Event::Note(note) = &event
            && let Some(counts) = note.strip_prefix("media: ")
        {
            heard += u32::from(ours && !counts.contains(" 0 received"));
        }
        story.push_str(&format!("{at} {}: {event}\n", network.name_of(node)));
    }
    assert_eq!(heard, 2, "both sides hear each other after the storm:\n{story}");
}

fn below(draws: &mut Entropy, bound: usize) -> usize {
    usize::try_from(draws.below(bound as u64)).unwrap_or(0)
}

/// Pages that this process holds, where the system says so.
fn pages() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}
