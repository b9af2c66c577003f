//! What a home agent, as any router, does not pass on.

use super::*;

/// Found by watching what nodes under fuzzing send: a default route fits these addresses too.
#[test]
fn what_is_of_one_link_or_node_stays_there() {
    let mut bench = Bench::plugged("", &[]);
    let mut passes = |source: Ipv6Addr, destination: Ipv6Addr| {
        bench.drain();
        bench.receive(&Outgoing::new(source, destination, protocol::UDP).to_vec(b"8 octets"));
        bench.drain().iter().any(|sent| sent.destination == destination)
    };
    assert!(passes(CARE_OF, CN));
    let stranger = link_local(Mac([0x02, 0x00, 0x5e, 0x77, 0x77, 0x77]));
    for address in [stranger, Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED] {
        assert!(!passes(CARE_OF, address), "to {address}");
        assert!(!passes(address, CN), "from {address}");
    }
    assert!(!passes(HA, CN), "nobody else has an address of its own");
}
