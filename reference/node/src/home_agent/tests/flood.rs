//! Registrations of more mobile nodes than a home agent has room for.

use super::*;
use crate::home_agent::binding_cache::BINDINGS_MAX;
use roamproof_wire::mobility::Status;

/// Found by counting what nodes keep: only bindings that were there already counted towards the bound, so
/// a flood within the second of duplicate address detection went beyond it.
#[test]
fn those_that_wait_for_detection_take_room_too() {
    let open = config("").replace("[home_agent]\n", "[home_agent]\nauthentication = \"none\"\n");
    let mut bench = Bench::plugged("", &[]);
    bench.node = build("home-agent", &open, EPOCH, 5, &[]).unwrap();
    bench.input(Input::Link { interface: Interface(0), up: true });
    bench.drain();
    for number in 0..BINDINGS_MAX + 10 {
        let home = Ipv6Addr::from_bits(HA.to_bits() + 0x1000 + number as u128);
        let update = BindingUpdate {
            acknowledge: true,
            home_registration: true,
            ..BindingUpdate::new(Sequence(7), Lifetime(100))
        };
        let outgoing = Outgoing::new(CARE_OF, HA, protocol::MOBILITY);
        let octets = Message::from(update).to_vec(home, HA);
        bench.receive(&Outgoing { home_address: Some(home), ..outgoing }.to_vec(&octets));
    }
    assert_eq!(refusals(&bench.drain()), 10);
    bench.wait(2000);
    assert_eq!(refusals(&bench.drain()), 0);
    let held = bench.node.held();
    let bindings = held.stores().find(|store| store.what == "bindings").unwrap();
    assert_eq!(bindings.count, BINDINGS_MAX);
}

fn refusals(sent: &[Sent]) -> usize {
    let is_refusal = |sent: &&Sent| {
        matches!(
            Message::parse(&sent.payload),
            Ok(Message::BindingAcknowledgement(answer))
                if answer.status == Status::INSUFFICIENT_RESOURCES
        )
    };
    sent.iter().filter(|sent| sent.protocol == protocol::MOBILITY).filter(is_refusal).count()
}
