//! The way of an INVITE and of its responses through a SIP server (claims 7 to 9).

use std::time::Duration;

use roamproof_wire::ipv6::Packet;
use roamproof_wire::sip::{Fields, HeaderName, Message, Method};

use super::peers::{ANSWER, Peers, Terminal, uri};
use super::registrar::server_alone;
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::template::{sip_in, sip_response};
use crate::topology::Role;
use crate::verdict::Stop;

/// Interception needs a plain packet to the home address.
pub(in crate::purpose) const INVITE_TO_THE_HOME_ADDRESS: Purpose = Purpose {
    id: "CL-INT-01",
    version: 1,
    title: "An INVITE for an identifier leaves as a plain packet to the home address",
    verifies: &["CL-INT-01"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(8),
    wants: server_alone,
    body: invite_to_the_home_address,
};

/// A response comes back whole.
pub(in crate::purpose) const RESPONSE_BY_THE_VIA: Purpose = Purpose {
    id: "CL-INT-10",
    version: 1,
    title: "A response goes to the caller without the server's Via and with all the rest",
    verifies: &["CL-INT-10"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(10),
    wants: server_alone,
    body: response_by_the_via,
};

/// Somebody cares.
pub(in crate::purpose) const TRYING_AT_ONCE: Purpose = Purpose {
    id: "CL-INT-13",
    version: 1,
    title: "The caller hears 100 within 200 ms, whatever the terminal does",
    verifies: &["CL-INT-13"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(9),
    wants: server_alone,
    body: trying_at_once,
};

fn invite_to_the_home_address(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;

    t.when("the caller sends an INVITE for the identifier");
    let invite = peers.call(t, &one)?;

    t.then("it leaves as a plain packet to the home address, its Request-URI the contact");
    let contact = uri(t, &one.party.contact())?;
    let plain = peers.plain(Method::Invite, &invite, &one).requesting(contact);
    t.hears(&plain, ANSWER)?;
    Ok(())
}

fn response_by_the_via(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;
    t.given("a call has reached the terminal");
    let invite = peers.call(t, &one)?;
    let invited = t.hears(&peers.plain(Method::Invite, &invite, &one), ANSWER)?;
    let invited = t.sip(invited)?;

    for (status, reason) in [(180, "Ringing"), (200, "OK")] {
        t.when(format!("the terminal responds {status}"));
        let mut response = one.responds(&invited, status, reason);
        if status == 200 {
            let Some(answer) = one.peer.answer(&invited, &one.party) else {
                let expected = "the offer that was sent".to_owned();
                return Err(t.stop(expected, "another".to_owned(), vec![]));
            };
            response = answer;
        }
        response.push_named("X-Roamproof", "kept as it is");
        response.push(HeaderName::Allow, "INVITE, ACK, BYE, CANCEL, OPTIONS");
        peers.say(t, one.home(), &response)?;

        t.then(format!("the {status} goes to the caller, the server's Via taken off and no more"));
        let whole = sip_response(&invite)
            .status_code(status)
            .with("with every header field and the body as the terminal sent them", move |packet| {
                is_whole(packet, &response)
            })
            .from(peers.server)
            .to(peers.party.address);
        t.hears(&whole.that("that is not 100", is_not_trying), ANSWER)?;
    }
    Ok(())
}

fn trying_at_once(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;

    t.when("the caller sends an INVITE for the identifier, and the terminal says nothing");
    let invite = peers.call(t, &one)?;

    t.then("the caller hears the server's own 100 within 200 ms");
    peers.is_trying(t, &invite)?;

    t.given("the INVITE has reached the terminal all the same, which refuses it");
    let invited = t.hears(&peers.plain(Method::Invite, &invite, &one), ANSWER)?;
    peers.refuse(t, &one, &invite, invited)
}

/// Whether a response is the one that the terminal sent, but for its topmost Via: each kind of field
/// with the same values in the same order, and the same body. A server may rewrite its own
/// Record-Route (RFC 3261 §16.7), not take it away, and it may add fields.
fn is_whole(packet: &Packet<'_>, sent: &Message) -> bool {
    let Some(heard) = sip_in(packet) else { return false };
    let vias = |message: &Message| -> Vec<Vec<u8>> {
        message.elements(HeaderName::Via).map(|via| via.value.to_vec()).collect()
    };
    if heard.body() != sent.body() || vias(&heard) != vias(sent)[1..] {
        return false;
    }
    let routes = |message: &Message| message.elements(HeaderName::RecordRoute).count();
    let kept = |message: &Message, written: &[u8]| -> Vec<Vec<u8>> {
        let same = message.headers().filter(|one| one.written.eq_ignore_ascii_case(written));
        same.map(|one| one.value.to_vec()).collect()
    };
    let others = sent.headers().filter(|one| {
        !matches!(one.name, HeaderName::Via | HeaderName::RecordRoute | HeaderName::ContentLength)
    });
    routes(&heard) >= routes(sent)
        && others.clone().all(|one| kept(&heard, one.written) == kept(sent, one.written))
}

fn is_not_trying(packet: &Packet<'_>) -> bool {
    sip_in(packet).and_then(|message| message.status()).is_some_and(|status| status > 100)
}
