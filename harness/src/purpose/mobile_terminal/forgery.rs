//! Forged and misplaced messages while a call waits: nothing that proves nothing lets a response out.

use std::time::Duration;

use roamproof_wire::ipv6::Packet;

use super::super::Purpose;
use super::setting::{ANSWER, SILENCE, terminal_alone, updates};
use super::stage::{Stage, acceptance, before_budget};
use crate::tester::Tester;
use crate::tester::correspondent::Correspondent;
use crate::topology::Role;
use crate::trigger::Trigger;
use crate::verdict::Stop;

/// An acknowledgement that nobody proved ends nothing.
pub(in crate::purpose) const FORGED_ACKNOWLEDGEMENT: Purpose = Purpose {
    id: "CL-RO-15/bad-authenticator",
    version: 1,
    title: "An acknowledgement with a bad authenticator lets no response out",
    verifies: &["CL-RO-15"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: |t| ignores_acknowledgement(t, &BAD_AUTHENTICATOR),
};

/// An acknowledgement of an update that was never sent ends nothing.
pub(in crate::purpose) const ACKNOWLEDGEMENT_OF_ANOTHER: Purpose = Purpose {
    id: "CL-RO-15/sequence-never-sent",
    version: 1,
    title: "An acknowledgement of a sequence number never sent lets no response out",
    verifies: &["CL-RO-15"],
    role: Role::MobileTerminal,
    applies: &[],
    triggers: &[Trigger::Attach],
    waits_max: Duration::from_secs(12),
    wants: terminal_alone,
    body: |t| ignores_acknowledgement(t, &SEQUENCE_NEVER_SENT),
};

/// A wrong acknowledgement, and how the tester's correspondent makes it.
struct Wrong {
    what: &'static str,
    make: fn(&Correspondent, &Packet<'_>) -> Option<Vec<u8>>,
}

const BAD_AUTHENTICATOR: Wrong =
    Wrong { what: "a bad authenticator", make: Correspondent::forges_acknowledgement };
const SEQUENCE_NEVER_SENT: Wrong =
    Wrong { what: "a sequence number never sent", make: Correspondent::acknowledges_another };

fn ignores_acknowledgement(t: &mut Tester<'_>, wrong: &Wrong) -> Result<(), Stop> {
    let stage = Stage::away(t)?;
    let since = t.bench.now();
    let invite = stage.pending(t)?;

    t.when(format!("an acknowledgement comes with {}", wrong.what));
    let update = stage.scene().newest_update(t.plan.cn);
    let correspondent = Correspondent::new(t.plan.cn);
    let acknowledgement = update.and_then(|frame| (wrong.make)(&correspondent, &t.packet(frame)));
    stage.answers(t, acknowledgement)?;

    t.then("it is ignored: no response to the INVITE leaves, by whatever way");
    t.hears_none(&acceptance(t, &invite), SILENCE)?;
    t.in_time("silence", since, before_budget(t))?;
    stage.lives(t, "it is alive and answers OPTIONS meanwhile")?;

    t.given("it asks again, for the route is still not acknowledged");
    t.hears(&updates(t.plan.cn), ANSWER * 3)?;
    t.in_time("an update sent again", since, before_budget(t))?;

    t.when("the genuine acknowledgement comes");
    stage.accepts(t, t.plan.cn)?;

    t.then("a response to the INVITE leaves");
    stage.responds(t, &invite)?;
    Ok(())
}
