//! Several calls at once: each waits for its own route and for nobody else's.

use std::net::Ipv6Addr;
use std::time::Duration;

use roamproof_wire::sip::{Fields, Message};

use super::super::Purpose;
use super::setting::{CALLER_MEDIA, SILENCE, terminal_alone, tunnelled_home};
use super::stage::{Stage, acceptance, before_budget, by_budget, decision};
use crate::tester::Tester;
use crate::tester::scene::Manners;
use crate::tester::sip::Party;
use crate::tester::template::home_test_init;
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// One route, two calls.
pub(in crate::purpose) const SECOND_CALL: Purpose = Purpose {
    id: "CL-RO-20",
    version: 1,
    title: "A second call from the caller whose first still waits is not answered before the route is there",
    verifies: &["CL-RO-20"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: second_call,
};

/// Fifty routes, fifty calls.
pub(in crate::purpose) const FIFTY_CALLERS: Purpose = Purpose {
    id: "CL-RO-21",
    version: 1,
    title: "Of fifty callers half never answer return routability: the others are answered as if alone",
    verifies: &["CL-RO-21"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(20),
    wants: terminal_alone,
    body: fifty_callers,
};

/// Every other one is silent.
const CALLERS: u16 = 50;
/// MAX_UPDATE_RATE (RFC 6275 §12): messages of a kind to one correspondent in a second.
const RATE_MAX: usize = 3;

fn second_call(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let since = t.bench.now();
    let first = stage.pending(t)?;

    t.when("a second INVITE comes from the same caller");
    let second = stage.invites(t)?;

    t.then("neither is taken up before the caller has acknowledged");
    t.hears_none(&acceptance(t, &second), SILENCE)?;
    t.hears_none(&acceptance(t, &first), Duration::ZERO)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;
    // A telephone with one line refuses the second, which needs no route (decision D2).
    let refused = is_refused(&stage, &second);

    t.when("the caller acknowledges the update");
    stage.accepts(t, t.plan.cn)?;
    t.then("each call gets its response, through the home agent");
    stage.responds(t, &first)?;
    if !refused {
        stage.responds(t, &second)?;
    }
    Ok(())
}

fn fifty_callers(t: &mut Tester<'_>) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let callers: Vec<Party> = (0..CALLERS).map(|number| caller(t, number)).collect();
    let mut invites: Vec<(Ipv6Addr, Message)> = Vec::new();
    for (index, caller) in callers.iter().enumerate() {
        let capable = index % 2 == 1;
        stage.behaves(caller.address, if capable { Manners::CAPABLE } else { Manners::SILENT });
        invites.push((caller.address, stage.invite_of(t, caller)));
    }

    t.when("fifty callers call at once, every other of whom never answers return routability");
    let (since, frame) = (t.bench.now(), t.bench.capture().frames.len());
    for (_, invite) in &invites {
        stage.says(t, invite)?;
    }

    t.then("each caller who answers gets a response, after its own acknowledgement");
    for (address, invite) in invites.iter().skip(1).step_by(2) {
        let left = before_budget(t).saturating_sub(t.bench.now() - since);
        let response = t.hears(&decision(invite), left)?;
        let refused = t.sip(response)?.status().is_some_and(|status| status >= 300);
        let update = stage.scene().newest_update(*address);
        if !refused && update.is_none_or(|update| update > response) {
            let expected = "an update to the caller first".to_owned();
            return Err(t.stop(expected, "a response".to_owned(), vec![response]));
        }
    }

    t.then("no other caller is taken up before the budget, and each gets a response then");
    let early = before_budget(t).saturating_sub(t.bench.now() - since);
    t.lets_pass(early)?;
    for (_, invite) in invites.iter().step_by(2) {
        t.captured_none_since(frame, &acceptance(t, invite))?;
    }
    for (_, invite) in invites.iter().step_by(2) {
        let left = by_budget(t).saturating_sub(t.bench.now() - since);
        t.hears(&decision(invite), left)?;
    }

    t.then("no caller was asked more often than three times a second");
    for caller in &callers {
        is_asked_moderately(t, caller.address, frame)?;
    }
    stage.lives(t, "it is alive and answers OPTIONS afterwards")
}

fn caller(t: &Tester<'_>, number: u16) -> Party {
    let address = t.plan.address("correspondent", 0x5000 + u64::from(number));
    let (name, domain) = (format!("cn{number}"), &t.plan.domain);
    Party { identifier: format!("sip:{name}@{domain}"), address, media: (address, CALLER_MEDIA) }
}

/// RFC 6275 §11.8: not more than MAX_UPDATE_RATE messages in any second.
fn is_asked_moderately(t: &Tester<'_>, caller: Ipv6Addr, since: usize) -> Result<(), Stop> {
    let asked = t.captured_since(since, &tunnelled_home(t, home_test_init(), caller));
    let hasty = asked.windows(RATE_MAX + 1).find(|some| {
        let [first, .., last] = some else { return false };
        t.captured_at(*last) - t.captured_at(*first) < Duration::from_secs(1)
    });
    let Some(hasty) = hasty else { return Ok(()) };
    let expected = format!("at most {RATE_MAX} Home Test Inits a second to {caller}");
    Err(t.stop(expected, format!("{} within a second", hasty.len()), hasty.to_vec()))
}

fn is_refused(stage: &Stage, invite: &Message) -> bool {
    let refuses = |status: u16| status >= 300;
    stage.scene().responses_to(invite).any(|heard| heard.message.status().is_some_and(refuses))
}
