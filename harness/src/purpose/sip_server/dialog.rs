//! What follows an INVITE in direct mode: responses, ACK, CANCEL, and the dialog (claims 7, 10).

use std::time::Duration;

use roamproof_wire::mobility::Lifetime;
use roamproof_wire::sip::{HeaderName, Message, Method};

use super::lookup::Says;
use super::peers::{ANSWER, Peers, Terminal};
use super::registrar::{DIRECT, server_in_direct_mode};
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::caller::Dialog;
use crate::tester::template::{sip_final_response, sip_request, sip_response};
use crate::topology::Role;
use crate::verdict::Stop;

/// Responses come by the home agent, and go on.
pub(in crate::purpose) const RESPONSES_COME_BACK: Purpose = Purpose {
    id: "CL-DST-13/server",
    version: 1,
    title: "Responses to an INVITE that went in the tunnel go on to the caller",
    verifies: &["CL-DST-13"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(11),
    wants: server_in_direct_mode,
    body: responses_come_back,
};

/// A binding ends.
pub(in crate::purpose) const BINDING_RUN_OUT: Purpose = Purpose {
    id: "CL-DST-02/run-out",
    version: 1,
    title: "A care-of address is not used beyond the lifetime that the home agent told",
    verifies: &["CL-DST-02"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(18),
    wants: server_in_direct_mode,
    body: binding_run_out,
};

/// The ACK of a refusal belongs to its INVITE.
pub(in crate::purpose) const REFUSAL: Purpose = Purpose {
    id: "CL-DST-18/refusal",
    version: 1,
    title: "The ACK to a refusal goes in the tunnel that its INVITE took",
    verifies: &["CL-DST-18"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(11),
    wants: server_in_direct_mode,
    body: refusal,
};

/// So does a CANCEL.
pub(in crate::purpose) const CANCEL: Purpose = Purpose {
    id: "CL-DST-18/cancel",
    version: 1,
    title: "A CANCEL goes in the tunnel that its INVITE took",
    verifies: &["CL-DST-18"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(13),
    wants: server_in_direct_mode,
    body: cancel,
};

/// A dialog outlives a handover.
pub(in crate::purpose) const REQUESTS_IN_THE_DIALOG: Purpose = Purpose {
    id: "CL-DST-18/in-dialog",
    version: 1,
    title: "Requests in a dialog go in the tunnel to where the terminal is now",
    verifies: &["CL-DST-18"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(16),
    wants: server_in_direct_mode,
    body: requests_in_the_dialog,
};

/// The terminal is answered.
pub(in crate::purpose) const RESPONSES_TO_THE_TERMINAL: Purpose = Purpose {
    id: "CL-DST-18/responses",
    version: 1,
    title: "Responses to what the terminal asks reach it, whichever way they take",
    verifies: &["CL-DST-18"],
    role: Role::SipServer,
    applies: &[DIRECT],
    triggers: &[],
    waits_max: Duration::from_secs(13),
    wants: server_in_direct_mode,
    body: responses_to_the_terminal,
};

/// A call in the tunnel: the caller's INVITE, and the same as the terminal got it.
struct Call {
    peers: Peers,
    one: Terminal,
    invite: Message,
    delivered: usize,
}

fn responses_come_back(t: &mut Tester<'_>) -> Result<(), Stop> {
    let Call { peers, one, invite, delivered } = tunnelled(t, Says::CareOf)?;
    let invited = t.sip(delivered)?;

    t.when("the terminal rings, and its response comes by its home agent");
    peers.say(t, one.home(), &one.responds(&invited, 180, "Ringing"))?;
    t.then("the 180 goes to the caller");
    t.hears(&peers.response(&invite, 180), ANSWER)?;

    t.when("the terminal answers");
    peers.say_that(t, one.home(), one.peer.answer(&invited, &one.party))?;
    t.then("the 200 goes to the caller");
    t.hears(&peers.response(&invite, 200), ANSWER)?;
    Ok(())
}

fn binding_run_out(t: &mut Tester<'_>) -> Result<(), Stop> {
    let lifetime = Lifetime(1);
    let call = tunnelled(t, Says::CareOfFor(lifetime))?;
    let Some((peers, one, invite, mut dialog)) = answered(t, call)? else { return Ok(()) };
    t.given("the lifetime is over that the home agent told");
    t.lets_pass(lifetime.duration() + ANSWER)?;

    t.when("the caller hangs up, and the home agent says nothing more");
    let bye = dialog.request(Method::Bye);
    peers.say(t, peers.party.address, &bye)?;

    t.then("the BYE goes plainly to the home address");
    let delivered = peers.deliver(t, &one, Method::Bye, &invite, Says::Nothing)?;
    t.finds(&peers.plain(Method::Bye, &invite, &one), delivered.frame)?;
    hangs_up(t, &peers, &one, &bye, delivered.frame)
}

fn refusal(t: &mut Tester<'_>) -> Result<(), Stop> {
    let Call { peers, one, invite, delivered } = tunnelled(t, Says::CareOf)?;
    let invited = t.sip(delivered)?;

    t.when("the terminal refuses the call");
    peers.say(t, one.home(), &one.responds(&invited, 486, "Busy Here"))?;

    t.then("the server's ACK goes in the same tunnel, on the branch of its INVITE");
    let ack = peers.tunnelled(Method::Ack, &invite, &one).on_branch_of(&invited);
    t.hears(&ack, ANSWER)?;
    t.then("and the caller hears the refusal");
    t.hears(&peers.response(&invite, 486), ANSWER)?;
    Ok(())
}

fn cancel(t: &mut Tester<'_>) -> Result<(), Stop> {
    let Call { peers, one, invite, delivered } = tunnelled(t, Says::CareOf)?;
    let invited = t.sip(delivered)?;
    t.given("the terminal rings");
    peers.say(t, one.home(), &one.responds(&invited, 180, "Ringing"))?;
    t.hears(&peers.response(&invite, 180), ANSWER)?;

    t.when("the caller cancels");
    let cancel = peers.caller.cancels(&invite);
    peers.say_that(t, peers.party.address, cancel)?;

    t.then("the server's CANCEL goes in the same tunnel, on the branch of its INVITE");
    let cancel = peers.tunnelled(Method::Cancel, &invite, &one).on_branch_of(&invited);
    let cancel = t.hears(&cancel, ANSWER)?;
    let cancel = t.sip(cancel)?;
    peers.say(t, one.home(), &one.responds(&cancel, 200, "OK"))?;
    peers.say(t, one.home(), &one.responds(&invited, 487, "Request Terminated"))?;

    t.then("so does its ACK, and the caller hears that the call is over");
    let ack = peers.tunnelled(Method::Ack, &invite, &one).on_branch_of(&invited);
    t.hears(&ack, ANSWER)?;
    let ended = sip_final_response(&invite).status_code(487);
    t.hears(&ended.from(peers.server).to(peers.party.address), ANSWER)?;
    Ok(())
}

fn requests_in_the_dialog(t: &mut Tester<'_>) -> Result<(), Stop> {
    let call = tunnelled(t, Says::CareOf)?;
    let Some((peers, mut one, invite, mut dialog)) = answered(t, call)? else { return Ok(()) };
    t.when("the terminal moves, its home agent tells so, and the caller sends a re-INVITE");
    one.moves(t);
    peers.tells_change(t, &mut one)?;
    let again = dialog.offers(&invite);
    peers.say(t, peers.party.address, &again)?;

    t.then("the re-INVITE goes in the tunnel to where the terminal is now");
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)?;
    let asked = t.sip(delivered.frame)?;
    peers.say_that(t, one.home(), one.peer.answer(&asked, &one.party))?;
    t.hears(&peers.response(&again, 200), ANSWER)?;
    t.then("so do its ACK and a BYE");
    peers.say(t, peers.party.address, &dialog.acknowledges())?;
    t.hears(&peers.tunnelled(Method::Ack, &invite, &one), ANSWER)?;
    let bye = dialog.request(Method::Bye);
    peers.say(t, peers.party.address, &bye)?;
    let delivered = peers.deliver(t, &one, Method::Bye, &invite, Says::CareOf)?;
    t.finds(&peers.tunnelled(Method::Bye, &invite, &one), delivered.frame)?;
    hangs_up(t, &peers, &one, &bye, delivered.frame)
}

fn responses_to_the_terminal(t: &mut Tester<'_>) -> Result<(), Stop> {
    let Call { peers, mut one, invite, delivered } = tunnelled(t, Says::CareOf)?;
    t.given("the terminal refuses that call, and it is over");
    peers.refuse(t, &one, &invite, delivered)?;

    t.when("the terminal registers again");
    let registrar = super::peers::registrar(t)?;
    let mut register = one.peer.register(&one.party, &registrar);
    register.replace(HeaderName::Contact, format!("<{}>", one.party.contact()));
    peers.say(t, one.home(), &register)?;

    t.then("the response reaches it at its home address, or in the tunnel");
    let home = one.home();
    let taken = sip_response(&register).status_code(200).from(peers.server).to(home).by_any_way();
    let heard = t.hears(&taken, ANSWER)?;
    let to = t.packet(heard).header.destination;
    if to != home && to != one.care_of {
        let expected = format!("to {home} or {}", one.care_of);
        return Err(t.stop(expected, format!("to {to}"), vec![heard]));
    }
    Ok(())
}

/// A call that goes into the tunnel.
fn tunnelled(t: &mut Tester<'_>, says: Says) -> Result<Call, Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;
    peers.notify(t, &mut one)?;
    t.given("a call goes in the tunnel to the care-of address");
    let invite = peers.call(t, &one)?;
    let delivered = peers.deliver(t, &one, Method::Invite, &invite, says)?;
    t.finds(&peers.tunnelled(Method::Invite, &invite, &one), delivered.frame)?;
    Ok(Call { peers, one, invite, delivered: delivered.frame })
}

/// The call is answered; `None` where the server does not stay in the path, and has no more to do
/// with it.
fn answered(
    t: &mut Tester<'_>,
    call: Call,
) -> Result<Option<(Peers, Terminal, Message, Dialog)>, Stop> {
    let Call { peers, one, invite, delivered } = call;
    t.given("the terminal answers, and the caller acknowledges");
    let invited = t.sip(delivered)?;
    peers.say_that(t, one.home(), one.peer.answer(&invited, &one.party))?;
    let answer = t.hears(&peers.response(&invite, 200), ANSWER)?;
    let dialog = Dialog::begun(peers.party.address, &invite, &t.sip(answer)?);
    let Some(dialog) = dialog else {
        let expected = "an answer with the terminal's tag and contact".to_owned();
        return Err(t.stop(expected, "one without".to_owned(), vec![answer]));
    };
    if dialog.next_hop() != Some(peers.server) {
        return Ok(None);
    }
    peers.say(t, peers.party.address, &dialog.acknowledges())?;
    t.hears(&sip_request(Method::Ack).of_call(&invite).by_any_way(), ANSWER)?;
    Ok(Some((peers, one, invite, dialog)))
}

fn hangs_up(
    t: &mut Tester<'_>,
    peers: &Peers,
    one: &Terminal,
    bye: &Message,
    delivered: usize,
) -> Result<(), Stop> {
    t.then("the terminal's answer to the BYE comes to the caller");
    let ended = one.responds(&t.sip(delivered)?, 200, "OK");
    peers.say(t, one.home(), &ended)?;
    t.hears(&peers.response(bye, 200), ANSWER)?;
    Ok(())
}
