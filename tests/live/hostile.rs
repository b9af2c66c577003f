//! Hostile frames: running nodes take the frames of golden runs, each with something wrong, answer
//! in between, and afterwards a call is set up as if nothing had been.
//!
//! `ROAMPROOF_HOSTILE_FRAMES=100000 cargo test --test live hostile` feeds the whole number.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof::lab_arm::LabArm;
use roamproof::live_arm::Live;
use roamproof_harness::evidence::{Capture, Kind};
use roamproof_harness::link::LinkId;
use roamproof_harness::sequence::{Changes, Sequence};
use roamproof_harness::topology::claimed::{HOA, Wanted, link_local};
use roamproof_node::entropy::Entropy;
use roamproof_wire::edit::{Edit, mend_checksums, mend_lengths};
use roamproof_wire::ethernet::{self, Ethernet, Mac};
use roamproof_wire::icmpv6::{Message, NeighbourSolicitation};
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};

use crate::Test;
use crate::stage::Stage;

pub(crate) const TESTS: &[Test] = &[("nodes_outlive_hostile_frames", nodes_outlive_hostile_frames)];

fn nodes_outlive_hostile_frames(live: &Live) {
    let mut stage = Stage::set_up(live, &Wanted { direct: true, ..Wanted::default() });
    let mut frames = golden_frames();
    stage.register("visited-1");
    stage.tell("cn", "call sip:mt@example.com");
    stage.wait_for_sip("200", "correspondent");
    // The frames of this very run bear its cookies, tags and sequence numbers.
    add(&mut frames, stage.bench.capture());
    let frames: Vec<_> = frames.into_iter().collect();

    let targets = TARGETS.map(|(name, number, place)| Target::new(&stage, name, number, place));
    let mut entropy = Entropy::new(SEED);
    let mut fed = [0_usize; TARGETS.len()];
    let turns = wanted().div_ceil(FRAMES_A_TURN);
    for turn in 0..turns {
        let place = turn % targets.len();
        fed[place] += targets[place].feed(&mut stage, &frames, &mut entropy);
        targets[place].is_alive(&mut stage);
    }
    assert!(fed.iter().sum::<usize>() >= wanted() && fed.iter().all(|count| *count > 0));
    for (target, count) in targets.iter().zip(fed) {
        eprintln!("{}: {count} hostile frames", target.name);
        target.is_alive(&mut stage);
        let noted = stage.bench.output(target.name);
        let lost: Vec<_> = noted.iter().filter(|line| line.contains("lost unread")).collect();
        assert!(lost.is_empty(), "fed too fast: {lost:?}");
    }
    stage.bench.check_alive().unwrap();
    a_call_completes(&mut stage);
}

/// The terminal goes elsewhere and is switched off and on: what strangers told it about the link it
/// was on, in messages that nothing authenticates, is over.
fn a_call_completes(stage: &mut Stage) {
    stage.tell("cn", "restart");
    stage.tell("mt", "restart");
    stage.turn_page();
    stage.register("visited-2");
    stage.tell("cn", "call sip:mt@example.com");
    stage.wait_for_sip("INVITE", "visited-2");
    stage.wait_for_sip("200", "correspondent");
    stage.wait("direct media to the terminal", "visited-2", |sight| {
        sight.kind == Kind::Media && sight.home_destination == Some(HOA)
    });
    stage.wait("direct media of the terminal", "visited-2", |sight| {
        sight.kind == Kind::Media && sight.home_source == Some(HOA)
    });
    stage.tell("cn", "hangup");
    stage.wait_for_sip("BYE", "visited-2");
    stage.wait_for_sip("200", "correspondent");
}

type Frames = BTreeSet<(LinkId, Vec<u8>)>;

/// Each frame of golden runs that is unlike the others.
fn golden_frames() -> Frames {
    let mut frames = Frames::new();
    for id in ["s4", "s4-tcp", "s5", "s7"] {
        let sequence = Sequence::find(id).unwrap();
        let played = sequence.play(&mut LabArm, Changes::default(), &mut |_| {}).unwrap();
        assert!(played.trouble.is_none(), "{id}: {:?}", played.trouble);
        add(&mut frames, &played.capture);
    }
    frames
}

/// Media is all alike: a few of its packets are enough, or there would be little else.
fn add(frames: &mut Frames, capture: &Capture) {
    let mut media = 0;
    for frame in &capture.frames {
        let sight = roamproof_harness::evidence::Sight::of(&frame.octets);
        media += usize::from(sight.kind == Kind::Media);
        if sight.kind != Kind::Media || media <= MEDIA_MAX {
            frames.insert((frame.link, frame.octets.clone()));
        }
    }
}

/// A node, and where it is fed.
struct Target {
    name: &'static str,
    mac: Mac,
    own: Ipv6Addr,
    /// Its link-layer addresses, and the links on which groups reach it.
    macs: Vec<Mac>,
    link: LinkId,
}

impl Target {
    fn new(stage: &Stage, name: &'static str, number: u8, place: &str) -> Self {
        let topology = stage.bench.topology();
        let node = &topology.nodes[topology.node(name).unwrap()];
        let link = topology.link(place).unwrap();
        let interface = node.interfaces.iter().position(|one| one.link == Some(link)).unwrap_or(0);
        Self {
            name,
            mac: Mac(node.interfaces[interface].mac),
            own: link_local(number, u8::try_from(interface).unwrap()),
            macs: node.interfaces.iter().map(|one| Mac(one.mac)).collect(),
            link,
        }
    }

    /// One turn of frames that this node takes for its own; how many they were.
    fn feed(
        &self,
        stage: &mut Stage,
        frames: &[(LinkId, Vec<u8>)],
        entropy: &mut Entropy,
    ) -> usize {
        let for_it = |(link, frame): &&(LinkId, Vec<u8>)| {
            Ethernet::parse(frame).is_ok_and(|(ethernet, _)| {
                let group = ethernet.destination.is_multicast() && *link == self.link;
                group || self.macs.contains(&ethernet.destination)
            })
        };
        let candidates: Vec<_> = frames.iter().filter(for_it).collect();
        assert!(!candidates.is_empty(), "no frame is for {}", self.name);
        for count in 1..=FRAMES_A_TURN {
            let (link, frame) = candidates[below(entropy, candidates.len())];
            // The mobile terminal's frames of other links come to it where it is.
            let link = if self.macs.len() == 1 { self.link } else { *link };
            stage.bench.inject(link, &spoiled(frame, entropy)).unwrap();
            if count % FRAMES_AT_ONCE == 0 {
                stage.pass(PAUSE);
            }
        }
        FRAMES_A_TURN
    }

    /// It says who has its address.
    fn is_alive(&self, stage: &mut Stage) {
        let solicitation =
            NeighbourSolicitation { target: self.own, source_link_layer: Some(PROBER) };
        let outgoing = Outgoing {
            hop_limit: 255,
            ..Outgoing::new(PROBER_ADDRESS, self.own, protocol::ICMPV6)
        };
        let packet = Message::NeighbourSolicitation(solicitation).packet(&outgoing);
        let from = stage.turn_page();
        stage.bench.inject(self.link, &ethernet::frame(self.mac, PROBER, &packet)).unwrap();
        let until = stage.bench.now() + PATIENCE;
        let mut searched = from;
        loop {
            while let Some(frame) = stage.bench.capture().frames.get(searched) {
                searched += 1;
                if frame.link == self.link && is_answer(&frame.octets, self.own) {
                    return;
                }
            }
            if stage.bench.hear(until).unwrap().is_none() {
                let said = stage.bench.output(self.name);
                panic!("{} is silent: {:?}", self.name, said.last_chunk::<20>());
            }
        }
    }
}

fn is_answer(frame: &[u8], of: Ipv6Addr) -> bool {
    let Ok((ethernet, octets)) = Ethernet::parse(frame) else { return false };
    let Ok(packet) = Packet::parse(octets) else { return false };
    let Ok(Message::NeighbourAdvertisement(answer)) = Message::parse(&packet) else { return false };
    ethernet.destination == PROBER && answer.target == of
}

/// The frame with one to three edits of its packet; what comes behind a checksum or a length is
/// reached only where those are right, so most often they are put right again.
fn spoiled(frame: &[u8], entropy: &mut Entropy) -> Vec<u8> {
    let (header, packet) = frame.split_at(ethernet::HEADER_LEN);
    let mut packet = packet.to_vec();
    for _ in 0..=entropy.below(3) {
        edit(packet.len(), entropy).apply(&mut packet);
    }
    if entropy.below(4) > 0 {
        mend_lengths(&mut packet);
    }
    if entropy.below(8) > 0 {
        mend_checksums(&mut packet);
    }
    packet.truncate(LINK_MTU);
    [header, &packet].concat()
}

/// Any edit, at a place within the packet; turned bits and octets most often.
fn edit(len: usize, entropy: &mut Entropy) -> Edit {
    let at = below(entropy, len.max(1));
    match entropy.below(4) {
        0 => Edit::Flip { bit: at * 8 + below(entropy, 8) },
        1 => Edit::Put { at, octets: HOSTILE[below(entropy, HOSTILE.len())].to_vec() },
        _ => {
            let [kind, length, value] = entropy.octets();
            let at = u16::try_from(at).unwrap().to_be_bytes();
            let mut input = vec![kind, at[0], at[1], length % 64, value, 24];
            input.extend_from_slice(&entropy.octets::<24>());
            Edit::decode(&input).map_or(Edit::SwapAddresses, |(edit, _)| edit)
        }
    }
}

fn below(entropy: &mut Entropy, bound: usize) -> usize {
    usize::try_from(entropy.below(u64::try_from(bound).unwrap())).unwrap()
}

/// How many frames are wanted in all.
fn wanted() -> usize {
    match std::env::var("ROAMPROOF_HOSTILE_FRAMES") {
        Ok(text) => text.parse().expect("ROAMPROOF_HOSTILE_FRAMES is a number"),
        Err(_) => FRAMES,
    }
}

/// Who is fed: name, number of its link-layer address, link of its probe.
const TARGETS: [(&str, u8, &str); 6] = [
    ("mt", 0xa1, "visited-1"),
    ("ha", 0x0a, "home"),
    ("cn", 0x0c, "correspondent"),
    ("ss", 0x05, "server"),
    ("core", 0x01, "home"),
    ("ar1", 0x11, "visited-1"),
];

/// Octets that lengths and counts are fond of.
const HOSTILE: [&[u8]; 7] = [
    &[0],
    &[0xff],
    &[0x7f],
    &[0x80],
    &[0xff, 0xff],
    &[0, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];

const SEED: u64 = 0x686f_7374_696c_6501;

/// Frames where the environment does not say.
const FRAMES: usize = 6000;

/// Frames between two signs of life of a node.
const FRAMES_A_TURN: usize = 250;

/// Frames sent in one go, and how long the nodes are then left to it: the daemons run on two cores.
const FRAMES_AT_ONCE: usize = 25;
const PAUSE: Duration = Duration::from_millis(2);

/// Packets of media kept of a run.
const MEDIA_MAX: usize = 24;

/// Octets of the largest packet that a link carries.
const LINK_MTU: usize = 1500;

/// How long a sign of life may take on a busy host.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who asks for it.
const PROBER: Mac = Mac([0x02, 0xfe, 0, 0, 0x77, 0x01]);
const PROBER_ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x7701);
