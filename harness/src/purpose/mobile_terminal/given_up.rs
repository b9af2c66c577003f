//! Calls that end before they begin: cancelled by the caller, or refused by the terminal.

use std::time::Duration;

use roamproof_wire::sip::{Fields, HeaderName, Message};

use super::super::Purpose;
use super::setting::{ANSWER, CALLER_MEDIA, SILENCE, terminal_alone, tunnelled_home};
use super::stage::{Stage, acceptance, before_budget, ringing};
use crate::feature::Condition;
use crate::tester::Tester;
use crate::tester::scene::Manners;
use crate::tester::template::{home_test_init, sip_final_response, sip_response};
use crate::topology::Role;
use crate::topology::claimed::Wanted;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// The server holds the CANCEL until the terminal's first response.
pub(in crate::purpose) const CANCELLED_AT_FIRST_RESPONSE: Purpose = Purpose {
    id: "CL-RO-17/held",
    version: 1,
    title: "A CANCEL that comes with the terminal's first response ends the call: 200 and 487",
    verifies: &["CL-RO-17"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(15),
    wants: ringing,
    body: cancelled_at_first_response,
};

/// A terminal that sends 100 can be cancelled while it waits.
pub(in crate::purpose) const CANCELLED_WHILE_PENDING: Purpose = Purpose {
    id: "CL-RO-17/pending",
    version: 1,
    title: "A CANCEL after 100 ends a call that waits for its route, and the optimization for it",
    verifies: &["CL-RO-17"],
    role: Role::MobileTerminal,
    applies: &[Condition { feature: "early_100", is: &["allowed", "required"] }],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(16),
    wants: trying,
    body: cancelled_while_pending,
};

/// Another call needs the same route.
pub(in crate::purpose) const CANCELLED_BESIDE_ANOTHER: Purpose = Purpose {
    id: "CL-RO-17/shared-target",
    version: 1,
    title: "A CANCEL ends no optimization that another waiting call needs",
    verifies: &["CL-RO-17"],
    role: Role::MobileTerminal,
    applies: &[Condition { feature: "early_100", is: &["allowed", "required"] }],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(16),
    wants: trying,
    body: cancelled_beside_another,
};

/// Nothing in common.
pub(in crate::purpose) const NO_COMMON_CODEC: Purpose = Purpose {
    id: "CL-RO-18/no-common-codec",
    version: 1,
    title: "An INVITE whose offer cannot be answered is refused at once, without optimization",
    verifies: &["CL-RO-18"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: |t| is_refused(t, "an offer of an unheard-of codec", no_common_codec),
};

/// An extension that nobody has.
pub(in crate::purpose) const BAD_EXTENSION: Purpose = Purpose {
    id: "CL-RO-18/bad-extension",
    version: 1,
    title: "An INVITE that requires an unknown extension is refused at once, without optimization",
    verifies: &["CL-RO-18"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: |t| is_refused(t, "a requirement of an unheard-of extension", bad_extension),
};

/// The third try of return routability comes 3 s after the first (decision D6).
const TRIES: Duration = Duration::from_millis(3500);

fn trying() -> Wanted {
    Wanted { early_100: "allowed", ..ringing() }
}

fn cancelled_at_first_response(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let invite = stage.pending(t)?;
    t.given("the caller gives up, and the terminal's first response comes once the route is there");
    stage.accepts(t, t.plan.cn)?;
    let mut first = stage.responds(t, &invite)?;
    if t.sip(first)?.status() == Some(100) {
        first = stage.responds(t, &invite)?;
    }
    let response = t.sip(first)?;
    if response.status().is_some_and(|status| status >= 200) {
        return is_hung_up(t, &stage, &invite, &response);
    }

    t.when("the server cancels the call");
    let cancel = stage.scene().server.cancels(&invite);
    let cancel = stage.says_made(t, cancel)?;

    t.then("the CANCEL is answered with 200, and the INVITE with 487");
    ends(t, &invite, &cancel)?;
    acknowledges_refusal(t, &stage, &invite)?;
    stage.lives(t, "it is alive and answers OPTIONS afterwards")
}

/// The first response is a 200 already (decision D13): acknowledged, then hung up.
fn is_hung_up(
    t: &mut Tester<'_>,
    stage: &Stage,
    invite: &Message,
    answer: &Message,
) -> Result<(), Stop> {
    t.when("the server acknowledges the 200 and hangs up");
    stage.confirms(t, invite, answer)?;
    let bye = stage.scene().server.ends(invite, answer);
    let bye = stage.says_made(t, bye)?;
    t.then("the BYE is answered with 200");
    t.hears(&tunnelled_home(t, sip_response(&bye).status_code(200), t.plan.ss), ANSWER)?;
    stage.lives(t, "it is alive and answers OPTIONS afterwards")
}

fn cancelled_while_pending(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    t.given("an INVITE comes, the caller does not answer its tests, and a 100 leaves");
    stage.behaves(t.plan.cn, Manners::SILENT);
    let invite = stage.invites(t)?;
    t.hears(&tunnelled_home(t, home_test_init(), t.plan.cn), ANSWER)?;
    let trying = sip_response(&invite).status_code(100);
    t.hears(&tunnelled_home(t, trying, t.plan.ss), ANSWER)?;
    // Both tests of the first try are on their way; the second comes after a second.
    t.lets_pass(ANSWER / 4)?;

    t.when("the caller cancels");
    let cancel = stage.scene().server.cancels(&invite);
    let cancel = stage.says_made(t, cancel)?;

    t.then("the CANCEL is answered with 200, and the INVITE with 487");
    ends(t, &invite, &cancel)?;
    acknowledges_refusal(t, &stage, &invite)?;
    t.then("nobody optimizes for a dead call: no further test, no update");
    t.hears_none(&Stage::optimizes(t.plan.cn), TRIES)?;
    stage.lives(t, "it is alive and answers OPTIONS afterwards")
}

fn cancelled_beside_another(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let first = stage.pending(t)?;
    let since = t.bench.now();
    t.given("a second INVITE comes from the same caller, and a 100 leaves");
    let second = stage.invites(t)?;
    let trying = sip_response(&second).status_code(100);
    t.hears(&tunnelled_home(t, trying, t.plan.ss), ANSWER)?;

    t.when("the caller cancels the first");
    let cancel = stage.scene().server.cancels(&first);
    let cancel = stage.says_made(t, cancel)?;

    t.then("the first ends, and the second still waits for the route");
    ends(t, &first, &cancel)?;
    acknowledges_refusal(t, &stage, &first)?;
    t.hears_none(&acceptance(t, &second), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.when("the caller acknowledges the update");
    stage.accepts(t, t.plan.cn)?;
    t.then("a response to the second leaves");
    stage.responds(t, &second)?;
    Ok(())
}

fn ends(t: &mut Tester<'_>, invite: &Message, cancel: &Message) -> Result<(), Stop> {
    t.hears(&tunnelled_home(t, sip_response(cancel).status_code(200), t.plan.ss), ANSWER)?;
    let ended = sip_final_response(invite).status_code(487);
    t.hears(&tunnelled_home(t, ended, t.plan.ss), ANSWER)?;
    Ok(())
}

fn acknowledges_refusal(t: &mut Tester<'_>, stage: &Stage, invite: &Message) -> Result<(), Stop> {
    let refusal = stage.scene().responses_to(invite).last().map(|heard| heard.message.clone());
    let ack = refusal.and_then(|refusal| stage.scene().server.acknowledgement(invite, &refusal));
    stage.says_made(t, ack).map(drop)
}

fn is_refused(t: &mut Tester<'_>, what: &str, spoil: fn(&mut Message)) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let mut invite = stage.invite_of(t, &t.plan.cn(CALLER_MEDIA));
    spoil(&mut invite);

    t.when(format!("an INVITE comes with {what}"));
    stage.says(t, &invite)?;

    t.then("it is refused at once, and nobody is asked for a route");
    let refused = tunnelled_home(t, sip_final_response(&invite), t.plan.ss);
    let refusal = t.hears_before(&refused, &Stage::optimizes(t.plan.cn), ANSWER)?;
    if t.sip(refusal)?.status().is_none_or(|status| status < 300) {
        return Err(t.stop("a refusal".to_owned(), "an acceptance".to_owned(), vec![refusal]));
    }
    t.hears_none(&Stage::optimizes(t.plan.cn), ANSWER)?;
    stage.lives(t, "it is alive and answers OPTIONS afterwards")
}

fn no_common_codec(invite: &mut Message) {
    let body = String::from_utf8_lossy(invite.body()).into_owned();
    let body = body
        .replace("RTP/AVP 0 8", "RTP/AVP 97")
        .replace("a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000", "a=rtpmap:97 X-UNHEARD-OF/8000");
    invite.set_body("application/sdp", body.into_bytes());
}

fn bad_extension(invite: &mut Message) {
    invite.push(HeaderName::Require, "x-unheard-of");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::tester::sip::SipPeer;
    use roamproof_wire::ethernet::Mac;
    use roamproof_wire::sip::{Method, Uri};

    #[test]
    fn the_offer_of_an_unheard_of_codec_is_an_offer_of_nothing_else() {
        let plan = Plan::claimed(Mac([2, 0, 0, 0, 0, 1]));
        let contact = Uri::parse("sip:mt@[2001:db8:a::100]").unwrap();
        let mut invite =
            SipPeer::new(plan.ss).invite(&plan.cn(40_000), &plan.mt_identifier, &contact);
        no_common_codec(&mut invite);
        let body = String::from_utf8_lossy(invite.body()).into_owned();
        assert!(body.contains("m=audio 40000 RTP/AVP 97\r\na=rtpmap:97 X-UNHEARD-OF/8000\r\n"));
        assert_eq!(invite.method(), Some(Method::Invite));
    }
}
