//! Attachment, home registration, refresh, refusals, power cycles.

use std::time::Duration;

use roamproof_wire::mobility::{Lifetime, Status};
use rstest::rstest;

use super::world::{On, World};

#[test]
fn first_attachment_registers_at_home_agent_and_server() {
    let mut world = World::new("");
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(20));
    insta::assert_snapshot!(world.tell(), @"
       0 RS
       5 probe 2001:db8:f1::5eff:fe10:a100
    1005 home BU
    1005 home BA
    1010 REGISTER tunnel
    ");
}

#[test]
fn at_home_the_server_alone_is_told() {
    let mut world = World::new("");
    world.plug(On::Home);
    world.run_for(Duration::from_secs(20));
    insta::assert_snapshot!(world.tell(), @"
       0 RS
       5 probe 2001:db8:a::100
    1005 NA
    1005 REGISTER native
    ");
}

#[test]
fn at_home_without_probes_it_registers_at_once() {
    let mut world = World::new("dad_transmits = 0");
    world.plug(On::Home);
    world.run_for(Duration::from_secs(20));
    insta::assert_snapshot!(world.tell(), @"
    0 RS
    5 NA
    5 REGISTER native
    ");
}

#[test]
fn without_an_answer_updates_go_on_with_back_off() {
    let mut world = World::new("");
    world.agent_answers = false;
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(100));
    insta::assert_snapshot!(world.tell(), @"
        0 RS
        5 probe 2001:db8:f1::5eff:fe10:a100
     1005 home BU
     2505 home BU
     5505 home BU
    11505 home BU
    23505 home BU
    47505 home BU
    79505 home BU
    ");
    let numbers: Vec<u16> = world.agent_updates.iter().map(|one| one.sequence.0).collect();
    assert!(numbers.windows(2).all(|two| two[1] == two[0].wrapping_add(1)), "{numbers:?}");
}

#[test]
fn a_binding_is_renewed_before_it_ends() {
    let mut world = World::registered("lifetime = 400", &[]);
    world.note("registered");
    world.run_for(Duration::from_secs(700));
    insta::assert_snapshot!(world.tell(), @"
        0 registered
    336005 home BU
    336005 home BA
    676005 home BU
    676005 home BA
    ");
}

#[rstest]
#[case::prohibited(Status::ADMINISTRATIVELY_PROHIBITED, 3)]
#[case::duplicate(Status::DUPLICATE_ADDRESS_DETECTION_FAILED, 1)]
#[case::wrong_key(Status::MIPV6_AUTH_FAIL, 1)]
fn a_refusal_is_not_asked_again_at_once(#[case] status: Status, #[case] updates: usize) {
    let mut world = World::new("");
    world.agent_status = status;
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(120));
    assert_eq!(world.agent_updates.len(), updates, "{}", world.tell());
    assert!(!world.order().contains("REGISTER"));
}

#[test]
fn a_clock_that_is_off_is_set_by_the_home_agent() {
    let mut world = World::new("");
    world.agent_clock_ahead = Some(Duration::from_secs(3600));
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(5));
    assert!(world.agent_bound.is_some(), "{}", world.tell());
    assert_eq!(world.agent_updates.len(), 2);
}

#[test]
fn a_home_agent_that_knows_a_higher_number_is_followed() {
    let mut world = World::new("");
    world.agent_last = Some(roamproof_wire::mobility::Sequence(0xffff));
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(5));
    let numbers: Vec<u16> = world.agent_updates.iter().map(|one| one.sequence.0).collect();
    assert_eq!(numbers.last(), Some(&0), "{}", world.tell());
    assert!(world.agent_bound.is_some());
}

#[test]
fn a_power_cycle_forgets_everything_but_the_configuration() {
    let mut world = World::registered("", &[]);
    world.command("restart");
    world.run_for(Duration::from_secs(5));
    insta::assert_snapshot!(world.tell(), @"
       0 RS
       5 probe 2001:db8:f1::5eff:fe10:a100
    1005 home BU
    1005 home BA
    1010 REGISTER tunnel
    ");
}

/// The home agent defends the home address for a binding that the terminal knows nothing of.
#[test]
fn a_power_cycle_on_the_home_link_undoes_the_binding_of_before() {
    let mut world = World::registered("", &[]);
    world.plug(On::Home);
    world.command("restart");
    world.run_for(Duration::from_secs(5));
    insta::assert_snapshot!(world.tell(), @"
     0 RS
     0 RS
     5 probe 2001:db8:a::100
    10 home BU 0
    10 home BA
    15 NA
    15 REGISTER native
    ");
    assert_eq!(world.agent_bound, None);
}

#[test]
fn a_home_address_that_a_stranger_has_is_not_taken() {
    let mut world = World::registered("", &[]);
    world.agent_status = Status::NOT_HOME_AGENT_FOR_MOBILE_NODE;
    world.claims_home_address = true;
    world.plug(On::Home);
    world.command("restart");
    world.run_for(Duration::from_secs(60));
    insta::assert_snapshot!(world.tell(), @"
     0 RS
     0 RS
     5 probe 2001:db8:a::100
    10 home BU 0
    10 home BA
    15 probe 2001:db8:a::100
    ");
}

#[test]
fn without_authentication_an_update_has_none() {
    let mut world = World::new("authentication = \"none\"");
    world.authenticated = false;
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(3));
    let update = &world.agent_updates[0];
    assert_eq!(update.mn_ha_authentication(), None);
    assert!(update.lifetime > Lifetime::ZERO && world.agent_bound.is_some());
}

#[test]
fn a_duplicate_care_of_address_is_not_registered() {
    let mut world = World::new("");
    world.claims_first_address = true;
    world.plug(On::Visited1);
    world.run_for(Duration::from_secs(5));
    assert_ne!(world.agent_bound, Some(world.care_of()), "{}", world.tell());
    assert!(world.agent_bound.is_some());
}
