//! The mobile terminal among scripted peers: what leaves it, in which order and when.

mod world;

use std::time::Duration;

use world::{On, PEER, World};

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
fn a_call_is_answered_after_optimization() {
    let mut world = World::registered("", &[]);
    world.invite("c1", PEER);
    world.run_ms(1000);
    world.request_within("c1", 1, "ACK", "");
    world.run_ms(1000);
    insta::assert_snapshot!(world.tell(), @"
       0 INVITE c1
       5 HoTI tunnel
       5 CoTI native
      10 BU direct
      10 BA 0
      15 180 c1 tunnel
     215 200 c1 tunnel
     715 200 c1 tunnel
    1000 ACK c1
    1005 media direct
    ");
}
