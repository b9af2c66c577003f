//! A SIP server that was restarted (claim 10).

use std::time::Duration;

use roamproof_wire::sip::Method;

use super::lookup::Says;
use super::peers::{Peers, Terminal};
use super::registrar::{DIRECT, server_in_direct_mode};
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// Direct mode comes back.
pub(in crate::purpose) const DIRECT_AGAIN: Purpose = Purpose {
    id: "CL-DST-17",
    version: 1,
    title: "After a restart calls reach the home address, and go directly again after a refresh",
    verifies: &["CL-DST-17"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[Trigger::Reset],
    waits_max: Duration::from_secs(17),
    wants: server_in_direct_mode,
    body: direct_again,
};

fn direct_again(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.in_direct_mode(t, &mut one)?;
    t.given("the server is restarted, and the terminal registers again");
    t.restarts()?;
    peers.register(t, &mut one)?;

    t.when("the terminal is called before its home agent has spoken again");
    let invite = peers.call(t, &one)?;

    t.then("the INVITE goes to the home address");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    // A server that has kept what home agents told may go on with it, once it has asked.
    if delivered.queries.is_empty() {
        t.finds(&peers.plain(Method::Invite, &invite, &one), delivered.frame)?;
    }
    t.given("the terminal refuses that call, and it is over");
    peers.refuse(t, &one, &invite, delivered.frame)?;
    peers.notify(t, &mut one)?;

    t.when("the terminal is called after that");
    let invite = peers.call(t, &one)?;

    t.then("the INVITE goes in the tunnel to the care-of address");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)
}
