//! ICMPv6 messages: neighbour and listener discovery, home agent and prefix discovery, errors, echo.

use std::net::Ipv6Addr;

use fastrand::Rng;
use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{
    Echo, HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest, HomeAgentInformation, Message,
    MldReport, MobilePrefixAdvertisement, MobilePrefixSolicitation, MulticastRecord,
    NeighbourAdvertisement, NeighbourOption, NeighbourSolicitation, Preference, PrefixInformation,
    RecordKind, RouterAdvertisement, RouterSolicitation, finish,
};

use crate::random;

/// The addresses under the checksum of a message that comes without a packet.
const SOURCE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456);
const DESTINATION: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Any message.
pub(crate) fn make(random: &mut Rng) -> Vec<u8> {
    let written = |message: Message<'_>| {
        let mut octets = vec![0; message.buffer_len()];
        message.emit(SOURCE, DESTINATION, &mut octets);
        octets
    };
    let data = random::some_octets(random, 40);
    let body = [&[0; 4][..], &data].concat();
    let identifier = random.u16(..);
    written(match random.u8(..12) {
        0 => Message::Echo(Echo {
            reply: random.bool(),
            identifier,
            sequence: random.u16(..),
            data: &data,
        }),
        1 => Message::RouterSolicitation(RouterSolicitation { source_link_layer: mac(random) }),
        2 | 3 => Message::RouterAdvertisement(router_advertisement(random)),
        4 => Message::NeighbourSolicitation(NeighbourSolicitation {
            target: unicast(random),
            source_link_layer: mac(random),
        }),
        5 => Message::NeighbourAdvertisement(NeighbourAdvertisement {
            router: random.bool(),
            solicited: random.bool(),
            overrides: random.bool(),
            target: unicast(random),
            target_link_layer: mac(random),
        }),
        6 => Message::MldReport(MldReport { records: records(random) }),
        7 => Message::HomeAgentDiscoveryRequest(HomeAgentDiscoveryRequest { identifier }),
        8 => {
            let home_agents = (0..random.u8(..4)).map(|_| unicast(random)).collect();
            Message::HomeAgentDiscoveryReply(HomeAgentDiscoveryReply { identifier, home_agents })
        }
        9 => Message::MobilePrefixSolicitation(MobilePrefixSolicitation { identifier }),
        10 => Message::MobilePrefixAdvertisement(MobilePrefixAdvertisement {
            identifier,
            managed: random.bool(),
            other: random.bool(),
            options: options(random),
        }),
        _ => Message::Other { kind: random.u8(1..5), code: random.u8(..5), body: &body },
    })
}

/// One edit of a field, or of an option: they are units of eight octets.
pub(crate) fn edit(octets: &mut Vec<u8>, random: &mut Rng) {
    let fixed = fixed_part(octets);
    if octets.len() < fixed + 8 || random.u8(..3) == 0 {
        return put_field(octets, random);
    }
    let at = fixed + random.usize(..(octets.len() - fixed) / 8) * 8;
    match random.u8(..5) {
        0 => octets[at] = random.u8(..10),
        1 => octets[at + 1] = random.u8(..6),
        2 => {
            let again = octets[at..at + 8].to_vec();
            octets.splice(at..at, again);
        }
        3 => drop(octets.drain(at..at + 8)),
        _ => random::flip(octets, random),
    }
}

/// The checksum is right.
pub(crate) fn mend(octets: &mut [u8]) {
    sum(octets, SOURCE, DESTINATION);
}

/// Puts the checksum right for a packet between these.
pub(crate) fn sum(octets: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr) {
    if octets.len() >= 4 {
        finish(source, destination, octets);
    }
}

/// Types, and options as they stand in a message.
pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let kinds = [1_u8, 2, 3, 4, 128, 129, 130, 133, 134, 135, 136, 137, 143, 144, 145, 146, 147];
    let mut tokens: Vec<Vec<u8>> = kinds.map(|kind| vec![kind, 0]).to_vec();
    tokens.extend([1, 2, 3, 4, 5, 7, 8].map(|kind| vec![kind, if kind == 3 { 4 } else { 1 }]));
    tokens.push(vec![3, 4, 64, 0xe0]);
    tokens.push(vec![8, 1, 0, 0]);
    tokens
}

fn router_advertisement(random: &mut Rng) -> RouterAdvertisement {
    RouterAdvertisement {
        hop_limit: random.u8(..),
        managed: random.bool(),
        other: random.bool(),
        home_agent: random.bool(),
        preference: random
            .choice([Preference::Low, Preference::Medium, Preference::High])
            .expect("there are some"),
        router_lifetime: u16::from_be_bytes(random::octets(random)),
        reachable_time: u32::from_be_bytes(random::octets(random)),
        retrans_timer: u32::from_be_bytes(random::octets(random)),
        options: options(random),
    }
}

fn options(random: &mut Rng) -> Vec<NeighbourOption> {
    let count = random.u8(..5);
    (0..count).map(|_| option(random)).collect()
}

fn option(random: &mut Rng) -> NeighbourOption {
    match random.u8(..7) {
        0 => NeighbourOption::SourceLinkLayer(Mac(random::octets(random))),
        1 => NeighbourOption::TargetLinkLayer(Mac(random::octets(random))),
        2 => NeighbourOption::Prefix(PrefixInformation {
            prefix_length: random.choice([64, 0, 128, 63]).expect("there are some"),
            on_link: random.bool(),
            autonomous: random.bool(),
            router_address: random.bool(),
            valid_lifetime: u32::from_be_bytes(random::octets(random)),
            preferred_lifetime: u32::from_be_bytes(random::octets(random)),
            prefix: random::address(random),
        }),
        3 => NeighbourOption::Mtu(u32::from_be_bytes(random::octets(random))),
        4 => NeighbourOption::AdvertisementInterval(random.u32(..)),
        5 => NeighbourOption::HomeAgent(HomeAgentInformation {
            preference: random.u16(..),
            lifetime: u16::from_be_bytes(random::octets(random)),
        }),
        _ => NeighbourOption::Other { kind: random.u8(100..), data: vec![0x5a; 6] },
    }
}

fn records(random: &mut Rng) -> Vec<MulticastRecord> {
    let count = random.u8(..4);
    let record = |random: &mut Rng| MulticastRecord {
        kind: RecordKind::ChangeToExclude,
        group: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff10, random.u16(..)),
        sources: (0..random.u8(..3)).map(|_| random::address(random)).collect(),
    };
    (0..count).map(|_| record(random)).collect()
}

fn mac(random: &mut Rng) -> Option<Mac> {
    random.bool().then(|| Mac(random::octets(random)))
}

fn unicast(random: &mut Rng) -> Ipv6Addr {
    let address = random::address(random);
    if address.is_multicast() { SOURCE } else { address }
}

/// Octets before the options, by type.
fn fixed_part(octets: &[u8]) -> usize {
    match octets.first() {
        Some(134) => 16,
        Some(135 | 136) => 24,
        Some(137) => 40,
        Some(_) | None => 8,
    }
}

fn put_field(octets: &mut Vec<u8>, random: &mut Rng) {
    let width = random.choice([1, 2, 4]).expect("there are some");
    if octets.len() < 4 + width {
        return random::flip(octets, random);
    }
    let place = random.usize(4..=octets.len() - width) / width * width;
    let number = random::number(random).to_be_bytes();
    octets[place..place + width].copy_from_slice(&number[8 - width..]);
}
