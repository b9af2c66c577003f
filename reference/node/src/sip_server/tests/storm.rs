//! Whatever octets come, the server goes on serving.

use proptest::prelude::*;
use roamproof_wire::mobility::{BindingError, BindingLookup, Lifetime, Message as MobilityMessage};

use super::peers::*;
use super::*;

/// Packets that the server knows well, each in a state in which it matters.
fn known(bench: &mut Bench) -> Vec<Vec<u8>> {
    bench.call("x");
    let [(sent, query)] = &bench.drain_lookups()[..] else { panic!("{}", bench.log) };
    let (sent, query) = (sent.clone(), query.clone());
    bench.reply(&query, CARE_OF);
    let (invite, message) = bench.drain_sip().pop().expect("an INVITE");
    let lookups = [
        BindingLookup::notification(21, HOA, HA, Lifetime(100)),
        BindingLookup::reply(query.transaction, HOA, OTHER_CARE_OF, Lifetime(100)),
        BindingLookup::change(22, HOA, OTHER_CARE_OF, Lifetime(100)),
        BindingLookup::change_gone(23, HOA),
    ];
    let mut packets: Vec<Vec<u8>> =
        lookups.into_iter().map(|one| Saying::new(HA, one).packet(bench.now)).collect();
    let error = MobilityMessage::BindingError(BindingError::unrecognised_mh_type(None));
    packets.push(Outgoing::new(HA, SS, protocol::MOBILITY).to_vec(&error.to_vec(HA, SS)));
    let problem = roamproof_wire::ipv6::Problem { code: 1, pointer: 6 };
    for (about, reason) in [
        (&sent.octets, Reason::ParameterProblem(problem)),
        (&invite.octets, Reason::DestinationUnreachable { code: 3 }),
        (&invite.octets, Reason::PacketTooBig { mtu: 1280 }),
    ] {
        packets.push(roamproof_wire::icmpv6::answer(ROUTER, about, reason).unwrap());
    }
    let payload = udp::datagram(HOA, SS, PORT, PORT, &response(&message, 180));
    packets.push(Outgoing::new(HOA, SS, protocol::UDP).to_vec(&payload));
    packets
}

/// How a packet is spoilt: octets flipped, the rest cut off, checksums made right again or not.
type Spoiling = (usize, Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>, bool);

fn spoilt(packets: &[Vec<u8>], (which, flips, cut, mends): &Spoiling) -> Vec<u8> {
    let mut packet = packets[which % packets.len()].clone();
    for (at, bits) in flips {
        let at = at.index(packet.len());
        packet[at] ^= bits;
    }
    if let Some(cut) = cut {
        packet.truncate(cut.index(packet.len()) + 1);
    }
    if *mends && packet.len() > 48 {
        mend(&mut packet);
    }
    packet
}

/// Makes length and checksum right, so that what is behind them is reached.
fn mend(packet: &mut [u8]) {
    packet[0] = 0x60;
    let length = u16::try_from(packet.len() - 40).unwrap();
    packet[4..6].copy_from_slice(&length.to_be_bytes());
    let at = match packet[6] {
        protocol::MOBILITY => 40 + 4,
        protocol::ICMPV6 => 40 + 2,
        protocol::UDP => 40 + 6,
        _ => return,
    };
    if packet[6] == protocol::UDP {
        packet[44..46].copy_from_slice(&length.to_be_bytes());
    }
    packet[at..at + 2].fill(0);
    let address = |octets: &[u8]| Ipv6Addr::from(<[u8; 16]>::try_from(octets).unwrap());
    let (source, destination) = (address(&packet[8..24]), address(&packet[24..40]));
    let sum = roamproof_wire::checksum::upper_layer(source, destination, packet[6], &packet[40..]);
    packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_call_goes_through_after_any_storm(
        spoilings in prop::collection::vec(any::<Spoiling>(), 1..40)
    ) {
        let mut bench = Bench::notified(&[]);
        let packets = known(&mut bench);
        for spoiling in &spoilings {
            let packet = spoilt(&packets, spoiling);
            bench.receive(&packet);
            bench.wait(7);
        }
        // Longer than any hold, any timer of a call, and the clock skew allowed.
        bench.wait(200_000);
        bench.drain();
        bench.register("mt", HOA);
        bench.say(HA, BindingLookup::notification(31, HOA, HA, Lifetime(100)));
        bench.drain();
        bench.call("y");
        let query = bench.query();
        bench.reply(&query, CARE_OF);
        let now = bench.now.since_start().as_millis();
        prop_assert_eq!(bench.ways(Method::Invite), [(now, tunnel(CARE_OF))], "{}", bench.log);
    }
}
