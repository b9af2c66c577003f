//! Networks: they come up, frames pass in order, many live side by side, daemons obey and die.

use std::io;
use std::net::Ipv6Addr;
use std::thread;
use std::time::Duration;

use roamproof::lab_arm::LabArm;
use roamproof::live_arm::Live;
use roamproof_harness::link::{Arrival, LinkId, Port};
use roamproof_harness::subject::SubjectError;
use roamproof_harness::topology::{
    Arm, ArmError, InterfaceSpec, LinkSpec, Network, NodeSpec, Role, Topology,
};
use roamproof_wire::checksum;

use crate::{Test, not_run};

pub(crate) const TESTS: &[Test] = &[
    ("a_frame_goes_in_and_its_answer_comes_out", a_frame_goes_in_and_its_answer_comes_out),
    (
        "frames_of_several_interfaces_keep_their_order",
        frames_of_several_interfaces_keep_their_order,
    ),
    ("a_burst_is_not_lost", a_burst_is_not_lost),
    ("receive_waits_for_its_deadline", receive_waits_for_its_deadline),
    ("many_networks_live_at_once", many_networks_live_at_once),
    ("an_interface_is_plugged_out_and_in", an_interface_is_plugged_out_and_in),
    ("a_daemon_obeys_or_says_why_not", a_daemon_obeys_or_says_why_not),
    ("a_daemon_that_dies_says_how", a_daemon_that_dies_says_how),
    ("a_daemon_that_cannot_start_says_why", a_daemon_that_cannot_start_says_why),
    ("a_lent_address_serves_ordinary_programs", a_lent_address_serves_ordinary_programs),
    ("both_arms_show_the_same_router", both_arms_show_the_same_router),
    ("the_kernel_stays_silent", the_kernel_stays_silent),
];

fn a_frame_goes_in_and_its_answer_comes_out(live: &Live) {
    let mut network = set_up(live, &topology("echo", &[1]));
    network.link.send(Port(0), &frame(0, 7)).unwrap();
    let arrival = next(&mut network);
    assert_eq!((arrival.port, arrival.octets), (Port(0), answer(0, 7)));
    let late = network.link.now() - arrival.at;
    assert!(late < SOON, "stamped {:?}, taken {late:?} later", arrival.at);
}

fn frames_of_several_interfaces_keep_their_order(live: &Live) {
    let mut network = set_up(live, &topology("echo", &[3]));
    let sent: Vec<(Port, u16)> =
        (0..600).map(|number| (Port(usize::from(number) % 3), number)).collect();
    let mut seen = Vec::new();
    let mut last = Duration::ZERO;
    for batch in sent.chunks(60) {
        for (port, number) in batch {
            network.link.send(*port, &frame(port.0, *number)).unwrap();
        }
        for _ in batch {
            let arrival = next(&mut network);
            assert!(arrival.at >= last, "time ran backwards");
            last = arrival.at;
            seen.push((arrival.port, number_of(&arrival)));
        }
    }
    assert_eq!(seen, sent);
}

fn a_burst_is_not_lost(live: &Live) {
    let mut network = set_up(live, &topology("echo", &[1]));
    for number in 0..3000 {
        network.link.send(Port(0), &frame(0, number)).unwrap();
    }
    for number in 0..3000 {
        assert_eq!(number_of(&next(&mut network)), number);
    }
}

fn receive_waits_for_its_deadline(live: &Live) {
    let mut network = set_up(live, &topology("echo", &[1]));
    for wait in [Duration::ZERO, Duration::from_micros(300), Duration::from_millis(30)] {
        let until = network.link.now() + wait;
        assert_eq!(network.link.receive(until).unwrap(), None);
        assert!(network.link.now() >= until, "early, having waited {wait:?}");
    }
    let late = network.link.lateness();
    assert!(!late.is_zero(), "no host is never late");
    assert_eq!(network.link.lateness(), Duration::ZERO, "asked twice");
}

fn many_networks_live_at_once(live: &Live) {
    thread::scope(|scope| {
        for thread in 0..4_u16 {
            scope.spawn(move || {
                for round in 0..3 {
                    let mut networks: Vec<Network> =
                        (0..2).map(|_| set_up(live, &topology("echo", &[1, 1]))).collect();
                    let mark = thread * 1000 + round * 100;
                    for (place, network) in (0..).zip(&mut networks) {
                        network.link.send(Port(1), &frame(1, mark + place)).unwrap();
                    }
                    for (place, network) in (0..).zip(&mut networks) {
                        let arrival = next(network);
                        assert_eq!((arrival.port, number_of(&arrival)), (Port(1), mark + place));
                        let until = network.link.now() + Duration::from_millis(5);
                        assert_eq!(
                            network.link.receive(until).unwrap(),
                            None,
                            "of another network"
                        );
                    }
                }
            });
        }
    });
}

fn an_interface_is_plugged_out_and_in(live: &Live) {
    let mut topology = topology("echo", &[2]);
    topology.nodes[0].interfaces[1].link = None;
    let mut network = set_up(live, &topology);
    let answers = |network: &mut Network, port| {
        network.link.send(Port(port), &frame(port, 9)).unwrap();
        let until = network.link.now() + Duration::from_millis(100);
        network.link.receive(until).unwrap().is_some()
    };
    assert!(answers(&mut network, 0));
    assert!(!answers(&mut network, 1), "plugged out from the start");
    network.subjects[0].link("eth1", Some("visited-1")).unwrap();
    assert!(answers(&mut network, 1));
    network.subjects[0].link("eth0", None).unwrap();
    assert!(!answers(&mut network, 0));
    network.subjects[0].link("eth0", Some("visited-1")).unwrap();
    let until = network.link.now() + Duration::from_millis(50);
    assert_eq!(network.link.receive(until).unwrap(), None, "what came meanwhile is lost");
    assert!(answers(&mut network, 0));

    let printed = network.subjects[0].output();
    let links: Vec<&str> = printed
        .iter()
        .filter_map(|line| line.split_once("interface "))
        .map(|(_, rest)| rest)
        .collect();
    assert_eq!(links, ["0 up: true", "1 up: true", "0 up: false", "0 up: true"]);
}

fn a_daemon_obeys_or_says_why_not(live: &Live) {
    let mut network = set_up(live, &topology("echo", &[1]));
    let subject = &mut network.subjects[0];
    assert_eq!(subject.name(), "node0");
    subject.tell("call sip:mt@example.com").unwrap();
    assert_eq!(subject.tell("dance"), Err(SubjectError::Cannot("dance".to_owned())));
    assert_eq!(
        subject.link("eth7", Some("visited-1")),
        Err(SubjectError::Cannot("find its interface eth7".to_owned()))
    );
    let refused = subject.tell("answer\nhangup").unwrap_err();
    assert!(matches!(refused, SubjectError::Failed(_)), "{refused:?}");
    subject.alive().unwrap();
    // Its timers run: wait for the one after the next.
    let until = network.link.now() + Duration::from_millis(150);
    network.link.receive(until).unwrap();
    let printed = network.subjects[0].output();
    let count = |text: &str| printed.iter().filter(|line| line.ends_with(text)).count();
    assert_eq!(count("told to call sip:mt@example.com"), 1, "{printed:?}");
    assert!(count("tick") >= 3, "{printed:?}");
}

fn a_daemon_that_dies_says_how(live: &Live) {
    let mut network = set_up(live, &topology("die", &[1]));
    network.subjects[0].alive().unwrap();
    network.link.send(Port(0), &frame(0, 1)).unwrap();
    let until = network.link.now() + Duration::from_millis(1);
    network.link.receive(until).unwrap();
    // Asked now, it is on its way down; the answer waits for its end.
    let death = (0..1000).find_map(|_| network.subjects[0].tell("answer").err());
    let Some(SubjectError::Died(how)) = death else { panic!("{death:?}") };
    assert!(how.contains("exit status 101"), "{how}");
    assert!(how.contains("frames are too much for this node"), "{how}");
    assert!(matches!(network.subjects[0].alive(), Err(SubjectError::Died(_))));
}

fn a_daemon_that_cannot_start_says_why(live: &Live) {
    let Err(error) = live.arm().set_up(&topology("fly", &[1])) else { panic!("it started") };
    assert!(matches!(&error, ArmError::Start { name, .. } if name == "node0"), "{error:?}");
    assert!(error.to_string().contains("no node can fly"), "{error}");
}

fn a_lent_address_serves_ordinary_programs(live: &Live) {
    let mut topology = topology("lend", &[1]);
    let (lent, peer): (Ipv6Addr, Ipv6Addr) =
        ("2001:db8:a::100".parse().unwrap(), "2001:db8:c::c".parse().unwrap());
    topology.nodes[0].lends = Some(lent);
    let mut arm = live.arm();
    let mut network = arm.set_up(&topology).unwrap();
    let arguments = ["-6", "-c", "2", "-i", "0.2", "-W", "5", "2001:db8:c::c"];
    let ping = match arm.command_in("node0", "ping", &arguments) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return not_run("ping is missing: apt-get install iputils-ping");
        }
        other => other.unwrap(),
    };
    for _ in 0..2 {
        let mut packet = next(&mut network).octets.split_off(14);
        assert_eq!(
            (packet[8..24].to_vec(), packet[24..40].to_vec()),
            (lent.octets().to_vec(), peer.octets().to_vec())
        );
        assert_eq!((packet[6], packet[40]), (58, 128), "an Echo Request");
        packet[40] = 129;
        packet[42..44].fill(0);
        let sum = checksum::upper_layer(peer, lent, 58, &packet[40..]);
        packet[42..44].copy_from_slice(&sum.to_be_bytes());
        let mut reply = vec![0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 0xfe, 0x86, 0xdd];
        packet[8..24].copy_from_slice(&peer.octets());
        packet[24..40].copy_from_slice(&lent.octets());
        reply.extend_from_slice(&packet);
        network.link.send(Port(0), &reply).unwrap();
    }
    let output = ping.wait_with_output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("2 received"), "{output:?}");
}

/// An Echo Request and a Neighbor Solicitation to the harness's own link-layer address, and to all:
/// neither end's kernel may say anything of its own.
fn the_kernel_stays_silent(live: &Live) {
    let mut network = set_up(live, &topology("lend", &[1]));
    let until = network.link.now() + Duration::from_millis(1500);
    let mut packet = vec![0x33, 0x33, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 0xfe, 0x86, 0xdd];
    packet.extend_from_slice(&[0x60, 0, 0, 0, 0, 8, 58, 64]);
    packet.extend_from_slice(&"fe80::fe".parse::<Ipv6Addr>().unwrap().octets());
    packet.extend_from_slice(&"ff02::1".parse::<Ipv6Addr>().unwrap().octets());
    let echo = [128, 0, 0, 0, 1, 2, 3, 4];
    packet.extend_from_slice(&echo);
    let sum =
        checksum::upper_layer("fe80::fe".parse().unwrap(), "ff02::1".parse().unwrap(), 58, &echo);
    let at = packet.len() - 6;
    packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    network.link.send(Port(0), &packet).unwrap();
    let heard = network.link.receive(until).unwrap();
    assert_eq!(heard, None, "the link must be silent for a second and a half");
}

/// What a node says by itself in its first second is the same octets in simulated and in real time.
fn both_arms_show_the_same_router(live: &Live) {
    let config = r#"
        [[interface]]
        name = "eth0"
        mac = "02:00:00:00:00:01"
        addresses = ["2001:db8:f1::1/64"]
        advertise = { prefix = "2001:db8:f1::/64", interval_ms = 300 }

        [[interface]]
        name = "eth1"
        mac = "02:00:00:00:00:02"
        addresses = ["2001:db8::f1/64"]
    "#;
    let topology = topology(config, &[2]);
    let said = |network: &mut Network, limit: Duration| {
        let mut said = [Vec::new(), Vec::new()];
        while let Some(arrival) = network.link.receive(limit).unwrap() {
            said[arrival.port.0].push(arrival.octets);
        }
        said
    };
    let simulated = said(&mut LabArm.set_up(&topology).unwrap(), Duration::from_secs(1));
    // The host may be late: what the lab said in a second may take a little longer.
    let real = said(&mut set_up(live, &topology), Duration::from_secs(2));
    for (port, (simulated, real)) in simulated.iter().zip(&real).enumerate() {
        assert!(!simulated.is_empty(), "port {port}: the router says nothing to compare");
        assert_eq!(real.get(..simulated.len()), Some(&simulated[..]), "port {port}");
    }
}

pub(crate) fn set_up(live: &Live, topology: &Topology) -> Network {
    live.arm().set_up(topology).unwrap_or_else(|why| panic!("{why}"))
}

/// A node for each number of interfaces, all of one kind, all on one link.
pub(crate) fn topology(kind: &str, interfaces: &[usize]) -> Topology {
    let nodes = interfaces.iter().enumerate().map(|(node, count)| NodeSpec {
        name: format!("node{node}"),
        role: Role::Router,
        config: kind.to_owned(),
        interfaces: (0..*count)
            .map(|number| InterfaceSpec {
                name: format!("eth{number}"),
                mac: [
                    0x02,
                    0,
                    0,
                    0,
                    u8::try_from(node).unwrap(),
                    u8::try_from(number + 1).unwrap(),
                ],
                link: Some(LinkId(0)),
            })
            .collect(),
        misdeeds: Vec::new(),
        lends: None,
    });
    let prefix = "2001:db8:c::".parse().unwrap();
    let link = LinkSpec { name: "correspondent".to_owned(), prefix };
    Topology { links: vec![link], nodes: nodes.collect(), seed: 5 }
}

fn next(network: &mut Network) -> Arrival {
    let until = network.link.now() + Duration::from_secs(10);
    network.link.receive(until).unwrap().expect("a frame within ten seconds")
}

fn frame(port: usize, number: u16) -> Vec<u8> {
    numbered([0x02, 0, 0, 0, 0, 1], [0x02, 0xfe, 0, 0, 0, u8::try_from(port).unwrap()], number)
}

fn answer(port: usize, number: u16) -> Vec<u8> {
    numbered([0x02, 0xfe, 0, 0, 0, u8::try_from(port).unwrap()], [0x02, 0, 0, 0, 0, 1], number)
}

/// A frame of a local experimental EtherType (IEEE 802) that bears a number.
fn numbered(destination: [u8; 6], source: [u8; 6], number: u16) -> Vec<u8> {
    let mut octets = [destination, source].concat();
    octets.extend_from_slice(&[0x88, 0xb5]);
    octets.extend_from_slice(&number.to_be_bytes());
    octets.resize(60, 0xa5);
    octets
}

fn number_of(arrival: &Arrival) -> u16 {
    u16::from_be_bytes([arrival.octets[14], arrival.octets[15]])
}

/// How soon a frame must be taken that is waited for, on a busy host.
const SOON: Duration = Duration::from_secs(2);
