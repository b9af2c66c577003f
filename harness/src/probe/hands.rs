//! What questions to several roles do: find out that the device is there, and whether it takes TCP.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::ethernet::Mac;
use roamproof_wire::icmpv6::{Echo, Message as IcmpMessage};
use roamproof_wire::ipv6::{Outgoing, Packet, protocol};
use roamproof_wire::mobility::Sequence;
use roamproof_wire::sip::DEFAULT_PORT;
use roamproof_wire::tcp::{Flags, TcpView};

use super::Seen;
use crate::tester::stream::Streams;
use crate::tester::template::echo_reply;
use crate::tester::{Station, StationId, Template, Tester};
use crate::topology::claimed::{link_local, mac};
use crate::verdict::Stop;

/// An answer that waits for nothing.
pub(super) const ANSWER: Duration = Duration::from_secs(2);
/// A device that came up may look for neighbours first.
pub(super) const START: Duration = Duration::from_secs(5);
/// Hosts of the correspondent link, from which the tester asks.
const STRANGER: u64 = 0xbeef_000c;

/// The tester's station as the core router on `link`, by its interface's number there.
pub(super) fn core_router(
    t: &mut Tester<'_>,
    link: &str,
    interface: u8,
) -> Result<StationId, Stop> {
    t.station(link, Station::router(Mac(mac(0x01, interface)), [link_local(0x01, interface)]))
}

/// The device answers an echo to `address`: whatever it does not answer, it is there.
pub(super) fn is_there(
    t: &mut Tester<'_>,
    router: StationId,
    address: Ipv6Addr,
    sequence: u16,
) -> Result<(), Stop> {
    let stranger = t.plan.address("backbone", STRANGER);
    t.given("the device answers an echo");
    let echo = Echo { reply: false, identifier: 0x5052, sequence, data: b"are you there?" };
    let outgoing = Outgoing::new(stranger, address, protocol::ICMPV6);
    t.sends(router, &IcmpMessage::Echo(echo).packet(&outgoing))?;
    t.hears(&echo_reply().from(address).to(stranger), START)?;
    Ok(())
}

/// A sequence number for a mobile node's first update: above those of a probing before, by the clock,
/// for the device may remember it (RFC 6275 section 9.5.1).
pub(super) fn sequence(t: &Tester<'_>) -> Sequence {
    let quarters = t.unix_time().as_millis() / 250;
    Sequence(u16::try_from(quarters % (1 << 16)).unwrap_or_default())
}

/// Whether `address` takes a connection to the port of SIP; `carry` brings packets to it.
pub(super) fn takes_tcp(
    t: &mut Tester<'_>,
    router: StationId,
    (from, address): (Ipv6Addr, Ipv6Addr),
    carry: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Seen, Stop> {
    t.when("a TCP connection to the port of SIP is asked for");
    let mut streams = Streams::new(from, SEED);
    let now = t.bench.now();
    streams.connect(now, address);
    for packet in streams.packets() {
        t.answers(router, carry(&packet))?;
    }
    let accepted = segment(address, from, |flags| flags.has(Flags::SYN | Flags::ACK));
    let refused = segment(address, from, |flags| flags.has(Flags::RST));
    Ok(match t.hears_one_of(&[accepted.by_any_way(), refused.by_any_way()], ANSWER)? {
        Some((0, _)) => Seen::value("sip_tcp", "yes", "takes a TCP connection to port 5060"),
        Some(_) => Seen::value("sip_tcp", "no", "refuses TCP connections to port 5060"),
        None => Seen::value("sip_tcp", "no", "answers no TCP connection to port 5060"),
    })
}

fn segment(from: Ipv6Addr, to: Ipv6Addr, is_so: impl Fn(Flags) -> bool + 'static) -> Template {
    Template::new("TCP segment", move |packet: &Packet<'_>| {
        packet.protocol == protocol::TCP
            && (packet.source(), packet.destination()) == (from, to)
            && TcpView::new(packet.payload).is_ok_and(|segment| {
                segment.source_port() == DEFAULT_PORT && is_so(segment.flags())
            })
    })
}

/// Fixes the sequence numbers of the tester's connections.
const SEED: u64 = 0x5052;
