//! Registration with a SIP server (claims 3, 8, 11).

use std::time::Duration;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::sip::{Fields, HeaderName, HostView, Method};

use super::lookup::Says;
use super::peers::{ANSWER, Peers, Terminal, registrar};
use crate::feature::Condition;
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::sip::{Party, SipPeer};
use crate::tester::template::sip_in;
use crate::topology::Role;
use crate::topology::claimed::Wanted;
use crate::verdict::Stop;

/// The contact counts, not where its registration came from.
pub(in crate::purpose) const BINDS_THE_CONTACT: Purpose = Purpose {
    id: "CL-REG-04",
    version: 1,
    title: "An identifier is bound to its Contact, whatever address the REGISTER came from",
    verifies: &["CL-REG-04"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(9),
    wants: server_alone,
    body: binds_the_contact,
};

/// The usual order: the home agent speaks before the terminal.
pub(in crate::purpose) const KEEPS_AN_EARLY_NOTIFICATION: Purpose = Purpose {
    id: "CL-REG-11",
    version: 1,
    title: "A notification that comes before the identifier is registered is kept, and used",
    verifies: &["CL-REG-11"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(10),
    wants: server_in_direct_mode,
    body: keeps_an_early_notification,
};

/// What claims 10 and 11 make of a SIP server.
pub(super) const DIRECT: Condition = Condition { feature: "binding_lookup", is: &["yes"] };
/// Seconds for which the terminal asks to be registered.
const EXPIRES: u32 = 1800;

/// A SIP server of which nothing is wanted but a registrar and a proxy.
pub(super) fn server_alone() -> Wanted {
    Wanted { nodes: vec!["ss"], ..Wanted::default() }
}

/// A SIP server that shares keys with two home agents.
pub(super) fn server_in_direct_mode() -> Wanted {
    Wanted { direct: true, ..server_alone() }
}

fn binds_the_contact(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;
    peers.forget(t, &mut one)?;

    t.when("a REGISTER comes from the care-of address, as its Via says, with the home address in its Contact");
    let elsewhere = Party { address: one.care_of, ..one.party.clone() };
    let registrar = registrar(t)?;
    let mut peer = SipPeer::since(one.care_of, t.unix_time());
    let mut register =
        peer.request(Method::Register, &elsewhere, &one.party.identifier, &registrar);
    register.push(HeaderName::Contact, format!("<{}>", one.party.contact()));
    register.push(HeaderName::Expires, EXPIRES);

    t.then(
        "the server answers 200, to one challenge at most, and names that Contact and its expiry",
    );
    let home = one.home();
    let (answer, answered) = peers.registers(t, &mut peer, &elsewhere, register)?;
    let taken = answer
        .status_code(200)
        .with(format!("with Contact {home} and its expiry"), move |packet| {
            names_contact(packet, HostView::Ipv6(home))
        })
        .from(peers.server)
        .to(one.care_of);
    t.finds(&taken, answered)?;

    t.when("the identifier is called");
    let invite = peers.call(t, &one)?;

    t.then("the INVITE goes to the home address that the Contact names");
    t.hears(&peers.plain(Method::Invite, &invite, &one), ANSWER)?;
    Ok(())
}

fn keeps_an_early_notification(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.notify(t, &mut one)?;
    peers.register(t, &mut one)?;

    t.when("the identifier is called");
    let invite = peers.call(t, &one)?;

    t.then("the INVITE goes in the tunnel to where that home agent says that the terminal is");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)
}

fn names_contact(packet: &Packet<'_>, host: HostView<'_>) -> bool {
    let Some(message) = sip_in(packet) else { return false };
    let header = message.expires().ok().flatten();
    message.contacts().filter_map(Result::ok).any(|contact| {
        let expires = contact.expires().flatten().or(header);
        contact.uri.host == host && expires.is_some_and(|expires| expires > 0)
    })
}
