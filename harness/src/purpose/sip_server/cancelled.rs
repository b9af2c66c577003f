//! A call that its caller cancels while the terminal still optimizes the route (decision D13).

use std::time::Duration;

use roamproof_wire::sip::{Message, Method};

use super::peers::{ANSWER, Peers, SILENCE, Terminal};
use super::registrar::server_alone;
use crate::purpose::Purpose;
use crate::tester::Tester;
use crate::tester::caller::Dialog;
use crate::tester::template::sip_request;
use crate::topology::Role;
use crate::verdict::Stop;

/// RFC 3261 §9.1: no CANCEL before a provisional response.
pub(in crate::purpose) const HOLDS_THE_CANCEL: Purpose = Purpose {
    id: "CL-RO-17/server-holds",
    version: 1,
    title: "The server answers a CANCEL, and holds its own until the terminal's first response",
    verifies: &["CL-RO-17"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(14),
    wants: server_alone,
    body: holds_the_cancel,
};

/// After a 100 nothing is to be waited for.
pub(in crate::purpose) const PASSES_THE_CANCEL_ON: Purpose = Purpose {
    id: "CL-RO-17/server-passes-on",
    version: 1,
    title: "Where the terminal has sent 100, the server sends its CANCEL at once",
    verifies: &["CL-RO-17"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(12),
    wants: server_alone,
    body: passes_the_cancel_on,
};

/// An answer that crosses a CANCEL counts.
pub(in crate::purpose) const PASSES_A_LATE_ANSWER_ON: Purpose = Purpose {
    id: "CL-RO-17/server-late-answer",
    version: 1,
    title: "Where the first response to a cancelled INVITE is a 200, the call can be ended by BYE",
    verifies: &["CL-RO-17"],
    role: Role::SipServer,
    applies: &[],
    triggers: &[],
    waits_max: Duration::from_secs(14),
    wants: server_alone,
    body: passes_a_late_answer_on,
};

/// Timer B less a margin: until then the INVITE waits for its first response.
const PENDING: Duration = Duration::from_secs(20);

/// A call that reached the terminal, which has not responded.
struct Pending {
    peers: Peers,
    one: Terminal,
    invite: Message,
    /// The INVITE as the terminal got it.
    invited: Message,
}

fn holds_the_cancel(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut call = pending(t)?;
    let since = t.bench.now();
    is_cancelled(t, &call)?;

    t.then("it sends no CANCEL to the terminal, which has not responded");
    let cancel = sip_request(Method::Cancel).of_call(&call.invite).by_any_way();
    t.hears_none(&cancel, SILENCE)?;
    call.peers.lives(t)?;
    t.in_time("the first response", since, PENDING)?;

    t.when("the terminal's first response comes, a 180");
    let ringing = call.one.responds(&call.invited, 180, "Ringing");
    call.peers.say(t, call.one.home(), &ringing)?;
    is_ended(t, &call)
}

fn passes_the_cancel_on(t: &mut Tester<'_>) -> Result<(), Stop> {
    let mut call = pending(t)?;
    t.given("the terminal has sent 100");
    let trying = call.one.responds(&call.invited, 100, "Trying");
    call.peers.say(t, call.one.home(), &trying)?;
    call.peers.lives(t)?;
    is_cancelled(t, &call)?;
    is_ended(t, &call)
}

fn passes_a_late_answer_on(t: &mut Tester<'_>) -> Result<(), Stop> {
    let call = pending(t)?;
    is_cancelled(t, &call)?;
    let Pending { peers, one, invite, invited } = call;

    t.when("the terminal's first response comes, a 200");
    peers.say_that(t, one.home(), one.peer.answer(&invited, &one.party))?;

    t.then("the 200 goes to the caller");
    let answer = t.hears(&peers.response(&invite, 200), ANSWER)?;
    let dialog = Dialog::begun(peers.party.address, &invite, &t.sip(answer)?);
    let Some(mut dialog) = dialog else {
        let expected = "an answer with the terminal's tag and contact".to_owned();
        return Err(t.stop(expected, "one without".to_owned(), vec![answer]));
    };
    if dialog.next_hop() != Some(peers.server) {
        // Who does not stay in the path has no more to do with the call.
        return Ok(());
    }
    t.then("the caller's ACK and BYE reach the terminal, and the call is over");
    peers.say(t, peers.party.address, &dialog.acknowledges())?;
    t.hears(&peers.plain(Method::Ack, &invite, &one), ANSWER)?;
    let bye = dialog.request(Method::Bye);
    peers.say(t, peers.party.address, &bye)?;
    let ended = t.hears(&peers.plain(Method::Bye, &invite, &one), ANSWER)?;
    peers.say(t, one.home(), &one.responds(&t.sip(ended)?, 200, "OK"))?;
    t.hears(&peers.response(&bye, 200), ANSWER)?;
    Ok(())
}

fn pending(t: &mut Tester<'_>) -> Result<Pending, Stop> {
    let mut peers = Peers::around(t)?;
    let mut one = Terminal::first(t);
    peers.register(t, &mut one)?;
    t.given("a call has reached the terminal, which says nothing, and the caller has its 100");
    let invite = peers.call(t, &one)?;
    let invited = t.hears(&peers.plain(Method::Invite, &invite, &one), ANSWER)?;
    t.hears(&peers.response(&invite, 100), ANSWER)?;
    let invited = t.sip(invited)?;
    Ok(Pending { peers, one, invite, invited })
}

fn is_cancelled(t: &mut Tester<'_>, call: &Pending) -> Result<(), Stop> {
    t.when("the caller cancels");
    let Some(cancel) = call.peers.caller.cancels(&call.invite) else {
        return Err(t.stop("a CANCEL".to_owned(), "none could be made".to_owned(), vec![]));
    };
    call.peers.say(t, call.peers.party.address, &cancel)?;

    t.then("the server answers the CANCEL");
    t.hears(&call.peers.response(&cancel, 200), ANSWER)?;
    Ok(())
}

/// The server cancels at the terminal, and the caller hears 487.
fn is_ended(t: &mut Tester<'_>, call: &Pending) -> Result<(), Stop> {
    let Pending { peers, one, invite, invited } = call;
    t.then("the server sends its CANCEL to the terminal, on the branch of its INVITE");
    let cancel = peers.plain(Method::Cancel, invite, one).on_branch_of(invited);
    let cancel = t.hears(&cancel, ANSWER)?;
    let cancel = t.sip(cancel)?;
    peers.say(t, one.home(), &one.responds(&cancel, 200, "OK"))?;
    peers.say(t, one.home(), &one.responds(invited, 487, "Request Terminated"))?;

    t.then("the caller hears 487");
    let ended = crate::tester::template::sip_final_response(invite)
        .status_code(487)
        .from(peers.server)
        .to(peers.party.address);
    let ended = t.hears(&ended, ANSWER)?;
    let ack = peers.caller.acknowledgement(invite, &t.sip(ended)?);
    peers.say_that(t, peers.party.address, ack)?;
    Ok(())
}
